/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_node_handed.c - commands that are handed on, lost on the way, refused for a reason of the
 * moment: what their caller is told. And what else a leader alone knows. Each test was seen to fail
 * with a planted mistake (tests/mutants/outside).
 */
#include <criterion/criterion.h>

#include <rsm/body.h>

#include "src/base/mem.h"
#include "src/command/envelope.h"
#include "src/net/peer_codec.h"
#include "tests/lib/node_rig.h"

static struct node_rig *open_rig(uint32_t count)
{
    struct node_config config;
    node_config_default(&config);
    config.segment_size = 65536;
    config.store_commit_ms = 100;
    return node_rig_open(count, &config);
}

/* Of `r`'s inbox: forwarded envelopes; the last one's digest. All of it is lost. */
static unsigned take_forwards(struct node_pair_replica *r, uint8_t digest_out[HASH_SIZE])
{
    unsigned count = 0;
    for (size_t i = 0; i < r->inbox_count; i++) {
        struct peer_frame f;
        cr_assert_eq(peer_decode(blob_bytes(r->inbox[i]), &f), RSM_OK);
        if (f.type == PEER_FORWARD) {
            envelope_digest(f.envelope, digest_out);
            count++;
        }
        peer_frame_deinit(&f);
    }
    node_pair_lose(r);
    return count;
}

/* The leader's answer to a forwarded command: its disk has no room now. */
static void refuse_for_now(struct node_pair_replica *to, uint32_t from,
                           const uint8_t digest[HASH_SIZE])
{
    struct blob *frame = peer_encode_forward_failed(digest, RSM_DISK_FULL, "no room");
    node_on_frame(to->node, from, blob_bytes(frame));
    blob_unref(frame);
}

/* Handed on once, and refused: nothing was done. Handed on twice: the first may have been. */
Test(node_handed, a_no_of_the_moment_settles_nothing_for_who_was_handed_on_before)
{
    for (unsigned times = 1; times <= 3; times++) {
        struct node_rig *r = open_rig(2);
        uint8_t digest[HASH_SIZE];
        unsigned forwards = 0;
        node_pair_submit_role(r->other, ++r->counter);
        for (unsigned i = 0; i < 1000 && forwards < times; i++) {
            r->pair.now_ms += r->pair.tick_ms;
            node_flush(r->other->node);
            forwards += take_forwards(r->leader, digest);
        }
        cr_assert_eq(forwards, times);
        refuse_for_now(r->other, r->leader->id, digest);
        cr_assert_eq(r->ended, 1);
        cr_assert_eq(r->status, times == 1 ? RSM_DISK_FULL : RSM_OUTCOME_UNKNOWN, "%u", times);
        node_rig_close(r);
    }
}

/* Nobody hears the leader any more, nor does it hear anybody. */
static struct node_pair_replica *leave_behind(struct node_rig *r)
{
    struct node_pair_replica *former = r->leader;
    former->deaf_to = ~0u;
    r->other->deaf_to = r->third->deaf_to = 1u << former->id;
    return former;
}

/* What it has is proposed, and the others go on under another one. */
static void lead_on(struct node_rig *r, const struct node_pair_replica *former)
{
    node_pair_turns(&r->pair, 200);
    cr_assert_not(node_pair_status(former).is_leader);
    node_rig_find_leader(r);
    cr_assert_neq(r->leader, former);
}

/* Another command goes into the slot that a leader whom nobody heard has proposed one for. */
static struct node_pair_replica *overtake(struct node_rig *r)
{
    struct node_pair_replica *former = leave_behind(r);
    node_pair_submit_role(former, ++r->counter);
    lead_on(r, former);
    /* The same counter: it takes the slot, and the other one's place. */
    const struct rsm_grant grant = {.verb = rsm_text("zone.create")};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_role_set(rsm_text("another"), &grant, 1, &body), RSM_OK);
    struct rsm_buffer command = node_pair_command("admin", r->counter, RSM_KIND_ROLE_SET, body);
    node_pair_submit(r->leader, 99, r->pair.admin, &command);
    node_pair_turns(&r->pair, 20);
    cr_assert_eq(r->ended, 1);
    return former;
}

