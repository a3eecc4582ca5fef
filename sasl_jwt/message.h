/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said on the wire: OAUTHBEARER (RFC 7628) and XOAUTH2, the older form that came before it.
 * Both directions. Pure: no SASL type, no token is looked into, nothing is decided.
 */
#ifndef JWTA_SASL_MESSAGE_H
#define JWTA_SASL_MESSAGE_H

#include "common/buf.h"
#include "common/jws.h"
#include "common/policy.h"

enum jwta_mechanism { JWTA_OAUTHBEARER, JWTA_XOAUTH2, JWTA_MECHANISM_COUNT };

/* "OAUTHBEARER" or "XOAUTH2". */
const char *jwta_mechanism_name(enum jwta_mechanism mechanism);

/* Bytes of a client's message: the longest token, and room for what stands around it. */
#define JWTA_RESPONSE_MAX (JWTA_TOKEN_MAX + 4096)

/* Bytes of a server's error message. */
#define JWTA_ERROR_MAX 1024

/* What stands in `auth`. */
enum jwta_credential {
    JWTA_CREDENTIAL_NONE,   /* nothing: the client asks where it gets a token (RFC 7628 section 4.3)
                             */
    JWTA_CREDENTIAL_BEARER, /* a bearer token (RFC 6750 section 2.1) */
    JWTA_CREDENTIAL_OTHER   /* anything else */
};

/* A client's first message. */
struct jwta_client_response {
    enum jwta_credential credential;
    struct jwta_span token;      /* borrowed from the message; absent unless BEARER */
    char authzid[JWTA_USER_MAX]; /* decoded; "": none was given. May be no UTF-8. */
};

/*
 * Reads a client's first message. Anything but one whole message, byte for byte (RFC 7628 section
 * 3.1, RFC 5801 section 4), gives false and in *fault what is wrong with it (one sentence part for
 * the operator's log, static, with nothing of the message in it). Keys that are not known are
 * passed over.
 */
JWTA_MUST_USE bool jwta_client_response_read(enum jwta_mechanism mechanism,
                                             struct jwta_span message,
                                             struct jwta_client_response *out, const char **fault);

/* What a client says. Absent spans and port 0 are left out. */
struct jwta_client_request {
    struct jwta_span authzid; /* XOAUTH2 cannot do without */
    struct jwta_span host;
    unsigned port;
    struct jwta_span token;
};

/*
 * Appends the message to out. USER_INVALID: the authzid is empty, too long, has control characters,
 * or lacks where it must not. NOT_JWT: the token is empty or has characters that no bearer token
 * has. INTERNAL: the host or the port has such. MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_client_response_write(enum jwta_mechanism mechanism,
                                                        const struct jwta_client_request *request,
                                                        struct jwta_buf *out);

/* Why a server refuses: the words of RFC 6750 section 3.1, for XOAUTH2 the numbers 400, 401, 403.
 */
enum jwta_refusal {
    JWTA_REFUSAL_REQUEST, /* the credential is no bearer token */
    JWTA_REFUSAL_TOKEN,   /* the token is not accepted */
    JWTA_REFUSAL_SCOPE    /* it is, but what it is good for does not suffice */
};

/* A server's error message (RFC 7628 section 3.2.2). Absent spans are left out. */
struct jwta_server_error {
    enum jwta_refusal refusal;
    struct jwta_span scope;                /* words separated by spaces, in UTF-8 */
    struct jwta_span openid_configuration; /* OAUTHBEARER alone has it */
};

/*
 * Appends a JSON object of at most JWTA_ERROR_MAX bytes to out: what would not fit, or is no
 * UTF-8, is left out, the scope first. MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_server_error_write(enum jwta_mechanism mechanism,
                                                     const struct jwta_server_error *error,
                                                     struct jwta_buf *out);

/*
 * Reads the status of a server's error message, fit to be shown. false: it is no such message.
 */
JWTA_MUST_USE bool jwta_server_error_read(struct jwta_span message, struct jwta_quoted *status);

/* What a client answers to an error message (RFC 7628 section 3.2.3). */
extern const struct jwta_span jwta_error_answer;

/* Whether it did: exactly that byte, or in XOAUTH2 nothing at all. */
bool jwta_error_answered(enum jwta_mechanism mechanism, struct jwta_span message);

#endif
