/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/conf_private.h"

#include "common/url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX 512     /* it is to fit into an answer (RFC 7628 section 3.2.2) */
#define DIGITS_MAX 18   /* what surely fits an int64_t */
#define UNREADABLE (-1) /* a problem was noted, and no later check looks at the value */

static const struct {
    char unit;
    int64_t seconds;
} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

struct jwta_where jwta_setting_where(const struct jwta_setting *setting)
{
    return (struct jwta_where){.file = setting->loader->file, .line = setting->key->line};
}

static struct jwta_where node_where(const struct jwta_setting *setting,
                                    const struct jwta_node *node)
{
    return (struct jwta_where){.file = setting->loader->file, .line = node->line};
}

const char *jwta_setting_text(const struct jwta_setting *setting, const struct jwta_node *node)
{
    const char *fault = NULL;

    if (node->kind != JWTA_NODE_SCALAR)
        fault = "needs one value here, not a list or mapping";
    else if (node->text[0] == '\0')
        fault = "is given an empty text";
    if (fault == NULL)
        return node->text;
    jwta_conf_error(setting->loader, node_where(setting, node), "%s %s",
                    JWTA_QUOTED(setting->key->text), fault);
    return NULL;
}

bool jwta_setting_list(const struct jwta_setting *setting, const struct jwta_node *node,
                       struct jwta_strings *out)
{
    bool one = node->kind == JWTA_NODE_SCALAR;
    size_t count = one ? 1 : node->children;

    if (node->kind == JWTA_NODE_MAPPING || count == 0) {
        jwta_conf_error(setting->loader, node_where(setting, node),
                        count == 0 ? "%s is an empty list" : "%s needs a list, not a mapping",
                        JWTA_QUOTED(setting->key->text));
        return false;
    }
    out->item = jwta_conf_array(setting->loader, count, sizeof(*out->item));
    for (size_t i = 0; out->item != NULL && i < count; i++) {
        const struct jwta_node *item = one ? node : node->child[i];
        const char *text = jwta_setting_text(setting, item);
        if (text == NULL)
            continue;
        char *copy = jwta_conf_copy(setting->loader, text, strlen(text));
        if (copy == NULL)
            break;
        out->item[out->count++] =
            (struct jwta_string){.text = copy, .where = node_where(setting, item)};
    }
    return out->count == count;
}

void jwta_set_STRING(const struct jwta_setting *setting, void *member)
{
    struct jwta_string *out = member;
    const char *text = jwta_setting_text(setting, setting->value);

    out->where = jwta_setting_where(setting);
    if (text != NULL)
        out->text = jwta_conf_copy(setting->loader, text, strlen(text));
}

void jwta_set_URL(const struct jwta_setting *setting, void *member)
{
    struct jwta_string *out = member;
    const char *text = jwta_setting_text(setting, setting->value);
    const char *fault = text != NULL ? jwta_url_fault(text, 0) : NULL;

    out->where = jwta_setting_where(setting);
    if (fault == NULL && text != NULL && strlen(text) > URL_MAX)
        fault = "is longer than 512 bytes";
    if (fault != NULL)
        jwta_conf_error(setting->loader, out->where, "%s %s: %s", JWTA_QUOTED(setting->key->text),
                        fault, JWTA_QUOTED(text));
    else if (text != NULL)
        out->text = jwta_conf_copy(setting->loader, text, strlen(text));
}

void jwta_set_STRINGS(const struct jwta_setting *setting, void *member)
{
    struct jwta_strings *out = member;

    out->where = jwta_setting_where(setting);
    (void)jwta_setting_list(setting, setting->value, out);
}

/* Reads the digits that text begins with; returns what follows them, NULL if they are no number. */
static const char *read_digits(const char *text, int64_t *out)
{
    size_t digits = strspn(text, "0123456789");

    *out = 0;
    if (digits == 0 || digits > DIGITS_MAX)
        return NULL;
    for (size_t i = 0; i < digits; i++)
        *out = *out * 10 + (text[i] - '0');
    return text + digits;
}

