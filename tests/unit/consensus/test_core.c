/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The core as a function: quorums, the window, no memory in a step, equal runs, bad peers. */
#include "consensus/quorum.h"
#include "consensus/slots.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "tests/unit/consensus/expect.h"

Test(quorum, any_two_quorums_share_a_voter)
{
    for (uint32_t count = 1; count <= LIMIT_REPLICAS; count++) {
        struct quorum q = {.voters = ((replica_set)1 << (count + 1)) - 2};
        for (replica_set a = 0; a <= q.voters; a += 2) {
            cr_assert_eq(quorum_has(&q, a), 2 * quorum_count(a) > count);
            cr_assert_eq(quorum_is_blocked_by(&q, a), !quorum_has(&q, q.voters & ~a));
            cr_assert(!quorum_has(&q, a) || !quorum_has(&q, q.voters & ~a));
        }
    }
}

Test(quorum, learners_and_strangers_do_not_count)
{
    struct quorum q = {.voters = quorum_bit(1) | quorum_bit(2) | quorum_bit(3),
                       .learners = quorum_bit(4)};
    cr_assert(!quorum_has(&q, quorum_bit(1) | quorum_bit(4) | quorum_bit(5)));
    cr_assert(quorum_is_member(&q, 4) && !quorum_is_voter(&q, 4));
    cr_assert(!quorum_is_member(&q, 5) && !quorum_is_member(&q, 0));
    cr_assert(!quorum_is_member(&q, REPLICA_MAX + 1) && !quorum_is_member(&q, UINT32_MAX));
    cr_assert(!quorum_is_voter(&q, 0) && !quorum_is_voter(&q, REPLICA_MAX + 1));
}

Test(slots, the_ring_forgets_what_it_leaves_and_only_that)
{
    struct slots s;
    uint64_t before = mem_live_count();
    struct blob *value = blob_new(bytes_of_string("v"));
    slots_init(&s, 4);
    for (uint64_t n = 1; n <= 4; n++)
        slots_set_vote(&s, slots_at(&s, n), (struct ballot){n, 1}, value);
    cr_assert(!slots_contains(&s, 5) && !slots_contains(&s, 0));
    slots_advance(&s, 3);
    cr_assert(slots_contains(&s, 6) && !slots_contains(&s, 2));
    cr_assert(slot_has_vote(slots_at(&s, 4)) && !slot_has_vote(slots_at(&s, 5)));
    slots_advance(&s, 2);
    cr_assert_eq(s.first, 3);
    slots_advance(&s, 1000);
    for (uint64_t n = 1000; n < 1004; n++)
        cr_assert(!slot_has_vote(slots_at(&s, n)));
    cr_assert_eq(value->references, 5, "freed when the step ends");
    slots_release(&s);
    cr_assert_eq(value->references, 1);
    slots_deinit(&s);
    blob_unref(value);
    cr_assert_eq(mem_live_count(), before);
}

Test(slots, values_are_equal_by_bytes_and_a_no_op_is_empty)
{
    struct blob *a = blob_new(bytes_of_string("a"));
    struct blob *b = blob_new(bytes_of_string("a"));
    struct blob *empty = blob_new(bytes_of_string(""));
    cr_assert(value_equal(a, b) && value_equal(a, a));
    cr_assert(value_equal(NULL, empty) && value_equal(NULL, NULL));
    cr_assert(!value_equal(a, NULL) && !value_equal(empty, a));
    blob_unref(a);
    blob_unref(b);
    blob_unref(empty);
}

/*
 * A message that passes the check but that no honest peer sends: from the seed. Rounds and slots
 * are small mostly, so that they meet, and at their bounds now and then.
 */
