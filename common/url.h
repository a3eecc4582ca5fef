/* SPDX-License-Identifier: BSD-2-Clause */
/* URLs that are to be asked or compared (RFC 3986): what no configuration or issuer may name. */
#ifndef JWTA_URL_H
#define JWTA_URL_H

#include "common/buf.h"

#define JWTA_URL_MAX 2048 /* bytes */

/* What a URL may have beside a host and a path. */
#define JWTA_URL_QUERY 1U
#define JWTA_URL_PLAIN 2U /* http to any host: a proxy, which sees names only */

/*
 * What is wrong with a URL, as words that follow it or its keyword; NULL if nothing is. It must be
 * https, or http with the host localhost, 127.0.0.1 or [::1]; of printable ASCII, at most
 * JWTA_URL_MAX bytes; without a user or password (RFC 3986 section 3.2.1), by which one host looks
 * like another and which would be sent, and without a fragment.
 */
const char *jwta_url_fault(const char *url, unsigned allowed);

/* Whether a URL in which nothing is wrong is plain http. */
bool jwta_url_is_plain(const char *url);

#endif
