/* SPDX-License-Identifier: BSD-2-Clause */
/* The word that was probably meant where another is written. Words are borrowed. */
#ifndef JWTA_CONF_NEAREST_H
#define JWTA_CONF_NEAREST_H

#include <stddef.h>

/* The candidate that a misspelt word most likely meant: offer each, then take the hint. */
struct jwta_nearest {
    const char *word;
    const char *best;
    size_t distance;
    char hint[80];
};
struct jwta_nearest jwta_nearest_to(const char *word);
void jwta_nearest_offer(struct jwta_nearest *nearest, const char *candidate);
/* `; did you mean "…"?`, or "" where no candidate is near. */
const char *jwta_nearest_hint(struct jwta_nearest *nearest);

#endif
