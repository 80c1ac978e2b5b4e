/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names.c - a set of names (see names.h). */
#include "src/machine/names.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

struct item {
    size_t offset;
    uint32_t size;
    uint32_t walk;
    uint64_t hash;
};

struct name_set {
    uint8_t *arena;
    size_t arena_size, arena_capacity;
    struct item *items;
    size_t count, capacity;
    uint32_t *slots;   /* index + 1 of an item, 0 free */
    size_t slot_count; /* a power of two, at least twice the items */
};

struct name_set *name_set_new(void)
{
    return mem_alloc(sizeof(struct name_set));
}

void name_set_free(struct name_set *set)
{
    if (set == NULL)
        return;
    mem_free(set->arena);
    mem_free(set->items);
    mem_free(set->slots);
    mem_free(set);
}

/* Where the item stands, also among slots that were freed since. */
static size_t slot_of(const struct name_set *set, size_t index)
{
    size_t slot = (size_t)set->items[index].hash & (set->slot_count - 1);
    while (set->slots[slot] != index + 1)
        slot = (slot + 1) & (set->slot_count - 1);
    return slot;
}

/* As dear as what is in it, not as what was in it once: every command has a set to clear. */
void name_set_clear(struct name_set *set)
{
    if (set->count < set->slot_count / 8) {
        for (size_t i = 0; i < set->count; i++)
            set->slots[slot_of(set, i)] = 0;
    } else if (set->slot_count > 0) {
        memset(set->slots, 0, set->slot_count * sizeof *set->slots);
    }
    set->count = 0;
    set->arena_size = 0;
}

size_t name_set_count(const struct name_set *set)
{
    return set->count;
}

struct bytes name_set_at(const struct name_set *set, size_t index)
{
    CHECK(index < set->count);
    return bytes_make(set->arena + set->items[index].offset, set->items[index].size);
}

/* FNV-1a, with a last mix. A client that makes names collide costs itself a slow verdict: the walk
 * is bounded by CYCLE_STEPS_MAX. */
static uint64_t hash(struct bytes name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < name.size; i++)
        h = (h ^ name.data[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

static size_t find_slot(const struct name_set *set, struct bytes name, uint64_t h)
{
    size_t slot = (size_t)h & (set->slot_count - 1);
    while (set->slots[slot] != 0) {
        size_t index = set->slots[slot] - 1;
        if (set->items[index].hash == h && bytes_equal(name_set_at(set, index), name))
            break;
        slot = (slot + 1) & (set->slot_count - 1);
    }
    return slot;
}

bool name_set_has(const struct name_set *set, struct bytes name)
{
    return set->count > 0 && set->slots[find_slot(set, name, hash(name))] != 0;
}

static void grow(struct name_set *set)
{
    size_t slot_count = set->slot_count == 0 ? 64 : 2 * set->slot_count;
    mem_free(set->slots);
    set->slots = mem_alloc(slot_count * sizeof *set->slots);
    set->slot_count = slot_count;
    for (size_t i = 0; i < set->count; i++) {
        size_t slot = (size_t)set->items[i].hash & (slot_count - 1);
        while (set->slots[slot] != 0)
            slot = (slot + 1) & (slot_count - 1);
        set->slots[slot] = (uint32_t)i + 1;
    }
}

static void reserve(struct name_set *set, size_t size)
{
    if (2 * (set->count + 1) > set->slot_count)
        grow(set);
    if (set->count == set->capacity) {
        set->capacity = set->capacity == 0 ? 32 : 2 * set->capacity;
        set->items = mem_realloc(set->items, set->capacity * sizeof *set->items);
    }
    if (set->arena_capacity - set->arena_size < size) {
        set->arena_capacity = 2 * set->arena_capacity + size + 1024;
        set->arena = mem_realloc(set->arena, set->arena_capacity);
    }
}

bool name_set_add(struct name_set *set, struct bytes name, uint32_t walk, size_t *index_out,
                  uint32_t *walk_out)
{
    reserve(set, name.size);
    uint64_t h = hash(name);
    size_t slot = find_slot(set, name, h);
    if (set->slots[slot] != 0) {
        *index_out = set->slots[slot] - 1;
        *walk_out = set->items[*index_out].walk;
        return false;
    }
    *index_out = set->count;
    *walk_out = walk;
    memcpy(set->arena + set->arena_size, name.data, name.size);
    set->items[set->count] = (struct item){
        .offset = set->arena_size, .size = (uint32_t)name.size, .walk = walk, .hash = h};
    set->arena_size += name.size;
    set->count++;
    set->slots[slot] = (uint32_t)set->count;
    return true;
}
