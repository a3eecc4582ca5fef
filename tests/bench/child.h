/* SPDX-License-Identifier: BSD-2-Clause */
/* A login by a PAM module, in a process of its own as sshd has one for each. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <sys/types.h>

/* Forks; the child loads the modules of the stack NAME in the folder and authenticates user with
 * the token. PAM's result, or -1. */
int child_login(const char *stacks, const char *name, const char *user, const char *token);
/* What the child came to: its exit status, or -1. */
int child_wait(pid_t child);

#endif
