/* SPDX-License-Identifier: BSD-2-Clause */
#include "sasl_jwt/opts.h"

#include <stdlib.h>
#include <string.h>

#define SERVICE_MAX 255

static bool absolute_path(const char *value)
{
    return value[0] == '/';
}

static bool service_name(const char *value)
{
    size_t len = strlen(value);

    if (len == 0 || len > SERVICE_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] <= 0x20 || value[i] == 0x7f)
            return false;
    }
    return true;
}

/* The text belongs to the host, which may give up the last one when asked for the next. */
static enum jwta_code read_one(const sasl_utils_t *utils, const struct jwta_log *log,
                               const char *name, bool (*valid)(const char *value), char **out)
{
    struct jwta_quoted quoted;
    const char *value = NULL;

    if (utils->getopt(utils->getopt_context, NULL, name, &value, NULL) != SASL_OK || value == NULL)
        return JWTA_OK;
    if (!valid(value)) {
        jwta_log(log, JWTA_LOG_ERROR, "the option %s cannot be %s", name,
                 jwta_quote(&quoted, jwta_span_of(value)));
        return JWTA_CONF_INVALID;
    }
    *out = strdup(value);
    return *out != NULL ? JWTA_OK : JWTA_MEMORY;
}

enum jwta_code jwta_opts_read(const sasl_utils_t *utils, const struct jwta_log *log,
                              struct jwta_opts *out)
{
    enum jwta_code code = read_one(utils, log, "jwtauth_config", absolute_path, &out->config);

    if (code == JWTA_OK)
        code = read_one(utils, log, "jwtauth_service", service_name, &out->service);
    return code;
}

void jwta_opts_clear(struct jwta_opts *opts)
{
    free(opts->config);
    free(opts->service);
    *opts = (struct jwta_opts){0};
}
