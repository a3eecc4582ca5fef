/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam_jwt/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_PREFIX "pam_jwt login "

struct key {
    char text[sizeof(KEY_PREFIX) + JWTA_SERVICE_MAX];
};

static bool make_key(const char *service, struct key *key)
{
    int len = snprintf(key->text, sizeof(key->text), KEY_PREFIX "%s", service);

    return len > 0 && (size_t)len < sizeof(key->text);
}

static void release(pam_handle_t *pamh, void *data, int error_status)
{
    (void)pamh;
    (void)error_status;
    free(data);
}

int jwta_login_keep(pam_handle_t *pamh, const char *service, const char *user, int64_t expires)
{
    size_t len = strlen(user);
    struct jwta_login *login = NULL;
    struct key key;
    int status = PAM_SYSTEM_ERR;

    if (!make_key(service, &key) || len >= sizeof(login->user))
        return PAM_SYSTEM_ERR;
    login = calloc(1, sizeof(*login));
    if (login == NULL)
        return PAM_BUF_ERR;
    login->expires = expires;
    memcpy(login->user, user, len);
    status = pam_set_data(pamh, key.text, login, release);
    if (status != PAM_SUCCESS)
        free(login);
    return status;
}

int jwta_login_forget(pam_handle_t *pamh, const char *service)
{
    struct key key;

    if (!make_key(service, &key))
        return PAM_SYSTEM_ERR;
    return pam_set_data(pamh, key.text, NULL, release);
}

const struct jwta_login *jwta_login_find(pam_handle_t *pamh, const char *service)
{
    const void *data = NULL;
    struct key key;

    if (!make_key(service, &key) || pam_get_data(pamh, key.text, &data) != PAM_SUCCESS)
        return NULL;
    return data;
}
