/* SPDX-License-Identifier: BSD-2-Clause */
/* Import of a JWK into OpenSSL, with the checks of its strength. */
#include "common/b64.h"
#include "common/json.h"
#include "common/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 16384
#define SECRET_MIN 32
/* Longer than any member of a key that is accepted: an RSA modulus of 16384 bits. */
#define MEMBER_MAX (RSA_BITS_MAX / 8 + 1)

struct curve {
    const char *crv;       /* RFC 7518 section 6.2.1.1, RFC 8812 section 3.1, RFC 8037 section 2 */
    const char *group;     /* OpenSSL's name of the group, or of the key type for OKP */
    size_t coordinate_len; /* bytes of each coordinate, or of the public key for OKP */
    size_t signature_len;  /* OKP only */
};

static const struct curve ec_curves[] = {
    {"P-256", "prime256v1", 32, 0},
    {"P-384", "secp384r1", 48, 0},
    {"P-521", "secp521r1", 66, 0},
    {"secp256k1", "secp256k1", 32, 0},
};

static const struct curve okp_curves[] = {
    {"Ed25519", "ED25519", 32, 64},
    {"Ed448", "ED448", 57, 114},
};

static const struct curve *curve_find(const struct curve *curves, size_t count,
                                      struct jwta_span crv)
{
    for (size_t i = 0; i < count; i++) {
        if (jwta_span_is(crv, curves[i].crv))
            return &curves[i];
    }
    return NULL;
}

/* Decodes the member `name`, which must be a string of strict base64url, to out[0..max). */
static enum jwta_code member_bytes(const struct jwta_jwk *jwk, const char *name, size_t max,
                                   unsigned char *out, size_t *len, struct jwta_why *why)
{
    struct jwta_span text = {0};
    enum jwta_code code = jwta_json_string(jwk->json, name, JWTA_JWK_MALFORMED, &text, why);

    if (code != JWTA_OK)
        return code;
    if (text.data == NULL)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "%s is absent", name);
    if (JWTA_B64_DECODED(text.len) > max)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "%s is longer than %zu bytes", name, max);
    if (jwta_b64_decode(text, out, len) != JWTA_OK)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "%s is not strict base64url", name);
    return JWTA_OK;
}

/* Makes a public key of the given type from parameters; bad_key is what a refusal means. */
static enum jwta_code public_key(const char *type, OSSL_PARAM *params, enum jwta_code bad_key,
                                 EVP_PKEY **out, struct jwta_why *why)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    enum jwta_code code = JWTA_OK;

    if (context == NULL)
        return jwta_fail(why, JWTA_JWK_KTY, "this OpenSSL does not implement %s", type);
    if (EVP_PKEY_fromdata_init(context) != 1)
        code = jwta_fail(why, JWTA_CRYPTO, "OpenSSL cannot import keys of type %s", type);
    else if (EVP_PKEY_fromdata(context, out, EVP_PKEY_PUBLIC_KEY, params) != 1)
        code = jwta_fail(why, bad_key, "OpenSSL refuses the key");
    EVP_PKEY_CTX_free(context);
    return code;
}

/*
 * The fingerprint of moduli made by Infineon's RSALib (ROCA, CVE-2017-15361): modulo each of
 * these primes they are powers of 65537. A random modulus passes all of them with p ≈ 2^-28.
 */
static bool roca_fingerprint(const BIGNUM *modulus)
{
    static const BN_ULONG primes[] = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                      79, 97, 103, 107, 109, 127, 151, 157};

    for (size_t i = 0; i < sizeof(primes) / sizeof(primes[0]); i++) {
        BN_ULONG rest = BN_mod_word(modulus, primes[i]);
        BN_ULONG power = 1;
        bool found = false;

        do {
            found = found || power == rest;
            power = power * (65537 % primes[i]) % primes[i];
        } while (power != 1);
        if (!found)
            return false;
    }
    return true;
}

