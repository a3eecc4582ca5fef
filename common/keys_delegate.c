/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work on root's keys for a host between two identities. Its limits are those of whoever started
 * it, who may also stop and kill it and what it starts: so it takes no lock, writes nothing and
 * asks nobody, but has `jwtauth keys refresh` do so, which becomes root wholly and sets limits of
 * its own before it begins. The two share a socket for one message, "CODE REASON".
 */
#include "common/keys_private.h"
#include "common/text.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX (JWTA_WHY_MAX + 32)
#define NAME_SIZE 256

bool jwta_keys_delegates(const struct jwta_keys *keys)
{
    return !keys->options.settled && jwta_between_identities();
}

bool jwta_keys_start_refresher(const struct jwta_keys *keys, const struct jwta_issuer *issuer,
                               enum jwta_attempt_mode mode, int *socket)
{
    static const char *const purposes[] = {
        [JWTA_ATTEMPT_DUE] = "--for-login=due",
        [JWTA_ATTEMPT_AHEAD] = "--background",
        [JWTA_ATTEMPT_FORCED] = "--for-login=unknown",
        [JWTA_ATTEMPT_INSIST] = "--for-login=due",
    };
    char program[PATH_MAX];
    char config[PATH_MAX];
    char name[NAME_SIZE];
    char purpose[32];
    char *argv[] = {program,
                    (char[]){"keys"},
                    (char[]){"refresh"},
                    purpose,
                    (char[]){"--issuer"},
                    name,
                    (char[]){"--config"},
                    config,
                    NULL};

    (void)snprintf(purpose, sizeof(purpose), "%s", purposes[mode]);
    if (snprintf(program, sizeof(program), "%s", keys->options.refresher) >= (int)sizeof(program) ||
        snprintf(config, sizeof(config), "%s", keys->config) >= (int)sizeof(config) ||
        snprintf(name, sizeof(name), "%s", issuer->name) >= (int)sizeof(name))
        return false;
    return socket != NULL ? jwta_spawn_talking(argv, SOCK_SEQPACKET, socket)
                          : jwta_spawn_detached(argv, -1);
}

void jwta_keys_report(int socket, enum jwta_code code, const struct jwta_why *why)
{
    char message[MESSAGE_MAX];
    int len = snprintf(message, sizeof(message), "%s %s", jwta_code_name(code),
                       code == JWTA_OK                       ? ""
                       : why != NULL && why->text[0] != '\0' ? why->text
                                                             : jwta_code_text(code));

    if (len <= 0)
        return;
    if ((size_t)len >= sizeof(message))
        len = (int)sizeof(message) - 1;
    /* A host that has given up is not there any more, and nobody minds. */
    (void)!send(socket, message, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What an attempt may end with. Any other name, and one from another version, is no keys. */
static enum jwta_code read_report(struct jwta_span message, struct jwta_why *why)
{
    static const enum jwta_code codes[] = {JWTA_OK, JWTA_KEYS_UNAVAILABLE, JWTA_KEYS_INSECURE,
                                           JWTA_KEY_SET_MIXED, JWTA_MEMORY};
    const char *blank = message.len > 0 ? memchr(message.data, ' ', message.len) : NULL;
    struct jwta_span name = message;
    struct jwta_span reason = {0};
    char line[JWTA_WHY_MAX];
    enum jwta_code code = JWTA_KEYS_UNAVAILABLE;

    if (blank != NULL) {
        name.len = (size_t)(blank - message.data);
        reason = jwta_span(blank + 1, message.len - name.len - 1);
    }
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (jwta_span_is(name, jwta_code_name(codes[i])))
            code = codes[i];
    }
    if (code == JWTA_OK)
        return code;
    jwta_text_one_line(line, sizeof(line), reason);
    return jwta_fail(why, code, "%s", line);
}

enum jwta_code jwta_delegate(const struct jwta_keys *keys, const struct jwta_issuer *issuer,
                             enum jwta_attempt_mode mode, struct jwta_why *why)
{
    int64_t deadline = jwta_monotonic_ms() + INT64_C(1000) * JWTA_FETCH_DEADLINE;
    char message[MESSAGE_MAX];
    int socket = -1;
    ssize_t got = 0;

    if (!jwta_keys_start_refresher(keys, issuer, mode, &socket))
        return jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "%s cannot be started",
                         keys->options.refresher);
    if (jwta_wait_ready(socket, POLLIN, deadline))
        got = recv(socket, message, sizeof(message), MSG_DONTWAIT);
    (void)close(socket);
    if (got > 0)
        return read_report(jwta_span(message, (size_t)got), why);
    return jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "%s refreshed nothing within %d s",
                     keys->options.refresher, JWTA_FETCH_DEADLINE);
}
