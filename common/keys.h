/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An issuer's keys: (kid, algorithm) → the keys to try. Sets are immutable snapshots, shared by
 * threads and counted; a key is imported when it is first needed.
 */
#ifndef JWTA_KEYS_H
#define JWTA_KEYS_H

#include "common/conf.h"
#include "common/file.h"
#include "common/jwk.h"
#include "common/log.h"

#define JWTA_KEYS_MAX (1024 * 1024) /* bytes of a JWKS */
#define JWTA_KEY_TRIES 8

struct jwta_keyset;

/*
 * Reads a JWK set or a single JWK (RFC 7517 section 5). Members that cannot serve are passed over,
 * each with its reason (jwta_keyset_at); KEYS_UNAVAILABLE if it is neither, KEY_SET_MIXED if it has
 * usable symmetric and asymmetric keys. *symmetric says whether it has oct keys.
 */
JWTA_MUST_USE enum jwta_code jwta_keyset_parse(struct jwta_span text, struct jwta_keyset **out,
                                               struct jwta_why *why);
struct jwta_keyset *jwta_keyset_ref(struct jwta_keyset *set);
void jwta_keyset_unref(struct jwta_keyset **set);

/* Whether any member is a symmetric key: such a file must be readable by its owner only. */
bool jwta_keyset_symmetric(const struct jwta_keyset *set);

/* Number index of the set as it stands in the JSON, for lists; false past the end. */
struct jwta_keyset_entry {
    struct jwta_jwk jwk;
    enum jwta_code usable; /* OK, or why it is passed over (also found by importing it) */
    struct jwta_why why;
};
bool jwta_keyset_at(struct jwta_keyset *set, size_t index, struct jwta_keyset_entry *out);

/*
 * The keys to try, at most JWTA_KEY_TRIES, borrowed from the set. With a kid, those that have it
 * and fit alg (one, or KEY_AMBIGUOUS unless they are the same key written twice); without, all
 * that fit, and *more says whether there were more. NO_KEY, KEY_MISFIT, KEY_AMBIGUOUS; MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_keyset_find(struct jwta_keyset *set, struct jwta_span kid,
                                              const struct jwta_alg *alg,
                                              struct jwta_key *tries[JWTA_KEY_TRIES],
                                              size_t *count, bool *more, struct jwta_why *why);

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
