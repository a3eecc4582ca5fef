/* SPDX-License-Identifier: BSD-2-Clause */
/* jwtauth explain: each step of a decision in words, with what was expected and what was got. */
#include "cli/cli.h"
#include "cli/query.h"
#include "common/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What OpenSSH's client passes on of an answer that is typed, pasted or asked for by askpass. */
#define SSH_ANSWER_MAX 1023

static void print_where(const struct jwta_where *where)
{
    if (where->file != NULL && where->line > 0)
        (void)printf(" (%s:%u)", where->file, where->line);
}

static void print_quoted(const char *before, struct jwta_span value)
{
    struct jwta_quoted quoted;

    (void)printf("%s%s", before, jwta_quote(&quoted, value));
}

static void describe_service(const struct query *query, const struct jwta_result *result)
{
    print_quoted("the configuration has a section for service ", jwta_span_of(query->service));
    print_where(&result->service->where);
}

static void describe_bounds(const struct query *query, const struct jwta_result *result)
{
    (void)result;
    (void)printf("three parts, %zu bytes (at most %d)", query->token.len, JWTA_TOKEN_MAX);
    if (query->token.len > SSH_ANSWER_MAX)
        (void)printf("; the ssh client cuts a typed answer at %d", SSH_ANSWER_MAX);
}

static void describe_header(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    (void)printf("alg %s", result->alg->name);
    print_quoted(", kid ", result->kid);
    print_quoted(", typ ", result->header->typ);
}

static void describe_issuer(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    print_quoted("the token says ", jwta_span_of(result->issuer->issuer.text));
    (void)printf(", which is issuer %s", result->issuer->name);
    print_where(&result->issuer->where);
}

static void describe_algorithm(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    (void)printf("%s is among the issuer's algorithms", result->alg->name);
    print_where(&result->issuer->algorithms.where);
}

static void describe_signature(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    (void)printf("verifies with a key from %s",
                 result->issuer->jwks.place != NULL ? result->issuer->jwks.place : "discovery");
    print_where(&result->issuer->jwks.where);
}

static void print_claim(const struct jwta_result *result, const char *name)
{
    const json_t *value = json_object_get(result->payload, name);

    if (json_is_array(value) && json_array_size(value) > 0) {
        print_quoted("", jwta_json_text(json_array_get(value, 0)));
        if (json_array_size(value) > 1)
            (void)printf(" and %zu more", json_array_size(value) - 1);
    } else if (json_is_string(value)) {
        print_quoted("", jwta_json_text(value));
    } else {
        (void)fputs(value == NULL ? "absent" : jwta_json_type_name(value), stdout);
    }
}

/* "in 300 s" or "120 s ago", from the query's now. */
static void print_date(const struct query *query, const struct jwta_result *result,
                       const char *name)
{
    int64_t date = INT64_MIN;

    if (jwta_numeric_date(json_object_get(result->payload, name), name, false, &date, NULL) !=
            JWTA_OK ||
        date == INT64_MIN)
        (void)printf("%s is absent", name);
    else if (date > query->now)
        (void)printf("%s is in %" PRId64 " s", name, date - query->now);
    else
        (void)printf("%s was %" PRId64 " s ago", name, query->now - date);
}

static void describe_typ(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    if (result->header->typ.data == NULL)
        (void)fputs("accepted: absent", stdout);
    else
        print_quoted("accepted: ", result->header->typ);
}

static void describe_exp(const struct query *query, const struct jwta_result *result)
{
    print_date(query, result, "exp");
}

static void describe_nbf(const struct query *query, const struct jwta_result *result)
{
    print_date(query, result, "nbf");
}

static void describe_iat(const struct query *query, const struct jwta_result *result)
{
    print_date(query, result, "iat");
    if (result->issuer->max_lifetime.where.file != NULL) {
        (void)printf(", lifetime within %" PRId64 " s", result->issuer->max_lifetime.value);
        print_where(&result->issuer->max_lifetime.where);
    }
}

