/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys from the network: fresh from the cache, refreshed ahead of expiry by a process of its own,
 * fetched by one process for all when they have expired, served stale where that fails.
 */
#include "common/keys_private.h"

#define KICK_EVERY 10 /* seconds between attempts to refresh ahead */
#define JUST_MS 100   /* what was fetched that long ago was fetched for the same token */

/* Whether it is time to refresh ahead, and nobody is at it. */
static bool kick_is_due(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now)
{
    struct jwta_source *source = jwta_keys_source(keys, issuer);
    const struct jwta_cache cache = jwta_keys_cache(keys);
    struct jwta_cache_state state = {0};
    int lock = JWTA_LOCK_NONE;
    bool due = false;

    (void)pthread_mutex_lock(&source->lock);
    due = now - source->kicked >= KICK_EVERY || now < source->kicked;
    if (due)
        source->kicked = now;
    (void)pthread_mutex_unlock(&source->lock);
    /*
     * No program can be started in a jail, and one between two users would be at the mercy of
     * either with the other's cache in its hands.
     */
    if (!due || cache.pin != NULL || jwta_between_users())
        return false;
    jwta_cache_state_read(&cache, issuer->name, &state);
    if (jwta_pace_backs_off(&state, now))
        return false;
    /* Between identities no lock is taken, not even for a look. */
    if (jwta_keys_delegates(keys) || jwta_cache_writable(&cache, NULL) != JWTA_FILE_OK)
        return true;
    lock = jwta_cache_lock(&cache, issuer->name, JWTA_TURN_FIRST);
    jwta_cache_unlock(lock);
    return lock != JWTA_LOCK_BUSY;
}

/* Starts `jwtauth keys refresh` beside the login, which does not wait for it. */
static void refresh_ahead(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now)
{
    if (kick_is_due(keys, issuer, now) &&
        !jwta_keys_start_refresher(keys, issuer, JWTA_ATTEMPT_AHEAD, NULL))
        jwta_log(keys->options.log, JWTA_LOG_WARNING, "keys of issuer %s: %s cannot be started",
                 issuer->name, keys->options.refresher);
}

enum jwta_code jwta_remote_get(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                               int64_t now, struct jwta_keyset **out, struct jwta_why *why)
{
    struct jwta_keyset *set = NULL;
    struct jwta_keyset *stale = NULL;
    struct jwta_why reason = {0};
    enum jwta_age age = jwta_current_take(keys, issuer, now, &set);
    enum jwta_code code = JWTA_OK;

    if (age == JWTA_AGE_AHEAD)
        refresh_ahead(keys, issuer, now);
    if (age > JWTA_AGE_AHEAD) {
        stale = set;
        set = NULL;
        code = jwta_attempt(keys, issuer, now, JWTA_ATTEMPT_DUE, stale != NULL, &reason);
        if (code == JWTA_OK && jwta_current_take(keys, issuer, now, &set) == JWTA_AGE_DEAD)
            code = jwta_fail(&reason, JWTA_KEYS_UNAVAILABLE, "what was fetched is not there");
    }
    if (code != JWTA_OK && stale != NULL) {
        jwta_log(keys->options.log, JWTA_LOG_NOTICE, "keys of issuer %s: served stale: %s",
                 issuer->name, reason.text);
        set = stale;
        stale = NULL;
        code = JWTA_OK;
    }
    jwta_keyset_unref(&stale);
    if (code != JWTA_OK)
        return jwta_fail(why, code, "keys of issuer %s: %s", issuer->name, reason.text);
    *out = set;
    return JWTA_OK;
}

enum jwta_code jwta_remote_renew(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                 int64_t now, const struct jwta_keyset *known,
                                 struct jwta_keyset **out, struct jwta_why *why)
{
    struct jwta_source *source = jwta_keys_source(keys, issuer);
    struct jwta_keyset *set = NULL;
    struct jwta_why reason = {0};
    bool just_fetched = false;

    (void)pthread_mutex_lock(&source->lock);
    /* For this very token, which had to wait for it: another fetch would bring the same. */
    just_fetched = source->set == known && source->renewed > 0 &&
                   jwta_monotonic_ms() - source->renewed < JUST_MS;
    (void)pthread_mutex_unlock(&source->lock);
    if (!just_fetched &&
        jwta_attempt(keys, issuer, now, JWTA_ATTEMPT_FORCED, true, &reason) == JWTA_MEMORY)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    /* Another thread or process may have brought a newer one, whatever became of this attempt. */
    if (jwta_current_take(keys, issuer, now, &set) != JWTA_AGE_DEAD && set != known) {
        *out = set;
        return JWTA_OK;
    }
    jwta_keyset_unref(&set);
    return jwta_fail(why, JWTA_NO_KEY, "no newer keys: %s",
                     reason.text[0] != '\0' ? reason.text : "they were fetched just now");
}

enum jwta_code jwta_remote_refresh(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                   int64_t now, enum jwta_refresh refresh, struct jwta_why *why)
{
    static const enum jwta_attempt_mode modes[] = {
        [JWTA_REFRESH_DUE] = JWTA_ATTEMPT_DUE,        [JWTA_REFRESH_FORCE] = JWTA_ATTEMPT_INSIST,
        [JWTA_REFRESH_AHEAD] = JWTA_ATTEMPT_AHEAD,    [JWTA_REFRESH_LOGIN] = JWTA_ATTEMPT_DUE,
        [JWTA_REFRESH_UNKNOWN] = JWTA_ATTEMPT_FORCED,
    };
    bool for_login = refresh == JWTA_REFRESH_LOGIN || refresh == JWTA_REFRESH_UNKNOWN;
    struct jwta_keyset *set = NULL;
    enum jwta_age age = jwta_current_take(keys, issuer, now, &set);

    jwta_keyset_unref(&set);
    if (age == JWTA_AGE_FRESH && modes[refresh] != JWTA_ATTEMPT_INSIST &&
        modes[refresh] != JWTA_ATTEMPT_FORCED)
        return JWTA_OK;
    return jwta_attempt(keys, issuer, now, modes[refresh], for_login && age != JWTA_AGE_DEAD, why);
}
