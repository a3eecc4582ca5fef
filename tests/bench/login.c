/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * login.rhonabwy, login.libcurl: a process that has used OpenSSL forks, and the child loads the
 * PAM module and authenticates one RS256 token with a set of ten keys from a file: our time over
 * the other module's. login.sshd_share: the same of ours over a whole login of ssh to sshd.
 *
 *     bench-login [--json] [--rounds N] FOLDER USER SERVICE COMMAND...
 *
 * FOLDER holds the modules (pam_NAME.so) and takes the configuration, SERVICE is its section, and
 * COMMAND logs in as USER with the token in FOLDER/token.
 */
#include "child.h"
#include "mint.h"
#include "report.h"
#include "rounds.h"

#include <fcntl.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEYS 10
#define TOKENS 32
#define LEAST_MS 20

enum { OURS, NOTHING, RHONABWY, LIBCURL, SSHD, SIDES };

static const char *const names[SIDES] = {"jwt", "permit", "rhonabwy", "libcurl", "sshd"};

struct bench {
    const char *folder;
    const char *user;
    const char *service;
    char **command;
    char *stacks;     /* FOLDER/pam.d */
    char *token_file; /* FOLDER/token */
    bool json;
    size_t rounds;
    struct bench_token token[TOKENS];
};

struct side {
    const struct bench *bench;
    const char *name;
};

/* Nobody but the clock watches: ssh and sshd use every CPU they had. */
static int login_by_ssh(const struct bench *bench, const struct bench_token *token)
{
    pid_t child = -1;

    mint_file(bench->token_file, 0600, "%s\n", token->text);
    child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);

        rounds_unpin();
        if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(nothing, STDOUT_FILENO) >= 0)
            execv(bench->command[0], bench->command);
        _exit(127);
    }
    return child_wait(child);
}

static int login(const struct side *side, const struct bench_token *token)
{
    if (strcmp(side->name, names[SSHD]) == 0)
        return login_by_ssh(side->bench, token);
    return child_login(side->bench->stacks, side->name, side->bench->user, token->text);
}

static bool login_next(void *context, size_t number)
{
    const struct side *side = context;

    return login(side, &side->bench->token[number % TOKENS]) == PAM_SUCCESS;
}

static void write_stack(const struct bench *bench, const char *name, const char *module,
                        const char *argument)
{
    char *path = mint_text("%s/%s", bench->stacks, name);

    mint_file(path, 0600, "auth required %s %s\n", module, argument);
    free(path);
}

static void write_stacks(const struct bench *bench, const char *jwks, const char *configuration)
{
    char *key_set = mint_text("jwks=%s", jwks);
    char *ours = mint_text("config=%s service=%s", configuration, bench->service);

    for (size_t i = OURS; i < SSHD; i++) {
        char *module = mint_text("%s/pam_%s.so", bench->folder, names[i]);

        write_stack(bench, names[i], i == NOTHING ? "pam_permit.so" : module,
                    i == NOTHING ? "" : (i == OURS ? ours : key_set));
        free(module);
    }
    free(key_set);
    free(ours);
}

static void write_configuration(const struct bench *bench, const char *jwks, const char *path)
{
    mint_file(path, 0600,
              "issuers:\n"
              "  bench:\n"
              "    issuer: " MINT_ISSUER "\n"
              "    jwks: file:%s\n"
              "    audience: [" MINT_AUDIENCE "]\n"
              "    algorithms: [RS256]\n"
              "    username: ${preferred_username}\n"
              "    roles: [/realm_access/roles]\n"
              "    groups:\n"
              "      ops: [adm]\n"
              "services:\n"
              "  %s:\n"
              "    issuers: [bench]\n"
              "    allow_roles: [ops]\n",
              jwks, bench->service);
}

/*
 * Ten keys, of which the seventh signs. Making them is how this process comes to use OpenSSL; that
 * it has looked the user up and knows the time zone, it has in common with sshd, too.
 */
