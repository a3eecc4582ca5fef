/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server can read about a login in the property context of its connection (prop.h): the
 * local groups of the user (jwtGroups, one value each), when the token expires (jwtExpires, seconds
 * since the epoch) and who issued it (jwtIssuer). Only where the service has `properties: yes`.
 */
#ifndef JWTA_PROPERTIES_H
#define JWTA_PROPERTIES_H

#include "common/auth.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

/*
 * Names them in the context. To be called before the user is canonicalised: that looks up and
 * fills in others, which a later request would lose. SASL_OK, SASL_NOMEM.
 */
int jwta_properties_request(sasl_server_params_t *params);

/*
 * Sets them from an ALLOWED result. Whatever another plug-in has put under these names meanwhile is
 * dropped. SASL_OK, SASL_NOMEM.
 */
int jwta_properties_set(sasl_server_params_t *params, const struct jwta_result *result);

#endif
