/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reason codes. Every way in which a token, a key, a file or the configuration can fail has
 * one code, every code has one class, and hosts (PAM, SASL, the command line) map classes only.
 *
 * The names are the `reason=` values of the audit log and are documented in jwtauth(8).
 */
#ifndef JWTA_ERR_H
#define JWTA_ERR_H

#include <stddef.h>

#define JWTA_MUST_USE __attribute__((warn_unused_result))
#define JWTA_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* What a host needs to know of a code. */
enum jwta_class {
    JWTA_CLASS_OK,
    JWTA_CLASS_DENIED,      /* the credential or the policy says no */
    JWTA_CLASS_UNAVAILABLE, /* something needed to decide cannot be reached; trying later may help
                             */
    JWTA_CLASS_CONFIG,      /* the configuration is missing, unsafe or wrong: denies everyone */
    JWTA_CLASS_INTERNAL     /* out of memory, or the crypto library failed in itself */
};

/* X(symbol, class, name, text). The text completes "denied: …" for an operator. */
#define JWTA_CODES(X)                                                                              \
    X(OK, OK, "ok", "accepted")                                                                    \
    /* bounds and shape of a JWS (RFC 7515 section 7.1) */                                         \
    X(TOO_LARGE, DENIED, "too-large", "the token is longer than 16384 bytes")                      \
    X(NOT_JWT, DENIED, "not-jwt", "not a JWT: three parts of the base64url alphabet are needed")   \
    X(JWE, DENIED, "jwe", "an encrypted token (JWE) is not supported")                             \
    X(BASE64, DENIED, "base64", "a part of the token is not strict base64url")                     \
    X(HEADER_TOO_LARGE, DENIED, "header-too-large",                                                \
      "the token's header is longer than 4096 bytes")                                              \
    /* protected header (RFC 7515 section 4) */                                                    \
    X(HEADER_JSON, DENIED, "header-json", "the token's header is not a JSON object")               \
    X(DUPLICATE_MEMBER, DENIED, "duplicate-member", "a JSON object names a member twice")          \
    X(TOO_DEEP, DENIED, "too-deep", "JSON is nested too deeply")                                   \
    X(HEADER_TYPE, DENIED, "header-type", "a header member has the wrong JSON type")               \
    X(ALG_MISSING, DENIED, "alg-missing", "the header names no algorithm")                         \
    X(ALG_NONE, DENIED, "alg-none", "an unsigned token (alg none) is never accepted")              \
    X(ALG_UNKNOWN, DENIED, "alg-unknown", "the header names an algorithm that is not implemented") \
    X(ALG_NOT_ALLOWED, DENIED, "alg-not-allowed", "the algorithm is not in the issuer's list")     \
    X(CRIT, DENIED, "crit", "the header marks an extension critical that is not implemented")      \
    X(B64_HEADER, DENIED, "b64-header", "an unencoded payload (b64) is not supported")             \
    X(TYP, DENIED, "typ", "the token's type (typ) is not in the issuer's list")                    \
    /* issuer and key */                                                                           \
    X(PAYLOAD_JSON, DENIED, "payload-json", "the token's payload is not a JSON object")            \
    X(ISS_MISSING, DENIED, "iss-missing", "the token names no issuer")                             \
    X(ISS_UNKNOWN, DENIED, "iss-unknown", "the token's issuer is not configured for this service") \
    X(NO_KEY, DENIED, "no-key", "the issuer has no key for this token")                            \
    X(KEY_MISFIT, DENIED, "key-misfit", "the issuer's key of this kid does not fit the algorithm") \
    X(KEY_AMBIGUOUS, DENIED, "key-ambiguous", "several different keys claim this kid")             \
    X(KEY_SET_MIXED, DENIED, "key-set-mixed", "the key set mixes symmetric and asymmetric keys")   \
    X(KEY_TRIES, DENIED, "key-tries", "no kid, and none of the first 8 fitting keys verifies")     \
    X(SIGNATURE_LENGTH, DENIED, "signature-length", "the signature's length does not fit")         \
    X(SIGNATURE, DENIED, "signature", "the signature does not verify")                             \
    /* claims (RFC 7519 section 4.1, RFC 9068) */                                                  \
    X(CLAIM_TYPE, DENIED, "claim-type", "a claim has the wrong JSON type")                         \
    X(EXP_MISSING, DENIED, "exp-missing", "the token has no expiry (exp)")                         \
    X(EXPIRED, DENIED, "expired", "the token has expired")                                         \
    X(NOT_YET_VALID, DENIED, "not-yet-valid", "the token is not valid yet (nbf)")                  \
    X(IAT_MISSING, DENIED, "iat-missing", "max_lifetime is set and the token has no iat")          \
    X(IAT_FUTURE, DENIED, "iat-future", "the token was issued in the future (iat)")                \
    X(LIFETIME, DENIED, "lifetime", "the token lives longer than max_lifetime")                    \
    X(AUD_MISSING, DENIED, "aud-missing", "the token names no audience")                           \
    X(AUDIENCE, DENIED, "audience", "the token is for another audience")                           \
    X(SUB_MISSING, DENIED, "sub-missing", "the token names no subject")                            \
    X(CLIENT_TOKEN, DENIED, "client-token", "a token of a client, no user behind it")              \
    X(SCOPE, DENIED, "scope", "a required scope is absent")                                        \
    X(ACR, DENIED, "acr", "the authentication context (acr) is absent or not accepted")            \
    X(AUTH_TIME_MISSING, DENIED, "auth-time-missing", "max_auth_age is set and auth_time absent")  \
    X(AUTH_TOO_OLD, DENIED, "auth-too-old", "the user authenticated too long ago (auth_time)")     \
    X(AUTH_FUTURE, DENIED, "auth-future", "auth_time lies in the future")                          \
    X(REQUIRE, DENIED, "require", "a required claim is absent or has another value")               \
    /* user and policy */                                                                          \
    X(NO_SERVICE, DENIED, "no-service", "the configuration has no section for this service")       \
    X(USER_CLAIM, DENIED, "user-claim", "a claim that the user name is made of is absent")         \
    X(EMAIL_UNVERIFIED, DENIED, "email-unverified", "the e-mail address is not verified")          \
    X(EMAIL_DOMAIN, DENIED, "email-domain", "the e-mail address is not of the configured domain")  \
    X(USER_MATCH, DENIED, "user-match", "the user name does not match username_match")             \
    X(USER_INVALID, DENIED, "user-invalid", "the mapped name is no valid user name")               \
    X(USER_MISMATCH, DENIED, "user-mismatch", "the token is another user's")                       \
    X(USER_SYSTEM, DENIED, "user-system", "root and system users are refused")                     \
    X(USER_UNKNOWN, DENIED, "user-unknown", "no local user of this name")                          \
    X(NOT_ALLOWED, DENIED, "not-allowed", "no role of the token is allowed here")                  \
    X(PROXY, DENIED, "proxy", "no role of the token may act as another user")                      \
    X(NO_GRANT, DENIED, "no-grant", "no login with a token stands behind this session")            \
    X(OBSERVED, DENIED, "observed", "the service only observes (observe: yes)")                    \
    /* keys out of reach */                                                                        \
    X(KEYS_UNAVAILABLE, UNAVAILABLE, "keys-unavailable", "the issuer's keys cannot be had")        \
    X(USER_UNAVAILABLE, UNAVAILABLE, "user-unavailable", "the user database does not answer")      \
    /* configuration */                                                                            \
    X(CONF_MISSING, CONFIG, "conf-missing", "the configuration cannot be read")                    \
    X(CONF_INSECURE, CONFIG, "conf-insecure", "others could write to the configuration")           \
    X(CONF_INVALID, CONFIG, "conf-invalid", "the configuration has errors")                        \
    X(KEYS_INSECURE, CONFIG, "keys-insecure", "others could write to or read a key file")          \
    /* ours */                                                                                     \
    X(MEMORY, INTERNAL, "memory", "out of memory")                                                 \
    X(CRYPTO, INTERNAL, "crypto", "the crypto library failed")                                     \
    X(INTERNAL, INTERNAL, "internal", "an internal error")                                         \
    /* why a JWK is passed over (RFC 7517 section 5); never the outcome of a login */              \
    X(JWK_MALFORMED, DENIED, "jwk-malformed", "the JWK lacks a member or has one of a wrong form") \
    X(JWK_KTY, DENIED, "jwk-kty", "the JWK's key type or curve is not implemented")                \
    X(JWK_USE, DENIED, "jwk-use", "the JWK is not for signatures (use, key_ops)")                  \
    X(JWK_ALG, DENIED, "jwk-alg", "the JWK's alg is not implemented or does not fit its type")     \
    X(JWK_WEAK, DENIED, "jwk-weak", "the key is too weak")                                         \
    X(JWK_POINT, DENIED, "jwk-point", "the public key is not a point of its curve")

enum jwta_code {
#define X(symbol, class, name, text) JWTA_##symbol,
    JWTA_CODES(X)
#undef X
        JWTA_CODE_COUNT
};

/* The class of a code; an out-of-range code is INTERNAL. */
enum jwta_class jwta_code_class(enum jwta_code code);

/* The stable machine-readable name ("expired"), never NULL. */
const char *jwta_code_name(enum jwta_code code);

/* One English sentence part for an operator, never NULL. */
const char *jwta_code_text(enum jwta_code code);

/* "ok", "denied", "unavailable", "config" or "internal". */
const char *jwta_class_name(enum jwta_class class);

#define JWTA_WHY_MAX 512

/*
 * Why something failed: the code and one line of detail in which everything that came from
 * outside has been quoted (jwta_quote). May be NULL wherever it is a parameter: no detail wanted.
 */
struct jwta_why {
    enum jwta_code code;
    char text[JWTA_WHY_MAX];
};

/* Records code and detail in why (when given) and returns the code, for `return jwta_fail(…)`. */
enum jwta_code jwta_fail(struct jwta_why *why, enum jwta_code code, const char *format, ...)
    JWTA_PRINTF(3, 4);

#endif
