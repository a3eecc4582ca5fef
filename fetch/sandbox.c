/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
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

/*
 * Seen with DNS over UDP and TLS, and a margin for DNS over TCP, IPv6, other resolvers of NSS and
 * other architectures. No exec, no signals, no ptrace, no mount, no keyring; files only to be read
 * (below).
 */
static const char *const allowed[] = {
    "access",
    "bind",
    "brk",
    "_llseek",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "clone",
    "clone3",
    "close",
    "connect",
    "dup",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "eventfd2",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fcntl",
    "fcntl64",
    "fstat",
    "fstat64",
    "fstatat64",
    "fstatfs",
    "fstatfs64",
    "futex",
    "futex_time64",
    "getcwd",
    "getdents64",
    "getegid",
    "getegid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getpeername",
    "getpid",
    "getrandom",
    "getrlimit",
    "getsockname",
    "getsockopt",
    "gettid",
    "gettimeofday",
    "getuid",
    "getuid32",
    "ioctl",
    "lseek",
    "lstat",
    "lstat64",
    "madvise",
    "membarrier",
    "mmap",
    "mmap2",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "ppoll_time64",
    "prctl",
    "pread64",
    "prlimit64",
    "pselect6",
    "pselect6_time64",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmmsg_time64",
    "recvmsg",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "select",
    "send",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "set_tid_address",
    "setsockopt",
    "shutdown",
    "sigaltstack",
    "sigreturn",
    "socket",
    "socketpair",
    "stat",
    "stat64",
    "statfs",
    "statfs64",
    "statx",
    "sysinfo",
    "time",
    "ugetrlimit",
    "uname",
    "write",
    "writev",
};

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

/* Opening is allowed for reading what is there. */
static bool allow_reading(scmp_filter_ctx filter)
{
    const scmp_datum_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
    int with_path = SCMP_SYS(open);

    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, writing, 0)) == 0 &&
           (with_path < 0 || seccomp_rule_add(filter, SCMP_ACT_ALLOW, with_path, 1,
                                              SCMP_A1(SCMP_CMP_MASKED_EQ, writing, 0)) == 0);
}

bool sandbox_close(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool closed = filter != NULL;

    for (size_t i = 0; closed && i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        int number = seccomp_syscall_resolve_name(allowed[i]);

        /* Not every architecture has every call. */
        if (number >= 0)
            closed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) == 0;
    }
    closed = closed && allow_reading(filter) && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return closed;
}
