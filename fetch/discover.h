/* SPDX-License-Identifier: BSD-2-Clause */
/* An issuer's key set: metadata (OpenID Connect Discovery, RFC 8414) where configured, then JWKS.
 */
#ifndef JWTA_FETCH_DISCOVER_H
#define JWTA_FETCH_DISCOVER_H

#include "common/conf.h"
#include "common/message.h"
#include "fetch/http.h"

/*
 * The well-known locations of an issuer's metadata, in the order in which they are asked: OpenID
 * Connect Discovery section 4 (appended), then RFC 8414 section 3.1 (inserted before the path).
 * index from 0; false past the last; true with a URL that the caller frees, or NULL: out of memory.
 */
bool metadata_location(const char *issuer, unsigned index, char **url);

/*
 * jwks_uri of a metadata document, if its `issuer` equals issuer byte for byte (RFC 8414
 * section 3.3); NULL with the reason in why. The caller frees it.
 */
char *metadata_jwks_uri(struct jwta_span document, const char *issuer, struct jwta_why *why);

/* Fetches what the request asks for; the reply borrows from *answer and *uri, which are the
 * caller's to free. */
void fetch_keys(struct http *http, const struct jwta_issuer *issuer,
                const struct jwta_fetch_request *request, struct http_answer *answer, char **uri,
                struct jwta_fetch_reply *reply, struct jwta_why *why);

#endif
