/* SPDX-License-Identifier: BSD-2-Clause */
#include "sasl_exchange.h"

#include "mint.h"

#include <pthread.h>
#include <sasl/sasl.h>
#include <stdlib.h>
#include <string.h>

#define MECHANISM "OAUTHBEARER"
#define SERVICE "imap"

static const char *options[][2] = {
    {"jwtauth_config", NULL}, {"jwtauth_service", NULL}, {"mech_list", MECHANISM}};

static int get_option(void *context, const char *plugin, const char *name, const char **value,
                      unsigned *len)
{
    (void)context;
    (void)plugin;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i][0], name) == 0) {
            *value = options[i][1];
            if (len != NULL)
                *len = (unsigned)strlen(*value);
            return SASL_OK;
        }
    }
    return SASL_FAIL;
}

/* What slapd gives libsasl, and what the plug-in is therefore to bear. */
static void *mutex_new(void)
{
    pthread_mutex_t *mutex = malloc(sizeof(*mutex));

    if (mutex != NULL && pthread_mutex_init(mutex, NULL) != 0)
        mint_die("pthread_mutex_init failed");
    return mutex;
}

static int mutex_lock(void *mutex)
{
    return pthread_mutex_lock(mutex) == 0 ? SASL_OK : SASL_FAIL;
}

static int mutex_unlock(void *mutex)
{
    return pthread_mutex_unlock(mutex) == 0 ? SASL_OK : SASL_FAIL;
}

static void mutex_free(void *mutex)
{
    (void)pthread_mutex_destroy(mutex);
    free(mutex);
}

void exchange_init(const char *configuration, const char *service)
{
    static const sasl_callback_t callbacks[] = {
        {SASL_CB_GETOPT, (int (*)(void))(void (*)(void))get_option, NULL},
        {SASL_CB_LIST_END, NULL, NULL}};

    options[0][1] = configuration;
    options[1][1] = service;
    sasl_set_mutex(mutex_new, mutex_lock, mutex_unlock, mutex_free);
    if (sasl_server_init(callbacks, "bench") != SASL_OK)
        mint_die("sasl_server_init failed");
}

char *exchange_message(const char *token, const char *user)
{
    return mint_text("n,a=%s,\1host=imap.example.com\1port=993\1auth=Bearer %s\1\1", user, token);
}

bool exchange(const char *message, const char *user)
{
    const sasl_security_properties_t properties = {.security_flags = SASL_SEC_NOPLAINTEXT};
    sasl_ssf_t outside = 256;
    sasl_conn_t *connection = NULL;
    const void *name = NULL;
    const char *answer = NULL;
    unsigned len = 0;
    bool in = sasl_server_new(SERVICE, "imap.example.com", NULL, "127.0.0.1;993", "127.0.0.1;40000",
                              NULL, 0, &connection) == SASL_OK &&
              sasl_setprop(connection, SASL_SEC_PROPS, &properties) == SASL_OK &&
              sasl_setprop(connection, SASL_SSF_EXTERNAL, &outside) == SASL_OK &&
              sasl_server_start(connection, MECHANISM, message, (unsigned)strlen(message), &answer,
                                &len) == SASL_OK &&
              sasl_getprop(connection, SASL_USERNAME, &name) == SASL_OK && name != NULL &&
              strcmp(name, user) == 0;

    sasl_dispose(&connection);
    return in;
}
