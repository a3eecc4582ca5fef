/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view of a directory that is kept when its path leads elsewhere: after chroot(2), which
 * openat(2) does not know. It is a read-only mount of the directory alone that is attached nowhere.
 * A plain descriptor would be a way out of the jail for whoever gets hold of the process in it: by
 * "..", and by writing where the process's user may write. From a view nothing leads up, and
 * nothing can be made or changed through it. What is replaced in the directory is seen, and owners
 * and modes are looked at each time, up to its root; all above that is looked at once, when the
 * view is made.
 */
#ifndef JWTA_FILE_PIN_H
#define JWTA_FILE_PIN_H

#include "common/file.h"

/* Zero holds nothing, and whatever is asked of it is MISSING. */
struct jwta_pin {
    bool held;
    int fd;    /* of a path (O_PATH); 3 or more; not for programs that are started */
    dev_t dev; /* whose it is: a host that closes all descriptors gives its number away */
    ino_t ino;
    enum jwta_file_status status; /* why nothing is held: that is said instead later */
};

/*
 * Pins a directory, if it and all that leads to it is TRUSTED (expected as in jwta_file_read).
 * Otherwise *out keeps why not. MISSING, INSECURE; FAILED also where there can be no view: without
 * CAP_SYS_ADMIN, or before Linux 5.12. One line of detail is in why.
 */
JWTA_MUST_USE enum jwta_file_status jwta_pin_open(const char *directory, uid_t expected,
                                                  struct jwta_pin *out, struct jwta_why *why);
void jwta_pin_close(struct jwta_pin *pin);

/* A file below a pinned directory. Both are borrowed; a name may go through directories, no links.
 */
struct jwta_pinned_file {
    const struct jwta_pin *pin;
    const char *name;
    const char *path; /* from the root of the machine, for messages */
};

/* As jwta_file_read and jwta_file_identify, by the pin alone; trust is TRUSTED or SECRET. */
JWTA_MUST_USE enum jwta_file_status jwta_pin_read(const struct jwta_pinned_file *file,
                                                  enum jwta_file_trust trust, uid_t expected,
                                                  size_t max, struct jwta_buf *buf,
                                                  struct jwta_file_id *id, struct jwta_why *why);
bool jwta_pin_identify(const struct jwta_pinned_file *file, struct jwta_file_id *id);

#endif
