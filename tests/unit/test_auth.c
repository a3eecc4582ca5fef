/* SPDX-License-Identifier: BSD-2-Clause */
/* The one call: what comes out beside the reason, the audit line, and many threads at once. */
#include "common/auth.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(2000000000)
#define HEADER "{\"alg\":\"ES256\",\"kid\":\"k1\"}"
#define PAYLOAD(sub, more)                                                                       \
    "{\"iss\":\"https://idp.example\",\"sub\":\"" sub "\",\"aud\":\"login\",\"exp\":2000000300," \
    "\"iat\":1999999988,\"jti\":\"t1\"" more "}"
#define OPS ",\"roles\":[\"ops\"]"

/* The lines that were logged, one after the other. */
struct sink {
    int lines;
    enum jwta_level level;
    char text[8192];
};

static struct test_key *key;
static char *folder;
static char *conf_text;
static struct sink sink;

static void keep(void *context, enum jwta_level level, const char *line)
{
    struct sink *out = context;
    size_t used = strlen(out->text);

    out->lines++;
    out->level = level;
    assert_true((size_t)snprintf(out->text + used, sizeof(out->text) - used, "%s\n", line) <
                sizeof(out->text) - used);
}

static const struct jwta_log sink_log = {.write = keep, .context = &sink};

static int setup(void **state)
{
    char *jwks = NULL;
    char *path = NULL;

    (void)state;
    key = test_key_new("ES256");
    folder = test_folder();
    jwks = test_key_jwks(key, "k1", NULL);
    path = test_write(folder, "keys.json", jwks, 0644);
    conf_text = test_format("issuers:\n"
                            "  corp:\n"
                            "    issuer: https://idp.example\n"
                            "    jwks: file:%s\n"
                            "    audience: login\n"
                            "    algorithms: [ES256]\n"
                            "    username: ${sub}\n"
                            "    roles: [/roles]\n"
                            "    groups:\n"
                            "      ops: [adm, dba]\n"
                            "services:\n"
                            "  sshd:\n"
                            "    issuers: [corp]\n"
                            "    allow_roles: [ops]\n"
                            "  trial:\n"
                            "    issuers: [corp]\n"
                            "    allow_roles: [ops]\n"
                            "    observe: yes\n",
                            path);
    free(path);
    free(jwks);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(conf_text);
    test_folder_remove(&folder);
    test_key_free(&key);
    return 0;
}

static void ask(struct jwta_verifier *verifier, const char *service, const char *user,
                const char *payload, struct jwta_result *result)
{
    char *token = test_sign(key, HEADER, payload);
    const struct jwta_request request = {.token = jwta_span_of(token),
                                         .service = service,
                                         .user = user,
                                         .remote = "192.0.2.7",
                                         .now = NOW,
                                         .need_account = true};

    memset(&sink, 0, sizeof(sink));
    jwta_auth(verifier, &request, result);
    assert_null(strstr(sink.text, strrchr(token, '.') + 1));
    assert_null(strstr(sink.text, "eyJ"));
    /* Nothing of the result is borrowed from the token. */
    memset(token, 'x', strlen(token));
    free(token);
}

static void test_allowed(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, &sink_log);
    struct jwta_result result;

    (void)state;
    ask(verifier, "sshd", "alice", PAYLOAD("alice", OPS), &result);
    assert_int_equal(result.outcome, JWTA_ALLOWED);
    assert_code(result.why.code, JWTA_OK);
    assert_false(result.observed);
    assert_string_equal(result.decided.user, "alice");
    assert_true(result.decided.account);
    assert_int_equal(result.decided.role_count, 1);
    assert_true(jwta_span_is(result.decided.role[0], "ops"));
    assert_int_equal(result.decided.group_count, 2);
    assert_string_equal(result.decided.group[0]->name, "adm");
    assert_int_equal(result.decided.group[1]->gid, 2002);
    assert_int_equal(result.decided.rule.line, 14);
    assert_int_equal(result.claims.expires, NOW + 300);
    assert_true(jwta_span_is(result.claims.subject, "alice"));
    assert_true(jwta_span_is(result.claims.token_id, "t1"));
    assert_true(jwta_span_is(result.kid, "k1"));
    assert_string_equal(result.alg->name, "ES256");
    assert_string_equal(result.issuer->name, "corp");
    assert_string_equal(result.service->name, "sshd");
    assert_int_equal(strspn(result.token_hash, "0123456789abcdef"), 32);
    assert_non_null(result.payload);
    jwta_result_free(&result);
    assert_int_equal(result.outcome, JWTA_DENIED);
    assert_null(result.payload);
    assert_int_equal(sink.lines, 1);
    assert_int_equal(sink.level, JWTA_LOG_INFO);
    assert_non_null(strstr(
        sink.text, "result=allowed reason=ok service=\"sshd\" user=\"alice\" "
                   "authzid=- name=\"alice\" subject=\"alice\" issuer=\"https://idp.example\" "
                   "kid=\"k1\" alg=\"ES256\" token=\""));
    assert_non_null(strstr(sink.text, " remote=\"192.0.2.7\" age=12 rule=test.yaml:14 "));
    jwta_verifier_close(&verifier);
    assert_null(verifier);
    jwta_verifier_close(&verifier);
}

