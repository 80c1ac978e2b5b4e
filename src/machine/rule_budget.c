/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_budget.c - what a principal may spend, in log time, so that each replica and each replay
 * comes to the same.
 *
 *     commands   1
 *     changes    the record sets that the command names, or that go with its zone
 *     records    the records of those that it wrote, as they are afterwards
 *     bytes      the command's own
 *
 * Only what is applied costs anything. A budget that changes keeps what was spent: the level stays,
 * and is cut to the new burst. An automaton has a budget of commands and of changes, or does not
 * come to be (automaton-budget): what goes wrong with it then goes wrong at a known rate.
 */
#include "src/machine/judge.h"

#include <inttypes.h>

#include "src/base/check.h"
#include "src/machine/budget.h"

static void measure(const struct judge *j, uint64_t costs[RSM_BUDGETS])
{
    const struct changes *changes = &j->m->changes;
    costs[RSM_BUDGET_COMMANDS] = 1;
    costs[RSM_BUDGET_CHANGES] = changes->count + changes->gone;
    costs[RSM_BUDGET_RECORDS] = 0;
    costs[RSM_BUDGET_BYTES] = j->command->raw.size;
    for (size_t i = 0; i < changes->count; i++)
        costs[RSM_BUDGET_RECORDS] +=
            changes->items[i].is_written ? changes->items[i].count_after : 0;
}

static void refuse(struct judge *j, enum rsm_budget_kind kind, uint64_t level, uint64_t cost)
{
    const struct rsm_budget *budget = &j->m->actor.budget[kind];
    uint64_t wait_ms = budget_wait_ms(budget, level, cost);
    uint64_t left = level / BUDGET_HOUR_MS;
    if (wait_ms == BUDGET_NEVER)
        judge_refuse(j, RSM_RULE_BUDGET,
                     "%.*s: %" PRIu64 " %s at once, its budget holds at most %" PRIu64
                     " and gets %" PRIu64 " an hour; split the change",
                     TEXT_ARGUMENTS(judge_subject(j)), cost, budget_text(kind), budget->burst,
                     budget->per_hour);
    else
        judge_refuse(j, RSM_RULE_BUDGET,
                     "%.*s: needs %" PRIu64 " %s, has %" PRIu64 " of %" PRIu64 ", gets %" PRIu64
                     " an hour; wait %" PRIu64 " ms, until log time %" PRIu64,
                     TEXT_ARGUMENTS(judge_subject(j)), cost, budget_text(kind), left, budget->burst,
                     budget->per_hour, wait_ms, j->now_ms + wait_ms);
}

void rule_budget(struct judge *j)
{
    const struct actor *a = &j->m->actor;
    uint64_t costs[RSM_BUDGETS];
    bool has_budget = false;
    for (size_t i = 0; i < RSM_BUDGETS; i++)
        has_budget |= a->budget[i].per_hour > 0;
    if (!a->is_known || !has_budget || MUTANT(NO_BUDGET))
        return;
    struct budget_spent spent;
    if (!judge_found(j, budget_load(j->kv, judge_subject(j), a->budget, j->now_ms, &spent)))
        return;
    measure(j, costs);
    for (size_t i = 0; i < RSM_BUDGETS; i++) {
        uint64_t cost = costs[i];
        if (a->budget[i].per_hour == 0)
            continue;
        if (budget_wait_ms(&a->budget[i], spent.levels[i], cost) != 0)
            refuse(j, (enum rsm_budget_kind)i, spent.levels[i], cost);
        else
            spent.levels[i] -= cost * BUDGET_HOUR_MS;
    }
    writer_reset(&j->m->value);
    budget_encode(&j->m->value, &spent);
    judge_put_writer(j, TABLE_SPENT, judge_subject(j), &j->m->value);
}

void rule_budget_of_automaton(struct judge *j, struct bytes name, const struct rsm_budget *budget)
{
    if (MUTANT(AUTOMATON_WITHOUT_BUDGET) ||
        (budget[RSM_BUDGET_COMMANDS].per_hour > 0 && budget[RSM_BUDGET_CHANGES].per_hour > 0))
        return;
    judge_refuse(j, RSM_RULE_AUTOMATON_BUDGET,
                 "automaton %.*s: it needs a budget of commands and of changes, such as a burst of "
                 "20 and 200 an hour",
                 TEXT_ARGUMENTS(name));
}
