/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrub.c - see scrub.h. */
#include "src/daemon/scrub.h"

#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/io/clock.h"

#define DAY_MS (UINT64_C(24) * 3600 * 1000)
#define AGAIN_MS 60000u /* a pass that could not be made */

struct scrub {
    struct scrubber *scrubber; /* owned */
    struct node *node;         /* borrowed */
    uint64_t period_ms;        /* 0: only when asked for */
    uint64_t due_ms;           /* monotonic */
    bool repairing;            /* a journal's repair runs; another pass comes after it */
    struct scrub_status status;
};

struct scrub *scrub_new(const char *data, uint32_t days, uint32_t rate, struct node *node)
{
    struct scrub *s = mem_alloc(sizeof(*s));

    s->scrubber = scrubber_new(data, (uint64_t)rate << 10);
    s->node = node;
    s->period_ms = days * DAY_MS;
    s->due_ms = clock_monotonic_ms() + s->period_ms;
    return s;
}

void scrub_free(struct scrub *s)
{
    if (s == NULL)
        return;
    scrubber_free(s->scrubber);
    mem_free(s);
}

enum rsm_status scrub_now(struct scrub *s)
{
    enum rsm_status status = scrubber_start(s->scrubber, node_journal_extent(s->node));

    if (status == RSM_OK)
        LOG(LOG_INFO, "scrub-begins", LOG_U64("passes", s->status.passes));
    s->due_ms = clock_monotonic_ms() + (status == RSM_OK ? s->period_ms : AGAIN_MS);
    return status;
}

static void on_ended(struct scrub *s, const struct scrub_result *r)
{
    s->status.passes++;
    s->status.ended_ms = clock_wall_ms();
    s->status.last = *r;
    LOG(r->findings > 0 || !r->complete ? LOG_ERROR : LOG_INFO, "scrub-ended",
        LOG_U64("records", r->records), LOG_U64("rows", r->rows), LOG_U64("findings", r->findings),
        LOG_TEXT("text", r->text));
    if (!r->complete && r->findings == 0) {
        s->due_ms = clock_monotonic_ms() + AGAIN_MS;
        return;
    }
    node_on_scrubbed(s->node, r->findings > 0);
    s->repairing = r->journal_segment != 0;
    if (s->repairing)
        node_repair_journal(s->node, r->journal_segment);
    if (r->store_damaged)
        node_on_damage(s->node);
}

bool scrub_on_tick(struct scrub *s)
{
    struct scrub_result result;
    bool ended = scrubber_collect(s->scrubber, &result);

    if (ended)
        on_ended(s, &result);
    if (s->repairing && node_is_journal_repaired(s->node) && !scrubber_is_running(s->scrubber)) {
        s->repairing = false;
        (void)scrub_now(s);
    }
    if (s->period_ms > 0 && clock_monotonic_ms() >= s->due_ms && !scrubber_is_running(s->scrubber))
        (void)scrub_now(s);
    return ended;
}

void scrub_get_status(const struct scrub *s, struct scrub_status *status_out)
{
    *status_out = s->status;
    status_out->running = scrubber_is_running(s->scrubber);
}
