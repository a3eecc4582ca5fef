/* SPDX-License-Identifier: BSD-2-Clause */
#include "sasl_jwt/client.h"

#include "sasl_jwt/ask.h"

#include <stdlib.h>
#include <string.h>

#define HEARD_MAX 8192 /* bytes of a server's error message, which nobody vouches for */

/* Whom libsasl is told where the application names nobody: it wants a name, the server does not. */
#define NAMELESS "bearer"

enum state {
    STATE_BEGIN,   /* ours is the word */
    STATE_SENT,    /* the token is out */
    STATE_REFUSED, /* the server has sent an error message, and has its answer */
    STATE_OVER
};

struct exchange {
    const struct jwta_client_start *start;
    enum state state;
    struct jwta_prompts prompts;
    struct jwta_buf message; /* ours; libsasl borrows it until the next step */
};

/* The port of "address;port"; 0 where it is not known. */
static unsigned port_of(const char *place)
{
    const char *digits = place != NULL ? strchr(place, ';') : NULL;
    char *end = NULL;
    unsigned long port = 0;

    if (digits == NULL || digits[1] < '1' || digits[1] > '9')
        return 0;
    port = strtoul(digits + 1, &end, 10);
    return *end == '\0' && port <= 65535 ? (unsigned)port : 0;
}

/* Absent where the text is. */
static struct jwta_span known(const char *text)
{
    return jwta_span_of(text != NULL && *text != '\0' ? text : NULL);
}

/* Tells libsasl who it is, who then has both names in oparams, in the form that it likes. */
static int introduce(const struct jwta_span *answers, sasl_client_params_t *params,
                     sasl_out_params_t *oparams)
{
    struct jwta_span authcid = answers[JWTA_ASK_AUTHCID];
    struct jwta_span authzid = answers[JWTA_ASK_AUTHZID];
    sasl_conn_t *conn = params->utils->conn;
    int status = SASL_OK;

    if (authcid.data == NULL)
        authcid = authzid.data != NULL ? authzid : jwta_span_of(NAMELESS);
    if (authzid.data == NULL)
        return params->canon_user(conn, authcid.data, (unsigned)authcid.len,
                                  SASL_CU_AUTHID | SASL_CU_AUTHZID, oparams);
    status = params->canon_user(conn, authcid.data, (unsigned)authcid.len, SASL_CU_AUTHID, oparams);
    if (status == SASL_OK)
        status =
            params->canon_user(conn, authzid.data, (unsigned)authzid.len, SASL_CU_AUTHZID, oparams);
    return status;
}

static int write_message(struct exchange *exchange, const struct jwta_span *answers,
                         const sasl_client_params_t *params, const sasl_out_params_t *oparams)
{
    bool named = answers[JWTA_ASK_AUTHZID].data != NULL || answers[JWTA_ASK_AUTHCID].data != NULL;
    const struct jwta_client_request request = {
        .authzid = known(named ? oparams->user : NULL),
        .host = known(params->serverFQDN),
        .port = port_of(params->ipremoteport),
        .token = answers[JWTA_ASK_TOKEN],
    };
    enum jwta_code code =
        jwta_client_response_write(exchange->start->mechanism, &request, &exchange->message);

    if (code == JWTA_OK)
        return SASL_OK;
    if (code == JWTA_MEMORY)
        return SASL_NOMEM;
    params->utils->seterror(params->utils->conn, SASL_NOLOG, "%s",
                            code == JWTA_NOT_JWT        ? "what was given is no bearer token"
                            : code == JWTA_USER_INVALID ? "a user name is missing or cannot be sent"
                                                        : "the server's name cannot be sent");
    return SASL_BADPARAM;
}

static int begin(struct exchange *exchange, struct jwta_span said, sasl_client_params_t *params,
                 sasl_interact_t **prompts, struct jwta_span *out, sasl_out_params_t *oparams)
{
    struct jwta_span answers[JWTA_ASK_COUNT] = {{0}};
    int status = SASL_OK;

    if (said.len > 0)
        return SASL_BADPROT; /* the client speaks first */
    status = jwta_ask(params->utils, prompts, &exchange->prompts, answers);
    if (status == SASL_INTERACT) {
        exchange->state = STATE_BEGIN;
        return status;
    }
    if (prompts != NULL)
        *prompts = NULL;
    if (status == SASL_OK)
        status = introduce(answers, params, oparams);
    if (status == SASL_OK)
        status = write_message(exchange, answers, params, oparams);
    if (status != SASL_OK)
        return status;
    exchange->state = STATE_SENT;
    *out = jwta_buf_span(&exchange->message);
    /* Not SASL_OK: the server may yet have an error message. */
    return SASL_CONTINUE;
}

static int hear(struct exchange *exchange, struct jwta_span said, sasl_client_params_t *params,
                struct jwta_span *out, sasl_out_params_t *oparams)
{
    struct jwta_quoted status;

    jwta_buf_free(&exchange->message);
    if (said.len == 0) {
        oparams->doneflag = 1;
        oparams->mech_ssf = 0;
        oparams->maxoutbuf = 0;
        oparams->encode_context = NULL;
        oparams->encode = NULL;
        oparams->decode_context = NULL;
        oparams->decode = NULL;
        oparams->param_version = 0;
        return SASL_OK;
    }
    if (said.len > HEARD_MAX || !jwta_server_error_read(said, &status))
        return SASL_BADPROT;
    params->utils->log(params->utils->conn, SASL_LOG_DEBUG, "the server refuses the token: %s",
                       status.text);
    exchange->state = STATE_REFUSED;
    *out = jwta_error_answer;
    return SASL_CONTINUE;
}

int jwta_client_new(void *start, sasl_client_params_t *params, void **exchange)
{
    struct exchange *made = calloc(1, sizeof(*made));

    (void)params;
    if (made == NULL)
        return SASL_NOMEM;
    made->start = start;
    *exchange = made;
    return SASL_OK;
}

int jwta_client_step(void *context, sasl_client_params_t *params, const char *in, unsigned in_len,
                     sasl_interact_t **prompts, const char **out, unsigned *out_len,
                     sasl_out_params_t *oparams)
{
    struct exchange *exchange = context;
    struct jwta_span said = jwta_span(in != NULL ? in : "", in != NULL ? in_len : 0);
    struct jwta_span answer = {0};
    enum state state = STATE_OVER;
    int status = SASL_BADPROT;

    /* libsasl has disposed of an exchange that failed, and still takes messages for it. */
    if (exchange == NULL)
        return SASL_BADPROT;
    state = exchange->state;
    /* Unless a step says so, there is no other after it. */
    exchange->state = STATE_OVER;
    if (state == STATE_BEGIN)
        status = begin(exchange, said, params, prompts, &answer, oparams);
    else if (state == STATE_SENT)
        status = hear(exchange, said, params, &answer, oparams);
    else if (state == STATE_REFUSED)
        status = SASL_BADAUTH;
    *out = answer.data;
    *out_len = (unsigned)answer.len;
    return status;
}

void jwta_client_dispose(void *context, const sasl_utils_t *utils)
{
    struct exchange *exchange = context;

    (void)utils;
    if (exchange == NULL)
        return;
    jwta_buf_free(&exchange->message);
    free(exchange);
}
