/* SPDX-License-Identifier: BSD-2-Clause */
/* How often an issuer is asked, going by what became of the attempts before. Pure. */
#include "common/keys_private.h"

#include <inttypes.h>

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

/* Seconds until a pause since then is over; 0 if it is, and if it began in the future. */
static int64_t rest(int64_t since, int64_t pause, int64_t now)
{
    return now >= since && now - since < pause ? pause - (now - since) : 0;
}

static int64_t backoff_rest(const struct jwta_cache_state *state, int64_t now)
{
    return rest(state->attempted, doubling(BACKOFF, state->failures, BACKOFF_MAX), now);
}

bool jwta_pace_backs_off(const struct jwta_cache_state *state, int64_t now)
{
    return backoff_rest(state, now) > 0;
}

static int64_t cooldown(const struct jwta_cache_state *state)
{
    int64_t beyond = state->barren - COOLDOWN_FREE;

    return doubling(COOLDOWN, beyond > 0 ? beyond + 1 : 1, COOLDOWN_MAX);
}

bool jwta_pace_too_early(const struct jwta_cache_state *state, enum jwta_attempt_mode mode,
                         int64_t now, struct jwta_why *why)
{
    int64_t backoff = backoff_rest(state, now);
    int64_t cool = rest(state->forced, cooldown(state), now);
    bool has_cause = state->cause[0] != '\0';

    if (mode == JWTA_ATTEMPT_INSIST)
        return false;
    if (backoff > 0)
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE,
                        "the last attempt, %" PRId64 " s ago, failed%s%s%s; next in %" PRId64
                        " s, or at once by jwtauth keys refresh --force",
                        now - state->attempted, has_cause ? ": \"" : "", state->cause,
                        has_cause ? "\"" : "", backoff);
    else if (mode == JWTA_ATTEMPT_FORCED && cool > 0)
        (void)jwta_fail(why, JWTA_KEYS_UNAVAILABLE,
                        "the issuer was asked for an unknown key %" PRId64
                        " s ago; next in %" PRId64 " s",
                        now - state->forced, cool);
    else
        return false;
    return true;
}

void jwta_pace_forced(struct jwta_cache_state *state, int64_t now)
{
    /* Nobody has asked for so long that what was is no flood any more. */
    if (now - state->forced > 2 * cooldown(state))
        state->barren = 0;
    state->forced = now;
    state->barren++;
}
