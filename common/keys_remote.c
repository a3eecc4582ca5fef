/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys from the network: fresh from the cache, refreshed ahead of expiry by a process of its own,
 * fetched by one process for all when they have expired, served stale where that fails.
 */
#include "common/keys_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STALE_DEFAULT (24 * 3600)
#define CLOCK_BACK 60     /* a set fetched further in the future is of a clock that was wrong */
#define COOLDOWN 10       /* seconds between forced fetches, … */
#define COOLDOWN_MAX 300  /* … doubling while they bring nothing new */
#define BACKOFF_MAX 60    /* seconds between failing fetches, doubling from 2 */
#define KICK_EVERY 10     /* seconds between attempts to refresh ahead */
#define POLL_MIN 5000000  /* nanoseconds between looks at somebody else's fetch, … */
#define POLL_MAX 80000000 /* … doubling */

enum age { AGE_FRESH, AGE_AHEAD, AGE_STALE, AGE_DEAD };

/* One fetch on its way. */
struct attempt {
    struct jwta_keys *keys;
    const struct jwta_issuer *issuer;
    struct jwta_source *source;
    int64_t now;
    bool forced;
    struct jwta_cache_state state;
    struct jwta_why why;
    /* What was current when it began, copied: other threads may meanwhile read a newer file. */
    struct jwta_buf etag;
    struct jwta_buf modified;
    struct jwta_buf body;
};

static struct jwta_span issuer_id(const struct jwta_issuer *issuer)
{
    return jwta_span_of(issuer->issuer.text);
}

static struct jwta_span source_name(const struct jwta_issuer *issuer)
{
    return jwta_span_of(issuer->jwks.place != NULL ? issuer->jwks.place : "discover");
}

static enum age age_of(const struct jwta_issuer *issuer, const struct jwta_source *source,
                       int64_t now)
{
    int64_t stale =
        issuer->stale_if_error.where.file != NULL ? issuer->stale_if_error.value : STALE_DEFAULT;
    int64_t age = now - source->entry.fetched;

    if (source->set == NULL)
        return AGE_DEAD;
    if (age < -CLOCK_BACK)
        return AGE_STALE;
    if (age < source->entry.freshness - source->entry.freshness / 4)
        return AGE_FRESH;
    if (age < source->entry.freshness)
        return AGE_AHEAD;
    return age < source->entry.freshness + stale ? AGE_STALE : AGE_DEAD;
}

/* Makes entry the source's current one, if it is newer and its body a usable set. Takes it. */
static enum jwta_code adopt(struct jwta_source *source, struct jwta_cache_entry *entry,
                            struct jwta_why *why)
{
    struct jwta_keyset *set = NULL;
    enum jwta_code code = JWTA_OK;

    if (source->set != NULL && entry->fetched < source->entry.fetched) {
        jwta_cache_entry_free(entry);
        return JWTA_OK;
    }
    code = jwta_keyset_parse(entry->body, &set, why);
    if (code != JWTA_OK) {
        jwta_cache_entry_free(entry);
        return code;
    }
    jwta_keyset_unref(&source->set);
    jwta_cache_entry_free(&source->entry);
    source->set = set;
    source->entry = *entry;
    *entry = (struct jwta_cache_entry){0};
    return JWTA_OK;
}

/* Reads the cache again where a file in it is another than before. The lock is held. */
static void look_at_cache(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                          struct jwta_source *source)
{
    struct jwta_cache_ids ids;
    struct jwta_cache_entry entry = {0};
    struct jwta_why why = {0};
    enum jwta_file_status status = JWTA_FILE_OK;

    jwta_cache_identify(&keys->cache, issuer->name, &ids);
    if (jwta_file_same(&ids.root, &source->ids.root) && jwta_file_same(&ids.own, &source->ids.own))
        return;
    source->ids = ids;
    status = jwta_cache_read(&keys->cache, issuer->name, issuer_id(issuer), source_name(issuer),
                             &entry, &why);
    if (status == JWTA_FILE_OK && adopt(source, &entry, &why) != JWTA_OK)
        status = JWTA_FILE_FAILED;
    if (status == JWTA_FILE_OK) {
        source->complained = false;
    } else if (status != JWTA_FILE_MISSING && !source->complained) {
        jwta_log(keys->options.log, JWTA_LOG_WARNING, "cache of issuer %s: %s", issuer->name,
                 why.text);
        source->complained = true;
    }
}

/* The current set, where it is of this age or younger. */
static enum age take_current(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now,
                             struct jwta_keyset **out)
{
    struct jwta_source *source = jwta_keys_source(keys, issuer);
    enum age age = AGE_DEAD;

    (void)pthread_mutex_lock(&source->lock);
    look_at_cache(keys, issuer, source);
    age = age_of(issuer, source, now);
    if (age != AGE_DEAD)
        *out = jwta_keyset_ref(source->set);
    (void)pthread_mutex_unlock(&source->lock);
    return age;
}

