/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    enum jwta_class class;
    const char *name;
    const char *text;
} codes[JWTA_CODE_COUNT] = {
#define X(symbol, class, name, text) {JWTA_CLASS_##class, name, text},
    JWTA_CODES(X)
#undef X
};

static enum jwta_code known(enum jwta_code code)
{
    return (unsigned)code < JWTA_CODE_COUNT ? code : JWTA_INTERNAL;
}

enum jwta_class jwta_code_class(enum jwta_code code)
{
    return codes[known(code)].class;
}

const char *jwta_code_name(enum jwta_code code)
{
    return codes[known(code)].name;
}

const char *jwta_code_text(enum jwta_code code)
{
    return codes[known(code)].text;
}

const char *jwta_class_name(enum jwta_class class)
{
    static const char *const names[] = {
        [JWTA_CLASS_OK] = "ok",
        [JWTA_CLASS_DENIED] = "denied",
        [JWTA_CLASS_UNAVAILABLE] = "unavailable",
        [JWTA_CLASS_CONFIG] = "config",
        [JWTA_CLASS_INTERNAL] = "internal",
    };

    return (unsigned)class < sizeof(names) / sizeof(names[0]) ? names[class] : "internal";
}

enum jwta_code jwta_fail(struct jwta_why *why, enum jwta_code code, const char *format, ...)
{
    if (why != NULL) {
        va_list arguments;

        why->code = code;
        va_start(arguments, format);
        if (vsnprintf(why->text, sizeof(why->text), format, arguments) < 0)
            why->text[0] = '\0';
        va_end(arguments);
    }
    return code;
}
