/* SPDX-License-Identifier: BSD-2-Clause */
/* jwtauth config check: every problem of the configuration at once. */
#include "cli/cli.h"
#include "cli/hints.h"
#include "cli/query.h"
#include "cli/service_users.h"
#include "common/keys.h"

#include <getopt.h>
#include <stdio.h>
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

/* Whether an issuer's keys can be had now: nobody gets in with a token that has no key. */
static size_t check_keys(struct jwta_keys *keys, const struct jwta_issuer *issuer)
{
    const char *place = issuer->jwks.place != NULL ? issuer->jwks.place : "what it publishes";
    struct jwta_where where = issuer->jwks.where;
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};
    struct worth worth = {0};
    enum jwta_code code = jwta_keys_get(keys, issuer, time(NULL), &set, &why);

    if (code != JWTA_OK) {
        (void)printf("%s:%u: error: issuer %s: %s: %s\n", where.file, where.line, issuer->name,
                     jwta_code_name(code), why.text);
        return 1;
    }
    worth = worth_of(set, issuer);
    jwta_keyset_unref(&set);
    if (worth.fitting > 0)
        return 0;
    if (worth.usable > 0 && issuer->algorithms.where.file != NULL)
        where = issuer->algorithms.where;
    (void)printf("%s:%u: error: issuer %s: no %s in %s (see jwtauth keys list)\n", where.file,
                 where.line, issuer->name,
                 worth.usable > 0 ? "key for its algorithms" : "usable key", place);
    return 1;
}

static enum jwta_exit check(const char *path)
{
    struct jwta_conf *conf = NULL;
    struct jwta_keys *keys = NULL;
    struct jwta_problems problems = {0};
    size_t errors = 0;
    size_t warnings = 0;
    enum jwta_code code = jwta_conf_load(path, geteuid(), &jwta_host_system, &conf, &problems);

    problems_print(&problems, true, stdout);
    errors = problems.errors;
    warnings = problems.count - problems.errors;
    if (code == JWTA_OK)
        warnings += service_users_check(conf, &jwta_host_system);
    if (code == JWTA_OK)
        code = jwta_keys_new(conf,
                             &(struct jwta_keys_options){
                                 .config = path, .expected = geteuid(), .trust = JWTA_FILE_TRUSTED},
                             &keys);
    for (size_t i = 0; code == JWTA_OK && i < conf->issuer_count; i++)
        errors += check_keys(keys, &conf->issuers[i]);
    if (code == JWTA_OK)
        hints_print(conf);
    if (code != JWTA_OK && problems.errors == 0) {
        (void)printf("%s: error: %s: %s\n", path, jwta_code_name(code), jwta_code_text(code));
        errors++;
    }
    (void)printf("%s: %zu error%s, %zu warning%s\n", path, errors, errors == 1 ? "" : "s", warnings,
                 warnings == 1 ? "" : "s");
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
    jwta_problems_free(&problems);
    return errors == 0 ? JWTA_EXIT_ACCEPTED : JWTA_EXIT_USAGE;
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
    return check(path);
}
