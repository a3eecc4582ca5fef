/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log callback and the audit record: one line per decision, key=value, the same fields
 * always. There is no way to hand a token to it: it takes a record of named fields, quotes them,
 * and redacts what looks like a part of a token.
 */
#ifndef JWTA_LOG_H
#define JWTA_LOG_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

enum jwta_level {
    JWTA_LOG_ERROR,
    JWTA_LOG_WARNING,
    JWTA_LOG_NOTICE,
    JWTA_LOG_INFO,
    JWTA_LOG_DEBUG
};

/* Where lines go. A host gives one; write gets a finished line without a newline. */
struct jwta_log {
    void (*write)(void *context, enum jwta_level level, const char *line);
    void *context;
};

/* Formats and writes one line; log may be NULL (silence). Values from outside must be quoted. */
void jwta_log(const struct jwta_log *log, enum jwta_level level, const char *format, ...)
    JWTA_PRINTF(3, 4);

/* One decision. Absent spans are written as `-`. Borrowed; nothing is kept. */
struct jwta_audit {
    enum jwta_code reason;
    bool observe;       /* decided, but by a service that only observes */
    const char *detail; /* already quoted where it must be, or NULL */
    struct jwta_span service;
    struct jwta_span user;
    struct jwta_span authzid; /* whom the user asked to act as */
    struct jwta_span name;    /* what the server is told that the user is */
    bool mapped;              /* user and name are made by the policy: nothing is hidden of them */
    struct jwta_span subject;
    struct jwta_span issuer;
    struct jwta_span kid;
    struct jwta_span alg;
    struct jwta_span token; /* hash of the token's id, hexadecimal (never the id itself) */
    struct jwta_span remote;
    int64_t age;      /* seconds since iat, or -1 where there is none */
    const char *rule; /* "file:line", or NULL */
    int64_t elapsed;  /* microseconds */
};

/*
 * Writes the record as one line: allowed at INFO, denied at NOTICE, unavailable at WARNING,
 * configuration and internal errors at ERROR. log may be NULL.
 */
void jwta_log_audit(const struct jwta_log *log, const struct jwta_audit *audit);

/* Hears of each step of a decision in turn: for `jwtauth explain`. */
struct jwta_trace {
    void (*step)(void *context, const char *step, enum jwta_code code, const char *text);
    void *context;
};

/* Reports a step; why may be NULL. trace may be NULL: nobody listens. */
void jwta_trace_step(const struct jwta_trace *trace, const char *step, enum jwta_code code,
                     const struct jwta_why *why);

#endif