static struct paxos_message forged(struct prng *prng, struct paxos_entry *entries, uint32_t from,
                                   struct blob *value)
{
    bool far = prng_chance(prng, 20000);
    uint32_t owner = prng_chance(prng, 800000) ? from : 1;
    uint64_t slot = prng_range(prng, 1, 24);
    struct paxos_message m = {
        .type = (enum paxos_message_type)prng_range(prng, PAXOS_PREVOTE, PAXOS_REJOIN_ANSWER),
        .ballot = {far ? PAXOS_ROUND_MAX : prng_range(prng, 1, 9), owner},
        .promised = {prng_range(prng, 1, 9), prng_chance(prng, 500000) ? 2 : 1},
        .chosen_end = far ? SLOT_MAX : prng_range(prng, 1, 20),
        .slot_first = prng_range(prng, 1, 20),
        .slot_end = prng_chance(prng, 600000) ? PAXOS_NO_END : prng_range(prng, 1, 30),
        .slot = prng_range(prng, 0, 20),
        .round = prng_range(prng, 0, 5),
        .granted = prng_chance(prng, 500000),
        .entries = entries,
        .entry_count = (size_t)prng_range(prng, 0, 6)};
    for (size_t i = 0; i < m.entry_count; i++) {
        slot += prng_range(prng, 0, 2);
        entries[i] = (struct paxos_entry){.slot = slot++,
                                          .ballot = {prng_range(prng, 1, 9), 3},
                                          .value = prng_chance(prng, 500000) ? value : NULL,
                                          .fresh = prng_chance(prng, 500000)};
    }
    return m;
}

/* Fields that the type does not use go to zero, one by one, until the check passes. */
static bool make_sound(struct paxos_message *m, struct paxos_entry *entries)
{
    struct paxos_message all = *m;
    for (unsigned keep = 0; keep < 512; keep++) {
        *m = all;
        m->ballot = (keep & 1) ? all.ballot : (struct ballot){0, 0};
        m->promised = (keep & 2) ? all.promised : (struct ballot){0, 0};
        m->slot_first = (keep & 4) ? all.slot_first : 0;
        m->slot_end = (keep & 8) ? all.slot_end : 0;
        m->slot = (keep & 16) ? all.slot : 0;
        m->round = (keep & 32) ? all.round : 0;
        m->granted = (keep & 64) && all.granted;
        m->entry_count = (keep & 128) ? all.entry_count : 0;
        for (size_t i = 0; i < all.entry_count && !(keep & 256); i++) {
            if (m->type != PAXOS_PROMISE && m->type != PAXOS_REJOIN_ANSWER)
                entries[i].ballot = (struct ballot){0, 0};
            if (m->type == PAXOS_ACCEPTED || m->type == PAXOS_REFUSED)
                entries[i].value = NULL;
            if (m->type != PAXOS_ACCEPT)
                entries[i].fresh = false;
        }
        if (paxos_message_check(m) && (keep & 255) != 0)
            return true;
    }
    return false;
}

