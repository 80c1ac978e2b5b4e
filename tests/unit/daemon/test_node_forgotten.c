/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_node_forgotten.c - what a whole node may forget and go on all the same, for a while: how far
 * a peer's journal was, whose frame it is, that its disk has no room, that it told somebody
 * already, that it differs from the others. Each was planted as a mistake by somebody who had not
 * seen the tests (tests/mutants/outside).
 */
#include <criterion/criterion.h>
#include <string.h>

#include <rsm/body.h>
#include <rsm/command.h>

#include "src/base/mem.h"
#include "src/net/peer_codec.h"
#include "tests/lib/node_pair.h"

#define NEVER_MS 100000000u

struct rig {
    struct node_pair pair;
    struct node_pair_replica *leader, *follower;
    uint64_t counter; /* of the administrator's commands */
    uint64_t done;    /* commands with a verdict */
    enum rsm_status status;
};

static void on_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct rig *r = context;
    (void)token;
    r->status = outcome->status;
    r->done += outcome->status == RSM_OK;
}

static void turns(struct rig *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        node_pair_turn(&r->pair);
}

/* Nothing is given to the store, so that segments of the journal stay. */
static struct rig *open_rig(void)
{
    struct rig *r = mem_alloc(sizeof *r);
    struct node_config config;
    node_config_default(&config);
    config.segment_size = 32768;
    config.store_commit_ms = NEVER_MS;
    config.store_commit_bytes = UINT32_MAX;
    config.store_commit_rows = UINT32_MAX;
    config.submit_timeout_ms = NEVER_MS;
    r->pair.context = r;
    r->pair.submitted = on_submitted;
    node_pair_open(&r->pair, &config);
    r->leader = r->pair.leader;
    r->follower = node_pair_other(r->leader);
    turns(r, 20);
    return r;
}

static void close_rig(struct rig *r)
{
    node_pair_close(&r->pair);
    mem_free(r);
}

/* Accept there, vote back, chosen: no tick meanwhile. */
static void commit(struct rig *r)
{
    node_pair_submit_role(r->leader, ++r->counter);
    node_pair_handle(r->leader);
    node_pair_handle(r->follower);
    node_pair_handle(r->leader);
}

/* The newest stamp that waits in `r`'s inbox. */
static struct peer_stamp newest_stamp(const struct node_pair_replica *r)
{
    struct peer_stamp stamp = {0};
    for (size_t i = 0; i < r->inbox_count; i++) {
        struct peer_frame frame;
        cr_assert_eq(peer_decode(blob_bytes(r->inbox[i]), &frame), RSM_OK);
        if (frame.type == PEER_HEADS || frame.type == PEER_MESSAGE)
            stamp = frame.stamp;
        peer_frame_deinit(&frame);
    }
    return stamp;
}

/* Frames of both replicas' ticks, up to the follower's heads, none of them handed in yet. */
static void tick_follower(struct rig *r)
{
    for (unsigned i = 0; i < 10 && r->leader->inbox_count == 0; i++)
        node_tick(r->follower->node);
    cr_assert_gt(r->leader->inbox_count, 0);
}

/* How far a peer's journal was: a frame that comes late does not take it back. */
Test(node_forgotten, an_old_frame_does_not_take_back_what_was_seen)
{
    struct rig *r = open_rig();
    node_pair_submit_role(r->leader, ++r->counter);
    node_pair_handle(r->leader);
    cr_assert_gt(r->follower->inbox_count, 0);
    struct blob *old = blob_ref(r->follower->inbox[0]);
    node_pair_handle(r->follower);
    node_pair_handle(r->leader);
    for (unsigned i = 0; i < 10; i++)
        commit(r);
    tick_follower(r);
    uint64_t before = newest_stamp(r->leader).seen_seq;
    cr_assert_gt(before, 10);
    node_pair_handle(r->leader);
    node_on_frame(r->follower->node, r->leader->id, blob_bytes(old));
    blob_unref(old);
    tick_follower(r);
    cr_assert_geq(newest_stamp(r->leader).seen_seq, before);
    close_rig(r);
}

