/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One fetch for all who miss: among threads by a mutex, among processes by a lock on disk, and
 * never sooner after another than the back-off and the cooldown for unknown kids allow.
 */
#include "common/keys_private.h"
#include "common/text.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 16384       /* bytes of a cache file before the keys */
#define POLL_MIN 5000000     /* nanoseconds between looks at somebody else's fetch, … */
#define POLL_MAX 80000000    /* … doubling */
#define WAITING_MAX 4        /* threads that wait for another's fetch as long as it takes, … */
#define WAIT_SHORT 200000000 /* … and nanoseconds for all others */

/* One fetch on its way. */
struct attempt {
    struct jwta_keys *keys;
    const struct jwta_issuer *issuer;
    struct jwta_source *source;
    int64_t now;
    enum jwta_attempt_mode mode;
    bool has_stale;
    struct jwta_cache cache;
    int64_t began;                /* monotonic, at now */
    struct jwta_cache_ids before; /* the cache as it was when this began */
    struct jwta_cache_request request;
    struct jwta_cache_state state;
    struct jwta_why why;
    /* What was current when it began, copied: other threads may meanwhile read a newer file. */
    struct jwta_buf uri;
    struct jwta_buf etag;
    struct jwta_buf modified;
    struct jwta_buf body;
};

/* ------------------------------------------------------------------ what went before */

/* The state of this writer: the disk's, or what this process remembers where that is later. */
static void read_state(struct attempt *a)
{
    jwta_cache_state_read(&a->cache, a->issuer->name, &a->state);
    (void)pthread_mutex_lock(&a->source->lock);
    if (jwta_cache_newer(a->source->state.attempted, a->state.attempted, a->now))
        a->state = a->source->state;
    (void)pthread_mutex_unlock(&a->source->lock);
}

/* What this process alone remembers: it says nothing of the issuer. */
static void remember(struct attempt *a)
{
    (void)pthread_mutex_lock(&a->source->lock);
    a->source->state = a->state;
    (void)pthread_mutex_unlock(&a->source->lock);
}

static void write_state(struct attempt *a)
{
    remember(a);
    if (!jwta_cache_state_write(&a->cache, a->issuer->name, &a->state))
        jwta_log(a->keys->options.log, JWTA_LOG_DEBUG,
                 "keys of issuer %s: only this process remembers the attempt", a->issuer->name);
}

/* Lets the attempt's time go on by what has passed since it was last looked at. */
static void catch_up(struct attempt *a)
{
    int64_t seconds = (jwta_monotonic_ms() - a->began) / 1000;

    a->now += seconds;
    a->began += 1000 * seconds;
}

static bool too_early(struct attempt *a)
{
    catch_up(a);
    return jwta_pace_too_early(&a->state, a->mode, a->now, &a->why);
}

/* Notes a failure, and why, for those for whom it will be too early. */
static void note_failure(struct attempt *a)
{
    a->state.failures++;
    if (a->state.cause[0] == '\0')
        jwta_text_one_line(a->state.cause, sizeof(a->state.cause), jwta_span_of(a->why.text));
    jwta_log(a->keys->options.log, JWTA_LOG_WARNING, "keys of issuer %s: %s", a->issuer->name,
             a->why.text);
}

/* ------------------------------------------------------------------ one fetch */

/* The keys to keep, listed: the new ones, or those that are still current. */
static enum jwta_code list_keys(struct attempt *a, const struct jwta_fetch_reply *reply,
                                struct jwta_buf *out)
{
    struct jwta_keyset *set = NULL;
    enum jwta_code code = JWTA_OK;

    if (reply->status != JWTA_FETCH_NEW)
        code = jwta_buf_append(out, jwta_buf_span(&a->body));
    else
        code = jwta_keyset_parse(reply->body, &set, &a->why);
    /* What anybody can fetch is no secret. */
    if (set != NULL && jwta_keyset_symmetric(set))
        code = jwta_fail(&a->why, JWTA_KEYS_INSECURE, "the key set publishes a symmetric key");
    else if (set != NULL)
        code = jwta_keyset_list(set, out);
    if (code == JWTA_OK && out->len > JWTA_CACHE_FILE_MAX - HEAD_MAX)
        code = jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE,
                         "the key set is too large for the cache: %zu bytes as a list", out->len);
    jwta_keyset_unref(&set);
    return code == JWTA_MEMORY ? jwta_fail(&a->why, code, "out of memory") : code;
}

