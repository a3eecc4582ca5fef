/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/cache_folder.h"
#include "common/keys_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define YOUNG 2 /* seconds */

/* The helper works in another folder, and the host may go to one. */
static char *absolute_path(const char *path)
{
    char *absolute = path[0] != '/' ? realpath(path, NULL) : NULL;

    return absolute != NULL ? absolute : strdup(path);
}

void jwta_keys_free(struct jwta_keys **keys)
{
    if (*keys == NULL)
        return;
    jwta_keys_unpin(*keys);
    for (size_t i = 0; i < (*keys)->conf->issuer_count; i++) {
        struct jwta_source *source = &(*keys)->source[i];

        jwta_keyset_unref(&source->set);
        jwta_cache_entry_free(&source->entry);
        (void)pthread_mutex_destroy(&source->lock);
        (void)pthread_mutex_destroy(&source->fetching);
    }
    free((*keys)->source);
    free((*keys)->config);
    free(*keys);
    *keys = NULL;
}

struct jwta_source *jwta_keys_source(struct jwta_keys *keys, const struct jwta_issuer *issuer)
{
    return &keys->source[issuer - keys->conf->issuers];
}

/* An issuer's key file, as it is reached now. */
struct key_file {
    const struct jwta_keys *keys;
    const char *path;
    struct jwta_pinned_file pinned;
    bool jailed; /* only as pinned */
};

static struct key_file key_file(const struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                const struct jwta_source *source)
{
    const char *path = issuer->jwks.place;
    const char *slash = strrchr(path, '/');

    return (struct key_file){
        .keys = keys,
        .path = path,
        .pinned = {.pin = &source->pin, .name = slash != NULL ? slash + 1 : path, .path = path},
        .jailed = jwta_keys_jailed(keys),
    };
}

static bool identify(const struct key_file *file, struct jwta_file_id *id)
{
    return file->jailed ? jwta_pin_identify(&file->pinned, id) : jwta_file_identify(file->path, id);
}

static enum jwta_file_status read_text(const struct key_file *file, enum jwta_file_trust trust,
                                       struct jwta_buf *text, struct jwta_file_id *id,
                                       struct jwta_why *why)
{
    /* Whoever the process has become since: trust never grows. */
    uid_t owner = file->keys->options.expected;

    return file->jailed ? jwta_pin_read(&file->pinned, trust, owner, JWTA_KEYS_MAX, text, id, why)
                        : jwta_file_read(file->path, trust, owner, JWTA_KEYS_MAX, text, id, why);
}

/* Reads a key file once, with the trust asked for. */
static enum jwta_code read_set(const struct key_file *file, enum jwta_file_trust trust,
                               struct jwta_file_id *id, struct jwta_keyset **out,
                               struct jwta_why *why)
{
    struct jwta_buf text = {0};
    struct jwta_why reason = {0};
    enum jwta_code code = JWTA_OK;

    switch (read_text(file, trust, &text, id, &reason)) {
    case JWTA_FILE_OK:
        code = jwta_keyset_parse(jwta_buf_span(&text), out, &reason);
        if (code != JWTA_OK)
            code = jwta_fail(why, code, "%s: %s", file->path, reason.text);
        break;
    case JWTA_FILE_INSECURE:
        code = jwta_fail(why, JWTA_KEYS_INSECURE, "%s", reason.text);
        break;
    case JWTA_FILE_MISSING:
    case JWTA_FILE_FAILED:
        code = jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "%s", reason.text);
        break;
    }
    jwta_buf_free(&text);
    return code;
}

/* A file with a symmetric key is a secret: only its owner may read it. */
static enum jwta_code load_file(const struct key_file *file, struct jwta_source *source)
{
    enum jwta_file_trust trust = file->keys->options.trust;
    struct jwta_keyset *set = NULL;
    enum jwta_code code = read_set(file, trust, &source->id, &set, &source->why);

    if (code == JWTA_OK && trust == JWTA_FILE_TRUSTED && jwta_keyset_symmetric(set)) {
        jwta_keyset_unref(&set);
        code = read_set(file, JWTA_FILE_SECRET, &source->id, &set, &source->why);
    }
    source->set = set;
    return code;
}

/*
 * In a jail without a view of the file: the set that was read before serves as a stale one does,
 * and what was wrong with the file before still is.
 */
static enum jwta_code keep_frozen(const struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                  struct jwta_source *source, int64_t now)
{
    if (source->set == NULL && source->why.code != JWTA_OK)
        return source->why.code;
    if (source->set == NULL || llabs(now - source->loaded) >= jwta_stale_limit(issuer)) {
        jwta_keyset_unref(&source->set);
        return jwta_fail(&source->why, JWTA_KEYS_UNAVAILABLE, "%s cannot be seen from this jail",
                         issuer->jwks.place);
    }
    if (!source->frozen)
        jwta_log(keys->options.log, JWTA_LOG_NOTICE,
                 "keys of issuer %s: %s cannot be seen from this jail: served as they were",
                 issuer->name, issuer->jwks.place);
    source->frozen = true;
    return JWTA_OK;
}

static enum jwta_code reload(const struct jwta_keys *keys, const struct jwta_issuer *issuer,
                             struct jwta_source *source, int64_t now)
{
    const struct key_file file = key_file(keys, issuer, source);
    struct jwta_keyset *before = source->set;
    struct jwta_file_id id = {0};
    bool same = before != NULL && identify(&file, &id) && jwta_file_same(&id, &source->id);
    enum jwta_code code = JWTA_OK;

