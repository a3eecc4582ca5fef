/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question about one token: the options that `verify` and `explain` share, the token on standard
 * input, and the verifier that is to answer.
 */
#ifndef JWTA_CLI_QUERY_H
#define JWTA_CLI_QUERY_H

#include "cli/cli.h"
#include "common/auth.h"

#include <stdio.h>

struct query {
    const char *config;
    const char *service;
    const char *user;
    const char *authzid;
    const char *jwks;
    const char *issuer;
    const char *audience;
    struct jwta_algs algorithms;
    struct jwta_host_files files;
    struct jwta_host host; /* where files name any, else the system's */
    int64_t now;
    bool signature_only;
    bool json;
    struct jwta_buf token;
    struct jwta_verifier *verifier;
};

/*
 * Reads options and token. Anything but JWTA_EXIT_ACCEPTED ends the command with that code, said
 * on standard error. Free with query_free either way.
 */
JWTA_MUST_USE enum jwta_exit query_read(int argc, char **argv, struct query *query);

/*
 * Opens the verifier by --config, or one made of --jwks, --issuer, --audience and --algorithms.
 * What is wrong is said on standard error; *code, where the configuration itself is refused, says
 * why (else OK).
 */
JWTA_MUST_USE enum jwta_exit query_open(struct query *query, enum jwta_code *code);

/* The decision, under the rules of either mode. */
void query_decide(struct query *query, const struct jwta_trace *trace, struct jwta_result *result);

void query_free(struct query *query);

/* Writes problems to standard error, one a line: FILE:LINE: error|warning: TEXT. */
void problems_print(const struct jwta_problems *problems, bool warnings, FILE *to);

#endif