/* The token's name in the log is that of its jti, and of no other. */
static void test_token_hash(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, NULL);
    struct jwta_result first;
    struct jwta_result again;
    struct jwta_result other;
    struct jwta_result nameless;

    (void)state;
    ask(verifier, "sshd", "alice", PAYLOAD("alice", OPS), &first);
    ask(verifier, "sshd", "bob", PAYLOAD("bob", OPS), &again);
    assert_string_equal(first.token_hash, again.token_hash);
    ask(verifier, "sshd", "alice",
        "{\"iss\":\"https://idp.example\",\"sub\":\"alice\",\"aud\":\"login\",\"exp\":2000000300,"
        "\"jti\":\"t2\"}",
        &other);
    assert_int_equal(strlen(other.token_hash), 32);
    assert_string_not_equal(first.token_hash, other.token_hash);
    ask(verifier, "sshd", "alice",
        "{\"iss\":\"https://idp.example\",\"sub\":\"alice\",\"aud\":\"login\",\"exp\":2000000300}",
        &nameless);
    assert_string_equal(nameless.token_hash, "");
    jwta_result_free(&first);
    jwta_result_free(&again);
    jwta_result_free(&other);
    jwta_result_free(&nameless);
    jwta_verifier_close(&verifier);
}

static void test_denied(void **state)
{
    static const struct {
        const char *service;
        const char *user;
        const char *payload;
        enum jwta_code code;
    } rows[] = {
        {"imap", "alice", PAYLOAD("alice", OPS), JWTA_NO_SERVICE},
        {"", "alice", PAYLOAD("alice", OPS), JWTA_NO_SERVICE},
        {"sshd", "bob", PAYLOAD("alice", OPS), JWTA_USER_MISMATCH},
        {"sshd", "", PAYLOAD("alice", OPS), JWTA_USER_MISMATCH},
        {"sshd", "alice", PAYLOAD("alice", ""), JWTA_NOT_ALLOWED},
        {"sshd", "root", PAYLOAD("root", OPS), JWTA_USER_SYSTEM},
        {"sshd", "toor", PAYLOAD("toor", OPS), JWTA_USER_SYSTEM},
        {"sshd", "ghost", PAYLOAD("ghost", OPS), JWTA_USER_UNKNOWN},
        {"sshd", "flaky", PAYLOAD("flaky", OPS), JWTA_USER_UNAVAILABLE},
        {"sshd", "alice", "{\"iss\":\"https://other.example\"}", JWTA_ISS_UNKNOWN},
        {"trial", "alice", PAYLOAD("alice", ""), JWTA_NOT_ALLOWED},
    };
    struct jwta_verifier *verifier = test_verifier(conf_text, &sink_log);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_result result;
        char *reason = test_format(" reason=%s ", jwta_code_name(rows[i].code));

        ask(verifier, rows[i].service, rows[i].user, rows[i].payload, &result);
        assert_int_equal(result.outcome, JWTA_DENIED);
        assert_false(result.observed);
        assert_code(result.why.code, rows[i].code);
        assert_true(strlen(result.why.text) > 0);
        assert_int_equal(sink.lines, 1);
        assert_int_equal(sink.level, rows[i].code == JWTA_USER_UNAVAILABLE ? JWTA_LOG_WARNING
                                                                           : JWTA_LOG_NOTICE);
        assert_non_null(strstr(sink.text, reason));
        jwta_result_free(&result);
        free(reason);
    }
    jwta_verifier_close(&verifier);
}