/* The audience of the list that the token is for, as one of one or more. */
static void print_listed(const struct jwta_strings *list, const json_t *aud)
{
    for (size_t i = 0; i < list->count; i++) {
        struct jwta_span text = jwta_span_of(list->item[i].text);
        bool found = jwta_span_equal(jwta_json_text(aud), text);

        for (size_t j = 0; j < json_array_size(aud) && !found; j++)
            found = jwta_span_equal(jwta_json_text(json_array_get(aud, j)), text);
        if (found) {
            print_quoted("accepted: ", text);
            return;
        }
    }
}

static void describe_aud(const struct query *query, const struct jwta_result *result)
{
    const struct jwta_audience *accepted = result->service->audience.list.where.file != NULL
                                               ? &result->service->audience
                                               : &result->issuer->audience;

    (void)query;
    if (accepted->any) {
        (void)fputs("any is accepted: ", stdout);
        print_claim(result, "aud");
    } else {
        print_listed(&accepted->list, json_object_get(result->payload, "aud"));
    }
    print_where(&accepted->list.where);
}

static void describe_sub(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    print_claim(result, "sub");
}

static void describe_scope(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    if (result->service->scope.where.file == NULL) {
        (void)fputs("none is required", stdout);
        return;
    }
    (void)fputs("has every required word: ", stdout);
    print_claim(result, "scope");
    print_where(&result->service->scope.where);
}

static void describe_acr(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    if (result->service->acr.where.file == NULL) {
        (void)fputs("none is required", stdout);
        return;
    }
    print_claim(result, "acr");
    print_where(&result->service->acr.where);
}

static void describe_auth_time(const struct query *query, const struct jwta_result *result)
{
    print_date(query, result, "auth_time");
    if (result->service->max_auth_age.where.file != NULL) {
        (void)printf(", at most %" PRId64 " s ago is needed", result->service->max_auth_age.value);
        print_where(&result->service->max_auth_age.where);
    }
}

static void describe_require(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    (void)printf("%zu of %zu required claims hold", result->service->require.count,
                 result->service->require.count);
    print_where(&result->service->require.where);
}

static void describe_user(const struct query *query, const struct jwta_result *result)
{
    print_quoted("the token's user is ", jwta_span_of(result->decided.user));
    if (query->user != NULL)
        (void)fputs(", as asked for", stdout);
    print_where(&result->issuer->username.where);
}

static void describe_min_uid(const struct query *query, const struct jwta_result *result)
{
    const struct jwta_strings *listed = &result->service->system_users;

    (void)query;
    if (!result->decided.account) {
        (void)fputs("no local user has this name", stdout);
        return;
    }
    for (size_t i = 0; i < listed->count; i++) {
        if (strcmp(listed->item[i].text, result->decided.user) == 0) {
            (void)fputs("system_users lists the name", stdout);
            print_where(&listed->item[i].where);
            return;
        }
    }
    (void)fputs("no system user", stdout);
}

static void describe_roles(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    (void)printf("%zu", result->decided.role_count);
    for (size_t i = 0; i < result->decided.role_count && i < 20; i++)
        print_quoted(i == 0 ? ": " : ", ", result->decided.role[i]);
    if (result->decided.role_count > 20)
        (void)fputs(", ...", stdout);
}

static void describe_groups(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    (void)printf("%zu", result->decided.group_count);
    for (size_t i = 0; i < result->decided.group_count; i++)
        (void)printf("%s%s", i == 0 ? ": " : ", ", result->decided.group[i]->name);
}

/* Without a group of names' the server sees the user. */
static void describe_name(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    print_quoted("the server sees ", jwta_span_of(result->decided.name));
    print_where(strcmp(result->decided.name, result->decided.user) == 0
                    ? &result->service->names.where
                    : &result->decided.rule);
}

static void describe_proxy(const struct query *query, const struct jwta_result *result)
{
    print_quoted("may act as ", jwta_span_of(query->authzid));
    print_where(&result->decided.rule);
}

static void describe_account(const struct query *query, const struct jwta_result *result)
{
    (void)query;
    (void)fputs("the local user exists, as the service asks", stdout);
    print_where(&result->service->local_user.where);
}

