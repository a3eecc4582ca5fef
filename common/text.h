/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from outside: its encoding, and comparing names as servers do that take A for a. */
#ifndef JWTA_TEXT_H
#define JWTA_TEXT_H

#include "common/buf.h"

/* Bytes of the UTF-8 sequence of more than one byte at text (RFC 3629 section 4), or 0. */
size_t jwta_utf8_len(const unsigned char *text, size_t left);

/* Whether UTF-8 text has C0, DEL, C1 or a line or paragraph separator: each would forge lines. */
bool jwta_text_has_control(struct jwta_span text);

/* Whether text is UTF-8 without control characters. The empty text is; absent text is not. */
bool jwta_text_valid(struct jwta_span text);

/*
 * Orders by bytes, with A to Z of ASCII as a to z, whatever the locale of the process: less than,
 * equal to or greater than 0.
 */
int jwta_text_compare(struct jwta_span a, struct jwta_span b);

/*
 * Writes what another program says to out as one line that can stand between quotes: what is not
 * printable ASCII becomes `?`, a quote `'`; what does not fit into size bytes (at least 4) ends in
 * "...".
 */
void jwta_text_one_line(char *out, size_t size, struct jwta_span text);

#endif
