/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two PAM modules have in common that ours is measured against at a login. */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include <stdbool.h>

/*
 * Whether token is signed by the key of its kid in the key set in the file jwks, has not expired,
 * and names user in preferred_username.
 */
bool rival_verify(const char *jwks, const char *token, const char *user);

#endif
