/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/log.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

/* What was written last, and how often anything was. */
struct sink {
    int lines;
    enum jwta_level level;
    char line[4096];
};

static void keep(void *context, enum jwta_level level, const char *line)
{
    struct sink *sink = context;

    sink->lines++;
    sink->level = level;
    assert_true((size_t)snprintf(sink->line, sizeof(sink->line), "%s", line) < sizeof(sink->line));
}

static void test_line(void **state)
{
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};

    (void)state;
    jwta_log(&log, JWTA_LOG_WARNING, "%s:%d", "file", 7);
    assert_int_equal(sink.lines, 1);
    assert_int_equal(sink.level, JWTA_LOG_WARNING);
    assert_string_equal(sink.line, "file:7");
}

/* No log is silence, not a crash. */
static void test_silence(void **state)
{
    struct jwta_log nowhere = {0};
    struct jwta_audit audit = {.reason = JWTA_EXPIRED};

    (void)state;
    jwta_log(NULL, JWTA_LOG_ERROR, "%d", 1);
    jwta_log(&nowhere, JWTA_LOG_ERROR, "%d", 1);
    jwta_log_audit(NULL, &audit);
    jwta_log_audit(&nowhere, &audit);
}

static void test_long_line(void **state)
{
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};
    char text[8000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    jwta_log(&log, JWTA_LOG_ERROR, "%s", text);
    assert_int_equal(sink.lines, 1);
    assert_int_equal(strspn(sink.line, "x"), strlen(sink.line));
}

static void test_audit(void **state)
{
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};
    struct jwta_audit audit = {
        .reason = JWTA_OK,
        .service = jwta_span_of("sshd"),
        .user = jwta_span_of("alice"),
        .authzid = jwta_span_of("bob"),
        .name = jwta_span_of("alice@adm"),
        .subject = jwta_span_of("4711"),
        .issuer = jwta_span_of("corp"),
        .kid = jwta_span_of("k1"),
        .alg = jwta_span_of("ES256"),
        .token = jwta_span_of("0123456789abcdef"),
        .remote = jwta_span_of("192.0.2.1"),
        .age = 12,
        .rule = "jwtauth.yaml:9",
        .elapsed = 345,
    };

    (void)state;
    jwta_log_audit(&log, &audit);
    assert_int_equal(sink.level, JWTA_LOG_INFO);
    assert_string_equal(sink.line,
                        "result=allowed reason=ok service=\"sshd\" user=\"alice\" authzid=\"bob\" "
                        "name=\"alice@adm\" subject=\"4711\" "
                        "issuer=\"corp\" kid=\"k1\" alg=\"ES256\" token=\"0123456789abcdef\" "
                        "remote=\"192.0.2.1\" age=12 rule=jwtauth.yaml:9 elapsed=345us detail=-");
}

/* The same fields always, `-` for what is not known; what the service only observes says so. */
static void test_audit_absent(void **state)
{
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};
    struct jwta_audit audit = {
        .reason = JWTA_NOT_JWT, .observe = true, .age = -1, .detail = "2 parts, a JWT has three"};

    (void)state;
    jwta_log_audit(&log, &audit);
    assert_string_equal(
        sink.line,
        "result=denied reason=not-jwt observe=yes service=- user=- authzid=- name=- subject=- "
        "issuer=- kid=- alg=- token=- remote=- age=- rule=- elapsed=0us "
        "detail=2 parts, a JWT has three");
}

/* A user's name is never taken for a token, once it is known to be a name. */
static void test_audit_mapped(void **state)
{
    char line[600];
    char user[256] = "";
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};
    struct jwta_audit audit = {.user = jwta_span(user, 255), .age = -1};

    (void)state;
    memset(user, 'a', 255);
    (void)snprintf(line, sizeof(line), " user=\"%s\" ", user);
    jwta_log_audit(&log, &audit);
    assert_non_null(strstr(sink.line, " user=\"<redacted>\" "));
    audit.mapped = true;
    jwta_log_audit(&log, &audit);
    assert_non_null(strstr(sink.line, line));
    assert_non_null(strstr(sink.line, " name=- "));
}

