/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/file_pin.h"

#include "common/file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_FREE 3 /* above what a host may have closed and opens again */
#define OPEN_DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)

/*
 * A mount of the directory that is attached nowhere: its root is its own parent, and nothing can
 * be changed through it. By system calls: glibc has functions for them since 2.36 only.
 */
static int open_view(int directory)
{
#if defined(SYS_open_tree) && defined(SYS_mount_setattr) && defined(MOUNT_ATTR_SIZE_VER0)
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                                MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    int view = (int)syscall(SYS_open_tree, directory, "",
                            AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int error = 0;

    if (view < 0 ||
        syscall(SYS_mount_setattr, view, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) == 0)
        return view;
    error = errno;
    (void)close(view);
    errno = error;
#else
    (void)directory;
    errno = ENOSYS;
#endif
    return -1;
}

/* Where the kernel has no such mounts, or the process may not make one, nothing is held. */
static enum jwta_file_status hold(const char *directory, int opened, struct jwta_pin *out,
                                  struct jwta_why *why)
{
    int view = open_view(opened);
    int fd = view >= 0 ? fcntl(view, F_DUPFD_CLOEXEC, FIRST_FREE) : -1;
    int error = errno;
    struct stat st;

    if (view >= 0)
        (void)close(view);
    if (fd < 0) {
        (void)jwta_fail(why, JWTA_INTERNAL, "%s: there can be no view of it from a jail: %s",
                        directory, strerror(error));
        return JWTA_FILE_FAILED;
    }
    if (fstat(fd, &st) != 0) {
        (void)close(fd);
        return jwta_file_fail_errno(why, directory);
    }
    *out = (struct jwta_pin){.held = true, .fd = fd, .dev = st.st_dev, .ino = st.st_ino};
    return JWTA_FILE_OK;
}

enum jwta_file_status jwta_pin_open(const char *directory, uid_t expected, struct jwta_pin *out,
                                    struct jwta_why *why)
{
    const struct jwta_file_demand demand = {.expected = expected, .why = why};
    enum jwta_file_status status = JWTA_FILE_FAILED;
    int opened = open(directory, OPEN_DIRECTORY);

    *out = (struct jwta_pin){.held = false};
    if (opened < 0) {
        status = jwta_file_fail_errno(why, directory);
        goto out;
    }
    status = jwta_file_check_ancestors(&demand, directory, opened, true);
    if (status == JWTA_FILE_OK)
        status = jwta_file_check_links(&demand, directory);
    if (status == JWTA_FILE_OK)
        status = hold(directory, opened, out, why);
out:
    out->status = status;
    if (opened >= 0)
        (void)close(opened);
    return status;
}

/* Whether the descriptor still is what was opened. */
static bool is_ours(const struct jwta_pin *pin)
{
    struct stat st;

    return pin->held && fstat(pin->fd, &st) == 0 && st.st_dev == pin->dev && st.st_ino == pin->ino;
}

void jwta_pin_close(struct jwta_pin *pin)
{
    if (is_ours(pin))
        (void)close(pin->fd);
    *pin = (struct jwta_pin){.status = JWTA_FILE_MISSING};
}

/* Opens the directory that holds the file, and points *name to the last part of its name. */
static int open_parent(const struct jwta_pinned_file *file, const char **name)
{
    int here = fcntl(file->pin->fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    const char *rest = file->name;
    const char *slash = NULL;

    while (here >= 0 && (slash = strchr(rest, '/')) != NULL) {
        char part[NAME_MAX + 1];
        size_t len = (size_t)(slash - rest);
        int below = -1;

        errno = ENAMETOOLONG;
        if (len < sizeof(part)) {
            memcpy(part, rest, len);
            part[len] = '\0';
            below = openat(here, part, OPEN_DIRECTORY | O_NOFOLLOW);
        }
        int error = errno;
        (void)close(here);
        errno = error;
        here = below;
        rest = slash + 1;
    }
    *name = rest;
    return here;
}

enum jwta_file_status jwta_pin_read(const struct jwta_pinned_file *file, enum jwta_file_trust trust,
                                    uid_t expected, size_t max, struct jwta_buf *buf,
                                    struct jwta_file_id *id, struct jwta_why *why)
{
    const struct jwta_file_demand demand = {.expected = expected, .why = why, .pinned = true};
    enum jwta_file_status status = JWTA_FILE_OK;
    const char *name = NULL;
    int parent = -1;
    int fd = -1;

    jwta_buf_free(buf);
    if (!is_ours(file->pin)) {
        (void)jwta_fail(why, JWTA_INTERNAL, "%s cannot be seen from this jail", file->path);
        return file->pin->status == JWTA_FILE_OK ? JWTA_FILE_MISSING : file->pin->status;
    }
    parent = open_parent(file, &name);
    if (parent < 0)
        return jwta_file_fail_errno(why, file->path);
    status = jwta_file_check_ancestors(&demand, file->path, parent, true);
    if (status == JWTA_FILE_OK)
        status = jwta_file_open_in(&demand, parent, name, file->path, &fd);
    if (status == JWTA_FILE_OK)
        status = jwta_file_read_checked(&demand, fd, file->path, trust, max, buf, id);
    if (status != JWTA_FILE_OK)
        jwta_buf_free(buf);
    if (fd >= 0)
        (void)close(fd);
    (void)close(parent);
    return status;
}

bool jwta_pin_identify(const struct jwta_pinned_file *file, struct jwta_file_id *id)
{
    struct stat st;

    if (!is_ours(file->pin) || fstatat(file->pin->fd, file->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    *id = jwta_file_identity(&st);
    return true;
}
