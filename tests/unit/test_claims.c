/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/claims.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(2000000000)

/* Line numbers of the rules stand in the denials below. */
static const char configuration[] = "issuers:\n"
                                    "  corp:\n"
                                    "    issuer: https://idp.example\n"
                                    "    jwks: file:/nowhere/keys.json\n"
                                    "    audience: [https://login.example, second]\n"
                                    "    username: ${sub}\n"
                                    "  strict:\n"
                                    "    issuer: https://strict.example\n"
                                    "    jwks: file:/nowhere/keys.json\n"
                                    "    audience: any\n"
                                    "    typ: [at+jwt]\n"
                                    "    max_lifetime: 15m\n"
                                    "    client_tokens: yes\n"
                                    "    username: ${sub}\n"
                                    "services:\n"
                                    "  plain: {issuers: [corp]}\n"
                                    "  lax: {issuers: [strict]}\n"
                                    "  narrow: {issuers: [corp], audience: [\"ssh://%h\"]}\n"
                                    "  scoped: {issuers: [corp], scope: [ssh, sudo]}\n"
                                    "  strong: {issuers: [corp], acr: [mfa, hardware]}\n"
                                    "  recent: {issuers: [corp], max_auth_age: 5m}\n"
                                    "  special:\n"
                                    "    issuers: [corp]\n"
                                    "    require:\n"
                                    "      - /tenant equals blue\n"
                                    "      - /amr contains mfa\n"
                                    "      - /deep/0/x exists\n";

static struct jwta_conf *conf;

static int setup(void **state)
{
    (void)state;
    conf = test_conf(configuration);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    jwta_conf_free(&conf);
    return 0;
}

/* A payload that every rule but the service's own accepts, with members replaced or added. */
#define BASE \
    "{\"sub\":\"alice\",\"exp\":2000000300,\"iat\":1999999900,\"aud\":\"https://login.example\"}"

/* What is changed in BASE: members of `changes`, where null means left out. */
static json_t *payload_with(const char *changes)
{
    json_t *payload = json_loads(BASE, 0, NULL);
    json_t *update = json_loads(changes, 0, NULL);
    const char *name = NULL;
    json_t *value = NULL;

    assert_non_null(payload);
    if (update == NULL)
        fail_msg("not JSON: %s", changes);
    json_object_foreach(update, name, value)
    {
        if (json_is_null(value))
            (void)json_object_del(payload, name);
        else
            assert_int_equal(json_object_set(payload, name, value), 0);
    }
    json_decref(update);
    return payload;
}

static enum jwta_code check_at(const char *issuer, const char *service, const char *typ,
                               const json_t *payload, int64_t now, struct jwta_claims *out,
                               struct jwta_why *why)
{
    struct jwta_header header = {.typ = jwta_span_of(typ)};

    return jwta_claims_check(&header, payload, conf, test_issuer(conf, issuer),
                             jwta_conf_service(conf, service), now, NULL, out, why);
}

static enum jwta_code check(const char *issuer, const char *service, const char *changes)
{
    json_t *payload = payload_with(changes);
    struct jwta_claims claims = {.expires = -7};
    struct jwta_why why = {0};
    enum jwta_code code = check_at(issuer, service, "at+jwt", payload, NOW, &claims, &why);

    if (code == JWTA_OK) {
        assert_int_not_equal(claims.expires, -7);
    } else {
        assert_int_equal(claims.expires, -7);
        assert_code(why.code, code);
        assert_true(strlen(why.text) > 0);
    }
    json_decref(payload);
    return code;
}

struct row {
    const char *changes;
    enum jwta_code code;
};

static void check_rows(const char *issuer, const char *service, const struct row *rows,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum jwta_code code = check(issuer, service, rows[i].changes);

        if (code != rows[i].code)
            fail_msg("%s: %s, expected %s", rows[i].changes, jwta_code_name(code),
                     jwta_code_name(rows[i].code));
    }
}

