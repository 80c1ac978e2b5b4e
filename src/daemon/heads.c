/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heads.c - see heads.h. A mismatch clears itself when a later comparison is equal. */
#include "src/daemon/heads.h"

#include <string.h>

#include "src/base/check.h"

static void compare(struct heads_peer *peer, heads_lookup *lookup, void *context)
{
    struct heads own;
    if (!lookup(context, peer->last.slot, &own))
        return;
    peer->waiting = false;
    bool equal = memcmp(own.entry, peer->last.entry, HASH_SIZE) == 0 &&
                 memcmp(own.verdict, peer->last.verdict, HASH_SIZE) == 0;
    if (equal) {
        peer->compared = peer->last.slot;
        peer->mismatch = 0;
    } else if (peer->mismatch == 0) {
        peer->mismatch = peer->last.slot;
    }
}

void heads_note(struct heads_table *table, uint32_t peer, const struct heads *said,
                uint64_t applied, uint64_t tick, heads_lookup *lookup, void *context)
{
    CHECK(peer >= 1 && peer <= REPLICA_MAX);
    struct heads_peer *p = &table->peers[peer];
    p->last = *said;
    p->heard_tick = tick;
    p->waiting = true;
    if (said->slot <= applied)
        compare(p, lookup, context);
}

void heads_advance(struct heads_table *table, uint64_t applied, heads_lookup *lookup, void *context)
{
    for (uint32_t i = 1; i <= REPLICA_MAX; i++) {
        struct heads_peer *p = &table->peers[i];
        if (p->waiting && p->last.slot <= applied)
            compare(p, lookup, context);
    }
}

void heads_count(const struct heads_table *table, uint32_t replicas, uint32_t self,
                 uint32_t *equal_out, uint32_t *different_out)
{
    *equal_out = 0;
    *different_out = 0;
    for (uint32_t i = 1; i <= REPLICA_MAX; i++) {
        if (i == self || (replicas & (1u << i)) == 0)
            continue;
        const struct heads_peer *p = &table->peers[i];
        if (p->mismatch != 0)
            (*different_out)++;
        else if (p->compared != 0)
            (*equal_out)++;
    }
}

bool heads_must_stop(uint32_t equal, uint32_t different, uint32_t voters)
{
    return different > 0 && equal + 1 < voters / 2 + 1;
}