/* Makes the entry current: read from the cache, or else, on a read-only or full disk, as it is. */
static enum jwta_code use_entry(struct attempt *a, struct jwta_cache_entry *entry)
{
    struct jwta_source *source = a->source;
    enum jwta_code code = JWTA_OK;

    (void)pthread_mutex_lock(&source->lock);
    jwta_current_look(a->keys, a->issuer, source, a->now);
    if (source->set == NULL || source->entry.fetched != a->now ||
        !jwta_span_equal(source->entry.body, entry->body))
        code = jwta_current_adopt(source, entry, a->now, &a->why);
    (void)pthread_mutex_unlock(&source->lock);
    return code;
}

static int64_t clamp(int64_t freshness)
{
    if (freshness < JWTA_FRESHNESS_MIN)
        return JWTA_FRESHNESS_MIN;
    return freshness < JWTA_FRESHNESS_MAX ? freshness : JWTA_FRESHNESS_MAX;
}

/* Keeps what the helper brought: in this process in any case, in the cache where it can be. */
static enum jwta_code keep(struct attempt *a, const struct jwta_fetch_reply *reply, bool *fresh_set)
{
    bool unchanged = reply->status != JWTA_FETCH_NEW;
    struct jwta_cache_entry entry = {0};
    struct jwta_why why = {0};
    enum jwta_code code = list_keys(a, reply, &entry.text);

    if (code != JWTA_OK)
        goto out;
    entry.issuer = jwta_span_of(a->issuer->issuer.text);
    entry.source = jwta_remote_source(a->issuer);
    entry.uri = reply->uri;
    entry.etag = reply->etag;
    entry.modified = reply->modified;
    if (unchanged && entry.etag.data == NULL)
        entry.etag = jwta_buf_span(&a->etag);
    if (unchanged && entry.modified.data == NULL)
        entry.modified = jwta_buf_span(&a->modified);
    entry.body = jwta_buf_span(&entry.text);
    entry.fetched = a->now;
    entry.freshness = clamp(reply->freshness);
    *fresh_set = !jwta_span_equal(entry.body, jwta_buf_span(&a->body));
    if (jwta_cache_write(&a->cache, a->issuer->name, &entry, &a->request, &why) != JWTA_FILE_OK)
        jwta_log(a->keys->options.log, JWTA_LOG_WARNING, "cache of issuer %s: %s", a->issuer->name,
                 why.text);
    /* These live in the reply's buffer, which does not outlive this call. */
    entry.uri = entry.etag = entry.modified = jwta_span(NULL, 0);
    code = use_entry(a, &entry);
out:
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
        code = jwta_buf_append(&a->uri, entry->uri);
        if (code == JWTA_OK)
            code = jwta_buf_append(&a->etag, entry->etag);
        if (code == JWTA_OK)
            code = jwta_buf_append(&a->modified, entry->modified);
        if (code == JWTA_OK)
            code = jwta_buf_append(&a->body, entry->body);
    }
    (void)pthread_mutex_unlock(&a->source->lock);
    return code;
}

/* One exchange with the helper. *answered: by a whole reply, which is what the issuer did. */
static enum jwta_code exchange(struct attempt *a, bool *answered, bool *fresh_set)
{
    const struct jwta_fetch_request request = {
        .config = jwta_span_of(a->keys->config),
        .issuer = jwta_span_of(a->issuer->name),
        .uri = jwta_buf_span(&a->uri),
        .etag = jwta_buf_span(&a->etag),
        .modified = jwta_buf_span(&a->modified),
        .no_cache = a->mode != JWTA_ATTEMPT_DUE && a->mode != JWTA_ATTEMPT_AHEAD,
    };
    struct jwta_fetch_reply reply = {0};
    struct jwta_buf buf = {0};
    enum jwta_code code = jwta_fetch(a->keys->options.fetch, &request, &buf, &reply, &a->why);

