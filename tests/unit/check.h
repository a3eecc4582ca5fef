/* SPDX-License-Identifier: BSD-2-Clause */
/* cmocka with what it wants included before it, and one assertion of our own. */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include "common/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Compares reason codes by name, so that a failure says which was given instead. */
#define assert_code(got, expected) \
    assert_string_equal(jwta_code_name(got), jwta_code_name(expected))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
