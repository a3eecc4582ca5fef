/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/keyset_private.h"

#include "common/json.h"
#include "common/keyset_guess.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct jwta_keyset *jwta_keyset_new(size_t count)
{
    struct jwta_keyset *set = calloc(1, sizeof(*set));

    if (set == NULL)
        return NULL;
    set->slot = calloc(count > 0 ? count : 1, sizeof(*set->slot));
    if (set->slot == NULL) {
        free(set);
        return NULL;
    }
    atomic_init(&set->references, 1);
    (void)pthread_mutex_init(&set->opening, NULL);
    return set;
}

/* ------------------------------------------------------------------ from JSON */

static enum jwta_code add_member(struct jwta_keyset *set, json_t *json, struct jwta_member **out)
{
    struct jwta_member *member = calloc(1, sizeof(*member));

    if (member == NULL)
        return JWTA_MEMORY;
    member->json = json_incref(json);
    member->usable = jwta_jwk_read(json, &member->jwk, NULL);
    atomic_store(&set->slot[set->count++].member, member);
    *out = member;
    return member->usable == JWTA_MEMORY ? JWTA_MEMORY : JWTA_OK;
}

/* RFC 7517 section 5.1: members that are not understood are ignored, one by one. */
static enum jwta_code read_members(struct jwta_keyset *set, json_t *keys, size_t count,
                                   struct jwta_why *why)
{
    bool symmetric = false;
    bool asymmetric = false;

    for (size_t i = 0; i < count; i++) {
        struct jwta_member *member = NULL;

        if (add_member(set, json_is_array(keys) ? json_array_get(keys, i) : keys, &member) !=
            JWTA_OK)
            return jwta_fail(why, JWTA_MEMORY, "out of memory");
        if (jwta_span_is(member->jwk.kty_name, "oct"))
            set->symmetric = true;
        if (member->usable == JWTA_OK) {
            symmetric = symmetric || member->jwk.kty == JWTA_KTY_OCT;
            asymmetric = asymmetric || member->jwk.kty != JWTA_KTY_OCT;
        }
    }
    if (symmetric && asymmetric)
        return jwta_fail(why, JWTA_KEY_SET_MIXED,
                         "the key set mixes symmetric and asymmetric keys");
    return JWTA_OK;
}

enum jwta_code jwta_keyset_parse(struct jwta_span text, struct jwta_keyset **out,
                                 struct jwta_why *why)
{
    struct jwta_keyset *set = NULL;
    json_t *root = NULL;
    json_t *keys = NULL;
    size_t count = 0;
    enum jwta_code code =
        jwta_json_parse(text, JWTA_KEYSET_DEPTH, JWTA_KEYS_UNAVAILABLE, &root, why);

    if (code != JWTA_OK) {
        /* What is wrong with a key file is no denial of the token's holder. */
        if (jwta_code_class(code) == JWTA_CLASS_DENIED)
            code = jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "no JWK set: %s", jwta_code_text(code));
        if (code != JWTA_MEMORY)
            jwta_keyset_guess(text, NULL, why);
        return code;
    }
    keys = json_object_get(root, "keys");
    if (keys == NULL && json_object_get(root, "kty") != NULL)
        keys = root;
    else if (!json_is_array(keys)) {
        code = jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "neither a JWK set nor a JWK");
        jwta_keyset_guess(text, root, why);
        goto out;
    }
    count = json_is_array(keys) ? json_array_size(keys) : 1;
    if (count > JWTA_KEYSET_MEMBERS) {
        code = jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "%zu members, and %d are the most", count,
                         JWTA_KEYSET_MEMBERS);
        goto out;
    }
    set = jwta_keyset_new(count);
    code = set != NULL ? read_members(set, keys, count, why)
                       : jwta_fail(why, JWTA_MEMORY, "out of memory");
    if (code == JWTA_OK) {
        *out = set;
        set = NULL;
    }
out:
    json_decref(root);
    jwta_keyset_unref(&set);
    return code;
}

/* ------------------------------------------------------------------ snapshots */

struct jwta_keyset *jwta_keyset_ref(struct jwta_keyset *set)
{
    (void)atomic_fetch_add(&set->references, 1);
    return set;
}

static void free_member(struct jwta_member *member, bool secret)
{
    struct jwta_key *key = NULL;

    if (member == NULL)
        return;
    key = atomic_load(&member->key);
    jwta_key_free(&key);
    if (secret)
        jwta_json_wipe(member->json);
    json_decref(member->json);
    free(member);
}

void jwta_keyset_unref(struct jwta_keyset **set)
{
    struct jwta_keyset *last = *set;

    *set = NULL;
    if (last == NULL || atomic_fetch_sub(&last->references, 1) != 1)
        return;
    for (size_t i = 0; i < last->count; i++)
        free_member(atomic_load(&last->slot[i].member), last->symmetric);
    free(last->slot);
    jwta_buf_free(&last->text);
    (void)pthread_mutex_destroy(&last->opening);
    free(last);
}

bool jwta_keyset_symmetric(const struct jwta_keyset *set)
{
    return set->symmetric;
}

/* The imported key of a member that says it is usable. */
static enum jwta_code import(struct jwta_keyset *set, struct jwta_member *member,
                             struct jwta_key **out, struct jwta_why *why)
{
    struct jwta_key *key = atomic_load(&member->key);
    enum jwta_code code = JWTA_OK;

