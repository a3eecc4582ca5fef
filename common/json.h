/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON from strangers, as jansson's values: objects only, duplicate members and U+0000 refused,
 * depth capped, valid UTF-8. Getters are typed: absent and "of the wrong type" are different
 * answers.
 */
#ifndef JWTA_JSON_H
#define JWTA_JSON_H

#include "common/buf.h"

#include <jansson.h>

/*
 * Parses text as one JSON object of at most max_depth levels (the object itself is level 1).
 * *out is the caller's (json_decref). invalid is the code to give for anything that is not
 * such an object (HEADER_JSON, PAYLOAD_JSON, JWK_MALFORMED); besides it DUPLICATE_MEMBER,
 * TOO_DEEP, MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_json_parse(struct jwta_span text, unsigned max_depth,
                                             enum jwta_code invalid, json_t **out,
                                             struct jwta_why *why);

/* Overwrites every string below value, for JSON that held a secret and is about to be freed. */
void jwta_json_wipe(json_t *value);

/* The span of a JSON string, borrowed; of anything else (and of NULL) the absent span. */
struct jwta_span jwta_json_text(const json_t *value);

/*
 * The string member `name` of object, borrowed. An absent member gives the absent span and OK;
 * a member that is no string gives wrong_type (HEADER_TYPE, CLAIM_TYPE, JWK_MALFORMED).
 */
JWTA_MUST_USE enum jwta_code jwta_json_string(const json_t *object, const char *name,
                                              enum jwta_code wrong_type, struct jwta_span *out,
                                              struct jwta_why *why);

/* "string", "number", "array", "object", "boolean", "null", or "absent" for NULL. */
const char *jwta_json_type_name(const json_t *value);

/* Whether text is a JSON Pointer (RFC 6901 section 3) to something inside a document. */
bool jwta_json_pointer_valid(const char *pointer);

/* What pointer (valid) leads to in root, borrowed, or NULL (RFC 6901 section 4). */
const json_t *jwta_json_pointer(const json_t *root, const char *pointer);

/*
 * Walks the words of a value that is an array of strings or a string of words separated by
 * spaces, the two forms in which lists stand in tokens (RFC 8693 section 4.2, RFC 9068).
 */
struct jwta_words {
    const json_t *array;
    size_t index;
    struct jwta_span rest;
};

/* CLAIM_TYPE when value is neither a string nor an array of strings. NULL has no words. */
JWTA_MUST_USE enum jwta_code jwta_words_start(struct jwta_words *words, const json_t *value);
/* The next word, borrowed from the value; false at the end. */
bool jwta_words_next(struct jwta_words *words, struct jwta_span *out);

#endif