static uint64_t hash_effects(uint64_t hash, const struct script *s)
{
    struct bytes trace = writer_result(&s->out);
    for (size_t i = 0; i < trace.size; i++)
        hash = (hash ^ trace.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Forged messages, ticks, proposals, flushes and changes of the members in any order, `steps` of
 * them from one seed, to a replica that votes or is in doubt. */
static uint64_t run_forged(uint64_t seed, int steps)
{
    struct script s;
    struct prng prng;
    struct paxos_entry entries[8];
    struct blob *value = blob_new(bytes_of_string("forged"));
    uint64_t hash = 1;
    prng_init(&prng, seed);
    script_init(&s);
    script_run(&s, seed % 3 == 0 ? "config learners=4; start silent" : "config learners=4; start");
    for (int i = 0; i < steps; i++) {
        writer_reset(&s.out);
        uint32_t from = (uint32_t)prng_range(&prng, 0, 10);
        struct paxos_message m = forged(&prng, entries, from, value);
        uint64_t what = prng_below(&prng, 24);
        if (what == 0)
            script_line(&s, "tick 7");
        else if (what == 1)
            script_line(&s, "propose x y");
        else if (what <= 4)
            script_line(&s, "flush");
        else if (what == 5)
            script_line(&s, "read 1");
        else if (what == 6 && paxos_chosen_end(s.core) > 1)
            script_step(&s, &(struct paxos_event){.type = PAXOS_EVENT_APPLIED,
                                                  .number = paxos_chosen_end(s.core) - 1});
        else if (what == 20)
            script_line(&s, "resign");
        else if (what == 21)
            script_line(&s, prng_chance(&prng, 500000) ? "peer-lost 2" : "peer-lost 3");
        else if (what == 22)
            script_line(&s, prng_chance(&prng, 500000) ? "members voters=1,2,3 next=1,2,4 first=30"
                                                       : "members voters=1,2,3,4");
        else if (what == 23)
            script_line(&s, "announce");
        else if (make_sound(&m, entries))
            script_step(&s, &(struct paxos_event){
                                .type = PAXOS_EVENT_MESSAGE, .from = from, .message = &m});
        hash = hash_effects(hash, &s);
    }
    script_deinit(&s);
    blob_unref(value);
    return hash;
}

Test(core, no_sound_message_makes_it_abort_whoever_sends_it)
{
    uint64_t before = mem_live_count();
    for (uint64_t seed = 1; seed <= 300; seed++)
        run_forged(seed, 400);
    cr_assert_eq(mem_live_count(), before);
}

Test(core, the_same_events_give_the_same_effects)
{
    for (uint64_t seed = 1; seed <= 10; seed++)
        cr_assert_eq(run_forged(seed, 300), run_forged(seed, 300));
    cr_assert_neq(run_forged(1, 300), run_forged(2, 300));
}

Test(core, a_step_takes_no_memory)
{
    struct script s;
    struct paxos_effects effects;
    script_init(&s);
    script_run(&s, LEADER);
    struct blob *value = blob_new(bytes_of_string("v"));
    struct paxos_proposal proposal = {value, 1};
    struct paxos_event propose = {
        .type = PAXOS_EVENT_PROPOSE, .proposals = &proposal, .proposal_count = 1};
    uint64_t before = mem_total_count();
    paxos_step(s.core, &propose, &effects);
    cr_assert_eq(effects.append_count, 1);
    paxos_step(s.core, &(struct paxos_event){.type = PAXOS_EVENT_TICK}, &effects);
    cr_assert_eq(mem_total_count(), before);
    blob_unref(value);
    script_deinit(&s);
}

Test(core, the_last_round_is_never_passed)
{
    struct script s;
    script_init(&s);
    script_run(&s, "start; from 2 heartbeat 4611686018427387903.2");
    cr_assert_eq(paxos_ballot(s.core).round, PAXOS_ROUND_MAX);
    cr_assert(strstr(script_run(&s, "tick 100"), "prevote") == NULL);
    script_deinit(&s);
}

Test(core, its_getters_tell_what_it_is)
{
    struct script s;
    struct ballot ballot;
    struct blob *value = NULL;
    script_init(&s);
    script_run(&s, LEADER "; propose a b");
    cr_assert_eq(paxos_role(s.core), PAXOS_LEADER);
    cr_assert(paxos_is_ready(s.core) && paxos_is_voting(s.core));
    cr_assert_eq(paxos_leader(s.core), 1);
    cr_assert_eq(paxos_chosen_end(s.core), 2);
    cr_assert_eq(paxos_applied(s.core), 1);
    cr_assert_eq(paxos_slot_next(s.core), 4);
    cr_assert_eq(paxos_accepted_end(s.core), 4);
    cr_assert_eq(paxos_room(s.core), 6);
    cr_assert(paxos_accepted(s.core, 3, &ballot, &value));
    cr_assert(ballot_equal(ballot, (struct ballot){1, 1}));
    cr_assert(bytes_equal(blob_bytes(value), bytes_of_string("b")));
    cr_assert(!paxos_accepted(s.core, 4, &ballot, &value));
    cr_assert(!paxos_accepted(s.core, 1, &ballot, &value), "applied: it is in the store");
    script_deinit(&s);
}
