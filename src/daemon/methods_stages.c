/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_stages.c - where the time of commits goes, since the start of this replica. */
#include "src/daemon/methods_internal.h"
#include "src/daemon/stages.h"

/* All buckets that are not empty, so that a reader can take two answers from each other. */
static void pack_buckets(struct writer *out, const struct histogram *h)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += h->buckets[i] > 0 ? 1 : 0;
    pack_key(out, "buckets");
    pack_array(out, 2 * count);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->buckets[i] == 0)
            continue;
        pack_uint(out, i);
        pack_uint(out, h->buckets[i]);
    }
}

static void pack_stage(struct writer *out, enum stage stage, const struct histogram *h)
{
    pack_map(out, 9);
    pack_key(out, "stage");
    pack_text(out, stage_name(stage));
    pack_key(out, "what");
    pack_text(out, stage_what(stage));
    pack_number(out, "count", h->count);
    pack_number(out, "sum_ns", h->sum_ns);
    pack_number(out, "median_ns", histogram_quantile_ns(h, 50000));
    pack_number(out, "p99_ns", histogram_quantile_ns(h, 99000));
    pack_number(out, "p999_ns", histogram_quantile_ns(h, 99900));
    pack_number(out, "max_ns", h->max_ns);
    pack_buckets(out, h);
}

enum rsm_status read_stages(struct call *call, struct writer *out)
{
    const struct stages *stages = node_stages(serving(call)->m->node);
    pack_array(out, STAGE_COUNT);
    for (unsigned i = 0; i < STAGE_COUNT; i++)
        pack_stage(out, (enum stage)i, &stages->histograms[i]);
    return RSM_OK;
}
