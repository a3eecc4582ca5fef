/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a helper can still do to others once its system calls are filtered: each attempt by a
 * process of its own, on a process of the same user that waits.
 */
#include "fetch/sandbox.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the attempts gave: 0, or the number of the error. */
static int outcome(long result)
{
    return result < 0 ? errno : 0;
}

static int bound_other(pid_t other)
{
    const struct rlimit none = {0};

    return outcome(prlimit(other, RLIMIT_NOFILE, &none, NULL));
}

static int read_bound_of_other(pid_t other)
{
    struct rlimit limit;

    return outcome(prlimit(other, RLIMIT_NOFILE, NULL, &limit));
}

/* By its own number a process is any of its user. */
static int read_bound_by_number(pid_t other)
{
    (void)other;
    return read_bound_of_other(getpid());
}

static int read_own_bound(pid_t other)
{
    (void)other;
    return read_bound_of_other(0);
}

static int signal_other(pid_t other)
{
    return outcome(kill(other, 0));
}

/* A descriptor whose owner is sent signals. */
static int own_descriptor(pid_t other)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return -1;
    return outcome(fcntl(pair[0], F_SETOWN, other));
}

static int own_socket(pid_t other)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return -1;
    return outcome(ioctl(pair[0], FIOSETOWN, &other));
}

static int become_dumpable(pid_t other)
{
    (void)other;
    return outcome(prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L));
}

static int start_process(pid_t other)
{
    long child = 0;

    (void)other;
    child = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (child == 0)
        _exit(0);
    return outcome(child);
}

static int start_process_by_pointer(pid_t other)
{
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    long child = 0;

    (void)other;
    child = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (child == 0)
        _exit(0);
    return outcome(child);
}

static void *do_nothing(void *context)
{
    return context;
}

static int start_thread(pid_t other)
{
    pthread_t thread;
    int result = pthread_create(&thread, NULL, do_nothing, NULL);

    (void)other;
    return result != 0 ? result : pthread_join(thread, NULL);
}

static int open_socket(int domain)
{
    return outcome(socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int open_inet(pid_t other)
{
    (void)other;
    return open_socket(AF_INET);
}

static int open_inet6(pid_t other)
{
    int error = open_socket(AF_INET6);

    (void)other;
    return error == EAFNOSUPPORT ? 0 : error; /* a host without IPv6 */
}

static int open_netlink(pid_t other)
{
    (void)other;
    return outcome(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int open_algorithm(pid_t other)
{
    (void)other;
    return outcome(socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

static int open_to_write(pid_t other)
{
    (void)other;
    return outcome(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static int open_to_change(pid_t other)
{
    (void)other;
    return outcome(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static int open_to_make(pid_t other)
{
    (void)other;
    return outcome(open("/dev/null", O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int open_to_empty(pid_t other)
{
    (void)other;
    return outcome(open("/dev/null", O_RDONLY | O_TRUNC | O_CLOEXEC));
}

static int open_pair(pid_t other)
{
    int pair[2];

    (void)other;
    return outcome(socketpair(AF_INET, SOCK_STREAM, 0, pair));
}

/* What differs from something allowed in its upper half alone. */
#define UPPER 0x10000

static int read_bound_of_upper(pid_t other)
{
    (void)other;
    return read_bound_of_other(UPPER);
}

static int ask_upper(pid_t other)
{
    int count = 0;

    (void)other;
    return outcome(ioctl(STDIN_FILENO, (unsigned long)FIONREAD | UPPER, &count));
}

static int open_to_read(pid_t other)
{
    (void)other;
    return outcome(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static int set_nonblocking(pid_t other)
{
    int flags = fcntl(STDIN_FILENO, F_GETFL);

    (void)other;
    return flags < 0 ? errno : outcome(fcntl(STDIN_FILENO, F_SETFL, flags));
}

static const struct {
    const char *name;
    int (*attempt)(pid_t other);
    int error;
} rows[] = {
    {"bound another process", bound_other, EPERM},
    {"read the bounds of another", read_bound_of_other, EPERM},
    {"read bounds by a number", read_bound_by_number, EPERM},
    {"signal another", signal_other, EPERM},
    {"have a descriptor signal another", own_descriptor, EPERM},
    {"have a socket signal another", own_socket, EPERM},
    {"become dumpable", become_dumpable, EPERM},
    {"start a process", start_process, EPERM},
    {"start a process, flags in memory", start_process_by_pointer, ENOSYS},
    {"open a socket of another kind", open_algorithm, EPERM},
    {"open a file to write", open_to_write, EPERM},
    {"open a file to read and write", open_to_change, EPERM},
    {"make a file", open_to_make, EPERM},
    {"empty a file", open_to_empty, EPERM},
    {"open a pair of another kind", open_pair, EPERM},
    {"read the bounds of a process with a high number", read_bound_of_upper, EPERM},
    {"ask a descriptor by a high number", ask_upper, EPERM},
    {"read its own bounds", read_own_bound, 0},
    {"start a thread", start_thread, 0},
    {"open a socket of IPv4", open_inet, 0},
    {"open a socket of IPv6", open_inet6, 0},
    {"ask for addresses", open_netlink, 0},
    {"open a file to read", open_to_read, 0},
    {"change a descriptor's flags", set_nonblocking, 0},
};

#define NOT_CLOSED 255

/* What an attempt gives in a process that has closed the sandbox. */
static int tried(int (*attempt)(pid_t), pid_t other)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(sandbox_close() ? attempt(other) : NOT_CLOSED);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_filter(void **state)
{
    pid_t other = fork();
    size_t wrong = 0;

    (void)state;
    assert_true(other >= 0);
    if (other == 0) {
        (void)pause();
        _exit(0);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int error = tried(rows[i].attempt, other);

        if (error == rows[i].error)
            continue;
        print_error("%s: error %d, not %d\n", rows[i].name, error, rows[i].error);
        wrong++;
    }
    (void)kill(other, SIGKILL);
    (void)waitpid(other, NULL, 0);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
