/* SPDX-License-Identifier: BSD-2-Clause */
/* With it, <syslog.h> would define the very functions that are replaced here. */
#undef _FORTIFY_SOURCE

#include "tests/pam/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define REPLACES __attribute__((visibility("default")))

REPLACES void __syslog_chk(int priority, int flag, const char *format, ...);
REPLACES void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments);

static char text[65536];
static char found[4096];
static size_t used;
static long clock_ahead;

void journal_reset(void)
{
    used = 0;
    text[0] = '\0';
    clock_ahead = 0;
}

const char *journal_text(void)
{
    return text;
}

void journal_clock(long ahead)
{
    clock_ahead = ahead;
}

const char *journal_line(const char *first, const char *second)
{
    size_t count = 0;

    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        char copy[sizeof(found)];

        (void)snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(line, "\n"), line);
        if (strstr(copy, first) != NULL && strstr(copy, second) != NULL) {
            memcpy(found, copy, sizeof(found));
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

static void __attribute__((format(printf, 2, 0)))
append(int priority, const char *format, va_list arguments)
{
    int len = snprintf(text + used, sizeof(text) - used, "<%d> ", priority);

    used += (size_t)len;
    len = vsnprintf(text + used, sizeof(text) - used, format, arguments);
    if (len < 0 || (size_t)len + 32 > sizeof(text) - used) {
        fprintf(stderr, "the journal is full\n");
        abort();
    }
    used += (size_t)len;
    text[used++] = '\n';
    text[used] = '\0';
}

REPLACES void syslog(int priority, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(priority, format, arguments);
    va_end(arguments);
}

REPLACES void vsyslog(int priority, const char *format, va_list arguments)
{
    append(priority, format, arguments);
}

REPLACES void __attribute__((format(printf, 3, 4)))
__syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list arguments;

    (void)flag;
    va_start(arguments, format);
    append(priority, format, arguments);
    va_end(arguments);
}

REPLACES void __attribute__((format(printf, 3, 0)))
__vsyslog_chk(int priority, int flag, const char *format, va_list arguments)
{
    (void)flag;
    append(priority, format, arguments);
}

REPLACES time_t time(time_t *out)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += clock_ahead;
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
