/* SPDX-License-Identifier: GPL-3.0-or-later */
/* learned.c - see learned.h. */
#include "src/daemon/learned.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

void learned_deinit(struct learned *l)
{
    learned_drop(l, learned_count(l));
    mem_free(l->slots);
    *l = (struct learned){.slots = NULL};
}

size_t learned_count(const struct learned *l)
{
    return l->end - l->first;
}

void learned_add(struct learned *l, uint64_t slot, struct blob *value)
{
    CHECK(l->end == l->first || l->slots[l->end - 1].slot < slot);
    if (l->end == l->capacity && l->first > 0) {
        memmove(l->slots, l->slots + l->first, learned_count(l) * sizeof *l->slots);
        l->end -= l->first;
        l->first = 0;
    }
    if (l->end == l->capacity) {
        l->capacity = 2 * l->capacity + 1;
        l->slots = mem_realloc(l->slots, l->capacity * sizeof *l->slots);
    }
    l->slots[l->end++] = (struct learned_slot){slot, blob_ref(value)};
}

const struct learned_slot *learned_at(const struct learned *l, size_t i)
{
    CHECK(i < learned_count(l));
    return &l->slots[l->first + i];
}

void learned_drop(struct learned *l, size_t count)
{
    CHECK(count <= learned_count(l));
    for (; count > 0; count--)
        blob_unref(l->slots[l->first++].value);
    if (l->first == l->end)
        l->first = l->end = 0;
}

void learned_drop_to(struct learned *l, uint64_t slot)
{
    while (learned_count(l) > 0 && learned_at(l, 0)->slot <= slot)
        learned_drop(l, 1);
}
