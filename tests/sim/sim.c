/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sim.c - the queue is a binary heap, ordered by time, then by the order of setting. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

void sim_init(struct sim *sim, uint64_t seed, bool trace)
{
    memset(sim, 0, sizeof(*sim));
    sim->seed = seed;
    sim->trace = trace;
    sim->hash = UINT64_C(0xcbf29ce484222325);
    prng_init(&sim->prng, seed);
}

void sim_salt(struct sim *sim, uint64_t salt)
{
    if (salt != 0)
        prng_init(&sim->prng, sim->seed ^ (salt * UINT64_C(0x9e3779b97f4a7c15)));
}

void sim_deinit(struct sim *sim)
{
    for (size_t i = 0; i < sim->heap_count; i++) {
        if (sim->heap[i].drop != NULL)
            sim->heap[i].drop(sim->heap[i].context, sim->heap[i].argument);
    }
    mem_free(sim->heap);
    sim->heap = NULL;
    sim->heap_count = 0;
}

static bool event_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

void sim_after(struct sim *sim, uint64_t delay, sim_run *run, sim_run *drop, void *context,
               void *argument)
{
    if (sim->heap_count == sim->heap_capacity) {
        sim->heap_capacity = sim->heap_capacity == 0 ? 256 : 2 * sim->heap_capacity;
        sim->heap = mem_realloc(sim->heap, sim->heap_capacity * sizeof(*sim->heap));
    }
    struct sim_event event = {sim->now + delay, sim->order_next++, run, drop, context, argument};
    size_t i = sim->heap_count++;
    for (; i > 0 && event_before(&event, &sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
        sim->heap[i] = sim->heap[(i - 1) / 2];
    sim->heap[i] = event;
}

static struct sim_event sim_pop(struct sim *sim)
{
    CHECK(sim->heap_count > 0);
    struct sim_event top = sim->heap[0];
    struct sim_event last = sim->heap[--sim->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= sim->heap_count)
            break;
        if (child + 1 < sim->heap_count && event_before(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!event_before(&sim->heap[child], &last))
            break;
        sim->heap[i] = sim->heap[child];
        i = child;
    }
    sim->heap[i] = last;
    return top;
}

void sim_run_until(struct sim *sim, uint64_t end)
{
    while (!sim->failed && sim->heap_count > 0 && sim->heap[0].time <= end) {
        struct sim_event event = sim_pop(sim);
        sim->now = event.time;
        sim->event_count++;
        event.run(event.context, event.argument);
    }
    if (!sim->failed)
        sim->now = end;
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    if (sim->failed)
        return;
    sim->failed = true;
    int size = snprintf(sim->failure, sizeof(sim->failure), "at %" PRIu64 " us: ", sim->now);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->failure + size, sizeof(sim->failure) - (size_t)size, format, arguments);
    va_end(arguments);
    if (sim->trace)
        printf("%10" PRIu64 " FAILURE %s\n", sim->now, sim->failure);
}

void sim_note(struct sim *sim, const char *format, ...)
{
    if (!sim->trace)
        return;
    va_list arguments;
    printf("%10" PRIu64 " ", sim->now);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void sim_mix(struct sim *sim, uint64_t value)
{
    sim->hash = (sim->hash ^ value) * UINT64_C(0x100000001b3);
    sim->hash ^= sim->hash >> 29;
}

bool sim_chance(struct sim *sim, uint32_t parts_per_million)
{
    return parts_per_million > 0 && prng_chance(&sim->prng, parts_per_million);
}

uint64_t sim_range(struct sim *sim, uint64_t first, uint64_t last)
{
    return prng_range(&sim->prng, first, last);
}

const char *sim_mark_name(enum sim_mark mark)
{
    static const char *const names[] = {
#define SIM_MARK_NAME(name, text) #name,
        SIM_MARK_LIST(SIM_MARK_NAME)
#undef SIM_MARK_NAME
    };
    return names[mark];
}
