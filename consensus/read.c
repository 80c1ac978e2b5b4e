/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * read.c - linearizable reads without a log write.
 *
 * A read may be answered from the state at slot s when (1) every command that was acknowledged
 * before the read began is at or below s, and (2) s is applied where it is answered. The leader
 * takes s = chosen_end - 1 when the read arrives. That is enough for (1) if it still leads then:
 *
 *   - it asks for a round of heartbeats *after* the read arrived. Voters that answer have not
 *     promised a higher ballot at that moment; a quorum of them means that no higher ballot had a
 *     quorum of promises when the read arrived, so nothing was chosen in one;
 *   - it knows what lower ballots chose: a slot of its own ballot is chosen, and with it all that
 *     phase 1 found (ready_end).
 *
 * Answers to an earlier round say nothing about now: each read names the round after the last one
 * sent. All reads that wait share the next round. A follower passes its read to the leader under a
 * number of its own, applies up to the slot in the answer, and answers here. Every read ends: one
 * that has not succeeded after two election timeouts fails.
 */
#include "consensus/core.h"

#include "src/base/mem.h"

void read_init(struct paxos *p)
{
    CHECK(p->reads.list == NULL && p->reads.count == 0);
    p->reads.list = mem_alloc(sizeof(*p->reads.list) * LIMIT_READS_WAITING);
    p->reads.number_next = prng_next(&p->prng);
}

void read_deinit(struct paxos *p)
{
    CHECK(p->reads.list != NULL);
    CHECK(p->reads.count <= LIMIT_READS_WAITING);
    mem_free(p->reads.list);
    p->reads.list = NULL;
}

static bool read_add(struct paxos *p, struct read read)
{
    if (p->reads.count == LIMIT_READS_WAITING)
        return false;
    CHECK(p->reads.count < LIMIT_READS_WAITING);
    CHECK(read.state == READ_FORWARDED || read.state == READ_WAITING);
    CHECK(read.asker >= 1 && read.asker <= REPLICA_MAX);
    /* A leader asks itself, all others ask the leader, for themselves. */
    CHECK((read.state == READ_WAITING) == (p->role == PAXOS_LEADER));
    CHECK(read.state == READ_WAITING || read.asker == p->config.self);
    read.deadline_tick = p->tick + 2 * (uint64_t)p->config.election_ticks_max;
    p->reads.list[p->reads.count++] = read;
    return true;
}

/* A read that the leader will confirm: the round after the last one that was sent. */
static struct read read_waiting(struct paxos *p, uint32_t asker, uint64_t read_id)
{
    CHECK(p->role == PAXOS_LEADER);
    CHECK(p->chosen_end >= 1);
    return (struct read){.state = READ_WAITING,
                         .asker = asker,
                         .read_id = read_id,
                         .round = p->reads.round_sent + (MUTANT(EARLIER_ROUND_COUNTS) ? 0 : 1),
                         .slot = p->chosen_end - 1};
}

void read_on_read(struct paxos *p, uint64_t read_id)
{
    if (p->role == PAXOS_LEADER) {
        if (!read_add(p, read_waiting(p, p->config.self, read_id)))
            effects_read_end(p, read_id, false, 0);
        return;
    }
    CHECK(p->leader != p->config.self);
    uint64_t number = p->reads.number_next++;
    struct read read = {
        .state = READ_FORWARDED, .asker = p->config.self, .read_id = read_id, .number = number};
    if (p->leader == 0 || !read_add(p, read)) {
        effects_read_end(p, read_id, false, 0);
        return;
    }
    mark(p, PAXOS_MARK_READ_FORWARDED);
    effects_send(p, p->leader, 0, (struct paxos_message){.type = PAXOS_READ, .round = number});
}

static void read_answer(struct paxos *p, uint32_t to, uint64_t number, bool granted, uint64_t slot)
{
    CHECK(granted || slot == 0);
    CHECK(slot < p->chosen_end); /* or the asker waited for what is not chosen */
    effects_send(p, to, 0,
                 (struct paxos_message){
                     .type = PAXOS_READ_ANSWER, .round = number, .granted = granted, .slot = slot});
}