/* ------------------------------------------------------------------ attempts */

/* The state of this writer: the disk's, or what this process remembers where that is later. */
static void read_state(struct attempt *a)
{
    jwta_cache_state_read(&a->keys->cache, a->issuer->name, &a->state);
    (void)pthread_mutex_lock(&a->source->lock);
    if (a->source->state.attempted > a->state.attempted)
        a->state = a->source->state;
    (void)pthread_mutex_unlock(&a->source->lock);
}

static void write_state(struct attempt *a)
{
    (void)pthread_mutex_lock(&a->source->lock);
    a->source->state = a->state;
    (void)pthread_mutex_unlock(&a->source->lock);
    if (!jwta_cache_state_write(&a->keys->cache, a->issuer->name, &a->state))
        jwta_log(a->keys->options.log, JWTA_LOG_DEBUG,
                 "keys of issuer %s: only this process remembers the attempt", a->issuer->name);
}

static int64_t doubling(int64_t first, int64_t times, int64_t most)
{
    int64_t value = first;

    for (; times > 0 && value < most; times--)
        value *= 2;
    return value < most ? value : most;
}

/* Whether an earlier attempt says that it is too early for this one. */
static bool too_early(const struct attempt *a)
{
    int64_t since_attempt = a->now - a->state.attempted;
    int64_t since_forced = a->now - a->state.forced;

    if (a->state.failures > 0 && since_attempt >= 0 &&
        since_attempt < doubling(1, a->state.failures, BACKOFF_MAX))
        return true;
    return a->forced && since_forced >= 0 &&
           since_forced < doubling(COOLDOWN, a->state.barren, COOLDOWN_MAX);
}

/* Keeps what the helper brought: in this process in any case, in the cache where it can be. */
static enum jwta_code keep(struct attempt *a, const struct jwta_fetch_reply *reply, bool *fresh_set)
{
    struct jwta_source *source = a->source;
    struct jwta_cache_entry entry = {0};
    struct jwta_why why = {0};
    enum jwta_code code = JWTA_OK;
    struct jwta_span body = reply->status == JWTA_FETCH_NEW ? reply->body : jwta_buf_span(&a->body);

    *fresh_set = !jwta_span_equal(body, jwta_buf_span(&a->body));
    if (jwta_buf_append(&entry.text, body) != JWTA_OK)
        return jwta_fail(&a->why, JWTA_MEMORY, "out of memory");
    entry.issuer = issuer_id(a->issuer);
    entry.source = source_name(a->issuer);
    entry.uri = reply->uri;
    entry.etag = reply->etag.data != NULL ? reply->etag : jwta_buf_span(&a->etag);
    entry.modified = reply->modified.data != NULL ? reply->modified : jwta_buf_span(&a->modified);
    if (reply->status == JWTA_FETCH_NEW) {
        entry.etag = reply->etag;
        entry.modified = reply->modified;
    }
    entry.body = jwta_buf_span(&entry.text);
    entry.fetched = a->now;
    entry.freshness = reply->freshness;
    if (jwta_cache_write(&a->keys->cache, a->issuer->name, &entry, &why) != JWTA_FILE_OK)
        jwta_log(a->keys->options.log, JWTA_LOG_WARNING, "cache of issuer %s: %s", a->issuer->name,
                 why.text);
    /* These live in the reply's buffer, which does not outlive this call. */
    entry.uri = entry.etag = entry.modified = jwta_span(NULL, 0);
    (void)pthread_mutex_lock(&source->lock);
    look_at_cache(a->keys, a->issuer, source);
    /* Not in the cache: a read-only or full disk. */
    if (source->set == NULL || source->entry.fetched != a->now ||
        !jwta_span_equal(source->entry.body, entry.body))
        code = adopt(source, &entry, &a->why);
    (void)pthread_mutex_unlock(&source->lock);
    jwta_cache_entry_free(&entry);
    return code;
}

/* Copies what is current, to ask whether it still is. */
static enum jwta_code copy_current(struct attempt *a)
{
    const struct jwta_cache_entry *entry = &a->source->entry;
    enum jwta_code code = JWTA_OK;

    (void)pthread_mutex_lock(&a->source->lock);
    if (a->source->set != NULL) {
        code = jwta_buf_append(&a->etag, entry->etag);
        if (code == JWTA_OK)
            code = jwta_buf_append(&a->modified, entry->modified);
        if (code == JWTA_OK)
            code = jwta_buf_append(&a->body, entry->body);
    }
    (void)pthread_mutex_unlock(&a->source->lock);
    return code;
}

