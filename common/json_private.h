/* SPDX-License-Identifier: BSD-2-Clause */
/* Between json.c and json_read.c. */
#ifndef JWTA_JSON_PRIVATE_H
#define JWTA_JSON_PRIVATE_H

#include "common/json.h"

/*
 * Reads text (data not NULL) as one JSON value of any kind with at most max_depth levels of
 * objects and arrays. The value is the caller's. invalid, DUPLICATE_MEMBER, TOO_DEEP, MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_json_read(struct jwta_span text, unsigned max_depth,
                                            enum jwta_code invalid, json_t **out,
                                            struct jwta_why *why);

#endif