/* A command that a replica forwards which is no member is nobody's. */
Test(node_forgotten, a_stranger_is_not_listened_to)
{
    struct rig *r = open_rig();
    uint64_t applied = node_applied(r->leader->node);
    node_pair_submit_role(r->follower, ++r->counter);
    node_flush(r->follower->node);
    size_t forwards = 0;
    for (size_t i = 0; i < r->leader->inbox_count; i++) {
        struct blob *frame = r->leader->inbox[i];
        struct peer_frame decoded;
        cr_assert_eq(peer_decode(blob_bytes(frame), &decoded), RSM_OK);
        forwards += decoded.type == PEER_FORWARD;
        peer_frame_deinit(&decoded);
        node_on_frame(r->leader->node, 3, blob_bytes(frame));
        blob_unref(frame);
    }
    cr_assert_eq(forwards, 1);
    r->leader->inbox_count = 0;
    for (unsigned i = 0; i < 3; i++) {
        node_pair_handle(r->leader);
        node_pair_handle(r->follower);
    }
    cr_assert_eq(node_applied(r->leader->node), applied);
    turns(r, 100); /* it is forwarded once more, by the one that it was given to */
    cr_assert_eq(r->done, 1);
    close_rig(r);
}

static uint64_t used_bytes(const struct disk_mem *d)
{
    uint64_t used = 0;
    for (size_t i = 0; i < d->file_count; i++)
        used += d->files[i].exists ? d->files[i].now_size : 0;
    return used;
}

/* The follower has no room for a vote: it says nothing, as if the message were lost, and lives. */
Test(node_forgotten, a_vote_without_room_is_not_begun)
{
    struct rig *r = open_rig();
    turns(r, 20);
    r->follower->disk->space = used_bytes(r->follower->disk);
    unsigned given = 0;
    while (r->done == given && given < 1000) {
        given++;
        commit(r);
        turns(r, 1);
    }
    cr_assert_lt(given, 1000);
    cr_assert_eq(r->done, given - 1);
    cr_assert(node_pair_status(r->follower).alarms & NODE_ALARM_DISK_LOW);
    r->follower->disk->space = 0;
    turns(r, 300);
    cr_assert_eq(r->done, given);
    cr_assert_not(node_pair_status(r->follower).alarms & NODE_ALARM_DISK_LOW);
    close_rig(r);
}

/* Once a slot, not once a turn. */
Test(node_forgotten, who_waits_is_told_of_a_slot_once)
{
    struct rig *r = open_rig();
    commit(r);
    turns(r, 5);
    uint64_t told = r->leader->applied_calls;
    turns(r, 50);
    cr_assert_eq(r->leader->applied_calls, told);
    commit(r);
    cr_assert_eq(r->leader->applied_calls, told + 1);
    close_rig(r);
}

/* What is due is looked for between log time and now: it has to move, or it is due again and again.
 */
Test(node_forgotten, log_time_goes_with_what_is_applied)
{
    struct rig *r = open_rig();
    for (unsigned i = 0; i < 5; i++) {
        turns(r, 30);
        uint64_t now = UINT64_C(1780000000000) + r->pair.now_ms;
        commit(r);
        cr_assert_eq(node_pair_status(r->leader).log_time_ms, now);
    }
    turns(r, 10);
    cr_assert_eq(node_pair_status(r->follower).log_time_ms,
                 node_pair_status(r->leader).log_time_ms);
    close_rig(r);
}

/* A replica that is no majority with those who agree with it takes nothing from anybody. */
Test(node_forgotten, a_replica_that_differs_takes_no_commands)
{
    static const uint8_t other[HASH_SIZE] = {9};
    struct rig *r = open_rig();
    commit(r);
    turns(r, 10);
    struct node_status s = node_pair_status(r->leader);
    cr_assert_eq(s.alarms, 0);
    struct peer_stamp stamp = {0};
    struct blob *heads = peer_encode_heads(s.applied, s.entry_head, other,
                                           UINT64_C(1780000000000) + r->pair.now_ms, &stamp);
    for (unsigned i = 0; i < 10; i++) { /* over a heartbeat; what the other says is held back */
        node_on_frame(r->leader->node, r->follower->id, blob_bytes(heads));
        node_tick(r->leader->node);
    }
    blob_unref(heads);
    cr_assert(node_pair_status(r->leader).alarms & NODE_ALARM_DIVERGED);
    node_pair_submit_role(r->leader, ++r->counter);
    cr_assert_eq(r->status, RSM_READ_ONLY);
    close_rig(r);
}

