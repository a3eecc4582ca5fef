/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of the plug-in, which stand in the host's own SASL configuration. */
#ifndef JWTA_OPTS_H
#define JWTA_OPTS_H

#include "common/log.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

/* Owned: jwta_opts_clear. */
struct jwta_opts {
    char *config;  /* jwtauth_config, an absolute path; NULL: not set */
    char *service; /* jwtauth_service; NULL: not set, the host's own name of the service counts */
};

/*
 * Asks the host for them. One that cannot be meant is logged and CONF_INVALID; MEMORY. *out is
 * to be cleared whatever this says.
 */
JWTA_MUST_USE enum jwta_code jwta_opts_read(const sasl_utils_t *utils, const struct jwta_log *log,
                                            struct jwta_opts *out);
void jwta_opts_clear(struct jwta_opts *opts);

#endif
