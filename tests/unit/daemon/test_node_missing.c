/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_node_missing.c - a node whose store or journal lacks something: what it says meanwhile, and
 * what it keeps of the time before. Each test was seen to fail with a planted mistake
 * (tests/mutants/outside).
 */
#include <criterion/criterion.h>

#include <rsm/body.h>

#include "src/base/mem.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"
#include "src/net/peer_codec.h"
#include "storage/segment.h"
#include "tests/lib/node_rig.h"

static struct node_rig *open_rig(uint32_t count, uint32_t store_commit_ms, uint32_t snapshot_lag)
{
    struct node_config config;
    node_config_default(&config);
    config.segment_size = 32768;
    config.store_commit_ms = store_commit_ms;
    config.store_commit_bytes = UINT32_MAX;
    config.store_commit_rows = UINT32_MAX;
    config.snapshot_lag = snapshot_lag;
    config.snapshot_rate = 1024;
    config.snapshot_piece = 16384;
    return node_rig_open(count, &config);
}

static void commit(struct node_rig *r, unsigned count)
{
    node_rig_commit(r, count, 5);
}

/* Its store is taken back to nothing, and its journal relies on it. */
static struct node_rig *without_store(uint32_t slots_more, uint32_t snapshot_lag)
{
    struct node_rig *r = open_rig(2, 100, snapshot_lag);
    commit(r, 200);
    node_pair_turns(&r->pair, 30);
    cr_assert_gt(node_journal_extent(r->other->node).first, 1);
    r->other->holds_commits = true;
    commit(r, slots_more);
    r->other->holds_commits = false;
    node_pair_lose_store(r->other);
    cr_assert_not(node_has_state(r->other->node));
    return r;
}

/* The core begins anew when the state is whole: a read that it took would be forgotten. */
Test(node_missing, a_read_without_a_state_ends_at_once)
{
    struct node_rig *r = without_store(8, 100000);
    node_read(r->other->node, 7);
    cr_assert_eq(r->other->reads_ended, 1);
    cr_assert_eq(r->other->read_status, RSM_UNAVAILABLE);
    node_rig_close(r);
}

/* What waits while the last missing slots are stored is learned once more by the core that follows.
 */
Test(node_missing, a_core_that_begins_anew_is_told_nothing_of_the_former)
{
    struct node_rig *r = without_store(800, 100000);
    struct node_pair_replica *o = r->other;
    uint64_t end = node_applied(r->leader->node);
    o->holds_commits = true;
    node_pair_turns(&r->pair, 100); /* parts of the log come; the first one has what is missing */
    cr_assert_lt(node_applied(o->node), end);
    cr_assert_not(node_has_state(o->node));
    o->holds_commits = false;
    node_pair_turns(&r->pair, 100);
    cr_assert(node_has_state(o->node));
    commit(r, 3);
    cr_assert_eq(node_applied(o->node), node_applied(r->leader->node));
    cr_assert_eq(node_pair_status(o).alarms, 0);
    node_rig_close(r);
}

/* What a snapshot brings is stored: nothing more has to be chosen, which needs its own vote. */
Test(node_missing, a_snapshot_is_all_that_is_needed)
{
    struct node_rig *r = without_store(8, 40);
    node_pair_turns(&r->pair, 600);
    cr_assert(node_has_state(r->other->node));
    cr_assert(node_pair_status(r->other).is_voting);
    cr_assert_eq(node_pair_status(r->other).alarms, 0);
    node_rig_close(r);
}

/* A new journal relies on what the store holds, not on what is applied: it has the rest itself. */
Test(node_missing, a_new_journal_stands_on_what_is_stored)
{
    struct node_rig *r = open_rig(2, NODE_RIG_NEVER_MS, 100000);
    commit(r, 20);
    r->other->config.in_doubt = true;
    node_pair_restart(r->other);
    node_pair_turns(&r->pair, 100);
    cr_assert(node_pair_status(r->other).is_voting);
    cr_assert_gt(node_applied(r->other->node), node_pair_status(r->other).stored);
    node_pair_kill(r->other);
    cr_assert(node_has_state(r->other->node));
    cr_assert_eq(node_applied(r->other->node), node_applied(r->leader->node));
    cr_assert_eq(node_pair_status(r->other).alarms, 0);
    node_rig_close(r);
}

/* One that found the disk full is tried again, and not again while that one runs. */
Test(node_missing, a_commit_is_begun_once)
{
    struct node_rig *r = open_rig(2, NODE_RIG_NEVER_MS, 100000);
    struct node_pair_replica *o = r->other;
    commit(r, 3);
    o->commit_status = RSM_DISK_FULL;
    node_commit_now(o->node);
    node_pair_handle(o);
    o->commit_status = RSM_OK;
    o->holds_commits = true;
    uint64_t before = o->commit_calls;
    node_pair_turns(&r->pair, 50);
    cr_assert_eq(o->commit_calls, before + 1);
    o->holds_commits = false;
    node_pair_turns(&r->pair, 5);
    cr_assert_eq(node_pair_status(o).stored, node_applied(o->node));
    node_rig_close(r);
}

