/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/claims.h"

#include "common/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ABSENT INT64_MIN
/* 9999-12-31T23:59:59Z: later is a mistake or an attack, and earlier keeps all sums in range. */
#define DATE_MAX INT64_C(253402300799)

/* Everything that a single rule looks at. */
struct check {
    const struct jwta_header *header;
    const json_t *payload;
    const struct jwta_issuer *issuer;
    const struct jwta_service *service;
    int64_t skew;
    int64_t now;
    struct jwta_claims claims; /* its rule is the setting that a check is at */
    struct jwta_why *why;
};

enum jwta_code jwta_numeric_date(const json_t *value, const char *name, bool round_up, int64_t *out,
                                 struct jwta_why *why)
{
    double seconds = 0;

    if (value == NULL) {
        *out = ABSENT;
        return JWTA_OK;
    }
    if (!json_is_number(value))
        return jwta_fail(why, JWTA_CLAIM_TYPE, "%s: expected a number, got %s", name,
                         jwta_json_type_name(value));
    if (json_is_integer(value)) {
        json_int_t integer = json_integer_value(value);

        if (integer < -DATE_MAX || integer > DATE_MAX)
            return jwta_fail(why, JWTA_CLAIM_TYPE, "%s: no date up to the year 9999", name);
        *out = integer;
        return JWTA_OK;
    }
    seconds = json_real_value(value);
    /* Written so that a NaN fails. */
    if (!(seconds >= (double)-DATE_MAX && seconds <= (double)DATE_MAX))
        return jwta_fail(why, JWTA_CLAIM_TYPE, "%s: no date up to the year 9999", name);
    *out = (int64_t)(round_up ? ceil(seconds) : floor(seconds));
    return JWTA_OK;
}

/* typ (RFC 8725 section 3.11): a media type, compared without case and without "application/". */
static enum jwta_code check_typ(struct check *c)
{
    static const char prefix[] = "application/";
    struct jwta_span typ = c->header->typ;
    struct jwta_quoted quoted;

    c->claims.rule = c->issuer->typ.list.where;
    if (typ.data == NULL)
        return c->issuer->typ.absent
                   ? JWTA_OK
                   : jwta_fail(c->why, JWTA_TYP, "typ is absent, which the issuer's typ forbids");
    if (typ.len > sizeof(prefix) - 1 && strncasecmp(typ.data, prefix, sizeof(prefix) - 1) == 0)
        typ = jwta_span(typ.data + sizeof(prefix) - 1, typ.len - (sizeof(prefix) - 1));
    for (size_t i = 0; i < c->issuer->typ.list.count; i++) {
        const char *accepted = c->issuer->typ.list.item[i].text;

        if (strlen(accepted) == typ.len && strncasecmp(accepted, typ.data, typ.len) == 0)
            return JWTA_OK;
    }
    return jwta_fail(c->why, JWTA_TYP, "typ is %s, which the issuer's typ does not list",
                     jwta_quote(&quoted, typ));
}

/* exp (RFC 7519 section 4.1.4): required here. */
static enum jwta_code check_exp(struct check *c)
{
    int64_t *exp = &c->claims.expires;
    enum jwta_code code =
        jwta_numeric_date(json_object_get(c->payload, "exp"), "exp", false, exp, c->why);

    if (code != JWTA_OK)
        return code;
    if (*exp == ABSENT)
        return jwta_fail(c->why, JWTA_EXP_MISSING, "exp is absent");
    if (c->now >= *exp + c->skew)
        return jwta_fail(c->why, JWTA_EXPIRED,
                         "expired %" PRId64 " s ago (exp %" PRId64 ", now %" PRId64
                         ", clock_skew %" PRId64 " s)",
                         c->now - *exp, *exp, c->now, c->skew);
    return JWTA_OK;
}

/* nbf (section 4.1.5). */
static enum jwta_code check_nbf(struct check *c)
{
    int64_t nbf = ABSENT;
    enum jwta_code code =
        jwta_numeric_date(json_object_get(c->payload, "nbf"), "nbf", true, &nbf, c->why);

