/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/json.h"

#include <string.h>

/* Whether value has at most `levels` levels of objects and arrays. */
static bool depth_within(const json_t *value, unsigned levels)
{
    if (json_is_object(value)) {
        const char *name = NULL;
        json_t *member = NULL;

        if (levels == 0)
            return false;
        json_object_foreach((json_t *)value, name, member)
        {
            if (!depth_within(member, levels - 1))
                return false;
        }
    } else if (json_is_array(value)) {
        if (levels == 0)
            return false;
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (!depth_within(json_array_get(value, i), levels - 1))
                return false;
        }
    }
    return true;
}

/* Fewer opening brackets than levels, inside strings or not, cannot be nested more deeply. */
static bool depth_evident(struct jwta_span text, unsigned levels)
{
    size_t brackets = 0;

    for (size_t i = 0; i < text.len; i++)
        brackets += text.data[i] == '{' || text.data[i] == '[';
    return brackets <= levels;
}

static enum jwta_code parse_failure(const json_error_t *error, enum jwta_code invalid,
                                    struct jwta_why *why)
{
    struct jwta_quoted quoted;

    switch (json_error_code(error)) {
    case json_error_out_of_memory:
        return jwta_fail(why, JWTA_MEMORY, "out of memory");
    case json_error_duplicate_key:
        return jwta_fail(why, JWTA_DUPLICATE_MEMBER, "a member is named twice near byte %d",
                         error->position);
    case json_error_stack_overflow:
        return jwta_fail(why, JWTA_TOO_DEEP, "nested too deeply");
    default:
        /* jansson's text may carry bytes of its input. */
        return jwta_fail(why, invalid, "JSON: %s at byte %d",
                         jwta_quote(&quoted, jwta_span_of(error->text)), error->position);
    }
}

enum jwta_code jwta_json_parse(struct jwta_span text, unsigned max_depth, enum jwta_code invalid,
                               json_t **out, struct jwta_why *why)
{
    json_error_t error = {0};
    json_t *root = NULL;

    /* JSON_DECODE_ANY is for a better message only: what is no object is refused below. */
    root = json_loadb(text.data != NULL ? text.data : "", text.len,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (root == NULL)
        return parse_failure(&error, invalid, why);
    if (!json_is_object(root)) {
        const char *type = jwta_json_type_name(root);

        json_decref(root);
        return jwta_fail(why, invalid, "expected a JSON object, got %s", type);
    }
    if (!depth_evident(text, max_depth) && !depth_within(root, max_depth)) {
        json_decref(root);
        return jwta_fail(why, JWTA_TOO_DEEP, "nested more than %u levels deep", max_depth);
    }
    *out = root;
    return JWTA_OK;
}

void jwta_json_wipe(json_t *value)
{
    const char *name = NULL;
    json_t *member = NULL;

    /* jansson's strings are its own heap memory: they may be written to as long as it lives. */
    if (json_is_string(value))
        jwta_wipe((char *)json_string_value(value), json_string_length(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        jwta_json_wipe(json_array_get(value, i));
    json_object_foreach(value, name, member) jwta_json_wipe(member);
}

struct jwta_span jwta_json_text(const json_t *value)
{
    if (!json_is_string(value))
        return jwta_span(NULL, 0);
    return jwta_span(json_string_value(value), json_string_length(value));
}

enum jwta_code jwta_json_string(const json_t *object, const char *name, enum jwta_code wrong_type,
                                struct jwta_span *out, struct jwta_why *why)
{
    const json_t *value = json_object_get(object, name);

    if (value != NULL && !json_is_string(value))
        return jwta_fail(why, wrong_type, "%s: expected a string, got %s", name,
                         jwta_json_type_name(value));
    *out = jwta_json_text(value);
    return JWTA_OK;
}

const char *jwta_json_type_name(const json_t *value)
{
    if (value == NULL)
        return "absent";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        return "null";
    }
    return "unknown";
}

bool jwta_json_pointer_valid(const char *pointer)
{
    if (pointer[0] != '/')
        return false;
    for (const char *p = pointer; *p != '\0'; p++) {
        if (*p == '~' && p[1] != '0' && p[1] != '1')
            return false;
    }
    return true;
}

/* Unescapes the reference token from p up to the next slash into name; returns its end. */
static const char *reference_token(const char *p, char *name, size_t size)
{
    size_t used = 0;

    for (; *p != '\0' && *p != '/'; p++) {
        char c = *p;

        if (c == '~')
            c = *++p == '1' ? '/' : '~';
        if (used + 1 >= size)
            return NULL;
        name[used++] = c;
    }
    name[used] = '\0';
    return p;
}

/* An array index: digits, no leading zero (RFC 6901 section 4). */
static const json_t *array_element(const json_t *array, const char *name)
{
    size_t index = 0;

    if (name[0] == '\0' || strlen(name) > 5 || (name[0] == '0' && name[1] != '\0'))
        return NULL;
    for (const char *p = name; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return NULL;
        index = index * 10 + (size_t)(*p - '0');
    }
    return json_array_get(array, index);
}

const json_t *jwta_json_pointer(const json_t *root, const char *pointer)
{
    const json_t *value = root;
    char name[256];

    while (value != NULL && *pointer == '/') {
        pointer = reference_token(pointer + 1, name, sizeof(name));
        if (pointer == NULL)
            return NULL;
        value = json_is_array(value) ? array_element(value, name) : json_object_get(value, name);
    }
    return value;
}

enum jwta_code jwta_words_start(struct jwta_words *words, const json_t *value)
{
    *words = (struct jwta_words){0};
    if (value == NULL)
        return JWTA_OK;
    if (json_is_string(value)) {
        words->rest = jwta_json_text(value);
        return JWTA_OK;
    }
    if (!json_is_array(value))
        return JWTA_CLAIM_TYPE;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i)))
            return JWTA_CLAIM_TYPE;
    }
    words->array = value;
    return JWTA_OK;
}

bool jwta_words_next(struct jwta_words *words, struct jwta_span *out)
{
    const char *end = NULL;

    if (words->array != NULL) {
        if (words->index >= json_array_size(words->array))
            return false;
        *out = jwta_json_text(json_array_get(words->array, words->index++));
        return true;
    }
    while (words->rest.len > 0 && words->rest.data[0] == ' ') {
        words->rest.data++;
        words->rest.len--;
    }
    if (words->rest.len == 0)
        return false;
    end = memchr(words->rest.data, ' ', words->rest.len);
    out->data = words->rest.data;
    out->len = end != NULL ? (size_t)(end - words->rest.data) : words->rest.len;
    words->rest.data += out->len;
    words->rest.len -= out->len;
    return true;
}
