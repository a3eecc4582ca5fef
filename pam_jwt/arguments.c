/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam_jwt/arguments.h"

#include <string.h>

/* The rest of text behind prefix, or NULL. */
static const char *value_of(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* Reads one argument; false if there is none such. */
static bool read_one(const char *text, struct jwta_arguments *out)
{
    const char *value = NULL;

    if ((value = value_of(text, "config=")) != NULL)
        out->config = value;
    else if ((value = value_of(text, "service=")) != NULL)
        out->service = value;
    else if (strcmp(text, "debug") == 0)
        out->debug = true;
    else if (strcmp(text, "use_first_pass") == 0)
        out->first_pass = JWTA_FIRST_PASS_USE;
    else if (strcmp(text, "try_first_pass") == 0)
        out->first_pass = JWTA_FIRST_PASS_TRY;
    else
        return false;
    return true;
}

enum jwta_code jwta_arguments_read(int argc, const char **argv, const struct jwta_log *log,
                                   struct jwta_arguments *out)
{
    struct jwta_quoted quoted;

    for (int i = 0; i < argc; i++) {
        if (!read_one(argv[i], out)) {
            jwta_log(log, JWTA_LOG_ERROR, "unknown argument %s in the PAM stack",
                     jwta_quote(&quoted, jwta_span_of(argv[i])));
            return JWTA_CONF_INVALID;
        }
    }
    if (out->config != NULL && out->config[0] != '/') {
        jwta_log(log, JWTA_LOG_ERROR, "config=%s in the PAM stack is no absolute path",
                 jwta_quote(&quoted, jwta_span_of(out->config)));
        return JWTA_CONF_INVALID;
    }
    return JWTA_OK;
}
