/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entry points of libjwtauth_sasl.so, and what libsasl is told of the mechanisms.
 *
 * Their flags are those of PLAIN, for a token is as good as a password to whoever reads it on the
 * way: servers that demand more (SASL_SEC_NOPLAINTEXT) do not offer them until TLS is up.
 */
#include "sasl_jwt/client.h"
#include "sasl_jwt/server.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ENTRY __attribute__((visibility("default")))
#define SECURITY (SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS)
#define FEATURES (SASL_FEAT_WANT_CLIENT_FIRST | SASL_FEAT_ALLOWS_PROXY)

/* <sasl/saslplug.h> has types for the entry points, but no declarations. */
ENTRY sasl_server_plug_init_t sasl_server_plug_init;
ENTRY sasl_client_plug_init_t sasl_client_plug_init;

/* ------------------------------------------------------------------ server */

struct plugin;

/* The glob_context of a mechanism. start comes first: it is what server.c takes it for. */
struct offer {
    struct jwta_server_start start;
    struct plugin *plugin;
};

/* What one sasl_server_init has made. libsasl gives it back mechanism by mechanism. */
struct plugin {
    sasl_server_plug_t table[JWTA_MECHANISM_COUNT];
    struct offer offers[JWTA_MECHANISM_COUNT];
    struct jwta_server *server;
    atomic_uint held;
};

static void release(void *context, const sasl_utils_t *utils)
{
    struct plugin *plugin = ((struct offer *)context)->plugin;

    (void)utils;
    if (atomic_fetch_sub(&plugin->held, 1) > 1)
        return;
    jwta_server_close(&plugin->server);
    free(plugin);
}

static void describe(struct plugin *plugin, enum jwta_mechanism mechanism)
{
    plugin->offers[mechanism] = (struct offer){
        .start = {.server = plugin->server, .mechanism = mechanism},
        .plugin = plugin,
    };
    plugin->table[mechanism] = (sasl_server_plug_t){
        .mech_name = jwta_mechanism_name(mechanism),
        .security_flags = SECURITY,
        .features = FEATURES,
        .glob_context = &plugin->offers[mechanism],
        .mech_new = jwta_server_new,
        .mech_step = jwta_server_step,
        .mech_dispose = jwta_server_dispose,
        .mech_free = release,
        .mech_avail = jwta_server_avail,
    };
}

ENTRY int sasl_server_plug_init(const sasl_utils_t *utils, int max_version, int *out_version,
                                sasl_server_plug_t **pluglist, int *plugcount)
{
    struct plugin *plugin = NULL;
    struct jwta_server *server = NULL;

    if (max_version < SASL_SERVER_PLUG_VERSION)
        return SASL_BADVERS;
    *out_version = SASL_SERVER_PLUG_VERSION;
    *pluglist = NULL;
    *plugcount = 0;
    if (jwta_server_open(utils, &server) != JWTA_OK)
        return SASL_NOMEM;
    if (server == NULL)
        return SASL_OK;
    plugin = calloc(1, sizeof(*plugin));
    if (plugin == NULL) {
        jwta_server_close(&server);
        return SASL_NOMEM;
    }
    plugin->server = server;
    atomic_init(&plugin->held, JWTA_MECHANISM_COUNT);
    for (int i = 0; i < JWTA_MECHANISM_COUNT; i++)
        describe(plugin, (enum jwta_mechanism)i);
    *pluglist = plugin->table;
    *plugcount = JWTA_MECHANISM_COUNT;
    return SASL_OK;
}

/* ------------------------------------------------------------------ client */

static const struct jwta_client_start client_starts[JWTA_MECHANISM_COUNT] = {
    [JWTA_OAUTHBEARER] = {JWTA_OAUTHBEARER},
    [JWTA_XOAUTH2] = {JWTA_XOAUTH2},
};

/* OAUTHBEARER can do without a name. */
static const unsigned long token_alone[] = {SASL_CB_PASS, SASL_CB_LIST_END};

#define CLIENT(mechanism, name, prompts)                   \
    [mechanism] = {                                        \
        .mech_name = name,                                 \
        .security_flags = SECURITY,                        \
        .features = FEATURES,                              \
        .required_prompts = prompts,                       \
        .glob_context = (void *)&client_starts[mechanism], \
        .mech_new = jwta_client_new,                       \
        .mech_step = jwta_client_step,                     \
        .mech_dispose = jwta_client_dispose,               \
    }

static const sasl_client_plug_t client_table[JWTA_MECHANISM_COUNT] = {
    CLIENT(JWTA_OAUTHBEARER, "OAUTHBEARER", token_alone),
    CLIENT(JWTA_XOAUTH2, "XOAUTH2", NULL),
};

ENTRY int sasl_client_plug_init(const sasl_utils_t *utils, int max_version, int *out_version,
                                sasl_client_plug_t **pluglist, int *plugcount)
{
    (void)utils;
    if (max_version < SASL_CLIENT_PLUG_VERSION)
        return SASL_BADVERS;
    *out_version = SASL_CLIENT_PLUG_VERSION;
    /* libsasl takes the table for one that is read only, its type lacks the word. */
    *pluglist = (sasl_client_plug_t *)client_table;
    *plugcount = JWTA_MECHANISM_COUNT;
    return SASL_OK;
}
