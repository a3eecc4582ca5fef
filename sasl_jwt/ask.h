/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client must be told by its application: names and token, by callback or, where the
 * application has none, by a prompt that it shows and comes back with (SASL_INTERACT).
 */
#ifndef JWTA_ASK_H
#define JWTA_ASK_H

#include "common/buf.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

enum jwta_ask { JWTA_ASK_AUTHZID, JWTA_ASK_AUTHCID, JWTA_ASK_TOKEN, JWTA_ASK_COUNT };

/* Prompts for all of them and the end of the list; the exchange's, so that they live as long. */
struct jwta_prompts {
    sasl_interact_t item[JWTA_ASK_COUNT + 1];
};

/*
 * Gets all answers, borrowed from the application; one that is absent or empty is the absent span.
 * SASL_INTERACT: *shown is to be answered first, and is own. SASL_BADPARAM where prompts are needed
 * and shown is NULL. Else what a callback says.
 */
int jwta_ask(const sasl_utils_t *utils, sasl_interact_t **shown, struct jwta_prompts *own,
             struct jwta_span answers[JWTA_ASK_COUNT]);

#endif
