/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configurations for tests, as text: read on a host made up for it, whose groups are adm (4),
 * ops (500), dba (501), root (0), toor (0) and flaky (cannot be looked up), and name lab.
 */
#ifndef TEST_CONF_TEXT_H
#define TEST_CONF_TEXT_H

#include "common/conf.h"

/* The file that problems and places of such a configuration name. */
#define TEST_CONF_FILE "t.yaml"

extern const struct jwta_host test_conf_host;
/* How often a group was looked up in test_conf_host so far. */
extern unsigned test_conf_lookups;

struct test_conf {
    enum jwta_code code;
    struct jwta_conf *conf; /* NULL when it was refused */
    struct jwta_problems problems;
};

struct test_conf test_conf_read(const char *text);
void test_conf_free(struct test_conf *read);

/*
 * A configuration that is right in everything, with one setting put in place of its own, or added:
 * issuer corp has issuer, jwks, audience, username, roles, groups; service sshd has issuers,
 * audience and allow_roles. setting is `keyword: value`, without the indentation; its
 * further lines are indented by the caller. An empty value leaves the setting out. section is
 * "top", "issuer" or "service". The issuer's settings stand in lines 3 to 8, in the order above,
 * and the service's in lines 11 to 13; what is added comes after them, or in line 1 at the top.
 */
struct test_conf test_conf_with(const char *section, const char *setting);

/* Whether exactly this is among the problems: "error LINE: TEXT" or "warning LINE: TEXT". */
bool test_conf_says(const struct test_conf *read, const char *problem);
/* The same as test_conf_with, and the test fails if it is refused. */
struct test_conf test_conf_accepted(const char *section, const char *setting);

/* Settings that must be refused, each for the one reason given and no other. */
struct test_refusal {
    const char *section;
    const char *setting;
    const char *problem; /* as in test_conf_says */
};
void test_conf_check_refused(const struct test_refusal *cases, size_t count);

/* Prints the problems, for a failure. */
void test_conf_print(const struct test_conf *read);

#endif
