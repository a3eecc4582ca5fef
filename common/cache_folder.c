/* SPDX-License-Identifier: BSD-2-Clause */
/* The directories of the cache: root's, and in it those that root makes for other writers. */
#include "common/cache_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOP_MODE 0755
#define FOLDER_MODE 0700 /* nobody but its writer and root has any business there */
#define MODE_BITS 07777
#define NAME_SIZE 48 /* a period, a uid in digits, a period, a random number in hexadecimal */

const char *jwta_cache_directory(const struct jwta_conf *conf)
{
    return conf->cache_dir.text != NULL ? conf->cache_dir.text : JWTA_CACHEDIR;
}

bool jwta_cache_make_top(const char *directory)
{
    struct stat st;
    bool made = false;
    int fd = -1;

    if (mkdir(directory, TOP_MODE) != 0)
        return false;
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* The mode is as it must be, whatever the host's umask. */
    made = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && fchmod(fd, TOP_MODE) == 0;
    if (fd >= 0)
        (void)close(fd);
    return made;
}

/* Where a folder is to be, and in whose hands. */
struct plan {
    const struct jwta_cache *cache;
    int top; /* cache_dir: nobody but root can put anything into it */
    char name[NAME_SIZE];
    struct jwta_why *why;
};

static enum jwta_file_status fail(const struct plan *plan, const char *action)
{
    (void)jwta_fail(plan->why, JWTA_INTERNAL, "%s/%s cannot be %s: %s", plan->cache->directory,
                    plan->name, action, strerror(errno));
    return JWTA_FILE_FAILED;
}

/* What is wrong with what stands in the folder's place, or NULL. */
static const char *fault_of(const struct plan *plan, const struct stat *st)
{
    if (S_ISLNK(st->st_mode))
        return "is a symbolic link";
    if (!S_ISDIR(st->st_mode))
        return "is no directory";
    if (st->st_uid != plan->cache->writer)
        return "is owned by another user";
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "is writable by group or others";
    if ((st->st_mode & S_IRWXU) != S_IRWXU)
        return "is closed to its owner";
    return NULL;
}

static enum jwta_file_status check(const struct plan *plan)
{
    struct stat st;
    const char *fault = NULL;

    if (fstatat(plan->top, plan->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? JWTA_FILE_MISSING : fail(plan, "looked at");
    fault = fault_of(plan, &st);
    if (fault == NULL)
        return JWTA_FILE_OK;
    (void)jwta_fail(plan->why, JWTA_INTERNAL,
                    "%s/%s %s (owner uid %u, mode %04o); it must be a directory of uid %lu with "
                    "mode %04o",
                    plan->cache->directory, plan->name, fault, (unsigned)st.st_uid,
                    (unsigned)st.st_mode & MODE_BITS, (unsigned long)plan->cache->writer,
                    (unsigned)FOLDER_MODE);
    return JWTA_FILE_INSECURE;
}

/* Gives a directory that was made a moment ago to its writer, by a descriptor. */
static bool give(const struct plan *plan, const char *name)
{
    int fd = openat(plan->top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool given =
        fd >= 0 && fchmod(fd, FOLDER_MODE) == 0 && fchown(fd, plan->cache->writer, (gid_t)-1) == 0;
    int error = errno;

    if (fd >= 0)
        (void)close(fd);
    errno = error;
    return given;
}

/*
 * Under a name of its own it becomes the writer's, and only then gets its place, where nothing may
 * be: so no directory that somebody else made is ever given away, and none is seen half made.
 */
static enum jwta_file_status make(const struct plan *plan)
{
    char temporary[NAME_SIZE];
    uint64_t random = 0;
    enum jwta_file_status status = JWTA_FILE_OK;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return fail(plan, "made");
    (void)snprintf(temporary, sizeof(temporary), ".%s.%016" PRIx64, plan->name, random);
    if (mkdirat(plan->top, temporary, FOLDER_MODE) != 0)
        return fail(plan, "made");
    if (give(plan, temporary) &&
        renameat2(plan->top, temporary, plan->top, plan->name, RENAME_NOREPLACE) == 0)
        return JWTA_FILE_OK;
    /* Another process of root may have been faster; then what it made is to be looked at. */
    status = errno == EEXIST ? JWTA_FILE_MISSING : fail(plan, "made");
    (void)unlinkat(plan->top, temporary, AT_REMOVEDIR);
    return status == JWTA_FILE_MISSING ? check(plan) : status;
}

enum jwta_file_status jwta_cache_make_folder(const struct jwta_cache *cache, struct jwta_why *why)
{
    struct plan plan = {.cache = cache, .top = -1, .why = why};
    enum jwta_file_status status = jwta_file_open_directory(cache->directory, 0, &plan.top, why);

    if (status == JWTA_FILE_MISSING && jwta_cache_make_top(cache->directory))
        status = jwta_file_open_directory(cache->directory, 0, &plan.top, why);
    if (status != JWTA_FILE_OK)
        return status;
    (void)snprintf(plan.name, sizeof(plan.name), "%lu", (unsigned long)cache->writer);
    status = check(&plan);
    if (status == JWTA_FILE_MISSING)
        status = make(&plan);
    (void)close(plan.top);
    return status;
}
