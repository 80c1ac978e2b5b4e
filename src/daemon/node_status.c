/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_status.c - what a node says of itself. */
#include <string.h>

#include "src/daemon/node_change.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"

static void fill_peers(struct node *n, struct node_status *out)
{
    uint64_t now = node_now_ms(n);
    uint64_t timeout = (uint64_t)n->config.election_ticks_max * n->config.tick_ms;
    for (uint32_t r = 1; r <= REPLICA_MAX; r++) {
        if (r == n->config.self || (n->members & (1u << r)) == 0)
            continue;
        struct node_peer_status *p = &out->peers[out->peer_count++];
        p->replica = r;
        p->last_heard_ms = now - n->peer_heard_ms[r];
        p->heard = n->peer_heard_ms[r] != 0 && p->last_heard_ms <= timeout;
        p->applied = n->heads.peers[r].last.slot;
        p->compared = n->heads.peers[r].compared;
        p->mismatch = n->heads.peers[r].mismatch;
    }
}

static void fill_journal(struct node *n, struct node_status *out)
{
    struct journal_counters counters;
    if (n->journal == NULL)
        return; /* closed: the store has to catch up first */
    journal_get_counters(n->journal, &counters);
    out->journal_flushes = counters.flushes;
    out->journal_groups = counters.groups;
    out->journal_bytes = counters.bytes;
    out->journal_segments = counters.segments;
}

void node_get_status(struct node *n, struct node_status *out)
{
    *out = (struct node_status){
        .self = n->config.self,
        .leader = paxos_leader(n->paxos),
        .is_leader = paxos_is_ready(n->paxos),
        .is_ready = paxos_leader(n->paxos) != 0 && paxos_has_contact(n->paxos),
        .is_voting = paxos_is_voting(n->paxos),
        .ballot = paxos_ballot(n->paxos),
        .applied = n->applied_slot,
        .chosen = paxos_chosen_end(n->paxos) - 1,
        .stored = n->stored_slot,
        .log_time_ms = n->log_time_ms,
        .alarms = n->alarms,
        .alarm_slot = n->alarm_slot,
        .submitted = n->counters.submitted,
        .applied_commands = n->counters.applied_commands,
        .refused_commands = n->counters.refused_commands,
        .waiting = submissions_count(n->submissions),
        .store_commits = n->counters.store_commits,
        .leader_changes = n->counters.leader_changes,
        .bad_frames = n->counters.bad_frames,
        .accepts_sent = n->counters.sent[PAXOS_ACCEPT],
        .votes_sent = n->counters.sent[PAXOS_ACCEPTED],
        .chosen_sent = n->counters.sent[PAXOS_CHOSEN],
        .rejoin_waits_for = paxos_rejoin_waits_for(n->paxos),
        .contact_age_ms = node_now_ms(n) - n->contact_ms,
    };
    memcpy(out->entry_head, n->chain.entry, HASH_SIZE);
    memcpy(out->verdict_head, n->chain.verdict, HASH_SIZE);
    fill_journal(n, out);
    fill_peers(n, out);
}

/* ---- changes on their way ---- */

struct wanted {
    struct bytes author_or_digest;
    uint64_t counter; /* 0: a digest is wanted */
};

static bool has_command(const struct wanted *w, struct bytes raw, uint8_t digest_out[HASH_SIZE])
{
    struct envelope e;
    struct command c;
    if (envelope_parse(raw, &e) != RSM_OK)
        return false;
    struct envelope_walk walk = envelope_commands(&e);
    while (envelope_next(&walk, &c)) {
        command_digest(c.raw, e.key, digest_out);
        if (w->counter > 0 ? c.counter == w->counter && bytes_equal(c.author, w->author_or_digest)
                           : bytes_equal(bytes_make(digest_out, HASH_SIZE), w->author_or_digest))
            return true;
    }
    return false;
}

enum change_state node_change_state(struct node *n, struct bytes author_or_digest, uint64_t counter,
                                    uint8_t digest_out[HASH_SIZE])
{
    struct wanted wanted = {author_or_digest, counter};
    for (size_t i = 0; i < learned_count(&n->learned); i++) {
        struct entry entry;
        if (entry_parse(blob_bytes(learned_at(&n->learned, i)->value), &entry) == RSM_OK &&
            entry.kind == ENTRY_COMMANDS && has_command(&wanted, entry.payload, digest_out))
            return CHANGE_CHOSEN;
    }
    for (struct submission *s = submissions_oldest(n->submissions); s != NULL; s = s->newer)
        if (has_command(&wanted, blob_bytes(s->envelope), digest_out))
            return CHANGE_SUBMITTED;
    return 0;
}
