/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sasl.verify, sasl.threads2, sasl.imapd_plain, sasl.dovecot: exchanges of OAUTHBEARER per second
 * over those of something else.
 *
 *     bench-sasl [--json] [--rounds N] FOLDER USER IMAP-PORT PASSWORD-MESSAGE DOVECOT-SOCKET
 *
 * FOLDER is bench-sasl-mint's. PASSWORD-MESSAGE is USER's first message of PLAIN, in base64.
 */
#include "mint.h"
#include "report.h"
#include "rounds.h"
#include "sasl_exchange.h"
#include "sasl_peer.h"

#include "common/auth.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TOKENS_MAX 1000
#define LEAST_MS 20
#define BATCH 64 /* exchanges of a thread between two meetings with the other */
#define SERVICE "imap"

struct bench {
    bool json;
    size_t rounds;
    const char *user;
    const char *password; /* PLAIN's message */
    unsigned short port;
    int dovecot;
    struct jwta_verifier *verifier;
    size_t tokens;
    char *token[TOKENS_MAX];
    char *message[TOKENS_MAX]; /* of OAUTHBEARER */
    char *encoded[TOKENS_MAX]; /* the same in base64 */
};

/* ------------------------------------------------------------------ what is measured */

static bool run_exchange(void *context, size_t number)
{
    const struct bench *bench = context;

    return exchange(bench->message[number % bench->tokens], bench->user);
}

static bool run_verify(void *context, size_t number)
{
    const struct bench *bench = context;
    struct jwta_request request = {.token = jwta_span_of(bench->token[number % bench->tokens]),
                                   .service = SERVICE,
                                   .now = time(NULL)};
    struct jwta_result result;
    bool allowed = false;

    jwta_auth(bench->verifier, &request, &result);
    allowed = result.outcome == JWTA_ALLOWED;
    jwta_result_free(&result);
    return allowed;
}

static bool run_dovecot(void *context, size_t number)
{
    const struct bench *bench = context;

    return dovecot_exchange(bench->dovecot, bench->message[number % bench->tokens], bench->user);
}

static bool run_imap(void *context, size_t number)
{
    const struct bench *bench = context;

    return imap_login(bench->port, "OAUTHBEARER", bench->encoded[number % bench->tokens]);
}

static bool run_imap_plain(void *context, size_t number)
{
    const struct bench *bench = context;

    (void)number;
    return imap_login(bench->port, "PLAIN", bench->password);
}

static bool run_batch(void *context, size_t number)
{
    bool good = true;

    for (size_t i = 0; good && i < BATCH; i++)
        good = run_exchange(context, number * BATCH + i);
    return good;
}

/* As much work that shares nothing with another thread: what a second CPU is good for just now. */
static bool run_hashes(void *context, size_t number)
{
    unsigned char block[1024] = {(unsigned char)number};

    (void)context;
    for (size_t i = 0; i < 64 * BATCH; i++)
        (void)SHA256(block, sizeof(block), block);
    return true;
}

/* A second thread, which runs a batch whenever the first does, from one meeting to the next. */
struct pair {
    struct bench *bench;
    bool (*run)(void *context, size_t number);
    pthread_t thread;
    pthread_barrier_t meeting;
    bool over;
    bool good;
};

static void *second_thread(void *context)
{
    struct pair *pair = context;

    for (size_t number = 0;; number++) {
        (void)pthread_barrier_wait(&pair->meeting);
        if (pair->over)
            return NULL;
        pair->good = pair->run(pair->bench, number);
        (void)pthread_barrier_wait(&pair->meeting);
    }
}

static bool run_pair(void *context, size_t number)
{
    struct pair *pair = context;
    bool good = false;

    (void)pthread_barrier_wait(&pair->meeting);
    good = pair->run(pair->bench, number);
    (void)pthread_barrier_wait(&pair->meeting);
    return good && pair->good;
}

static void pair_start(struct pair *pair)
{
    if (pthread_barrier_init(&pair->meeting, NULL, 2) != 0 ||
        pthread_create(&pair->thread, NULL, second_thread, pair) != 0)
        mint_die("cannot start a thread");
}

static void pair_end(struct pair *pair)
{
    pair->over = true;
    (void)pthread_barrier_wait(&pair->meeting);
    (void)pthread_join(pair->thread, NULL);
    (void)pthread_barrier_destroy(&pair->meeting);
}

/* ------------------------------------------------------------------ the figures */

/* What is compared: ours first. */
struct comparison {
    const char *name;
    double goal;
    clockid_t clock;
    struct rounds_side sides[2];
};

/* The figure's value: ours per second over theirs. */
static void measure(const struct bench *bench, struct comparison *what)
{
    struct rounds_side *sides = what->sides;
    struct report_figure figure = {
        .name = what->name, .goal = what->goal, .at_least = true, .rounds = bench->rounds};

    rounds_measure(sides, 2, bench->rounds, what->clock, LEAST_MS);
    figure.value = 1 / rounds_ratio(&sides[0], &sides[1], bench->rounds);
    figure.ours = rounds_us(&sides[0], bench->rounds);
    figure.theirs = rounds_us(&sides[1], bench->rounds);
    report_figure(bench->json, &figure);
    report_note(bench->json, "%s: %.0f/s, %s: %.0f/s", sides[0].name, 1e6 / figure.ours,
                sides[1].name, 1e6 / figure.theirs);
}

