/* SPDX-License-Identifier: BSD-2-Clause */
#include "sasl_jwt/server.h"

#include "common/auth.h"
#include "sasl_jwt/opts.h"
#include "sasl_jwt/properties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#define REMOTE_MAX 128
#define OUTCOME_MAX 512 /* two quoted names and a sentence */

struct jwta_server {
    struct jwta_opts opts;
    struct jwta_log log;
    struct jwta_verifier *verifier; /* NULL: code says why */
    enum jwta_code code;
};

/* ------------------------------------------------------------------ once per process */

/* No openlog: the program's own name and settings stay. */
static void write_log(void *context, enum jwta_level level, const char *line)
{
    static const int priorities[] = {
        [JWTA_LOG_ERROR] = LOG_ERR,
        [JWTA_LOG_WARNING] = LOG_WARNING,
        [JWTA_LOG_NOTICE] = LOG_NOTICE,
        [JWTA_LOG_INFO] = LOG_INFO,
    };

    (void)context;
    if (level < JWTA_LOG_DEBUG)
        syslog(LOG_AUTHPRIV | priorities[level], "jwtauth(sasl): %s", line);
}

/* libsasl loads every plug-in that it finds into every program: most have nothing to do with us. */
static bool configured(const struct jwta_opts *opts)
{
    struct stat status = {0};

    return opts->config != NULL || stat(JWTA_CONF_PATH_DEFAULT, &status) == 0 ||
           (errno != ENOENT && errno != ENOTDIR);
}

enum jwta_code jwta_server_open(const sasl_utils_t *utils, struct jwta_server **out)
{
    struct jwta_verifier_options options = {.expected = jwta_file_owner(), .pinned = true};
    struct jwta_server *server = calloc(1, sizeof(*server));

    *out = NULL;
    if (server == NULL)
        return JWTA_MEMORY;
    server->log.write = write_log;
    server->code = jwta_opts_read(utils, &server->log, &server->opts);
    if (server->code == JWTA_OK && !configured(&server->opts)) {
        jwta_server_close(&server);
        return JWTA_OK;
    }
    options.path = server->opts.config;
    options.log = &server->log;
    if (server->code == JWTA_OK)
        server->code = jwta_verifier_open(&options, &server->verifier, NULL);
    *out = server;
    return JWTA_OK;
}

void jwta_server_close(struct jwta_server **server)
{
    if (*server == NULL)
        return;
    jwta_verifier_close(&(*server)->verifier);
    jwta_opts_clear(&(*server)->opts);
    free(*server);
    *server = NULL;
}

/* ------------------------------------------------------------------ one exchange */

enum state {
    STATE_BEGIN,   /* the client has the word */
    STATE_REFUSED, /* it was sent an error message, and answers it */
    STATE_OVER
};

struct exchange {
    const struct jwta_server_start *start;
    enum state state;
    struct jwta_buf error; /* the error message; libsasl borrows it until the next step */
    int failure;           /* what comes after it */
};

/* What one step knows of whom it serves. */
struct peer {
    const char *service;
    char remote[REMOTE_MAX]; /* its address, "": not known */
};

/* "address;port" */
static void find_peer(const struct jwta_server *server, const sasl_server_params_t *params,
                      struct peer *out)
{
    const char *remote = params->ipremoteport != NULL ? params->ipremoteport : "";

    out->service = server->opts.service != NULL ? server->opts.service : params->service;
    if (out->service == NULL)
        out->service = "";
    (void)snprintf(out->remote, sizeof(out->remote), "%.*s", (int)strcspn(remote, ";"), remote);
}

/* Absent where it is not known. */
static struct jwta_span remote_of(const struct peer *peer)
{
    return jwta_span_of(peer->remote[0] != '\0' ? peer->remote : NULL);
}

/* A line about what became of a message, beside the audit line or where there is none. */
static void log_outcome(const struct exchange *exchange, const struct peer *peer,
                        enum jwta_level level, const char *outcome)
{
    struct jwta_quoted service;
    struct jwta_quoted remote;

    jwta_log(&exchange->start->server->log, level, "service=%s remote=%s: %s",
             jwta_quote(&service, jwta_span_of(peer->service)),
             jwta_quote(&remote, remote_of(peer)), outcome);
}

static void log_fault(const struct exchange *exchange, const struct peer *peer, const char *fault)
{
    char outcome[OUTCOME_MAX];

    (void)snprintf(outcome, sizeof(outcome), "what the client sent is no message of %s: %s",
                   jwta_mechanism_name(exchange->start->mechanism), fault);
    log_outcome(exchange, peer, JWTA_LOG_INFO, outcome);
}

/* The audit line of a denial without a verifier that could have written it. */
static void audit_configuration(const struct jwta_server *server, const struct peer *peer)
{
    jwta_log_audit(&server->log, &(const struct jwta_audit){
                                     .reason = server->code,
                                     .detail = jwta_code_text(server->code),
                                     .service = jwta_span_of(peer->service),
                                     .remote = remote_of(peer),
                                     .age = -1,
                                 });
}