/* As long as its store has no room its journal's room is no reason to take commands. */
Test(node_missing, a_full_store_is_low_whatever_the_journal_has)
{
    struct node_rig *r = open_rig(2, NODE_RIG_NEVER_MS, 100000);
    struct node_pair_replica *o = r->other;
    commit(r, 3);
    o->commit_status = RSM_DISK_FULL;
    node_commit_now(o->node);
    node_pair_handle(o);
    o->holds_commits = true; /* it is being tried again */
    for (unsigned i = 0; i < 5; i++) {
        commit(r, 3);
        node_pair_turns(&r->pair, 20);
        cr_assert(node_pair_status(o).alarms & NODE_ALARM_DISK_LOW);
    }
    o->commit_status = RSM_OK;
    o->holds_commits = false;
    node_pair_turns(&r->pair, 20);
    cr_assert_eq(node_pair_status(o).alarms, 0);
    node_rig_close(r);
}

/* What it tells somebody who asks what it holds: its promise, and that nothing is lost. */
static struct ballot tells(struct node_rig *r, bool *granted_out)
{
    struct paxos_message ask = {.type = PAXOS_REJOIN, .chosen_end = 1, .round = 5, .slot_first = 1};
    struct peer_stamp stamp = {0};
    struct blob *frame = peer_encode_message(&ask, &stamp);
    node_pair_lose(r->leader);
    node_on_frame(r->other->node, r->leader->id, blob_bytes(frame));
    blob_unref(frame);
    unsigned answers = 0;
    struct ballot promised = {0, 0};
    for (size_t i = 0; i < r->leader->inbox_count; i++) {
        struct peer_frame f;
        cr_assert_eq(peer_decode(blob_bytes(r->leader->inbox[i]), &f), RSM_OK);
        if (f.type == PEER_MESSAGE && f.message.type == PAXOS_REJOIN_ANSWER) {
            answers++;
            *granted_out = f.message.granted;
            promised = f.message.promised;
        }
        peer_frame_deinit(&f);
    }
    cr_assert_eq(answers, 1);
    return promised;
}

static void damage_journal(struct node_pair_replica *r)
{
    struct disk_mem_file *f = disk_mem_file(r->disk, 1);
    cr_assert_not_null(f);
    f->now[SEGMENT_DATA_OFFSET + 700] ^= 1;
    f->durable[SEGMENT_DATA_OFFSET + 700] ^= 1;
}

/* Votes that are gone and that the store does not have: the others must count them as lost. */
Test(node_missing, a_loss_that_the_store_does_not_cover_is_told)
{
    struct node_rig *r = open_rig(2, NODE_RIG_NEVER_MS, 100000);
    commit(r, 60);
    damage_journal(r->other);
    node_pair_restart(r->other);
    cr_assert(node_pair_status(r->other).alarms & NODE_ALARM_JOURNAL_DAMAGED);
    bool granted = true;
    (void)tells(r, &granted);
    cr_assert_not(granted);
    node_rig_close(r);
}

/* A promise that stands behind the damage was given all the same. */
Test(node_missing, a_promise_behind_a_damaged_place_is_told)
{
    struct node_rig *r = open_rig(2, NODE_RIG_NEVER_MS, 100000);
    commit(r, 60);
    struct paxos_message prepare = {
        .type = PAXOS_PREPARE, .ballot = {50, r->leader->id}, .chosen_end = 1, .slot_first = 1};
    struct peer_stamp stamp = {0};
    struct blob *frame = peer_encode_message(&prepare, &stamp);
    node_on_frame(r->other->node, r->leader->id, blob_bytes(frame));
    node_flush(r->other->node);
    blob_unref(frame);
    damage_journal(r->other);
    node_pair_restart(r->other);
    cr_assert(node_pair_status(r->other).alarms & NODE_ALARM_JOURNAL_DAMAGED);
    bool granted;
    cr_assert_eq(tells(r, &granted).round, 50);
    node_rig_close(r);
}

/* Slots in [first, end) are chosen, and all hold this. */
static void teach(struct node_rig *r, struct node_pair_replica *to, uint64_t first, uint64_t end,
                  struct bytes value)
{
    struct paxos_entry entries[LIMIT_BATCH_ENTRIES];
    struct blob *blob = blob_new(value);
    struct paxos_message learn = {.type = PAXOS_LEARN, .chosen_end = end, .entries = entries};
    struct peer_stamp stamp = {0};
    cr_assert_leq(end - first, LIMIT_BATCH_ENTRIES);
    for (uint64_t slot = first; slot < end; slot++)
        entries[learn.entry_count++] = (struct paxos_entry){.slot = slot, .value = blob};
    struct blob *frame = peer_encode_message(&learn, &stamp);
    node_on_frame(to->node, r->leader->id, blob_bytes(frame));
    blob_unref(frame);
    blob_unref(blob);
}

