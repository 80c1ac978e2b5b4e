/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - vector clocks as sorted arrays: at most LIMIT_CLOCK_ENTRIES, so moving them is cheap.
 */
#include "src/command/clock.h"

#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/pack.h"

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

/* 0 for an author that is not in it. */
static uint64_t vector_clock_get(const struct vector_clock *c, struct bytes author)
{
    size_t index = lower_bound(c, author);
    return is_at(c, index, author) ? c->entries[index].counter : 0;
}

bool vector_clock_covers(const struct vector_clock *c, struct bytes author, uint64_t counter)
{
    return vector_clock_get(c, author) >= counter;
}

enum rsm_status vector_clock_merge(struct vector_clock *c, const struct vector_clock *other)
{
    enum rsm_status status = RSM_OK;
    for (size_t i = 0; i < other->count && status == RSM_OK; i++)
        status = vector_clock_see(c, author_at(other, i), other->entries[i].counter);
    return status;
}

/* Whether `a` has something that `b` lacks. */
static bool has_more(const struct vector_clock *a, const struct vector_clock *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (!vector_clock_covers(b, author_at(a, i), a->entries[i].counter))
            return true;
    return false;
}

enum vector_clock_order vector_clock_compare(const struct vector_clock *a,
                                             const struct vector_clock *b)
{
    bool a_more = has_more(a, b);
    bool b_more = has_more(b, a);
    if (a_more)
        return b_more ? VECTOR_CLOCK_CONCURRENT : VECTOR_CLOCK_AFTER;
    return b_more ? VECTOR_CLOCK_BEFORE : VECTOR_CLOCK_EQUAL;
}

void vector_clock_pack(const struct vector_clock *c, struct writer *out)
{
    pack_map(out, (uint32_t)c->count);
    for (size_t i = 0; i < c->count; i++) {
        pack_str(out, author_at(c, i));
        pack_uint(out, c->entries[i].counter);
    }
}

enum rsm_status vector_clock_unpack(struct vector_clock *c, struct unpack *source)
{
    vector_clock_deinit(c);
    uint32_t count = unpack_map(source);
    for (uint32_t i = 0; i < count && unpack_ok(source); i++) {
        struct bytes author = unpack_octets(source, LIMIT_PRINCIPAL_SIZE);
        uint64_t counter = unpack_uint_max(source, ENVELOPE_COUNTER_MAX);
        if (unpack_ok(source) && vector_clock_see(c, author, counter) != RSM_OK)
            unpack_fail(source, RSM_TOO_MANY);
    }
    return source->status;
}
