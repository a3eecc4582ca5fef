/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of file: the checks by themselves, for files that are found in other ways. */
#ifndef JWTA_FILE_PRIVATE_H
#define JWTA_FILE_PRIVATE_H

#include "common/file.h"

/* Who must own what is looked at, and where to say what is wrong with it. */
struct jwta_file_demand {
    uid_t expected;
    struct jwta_why *why;
    bool pinned; /* paths are for messages only: they lead elsewhere */
};

/* MISSING or FAILED by errno. */
enum jwta_file_status jwta_file_fail_errno(struct jwta_why *why, const char *path);

/*
 * Checks the open directory fd and everything above it. directory is its path, for messages; of a
 * pinned one the path of the file.
 */
JWTA_MUST_USE enum jwta_file_status jwta_file_check_ancestors(const struct jwta_file_demand *demand,
                                                              const char *directory, int fd,
                                                              bool sticky_will_do);

/* Checks every symbolic link that leads to the directory, by its path. */
JWTA_MUST_USE enum jwta_file_status jwta_file_check_links(const struct jwta_file_demand *demand,
                                                          const char *directory);

/* Opens name in a directory for reading, no link, never waiting for a FIFO's writer. */
JWTA_MUST_USE enum jwta_file_status jwta_file_open_in(const struct jwta_file_demand *demand,
                                                      int directory, const char *name,
                                                      const char *path, int *out);

/*
 * Reads what fd holds into buf, which is empty, if owner and mode allow, and if it stays the same
 * meanwhile. *id is set where id is not NULL.
 */
JWTA_MUST_USE enum jwta_file_status jwta_file_read_checked(const struct jwta_file_demand *demand,
                                                           int fd, const char *path,
                                                           enum jwta_file_trust trust, size_t max,
                                                           struct jwta_buf *buf,
                                                           struct jwta_file_id *id);

struct jwta_file_id jwta_file_identity(const struct stat *st);

#endif
