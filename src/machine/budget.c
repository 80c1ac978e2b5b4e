/* SPDX-License-Identifier: GPL-3.0-or-later */
/* budget.c - token buckets (see budget.h). */
#include "src/machine/budget.h"

#include "src/base/limits.h"
#include "src/machine/tables.h"

_Static_assert(LIMIT_BUDGET *BUDGET_HOUR_MS < (UINT64_C(1) << 63), "levels stay below 2^63");

uint64_t budget_level(const struct rsm_budget *budget, uint64_t level, uint64_t at_ms,
                      uint64_t now_ms)
{
    uint64_t full = budget->burst * BUDGET_HOUR_MS;
    if (level >= full)
        return full; /* the budget was made smaller meanwhile */
    if (now_ms <= at_ms || budget->per_hour == 0)
        return level;
    uint64_t elapsed_ms = now_ms - at_ms;
    if (elapsed_ms > (full - level) / budget->per_hour)
        return full;
    return level + elapsed_ms * budget->per_hour;
}

uint64_t budget_wait_ms(const struct rsm_budget *budget, uint64_t level, uint64_t cost)
{
    if (cost > budget->burst)
        return BUDGET_NEVER;
    uint64_t needed = cost * BUDGET_HOUR_MS;
    if (needed <= level)
        return 0;
    return (needed - level + budget->per_hour - 1) / budget->per_hour;
}

void budget_encode(struct writer *out, const struct budget_spent *s)
{
    writer_u64(out, s->at_ms);
    for (size_t i = 0; i < RSM_BUDGETS; i++)
        writer_u64(out, s->levels[i]);
}

enum rsm_status budget_decode(struct bytes value, struct budget_spent *out)
{
    struct reader r = reader_make(value);
    out->at_ms = reader_u64(&r);
    for (size_t i = 0; i < RSM_BUDGETS; i++)
        out->levels[i] = reader_u64(&r);
    return reader_done(&r) ? RSM_OK : RSM_DAMAGED;
}

enum rsm_status budget_load(struct kv *kv, struct bytes principal, const struct rsm_budget *budget,
                            uint64_t now_ms, struct budget_spent *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_SPENT, principal, &value);
    if (status == RSM_OK)
        status = budget_decode(value, out);
    else if (status == RSM_NOT_FOUND) {
        status = RSM_OK;
        out->at_ms = now_ms;
        for (size_t i = 0; i < RSM_BUDGETS; i++)
            out->levels[i] = UINT64_MAX;
    }
    for (size_t i = 0; i < RSM_BUDGETS && status == RSM_OK; i++)
        out->levels[i] = budget_level(&budget[i], out->levels[i], out->at_ms, now_ms);
    out->at_ms = now_ms;
    return status;
}

const char *budget_text(enum rsm_budget_kind kind)
{
    switch (kind) {
    case RSM_BUDGET_COMMANDS:
        return "commands";
    case RSM_BUDGET_CHANGES:
        return "changes";
    case RSM_BUDGET_RECORDS:
        return "records";
    case RSM_BUDGET_BYTES:
        return "bytes";
    case RSM_BUDGETS:
        break;
    }
    return "unknown";
}
