/* SPDX-License-Identifier: BSD-2-Clause */
/* Between keys.c and keys_remote.c. */
#ifndef JWTA_KEYS_PRIVATE_H
#define JWTA_KEYS_PRIVATE_H

#include "common/cache.h"
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
    struct jwta_file_id id;
    struct jwta_why why;

    /* keys from the network: what the set was made of */
    struct jwta_cache_ids ids;
    struct jwta_cache_entry entry;
    struct jwta_cache_state state; /* of this process, for where the cache cannot be written */
    int64_t kicked;                /* when refreshing ahead was last started */
    bool complained;               /* a damaged cache file is logged once */
};

struct jwta_keys {
    const struct jwta_conf *conf;
    struct jwta_keys_options options;
    struct jwta_cache cache;
    struct jwta_source *source; /* one for each of conf->issuers */
};

struct jwta_source *jwta_keys_source(struct jwta_keys *keys, const struct jwta_issuer *issuer);

/* keys_remote.c: keys from the network, by the contracts of jwta_keys_get and its like. */
enum jwta_code jwta_remote_get(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                               int64_t now, struct jwta_keyset **out, struct jwta_why *why);
enum jwta_code jwta_remote_renew(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                 int64_t now, const struct jwta_keyset *known,
                                 struct jwta_keyset **out, struct jwta_why *why);
enum jwta_code jwta_remote_refresh(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                   int64_t now, bool even_if_fresh, struct jwta_why *why);

#endif
