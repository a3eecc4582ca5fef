/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of cache: names, lines and the sum. */
#ifndef JWTA_CACHE_PRIVATE_H
#define JWTA_CACHE_PRIVATE_H

#include "common/cache.h"

#include <limits.h>

#define JWTA_CACHE_FIRST_LINE "jwtauth-cache 2"
#define JWTA_CACHE_SUM_SIZE 17 /* 16 hexadecimal digits and a NUL */

struct jwta_cache_path {
    char text[PATH_MAX];
};

/* The path of an owner's file NAME.SUFFIX; false if it is too long. */
JWTA_MUST_USE bool jwta_cache_path(const struct jwta_cache *cache, uid_t owner, const char *name,
                                   const char *suffix, struct jwta_cache_path *path);

/*
 * Takes the line "KEY VALUE\n" off text; false if it does not begin so. An empty value is absent. A
 * number has at most 15 digits.
 */
JWTA_MUST_USE bool jwta_cache_take_line(struct jwta_span *text, const char *key,
                                        struct jwta_span *value);
JWTA_MUST_USE bool jwta_cache_take_number(struct jwta_span *text, const char *key, int64_t *out);

/*
 * What a disk may have done to a file shows in this sum (FNV-1a's steps on words of 64 bits, which
 * takes 0.2 ns a byte; each step is a bijection, so that no single changed word goes unseen). It
 * keeps nobody out: for that there are owners and modes.
 */
uint64_t jwta_cache_sum(struct jwta_span text);

/* As jwta_cache_read, but one owner's file alone. */
JWTA_MUST_USE enum jwta_file_status jwta_cache_read_one(const struct jwta_cache *cache, uid_t owner,
                                                        const char *name, struct jwta_span issuer,
                                                        struct jwta_span source,
                                                        struct jwta_cache_entry *out,
                                                        struct jwta_why *why);

/*
 * Unlinks what writers that were killed, or are late, have left of a name's files in an open
 * directory: temporary files that nobody writes any more; of the key set (all) those of any age,
 * but `kept`, NULL for none.
 */
struct jwta_cache_sweep {
    const char *name;
    bool all;
    const char *kept;
};
void jwta_cache_sweep(int directory, const struct jwta_cache_sweep *sweep);

#endif
