/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stages.c - see stages.h. */
#include "src/daemon/stages.h"

#include <stddef.h>

static const char *const names[STAGE_COUNT] = {
#define STAGE_NAME(name, text, what) text,
    STAGE_LIST(STAGE_NAME)
#undef STAGE_NAME
};

const char *stage_name(enum stage stage)
{
    return names[stage];
}

static const char *const whats[STAGE_COUNT] = {
#define STAGE_WHAT(name, text, what) what,
    STAGE_LIST(STAGE_WHAT)
#undef STAGE_WHAT
};

const char *stage_what(enum stage stage)
{
    return whats[stage];
}

static struct stage_slot *find(struct stages *s, uint64_t slot)
{
    struct stage_slot *found = &s->slots[slot % LIMIT_WINDOW];
    return found->slot == slot ? found : NULL;
}

void stages_on_proposed(struct stages *s, uint64_t slot, uint64_t judged_ns)
{
    s->slots[slot % LIMIT_WINDOW] = (struct stage_slot){.slot = slot, .judged_ns = judged_ns};
    if (s->proposed_first == s->proposed_end)
        s->proposed_first = slot;
    if (s->unsent_first == s->proposed_end)
        s->unsent_first = slot;
    s->proposed_end = slot + 1;
}

void stages_on_sent(struct stages *s, uint64_t now_ns)
{
    for (uint64_t slot = s->unsent_first; slot < s->proposed_end; slot++) {
        struct stage_slot *found = find(s, slot);
        if (found == NULL)
            continue;
        found->sent_ns = now_ns;
        stages_add(s, STAGE_WRITE, found->judged_ns, now_ns);
    }
    s->unsent_first = s->proposed_end;
}

void stages_on_flush(struct stages *s)
{
    s->flushing_first = s->proposed_first;
    s->flushing_end = s->proposed_end;
    s->proposed_first = s->proposed_end;
    s->flushing = s->accepts;
    s->accepts = (struct stage_accepts){0, 0};
}

static void flushed(struct stages *s, struct stage_slot *slot, uint64_t now_ns)
{
    if (slot->sent_ns == 0 || slot->flushed_ns != 0)
        return;
    slot->flushed_ns = now_ns;
    stages_add(s, STAGE_FLUSH, slot->sent_ns, now_ns);
}

void stages_on_flushed(struct stages *s, uint64_t begin_ns, uint64_t end_ns)
{
    for (uint64_t slot = s->flushing_first; slot < s->flushing_end; slot++) {
        struct stage_slot *found = find(s, slot);
        if (found != NULL)
            flushed(s, found, end_ns);
    }
    s->flushing_first = s->flushing_end;
    if (s->flushing.came_ns == 0)
        return;
    stages_add(s, STAGE_FOLLOW_WRITE, s->flushing.taken_ns, begin_ns);
    stages_add(s, STAGE_FOLLOW_FLUSH, begin_ns, end_ns);
}

void stages_on_peer_vote(struct stages *s, uint64_t slot, uint64_t now_ns)
{
    const struct stage_slot *found = find(s, slot);
    if (found != NULL && found->sent_ns != 0)
        stages_add(s, STAGE_PEER, found->sent_ns, now_ns);
}

void stages_on_learned(struct stages *s, uint64_t slot, uint64_t now_ns)
{
    struct stage_slot *found = find(s, slot);
    s->learned_ns = now_ns;
    if (found == NULL || found->sent_ns == 0)
        return;
    flushed(s, found, now_ns); /* the others were faster */
    stages_add(s, STAGE_VOTES, found->flushed_ns, now_ns);
    stages_add(s, STAGE_QUORUM, found->sent_ns, now_ns);
}

void stages_on_applied(struct stages *s, uint64_t slot, uint64_t now_ns)
{
    struct stage_slot *found = find(s, slot);
    if (found == NULL || found->is_applied)
        return;
    stages_add(s, STAGE_APPLY, s->learned_ns, now_ns);
    found->is_applied = true;
}

void stages_on_accept(struct stages *s, uint64_t came_ns, uint64_t judged_ns)
{
    stages_add(s, STAGE_TAKE, came_ns, judged_ns);
    if (s->accepts.came_ns == 0)
        s->accepts.came_ns = came_ns;
    s->accepts.taken_ns = judged_ns;
}

void stages_on_heartbeat(struct stages *s, uint32_t peer, uint64_t now_ns)
{
    if (peer <= REPLICA_MAX && s->heartbeats_ns[peer] == 0)
        s->heartbeats_ns[peer] = now_ns;
}

void stages_on_heartbeat_answer(struct stages *s, uint32_t peer, uint64_t now_ns)
{
    if (peer > REPLICA_MAX || s->heartbeats_ns[peer] == 0)
        return;
    stages_add(s, STAGE_HEARTBEAT, s->heartbeats_ns[peer], now_ns);
    s->heartbeats_ns[peer] = 0;
}

void stages_on_read(struct stages *s, uint64_t token, uint64_t now_ns)
{
    s->reads_ns[token % STAGE_READS] = now_ns;
}

void stages_on_read_ready(struct stages *s, uint64_t token, uint64_t now_ns)
{
    stages_add(s, STAGE_READ, s->reads_ns[token % STAGE_READS], now_ns);
}

void stages_on_vote(struct stages *s, uint64_t now_ns)
{
    if (s->flushing.came_ns != 0)
        stages_add(s, STAGE_VOTE, s->flushing.came_ns, now_ns);
    s->flushing.came_ns = 0;
}
