/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ours: jwta_auth through a verifier that was opened on a real configuration file: header,
 * issuer, key, signature, claims, user name, roles, groups, rule, audit line.
 *
 * Three ways, of which the first is the one that goals are about:
 *   jwtauth         users and groups of the host from memory, the audit line discarded
 *   without_log     the same and nobody takes the line
 *   with_accounts   users and groups from the system's database, as a login has them
 * No peer looks at an account, which is why the first does not read /etc/passwd for each token.
 */
#include "contender.h"

#include "common/auth.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct state {
    struct jwta_verifier *verifier;
    const struct bench_case *given;
    struct jwta_host host;
    struct jwta_log log;
};

static enum jwta_found find_user(const struct jwta_host *host, const char *name, uid_t *uid)
{
    const struct state *state = host->context;

    if (strcmp(name, state->given->user) != 0)
        return JWTA_NOT_FOUND;
    *uid = 20000;
    return JWTA_FOUND;
}

static enum jwta_found find_group(const struct jwta_host *host, const char *name, gid_t *gid)
{
    (void)host;
    *gid = strcmp(name, "adm") == 0 ? 4 : 50;
    return JWTA_FOUND;
}

static bool host_name(const struct jwta_host *host, char *name, size_t size)
{
    (void)host;
    if (size < sizeof("bench"))
        return false;
    memcpy(name, "bench", sizeof("bench"));
    return true;
}

static void discard(void *context, enum jwta_level level, const char *line)
{
    (void)context;
    (void)level;
    __asm__ volatile("" : : "r"(line) : "memory"); /* the line has been made */
}

static void close_state(void *opaque)
{
    struct state *state = opaque;

    jwta_verifier_close(&state->verifier);
    free(state);
}

static enum bench_ready open_state(const struct bench_case *given, bool log, bool system,
                                   void **out)
{
    struct state *state = calloc(1, sizeof(*state));
    struct jwta_verifier_options options = {.path = given->configuration, .expected = geteuid()};

    if (state == NULL)
        return BENCH_BROKEN;
    state->given = given;
    state->host = (struct jwta_host){
        .user = find_user, .group = find_group, .name = host_name, .context = state};
    state->log.write = discard;
    options.host = system ? NULL : &state->host;
    options.log = log ? &state->log : NULL;
    if (jwta_verifier_open(&options, &state->verifier, NULL) != JWTA_OK) {
        close_state(state);
        return BENCH_BROKEN;
    }
    *out = state;
    return BENCH_READY;
}

static enum bench_ready open_plain(const struct bench_case *given, void **out)
{
    return open_state(given, true, false, out);
}

static enum bench_ready open_without_log(const struct bench_case *given, void **out)
{
    return open_state(given, false, false, out);
}

static enum bench_ready open_with_accounts(const struct bench_case *given, void **out)
{
    return open_state(given, true, true, out);
}

static bool verify_one(void *opaque, const struct bench_token *token)
{
    const struct state *state = opaque;
    struct jwta_request request = {.token = {token->text, token->len},
                                   .service = state->given->service,
                                   .user = state->given->user,
                                   .now = time(NULL),
                                   .need_account = true};
    struct jwta_result result;
    bool allowed = false;

    jwta_auth(state->verifier, &request, &result);
    allowed = result.outcome == JWTA_ALLOWED && result.decided.group_count == 2;
    jwta_result_free(&result);
    return allowed;
}

const struct bench_contender bench_contenders[] = {
    {"jwtauth", open_plain, verify_one, close_state, NULL},
    {"without_log", open_without_log, verify_one, close_state, "ours, nobody takes the audit line"},
    {"with_accounts", open_with_accounts, verify_one, close_state, "ours, accounts from NSS"},
    {.name = NULL}};
