/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/conf_text.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned test_conf_lookups;

static enum jwta_found find_user(const struct jwta_host *host, const char *name, uid_t *uid)
{
    (void)host;
    (void)name;
    (void)uid;
    return JWTA_NOT_FOUND;
}

static enum jwta_found find_group(const struct jwta_host *host, const char *name, gid_t *gid)
{
    static const struct {
        const char *name;
        gid_t gid;
    } groups[] = {{"adm", 4},  {"ops", 500}, {"dba", 501},
                  {"root", 0}, {"toor", 0},  {"nogid", (gid_t)-1}};

    (void)host;
    test_conf_lookups++;
    if (strcmp(name, "flaky") == 0)
        return JWTA_LOOKUP_FAILED;
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        if (strcmp(groups[i].name, name) == 0) {
            *gid = groups[i].gid;
            return JWTA_FOUND;
        }
    }
    return JWTA_NOT_FOUND;
}

static bool give_name(const struct jwta_host *host, char *name, size_t size)
{
    (void)host;
    return snprintf(name, size, "lab") < (int)size;
}

const struct jwta_host test_conf_host = {
    .user = find_user, .group = find_group, .name = give_name, .context = NULL};

struct test_conf test_conf_read(const char *text)
{
    struct test_conf read = {0};
    struct jwta_node *root = NULL;
    struct jwta_why why = {0};
    unsigned line = 0;

    enum jwta_code code = jwta_yaml_parse(jwta_span_of(text), &root, &line, &why);
    if (code != JWTA_OK)
        fail_msg("%s:%u: %s\n%s", TEST_CONF_FILE, line, why.text, text);
    read.code =
        jwta_conf_from_tree(root, TEST_CONF_FILE, &test_conf_host, &read.conf, &read.problems);
    jwta_node_free(&root);
    assert_true((read.code == JWTA_OK) == (read.conf != NULL));
    assert_true((read.code == JWTA_OK) == (read.problems.errors == 0));
    return read;
}

void test_conf_free(struct test_conf *read)
{
    jwta_conf_free(&read->conf);
    jwta_problems_free(&read->problems);
}

/* The right configuration, line by line: section, then `keyword: value`. */
static const struct {
    const char *section;
    const char *setting;
} base[] = {
    {"issuer", "issuer: https://idp.example.com/realms/corp"},
    {"issuer", "jwks: file:/etc/jwtauth/corp.jwks"},
    {"issuer", "audience: https://login.example.com"},
    {"issuer", "username: ${preferred_username}"},
    {"issuer", "roles: /groups"},
    {"issuer", "groups: {ops: ops}"},
    {"service", "issuers: corp"},
    {"service", "audience: ssh://lab"},
    {"service", "allow_roles: ops"},
};

static const struct {
    const char *section;
    const char *head;
    const char *indent;
} heads[] = {{"top", "", ""},
             {"issuer", "issuers:\n  corp:\n", "    "},
             {"service", "services:\n  sshd:\n", "    "}};

static bool same_keyword(const char *a, const char *b)
{
    size_t len = strcspn(a, ":");

    return len == strcspn(b, ":") && strncmp(a, b, len) == 0;
}

static void put(FILE *out, const char *indent, const char *setting)
{
    if (setting[strcspn(setting, ":") + 1] != '\0')
        fprintf(out, "%s%s\n", indent, setting);
}

/* Writes the base, with setting in its section. */
static char *write_base(const char *section, const char *setting)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        bool mine = strcmp(heads[i].section, section) == 0;
        fputs(heads[i].head, out);
        for (size_t j = 0; j < COUNT_OF(base); j++) {
            if (strcmp(base[j].section, heads[i].section) != 0)
                continue;
            bool replaced = mine && same_keyword(base[j].setting, setting);
            put(out, heads[i].indent, replaced ? setting : base[j].setting);
            mine = mine && !replaced;
        }
        if (mine)
            put(out, heads[i].indent, setting);
    }
    fclose(out);
    return text;
}

struct test_conf test_conf_with(const char *section, const char *setting)
{
    char *text = write_base(section, setting);
    struct test_conf read = test_conf_read(text);

    free(text);
    return read;
}

static void describe(const struct jwta_problem *problem, char *out, size_t size)
{
    snprintf(out, size, "%s %u: %s", problem->error ? "error" : "warning", problem->line,
             problem->text);
}

bool test_conf_says(const struct test_conf *read, const char *problem)
{
    char line[1024];

    for (size_t i = 0; i < read->problems.count; i++) {
        describe(&read->problems.item[i], line, sizeof(line));
        if (strcmp(line, problem) == 0)
            return true;
    }
    return false;
}

void test_conf_print(const struct test_conf *read)
{
    char line[1024];

    for (size_t i = 0; i < read->problems.count; i++) {
        describe(&read->problems.item[i], line, sizeof(line));
        print_error("%s: %s\n", read->problems.item[i].file, line);
    }
}

struct test_conf test_conf_accepted(const char *section, const char *setting)
{
    struct test_conf read = test_conf_with(section, setting);

    if (read.code != JWTA_OK) {
        print_error("%s\n", setting);
        test_conf_print(&read);
    }
    assert_code(read.code, JWTA_OK);
    return read;
}

void test_conf_check_refused(const struct test_refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct test_conf read = test_conf_with(cases[i].section, cases[i].setting);
        bool right = test_conf_says(&read, cases[i].problem) && read.problems.count == 1;
        if (!right) {
            print_error("%s\n  expected %s\n", cases[i].setting, cases[i].problem);
            test_conf_print(&read);
        }
        assert_code(read.code, JWTA_CONF_INVALID);
        assert_true(right);
        assert_string_equal(read.problems.item[0].file, TEST_CONF_FILE);
        test_conf_free(&read);
    }
}
