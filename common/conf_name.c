/* SPDX-License-Identifier: BSD-2-Clause */
/* names: the names that a service's server is to see, by the groups that the token gives. */
#include "common/conf_private.h"
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

#define USER "{user}"
#define GROUP "{group}"

static void naming_error(const struct jwta_setting *setting, const char *template,
                         const char *fault)
{
    jwta_conf_error(setting->loader, jwta_setting_where(setting), "\"names\": %s %s",
                    JWTA_QUOTED(template), fault);
}

/* What may stand around a user's name, so that the whole is one, too. */
static bool literal_valid(const char *text)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_.@+-";

    return text[strspn(text, accepted)] == '\0';
}

/* The len bytes of template at text, with every {group} in it replaced; NULL without memory. */
static char *fill_group(struct jwta_loader *loader, const char *text, size_t len, const char *group)
{
    struct jwta_buf filled = {0};
    const char *end = text + len;
    enum jwta_code code = JWTA_OK;
    char *copy = NULL;

    while (text < end && code == JWTA_OK) {
        const char *found = memmem(text, (size_t)(end - text), GROUP, strlen(GROUP));
        const char *stop = found != NULL ? found : end;

        code = jwta_buf_append(&filled, jwta_span(text, (size_t)(stop - text)));
        if (code == JWTA_OK && found != NULL)
            code = jwta_buf_append(&filled, jwta_span_of(group));
        text = found != NULL ? found + strlen(GROUP) : end;
    }
    if (code == JWTA_OK)
        copy = jwta_conf_copy(loader, filled.data != NULL ? filled.data : "", filled.len);
    else
        loader->code = JWTA_MEMORY;
    jwta_buf_free(&filled);
    return copy;
}

static void read_naming(const struct jwta_setting *setting, struct jwta_naming *out)
{
    const char *group = setting->key->text;
    const char *template = jwta_setting_text(setting, setting->value);
    const char *user = NULL;
    const char *after = NULL;

    out->group.where = jwta_setting_where(setting);
    out->group.text = jwta_conf_copy(setting->loader, group, strlen(group));
    if (template == NULL || out->group.text == NULL)
        return;
    user = strstr(template, USER);
    if (user == NULL) {
        naming_error(setting, template, "has no {user}, so that all of a group would be one user");
        return;
    }
    after = user + strlen(USER);
    if (strstr(after, USER) != NULL) {
        naming_error(setting, template, "has more than one {user}");
        return;
    }
    out->before = fill_group(setting->loader, template, (size_t)(user - template), group);
    out->after = fill_group(setting->loader, after, strlen(after), group);
    if (out->before == NULL || out->after == NULL)
        return;
    if (!literal_valid(out->before) || !literal_valid(out->after))
        naming_error(setting, template,
                     "makes names with more than letters, digits and _ . @ + - in them");
    else if (out->before[0] != '\0' && strchr("-.+@", out->before[0]) != NULL)
        naming_error(setting, template, "makes names that begin with neither letter nor digit");
}

void jwta_set_NAMES(const struct jwta_setting *setting, void *member)
{
    struct jwta_namings *out = member;
    const struct jwta_node *value = setting->value;

    out->where = jwta_setting_where(setting);
    if (value->kind != JWTA_NODE_MAPPING || value->children == 0) {
        jwta_conf_error(setting->loader, out->where,
                        "\"names\" needs a mapping, each line a group and the name that its users "
                        "get (group: \"{user}@{group}\")");
        return;
    }
    out->item = jwta_conf_array(setting->loader, value->children / 2, sizeof(*out->item));
    for (size_t i = 0; out->item != NULL && i + 1 < value->children; i += 2) {
        const struct jwta_setting naming = {setting->loader, value->child[i], value->child[i + 1]};

        read_naming(&naming, &out->item[out->count++]);
    }
}

/* ------------------------------------------------------------------ what holds of them */

static void check_given(struct jwta_loader *loader, const struct jwta_service *service,
                        const struct jwta_string *group)
{
    bool given = service->issuer_count == 0;

    for (size_t i = 0; i < service->issuer_count; i++)
        given = given || jwta_conf_gives_group(service->issuer[i], group->text);
    if (!given)
        jwta_conf_warning(loader, group->where,
                          "no role of the issuers of service %s gives group %s, so that nobody "
                          "gets its name",
                          JWTA_QUOTED(service->name), JWTA_QUOTED(group->text));
}

/* Whether two users could get one name, each by one of both. */
static bool could_meet(const struct jwta_naming *a, const struct jwta_naming *b)
{
    struct jwta_span before[] = {jwta_span_of(a->before), jwta_span_of(b->before)};
    struct jwta_span after[] = {jwta_span_of(a->after), jwta_span_of(b->after)};
    size_t before_len = before[0].len < before[1].len ? before[0].len : before[1].len;
    size_t after_len = after[0].len < after[1].len ? after[0].len : after[1].len;
    bool same =
        jwta_text_compare(before[0], before[1]) == 0 && jwta_text_compare(after[0], after[1]) == 0;
    bool plain = before[0].len + after[0].len == 0 || before[1].len + after[1].len == 0;
    bool apart =
        (before[0].len == 0 && after[1].len == 0) || (before[1].len == 0 && after[0].len == 0);

    /*
     * The same template gives a user one name. Where one sets nothing around the user, or one only
     * something before and the other only behind, the second user would himself be called like a
     * user of the first group, and no login comes of that.
     */
    if (same || plain || apart)
        return false;
    return jwta_text_compare(jwta_span(a->before, before_len), jwta_span(b->before, before_len)) ==
               0 &&
           jwta_text_compare(jwta_span(a->after + after[0].len - after_len, after_len),
                             jwta_span(b->after + after[1].len - after_len, after_len)) == 0;
}

void jwta_conf_check_names(struct jwta_loader *loader, const struct jwta_service *service)
{
    const struct jwta_namings *names = &service->names;

    for (size_t i = 0; i < names->count; i++) {
        const struct jwta_naming *naming = &names->item[i];

        if (naming->group.text != NULL)
            check_given(loader, service, &naming->group);
        for (size_t j = 0; j < i && naming->after != NULL; j++) {
            if (names->item[j].after != NULL && could_meet(naming, &names->item[j]))
                jwta_conf_error(loader, naming->group.where,
                                "\"names\": two users could get one name, by this template and "
                                "that of group %s (%s:%u)",
                                JWTA_QUOTED(names->item[j].group.text),
                                names->item[j].group.where.file, names->item[j].group.where.line);
        }
    }
}
