/* SPDX-License-Identifier: BSD-2-Clause */
/* What was given in place of a JWK set: the message tells it. */
#ifndef JWTA_KEYSET_GUESS_H
#define JWTA_KEYSET_GUESS_H

#include "common/buf.h"
#include "common/err.h"

#include <jansson.h>

/*
 * Puts into why what a text looks like that was refused as a JWK set, and what is wanted, if that
 * can be told; else why stays. root is the text's JSON, NULL where it is none.
 */
void jwta_keyset_guess(struct jwta_span text, const json_t *root, struct jwta_why *why);

#endif
