/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys.set_size: a process that has used OpenSSL forks, and the child loads the PAM module and
 * authenticates one ES256 token with keys that the cache holds fresh: the time with a set of 1000
 * keys over that with one.
 *
 *     bench-keys [--json] [--rounds N] FOLDER USER SERVICE [COMMAND]...
 *
 * FOLDER holds pam_jwt.so and takes configuration and cache. No provider is there to be asked: a
 * login that asks fails, and with it the measurement.
 */
#include "child.h"
#include "mint.h"
#include "report.h"
#include "rounds.h"

#include "common/cache.h"
#include "common/keyset.h"

#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOKENS 32
#define LEAST_MS 20
#define FRESHNESS 86400

static const unsigned sizes[] = {1, 10, 100, 1000};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

struct side {
    const char *user;
    char *stacks;
    char *name; /* of the stack, the issuer and the service: "keys1000" */
    struct bench_token token[TOKENS];
};

static bool login_next(void *context, size_t number)
{
    const struct side *side = context;

    return child_login(side->stacks, side->name, side->user, side->token[number % TOKENS].text) ==
           PAM_SUCCESS;
}

/* A set of this many keys, of which the one in the middle has signed the tokens. */
static char *make_set(struct side *side, unsigned size)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL)
        mint_die("out of memory");
    for (unsigned i = 0; i < size; i++) {
        char *kid = mint_text("Kd%04u3nRb0tXs7LfYcJ2aVoW5eD8gUy9wGzTq3mE4h", i);
        struct mint_key *key = mint_key("ES256", kid);

        (void)fprintf(out, "%s%s", i == 0 ? "{\"keys\":[" : ",", key->jwk);
        for (unsigned j = 0; i == size / 2 && j < TOKENS; j++)
            mint_token(key, side->user, time(NULL), j, &side->token[j]);
        mint_key_free(&key);
        free(kid);
    }
    (void)fputs("]}", out);
    if (fclose(out) != 0)
        mint_die("out of memory");
    return text;
}

/* The set in the cache, as if it had just been fetched. */
static void fill_cache(const char *cache_dir, const char *name, const char *set)
{
    const struct jwta_cache cache = {.directory = cache_dir, .writer = geteuid()};
    struct jwta_keyset *keys = NULL;
    struct jwta_buf lines = {0};

    if (jwta_keyset_parse(jwta_span_of(set), &keys, NULL) != JWTA_OK ||
        jwta_keyset_list(keys, &lines) != JWTA_OK)
        mint_die("no key set");

    const struct jwta_cache_entry entry = {
        .issuer = jwta_span_of(MINT_ISSUER),
        .source = jwta_span_of("discover"),
        .uri = jwta_span_of(MINT_ISSUER "/jwks"),
        .body = jwta_buf_span(&lines),
        .fetched = time(NULL),
        .freshness = FRESHNESS,
    };
    struct jwta_why why = {0};

    jwta_keyset_unref(&keys);
    if (jwta_cache_write(&cache, name, &entry, NULL, &why) != JWTA_FILE_OK)
        mint_die("%s", why.text);
    jwta_buf_free(&lines);
}

static void prepare(struct side *side, const char *folder, const char *user, unsigned size)
{
    char *cache_dir = mint_text("%s/cache", folder);
    char *configuration = mint_text("%s/keys%u.yaml", folder, size);
    char *stack = mint_text("%s/pam.d/keys%u", folder, size);
    char *set = NULL;

    side->user = user;
    side->stacks = mint_text("%s/pam.d", folder);
    side->name = mint_text("keys%u", size);
    (void)mkdir(cache_dir, 0755);
    set = make_set(side, size);
    fill_cache(cache_dir, side->name, set);
    mint_file(configuration, 0600,
              "cache_dir: %s\n"
              "issuers:\n"
              "  %s:\n"
              "    issuer: " MINT_ISSUER "\n"
              "    jwks: discover\n"
              "    audience: [" MINT_AUDIENCE "]\n"
              "    algorithms: [ES256]\n"
              "    username: ${preferred_username}\n"
              "    roles: [/realm_access/roles]\n"
              "services:\n"
              "  %s:\n"
              "    issuers: [%s]\n"
              "    allow_roles: [ops]\n",
              cache_dir, side->name, side->name, side->name);
    mint_file(stack, 0600, "auth required %s/pam_jwt.so config=%s\n", folder, configuration);
    free(cache_dir);
    free(configuration);
    free(stack);
    free(set);
}

/* It lets in who has a token and nobody else, or its time would mean nothing. */
static void check(const struct side *side)
{
    struct bench_token forgery = {0};

    if (child_login(side->stacks, side->name, side->user, side->token[0].text) != PAM_SUCCESS)
        mint_die("%s refuses a good token", side->name);
    mint_forgery(&side->token[0], &side->token[1], &forgery);
    if (child_login(side->stacks, side->name, side->user, forgery.text) == PAM_SUCCESS)
        mint_die("%s accepts a forged token", side->name);
    mint_token_free(&forgery);
}

int main(int argc, char **argv)
{
    static struct rounds_side rounds[SIZES];
    static struct side side[SIZES];
    const struct rounds_side *most = &rounds[SIZES - 1];
    struct report_figure figure = {.name = "keys.set_size", .goal = 1.5};
    bool json = false;
    int index = 0;

    figure.rounds = 31;
    index = report_options(argc, argv, &json, &figure.rounds);
    if (argc - index < 3)
        mint_die("usage: bench-keys [--json] [--rounds N] FOLDER USER SERVICE [COMMAND]...");
    if (getpwnam(argv[index + 1]) == NULL)
        mint_die("there is no user %s", argv[index + 1]);
    tzset();
    rounds_pin();
    report_head(json);
    for (size_t i = 0; i < SIZES; i++) {
        prepare(&side[i], argv[index], argv[index + 1], sizes[i]);
        check(&side[i]);
        rounds[i] =
            (struct rounds_side){.name = side[i].name, .run = login_next, .context = &side[i]};
    }
    rounds_measure(rounds, SIZES, figure.rounds, CLOCK_MONOTONIC, LEAST_MS);
    figure.value = rounds_ratio(most, &rounds[0], figure.rounds);
    figure.ours = rounds_us(most, figure.rounds);
    figure.theirs = rounds_us(&rounds[0], figure.rounds);
    report_figure(json, &figure);
    for (size_t i = 0; i < SIZES; i++)
        report_note(json, "%4u keys: %.2f us, a process and libpam included", sizes[i],
                    rounds_us(&rounds[i], figure.rounds));
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < TOKENS; j++)
            mint_token_free(&side[i].token[j]);
        free(side[i].stacks);
        free(side[i].name);
    }
    return 0;
}
