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

enum jwta_file_status jwta_file_write(const char *path, struct jwta_span bytes, mode_t mode,
                                      struct jwta_why *why)
{
    const char *name = NULL;
    char temporary[NAME_MAX + 1];
    int directory = open_directory(path, &name);
    int fd =
        directory >= 0 ? open_temporary(directory, name, mode, temporary, sizeof(temporary)) : -1;
    bool written = false;
    int error = errno;

    if (fd >= 0) {
        written = write_all(fd, bytes) && fsync(fd) == 0;
        error = errno;
        if (close(fd) != 0 && written) {
            error = errno;
            written = false;
        }
        if (written && renameat(directory, temporary, directory, name) != 0) {
            error = errno;
            written = false;
        }
        if (!written)
            (void)unlinkat(directory, temporary, 0);
        else
            (void)fsync(directory);
    }
    if (directory >= 0)
        (void)close(directory);
    if (written)
        return JWTA_FILE_OK;
    (void)jwta_fail(why, JWTA_INTERNAL, "%s cannot be written: %s", path, strerror(error));
    return error == ENOENT ? JWTA_FILE_MISSING : JWTA_FILE_FAILED;
}
