/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include "mint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int report_options(int argc, char **argv, bool *json, size_t *rounds)
{
    int index = 1;
    char *end = NULL;

    for (; index < argc && strncmp(argv[index], "--", 2) == 0; index++) {
        if (strcmp(argv[index], "--json") == 0) {
            *json = true;
        } else if (strcmp(argv[index], "--rounds") == 0 && index + 1 < argc) {
            *rounds = strtoul(argv[++index], &end, 10);
            if (*end != '\0')
                mint_die("--rounds takes a number");
        } else {
            mint_die("unknown option %s", argv[index]);
        }
    }
    return index;
}

void report_head(bool json)
{
    if (!json)
        printf("%-26s %7s  %-7s %-4s %11s %11s %7s\n", "name", "value", "goal", "ok", "ours",
               "theirs", "rounds");
}

static bool is_good(const struct report_figure *figure)
{
    if (figure->at_least)
        return figure->value >= figure->goal;
    return figure->below ? figure->value < figure->goal : figure->value <= figure->goal;
}

static const char *sign(const struct report_figure *figure)
{
    if (figure->at_least)
        return ">=";
    return figure->below ? "<" : "<=";
}

void report_figure(bool json, const struct report_figure *figure)
{
    bool good = figure->goal <= 0 || is_good(figure);
    char goal[16] = "";

    if (figure->goal > 0)
        snprintf(goal, sizeof(goal), "%.4g", figure->goal);
    if (json)
        printf("{\"name\":\"%s\",\"value\":%.4f,\"unit\":\"ratio\",\"goal\":%s,\"ok\":%s,"
               "\"rounds\":%zu}\n",
               figure->name, figure->value, figure->goal > 0 ? goal : "null",
               good ? "true" : "false", figure->rounds);
    else
        printf("%-26s %7.3f  %-2s%-5s %-4s %8.2f us %8.2f us %7zu\n", figure->name, figure->value,
               figure->goal <= 0 ? "" : sign(figure), goal,
               figure->goal <= 0 ? "" : (good ? "yes" : "NO"), figure->ours, figure->theirs,
               figure->rounds);
    fflush(stdout);
}

void report_note(bool json, const char *format, ...)
{
    va_list arguments;

    if (json)
        return;
    va_start(arguments, format);
    fputs("  ", stdout);
    vprintf(format, arguments);
    fputc('\n', stdout);
    va_end(arguments);
    fflush(stdout);
}