/* A service that only observes lets nobody in, and says what it would have done. */
static void test_observed(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, &sink_log);
    struct jwta_result result;

    (void)state;
    ask(verifier, "trial", "alice", PAYLOAD("alice", OPS), &result);
    assert_int_equal(result.outcome, JWTA_DENIED);
    assert_true(result.observed);
    assert_code(result.why.code, JWTA_OBSERVED);
    assert_int_equal(result.decided.rule.line, 18);
    assert_non_null(strstr(sink.text, "result=observed reason=ok observe=yes "));
    jwta_result_free(&result);
    jwta_verifier_close(&verifier);
}

/* Where no account is needed, a name that nobody has is no denial; where no name is asked for … */
static void test_not_asked(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, NULL);
    char *token = test_sign(key, HEADER, PAYLOAD("ghost", OPS));
    struct jwta_request request = {.token = jwta_span_of(token), .service = "sshd", .now = NOW};
    struct jwta_result result;

    (void)state;
    jwta_auth(verifier, &request, &result);
    assert_int_equal(result.outcome, JWTA_ALLOWED);
    assert_string_equal(result.decided.user, "ghost");
    assert_false(result.decided.account);
    jwta_result_free(&result);
    free(token);
    jwta_verifier_close(&verifier);
}

/* Of a token whose signature does not hold, nothing gets into the result. */
static void test_forged(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, &sink_log);
    struct test_key *other = test_key_new("ES256");
    char *token = test_sign(other, HEADER, PAYLOAD("mallory", OPS));
    struct jwta_request request = {
        .token = jwta_span_of(token), .service = "sshd", .user = "alice", .now = NOW};
    struct jwta_result result;

    (void)state;
    memset(&sink, 0, sizeof(sink));
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 42);
    jwta_auth(verifier, &request, &result);
    assert_code(result.why.code, JWTA_SIGNATURE);
    assert_null(result.payload);
    assert_string_equal(result.decided.user, "");
    assert_int_equal(result.decided.role_count, 0);
    assert_null(result.claims.subject.data);
    assert_string_equal(result.token_hash, "");
    assert_null(strstr(sink.text, "mallory"));
    assert_non_null(strstr(sink.text, " subject=- "));
    /* The host's OpenSSL errors are as they were. */
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 42);
    assert_int_equal(ERR_get_error(), 0);
    jwta_result_free(&result);
    free(token);
    test_key_free(&other);
    jwta_verifier_close(&verifier);
}

/* A header that was seen in a good token helps no bad one. */
static void test_known_header(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, NULL);
    struct test_key *other = test_key_new("ES256");
    char *good = test_sign(key, HEADER, PAYLOAD("alice", OPS));
    char *forged = test_sign(other, HEADER, PAYLOAD("alice", OPS));
    char *none = test_sign(key, "{\"alg\":\"none\",\"kid\":\"k1\"}", PAYLOAD("alice", OPS));
    const struct {
        const char *token;
        enum jwta_code code;
    } rows[] = {{good, JWTA_OK}, {forged, JWTA_SIGNATURE}, {none, JWTA_ALG_NONE},
                {good, JWTA_OK}, {none, JWTA_ALG_NONE},    {forged, JWTA_SIGNATURE},
                {good, JWTA_OK}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_request request = {
            .token = jwta_span_of(rows[i].token), .service = "sshd", .user = "alice", .now = NOW};
        struct jwta_result result;

        jwta_auth(verifier, &request, &result);
        assert_code(result.why.code, rows[i].code);
        jwta_result_free(&result);
    }
    free(none);
    free(forged);
    free(good);
    test_key_free(&other);
    jwta_verifier_close(&verifier);
}

struct steps {
    int count;
    char names[512];
    enum jwta_code last;
};

static void note(void *context, const char *step, enum jwta_code code, const char *text)
{
    struct steps *steps = context;

    assert_int_equal(code != JWTA_OK, strlen(text) > 0);
    steps->count++;
    steps->last = code;
    (void)strncat(steps->names, step, sizeof(steps->names) - strlen(steps->names) - 1);
    (void)strncat(steps->names, " ", sizeof(steps->names) - strlen(steps->names) - 1);
}

