/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSSL's error queue belongs to the host: whatever it holds, and whatever marks are in it, is as
 * it was after each call, whether all goes well, a token is refused, or OpenSSL has nothing to
 * give.
 */
#include "common/auth.h"
#include "common/json.h"
#include "common/jwk.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(2000000000)
#define PAYLOAD                                                                                \
    "{\"iss\":\"https://idp.example\",\"sub\":\"alice\",\"aud\":\"login\",\"exp\":2000000300," \
    "\"jti\":\"t1\"}"
#define CONF                                                                      \
    "issuers:\n"                                                                  \
    "  corp: {issuer: 'https://idp.example', jwks: 'file:%s', audience: login,\n" \
    "         algorithms: [ES256], username: '${sub}'}\n"                         \
    "services:\n"                                                                 \
    "  sshd: {issuers: [corp]}\n"
/* The coordinates of RFC 7517 appendix A.1 exchanged: no point of the curve. */
#define OFF_CURVE                                            \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"off\","     \
    "\"x\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"," \
    "\"y\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\"}"

static struct test_key *key;
static struct test_key *other;
static char *folder;
static char *conf_text;
static struct jwta_verifier *verifier;

static int setup(void **state)
{
    char *jwk = NULL;
    char *set = NULL;
    char *path = NULL;

    (void)state;
    key = test_key_new("ES256");
    other = test_key_new("ES256");
    folder = test_folder();
    jwk = test_key_jwk(key, "k1", NULL);
    set = test_format("{\"keys\":[%s," OFF_CURVE "]}", jwk);
    path = test_write(folder, "keys.json", set, 0644);
    conf_text = test_format(CONF, path);
    verifier = test_verifier(conf_text, NULL);
    free(path);
    free(set);
    free(jwk);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)EVP_set_default_properties(NULL, "");
    jwta_verifier_close(&verifier);
    free(conf_text);
    test_folder_remove(&folder);
    test_key_free(&other);
    test_key_free(&key);
    return 0;
}

/* What a host may have left behind: an error with a mark on it, and another error. */
static void fill_queue(void)
{
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 41);
    assert_int_equal(ERR_set_mark(), 1);
    ERR_raise(ERR_LIB_USER, 42);
}

static void check_queue(void)
{
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), 42);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), 41);
    /* The host's own mark is the last: a mark too many would stop this at 42. */
    assert_int_equal(ERR_pop_to_mark(), 1);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 41);
    assert_int_equal(ERR_get_error(), 0);
}

static void decide(const struct test_key *by, const char *kid, enum jwta_code expected)
{
    char *header = test_format("{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
    char *token = test_sign(by, header, PAYLOAD);
    const struct jwta_request request = {
        .token = jwta_span_of(token), .service = "sshd", .user = "alice", .now = NOW};
    struct jwta_result result;

    fill_queue();
    jwta_auth(verifier, &request, &result);
    check_queue();
    assert_code(result.outcome == JWTA_ALLOWED ? JWTA_OK : result.why.code, expected);
    jwta_result_free(&result);
    free(token);
    free(header);
}

static void test_allowed(void **state)
{
    (void)state;
    decide(key, "k1", JWTA_OK);
    decide(key, "k1", JWTA_OK); /* by what the first has left in the verifier */
}

static void test_refused(void **state)
{
    (void)state;
    decide(other, "k1", JWTA_SIGNATURE);
    decide(key, "unknown", JWTA_NO_KEY);
    decide(key, "off", JWTA_NO_KEY);
}

static enum jwta_code thumbprint(void)
{
    char *text = test_key_jwk(key, "k1", NULL);
    char out[JWTA_THUMBPRINT_SIZE];
    json_t *json = NULL;
    struct jwta_jwk jwk;
    struct jwta_why why = {0};
    enum jwta_code code = JWTA_OK;

    assert_code(jwta_json_parse(jwta_span_of(text), 8, JWTA_JWK_MALFORMED, &json, &why), JWTA_OK);
    assert_code(jwta_jwk_read(json, &jwk, &why), JWTA_OK);
    fill_queue();
    code = jwta_jwk_thumbprint(&jwk, out);
    check_queue();
    json_decref(json);
    free(text);
    return code;
}

static void test_thumbprint(void **state)
{
    (void)state;
    assert_code(thumbprint(), JWTA_OK);
}

/* A host may have configured OpenSSL so that it gives nothing: it says so, in its queue. */
static void test_nothing_to_give(void **state)
{
    const struct jwta_verifier_options options = {.host = &test_host};
    struct jwta_verifier *opened = NULL;
    struct jwta_conf *conf = test_conf(conf_text);

    (void)state;
    assert_int_equal(EVP_set_default_properties(NULL, "provider=nobody"), 1);
    ERR_clear_error();
    assert_null(EVP_MD_fetch(NULL, "SHA256", NULL));
    assert_int_not_equal(ERR_get_error(), 0);
    fill_queue();
    assert_code(jwta_verifier_from_conf(&conf, &options, JWTA_FILE_ANY, &opened), JWTA_CRYPTO);
    check_queue();
    assert_code(thumbprint(), JWTA_CRYPTO);
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thumbprint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_to_give, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
