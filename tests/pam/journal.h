/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands between the module and the C library: what is sent to syslog is kept here, and the clock
 * can be put forward. The functions that do so (syslog, time) are the program's own symbols,
 * which the loader prefers to those of the library.
 */
#ifndef TEST_JOURNAL_H
#define TEST_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* Empties it, and puts the clock right. */
void journal_reset(void);
/* Everything since then, one line each, "<priority> text\n"; the priority with its facility. */
const char *journal_text(void);
/* The only line that has both texts in it (borrowed, terminated), or NULL: none, or several. */
const char *journal_line(const char *first, const char *second);
/* Seconds that time() is ahead. */
void journal_clock(long ahead);

#endif