static enum jwta_code append_words(struct jwta_buf *out, const struct jwta_strings *words)
{
    enum jwta_code code = JWTA_OK;

    for (size_t i = 0; code == JWTA_OK && i < words->count; i++) {
        if (i > 0)
            code = jwta_buf_append(out, jwta_span_of(" "));
        if (code == JWTA_OK)
            code = jwta_buf_append(out, jwta_span_of(words->item[i].text));
    }
    return code;
}

/* Sends an error message; the failure waits for the answer. */
static int refuse(struct exchange *exchange, const struct peer *peer, enum jwta_refusal refusal,
                  int failure, struct jwta_span *out)
{
    const struct jwta_service *service =
        jwta_conf_service(jwta_verifier_conf(exchange->start->server->verifier), peer->service);
    struct jwta_server_error error = {.refusal = refusal};
    struct jwta_buf scope = {0};
    enum jwta_code code = JWTA_OK;

    if (service != NULL) {
        code = append_words(&scope, &service->scope);
        error.scope = jwta_buf_span(&scope);
        error.openid_configuration = jwta_span_of(service->openid_configuration.text);
    }
    if (code == JWTA_OK)
        code = jwta_server_error_write(exchange->start->mechanism, &error, &exchange->error);
    jwta_buf_free(&scope);
    if (code != JWTA_OK)
        return SASL_NOMEM;
    exchange->failure = failure;
    exchange->state = STATE_REFUSED;
    *out = jwta_buf_span(&exchange->error);
    return SASL_CONTINUE;
}

/*
 * Whether the server has made a name of more weight of one that was decided. Its realm, say, may be
 * just what names put behind those of a group.
 */
static bool raised(const struct jwta_service *service, const char *given, const char *made)
{
    return made != NULL && jwta_name_special(service, made) && !jwta_name_special(service, given);
}

/*
 * Tells the host who it is: first who showed the token, then as whom he acts. EXTERNALLY_VERIFIED:
 * the host's own databases of passwords need not know them.
 */
static int introduce(const struct jwta_result *result, const char *authzid,
                     sasl_server_params_t *params, sasl_out_params_t *oparams)
{
    const struct jwta_decision *decided = &result->decided;
    const char *acting = decided->proxied ? authzid : decided->name;
    sasl_conn_t *conn = params->utils->conn;
    unsigned verified = SASL_CU_EXTERNALLY_VERIFIED;
    int status = SASL_OK;

    if (!decided->proxied)
        verified |= SASL_CU_AUTHZID;
    status = params->canon_user(conn, decided->name, 0, SASL_CU_AUTHID | verified, oparams);
    if (status == SASL_OK && decided->proxied)
        status = params->canon_user(conn, authzid, 0, SASL_CU_AUTHZID | SASL_CU_EXTERNALLY_VERIFIED,
                                    oparams);
    if (status == SASL_OK && (raised(result->service, decided->name, oparams->authid) ||
                              raised(result->service, acting, oparams->user)))
        status = SASL_NOAUTHZ;
    return status;
}

/* The server does not take a name that we allowed: what the audit line said is not what was. */
static void log_unwanted(const struct exchange *exchange, const struct peer *peer,
                         const struct jwta_decision *decided, const char *authzid, int status)
{
    char outcome[OUTCOME_MAX];
    struct jwta_quoted name;
    struct jwta_quoted acting;

    (void)snprintf(outcome, sizeof(outcome),
                   "the server does not let in %s, who was allowed to act as %s (SASL %d)",
                   jwta_quote(&name, jwta_span_of(decided->name)),
                   jwta_quote(&acting, jwta_span_of(decided->proxied ? authzid : decided->name)),
                   status);
    log_outcome(exchange, peer, JWTA_LOG_NOTICE, outcome);
}

