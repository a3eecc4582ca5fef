/* SPDX-License-Identifier: BSD-2-Clause */
/* A login on rhonabwy: key set from the file, key by kid, signature, expiry, user. No network. */
#include "rival.h"

#include <rhonabwy.h>
#include <string.h>

static bool claims_hold(jwt_t *jwt, const char *user)
{
    const char *name = r_jwt_get_claim_str_value(jwt, "preferred_username");

    return name != NULL && strcmp(name, user) == 0 &&
           r_jwt_validate_claims(jwt, R_JWT_CLAIM_EXP, R_JWT_CLAIM_NOW, R_JWT_CLAIM_NOP) == RHN_OK;
}

bool rival_verify(const char *path, const char *token, const char *user)
{
    jwks_t *jwks = NULL;
    jwt_t *jwt = NULL;
    jwk_t *jwk = NULL;
    json_t *set = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const char *kid = NULL;
    bool good = false;

    if (set == NULL)
        return false;
    if (r_global_init() != RHN_OK || r_jwks_init(&jwks) != RHN_OK || r_jwt_init(&jwt) != RHN_OK ||
        r_jwks_import_from_json_t(jwks, set) != RHN_OK ||
        r_jwt_advanced_parse(jwt, token, R_PARSE_NONE, R_FLAG_IGNORE_REMOTE) != RHN_OK)
        goto out;
    kid = r_jwt_get_header_str_value(jwt, "kid");
    jwk = kid != NULL ? r_jwks_get_by_kid(jwks, kid) : NULL;
    if (jwk != NULL && r_jwt_verify_signature(jwt, jwk, R_FLAG_IGNORE_REMOTE) == RHN_OK)
        good = claims_hold(jwt, user);
out:
    r_jwk_free(jwk);
    r_jwks_free(jwks);
    r_jwt_free(jwt);
    r_global_close();
    json_decref(set);
    return good;
}
