/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of a configuration, its sections and its keywords. */
#include "tests/unit/check.h"
#include "tests/unit/conf_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of this test's own, with the main file's path. Who runs the test is trusted. */
struct room {
    char path[32];
    char main[64];
    char snippets[64];
};

static const char *const names[] = {"conf.d/10-a.yaml",    "conf.d/9-b.yaml", "conf.d/A.yaml",
                                    "conf.d/.hidden.yaml", "conf.d/note.txt", "conf.d/x.yaml~",
                                    "conf.d/.yaml",        "jwtauth.yaml",    "elsewhere"};

static void path_in(const struct room *room, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", room->path, name);
}

static void write_file(const struct room *room, const char *name, const char *text)
{
    char path[128];

    path_in(room, name, path, sizeof(path));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static int enter(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    assert_non_null(room);
    snprintf(room->path, sizeof(room->path), "/tmp/jwtauth-conf-XXXXXX");
    assert_non_null(mkdtemp(room->path));
    path_in(room, "jwtauth.yaml", room->main, sizeof(room->main));
    path_in(room, "conf.d", room->snippets, sizeof(room->snippets));
    assert_int_equal(mkdir(room->snippets, 0700), 0);
    *state = room;
    return 0;
}

static int leave(void **state)
{
    struct room *room = *state;
    char path[128];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        path_in(room, names[i], path, sizeof(path));
        if (unlink(path) != 0)
            rmdir(path);
    }
    rmdir(room->snippets);
    assert_int_equal(rmdir(room->path), 0);
    free(room);
    return 0;
}

static struct test_conf load(const struct room *room)
{
    struct test_conf read = {0};

    read.code = jwta_conf_load(room->main, geteuid(), &test_conf_host, &read.conf, &read.problems);
    assert_true((read.code == JWTA_OK) == (read.conf != NULL));
    assert_true((read.code == JWTA_OK) == (read.problems.errors == 0));
    return read;
}

/* Problem number index, as FILE:LINE: TEXT with the folder left out. */
static void assert_problem(const struct room *room, const struct test_conf *read, size_t index,
                           const char *expected)
{
    char got[1024];

    assert_true(index < read->problems.count);
    const struct jwta_problem *problem = &read->problems.item[index];
    size_t len = strlen(room->path) + 1;
    assert_memory_equal(problem->file, room->path, len - 1);
    snprintf(got, sizeof(got), "%s:%u: %s", problem->file + len, problem->line, problem->text);
    assert_string_equal(got, expected);
}

static const char issuer_text[] = "issuers:\n"
                                  "  corp:\n"
                                  "    issuer: https://idp\n"
                                  "    jwks: file:/k\n"
                                  "    username: ${sub}\n"
                                  "    roles: /r\n";
static const char sshd_text[] = "services:\n"
                                "  sshd: {issuers: corp, audience: a, allow_roles: ops}\n";
static const char imap_text[] = "services:\n"
                                "  imap: {issuers: corp, audience: b, allow_roles: ops}\n";

static void test_one_file(void **state)
{
    const struct room *room = *state;
    char both[512];

    snprintf(both, sizeof(both), "%s%s", issuer_text, sshd_text);
    write_file(room, "jwtauth.yaml", both);
    assert_int_equal(rmdir(room->snippets), 0); /* it need not exist */
    struct test_conf read = load(room);
    assert_code(read.code, JWTA_OK);
    assert_int_equal(read.problems.count, 0);
    assert_int_equal(read.conf->file_count, 1);
    assert_string_equal(read.conf->files[0], room->main);
    const struct jwta_service *sshd = jwta_conf_service(read.conf, "sshd");
    assert_non_null(sshd);
    assert_ptr_equal(sshd->allow_roles.where.file, read.conf->files[0]);
    assert_int_equal(sshd->allow_roles.where.line, 8);
    test_conf_free(&read);
    assert_null(read.conf);
    jwta_conf_free(&read.conf);
}

