/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam_jwt/prompt.h"

#include "common/jws.h"

#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>

static int from_stack(pam_handle_t *pamh, enum jwta_first_pass first_pass, char **credential)
{
    const void *item = NULL;
    const char *text = NULL;

    if (pam_get_item(pamh, PAM_AUTHTOK, &item) != PAM_SUCCESS)
        return PAM_SYSTEM_ERR;
    text = item;
    if (text == NULL || *text == '\0')
        return PAM_AUTHTOK_RECOVERY_ERR;
    if (first_pass == JWTA_FIRST_PASS_TRY && !jwta_jws_resembled(jwta_span_of(text)))
        return PAM_AUTHTOK_RECOVERY_ERR;
    *credential = strdup(text);
    return *credential != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static int from_user(pam_handle_t *pamh, char **credential)
{
    char *answer = NULL;
    int status = pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &answer, "%s", JWTA_PROMPT);

    if (status == PAM_SUCCESS && answer != NULL && *answer != '\0') {
        *credential = answer;
        return PAM_SUCCESS;
    }
    if (status == PAM_SUCCESS)
        status = answer != NULL ? PAM_AUTH_ERR : PAM_CONV_ERR;
    else if (status == PAM_CONV_AGAIN)
        status = PAM_INCOMPLETE;
    else if (status != PAM_BUF_ERR)
        /* The application's own number could be any, PAM_IGNORE among them. */
        status = PAM_CONV_ERR;
    jwta_wipe_string(answer);
    return status;
}

int jwta_prompt_get(pam_handle_t *pamh, enum jwta_first_pass first_pass, char **credential)
{
    *credential = NULL;
    if (first_pass != JWTA_FIRST_PASS_IGNORE) {
        int status = from_stack(pamh, first_pass, credential);

        if (status != PAM_AUTHTOK_RECOVERY_ERR || first_pass == JWTA_FIRST_PASS_USE)
            return status;
    }
    return from_user(pamh, credential);
}
