/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PAM module for tests that stands before or after pam_jwt in a stack. As the module before, it
 * puts into PAM what the application left in the PAM environment; as the one after, it
 * writes down there what it finds. Arguments, done in their order:
 *
 *   give_token   PAM_AUTHTOK becomes the value of GIVE_TOKEN
 *   give_user    PAM_USER becomes the value of GIVE_USER
 *   record       RECORDED becomes "<" PAM_AUTHTOK ">", or "none"
 *   ignore       PAM_IGNORE is returned, else PAM_SUCCESS
 */
#include <security/pam_modules.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ENTRY __attribute__((visibility("default")))

static bool record(pam_handle_t *pamh)
{
    char line[32768] = "RECORDED=none";
    const void *item = NULL;

    if (pam_get_item(pamh, PAM_AUTHTOK, &item) != PAM_SUCCESS)
        return false;
    if (item != NULL)
        (void)snprintf(line, sizeof(line), "RECORDED=<%s>", (const char *)item);
    return pam_putenv(pamh, line) == PAM_SUCCESS;
}

static int run(pam_handle_t *pamh, int argc, const char **argv)
{
    bool well = true;
    int status = PAM_SUCCESS;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "give_token") == 0)
            well = well &&
                   pam_set_item(pamh, PAM_AUTHTOK, pam_getenv(pamh, "GIVE_TOKEN")) == PAM_SUCCESS;
        else if (strcmp(argv[i], "give_user") == 0)
            well =
                well && pam_set_item(pamh, PAM_USER, pam_getenv(pamh, "GIVE_USER")) == PAM_SUCCESS;
        else if (strcmp(argv[i], "record") == 0)
            well = well && record(pamh);
        else if (strcmp(argv[i], "ignore") == 0)
            status = PAM_IGNORE;
        else
            well = false;
    }
    return well ? status : PAM_SYSTEM_ERR;
}

ENTRY int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return run(pamh, argc, argv);
}

ENTRY int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return run(pamh, argc, argv);
}

ENTRY int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_IGNORE;
}