static void test_snippets(void **state)
{
    const struct room *room = *state;
    char path[128];

    write_file(room, "jwtauth.yaml", "clock_skew: 10s\n");
    write_file(room, "conf.d/10-a.yaml", sshd_text);
    write_file(room, "conf.d/9-b.yaml", issuer_text);
    write_file(room, "conf.d/A.yaml", imap_text);
    write_file(room, "conf.d/.hidden.yaml", "nonsense: 1\n");
    write_file(room, "conf.d/.yaml", "nonsense: 1\n");
    write_file(room, "conf.d/note.txt", "nonsense: 1\n");
    write_file(room, "conf.d/x.yaml~", "nonsense: 1\n");
    struct test_conf read = load(room);
    assert_code(read.code, JWTA_OK);
    assert_int_equal(read.problems.count, 0);
    assert_int_equal(read.conf->clock_skew.value, 10);
    assert_int_equal(read.conf->service_count, 2);
    assert_int_equal(read.conf->issuer_count, 1);
    /* By bytes, not by numbers or letters of a language. */
    assert_int_equal(read.conf->file_count, 4);
    for (size_t i = 0; i < 3; i++) {
        path_in(room, names[i], path, sizeof(path));
        assert_string_equal(read.conf->files[i + 1], path);
    }
    const struct jwta_service *imap = jwta_conf_service(read.conf, "imap");
    assert_ptr_equal(imap->where.file, read.conf->files[3]);
    assert_int_equal(imap->where.line, 2);
    assert_ptr_equal(imap->issuer[0], &read.conf->issuers[0]);
    test_conf_free(&read);
}

static void test_defined_twice(void **state)
{
    const struct room *room = *state;
    char expected[512];

    write_file(room, "jwtauth.yaml", issuer_text);
    write_file(room, "conf.d/10-a.yaml", sshd_text);
    write_file(room, "conf.d/9-b.yaml", "min_uid: 500\n");
    write_file(room, "conf.d/A.yaml",
               "min_uid: 600\n"
               "issuers:\n"
               "  corp: {issuer: 'https://other'}\n"
               "services:\n"
               "  sshd: {issuers: corp}\n");
    struct test_conf read = load(room);
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_int_equal(read.problems.count, 3);
    snprintf(expected, sizeof(expected),
             "conf.d/A.yaml:1: \"min_uid\" is set a second time, after %s/conf.d/9-b.yaml:1",
             room->path);
    assert_problem(room, &read, 0, expected);
    snprintf(expected, sizeof(expected),
             "conf.d/A.yaml:3: issuer \"corp\" is defined a second time, after %s:2", room->main);
    assert_problem(room, &read, 1, expected);
    snprintf(expected, sizeof(expected),
             "conf.d/A.yaml:5: service \"sshd\" is defined a second time, after "
             "%s/conf.d/10-a.yaml:2",
             room->path);
    assert_problem(room, &read, 2, expected);
    test_conf_free(&read);
}

static void test_missing(void **state)
{
    const struct room *room = *state;

    struct test_conf read = load(room);
    assert_code(read.code, JWTA_CONF_MISSING);
    assert_int_equal(read.problems.count, 1);
    assert_problem(room, &read, 0, "jwtauth.yaml:0: No such file or directory");
    test_conf_free(&read);
    /* A folder in place of the file. */
    assert_int_equal(mkdir(room->main, 0700), 0);
    read = load(room);
    assert_code(read.code, JWTA_CONF_MISSING);
    assert_problem(room, &read, 0, "jwtauth.yaml:0: is not a regular file");
    test_conf_free(&read);
}

static void test_too_large(void **state)
{
    const struct room *room = *state;
    char *text = malloc(JWTA_CONF_MAX + 2);

    assert_non_null(text);
    memset(text, '#', JWTA_CONF_MAX + 1);
    text[JWTA_CONF_MAX + 1] = '\0';
    write_file(room, "jwtauth.yaml", text);
    struct test_conf read = load(room);
    assert_code(read.code, JWTA_CONF_MISSING);
    assert_problem(room, &read, 0, "jwtauth.yaml:0: is larger than 1048576 bytes");
    test_conf_free(&read);
    text[JWTA_CONF_MAX] = '\0';
    write_file(room, "jwtauth.yaml", text);
    free(text);
    read = load(room);
    assert_code(read.code, JWTA_OK);
    test_conf_free(&read);
}