    if (code != JWTA_OK || nbf == ABSENT)
        return code;
    if (nbf > c->now + c->skew)
        return jwta_fail(c->why, JWTA_NOT_YET_VALID,
                         "valid only in %" PRId64 " s (nbf %" PRId64 ", now %" PRId64
                         ", clock_skew %" PRId64 " s): does this host's clock lag?",
                         nbf - c->now, nbf, c->now, c->skew);
    return JWTA_OK;
}

/* iat (section 4.1.6), and the lifetime that it gives together with exp. */
static enum jwta_code check_iat(struct check *c)
{
    int64_t *iat = &c->claims.issued_at;
    const struct jwta_number *max = &c->issuer->max_lifetime;
    enum jwta_code code =
        jwta_numeric_date(json_object_get(c->payload, "iat"), "iat", true, iat, c->why);

    if (code != JWTA_OK)
        return code;
    if (*iat != ABSENT && *iat > c->now + c->skew)
        return jwta_fail(c->why, JWTA_IAT_FUTURE,
                         "issued in %" PRId64 " s from now (iat %" PRId64 ", now %" PRId64
                         ", clock_skew %" PRId64 " s): the issuer's clock or this host's is off",
                         *iat - c->now, *iat, c->now, c->skew);
    if (max->where.file == NULL)
        return JWTA_OK;
    c->claims.rule = max->where;
    if (*iat == ABSENT)
        return jwta_fail(c->why, JWTA_IAT_MISSING, "iat is absent and max_lifetime is set (%s:%u)",
                         max->where.file, max->where.line);
    if (c->claims.expires - *iat > max->value)
        return jwta_fail(c->why, JWTA_LIFETIME,
                         "exp is %" PRId64 " s after iat, max_lifetime is %" PRId64 " s (%s:%u)",
                         c->claims.expires - *iat, max->value, max->where.file, max->where.line);
    return JWTA_OK;
}

static bool audience_listed(const struct jwta_strings *list, struct jwta_span value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (jwta_span_is(value, list->item[i].text))
            return true;
    }
    return false;
}

/* aud (section 4.1.3): one string or an array of strings; one of them must be ours. */
static enum jwta_code check_aud(struct check *c)
{
    const json_t *aud = json_object_get(c->payload, "aud");
    const struct jwta_audience *accepted =
        c->service->audience.list.where.file != NULL ? &c->service->audience : &c->issuer->audience;
    size_t count = json_is_array(aud) ? json_array_size(aud) : 1;
    struct jwta_quoted got;
    struct jwta_quoted expected;
    bool ours = accepted->any;

    if (aud != NULL && !json_is_string(aud) && !json_is_array(aud))
        return jwta_fail(c->why, JWTA_CLAIM_TYPE, "aud: expected a string or an array, got %s",
                         jwta_json_type_name(aud));
    for (size_t i = 0; i < count && aud != NULL; i++) {
        const json_t *value = json_is_array(aud) ? json_array_get(aud, i) : aud;

        if (!json_is_string(value))
            return jwta_fail(c->why, JWTA_CLAIM_TYPE, "aud: expected strings, got %s",
                             jwta_json_type_name(value));
        ours = ours || audience_listed(&accepted->list, jwta_json_text(value));
    }
    if (ours)
        return JWTA_OK;
    c->claims.rule = accepted->list.where;
    if (aud == NULL || count == 0)
        return jwta_fail(c->why, JWTA_AUD_MISSING, "aud is %s", aud == NULL ? "absent" : "empty");
    return jwta_fail(
        c->why, JWTA_AUDIENCE, "audience is %s%s, expected %s%s (%s:%u)",
        jwta_quote(&got, jwta_json_text(json_is_array(aud) ? json_array_get(aud, 0) : aud)),
        count > 1 ? " and others" : "",
        jwta_quote(&expected,
                   jwta_span_of(accepted->list.count > 0 ? accepted->list.item[0].text : NULL)),
        accepted->list.count > 1 ? " or another of the list" : "", accepted->list.where.file,
        accepted->list.where.line);
}

/* sub (section 4.1.2) and client_id or azp: a token with no user behind it is refused. */
static enum jwta_code check_subject(struct check *c)
{
    struct jwta_span client = {0};
    struct jwta_span party = {0};
    enum jwta_code code =
        jwta_json_string(c->payload, "sub", JWTA_CLAIM_TYPE, &c->claims.subject, c->why);

