/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP 4096
#define MODE_BITS 07777

enum jwta_file_status jwta_file_fail_errno(struct jwta_why *why, const char *path)
{
    int error = errno;
    bool missing = error == ENOENT || error == ENOTDIR;

    jwta_fail(why, JWTA_INTERNAL, "%s: %s", path, strerror(error));
    return missing ? JWTA_FILE_MISSING : JWTA_FILE_FAILED;
}

static enum jwta_file_status fail_memory(struct jwta_why *why)
{
    jwta_fail(why, JWTA_INTERNAL, "out of memory");
    return JWTA_FILE_FAILED;
}

/* Says what is wrong with the owner and mode of path; a message shows both in any case. */
static enum jwta_file_status insecure(const struct jwta_file_demand *demand, const char *path,
                                      const struct stat *st, const char *fault)
{
    jwta_fail(demand->why, JWTA_INTERNAL, "%s %s (owner uid %u, mode %04o)", path, fault,
              (unsigned)st->st_uid, (unsigned)st->st_mode & MODE_BITS);
    return JWTA_FILE_INSECURE;
}

static bool trusted_owner(const struct jwta_file_demand *demand, const struct stat *st)
{
    return st->st_uid == 0 || st->st_uid == demand->expected;
}

/* What is wrong with a directory on the way to a file, or NULL. */
static const char *directory_fault(const struct jwta_file_demand *demand, const struct stat *st,
                                   bool sticky_will_do)
{
    if (!trusted_owner(demand, st))
        return "is owned by another user";
    /* In a sticky directory only its owner and the file's own can replace the file. */
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
        !(sticky_will_do && (st->st_mode & S_ISVTX) != 0))
        return "is writable by group or others";
    return NULL;
}

/* Writes the resolved name of the ancestor that many levels above directory, for a message. */
static const char *ancestor_name(const struct jwta_file_demand *demand, const char *directory,
                                 unsigned levels, char name[PATH_MAX])
{
    if (demand->pinned)
        return snprintf(name, PATH_MAX, "a directory above %s", directory) < PATH_MAX ? name : "/";
    if (realpath(directory, name) == NULL)
        return directory;
    for (; levels > 0; levels--) {
        char *slash = strrchr(name, '/');
        if (slash == NULL)
            break;
        *slash = '\0';
    }
    return name[0] == '\0' ? "/" : name;
}

/*
 * Walking up by descriptors sees the directories that really lead here, whatever links the path
 * went through and whoever renames something meanwhile.
 */
