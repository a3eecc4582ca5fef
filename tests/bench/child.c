/* SPDX-License-Identifier: BSD-2-Clause */
#include "child.h"

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Answers each question with the token. */
static int converse(int count, const struct pam_message **message, struct pam_response **out,
                    void *token)
{
    struct pam_response *response = calloc((size_t)count, sizeof(*response));

    (void)message;
    if (response == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        response[i].resp = strdup(token);
    *out = response;
    return PAM_SUCCESS;
}

static int authenticate(const char *stacks, const char *name, const char *user, char *token)
{
    const struct pam_conv conversation = {.conv = converse, .appdata_ptr = token};
    pam_handle_t *handle = NULL;
    int result = pam_start_confdir(name, user, &conversation, stacks, &handle);

    if (result == PAM_SUCCESS)
        result = pam_authenticate(handle, 0);
    (void)pam_end(handle, result);
    return result;
}

int child_wait(pid_t child)
{
    int status = 0;

    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

int child_login(const char *stacks, const char *name, const char *user, const char *token)
{
    pid_t child = fork();

    if (child == 0)
        _exit(authenticate(stacks, name, user, strdup(token)));
    return child_wait(child);
}
