/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/conf_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool stands_after(const struct jwta_problem *problem, struct jwta_where where)
{
    int order = strcmp(problem->file, where.file);

    return order > 0 || (order == 0 && problem->line > where.line);
}

/* Problems are kept in the order of their places; of one place, in the order they were found. */
static bool insert(struct jwta_problems *problems, struct jwta_where where,
                   struct jwta_problem problem)
{
    struct jwta_problem *grown =
        reallocarray(problems->item, problems->count + 1, sizeof(*problems->item));
    size_t at = problems->count;

    if (grown == NULL)
        return false;
    problems->item = grown;
    for (; at > 0 && stands_after(&grown[at - 1], where); at--)
        grown[at] = grown[at - 1];
    grown[at] = problem;
    problems->count++;
    problems->errors += problem.error;
    return true;
}

JWTA_PRINTF(4, 0)
static void add(struct jwta_loader *loader, bool error, struct jwta_where where, const char *format,
                va_list arguments)
{
    struct jwta_problem problem = {.error = error, .line = where.line};

    loader->errors += error;
    problem.file = strdup(where.file);
    if (vasprintf(&problem.text, format, arguments) < 0)
        problem.text = NULL;
    if (problem.file != NULL && problem.text != NULL && insert(loader->problems, where, problem))
        return;
    free(problem.file);
    free(problem.text);
    loader->code = JWTA_MEMORY;
}

void jwta_conf_error(struct jwta_loader *loader, struct jwta_where where, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(loader, true, where, format, arguments);
    va_end(arguments);
}

void jwta_conf_warning(struct jwta_loader *loader, struct jwta_where where, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(loader, false, where, format, arguments);
    va_end(arguments);
}

void jwta_problems_free(struct jwta_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->item[i].file);
        free(problems->item[i].text);
    }
    free(problems->item);
    *problems = (struct jwta_problems){0};
}

char *jwta_conf_copy(struct jwta_loader *loader, const char *text, size_t len)
{
    char *copy = strndup(text, len);

    if (copy == NULL)
        loader->code = JWTA_MEMORY;
    return copy;
}

void *jwta_conf_array(struct jwta_loader *loader, size_t count, size_t size)
{
    void *array = calloc(count > 0 ? count : 1, size);

    if (array == NULL)
        loader->code = JWTA_MEMORY;
    return array;
}
