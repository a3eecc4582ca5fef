/* SPDX-License-Identifier: BSD-2-Clause */
/* A verifier from a file: a configuration that is missing, unsafe or wrong, and what is logged. */
#include "common/auth.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char good[] = "issuers:\n"
                           "  corp:\n"
                           "    issuer: https://idp.example\n"
                           "    jwks: file:/nowhere/keys.json\n"
                           "    audience: login\n"
                           "    username: ${sub}\n"
                           "    roles: [/roles]\n"
                           "    groups: {ops: adm}\n"
                           "services:\n"
                           "  sshd: {issuers: [corp]}\n";

/* The lines that were logged, one after the other. */
struct sink {
    int lines;
    enum jwta_level level;
    char text[8192];
};

static void keep(void *context, enum jwta_level level, const char *line)
{
    struct sink *out = context;
    size_t used = strlen(out->text);

    out->lines++;
    out->level = level;
    assert_true((size_t)snprintf(out->text + used, sizeof(out->text) - used, "%s\n", line) <
                sizeof(out->text) - used);
}

static char *folder;

static int setup(void **state)
{
    (void)state;
    folder = test_folder();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_folder_remove(&folder);
    return 0;
}

/* What comes of conf.yaml in the folder; the problems are wanted or not. */
static enum jwta_code open_conf(struct sink *sink, bool list, struct jwta_verifier **verifier)
{
    const struct jwta_log log = {.write = keep, .context = sink};
    char *path = test_format("%s/conf.yaml", folder);
    const struct jwta_verifier_options options = {
        .path = path, .expected = geteuid(), .host = &test_host, .log = &log};
    struct jwta_problems problems = {0};
    enum jwta_code code = jwta_verifier_open(&options, verifier, list ? &problems : NULL);

    if (list && code == JWTA_CONF_INVALID)
        assert_true(problems.errors > 0);
    jwta_problems_free(&problems);
    free(path);
    return code;
}

static void test_refused(void **state)
{
    static const struct {
        const char *text; /* NULL: no file */
        mode_t mode;
        enum jwta_code code;
        const char *says;
    } rows[] = {
        {NULL, 0, JWTA_CONF_MISSING, "/conf.yaml"},
        {"issuers: [\n", 0600, JWTA_CONF_INVALID, "/conf.yaml:"},
        {"services:\n  sshd: {issuers: [x]}\n", 0600, JWTA_CONF_INVALID, "/conf.yaml:2: "},
        {"clock_skew: 1s\nsurprise: 1\n", 0600, JWTA_CONF_INVALID, "/conf.yaml:2: "},
        {"clock_skew: 1\nmin_uid: x\n", 0600, JWTA_CONF_INVALID, "/conf.yaml:1: "},
        {good, 0666, JWTA_CONF_INSECURE, "/conf.yaml"},
        {good, 0620, JWTA_CONF_INSECURE, "/conf.yaml"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int list = 0; list < 2; list++) {
            struct jwta_verifier *verifier = NULL;
            struct sink sink = {0};

            if (rows[i].text != NULL)
                free(test_write(folder, "conf.yaml", rows[i].text, rows[i].mode));
            assert_code(open_conf(&sink, list == 1, &verifier), rows[i].code);
            assert_null(verifier);
            assert_true(sink.lines > 0);
            assert_int_equal(sink.level, JWTA_LOG_ERROR);
            if (strstr(sink.text, rows[i].says) == NULL)
                fail_msg("\"%s\" does not contain \"%s\"", sink.text, rows[i].says);
        }
    }
}

/* Every problem is said, not only the first. */
static void test_every_problem(void **state)
{
    struct jwta_verifier *verifier = NULL;
    struct sink sink = {0};

    (void)state;
    free(test_write(folder, "conf.yaml", "clock_skew: 1\nsurprise: 1\nmin_uid: x\n", 0600));
    assert_code(open_conf(&sink, false, &verifier), JWTA_CONF_INVALID);
    assert_non_null(strstr(sink.text, "/conf.yaml:1: "));
    assert_non_null(strstr(sink.text, "/conf.yaml:2: "));
    assert_non_null(strstr(sink.text, "/conf.yaml:3: "));
}

static void test_accepted(void **state)
{
    static const mode_t modes[] = {0600, 0644, 0444};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct jwta_verifier *verifier = NULL;
        struct sink sink = {0};

        free(test_write(folder, "conf.yaml", good, modes[i]));
        assert_code(open_conf(&sink, i % 2 == 0, &verifier), JWTA_OK);
        assert_int_equal(sink.lines, 0);
        assert_string_equal(jwta_verifier_conf(verifier)->services[0].name, "sshd");
        /* Groups were looked up on the host that was given. */
        assert_int_equal(jwta_verifier_conf(verifier)->issuers[0].groups.item[0].group[0].gid, 4);
        jwta_verifier_close(&verifier);
        assert_null(verifier);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_problem),
        cmocka_unit_test(test_accepted),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
