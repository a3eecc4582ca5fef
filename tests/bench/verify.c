/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify.ALG.floor and verify.ALG.PEER: the time of our whole verification over the floor's and
 * over each peer's, for tokens that differ from each other, with key and configuration loaded.
 *
 *     bench-verify [--json] [--rounds N] FOLDER
 *
 * FOLDER holds the contenders (NAME.so) and takes configuration and key set.
 */
#include "mint.h"
#include "report.h"
#include "rounds.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOKENS 256
#define SIDES 8
#define LEAST_MS 20

struct algorithm {
    const char *name;   /* in figures */
    const char *header; /* in tokens */
    double floor_goal;  /* 0: none */
    double cjose_goal;
};

static const struct algorithm algorithms[] = {
    {"hs256", "HS256", 0, 0.8},  {"rs256", "RS256", 1.35, 0},   {"ps256", "PS256", 1.35, 0},
    {"es256", "ES256", 1.10, 0}, {"ed25519", "EdDSA", 1.06, 0},
};

static const char *const objects[] = {"jwtauth", "floor", "cjose", "rhonabwy", "libjwt"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct bench {
    const char *folder;
    bool json;
    size_t rounds;
    const struct bench_contender *contender[SIDES]; /* the first is ours */
    size_t contenders;
    struct bench_token token[TOKENS];
};

struct side {
    const struct bench_contender *contender;
    void *state;
    const struct bench_token *token;
};

static void load(struct bench *bench, const char *name)
{
    char *path = mint_text("%s/%s.so", bench->folder, name);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct bench_contender *contender = NULL;

    if (object == NULL)
        mint_die("%s", dlerror());
    contender = dlsym(object, "bench_contenders");
    if (contender == NULL)
        mint_die("%s", dlerror());
    for (; contender->name != NULL && bench->contenders < SIDES; contender++)
        bench->contender[bench->contenders++] = contender;
    free(path);
}

static void write_configuration(const struct bench *bench, const struct mint_key *key, char **path)
{
    char *set = mint_text("%s/%s.jwks.json", bench->folder, key->algorithm);

    *path = mint_text("%s/%s.yaml", bench->folder, key->algorithm);
    mint_file(set, 0600, "{\"keys\":[%s]}\n", key->jwk);
    mint_file(*path, 0600,
              "issuers:\n"
              "  bench:\n"
              "    issuer: " MINT_ISSUER "\n"
              "    jwks: file:%s\n"
              "    audience: [" MINT_AUDIENCE "]\n"
              "    algorithms: [%s]\n"
              "    max_lifetime: 4h\n"
              "    username: ${preferred_username}\n"
              "    roles: [/realm_access/roles]\n"
              "    groups:\n"
              "      ops: [adm]\n"
              "      dba team: [staff]\n"
              "services:\n"
              "  sshd:\n"
              "    issuers: [bench]\n"
              "    allow_roles: [ops, dba team]\n",
              set, key->algorithm);
    free(set);
}

/* Accepts what is good and refuses what is not, or the figures would mean nothing. */
static void check(const struct side *side, const struct bench_token *good,
                  const struct bench_token *other, const char *algorithm)
{
    struct bench_token forgery = {0};
    struct bench_token altered = {0};

    if (!side->contender->verify(side->state, good) || !side->contender->verify(side->state, other))
        mint_die("%s refuses a good %s token", side->contender->name, algorithm);
    mint_forgery(good, other, &forgery);
    if (side->contender->verify(side->state, &forgery))
        mint_die("%s accepts the signature of another %s token", side->contender->name, algorithm);
    mint_alteration(good, &altered);
    if (side->contender->verify(side->state, &altered))
        mint_die("%s accepts an altered %s signature", side->contender->name, algorithm);
    if (!side->contender->verify(side->state, good))
        mint_die("%s refuses a good %s token after bad ones", side->contender->name, algorithm);
    mint_token_free(&forgery);
    mint_token_free(&altered);
}

static bool verify_next(void *context, size_t number)
{
    struct side *side = context;

    return side->contender->verify(side->state, &side->token[number % TOKENS]);
}

/* At most so much of the floor, below every peer, below cjose by what the algorithm says. */
static void set_goal(const struct algorithm *algorithm, struct report_figure *figure,
                     const char *peer)
{
    if (strcmp(peer, "floor") == 0) {
        figure->goal = algorithm->floor_goal;
    } else if (strcmp(peer, "cjose") == 0 && algorithm->cjose_goal > 0) {
        figure->goal = algorithm->cjose_goal;
    } else {
        figure->goal = 1;
        figure->below = true;
    }
}

static void report(const struct bench *bench, const struct algorithm *algorithm,
                   const struct side *side, const struct rounds_side *rounds, size_t sides)
{
    for (size_t i = 1; i < sides; i++) {
        const struct bench_contender *contender = side[i].contender;
        char *name = mint_text("verify.%s.%s", algorithm->name, contender->name);
        struct report_figure figure = {.name = name,
                                       .value = rounds_ratio(&rounds[0], &rounds[i], bench->rounds),
                                       .ours = rounds_us(&rounds[0], bench->rounds),
                                       .theirs = rounds_us(&rounds[i], bench->rounds),
                                       .rounds = bench->rounds};

        if (contender->remark != NULL) {
            report_note(bench->json, "%-24s %7.3f %32.2f us  (%s)", name, figure.value,
                        figure.theirs, contender->remark);
        } else {
            set_goal(algorithm, &figure, contender->name);
            report_figure(bench->json, &figure);
        }
        free(name);
    }
}

/* Opens every contender that knows the algorithm and holds it to its duty. */
static size_t open_sides(const struct bench *bench, const struct algorithm *algorithm,
                         const struct bench_case *given, struct side *side,
                         struct rounds_side *rounds)
{
    size_t sides = 0;

    for (size_t i = 0; i < bench->contenders; i++) {
        const struct bench_contender *contender = bench->contender[i];
        enum bench_ready ready = contender->open(given, &side[sides].state);

        if (ready == BENCH_BROKEN)
            mint_die("%s cannot load a %s key", contender->name, algorithm->header);
        if (ready == BENCH_LACKS) {
            report_note(bench->json, "verify.%s.%s: left out, this version has no %s",
                        algorithm->name, contender->name, algorithm->header);
            continue;
        }
        side[sides].contender = contender;
        side[sides].token = bench->token;
        check(&side[sides], &bench->token[0], &bench->token[1], algorithm->header);
        rounds[sides] = (struct rounds_side){
            .name = contender->name, .run = verify_next, .context = &side[sides]};
        sides++;
    }
    return sides;
}

static void measure(struct bench *bench, const struct algorithm *algorithm)
{
    struct mint_key *key =
        mint_key(algorithm->header, "hKqdPz1vUy9wGzTq3mE4nRb0tXs7LfYcJ2aVoW5eD8g");
    struct bench_case given = {.algorithm = algorithm->header,
                               .jwk = key->jwk,
                               .pem = key->pem,
                               .service = "sshd",
                               .user = "nobody"};
    struct side side[SIDES] = {0};
    struct rounds_side *rounds = calloc(SIDES, sizeof(*rounds));
    char *configuration = NULL;
    size_t sides = 0;

    if (rounds == NULL)
        mint_die("out of memory");
    if (key->pkey == NULL) {
        given.secret = key->secret;
        given.secret_len = sizeof(key->secret);
    }
    write_configuration(bench, key, &configuration);
    given.configuration = configuration;
    for (unsigned i = 0; i < TOKENS; i++)
        mint_token(key, given.user, time(NULL), i, &bench->token[i]);
    sides = open_sides(bench, algorithm, &given, side, rounds);
    rounds_measure(rounds, sides, bench->rounds, CLOCK_THREAD_CPUTIME_ID, LEAST_MS);
    report(bench, algorithm, side, rounds, sides);
    for (size_t i = 0; i < sides; i++)
        side[i].contender->close(side[i].state);
    for (size_t i = 0; i < TOKENS; i++)
        mint_token_free(&bench->token[i]);
    mint_key_free(&key);
    free(configuration);
    free(rounds);
}

int main(int argc, char **argv)
{
    static struct bench bench = {.rounds = 31};
    int index = report_options(argc, argv, &bench.json, &bench.rounds);

    if (index != argc - 1)
        mint_die("usage: bench-verify [--json] [--rounds N] FOLDER");
    bench.folder = argv[index];
    for (size_t i = 0; i < COUNT(objects); i++)
        load(&bench, objects[i]);
    rounds_pin();
    report_head(bench.json);
    for (size_t i = 0; i < COUNT(algorithms); i++)
        measure(&bench, &algorithms[i]);
    return 0;
}
