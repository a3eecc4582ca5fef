/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sasl/stage.h"

#include <ftw.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PLUGIN JWTA_BUILD_DIR "/sasl_jwt/.libs/libjwtauth_sasl.so"
#define LOG_MAX 16384

/*
 * getaddrinfo and freeaddrinfo in place of libc's: libsasl asks for this host's full name each time
 * that an exchange begins, which is a question to the network where /etc/hosts does not have it.
 */
#define IN_PLACE_OF_LIBC __attribute__((visibility("default")))

static char host_name[] = "stage.lab";
static struct addrinfo this_host = {.ai_canonname = host_name};

IN_PLACE_OF_LIBC int getaddrinfo(const char *name, const char *service,
                                 const struct addrinfo *hints, struct addrinfo **result)
{
    (void)name;
    (void)service;
    (void)hints;
    *result = &this_host;
    return 0;
}

IN_PLACE_OF_LIBC void freeaddrinfo(struct addrinfo *result)
{
    (void)result;
}

/*
 * imap: everything that an error message can say, and mail-admin may act as others. plain: nothing
 * of it. proxy: the latter. named: names by group. told: properties. local: accounts of this
 * machine. watch: only observes. broken: keys that are nowhere.
 */
static const char configuration[] = "clock_skew: 30s\n"
                                    "issuers:\n"
                                    "  lab:\n"
                                    "    issuer: https://idp.lab\n"
                                    "    jwks: file:@dir@/jwks.json\n"
                                    "    audience: [https://login.lab]\n"
                                    "    username: ${preferred_username}\n"
                                    "    roles: [/roles]\n"
                                    "    groups:\n"
                                    "      mail: [mail]\n"
                                    "      mail-admin: [mail, adm]\n"
                                    "  away:\n"
                                    "    issuer: https://away.lab\n"
                                    "    jwks: https://localhost:1/jwks\n"
                                    "    audience: [https://login.lab]\n"
                                    "    username: ${preferred_username}\n"
                                    "services:\n"
                                    "  imap:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_groups: [mail]\n"
                                    "    proxy_roles: [mail-admin]\n"
                                    "    scope: [mail, openid]\n"
                                    "    openid_configuration: "
                                    "https://idp.lab/.well-known/openid-configuration\n"
                                    "  plain:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [mail, mail-admin]\n"
                                    "  proxy:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [mail, mail-admin]\n"
                                    "    proxy_roles: [mail-admin]\n"
                                    "  named:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [mail, mail-admin]\n"
                                    "    names:\n"
                                    "      adm: \"{user}@admins\"\n"
                                    "  told:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [mail, mail-admin]\n"
                                    "    properties: yes\n"
                                    "  local:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [mail, mail-admin]\n"
                                    "    local_user: yes\n"
                                    "  watch:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [mail]\n"
                                    "    observe: yes\n"
                                    "  away:\n"
                                    "    issuers: [away]\n";

static char log_text[LOG_MAX];
static size_t log_used;
static bool proxy_open;

static void must(bool well, const char *what)
{
    if (!well) {
        perror(what);
        exit(1);
    }
}

void stage_write(const struct stage *stage, const char *name, const char *text)
{
    char *path = test_format("%s/%s", stage->dir, name);
    char *made = test_format("%s.new", path);
    FILE *file = fopen(made, "w");
    const char *at = NULL;

    must(file != NULL, made);
    while ((at = strstr(text, "@dir@")) != NULL) {
        must(fprintf(file, "%.*s%s", (int)(at - text), text, stage->dir) >= 0, made);
        text = at + strlen("@dir@");
    }
    must(fputs(text, file) >= 0 && fclose(file) == 0, made);
    must(chmod(made, 0644) == 0, made);
    must(rename(made, path) == 0, path);
    free(made);
    free(path);
}

void stage_restore(const struct stage *stage)
{
    char *keys = test_key_jwks(stage->key, "lab-1", "ES256");

    stage_write(stage, "jwtauth.yaml", configuration);
    stage_write(stage, "jwks.json", keys);
    free(keys);
}

struct stage *stage_open(void)
{
    const char *parent = getenv("TMPDIR");
    struct stage *stage = calloc(1, sizeof(*stage));
    char *link = NULL;

    must(stage != NULL, "calloc");
    stage->dir = test_format("%s/jwtauth-sasl-XXXXXX", parent != NULL ? parent : "/tmp");
    must(mkdtemp(stage->dir) != NULL, stage->dir);
    must(chmod(stage->dir, 0755) == 0, stage->dir);
    stage->plugins = test_format("%s/plugins", stage->dir);
    must(mkdir(stage->plugins, 0755) == 0, stage->plugins);
    link = test_format("%s/libjwtauth_sasl.so", stage->plugins);
    must(access(PLUGIN, R_OK) == 0, PLUGIN);
    must(symlink(PLUGIN, link) == 0, link);
    free(link);
    stage->config = test_format("%s/jwtauth.yaml", stage->dir);
    stage->key = test_key_new("ES256");
    stage_restore(stage);
    return stage;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void stage_close(struct stage **stage)
{
    if (*stage == NULL)
        return;
    stage_stop(*stage);
    (void)nftw((*stage)->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free((*stage)->dir);
    free((*stage)->plugins);
    free((*stage)->config);
    test_key_free(&(*stage)->key);
    free(*stage);
    *stage = NULL;
}

/* ------------------------------------------------------------------ libsasl */

static int give_option(void *context, const char *plugin, const char *option, const char **result,
                       unsigned *len)
{
    const struct stage *stage = context;
    const struct {
        const char *name;
        const char *value;
    } options[] = {
        {"jwtauth_config", stage->config},
        {"jwtauth_service", stage->service},
        {"log_level", "7"},
    };

    (void)plugin;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(option, options[i].name) == 0 && options[i].value != NULL) {
            *result = options[i].value;
            if (len != NULL)
                *len = (unsigned)strlen(*result);
            return SASL_OK;
        }
    }
    return SASL_FAIL;
}

