/* SPDX-License-Identifier: BSD-2-Clause */
/* jwtauth verify: one token on standard input, one decision. */
#include "cli/cli.h"
#include "cli/lookup.h"
#include "cli/query.h"
#include "common/json.h"

#include <inttypes.h>
#include <stdio.h>

/* What is printed. Nothing of an unverified token is in it. */
struct answer {
    enum jwta_code code;
    const char *detail;
    const struct jwta_result *result; /* NULL with --signature-only */
    struct jwta_span kid;
    const struct jwta_alg *alg;
};

/* For scripts: what only observes denies, and `reason` says so. */
static const char *decision_name(enum jwta_code code)
{
    return code == JWTA_OK ? "accepted" : jwta_class_name(jwta_code_class(code));
}

static json_t *text_or_null(struct jwta_span text)
{
    return text.data != NULL ? json_stringn(text.data, text.len) : json_null();
}

static json_t *roles_of(const struct jwta_result *result)
{
    json_t *roles = json_array();

    for (size_t i = 0; result != NULL && i < result->decided.role_count; i++)
        (void)json_array_append_new(roles, text_or_null(result->decided.role[i]));
    return roles;
}

static json_t *groups_of(const struct jwta_result *result)
{
    json_t *groups = json_array();

    for (size_t i = 0; result != NULL && i < result->decided.group_count; i++)
        (void)json_array_append_new(groups, json_string(result->decided.group[i]->name));
    return groups;
}

static enum jwta_exit print_json(const struct answer *answer)
{
    const struct jwta_result *result = answer->result;
    bool verified = result != NULL && result->payload != NULL;
    const char *user =
        result != NULL && result->decided.user[0] != '\0' ? result->decided.user : NULL;
    int64_t expires = 0;
    bool has_expiry = verified &&
                      jwta_numeric_date(json_object_get(result->payload, "exp"), "exp", false,
                                        &expires, NULL) == JWTA_OK &&
                      expires != INT64_MIN;
    json_t *object = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "decision",
        decision_name(answer->code), "reason", jwta_code_name(answer->code), "user",
        text_or_null(jwta_span_of(user)), "groups", groups_of(result), "roles", roles_of(result),
        "subject",
        text_or_null(jwta_json_text(json_object_get(verified ? result->payload : NULL, "sub"))),
        "issuer", text_or_null(jwta_span_of(verified ? result->issuer->issuer.text : NULL)),
        "expires", has_expiry ? json_integer(expires) : json_null(), "key",
        text_or_null(answer->kid), "algorithm",
        text_or_null(jwta_span_of(answer->alg != NULL ? answer->alg->name : NULL)));

    if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0) {
        json_decref(object);
        return jwta_cli_usage("cannot write the answer");
    }
    (void)putchar('\n');
    json_decref(object);
    return JWTA_EXIT_ACCEPTED;
}

static void print_text(const struct answer *answer)
{
    const struct jwta_result *result = answer->result;
    struct jwta_quoted quoted;

    (void)printf("%s", jwta_cli_decision(answer->code));
    if (answer->code != JWTA_OK)
        (void)printf(": %s: %s", jwta_code_name(answer->code), answer->detail);
    else if (result == NULL)
        (void)printf(": the %s signature verifies", answer->alg->name);
    else
        (void)printf(": user %s, %zu roles, %zu groups, expires at %" PRId64,
                     jwta_quote(&quoted, jwta_span_of(result->decided.user)),
                     result->decided.role_count, result->decided.group_count,
                     result->claims.expires);
    (void)putchar('\n');
}

static enum jwta_exit print_answer(const struct query *query, const struct answer *answer)
{
    enum jwta_exit code = jwta_cli_exit(jwta_code_class(answer->code));

    if (query->json) {
        enum jwta_exit printed = print_json(answer);

        /* The object has no member for it, and whoever misnamed a key file wants to see the name.
         */
        if (query->jwks != NULL && answer->detail != NULL && code > JWTA_EXIT_DENIED)
            (void)jwta_cli_usage("--jwks: %s", answer->detail);
        return printed == JWTA_EXIT_ACCEPTED ? code : printed;
    }
    print_text(answer);
    return code;
}

static enum jwta_exit signature_only(const struct query *query)
{
    struct jwta_header *header = NULL;
    struct jwta_why why = {0};
    struct answer answer = {.detail = why.text};
    enum jwta_exit code = JWTA_EXIT_ACCEPTED;

    answer.code = lookup_signature(query, &header, &why);
    if (answer.code == JWTA_OK) {
        answer.kid = header->kid;
        answer.alg = header->alg;
    }
    code = print_answer(query, &answer);
    jwta_header_unref(&header);
    return code;
}

static enum jwta_exit decide(struct query *query)
{
    struct jwta_result result;
    struct answer answer = {.code = JWTA_OK};
    enum jwta_exit code = query_open(query, &answer.code);

    /* A script that reads JSON hears of a refused configuration as of any other decision. */
    if (answer.code != JWTA_OK && query->json)
        return print_answer(query, &answer);
    if (code != JWTA_EXIT_ACCEPTED)
        return code;
    answer.result = &result;
    query_decide(query, NULL, &result);
    answer.code = result.outcome == JWTA_ALLOWED ? JWTA_OK : result.why.code;
    answer.detail = result.why.text;
    if (result.payload != NULL) {
        answer.kid = result.kid;
        answer.alg = result.alg;
    }
    code = print_answer(query, &answer);
    jwta_result_free(&result);
    return code;
}

enum jwta_exit jwta_cli_verify(int argc, char **argv)
{
    struct query query;
    enum jwta_exit code = query_read(argc, argv, &query);

    if (code == JWTA_EXIT_ACCEPTED)
        code = query.signature_only ? signature_only(&query) : decide(&query);
    query_free(&query);
    return code;
}