enum jwta_file_status jwta_file_check_ancestors(const struct jwta_file_demand *demand,
                                                const char *directory, int fd, bool sticky_will_do)
{
    enum jwta_file_status status = JWTA_FILE_FAILED;
    struct stat below = {0};
    int here = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    char name[PATH_MAX];

    for (unsigned levels = 0; here >= 0; levels++) {
        struct stat st;
        if (fstat(here, &st) != 0)
            break;
        if (levels > 0 && st.st_dev == below.st_dev && st.st_ino == below.st_ino) {
            status = JWTA_FILE_OK; /* the root is its own parent */
            goto out;
        }
        const char *fault = directory_fault(demand, &st, sticky_will_do || levels > 0);
        if (fault != NULL) {
            status = insecure(demand, ancestor_name(demand, directory, levels, name), &st, fault);
            goto out;
        }
        below = st;
        int above = openat(here, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (above < 0)
            break;
        close(here);
        here = above;
    }
    status = jwta_file_fail_errno(demand->why, directory);
out:
    if (here >= 0)
        close(here);
    return status;
}

#define LINKS_MAX 40 /* as the kernel's own limit */

/* A walk along a path as it is written: what has been passed, and what is still to come. */
struct walk {
    char passed[PATH_MAX];
    char rest[PATH_MAX];
    unsigned links;
};

/* Puts what a link says in the place of its name; false: no link can be followed so far. */
static bool follow(struct walk *walk, size_t parent_len)
{
    char target[PATH_MAX];
    char joined[PATH_MAX];
    ssize_t len = readlink(walk->passed, target, sizeof(target) - 1);

    if (len <= 0 || ++walk->links > LINKS_MAX)
        return false;
    target[len] = '\0';
    if (snprintf(joined, sizeof(joined), "%s/%s", target, walk->rest) >= (int)sizeof(joined))
        return false;
    memcpy(walk->rest, joined, strlen(joined) + 1);
    walk->passed[target[0] == '/' ? 0 : parent_len] = '\0';
    return true;
}

/* A link and the directory that holds it: whoever can change either chooses what is read. */
static enum jwta_file_status check_link(const struct jwta_file_demand *demand, const char *link,
                                        size_t parent_len, const struct stat *st)
{
    enum jwta_file_status status = JWTA_FILE_OK;
    char parent[PATH_MAX];
    int fd = -1;

    if (!trusted_owner(demand, st))
        return insecure(demand, link, st, "is a link of another user");
    memcpy(parent, link, parent_len);
    parent[parent_len] = '\0';
    fd = open(parent_len > 0 ? parent : (link[0] == '/' ? "/" : "."),
              O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return jwta_file_fail_errno(demand->why, parent);
    status = jwta_file_check_ancestors(demand, parent, fd, true);
    close(fd);
    return status;
}

/* Takes the next name of the rest onto what has been passed; false at the end or when too long. */
static bool step(struct walk *walk, size_t *parent_len)
{
    size_t skip = strspn(walk->rest, "/");
    size_t len = strcspn(walk->rest + skip, "/");
    size_t used = strlen(walk->passed);
    bool first = used == 0 && skip == 0;

    *parent_len = used;
    if (len == 0 || used + len + 2 > sizeof(walk->passed))
        return false;
    if (!first)
        walk->passed[used++] = '/';
    memcpy(walk->passed + used, walk->rest + skip, len);
    walk->passed[used + len] = '\0';
    memmove(walk->rest, walk->rest + skip + len, strlen(walk->rest + skip + len) + 1);
    return true;
}

/*
 * Walking up sees where the links lead, not who could make them lead elsewhere, to another trusted
 * file of the same name.
 */
enum jwta_file_status jwta_file_check_links(const struct jwta_file_demand *demand,
                                            const char *directory)
{
    struct walk walk = {{0}, {0}, 0};
    size_t parent_len = 0;
    struct stat st;

    if (strlen(directory) >= sizeof(walk.rest)) {
        errno = ENAMETOOLONG;
        return jwta_file_fail_errno(demand->why, directory);
    }
    memcpy(walk.rest, directory, strlen(directory) + 1);
    while (step(&walk, &parent_len)) {
        enum jwta_file_status status = JWTA_FILE_OK;

        if (lstat(walk.passed, &st) != 0)
            return jwta_file_fail_errno(demand->why, directory);
        if (!S_ISLNK(st.st_mode))
            continue;
        status = check_link(demand, walk.passed, parent_len, &st);
        if (status != JWTA_FILE_OK)
            return status;
        if (!follow(&walk, parent_len)) {
            errno = ELOOP;
            return jwta_file_fail_errno(demand->why, directory);
        }
    }
    return JWTA_FILE_OK;
}

/* Opens the directory that holds path, checks it, and points *name to the last part of path. */
static enum jwta_file_status open_parent(const struct jwta_file_demand *demand, const char *path,
                                         int *out, const char **name)
{
    enum jwta_file_status status = JWTA_FILE_FAILED;
    const char *slash = strrchr(path, '/');
    char *directory = NULL;
    int fd = -1;

    if (slash == NULL)
        directory = strdup(".");
    else
        directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (directory == NULL)
        return fail_memory(demand->why);

    fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        status = jwta_file_fail_errno(demand->why, directory);
        goto out;
    }
    status = jwta_file_check_ancestors(demand, directory, fd, true);
    if (status == JWTA_FILE_OK)
        status = jwta_file_check_links(demand, directory);
    if (status != JWTA_FILE_OK)
        goto out;
    *name = slash == NULL ? path : slash + 1;
    *out = fd;
    fd = -1;
out:
    if (fd >= 0)
        close(fd);
    free(directory);
    return status;
}

enum jwta_file_status jwta_file_open_in(const struct jwta_file_demand *demand, int directory,
                                        const char *name, const char *path, int *out)
{
    *out = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*out >= 0)
        return JWTA_FILE_OK;
    if (errno != ELOOP)
        return jwta_file_fail_errno(demand->why, path);
    jwta_fail(demand->why, JWTA_INTERNAL, "%s is a symbolic link", path);
    return JWTA_FILE_INSECURE;
}

/* Opens path for reading, through trusted directories only. */
static enum jwta_file_status open_trusted(const struct jwta_file_demand *demand, const char *path,
                                          int *out)
{
    const char *name = NULL;
    int parent = -1;

    enum jwta_file_status status = open_parent(demand, path, &parent, &name);
    if (status != JWTA_FILE_OK)
        return status;
    status = jwta_file_open_in(demand, parent, name, path, out);
    close(parent);
    return status;
}

/* Owner and mode of the file itself, by its descriptor. */
static enum jwta_file_status check_file(const struct jwta_file_demand *demand, const char *path,
                                        const struct stat *st, enum jwta_file_trust trust)
{
    if (!S_ISREG(st->st_mode)) {
        jwta_fail(demand->why, JWTA_INTERNAL, "%s is not a regular file", path);
        return JWTA_FILE_FAILED;
    }
    if (trust == JWTA_FILE_ANY)
        return JWTA_FILE_OK;
    if (!trusted_owner(demand, st))
        return insecure(demand, path, st, "is owned by another user");
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return insecure(demand, path, st, "is writable by group or others");
    if (trust == JWTA_FILE_SECRET && (st->st_mode & (S_IRGRP | S_IROTH)) != 0)
        return insecure(demand, path, st, "holds a secret and is readable by group or others");
    return JWTA_FILE_OK;
}

