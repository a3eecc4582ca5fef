/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a host and the fetch helper say to each other over a socket pair: one request, one reply.
 * A message is a version byte, a type byte, the length of what follows, numbered fields each with
 * its length, and a closing mark; then whoever wrote it ends its side (shutdown), and whoever reads
 * takes nothing before that end. Numbers are big-endian. Pure: no descriptor is touched.
 */
#ifndef JWTA_MESSAGE_H
#define JWTA_MESSAGE_H

#include "common/buf.h"
#include "common/url.h"

#include <stdint.h>

#define JWTA_BODY_MAX (1024 * 1024)                /* bytes of a JWKS */
#define JWTA_REQUEST_MAX (16 * 1024)               /* bytes of a whole request */
#define JWTA_REPLY_MAX (JWTA_BODY_MAX + 16 * 1024) /* bytes of a whole reply */
#define JWTA_VALIDATOR_MAX 1024                    /* bytes of an ETag or a Last-Modified */

/* Asks for the keys of a configured issuer. Spans are borrowed; absent ones are left out. */
struct jwta_fetch_request {
    struct jwta_span config; /* absolute path of the configuration */
    struct jwta_span issuer; /* the configuration's name for it */
    struct jwta_span uri;    /* where what the cache holds came from, … */
    struct jwta_span etag;   /* … and its validators (RFC 9110 section 8.8): of that URI alone */
    struct jwta_span modified;
    bool no_cache; /* ask every cache on the way to ask the origin (RFC 9111 section 5.2.1.4) */
};

enum jwta_fetch_status {
    JWTA_FETCH_NEW,       /* body, validators, freshness, uri */
    JWTA_FETCH_UNCHANGED, /* what came from uri, the request's own, is current: validators,
                             freshness */
    JWTA_FETCH_FAILED     /* reason */
};

struct jwta_fetch_reply {
    enum jwta_fetch_status status;
    struct jwta_span body;
    struct jwta_span etag;
    struct jwta_span modified;
    struct jwta_span uri;    /* where the keys came from, after discovery */
    struct jwta_span reason; /* one line for the operator's log */
    uint32_t freshness;      /* seconds, within the floor and ceiling of design section 5 */
};

/* Appends the whole message to out. MEMORY. */
JWTA_MUST_USE enum jwta_code jwta_request_write(const struct jwta_fetch_request *request,
                                                struct jwta_buf *out);
JWTA_MUST_USE enum jwta_code jwta_reply_write(const struct jwta_fetch_reply *reply,
                                              struct jwta_buf *out);

/*
 * Reads a whole message; spans are borrowed from it. false for anything but exactly one whole
 * message of the known version: a wrong type, an unknown or repeated field, a length that does not
 * fit, a missing mark, one byte too many; a validator or a URI longer than the next request may
 * carry.
 */
JWTA_MUST_USE bool jwta_request_read(struct jwta_span message, struct jwta_fetch_request *out);
JWTA_MUST_USE bool jwta_reply_read(struct jwta_span message, struct jwta_fetch_reply *out);

/* Bytes of the message that begins so, once 6 bytes are there; 0 before, or for a bad beginning. */
size_t jwta_message_length(struct jwta_span begun);

#endif