static enum jwta_code rsa_strength(const BIGNUM *modulus, const BIGNUM *exponent,
                                   struct jwta_why *why)
{
    int bits = BN_num_bits(modulus);

    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return jwta_fail(why, JWTA_JWK_WEAK, "RSA modulus of %d bits, %d to %d are accepted", bits,
                         RSA_BITS_MIN, RSA_BITS_MAX);
    if (!BN_is_odd(modulus))
        return jwta_fail(why, JWTA_JWK_WEAK, "even RSA modulus");
    if (!BN_is_odd(exponent) || BN_is_one(exponent) || BN_num_bits(exponent) > 64)
        return jwta_fail(why, JWTA_JWK_WEAK, "RSA exponent is 1, even or beyond 64 bits");
    if (roca_fingerprint(modulus))
        return jwta_fail(why, JWTA_JWK_WEAK, "RSA modulus with the ROCA fingerprint");
    return JWTA_OK;
}

/* An unsigned big-endian number as a parameter in the byte order of this machine. */
static OSSL_PARAM number_param(const char *name, unsigned char *bytes, const BIGNUM *number)
{
    int len = BN_num_bytes(number);

    (void)BN_bn2nativepad(number, bytes, len);
    return OSSL_PARAM_construct_BN(name, bytes, (size_t)len);
}

static enum jwta_code import_rsa(const struct jwta_jwk *jwk, struct jwta_key *key,
                                 struct jwta_why *why)
{
    unsigned char n[MEMBER_MAX];
    unsigned char e[MEMBER_MAX];
    size_t n_len = 0;
    size_t e_len = 0;
    BIGNUM *modulus = NULL;
    BIGNUM *exponent = NULL;
    enum jwta_code code = member_bytes(jwk, "n", sizeof(n), n, &n_len, why);

    if (code == JWTA_OK)
        code = member_bytes(jwk, "e", sizeof(e), e, &e_len, why);
    if (code != JWTA_OK)
        return code;
    modulus = BN_bin2bn(n, (int)n_len, NULL);
    exponent = BN_bin2bn(e, (int)e_len, NULL);
    if (modulus == NULL || exponent == NULL)
        code = jwta_fail(why, JWTA_MEMORY, "out of memory");
    if (code == JWTA_OK)
        code = rsa_strength(modulus, exponent, why);
    if (code == JWTA_OK) {
        OSSL_PARAM params[] = {number_param(OSSL_PKEY_PARAM_RSA_N, n, modulus),
                               number_param(OSSL_PKEY_PARAM_RSA_E, e, exponent),
                               OSSL_PARAM_construct_end()};

        code = public_key("RSA", params, JWTA_JWK_MALFORMED, &key->pkey, why);
        key->signature_len = (size_t)BN_num_bytes(modulus);
    }
    BN_free(modulus);
    BN_free(exponent);
    return code;
}

/*
 * RFC 7518 section 6.2.1.2: as long as the field, leading zeros included. Some providers leave such
 * zeros out, which spoils one key in 128: whoever runs one is to read which it is.
 */
static enum jwta_code check_coordinate(const struct curve *curve, const char *name, size_t len,
                                       struct jwta_why *why)
{
    if (len == curve->coordinate_len)
        return JWTA_OK;
    return jwta_fail(why, JWTA_JWK_MALFORMED,
                     "%s has %zu bytes; %s needs %zu, leading zeros included "
                     "(RFC 7518 section 6.2.1)",
                     name, len, curve->crv, curve->coordinate_len);
}

static enum jwta_code import_ec(const struct jwta_jwk *jwk, struct jwta_key *key,
                                struct jwta_why *why)
{
    const struct curve *curve =
        curve_find(ec_curves, sizeof(ec_curves) / sizeof(ec_curves[0]), jwk->crv);
    unsigned char point[1 + 2 * 66] = {0x04}; /* uncompressed (SEC 1 section 2.3.3) */
    char group[16];
    size_t x_len = 0;
    size_t y_len = 0;
    enum jwta_code code = JWTA_OK;

