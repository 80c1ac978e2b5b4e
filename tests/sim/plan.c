/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.c - each kind draws from a generator of its own, so that none moves the others. */
#include "tests/sim/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/mem.h"

static const struct {
    const char *name;
    uint64_t first_ms;
    uint64_t last_ms;
    uint32_t share;
} kinds_of_faults[FAULT_END] = {{"none", 0, 0, 0},
#define FAULT_ROW(name, text, first, last, share) {text, first, last, share},
                                FAULT_LIST(FAULT_ROW)
#undef FAULT_ROW
};

const char *fault_name(enum fault_kind kind)
{
    return kinds_of_faults[kind].name;
}

static void plan_add(struct plan *plan, const struct fault *fault)
{
    if (plan->count == PLAN_FAULTS_MAX)
        return;
    if (plan->count == plan->capacity) {
        plan->capacity = plan->capacity == 0 ? 64 : 2 * plan->capacity;
        plan->faults = mem_realloc(plan->faults, plan->capacity * sizeof(*plan->faults));
    }
    plan->faults[plan->count++] = *fault;
}

static int compare_faults(const void *a, const void *b)
{
    const struct fault *x = a;
    const struct fault *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

static void draw_kind(struct plan *plan, struct prng *prng, enum fault_kind kind, uint64_t end,
                      uint32_t replica_count)
{
    uint64_t mean = plan->mean_us[kind];
    uint64_t time = 0;
    for (;;) {
        time += prng_range(prng, mean / 2, mean * 3 / 2);
        if (time >= end)
            return;
        struct fault fault = {.time = time, .kind = kind};
        fault.replica = (uint32_t)prng_range(prng, 1, replica_count);
        fault.other = (uint32_t)prng_range(prng, 1, replica_count);
        fault.salt = prng_next(prng);
        plan_add(plan, &fault);
    }
}

void plan_draw(struct plan *plan, uint64_t seed, uint64_t kinds, uint64_t end,
               uint32_t replica_count)
{
    *plan = (struct plan){.count = 0};
    for (unsigned kind = FAULT_NONE + 1; kind < FAULT_END; kind++) {
        struct prng prng;
        prng_init(&prng, seed * UINT64_C(0x9e3779b97f4a7c15) + kind);
        uint64_t mean = SIM_MS * prng_range(&prng, kinds_of_faults[kind].first_ms,
                                            kinds_of_faults[kind].last_ms);
        if (((kinds >> kind) & 1) == 0 || !prng_chance(&prng, kinds_of_faults[kind].share * 10000))
            continue;
        plan->mean_us[kind] = mean;
        draw_kind(plan, &prng, (enum fault_kind)kind, end, replica_count);
    }
    if (plan->count > 0)
        qsort(plan->faults, plan->count, sizeof(*plan->faults), compare_faults);
}

void plan_deinit(struct plan *plan)
{
    mem_free(plan->faults);
}

static bool is_cut(const struct sim_cut *cut, size_t index)
{
    return cut != NULL && index < cut->skip_count && cut->skip[index];
}

void plan_print(const struct plan *plan, const struct sim_cut *cut)
{
    char text[120];
    for (size_t i = 0; i < plan->count; i++) {
        plan_describe(&plan->faults[i], text, sizeof(text));
        if (!is_cut(cut, i))
            printf("fault:%s\n", text);
    }
}

void plan_arm(const struct plan *plan, struct sim *sim, const struct sim_cut *cut, sim_run *run,
              void *context)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (!is_cut(cut, i))
            sim_after(sim, plan->faults[i].time, run, NULL, context, &plan->faults[i]);
    }
}

void plan_describe(const struct fault *fault, char *text, size_t size)
{
    snprintf(text, size, "%10" PRIu64 " %s at %u (other %u, %" PRIx64 ")", fault->time,
             fault_name(fault->kind), fault->replica, fault->other, fault->salt);
}

void plan_note(const struct plan *plan, struct sim *sim)
{
    char text[1000] = "";
    size_t size = 0;
    if (!sim->trace)
        return;
    for (unsigned kind = FAULT_NONE + 1; kind < FAULT_END && size < 900; kind++) {
        if (plan->mean_us[kind] != 0)
            size +=
                (size_t)snprintf(text + size, sizeof(text) - size, " %s/%" PRIu64 "ms",
                                 fault_name((enum fault_kind)kind), plan->mean_us[kind] / SIM_MS);
    }
    sim_note(sim, "faults, mean times:%s", text);
}
