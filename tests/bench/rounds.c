/* SPDX-License-Identifier: BSD-2-Clause */
#include "rounds.h"

#include "mint.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static cpu_set_t allowed;

void rounds_pin(void)
{
    cpu_set_t one;
    size_t cpu = CPU_SETSIZE - 1;

    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        mint_die("sched_getaffinity failed");
    while (cpu > 0 && !CPU_ISSET(cpu, &allowed))
        cpu--;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0)
        mint_die("cannot stay on CPU %zu", cpu);
}

void rounds_unpin(void)
{
    if (sched_setaffinity(0, sizeof(allowed), &allowed) != 0)
        mint_die("cannot leave the CPU");
}

static double now_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Microseconds of one run, over count of them. */
static double run(struct rounds_side *side, size_t count, clockid_t clock)
{
    double start = now_us(clock);

    for (size_t i = 0; i < count; i++) {
        if (!side->run(side->context, side->number++))
            mint_die("%s failed while it was measured", side->name);
    }
    return (now_us(clock) - start) / (double)count;
}

static void calibrate(struct rounds_side *side, clockid_t clock, double least_us)
{
    double once = 0;

    side->count = 1;
    run(side, 1, clock);
    while ((once = run(side, side->count, clock)) * (double)side->count < least_us / 8)
        side->count *= 2;
    side->count = (size_t)(least_us / once) + 1;
}

void rounds_measure(struct rounds_side *side, size_t sides, size_t rounds, clockid_t clock,
                    double least_ms)
{
    if (rounds == 0 || rounds > ROUNDS_MAX)
        mint_die("1 to %d rounds", ROUNDS_MAX);
    for (size_t i = 0; i < sides; i++)
        calibrate(&side[i], clock, least_ms * 1e3);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sides; i++) {
            struct rounds_side *next = &side[(round + i) % sides];

            next->us[round] = run(next, next->count, clock);
        }
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double rounds_us(const struct rounds_side *side, size_t rounds)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, side->us, rounds * sizeof(*sorted));
    return median(sorted, rounds);
}

double rounds_ratio(const struct rounds_side *a, const struct rounds_side *b, size_t rounds)
{
    double ratio[ROUNDS_MAX];

    for (size_t i = 0; i < rounds; i++)
        ratio[i] = a->us[i] / b->us[i];
    return median(ratio, rounds);
}