    *answered = code == JWTA_OK;
    if (code == JWTA_OK && reply.status == JWTA_FETCH_UNCHANGED && a->body.len == 0)
        code = jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE, "unchanged, but nothing was there");
    else if (code == JWTA_OK && reply.status == JWTA_FETCH_UNCHANGED &&
             !jwta_span_equal(reply.uri, request.uri))
        code = jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE,
                         "unchanged, but at another place than the keys came from");
    else if (code == JWTA_OK && reply.status == JWTA_FETCH_FAILED) {
        jwta_text_one_line(a->state.cause, sizeof(a->state.cause), reply.reason);
        code = jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE, "\"%s\"", a->state.cause);
    }
    if (code == JWTA_OK)
        code = keep(a, &reply, fresh_set);
    jwta_buf_free(&buf);
    return code;
}

/*
 * One fetch, and what follows from it for the state. A helper that could not be started, or was
 * ended, is nothing that other processes must know of.
 */
static enum jwta_code fetch_once(struct attempt *a)
{
    bool forced = a->mode == JWTA_ATTEMPT_FORCED;
    bool answered = false;
    bool fresh_set = false;
    enum jwta_code code = copy_current(a);

    /* Others may have been waited for: what is fetched is as old as the request. */
    catch_up(a);
    a->request.began = a->began;
    jwta_cache_identify(&a->cache, a->issuer->name, &a->request.before);
    a->state.cause[0] = '\0';
    if (code == JWTA_OK)
        code = exchange(a, &answered, &fresh_set);
    /* A pause begins when the provider was last seen at work, or it would pass while one waits. */
    catch_up(a);
    a->state.attempted = a->now;
    if (code == JWTA_OK)
        a->state.failures = 0;
    else if (code != JWTA_MEMORY)
        note_failure(a);
    if (answered && forced)
        jwta_pace_forced(&a->state, a->now);
    if (fresh_set)
        a->state.barren = 0;
    if (answered)
        write_state(a);
    else
        remember(a);
    jwta_buf_free(&a->uri);
    jwta_buf_free(&a->etag);
    jwta_buf_free(&a->modified);
    jwta_buf_free(&a->body);
    return code;
}

/* ------------------------------------------------------------------ one for all */

/* Whether another process or thread has brought what this attempt wants since it began. */
static bool done_by_another(struct attempt *a)
{
    struct jwta_source *source = a->source;
    struct jwta_cache_ids ids;
    bool done = false;

    jwta_cache_identify(&a->cache, a->issuer->name, &ids);
    if (jwta_file_same(&ids.root, &a->before.root) && jwta_file_same(&ids.own, &a->before.own))
        return false;
    (void)pthread_mutex_lock(&source->lock);
    jwta_current_look(a->keys, a->issuer, source, a->now);
    done = jwta_current_age(a->issuer, source, a->now) <= JWTA_AGE_AHEAD;
    (void)pthread_mutex_unlock(&source->lock);
    return done;
}

/* How long to wait for somebody else's fetch, in milliseconds. */
static int64_t patience(const struct attempt *a)
{
    /* Who has something to serve does not stand behind each of a row of failing fetches. */
    if (a->mode == JWTA_ATTEMPT_AHEAD || (a->has_stale && a->state.failures > 0))
        return 0;
    return INT64_C(1000) * JWTA_FETCH_DEADLINE;
}

/*
 * Waits for a lock of the writer while somebody else has it, as long as a fetch may take at most.
 * *lock is a descriptor or JWTA_LOCK_…. false: another did it.
 */
static bool wait_for_lock(struct attempt *a, enum jwta_cache_turn turn, int *lock)
{
    struct timespec pause = {.tv_nsec = POLL_MIN};
    int64_t deadline = jwta_monotonic_ms() + patience(a);

    for (;;) {
        *lock = jwta_cache_lock(&a->cache, a->issuer->name, turn);
        if (done_by_another(a))
            return false;
        if (*lock != JWTA_LOCK_BUSY || jwta_monotonic_ms() >= deadline)
            return true;
        (void)nanosleep(&pause, NULL);
        if (pause.tv_nsec < POLL_MAX)
            pause.tv_nsec *= 2;
    }
}

/*
 * Waits for one's turn. Whoever has the first lock may have been stopped: of those whose patience
 * ends, one then fetches for the rest under the second. If its holder is stopped, too, only who
 * insists fetches.
 */
