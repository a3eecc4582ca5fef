/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration: /etc/jwtauth/jwtauth.yaml and conf.d/ beside it, read into one immutable
 * struct that any number of threads may share. Every setting keeps the file and line it came
 * from, so that every decision can name its rule. The keyword tables below make the structs, the
 * parser, the suggestions for misspelt words and the check that jwtauth.yaml(5) documents each.
 *
 * A configuration with an error is refused as a whole: hosts then deny every login.
 */
#ifndef JWTA_CONF_H
#define JWTA_CONF_H

#include "common/alg.h"
#include "common/buf.h"
#include "common/host.h"
#include "common/yaml.h"

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define JWTA_CONF_PATH_DEFAULT JWTA_SYSCONFDIR "/jwtauth/jwtauth.yaml"
#define JWTA_CONF_MAX (1024 * 1024)

/* Where something stands. file is owned by the configuration; line 0: it is a default. */
struct jwta_where {
    const char *file;
    unsigned line;
};

/* The typed values. Each keeps where it was set; where.file NULL means not set. */
struct jwta_string {
    char *text;
    struct jwta_where where;
};

struct jwta_strings {
    struct jwta_string *item;
    size_t count;
    struct jwta_where where;
};

struct jwta_number {
    int64_t value;
    struct jwta_where where;
};

struct jwta_flag {
    bool value;
    struct jwta_where where;
};

/* audience: a list, or the word `any`. In a service, %h stands expanded. */
struct jwta_audience {
    struct jwta_strings list;
    bool any;
};

struct jwta_algorithms {
    struct jwta_algs set;
    struct jwta_where where;
};

/* Where keys come from. */
enum jwta_jwks_kind { JWTA_JWKS_FILE, JWTA_JWKS_DISCOVER, JWTA_JWKS_URL };

struct jwta_jwks {
    enum jwta_jwks_kind kind;
    char *place; /* absolute path, or URL; NULL for discover */
    struct jwta_where where;
};

/* One piece of a user name template: literal text, or a claim and what to take of it. */
enum jwta_piece_kind { JWTA_PIECE_LITERAL, JWTA_PIECE_CLAIM, JWTA_PIECE_LOCALPART };

struct jwta_piece {
    enum jwta_piece_kind kind;
    char *text; /* the literal, or a JSON Pointer to the claim */
    bool email; /* the claim email: an address */
};

struct jwta_template {
    struct jwta_piece *piece;
    size_t count;
    bool email; /* the claim email is part of it: email_verified must be true */
    struct jwta_where where;
};

/* A POSIX extended regular expression, anchored at both ends, compiled in the C locale. */
struct jwta_pattern {
    regex_t *regex;
    char *text;
    struct jwta_where where;
};

/* role at the issuer → local groups, sorted by role (bytes). */
struct jwta_group {
    char *name;
    gid_t gid;
};

struct jwta_mapping {
    struct jwta_string role;
    struct jwta_group *group;
    size_t count;
};

struct jwta_mappings {
    struct jwta_mapping *item;
    size_t count;
    struct jwta_where where;
};

/* One entry of `require`: POINTER exists | POINTER contains WORD | POINTER equals VALUE. */
enum jwta_require_op { JWTA_REQUIRE_EXISTS, JWTA_REQUIRE_CONTAINS, JWTA_REQUIRE_EQUALS };

struct jwta_requirement {
    char *pointer;
    enum jwta_require_op op;
    char *value; /* NULL for exists */
    char *text;  /* as written */
    struct jwta_where where;
};

struct jwta_requirements {
    struct jwta_requirement *item;
    size_t count;
    struct jwta_where where;
};

/*
 * names: what the server sees of a user whose token gives a group, in the order written. The
 * template's one {user} stands between before and after, in which {group} is filled in.
 */
struct jwta_naming {
    struct jwta_string group;
    char *before;
    char *after;
};

struct jwta_namings {
    struct jwta_naming *item;
    size_t count;
    struct jwta_where where;
};

/* typ: media types without "application/", and the word `absent`. */
struct jwta_types {
    struct jwta_strings list;
    bool absent;
};

/*
 * X(keyword, TYPE): the keyword, the member of that name and its type. TYPE names both the struct
 * (below) and the function that parses it.
 *   STRING text · URL https:// · STRINGS list · NUMBER whole number · DURATION seconds (30s, 15m,
 * 8h, 1d) · FLAG yes or no
 */
#define JWTA_CONF_KEYWORDS(X) \
    X(clock_skew, DURATION)   \
    X(host_name, STRING)      \
    X(cache_dir, STRING)      \
    X(service_users, STRINGS) \
    X(min_uid, NUMBER)

#define JWTA_ISSUER_KEYWORDS(X) \
    X(issuer, STRING)           \
    X(jwks, JWKS)               \
    X(ca_file, STRING)          \
    X(proxy, STRING)            \
    X(stale_if_error, DURATION) \
    X(audience, AUDIENCE)       \
    X(algorithms, ALGORITHMS)   \
    X(typ, TYPES)               \
    X(max_lifetime, DURATION)   \
    X(username, TEMPLATE)       \
    X(username_match, PATTERN)  \
    X(email_domain, STRING)     \
    X(client_tokens, FLAG)      \
    X(roles, POINTERS)          \
    X(groups, MAPPINGS)