/* clock_skew is 60 s by default. */
static void test_times(void **state)
{
    static const struct row rows[] = {
        {"{}", JWTA_OK},
        {"{\"exp\":null}", JWTA_EXP_MISSING},
        {"{\"exp\":1999999941}", JWTA_OK},
        {"{\"exp\":1999999940}", JWTA_EXPIRED},
        {"{\"exp\":1999999940.9}", JWTA_EXPIRED},
        {"{\"exp\":1999999941.0}", JWTA_OK},
        {"{\"exp\":0}", JWTA_EXPIRED},
        {"{\"exp\":-1}", JWTA_EXPIRED},
        {"{\"exp\":253402300799}", JWTA_OK},
        {"{\"exp\":253402300800}", JWTA_CLAIM_TYPE},
        {"{\"exp\":9223372036854775807}", JWTA_CLAIM_TYPE},
        {"{\"exp\":-9223372036854775808}", JWTA_CLAIM_TYPE},
        {"{\"exp\":1e300}", JWTA_CLAIM_TYPE},
        {"{\"exp\":-1e300}", JWTA_CLAIM_TYPE},
        {"{\"exp\":\"2000000300\"}", JWTA_CLAIM_TYPE},
        {"{\"exp\":true}", JWTA_CLAIM_TYPE},
        {"{\"exp\":[2000000300]}", JWTA_CLAIM_TYPE},
        {"{\"exp\":{}}", JWTA_CLAIM_TYPE},
        {"{\"nbf\":2000000060}", JWTA_OK},
        {"{\"nbf\":2000000061}", JWTA_NOT_YET_VALID},
        {"{\"nbf\":2000000060.1}", JWTA_NOT_YET_VALID},
        {"{\"nbf\":0}", JWTA_OK},
        {"{\"nbf\":\"0\"}", JWTA_CLAIM_TYPE},
        {"{\"nbf\":false}", JWTA_CLAIM_TYPE},
        {"{\"iat\":null}", JWTA_OK},
        {"{\"iat\":2000000060}", JWTA_OK},
        {"{\"iat\":2000000061}", JWTA_IAT_FUTURE},
        {"{\"iat\":2000000060.5}", JWTA_IAT_FUTURE},
        {"{\"iat\":\"now\"}", JWTA_CLAIM_TYPE},
        {"{\"iat\":[]}", JWTA_CLAIM_TYPE},
        {"{\"auth_time\":2000009999}", JWTA_OK},
        {"{\"auth_time\":\"now\"}", JWTA_CLAIM_TYPE},
    };

    (void)state;
    check_rows("corp", "plain", rows, COUNT_OF(rows));
}

/* A JSON null is a value of the wrong type, not an absent claim. */
static void test_null(void **state)
{
    static const char *const names[] = {"exp", "nbf",   "iat", "aud",       "sub",      "jti",
                                        "azp", "scope", "acr", "auth_time", "client_id"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *payload = payload_with("{}");
        struct jwta_claims claims;

        assert_int_equal(json_object_set_new(payload, names[i], json_null()), 0);
        assert_code(check_at("corp", "plain", NULL, payload, NOW, &claims, NULL), JWTA_CLAIM_TYPE);
        json_decref(payload);
    }
}

static void test_lifetime(void **state)
{
    static const struct row rows[] = {
        {"{\"iat\":1999999400}", JWTA_OK},          {"{\"iat\":1999999399}", JWTA_LIFETIME},
        {"{\"exp\":253402300799}", JWTA_LIFETIME},  {"{\"iat\":null}", JWTA_IAT_MISSING},
        {"{\"iat\":-253402300799}", JWTA_LIFETIME},
    };

    (void)state;
    check_rows("strict", "lax", rows, COUNT_OF(rows));
}

static void test_typ(void **state)
{
    static const struct {
        const char *issuer;
        const char *service;
        const char *typ;
        enum jwta_code code;
    } rows[] = {
        {"corp", "plain", NULL, JWTA_OK},
        {"corp", "plain", "JWT", JWTA_OK},
        {"corp", "plain", "jwt", JWTA_OK},
        {"corp", "plain", "at+jwt", JWTA_OK},
        {"corp", "plain", "application/at+jwt", JWTA_OK},
        {"corp", "plain", "Application/AT+JWT", JWTA_OK},
        {"corp", "plain", "application/", JWTA_TYP},
        {"corp", "plain", "", JWTA_TYP},
        {"corp", "plain", "absent", JWTA_TYP},
        {"corp", "plain", "id+jwt", JWTA_TYP},
        {"corp", "plain", "JWTx", JWTA_TYP},
        {"corp", "plain", "JW", JWTA_TYP},
        {"corp", "plain", "text/JWT", JWTA_TYP},
        {"corp", "plain", "application/application/JWT", JWTA_TYP},
        {"corp", "plain", "dpop+jwt", JWTA_TYP},
        {"strict", "lax", "at+jwt", JWTA_OK},
        {"strict", "lax", "JWT", JWTA_TYP},
        {"strict", "lax", NULL, JWTA_TYP},
    };
    json_t *payload = payload_with("{}");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_claims claims;

        assert_code(
            check_at(rows[i].issuer, rows[i].service, rows[i].typ, payload, NOW, &claims, NULL),
            rows[i].code);
    }
    json_decref(payload);
}

