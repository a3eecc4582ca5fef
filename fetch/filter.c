/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls that the helper may still make once it speaks to others. Helpers of all hosts
 * run as one user, and none is to reach another: whatever signals, bounds, traces or starts a
 * process is left out or narrowed to the caller itself. What stays is this much. Unix sockets,
 * which resolvers of NSS need, lead to whoever listens for everybody. bind, with which the resolver
 * asks for the host's addresses, can leave a socket where everybody may write, but nothing listens
 * there. Reading reaches what every user may read (of another helper its processors and its CPU
 * time); nothing of one is in /proc, since none is dumpable.
 */
#include "fetch/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/*
 * Seen with DNS over UDP and TLS, and a margin for DNS over TCP, IPv6, other resolvers of NSS and
 * other architectures. No exec, no signals, no ptrace, no mount, no keyring.
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
    "pread64",
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

#define WHOLE 0xffffffffU /* all that the kernel takes of an int */
#if defined(__s390__)
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* Calls that are allowed where these bits of an argument have this value: any line of a call. */
static const struct {
    const char *call;
    unsigned argument;
    scmp_datum_t bits;
    scmp_datum_t value;
} narrowed[] = {
    /* Threads of the resolver, but no process, which no alarm would end. */
    {"clone", CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD},
    /* With an owner (F_SETOWN, F_SETSIG; FIOSETOWN) a descriptor sends signals to others. */
    {"fcntl", 1, WHOLE, F_DUPFD},
    {"fcntl", 1, WHOLE, F_DUPFD_CLOEXEC},
    {"fcntl", 1, WHOLE, F_GETFD},
    {"fcntl", 1, WHOLE, F_SETFD},
    {"fcntl", 1, WHOLE, F_GETFL},
    {"fcntl", 1, WHOLE, F_SETFL},
    {"fcntl64", 1, WHOLE, F_DUPFD},
    {"fcntl64", 1, WHOLE, F_DUPFD_CLOEXEC},
    {"fcntl64", 1, WHOLE, F_GETFD},
    {"fcntl64", 1, WHOLE, F_SETFD},
    {"fcntl64", 1, WHOLE, F_GETFL},
    {"fcntl64", 1, WHOLE, F_SETFL},
    {"ioctl", 1, WHOLE, FIONREAD},
    {"ioctl", 1, WHOLE, FIONBIO},
    {"ioctl", 1, WHOLE, TCGETS},
    {"ioctl", 1, WHOLE, SIOCGIFINDEX},
    /* Files are there to be read. */
    {"open", 1, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0},
    {"openat", 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0},
    /* PR_SCHED_CORE takes another's number; who is dumpable again can be read by others. */
    {"prctl", 0, WHOLE, PR_SET_NAME},
    /* Of this process; by its number, it would be any of the same user. */
    {"prlimit64", 0, WHOLE, 0},
    {"socket", 0, WHOLE, AF_UNIX},
    {"socket", 0, WHOLE, AF_INET},
    {"socket", 0, WHOLE, AF_INET6},
    {"socket", 0, WHOLE, AF_NETLINK},
    {"socketpair", 0, WHOLE, AF_UNIX},
};

/* Not every architecture has every call: a negative number is none. */
static bool allow(scmp_filter_ctx filter, const char *call)
{
    int number = seccomp_syscall_resolve_name(call);

    return number < 0 || seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) == 0;
}

static bool allow_narrowed(scmp_filter_ctx filter, size_t row)
{
    int number = seccomp_syscall_resolve_name(narrowed[row].call);

    return number < 0 || seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
                                          SCMP_CMP(narrowed[row].argument, SCMP_CMP_MASKED_EQ,
                                                   narrowed[row].bits, narrowed[row].value)) == 0;
}

bool sandbox_close(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int by_pointer = seccomp_syscall_resolve_name("clone3");
    bool closed = filter != NULL;

    for (size_t i = 0; closed && i < sizeof(allowed) / sizeof(allowed[0]); i++)
        closed = allow(filter, allowed[i]);
    for (size_t i = 0; closed && i < sizeof(narrowed) / sizeof(narrowed[0]); i++)
        closed = allow_narrowed(filter, i);
    /* Its flags lie in memory, where no filter sees them: libc is to go back to clone. */
    if (closed && by_pointer >= 0)
        closed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), by_pointer, 0) == 0;
    closed = closed && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return closed;
}
