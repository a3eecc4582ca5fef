/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of common/conf share among themselves; nobody else includes it. */
#ifndef JWTA_CONF_PRIVATE_H
#define JWTA_CONF_PRIVATE_H

#include "common/conf.h"
#include "common/conf_nearest.h"

#define JWTA_COUNT_ONE(keyword, type) +1
#define JWTA_TOP_KEYWORDS (0 JWTA_CONF_KEYWORDS(JWTA_COUNT_ONE))

/* A configuration being read. Every problem is collected; reading goes on after each. */
struct jwta_loader {
    struct jwta_conf *conf;
    const struct jwta_host *host;
    struct jwta_problems *problems;
    const char *file; /* being read; owned by conf */
    size_t errors;    /* in this configuration */
    bool incomplete;  /* a file could not be read: what others refer to may stand there */
    struct jwta_where seen[JWTA_TOP_KEYWORDS]; /* where each top keyword was set */
    enum jwta_code code;                       /* why it could not, or MEMORY; else OK */
};

/* One setting being read: keyword and value as they stand in the file. */
struct jwta_setting {
    struct jwta_loader *loader;
    const struct jwta_node *key;
    const struct jwta_node *value;
};

struct jwta_where jwta_setting_where(const struct jwta_setting *setting);

/* conf_problem.c: what is wrong. Texts quote what stands in the file by JWTA_QUOTED. */
#define JWTA_QUOTED(text) jwta_quote(&(struct jwta_quoted){{0}}, jwta_span_of(text))

void jwta_conf_error(struct jwta_loader *loader, struct jwta_where where, const char *format, ...)
    JWTA_PRINTF(3, 4);
void jwta_conf_warning(struct jwta_loader *loader, struct jwta_where where, const char *format, ...)
    JWTA_PRINTF(3, 4);

/* Memory that the configuration will own; NULL with MEMORY noted in the loader. */
char *jwta_conf_copy(struct jwta_loader *loader, const char *text, size_t len);
void *jwta_conf_array(struct jwta_loader *loader, size_t count, size_t size);

/*
 * Setters, one for each TYPE of the keyword tables: type the value and store it in member, which is
 * of JWTA_STRUCT_TYPE and zero. What is wrong becomes a problem; where is set in any case.
 */
#define JWTA_SETTER(type) void jwta_set_##type(const struct jwta_setting *setting, void *member);
JWTA_SETTER(STRING)
JWTA_SETTER(URL)
JWTA_SETTER(STRINGS)
JWTA_SETTER(POINTERS)
JWTA_SETTER(NUMBER)
JWTA_SETTER(DURATION)
JWTA_SETTER(FLAG)
JWTA_SETTER(AUDIENCE)
JWTA_SETTER(ALGORITHMS)
JWTA_SETTER(JWKS)
JWTA_SETTER(TEMPLATE)
JWTA_SETTER(PATTERN)
JWTA_SETTER(MAPPINGS)
JWTA_SETTER(REQUIREMENTS)
JWTA_SETTER(TYPES)
JWTA_SETTER(NAMES)
JWTA_SETTER(GRANT)
#undef JWTA_SETTER

/* The text of a scalar that is not empty; else NULL, and the problem is noted. */
const char *jwta_setting_text(const struct jwta_setting *setting, const struct jwta_node *node);
/* A list of texts, or one alone; false, and the problem is noted, when it is none. */
bool jwta_setting_list(const struct jwta_setting *setting, const struct jwta_node *node,
                       struct jwta_strings *out);
void jwta_strings_clear(struct jwta_strings *strings);

/* conf_section.c: one file's tree, loader->file. */
void jwta_conf_read_tree(struct jwta_loader *loader, const struct jwta_node *root);

/* conf_group.c: looks up the local groups that the configuration names, each once. */
void jwta_conf_check_groups(struct jwta_loader *loader);

/* conf_name.c: a service's names: groups that somebody has, templates that no name fits twice. */
void jwta_conf_check_names(struct jwta_loader *loader, const struct jwta_service *service);

/* conf_hint.c: warns of what lets one person be another. */
void jwta_conf_hint(struct jwta_loader *loader, const struct jwta_service *service);

/* conf_service.c: whether any role of the issuer gives the group. */
bool jwta_conf_gives_group(const struct jwta_issuer *issuer, const char *group);

/* conf_service.c: services by themselves, and the issuers that they name. */
void jwta_conf_check_services(struct jwta_loader *loader);

/* conf_check.c: defaults, and what one keyword asks of another; calls the two above. */
void jwta_conf_check(struct jwta_loader *loader);

/* A number that was set and read must lie within least and most; range says so in words. */
void jwta_conf_check_range(struct jwta_loader *loader, const char *keyword,
                           const struct jwta_number *number, int64_t least, int64_t most,
                           const char *range);

/* Ages and lifetimes: 0 would refuse every token, and ten years are for ever. */
#define JWTA_AGE_MAX (INT64_C(3650) * 86400)
#define JWTA_AGE_RANGE "from 1s to 3650d"

#endif
