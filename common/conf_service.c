/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds of a service: the issuers, roles and groups it names, the audiences it accepts. */
#include "common/conf_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_NAME_SIZE 256

static const struct jwta_issuer *find_issuer(struct jwta_loader *loader,
                                             const struct jwta_string *name)
{
    const struct jwta_conf *conf = loader->conf;
    struct jwta_nearest nearest = jwta_nearest_to(name->text);

    for (size_t i = 0; i < conf->issuer_count; i++) {
        if (strcmp(conf->issuers[i].name, name->text) == 0)
            return &conf->issuers[i];
        jwta_nearest_offer(&nearest, conf->issuers[i].name);
    }
    jwta_conf_error(loader, name->where, "no issuer has the name %s%s", JWTA_QUOTED(name->text),
                    jwta_nearest_hint(&nearest));
    return NULL;
}

static void resolve_issuers(struct jwta_loader *loader, struct jwta_service *service)
{
    const struct jwta_strings *names = &service->issuers;

    if (names->where.file == NULL)
        jwta_conf_error(loader, service->where, "service %s has no \"issuers\"",
                        JWTA_QUOTED(service->name));
    if (names->count == 0)
        return;
    service->issuer = jwta_conf_array(loader, names->count, sizeof(struct jwta_issuer *));
    for (size_t i = 0; service->issuer != NULL && i < names->count; i++) {
        const struct jwta_issuer *issuer = find_issuer(loader, &names->item[i]);
        bool again = false;
        for (size_t j = 0; j < service->issuer_count; j++)
            again = again || service->issuer[j] == issuer;
        if (again)
            jwta_conf_error(loader, names->item[i].where, "\"issuers\" names %s twice",
                            JWTA_QUOTED(names->item[i].text));
        else if (issuer != NULL)
            service->issuer[service->issuer_count++] = issuer;
    }
}

/* Whether rule is written NAME/ROLE with the name of this issuer. */
static bool is_of_issuer(const char *rule, const struct jwta_issuer *issuer)
{
    size_t len = strlen(issuer->name);

    return strncmp(rule, issuer->name, len) == 0 && rule[len] == '/' && rule[len + 1] != '\0';
}

/* The issuer whose role a rule names; NULL where it is none's, and the problem is noted. */
static const struct jwta_issuer *issuer_of_rule(struct jwta_loader *loader,
                                                const struct jwta_service *service,
                                                const struct jwta_string *rule)
{
    const struct jwta_issuer *first = service->issuer[0];

    if (service->issuer_count == 1) {
        if (is_of_issuer(rule->text, first))
            jwta_conf_warning(loader, rule->where,
                              "with one issuer a role stands alone: %s is looked for as it is, "
                              "with the name of the issuer in it",
                              JWTA_QUOTED(rule->text));
        return first;
    }
    for (size_t i = 0; i < service->issuer_count; i++) {
        if (is_of_issuer(rule->text, service->issuer[i]))
            return service->issuer[i];
    }
    jwta_conf_error(loader, rule->where,
                    "service %s has several issuers: write %s with its issuer, as in \"%s/ROLE\"",
                    JWTA_QUOTED(service->name), JWTA_QUOTED(rule->text), first->name);
    return NULL;
}

/* allow_roles and proxy_roles are written alike. */
static void check_roles(struct jwta_loader *loader, const struct jwta_service *service,
                        const char *keyword, const struct jwta_strings *rules)
{
    /* While an issuer is missing nobody can say how many there are meant to be. */
    if (service->issuer_count == 0 || service->issuer_count != service->issuers.count)
        return;
    for (size_t i = 0; i < rules->count; i++) {
        const struct jwta_issuer *issuer = issuer_of_rule(loader, service, &rules->item[i]);
        if (issuer != NULL && issuer->roles.where.file == NULL)
            jwta_conf_error(loader, rules->item[i].where,
                            "\"%s\" names %s, but issuer %s has no \"roles\" that say "
                            "where in a token they stand",
                            keyword, JWTA_QUOTED(rules->item[i].text), JWTA_QUOTED(issuer->name));
    }
}

bool jwta_conf_gives_group(const struct jwta_issuer *issuer, const char *group)
{
    for (size_t i = 0; i < issuer->groups.count; i++) {
        const struct jwta_mapping *mapping = &issuer->groups.item[i];
        for (size_t j = 0; j < mapping->count; j++) {
            if (strcmp(mapping->group[j].name, group) == 0)
                return true;
        }
    }
    return false;
}

