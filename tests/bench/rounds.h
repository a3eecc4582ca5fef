/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time, in alternating rounds: in each round every side runs once, one after the other, and the
 * next round begins with another. A ratio is taken within each round, and the median of these
 * is the figure: what disturbs the machine for longer than a round disturbs both sides of it.
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define ROUNDS_MAX 1000

struct rounds_side {
    const char *name;
    /* Does the work once; number counts up. false ends the program: what is measured failed. */
    bool (*run)(void *context, size_t number);
    void *context;
    size_t count;  /* how often in a round; found by rounds_measure */
    size_t number; /* runs so far */
    double us[ROUNDS_MAX];
};

/* Stays on one CPU from here on, as do the children. rounds_unpin undoes it in a child. */
void rounds_pin(void);
void rounds_unpin(void);

/*
 * Measures; each side runs for at least least_ms in a round. What only computes is measured by
 * CLOCK_THREAD_CPUTIME_ID, on which other programs weigh less, what waits by CLOCK_MONOTONIC.
 */
void rounds_measure(struct rounds_side *side, size_t sides, size_t rounds, clockid_t clock,
                    double least_ms);

/* Median of the microseconds of one run, and of the rounds' ratios a / b. */
double rounds_us(const struct rounds_side *side, size_t rounds);
double rounds_ratio(const struct rounds_side *a, const struct rounds_side *b, size_t rounds);

#endif