/* What was meant to be read and cannot be is not the same as nothing. */
static void test_snippets_unreadable(void **state)
{
    const struct room *room = *state;

    write_file(room, "jwtauth.yaml", issuer_text);
    assert_int_equal(rmdir(room->snippets), 0);
    struct test_conf read = load(room);
    assert_code(read.code, JWTA_OK);
    test_conf_free(&read);

    assert_int_equal(symlink("/nonexistent/conf.d", room->snippets), 0);
    read = load(room);
    assert_code(read.code, JWTA_CONF_MISSING);
    test_conf_free(&read);
    assert_int_equal(unlink(room->snippets), 0);

    write_file(room, "conf.d", "a file\n");
    read = load(room);
    assert_code(read.code, JWTA_CONF_MISSING);
    test_conf_free(&read);
    assert_int_equal(unlink(room->snippets), 0);
    assert_int_equal(mkdir(room->snippets, 0755), 0);
}

static void test_insecure(void **state)
{
    const struct room *room = *state;
    char snippet[128];
    char expected[256];

    write_file(room, "jwtauth.yaml", issuer_text);
    write_file(room, "conf.d/10-a.yaml", sshd_text);
    path_in(room, "conf.d/10-a.yaml", snippet, sizeof(snippet));

    assert_int_equal(chmod(room->main, 0666), 0);
    struct test_conf read = load(room);
    assert_code(read.code, JWTA_CONF_INSECURE);
    assert_int_equal(read.problems.count, 1);
    snprintf(expected, sizeof(expected),
             "jwtauth.yaml:0: is writable by group or others (owner uid %u, mode 0666)",
             (unsigned)geteuid());
    assert_problem(room, &read, 0, expected);
    test_conf_free(&read);
    assert_int_equal(chmod(room->main, 0644), 0);

    /* One snippet refuses the whole; what it would have defined is not called missing. */
    assert_int_equal(chmod(snippet, 0660), 0);
    read = load(room);
    assert_code(read.code, JWTA_CONF_INSECURE);
    assert_int_equal(read.problems.count, 1);
    snprintf(expected, sizeof(expected),
             "conf.d/10-a.yaml:0: is writable by group or others (owner uid %u, mode 0660)",
             (unsigned)geteuid());
    assert_problem(room, &read, 0, expected);
    test_conf_free(&read);
    assert_int_equal(chmod(snippet, 0600), 0);

    assert_int_equal(chmod(room->snippets, 01777), 0);
    read = load(room);
    assert_code(read.code, JWTA_CONF_INSECURE);
    snprintf(expected, sizeof(expected),
             "conf.d:0: is writable by group or others (owner uid %u, mode 1777)",
             (unsigned)geteuid());
    assert_problem(room, &read, 0, expected);
    test_conf_free(&read);
    assert_int_equal(chmod(room->snippets, 0700), 0);

    assert_int_equal(chmod(room->path, 0777), 0);
    read = load(room);
    assert_code(read.code, JWTA_CONF_INSECURE);
    snprintf(expected, sizeof(expected),
             "jwtauth.yaml:0: %s is writable by group or others (owner uid %u, mode 0777)",
             room->path, (unsigned)geteuid());
    assert_problem(room, &read, 0, expected);
    test_conf_free(&read);
}

