/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_digest.c - digests (ZONEMD) of the zones that are served with them.
 *
 * A transfer needs the digest of its serial, an IXFR that of the old serial as well. They follow
 * from the zone's content, so each replica makes the same ones, when a transfer wants them; the
 * newest DIGESTS_KEPT are kept. One is made at a time, a piece in each turn of the loop, so that
 * commits go on. What waits is the list of exchanges itself: the first one's wish is made next, and
 * a wish whose client has gone is forgotten with it.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/daemon/dns_internal.h"
#include "src/dns/zone_digest.h"

#define DIGESTS_KEPT 256u
#define RECORDS_A_TURN 512u /* some hundred microseconds */

struct digest {
    uint64_t zone_id; /* 0: none */
    uint32_t serial;
    uint8_t rdata[ZONEMD_RDATA_SIZE];
};

struct digests {
    struct digest kept[DIGESTS_KEPT];
    uint32_t next; /* where the next one goes */
    struct event *turn;
    struct zone_digest *work; /* that is being made; NULL: none */
    uint64_t work_id;
    uint32_t work_serial;
};

static const uint8_t *find(const struct digests *all, const struct transfer_want *want)
{
    for (uint32_t i = 0; i < DIGESTS_KEPT; i++)
        if (all->kept[i].zone_id == want->zone_id && all->kept[i].serial == want->serial)
            return all->kept[i].rdata;
    return NULL;
}

static void come_back(struct digests *all)
{
    struct timeval now = {.tv_sec = 0};
    event_add(all->turn, &now);
}

bool dns_digest_ready(struct exchange *x)
{
    struct dns *d = x->dns;
    while (serve_wants_digest(x->serve, node_state(d->node), &x->want)) {
        const uint8_t *rdata = find(d->digests, &x->want);
        if (rdata == NULL) {
            exchange_link(x, &d->digesting);
            come_back(d->digests);
            return false;
        }
        serve_give_digest(x->serve, rdata);
    }
    return true;
}

/* Those that wanted it go on; without one they are told so. */
static void end_work(struct dns *d, const uint8_t *rdata)
{
    struct digests *all = d->digests;
    struct exchange *next;
    struct exchange_list waiting = d->digesting;
    zone_digest_free(all->work);
    all->work = NULL;
    if (rdata != NULL) {
        struct digest *kept = &all->kept[all->next++ % DIGESTS_KEPT];
        kept->zone_id = all->work_id;
        kept->serial = all->work_serial;
        memcpy(kept->rdata, rdata, sizeof kept->rdata);
    }
    uint32_t left = waiting.count;
    for (struct exchange *x = waiting.first; left > 0; x = next, left--) {
        next = x->next;
        if (x->want.zone_id != all->work_id || x->want.serial != all->work_serial)
            continue;
        if (rdata != NULL)
            dns_exchange_answer(x);
        else
            dns_exchange_end(x, RCODE_SERVFAIL, PACKET_EDE_NOT_READY,
                             "the zone's digest cannot be made here");
    }
}

static void work(struct dns *d)
{
    struct digests *all = d->digests;
    const struct exchange *first = d->digesting.first;
    uint8_t rdata[ZONEMD_RDATA_SIZE];
    bool is_done = false;
    enum rsm_status status = RSM_NO_MEMORY;
    if (all->work == NULL) {
        all->work = zone_digest_begin(first->want.zone, first->want.slot);
        all->work_id = first->want.zone_id;
        all->work_serial = first->want.serial;
    }
    if (all->work != NULL)
        status = zone_digest_step(all->work, node_state(d->node), RECORDS_A_TURN, &is_done, rdata);
    if (status == RSM_DAMAGED)
        node_on_damage(d->node);
    if (status != RSM_OK || is_done)
        end_work(d, status == RSM_OK ? rdata : NULL);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    struct dns *d = context;
    (void)fd;
    (void)what;
    if (d->digesting.first != NULL)
        work(d);
    if (d->digesting.first != NULL)
        come_back(d->digests);
}

void dns_digest_open(struct dns *d, struct event_base *base)
{
    d->digests = mem_alloc(sizeof *d->digests);
    d->digests->turn = mem_made(event_new(base, -1, 0, on_turn, d));
}

void dns_digest_close(struct dns *d)
{
    zone_digest_free(d->digests->work);
    event_free(d->digests->turn);
    mem_free(d->digests);
}