static int give_path(void *context, const char **path)
{
    const struct stage *stage = context;

    *path = stage->plugins;
    return SASL_OK;
}

static int keep_log(void *context, int level, const char *message)
{
    (void)context;
    if (level < SASL_LOG_DEBUG && log_used + strlen(message) + 2 < sizeof(log_text))
        log_used += (size_t)sprintf(log_text + log_used, "%s\n", message);
    return SASL_OK;
}

const char *stage_log(void)
{
    return log_text;
}

static int judge_proxy(sasl_conn_t *conn, void *context, const char *user, unsigned user_len,
                       const char *authid, unsigned authid_len, const char *realm,
                       unsigned realm_len, struct propctx *properties)
{
    (void)conn;
    (void)context;
    (void)realm;
    (void)realm_len;
    (void)properties;
    if (proxy_open)
        return SASL_OK;
    return user_len == authid_len && memcmp(user, authid, user_len) == 0 ? SASL_OK : SASL_NOAUTHZ;
}

void stage_proxy_policy(bool open)
{
    proxy_open = open;
}

void stage_start(struct stage *stage)
{
    /* libsasl keeps the list, and there is one libsasl. */
    static sasl_callback_t callbacks[5];
    static const sasl_callback_t usual[] = {
        {SASL_CB_GETOPT, (int (*)(void))(void (*)(void))give_option, NULL},
        {SASL_CB_GETPATH, (int (*)(void))(void (*)(void))give_path, NULL},
        {SASL_CB_LOG, (int (*)(void))(void (*)(void))keep_log, NULL},
        {SASL_CB_PROXY_POLICY, (int (*)(void))(void (*)(void))judge_proxy, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };

    /* Where the application gives no name, libsasl takes that of the environment. */
    must(unsetenv("USER") == 0 && unsetenv("USERNAME") == 0, "unsetenv");
    memcpy(callbacks, usual, sizeof(callbacks));
    for (size_t i = 0; i < 4; i++)
        callbacks[i].context = stage;
    log_used = 0;
    log_text[0] = '\0';
    must(sasl_server_init(callbacks, "test") == SASL_OK, "sasl_server_init");
    must(sasl_client_init(callbacks) == SASL_OK, "sasl_client_init");
    stage->serving = true;
}

void stage_stop(struct stage *stage)
{
    if (!stage->serving)
        return;
    must(sasl_client_done() == SASL_OK, "sasl_client_done");
    must(sasl_server_done() == SASL_OK, "sasl_server_done");
    stage->serving = false;
}

sasl_conn_t *stage_server(const char *service)
{
    sasl_conn_t *conn = NULL;

    must(sasl_server_new(service, "mail.lab", NULL, "192.0.2.1;143", "192.0.2.7;40000", NULL, 0,
                         &conn) == SASL_OK,
         "sasl_server_new");
    return conn;
}

sasl_conn_t *stage_client(const char *service, const sasl_callback_t *callbacks)
{
    sasl_conn_t *conn = NULL;

    must(sasl_client_new(service, "mail.lab", "192.0.2.7;40000", "192.0.2.1;143", callbacks, 0,
                         &conn) == SASL_OK,
         "sasl_client_new");
    return conn;
}

/* ------------------------------------------------------------------ tokens */

char *stage_token(const struct stage *stage, const struct claims *claims)
{
    static const struct claims usual = {0};
    const struct claims *given = claims != NULL ? claims : &usual;
    const char *user = given->user != NULL ? given->user : "alice";
    long now = (long)time(NULL);
    char *payload = test_format(
        "{\"iss\":\"https://idp.lab\",\"sub\":\"s-1\",\"aud\":\"%s\",\"jti\":\"id-1\",\"iat\":%ld,"
        "\"exp\":%ld,\"preferred_username\":\"%s\",\"scope\":\"%s\",\"roles\":%s}",
        given->audience != NULL ? given->audience : "https://login.lab", now - 5,
        now + (given->expires_in != 0 ? given->expires_in : 300), user,
        given->scope != NULL ? given->scope : "mail openid",
        given->roles != NULL ? given->roles : "[\"mail\"]");
    char *token =
        test_sign(stage->key, "{\"alg\":\"ES256\",\"kid\":\"lab-1\",\"typ\":\"JWT\"}", payload);

    free(payload);
    return token;
}