static void test_audience(void **state)
{
    static const struct row rows[] = {
        {"{\"aud\":\"second\"}", JWTA_OK},
        {"{\"aud\":[\"x\",\"second\"]}", JWTA_OK},
        {"{\"aud\":[\"https://login.example\"]}", JWTA_OK},
        {"{\"aud\":null}", JWTA_AUD_MISSING},
        {"{\"aud\":[]}", JWTA_AUD_MISSING},
        {"{\"aud\":\"\"}", JWTA_AUDIENCE},
        {"{\"aud\":\"Second\"}", JWTA_AUDIENCE},
        {"{\"aud\":\"https://login.example/\"}", JWTA_AUDIENCE},
        {"{\"aud\":\"https://login.exampl\"}", JWTA_AUDIENCE},
        {"{\"aud\":\"https://login.example second\"}", JWTA_AUDIENCE},
        {"{\"aud\":[\"other\",\"another\"]}", JWTA_AUDIENCE},
        {"{\"aud\":[\"second\",1]}", JWTA_CLAIM_TYPE},
        {"{\"aud\":[[\"second\"]]}", JWTA_CLAIM_TYPE},
        {"{\"aud\":{\"second\":true}}", JWTA_CLAIM_TYPE},
        {"{\"aud\":1}", JWTA_CLAIM_TYPE},
        {"{\"aud\":true}", JWTA_CLAIM_TYPE},
    };
    /* A service's own list takes the issuer's place. */
    static const struct row narrow[] = {
        {"{\"aud\":\"ssh://host.example\"}", JWTA_OK},
        {"{}", JWTA_AUDIENCE},
        {"{\"aud\":\"ssh://%h\"}", JWTA_AUDIENCE},
        {"{\"aud\":[\"https://login.example\",\"ssh://host.example\"]}", JWTA_OK},
    };
    static const struct row any[] = {
        {"{\"aud\":\"whatever\"}", JWTA_OK}, {"{\"aud\":null}", JWTA_OK},
        {"{\"aud\":[]}", JWTA_OK},           {"{\"aud\":7}", JWTA_CLAIM_TYPE},
        {"{\"aud\":[7]}", JWTA_CLAIM_TYPE},
    };

    (void)state;
    check_rows("corp", "plain", rows, COUNT_OF(rows));
    check_rows("corp", "narrow", narrow, COUNT_OF(narrow));
    check_rows("strict", "lax", any, COUNT_OF(any));
}

static void test_subject(void **state)
{
    static const struct row rows[] = {
        {"{\"sub\":null}", JWTA_SUB_MISSING},
        {"{\"sub\":\"\"}", JWTA_SUB_MISSING},
        {"{\"sub\":7}", JWTA_CLAIM_TYPE},
        {"{\"sub\":[\"alice\"]}", JWTA_CLAIM_TYPE},
        {"{\"client_id\":\"app\"}", JWTA_OK},
        {"{\"client_id\":\"alice\"}", JWTA_CLIENT_TOKEN},
        {"{\"azp\":\"alice\"}", JWTA_CLIENT_TOKEN},
        {"{\"client_id\":\"app\",\"azp\":\"alice\"}", JWTA_CLIENT_TOKEN},
        {"{\"client_id\":\"Alice\"}", JWTA_OK},
        {"{\"client_id\":1}", JWTA_CLAIM_TYPE},
        {"{\"azp\":{}}", JWTA_CLAIM_TYPE},
        {"{\"jti\":1}", JWTA_CLAIM_TYPE},
        {"{\"jti\":\"\"}", JWTA_OK},
    };

    (void)state;
    check_rows("corp", "plain", rows, COUNT_OF(rows));
    assert_code(check("strict", "lax", "{\"client_id\":\"alice\"}"), JWTA_OK);
}

