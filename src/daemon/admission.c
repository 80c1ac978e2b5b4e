/* SPDX-License-Identifier: GPL-3.0-or-later */
/* admission.c - see admission.h. */
#include "src/daemon/admission.h"

#include <string.h>

#include "src/base/check.h"

#define COST_SIZE 65536u

void admission_init(struct admission *a, uint32_t rate)
{
    memset(a, 0, sizeof *a);
    a->rate = rate;
}

static struct admission_bucket *find(struct admission *a, uint64_t connection)
{
    return &a->buckets[connection % LIMIT_CLIENT_CONNECTIONS];
}

static void refill(const struct admission *a, struct admission_bucket *b, uint64_t connection,
                   uint64_t now_ms)
{
    uint64_t full = UINT64_C(1000) * a->rate;
    if (b->connection != connection) {
        *b = (struct admission_bucket){.connection = connection, .level = full, .at_ms = now_ms};
        return;
    }
    CHECK(now_ms >= b->at_ms);
    uint64_t elapsed_ms = now_ms - b->at_ms;
    b->at_ms = now_ms;
    b->level = elapsed_ms >= 1000 || b->level + elapsed_ms * a->rate > full
                   ? full
                   : b->level + elapsed_ms * a->rate;
}

bool admission_take(struct admission *a, uint64_t connection, size_t size, uint64_t now_ms,
                    uint64_t *wait_ms_out)
{
    struct admission_bucket *b = find(a, connection);
    uint64_t cost = UINT64_C(1000) * (1 + size / COST_SIZE);
    *wait_ms_out = 0;
    if (a->rate == 0)
        return true;
    refill(a, b, connection, now_ms);
    if (cost > UINT64_C(1000) * a->rate)
        cost = UINT64_C(1000) * a->rate; /* a large one waits for a full bucket, not for ever */
    if (b->level < cost) {
        *wait_ms_out = (cost - b->level + a->rate - 1) / a->rate;
        return false;
    }
    b->level -= cost;
    return true;
}

void admission_punish(struct admission *a, uint64_t connection)
{
    struct admission_bucket *b = find(a, connection);
    uint64_t cost = UINT64_C(1000) * ADMISSION_BAD_COST;
    if (b->connection == connection)
        b->level = b->level > cost ? b->level - cost : 0;
}
