/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host that is installed setuid, setgid or with capabilities, and says what it trusts: for
 * tests/fetch/run, which starts it as a user with files of his own.
 *
 *   between CONFIG HELPER REFRESHER KID [settle | RUID EUID]
 *
 * settle: takes on for good, as all its ids, those that it is effectively. RUID EUID: takes on
 * these two, as root. It prints "owner UID secure YES-OR-NO", "conf CODE", and for each issuer
 * "keys NAME CODE KIDS": those that there are when a key KID has been looked for, too ("-": none).
 * What the library logs, and reasons, go to standard error.
 */
#include "common/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

static void write_log(void *context, enum jwta_level level, const char *line)
{
    (void)context;
    (void)level;
    (void)fprintf(stderr, "%s\n", line);
}

static bool become(int argc, char **argv)
{
    uid_t user = geteuid();
    gid_t group = getegid();

    if (argc > 6)
        return setresuid((uid_t)strtoul(argv[5], NULL, 10), (uid_t)strtoul(argv[6], NULL, 10),
                         (uid_t)-1) == 0;
    return argc == 5 || (setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0);
}

static void print_kids(struct jwta_keyset *set)
{
    struct jwta_keyset_entry entry;

    for (size_t i = 0; set != NULL && jwta_keyset_at(set, i, &entry); i++)
        (void)printf("%s%.*s", i > 0 ? "," : "", (int)entry.jwk.kid.len, entry.jwk.kid.data);
}

static bool has(struct jwta_keyset *set, const char *kid)
{
    struct jwta_keyset_entry entry;

    for (size_t i = 0; jwta_keyset_at(set, i, &entry); i++) {
        if (jwta_span_is(entry.jwk.kid, kid))
            return true;
    }
    return false;
}

static void print_keys(struct jwta_keys *keys, const struct jwta_issuer *issuer, const char *kid)
{
    struct jwta_keyset *set = NULL;
    struct jwta_keyset *newer = NULL;
    struct jwta_why why = {0};
    int64_t now = (int64_t)time(NULL);
    enum jwta_code code = jwta_keys_get(keys, issuer, now, &set, &why);

    if (code == JWTA_OK && strcmp(kid, "-") != 0 && !has(set, kid)) {
        if (jwta_keys_renew(keys, issuer, now, set, &newer, &why) == JWTA_OK) {
            jwta_keyset_unref(&set);
            set = newer;
        } else {
            (void)fprintf(stderr, "%s\n", why.text);
        }
    }

    (void)printf("keys %s %s ", issuer->name, jwta_code_name(code));
    print_kids(set);
    (void)printf("\n");
    if (code != JWTA_OK)
        (void)fprintf(stderr, "%s\n", why.text);
    jwta_keyset_unref(&set);
}

int main(int argc, char **argv)
{
    const struct jwta_log log = {.write = write_log};
    const struct jwta_fetch fetch = {.helper = argc > 4 ? argv[2] : "", .user = JWTA_FETCH_USER};
    struct jwta_keys_options options = {.trust = JWTA_FILE_TRUSTED, .fetch = &fetch, .log = &log};
    struct jwta_problems problems = {0};
    struct jwta_conf *conf = NULL;
    struct jwta_keys *keys = NULL;
    enum jwta_code code = JWTA_INTERNAL;

    if (argc < 5 || !become(argc, argv))
        return 2;
    options.config = argv[1];
    options.refresher = argv[3];
    options.expected = jwta_file_owner();
    (void)printf("owner %lu secure %s\n", (unsigned long)options.expected,
                 getauxval(AT_SECURE) != 0 ? "yes" : "no");
    code = jwta_conf_load(argv[1], options.expected, &jwta_host_system, &conf, &problems);
    (void)printf("conf %s\n", jwta_code_name(code));
    for (size_t i = 0; i < problems.count; i++)
        (void)fprintf(stderr, "%s\n", problems.item[i].text);
    if (code == JWTA_OK)
        code = jwta_keys_new(conf, &options, &keys);
    for (size_t i = 0; code == JWTA_OK && i < conf->issuer_count; i++)
        print_keys(keys, &conf->issuers[i], argv[4]);
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
    jwta_problems_free(&problems);
    return code == JWTA_OK ? 0 : 1;
}
