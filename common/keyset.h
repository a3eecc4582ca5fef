/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JWK set (RFC 7517 section 5) as an immutable, counted snapshot that threads share: which keys
 * may serve a token. A key is imported when it is first needed, so a login pays for one.
 */
#ifndef JWTA_KEYSET_H
#define JWTA_KEYSET_H

#include "common/jwk.h"

#define JWTA_KEY_TRIES 8
#define JWTA_KEYSET_MEMBERS 2048

struct jwta_keyset;

/*
 * Reads a JWK set or a single JWK (RFC 7517 section 5). Members that cannot serve are passed over,
 * each with its reason (jwta_keyset_at); KEYS_UNAVAILABLE if it is neither, or has more members
 * than JWTA_KEYSET_MEMBERS; KEY_SET_MIXED if it has usable symmetric and asymmetric keys; MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_keyset_parse(struct jwta_span text, struct jwta_keyset **out,
                                               struct jwta_why *why);

/*
 * The set (not one from a list) as the cache keeps it: a line for each member, which is its kid in
 * quotes (`-` for none, `?` for one that needs an escape), a space and the JWK as JSON. So a
 * look-up reads those that have the kid and no others. Appended to out. MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_keyset_list(const struct jwta_keyset *set, struct jwta_buf *out);

/*
 * The set back from its lines, which stand in text; takes text on success. Members are read when
 * they are first needed; a symmetric one is passed over. The lines are believed to be of a set that
 * jwta_keyset_parse took (for one that mixes kinds would not show). KEYS_UNAVAILABLE if they are no
 * such lines, MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_keyset_from_list(struct jwta_buf *text, struct jwta_span lines,
                                                   struct jwta_keyset **out, struct jwta_why *why);

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
                                              struct jwta_key *tries[JWTA_KEY_TRIES], size_t *count,
                                              bool *more, struct jwta_why *why);

#endif