/* What it holds back, for it cannot read it, is below the state that it gets, or is its last slot.
 */
Test(node_missing, what_a_snapshot_covers_is_not_applied_behind_it)
{
    static const uint8_t newer[] = {ENTRY_FORMAT + 1, ENTRY_COMMANDS, 0, 0, 0, 0, 0, 0, 0, 1, 9};
    struct bytes value = bytes_make(newer, sizeof newer);
    for (unsigned is_last = 0; is_last < 2; is_last++) {
        struct node_rig *r = open_rig(3, 100, 40);
        struct node_pair_replica *t = r->third;
        commit(r, 10);
        t->deaf_to = ~0u;
        commit(r, 300);
        node_pair_turns(&r->pair, 30);
        uint64_t first = node_applied(t->node) + 1;
        teach(r, t, first, first + 1, value);
        node_pair_handle(t);
        cr_assert(node_pair_status(t).alarms & NODE_ALARM_NEWER_FORMAT);
        t->deaf_to = 0;
        for (unsigned i = 0; i < 300 && t->incoming == NULL; i++)
            node_pair_turn(&r->pair);
        cr_assert_not_null(t->incoming, "a transfer has begun");
        if (is_last) /* another one teaches it meanwhile */
            teach(r, t, first + 1, t->node->receiving.slot + 1, value);
        node_pair_turns(&r->pair, 300);
        cr_assert_null(t->incoming);
        cr_assert_eq(node_pair_status(t).alarms, 0);
        commit(r, 5);
        cr_assert_eq(node_applied(t->node), node_applied(r->leader->node));
        node_rig_close(r);
    }
}

/* A vote for a promotion that nobody else has, in the next slot, as if `by` had led for a moment.
 */
static void vote_for_promotion(struct node_rig *r, const struct node_pair_replica *by,
                               struct node_pair_replica *voter)
{
    static const struct rsm_incarnation known[] = {{1, 1}, {2, 2}, {3, 3}};
    struct rsm_buffer body, envelope;
    struct writer value;
    writer_init(&value, 4096);
    cr_assert_eq(rsm_body_member_promote(4, known, 3, &body), RSM_OK);
    struct rsm_buffer command = node_pair_command("admin", 9999, RSM_KIND_MEMBER_PROMOTE, body);
    cr_assert_eq(
        rsm_command_sign(r->pair.admin, r->pair.cluster_id, rsm_buffer_bytes(&command), &envelope),
        RSM_OK);
    entry_encode(&value, ENTRY_COMMANDS, UINT64_C(1780000000000) + r->pair.now_ms,
                 bytes_make(envelope.data, envelope.size));
    struct paxos_entry entry = {.slot = node_applied(r->leader->node) + 1,
                                .value = blob_new(writer_result(&value))};
    struct paxos_message accept = {.type = PAXOS_ACCEPT,
                                   .ballot = {node_pair_status(voter).ballot.round + 1, by->id},
                                   .chosen_end = entry.slot,
                                   .entries = &entry,
                                   .entry_count = 1};
    struct peer_stamp stamp = {0};
    struct blob *frame = peer_encode_message(&accept, &stamp);
    node_on_frame(voter->node, by->id, blob_bytes(frame));
    node_pair_handle(voter);
    blob_unref(frame);
    blob_unref(entry.value);
    writer_deinit(&value);
    rsm_buffer_free(&command);
    rsm_buffer_free(&envelope);
}

/* The new voter was not asked: whoever comes back waits until it is known whether there is one. */
Test(node_missing, nobody_rejoins_while_a_promotion_is_open)
{
    for (unsigned is_open = 0; is_open < 2; is_open++) {
        struct node_rig *r = open_rig(3, NODE_RIG_NEVER_MS, 100000);
        commit(r, 10);
        r->leader->deaf_to = 1u << r->third->id; /* both answer, and neither leads */
        r->third->deaf_to = 1u << r->leader->id;
        if (is_open)
            vote_for_promotion(r, r->third, r->other);
        r->other->config.in_doubt = true;
        node_pair_restart(r->other);
        cr_assert(node_pair_status(r->other).alarms & NODE_ALARM_JOURNAL_DAMAGED);
        node_pair_turns(&r->pair, 300);
        cr_assert_eq(node_pair_status(r->other).is_voting, !is_open);
        r->leader->deaf_to = r->third->deaf_to = 0; /* something else is chosen there */
        node_pair_turns(&r->pair, 600);
        cr_assert(node_pair_status(r->other).is_voting);
        cr_assert_eq(node_pair_status(r->other).alarms, 0);
        node_rig_close(r);
    }
}
