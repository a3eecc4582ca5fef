/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_BYTES 2048

void jwta_log(const struct jwta_log *log, enum jwta_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;
    int length = 0;

    if (log == NULL || log->write == NULL)
        return;
    va_start(arguments, format);
    length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length >= 0)
        log->write(log->context, level, line);
}

static enum jwta_level level_of(enum jwta_code reason)
{
    static const enum jwta_level levels[] = {
        [JWTA_CLASS_OK] = JWTA_LOG_INFO,
        [JWTA_CLASS_DENIED] = JWTA_LOG_NOTICE,
        [JWTA_CLASS_UNAVAILABLE] = JWTA_LOG_WARNING,
        [JWTA_CLASS_CONFIG] = JWTA_LOG_ERROR,
        [JWTA_CLASS_INTERNAL] = JWTA_LOG_ERROR,
    };

    return levels[jwta_code_class(reason)];
}

/* What came of it for the user: an observing service lets nobody in, whatever it found. */
static const char *result_name(const struct jwta_audit *audit)
{
    enum jwta_class class = jwta_code_class(audit->reason);

    if (class != JWTA_CLASS_OK)
        return jwta_class_name(class);
    return audit->observe ? "observed" : "allowed";
}

#define NAME_MAX_BYTES 255

struct name {
    char text[NAME_MAX_BYTES + sizeof("\"\"")];
};

/* A name that the policy has looked at is whole and as it is, however much it looks like a token.
 */
static const char *write_name(struct name *name, struct jwta_span value, bool mapped)
{
    struct jwta_quoted quoted;

    if (mapped && value.data != NULL)
        (void)snprintf(name->text, sizeof(name->text), "\"%.*s\"", (int)value.len, value.data);
    else
        (void)snprintf(name->text, sizeof(name->text), "%s", jwta_quote(&quoted, value));
    return name->text;
}

void jwta_log_audit(const struct jwta_log *log, const struct jwta_audit *audit)
{
    struct jwta_quoted q[8];
    struct name user;
    struct name name;
    char age[24] = "-";

    if (log == NULL || log->write == NULL)
        return;
    if (audit->age >= 0)
        (void)snprintf(age, sizeof(age), "%" PRId64, audit->age);
    /* detail comes last: it runs to the end of the line, its quoted values have no line ends. */
    jwta_log(log, level_of(audit->reason),
             "result=%s reason=%s%s service=%s user=%s authzid=%s name=%s subject=%s issuer=%s "
             "kid=%s alg=%s "
             "token=%s remote=%s age=%s rule=%s elapsed=%" PRId64 "us detail=%s",
             result_name(audit), jwta_code_name(audit->reason),
             audit->observe ? " observe=yes" : "", jwta_quote(&q[0], audit->service),
             write_name(&user, audit->user, audit->mapped), jwta_quote(&q[1], audit->authzid),
             write_name(&name, audit->name, audit->mapped), jwta_quote(&q[2], audit->subject),
             jwta_quote(&q[3], audit->issuer), jwta_quote(&q[4], audit->kid),
             jwta_quote(&q[5], audit->alg),
             audit->token.len > 0 ? jwta_quote(&q[6], audit->token) : "-",
             jwta_quote(&q[7], audit->remote), age, audit->rule != NULL ? audit->rule : "-",
             audit->elapsed, audit->detail != NULL ? audit->detail : "-");
}

void jwta_trace_step(const struct jwta_trace *trace, const char *step, enum jwta_code code,
                     const struct jwta_why *why)
{
    if (trace != NULL && trace->step != NULL)
        trace->step(trace->context, step, code, why != NULL ? why->text : "");
}
