/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of keyset. */
#ifndef JWTA_KEYSET_PRIVATE_H
#define JWTA_KEYSET_PRIVATE_H

#include "common/keyset.h"

#include <pthread.h>
#include <stdatomic.h>

#define JWTA_KEYSET_DEPTH 8

/* A member that has been read. */
struct jwta_member {
    json_t *json; /* NULL where it is no JSON object */
    struct jwta_jwk jwk;
    enum jwta_code usable;          /* what the JWK says of itself; its strength shows on import */
    _Atomic(struct jwta_key *) key; /* once it was needed */
};

/* Where a member of a listed set stands, and the member once somebody has asked for it. */
struct jwta_slot {
    struct jwta_span line;
    _Atomic(struct jwta_member *) member;
};

struct jwta_keyset {
    _Atomic unsigned references;
    struct jwta_buf text; /* of a listed set: the lines */
    struct jwta_slot *slot;
    size_t count;
    bool symmetric;
    pthread_mutex_t opening; /* while a member is read or imported */
};

/* A set with this many empty slots; NULL when out of memory. */
struct jwta_keyset *jwta_keyset_new(size_t count);

/* The member of a slot, which is read where it has not been. MEMORY. */
JWTA_MUST_USE enum jwta_code jwta_keyset_open(struct jwta_keyset *set, struct jwta_slot *slot,
                                              struct jwta_member **out);

/*
 * Opens a slot whose member may have this kid; NULL and OK where it surely has another. In a listed
 * set the line says so, and only a line with the kid is read. MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_keyset_open_named(struct jwta_keyset *set, struct jwta_slot *slot,
                                                    struct jwta_span kid, struct jwta_member **out);

#endif
