/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A libsasl with nothing but our plug-in, and what it reads, in a folder of its own: no file of the
 * machine is changed, and no privilege needed. Whatever cannot be made ends the test program.
 *
 *   DIR/jwtauth.yaml   DIR/jwks.json   DIR/plugins/libjwtauth_sasl.so
 *
 * The services of the usual configuration stand in stage.c.
 */
#ifndef TEST_STAGE_H
#define TEST_STAGE_H

#include "tests/unit/token.h"

#include <sasl/sasl.h>
#include <stdbool.h>

struct stage {
    char *dir;
    char *plugins;
    char *config;         /* what the option jwtauth_config says; NULL: nothing */
    const char *service;  /* the same for jwtauth_service */
    struct test_key *key; /* ES256, kid "lab-1", in the key set */
    bool serving;
};

/* Makes the folder and the usual files. libsasl is not started. */
struct stage *stage_open(void);
/* Stops libsasl and removes everything. */
void stage_close(struct stage **stage);

/* Writes a file of the folder; @dir@ stands for the folder. */
void stage_write(const struct stage *stage, const char *name, const char *text);
/* Puts the usual configuration and keys in place again. */
void stage_restore(const struct stage *stage);

/* Starts libsasl, as server and client, with the options that the stage has now; and stops it. */
void stage_start(struct stage *stage);
void stage_stop(struct stage *stage);

/* What libsasl's callback for the log was given at a level above debug since the start. */
const char *stage_log(void);

/* A connection to a service, and its other end. Callbacks of the client may be NULL. */
sasl_conn_t *stage_server(const char *service);
sasl_conn_t *stage_client(const char *service, const sasl_callback_t *callbacks);

/* What a token says beside issuer, audience "https://login.lab" and times. */
struct claims {
    const char *user;     /* NULL: alice */
    const char *roles;    /* JSON; NULL: ["mail"] */
    const char *scope;    /* NULL: "mail openid" */
    const char *audience; /* NULL: that of the configuration */
    long expires_in;      /* 0: 300 seconds */
};
char *stage_token(const struct stage *stage, const struct claims *claims);

/* Whether the proxy policy of the server's application (SASL_CB_PROXY_POLICY) admits others. */
void stage_proxy_policy(bool open);

#endif
