/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a login leaves for account in the data of the PAM handle: whose token it was and until when.
 * Never the token. Each service name (a service= in the stack, too) has a login of its own.
 */
#ifndef JWTA_LOGIN_H
#define JWTA_LOGIN_H

#include "common/policy.h"

#include <security/pam_modules.h>

/* The longest service name, in bytes. */
#define JWTA_SERVICE_MAX 255

struct jwta_login {
    int64_t expires; /* exp, seconds since the epoch */
    char user[JWTA_USER_MAX];
};

/* Keeps a login until the handle ends, in place of the one before. PAM_BUF_ERR, PAM_SYSTEM_ERR. */
int jwta_login_keep(pam_handle_t *pamh, const char *service, const char *user, int64_t expires)
    __attribute__((warn_unused_result));

/* Forgets it. */
int jwta_login_forget(pam_handle_t *pamh, const char *service) __attribute__((warn_unused_result));

/* The login, borrowed until the next call about the same service, or NULL. */
const struct jwta_login *jwta_login_find(pam_handle_t *pamh, const char *service);

#endif