/* What a leader proposed, and the log does not have, it hands on: its caller gets the verdict. */
Test(node_handed, a_lost_proposal_is_handed_to_the_next_leader)
{
    struct node_rig *r = open_rig(3);
    struct node_pair_replica *former = overtake(r);
    former->deaf_to = r->other->deaf_to = r->third->deaf_to = 0;
    r->leader->deaf_to = 0;
    node_pair_turns(&r->pair, 200);
    cr_assert_eq(r->ended, 2);
    cr_assert_eq(r->status, RSM_OK); /* the log has its verdict */
    node_rig_close(r);
}

/*
 * The same command in another envelope: its author has signed it once more, in a bundle, for the
 * next leader. Whoever waits for the first envelope is told of it.
 */
Test(node_handed, a_command_that_another_envelope_brought_is_answered)
{
    const struct rsm_grant grant = {.verb = rsm_text("zone.create")};
    struct node_rig *r = open_rig(3);
    struct rsm_buffer body, bundle;
    struct node_pair_replica *former = leave_behind(r);
    cr_assert_eq(rsm_body_role_set(rsm_text("a"), &grant, 1, &body), RSM_OK);
    struct rsm_buffer command = node_pair_command("admin", ++r->counter, RSM_KIND_ROLE_SET, body);
    struct rsm_bytes bytes = rsm_buffer_bytes(&command);
    cr_assert_eq(rsm_bundle_sign(r->pair.admin, r->pair.cluster_id, &bytes, 1, &bundle), RSM_OK);
    node_pair_submit(former, 1, r->pair.admin, &command);
    lead_on(r, former);
    struct blob *envelope = blob_new(bytes_make(bundle.data, bundle.size));
    node_submit(r->leader->node, 2, envelope);
    blob_unref(envelope);
    rsm_buffer_free(&bundle);
    node_pair_turns(&r->pair, 20);
    cr_assert_eq(r->ended, 1);
    uint64_t slot = r->slot;
    former->deaf_to = r->other->deaf_to = r->third->deaf_to = r->leader->deaf_to = 0;
    node_pair_turns(&r->pair, 300);
    cr_assert_eq(r->ended, 2);
    cr_assert_eq(r->status, RSM_OK);
    cr_assert_eq(r->slot, slot);
    node_rig_close(r);
}

/* Proposed before, it may be chosen yet, whatever the next leader says of this moment. */
Test(node_handed, who_was_proposed_before_was_handed_on)
{
    struct node_rig *r = open_rig(3);
    uint8_t digest[HASH_SIZE];
    struct node_pair_replica *former = overtake(r);
    former->deaf_to = 0;
    unsigned forwards = 0;
    for (unsigned i = 0; i < 100 && forwards == 0; i++) {
        r->pair.now_ms += r->pair.tick_ms;
        node_tick(r->leader->node);
        node_pair_handle(r->leader);
        r->leader->deaf_to = 0;
        node_pair_handle(former);
        forwards = take_forwards(r->leader, digest);
    }
    cr_assert_eq(forwards, 1);
    refuse_for_now(former, r->leader->id, digest);
    cr_assert_eq(r->ended, 2);
    cr_assert_eq(r->status, RSM_OUTCOME_UNKNOWN);
    node_rig_close(r);
}

/* Whose incarnations are said as the leader knows them, but for the first one's. */
static void promote(struct node_rig *r, struct node_pair_replica *at, uint32_t id, uint64_t first)
{
    const struct rsm_incarnation known[] = {{1, first}, {2, 2}, {3, 3}};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_member_promote(id, known, r->pair.count, &body), RSM_OK);
    struct rsm_buffer command =
        node_pair_command("admin", r->counter + 1, RSM_KIND_MEMBER_PROMOTE, body);
    uint64_t ended = r->ended;
    node_pair_submit(at, 99, r->pair.admin, &command);
    node_pair_turns(&r->pair, 3);
    cr_assert_eq(r->ended, ended + 1);
}

