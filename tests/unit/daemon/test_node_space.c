/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_node_space.c - a disk that is full: a vote for which the journal has no room is not begun,
 * whoever's it is. It would be a vote in memory without a record, and the process had to end.
 */
#include <criterion/criterion.h>

#include <rsm/body.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "tests/lib/node_pair.h"

#define NEVER_MS 100000000u

struct rig {
    struct node_pair pair;
    struct node_pair_replica *leader, *follower;
    uint64_t counter; /* of the administrator's commands */
    uint64_t done, refused;
};

static void on_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct rig *r = context;
    (void)token;
    r->done += outcome->status == RSM_OK;
    r->refused += outcome->status == RSM_DISK_FULL;
}

static void turns(struct rig *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        node_pair_turn(&r->pair);
}

/* Nothing is given to the store, so that segments of the journal stay. */
static struct rig *open_members(uint32_t count)
{
    struct rig *r = mem_alloc(sizeof *r);
    struct node_config config;
    node_config_default(&config);
    config.segment_size = 32768;
    config.batch_entries = count == 1 ? LIMIT_BATCH_ENTRIES : 20;
    config.store_commit_ms = NEVER_MS;
    config.store_commit_bytes = UINT32_MAX;
    config.store_commit_rows = UINT32_MAX;
    config.submit_timeout_ms = NEVER_MS;
    r->pair.context = r;
    r->pair.submitted = on_submitted;
    r->pair.count = count;
    node_pair_open(&r->pair, &config);
    r->leader = r->pair.leader;
    r->follower = node_pair_other(r->leader);
    turns(r, 20);
    return r;
}

static struct rig *open_rig(void)
{
    return open_members(2);
}

static void close_rig(struct rig *r)
{
    node_pair_close(&r->pair);
    mem_free(r);
}

static void fill_disk(struct node_pair_replica *r)
{
    uint64_t used = 0;
    for (size_t i = 0; i < r->disk->file_count; i++)
        used += r->disk->files[i].exists ? r->disk->files[i].now_size : 0;
    r->disk->space = used;
}

static bool is_low(const struct node_pair_replica *r)
{
    return (node_pair_status(r).alarms & NODE_ALARM_DISK_LOW) != 0;
}

/* Commands that the leader alone has votes for; each in a turn of its own, or all in one. */
static void propose(struct rig *r, unsigned count, bool at_once)
{
    for (unsigned i = 0; i < count; i++) {
        node_pair_submit_role(r->leader, ++r->counter);
        if (!at_once)
            node_pair_handle(r->leader);
    }
    node_pair_handle(r->leader);
    node_pair_lose(r->follower);
}

/* Time passes for `one` alone: the other one asks for nothing by itself. */
static void ticks_of(struct rig *r, struct node_pair_replica *one, unsigned count, bool is_heard)
{
    struct node_pair_replica *other = node_pair_other(one);
    for (unsigned i = 0; i < count; i++) {
        r->pair.now_ms += r->pair.tick_ms;
        node_tick(one->node);
        node_pair_handle(one);
        if (!is_heard)
            node_pair_lose(other);
        node_pair_handle(other);
    }
}

/* No tick has looked at the disk yet: the votes of one batch find out. */
Test(node_space, a_leader_begins_no_batch_that_does_not_fit)
{
    struct rig *r = open_rig();
    fill_disk(r->leader);
    propose(r, 600, true);
    cr_assert(is_low(r->leader));
    cr_assert_gt(r->refused, 0);
    r->leader->disk->space = 0;
    turns(r, 300);
    cr_assert_eq(r->done + r->refused, r->counter);
    cr_assert_gt(r->done, 0);
    cr_assert_not(is_low(r->leader));
    close_rig(r);
}

