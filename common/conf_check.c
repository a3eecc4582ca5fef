/* SPDX-License-Identifier: BSD-2-Clause */
/* Defaults, and what holds between keywords: within an issuer, and of the whole. */
#include "common/conf_private.h"

#include "common/url.h"

#include <string.h>

#define CLOCK_SKEW_DEFAULT 60
#define CLOCK_SKEW_MAX 600
#define STALE_MAX (INT64_C(30) * 86400)
#define MIN_UID_DEFAULT 1000
#define MIN_UID_MAX 4294967294 /* (uid_t)-1 is no user's */

static const char *const default_algorithms[] = {"ES256", "RS256", "PS256", "EdDSA", "Ed25519"};
static const char *const default_types[] = {"at+jwt", "JWT"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void default_number(struct jwta_number *number, int64_t value)
{
    if (number->where.file == NULL)
        number->value = value;
}

static void default_issuer(struct jwta_loader *loader, struct jwta_issuer *issuer)
{
    struct jwta_types *typ = &issuer->typ;

    for (size_t i = 0; issuer->algorithms.where.file == NULL && i < COUNT(default_algorithms); i++)
        issuer->algorithms.set = jwta_algs_add(issuer->algorithms.set,
                                               jwta_alg_find(jwta_span_of(default_algorithms[i])));
    if (typ->list.where.file != NULL)
        return;
    typ->absent = true;
    typ->list.item = jwta_conf_array(loader, COUNT(default_types), sizeof(*typ->list.item));
    for (size_t i = 0; typ->list.item != NULL && i < COUNT(default_types); i++) {
        char *copy = jwta_conf_copy(loader, default_types[i], strlen(default_types[i]));
        if (copy == NULL)
            return;
        typ->list.item[typ->list.count++].text = copy;
    }
}

void jwta_conf_check_range(struct jwta_loader *loader, const char *keyword,
                           const struct jwta_number *number, int64_t least, int64_t most,
                           const char *range)
{
    if (number->where.file != NULL && number->value >= 0 &&
        (number->value < least || number->value > most))
        jwta_conf_error(loader, number->where, "\"%s\" must be %s", keyword, range);
}

static void check_domain(struct jwta_loader *loader, const char *keyword,
                         const struct jwta_string *domain)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789.-_";

    if (domain->text != NULL && domain->text[strspn(domain->text, accepted)] != '\0')
        jwta_conf_error(loader, domain->where, "\"%s\": %s is no name such as example.com", keyword,
                        JWTA_QUOTED(domain->text));
}

static void require(struct jwta_loader *loader, const struct jwta_issuer *issuer,
                    const char *keyword, struct jwta_where where)
{
    if (where.file == NULL)
        jwta_conf_error(loader, issuer->where, "issuer %s has no \"%s\"", JWTA_QUOTED(issuer->name),
                        keyword);
}

/* RFC 8414 section 2: an https URL without query and fragment, compared byte for byte. */
static void check_identifier(struct jwta_loader *loader, size_t index)
{
    const struct jwta_issuer *issuer = &loader->conf->issuers[index];
    const struct jwta_string *identifier = &issuer->issuer;

    require(loader, issuer, "issuer", identifier->where);
    if (identifier->text == NULL)
        return;
    const char *fault = jwta_url_fault(identifier->text, 0);
    if (fault != NULL)
        jwta_conf_error(loader, identifier->where, "\"issuer\" %s: %s", fault,
                        JWTA_QUOTED(identifier->text));
    for (size_t i = 0; i < index; i++) {
        const struct jwta_issuer *other = &loader->conf->issuers[i];
        if (other->issuer.text != NULL && strcmp(other->issuer.text, identifier->text) == 0)
            jwta_conf_error(loader, identifier->where, "issuers %s (%s:%u) and %s are the same: %s",
                            JWTA_QUOTED(other->name), other->issuer.where.file,
                            other->issuer.where.line, JWTA_QUOTED(issuer->name),
                            JWTA_QUOTED(identifier->text));
    }
}

/*
 * A key must never serve both as a secret and as a public key (RFC 8725 section 2.1), and a
 * secret must never come over the network.
 */
static void check_algorithms(struct jwta_loader *loader, const struct jwta_issuer *issuer)
{
    const struct jwta_algorithms *algorithms = &issuer->algorithms;
    const struct jwta_jwks *jwks = &issuer->jwks;
    const char *symmetric = NULL;
    const char *asymmetric = NULL;

    for (size_t i = 0; jwta_alg_at(i) != NULL; i++) {
        const struct jwta_alg *alg = jwta_alg_at(i);
        if (!jwta_algs_has(algorithms->set, alg))
            continue;
        if (alg->kind == JWTA_ALG_HMAC)
            symmetric = alg->name;
        else
            asymmetric = alg->name;
    }
    if (symmetric == NULL)
        return;
    if (asymmetric != NULL)
        jwta_conf_error(loader, algorithms->where,
                        "\"algorithms\" mixes %s (a shared secret) with %s (a public key)",
                        symmetric, asymmetric);
    if (jwks->where.file != NULL && jwks->kind != JWTA_JWKS_FILE)
        jwta_conf_error(loader, jwks->where, "the secret for %s must come from a file:", symmetric);
}

static void check_user_name(struct jwta_loader *loader, const struct jwta_issuer *issuer)
{
    bool localpart = false;

    require(loader, issuer, "username", issuer->username.where);
    for (size_t i = 0; i < issuer->username.count; i++)
        localpart = localpart || issuer->username.piece[i].kind == JWTA_PIECE_LOCALPART;
    if (localpart && issuer->email_domain.where.file == NULL)
        jwta_conf_error(loader, issuer->username.where,
                        "\"username\" uses |localpart and needs \"email_domain\"; without it "
                        "alice of any domain would be alice here");
    if (!localpart && issuer->email_domain.where.file != NULL)
        jwta_conf_warning(loader, issuer->email_domain.where,
                          "\"email_domain\" has no effect: \"username\" does not use |localpart");
    check_domain(loader, "email_domain", &issuer->email_domain);
}

