/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of both mechanisms. What is read once per process (struct jwta_server) and the
 * steps of one exchange, in the form in which libsasl calls them (saslplug.h).
 */
#ifndef JWTA_SERVER_H
#define JWTA_SERVER_H

#include "sasl_jwt/message.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

/* Options, log and verifier. Shared by all connections and threads of a process. */
struct jwta_server;

/*
 * Reads options and configuration. Where nobody has configured anything *out becomes NULL, without
 * a word. A configuration that is refused is logged, and kept as such: every exchange then fails.
 * MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_server_open(const sasl_utils_t *utils, struct jwta_server **out);
void jwta_server_close(struct jwta_server **server);

/* What a connection begins from: the glob_context of the calls below. */
struct jwta_server_start {
    struct jwta_server *server;
    enum jwta_mechanism mechanism;
};

/* mech_avail: SASL_NOMECH for a service that the configuration does not know. */
int jwta_server_avail(void *start, sasl_server_params_t *params, void **exchange);

int jwta_server_new(void *start, sasl_server_params_t *params, const char *challenge,
                    unsigned challenge_len, void **exchange);

/*
 * mech_step. SASL_OK: the user is in, and the host knows his name. SASL_CONTINUE: *out is an error
 * message; the failure comes with the next step, whatever the client answers. SASL_BADPROT: the
 * client does not keep to the protocol. SASL_BADAUTH: the token is refused. SASL_NOAUTHZ: it is
 * good, but its user may not do this, or the server makes a name of more weight of his.
 * SASL_UNAVAIL: later it may work. SASL_FAIL, SASL_NOMEM, and what the host's own checks of the
 * name say.
 */
int jwta_server_step(void *exchange, sasl_server_params_t *params, const char *in, unsigned in_len,
                     const char **out, unsigned *out_len, sasl_out_params_t *oparams);

void jwta_server_dispose(void *exchange, const sasl_utils_t *utils);

#endif
