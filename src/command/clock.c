/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - a vector clock as a sorted array: at most LIMIT_CLOCK_ENTRIES, so moving them is cheap.
 */
#include "src/command/clock.h"

#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"

void vector_clock_init(struct vector_clock *c)
{
    *c = (struct vector_clock){.entries = NULL};
}

void vector_clock_deinit(struct vector_clock *c)
{
    for (size_t i = 0; i < c->count; i++)
        mem_free(c->entries[i].author);
    mem_free(c->entries);
    vector_clock_init(c);
}

static struct bytes author_at(const struct vector_clock *c, size_t index)
{
    return bytes_make(c->entries[index].author, c->entries[index].author_size);
}

/* The first entry whose author is not below `author`. */
static size_t lower_bound(const struct vector_clock *c, struct bytes author)
{
    size_t first = 0, end = c->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (bytes_compare(author_at(c, middle), author) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static bool is_at(const struct vector_clock *c, size_t index, struct bytes author)
{
    return index < c->count && bytes_equal(author_at(c, index), author);
}

enum rsm_status vector_clock_see(struct vector_clock *c, struct bytes author, uint64_t counter)
{
    size_t index = lower_bound(c, author);
    if (is_at(c, index, author)) {
        if (c->entries[index].counter < counter)
            c->entries[index].counter = counter;
        return RSM_OK;
    }
    if (counter == 0)
        return RSM_OK;
    if (c->count == LIMIT_CLOCK_ENTRIES)
        return RSM_TOO_MANY;
    if (c->count == c->capacity) {
        c->capacity = c->capacity > 0 ? 2 * c->capacity : 8;
        c->entries = mem_realloc(c->entries, c->capacity * sizeof c->entries[0]);
    }
    memmove(&c->entries[index + 1], &c->entries[index], (c->count - index) * sizeof c->entries[0]);
    c->entries[index] =
        (struct vector_clock_entry){mem_copy_text(author.data, author.size), author.size, counter};
    c->count++;
    return RSM_OK;
}
