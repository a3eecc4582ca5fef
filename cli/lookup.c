/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/lookup.h"

#include "common/file.h"
#include "common/json.h"
#include "common/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct jwta_where here = {.file = "command line", .line = 0};

#define CLOCK_SKEW 60

static bool set_string(struct jwta_string *string, const char *text)
{
    string->text = strdup(text);
    string->where = here;
    return string->text != NULL;
}

static bool set_strings(struct jwta_strings *strings, const char *const *text, size_t count)
{
    strings->where = here;
    strings->item = calloc(count, sizeof(*strings->item));
    if (strings->item == NULL)
        return false;
    for (strings->count = 0; strings->count < count; strings->count++) {
        if (!set_string(&strings->item[strings->count], text[strings->count]))
            return false;
    }
    return true;
}

static bool make_issuer(const struct query *query, struct jwta_issuer *issuer)
{
    static const char *const types[] = {"at+jwt", "JWT"};
    static const char *const roles[] = {"/realm_access/roles", "/groups", "/roles"};

    issuer->where = here;
    issuer->name = strdup("token");
    issuer->jwks.kind = JWTA_JWKS_FILE;
    issuer->jwks.place = strdup(query->jwks);
    issuer->jwks.where = here;
    issuer->algorithms.set = query->algorithms;
    issuer->algorithms.where = here;
    issuer->typ.absent = true;
    return issuer->name != NULL && issuer->jwks.place != NULL &&
           set_string(&issuer->issuer, query->issuer) &&
           set_strings(&issuer->audience.list, &query->audience, 1) &&
           set_strings(&issuer->typ.list, types, sizeof(types) / sizeof(types[0])) &&
           set_strings(&issuer->roles, roles, sizeof(roles) / sizeof(roles[0]));
}

static bool make_service(const struct query *query, const struct jwta_issuer *issuer,
                         struct jwta_service *service)
{
    service->where = here;
    service->name = strdup(query->service != NULL ? query->service : "verify");
    service->issuer = calloc(1, sizeof(const struct jwta_issuer *));
    if (service->name == NULL || service->issuer == NULL)
        return false;
    service->issuer[0] = issuer;
    service->issuer_count = 1;
    return set_strings(&service->issuers, (const char *const[]){issuer->name}, 1);
}

struct jwta_conf *lookup_conf(struct query *query)
{
    struct jwta_conf *conf = calloc(1, sizeof(*conf));
    bool made = false;

    if (conf == NULL)
        return NULL;
    conf->clock_skew.value = CLOCK_SKEW;
    conf->issuers = calloc(1, sizeof(*conf->issuers));
    conf->services = calloc(1, sizeof(*conf->services));
    if (conf->issuers != NULL && conf->services != NULL) {
        conf->issuer_count = 1;
        conf->service_count = 1;
        made = make_issuer(query, &conf->issuers[0]) &&
               make_service(query, &conf->issuers[0], &conf->services[0]);
    }
    if (!made)
        jwta_conf_free(&conf);
    return conf;
}

void lookup_user(const struct query *query, struct jwta_result *result)
{
    struct jwta_span name = {0};
    struct jwta_quoted quoted;

    if (result->outcome != JWTA_ALLOWED)
        return;
    name = jwta_json_text(json_object_get(result->payload, "preferred_username"));
    if (name.data == NULL)
        name = result->claims.subject;
    if (name.len < sizeof(result->decided.user)) {
        memcpy(result->decided.user, name.data, name.len);
        result->decided.user[name.len] = '\0';
    }
    if (query->user == NULL || jwta_span_is(name, query->user))
        return;
    result->outcome = JWTA_DENIED;
    (void)jwta_fail(&result->why, JWTA_USER_MISMATCH, "the token is %s's",
                    jwta_quote(&quoted, name));
}

static enum jwta_code read_set(const struct query *query, struct jwta_keyset **set,
                               struct jwta_why *why)
{
    struct jwta_buf text = {0};
    struct jwta_why reason = {0};
    enum jwta_code code = JWTA_OK;

    if (jwta_file_read(query->jwks, JWTA_FILE_ANY, geteuid(), JWTA_KEYS_MAX, &text, NULL, why) !=
        JWTA_FILE_OK)
        code = JWTA_KEYS_UNAVAILABLE;
    else
        code = jwta_keyset_parse(jwta_buf_span(&text), set, &reason);
    if (code != JWTA_OK && reason.text[0] != '\0')
        (void)jwta_fail(why, code, "%s: %s", query->jwks, reason.text);
    jwta_buf_free(&text);
    return code;
}

enum jwta_code lookup_signature(const struct query *query, struct jwta_header **header,
                                struct jwta_why *why)
{
    struct jwta_jws jws = {0};
    struct jwta_keyset *set = NULL;
    struct jwta_key *tries[JWTA_KEY_TRIES] = {NULL};
    size_t count = 0;
    bool more = false;
    enum jwta_code code = read_set(query, &set, why);

    if (code == JWTA_OK)
        code = jwta_jws_split(jwta_buf_span(&query->token), &jws, why);
    if (code == JWTA_OK)
        code = jwta_header_read(jws.header, header, why);
    if (code == JWTA_OK && !jwta_algs_has(query->algorithms, (*header)->alg))
        code = jwta_fail(why, JWTA_ALG_NOT_ALLOWED, "alg is %s, which --algorithms does not list",
                         (*header)->alg->name);
    if (code == JWTA_OK)
        code = jwta_keyset_find(set, (*header)->kid, (*header)->alg, tries, &count, &more, why);
    if (code == JWTA_OK)
        code = jwta_jws_verify_any(tries, count, more, (*header)->alg, &jws, why);
    jwta_keyset_unref(&set);
    return code;
}
