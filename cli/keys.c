/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jwtauth keys list: each issuer's keys, and why those that cannot serve are passed over.
 * jwtauth keys refresh: fills the cache ahead, from a timer or started by a login that does not
 * wait. Root's also makes the directories of service_users.
 */
#include "common/keys.h"
#include "cli/background.h"
#include "cli/cli.h"
#include "cli/kept.h"
#include "cli/query.h"
#include "cli/service_users.h"
#include "common/fetch.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"jwks", required_argument, NULL, 'j'},
    {"issuer", required_argument, NULL, 'i'},
    {"force", no_argument, NULL, 'f'},
    {"background", no_argument, NULL, 'b'},
    {"for-login", required_argument, NULL, 'l'},
    {NULL, 0, NULL, 0},
};

/* What was asked for. */
struct question {
    const char *config;
    const char *jwks;
    const char *issuer;
    enum jwta_refresh how;
    bool force;
    bool background;    /* beside a login, which does not wait */
    bool for_login;     /* for one that does, behind the socket that is standard input */
    bool makes_folders; /* those of service_users, before anything is fetched */
};

/* A question and what answers it. */
struct work {
    const struct question *question;
    struct jwta_conf *conf;
    struct jwta_keys *keys;
    struct kept kept;
};

/* Long enough for every issuer of a configuration; nobody waits for it. */
#define BACKGROUND_SECONDS 60
/* One issuer, for whose lock it may have waited: a stopped one is not in the way for longer. */
#define LOGIN_SECONDS (2 * JWTA_FETCH_DEADLINE + 3)

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
            (void)printf("usable%s\n", json_object_get(entry.jwk.json, "d") != NULL
                                           ? ", but its private part (d) is public here: replace it"
                                           : "");
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

static void print_age(struct work *work, const struct jwta_issuer *issuer, int64_t now)
{
    struct jwta_keys_age age;
    struct jwta_quoted quoted;

    if (!jwta_keys_age(work->keys, issuer, &age))
        return;
    if (age.uri[0] != '\0')
        (void)printf("  from %s", jwta_quote(&quoted, jwta_span_of(age.uri)));
    (void)printf("  fetched %lld s ago  fresh for %lld s\n", (long long)(now - age.fetched),
                 (long long)(age.fetched + age.freshness - now));
    kept_look(&work->kept, work->conf, work->keys, issuer, now);
    if (work->kept.stale[0] != '\0')
        (void)printf("  newer ones cannot be had: %s\n", work->kept.stale);
    if (work->kept.uncached[0] != '\0')
        (void)printf("  not cached: %s\n", work->kept.uncached);
}

static enum jwta_code list_issuer(struct work *work, const struct jwta_issuer *issuer)
{
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};
    int64_t now = time(NULL);
    enum jwta_code code = jwta_keys_get(work->keys, issuer, now, &set, &why);

    (void)printf("issuer %s %s\n", issuer->name, issuer->issuer.text);
    if (code == JWTA_OK) {
        print_age(work, issuer, now);
        print_set(set);
    } else {
        (void)printf("  %s: %s\n", jwta_code_name(code), why.text);
    }
    jwta_keyset_unref(&set);
    return code;
}

/* Keys that nobody can find afterwards were not refreshed, whatever was fetched. */
static enum jwta_code check_kept(struct work *work, const struct jwta_issuer *issuer, int64_t now,
                                 struct jwta_why *why)
{
    kept_look(&work->kept, work->conf, work->keys, issuer, now);
    if (work->kept.uncached[0] == '\0')
        return JWTA_OK;
    return jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "not cached: %s", work->kept.uncached);
}

static enum jwta_code refresh_issuer(struct work *work, const struct jwta_issuer *issuer)
{
    const struct question *question = work->question;
    struct jwta_why why = {0};
    int64_t now = time(NULL);
    enum jwta_code code = jwta_keys_refresh(work->keys, issuer, now, question->how, &why);

    if (question->for_login) {
        jwta_keys_report(STDIN_FILENO, code, &why);
        return code;
    }
    if (code == JWTA_OK)
        code = check_kept(work, issuer, now, &why);
    if (code != JWTA_OK && !question->background)
        (void)jwta_cli_usage("issuer %s: %s: %s", issuer->name, jwta_code_name(code), why.text);
    return code;
}

static enum jwta_exit
visit_issuers(struct work *work, enum jwta_code (*visit)(struct work *, const struct jwta_issuer *))
{
    const struct question *question = work->question;
    enum jwta_exit worst = JWTA_EXIT_ACCEPTED;
    size_t visited = 0;

    for (size_t i = 0; i < work->conf->issuer_count; i++) {
        const struct jwta_issuer *issuer = &work->conf->issuers[i];
        enum jwta_exit one = JWTA_EXIT_ACCEPTED;

        if (question->issuer != NULL && strcmp(question->issuer, issuer->name) != 0)
            continue;
        kept_begin(&work->kept);
        one = jwta_cli_exit(jwta_code_class(visit(work, issuer)));
        worst = one > worst ? one : worst;
        visited++;
    }
    if (question->issuer != NULL && visited == 0)
        return jwta_cli_usage("--issuer: the configuration has no issuer of this name");
    return worst;
}

