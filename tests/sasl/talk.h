/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole exchange between the client and the server of this process. */
#ifndef TEST_TALK_H
#define TEST_TALK_H

#include <sasl/sasl.h>

/* What the client's application knows; NULL: it has no such callback. */
struct talk {
    const char *mechanism; /* NULL: OAUTHBEARER */
    const char *service;   /* NULL: imap */
    const char *authcid;
    const char *authzid;
    const char *token;
};

/* What came of it. */
struct outcome {
    int server;        /* the server's last answer */
    int client;        /* what the client makes of it, told that it is the last one */
    char error[2048];  /* the server's error message, "": none */
    char detail[512];  /* the server's sasl_errdetail */
    char authcid[512]; /* as the server knows them, "": not at all */
    char authzid[512];
    sasl_conn_t *conn; /* the server's connection, to be disposed of */
};

void talk_exchange(const struct talk *talk, struct outcome *out);
/* The same without looking at what the connection then knows; the server's last answer. */
int talk_status(const struct talk *talk);

/* Callbacks that answer what talk says: at most 3 and the end. talk must live as long. */
struct talk_callbacks {
    sasl_callback_t item[4];
    sasl_secret_t *secret;
    const struct talk *talk;
};
void talk_callbacks(const struct talk *talk, struct talk_callbacks *out);
void talk_callbacks_free(struct talk_callbacks *callbacks);

#endif