struct jwta_file_id jwta_file_identity(const struct stat *st)
{
    return (struct jwta_file_id){.dev = st->st_dev,
                                 .ino = st->st_ino,
                                 .size = st->st_size,
                                 .mtime = st->st_mtim,
                                 .ctime = st->st_ctim};
}

/* Reads to the end of fd, one byte beyond max at most: what grows meanwhile is noticed. */
static enum jwta_file_status read_all(int fd, const char *path, size_t expected, size_t max,
                                      struct jwta_buf *buf, struct jwta_why *why)
{
    size_t room = expected + 1;

    for (;;) {
        if (jwta_buf_reserve(buf, room) != JWTA_OK)
            return fail_memory(why);
        ssize_t got = read(fd, buf->data + buf->len, room - buf->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return jwta_file_fail_errno(why, path);
        if (got == 0)
            return JWTA_FILE_OK;
        buf->len += (size_t)got;
        if (buf->len > max) {
            jwta_fail(why, JWTA_INTERNAL, "%s is larger than %zu bytes", path, max);
            return JWTA_FILE_FAILED;
        }
        if (buf->len == room)
            room += room < READ_STEP ? READ_STEP : room;
    }
}

enum jwta_file_status jwta_file_read_checked(const struct jwta_file_demand *demand, int fd,
                                             const char *path, enum jwta_file_trust trust,
                                             size_t max, struct jwta_buf *buf,
                                             struct jwta_file_id *id)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return jwta_file_fail_errno(demand->why, path);
    enum jwta_file_status status = check_file(demand, path, &st, trust);
    if (status != JWTA_FILE_OK)
        return status;
    if ((uintmax_t)st.st_size > max) {
        jwta_fail(demand->why, JWTA_INTERNAL, "%s is larger than %zu bytes", path, max);
        return JWTA_FILE_FAILED;
    }
    status = read_all(fd, path, (size_t)st.st_size, max, buf, demand->why);
    if (status != JWTA_FILE_OK)
        return status;

    struct jwta_file_id before = jwta_file_identity(&st);
    if (fstat(fd, &st) != 0)
        return jwta_file_fail_errno(demand->why, path);
    struct jwta_file_id after = jwta_file_identity(&st);
    /* ctime also moves when a name is replaced by rename, which leaves the bytes as they are. */
    after.ctime = before.ctime;
    if (!jwta_file_same(&before, &after)) {
        jwta_fail(demand->why, JWTA_INTERNAL, "%s changed while it was read", path);
        return JWTA_FILE_FAILED;
    }
    if (id != NULL)
        *id = before;
    return JWTA_FILE_OK;
}

enum jwta_file_status jwta_file_read(const char *path, enum jwta_file_trust trust, uid_t expected,
                                     size_t max, struct jwta_buf *buf, struct jwta_file_id *id,
                                     struct jwta_why *why)
{
    const struct jwta_file_demand demand = {.expected = expected, .why = why};
    enum jwta_file_status status = JWTA_FILE_OK;
    int fd = -1;

    jwta_buf_free(buf);
    if (trust == JWTA_FILE_ANY) {
        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
            status = jwta_file_fail_errno(why, path);
    } else {
        status = open_trusted(&demand, path, &fd);
    }
    if (status == JWTA_FILE_OK)
        status = jwta_file_read_checked(&demand, fd, path, trust, max, buf, id);
    if (fd >= 0)
        close(fd);
    if (status != JWTA_FILE_OK)
        jwta_buf_free(buf);
    return status;
}

enum jwta_file_status jwta_file_open_directory(const char *path, uid_t expected, int *out,
                                               struct jwta_why *why)
{
    const struct jwta_file_demand demand = {.expected = expected, .why = why};

    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return jwta_file_fail_errno(why, path);
    /* Sticky will not do here: whoever can add a name adds to what is read. */
    enum jwta_file_status status = jwta_file_check_ancestors(&demand, path, fd, false);
    if (status == JWTA_FILE_OK)
        status = jwta_file_check_links(&demand, path);
    if (status != JWTA_FILE_OK) {
        close(fd);
        return status;
    }
    *out = fd;
    return JWTA_FILE_OK;
}

bool jwta_file_identify(const char *path, struct jwta_file_id *id)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    *id = jwta_file_identity(&st);
    return true;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool jwta_file_same(const struct jwta_file_id *a, const struct jwta_file_id *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}