/* What would have been allowed was not, where the service only observes. */
static void test_audit_observed(void **state)
{
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};
    struct jwta_audit audit = {.reason = JWTA_OK, .observe = true, .age = -1};

    (void)state;
    jwta_log_audit(&log, &audit);
    assert_int_equal(sink.level, JWTA_LOG_INFO);
    assert_non_null(strstr(sink.line, "result=observed reason=ok observe=yes "));
}

static void test_audit_levels(void **state)
{
    static const struct {
        enum jwta_code reason;
        enum jwta_level level;
        const char *result;
    } rows[] = {
        {JWTA_OK, JWTA_LOG_INFO, "result=allowed reason=ok "},
        {JWTA_EXPIRED, JWTA_LOG_NOTICE, "result=denied reason=expired "},
        {JWTA_KEYS_UNAVAILABLE, JWTA_LOG_WARNING, "result=unavailable reason=keys-unavailable "},
        {JWTA_CONF_INVALID, JWTA_LOG_ERROR, "result=config reason=conf-invalid "},
        {JWTA_MEMORY, JWTA_LOG_ERROR, "result=internal reason=memory "},
    };
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct jwta_audit audit = {.reason = rows[i].reason};

        jwta_log_audit(&log, &audit);
        assert_int_equal(sink.level, rows[i].level);
        assert_memory_equal(sink.line, rows[i].result, strlen(rows[i].result));
    }
}

/* Values from outside can neither forge a field, start a line nor carry a token into the log. */
static void test_audit_hostile(void **state)
{
    static const char signature[] =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};
    struct jwta_audit audit = {
        .reason = JWTA_SIGNATURE,
        .user = jwta_span_of("root\" result=allowed reason=\"ok"),
        .subject = jwta_span_of("a\nresult=allowed"),
        .issuer = jwta_span_of("\x1b]0;title\x07"),
        .kid = jwta_span_of(signature),
        .alg = jwta_span_of("eyJhbGciOiJFUzI1NiJ9"),
        .remote = jwta_span("a\0b", 3),
    };

    (void)state;
    jwta_log_audit(&log, &audit);
    assert_non_null(strstr(sink.line, " user=\"root\\x22 result=allowed reason=\\x22ok\" "));
    assert_non_null(strstr(sink.line, " subject=\"a\\x0aresult=allowed\" "));
    assert_non_null(strstr(sink.line, " kid=\"<redacted>\" alg=\"<redacted>\" "));
    assert_non_null(strstr(sink.line, " remote=\"a\\x00b\" "));
    assert_null(strstr(sink.line, signature));
    assert_null(strstr(sink.line, "eyJ"));
    for (const char *p = sink.line; *p != '\0'; p++)
        assert_true(*p >= 0x20 && *p < 0x7f);
}

/* Every field as long as it gets: the line is whole up to its last field. */
static void test_audit_longest(void **state)
{
    struct sink sink = {0};
    struct jwta_log log = {.write = keep, .context = &sink};
    char value[500];
    struct jwta_span longest = {value, sizeof(value)};
    struct jwta_audit audit = {.reason = JWTA_SIGNATURE,
                               .service = longest,
                               .user = longest,
                               .subject = longest,
                               .issuer = longest,
                               .kid = longest,
                               .alg = longest,
                               .token = longest,
                               .remote = longest,
                               .rule = "/etc/jwtauth/conf.d/50-corp.yaml:1234",
                               .age = INT64_MAX,
                               .elapsed = INT64_MAX,
                               .detail = "end of it"};

    (void)state;
    memset(value, '\n', sizeof(value));
    jwta_log_audit(&log, &audit);
    assert_non_null(strstr(sink.line, " detail=end of it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),           cmocka_unit_test(test_silence),
        cmocka_unit_test(test_long_line),      cmocka_unit_test(test_audit),
        cmocka_unit_test(test_audit_absent),   cmocka_unit_test(test_audit_mapped),
        cmocka_unit_test(test_audit_observed), cmocka_unit_test(test_audit_levels),
        cmocka_unit_test(test_audit_hostile),  cmocka_unit_test(test_audit_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
