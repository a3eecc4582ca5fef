/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of auth. */
#ifndef JWTA_AUTH_PRIVATE_H
#define JWTA_AUTH_PRIVATE_H

#include "common/auth.h"
#include "common/keys.h"

#include <openssl/evp.h>
#include <stdatomic.h>

#define JWTA_KNOWN_HEADERS 8

struct jwta_known_header;

struct jwta_verifier {
    struct jwta_conf *conf;
    struct jwta_keys *keys;
    const struct jwta_host *host;        /* who is asked about users, … */
    const struct jwta_host *accounts;    /* … and where local_user says that they must exist */
    struct jwta_host_snapshot *snapshot; /* of a pinned one: both of them, or NULL */
    const struct jwta_log *log;
    EVP_MD *sha256;
    /* Taken out and put back by atomic exchange; whoever took one owns it. */
    _Atomic(struct jwta_known_header *) known[JWTA_KNOWN_HEADERS];
};

/*
 * auth_known.c: headers that stood in verified tokens. Found ones are counted for the caller; to
 * add is only for the header of a token whose signature holds. Failing to remember is no failure.
 */
struct jwta_header *jwta_known_find(struct jwta_verifier *verifier, struct jwta_span encoded);
void jwta_known_add(struct jwta_verifier *verifier, struct jwta_span encoded,
                    struct jwta_header *header);
void jwta_known_clear(struct jwta_verifier *verifier);

#endif
