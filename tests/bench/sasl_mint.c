/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sasl_lab.py gives the servers and bench-sasl its tokens:
 *
 *     bench-sasl-mint FOLDER USER
 *
 * jwtauth.yaml, keys.jwks and key.pem (named KID in Dovecot's way) for all, and tokens, one a line.
 */
#include "mint.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TOKENS 64

int main(int argc, char **argv)
{
    struct mint_key *key = mint_key("ES256", "bench");
    struct bench_token token = {0};
    char *path = NULL;
    FILE *out = NULL;

    if (argc != 3)
        mint_die("usage: bench-sasl-mint FOLDER USER");
    path = mint_text("%s/keys.jwks", argv[1]);
    mint_file(path, 0644, "{\"keys\":[%s]}\n", key->jwk);
    free(path);
    path = mint_text("%s/key.pem", argv[1]);
    mint_file(path, 0644, "%s", key->pem);
    free(path);
    path = mint_text("%s/jwtauth.yaml", argv[1]);
    mint_file(path, 0644,
              "issuers:\n"
              "  bench:\n"
              "    issuer: " MINT_ISSUER "\n"
              "    jwks: file:%s/keys.jwks\n"
              "    audience: [" MINT_AUDIENCE "]\n"
              "    algorithms: [ES256]\n"
              "    max_lifetime: 4h\n"
              "    username: ${preferred_username}\n"
              "    roles: [/realm_access/roles]\n"
              "services:\n"
              "  imap:\n"
              "    issuers: [bench]\n"
              "    allow_roles: [ops]\n",
              argv[1]);
    free(path);
    path = mint_text("%s/tokens", argv[1]);
    mint_file(path, 0600, "%s", "");
    out = fopen(path, "we");
    for (unsigned i = 0; out != NULL && i < TOKENS; i++) {
        mint_token(key, argv[2], time(NULL), i, &token);
        (void)fprintf(out, "%s\n", token.text);
        mint_token_free(&token);
    }
    if (out == NULL || fclose(out) != 0)
        mint_die("cannot write %s", path);
    free(path);
    mint_key_free(&key);
    return 0;
}