/* The order of design: bounds, header, issuer, key and signature, claims, policy; then no more. */
static void test_order(void **state)
{
    static const struct {
        const char *user;
        const char *payload;
        const char *names;
        enum jwta_code last;
    } rows[] = {
        {"alice", PAYLOAD("alice", OPS),
         "service bounds header issuer algorithm signature typ exp nbf iat aud sub scope acr "
         "auth_time require user min_uid roles groups allow ",
         JWTA_OK},
        {"alice", "{\"iss\":\"https://other.example\"}", "service bounds header issuer ",
         JWTA_ISS_UNKNOWN},
        {"alice", "{\"iss\":\"https://idp.example\"}",
         "service bounds header issuer algorithm signature typ exp ", JWTA_EXP_MISSING},
        {"bob", PAYLOAD("alice", OPS),
         "service bounds header issuer algorithm signature typ exp nbf iat aud sub scope acr "
         "auth_time require user ",
         JWTA_USER_MISMATCH},
    };
    struct jwta_verifier *verifier = test_verifier(conf_text, NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct steps steps = {0};
        const struct jwta_trace trace = {.step = note, .context = &steps};
        char *token = test_sign(key, HEADER, rows[i].payload);
        const struct jwta_request request = {.token = jwta_span_of(token),
                                             .service = "sshd",
                                             .user = rows[i].user,
                                             .now = NOW,
                                             .trace = &trace};
        struct jwta_result result;

        jwta_auth(verifier, &request, &result);
        assert_string_equal(steps.names, rows[i].names);
        assert_code(steps.last, rows[i].last);
        jwta_result_free(&result);
        free(token);
    }
    jwta_verifier_close(&verifier);
}

/* Keys that are replaced count from the next second on, without a new verifier. */
static void test_rotation(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, NULL);
    struct test_key *next = test_key_new("ES256");
    char *jwks = test_key_jwks(next, "k2", NULL);
    char *old_jwks = test_key_jwks(key, "k1", NULL);
    char *token = test_sign(next, "{\"alg\":\"ES256\",\"kid\":\"k2\"}", PAYLOAD("alice", OPS));
    struct jwta_request request = {
        .token = jwta_span_of(token), .service = "sshd", .user = "alice", .now = NOW};
    struct jwta_result result;

    (void)state;
    jwta_auth(verifier, &request, &result);
    assert_code(result.why.code, JWTA_NO_KEY);
    jwta_result_free(&result);
    free(test_write(folder, "keys.json", jwks, 0644));
    request.now++;
    jwta_auth(verifier, &request, &result);
    assert_code(result.why.code, JWTA_OK);
    jwta_result_free(&result);
    free(test_write(folder, "keys.json", "{}", 0644));
    request.now++;
    jwta_auth(verifier, &request, &result);
    assert_code(result.why.code, JWTA_KEYS_UNAVAILABLE);
    jwta_result_free(&result);
    free(test_write(folder, "keys.json", old_jwks, 0644));
    free(token);
    free(old_jwks);
    free(jwks);
    test_key_free(&next);
    jwta_verifier_close(&verifier);
}

struct worker {
    pthread_t thread;
    struct jwta_verifier *verifier;
    const char *good;
    const char *forged;
    size_t wrong;
};

static void *work(void *context)
{
    struct worker *worker = context;

    for (int i = 0; i < 150; i++) {
        bool good = i % 3 != 0;
        struct jwta_request request = {
            .token = jwta_span_of(good ? worker->good : worker->forged),
            .service = "sshd",
            .user = "alice",
            .now = NOW + i / 10,
        };
        struct jwta_result result;

        jwta_auth(worker->verifier, &request, &result);
        worker->wrong += (result.outcome == JWTA_ALLOWED) != good;
        worker->wrong += good && strcmp(result.decided.user, "alice") != 0;
        jwta_result_free(&result);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct jwta_verifier *verifier = test_verifier(conf_text, NULL);
    struct test_key *other = test_key_new("ES256");
    char *good = test_sign(key, HEADER, PAYLOAD("alice", OPS));
    char *forged = test_sign(other, HEADER, PAYLOAD("alice", OPS));
    struct worker workers[8] = {{0}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        workers[i] = (struct worker){.verifier = verifier, .good = good, .forged = forged};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
    free(forged);
    free(good);
    test_key_free(&other);
    jwta_verifier_close(&verifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allowed),      cmocka_unit_test(test_token_hash),
        cmocka_unit_test(test_denied),       cmocka_unit_test(test_observed),
        cmocka_unit_test(test_not_asked),    cmocka_unit_test(test_forged),
        cmocka_unit_test(test_known_header), cmocka_unit_test(test_order),
        cmocka_unit_test(test_rotation),     cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
