/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pace.c - see pace.h. */
#include "bench/pace.h"

#include "src/base/check.h"

void pace_init(struct pace *p, uint64_t start_ns, uint64_t end_ns, double rate)
{
    CHECK(rate > 0);
    *p = (struct pace){.start_ns = start_ns, .end_ns = end_ns, .interval_ns = 1e9 / rate};
}

/* From the first one, not from the one before: no rounding adds up. */
uint64_t pace_next_ns(const struct pace *p)
{
    uint64_t next_ns = p->start_ns + (uint64_t)((double)p->next * p->interval_ns);
    return next_ns < p->end_ns ? next_ns : UINT64_MAX;
}

bool pace_take(struct pace *p, uint64_t now_ns, uint64_t *intended_ns_out)
{
    *intended_ns_out = pace_next_ns(p);
    if (*intended_ns_out == UINT64_MAX || *intended_ns_out > now_ns)
        return false;
    p->next++;
    return true;
}