static void check_groups(struct jwta_loader *loader, const struct jwta_service *service)
{
    const struct jwta_strings *groups = &service->allow_groups;

    for (size_t i = 0; service->issuer_count > 0 && i < groups->count; i++) {
        bool given = false;
        for (size_t j = 0; j < service->issuer_count; j++)
            given = given || jwta_conf_gives_group(service->issuer[j], groups->item[i].text);
        if (!given)
            jwta_conf_warning(loader, groups->item[i].where,
                              "no role of the issuers of service %s gives group %s, so that "
                              "allowing it lets nobody in",
                              JWTA_QUOTED(service->name), JWTA_QUOTED(groups->item[i].text));
    }
    if (service->allow_roles.where.file == NULL && groups->where.file == NULL && !service->misread)
        jwta_conf_warning(loader, service->where,
                          "service %s has neither \"allow_roles\" nor \"allow_groups\": every "
                          "user with a valid token may log in",
                          JWTA_QUOTED(service->name));
}

/* RFC 6749 section 3.3: a space separates scopes, so that none has one in it. */
static void check_scope(struct jwta_loader *loader, const struct jwta_service *service)
{
    for (size_t i = 0; i < service->scope.count; i++) {
        const struct jwta_string *word = &service->scope.item[i];
        if (strchr(word->text, ' ') != NULL)
            jwta_conf_error(loader, word->where,
                            "\"scope\": %s is several words; write a list, [one, two]",
                            JWTA_QUOTED(word->text));
    }
}

/*
 * Where clients find the metadata of the provider that they are to ask for a token (RFC 7628
 * section 3.2.2). One that is discovered has it at the place of OpenID Connect Discovery 1.0
 * section 4, before which a terminating "/" of the issuer is left out.
 */
static void default_metadata(struct jwta_loader *loader, struct jwta_service *service)
{
    const struct jwta_issuer *first = service->issuer_count > 0 ? service->issuer[0] : NULL;
    size_t len = 0;
    char *url = NULL;

    if (service->openid_configuration.where.file != NULL || first == NULL ||
        first->jwks.where.file == NULL || first->jwks.kind != JWTA_JWKS_DISCOVER ||
        first->issuer.text == NULL)
        return;
    len = strlen(first->issuer.text);
    while (len > 0 && first->issuer.text[len - 1] == '/')
        len--;
    if (asprintf(&url, "%.*s/.well-known/openid-configuration", (int)len, first->issuer.text) < 0)
        loader->code = JWTA_MEMORY;
    else
        service->openid_configuration.text = url;
}

/* The configured name, else the kernel's: never DNS, which others answer. */
static const char *host_name(struct jwta_loader *loader, struct jwta_where where,
                             char kernel[HOST_NAME_SIZE])
{
    if (loader->conf->host_name.text != NULL)
        return loader->conf->host_name.text;
    if (loader->host->name(loader->host, kernel, HOST_NAME_SIZE))
        return kernel;
    jwta_conf_error(loader, where, "this host has no name for %%h; set \"host_name\"");
    return NULL;
}

/* What `%` and the letter after it stand for; NULL where it is nothing, and the problem is noted.
 */
static const char *expansion(struct jwta_loader *loader, const struct jwta_string *audience,
                             char letter, char kernel[HOST_NAME_SIZE])
{
    if (letter == 'h')
        return host_name(loader, audience->where, kernel);
    if (letter == '%')
        return "%";
    jwta_conf_error(loader, audience->where,
                    "\"audience\": %s has a %% that is neither %%h (the host's name) nor %%%%",
                    JWTA_QUOTED(audience->text));
    return NULL;
}

static void expand(struct jwta_loader *loader, struct jwta_string *audience)
{
    struct jwta_buf expanded = {0};
    const char *rest = audience->text;
    char kernel[HOST_NAME_SIZE];

    while (*rest != '\0') {
        size_t literal = strcspn(rest, "%");
        const char *with = "";
        if (rest[literal] == '%') {
            with = expansion(loader, audience, rest[literal + 1], kernel);
            if (with == NULL)
                goto out;
        }
        if (jwta_buf_append(&expanded, jwta_span(rest, literal)) != JWTA_OK ||
            jwta_buf_append(&expanded, jwta_span_of(with)) != JWTA_OK) {
            loader->code = JWTA_MEMORY;
            goto out;
        }
        rest += literal + (rest[literal] == '%' ? 2 : 0);
    }
    char *text = jwta_conf_copy(loader, expanded.data, expanded.len);
    if (text != NULL) {
        free(audience->text);
        audience->text = text;
    }
out:
    jwta_buf_free(&expanded);
}

static void check_audience(struct jwta_loader *loader, struct jwta_service *service)
{
    struct jwta_audience *audience = &service->audience;

    if (audience->any)
        jwta_conf_error(loader, audience->list.where,
                        "a service can only narrow the audience of its issuers; \"any\" would "
                        "widen it");
    for (size_t i = 0; i < audience->list.count; i++) {
        if (strchr(audience->list.item[i].text, '%') != NULL)
            expand(loader, &audience->list.item[i]);
    }
}

