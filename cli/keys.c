/* SPDX-License-Identifier: BSD-2-Clause */
/* jwtauth keys list: each issuer's keys, and why those that cannot serve are passed over. */
#include "common/keys.h"
#include "cli/cli.h"
#include "cli/query.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"jwks", required_argument, NULL, 'j'},
    {"issuer", required_argument, NULL, 'i'},
    {NULL, 0, NULL, 0},
};

static void print_set(struct jwta_keyset *set)
{
    struct jwta_keyset_entry entry;

    for (size_t i = 0; jwta_keyset_at(set, i, &entry); i++) {
        struct jwta_quoted kid;
        struct jwta_quoted kty;
        struct jwta_quoted crv;
        char thumbprint[JWTA_THUMBPRINT_SIZE] = "-";

        /* That of a secret would let others try secrets (RFC 7638 section 7). */
        if (entry.usable != JWTA_JWK_KTY && entry.usable != JWTA_JWK_MALFORMED &&
            entry.jwk.kty != JWTA_KTY_OCT && jwta_jwk_thumbprint(&entry.jwk, thumbprint) != JWTA_OK)
            memcpy(thumbprint, "-", 2);
        (void)printf("  kid %s  type %s  crv %s  alg %s  thumbprint %s  ",
                     jwta_quote(&kid, entry.jwk.kid), jwta_quote(&kty, entry.jwk.kty_name),
                     jwta_quote(&crv, entry.jwk.crv),
                     entry.jwk.alg != NULL ? entry.jwk.alg->name : "-", thumbprint);
        if (entry.usable == JWTA_OK)
            (void)puts("usable");
        else
            (void)printf("passed over: %s: %s\n", jwta_code_name(entry.usable), entry.why.text);
    }
}

static enum jwta_exit list_file(const char *path)
{
    struct jwta_buf text = {0};
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};
    enum jwta_code code = JWTA_KEYS_UNAVAILABLE;

    if (jwta_file_read(path, JWTA_FILE_ANY, geteuid(), JWTA_KEYS_MAX, &text, NULL, &why) ==
        JWTA_FILE_OK)
        code = jwta_keyset_parse(jwta_buf_span(&text), &set, &why);
    if (code == JWTA_OK)
        print_set(set);
    else
        (void)jwta_cli_usage("%s: %s", path, why.text);
    jwta_keyset_unref(&set);
    jwta_buf_free(&text);
    return jwta_cli_exit(jwta_code_class(code));
}

static enum jwta_exit list_issuer(struct jwta_keys *keys, const struct jwta_issuer *issuer)
{
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};
    enum jwta_code code = jwta_keys_get(keys, issuer, time(NULL), &set, &why);

    (void)printf("issuer %s %s\n", issuer->name, issuer->issuer.text);
    if (code == JWTA_OK)
        print_set(set);
    else
        (void)printf("  %s: %s\n", jwta_code_name(code), why.text);
    jwta_keyset_unref(&set);
    return jwta_cli_exit(jwta_code_class(code));
}

static enum jwta_exit list_configured(const char *path, const char *only)
{
    struct jwta_conf *conf = NULL;
    struct jwta_keys *keys = NULL;
    struct jwta_problems problems = {0};
    enum jwta_exit worst = JWTA_EXIT_ACCEPTED;
    size_t listed = 0;
    enum jwta_code code = jwta_conf_load(path, geteuid(), &jwta_host_system, &conf, &problems);

    if (code == JWTA_OK)
        code = jwta_keys_new(conf, geteuid(), JWTA_FILE_TRUSTED, &keys);
    if (code != JWTA_OK) {
        problems_print(&problems, false, stderr);
        if (problems.errors == 0)
            (void)jwta_cli_usage("%s: %s", path, jwta_code_text(code));
        worst = jwta_cli_exit(jwta_code_class(code));
    }
    for (size_t i = 0; code == JWTA_OK && i < conf->issuer_count; i++) {
        enum jwta_exit one = JWTA_EXIT_ACCEPTED;

        if (only != NULL && strcmp(only, conf->issuers[i].name) != 0)
            continue;
        one = list_issuer(keys, &conf->issuers[i]);
        worst = one > worst ? one : worst;
        listed++;
    }
    if (code == JWTA_OK && only != NULL && listed == 0)
        worst = jwta_cli_usage("--issuer: the configuration has no issuer of this name");
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
    jwta_problems_free(&problems);
    return worst;
}

enum jwta_exit jwta_cli_keys(int argc, char **argv)
{
    const char *config = NULL;
    const char *jwks = NULL;
    const char *issuer = NULL;
    int id = 0;

    if (argc < 2 || strcmp(argv[1], "list") != 0)
        return jwta_cli_usage("usage: jwtauth keys list [--config FILE] [--issuer NAME] | "
                              "--jwks FILE");
    while ((id = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1) {
        switch (id) {
        case 'c':
            config = optarg;
            break;
        case 'j':
            jwks = optarg;
            break;
        case 'i':
            issuer = optarg;
            break;
        default:
            return JWTA_EXIT_USAGE;
        }
    }
    if (optind < argc - 1 || (jwks != NULL && (config != NULL || issuer != NULL)))
        return jwta_cli_usage("--jwks stands alone, and there are no further arguments");
    if (jwks != NULL)
        return list_file(jwks);
    return list_configured(config != NULL ? config : JWTA_CONF_PATH_DEFAULT, issuer);
}
