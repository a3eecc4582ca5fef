/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/background.h"
#include "common/file.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB ((rlim_t)1024 * 1024)

/* ioprio_set(2), for which the C library has neither a function nor names. */
#define IO_WHO_PROCESS 1
#define IO_PRIORITY_NONE 0

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
    return true;
}

/* As a process that nobody held back. A kernel or container that refuses leaves it as it is. */
static void reset_scheduling(void)
{
    const struct sched_param normal = {0};
    cpu_set_t all;

    CPU_ZERO(&all);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        CPU_SET(cpu, &all);
    (void)sched_setscheduler(0, SCHED_OTHER, &normal);
    (void)setpriority(PRIO_PROCESS, 0, 0);
    (void)sched_setaffinity(0, sizeof(all), &all);
    (void)syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_PRIORITY_NONE);
}

/*
 * Out of a cgroup that is the user's, as systemd gives him one: he could freeze what is in it
 * while it holds root's lock. A container may have no leave to.
 */
static void leave_cgroup(void)
{
    static const char *const roots[] = {
        "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs", /* beside version 1 */
    };

    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        int fd = open(roots[i], O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
            continue;
        (void)!write(fd, "0", 1);
        (void)close(fd);
    }
}

/* The user first: until then whoever started the host may end this process. */
static bool become_root(void)
{
    if (setresuid(0, 0, 0) != 0 || setgroups(0, NULL) != 0 || setresgid(0, 0, 0) != 0 ||
        !set_limits())
        return false;
    leave_cgroup();
    reset_scheduling();
    return true;
}

bool background_enter(unsigned seconds)
{
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    pid_t child = -1;

    if (jwta_between_users() || getresuid(&real, &effective, &saved) != 0 ||
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
