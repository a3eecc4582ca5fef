/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/alg.h"

#include <string.h>

/* clang-format off */
static const struct jwta_alg algorithms[] = {
    /* name        kind                kty           crv          digest    hash  signature */
    {"HS256",     JWTA_ALG_HMAC,      JWTA_KTY_OCT, NULL,        "SHA256", 32,   32},
    {"HS384",     JWTA_ALG_HMAC,      JWTA_KTY_OCT, NULL,        "SHA384", 48,   48},
    {"HS512",     JWTA_ALG_HMAC,      JWTA_KTY_OCT, NULL,        "SHA512", 64,   64},
    {"RS256",     JWTA_ALG_RSA_PKCS1, JWTA_KTY_RSA, NULL,        "SHA256", 32,   0},
    {"RS384",     JWTA_ALG_RSA_PKCS1, JWTA_KTY_RSA, NULL,        "SHA384", 48,   0},
    {"RS512",     JWTA_ALG_RSA_PKCS1, JWTA_KTY_RSA, NULL,        "SHA512", 64,   0},
    {"PS256",     JWTA_ALG_RSA_PSS,   JWTA_KTY_RSA, NULL,        "SHA256", 32,   0},
    {"PS384",     JWTA_ALG_RSA_PSS,   JWTA_KTY_RSA, NULL,        "SHA384", 48,   0},
    {"PS512",     JWTA_ALG_RSA_PSS,   JWTA_KTY_RSA, NULL,        "SHA512", 64,   0},
    {"ES256",     JWTA_ALG_ECDSA,     JWTA_KTY_EC,  "P-256",     "SHA256", 32,   64},
    {"ES384",     JWTA_ALG_ECDSA,     JWTA_KTY_EC,  "P-384",     "SHA384", 48,   96},
    {"ES512",     JWTA_ALG_ECDSA,     JWTA_KTY_EC,  "P-521",     "SHA512", 64,   132},
    {"ES256K",    JWTA_ALG_ECDSA,     JWTA_KTY_EC,  "secp256k1", "SHA256", 32,   64},
    {"EdDSA",     JWTA_ALG_EDDSA,     JWTA_KTY_OKP, NULL,        NULL,     0,    0},
    {"Ed25519",   JWTA_ALG_EDDSA,     JWTA_KTY_OKP, "Ed25519",   NULL,     0,    64},
    {"Ed448",     JWTA_ALG_EDDSA,     JWTA_KTY_OKP, "Ed448",     NULL,     0,    114},
    {"ML-DSA-44", JWTA_ALG_ML_DSA,    JWTA_KTY_AKP, NULL,        NULL,     0,    2420},
    {"ML-DSA-65", JWTA_ALG_ML_DSA,    JWTA_KTY_AKP, NULL,        NULL,     0,    3309},
    {"ML-DSA-87", JWTA_ALG_ML_DSA,    JWTA_KTY_AKP, NULL,        NULL,     0,    4627},
};
/* clang-format on */

#define COUNT (sizeof(algorithms) / sizeof(algorithms[0]))
_Static_assert(COUNT <= 32, "struct jwta_algs has 32 bits");

const struct jwta_alg *jwta_alg_find(struct jwta_span name)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (jwta_span_is(name, algorithms[i].name))
            return &algorithms[i];
    }
    return NULL;
}

const struct jwta_alg *jwta_alg_at(size_t index)
{
    return index < COUNT ? &algorithms[index] : NULL;
}

static uint32_t bit(const struct jwta_alg *alg)
{
    return UINT32_C(1) << (alg - algorithms);
}

bool jwta_algs_has(struct jwta_algs set, const struct jwta_alg *alg)
{
    return (set.bits & bit(alg)) != 0;
}

struct jwta_algs jwta_algs_add(struct jwta_algs set, const struct jwta_alg *alg)
{
    set.bits |= bit(alg);
    return set;
}

struct jwta_algs jwta_algs_all(void)
{
    struct jwta_algs all = {0};

    for (size_t i = 0; i < COUNT; i++)
        all = jwta_algs_add(all, &algorithms[i]);
    return all;
}