static int accept(const struct exchange *exchange, const struct peer *peer,
                  const struct jwta_result *result, const char *authzid,
                  sasl_server_params_t *params, sasl_out_params_t *oparams)
{
    bool properties = result->service->properties.value;
    int status = properties ? jwta_properties_request(params) : SASL_OK;

    if (status == SASL_OK) {
        status = introduce(result, authzid, params, oparams);
        if (status != SASL_OK)
            log_unwanted(exchange, peer, &result->decided, authzid, status);
    }
    if (status == SASL_OK && properties)
        status = jwta_properties_set(params, result);
    if (status != SASL_OK)
        return status;
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

/* What becomes of a decision that is no yes. */
static int deny(struct exchange *exchange, const struct peer *peer, enum jwta_refusal malformed,
                const struct jwta_result *result, struct jwta_span *out)
{
    /* No error message would be true of these: its words all speak of the token. */
    static const int broken[] = {
        [JWTA_CLASS_OK] = SASL_FAIL,
        [JWTA_CLASS_UNAVAILABLE] = SASL_UNAVAIL,
        [JWTA_CLASS_CONFIG] = SASL_FAIL,
        [JWTA_CLASS_INTERNAL] = SASL_FAIL,
    };
    enum jwta_class class = jwta_code_class(result->why.code);

    if (class != JWTA_CLASS_DENIED)
        return broken[class];
    if (result->authenticated)
        return refuse(exchange, peer, JWTA_REFUSAL_SCOPE, SASL_NOAUTHZ, out);
    return refuse(exchange, peer, malformed, SASL_BADAUTH, out);
}

/* Decides about a message that is one. */
static int decide(struct exchange *exchange, const struct peer *peer,
                  const struct jwta_client_response *response, sasl_server_params_t *params,
                  struct jwta_span *out, sasl_out_params_t *oparams)
{
    struct jwta_result result = {0};
    struct jwta_request request = {
        .token = response->token.data != NULL ? response->token : jwta_span_of(""),
        .service = peer->service,
        .authzid = response->authzid[0] != '\0' ? response->authzid : NULL,
        .remote = peer->remote[0] != '\0' ? peer->remote : NULL,
        .now = (int64_t)time(NULL),
    };
    enum jwta_refusal malformed =
        response->credential == JWTA_CREDENTIAL_OTHER ? JWTA_REFUSAL_REQUEST : JWTA_REFUSAL_TOKEN;
    int status = SASL_FAIL;

    jwta_auth(exchange->start->server->verifier, &request, &result);
    if (result.outcome == JWTA_ALLOWED)
        status = accept(exchange, peer, &result, response->authzid, params, oparams);
    else
        status = deny(exchange, peer, malformed, &result, out);
    jwta_result_free(&result);
    return status;
}

static int begin(struct exchange *exchange, struct jwta_span message, sasl_server_params_t *params,
                 struct jwta_span *out, sasl_out_params_t *oparams)
{
    const struct jwta_server *server = exchange->start->server;
    struct jwta_client_response response;
    const char *fault = NULL;
    struct peer peer;

    find_peer(server, params, &peer);
    if (!jwta_client_response_read(exchange->start->mechanism, message, &response, &fault)) {
        log_fault(exchange, &peer, fault);
        return SASL_BADPROT;
    }
    if (server->verifier == NULL) {
        audit_configuration(server, &peer);
        return jwta_code_class(server->code) == JWTA_CLASS_UNAVAILABLE ? SASL_UNAVAIL : SASL_FAIL;
    }
    if (response.credential == JWTA_CREDENTIAL_NONE) {
        log_outcome(exchange, &peer, JWTA_LOG_INFO, "the client asks where it gets a token");
        return refuse(exchange, &peer, JWTA_REFUSAL_TOKEN, SASL_BADAUTH, out);
    }
    return decide(exchange, &peer, &response, params, out, oparams);
}

int jwta_server_avail(void *start, sasl_server_params_t *params, void **exchange)
{
    const struct jwta_server *server = ((const struct jwta_server_start *)start)->server;
    struct peer peer;

    (void)exchange;
    if (server->verifier == NULL)
        return SASL_OK;
    find_peer(server, params, &peer);
    return jwta_conf_service(jwta_verifier_conf(server->verifier), peer.service) != NULL
               ? SASL_OK
               : SASL_NOMECH;
}

int jwta_server_new(void *start, sasl_server_params_t *params, const char *challenge,
                    unsigned challenge_len, void **exchange)
{
    struct exchange *made = calloc(1, sizeof(*made));

    (void)params;
    (void)challenge;
    (void)challenge_len;
    if (made == NULL)
        return SASL_NOMEM;
    made->start = start;
    *exchange = made;
    return SASL_OK;
}

int jwta_server_step(void *context, sasl_server_params_t *params, const char *in, unsigned in_len,
                     const char **out, unsigned *out_len, sasl_out_params_t *oparams)
{
    struct exchange *exchange = context;
    struct jwta_span message = jwta_span(in != NULL ? in : "", in != NULL ? in_len : 0);
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
        status = begin(exchange, message, params, &answer, oparams);
    else if (state == STATE_REFUSED && jwta_error_answered(exchange->start->mechanism, message))
        status = exchange->failure;
    *out = answer.data;
    *out_len = (unsigned)answer.len;
    /* It may reach the peer: the reason is in the log. */
    if (status != SASL_OK && status != SASL_CONTINUE)
        params->utils->seterror(params->utils->conn, SASL_NOLOG, "authentication failed");
    return status;
}

void jwta_server_dispose(void *context, const sasl_utils_t *utils)
{
    struct exchange *exchange = context;

    (void)utils;
    if (exchange == NULL)
        return;
    jwta_buf_free(&exchange->error);
    free(exchange);
}
