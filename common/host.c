/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/host.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* Room for one entry. A group of very many members is long: its list comes with its gid. */
#define ENTRY_FIRST 1024
#define ENTRY_MAX (16 * 1024 * 1024)

/*
 * Asks one source for a name, with room for the entry. Returns 0 and sets *found (and *id when
 * found), or the error number; ERANGE means that the room was too small. path is the file to
 * look in, or NULL for NSS. uid_t and gid_t are both id_t (sys_types.h(0P)).
 */
typedef int ask(const char *path, const char *name, char *room, size_t size, id_t *id, bool *found);

static enum jwta_found look_up(ask *source, const char *path, const char *name, id_t *id)
{
    char first[ENTRY_FIRST];
    char *more = NULL;
    size_t size = sizeof(first);
    bool found = false;
    int error = 0;

    for (;;) {
        error = source(path, name, more != NULL ? more : first, size, id, &found);
        if (error == EINTR)
            continue;
        if (error != ERANGE || size >= ENTRY_MAX)
            break;
        size *= 4;
        free(more);
        more = malloc(size);
        if (more == NULL)
            return JWTA_LOOKUP_FAILED;
    }
    free(more);
    if (error != 0)
        return JWTA_LOOKUP_FAILED;
    return found ? JWTA_FOUND : JWTA_NOT_FOUND;
}

/* The errors by which some NSS services say "not found" (getpwnam_r(3), section ERRORS). */
static bool means_absent(int error)
{
    return error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static int ask_system_user(const char *path, const char *name, char *room, size_t size, id_t *id,
                           bool *found)
{
    struct passwd entry;
    struct passwd *result = NULL;

    (void)path;
    int error = getpwnam_r(name, &entry, room, size, &result);
    *found = result != NULL;
    if (*found)
        *id = entry.pw_uid;
    return *found || means_absent(error) ? 0 : error;
}

static int ask_system_group(const char *path, const char *name, char *room, size_t size, id_t *id,
                            bool *found)
{
    struct group entry;
    struct group *result = NULL;

    (void)path;
    int error = getgrnam_r(name, &entry, room, size, &result);
    *found = result != NULL;
    if (*found)
        *id = entry.gr_gid;
    return *found || means_absent(error) ? 0 : error;
}

static int ask_passwd_file(const char *path, const char *name, char *room, size_t size, id_t *id,
                           bool *found)
{
    struct passwd entry;
    struct passwd *result = NULL;
    int error = 0;

    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno;
    *found = false;
    while (!*found && (error = fgetpwent_r(file, &entry, room, size, &result)) == 0)
        *found = strcmp(entry.pw_name, name) == 0;
    if (*found)
        *id = entry.pw_uid;
    else if (error == ENOENT && !ferror(file))
        error = 0; /* the end of the file */
    fclose(file);
    return error;
}

static int ask_group_file(const char *path, const char *name, char *room, size_t size, id_t *id,
                          bool *found)
{
    struct group entry;
    struct group *result = NULL;
    int error = 0;

    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno;
    *found = false;
    while (!*found && (error = fgetgrent_r(file, &entry, room, size, &result)) == 0)
        *found = strcmp(entry.gr_name, name) == 0;
    if (*found)
        *id = entry.gr_gid;
    else if (error == ENOENT && !ferror(file))
        error = 0; /* the end of the file */
    fclose(file);
    return error;
}

/* No name is no entry's name, and no source need be asked. */
static bool no_name(const char *name)
{
    return name == NULL || name[0] == '\0';
}

static enum jwta_found system_user(const struct jwta_host *host, const char *name, uid_t *uid)
{
    (void)host;
    return no_name(name) ? JWTA_NOT_FOUND : look_up(ask_system_user, NULL, name, uid);
}

static enum jwta_found system_group(const struct jwta_host *host, const char *name, gid_t *gid)
{
    (void)host;
    return no_name(name) ? JWTA_NOT_FOUND : look_up(ask_system_group, NULL, name, gid);
}

static bool give_name(const char *from, char *name, size_t size)
{
    size_t len = strlen(from);

    if (len == 0 || len >= size)
        return false;
    memcpy(name, from, len + 1);
    return true;
}

static bool system_name(const struct jwta_host *host, char *name, size_t size)
{
    struct utsname kernel;

    (void)host;
    return uname(&kernel) == 0 && give_name(kernel.nodename, name, size);
}

const struct jwta_host jwta_host_system = {
    .user = system_user, .group = system_group, .name = system_name, .context = NULL};

static enum jwta_found files_user(const struct jwta_host *host, const char *name, uid_t *uid)
{
    const struct jwta_host_files *files = host->context;

    if (files->passwd == NULL)
        return system_user(host, name, uid);
    return no_name(name) ? JWTA_NOT_FOUND : look_up(ask_passwd_file, files->passwd, name, uid);
}

static enum jwta_found files_group(const struct jwta_host *host, const char *name, gid_t *gid)
{
    const struct jwta_host_files *files = host->context;

    if (files->group == NULL)
        return system_group(host, name, gid);
    return no_name(name) ? JWTA_NOT_FOUND : look_up(ask_group_file, files->group, name, gid);
}

static bool files_name(const struct jwta_host *host, char *name, size_t size)
{
    const struct jwta_host_files *files = host->context;

    if (files->name == NULL)
        return system_name(host, name, size);
    return give_name(files->name, name, size);
}

struct jwta_host jwta_host_from_files(const struct jwta_host_files *files)
{
    return (struct jwta_host){
        .user = files_user, .group = files_group, .name = files_name, .context = files};
}