#define JWTA_SERVICE_KEYWORDS(X) \
    X(issuers, STRINGS)          \
    X(audience, AUDIENCE)        \
    X(allow_roles, STRINGS)      \
    X(allow_groups, STRINGS)     \
    X(scope, STRINGS)            \
    X(acr, STRINGS)              \
    X(max_auth_age, DURATION)    \
    X(require, REQUIREMENTS)     \
    X(system_users, STRINGS)     \
    X(proxy_roles, STRINGS)      \
    X(local_user, FLAG)          \
    X(names, NAMES)              \
    X(openid_configuration, URL) \
    X(properties, FLAG)          \
    X(grant, GRANT)              \
    X(observe, FLAG)

/* Known words of the format that this version does not act on; `config check` says so. */
#define JWTA_SERVICE_LATER(X) X(set_groups)

/* grant: what `account` does where no login with a token is known. */
enum jwta_grant_need { JWTA_GRANT_OPTIONAL, JWTA_GRANT_REQUIRED };

struct jwta_grant_rule {
    enum jwta_grant_need need;
    struct jwta_where where;
};

#define JWTA_STRUCT_STRING struct jwta_string
#define JWTA_STRUCT_URL struct jwta_string
#define JWTA_STRUCT_STRINGS struct jwta_strings
#define JWTA_STRUCT_POINTERS struct jwta_strings
#define JWTA_STRUCT_NUMBER struct jwta_number
#define JWTA_STRUCT_DURATION struct jwta_number
#define JWTA_STRUCT_FLAG struct jwta_flag
#define JWTA_STRUCT_AUDIENCE struct jwta_audience
#define JWTA_STRUCT_ALGORITHMS struct jwta_algorithms
#define JWTA_STRUCT_JWKS struct jwta_jwks
#define JWTA_STRUCT_TEMPLATE struct jwta_template
#define JWTA_STRUCT_PATTERN struct jwta_pattern
#define JWTA_STRUCT_MAPPINGS struct jwta_mappings
#define JWTA_STRUCT_REQUIREMENTS struct jwta_requirements
#define JWTA_STRUCT_TYPES struct jwta_types
#define JWTA_STRUCT_NAMES struct jwta_namings
#define JWTA_STRUCT_GRANT struct jwta_grant_rule

#define JWTA_MEMBER(keyword, type) JWTA_STRUCT_##type keyword;

struct jwta_issuer {
    char *name; /* the configuration's own name for it */
    struct jwta_where where;
    JWTA_ISSUER_KEYWORDS(JWTA_MEMBER)
};

/*
 * openid_configuration without a place (where.file NULL) was not set: its text is then that of the
 * first issuer if this one is discovered, and NULL otherwise.
 */
struct jwta_service {
    char *name; /* PAM's or SASL's service name */
    struct jwta_where where;
    const struct jwta_issuer **issuer; /* those of `issuers`, in that order */
    size_t issuer_count;
    bool misread; /* it has a word that is no keyword: nobody knows what was meant */
    JWTA_SERVICE_KEYWORDS(JWTA_MEMBER)
};

struct jwta_conf {
    JWTA_CONF_KEYWORDS(JWTA_MEMBER)
    struct jwta_issuer *issuers;
    size_t issuer_count;
    struct jwta_service *services;
    size_t service_count;
    char **files; /* the files that were read; where.file points here */
    size_t file_count;
};

/* What is wrong, each with its place; an error refuses the configuration, a warning does not. */
struct jwta_problem {
    bool error;
    char *file;
    unsigned line; /* 0: the file as a whole */
    char *text;    /* one sentence, with a suggestion where there is one */
};

struct jwta_problems {
    struct jwta_problem *item;
    size_t count;
    size_t errors;
};

/*
 * Reads path and conf.d/ *.yaml beside it (in the order of their names), as files that only root
 * or `expected` may have written. Everything wrong is listed in problems (the caller's, also on
 * success: warnings). CONF_MISSING, CONF_INSECURE, CONF_INVALID, MEMORY. Groups are looked up in
 * host, which is used only during the call.
 */
JWTA_MUST_USE enum jwta_code jwta_conf_load(const char *path, uid_t expected,
                                            const struct jwta_host *host, struct jwta_conf **out,
                                            struct jwta_problems *problems);

/*
 * The same from a tree that is there already, named `file` in places; no conf.d is looked for.
 */
JWTA_MUST_USE enum jwta_code jwta_conf_from_tree(const struct jwta_node *root, const char *file,
                                                 const struct jwta_host *host,
                                                 struct jwta_conf **out,
                                                 struct jwta_problems *problems);

void jwta_conf_free(struct jwta_conf **conf);
void jwta_problems_free(struct jwta_problems *problems);

/* The section of a service or issuer, or NULL. Names are case-sensitive. */
const struct jwta_service *jwta_conf_service(const struct jwta_conf *conf, const char *name);

/*
 * Whether text matches the pattern, in the C locale; group[0..count) as regexec(3) fills it.
 */
bool jwta_pattern_match(const struct jwta_pattern *pattern, const char *text, regmatch_t *group,
                        size_t count);

/* The mapping of a role, or NULL. */
const struct jwta_mapping *jwta_conf_mapping(const struct jwta_issuer *issuer,
                                             struct jwta_span role);

#endif
