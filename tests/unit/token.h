/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes keys and tokens for tests, right ones and wrong ones. It shares no code with what is
 * tested: OpenSSL alone makes the bytes. Whatever cannot be made ends the test program.
 *
 * Every string that is returned is the caller's to free().
 */
#ifndef TEST_TOKEN_H
#define TEST_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

struct test_key;

/*
 * A new key for an algorithm: HS256/384/512, RS…, PS… (2048 bits), ES256/384/512, ES256K, EdDSA and
 * Ed25519 (both of that curve), Ed448.
 */
struct test_key *test_key_new(const char *alg);
/* An RSA key of another size, a secret of one's choosing: for RS256 and for alg. */
struct test_key *test_key_rsa(unsigned bits);
struct test_key *test_key_secret(const char *alg, const void *secret, size_t len);
void test_key_free(struct test_key **key);

/* The public JWK as JSON text (of a secret, the secret). kid and alg may be NULL: left out. */
char *test_key_jwk(const struct test_key *key, const char *kid, const char *alg);
/* A JWK set of that one key. */
char *test_key_jwks(const struct test_key *key, const char *kid, const char *alg);
/* The public key in PEM, as used for a secret in algorithm confusion. */
char *test_key_pem(const struct test_key *key);

/*
 * A compact token: the two JSON texts encoded as they are and signed with the key's algorithm,
 * whatever the header says. test_sign_as takes another algorithm of the same key type.
 */
char *test_sign(const struct test_key *key, const char *header, const char *payload);
char *test_sign_as(const struct test_key *key, const char *alg, const char *header,
                   const char *payload);
/* The same for bytes that are no C strings. */
char *test_sign_bytes(const struct test_key *key, const char *alg, const void *header,
                      size_t header_len, const void *payload, size_t payload_len);
/* input, a period and the signature over input, which may be anything. */
char *test_sign_input(const struct test_key *key, const char *alg, const char *input);
/* The same by a PS algorithm with a salt of so many bytes. */
char *test_sign_salt(const struct test_key *key, const char *alg, const char *input, int salt);

/* base64url without padding. */
char *test_b64(const void *bytes, size_t len);
/* As sprintf, to a new string. */
char *test_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