static void measure_alone(struct bench *bench)
{
    static struct comparison all[] = {
        {.name = "sasl.verify",
         .goal = 0.8,
         .clock = CLOCK_THREAD_CPUTIME_ID,
         .sides = {{.name = "exchanges", .run = run_exchange},
                   {.name = "jwta_auth", .run = run_verify}}},
        {.name = "sasl.dovecot",
         .goal = 1,
         .clock = CLOCK_MONOTONIC,
         .sides = {{.name = "exchanges", .run = run_exchange},
                   {.name = "Dovecot's auth process", .run = run_dovecot}}},
        {.name = "sasl.imapd_plain",
         .goal = 0.9,
         .clock = CLOCK_MONOTONIC,
         .sides = {{.name = "logins with OAUTHBEARER", .run = run_imap},
                   {.name = "with PLAIN", .run = run_imap_plain}}},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        all[i].sides[0].context = all[i].sides[1].context = bench;
        measure(bench, &all[i]);
    }
}

static void measure_threads(struct bench *bench)
{
    struct pair exchanges = {.bench = bench, .run = run_batch};
    struct pair hashes = {.bench = bench, .run = run_hashes};
    static struct rounds_side sides[] = {{.name = "two threads", .run = run_pair},
                                         {.name = "one thread", .run = run_batch},
                                         {.name = "two threads of hashes", .run = run_pair},
                                         {.name = "one thread of hashes", .run = run_hashes}};
    struct report_figure figure = {
        .name = "sasl.threads2", .goal = 1.8, .at_least = true, .rounds = bench->rounds};

    sides[0].context = &exchanges;
    sides[1].context = sides[3].context = bench;
    sides[2].context = &hashes;
    pair_start(&exchanges);
    pair_start(&hashes);
    rounds_measure(sides, 4, bench->rounds, CLOCK_MONOTONIC, LEAST_MS);
    pair_end(&exchanges);
    pair_end(&hashes);
    figure.value = 2 / rounds_ratio(&sides[0], &sides[1], bench->rounds);
    figure.ours = rounds_us(&sides[0], bench->rounds) / 2 / BATCH;
    figure.theirs = rounds_us(&sides[1], bench->rounds) / BATCH;
    report_figure(bench->json, &figure);
    report_note(bench->json, "a second thread that only computes brings %.2f times here and now",
                2 / rounds_ratio(&sides[2], &sides[3], bench->rounds));
}

/* ------------------------------------------------------------------ what it takes */

static void discard(void *context, enum jwta_level level, const char *line)
{
    (void)context;
    (void)level;
    __asm__ volatile("" : : "r"(line) : "memory"); /* the line has been made */
}

static void read_tokens(struct bench *bench, const char *folder)
{
    char *path = mint_text("%s/tokens", folder);
    FILE *in = fopen(path, "re");
    size_t size = 0;

    if (in == NULL)
        mint_die("there is no %s", path);
    while (bench->tokens < TOKENS_MAX && getline(&bench->token[bench->tokens], &size, in) > 0) {
        char *token = bench->token[bench->tokens];
        char *message = NULL;

        token[strcspn(token, "\n")] = '\0';
        message = exchange_message(token, bench->user);
        bench->message[bench->tokens] = message;
        bench->encoded[bench->tokens++] = peer_base64(message, (unsigned)strlen(message));
        size = 0;
    }
    if (bench->tokens == 0)
        mint_die("no token in %s", path);
    (void)fclose(in);
    free(path);
}

/* Every way accepts a good token and refuses it under another's signature. */
static void check(struct bench *bench)
{
    bool (*const ways[])(void *context, size_t number) = {run_exchange, run_verify, run_dovecot,
                                                          run_imap};
    struct bench bad = *bench;
    char *dot = NULL;

    bad.token[0] = mint_text("%s", bench->token[0]);
    dot = strrchr(bad.token[0], '.');
    dot[9] = dot[9] == 'A' ? 'B' : 'A';
    bad.message[0] = exchange_message(bad.token[0], bad.user);
    bad.encoded[0] = peer_base64(bad.message[0], (unsigned)strlen(bad.message[0]));
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (!ways[i](bench, 0))
            mint_die("way %zu refuses a good token", i);
        if (ways[i](&bad, 0))
            mint_die("way %zu accepts an altered token", i);
    }
    if (!run_imap_plain(bench, 0))
        mint_die("imapd refuses a good password");
    free(bad.token[0]);
    free(bad.message[0]);
    free(bad.encoded[0]);
}

int main(int argc, char **argv)
{
    static struct bench bench = {.rounds = 31};
    struct jwta_verifier_options options = {.expected = geteuid(), .pinned = true};
    const struct jwta_log log = {.write = discard};
    char *configuration = NULL;
    int index = report_options(argc, argv, &bench.json, &bench.rounds);

    if (argc - index != 5)
        mint_die("usage: bench-sasl [--json] [--rounds N] FOLDER USER IMAP-PORT PASSWORD-MESSAGE "
                 "DOVECOT-SOCKET");
    bench.user = argv[index + 1];
    bench.port = (unsigned short)strtoul(argv[index + 2], NULL, 10);
    bench.password = argv[index + 3];
    bench.dovecot = dovecot_open(argv[index + 4]);
    read_tokens(&bench, argv[index]);
    configuration = mint_text("%s/jwtauth.yaml", argv[index]);
    options.path = configuration;
    options.log = &log;
    if (jwta_verifier_open(&options, &bench.verifier, NULL) != JWTA_OK)
        mint_die("%s is refused", configuration);
    syslog_start();
    exchange_init(configuration, SERVICE);
    check(&bench);
    report_head(bench.json);
    measure_alone(&bench);
    measure_threads(&bench);
    for (size_t i = 0; i < bench.tokens; i++) {
        free(bench.token[i]);
        free(bench.message[i]);
        free(bench.encoded[i]);
    }
    jwta_verifier_close(&bench.verifier);
    (void)close(bench.dovecot);
    free(configuration);
    return 0;
}