static void test_scope(void **state)
{
    static const struct row rows[] = {
        {"{\"scope\":\"sudo ssh\"}", JWTA_OK},
        {"{\"scope\":\"openid ssh  sudo \"}", JWTA_OK},
        {"{\"scope\":[\"ssh\",\"sudo\"]}", JWTA_OK},
        {"{\"scope\":\"ssh\"}", JWTA_SCOPE},
        {"{\"scope\":\"sshsudo\"}", JWTA_SCOPE},
        {"{\"scope\":\"ssh sudoers\"}", JWTA_SCOPE},
        {"{\"scope\":\"SSH SUDO\"}", JWTA_SCOPE},
        {"{\"scope\":\"ssh\\tsudo\"}", JWTA_SCOPE},
        {"{\"scope\":[\"ssh sudo\"]}", JWTA_SCOPE},
        {"{\"scope\":\"\"}", JWTA_SCOPE},
        {"{\"scope\":[]}", JWTA_SCOPE},
        {"{}", JWTA_SCOPE},
        {"{\"scope\":1}", JWTA_CLAIM_TYPE},
        {"{\"scope\":[\"ssh\",\"sudo\",1]}", JWTA_CLAIM_TYPE},
        {"{\"scope\":{\"ssh\":1}}", JWTA_CLAIM_TYPE},
    };

    (void)state;
    check_rows("corp", "scoped", rows, COUNT_OF(rows));
    assert_code(check("corp", "plain", "{\"scope\":1}"), JWTA_CLAIM_TYPE);
}

static void test_acr(void **state)
{
    static const struct row rows[] = {
        {"{\"acr\":\"mfa\"}", JWTA_OK},
        {"{\"acr\":\"hardware\"}", JWTA_OK},
        {"{\"acr\":\"MFA\"}", JWTA_ACR},
        {"{\"acr\":\"mfa hardware\"}", JWTA_ACR},
        {"{\"acr\":\"\"}", JWTA_ACR},
        {"{}", JWTA_ACR},
        {"{\"acr\":[\"mfa\"]}", JWTA_CLAIM_TYPE},
        {"{\"acr\":2}", JWTA_CLAIM_TYPE},
    };

    (void)state;
    check_rows("corp", "strong", rows, COUNT_OF(rows));
}

static void test_auth_time(void **state)
{
    static const struct row rows[] = {
        {"{}", JWTA_AUTH_TIME_MISSING},
        {"{\"auth_time\":1999999700}", JWTA_OK},
        {"{\"auth_time\":1999999640}", JWTA_OK},
        {"{\"auth_time\":1999999639}", JWTA_AUTH_TOO_OLD},
        {"{\"auth_time\":1999999639.9}", JWTA_AUTH_TOO_OLD},
        {"{\"auth_time\":0}", JWTA_AUTH_TOO_OLD},
        {"{\"auth_time\":-253402300799}", JWTA_AUTH_TOO_OLD},
        {"{\"auth_time\":2000000060}", JWTA_OK},
        {"{\"auth_time\":2000000061}", JWTA_AUTH_FUTURE},
        {"{\"auth_time\":\"1999999900\"}", JWTA_CLAIM_TYPE},
    };

    (void)state;
    check_rows("corp", "recent", rows, COUNT_OF(rows));
}

static void test_require(void **state)
{
    static const struct row rows[] = {
        {"{\"tenant\":\"blue\",\"amr\":[\"pwd\",\"mfa\"],\"deep\":[{\"x\":0}]}", JWTA_OK},
        {"{\"tenant\":\"blue\",\"amr\":\"pwd mfa\",\"deep\":[{\"x\":false}]}", JWTA_OK},
        {"{\"amr\":[\"mfa\"],\"deep\":[{\"x\":0}]}", JWTA_REQUIRE},
        {"{\"tenant\":\"Blue\",\"amr\":[\"mfa\"],\"deep\":[{\"x\":0}]}", JWTA_REQUIRE},
        {"{\"tenant\":[\"blue\"],\"amr\":[\"mfa\"],\"deep\":[{\"x\":0}]}", JWTA_REQUIRE},
        {"{\"tenant\":\"blue\",\"deep\":[{\"x\":0}]}", JWTA_REQUIRE},
        {"{\"tenant\":\"blue\",\"amr\":[\"mfax\"],\"deep\":[{\"x\":0}]}", JWTA_REQUIRE},
        {"{\"tenant\":\"blue\",\"amr\":[\"pwd mfa\"],\"deep\":[{\"x\":0}]}", JWTA_REQUIRE},
        {"{\"tenant\":\"blue\",\"amr\":true,\"deep\":[{\"x\":0}]}", JWTA_CLAIM_TYPE},
        {"{\"tenant\":\"blue\",\"amr\":[\"mfa\",1],\"deep\":[{\"x\":0}]}", JWTA_CLAIM_TYPE},
        {"{\"tenant\":\"blue\",\"amr\":[\"mfa\"]}", JWTA_REQUIRE},
        {"{\"tenant\":\"blue\",\"amr\":[\"mfa\"],\"deep\":[]}", JWTA_REQUIRE},
        {"{\"tenant\":\"blue\",\"amr\":[\"mfa\"],\"deep\":[{\"x\":null}]}", JWTA_REQUIRE},
    };

    (void)state;
    check_rows("corp", "special", rows, COUNT_OF(rows));
}

