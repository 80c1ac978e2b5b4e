/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_node_peers.c - what a replica keeps of its peers: how far their journals are, their clocks,
 * whether one of them is two; and parts of a snapshot that are lost, late or another one's. Each
 * test was seen to fail with a planted mistake (tests/mutants/outside).
 */
#include <criterion/criterion.h>

#include "src/daemon/node_snapshot.h"
#include "src/net/peer_codec.h"
#include "tests/lib/node_rig.h"

static struct node_rig *open_rig(uint32_t count, uint32_t snapshot_rate)
{
    struct node_config config;
    node_config_default(&config);
    config.store_commit_ms = 100;
    config.snapshot_lag = 40;
    config.snapshot_piece = 4096;
    config.snapshot_rate = snapshot_rate;
    return node_rig_open(count, &config);
}

static void commit(struct node_rig *r, unsigned count)
{
    node_rig_commit(r, count, 15);
}

/* The frame of that type that came last, or was sent last; 0: none. */
static uint64_t stamp_of(const struct node_pair_replica *to, enum peer_frame_type type,
                         enum paxos_message_type message)
{
    uint64_t seq = 0;
    for (size_t i = 0; i < to->inbox_count; i++) {
        struct peer_frame f;
        cr_assert_eq(peer_decode(blob_bytes(to->inbox[i]), &f), RSM_OK);
        if (f.type == type && (type != PEER_MESSAGE || f.message.type == message))
            seq = f.stamp.seq;
        peer_frame_deinit(&f);
    }
    return seq;
}

/* A vote is heard with the record that it stands on: whoever loses that one later is found out. */
Test(node_peers, a_vote_says_how_far_its_own_record_is)
{
    struct node_rig *r = open_rig(2, 8192);
    node_pair_submit_role(r->leader, ++r->counter);
    node_pair_handle(r->leader);
    node_pair_handle(r->other);
    uint64_t vote = stamp_of(r->leader, PEER_MESSAGE, PAXOS_ACCEPTED);
    cr_assert_gt(vote, 0);
    node_pair_lose(r->leader);
    for (unsigned i = 0; i < 5; i++)
        node_tick(r->other->node);
    cr_assert_eq(stamp_of(r->leader, PEER_HEADS, 0), vote);
    node_rig_close(r);
}

/* Heads of a peer whose journal is further, and less far, and further: it is two. */
Test(node_peers, a_peer_that_is_two_is_told_by_the_heads)
{
    struct node_rig *r = open_rig(3, 8192);
    commit(r, 3);
    for (unsigned i = 0; i < 8; i++) {
        struct node_status s = node_pair_status(r->leader);
        struct peer_stamp stamp = {.seq = i % 2 == 0 ? 1000 : 1};
        struct blob *heads = peer_encode_heads(s.applied, s.entry_head, s.verdict_head,
                                               UINT64_C(1780000000000) + r->pair.now_ms, &stamp);
        r->leader->deaf_to = 1u << r->other->id;
        r->other->deaf_to = 1u << r->leader->id; /* it would take it for a loss of its own */
        node_on_frame(r->leader->node, r->other->id, blob_bytes(heads));
        blob_unref(heads);
    }
    node_pair_turns(&r->pair, 10);
    cr_assert(node_pair_status(r->leader).alarms & NODE_ALARM_PEER_DOUBLED);
    node_rig_close(r);
}

/* Of two clocks the lower one counts; of a peer that says nothing any more its clock does not. */
Test(node_peers, the_clock_of_a_silent_peer_does_not_count)
{
    struct node_rig *r = open_rig(2, 8192);
    r->other->clock_ms = -20000;
    node_pair_turns(&r->pair, 20);
    cr_assert(node_pair_status(r->leader).alarms & NODE_ALARM_CLOCK);
    r->leader->deaf_to = ~0u;
    node_pair_turns(&r->pair, 200);
    cr_assert_not(node_pair_status(r->leader).alarms & NODE_ALARM_CLOCK);
    node_rig_close(r);
}

/* The third one is far behind, and hears again: turns until its state is the leader's. */
static unsigned turns_of_transfer(struct node_rig *r, unsigned most)
{
    unsigned turns = 0;
    while (turns < most && node_applied(r->third->node) != node_applied(r->leader->node)) {
        node_pair_turn(&r->pair);
        turns++;
    }
    return turns;
}

static struct node_rig *with_one_behind(uint32_t rate)
{
    struct node_rig *r = open_rig(3, rate);
    r->third->deaf_to = ~0u;
    commit(r, 200);
    r->third->deaf_to = 0;
    return r;
}

/* A frame that is lost costs a moment: the receiver asks again, and gets the same piece. */
Test(node_peers, a_piece_that_is_lost_comes_again)
{
    struct node_rig *r = with_one_behind(200);
    cr_assert_eq(turns_of_transfer(r, 40), 40, "it is under way");
    r->third->deaf_to = ~0u;
    cr_assert_eq(turns_of_transfer(r, 10), 10);
    r->third->deaf_to = 0;
    cr_assert_lt(turns_of_transfer(r, SNAPSHOT_FORGET_MS / 10), SNAPSHOT_FORGET_MS / 10);
    node_rig_close(r);
}

/* As long as pieces come it is not given up, however long it takes. */
Test(node_peers, a_slow_transfer_is_not_given_up)
{
    struct node_rig *r = with_one_behind(8);
    unsigned turns = turns_of_transfer(r, 10 * SNAPSHOT_FORGET_MS / 10);
    cr_assert_gt(turns, SNAPSHOT_FORGET_MS / 10, "%u", turns);
    cr_assert_lt(turns, 10 * SNAPSHOT_FORGET_MS / 10);
    node_rig_close(r);
}

static void offer(struct node_rig *r, uint64_t slot)
{
    struct blob *frame = peer_encode_snapshot_offer(slot);
    node_on_frame(r->third->node, r->leader->id, blob_bytes(frame));
    blob_unref(frame);
}

/* It has started anew, from a store that was further back: what it offered before is gone. */
Test(node_peers, a_sender_may_begin_again_with_an_older_cut)
{
    struct node_rig *r = open_rig(3, 8192);
    static const uint64_t slots[] = {500, 300};
    for (unsigned i = 0; i < 2; i++) {
        node_pair_lose(r->leader);
        offer(r, slots[i]);
        unsigned wants = 0;
        for (size_t k = 0; k < r->leader->inbox_count; k++) {
            struct peer_frame f;
            cr_assert_eq(peer_decode(blob_bytes(r->leader->inbox[k]), &f), RSM_OK);
            wants += f.type == PEER_SNAPSHOT_WANT && f.slot == slots[i] && f.offset == 0;
            peer_frame_deinit(&f);
        }
        cr_assert_eq(wants, 1, "%u", i);
    }
    node_rig_close(r);
}
