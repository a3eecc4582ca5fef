/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at a token with keys at hand and no configuration (--jwks): never a login, so any
 * issuer string, any readable file and every implemented algorithm will do.
 */
#ifndef JWTA_CLI_LOOKUP_H
#define JWTA_CLI_LOOKUP_H

#include "cli/query.h"

/* A configuration of one issuer and one service made of the options; NULL: out of memory. */
struct jwta_conf *lookup_conf(struct query *query);

/*
 * The user of an accepted token: preferred_username, else sub. Another than --user is a denial.
 */
void lookup_user(const struct query *query, struct jwta_result *result);

/*
 * --signature-only: the JWS against the keys, no claims and no policy. The codes of jws.h and
 * keyset.h, and KEYS_UNAVAILABLE. header (the caller's) is set where it could be read.
 */
JWTA_MUST_USE enum jwta_code lookup_signature(const struct query *query,
                                              struct jwta_header **header, struct jwta_why *why);

#endif
