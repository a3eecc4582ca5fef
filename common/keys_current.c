/* SPDX-License-Identifier: BSD-2-Clause */
/* The current set of keys from the network: what the cache holds, and how old it is. */
#include "common/keys_private.h"

#define STALE_DEFAULT (24 * 3600)

struct jwta_span jwta_remote_source(const struct jwta_issuer *issuer)
{
    return jwta_span_of(issuer->jwks.place != NULL ? issuer->jwks.place : "discover");
}

int64_t jwta_stale_limit(const struct jwta_issuer *issuer)
{
    return issuer->stale_if_error.where.file != NULL ? issuer->stale_if_error.value : STALE_DEFAULT;
}

enum jwta_age jwta_current_age(const struct jwta_issuer *issuer, const struct jwta_source *source,
                               int64_t now)
{
    int64_t stale = jwta_stale_limit(issuer);
    int64_t age = now - source->entry.fetched;

    if (source->set == NULL)
        return JWTA_AGE_DEAD;
    /* From the future: the clock was or is wrong, and nobody knows how old the set is. */
    if (age < -JWTA_CLOCK_BACK)
        return -age < stale ? JWTA_AGE_STALE : JWTA_AGE_DEAD;
    if (age < source->entry.freshness - source->entry.freshness / 4)
        return JWTA_AGE_FRESH;
    if (age < source->entry.freshness)
        return JWTA_AGE_AHEAD;
    return age < source->entry.freshness + stale ? JWTA_AGE_STALE : JWTA_AGE_DEAD;
}

enum jwta_code jwta_current_adopt(struct jwta_source *source, struct jwta_cache_entry *entry,
                                  int64_t now, struct jwta_why *why)
{
    struct jwta_keyset *set = NULL;
    enum jwta_code code = JWTA_OK;

    /* Where the cache cannot be written, what this process fetched is newer than what is there. */
    if (source->set != NULL && jwta_cache_newer(source->entry.fetched, entry->fetched, now)) {
        jwta_cache_entry_free(entry);
        return JWTA_OK;
    }
    /* The set takes the text; what else stands in it is good as long as this set is current. */
    code = jwta_keyset_from_list(&entry->text, entry->body, &set, why);
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

void jwta_current_look(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                       struct jwta_source *source, int64_t now)
{
    const struct jwta_cache cache = jwta_keys_cache(keys);
    struct jwta_cache_ids ids;
    struct jwta_cache_entry entry = {0};
    struct jwta_why why = {0};
    enum jwta_file_status status = JWTA_FILE_OK;

    jwta_cache_identify(&cache, issuer->name, &ids);
    if (jwta_file_same(&ids.root, &source->ids.root) && jwta_file_same(&ids.own, &source->ids.own))
        return;
    source->ids = ids;
    status = jwta_cache_read(&cache, issuer->name, jwta_span_of(issuer->issuer.text),
                             jwta_remote_source(issuer), now, &entry, &why);
    if (status == JWTA_FILE_OK && jwta_current_adopt(source, &entry, now, &why) != JWTA_OK)
        status = JWTA_FILE_FAILED;
    if (status == JWTA_FILE_OK) {
        source->complained = false;
    } else if (status != JWTA_FILE_MISSING && !source->complained) {
        /* From a jail without a view of it nothing is wrong with the cache. */
        jwta_log(keys->options.log,
                 cache.pin != NULL && !cache.pin->held ? JWTA_LOG_NOTICE : JWTA_LOG_WARNING,
                 "cache of issuer %s: %s", issuer->name, why.text);
        source->complained = true;
    }
}

enum jwta_age jwta_current_take(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                int64_t now, struct jwta_keyset **out)
{
    struct jwta_source *source = jwta_keys_source(keys, issuer);
    enum jwta_age age = JWTA_AGE_DEAD;

    (void)pthread_mutex_lock(&source->lock);
    jwta_current_look(keys, issuer, source, now);
    age = jwta_current_age(issuer, source, now);
    if (age != JWTA_AGE_DEAD)
        *out = jwta_keyset_ref(source->set);
    (void)pthread_mutex_unlock(&source->lock);
    return age;
}
