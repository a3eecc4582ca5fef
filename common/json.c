/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/json_private.h"

#include <string.h>

enum jwta_code jwta_json_parse(struct jwta_span text, unsigned max_depth, enum jwta_code invalid,
                               json_t **out, struct jwta_why *why)
{
    json_t *root = NULL;
    struct jwta_span given = text.data != NULL ? text : jwta_span("", 0);
    enum jwta_code code = jwta_json_read(given, max_depth, invalid, &root, why);

    if (code != JWTA_OK)
        return code;
    if (!json_is_object(root)) {
        const char *type = jwta_json_type_name(root);

        json_decref(root);
        return jwta_fail(why, invalid, "expected a JSON object, got %s", type);
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