    if (file.jailed && !source->pin.held)
        return keep_frozen(keys, issuer, source, now);
    /* A file that was as young as the clock's tick when it was read may have been written to since.
     */
    if (same && source->loaded - source->id.ctime.tv_sec >= YOUNG)
        return JWTA_OK;
    source->set = NULL;
    source->loaded = (int64_t)time(NULL);
    code = load_file(&file, source);
    /* A secret that root has read and the user that it became may not: it is the same file. */
    if (code == JWTA_KEYS_UNAVAILABLE && same && jwta_keys_became_another(keys)) {
        source->set = before;
        return JWTA_OK;
    }
    jwta_keyset_unref(&before);
    return code;
}

/* A file is looked at again when the clock has moved on. */
static enum jwta_code get_from_file(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                    int64_t now, struct jwta_keyset **out, struct jwta_why *why)
{
    struct jwta_source *source = jwta_keys_source(keys, issuer);
    enum jwta_code code = JWTA_OK;

    (void)pthread_mutex_lock(&source->lock);
    if (!source->tried || source->checked != now) {
        source->why.code = reload(keys, issuer, source, now);
        source->checked = now;
        source->tried = true;
    }
    code = source->why.code;
    if (code == JWTA_OK)
        *out = jwta_keyset_ref(source->set);
    else
        (void)jwta_fail(why, code, "%s", source->why.text);
    (void)pthread_mutex_unlock(&source->lock);
    return code;
}

/*
 * Reads all that can be had at once, while the process still may. A second ago: so that the first
 * token has the files looked at again.
 */
static void preload(struct jwta_keys *keys)
{
    int64_t now = (int64_t)time(NULL) - 1;

    for (size_t i = 0; i < keys->conf->issuer_count; i++) {
        const struct jwta_issuer *issuer = &keys->conf->issuers[i];
        struct jwta_keyset *set = NULL;
        struct jwta_why why = {0};

        if (issuer->jwks.kind != JWTA_JWKS_FILE)
            (void)jwta_current_take(keys, issuer, now, &set);
        else if (get_from_file(keys, issuer, now, &set, &why) != JWTA_OK)
            jwta_log(keys->options.log, JWTA_LOG_DEBUG, "keys of issuer %s: not yet: %s",
                     issuer->name, why.text);
        jwta_keyset_unref(&set);
    }
}

enum jwta_code jwta_keys_new(const struct jwta_conf *conf, const struct jwta_keys_options *options,
                             struct jwta_keys **out)
{
    struct jwta_keys *keys = calloc(1, sizeof(*keys));

    if (keys == NULL)
        return JWTA_MEMORY;
    keys->conf = conf;
    keys->options = *options;
    if (keys->options.fetch == NULL)
        keys->options.fetch = &jwta_fetch_installed;
    if (keys->options.refresher == NULL)
        keys->options.refresher = JWTA_BINDIR "/jwtauth";
    keys->cache.directory = jwta_cache_directory(conf);
    keys->cache.writer = options->expected;
    keys->config = absolute_path(options->config);
    keys->source = calloc(conf->issuer_count + 1, sizeof(*keys->source));
    if (keys->config == NULL || keys->source == NULL) {
        free(keys->config);
        free(keys->source);
        free(keys);
        return JWTA_MEMORY;
    }
    for (size_t i = 0; i < conf->issuer_count; i++) {
        (void)pthread_mutex_init(&keys->source[i].lock, NULL);
        (void)pthread_mutex_init(&keys->source[i].fetching, NULL);
    }
    if (options->pinned) {
        jwta_keys_pin(keys);
        preload(keys);
    }
    *out = keys;
    return JWTA_OK;
}

enum jwta_code jwta_keys_get(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now,
                             struct jwta_keyset **out, struct jwta_why *why)
{
    if (issuer->jwks.kind == JWTA_JWKS_FILE)
        return get_from_file(keys, issuer, now, out, why);
    return jwta_remote_get(keys, issuer, now, out, why);
}

enum jwta_code jwta_keys_renew(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                               int64_t now, const struct jwta_keyset *known,
                               struct jwta_keyset **out, struct jwta_why *why)
{
    if (issuer->jwks.kind == JWTA_JWKS_FILE)
        return jwta_fail(why, JWTA_NO_KEY, "keys from a file are as new as the file");
    return jwta_remote_renew(keys, issuer, now, known, out, why);
}

enum jwta_code jwta_keys_refresh(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                                 int64_t now, enum jwta_refresh refresh, struct jwta_why *why)
{
    struct jwta_keyset *set = NULL;
    enum jwta_code code = JWTA_OK;

    if (issuer->jwks.kind != JWTA_JWKS_FILE)
        return jwta_remote_refresh(keys, issuer, now, refresh, why);
    code = get_from_file(keys, issuer, now, &set, why);
    jwta_keyset_unref(&set);
    return code;
}

bool jwta_keys_age(struct jwta_keys *keys, const struct jwta_issuer *issuer,
                   struct jwta_keys_age *out)
{
    struct jwta_source *source = jwta_keys_source(keys, issuer);
    bool remote = false;

    (void)pthread_mutex_lock(&source->lock);
    remote = issuer->jwks.kind != JWTA_JWKS_FILE && source->set != NULL;
    if (remote) {
        out->fetched = source->entry.fetched;
        out->freshness = source->entry.freshness;
        (void)snprintf(out->uri, sizeof(out->uri), "%.*s", (int)source->entry.uri.len,
                       source->entry.uri.data != NULL ? source->entry.uri.data : "");
    }
    (void)pthread_mutex_unlock(&source->lock);
    return remote;
}
