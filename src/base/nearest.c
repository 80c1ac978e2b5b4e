/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.c - see nearest.h. */
#include "src/base/nearest.h"

#include <getopt.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Three rows of the table: of the last two letters of `a`, and of this one. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][NEAREST_SIZE];
    for (size_t k = 0; k <= b_size; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t k = 1; k <= b_size; k++) {
            size_t exchanged = last[k - 1] + (a[i - 1] != b[k - 1] ? 1 : 0);
            now[k] = least(exchanged, least(last[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                now[k] = least(now[k], before[k - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

struct nearest nearest_begin(const char *word)
{
    size_t size = strlen(word);
    return (struct nearest){.word = word, .distance = (size < 3 ? 1 : size / 3) + 1};
}

void nearest_offer(struct nearest *n, const char *candidate)
{
    size_t size = strlen(n->word), other = strlen(candidate);
    if (size >= NEAREST_SIZE || other >= NEAREST_SIZE)
        return;
    if ((size > other ? size - other : other - size) >= n->distance)
        return; /* so many letters have to come or go; the table is worth leaving out */
    size_t wrong = distance(n->word, size, candidate, other);
    if (wrong >= n->distance || wrong >= other) /* with no letter in common it is another one */
        return;
    n->distance = wrong;
    n->best = candidate;
}

const char *nearest_option(const struct option *options, const char *argument)
{
    char word[NEAREST_SIZE];
    size_t size = strcspn(argument, "=");
    if (strncmp(argument, "--", 2) != 0 || size - 2 >= sizeof word)
        return NULL;
    memcpy(word, argument + 2, size - 2);
    word[size - 2] = '\0';
    struct nearest n = nearest_begin(word);
    for (; options->name != NULL; options++) {
        if (strncmp(options->name, word, size - 2) == 0)
            return NULL;
        nearest_offer(&n, options->name);
    }
    return n.best;
}
