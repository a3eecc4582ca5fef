/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jwtauth-fetch: fetches the keys of one configured issuer for a host that libcurl must not enter.
 * Its standard input is a socket; it reads one request, answers once, and exits. A token never
 * reaches it, and nothing in a request but the name of an issuer of the configuration chooses where
 * it goes.
 */
#include "common/conf.h"
#include "common/fetch.h"
#include "common/file.h"
#include "common/host.h"
#include "common/message.h"
#include "fetch/discover.h"
#include "fetch/http.h"
#include "fetch/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET STDIN_FILENO
#define ALARM_SECONDS (JWTA_FETCH_SECONDS + 1)

/* One whole message and the end behind it, so that nothing follows late. */
static bool receive(struct jwta_buf *message)
{
    size_t whole = 0;

    if (jwta_buf_reserve(message, JWTA_REQUEST_MAX + 1) != JWTA_OK)
        return false;
    for (;;) {
        ssize_t got = read(SOCKET, message->data + message->len, message->capacity - message->len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            return whole > 0 && message->len == whole;
        message->len += (size_t)got;
        whole = jwta_message_length(jwta_buf_span(message));
        if (whole > JWTA_REQUEST_MAX || message->len > JWTA_REQUEST_MAX)
            return false;
    }
}

static bool send_reply(const struct jwta_fetch_reply *reply)
{
    struct jwta_buf message = {0};
    struct jwta_span left = {0};
    bool sent = jwta_reply_write(reply, &message) == JWTA_OK;

    for (left = jwta_buf_span(&message); sent && left.len > 0;) {
        ssize_t written = send(SOCKET, left.data, left.len, MSG_NOSIGNAL);

        if (written < 0 && errno == EINTR)
            continue;
        sent = written > 0;
        if (sent)
            left = jwta_span(left.data + written, left.len - (size_t)written);
    }
    /* The host waits for the end, whoever else may have a copy of the socket. */
    sent = shutdown(SOCKET, SHUT_WR) == 0 && sent;
    jwta_buf_free(&message);
    return sent;
}

static int refuse(const char *reason)
{
    const struct jwta_fetch_reply reply = {.status = JWTA_FETCH_FAILED,
                                           .reason = jwta_span_of(reason)};

    return send_reply(&reply) ? 0 : 1;
}

static const struct jwta_issuer *find_issuer(const struct jwta_conf *conf, struct jwta_span name)
{
    for (size_t i = 0; i < conf->issuer_count; i++) {
        if (jwta_span_is(name, conf->issuers[i].name))
            return &conf->issuers[i];
    }
    return NULL;
}

static int answer_for(const struct jwta_issuer *issuer, const struct jwta_fetch_request *request)
{
    const struct http_options options = {
        .ca_file = issuer->ca_file.text,
        .proxy = issuer->proxy.text,
        .milliseconds = 1000L * JWTA_FETCH_SECONDS,
    };
    struct http *http = http_open(&options);
    struct http_answer answer = {0};
    struct jwta_fetch_reply reply;
    struct jwta_why why = {0};
    char *uri = NULL;
    int status = 1;

    if (http == NULL)
        return refuse("libcurl cannot be initialised");
    if (!sandbox_close()) {
        http_close(&http);
        return refuse("the system call filter cannot be loaded");
    }
    fetch_keys(http, issuer, request, &answer, &uri, &reply, &why);
    status = send_reply(&reply) ? 0 : 1;
    free(uri);
    http_answer_free(&answer);
    http_close(&http);
    return status;
}

#define REFUSED "the fetch helper cannot read the configuration: "

/* The configuration is read as the user that the helper became: it holds no secrets. */
static int refuse_configuration(const struct jwta_problems *problems, enum jwta_code code)
{
    const struct jwta_problem *problem = NULL;
    struct jwta_why why = {0};

    for (size_t i = problems->count; i > 0; i--)
        problem = problems->item[i - 1].error ? &problems->item[i - 1] : problem;
    if (problem == NULL)
        (void)jwta_fail(&why, code, REFUSED "%s", jwta_code_text(code));
    else if (problem->line == 0)
        (void)jwta_fail(&why, code, REFUSED "%s: %s", problem->file, problem->text);
    else
        (void)jwta_fail(&why, code, REFUSED "%s:%u: %s", problem->file, problem->line,
                        problem->text);
    return refuse(why.text);
}

static int serve(const struct jwta_fetch_request *request, uid_t expected)
{
    struct jwta_problems problems = {0};
    struct jwta_conf *conf = NULL;
    const struct jwta_issuer *issuer = NULL;
    char *path = strndup(request->config.data, request->config.len);
    enum jwta_code code = JWTA_CONF_MISSING;
    int status = 1;

    if (path != NULL && path[0] == '/')
        code = jwta_conf_load(path, expected, &jwta_host_system, &conf, &problems);
    if (code != JWTA_OK) {
        status = refuse_configuration(&problems, code);
    } else {
        issuer = find_issuer(conf, request->issuer);
        status = issuer == NULL || issuer->jwks.kind == JWTA_JWKS_FILE
                     ? refuse("no issuer of this name has its keys on the network")
                     : answer_for(issuer, request);
    }
    jwta_conf_free(&conf);
    jwta_problems_free(&problems);
    free(path);
    return status;
}

int main(void)
{
    struct jwta_fetch_request request = {0};
    struct jwta_buf message = {0};
    /* Files of whoever started it count beside root's; those of the user it becomes do not. */
    uid_t expected = jwta_file_owner();
    int status = 1;

    if (!sandbox_detach(ALARM_SECONDS))
        return 1;
    if (!sandbox_drop(jwta_fetch_installed.user))
        return refuse("the fetch helper cannot give up its rights: is there a user " JWTA_FETCH_USER
                      "?");
    if (receive(&message) && jwta_request_read(jwta_buf_span(&message), &request))
        status = serve(&request, expected);
    jwta_buf_free(&message);
    return status;
}
