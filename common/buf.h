/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes: a borrowed span, an owned buffer that is wiped when freed, and the quoting that every
 * value from outside passes before it may appear in a log line or on a terminal.
 */
#ifndef JWTA_BUF_H
#define JWTA_BUF_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Borrowed bytes, not terminated. data NULL means absent; an empty span has data and len 0. */
struct jwta_span {
    const char *data;
    size_t len;
};

struct jwta_span jwta_span(const char *data, size_t len);
/* The span of a C string; of NULL, the absent span. */
struct jwta_span jwta_span_of(const char *text);
/* Same bytes. For public values only: takes a time that depends on them. Absent equals nothing. */
bool jwta_span_equal(struct jwta_span a, struct jwta_span b);
bool jwta_span_is(struct jwta_span a, const char *text);
/* Same length and bytes, in a time that depends on the lengths only. */
bool jwta_secret_equal(struct jwta_span a, struct jwta_span b);

/* Owned bytes. data is NULL when empty, else capacity bytes of which len are used. */
struct jwta_buf {
    char *data;
    size_t len;
    size_t capacity;
};

/* Makes room for at least capacity bytes in all; what is there stays. MEMORY. */
JWTA_MUST_USE enum jwta_code jwta_buf_reserve(struct jwta_buf *buf, size_t capacity);
/* Appends; outgrown memory is wiped before it is given back. MEMORY. */
JWTA_MUST_USE enum jwta_code jwta_buf_append(struct jwta_buf *buf, struct jwta_span bytes);
struct jwta_span jwta_buf_span(const struct jwta_buf *buf);
/* Wipes and frees; afterwards the buffer is empty and may be used again. */
void jwta_buf_free(struct jwta_buf *buf);

/* Overwrites with zeros, not optimised away. NULL with len 0 is fine. */
void jwta_wipe(void *data, size_t len);
/* strlen, wipe, free; NULL is fine. */
void jwta_wipe_string(char *text);

#define JWTA_QUOTE_MAX 160

struct jwta_quoted {
    char text[JWTA_QUOTE_MAX];
};

/*
 * Makes a value from outside fit for a log line, in quotes: control characters, quotes,
 * backslashes and bytes that are not printable ASCII become \xNN; anything that looks like a token
 * or an encoded part of one (eyJ… and other beginnings of a JSON object with all that periods join
 * to it, or a run of more than 64 base64url characters) becomes <redacted>; what is too long ends
 * in "...". Returns quoted->text. An absent span gives `-`.
 */
const char *jwta_quote(struct jwta_quoted *quoted, struct jwta_span value);

#endif