    if (curve == NULL)
        return jwta_fail(why, JWTA_JWK_KTY, "the curve is not implemented");
    code = member_bytes(jwk, "x", curve->coordinate_len, point + 1, &x_len, why);
    if (code == JWTA_OK)
        code = member_bytes(jwk, "y", curve->coordinate_len, point + 1 + curve->coordinate_len,
                            &y_len, why);
    if (code == JWTA_OK)
        code = check_coordinate(curve, "x", x_len, why);
    if (code == JWTA_OK)
        code = check_coordinate(curve, "y", y_len, why);
    if (code != JWTA_OK)
        return code;
    key->crv = curve->crv;
    memcpy(group, curve->group, strlen(curve->group) + 1);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
                                                             1 + 2 * curve->coordinate_len),
                           OSSL_PARAM_construct_end()};
    return public_key("EC", params, JWTA_JWK_POINT, &key->pkey, why);
}

/*
 * Keys of small order verify signatures that anybody can make. By their y (RFC 8032 sections 5.1.2
 * and 5.2.2): 0, 1 and -1, and on edwards25519 the two of order 8; an encoding that is not reduced
 * modulo p counts as what it stands for.
 */
static const struct {
    const char *crv;
    const char *prime;
    const char *order_8[2];
} edwards[] = {
    {"Ed25519",
     "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
     {"05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
      "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"}},
    {"Ed448",
     "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     {NULL, NULL}},
};

/* Whether y is one of the points above; code is CRYPTO or MEMORY where that cannot be said. */
static enum jwta_code small_order_at(size_t row, const BIGNUM *encoded, bool *small)
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *prime = NULL;
    BIGNUM *other = NULL;
    BIGNUM *y = BN_new();
    enum jwta_code code = JWTA_MEMORY;

    if (context == NULL || y == NULL || BN_hex2bn(&prime, edwards[row].prime) == 0 ||
        BN_mod(y, encoded, prime, context) != 1 || BN_sub_word(prime, 1) != 1)
        goto out;
    *small = BN_is_zero(y) || BN_is_one(y) || BN_cmp(y, prime) == 0;
    for (size_t i = 0; i < 2 && edwards[row].order_8[i] != NULL; i++) {
        if (BN_hex2bn(&other, edwards[row].order_8[i]) == 0)
            goto out;
        *small = *small || BN_cmp(y, other) == 0;
    }
    code = JWTA_OK;
out:
    BN_free(other);
    BN_free(prime);
    BN_free(y);
    BN_CTX_free(context);
    return code;
}

static enum jwta_code check_order(const struct curve *curve, const unsigned char *public,
                                  size_t len, struct jwta_why *why)
{
    unsigned char y[57] = {0};
    BIGNUM *encoded = NULL;
    bool small = true;
    enum jwta_code code = JWTA_JWK_KTY;

    memcpy(y, public, len);
    y[len - 1] &= 0x7f; /* the sign of x */
    encoded = BN_lebin2bn(y, (int)len, NULL);
    if (encoded == NULL)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    for (size_t row = 0; row < sizeof(edwards) / sizeof(edwards[0]); row++) {
        if (strcmp(edwards[row].crv, curve->crv) == 0)
            code = small_order_at(row, encoded, &small);
    }
    BN_free(encoded);
    if (code != JWTA_OK)
        return jwta_fail(why, code, "the order of the key cannot be checked");
    return small ? jwta_fail(why, JWTA_JWK_WEAK, "a public key of small order") : JWTA_OK;
}

static enum jwta_code import_okp(const struct jwta_jwk *jwk, struct jwta_key *key,
                                 struct jwta_why *why)
{
    const struct curve *curve =
        curve_find(okp_curves, sizeof(okp_curves) / sizeof(okp_curves[0]), jwk->crv);
    unsigned char public[57];
    size_t len = 0;
    enum jwta_code code = JWTA_OK;