    if (code == JWTA_OK)
        code = jwta_json_string(c->payload, "client_id", JWTA_CLAIM_TYPE, &client, c->why);
    if (code == JWTA_OK)
        code = jwta_json_string(c->payload, "azp", JWTA_CLAIM_TYPE, &party, c->why);
    if (code == JWTA_OK)
        code = jwta_json_string(c->payload, "jti", JWTA_CLAIM_TYPE, &c->claims.token_id, c->why);
    if (code != JWTA_OK)
        return code;
    c->claims.client_id = client.data != NULL ? client : party;
    if (c->claims.subject.data == NULL || c->claims.subject.len == 0)
        return jwta_fail(c->why, JWTA_SUB_MISSING, "sub is %s",
                         c->claims.subject.data == NULL ? "absent" : "empty");
    c->claims.rule = c->issuer->client_tokens.where;
    if (!c->issuer->client_tokens.value &&
        (jwta_span_equal(c->claims.subject, client) || jwta_span_equal(c->claims.subject, party)))
        return jwta_fail(c->why, JWTA_CLIENT_TOKEN,
                         "sub equals %s: no user is behind the token (client_tokens)",
                         jwta_span_equal(c->claims.subject, client) ? "client_id" : "azp");
    return JWTA_OK;
}

/* Whether a list claim (array of strings, or words in a string) has this word. CLAIM_TYPE. */
static enum jwta_code has_word(const json_t *value, const char *name, const char *word, bool *found,
                               struct jwta_why *why)
{
    struct jwta_words words;
    struct jwta_span each;

    *found = false;
    if (jwta_words_start(&words, value) != JWTA_OK)
        return jwta_fail(
            why, JWTA_CLAIM_TYPE, "%s: expected a string or an array of strings, got %s", name,
            json_is_array(value) ? "an array of something else" : jwta_json_type_name(value));
    while (!*found && jwta_words_next(&words, &each))
        *found = jwta_span_is(each, word);
    return JWTA_OK;
}

/* scope (RFC 8693 section 4.2, RFC 9068 section 2.2.3): word by word, all of them. */
static enum jwta_code check_scope(struct check *c)
{
    const json_t *scope = json_object_get(c->payload, "scope");
    const struct jwta_strings *wanted = &c->service->scope;
    struct jwta_words words;

    if (jwta_words_start(&words, scope) != JWTA_OK)
        return jwta_fail(c->why, JWTA_CLAIM_TYPE,
                         "scope: expected a string or an array of strings");
    for (size_t i = 0; i < wanted->count; i++) {
        bool found = false;
        enum jwta_code code = has_word(scope, "scope", wanted->item[i].text, &found, c->why);

        c->claims.rule = wanted->item[i].where;
        if (code != JWTA_OK)
            return code;
        if (!found)
            return jwta_fail(c->why, JWTA_SCOPE, "scope %s is required (%s:%u) and %s",
                             wanted->item[i].text, wanted->item[i].where.file,
                             wanted->item[i].where.line,
                             scope == NULL ? "the token has no scope" : "absent");
    }
    return JWTA_OK;
}

/* acr (OpenID Connect Core section 2): one of the accepted classes. */
static enum jwta_code check_acr(struct check *c)
{
    const struct jwta_strings *accepted = &c->service->acr;
    struct jwta_quoted quoted;
    struct jwta_span acr = {0};
    enum jwta_code code = jwta_json_string(c->payload, "acr", JWTA_CLAIM_TYPE, &acr, c->why);

    if (code != JWTA_OK || accepted->where.file == NULL)
        return code;
    c->claims.rule = accepted->where;
    if (audience_listed(accepted, acr))
        return JWTA_OK;
    return jwta_fail(c->why, JWTA_ACR, "acr is %s, which is not in the list (%s:%u)",
                     acr.data == NULL ? "absent" : jwta_quote(&quoted, acr), accepted->where.file,
                     accepted->where.line);
}

/* auth_time (OpenID Connect Core section 2) against max_auth_age. */
static enum jwta_code check_auth_time(struct check *c)
{
    const struct jwta_number *max = &c->service->max_auth_age;
    int64_t *auth_time = &c->claims.auth_time;
    enum jwta_code code = jwta_numeric_date(json_object_get(c->payload, "auth_time"), "auth_time",
                                            false, auth_time, c->why);

