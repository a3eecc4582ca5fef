/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry points of a minimal PAM module: asks for a token and has it verified. */
#include "rival.h"

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    const char *user = NULL;
    const char *token = NULL;

    (void)flags;
    if (argc != 1 || strncmp(argv[0], "jwks=", 5) != 0)
        return PAM_SERVICE_ERR;
    if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS ||
        pam_get_authtok(pamh, PAM_AUTHTOK, &token, "JWT: ") != PAM_SUCCESS)
        return PAM_AUTH_ERR;
    return rival_verify(argv[0] + 5, token, user) ? PAM_SUCCESS : PAM_AUTH_ERR;
}

EXPORTED int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