    if (key == NULL) {
        (void)pthread_mutex_lock(&set->opening);
        key = atomic_load(&member->key);
        if (key == NULL)
            code = jwta_key_import(&member->jwk, &key, why);
        if (code == JWTA_OK)
            atomic_store(&member->key, key);
        (void)pthread_mutex_unlock(&set->opening);
    }
    if (code == JWTA_OK)
        *out = key;
    return code;
}

bool jwta_keyset_at(struct jwta_keyset *set, size_t index, struct jwta_keyset_entry *out)
{
    struct jwta_member *member = NULL;
    struct jwta_key *key = NULL;

    if (index >= set->count)
        return false;
    *out = (struct jwta_keyset_entry){.usable = jwta_keyset_open(set, &set->slot[index], &member)};
    if (out->usable == JWTA_OK)
        out->usable = jwta_jwk_read(member->json, &out->jwk, &out->why);
    if (out->usable == JWTA_OK && member->usable != JWTA_OK)
        out->usable =
            jwta_fail(&out->why, member->usable, "%s",
                      member->jwk.kty == JWTA_KTY_OCT ? "what is published is no secret"
                                                      : "its line in the cache is of another kid");
    if (out->usable == JWTA_OK)
        out->usable = import(set, member, &key, &out->why);
    return true;
}

/* Whether an import failed for what the key is, so that the others may still serve. */
static bool passed_over(enum jwta_code code)
{
    return code != JWTA_OK && jwta_code_class(code) == JWTA_CLASS_DENIED;
}

/*
 * With a kid (RFC 7515 section 4.1.4): the member that has it and fits. Two that fit are an
 * ambiguity, even where only one of them would pass its import, unless they are the same key.
 */
static struct jwta_member *find_kid(struct jwta_keyset *set, struct jwta_span kid,
                                    const struct jwta_alg *alg, enum jwta_code *code,
                                    struct jwta_why *why)
{
    struct jwta_member *found = NULL;
    const struct jwta_member *other = NULL;
    struct jwta_quoted quoted;

    for (size_t i = 0; i < set->count; i++) {
        struct jwta_member *member = NULL;

        *code = jwta_keyset_open_named(set, &set->slot[i], kid, &member);
        if (*code != JWTA_OK) {
            (void)jwta_fail(why, *code, "out of memory");
            return NULL;
        }
        if (member == NULL || !jwta_span_equal(member->jwk.kid, kid))
            continue;
        if (member->usable != JWTA_OK || !jwta_jwk_fits(&member->jwk, alg)) {
            other = member;
        } else if (found == NULL) {
            found = member;
        } else if (!jwta_jwk_same_material(&found->jwk, &member->jwk)) {
            *code = jwta_fail(why, JWTA_KEY_AMBIGUOUS, "several different keys have kid %s",
                              jwta_quote(&quoted, kid));
            return NULL;
        }
    }
    if (found == NULL && other == NULL)
        *code = jwta_fail(why, JWTA_NO_KEY, "kid %s is not among the issuer's %zu keys",
                          jwta_quote(&quoted, kid), set->count);
    else if (found == NULL && other->usable != JWTA_OK)
        *code = jwta_fail(why, JWTA_NO_KEY, "key %s is passed over: %s", jwta_quote(&quoted, kid),
                          jwta_code_text(other->usable));
    else if (found == NULL)
        *code = jwta_fail(why, JWTA_KEY_MISFIT, "key %s does not fit %s", jwta_quote(&quoted, kid),
                          alg->name);
    return found;
}

static enum jwta_code find_without_kid(struct jwta_keyset *set, const struct jwta_alg *alg,
                                       struct jwta_key *tries[JWTA_KEY_TRIES], size_t *count,
                                       bool *more, struct jwta_why *why)
{
    for (size_t i = 0; i < set->count; i++) {
        struct jwta_member *member = NULL;
        struct jwta_key *key = NULL;
        enum jwta_code code = jwta_keyset_open(set, &set->slot[i], &member);

        if (code != JWTA_OK)
            return jwta_fail(why, code, "out of memory");
        if (member->usable != JWTA_OK || !jwta_jwk_fits(&member->jwk, alg))
            continue;
        if (*count == JWTA_KEY_TRIES) {
            *more = true;
            break;
        }
        code = import(set, member, &key, why);
        if (passed_over(code))
            continue;
        if (code != JWTA_OK)
            return code;
        tries[(*count)++] = key;
    }
    if (*count == 0)
        return jwta_fail(why, JWTA_NO_KEY, "no kid, and none of the issuer's %zu keys fits %s",
                         set->count, alg->name);
    return JWTA_OK;
}

enum jwta_code jwta_keyset_find(struct jwta_keyset *set, struct jwta_span kid,
                                const struct jwta_alg *alg, struct jwta_key *tries[JWTA_KEY_TRIES],
                                size_t *count, bool *more, struct jwta_why *why)
{
    struct jwta_member *member = NULL;
    struct jwta_why reason = {0};
    struct jwta_quoted quoted;
    enum jwta_code code = JWTA_OK;

    *count = 0;
    *more = false;
    if (kid.data == NULL)
        return find_without_kid(set, alg, tries, count, more, why);
    member = find_kid(set, kid, alg, &code, why);
    if (member == NULL)
        return code;
    code = import(set, member, &tries[0], &reason);
    if (passed_over(code))
        return jwta_fail(why, JWTA_NO_KEY, "key %s is passed over: %s", jwta_quote(&quoted, kid),
                         reason.text);
    if (code != JWTA_OK)
        return jwta_fail(why, code, "%s", reason.text);
    *count = 1;
    return JWTA_OK;
}
