/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/import.h"

#include "common/jws.h"

#include <stdio.h>
#include <stdlib.h>

enum jwta_code test_import(const char *jwk, struct jwta_key **out, struct jwta_why *why)
{
    json_t *root = json_loads(jwk, 0, NULL);
    struct jwta_jwk read;
    enum jwta_code code = JWTA_OK;

    if (root == NULL) {
        fprintf(stderr, "test key is not JSON: %s\n", jwk);
        abort();
    }
    code = jwta_jwk_read(root, &read, why);
    if (code == JWTA_OK)
        code = jwta_key_import(&read, out, why);
    json_decref(root);
    return code;
}

enum jwta_code test_verify(const char *jwk, struct jwta_span token)
{
    struct jwta_header *header = NULL;
    struct jwta_key *key = NULL;
    struct jwta_jws jws;
    enum jwta_code code = jwta_jws_split(token, &jws, NULL);

    if (code == JWTA_OK)
        code = jwta_header_read(jws.header, &header, NULL);
    if (code == JWTA_OK)
        code = test_import(jwk, &key, NULL);
    if (code == JWTA_OK)
        code = jwta_jws_verify(key, header->alg, jws.signing_input, jws.signature, NULL);
    jwta_key_free(&key);
    jwta_header_unref(&header);
    return code;
}
