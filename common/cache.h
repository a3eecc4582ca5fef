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

/* Seconds for which a set may be fresh, whatever HTTP says (design section 5). */
#define JWTA_FRESHNESS_MIN 60
#define JWTA_FRESHNESS_MAX (24 * 3600)

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

/* The request that brought an entry, as it was when it began. */
struct jwta_cache_request {
    int64_t began; /* jwta_monotonic_ms */
    struct jwta_cache_ids before;
};

/*
 * Replaces the writer's file, whole or not at all; text and id are ignored. Clears away what a
 * writer that was killed has left behind. The entry's `fetched` is when the request began: one that
 * began later wins, whoever comes last, so that a process that was stopped brings nothing old back.
 * OK also where such a one was faster. INSECURE, MISSING, FAILED (among others: the request began
 * longer ago than any may take) with a line in why. request NULL: whatever there is is replaced.
 */
JWTA_MUST_USE enum jwta_file_status jwta_cache_write(const struct jwta_cache *cache,
                                                     const char *name,
                                                     const struct jwta_cache_entry *entry,
                                                     const struct jwta_cache_request *request,
                                                     struct jwta_why *why);

#define JWTA_CAUSE_MAX 320

/* What became of the attempts of this writer; zero where nothing is known. */
struct jwta_cache_state {
    int64_t attempted; /* when the last fetch began */
    int64_t failures;  /* in a row */
    int64_t forced;    /* when an unknown kid last caused one */
    int64_t barren;    /* such fetches in a row that brought nothing new */
    /* Why the last one failed, as jwta_text_one_line writes it; empty where it did not. */
    char cause[JWTA_CAUSE_MAX];
};
void jwta_cache_state_read(const struct jwta_cache *cache, const char *name,
                           struct jwta_cache_state *out);
JWTA_MUST_USE bool jwta_cache_state_write(const struct jwta_cache *cache, const char *name,
                                          const struct jwta_cache_state *state);

/*
 * Whether the writer's directory is one that nobody else can change (TRUSTED, as for reading, and
 * not even sticky): nothing is written to any other, nor locked there. Root makes the directory
 * where there is none. INSECURE, MISSING, FAILED with a line in why.
 */
JWTA_MUST_USE enum jwta_file_status jwta_cache_writable(const struct jwta_cache *cache,
                                                        struct jwta_why *why);

/*
 * Tries to take a lock of the issuer and this writer, never waiting, in a directory that is
 * writable as above: a descriptor, JWTA_LOCK_BUSY if another has it, JWTA_LOCK_NONE if there can be
 * none. The second is for one of those whose patience with the holder of the first has ended.
 * Unlocking takes whatever this gave.
 */
enum jwta_cache_turn { JWTA_TURN_FIRST, JWTA_TURN_SECOND };
#define JWTA_LOCK_BUSY (-1)
#define JWTA_LOCK_NONE (-2)
JWTA_MUST_USE int jwta_cache_lock(const struct jwta_cache *cache, const char *name,
                                  enum jwta_cache_turn turn);
void jwta_cache_unlock(int lock);

#endif
