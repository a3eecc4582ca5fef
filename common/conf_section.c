/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of one file into the configuration: sections, their keywords, the setter of each. */
#include "common/conf_private.h"

#include <stdlib.h>
#include <string.h>

/* A keyword: where its member lies in the struct of its section, and what reads its value. */
struct keyword {
    const char *name;
    size_t offset;
    void (*set)(const struct jwta_setting *setting, void *member);
};

#define KEYWORD(section, word, type) {#word, offsetof(struct section, word), jwta_set_##type},

static const struct keyword top_keywords[] = {
#define X(word, type) KEYWORD(jwta_conf, word, type)
    JWTA_CONF_KEYWORDS(X)
#undef X
        {0}};

static const struct keyword issuer_keywords[] = {
#define X(word, type) KEYWORD(jwta_issuer, word, type)
    JWTA_ISSUER_KEYWORDS(X)
#undef X
        {0}};

static const struct keyword service_keywords[] = {
#define X(word, type) KEYWORD(jwta_service, word, type)
    JWTA_SERVICE_KEYWORDS(X)
#undef X
        {0}};

static const char *const later_keywords[] = {
#define X(word) #word,
    JWTA_SERVICE_LATER(X)
#undef X
        NULL};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char sections[][9] = {"issuers", "services"};

static const struct {
    const struct keyword *keywords;
    const char *place;
} everywhere[] = {{top_keywords, "at the top of a file"},
                  {issuer_keywords, "in an issuer"},
                  {service_keywords, "in a service"}};

static const struct keyword *find_keyword(const struct keyword *keywords, const char *name)
{
    for (; keywords->name != NULL; keywords++) {
        if (strcmp(keywords->name, name) == 0)
            return keywords;
    }
    return NULL;
}

static bool is_later(const char *name)
{
    for (size_t i = 0; later_keywords[i] != NULL; i++) {
        if (strcmp(later_keywords[i], name) == 0)
            return true;
    }
    return false;
}

/* A word that stands in the wrong place, or is misspelt. */
static void refuse_keyword(const struct jwta_setting *setting, const struct keyword *keywords)
{
    const char *name = setting->key->text;
    struct jwta_nearest nearest = jwta_nearest_to(name);

    for (size_t i = 0; i < COUNT(everywhere); i++) {
        if (find_keyword(everywhere[i].keywords, name) == NULL)
            continue;
        jwta_conf_error(setting->loader, jwta_setting_where(setting), "%s stands %s, not here",
                        JWTA_QUOTED(name), everywhere[i].place);
        return;
    }
    for (const struct keyword *candidate = keywords; candidate->name != NULL; candidate++)
        jwta_nearest_offer(&nearest, candidate->name);
    for (size_t i = 0; keywords == service_keywords && later_keywords[i] != NULL; i++)
        jwta_nearest_offer(&nearest, later_keywords[i]);
    for (size_t i = 0; keywords == top_keywords && i < COUNT(sections); i++)
        jwta_nearest_offer(&nearest, sections[i]);
    jwta_conf_error(setting->loader, jwta_setting_where(setting), "unknown keyword %s%s",
                    JWTA_QUOTED(name), jwta_nearest_hint(&nearest));
}

/* Reads one setting of a section; seen holds where each of its keywords was set before. */
static void read_setting(const struct jwta_setting *setting, const struct keyword *keywords,
                         void *section, struct jwta_where *seen)
{
    const struct keyword *keyword = find_keyword(keywords, setting->key->text);

    if (keyword == NULL && keywords == service_keywords && is_later(setting->key->text)) {
        jwta_conf_warning(setting->loader, jwta_setting_where(setting),
                          "%s has no effect yet: this version does not act on it",
                          JWTA_QUOTED(setting->key->text));
        return;
    }
    if (keyword == NULL) {
        refuse_keyword(setting, keywords);
        if (keywords == service_keywords)
            ((struct jwta_service *)section)->misread = true;
        return;
    }
    struct jwta_where *before = &seen[keyword - keywords];
    if (before->file != NULL) {
        jwta_conf_error(setting->loader, jwta_setting_where(setting),
                        "\"%s\" is set a second time, after %s:%u", keyword->name, before->file,
                        before->line);
        return;
    }
    *before = jwta_setting_where(setting);
    keyword->set(setting, (char *)section + keyword->offset);
}

/* An issuer or a service: as many keywords as the larger of both knows. */
#define KEYWORDS_MAX                                                           \
    (COUNT(issuer_keywords) > COUNT(service_keywords) ? COUNT(issuer_keywords) \
                                                      : COUNT(service_keywords))

static void read_settings(const struct jwta_setting *section, const struct keyword *keywords,
                          void *members)
{
    const struct jwta_node *settings = section->value;
    struct jwta_where seen[KEYWORDS_MAX] = {0};

    for (size_t i = 0; i + 1 < settings->children; i += 2) {
        const struct jwta_setting setting = {section->loader, settings->child[i],
                                             settings->child[i + 1]};
        read_setting(&setting, keywords, members, seen);
    }
}