static void prepare(struct bench *bench)
{
    char *jwks = mint_text("%s/login.jwks.json", bench->folder);
    char *configuration = mint_text("%s/login.yaml", bench->folder);
    char *text = mint_text("%s", "");

    if (getpwnam(bench->user) == NULL)
        mint_die("there is no user %s", bench->user);
    tzset();
    bench->stacks = mint_text("%s/pam.d", bench->folder);
    bench->token_file = mint_text("%s/token", bench->folder);
    for (unsigned i = 0; i < KEYS; i++) {
        char *kid = mint_text("Kd%u3nRb0tXs7LfYcJ2aVoW5eD8gUy9wGzTq3mE4hKqd", i);
        struct mint_key *key = mint_key("RS256", kid);
        char *longer = mint_text("%s%s%s", text, i == 0 ? "" : ",", key->jwk);

        free(text);
        text = longer;
        for (unsigned j = 0; i == 6 && j < TOKENS; j++)
            mint_token(key, bench->user, time(NULL), j, &bench->token[j]);
        mint_key_free(&key);
        free(kid);
    }
    mint_file(jwks, 0600, "{\"keys\":[%s]}\n", text);
    write_configuration(bench, jwks, configuration);
    write_stacks(bench, jwks, configuration);
    free(jwks);
    free(configuration);
    free(text);
}

/* Each way lets in who has a token and nobody else, or its time would mean nothing. */
static void check(const struct side *side)
{
    const struct bench_token *token = side->bench->token;
    struct bench_token forgery = {0};
    struct bench_token altered = {0};
    int result = login(side, token);

    if (result != PAM_SUCCESS)
        mint_die("%s refuses a good token (%d)", side->name, result);
    mint_forgery(&token[0], &token[1], &forgery);
    mint_alteration(&token[0], &altered);
    if (strcmp(side->name, names[NOTHING]) != 0 &&
        (login(side, &forgery) == PAM_SUCCESS || login(side, &altered) == PAM_SUCCESS))
        mint_die("%s accepts a forged token", side->name);
    mint_token_free(&forgery);
    mint_token_free(&altered);
}

static void report(const struct bench *bench, const struct rounds_side *side)
{
    static const struct {
        size_t side;
        const char *name;
        double goal;
    } figures[] = {
        {RHONABWY, "login.rhonabwy", 0.2},
        {LIBCURL, "login.libcurl", 0.2},
        {SSHD, "login.sshd_share", 0.03},
    };

    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        const struct rounds_side *theirs = &side[figures[i].side];
        struct report_figure figure = {.name = figures[i].name,
                                       .value = rounds_ratio(&side[OURS], theirs, bench->rounds),
                                       .goal = figures[i].goal,
                                       .ours = rounds_us(&side[OURS], bench->rounds),
                                       .theirs = rounds_us(theirs, bench->rounds),
                                       .rounds = bench->rounds};

        report_figure(bench->json, &figure);
    }
    report_note(bench->json, "fork, libpam and pam_permit alone: %.2f us",
                rounds_us(&side[NOTHING], bench->rounds));
}

int main(int argc, char **argv)
{
    static struct bench bench = {.rounds = 31};
    static struct rounds_side rounds[SIDES];
    struct side side[SIDES];
    int index = report_options(argc, argv, &bench.json, &bench.rounds);

    if (argc - index < 4)
        mint_die("usage: bench-login [--json] [--rounds N] FOLDER USER SERVICE COMMAND...");
    bench.folder = argv[index];
    bench.user = argv[index + 1];
    bench.service = argv[index + 2];
    bench.command = &argv[index + 3];
    rounds_pin();
    prepare(&bench);
    report_head(bench.json);
    for (size_t i = 0; i < SIDES; i++) {
        side[i] = (struct side){.bench = &bench, .name = names[i]};
        check(&side[i]);
        rounds[i] = (struct rounds_side){.name = names[i], .run = login_next, .context = &side[i]};
    }
    rounds_measure(rounds, SIDES, bench.rounds, CLOCK_MONOTONIC, LEAST_MS);
    report(&bench, rounds);
    for (size_t i = 0; i < TOKENS; i++)
        mint_token_free(&bench.token[i]);
    free(bench.stacks);
    free(bench.token_file);
    return 0;
}