/* Handed on and never heard of again: nobody knows whether it was done. */
Test(node_forgotten, a_command_that_was_forwarded_has_an_unknown_outcome)
{
    struct rig *r = open_rig();
    node_pair_submit_role(r->follower, ++r->counter);
    node_flush(r->follower->node);
    cr_assert_gt(r->leader->inbox_count, 0);
    while (r->leader->inbox_count > 0)
        blob_unref(r->leader->inbox[--r->leader->inbox_count]);
    r->pair.now_ms += NEVER_MS + 1;
    for (unsigned i = 0; i < 10; i++) /* over a heartbeat: it looks what has waited too long */
        node_tick(r->follower->node);
    cr_assert_eq(r->status, RSM_OUTCOME_UNKNOWN, "%s", rsm_status_text(r->status));
    close_rig(r);
}

/* What did not verify once does not verify when it comes again. */
Test(node_forgotten, a_bad_signature_stays_bad)
{
    struct rig *r = open_rig();
    struct rsm_buffer body, envelope;
    const struct rsm_grant grant = {.verb = rsm_text("rrset.change")};
    cr_assert_eq(rsm_body_role_set(rsm_text("forged"), &grant, 1, &body), RSM_OK);
    struct rsm_buffer command = node_pair_command("admin", 1, RSM_KIND_ROLE_SET, body);
    cr_assert_eq(
        rsm_command_sign(r->pair.admin, r->pair.cluster_id, rsm_buffer_bytes(&command), &envelope),
        RSM_OK);
    unsigned bad = 0;
    for (size_t at = 0; at < envelope.size; at++) { /* some of them are the signature's */
        envelope.data[at] ^= 1;
        struct blob *forged = blob_new(bytes_make(envelope.data, envelope.size));
        r->status = RSM_OK;
        node_submit(r->leader->node, 7, forged);
        bool is_bad = r->status == RSM_BAD_SIGNATURE;
        for (unsigned i = 0; is_bad && i < 2; i++) {
            r->status = RSM_OK;
            node_submit(r->leader->node, 8, forged);
            node_pair_handle(r->leader);
            cr_assert_eq(r->status, RSM_BAD_SIGNATURE, "%zu: %s", at, rsm_status_text(r->status));
        }
        bad += is_bad;
        blob_unref(forged);
        envelope.data[at] ^= 1;
    }
    cr_assert_geq(bad, 64);
    rsm_buffer_free(&envelope);
    rsm_buffer_free(&command);
    close_rig(r);
}

static bool is_low(const struct node_pair_replica *r)
{
    return (node_pair_status(r).alarms & NODE_ALARM_DISK_LOW) != 0;
}

/* A store that had no room once does not keep the alarm of a journal that has none later. */
Test(node_forgotten, a_store_that_has_room_again_is_not_full)
{
    struct rig *r = open_rig();
    struct node_pair_replica *f = r->follower;
    commit(r);
    turns(r, 2);
    f->commit_status = RSM_DISK_FULL;
    node_commit_now(f->node);
    node_pair_handle(f);
    cr_assert(is_low(f));
    f->commit_status = RSM_OK;
    turns(r, 20);
    cr_assert_not(is_low(f));
    f->disk->space = used_bytes(f->disk);
    for (unsigned i = 0; i < 1000 && !is_low(f); i++) {
        commit(r);
        turns(r, 1);
    }
    cr_assert(is_low(f));
    f->disk->space = 0;
    turns(r, 300);
    cr_assert_not(is_low(f));
    close_rig(r);
}
