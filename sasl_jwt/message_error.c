/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/json.h"
#include "sasl_jwt/message.h"

#define DEPTH 4 /* of an error message; ours has 1 */

const struct jwta_span jwta_error_answer = {"\x01", 1};

static enum jwta_code set(json_t *object, const char *name, struct jwta_span value)
{
    json_t *text = NULL;

    if (value.data == NULL || value.len == 0)
        return JWTA_OK;
    text = json_stringn(value.data, value.len);
    /* No memory, or no UTF-8: the message is good without, too. */
    if (text == NULL)
        return JWTA_OK;
    return json_object_set_new(object, name, text) == 0 ? JWTA_OK : JWTA_MEMORY;
}

static enum jwta_code fill(enum jwta_mechanism mechanism, const struct jwta_server_error *error,
                           json_t *object)
{
    static const struct {
        const char *word;
        const char *number;
    } statuses[] = {
        [JWTA_REFUSAL_REQUEST] = {"invalid_request", "400"},
        [JWTA_REFUSAL_TOKEN] = {"invalid_token", "401"},
        [JWTA_REFUSAL_SCOPE] = {"insufficient_scope", "403"},
    };
    enum jwta_code code = JWTA_OK;

    if (mechanism == JWTA_XOAUTH2) {
        code = set(object, "status", jwta_span_of(statuses[error->refusal].number));
        if (code == JWTA_OK)
            code = set(object, "schemes", jwta_span_of("bearer"));
        return code == JWTA_OK ? set(object, "scope", error->scope) : code;
    }
    code = set(object, "status", jwta_span_of(statuses[error->refusal].word));
    if (code == JWTA_OK)
        code = set(object, "scope", error->scope);
    if (code == JWTA_OK)
        code = set(object, "openid-configuration", error->openid_configuration);
    return code;
}

enum jwta_code jwta_server_error_write(enum jwta_mechanism mechanism,
                                       const struct jwta_server_error *error, struct jwta_buf *out)
{
    /* Nothing but the status is needed, and half of a scope or of an address would be wrong. */
    static const char *const spared[] = {"scope", "openid-configuration"};
    char text[JWTA_ERROR_MAX];
    json_t *object = json_object();
    enum jwta_code code = object != NULL ? fill(mechanism, error, object) : JWTA_MEMORY;
    size_t len = 0;

    if (code == JWTA_OK)
        len = json_dumpb(object, text, sizeof(text), JSON_COMPACT);
    for (size_t i = 0; i < sizeof(spared) / sizeof(spared[0]) && len > sizeof(text); i++) {
        (void)json_object_del(object, spared[i]);
        len = json_dumpb(object, text, sizeof(text), JSON_COMPACT);
    }
    if (code == JWTA_OK)
        code = len > 0 && len <= sizeof(text) ? jwta_buf_append(out, jwta_span(text, len))
                                              : JWTA_MEMORY;
    json_decref(object);
    return code;
}

bool jwta_server_error_read(struct jwta_span message, struct jwta_quoted *status)
{
    struct jwta_span text = {0};
    json_t *object = NULL;
    bool well = false;

    if (jwta_json_parse(message, DEPTH, JWTA_PAYLOAD_JSON, &object, NULL) != JWTA_OK)
        return false;
    well = jwta_json_string(object, "status", JWTA_PAYLOAD_JSON, &text, NULL) == JWTA_OK &&
           text.data != NULL;
    if (well)
        (void)jwta_quote(status, text);
    json_decref(object);
    return well;
}

bool jwta_error_answered(enum jwta_mechanism mechanism, struct jwta_span message)
{
    if (message.len == 0)
        return mechanism == JWTA_XOAUTH2;
    return jwta_span_equal(message, jwta_error_answer);
}
