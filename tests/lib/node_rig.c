/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_rig.c - see node_rig.h. */
#include "tests/lib/node_rig.h"

#include "src/base/mem.h"

static void on_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct node_rig *r = context;
    (void)token;
    r->ended++;
    r->done += outcome->status == RSM_OK;
    r->status = outcome->status;
    r->slot = outcome->slot;
}

void node_rig_find_leader(struct node_rig *r)
{
    uint32_t count = r->pair.count;
    for (uint32_t i = 0; i < count; i++)
        if (node_pair_status(&r->pair.replicas[i]).is_leader)
            r->leader = &r->pair.replicas[i];
    r->other = &r->pair.replicas[r->leader->id % count];
    r->third = &r->pair.replicas[(r->leader->id + 1) % count];
}

static struct node_rig *open_rig(uint32_t count, struct node_config *config, bool has_keys)
{
    struct node_rig *r = mem_alloc(sizeof *r);
    r->pair.has_keys = has_keys;
    config->submit_timeout_ms = NODE_RIG_NEVER_MS;
    r->pair.context = r;
    r->pair.submitted = on_submitted;
    r->pair.count = count;
    node_pair_open(&r->pair, config);
    r->leader = r->pair.leader;
    node_rig_find_leader(r);
    node_pair_turns(&r->pair, 20);
    return r;
}

struct node_rig *node_rig_open(uint32_t count, struct node_config *config)
{
    return open_rig(count, config, false);
}

struct node_rig *node_rig_open_with_keys(uint32_t count, struct node_config *config)
{
    return open_rig(count, config, true);
}

void node_rig_close(struct node_rig *r)
{
    node_pair_close(&r->pair);
    mem_free(r);
}

void node_rig_commit(struct node_rig *r, unsigned count, unsigned turns)
{
    for (unsigned i = 0; i < count; i++) {
        node_pair_submit_role(r->leader, ++r->counter);
        if (i % 8 == 7 || i + 1 == count)
            node_pair_turn(&r->pair);
    }
    node_pair_turns(&r->pair, turns);
    CHECK(r->done == r->counter);
}
