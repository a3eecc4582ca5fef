/* SPDX-License-Identifier: BSD-2-Clause */
/* base64url without padding (RFC 7515 section 2), strict: one encoding for every value. */
#ifndef JWTA_B64_H
#define JWTA_B64_H

#include "common/buf.h"

/* Bytes that text of len characters decodes to; exact for valid input. */
#define JWTA_B64_DECODED(len) ((len) / 4 * 3 + ((len) % 4 > 1 ? (len) % 4 - 1 : 0))
/* Characters that len bytes encode to. */
#define JWTA_B64_ENCODED(len) ((len) / 3 * 4 + ((len) % 3 > 0 ? (len) % 3 + 1 : 0))

/*
 * Decodes text to out, which has room for JWTA_B64_DECODED(text.len) bytes, and sets *out_len.
 * BASE64 for a character outside the alphabet, `=`, white space, an impossible length or bits
 * left over that are not zero. On failure the contents of out are undefined.
 */
JWTA_MUST_USE enum jwta_code jwta_b64_decode(struct jwta_span text, unsigned char *out,
                                             size_t *out_len);

/* Encodes to out, which has room for JWTA_B64_ENCODED(len) + 1, and terminates it. */
void jwta_b64_encode(const unsigned char *bytes, size_t len, char *out);

/*
 * Whether text, all of the alphabet, is the one encoding of some bytes: not of an impossible
 * length, no bits left over that are not zero.
 */
bool jwta_b64_canonical(struct jwta_span text);

/* How many characters at the start are of the alphabet A–Z a–z 0–9 - _. */
size_t jwta_b64_run(struct jwta_span text);

/* Whether every character is of the alphabet (the empty span is). */
bool jwta_b64_alphabet(struct jwta_span text);

#endif
