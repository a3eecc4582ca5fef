/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of a client, byte for byte, and what the server must answer to each. In a message
 * @good@ stands for a valid token, @tampered@ for one whose signature was changed, @expired@ for
 * one that has expired, and @pad@ for as many letters x as the case says.
 */
#ifndef TEST_EXCHANGE_H
#define TEST_EXCHANGE_H

#include "tests/unit/check.h"

#include <sasl/sasl.h>
#include <stddef.h>

struct bytes {
    const char *data; /* NULL: none */
    size_t len;
};

struct exchange_case {
    const char *name;
    struct bytes message;
    size_t pad;
    int first;         /* the server's answer to the message */
    const char *user;  /* SASL_OK: as whom */
    const char *error; /* SASL_CONTINUE: the status in the error message */
    struct bytes answer;
    int second; /* the server's answer to the second message, where there is one */
};

struct exchange_table {
    const char *mechanism;
    const struct exchange_case *item;
    size_t count;
};

extern const struct exchange_table exchange_oauthbearer;
extern const struct exchange_table exchange_oauthbearer_faults;
extern const struct exchange_table exchange_xoauth2;

/* Octal escapes only: a letter after a hexadecimal one would belong to it. */
#define BYTES(text)            \
    {                          \
        text, sizeof(text) - 1 \
    }
#define NONE    \
    {           \
        NULL, 0 \
    }

/* Accepted, as this user. */
#define ACCEPTED(name, text, user)                         \
    {                                                      \
        name, BYTES(text), 0, SASL_OK, user, NULL, NONE, 0 \
    }
/* No message of the mechanism. */
#define FAULT(name, text)                                       \
    {                                                           \
        name, BYTES(text), 0, SASL_BADPROT, NULL, NULL, NONE, 0 \
    }
#define FAULT_OF(name, text, pad)                                 \
    {                                                             \
        name, BYTES(text), pad, SASL_BADPROT, NULL, NULL, NONE, 0 \
    }
/* Refused by an error message, and after its answer for good. */
#define REFUSED(name, text, error, code) REFUSED_OF(name, text, 0, error, code)
#define REFUSED_OF(name, text, pad, error, code)                                \
    {                                                                           \
        name, BYTES(text), pad, SASL_CONTINUE, NULL, error, BYTES("\001"), code \
    }
/* A second message that may not come. */
#define AFTER_ERROR(name, text, error, answer, code)                          \
    {                                                                         \
        name, BYTES(text), 0, SASL_CONTINUE, NULL, error, BYTES(answer), code \
    }
/* libsasl itself refuses whatever follows a success. */
#define AFTER_SUCCESS(name, text, answer)                                      \
    {                                                                          \
        name, BYTES(text), 0, SASL_OK, "alice", NULL, BYTES(answer), SASL_FAIL \
    }

#endif
