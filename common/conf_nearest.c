/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/conf_nearest.h"

#include <stdio.h>
#include <string.h>

/* A word farther away than this is another word, not a misspelt one. */
#define DISTANCE_MAX 2
#define WORD_MAX 48

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * How many letters must be put in, left out, replaced or exchanged with their neighbour to make b
 * of a (optimal string alignment). The last three rows of the table are enough.
 */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

struct jwta_nearest jwta_nearest_to(const char *word)
{
    return (struct jwta_nearest){.word = word, .distance = DISTANCE_MAX + 1};
}

void jwta_nearest_offer(struct jwta_nearest *nearest, const char *candidate)
{
    size_t word_len = strlen(nearest->word);
    size_t len = strlen(candidate);
    size_t distance = 0;

    if (word_len == 0 || word_len > WORD_MAX || len > WORD_MAX)
        return;
    distance = edit_distance(nearest->word, word_len, candidate, len);
    /* A word that was begun right counts as near; of a short one, most letters must be right. */
    if (word_len > 2 && word_len < len && strncmp(nearest->word, candidate, word_len) == 0)
        distance = least(distance, DISTANCE_MAX);
    else if (distance * 2 > len)
        return;
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = distance == 0 ? NULL : candidate; /* nobody meant what is written */
    }
}

const char *jwta_nearest_hint(struct jwta_nearest *nearest)
{
    nearest->hint[0] = '\0';
    if (nearest->best != NULL)
        snprintf(nearest->hint, sizeof(nearest->hint), "; did you mean \"%s\"?", nearest->best);
    return nearest->hint;
}
