/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of both mechanisms, in the form in which libsasl calls it (saslplug.h). */
#ifndef JWTA_CLIENT_H
#define JWTA_CLIENT_H

#include "sasl_jwt/message.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

/* What a connection begins from: the glob_context of jwta_client_new. */
struct jwta_client_start {
    enum jwta_mechanism mechanism;
};

int jwta_client_new(void *start, sasl_client_params_t *params, void **exchange);

/*
 * mech_step. The first sends the token, which the application gives as the password
 * (SASL_CB_PASS), with the name as whom the user acts: the authorisation name (SASL_CB_USER) if
 * there is one, else the authentication name (SASL_CB_AUTHNAME). SASL_INTERACT where the
 * application must ask for them. The second step hears what came of it: SASL_OK, or SASL_CONTINUE
 * with the answer to an error message; whatever is said after that, SASL_BADAUTH.
 *
 * SASL_BADPARAM: there is no token or name, or one that cannot be sent. SASL_BADPROT: the server
 * does not keep to the protocol. SASL_NOMEM, and what the application's callbacks answer.
 */
int jwta_client_step(void *exchange, sasl_client_params_t *params, const char *in, unsigned in_len,
                     sasl_interact_t **prompts, const char **out, unsigned *out_len,
                     sasl_out_params_t *oparams);

void jwta_client_dispose(void *exchange, const sasl_utils_t *utils);

#endif
