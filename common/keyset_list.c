/* SPDX-License-Identifier: BSD-2-Clause */
/* A set as the cache keeps it: one member a line, which is read when it is first needed. */
#include "common/keyset_private.h"

#include "common/json.h"

#include <stdlib.h>
#include <string.h>

static enum jwta_code append_line(struct jwta_buf *out, const char *name, const char *json)
{
    enum jwta_code code = JWTA_MEMORY;

    if (name == NULL || json == NULL)
        return code;
    code = jwta_buf_append(out, jwta_span_of(name));
    if (code == JWTA_OK)
        code = jwta_buf_append(out, jwta_span_of(" "));
    if (code == JWTA_OK)
        code = jwta_buf_append(out, jwta_span_of(json));
    if (code == JWTA_OK)
        code = jwta_buf_append(out, jwta_span_of("\n"));
    return code;
}

/*
 * What a line begins with: the kid in quotes; NAME_NONE where there is none; NAME_INSIDE where it
 * would need an escape, so that one must look inside.
 */
#define NAME_NONE "-"
#define NAME_INSIDE "?"

static char *name_of(const struct jwta_member *member)
{
    const json_t *kid = json_object_get(member->json, "kid");
    char *name = json_is_string(kid) ? json_dumps(kid, JSON_ENCODE_ANY) : strdup(NAME_NONE);

    if (name == NULL || strchr(name, '\\') == NULL)
        return name;
    free(name);
    return strdup(NAME_INSIDE);
}

enum jwta_code jwta_keyset_list(const struct jwta_keyset *set, struct jwta_buf *out)
{
    enum jwta_code code = JWTA_OK;

    for (size_t i = 0; code == JWTA_OK && i < set->count; i++) {
        const struct jwta_member *member = atomic_load(&set->slot[i].member);
        char *name = name_of(member);
        char *json = json_dumps(member->json, JSON_COMPACT | JSON_ENCODE_ANY);

        code = append_line(out, name, json);
        free(name);
        free(json);
    }
    return code;
}

/* The next line, without its end; false if there is none. */
static bool next_line(struct jwta_span *rest, struct jwta_span *line)
{
    const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;

    if (end == NULL)
        return false;
    *line = jwta_span(rest->data, (size_t)(end - rest->data));
    rest->data += line->len + 1;
    rest->len -= line->len + 1;
    return true;
}

/* Whether a line may be one of a list. What stands in it is looked at when it is needed. */
static bool begins_well(struct jwta_span line)
{
    return line.len > 0 && memchr("\"" NAME_NONE NAME_INSIDE, line.data[0], 3) != NULL;
}

enum jwta_code jwta_keyset_from_list(struct jwta_buf *text, struct jwta_span lines,
                                     struct jwta_keyset **out, struct jwta_why *why)
{
    struct jwta_span rest = lines;
    struct jwta_span line = {0};
    struct jwta_keyset *set = NULL;
    size_t count = 0;

    while (next_line(&rest, &line) && begins_well(line))
        count++;
    if (rest.len > 0 || (line.data != NULL && !begins_well(line)))
        return jwta_fail(why, JWTA_KEYS_UNAVAILABLE, "no list of keys");
    set = jwta_keyset_new(count);
    if (set == NULL)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    for (rest = lines; next_line(&rest, &line); set->count++)
        set->slot[set->count].line = line;
    set->text = *text;
    *text = (struct jwta_buf){0};
    *out = set;
    return JWTA_OK;
}

/* The JSON of a line, behind its name, if that is the name of this kid. */
static bool split_line(struct jwta_span line, struct jwta_span *name, struct jwta_span *json)
{
    const char *end = NULL;

    *name = jwta_span(line.data, 1);
    if (line.data[0] == '"') {
        end = memchr(line.data + 1, '"', line.len - 1);
        if (end == NULL)
            return false;
        name->len = (size_t)(end - line.data) + 1;
    }
    if (line.len == name->len || line.data[name->len] != ' ')
        return false;
    *json = jwta_span(line.data + name->len + 1, line.len - name->len - 1);
    return true;
}

static bool is_named(struct jwta_span name, struct jwta_span kid)
{
    if (name.data[0] == '"')
        return jwta_span_equal(kid, jwta_span(name.data + 1, name.len - 2));
    return jwta_span_is(name, NAME_INSIDE) || kid.data == NULL;
}

/* Reads the member of a line. MEMORY. */
static enum jwta_code read_line(struct jwta_span line, struct jwta_member *member)
{
    struct jwta_span name = {0};
    struct jwta_span json = {0};
    enum jwta_code code = JWTA_JWK_MALFORMED;

    /* A key may have been all of what was parsed, and is read as deep again. */
    if (split_line(line, &name, &json))
        code = jwta_json_parse(json, JWTA_KEYSET_DEPTH, JWTA_JWK_MALFORMED, &member->json, NULL);
    if (code == JWTA_OK)
        code = jwta_jwk_read(member->json, &member->jwk, NULL);
    if (code == JWTA_OK && !is_named(name, member->jwk.kid)) {
        member->jwk.kid = jwta_span(NULL, 0);
        code = JWTA_JWK_MALFORMED;
    }
    /* What anybody can fetch is no secret. */
    if (code == JWTA_OK && member->jwk.kty == JWTA_KTY_OCT)
        code = JWTA_JWK_KTY;
    member->usable = code;
    return code == JWTA_MEMORY ? code : JWTA_OK;
}

enum jwta_code jwta_keyset_open(struct jwta_keyset *set, struct jwta_slot *slot,
                                struct jwta_member **out)
{
    struct jwta_member *member = atomic_load(&slot->member);
    enum jwta_code code = JWTA_OK;

    if (member == NULL) {
        (void)pthread_mutex_lock(&set->opening);
        member = atomic_load(&slot->member);
        if (member == NULL) {
            member = calloc(1, sizeof(*member));
            code = member != NULL ? read_line(slot->line, member) : JWTA_MEMORY;
            if (code == JWTA_OK)
                atomic_store(&slot->member, member);
        }
        (void)pthread_mutex_unlock(&set->opening);
    }
    if (code != JWTA_OK) {
        if (member != NULL)
            json_decref(member->json);
        free(member);
        return code;
    }
    *out = member;
    return JWTA_OK;
}

enum jwta_code jwta_keyset_open_named(struct jwta_keyset *set, struct jwta_slot *slot,
                                      struct jwta_span kid, struct jwta_member **out)
{
    struct jwta_span line = slot->line;
    bool quoted = line.len > kid.len + 2 && line.data[0] == '"' && line.data[kid.len + 1] == '"' &&
                  memcmp(line.data + 1, kid.data, kid.len) == 0;

    *out = NULL;
    if (atomic_load(&slot->member) == NULL && !quoted && line.data[0] != NAME_INSIDE[0])
        return JWTA_OK;
    return jwta_keyset_open(set, slot, out);
}
