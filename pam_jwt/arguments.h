/* SPDX-License-Identifier: BSD-2-Clause */
/* The arguments of the module's line in pam.d. */
#ifndef JWTA_ARGUMENTS_H
#define JWTA_ARGUMENTS_H

#include "common/log.h"
#include "pam_jwt/prompt.h"

#include <stdbool.h>

/* Strings are borrowed from argv. */
struct jwta_arguments {
    const char *config;  /* config=FILE, an absolute path; NULL: the compiled-in one */
    const char *service; /* service=NAME; NULL: PAM_SERVICE */
    bool debug;
    enum jwta_first_pass first_pass; /* use_first_pass, try_first_pass: the last one counts */
};

/*
 * Reads them. An argument that is not understood is an error, as the administrator meant something
 * by it; so is a relative config=, which would be looked for wherever the user who runs sudo
 * stands. CONF_INVALID, logged; what stands before the error is in *out, so that `debug` holds for
 * it.
 */
JWTA_MUST_USE enum jwta_code jwta_arguments_read(int argc, const char **argv,
                                                 const struct jwta_log *log,
                                                 struct jwta_arguments *out);

#endif