    if (code != JWTA_OK || max->where.file == NULL)
        return code;
    c->claims.rule = max->where;
    if (*auth_time == ABSENT)
        return jwta_fail(c->why, JWTA_AUTH_TIME_MISSING,
                         "auth_time is absent and max_auth_age is set (%s:%u)", max->where.file,
                         max->where.line);
    if (*auth_time > c->now + c->skew)
        return jwta_fail(c->why, JWTA_AUTH_FUTURE, "auth_time is %" PRId64 " s in the future",
                         *auth_time - c->now);
    if (c->now - *auth_time > max->value + c->skew)
        return jwta_fail(c->why, JWTA_AUTH_TOO_OLD,
                         "authenticated %" PRId64 " s ago, max_auth_age is %" PRId64 " s (%s:%u)",
                         c->now - *auth_time, max->value, max->where.file, max->where.line);
    return JWTA_OK;
}

/* Whether a claim's text form is this value: a string, an integer, true or false. */
static bool equals(const json_t *value, const char *text)
{
    char number[24];

    if (json_is_boolean(value))
        return strcmp(text, json_is_true(value) ? "true" : "false") == 0;
    if (json_is_integer(value)) {
        (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return strcmp(text, number) == 0;
    }
    return jwta_span_is(jwta_json_text(value), text);
}

static enum jwta_code check_require(struct check *c)
{
    for (size_t i = 0; i < c->service->require.count; i++) {
        const struct jwta_requirement *rule = &c->service->require.item[i];
        const json_t *value = jwta_json_pointer(c->payload, rule->pointer);
        bool holds = false;
        enum jwta_code code = JWTA_OK;

        c->claims.rule = rule->where;
        switch (rule->op) {
        case JWTA_REQUIRE_EXISTS:
            holds = value != NULL && !json_is_null(value);
            break;
        case JWTA_REQUIRE_CONTAINS:
            code = has_word(value, rule->pointer, rule->value, &holds, c->why);
            break;
        case JWTA_REQUIRE_EQUALS:
            holds = equals(value, rule->value);
            break;
        }
        if (code != JWTA_OK)
            return code;
        if (!holds)
            return jwta_fail(c->why, JWTA_REQUIRE, "require \"%s\" (%s:%u): %s", rule->text,
                             rule->where.file, rule->where.line,
                             value == NULL         ? "the claim is absent"
                             : json_is_null(value) ? "the claim is null"
                                                   : "it has another value");
    }
    return JWTA_OK;
}

/* In this order; the first that fails is the reason. */
static const struct {
    const char *name;
    enum jwta_code (*check)(struct check *c);
} rules[] = {
    {"typ", check_typ},         {"exp", check_exp}, {"nbf", check_nbf},
    {"iat", check_iat},         {"aud", check_aud}, {"sub", check_subject},
    {"scope", check_scope},     {"acr", check_acr}, {"auth_time", check_auth_time},
    {"require", check_require},
};

enum jwta_code jwta_claims_check(const struct jwta_header *header, const json_t *payload,
                                 const struct jwta_conf *conf, const struct jwta_issuer *issuer,
                                 const struct jwta_service *service, int64_t now,
                                 const struct jwta_trace *trace, struct jwta_claims *out,
                                 struct jwta_why *why)
{
    struct check c = {
        .header = header,
        .payload = payload,
        .issuer = issuer,
        .service = service,
        .skew = conf->clock_skew.value,
        .now = now,
        .why = why,
    };

    if (now < -DATE_MAX || now > DATE_MAX)
        return jwta_fail(why, JWTA_INTERNAL, "the clock says %" PRId64, now);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        enum jwta_code code = JWTA_OK;

        c.claims.rule = (struct jwta_where){0};
        code = rules[i].check(&c);
        jwta_trace_step(trace, rules[i].name, code, code == JWTA_OK ? NULL : why);
        if (code != JWTA_OK) {
            out->rule = c.claims.rule;
            return code;
        }
    }
    c.claims.rule = (struct jwta_where){0};
    *out = c.claims;
    return JWTA_OK;
}