static void promote_third(struct node_rig *r, uint32_t id)
{
    promote(r, r->leader, id, 1);
}

/* What the leader does not take, the one who forwarded it is told, and tells. */
Test(node_handed, who_forwards_is_told_that_it_is_not_taken)
{
    struct node_rig *r = open_rig(2);
    promote(r, r->other, 2, 7);
    cr_assert_eq(r->status, RSM_NOT_READY);
    promote(r, r->other, 2, 1);
    cr_assert_neq(r->status, RSM_NOT_READY);
    node_rig_close(r);
}

/* A command that no rule lets in: its counter is far ahead. */
static enum rsm_status reject(struct node_rig *r, uint64_t counter)
{
    node_pair_submit_role(r->leader, counter);
    node_pair_turns(&r->pair, 2);
    return r->status;
}

/* So many a minute, in each minute. */
Test(node_handed, rejections_are_bounded_in_each_minute)
{
    struct node_rig *r = open_rig(2);
    uint64_t counter = 1000, first = 0, second = 0;
    while (first < 10000 && reject(r, ++counter) == RSM_OK)
        first++;
    cr_assert_eq(r->status, RSM_RATE_LIMITED);
    node_pair_turns(&r->pair, 6100);
    while (second < 2 * first && reject(r, ++counter) == RSM_OK)
        second++;
    cr_assert_eq(r->status, RSM_RATE_LIMITED);
    cr_assert_eq(second, first);
    node_rig_close(r);
}

/* The leader asks before the rules do: it must have been heard, and not be far behind. */
Test(node_handed, nobody_is_promoted_unheard_or_far_behind)
{
    struct node_rig *r = open_rig(3);
    r->third->deaf_to = ~0u;
    r->leader->deaf_to = r->other->deaf_to = 1u << r->third->id;
    node_pair_turns(&r->pair, 100);
    promote_third(r, r->third->id);
    cr_assert_eq(r->status, RSM_NOT_READY, "not heard");
    while (r->counter < MEMBER_DISTANCE + 10) {
        node_pair_submit_role(r->leader, ++r->counter);
        if (r->counter % 100 == 0)
            node_pair_turns(&r->pair, 2);
    }
    node_pair_turns(&r->pair, 10);
    r->leader->deaf_to = r->other->deaf_to = 0;
    node_pair_turns(&r->pair, 30);
    promote_third(r, r->third->id);
    cr_assert_eq(r->status, RSM_NOT_READY, "far behind");
    r->third->deaf_to = 0;
    node_pair_turns(&r->pair, 300);
    promote_third(r, r->third->id);
    cr_assert_eq(r->status, RSM_OK, "then the rules say what they have to say");
    node_rig_close(r);
}

/* Nobody writes, so that the current segment would never end by itself. */
Test(node_handed, a_damaged_segment_that_is_written_to_is_left_at_once)
{
    struct node_rig *r = open_rig(2);
    node_pair_submit_role(r->leader, ++r->counter);
    node_pair_turns(&r->pair, 50);
    uint64_t segment = node_journal_extent(r->other->node).segment;
    node_repair_journal(r->other->node, segment);
    cr_assert_not(node_is_journal_repaired(r->other->node));
    node_pair_turns(&r->pair, 50);
    cr_assert(node_is_journal_repaired(r->other->node));
    cr_assert_gt(node_journal_extent(r->other->node).first, segment);
    node_rig_close(r);
}

/* As many slots are open as there are places for what was judged ahead: all is given back. */
Test(node_handed, what_is_judged_ahead_of_many_slots_is_given_back)
{
    uint64_t before = mem_live_count();
    struct node_rig *r = open_rig(2);
    r->other->deaf_to = ~0u;
    for (unsigned i = 0; i < 500; i++)
        node_pair_submit_role(r->leader, ++r->counter);
    node_pair_turns(&r->pair, 5);
    cr_assert_eq(r->done, 0);
    r->other->deaf_to = 0;
    node_pair_turns(&r->pair, 100);
    cr_assert_eq(r->done, r->counter);
    node_rig_close(r);
    cr_assert_eq(mem_live_count(), before);
}