/* One exchange with the helper. */
static enum jwta_code exchange(struct attempt *a, bool *fresh_set)
{
    const struct jwta_fetch_request request = {
        .config = jwta_span_of(a->keys->options.config),
        .issuer = jwta_span_of(a->issuer->name),
        .etag = jwta_buf_span(&a->etag),
        .modified = jwta_buf_span(&a->modified),
        .no_cache = a->forced,
    };
    struct jwta_fetch_reply reply = {0};
    struct jwta_buf buf = {0};
    struct jwta_quoted quoted;
    enum jwta_code code = jwta_fetch(a->keys->options.fetch, &request, &buf, &reply, &a->why);

    if (code == JWTA_OK && reply.status == JWTA_FETCH_UNCHANGED && a->body.len == 0)
        code = jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE, "unchanged, but nothing was there");
    else if (code == JWTA_OK && reply.status == JWTA_FETCH_FAILED)
        code = jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE, "%s", jwta_quote(&quoted, reply.reason));
    if (code == JWTA_OK)
        code = keep(a, &reply, fresh_set);
    jwta_buf_free(&buf);
    return code;
}

/* One fetch, and what follows from it for the state. */
static enum jwta_code fetch_once(struct attempt *a)
{
    bool fresh_set = false;
    enum jwta_code code = copy_current(a);

    a->state.attempted = a->now;
    if (a->forced)
        a->state.forced = a->now;
    if (code == JWTA_OK)
        code = exchange(a, &fresh_set);
    a->state.failures = code == JWTA_OK ? 0 : a->state.failures + 1;
    if (a->forced || fresh_set)
        a->state.barren = fresh_set ? 0 : a->state.barren + 1;
    write_state(a);
    if (code != JWTA_OK)
        jwta_log(a->keys->options.log, JWTA_LOG_WARNING, "keys of issuer %s: %s", a->issuer->name,
                 a->why.text);
    jwta_buf_free(&a->etag);
    jwta_buf_free(&a->modified);
    jwta_buf_free(&a->body);
    return code;
}

/* Whether another process has written the cache since this attempt began. */
static bool done_by_another(struct attempt *a, const struct jwta_cache_ids *before)
{
    struct jwta_cache_ids ids;
    bool done = false;

    jwta_cache_identify(&a->keys->cache, a->issuer->name, &ids);
    if (jwta_file_same(&ids.root, &before->root) && jwta_file_same(&ids.own, &before->own))
        return false;
    (void)pthread_mutex_lock(&a->source->lock);
    look_at_cache(a->keys, a->issuer, a->source);
    done = a->forced || age_of(a->issuer, a->source, a->now) <= AGE_AHEAD;
    (void)pthread_mutex_unlock(&a->source->lock);
    return done;
}

/*
 * Waits for the writer's lock while somebody else has it, at most as long as a fetch may take:
 * whoever holds it may have been stopped. *lock is a descriptor or JWTA_LOCK_…. False: another did
 * it.
 */
static bool wait_for_lock(struct attempt *a, const struct jwta_cache_ids *before, int *lock)
{
    struct timespec pause = {.tv_nsec = POLL_MIN};
    time_t deadline = 0;
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    deadline = now.tv_sec + JWTA_FETCH_DEADLINE;
    for (;;) {
        *lock = jwta_cache_lock(&a->keys->cache, a->issuer->name);
        if (*lock != JWTA_LOCK_BUSY)
            return !done_by_another(a, before);
        if (done_by_another(a, before))
            return false;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec >= deadline)
            return true;
        (void)nanosleep(&pause, NULL);
        if (pause.tv_nsec < POLL_MAX)
            pause.tv_nsec *= 2;
    }
}

/* One fetch for all who miss: in this process by the mutex, among processes by the lock. */
static enum jwta_code attempt(struct attempt *a, const struct jwta_cache_ids *before)
{
    enum jwta_code code = JWTA_OK;
    int lock = JWTA_LOCK_NONE;

    read_state(a);
    if (too_early(a))
        return jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE,
                         "the last attempt was %" PRId64 " s ago: too early for another",
                         a->now - a->state.attempted);
    (void)pthread_mutex_lock(&a->source->fetching);
    if (wait_for_lock(a, before, &lock)) {
        /* Whoever had the lock may have tried and failed. */
        read_state(a);
        if (too_early(a))
            code = jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE, "another process has just tried");
        else
            code = fetch_once(a);
    }
    if (lock >= 0)
        (void)close(lock);
    (void)pthread_mutex_unlock(&a->source->fetching);
    return code;
}

static struct attempt begin(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now,
                            bool forced, struct jwta_cache_ids *before)
{
    struct attempt a = {
        .keys = keys,
        .issuer = issuer,
        .source = jwta_keys_source(keys, issuer),
        .now = now,
        .forced = forced,
    };

    (void)pthread_mutex_lock(&a.source->lock);
    *before = a.source->ids;
    (void)pthread_mutex_unlock(&a.source->lock);
    return a;
}