/* Does visit for each issuer of the configuration, or the one that was named. */
static enum jwta_exit each_issuer(const struct question *question,
                                  enum jwta_code (*visit)(struct work *,
                                                          const struct jwta_issuer *))
{
    char path[PATH_MAX];
    struct work work = {.question = question};
    struct jwta_problems problems = {0};
    enum jwta_exit made = JWTA_EXIT_ACCEPTED;
    enum jwta_exit result = JWTA_EXIT_ACCEPTED;
    enum jwta_code code = JWTA_CONF_MISSING;

    kept_begin(&work.kept);
    /* The helper works in another folder: the path must be absolute. */
    if (realpath(question->config, path) != NULL)
        code = jwta_conf_load(path, geteuid(), &jwta_host_system, &work.conf, &problems);
    if (code == JWTA_OK)
        code = jwta_keys_new(work.conf,
                             &(struct jwta_keys_options){
                                 .config = path,
                                 .expected = geteuid(),
                                 .trust = JWTA_FILE_TRUSTED,
                                 .log = &work.kept.log,
                                 .settled = question->background || question->for_login,
                             },
                             &work.keys);
    if (code == JWTA_OK) {
        if (question->makes_folders)
            made = service_users_make(work.conf, &jwta_host_system);
        result = visit_issuers(&work, visit);
        result = made > result ? made : result;
    } else {
        problems_print(&problems, false, stderr);
        if (problems.errors == 0)
            (void)jwta_cli_usage("%s: %s", question->config, jwta_code_text(code));
        if (question->for_login)
            jwta_keys_report(STDIN_FILENO, code, NULL);
        result = jwta_cli_exit(jwta_code_class(code));
    }
    jwta_keys_free(&work.keys);
    jwta_conf_free(&work.conf);
    jwta_problems_free(&problems);
    return result;
}

static enum jwta_exit refresh(struct question *question)
{
    bool apart = question->background || question->for_login;
    unsigned seconds = question->for_login ? LOGIN_SECONDS : BACKGROUND_SECONDS;

    if (question->jwks != NULL)
        return jwta_cli_usage("--jwks goes with keys list");
    if (question->force + question->background + question->for_login > 1)
        return jwta_cli_usage("--force, --background and --for-login: one of them");
    if (question->for_login && question->issuer == NULL)
        return jwta_cli_usage("--for-login goes with --issuer");
    if (apart && (!background_enter(seconds) || (question->for_login && geteuid() != 0))) {
        jwta_keys_report(STDIN_FILENO, JWTA_KEYS_UNAVAILABLE,
                         &(struct jwta_why){.text = "root's keys can only be refreshed with all of "
                                                    "root's rights, and limits as they must be"});
        return JWTA_EXIT_UNAVAILABLE;
    }
    question->makes_folders = !apart && geteuid() == 0;
    return each_issuer(question, refresh_issuer);
}

static enum jwta_exit list(const struct question *question)
{
    if (question->force || question->background || question->for_login)
        return jwta_cli_usage("--force, --background and --for-login go with keys refresh");
    if (question->jwks != NULL)
        return list_file(question->jwks);
    return each_issuer(question, list_issuer);
}

/* What a login has it do; false for anything else. */
static bool read_login(const char *word, struct question *question)
{
    question->for_login = true;
    question->how = strcmp(word, "unknown") == 0 ? JWTA_REFRESH_UNKNOWN : JWTA_REFRESH_LOGIN;
    return question->how == JWTA_REFRESH_UNKNOWN || strcmp(word, "due") == 0;
}

static enum jwta_exit read_options(int argc, char **argv, struct question *question)
{
    struct jwta_quoted quoted;
    int id = 0;

    *question = (struct question){.how = JWTA_REFRESH_DUE};
    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (id) {
        case 'c':
            question->config = optarg;
            break;
        case 'j':
            question->jwks = optarg;
            break;
        case 'i':
            question->issuer = optarg;
            break;
        case 'f':
            question->force = true;
            question->how = JWTA_REFRESH_FORCE;
            break;
        case 'b':
            question->background = true;
            question->how = JWTA_REFRESH_AHEAD;
            break;
        case 'l':
            if (!read_login(optarg, question))
                return jwta_cli_usage("--for-login: due or unknown");
            break;
        default:
            return JWTA_EXIT_USAGE;
        }
    }
    if (optind < argc)
        return jwta_cli_usage("%s: an argument too many; an issuer is named by --issuer",
                              jwta_quote(&quoted, jwta_span_of(argv[optind])));
    if (question->jwks != NULL && (question->config != NULL || question->issuer != NULL))
        return jwta_cli_usage("--jwks stands alone");
    if (question->config == NULL)
        question->config = JWTA_CONF_PATH_DEFAULT;
    return JWTA_EXIT_ACCEPTED;
}

enum jwta_exit jwta_cli_keys(int argc, char **argv)
{
    struct question question;
    bool lists = argc > 1 && strcmp(argv[1], "list") == 0;
    enum jwta_exit code = JWTA_EXIT_USAGE;

    if (!lists && (argc < 2 || strcmp(argv[1], "refresh") != 0))
        return jwta_cli_usage("usage: jwtauth keys list|refresh [OPTION]...; see jwtauth(8)");
    code = read_options(argc - 1, argv + 1, &question);
    if (code != JWTA_EXIT_ACCEPTED)
        return code;
    return lists ? list(&question) : refresh(&question);
}
