/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP by libcurl, within the rules of design section 5: the one file that knows libcurl. */
#ifndef JWTA_FETCH_HTTP_H
#define JWTA_FETCH_HTTP_H

#include "common/buf.h"

#include <stdint.h>

#define HTTP_FRESHNESS_FLOOR 60
#define HTTP_FRESHNESS_CEILING (24 * 3600)
#define HTTP_FRESHNESS_DEFAULT 3600

struct http;

/* How to reach servers. Texts are borrowed; NULL ca_file: the system's store; NULL proxy: none. */
struct http_options {
    const char *ca_file;
    const char *proxy;
    long milliseconds; /* for all requests together */
};

/* Loads what libcurl will need, before the sandbox closes. NULL: it cannot be initialised. */
struct http *http_open(const struct http_options *options);
void http_close(struct http **http);

struct http_request {
    const char *url; /* one that jwta_url_fault finds nothing wrong with */
    struct jwta_span etag;
    struct jwta_span modified;
    bool no_cache;
};

struct http_answer {
    long status;
    struct jwta_buf body;
    struct jwta_buf etag;
    struct jwta_buf modified;
    uint32_t
        freshness; /* seconds: max-age less Age (RFC 9111 section 4.2), within floor and ceiling */
};

/*
 * One GET. false, with a reason in why, if there is no whole answer: connection, TLS, redirects,
 * size, time. Any status is an answer. Free the answer either way.
 */
JWTA_MUST_USE bool http_get(struct http *http, const struct http_request *request,
                            struct http_answer *answer, struct jwta_why *why);
void http_answer_free(struct http_answer *answer);

#endif
