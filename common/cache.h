/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache on disk that all processes of a writing uid share: for each issuer the last JWK set
 * with what HTTP said of it, what became of the last attempts to fetch, and a lock for whoever
 * fetches. Files are text, to be read by hand; a reader needs no lock. Root's files lie in
 * cache_dir itself, those of another uid in its own directory there, which root makes.
 */
#ifndef JWTA_CACHE_H
#define JWTA_CACHE_H

#include "common/buf.h"
#include "common/file.h"
#include "common/file_pin.h"
#include "common/message.h"

#include <stdint.h>

/* A set grows when it is listed, by its kids, which stand there twice. */
#define JWTA_CACHE_FILE_MAX (3 * JWTA_BODY_MAX)

/* A cache directory and whose files in it count. */
struct jwta_cache {
    const char *directory;      /* cache_dir, absolute; borrowed */
    uid_t writer;               /* whose files are written, and trusted beside root's */
    const struct jwta_pin *pin; /* the directory, read through this and never written; or NULL */
};

/* What the cache holds of an issuer. The spans are borrowed from text, which is owned. */
struct jwta_cache_entry {
    struct jwta_buf text;
    struct jwta_span issuer; /* issuer identifier; another than configured makes it a miss */
    struct jwta_span source; /* `jwks` as configured; the same holds */
    struct jwta_span uri;
    struct jwta_span etag; /* absent where there was none */
    struct jwta_span modified;
    struct jwta_span body; /* the set as jwta_keyset_list writes it */
    int64_t fetched;       /* seconds since the epoch */
    int64_t freshness;     /* seconds */
    struct jwta_file_id id;
};

/*
 * Whether a was later than b, as seen at now: what lies in the future, by a clock that was wrong,
 * is earlier than what does not.
 */
bool jwta_cache_newer(int64_t a, int64_t b, int64_t now);

/*
 * Reads the newer of root's file and the writer's own, if they are trusted and whole. MISSING also
 * for a file of another issuer or source; INSECURE and FAILED (damaged) with a line in why.
 */
JWTA_MUST_USE enum jwta_file_status jwta_cache_read(const struct jwta_cache *cache,
                                                    const char *name, struct jwta_span issuer,
                                                    struct jwta_span source, int64_t now,
                                                    struct jwta_cache_entry *out,
                                                    struct jwta_why *why);
void jwta_cache_entry_free(struct jwta_cache_entry *entry);

/* The identities of both files, to notice that something was written; zero where there is none. */
struct jwta_cache_ids {
    struct jwta_file_id root;
    struct jwta_file_id own;
};
void jwta_cache_identify(const struct jwta_cache *cache, const char *name,
                         struct jwta_cache_ids *ids);

/*
 * Replaces the writer's file, whole or not at all; text and id are ignored. Clears away what a
 * writer that was killed has left behind.
 */
JWTA_MUST_USE enum jwta_file_status jwta_cache_write(const struct jwta_cache *cache,
                                                     const char *name,
                                                     const struct jwta_cache_entry *entry,
                                                     struct jwta_why *why);

/* What became of the attempts of this writer; zero where nothing is known. */
struct jwta_cache_state {
    int64_t attempted; /* when the last fetch began */
    int64_t failures;  /* in a row */
    int64_t forced;    /* when an unknown kid last caused one */
    int64_t barren;    /* such fetches in a row that brought nothing new */
};
void jwta_cache_state_read(const struct jwta_cache *cache, const char *name,
                           struct jwta_cache_state *out);
JWTA_MUST_USE bool jwta_cache_state_write(const struct jwta_cache *cache, const char *name,
                                          const struct jwta_cache_state *state);

/*
 * Tries to take the issuer's lock of this writer, never waiting: a descriptor, JWTA_LOCK_BUSY if
 * another has it, JWTA_LOCK_NONE if there can be none (read-only or missing directory). Root makes
 * the directory where there is none. Unlocking takes whatever this gave.
 */
#define JWTA_LOCK_BUSY (-1)
#define JWTA_LOCK_NONE (-2)
JWTA_MUST_USE int jwta_cache_lock(const struct jwta_cache *cache, const char *name);
void jwta_cache_unlock(int lock);

#endif
