/* SPDX-License-Identifier: BSD-2-Clause */
/* The roles of a token, and the local groups that they give. */
#include "common/json.h"
#include "common/policy_private.h"

#include <stdlib.h>
#include <string.h>

/* More than a token of 16 KiB can hold as an array of strings would be a mistake of ours. */
#define ROLES_MAX (JWTA_TOKEN_MAX / 2)

static int compare_roles(const void *a, const void *b)
{
    const struct jwta_span *x = &((const struct jwta_ranked_role *)a)->role;
    const struct jwta_span *y = &((const struct jwta_ranked_role *)b)->role;
    size_t shorter = x->len < y->len ? x->len : y->len;
    int order = shorter > 0 ? memcmp(x->data, y->data, shorter) : 0;

    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static int compare_ranked(const void *a, const void *b)
{
    const struct jwta_ranked_role *x = a;
    const struct jwta_ranked_role *y = b;
    int order = compare_roles(a, b);

    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* Makes the index of the roles, and drops what is in the token twice. */
static enum jwta_code rank_roles(struct jwta_decision *out, struct jwta_role_index *index,
                                 struct jwta_why *why)
{
    size_t kept = 0;

    if (out->role_count == 0)
        return JWTA_OK;
    index->item = calloc(out->role_count, sizeof(*index->item));
    if (index->item == NULL)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    for (size_t i = 0; i < out->role_count; i++)
        index->item[i] = (struct jwta_ranked_role){out->role[i], i};
    qsort(index->item, out->role_count, sizeof(*index->item), compare_ranked);
    for (size_t i = 0; i < out->role_count; i++) {
        if (index->count > 0 && compare_roles(&index->item[i], &index->item[index->count - 1]) == 0)
            out->role[index->item[i].index].data = NULL;
        else
            index->item[index->count++] = index->item[i];
    }
    for (size_t i = 0; i < out->role_count; i++) {
        if (out->role[i].data != NULL)
            out->role[kept++] = out->role[i];
    }
    out->role_count = kept;
    return JWTA_OK;
}

static bool role_find(const struct jwta_role_index *index, struct jwta_span role)
{
    const struct jwta_ranked_role wanted = {role, 0};

    return index->count > 0 &&
           bsearch(&wanted, index->item, index->count, sizeof(*index->item), compare_roles) != NULL;
}

static enum jwta_code add_role(struct jwta_decision *out, struct jwta_span role, size_t *room,
                               struct jwta_why *why)
{
    if (out->role_count == *room) {
        size_t more = *room > 0 ? *room * 2 : 16;
        struct jwta_span *grown = NULL;

        if (more > ROLES_MAX)
            return jwta_fail(why, JWTA_INTERNAL, "more than %d roles", ROLES_MAX);
        grown = reallocarray(out->role, more, sizeof(out->role[0]));
        if (grown == NULL)
            return jwta_fail(why, JWTA_MEMORY, "out of memory");
        out->role = grown;
        *room = more;
    }
    out->role[out->role_count++] = role;
    return JWTA_OK;
}

enum jwta_code jwta_roles_read(const struct jwta_issuer *issuer, const json_t *payload,
                               struct jwta_decision *out, struct jwta_role_index *index,
                               struct jwta_why *why)
{
    size_t room = 0;

    for (size_t i = 0; i < issuer->roles.count; i++) {
        const struct jwta_string *pointer = &issuer->roles.item[i];
        struct jwta_words words;
        struct jwta_span role;

        if (jwta_words_start(&words, jwta_json_pointer(payload, pointer->text)) != JWTA_OK) {
            out->rule = pointer->where;
            return jwta_fail(why, JWTA_CLAIM_TYPE,
                             "%s: expected a string or an array of strings (%s:%u)", pointer->text,
                             pointer->where.file, pointer->where.line);
        }
        while (jwta_words_next(&words, &role)) {
            enum jwta_code code = add_role(out, role, &room, why);

            if (code != JWTA_OK)
                return code;
        }
    }
    return rank_roles(out, index, why);
}

/* Where a service has several issuers, its roles are written issuer/role. */
static bool role_named(const struct jwta_policy *s, const char *rule, struct jwta_span *role)
{
    size_t prefix = strlen(s->issuer->name);

    if (s->service->issuer_count < 2) {
        *role = jwta_span_of(rule);
        return true;
    }
    if (strncmp(rule, s->issuer->name, prefix) != 0 || rule[prefix] != '/')
        return false;
    *role = jwta_span_of(rule + prefix + 1);
    return true;
}

const struct jwta_where *jwta_roles_admit(const struct jwta_policy *s,
                                          const struct jwta_strings *rules)
{
    struct jwta_span role = {0};

    for (size_t i = 0; i < rules->count; i++) {
        if (role_named(s, rules->item[i].text, &role) && role_find(&s->index, role))
            return &rules->item[i].where;
    }
    return NULL;
}

/* By the table, not by what add_group kept: two names of one gid are both the user's. */
bool jwta_roles_give(const struct jwta_policy *s, const char *group)
{
    for (size_t i = 0; i < s->out->role_count; i++) {
        const struct jwta_mapping *mapping = jwta_conf_mapping(s->issuer, s->out->role[i]);

        for (size_t j = 0; mapping != NULL && j < mapping->count; j++) {
            if (strcmp(mapping->group[j].name, group) == 0)
                return true;
        }
    }
    return false;
}

static void add_group(struct jwta_decision *out, const struct jwta_group *group)
{
    for (size_t i = 0; i < out->group_count; i++) {
        if (out->group[i]->gid == group->gid)
            return;
    }
    out->group[out->group_count++] = group;
}

enum jwta_code jwta_roles_map(const struct jwta_issuer *issuer, struct jwta_decision *out,
                              struct jwta_why *why)
{
    const struct jwta_group **group = NULL;
    size_t most = 0;

    for (size_t i = 0; i < out->role_count; i++) {
        const struct jwta_mapping *mapping = jwta_conf_mapping(issuer, out->role[i]);

        most += mapping != NULL ? mapping->count : 0;
    }
    if (most == 0)
        return JWTA_OK;
    group = calloc(most, sizeof(*group));
    if (group == NULL)
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    out->group = group;
    out->group_count = 0;
    for (size_t i = 0; i < out->role_count; i++) {
        const struct jwta_mapping *mapping = jwta_conf_mapping(issuer, out->role[i]);

        for (size_t j = 0; mapping != NULL && j < mapping->count; j++)
            add_group(out, &mapping->group[j]);
    }
    return JWTA_OK;
}