void jwta_set_NUMBER(const struct jwta_setting *setting, void *member)
{
    struct jwta_number *out = member;
    const char *text = jwta_setting_text(setting, setting->value);
    int64_t value = 0;

    out->where = jwta_setting_where(setting);
    out->value = UNREADABLE;
    if (text == NULL)
        return;
    const char *rest = read_digits(text, &value);
    if (rest == NULL || *rest != '\0')
        jwta_conf_error(setting->loader, out->where, "%s must be a whole number, not %s",
                        JWTA_QUOTED(setting->key->text), JWTA_QUOTED(text));
    else
        out->value = value;
}

/* "15m" → 900; a bare number would leave open what it counts, but 0 is 0 of anything. */
static bool read_duration(const char *text, int64_t *out)
{
    int64_t count = 0;
    const char *unit = read_digits(text, &count);

    if (unit == NULL)
        return false;
    if (unit[0] == '\0') {
        *out = 0;
        return count == 0;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (unit[0] == units[i].unit && unit[1] == '\0')
            return !__builtin_mul_overflow(count, units[i].seconds, out);
    }
    return false;
}

void jwta_set_DURATION(const struct jwta_setting *setting, void *member)
{
    struct jwta_number *out = member;
    const char *text = jwta_setting_text(setting, setting->value);
    int64_t seconds = 0;

    out->where = jwta_setting_where(setting);
    out->value = UNREADABLE;
    if (text == NULL)
        return;
    if (!read_duration(text, &seconds))
        jwta_conf_error(setting->loader, out->where,
                        "%s must be a time such as 30s, 15m, 8h or 1d, not %s",
                        JWTA_QUOTED(setting->key->text), JWTA_QUOTED(text));
    else
        out->value = seconds;
}

