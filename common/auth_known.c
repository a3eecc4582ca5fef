/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/auth_private.h"

#include <stdlib.h>
#include <string.h>

/*
 * All tokens of one key have the same header, byte for byte. One that stood in a verified token is
 * kept with its encoded form, so that the next token need not parse it again.
 */
struct jwta_known_header {
    struct jwta_header *header;
    size_t len;
    char encoded[];
};

static void known_free(struct jwta_known_header **known)
{
    if (*known != NULL) {
        jwta_header_unref(&(*known)->header);
        jwta_wipe((*known)->encoded, (*known)->len);
    }
    free(*known);
    *known = NULL;
}

static _Atomic(struct jwta_known_header *) *known_slot(struct jwta_verifier *verifier,
                                                       struct jwta_span encoded)
{
    unsigned hash = (unsigned)encoded.len;

    /* The end of a header tells tokens apart: kid usually comes last. */
    for (size_t i = encoded.len > 16 ? encoded.len - 16 : 0; i < encoded.len; i++)
        hash = hash * 31 + (unsigned char)encoded.data[i];
    return &verifier->known[hash % JWTA_KNOWN_HEADERS];
}

struct jwta_header *jwta_known_find(struct jwta_verifier *verifier, struct jwta_span encoded)
{
    _Atomic(struct jwta_known_header *) *slot = known_slot(verifier, encoded);
    struct jwta_known_header *known = atomic_exchange(slot, NULL);
    struct jwta_header *header = NULL;

    if (known == NULL)
        return NULL;
    if (jwta_span_equal(encoded, jwta_span(known->encoded, known->len)))
        header = jwta_header_ref(known->header);
    known = atomic_exchange(slot, known);
    known_free(&known);
    return header;
}

void jwta_known_add(struct jwta_verifier *verifier, struct jwta_span encoded,
                    struct jwta_header *header)
{
    struct jwta_known_header *known = malloc(sizeof(*known) + encoded.len);

    if (known == NULL)
        return;
    known->header = jwta_header_ref(header);
    known->len = encoded.len;
    memcpy(known->encoded, encoded.data, encoded.len);
    known = atomic_exchange(known_slot(verifier, encoded), known);
    known_free(&known);
}

void jwta_known_clear(struct jwta_verifier *verifier)
{
    for (size_t i = 0; i < JWTA_KNOWN_HEADERS; i++) {
        struct jwta_known_header *known = atomic_exchange(&verifier->known[i], NULL);

        known_free(&known);
    }
}
