/* SPDX-License-Identifier: BSD-2-Clause */
/* jwtauth config check: every problem of the configuration at once. */
#include "cli/cli.h"
#include "cli/fetch_user.h"
#include "cli/hints.h"
#include "cli/kept.h"
#include "cli/query.h"
#include "cli/service_users.h"
#include "common/keys.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {NULL, 0, NULL, 0},
};

/* What the keys of an issuer are worth. */
struct worth {
    size_t usable;
    size_t fitting; /* usable, and for one of the algorithms that the issuer is allowed */
};

static struct worth worth_of(struct jwta_keyset *set, const struct jwta_issuer *issuer)
{
    struct jwta_keyset_entry entry;
    struct worth worth = {0};

    for (size_t i = 0; jwta_keyset_at(set, i, &entry); i++) {
        bool fits = false;

        if (entry.usable != JWTA_OK)
            continue;
        worth.usable++;
        for (size_t j = 0; jwta_alg_at(j) != NULL; j++)
            fits = fits || (jwta_algs_has(issuer->algorithms.set, jwta_alg_at(j)) &&
                            jwta_jwk_fits(&entry.jwk, jwta_alg_at(j)));
        worth.fitting += fits;
    }
    return worth;
}

/* Configuration and keys under check, and what was found. */
struct check {
    const char *path;
    struct jwta_conf *conf;
    struct jwta_keys *keys;
    struct kept kept;
    struct findings findings;
};

/* Keys are there, but not as they should be: the next login may be without. */
static void warn_of_keys(struct check *check, const struct jwta_issuer *issuer, int64_t now)
{
    struct jwta_where where = issuer->jwks.where;
    struct jwta_keys_age age;

    kept_look(&check->kept, check->conf, check->keys, issuer, now);
    if (check->kept.stale[0] != '\0' && jwta_keys_age(check->keys, issuer, &age)) {
        (void)printf("%s:%u: warning: issuer %s: keys fetched %lld s ago are used beyond their "
                     "time, for newer ones cannot be had: %s\n",
                     where.file, where.line, issuer->name, (long long)(now - age.fetched),
                     check->kept.stale);
        check->findings.warnings++;
    }
    if (check->kept.uncached[0] == '\0')
        return;
    if (check->conf->cache_dir.where.file != NULL)
        where = check->conf->cache_dir.where;
    (void)printf("%s:%u: warning: issuer %s: not cached: %s\n", where.file, where.line,
                 issuer->name, check->kept.uncached);
    check->findings.warnings++;
}

/* Whether an issuer's keys can be had now: nobody gets in with a token that has no key. */
static void check_keys(struct check *check, const struct jwta_issuer *issuer)
{
    const char *place = issuer->jwks.place != NULL ? issuer->jwks.place : "what it publishes";
    struct jwta_where where = issuer->jwks.where;
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};
    struct worth worth = {0};
    int64_t now = time(NULL);
    enum jwta_code code = JWTA_OK;

    kept_begin(&check->kept);
    code = jwta_keys_get(check->keys, issuer, now, &set, &why);
    if (code != JWTA_OK) {
        (void)printf("%s:%u: error: issuer %s: %s: %s\n", where.file, where.line, issuer->name,
                     jwta_code_name(code), why.text);
        check->findings.errors++;
        return;
    }
    warn_of_keys(check, issuer, now);
    worth = worth_of(set, issuer);
    jwta_keyset_unref(&set);
    if (worth.fitting > 0)
        return;
    if (worth.usable > 0 && issuer->algorithms.where.file != NULL)
        where = issuer->algorithms.where;
    (void)printf("%s:%u: error: issuer %s: no %s in %s (see jwtauth keys list)\n", where.file,
                 where.line, issuer->name,
                 worth.usable > 0 ? "key for its algorithms" : "usable key", place);
    check->findings.errors++;
}

/* What can be tried only with a configuration in which nothing is wrong. */
static enum jwta_code check_loaded(struct check *check)
{
    const struct jwta_keys_options opening = {
        .config = check->path,
        .expected = geteuid(),
        .trust = JWTA_FILE_TRUSTED,
        .log = &check->kept.log,
    };
    enum jwta_code code = JWTA_OK;

    check->findings.warnings += service_users_check(check->conf, &jwta_host_system);
    fetch_user_check(check->path, check->conf, &check->findings);
    kept_begin(&check->kept);
    code = jwta_keys_new(check->conf, &opening, &check->keys);
    for (size_t i = 0; code == JWTA_OK && i < check->conf->issuer_count; i++)
        check_keys(check, &check->conf->issuers[i]);
    if (code == JWTA_OK)
        hints_print(check->conf);
    return code;
}

static enum jwta_exit check_all(const char *path)
{
    char whole[PATH_MAX];
    struct check check = {.path = realpath(path, whole) != NULL ? whole : path};
    struct jwta_problems problems = {0};
    struct findings *findings = &check.findings;
    enum jwta_code code =
        jwta_conf_load(path, geteuid(), &jwta_host_system, &check.conf, &problems);

    problems_print(&problems, true, stdout);
    findings->errors = problems.errors;
    findings->warnings = problems.count - problems.errors;
    if (code == JWTA_OK)
        code = check_loaded(&check);
    if (code != JWTA_OK && problems.errors == 0) {
        (void)printf("%s: error: %s: %s\n", path, jwta_code_name(code), jwta_code_text(code));
        findings->errors++;
    }
    (void)printf("%s: %zu error%s, %zu warning%s\n", path, findings->errors,
                 findings->errors == 1 ? "" : "s", findings->warnings,
                 findings->warnings == 1 ? "" : "s");
    jwta_keys_free(&check.keys);
    jwta_conf_free(&check.conf);
    jwta_problems_free(&problems);
    return findings->errors == 0 ? JWTA_EXIT_ACCEPTED : JWTA_EXIT_USAGE;
}

enum jwta_exit jwta_cli_config(int argc, char **argv)
{
    const char *path = JWTA_CONF_PATH_DEFAULT;
    int id = 0;

    if (argc < 2 || strcmp(argv[1], "check") != 0)
        return jwta_cli_usage("usage: jwtauth config check [--config FILE]");
    while ((id = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1) {
        if (id != 'c')
            return JWTA_EXIT_USAGE;
        path = optarg;
    }
    if (optind < argc - 1)
        return jwta_cli_usage("an argument too many; the file is named by --config");
    return check_all(path);
}
