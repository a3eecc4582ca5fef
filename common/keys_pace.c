/* SPDX-License-Identifier: BSD-2-Clause */
/* How often an issuer is asked, going by what became of the attempts before. Pure. */
#include "common/keys_private.h"

#define BACKOFF 2        /* seconds after a failure, … */
#define BACKOFF_MAX 60   /* … doubling while there are more */
#define COOLDOWN 10      /* seconds between fetches for an unknown kid, … */
#define COOLDOWN_FREE 6  /* … as long as no more than these in a row brought nothing, … */
#define COOLDOWN_MAX 300 /* … doubling while there are more */

/* first for times 1, twice that for 2, …; 0 for 0. */
static int64_t doubling(int64_t first, int64_t times, int64_t most)
{
    int64_t value = times > 0 ? first : 0;

    for (; times > 1 && value < most; times--)
        value *= 2;
    return value < most ? value : most;
}

bool jwta_pace_backs_off(const struct jwta_cache_state *state, int64_t now)
{
    int64_t since = now - state->attempted;

    return since >= 0 && since < doubling(BACKOFF, state->failures, BACKOFF_MAX);
}

static int64_t cooldown(const struct jwta_cache_state *state)
{
    int64_t beyond = state->barren - COOLDOWN_FREE;

    return doubling(COOLDOWN, beyond > 0 ? beyond + 1 : 1, COOLDOWN_MAX);
}

bool jwta_pace_cools_down(const struct jwta_cache_state *state, int64_t now)
{
    int64_t since = now - state->forced;

    return since >= 0 && since < cooldown(state);
}

void jwta_pace_forced(struct jwta_cache_state *state, int64_t now)
{
    /* Nobody has asked for so long that what was is no flood any more. */
    if (now - state->forced > 2 * cooldown(state))
        state->barren = 0;
    state->forced = now;
    state->barren++;
}
