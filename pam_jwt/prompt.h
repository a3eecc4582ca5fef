/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the credential comes from and where it goes: PAM_AUTHTOK, that modules of one stack share,
 * and the conversation with the user.
 */
#ifndef JWTA_PROMPT_H
#define JWTA_PROMPT_H

#include <security/pam_modules.h>

/* What is asked, without echo. Clients that answer by themselves know it by these very bytes. */
#define JWTA_PROMPT "JWT: "

/* Whether a credential that an earlier module asked for is looked at. */
enum jwta_first_pass {
    JWTA_FIRST_PASS_IGNORE, /* ask */
    JWTA_FIRST_PASS_TRY,    /* if it is no JWT, ask */
    JWTA_FIRST_PASS_USE     /* never ask */
};

/*
 * Gets a credential. On PAM_SUCCESS *credential is a string that is not empty, the caller's, to be
 * freed by jwta_wipe_string; else it is NULL. PAM_AUTHTOK_RECOVERY_ERR: there is none and it may
 * not be asked for. PAM_AUTH_ERR: the answer was empty. PAM_INCOMPLETE: the application wants to be
 * called again (it answered PAM_CONV_AGAIN). PAM_CONV_ERR: every other failure of the conversation.
 * PAM_BUF_ERR, PAM_SYSTEM_ERR.
 */
int jwta_prompt_get(pam_handle_t *pamh, enum jwta_first_pass first_pass, char **credential)
    __attribute__((warn_unused_result));

#endif
