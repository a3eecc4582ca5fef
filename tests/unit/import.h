/* SPDX-License-Identifier: BSD-2-Clause */
/* A JWK's text to a key and a token's parts to a verdict, by the code under test. */
#ifndef TEST_IMPORT_H
#define TEST_IMPORT_H

#include "common/jwk.h"

/* Reads and imports; the first failure is returned. *out is the caller's (jwta_key_free). */
JWTA_MUST_USE enum jwta_code test_import(const char *jwk, struct jwta_key **out,
                                         struct jwta_why *why);

/* Splits a token, reads its header, imports the key and verifies by the header's algorithm. */
JWTA_MUST_USE enum jwta_code test_verify(const char *jwk, struct jwta_span token);

#endif
