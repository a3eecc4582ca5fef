/* SPDX-License-Identifier: BSD-2-Clause */
/* What the helper gives up before it speaks to anybody: its parent, its rights, its system calls.
 */
#ifndef JWTA_FETCH_SANDBOX_H
#define JWTA_FETCH_SANDBOX_H

#include "common/err.h"

#include <stdbool.h>

/*
 * Leaves the host: a child of its own session goes on, the first process exits at once. Bounds
 * time, memory, files and core; resets umask and working directory. false: give up.
 */
JWTA_MUST_USE bool sandbox_detach(unsigned seconds);

/*
 * Becomes user for good, if started by root (any of the three uids is 0): groups, gids, uids. Else
 * all ids become the effective ones. Then no_new_privs. false if there is no such user, it is root,
 * or anything fails.
 */
JWTA_MUST_USE bool sandbox_drop(const char *user);

/*
 * From here on only the system calls that HTTP over TLS needs, and of those none that reaches
 * another process (filter.c). false: the kernel has no seccomp.
 */
JWTA_MUST_USE bool sandbox_close(void);

#endif
