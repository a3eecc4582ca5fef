/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures: a table for people, or one JSON object a line. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct report_figure {
    const char *name; /* "verify.rs256.floor" */
    double value;     /* a ratio */
    double goal;      /* 0: none */
    bool below;       /* the value must be below the goal; else at most the goal, … */
    bool at_least;    /* … or at least, where the value is ours over theirs in a second */
    double ours;      /* microseconds, for people */
    double theirs;
    size_t rounds;
};

/* Reads --json and --rounds N; the index of the first argument that is neither. */
int report_options(int argc, char **argv, bool *json, size_t *rounds);
void report_head(bool json);
void report_figure(bool json, const struct report_figure *figure);
/* A remark for people: nothing with --json. */
void report_note(bool json, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