static bool lists(const struct jwta_service *service, const struct jwta_issuer *issuer)
{
    for (size_t i = 0; i < service->issuer_count; i++) {
        if (service->issuer[i] == issuer)
            return true;
    }
    return false;
}

/* An issuer without an audience will do where every service that lists it has its own. */
static void check_issuer_audience(struct jwta_loader *loader, const struct jwta_issuer *issuer)
{
    const struct jwta_conf *conf = loader->conf;
    const struct jwta_audience *audience = &issuer->audience;
    const struct jwta_service *bare = NULL;
    bool used = false;

    for (size_t i = 0; i < conf->service_count; i++) {
        const struct jwta_service *service = &conf->services[i];
        if (!lists(service, issuer))
            continue;
        used = true;
        if (bare == NULL && service->audience.list.where.file == NULL)
            bare = service;
    }
    if (!used && conf->service_count > 0)
        jwta_conf_warning(loader, issuer->where, "no service uses issuer %s",
                          JWTA_QUOTED(issuer->name));
    if (bare != NULL && audience->list.where.file == NULL)
        jwta_conf_error(loader, issuer->where,
                        "issuer %s has no \"audience\", and neither has service %s",
                        JWTA_QUOTED(issuer->name), JWTA_QUOTED(bare->name));
    if (audience->any)
        jwta_conf_warning(loader, audience->list.where,
                          "\"audience: any\" accepts tokens that issuer %s made for anything else",
                          JWTA_QUOTED(issuer->name));
    for (size_t i = 0; i < audience->list.count; i++) {
        if (strstr(audience->list.item[i].text, "%h") != NULL)
            jwta_conf_warning(loader, audience->list.item[i].where,
                              "%%h stands for the host's name only in a service's \"audience\"");
    }
}

static void check_path(struct jwta_loader *loader, const char *keyword,
                       const struct jwta_string *path)
{
    if (path->text != NULL && path->text[0] != '/')
        jwta_conf_error(loader, path->where, "\"%s\": the path %s is not absolute", keyword,
                        JWTA_QUOTED(path->text));
}

/* What is said about the network makes sense only for keys that come from there. */
static void check_network(struct jwta_loader *loader, const struct jwta_issuer *issuer)
{
    const struct {
        const char *keyword;
        struct jwta_where where;
    } settings[] = {{"ca_file", issuer->ca_file.where},
                    {"proxy", issuer->proxy.where},
                    {"stale_if_error", issuer->stale_if_error.where}};
    const char *fault = NULL;

    for (size_t i = 0; i < COUNT(settings); i++) {
        if (settings[i].where.file != NULL && issuer->jwks.where.file != NULL &&
            issuer->jwks.kind == JWTA_JWKS_FILE)
            jwta_conf_warning(loader, settings[i].where,
                              "\"%s\" has no effect: the keys come from a file",
                              settings[i].keyword);
    }
    check_path(loader, "ca_file", &issuer->ca_file);
    jwta_conf_check_range(loader, "stale_if_error", &issuer->stale_if_error, 0, STALE_MAX,
                          "at most 30d");
    /* A proxy sees names, not what is said (https): it need be no loopback address. */
    if (issuer->proxy.text != NULL)
        fault = jwta_url_fault(issuer->proxy.text, JWTA_URL_PLAIN);
    if (fault != NULL)
        jwta_conf_error(loader, issuer->proxy.where, "\"proxy\" %s: %s", fault,
                        JWTA_QUOTED(issuer->proxy.text));
}

static void check_issuer(struct jwta_loader *loader, size_t index)
{
    struct jwta_issuer *issuer = &loader->conf->issuers[index];

    default_issuer(loader, issuer);
    check_identifier(loader, index);
    require(loader, issuer, "jwks", issuer->jwks.where);
    check_algorithms(loader, issuer);
    check_network(loader, issuer);
    check_user_name(loader, issuer);
    check_issuer_audience(loader, issuer);
    jwta_conf_check_range(loader, "max_lifetime", &issuer->max_lifetime, 1, JWTA_AGE_MAX,
                          JWTA_AGE_RANGE);
    if (issuer->groups.where.file != NULL && issuer->roles.where.file == NULL)
        jwta_conf_error(loader, issuer->groups.where,
                        "\"groups\" needs \"roles\", which says where in a token the roles stand");
}

void jwta_conf_check(struct jwta_loader *loader)
{
    struct jwta_conf *conf = loader->conf;

    default_number(&conf->clock_skew, CLOCK_SKEW_DEFAULT);
    default_number(&conf->min_uid, MIN_UID_DEFAULT);
    jwta_conf_check_range(loader, "clock_skew", &conf->clock_skew, 0, CLOCK_SKEW_MAX,
                          "at most 10m");
    jwta_conf_check_range(loader, "min_uid", &conf->min_uid, 1, MIN_UID_MAX,
                          "from 1 to 4294967294");
    check_domain(loader, "host_name", &conf->host_name);
    check_path(loader, "cache_dir", &conf->cache_dir);
    jwta_conf_check_services(loader);
    for (size_t i = 0; i < conf->issuer_count; i++)
        check_issuer(loader, i);
    jwta_conf_check_groups(loader);
    if (conf->service_count == 0 && conf->file_count > 0)
        jwta_conf_warning(loader, (struct jwta_where){.file = conf->files[0]},
                          "no service is configured: every login is denied");
}
