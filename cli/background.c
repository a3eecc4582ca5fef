/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/background.h"

#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((rlim_t)1024 * 1024)

/* Enough for a set of keys, the configuration and the helper, who sets lower ones for itself. */
static const struct {
    __rlimit_resource_t resource;
    rlim_t value;
} limits[] = {
    {RLIMIT_CORE, 0},         {RLIMIT_AS, 1024 * MIB}, {RLIMIT_DATA, 1024 * MIB},
    {RLIMIT_RSS, 1024 * MIB}, {RLIMIT_STACK, 8 * MIB}, {RLIMIT_FSIZE, 16 * MIB},
    {RLIMIT_NOFILE, 64},      {RLIMIT_NPROC, 256},     {RLIMIT_CPU, 20},
    {RLIMIT_LOCKS, 64},
};

static bool set_limits(void)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const struct rlimit limit = {.rlim_cur = limits[i].value, .rlim_max = limits[i].value};

        if (setrlimit(limits[i].resource, &limit) != 0)
            return false;
    }
    /* A kernel without it keeps the priority that there is. */
    (void)setpriority(PRIO_PROCESS, 0, 0);
    return true;
}

/* The user first: until then whoever started the host may end this process. */
static bool become_root(void)
{
    return setresuid(0, 0, 0) == 0 && setgroups(0, NULL) == 0 && setresgid(0, 0, 0) == 0 &&
           set_limits();
}

bool background_enter(unsigned seconds)
{
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    pid_t child = -1;

    if (getresuid(&real, &effective, &saved) != 0 ||
        ((real == 0 || effective == 0 || saved == 0) && !become_root()))
        return false;
    child = fork();
    if (child < 0)
        return false;
    if (child > 0)
        _exit(0);
    (void)setsid();
    (void)umask(077);
    (void)alarm(seconds);
    return chdir("/") == 0;
}
