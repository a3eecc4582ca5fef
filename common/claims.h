/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The claims of a token whose signature holds (RFC 7519 section 4.1, RFC 9068 section 4): expiry,
 * times, audience, type, scope, authentication context and age, required claims. Absent is a
 * denial wherever a rule needs the claim; a claim of the wrong JSON type is one always.
 */
#ifndef JWTA_CLAIMS_H
#define JWTA_CLAIMS_H

#include "common/conf.h"
#include "common/jws.h"
#include "common/log.h"

#include <stdint.h>

#define JWTA_PAYLOAD_DEPTH 16

/* What was read. Spans are borrowed from the payload; times are seconds since the epoch. */
struct jwta_claims {
    struct jwta_span subject;   /* sub */
    struct jwta_span client_id; /* client_id, or azp where that is absent */
    struct jwta_span token_id;  /* jti */
    int64_t expires;            /* exp, rounded down */
    int64_t issued_at;          /* iat, rounded up; INT64_MIN: absent */
    int64_t auth_time;          /* rounded down; INT64_MIN: absent */
    struct jwta_where rule;     /* on a denial: the setting that refused, where one did */
};

/*
 * A NumericDate (RFC 7519 section 2): a JSON number, integer or fractional, within the years up
 * to 9999. round_up gives the next full second. Absent (NULL) gives INT64_MIN and OK; CLAIM_TYPE.
 */
JWTA_MUST_USE enum jwta_code jwta_numeric_date(const json_t *value, const char *name, bool round_up,
                                               int64_t *out, struct jwta_why *why);

/*
 * Checks header and payload by the rules of issuer and service at the time now. The denials from
 * TYP to REQUIRE in err.h; *out is written only on success, but for its rule, which a denial sets.
 */
JWTA_MUST_USE enum jwta_code jwta_claims_check(const struct jwta_header *header,
                                               const json_t *payload, const struct jwta_conf *conf,
                                               const struct jwta_issuer *issuer,
                                               const struct jwta_service *service, int64_t now,
                                               const struct jwta_trace *trace,
                                               struct jwta_claims *out, struct jwta_why *why);

#endif
