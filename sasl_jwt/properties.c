/* SPDX-License-Identifier: BSD-2-Clause */
#include "sasl_jwt/properties.h"

#include <inttypes.h>
#include <stdio.h>

#define GROUPS "jwtGroups"
#define EXPIRES "jwtExpires"
#define ISSUER "jwtIssuer"

int jwta_properties_request(sasl_server_params_t *params)
{
    /* The context keeps the pointers: they must be good for as long as the connection. */
    static const char *names[] = {GROUPS, EXPIRES, ISSUER, NULL};

    if (params->propctx == NULL)
        return SASL_OK;
    return params->utils->prop_request(params->propctx, names);
}

static int set_one(sasl_server_params_t *params, const char *name, const char *value)
{
    params->utils->prop_erase(params->propctx, name);
    return params->utils->prop_set(params->propctx, name, value, 0);
}

int jwta_properties_set(sasl_server_params_t *params, const struct jwta_result *result)
{
    const sasl_utils_t *utils = params->utils;
    char expires[24] = "";
    int status = SASL_OK;

    if (params->propctx == NULL)
        return SASL_OK;
    (void)snprintf(expires, sizeof(expires), "%" PRId64, result->claims.expires);
    utils->prop_erase(params->propctx, GROUPS);
    for (size_t i = 0; status == SASL_OK && i < result->decided.group_count; i++)
        status = utils->prop_set(params->propctx, GROUPS, result->decided.group[i]->name, 0);
    if (status == SASL_OK)
        status = set_one(params, EXPIRES, expires);
    if (status == SASL_OK)
        status = set_one(params, ISSUER, result->issuer->issuer.text);
    return status;
}
