/* SPDX-License-Identifier: BSD-2-Clause */
/* The system users of a machine, remembered: no name service is asked for them again. */
#include "common/host.h"

#include "common/text.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWD "/etc/passwd"
#define LINE_FIRST 1024
#define LINE_MAX_BYTES (1024 * 1024)

struct system_user {
    char *name;
    uid_t uid;
};

struct jwta_host_snapshot {
    struct system_user *user; /* sorted by name, letters of either case alike */
    size_t count;
    struct jwta_host users;
    struct jwta_host accounts;
};

static int compare_users(const void *a, const void *b)
{
    return jwta_text_compare(jwta_span_of(((const struct system_user *)a)->name),
                             jwta_span_of(((const struct system_user *)b)->name));
}

static bool add(struct jwta_host_snapshot *snapshot, const struct passwd *entry)
{
    struct system_user *grown =
        reallocarray(snapshot->user, snapshot->count + 1, sizeof(*snapshot->user));

    if (grown == NULL)
        return false;
    snapshot->user = grown;
    grown[snapshot->count].name = strdup(entry->pw_name);
    grown[snapshot->count].uid = entry->pw_uid;
    if (grown[snapshot->count].name == NULL)
        return false;
    snapshot->count++;
    return true;
}

/* A line as long as it is; NULL at the end of the file, with *error 0, or where that cannot be. */
static const struct passwd *next_entry(FILE *file, struct passwd *entry, char **room, size_t *size,
                                       int *error)
{
    struct passwd *found = NULL;

    /* On ERANGE the file stands again where the line begins. */
    while ((*error = fgetpwent_r(file, entry, *room, *size, &found)) == ERANGE &&
           *size < LINE_MAX_BYTES) {
        char *more = realloc(*room, *size * 4);

        if (more == NULL) {
            *error = ENOMEM;
            return NULL;
        }
        *room = more;
        *size *= 4;
    }
    if (*error == ENOENT && !ferror(file))
        *error = 0;
    return found;
}

static int read_users(struct jwta_host_snapshot *snapshot, const char *path, uid_t below)
{
    size_t size = LINE_FIRST;
    char *room = malloc(size);
    FILE *file = fopen(path, "re");
    const struct passwd *entry = NULL;
    struct passwd space;
    int error = room == NULL ? ENOMEM : errno;

    if (room != NULL && file != NULL) {
        while ((entry = next_entry(file, &space, &room, &size, &error)) != NULL) {
            if (entry->pw_uid < below && !add(snapshot, entry)) {
                error = ENOMEM;
                break;
            }
        }
    }
    if (file != NULL)
        (void)fclose(file);
    free(room);
    return error;
}

/* ------------------------------------------------------------------ the hosts */

static enum jwta_found find_user(const struct jwta_host *host, const char *name, uid_t *uid)
{
    const struct jwta_host_snapshot *snapshot = host->context;
    struct jwta_span wanted = jwta_span_of(name);
    size_t low = 0;
    size_t high = snapshot->count;

    while (name != NULL && low < high) {
        size_t middle = low + (high - low) / 2;
        int order = jwta_text_compare(wanted, jwta_span_of(snapshot->user[middle].name));

        if (order == 0) {
            *uid = snapshot->user[middle].uid;
            return JWTA_FOUND;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return JWTA_NOT_FOUND;
}

static enum jwta_found find_account(const struct jwta_host *host, const char *name, uid_t *uid)
{
    enum jwta_found found = find_user(host, name, uid);

    return found == JWTA_NOT_FOUND ? jwta_host_system.user(&jwta_host_system, name, uid) : found;
}

static enum jwta_found find_group(const struct jwta_host *host, const char *name, gid_t *gid)
{
    (void)host;
    return jwta_host_system.group(&jwta_host_system, name, gid);
}

static bool give_name(const struct jwta_host *host, char *name, size_t size)
{
    (void)host;
    return jwta_host_system.name(&jwta_host_system, name, size);
}

enum jwta_code jwta_host_snapshot_new(const char *passwd, uid_t below,
                                      struct jwta_host_snapshot **out)
{
    struct jwta_host_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    int error = 0;

    if (snapshot == NULL)
        return JWTA_MEMORY;
    error = read_users(snapshot, passwd != NULL ? passwd : PASSWD, below);
    if (error != 0) {
        jwta_host_snapshot_free(&snapshot);
        errno = error;
        return error == ENOMEM ? JWTA_MEMORY : JWTA_USER_UNAVAILABLE;
    }
    if (snapshot->count > 0)
        qsort(snapshot->user, snapshot->count, sizeof(*snapshot->user), compare_users);
    snapshot->users = (struct jwta_host){
        .user = find_user, .group = find_group, .name = give_name, .context = snapshot};
    snapshot->accounts = snapshot->users;
    snapshot->accounts.user = find_account;
    *out = snapshot;
    return JWTA_OK;
}

void jwta_host_snapshot_free(struct jwta_host_snapshot **snapshot)
{
    if (*snapshot == NULL)
        return;
    for (size_t i = 0; i < (*snapshot)->count; i++)
        free((*snapshot)->user[i].name);
    free((*snapshot)->user);
    free(*snapshot);
    *snapshot = NULL;
}

const struct jwta_host *jwta_host_snapshot_users(const struct jwta_host_snapshot *snapshot)
{
    return &snapshot->users;
}

const struct jwta_host *jwta_host_snapshot_accounts(const struct jwta_host_snapshot *snapshot)
{
    return &snapshot->accounts;
}