static void test_link(void **state)
{
    const struct room *room = *state;
    char path[128];

    write_file(room, "elsewhere", issuer_text);
    assert_int_equal(symlink("elsewhere", room->main), 0);
    struct test_conf read = load(room);
    assert_code(read.code, JWTA_CONF_INSECURE);
    assert_problem(room, &read, 0, "jwtauth.yaml:0: is a symbolic link");
    test_conf_free(&read);
    assert_int_equal(unlink(room->main), 0);
    write_file(room, "jwtauth.yaml", "min_uid: 500\n");
    path_in(room, "conf.d/10-a.yaml", path, sizeof(path));
    assert_int_equal(symlink("../elsewhere", path), 0);
    read = load(room);
    assert_code(read.code, JWTA_CONF_INSECURE);
    assert_problem(room, &read, 0, "conf.d/10-a.yaml:0: is a symbolic link");
    test_conf_free(&read);
}

/* Every problem of every file is told at once, in the order of their places. */
static void test_all_problems_at_once(void **state)
{
    const struct room *room = *state;

    write_file(room, "jwtauth.yaml",
               "clok_skew: 60s\n"
               "issuers:\n"
               "  corp:\n"
               "    issuer: http://idp\n"
               "    jwks: keys\n"
               "    username: alice\n"
               "    alow_roles: x\n"
               "    allow_roles: x\n"
               "    algorithms: [none, ES256]\n"
               "services:\n"
               "  sshd: {issuers: [crop], alow_roles: [a], observe: maybe}\n");
    write_file(room, "conf.d/10-a.yaml", "service: {}\n");
    struct test_conf read = load(room);
    static const char *const expected[] = {
        "conf.d/10-a.yaml:1: unknown keyword \"service\"; did you mean \"services\"?",
        "jwtauth.yaml:1: unknown keyword \"clok_skew\"; did you mean \"clock_skew\"?",
        "jwtauth.yaml:3: no service uses issuer \"corp\"",
        "jwtauth.yaml:4: \"issuer\" is no https:// URL (http:// only to localhost, 127.0.0.1 or "
        "[::1]): \"http://idp\"",
        "jwtauth.yaml:5: \"jwks\" must be \"file:/absolute/path\", \"discover\" or an https:// "
        "URL, not \"keys\"",
        "jwtauth.yaml:6: \"username\": no ${claim}, so that all tokens would be one user, in "
        "\"alice\"",
        "jwtauth.yaml:7: unknown keyword \"alow_roles\"",
        "jwtauth.yaml:8: \"allow_roles\" stands in a service, not here",
        "jwtauth.yaml:9: the algorithm \"none\" means no signature and is never accepted",
        "jwtauth.yaml:11: unknown keyword \"alow_roles\"; did you mean \"allow_roles\"?",
        "jwtauth.yaml:11: \"observe\" must be yes or no, not \"maybe\"",
        "jwtauth.yaml:11: no issuer has the name \"crop\"; did you mean \"corp\"?",
        /* That it has no "allow_roles" is not said: "alow_roles" may be what is meant. */
    };
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_int_equal(read.problems.count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_problem(room, &read, i, expected[i]);
    test_conf_free(&read);
}

static void test_syntax(void **state)
{
    const struct room *room = *state;

    write_file(room, "jwtauth.yaml", issuer_text);
    write_file(room, "conf.d/10-a.yaml", "services:\n  sshd: *x\n");
    write_file(room, "conf.d/9-b.yaml", "min_uid: x\n");
    struct test_conf read = load(room);
    assert_code(read.code, JWTA_CONF_INVALID);
    assert_int_equal(read.problems.count, 2);
    assert_problem(room, &read, 0, "conf.d/10-a.yaml:2: an alias (*) is not accepted");
    assert_problem(room, &read, 1,
                   "conf.d/9-b.yaml:1: \"min_uid\" must be a whole number, not \"x\"");
    test_conf_free(&read);
}

static void test_keywords(void **state)
{
    static const struct test_refusal cases[] = {
        {"top", "hostname: x",
         "error 1: unknown keyword \"hostname\"; did you mean \"host_name\"?"},
        {"top", "issuer: {}", "error 1: \"issuer\" stands in an issuer, not here"},
        {"top", "observe: yes", "error 1: \"observe\" stands in a service, not here"},
        {"issuer", "clock_skew: 1s",
         "error 9: \"clock_skew\" stands at the top of a file, not here"},
        {"issuer", "algs: ES256", "error 9: unknown keyword \"algs\""},
        {"issuer", "algorithm: ES256",
         "error 9: unknown keyword \"algorithm\"; did you mean \"algorithms\"?"},
        {"issuer", "Typ: JWT", "error 9: unknown keyword \"Typ\"; did you mean \"typ\"?"},
        {"issuer", "set_groups: yes", "error 9: unknown keyword \"set_groups\""},
        {"service", "allow: x",
         "error 14: unknown keyword \"allow\"; did you mean \"allow_roles\"?"},
        {"service", "set_group: yes",
         "error 14: unknown keyword \"set_group\"; did you mean \"set_groups\"?"},
        {"service", "\"\": x", "error 14: unknown keyword \"\""},
        {"service", "something_else_that_is_very_long_and_in_no_table_at_all: x",
         "error 14: unknown keyword \"something_else_that_is_very_long_and_in_no_table_at_all\""},
    };

    (void)state;
    test_conf_check_refused(cases, COUNT_OF(cases));
}

static void test_sections(void **state)
{
    static const struct {
        const char *text;
        const char *problem;
    } cases[] = {
        {"issuers: corp\n",
         "error 1: \"issuers\" needs a mapping of names, each with its keywords"},
        {"services: [sshd]\n",
         "error 1: \"services\" needs a mapping of names, each with its keywords"},
        {"services:\n  sshd: yes\n", "error 2: service \"sshd\" needs a mapping (keyword: value)"},
        {"issuers:\n  corp: [a]\n", "error 2: issuer \"corp\" needs a mapping (keyword: value)"},
        {"issuers:\n  a/b: {}\n", "error 2: issuer name \"a/b\" may have only letters, digits and "
                                  ". _ + @ -, and does not begin with a period"},
        {"services:\n  ../x: {}\n", "error 2: service name \"../x\" may have only letters, digits "
                                    "and . _ + @ -, and does not begin with a period"},
        {"services:\n  \"\": {}\n", "error 2: service name \"\" may have only letters, digits and "
                                    ". _ + @ -, and does not begin with a period"},
        {"services:\n  a b: {}\n", "error 2: service name \"a b\" may have only letters, digits "
                                   "and . _ + @ -, and does not begin with a period"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct test_conf read = test_conf_read(cases[i].text);
        if (!test_conf_says(&read, cases[i].problem))
            test_conf_print(&read);
        assert_code(read.code, JWTA_CONF_INVALID);
        assert_int_equal(read.problems.errors, 1);
        assert_true(test_conf_says(&read, cases[i].problem));
        test_conf_free(&read);
    }
}

/* What was found before stays; this load's own errors decide about this load. */
static void test_problems_add_up(void **state)
{
    const struct room *room = *state;
    struct test_conf read = test_conf_read("observe: yes\n");

    assert_code(read.code, JWTA_CONF_INVALID);
    size_t before = read.problems.count;
    write_file(room, "jwtauth.yaml", issuer_text);
    assert_code(jwta_conf_load(room->main, geteuid(), &test_conf_host, &read.conf, &read.problems),
                JWTA_OK);
    assert_int_equal(read.problems.count, before + 1);
    assert_int_equal(read.problems.errors, 1);
    test_conf_free(&read);
    jwta_problems_free(&read.problems);
}

#define IN_ROOM(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_one_file),
        IN_ROOM(test_snippets),
        IN_ROOM(test_defined_twice),
        IN_ROOM(test_missing),
        IN_ROOM(test_too_large),
        IN_ROOM(test_snippets_unreadable),
        IN_ROOM(test_insecure),
        IN_ROOM(test_link),
        IN_ROOM(test_all_problems_at_once),
        IN_ROOM(test_syntax),
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_sections),
        IN_ROOM(test_problems_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