void jwta_set_FLAG(const struct jwta_setting *setting, void *member)
{
    struct jwta_flag *out = member;
    const char *text = jwta_setting_text(setting, setting->value);

    out->where = jwta_setting_where(setting);
    if (text == NULL)
        return;
    out->value = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    if (!out->value && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
        jwta_conf_error(setting->loader, out->where, "%s must be yes or no, not %s",
                        JWTA_QUOTED(setting->key->text), JWTA_QUOTED(text));
}

void jwta_set_GRANT(const struct jwta_setting *setting, void *member)
{
    struct jwta_grant_rule *out = member;
    const char *text = jwta_setting_text(setting, setting->value);

    out->where = jwta_setting_where(setting);
    out->need = JWTA_GRANT_REQUIRED;
    if (text == NULL)
        return;
    if (strcmp(text, "optional") == 0)
        out->need = JWTA_GRANT_OPTIONAL;
    else if (strcmp(text, "required") != 0)
        jwta_conf_error(setting->loader, out->where,
                        "\"grant\" must be \"optional\" or \"required\", not %s",
                        JWTA_QUOTED(text));
}

void jwta_set_AUDIENCE(const struct jwta_setting *setting, void *member)
{
    struct jwta_audience *out = member;
    const struct jwta_node *value = setting->value;

    out->list.where = jwta_setting_where(setting);
    if (value->kind == JWTA_NODE_SCALAR && strcmp(value->text, "any") == 0) {
        out->any = true;
        return;
    }
    if (!jwta_setting_list(setting, value, &out->list))
        return;
    for (size_t i = 0; i < out->list.count; i++) {
        if (strcmp(out->list.item[i].text, "any") == 0)
            jwta_conf_error(setting->loader, out->list.item[i].where,
                            "\"any\" stands for every audience and so stands alone, in no list");
    }
}

void jwta_set_TYPES(const struct jwta_setting *setting, void *member)
{
    static const char application[] = "application/";
    struct jwta_types *out = member;
    size_t kept = 0;

    out->list.where = jwta_setting_where(setting);
    if (!jwta_setting_list(setting, setting->value, &out->list))
        return;
    for (size_t i = 0; i < out->list.count; i++) {
        struct jwta_string type = out->list.item[i];
        size_t len = strlen(type.text);
        if (strcmp(type.text, "absent") == 0) {
            out->absent = true;
            free(type.text);
            continue;
        }
        /* RFC 7515 section 4.1.9: a media type may stand without its "application/". */
        if (strncasecmp(type.text, application, sizeof(application) - 1) == 0)
            memmove(type.text, type.text + sizeof(application) - 1,
                    len + 1 - (sizeof(application) - 1));
        if (type.text[0] == '\0')
            jwta_conf_error(setting->loader, type.where, "\"typ\" has an empty media type");
        out->list.item[kept++] = type;
    }
    out->list.count = kept;
}

static void refuse_algorithm(const struct jwta_setting *setting, const struct jwta_string *name)
{
    struct jwta_nearest nearest = jwta_nearest_to(name->text);

    if (strcasecmp(name->text, "none") == 0) {
        jwta_conf_error(setting->loader, name->where,
                        "the algorithm %s means no signature and is never accepted",
                        JWTA_QUOTED(name->text));
        return;
    }
    for (size_t i = 0; jwta_alg_at(i) != NULL; i++) {
        const char *candidate = jwta_alg_at(i)->name;
        if (strcasecmp(name->text, candidate) == 0) {
            nearest.best = candidate;
            break;
        }
        jwta_nearest_offer(&nearest, candidate);
    }
    jwta_conf_error(setting->loader, name->where, "unknown algorithm %s%s", JWTA_QUOTED(name->text),
                    jwta_nearest_hint(&nearest));
}

void jwta_set_ALGORITHMS(const struct jwta_setting *setting, void *member)
{
    struct jwta_algorithms *out = member;
    struct jwta_strings names = {0};

    out->where = jwta_setting_where(setting);
    (void)jwta_setting_list(setting, setting->value, &names);
    for (size_t i = 0; i < names.count; i++) {
        const struct jwta_alg *alg = jwta_alg_find(jwta_span_of(names.item[i].text));
        if (alg != NULL)
            out->set = jwta_algs_add(out->set, alg);
        else
            refuse_algorithm(setting, &names.item[i]);
    }
    jwta_strings_clear(&names);
}

static void set_key_file(const struct jwta_setting *setting, struct jwta_jwks *out,
                         const char *path)
{
    out->kind = JWTA_JWKS_FILE;
    if (path[0] != '/')
        jwta_conf_error(setting->loader, out->where, "\"jwks\": the path %s is not absolute",
                        JWTA_QUOTED(path));
    else if (path[1] == '/')
        jwta_conf_error(setting->loader, out->where,
                        "\"jwks\": write file: and the absolute path, without \"//\"");
    else
        out->place = jwta_conf_copy(setting->loader, path, strlen(path));
}

void jwta_set_JWKS(const struct jwta_setting *setting, void *member)
{
    static const char file[] = "file:";
    struct jwta_jwks *out = member;
    const char *text = jwta_setting_text(setting, setting->value);

    out->where = jwta_setting_where(setting);
    if (text == NULL)
        return;
    if (strncmp(text, file, sizeof(file) - 1) == 0) {
        set_key_file(setting, out, text + sizeof(file) - 1);
        return;
    }
    if (strcmp(text, "discover") == 0) {
        out->kind = JWTA_JWKS_DISCOVER;
    } else if (strstr(text, "://") != NULL) {
        const char *fault = jwta_url_fault(text, JWTA_URL_QUERY);
        out->kind = JWTA_JWKS_URL;
        if (fault == NULL)
            out->place = jwta_conf_copy(setting->loader, text, strlen(text));
        else
            jwta_conf_error(setting->loader, out->where, "\"jwks\" %s: %s", fault,
                            JWTA_QUOTED(text));
    } else {
        jwta_conf_error(setting->loader, out->where,
                        "\"jwks\" must be \"file:/absolute/path\", \"discover\" or an https:// "
                        "URL, not %s",
                        JWTA_QUOTED(text));
    }
}