static bool take_turn(struct attempt *a, int *lock)
{
    if (jwta_cache_writable(&a->cache, &a->why) != JWTA_FILE_OK)
        return !done_by_another(a);
    if (!wait_for_lock(a, JWTA_TURN_FIRST, lock))
        return false;
    if (*lock != JWTA_LOCK_BUSY || patience(a) == 0)
        return true;
    return wait_for_lock(a, JWTA_TURN_SECOND, lock);
}

/* Fetches, if what was while others had the lock leaves anything to do. */
static enum jwta_code fetch_in_turn(struct attempt *a, int lock)
{
    /* Whoever had the lock may have tried and failed. */
    read_state(a);
    if (too_early(a))
        return JWTA_KEYS_UNAVAILABLE;
    if (lock == JWTA_LOCK_NONE && a->keys->options.settled) {
        struct jwta_why why = a->why;

        return jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE, "the cache can keep nothing: %s",
                         why.text[0] != '\0' ? why.text : "no lock can be made");
    }
    if (lock == JWTA_LOCK_BUSY && a->mode != JWTA_ATTEMPT_INSIST)
        return jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE,
                         patience(a) == 0 ? "another process is fetching"
                                          : "two processes that were to fetch stand still");
    a->why = (struct jwta_why){0};
    return fetch_once(a);
}

/* With the mutex of the source held. */
static enum jwta_code fetch_for_all(struct attempt *a)
{
    enum jwta_code code = JWTA_OK;
    int lock = JWTA_LOCK_NONE;

    if (take_turn(a, &lock))
        code = fetch_in_turn(a, lock);
    jwta_cache_unlock(lock);
    return code;
}

/* Leaves it to a process that is root wholly. Whatever became of it, nothing is written here. */
static enum jwta_code delegate(struct attempt *a)
{
    enum jwta_code code = jwta_delegate(a->keys, a->issuer, a->mode, &a->why);

    if (code == JWTA_OK)
        return code;
    a->state.attempted = a->now;
    a->state.cause[0] = '\0';
    note_failure(a);
    remember(a);
    return code;
}

/*
 * Takes the mutex of the one thread that fetches. Tokens of strangers, with invented kids, could
 * otherwise make every thread of a host wait for a provider that does not answer: who has a set to
 * decide by waits in earnest only as one of a few, whatever the issuer.
 */
static bool enter(struct attempt *a)
{
    struct jwta_source *source = a->source;
    struct timespec until = {0};
    bool patient = atomic_fetch_add(&a->keys->waiting, 1) < WAITING_MAX || !a->has_stale;

    if (patient)
        (void)pthread_mutex_lock(&source->fetching);
    (void)atomic_fetch_sub(&a->keys->waiting, 1);
    if (patient)
        return true;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_SHORT;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (pthread_mutex_timedlock(&source->fetching, &until) == 0)
        return true;
    (void)jwta_fail(&a->why, JWTA_KEYS_UNAVAILABLE, "another thread is fetching");
    return false;
}

enum jwta_code jwta_attempt(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now,
                            enum jwta_attempt_mode mode, bool has_stale, struct jwta_why *why)
{
    struct attempt a = {
        .keys = keys,
        .issuer = issuer,
        .source = jwta_keys_source(keys, issuer),
        .now = now,
        .began = jwta_monotonic_ms(),
        .mode = mode,
        .has_stale = has_stale,
        .cache = jwta_keys_cache(keys),
    };
    enum jwta_code code = JWTA_KEYS_UNAVAILABLE;

    if (a.cache.pin != NULL)
        return jwta_fail(why, code, "nothing is fetched in a jail (chroot)");
    (void)pthread_mutex_lock(&a.source->lock);
    a.before = a.source->ids;
    (void)pthread_mutex_unlock(&a.source->lock);
    read_state(&a);
    if (!too_early(&a) && enter(&a)) {
        read_state(&a);
        if (!too_early(&a))
            code = jwta_keys_delegates(keys) ? delegate(&a) : fetch_for_all(&a);
        (void)pthread_mutex_unlock(&a.source->fetching);
    }
    if (code != JWTA_OK)
        return jwta_fail(why, code, "%s", a.why.text);
    (void)pthread_mutex_lock(&a.source->lock);
    a.source->renewed = jwta_monotonic_ms();
    (void)pthread_mutex_unlock(&a.source->lock);
    return JWTA_OK;
}
