/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/hostile.h"

#include "tests/unit/site.h"

#include <stdlib.h>
#include <string.h>

const char *const hostile_names[] = {
    "HS256", "HS384", "HS512", "RS256",  "RS384", "RS512",   "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "Ed448", NULL,
};

#define NAMES (COUNT_OF(hostile_names) - 1)

static struct test_key *issuers_key[NAMES];
static struct test_key *attackers_rsa;
static struct test_key *attackers_ec;
static struct jwta_verifier *verifier;
static char *folder;

struct test_key *hostile_key(const char *name)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(hostile_names[i], name) == 0)
            return issuers_key[i];
    }
    fail_msg("no key for %s", name);
    return NULL;
}

static char *key_set(bool symmetric)
{
    char *set = test_format("{\"keys\":[");
    char *whole = NULL;
    bool first = true;

    for (size_t i = 0; i < NAMES; i++) {
        char *jwk = NULL;
        char *longer = NULL;

        if ((strncmp(hostile_names[i], "HS", 2) == 0) != symmetric)
            continue;
        jwk = test_key_jwk(issuers_key[i], hostile_names[i], NULL);
        longer = test_format("%s%s%s", set, first ? "" : ",", jwk);
        first = false;
        free(jwk);
        free(set);
        set = longer;
    }
    whole = test_format("%s]}", set);
    free(set);
    return whole;
}

/* All but the secrets'. */
#define ALL \
    "ES256, ES384, ES512, ES256K, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA, Ed25519, Ed448"

int hostile_setup(void **state)
{
    char *public_keys = NULL;
    char *secrets = NULL;
    char *text = NULL;
    char *public_path = NULL;
    char *secret_path = NULL;

    (void)state;
    for (size_t i = 0; i < NAMES; i++)
        issuers_key[i] = test_key_new(hostile_names[i]);
    attackers_rsa = test_key_new("RS256");
    attackers_ec = test_key_new("ES256");
    folder = test_folder();
    public_keys = key_set(false);
    secrets = key_set(true);
    public_path = test_write(folder, "public.json", public_keys, 0644);
    secret_path = test_write(folder, "secret.json", secrets, 0600);
    text = test_format("issuers:\n"
                       "  idp:\n"
                       "    issuer: https://idp.example\n"
                       "    jwks: file:%s\n"
                       "    audience: ssh\n"
                       "    algorithms: [" ALL "]\n"
                       "    username: ${sub}\n"
                       "    roles: [/roles]\n"
                       "  careful:\n"
                       "    issuer: https://careful.example\n"
                       "    jwks: file:%s\n"
                       "    audience: ssh\n"
                       "    algorithms: [ES256]\n"
                       "    username: ${sub}\n"
                       "  local:\n"
                       "    issuer: https://local.example\n"
                       "    jwks: file:%s\n"
                       "    audience: ssh\n"
                       "    algorithms: [HS256, HS384, HS512]\n"
                       "    username: ${sub}\n"
                       "  elsewhere:\n"
                       "    issuer: https://elsewhere.example\n"
                       "    jwks: file:%s\n"
                       "    audience: ssh\n"
                       "    username: ${sub}\n"
                       "services:\n"
                       "  sshd: {issuers: [idp, careful, local]}\n"
                       "  other: {issuers: [elsewhere]}\n",
                       public_path, public_path, secret_path, public_path);
    verifier = test_verifier(text, NULL);
    free(text);
    free(public_path);
    free(secret_path);
    free(public_keys);
    free(secrets);
    return 0;
}

int hostile_teardown(void **state)
{
    (void)state;
    jwta_verifier_close(&verifier);
    for (size_t i = 0; i < NAMES; i++)
        test_key_free(&issuers_key[i]);
    test_key_free(&attackers_rsa);
    test_key_free(&attackers_ec);
    test_folder_remove(&folder);
    return 0;
}

/* The reason for a token; OK only if it lets alice in. */
static enum jwta_code reason_of(struct jwta_span token)
{
    const struct jwta_request request = {.token = token,
                                         .service = "sshd",
                                         .user = "alice",
                                         .now = HOSTILE_NOW,
                                         .need_account = true};
    struct jwta_result result;
    enum jwta_code code = JWTA_INTERNAL;

    jwta_auth(verifier, &request, &result);
    code = result.why.code;
    assert_int_equal(result.outcome == JWTA_ALLOWED, code == JWTA_OK);
    if (code == JWTA_OK)
        assert_string_equal(result.decided.user, "alice");
    jwta_result_free(&result);
    return code;
}

void expect_bytes(const char *name, const char *token, size_t len, enum jwta_code code)
{
    enum jwta_code got = reason_of(jwta_span(token, len));

    if (got != code)
        fail_msg("%s: %s, expected %s", name, jwta_code_name(got), jwta_code_name(code));
}

void expect(const char *name, const char *token, enum jwta_code code)
{
    expect_bytes(name, token, strlen(token), code);
}

/* Frees token. */
void expect_made(const char *name, char *token, enum jwta_code code)
{
    expect(name, token, code);
    free(token);
}

struct test_key *hostile_attackers_rsa(void)
{
    return attackers_rsa;
}

struct test_key *hostile_attackers_ec(void)
{
    return attackers_ec;
}

char *hostile_issued(const char *header, const char *payload)
{
    return test_sign(hostile_key("ES256"), header, payload);
}