static void test_read(void **state)
{
    json_t *payload = payload_with("{\"exp\":2000000300.9,\"iat\":1999999900.1,\"azp\":\"app\","
                                   "\"jti\":\"t1\",\"auth_time\":1999999800.9}");
    struct jwta_claims claims = {0};

    (void)state;
    assert_code(check_at("corp", "plain", NULL, payload, NOW, &claims, NULL), JWTA_OK);
    assert_true(jwta_span_is(claims.subject, "alice"));
    assert_true(jwta_span_is(claims.client_id, "app"));
    assert_true(jwta_span_is(claims.token_id, "t1"));
    assert_int_equal(claims.expires, NOW + 300);
    assert_int_equal(claims.issued_at, NOW - 99);
    assert_int_equal(claims.auth_time, NOW - 200);
    json_decref(payload);
    payload = payload_with("{\"iat\":null}");
    assert_code(check_at("corp", "plain", NULL, payload, NOW, &claims, NULL), JWTA_OK);
    assert_true(claims.issued_at == INT64_MIN && claims.auth_time == INT64_MIN);
    assert_null(claims.token_id.data);
    assert_null(claims.client_id.data);
    json_decref(payload);
}

/* A clock that is no date lets nobody in. */
static void test_clock(void **state)
{
    static const int64_t clocks[] = {INT64_MAX, INT64_MIN, INT64_C(253402300800)};
    json_t *payload = payload_with("{}");
    struct jwta_claims claims;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(clocks); i++)
        assert_code(check_at("corp", "plain", NULL, payload, clocks[i], &claims, NULL),
                    JWTA_INTERNAL);
    assert_code(check_at("corp", "plain", NULL, payload, 0, &claims, NULL), JWTA_IAT_FUTURE);
    json_decref(payload);
}

/* The detail says what an operator needs: by how much, and where the rule stands. */
static void test_why(void **state)
{
    static const struct {
        const char *service;
        const char *changes;
        const char *text;
    } rows[] = {
        {"plain", "{\"exp\":1999999900}", "expired 100 s ago"},
        {"plain", "{\"nbf\":2000000100}", "valid only in 100 s"},
        {"plain", "{\"aud\":\"x\\ny\"}",
         "audience is \"x\\x0ay\", expected \"https://login.example\" or another of the list "
         "(test.yaml:5)"},
        {"scoped", "{}", "(test.yaml:19)"},
        {"recent", "{}", "(test.yaml:21)"},
        {"special", "{}", "require \"/tenant equals blue\" (test.yaml:25): the claim is absent"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *payload = payload_with(rows[i].changes);
        struct jwta_claims claims;
        struct jwta_why why = {0};

        assert_int_not_equal(check_at("corp", rows[i].service, NULL, payload, NOW, &claims, &why),
                             JWTA_OK);
        if (strstr(why.text, rows[i].text) == NULL)
            fail_msg("\"%s\" does not contain \"%s\"", why.text, rows[i].text);
        json_decref(payload);
    }
}

static void test_numeric_date(void **state)
{
    static const struct {
        const char *json;
        bool up;
        int64_t date;
    } rows[] = {
        {"{\"v\":5}", false, 5},     {"{\"v\":5}", true, 5},      {"{\"v\":5.5}", false, 5},
        {"{\"v\":5.5}", true, 6},    {"{\"v\":-5.5}", false, -6}, {"{\"v\":-5.5}", true, -5},
        {"{\"v\":1e3}", true, 1000}, {"{}", true, INT64_MIN},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *root = json_loads(rows[i].json, 0, NULL);
        int64_t date = 0;

        assert_code(jwta_numeric_date(json_object_get(root, "v"), "v", rows[i].up, &date, NULL),
                    JWTA_OK);
        assert_true(date == rows[i].date);
        json_decref(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),     cmocka_unit_test(test_null),
        cmocka_unit_test(test_lifetime),  cmocka_unit_test(test_typ),
        cmocka_unit_test(test_audience),  cmocka_unit_test(test_subject),
        cmocka_unit_test(test_scope),     cmocka_unit_test(test_acr),
        cmocka_unit_test(test_auth_time), cmocka_unit_test(test_require),
        cmocka_unit_test(test_read),      cmocka_unit_test(test_clock),
        cmocka_unit_test(test_why),       cmocka_unit_test(test_numeric_date),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