/* Whoever leads anew votes again for all that is open: it does not begin that without room. */
Test(node_space, a_leader_recovers_what_fits_alone)
{
    unsigned recovered = 0, tried = 0;
    for (unsigned given = 4; given <= 324; given += 40, tried++) {
        struct rig *r = open_rig();
        fill_disk(r->leader);
        propose(r, given, false);
        ticks_of(r, r->leader, 100, false); /* nobody answers: it gives up, and asks again */
        cr_assert_not(node_pair_status(r->leader).is_leader);
        ticks_of(r, r->leader, 300, true);
        recovered += node_pair_status(r->leader).is_leader;
        r->leader->disk->space = 0;
        ticks_of(r, r->leader, 600, true);
        cr_assert(node_pair_status(r->leader).is_leader, "%u", given);
        cr_assert_eq(r->done + r->refused, r->counter, "%u", given);
        cr_assert_not(is_low(r->leader));
        close_rig(r);
    }
    cr_assert(recovered > 0 && recovered < tried, "%u of %u", recovered, tried);
}

/* The same of votes that another one has: promises come in parts, each of which would fit. */
Test(node_space, a_new_leader_counts_what_promises_report)
{
    struct rig *r = open_rig();
    propose(r, 200, true);
    ticks_of(r, r->leader, 100, false);
    cr_assert_not(node_pair_status(r->leader).is_leader);
    fill_disk(r->follower);
    ticks_of(r, r->follower, 300, true);
    cr_assert(is_low(r->follower));
    cr_assert_not(node_pair_status(r->follower).is_leader);
    r->follower->disk->space = 0;
    ticks_of(r, r->follower, 600, true);
    cr_assert(node_pair_status(r->follower).is_leader);
    ticks_of(r, r->leader, 300, true);
    cr_assert_eq(r->done, r->counter);
    close_rig(r);
}

/* A start on a full disk: what the last run had ready is gone, and no tick has looked yet. */
Test(node_space, the_first_votes_after_a_start_are_guarded_too)
{
    struct rig *r = open_rig();
    fill_disk(r->follower);
    unsigned given = 0;
    for (; !is_low(r->follower) && given < 1000; given++) {
        node_pair_submit_role(r->leader, ++r->counter);
        turns(r, 1);
    }
    cr_assert(is_low(r->follower));
    node_pair_restart(r->follower);
    turns(r, 1);
    for (unsigned i = 0; i < 200; i++)
        node_pair_submit_role(r->leader, ++r->counter);
    node_pair_restart(r->follower);
    node_pair_handle(r->leader);
    node_pair_handle(r->follower); /* the votes, before a tick */
    cr_assert(is_low(r->follower));
    turns(r, 100);
    r->follower->disk->space = 0;
    turns(r, 600);
    cr_assert_eq(r->done, r->counter);
    cr_assert_not(is_low(r->follower));
    close_rig(r);
}

/* Nobody has to be asked: the election, the promise and the votes are one turn. */
Test(node_space, who_is_alone_begins_no_recovery_without_room)
{
    struct rig *r = open_members(1);
    struct node_pair_replica *only = r->leader;
    for (unsigned i = 0; i < 200; i++)
        node_pair_submit_role(only, ++r->counter);
    node_flush(only->node); /* the votes are on the disk, that they are chosen is not */
    node_pair_kill(only);
    cr_assert_lt(node_pair_status(only).applied, 200);
    fill_disk(only);
    turns(r, 2000);
    cr_assert(is_low(only));
    cr_assert_not(node_pair_status(only).is_leader);
    only->disk->space = 0;
    turns(r, 600);
    cr_assert(node_pair_status(only).is_leader);
    cr_assert_gt(node_pair_status(only).applied, 200);
    close_rig(r);
}

/*
 * Promises are given where votes are not, but not without end: each is a record, and whoever asks
 * may ask again and again. A promise that does not fit is not begun, and nobody ends.
 */
