/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that decide who gets in: opened only when nobody but root (or one expected uid) could
 * have written them, read whole and bounded.
 */
#ifndef JWTA_FILE_H
#define JWTA_FILE_H

#include "common/buf.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

enum jwta_file_trust {
    /* Any regular file: for files that a person names on a command line to look at them. */
    JWTA_FILE_ANY,
    /*
     * Owned by root or the expected uid, not writable by group or others, not a symbolic link
     * itself, in a directory all of whose ancestors (after resolving links) are owned so too and
     * are not writable by others, but for sticky ones; each link on the way likewise.
     */
    JWTA_FILE_TRUSTED,
    /* TRUSTED, and not readable by group or others: secrets. */
    JWTA_FILE_SECRET
};

/*
 * Whether this process has, or had when it was started, other rights than whoever started it, who
 * chose its limits and may signal it and what it starts: setuid, setgid or with capabilities
 * (AT_SECURE, getauxval(3)), or between two identities.
 */
bool jwta_between_identities(void);

/*
 * Whether its user ids differ and none is root's, as in a setuid program of another user. Both may
 * signal what it starts, which has no right to raise the limits that one of them set. true also
 * where the ids cannot be told.
 */
bool jwta_between_users(void);

/*
 * Whose files count in this process beside root's, for `expected` below: those of the user that it
 * runs as; only root's between identities, for whoever started it could have planted files.
 */
uid_t jwta_file_owner(void);

/* A file's identity, to notice that it was replaced or rewritten. */
struct jwta_file_id {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
    struct timespec ctime;
};

enum jwta_file_status {
    JWTA_FILE_OK,
    JWTA_FILE_MISSING,  /* no such file, or a directory on the way is missing */
    JWTA_FILE_INSECURE, /* exists and fails the trust asked for; why says how */
    JWTA_FILE_FAILED    /* cannot be read: permissions, too large, I/O, memory */
};

/*
 * Reads at most max bytes of path into buf (replaced; wiped on failure) and sets *id when given.
 * expected is the uid trusted beside root. A larger file is FAILED, not cut. On anything but OK
 * one line of detail is in why (its code is left to the caller: it is set to INTERNAL).
 */
JWTA_MUST_USE enum jwta_file_status jwta_file_read(const char *path, enum jwta_file_trust trust,
                                                   uid_t expected, size_t max, struct jwta_buf *buf,
                                                   struct jwta_file_id *id, struct jwta_why *why);

/*
 * Opens a directory whose entries are to be read one by one: TRUSTED as above, and itself not
 * writable by group or others even if sticky, for whoever adds a file adds to what is read.
 * *out is the caller's to close. MISSING, INSECURE, FAILED with one line of detail in why.
 */
JWTA_MUST_USE enum jwta_file_status jwta_file_open_directory(const char *path, uid_t expected,
                                                             int *out, struct jwta_why *why);

/* The identity of the file that path names now; false when there is none. */
bool jwta_file_identify(const char *path, struct jwta_file_id *id);
bool jwta_file_same(const struct jwta_file_id *a, const struct jwta_file_id *b);

/*
 * Replaces path by bytes with this mode: a temporary file beside it, fsync, rename, fsync of the
 * directory. Either the old or the new content is there, whatever happens in between.
 * FAILED or MISSING (no such directory) with one line of detail in why, which may be NULL. What is
 * longer than the process's RLIMIT_FSIZE is FAILED, without the signal that writing it would bring.
 */
JWTA_MUST_USE enum jwta_file_status jwta_file_write(const char *path, struct jwta_span bytes,
                                                    mode_t mode, struct jwta_why *why);

/*
 * The same with a say for the caller when the temporary file is whole, in the open directory: path
 * is left as it is unless it is OK. MISSING with it passed: somebody has unlinked that file.
 * replaced, which may be NULL, is told when path is the new one.
 */
struct jwta_file_gate {
    enum jwta_file_status (*may_replace)(void *context, int directory, const char *temporary,
                                         struct jwta_why *why);
    void (*replaced)(void *context, int directory);
    void *context;
};
JWTA_MUST_USE enum jwta_file_status jwta_file_replace(const char *path, struct jwta_span bytes,
                                                      mode_t mode,
                                                      const struct jwta_file_gate *gate,
                                                      struct jwta_why *why);

#endif
