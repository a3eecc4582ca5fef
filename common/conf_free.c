/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/conf_private.h"

#include <stdlib.h>

/* One function for each TYPE of the keyword tables; those that own no memory do nothing. */

static void clear_STRING(struct jwta_string *member)
{
    free(member->text);
}

void jwta_strings_clear(struct jwta_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->item[i].text);
    free(strings->item);
}

static void clear_URL(struct jwta_string *member)
{
    free(member->text);
}

static void clear_STRINGS(struct jwta_strings *member)
{
    jwta_strings_clear(member);
}

static void clear_POINTERS(struct jwta_strings *member)
{
    jwta_strings_clear(member);
}

static void clear_NUMBER(struct jwta_number *member)
{
    (void)member;
}

static void clear_DURATION(struct jwta_number *member)
{
    (void)member;
}

static void clear_FLAG(struct jwta_flag *member)
{
    (void)member;
}

static void clear_GRANT(struct jwta_grant_rule *member)
{
    (void)member;
}

static void clear_ALGORITHMS(struct jwta_algorithms *member)
{
    (void)member;
}

static void clear_AUDIENCE(struct jwta_audience *member)
{
    jwta_strings_clear(&member->list);
}

static void clear_TYPES(struct jwta_types *member)
{
    jwta_strings_clear(&member->list);
}

static void clear_JWKS(struct jwta_jwks *member)
{
    free(member->place);
}

static void clear_TEMPLATE(struct jwta_template *member)
{
    for (size_t i = 0; i < member->count; i++)
        free(member->piece[i].text);
    free(member->piece);
}

static void clear_PATTERN(struct jwta_pattern *member)
{
    if (member->regex != NULL)
        regfree(member->regex);
    free(member->regex);
    free(member->text);
}

static void clear_MAPPINGS(struct jwta_mappings *member)
{
    for (size_t i = 0; i < member->count; i++) {
        struct jwta_mapping *mapping = &member->item[i];
        for (size_t j = 0; j < mapping->count; j++)
            free(mapping->group[j].name);
        free(mapping->group);
        free(mapping->role.text);
    }
    free(member->item);
}

static void clear_NAMES(struct jwta_namings *member)
{
    for (size_t i = 0; i < member->count; i++) {
        free(member->item[i].group.text);
        free(member->item[i].before);
        free(member->item[i].after);
    }
    free(member->item);
}

static void clear_REQUIREMENTS(struct jwta_requirements *member)
{
    for (size_t i = 0; i < member->count; i++) {
        free(member->item[i].pointer);
        free(member->item[i].value);
        free(member->item[i].text);
    }
    free(member->item);
}

static void clear_issuer(struct jwta_issuer *section)
{
#define X(keyword, type) clear_##type(&section->keyword);
    JWTA_ISSUER_KEYWORDS(X)
#undef X
    free(section->name);
}

static void clear_service(struct jwta_service *section)
{
#define X(keyword, type) clear_##type(&section->keyword);
    JWTA_SERVICE_KEYWORDS(X)
#undef X
    free(section->issuer);
    free(section->name);
}

static void clear_conf(struct jwta_conf *section)
{
#define X(keyword, type) clear_##type(&section->keyword);
    JWTA_CONF_KEYWORDS(X)
#undef X
    for (size_t i = 0; i < section->issuer_count; i++)
        clear_issuer(&section->issuers[i]);
    free(section->issuers);
    for (size_t i = 0; i < section->service_count; i++)
        clear_service(&section->services[i]);
    free(section->services);
    for (size_t i = 0; i < section->file_count; i++)
        free(section->files[i]);
    free(section->files);
}

void jwta_conf_free(struct jwta_conf **conf)
{
    if (*conf == NULL)
        return;
    clear_conf(*conf);
    free(*conf);
    *conf = NULL;
}
