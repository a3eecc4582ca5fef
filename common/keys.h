/* SPDX-License-Identifier: BSD-2-Clause */
/* Where each issuer's keys come from, and the current set of each. */
#ifndef JWTA_KEYS_H
#define JWTA_KEYS_H

#include "common/conf.h"
#include "common/file.h"
#include "common/keyset.h"

#define JWTA_KEYS_MAX (1024 * 1024) /* bytes of a JWKS */

/* Where the keys of every configured issuer are. One for a process, shared by its threads. */
struct jwta_keys;

/* conf is borrowed and must live longer. expected is the uid trusted beside root; trust says how
 * key files are checked (ANY only for `jwtauth verify --jwks`). MEMORY. */
JWTA_MUST_USE enum jwta_code jwta_keys_new(const struct jwta_conf *conf, uid_t expected,
                                           enum jwta_file_trust trust, struct jwta_keys **out);
void jwta_keys_free(struct jwta_keys **keys);

/*
 * The current set of an issuer, counted for the caller. A file is looked at again when `now` has
 * moved, and read again when it changed. KEYS_UNAVAILABLE, KEYS_INSECURE, KEY_SET_MIXED, MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_keys_get(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                           int64_t now, struct jwta_keyset **out,
                                           struct jwta_why *why);

#endif