/* ------------------------------------------------------------------ the contracts of keys.h */

/* Starts `jwtauth keys refresh` beside the login, which does not wait for it. */
static void refresh_ahead(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now)
{
    struct jwta_source *source = jwta_keys_source(keys, issuer);
    char program[512];
    char config[4096];
    char name[256];
    char *argv[] = {program,
                    (char[]){"keys"},
                    (char[]){"refresh"},
                    (char[]){"--background"},
                    (char[]){"--issuer"},
                    name,
                    (char[]){"--config"},
                    config,
                    NULL};
    struct jwta_cache_state state = {0};
    bool due = false;

    (void)pthread_mutex_lock(&source->lock);
    due = now - source->kicked >= KICK_EVERY || now < source->kicked;
    if (due)
        source->kicked = now;
    (void)pthread_mutex_unlock(&source->lock);
    if (!due)
        return;
    jwta_cache_state_read(&keys->cache, issuer->name, &state);
    if (now - state.attempted < KICK_EVERY && now >= state.attempted)
        return;
    if (snprintf(program, sizeof(program), "%s", keys->options.refresher) >= (int)sizeof(program) ||
        snprintf(config, sizeof(config), "%s", keys->options.config) >= (int)sizeof(config) ||
        snprintf(name, sizeof(name), "%s", issuer->name) >= (int)sizeof(name) ||
        !jwta_spawn_detached(argv, -1))
        jwta_log(keys->options.log, JWTA_LOG_WARNING, "keys of issuer %s: %s cannot be started",
                 issuer->name, keys->options.refresher);
}

enum jwta_code jwta_remote_get(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                               int64_t now, struct jwta_keyset **out, struct jwta_why *why)
{
    struct jwta_cache_ids before;
    struct jwta_keyset *stale = NULL;
    enum age age = take_current(keys, issuer, now, out);
    struct attempt a;
    enum jwta_code code = JWTA_OK;

    if (age == AGE_AHEAD)
        refresh_ahead(keys, issuer, now);
    if (age <= AGE_AHEAD)
        return JWTA_OK;
    if (age == AGE_STALE)
        stale = *out;
    *out = NULL;
    a = begin(keys, issuer, now, false, &before);
    code = attempt(&a, &before);
    if (code == JWTA_OK && take_current(keys, issuer, now, out) == AGE_DEAD)
        code = jwta_fail(&a.why, JWTA_KEYS_UNAVAILABLE, "what was fetched is not there");
    if (code == JWTA_OK) {
        jwta_keyset_unref(&stale);
        return JWTA_OK;
    }
    if (stale != NULL) {
        jwta_log(keys->options.log, JWTA_LOG_NOTICE, "keys of issuer %s: served stale: %s",
                 issuer->name, a.why.text);
        *out = stale;
        return JWTA_OK;
    }
    return jwta_fail(why, code, "keys of issuer %s: %s", issuer->name, a.why.text);
}

enum jwta_code jwta_remote_renew(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                 int64_t now, const struct jwta_keyset *known,
                                 struct jwta_keyset **out, struct jwta_why *why)
{
    struct jwta_cache_ids before;
    struct jwta_keyset *set = NULL;
    struct attempt a = begin(keys, issuer, now, true, &before);
    enum jwta_code code = JWTA_OK;
    bool just_fetched = false;

    (void)pthread_mutex_lock(&a.source->lock);
    just_fetched = a.source->set == known && now - a.source->entry.fetched < COOLDOWN &&
                   now >= a.source->entry.fetched;
    (void)pthread_mutex_unlock(&a.source->lock);
    /* A set that came within the cooldown is as new as a forced fetch would be. */
    if (!just_fetched)
        code = attempt(&a, &before);
    if (take_current(keys, issuer, now, &set) == AGE_DEAD || set == known || code != JWTA_OK) {
        bool newer = set != NULL && set != known;

        if (newer) {
            *out = set;
            return JWTA_OK;
        }
        jwta_keyset_unref(&set);
        return jwta_fail(why, JWTA_NO_KEY, "the issuer has published no newer keys");
    }
    *out = set;
    return JWTA_OK;
}

enum jwta_code jwta_remote_refresh(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                   int64_t now, bool even_if_fresh, struct jwta_why *why)
{
    struct jwta_cache_ids before;
    struct jwta_keyset *set = NULL;
    enum age age = take_current(keys, issuer, now, &set);
    struct attempt a = begin(keys, issuer, now, false, &before);
    enum jwta_code code = JWTA_OK;

    jwta_keyset_unref(&set);
    if (age == AGE_FRESH && !even_if_fresh)
        return JWTA_OK;
    code = attempt(&a, &before);
    return code == JWTA_OK ? JWTA_OK : jwta_fail(why, code, "%s", a.why.text);
}