void read_on_request(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    CHECK(from != p->config.self && p->reads.count <= LIMIT_READS_WAITING);
    for (uint32_t i = 0; i < p->reads.count; i++) {
        const struct read *read = &p->reads.list[i];
        if (read->asker == from && read->read_id == message->round)
            return;
    }
    if (p->role != PAXOS_LEADER || !read_add(p, read_waiting(p, from, message->round)))
        read_answer(p, from, message->round, false, 0);
}

void read_on_answer(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    for (uint32_t i = 0; i < p->reads.count; i++) {
        struct read *read = &p->reads.list[i];
        if (read->state != READ_FORWARDED ||
            (read->number != message->round && !MUTANT(READ_ANY_ANSWER)) || from != p->leader)
            continue;
        CHECK(read->asker == p->config.self);
        /* A failed one ends with the next settling. */
        read->deadline_tick = message->granted ? read->deadline_tick : 0;
        read->state = message->granted ? READ_CONFIRMED : READ_FORWARDED;
        read->slot = message->slot;
        return;
    }
    mark(p, PAXOS_MARK_READ_STALE_ANSWER);
}

static void read_fail(struct paxos *p, const struct read *read)
{
    CHECK(read->asker >= 1 && read->asker <= REPLICA_MAX);
    CHECK(read->asker == p->config.self || read->state == READ_WAITING);
    if (read->asker == p->config.self)
        effects_read_end(p, read->read_id, false, 0);
    else
        read_answer(p, read->asker, read->read_id, false, 0);
}

void read_fail_all(struct paxos *p)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->reads.count; i++) {
        if (p->reads.list[i].state == READ_CONFIRMED)
            p->reads.list[kept++] = p->reads.list[i];
        else
            read_fail(p, &p->reads.list[i]);
    }
    CHECK(kept <= p->reads.count);
    p->reads.count = kept;
}

bool read_wants_round(const struct paxos *p)
{
    for (uint32_t i = 0; i < p->reads.count; i++) {
        const struct read *read = &p->reads.list[i];
        CHECK(read->state != READ_WAITING || read->round <= p->reads.round_sent + 1);
        if (read->state == READ_WAITING && read->round > p->reads.round_sent)
            return true;
    }
    return false;
}

static bool read_is_round_confirmed(const struct paxos *p, uint64_t round)
{
    replica_set answered = quorum_bit(p->config.self);
    CHECK(p->role == PAXOS_LEADER);
    CHECK(round <= p->reads.round_sent + 1);
    if (MUTANT(READ_WITHOUT_ROUND))
        return true;
    if (round > p->reads.round_sent)
        return false;
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        if (p->peers[replica].read_round >= round)
            answered |= quorum_bit(replica);
    }
    return members_have(&p->members, answered);
}

/* One step of one read; true when it is done with. */
static bool read_advance(struct paxos *p, struct read *read)
{
    if (read->asker == p->config.self && p->tick >= read->deadline_tick) {
        read_fail(p, read);
        return true;
    }
    CHECK(read->state >= READ_FORWARDED && read->state <= READ_CONFIRMED);
    if (read->state == READ_WAITING) {
        CHECK(read->slot < p->chosen_end);
        bool is_recovered = p->chosen_end >= p->ready_end || MUTANT(READ_BEFORE_RECOVERY);
        if (!is_recovered) {
            mark(p, PAXOS_MARK_READ_WAITED_FOR_RECOVERY);
            return false;
        }
        if (!read_is_round_confirmed(p, read->round))
            return false;
        if (read->slot + 1 < p->ready_end && !MUTANT(READ_BEFORE_RECOVERY))
            read->slot = p->ready_end - 1;
        if (read->asker != p->config.self) {
            read_answer(p, read->asker, read->read_id, true, read->slot);
            return true;
        }
        read->state = READ_CONFIRMED;
    }
    if (read->state != READ_CONFIRMED || (p->applied < read->slot && !MUTANT(READ_BEFORE_APPLIED)))
        return false;
    effects_read_end(p, read->read_id, true, read->slot);
    return true;
}

void read_settle(struct paxos *p)
{
    /* The next round begins when the last one is answered; else the next heartbeat begins it. */
    if (p->role == PAXOS_LEADER && read_wants_round(p) &&
        read_is_round_confirmed(p, p->reads.round_sent))
        election_send_heartbeat(p);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->reads.count; i++) {
        if (!read_advance(p, &p->reads.list[i]))
            p->reads.list[kept++] = p->reads.list[i];
    }
    CHECK(kept <= p->reads.count);
    p->reads.count = kept;
}
