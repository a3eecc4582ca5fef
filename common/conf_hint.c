/* SPDX-License-Identifier: BSD-2-Clause */
/* What is allowed, and seldom meant: settings by which one person can be another. */
#include "common/conf_private.h"

#include <string.h>

static bool same_template(const struct jwta_template *a, const struct jwta_template *b)
{
    if (a->count == 0 || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct jwta_piece *left = &a->piece[i];
        const struct jwta_piece *right = &b->piece[i];

        if (left->kind != right->kind || left->text == NULL || right->text == NULL ||
            strcmp(left->text, right->text) != 0)
            return false;
    }
    return true;
}

/* Whoever may choose a name at one issuer is then the user of that name of the other. */
static void hint_at_same_names(struct jwta_loader *loader, const struct jwta_service *service,
                               const struct jwta_issuer *issuer)
{
    for (size_t i = 0; i < service->issuer_count && service->issuer[i] != issuer; i++) {
        const struct jwta_issuer *other = service->issuer[i];

        /* Where that is set, the names of the two may well be different ones. */
        if (issuer->username_match.where.file != NULL || other->username_match.where.file != NULL ||
            !same_template(&issuer->username, &other->username))
            continue;
        jwta_conf_warning(loader, issuer->username.where,
                          "service %s: issuers %s and %s have the same \"username\": alice of one "
                          "is alice of the other (see username_match)",
                          JWTA_QUOTED(service->name), JWTA_QUOTED(other->name),
                          JWTA_QUOTED(issuer->name));
        return;
    }
}

static bool has(const struct jwta_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++) {
        if (strcmp(strings->item[i].text, text) == 0)
            return true;
    }
    return false;
}

/* Roles that everybody has who gets in do not choose anybody. */
static void hint_at_proxy_roles(struct jwta_loader *loader, const struct jwta_service *service)
{
    const struct jwta_strings *allowed = &service->allow_roles;

    if (allowed->count == 0 || service->allow_groups.where.file != NULL)
        return;
    for (size_t i = 0; i < allowed->count; i++) {
        if (!has(&service->proxy_roles, allowed->item[i].text))
            return;
    }
    jwta_conf_warning(loader, service->proxy_roles.where,
                      "service %s: \"proxy_roles\" has every role of \"allow_roles\": whoever is "
                      "let in may act as another",
                      JWTA_QUOTED(service->name));
}

void jwta_conf_hint(struct jwta_loader *loader, const struct jwta_service *service)
{
    for (size_t i = 1; i < service->issuer_count; i++)
        hint_at_same_names(loader, service, service->issuer[i]);
    hint_at_proxy_roles(loader, service);
}