/* What a service accepts of an issuer. */
static const struct jwta_strings *accepted(const struct jwta_service *service,
                                           const struct jwta_issuer *issuer)
{
    return service->audience.list.where.file != NULL ? &service->audience.list
                                                     : &issuer->audience.list;
}

/* An audience of one issuer that both services accept, or NULL. */
static const char *common_audience(const struct jwta_service *a, const struct jwta_service *b,
                                   const struct jwta_issuer *issuer)
{
    const struct jwta_strings *left = accepted(a, issuer);
    const struct jwta_strings *right = accepted(b, issuer);

    for (size_t i = 0; i < left->count; i++) {
        for (size_t j = 0; j < right->count; j++) {
            if (strcmp(left->item[i].text, right->item[j].text) == 0)
                return left->item[i].text;
        }
    }
    return NULL;
}

static const char *shared_audience(const struct jwta_service *a, const struct jwta_service *b)
{
    for (size_t i = 0; i < a->issuer_count; i++) {
        for (size_t j = 0; j < b->issuer_count; j++) {
            const char *audience =
                a->issuer[i] == b->issuer[j] ? common_audience(a, b, a->issuer[i]) : NULL;
            if (audience != NULL)
                return audience;
        }
    }
    return NULL;
}

/* One warning for a service is enough, whatever the number of those it shares with. */
static void check_sharing(struct jwta_loader *loader, size_t index)
{
    const struct jwta_service *service = &loader->conf->services[index];

    for (size_t i = 0; i < index; i++) {
        const struct jwta_service *other = &loader->conf->services[i];
        const char *audience = shared_audience(other, service);
        if (audience == NULL)
            continue;
        jwta_conf_warning(loader, service->where,
                          "services %s and %s share the audience %s: a token for one opens the "
                          "other",
                          JWTA_QUOTED(other->name), JWTA_QUOTED(service->name),
                          JWTA_QUOTED(audience));
        return;
    }
}

/* The PAM services of sudo; Debian and others give `sudo -i` one of its own. */
static bool is_sudo(const char *service)
{
    static const char *const names[] = {"sudo", "sudo-i"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], service) == 0)
            return true;
    }
    return false;
}

/* What only a SASL host heeds, said of a service that none is: somebody expects something of it. */
static void check_sasl(struct jwta_loader *loader, const struct jwta_service *service)
{
    static const char *const pam[] = {"login", "sshd", "su", "su-l", "sudo", "sudo-i"};
    const struct {
        const char *keyword;
        struct jwta_where where;
    } settings[] = {{"proxy_roles", service->proxy_roles.where},
                    {"local_user", service->local_user.where},
                    {"names", service->names.where},
                    {"openid_configuration", service->openid_configuration.where},
                    {"properties", service->properties.where}};
    bool known = false;

    for (size_t i = 0; i < sizeof(pam) / sizeof(pam[0]); i++)
        known = known || strcmp(pam[i], service->name) == 0;
    for (size_t i = 0; known && i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (settings[i].where.file != NULL)
            jwta_conf_warning(loader, settings[i].where,
                              "\"%s\" has no effect: service %s is one of PAM, not of SASL",
                              settings[i].keyword, JWTA_QUOTED(service->name));
    }
}

static void check_service(struct jwta_loader *loader, struct jwta_service *service)
{
    resolve_issuers(loader, service);
    check_roles(loader, service, "allow_roles", &service->allow_roles);
    check_roles(loader, service, "proxy_roles", &service->proxy_roles);
    check_groups(loader, service);
    check_scope(loader, service);
    check_audience(loader, service);
    default_metadata(loader, service);
    jwta_conf_check_names(loader, service);
    check_sasl(loader, service);
    jwta_conf_hint(loader, service);
    jwta_conf_check_range(loader, "max_auth_age", &service->max_auth_age, 1, JWTA_AGE_MAX,
                          JWTA_AGE_RANGE);
    /* sudo asks again and again in a session: there, no login with a token means no. */
    if (service->grant.where.file == NULL)
        service->grant.need = is_sudo(service->name) ? JWTA_GRANT_REQUIRED : JWTA_GRANT_OPTIONAL;
}

void jwta_conf_check_services(struct jwta_loader *loader)
{
    struct jwta_conf *conf = loader->conf;

    for (size_t i = 0; i < conf->service_count; i++)
        check_service(loader, &conf->services[i]);
    for (size_t i = 0; i < conf->service_count; i++)
        check_sharing(loader, i);
}
