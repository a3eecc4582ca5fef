/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the hostile tokens of test_hostile*.c are tried: issuers with one key of each algorithm,
 * named by it, and the verdict of the call that every host makes, for user alice and service sshd.
 *
 * https://idp.example has every asymmetric key and algorithm, https://careful.example the same keys
 * and ES256 alone, https://local.example has secrets; https://elsewhere.example serves another
 * service.
 */
#ifndef TEST_HOSTILE_H
#define TEST_HOSTILE_H

#include "tests/unit/check.h"
#include "tests/unit/token.h"

#define HOSTILE_NOW INT64_C(2000000000)
#define ISSUER "\"iss\":\"https://idp.example\""
#define REST "\"sub\":\"alice\",\"aud\":\"ssh\",\"exp\":2000000300"
#define GOOD "{" ISSUER "," REST "}"
#define ES256 "{\"alg\":\"ES256\",\"kid\":\"ES256\"}"

/* Every algorithm that has a key; NULL ends the list. */
extern const char *const hostile_names[];

int hostile_setup(void **state);
int hostile_teardown(void **state);

/* The issuer's key of this name, and keys of an attacker's own. */
struct test_key *hostile_key(const char *name);
struct test_key *hostile_attackers_rsa(void);
struct test_key *hostile_attackers_ec(void);

/* header and payload, signed by the issuer's ES256 key whatever they say. */
char *hostile_issued(const char *header, const char *payload);

/* The reason must be code; OK only where alice is let in. The name is for the message. */
void expect(const char *name, const char *token, enum jwta_code code);
void expect_bytes(const char *name, const char *token, size_t len, enum jwta_code code);
/* The same, and frees token. */
void expect_made(const char *name, char *token, enum jwta_code code);

#endif
