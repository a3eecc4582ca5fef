/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are replaced whole or not at all. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

static bool write_all(int fd, struct jwta_span bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.data, bytes.len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes.data += written;
        bytes.len -= (size_t)written;
    }
    return true;
}

/* Opens the directory of path; *name is the last part of path. */
static int open_directory(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    char directory[PATH_MAX];

    *name = slash != NULL ? slash + 1 : path;
    if (slash == NULL)
        return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if ((size_t)(slash - path) >= sizeof(directory)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(directory, path, (size_t)(slash - path));
    directory[slash - path] = '\0';
    return open(slash == path ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A name that nobody else uses, not another thread or host of a shared directory either. */
static int open_temporary(int directory, const char *name, mode_t mode, char *temporary,
                          size_t size)
{
    uint64_t random = 0;
    int len = 0;
    int fd = -1;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -1;
    len = snprintf(temporary, size, ".%s.%016" PRIx64, name, random);
    if (len < 0 || (size_t)len >= size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    /* The mode is as asked for, whatever the host's umask. */
    if (fd >= 0 && fchmod(fd, mode) != 0) {
        (void)close(fd);
        (void)unlinkat(directory, temporary, 0);
        return -1;
    }
    return fd;
}

/* Whether writing so much would bring the host a signal, SIGXFSZ, that ends it. */
static bool is_beyond_limit(size_t len)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           len > limit.rlim_cur;
}

/* Fills the temporary file, which is closed in any case. */
static bool fill(int fd, struct jwta_span bytes)
{
    bool written = write_all(fd, bytes) && fsync(fd) == 0;
    int error = errno;

    if (close(fd) == 0)
        errno = error;
    else
        written = false;
    return written;
}

static enum jwta_file_status fail(const char *path, struct jwta_why *why)
{
    int error = errno;

    (void)jwta_fail(why, JWTA_INTERNAL, "%s cannot be written: %s", path, strerror(error));
    return error == ENOENT ? JWTA_FILE_MISSING : JWTA_FILE_FAILED;
}

enum jwta_file_status jwta_file_replace(const char *path, struct jwta_span bytes, mode_t mode,
                                        const struct jwta_file_gate *gate, struct jwta_why *why)
{
    enum jwta_file_status status = JWTA_FILE_OK;
    const char *name = NULL;
    char temporary[NAME_MAX + 1];
    int directory = -1;
    int fd = -1;

    if (is_beyond_limit(bytes.len)) {
        errno = EFBIG;
        return fail(path, why);
    }
    directory = open_directory(path, &name);
    if (directory >= 0)
        fd = open_temporary(directory, name, mode, temporary, sizeof(temporary));
    if (fd < 0) {
        status = fail(path, why);
        goto out;
    }
    if (!fill(fd, bytes))
        status = fail(path, why);
    else if (gate != NULL)
        status = gate->may_replace(gate->context, directory, temporary, why);
    if (status == JWTA_FILE_OK && renameat(directory, temporary, directory, name) != 0)
        status = fail(path, why);
    if (status != JWTA_FILE_OK) {
        (void)unlinkat(directory, temporary, 0);
        goto out;
    }
    (void)fsync(directory);
    if (gate != NULL && gate->replaced != NULL)
        gate->replaced(gate->context, directory);
out:
    if (directory >= 0)
        (void)close(directory);
    return status;
}

enum jwta_file_status jwta_file_write(const char *path, struct jwta_span bytes, mode_t mode,
                                      struct jwta_why *why)
{
    return jwta_file_replace(path, bytes, mode, NULL, why);
}
