/* SPDX-License-Identifier: BSD-2-Clause */
/* groups: the table from roles at the issuer to local groups, and the groups of this host. */
#include "common/conf_private.h"

#include <stdlib.h>
#include <string.h>

static void read_mapping(const struct jwta_setting *setting, const struct jwta_node *role,
                         const struct jwta_node *groups, struct jwta_mapping *out)
{
    const struct jwta_setting names = {.loader = setting->loader, .key = role, .value = groups};
    struct jwta_strings list = {0};

    out->role.where = jwta_setting_where(&names);
    out->role.text = jwta_conf_copy(setting->loader, role->text, strlen(role->text));
    if (role->text[0] == '\0')
        jwta_conf_error(setting->loader, out->role.where, "\"groups\" maps an empty role");
    (void)jwta_setting_list(&names, groups, &list);
    if (list.count > 0)
        out->group = jwta_conf_array(setting->loader, list.count, sizeof(*out->group));
    for (size_t i = 0; out->group != NULL && i < list.count; i++) {
        out->group[out->count++].name = list.item[i].text;
        list.item[i].text = NULL;
    }
    jwta_strings_clear(&list);
}

static int compare_roles(const void *a, const void *b)
{
    const struct jwta_mapping *left = a;
    const struct jwta_mapping *right = b;

    return strcmp(left->role.text, right->role.text);
}

void jwta_set_MAPPINGS(const struct jwta_setting *setting, void *member)
{
    struct jwta_mappings *out = member;
    const struct jwta_node *value = setting->value;

    out->where = jwta_setting_where(setting);
    if (value->kind != JWTA_NODE_MAPPING || value->children == 0) {
        jwta_conf_error(setting->loader, out->where,
                        "\"groups\" needs a mapping, each line a role and its groups "
                        "(role: [group, group])");
        return;
    }
    out->item = jwta_conf_array(setting->loader, value->children / 2, sizeof(*out->item));
    for (size_t i = 0; out->item != NULL && i + 1 < value->children; i += 2) {
        struct jwta_mapping *item = &out->item[out->count++];
        read_mapping(setting, value->child[i], value->child[i + 1], item);
        if (item->role.text == NULL)
            return; /* out of memory: nothing to sort by */
    }
    if (out->item != NULL)
        qsort(out->item, out->count, sizeof(*out->item), compare_roles);
}

const struct jwta_mapping *jwta_conf_mapping(const struct jwta_issuer *issuer,
                                             struct jwta_span role)
{
    size_t low = 0;
    size_t high = issuer->groups.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct jwta_mapping *mapping = &issuer->groups.item[middle];
        size_t len = strlen(mapping->role.text);
        int order = memcmp(role.data, mapping->role.text, len < role.len ? len : role.len);
        if (order == 0)
            order = (role.len > len) - (role.len < len);
        if (order == 0)
            return mapping;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* One place that names a local group; role is NULL in allow_groups, which gives nobody anything. */
struct use {
    const char *name;
    const char *role;
    struct jwta_group *group;
    struct jwta_where where;
};

struct uses {
    struct use *item;
    size_t count;
};

static size_t count_uses(const struct jwta_conf *conf)
{
    size_t count = 0;

    for (size_t i = 0; i < conf->issuer_count; i++) {
        const struct jwta_mappings *mappings = &conf->issuers[i].groups;
        for (size_t j = 0; j < mappings->count; j++)
            count += mappings->item[j].count;
    }
    for (size_t i = 0; i < conf->service_count; i++)
        count += conf->services[i].allow_groups.count;
    return count;
}

static void collect_mapped(struct jwta_mappings *mappings, struct uses *uses)
{
    for (size_t i = 0; i < mappings->count; i++) {
        struct jwta_mapping *mapping = &mappings->item[i];
        for (size_t j = 0; j < mapping->count; j++)
            uses->item[uses->count++] = (struct use){.name = mapping->group[j].name,
                                                     .role = mapping->role.text,
                                                     .group = &mapping->group[j],
                                                     .where = mapping->role.where};
    }
}

static void collect_allowed(const struct jwta_strings *allowed, struct uses *uses)
{
    for (size_t i = 0; i < allowed->count; i++)
        uses->item[uses->count++] =
            (struct use){.name = allowed->item[i].text, .where = allowed->item[i].where};
}

static int compare_uses(const void *a, const void *b)
{
    const struct use *left = a;
    const struct use *right = b;

    return strcmp(left->name, right->name);
}

/* What is wrong with a group that is used so, or NULL. */
static const char *use_fault(const struct use *use, enum jwta_found found, gid_t gid)
{
    if (found == JWTA_NOT_FOUND)
        return "which does not exist on this host";
    if (found != JWTA_FOUND)
        return "which cannot be looked up: the group database does not answer";
    if (found == JWTA_FOUND && gid == (gid_t)-1)
        return "which has no gid that can be used";
    if (gid == 0 && use->role != NULL)
        return "which has gid 0; no role may give it";
    return NULL;
}

static void settle(struct jwta_loader *loader, const struct use *use, enum jwta_found found,
                   gid_t gid)
{
    const char *fault = use_fault(use, found, gid);

    if (use->group != NULL)
        use->group->gid = gid;
    if (fault == NULL)
        return;
    if (use->role != NULL)
        jwta_conf_error(loader, use->where, "role %s is mapped to group %s, %s",
                        JWTA_QUOTED(use->role), JWTA_QUOTED(use->name), fault);
    else
        jwta_conf_error(loader, use->where, "\"allow_groups\" names group %s, %s",
                        JWTA_QUOTED(use->name), fault);
}

void jwta_conf_check_groups(struct jwta_loader *loader)
{
    struct jwta_conf *conf = loader->conf;
    struct uses uses = {0};
    enum jwta_found found = JWTA_LOOKUP_FAILED;
    gid_t gid = (gid_t)-1;

    uses.item = jwta_conf_array(loader, count_uses(conf), sizeof(*uses.item));
    if (uses.item == NULL)
        return;
    for (size_t i = 0; i < conf->issuer_count; i++)
        collect_mapped(&conf->issuers[i].groups, &uses);
    for (size_t i = 0; i < conf->service_count; i++)
        collect_allowed(&conf->services[i].allow_groups, &uses);
    /* Sorted, all uses of one group are neighbours, and one look-up serves them. */
    qsort(uses.item, uses.count, sizeof(*uses.item), compare_uses);
    for (size_t i = 0; i < uses.count; i++) {
        const struct use *use = &uses.item[i];
        if (i == 0 || strcmp(use->name, uses.item[i - 1].name) != 0) {
            gid = (gid_t)-1;
            found = loader->host->group(loader->host, use->name, &gid);
        }
        settle(loader, use, found, gid);
    }
    free(uses.item);
}