Test(node_space, ballots_that_rise_without_end_find_a_follower_alive)
{
    struct rig *r = open_rig();
    fill_disk(r->follower);
    for (unsigned given = 0; !is_low(r->follower) && given < 1000; given++) {
        node_pair_submit_role(r->leader, ++r->counter);
        turns(r, 1);
    }
    cr_assert(is_low(r->follower));
    unsigned led = 0;
    for (unsigned i = 0; i < 100; i++) {
        ticks_of(r, r->leader, 40, false); /* nobody answers: it gives up */
        cr_assert_not(node_pair_status(r->leader).is_leader);
        ticks_of(r, r->leader, 80, true); /* and asks for promises again */
        led += node_pair_status(r->leader).is_leader;
    }
    cr_assert(led > 0 && led < 100, "%u", led);
    r->follower->disk->space = 0;
    ticks_of(r, r->follower, 100, false);
    turns(r, 600);
    cr_assert_eq(r->done, r->counter);
    cr_assert_not(is_low(r->follower));
    close_rig(r);
}

/* A role of some 30 KB: its vote is larger than a segment of these tests. */
static void submit_large(struct rig *r)
{
    enum { GRANTS = 128, TYPES = 64 };
    uint16_t types[TYPES];
    struct rsm_grant grants[GRANTS];
    struct rsm_buffer body;
    for (uint16_t i = 0; i < TYPES; i++)
        types[i] = (uint16_t)(1000 + i);
    for (size_t i = 0; i < GRANTS; i++)
        grants[i] = (struct rsm_grant){
            .verb = rsm_text("rrset.change"), .types = types, .type_count = TYPES};
    cr_assert_eq(rsm_body_role_set(rsm_text("large"), grants, GRANTS, &body), RSM_OK);
    cr_assert_gt(body.size, 20480);
    struct rsm_buffer command = node_pair_command("admin", ++r->counter, RSM_KIND_ROLE_SET, body);
    node_pair_submit(r->leader, r->counter, r->pair.admin, &command);
}

/* Room in many segments is none for a vote that fits none of them. */
Test(node_space, a_vote_larger_than_a_segment_needs_a_large_one)
{
    struct rig *r = open_rig();
    for (unsigned i = 0; i < 3; i++) /* one batch: for it, many segments are made ready */
        submit_large(r);
    turns(r, 20);
    cr_assert_eq(r->done, r->counter);
    fill_disk(r->leader);
    for (unsigned i = 0; i < 20 && r->refused == 0; i++) {
        submit_large(r);
        turns(r, 20);
    }
    cr_assert_eq(r->refused, 1);
    cr_assert(is_low(r->leader));
    r->leader->disk->space = 0;
    turns(r, 300);
    submit_large(r);
    turns(r, 20);
    cr_assert_eq(r->refused, 1);
    cr_assert_eq(r->done + r->refused, r->counter);
    close_rig(r);
}

/* Up to the slot from which a change of the members governs, a leader votes for no-ops by itself.
 */
Test(node_space, a_leader_fills_no_gap_before_a_change_without_room)
{
    static const uint8_t key[RSM_PUBLIC_KEY_SIZE] = {1};
    const struct rsm_member moved = {.id = 1,
                                     .zone = rsm_text("b"),
                                     .key = {key, sizeof key},
                                     .peer_address = rsm_text("127.0.0.1:7001"),
                                     .client_address = rsm_text("127.0.0.1:7001"),
                                     .incarnation = 1};
    struct rig *r = open_rig();
    struct rsm_buffer body;
    fill_disk(r->leader);
    for (unsigned i = 0; i < 60; i++)
        node_pair_submit_role(r->leader, ++r->counter);
    cr_assert_eq(rsm_body_member_update(&moved, &body), RSM_OK);
    struct rsm_buffer command =
        node_pair_command("admin", ++r->counter, RSM_KIND_MEMBER_UPDATE, body);
    node_pair_submit(r->leader, r->counter, r->pair.admin, &command);
    turns(r, 100);
    cr_assert_eq(r->done, r->counter, "the change itself had room");
    cr_assert(is_low(r->leader));
    cr_assert_not(node_pair_status(r->leader).is_leader);
    r->leader->disk->space = 0;
    turns(r, 600);
    cr_assert_not(is_low(r->leader));
    node_pair_submit_role(r->leader, ++r->counter);
    turns(r, 100);
    cr_assert_eq(r->done, r->counter);
    cr_assert_gt(node_pair_status(r->leader).applied, MEMBER_DISTANCE);
    close_rig(r);
}
