/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/sandbox.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Addresses, not pages: a thread of the resolver takes 8 MiB for its stack and 128 for its heap. */
#define MEMORY_MAX (1024UL * 1024 * 1024)
#define FILES_MAX 64
#define CPU_SECONDS 5

/* Bounds a resource for good. */
static bool bound(int resource, rlim_t value)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    /* Only root can raise a bound that a host has; anybody else keeps to it. */
    if (setrlimit((__rlimit_resource_t)resource, &limit) == 0)
        return true;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return false;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value)
        value = limit.rlim_max;
    limit = (struct rlimit){.rlim_cur = value, .rlim_max = value};
    return setrlimit((__rlimit_resource_t)resource, &limit) == 0;
}

bool sandbox_detach(unsigned seconds)
{
    pid_t child = fork();

    if (child < 0)
        return false;
    if (child > 0)
        _exit(0);
    (void)setsid();
    (void)umask(077);
    (void)alarm(seconds);
    closefrom(STDERR_FILENO + 1);
    if (clearenv() != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return false;
    return chdir("/") == 0 && bound(RLIMIT_CORE, 0) && bound(RLIMIT_AS, MEMORY_MAX) &&
           bound(RLIMIT_NOFILE, FILES_MAX) && bound(RLIMIT_CPU, CPU_SECONDS) &&
           bound(RLIMIT_FSIZE, 0) && prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0;
}

/* All three ids, and that there is no way back. */
static bool become(uid_t uid, gid_t gid)
{
    return setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 &&
           (uid == 0 || setuid(0) != 0);
}

bool sandbox_drop(const char *user)
{
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    const struct passwd *entry = NULL;

    if (getresuid(&real, &effective, &saved) != 0)
        return false;
    if (real == 0 || effective == 0 || saved == 0) {
        /* With an effective uid of another than root there is nothing to become another by. */
        if (effective != 0)
            return false;
        entry = getpwnam(user);
        if (entry == NULL || entry->pw_uid == 0 || entry->pw_gid == 0 || setgroups(0, NULL) != 0 ||
            !become(entry->pw_uid, entry->pw_gid))
            return false;
    } else if (!become(effective, getegid())) {
        return false;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0;
}
