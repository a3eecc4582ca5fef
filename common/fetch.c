/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_FREE 3
#define READ_STEP 16384

const struct jwta_fetch jwta_fetch_installed = {
    .helper = JWTA_LIBEXECDIR "/jwtauth-fetch",
    .user = JWTA_FETCH_USER,
};

/* ------------------------------------------------------------------ starting a program */

static bool spawn_actions(posix_spawn_file_actions_t *actions, int socket)
{
    int failed = 0;

    if (socket >= 0)
        failed |= posix_spawn_file_actions_adddup2(actions, socket, STDIN_FILENO);
    else
        failed |= posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    failed |= posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_RDWR, 0);
    failed |= posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_RDWR, 0);
    failed |= posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FREE);
    return failed == 0;
}

/* Every signal as a fresh process has it: hosts block and ignore some, which exec would keep. */
static bool spawn_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    int failed = 0;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    failed |= posix_spawnattr_setsigdefault(attributes, &all);
    failed |= posix_spawnattr_setsigmask(attributes, &none);
    failed |= posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                       POSIX_SPAWN_SETSID);
    return failed == 0;
}

bool jwta_spawn_detached(char *const argv[], int socket)
{
    static char *const no_environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    bool spawned = false;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    if (spawn_actions(&actions, socket) && spawn_attributes(&attributes))
        spawned = posix_spawn(&pid, argv[0], &actions, &attributes, argv, no_environment) == 0;
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    /* The first process exits at once. The host may have reaped it, or have children reaped. */
    while (spawned && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return spawned;
}

/* ------------------------------------------------------------------ one exchange */

/* A socket pair away from the descriptors 0 to 2, which a host may have closed. */
static bool make_pair(int type, int pair[2])
{
    int made[2] = {-1, -1};

    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, made) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        pair[i] = fcntl(made[i], F_DUPFD_CLOEXEC, FIRST_FREE);
        (void)close(made[i]);
    }
    if (pair[0] >= 0 && pair[1] >= 0)
        return true;
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0)
            (void)close(pair[i]);
    }
    return false;
}

bool jwta_spawn_talking(char *const argv[], int type, int *socket)
{
    int pair[2] = {-1, -1};
    bool spawned = false;

    if (!make_pair(type, pair))
        return false;
    spawned = jwta_spawn_detached(argv, pair[1]);
    (void)close(pair[1]);
    if (spawned)
        *socket = pair[0];
    else
        (void)close(pair[0]);
    return spawned;
}

int64_t jwta_monotonic_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool jwta_wait_ready(int socket, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - jwta_monotonic_ms();
        struct pollfd fd = {.fd = socket, .events = events};
        int ready = left > 0 ? poll(&fd, 1, (int)left) : 0;

        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

static bool send_all(int socket, struct jwta_span bytes, int64_t deadline)
{
    while (bytes.len > 0) {
        ssize_t sent = 0;

        if (!jwta_wait_ready(socket, POLLOUT, deadline))
            return false;
        sent = send(socket, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (sent <= 0)
            return false;
        bytes.data += sent;
        bytes.len -= (size_t)sent;
    }
    return true;
}

/*
 * Reads one whole message and the end behind it, so that nothing follows late. What it says of its
 * length bounds it, and its mark is checked later.
 */
static bool receive_all(int socket, struct jwta_buf *buf, int64_t deadline)
{
    size_t whole = 0;

    for (;;) {
        ssize_t got = 0;

        /* A byte more than there may be, to see it. */
        if (jwta_buf_reserve(buf, whole > 0 ? whole + 1 : READ_STEP) != JWTA_OK ||
            !jwta_wait_ready(socket, POLLIN, deadline))
            return false;
        got = recv(socket, buf->data + buf->len, buf->capacity - buf->len, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            return whole > 0 && buf->len == whole;
        buf->len += (size_t)got;
        whole = jwta_message_length(jwta_buf_span(buf));
        if (whole == 0 && buf->len >= READ_STEP)
            return false;
        if (whole > 0 && buf->len > whole)
            return false;
    }
}

/* A helper that root starts must become somebody: never root, never a uid that others share. */
static bool helper_user_exists(const struct jwta_fetch *fetch)
{
    char room[4096];
    struct passwd entry;
    struct passwd *found = NULL;

    return getpwnam_r(fetch->user, &entry, room, sizeof(room), &found) == 0 && found != NULL &&
           found->pw_uid != 0;
}

enum jwta_code jwta_fetch(const struct jwta_fetch *fetch, const struct jwta_fetch_request *request,
                          struct jwta_buf *buf, struct jwta_fetch_reply *reply,
                          struct jwta_why *why)
{
    int64_t deadline = jwta_monotonic_ms() + INT64_C(1000) * JWTA_FETCH_DEADLINE;
    struct jwta_buf message = {0};
    char *helper = NULL;
    int socket = -1;
    enum jwta_code code = JWTA_KEYS_UNAVAILABLE;

    if (geteuid() == 0 && !helper_user_exists(fetch))
        return jwta_fail(why, code, "there is no user %s for the fetch helper", fetch->user);
    helper = strdup(fetch->helper);
    if (helper == NULL || jwta_request_write(request, &message) != JWTA_OK) {
        code = jwta_fail(why, JWTA_MEMORY, "out of memory");
        goto out;
    }
    if (!jwta_spawn_talking((char *const[]){helper, NULL}, SOCK_STREAM, &socket)) {
        (void)jwta_fail(why, code, "%s cannot be started", fetch->helper);
        goto out;
    }
    if (!send_all(socket, jwta_buf_span(&message), deadline) || shutdown(socket, SHUT_WR) != 0 ||
        !receive_all(socket, buf, deadline) || !jwta_reply_read(jwta_buf_span(buf), reply))
        (void)jwta_fail(why, code, "the fetch helper gave no whole answer within %d s",
                        JWTA_FETCH_DEADLINE);
    else
        code = JWTA_OK;
out:
    if (socket >= 0)
        (void)close(socket);
    free(helper);
    jwta_buf_free(&message);
    return code;
}
