/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of keys. */
#ifndef JWTA_KEYS_PRIVATE_H
#define JWTA_KEYS_PRIVATE_H

#include "common/cache.h"
#include "common/file_pin.h"
#include "common/keys.h"

#include <pthread.h>

/* One issuer's current set. `lock` guards all but is never held while something is waited for. */
struct jwta_source {
    pthread_mutex_t lock;
    pthread_mutex_t fetching; /* held by the one thread that fetches; taken before lock */
    struct jwta_keyset *set;

    /* keys from a file */
    int64_t checked;
    bool tried;
    int64_t loaded;      /* when the file was read */
    struct jwta_pin pin; /* its directory, where keys are pinned */
    bool frozen;         /* it cannot be seen from this jail, which is logged once */
    struct jwta_file_id id;
    struct jwta_why why;

    /* keys from the network: what the set was made of */
    struct jwta_cache_ids ids;
    struct jwta_cache_entry entry;
    struct jwta_cache_state state; /* of this process, for where the cache cannot be written */
    int64_t kicked;                /* when refreshing ahead was last started */
    int64_t renewed;               /* monotonic: when an attempt of this process last succeeded */
    bool complained;               /* a cache that cannot be read is logged once */
};

/* A process's root directory. */
struct jwta_root {
    bool known;
    dev_t dev;
    ino_t ino;
};

struct jwta_keys {
    _Atomic unsigned waiting; /* threads that wait for another's fetch as long as it takes */
    const struct jwta_conf *conf;
    struct jwta_keys_options options;
    char *config;               /* the absolute path for the helper */
    struct jwta_cache cache;    /* as it was at first: see jwta_keys_cache */
    struct jwta_source *source; /* one for each of conf->issuers */

    /* pinned keys: what the process had when they were made */
    struct jwta_pin pin; /* of the cache, where keys come from the network */
    struct jwta_root root;
    uid_t euid;
};

/* keys_pin.c. What is asked for has one answer as long as keys are not pinned. */
void jwta_keys_pin(struct jwta_keys *keys);
void jwta_keys_unpin(struct jwta_keys *keys);
/* Whether paths lead elsewhere than when the keys were made. Then no program is started either. */
bool jwta_keys_jailed(const struct jwta_keys *keys);
/* Whether the process has become another user since. */
bool jwta_keys_became_another(const struct jwta_keys *keys);
/* The cache as this process can use it now; in a jail only for reading. */
struct jwta_cache jwta_keys_cache(const struct jwta_keys *keys);

struct jwta_source *jwta_keys_source(struct jwta_keys *keys, const struct jwta_issuer *issuer);

/* keys_current.c. In all but take, the source's lock is held. */
#define JWTA_CLOCK_BACK                                                       \
    60 /* seconds that a time may lie in the future before it is not believed \
        */

enum jwta_age { JWTA_AGE_FRESH, JWTA_AGE_AHEAD, JWTA_AGE_STALE, JWTA_AGE_DEAD };

/* `jwks` as configured: a cache file made by another is a miss. */
struct jwta_span jwta_remote_source(const struct jwta_issuer *issuer);
/* Seconds that keys serve after they should have been replaced and could not be. */
int64_t jwta_stale_limit(const struct jwta_issuer *issuer);
enum jwta_age jwta_current_age(const struct jwta_issuer *issuer, const struct jwta_source *source,
                               int64_t now);
/* Makes entry the current one, unless that is newer, if its body is a key set. Takes entry. */
enum jwta_code jwta_current_adopt(struct jwta_source *source, struct jwta_cache_entry *entry,
                                  int64_t now, struct jwta_why *why);
/* Reads the cache again where a file in it is another than before. */
void jwta_current_look(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                       struct jwta_source *source, int64_t now);
/* The current set, which is the caller's unless it is DEAD, and its age. */
enum jwta_age jwta_current_take(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                int64_t now, struct jwta_keyset **out);

/* keys_attempt.c */
enum jwta_attempt_mode {
    JWTA_ATTEMPT_DUE,    /* what there is has expired */
    JWTA_ATTEMPT_AHEAD,  /* it will soon: nobody waits for this, and this for nobody */
    JWTA_ATTEMPT_FORCED, /* for an unknown kid, once per cooldown */
    JWTA_ATTEMPT_INSIST  /* somebody wants it now, whatever failed before */
};

/*
 * Makes what is current newer by one fetch, of this process or another. OK also where another did
 * it. It waits for others at most the fetch deadline, once more where they have been stopped, and
 * then fetches itself: three times the deadline in all. KEYS_UNAVAILABLE with the reason in why,
 * MEMORY.
 */
enum jwta_code jwta_attempt(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now,
                            enum jwta_attempt_mode mode, bool has_stale, struct jwta_why *why);

/* keys_pace.c */
/* Whether a failed attempt is too recent for another: 2 s, doubling to 60. */
bool jwta_pace_backs_off(const struct jwta_cache_state *state, int64_t now);
/*
 * Whether it, or a fetch for an unknown kid, is too recent for this one: 10 s while no more than 6
 * such in a row have brought nothing, so that a key is found that soon in the first minute of a
 * flood, then doubling to 300. why says what was, and when it is not any more.
 */
bool jwta_pace_too_early(const struct jwta_cache_state *state, enum jwta_attempt_mode mode,
                         int64_t now, struct jwta_why *why);
/* Notes such a fetch, barren until it brings something; what lies twice as far back is forgotten.
 */
void jwta_pace_forced(struct jwta_cache_state *state, int64_t now);

/* keys_delegate.c */
/* Whether attempts are left to the refresher: between identities, unless settled. */
bool jwta_keys_delegates(const struct jwta_keys *keys);
/* Starts it for an issuer. socket: where it will report, the caller's to close; NULL: nowhere. */
JWTA_MUST_USE bool jwta_keys_start_refresher(const struct jwta_keys *keys,
                                             const struct jwta_issuer *issuer,
                                             enum jwta_attempt_mode mode, int *socket);
/*
 * Has it make root's cache newer, and waits for what it reports, at most the fetch deadline: as
 * jwta_attempt. Nobody keeps what became of it but this process.
 */
JWTA_MUST_USE enum jwta_code jwta_delegate(const struct jwta_keys *keys,
                                           const struct jwta_issuer *issuer,
                                           enum jwta_attempt_mode mode, struct jwta_why *why);

/* keys_remote.c: keys from the network, by the contracts of jwta_keys_get and its like. */
enum jwta_code jwta_remote_get(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                               int64_t now, struct jwta_keyset **out, struct jwta_why *why);
enum jwta_code jwta_remote_renew(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                 int64_t now, const struct jwta_keyset *known,
                                 struct jwta_keyset **out, struct jwta_why *why);
enum jwta_code jwta_remote_refresh(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                   int64_t now, enum jwta_refresh refresh, struct jwta_why *why);

#endif
