/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/pam/talk.h"

#include "tests/pam/journal.h"

#include <stdlib.h>
#include <string.h>

static int converse(int count, const struct pam_message **message, struct pam_response **out,
                    void *context)
{
    struct talk *talk = context;
    struct pam_response *response = NULL;
    const char *answer = talk->answer;

    for (int i = 0; i < count; i++) {
        if (message[i]->msg_style == PAM_PROMPT_ECHO_OFF && strcmp(message[i]->msg, "JWT: ") == 0)
            talk->prompts++;
        else if (message[i]->msg_style == PAM_PROMPT_ECHO_ON)
            talk->questions++;
        else
            talk->others++;
    }
    if (talk->once != PAM_SUCCESS) {
        int status = talk->once;

        talk->once = PAM_SUCCESS;
        return status;
    }
    if (talk->status != PAM_SUCCESS)
        return talk->status;
    response = calloc((size_t)count, sizeof(*response));
    if (response == NULL)
        return PAM_BUF_ERR;
    if (message[0]->msg_style == PAM_PROMPT_ECHO_ON)
        answer = talk->user;
    if (answer != NULL)
        response[0].resp = strdup(answer);
    if (talk->thinks != 0)
        journal_clock(talk->thinks);
    *out = response;
    return PAM_SUCCESS;
}

struct pam_conv talk_conversation(struct talk *talk)
{
    return (struct pam_conv){.conv = converse, .appdata_ptr = talk};
}
