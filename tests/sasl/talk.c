/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sasl/talk.h"

#include "tests/sasl/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool well, const char *what)
{
    if (!well) {
        perror(what);
        abort();
    }
}

static int give_name(void *context, int id, const char **result, unsigned *len)
{
    const struct talk_callbacks *callbacks = context;

    *result = id == SASL_CB_USER ? callbacks->talk->authzid : callbacks->talk->authcid;
    if (len != NULL)
        *len = *result != NULL ? (unsigned)strlen(*result) : 0;
    return SASL_OK;
}

static int give_token(sasl_conn_t *conn, void *context, int id, sasl_secret_t **out)
{
    const struct talk_callbacks *callbacks = context;

    (void)conn;
    (void)id;
    *out = callbacks->secret;
    return SASL_OK;
}

void talk_callbacks(const struct talk *talk, struct talk_callbacks *out)
{
    size_t count = 0;

    *out = (struct talk_callbacks){.talk = talk};
    if (talk->authzid != NULL)
        out->item[count++] =
            (sasl_callback_t){SASL_CB_USER, (int (*)(void))(void (*)(void))give_name, out};
    if (talk->authcid != NULL)
        out->item[count++] =
            (sasl_callback_t){SASL_CB_AUTHNAME, (int (*)(void))(void (*)(void))give_name, out};
    if (talk->token != NULL) {
        size_t len = strlen(talk->token);

        out->secret = calloc(1, sizeof(*out->secret) + len);
        must(out->secret != NULL, "calloc");
        out->secret->len = len;
        memcpy(out->secret->data, talk->token, len);
        out->item[count++] =
            (sasl_callback_t){SASL_CB_PASS, (int (*)(void))(void (*)(void))give_token, out};
    }
    out->item[count].id = SASL_CB_LIST_END;
}

void talk_callbacks_free(struct talk_callbacks *callbacks)
{
    if (callbacks->secret != NULL)
        memset(callbacks->secret->data, 0, callbacks->secret->len);
    free(callbacks->secret);
    callbacks->secret = NULL;
}

/* Copies what the connection says of a name; nothing where it knows none. */
static void copy_name(sasl_conn_t *conn, int property, char *out, size_t size)
{
    const void *value = NULL;

    if (sasl_getprop(conn, property, &value) == SASL_OK && value != NULL)
        (void)snprintf(out, size, "%s", (const char *)value);
}

void talk_exchange(const struct talk *talk, struct outcome *out)
{
    const char *mechanism = talk->mechanism != NULL ? talk->mechanism : "OAUTHBEARER";
    const char *service = talk->service != NULL ? talk->service : "imap";
    struct talk_callbacks callbacks;
    sasl_conn_t *client = NULL;
    const char *used = NULL;
    const char *sent = NULL;
    const char *said = NULL;
    unsigned sent_len = 0;
    unsigned said_len = 0;

    *out = (struct outcome){.server = SASL_CONTINUE};
    talk_callbacks(talk, &callbacks);
    client = stage_client(service, callbacks.item);
    out->conn = stage_server(service);
    out->client = sasl_client_start(client, mechanism, NULL, &sent, &sent_len, &used);
    if (out->client == SASL_CONTINUE || out->client == SASL_OK)
        out->server = sasl_server_start(out->conn, mechanism, sent, sent_len, &said, &said_len);
    while (out->server == SASL_CONTINUE && out->client == SASL_CONTINUE) {
        (void)snprintf(out->error, sizeof(out->error), "%.*s", (int)said_len, said);
        out->client = sasl_client_step(client, said, said_len, NULL, &sent, &sent_len);
        if (out->client == SASL_CONTINUE)
            out->server = sasl_server_step(out->conn, sent, sent_len, &said, &said_len);
    }
    if (out->client == SASL_CONTINUE)
        out->client = sasl_client_step(client, NULL, 0, NULL, &sent, &sent_len);
    (void)snprintf(out->detail, sizeof(out->detail), "%s", sasl_errdetail(out->conn));
    copy_name(out->conn, SASL_AUTHUSER, out->authcid, sizeof(out->authcid));
    copy_name(out->conn, SASL_USERNAME, out->authzid, sizeof(out->authzid));
    sasl_dispose(&client);
    talk_callbacks_free(&callbacks);
}

int talk_status(const struct talk *talk)
{
    struct outcome outcome;

    talk_exchange(talk, &outcome);
    sasl_dispose(&outcome.conn);
    return outcome.server;
}