    if (curve == NULL)
        return jwta_fail(why, JWTA_JWK_KTY, "the curve is not implemented");
    code = member_bytes(jwk, "x", curve->coordinate_len, public, &len, why);
    if (code != JWTA_OK)
        return code;
    if (len != curve->coordinate_len)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "x has %zu bytes; %s needs %zu", len, curve->crv,
                         curve->coordinate_len);
    code = check_order(curve, public, len, why);
    if (code != JWTA_OK)
        return code;
    key->crv = curve->crv;
    key->signature_len = curve->signature_len;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public, len),
                           OSSL_PARAM_construct_end()};
    return public_key(curve->group, params, JWTA_JWK_POINT, &key->pkey, why);
}

static enum jwta_code import_akp(const struct jwta_jwk *jwk, struct jwta_key *key,
                                 struct jwta_why *why)
{
    unsigned char public[MEMBER_MAX + 1024]; /* ML-DSA-87 has 2592 bytes */
    size_t len = 0;
    enum jwta_code code = member_bytes(jwk, "pub", sizeof(public), public, &len, why);

    if (code != JWTA_OK)
        return code;
    key->only = jwk->alg;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public, len),
                           OSSL_PARAM_construct_end()};
    return public_key(jwk->alg->name, params, JWTA_JWK_MALFORMED, &key->pkey, why);
}

static enum jwta_code import_oct(const struct jwta_jwk *jwk, struct jwta_key *key,
                                 struct jwta_why *why)
{
    struct jwta_span text = {0};
    size_t least = jwk->alg != NULL ? jwk->alg->hash_len : SECRET_MIN;
    enum jwta_code code = jwta_json_string(jwk->json, "k", JWTA_JWK_MALFORMED, &text, why);

    if (code != JWTA_OK)
        return code;
    if (text.data == NULL)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "k is absent");
    if (JWTA_B64_DECODED(text.len) > MEMBER_MAX)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "k is longer than %d bytes", MEMBER_MAX);
    if (jwta_buf_reserve(&key->secret, JWTA_B64_DECODED(text.len) + 1) != JWTA_OK)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    if (jwta_b64_decode(text, (unsigned char *)key->secret.data, &key->secret.len) != JWTA_OK)
        return jwta_fail(why, JWTA_JWK_MALFORMED, "k is not strict base64url");
    if (key->secret.len < least)
        return jwta_fail(why, JWTA_JWK_WEAK, "a secret of %zu bytes, at least %zu are needed",
                         key->secret.len, least);
    return JWTA_OK;
}

enum jwta_code jwta_key_import(const struct jwta_jwk *jwk, struct jwta_key **out,
                               struct jwta_why *why)
{
    static enum jwta_code (*const imports[])(const struct jwta_jwk *, struct jwta_key *,
                                             struct jwta_why *) = {
        [JWTA_KTY_RSA] = import_rsa, [JWTA_KTY_EC] = import_ec,   [JWTA_KTY_OKP] = import_okp,
        [JWTA_KTY_OCT] = import_oct, [JWTA_KTY_AKP] = import_akp,
    };
    struct jwta_key *key = calloc(1, sizeof(*key));
    enum jwta_code code = JWTA_OK;

    if (key == NULL)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    key->kty = jwk->kty;
    (void)ERR_set_mark();
    code = imports[jwk->kty](jwk, key, why);
    (void)ERR_pop_to_mark();
    if (code == JWTA_OK) {
        *out = key;
        key = NULL;
    }
    jwta_key_free(&key);
    return code;
}

void jwta_key_free(struct jwta_key **key)
{
    if (*key == NULL)
        return;
    for (size_t i = 0; i < JWTA_KEY_CONTEXTS; i++) {
        struct jwta_key_context *context = (*key)->kept[i];

        jwta_key_context_free(&context);
    }
    EVP_PKEY_free((*key)->pkey);
    jwta_buf_free(&(*key)->secret);
    free(*key);
    *key = NULL;
}

void jwta_key_context_free(struct jwta_key_context **context)
{
    if (*context == NULL)
        return;
    EVP_MD_free((*context)->hash);
    EVP_MD_CTX_free((*context)->digest);
    EVP_PKEY_CTX_free((*context)->verify);
    EVP_MAC_CTX_free((*context)->mac);
    free(*context);
    *context = NULL;
}