/* Names take part in "issuer/role", in log lines and in file names. */
static bool is_name(const char *text)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789._+@-";

    return text[0] != '\0' && text[0] != '.' && text[strspn(text, accepted)] == '\0';
}

/*
 * The name of a section that begins here, the configuration's to own; before is where its
 * namesake stands, if any. NULL, and the problem is noted, where none can begin.
 */
static char *section_name(const struct jwta_setting *section, const char *kind,
                          const struct jwta_where *before)
{
    struct jwta_loader *loader = section->loader;
    const char *name = section->key->text;
    struct jwta_where where = jwta_setting_where(section);

    if (is_name(name) && before == NULL && section->value->kind == JWTA_NODE_MAPPING)
        return jwta_conf_copy(loader, name, strlen(name));
    if (!is_name(name))
        jwta_conf_error(loader, where,
                        "%s name %s may have only letters, digits and . _ + @ -, and does not "
                        "begin with a period",
                        kind, JWTA_QUOTED(name));
    else if (before != NULL)
        jwta_conf_error(loader, where, "%s %s is defined a second time, after %s:%u", kind,
                        JWTA_QUOTED(name), before->file, before->line);
    else
        jwta_conf_error(loader, where, "%s %s needs a mapping (keyword: value)", kind,
                        JWTA_QUOTED(name));
    return NULL;
}

/* Room in array (of count elements) for the sections that stand in names; NULL without. */
static void *grow(const struct jwta_setting *names, void *array, size_t count, size_t size)
{
    struct jwta_loader *loader = names->loader;

    if (names->value->kind != JWTA_NODE_MAPPING) {
        jwta_conf_error(loader, jwta_setting_where(names),
                        "%s needs a mapping of names, each with its keywords",
                        JWTA_QUOTED(names->key->text));
        return NULL;
    }
    void *grown = reallocarray(array, count + names->value->children / 2 + 1, size);
    if (grown == NULL)
        loader->code = JWTA_MEMORY;
    return grown;
}

static const struct jwta_where *issuer_before(const struct jwta_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->issuer_count; i++) {
        if (strcmp(conf->issuers[i].name, name) == 0)
            return &conf->issuers[i].where;
    }
    return NULL;
}

static void read_issuers(const struct jwta_setting *names)
{
    struct jwta_loader *loader = names->loader;
    struct jwta_conf *conf = loader->conf;
    struct jwta_issuer *grown = grow(names, conf->issuers, conf->issuer_count, sizeof(*grown));

    if (grown == NULL)
        return;
    conf->issuers = grown;
    for (size_t i = 0; i + 1 < names->value->children; i += 2) {
        const struct jwta_setting section = {loader, names->value->child[i],
                                             names->value->child[i + 1]};
        char *name = section_name(&section, "issuer", issuer_before(conf, section.key->text));
        if (name == NULL)
            continue;
        struct jwta_issuer *issuer = &grown[conf->issuer_count++];
        *issuer = (struct jwta_issuer){.name = name, .where = jwta_setting_where(&section)};
        read_settings(&section, issuer_keywords, issuer);
    }
}

static const struct jwta_where *service_before(const struct jwta_conf *conf, const char *name)
{
    const struct jwta_service *service = jwta_conf_service(conf, name);

    return service != NULL ? &service->where : NULL;
}

static void read_services(const struct jwta_setting *names)
{
    struct jwta_loader *loader = names->loader;
    struct jwta_conf *conf = loader->conf;
    struct jwta_service *grown = grow(names, conf->services, conf->service_count, sizeof(*grown));

    if (grown == NULL)
        return;
    conf->services = grown;
    for (size_t i = 0; i + 1 < names->value->children; i += 2) {
        const struct jwta_setting section = {loader, names->value->child[i],
                                             names->value->child[i + 1]};
        char *name = section_name(&section, "service", service_before(conf, section.key->text));
        if (name == NULL)
            continue;
        struct jwta_service *service = &grown[conf->service_count++];
        *service = (struct jwta_service){.name = name, .where = jwta_setting_where(&section)};
        read_settings(&section, service_keywords, service);
    }
}

void jwta_conf_read_tree(struct jwta_loader *loader, const struct jwta_node *root)
{
    _Static_assert(COUNT(top_keywords) == COUNT(loader->seen) + 1, "one place for each keyword");

    for (size_t i = 0; i + 1 < root->children; i += 2) {
        const struct jwta_setting setting = {loader, root->child[i], root->child[i + 1]};
        if (strcmp(setting.key->text, sections[0]) == 0)
            read_issuers(&setting);
        else if (strcmp(setting.key->text, sections[1]) == 0)
            read_services(&setting);
        else
            read_setting(&setting, top_keywords, loader->conf, loader->seen);
    }
}
