/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where each issuer's keys come from (a file, or the network by way of the cache and the fetch
 * helper), and the current set of each. Sets are snapshots that threads share; nobody who has a
 * usable set waits for somebody else's fetch.
 */
#ifndef JWTA_KEYS_H
#define JWTA_KEYS_H

#include "common/conf.h"
#include "common/fetch.h"
#include "common/file.h"
#include "common/keyset.h"
#include "common/log.h"

#define JWTA_KEYS_MAX JWTA_BODY_MAX

struct jwta_keys;

struct jwta_keys_options {
    const char *config;         /* the configuration's path, for the helper */
    uid_t expected;             /* whose files count beside root's, and whose cache is written */
    enum jwta_file_trust trust; /* of key files: ANY only for `jwtauth verify --jwks` */
    const struct jwta_fetch *fetch; /* NULL: the installed helper */
    const char *refresher;      /* absolute path of jwtauth for refreshing ahead; NULL: installed */
    const struct jwta_log *log; /* borrowed, or NULL */
    /* One user for good, whatever started it, and at work for others: what the cache cannot keep is
     * not fetched. */
    bool settled;
    bool pinned; /* for a process that enters a jail or becomes another user: see common/auth.h */
};

/*
 * conf is borrowed and must live longer, and so must what options point to. Pinned, it keeps
 * the directories of key files and cache in view, and reads what can be had without the network;
 * what cannot be is said when it is asked for. MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_keys_new(const struct jwta_conf *conf,
                                           const struct jwta_keys_options *options,
                                           struct jwta_keys **out);
void jwta_keys_free(struct jwta_keys **keys);

/*
 * The current set of an issuer at the time now (seconds since the epoch), counted for the caller. A
 * file is read again when it changed. Keys from the network come from the cache while it is fresh;
 * are fetched when it is not, by one process for all; and are served stale where that fails.
 * Between identities (jwta_between_identities) nothing is fetched, locked or written by this
 * process: the refresher does it as root, and one that fails is a failure of this call alone.
 * KEYS_UNAVAILABLE, KEYS_INSECURE, KEY_SET_MIXED, MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_keys_get(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                           int64_t now, struct jwta_keyset **out,
                                           struct jwta_why *why);

/*
 * A set newer than `known`, in which a token's kid was not found: what another process has fetched
 * meanwhile, or else what one forced fetch brings, at most one per cooldown and writer. NO_KEY
 * where there is none newer; the caller then keeps to what it has. Never for keys from a file.
 */
JWTA_MUST_USE enum jwta_code jwta_keys_renew(struct jwta_keys *keys,
                                             const struct jwta_issuer *issuer, int64_t now,
                                             const struct jwta_keyset *known,
                                             struct jwta_keyset **out, struct jwta_why *why);

/* For `jwtauth keys refresh`: what is to be fetched, and when. */
enum jwta_refresh {
    JWTA_REFRESH_DUE,   /* a set that expires before long */
    JWTA_REFRESH_FORCE, /* any, now, past every cache */
    JWTA_REFRESH_AHEAD, /* as DUE, but for a login that does not wait: never behind another */
    /* For a login between identities, which waits; only if the cache can keep what is fetched. */
    JWTA_REFRESH_LOGIN,  /* a set that has expired */
    JWTA_REFRESH_UNKNOWN /* for an unknown kid, by the rules of jwta_keys_renew */
};
JWTA_MUST_USE enum jwta_code jwta_keys_refresh(struct jwta_keys *keys,
                                               const struct jwta_issuer *issuer, int64_t now,
                                               enum jwta_refresh refresh, struct jwta_why *why);

/*
 * Tells a login that waits at the other end of a socket (SOCK_SEQPACKET) what became of the refresh
 * that it had started; one that does not wait any more is not missed. why may be NULL.
 */
void jwta_keys_report(int socket, enum jwta_code code, const struct jwta_why *why);

/* What is known of an issuer's set, for `jwtauth keys list`; false for keys from a file. */
struct jwta_keys_age {
    int64_t fetched;
    int64_t freshness;
    char uri[512];
};
bool jwta_keys_age(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                   struct jwta_keys_age *out);

#endif
