/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this host knows: its name, users and groups. A parameter everywhere, so that tests and
 * the command line can put another host in its place.
 */
#ifndef JWTA_HOST_H
#define JWTA_HOST_H

#include "common/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum jwta_found { JWTA_FOUND, JWTA_NOT_FOUND, JWTA_LOOKUP_FAILED };

struct jwta_host {
    /* Sets *uid of the user of this name. Thread-safe. */
    enum jwta_found (*user)(const struct jwta_host *host, const char *name, uid_t *uid);
    /* Sets *gid of the group of this name. Thread-safe. */
    enum jwta_found (*group)(const struct jwta_host *host, const char *name, gid_t *gid);
    /* Writes the kernel's host name (never DNS) to name; false when it does not fit. */
    bool (*name)(const struct jwta_host *host, char *name, size_t size);
    const void *context;
};

/* This machine, by NSS and uname(2). */
extern const struct jwta_host jwta_host_system;

/*
 * A host whose users and groups stand in files of the form of passwd(5) and group(5), for trying
 * a policy out. The paths are borrowed and must outlive the host. NULL for either: that of the
 * system. name NULL: the kernel's.
 */
struct jwta_host_files {
    const char *passwd;
    const char *group;
    const char *name;
};
struct jwta_host jwta_host_from_files(const struct jwta_host_files *files);

/*
 * The users of a file of the form of passwd(5), NULL: /etc/passwd, whose uid lies below a limit,
 * as they are now: for recognising system users later, in a jail too, without asking anybody.
 * USER_UNAVAILABLE with errno set if the file cannot be read whole; MEMORY.
 */
struct jwta_host_snapshot;
JWTA_MUST_USE enum jwta_code jwta_host_snapshot_new(const char *passwd, uid_t below,
                                                    struct jwta_host_snapshot **out);
void jwta_host_snapshot_free(struct jwta_host_snapshot **snapshot);

/*
 * Hosts that know the users of a snapshot, in letters of either case, for servers take Root for
 * root: the first no others (NOT_FOUND), the second those besides whom NSS knows. Groups and name
 * are this machine's. Borrowed from the snapshot.
 */
const struct jwta_host *jwta_host_snapshot_users(const struct jwta_host_snapshot *snapshot);
const struct jwta_host *jwta_host_snapshot_accounts(const struct jwta_host_snapshot *snapshot);

#endif