static void describe_allow(const struct query *query, const struct jwta_result *result)
{
    const struct jwta_service *service = result->service;

    (void)query;
    if (service->allow_roles.where.file == NULL && service->allow_groups.where.file == NULL)
        (void)fputs("the service admits every user of its issuers", stdout);
    else
        (void)fputs("admitted by a rule", stdout);
    print_where(&result->decided.rule);
}

/* What a step that passed has found; it may look at all that the result holds by then. */
static const struct {
    const char *step;
    void (*describe)(const struct query *query, const struct jwta_result *result);
} descriptions[] = {
    {"service", describe_service},
    {"bounds", describe_bounds},
    {"header", describe_header},
    {"issuer", describe_issuer},
    {"algorithm", describe_algorithm},
    {"signature", describe_signature},
    {"typ", describe_typ},
    {"exp", describe_exp},
    {"nbf", describe_nbf},
    {"iat", describe_iat},
    {"aud", describe_aud},
    {"sub", describe_sub},
    {"scope", describe_scope},
    {"acr", describe_acr},
    {"auth_time", describe_auth_time},
    {"require", describe_require},
    {"user", describe_user},
    {"min_uid", describe_min_uid},
    {"roles", describe_roles},
    {"groups", describe_groups},
    {"name", describe_name},
    {"allow", describe_allow},
    {"proxy", describe_proxy},
    {"account", describe_account},
};

struct listener {
    const struct query *query;
    const struct jwta_result *result;
};

static void print_step(void *context, const char *step, enum jwta_code code, const char *text)
{
    const struct listener *listener = context;

    (void)printf("%-6s %-9s ", code == JWTA_OK ? "ok" : "FAILED", step);
    if (code != JWTA_OK)
        (void)fputs(text, stdout);
    for (size_t i = 0; i < sizeof(descriptions) / sizeof(descriptions[0]) && code == JWTA_OK; i++) {
        if (strcmp(descriptions[i].step, step) == 0)
            descriptions[i].describe(listener->query, listener->result);
    }
    (void)putchar('\n');
}

/* What the reader might otherwise be surprised by, behind the decision. */
static const char *reservation(const struct jwta_result *result, enum jwta_code code)
{
    bool observes = result->service != NULL && result->service->observe.value;

    if (code == JWTA_OBSERVED)
        return ", and lets nobody in, though the rules would";
    if (observes)
        return ", but the service only observes: nobody is let in or kept out by it";
    if (code == JWTA_OK && result->decided.user[0] != '\0' && !result->decided.account &&
        result->issuer->username.where.line > 0)
        return ", but no local user has this name, which every service of PAM demands";
    return "";
}

/* The last line: decision, reason, and the rule that decided. */
static enum jwta_exit print_decision(const struct jwta_result *result)
{
    enum jwta_code code = result->outcome == JWTA_ALLOWED ? JWTA_OK : result->why.code;

    (void)printf("%s: %s: %s", jwta_cli_decision(code), jwta_code_name(code), jwta_code_text(code));
    if (result->decided.rule.file != NULL && result->decided.rule.line > 0)
        (void)printf(" [rule %s:%u]", result->decided.rule.file, result->decided.rule.line);
    (void)printf("%s\n", reservation(result, code));
    return jwta_cli_exit(jwta_code_class(code));
}

enum jwta_exit jwta_cli_explain(int argc, char **argv)
{
    struct query query;
    struct jwta_result result;
    struct listener listener = {.query = &query, .result = &result};
    const struct jwta_trace trace = {.step = print_step, .context = &listener};
    enum jwta_code opened = JWTA_OK;
    enum jwta_exit code = query_read(argc, argv, &query);

    if (code == JWTA_EXIT_ACCEPTED && (query.signature_only || query.json))
        code = jwta_cli_usage("--signature-only and --json go with verify");
    if (code == JWTA_EXIT_ACCEPTED)
        code = query_open(&query, &opened);
    if (code == JWTA_EXIT_ACCEPTED) {
        query_decide(&query, &trace, &result);
        code = print_decision(&result);
        jwta_result_free(&result);
    }
    query_free(&query);
    return code;
}
