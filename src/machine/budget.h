/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * budget.h - token buckets in log time, in integers.
 *
 * A bucket holds at most `burst` tokens and gets `per_hour` of them back in an hour. Its level is
 * kept in tokens times the milliseconds of an hour, so that a rate of one token an hour loses
 * nothing to rounding: LIMIT_BUDGET times that stays below 2^63.
 *
 *     TABLE_SPENT      log time u64 of the last spending | levels: 4 times u64
 *
 * Who has never spent anything has no row: all its buckets are full.
 */
#ifndef RSM_MACHINE_BUDGET_H
#define RSM_MACHINE_BUDGET_H

#include <rsm/body.h>
#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/kv.h"

#define BUDGET_HOUR_MS UINT64_C(3600000)
#define BUDGET_NEVER UINT64_MAX

struct budget_spent {
    uint64_t at_ms;
    uint64_t levels[RSM_BUDGETS];
};

/* The level at `now_ms`, which may be before `at_ms` (then nothing came back). */
uint64_t budget_level(const struct rsm_budget *budget, uint64_t level, uint64_t at_ms,
                      uint64_t now_ms);
/* Until `cost` tokens are there; 0: now, BUDGET_NEVER: the burst is below the cost. */
uint64_t budget_wait_ms(const struct rsm_budget *budget, uint64_t level, uint64_t cost);

void budget_encode(struct writer *out, const struct budget_spent *s);
enum rsm_status budget_decode(struct bytes value, struct budget_spent *out);
/* RSM_OK also when there is no row: full buckets. RSM_DAMAGED and as the kv. */
enum rsm_status budget_load(struct kv *kv, struct bytes principal, const struct rsm_budget *budget,
                            uint64_t now_ms, struct budget_spent *out);
/* "commands", "changes", "records", "bytes". */
const char *budget_text(enum rsm_budget_kind kind);

#endif
