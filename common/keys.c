/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define YOUNG 2 /* seconds */

/* One issuer's current set, or why there is none, as of `checked`. */
struct source {
    pthread_mutex_t lock;
    int64_t checked;
    bool tried;
    int64_t loaded; /* when the set was read */
    struct jwta_file_id id;
    struct jwta_keyset *set;
    struct jwta_why why;
};

struct jwta_keys {
    const struct jwta_conf *conf;
    uid_t expected;
    enum jwta_file_trust trust;
    struct source *source; /* one for each of conf->issuers */
};

enum jwta_code jwta_keys_new(const struct jwta_conf *conf, uid_t expected,
                             enum jwta_file_trust trust, struct jwta_keys **out)
{
    struct jwta_keys *keys = calloc(1, sizeof(*keys));

    if (keys == NULL)
        return JWTA_MEMORY;
    keys->conf = conf;
    keys->expected = expected;
    keys->trust = trust;
    keys->source = calloc(conf->issuer_count + 1, sizeof(*keys->source));
    if (keys->source == NULL) {
        free(keys);
        return JWTA_MEMORY;
    }
    for (size_t i = 0; i < conf->issuer_count; i++)
        (void)pthread_mutex_init(&keys->source[i].lock, NULL);
    *out = keys;
    return JWTA_OK;
}

void jwta_keys_free(struct jwta_keys **keys)
{
    if (*keys == NULL)
        return;
    for (size_t i = 0; i < (*keys)->conf->issuer_count; i++) {
        jwta_keyset_unref(&(*keys)->source[i].set);
        (void)pthread_mutex_destroy(&(*keys)->source[i].lock);
    }
    free((*keys)->source);
    free(*keys);
    *keys = NULL;
}

/* Reads a key file once, with the trust asked for. */
static enum jwta_code read_set(const struct jwta_keys *keys, const char *path,
                               enum jwta_file_trust trust, struct jwta_file_id *id,
                               struct jwta_keyset **out, struct jwta_why *why)
{
    struct jwta_buf text = {0};
    struct jwta_why reason = {0};
    enum jwta_code code = JWTA_OK;

    switch (jwta_file_read(path, trust, keys->expected, JWTA_KEYS_MAX, &text, id, &reason)) {
    case JWTA_FILE_OK:
        code = jwta_keyset_parse(jwta_buf_span(&text), out, &reason);
        if (code != JWTA_OK)
            code = jwta_fail(why, code, "%s: %s", path, reason.text);
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
static enum jwta_code load_file(const struct jwta_keys *keys, const char *path,
                                struct source *source)
{
    struct jwta_keyset *set = NULL;
    enum jwta_code code = read_set(keys, path, keys->trust, &source->id, &set, &source->why);

    if (code == JWTA_OK && keys->trust == JWTA_FILE_TRUSTED && jwta_keyset_symmetric(set)) {
        jwta_keyset_unref(&set);
        code = read_set(keys, path, JWTA_FILE_SECRET, &source->id, &set, &source->why);
    }
    source->set = set;
    return code;
}

static enum jwta_code refresh(const struct jwta_keys *keys, const struct jwta_issuer *issuer,
                              struct source *source)
{
    struct jwta_file_id id = {0};

    if (issuer->jwks.kind != JWTA_JWKS_FILE)
        return jwta_fail(&source->why, JWTA_KEYS_UNAVAILABLE,
                         "this version takes keys from a file only (jwks at %s:%u)",
                         issuer->jwks.where.file, issuer->jwks.where.line);
    /* A file that was as young as the clock's tick when it was read may have been written to since.
     */
    if (source->set != NULL && source->loaded - source->id.ctime.tv_sec >= YOUNG &&
        jwta_file_identify(issuer->jwks.place, &id) && jwta_file_same(&id, &source->id))
        return JWTA_OK;
    jwta_keyset_unref(&source->set);
    source->loaded = (int64_t)time(NULL);
    return load_file(keys, issuer->jwks.place, source);
}

enum jwta_code jwta_keys_get(struct jwta_keys *keys, const struct jwta_issuer *issuer, int64_t now,
                             struct jwta_keyset **out, struct jwta_why *why)
{
    struct source *source = &keys->source[issuer - keys->conf->issuers];
    enum jwta_code code = JWTA_OK;

    (void)pthread_mutex_lock(&source->lock);
    if (!source->tried || source->checked != now) {
        source->why.code = JWTA_OK;
        source->why.code = refresh(keys, issuer, source);
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
