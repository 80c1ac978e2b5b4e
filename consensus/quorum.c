/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quorum.c - majorities of distinct voters. Any two quorums share a voter: this is all that the
 * proof of Paxos asks of them ("Paxos Made Simple", 2.2).
 */
#include "consensus/quorum.h"

#include "src/base/check.h"

uint32_t quorum_count(replica_set set)
{
    uint32_t count = 0;
    CHECK((set & ~QUORUM_ALL) == 0); /* nobody is no replica */
    for (; set != 0; set &= set - 1)
        count++;
    CHECK(count <= REPLICA_MAX);
    return count;
}

static void quorum_check(const struct quorum *q)
{
    CHECK((q->voters & ~QUORUM_ALL) == 0);
    CHECK((q->learners & ~QUORUM_ALL) == 0);
}

bool quorum_is_voter(const struct quorum *q, uint32_t replica)
{
    VERIFY((q->voters & ~QUORUM_ALL) == 0);
    return replica >= 1 && replica <= REPLICA_MAX && (q->voters & quorum_bit(replica)) != 0;
}

bool quorum_is_member(const struct quorum *q, uint32_t replica)
{
    VERIFY(((q->voters | q->learners) & ~QUORUM_ALL) == 0);
    return replica >= 1 && replica <= REPLICA_MAX &&
           ((q->voters | q->learners) & quorum_bit(replica)) != 0;
}

static uint32_t quorum_size(const struct quorum *q)
{
    uint32_t voter_count = quorum_count(q->voters);
    CHECK(voter_count > 0);
    if (MUTANT(SMALL_QUORUM))
        return voter_count > 1 ? voter_count / 2 : 1;
    uint32_t size = voter_count / 2 + 1;
    CHECK(size <= voter_count);
    CHECK(2 * size > voter_count); /* any two of them share a voter */
    return size;
}

bool quorum_has(const struct quorum *q, replica_set set)
{
    uint32_t size = quorum_size(q);
    bool has = quorum_count(set & q->voters) >= size;
    /* Of two sets without a common voter one at most has a quorum: what all of Paxos rests on. */
    VERIFY(!has || quorum_count(q->voters & ~set) < size);
    return has;
}

bool quorum_is_blocked_by(const struct quorum *q, replica_set set)
{
    VERIFY((set & ~QUORUM_ALL) == 0);
    return quorum_count(q->voters & ~set) < quorum_size(q);
}

void members_check(const struct members *m)
{
    CHECK(m->now.voters != 0);
    CHECK((m->next_first == 0) == (m->next.voters == 0));
    CHECK(m->next_first != 0 || m->next.learners == 0);
    quorum_check(&m->now);
    quorum_check(&m->next);
}

const struct quorum *members_at(const struct members *m, uint64_t slot)
{
    CHECK(m->now.voters != 0);
    CHECK(m->next_first == 0 || m->next.voters != 0);
    bool is_next = m->next_first != 0 && slot >= m->next_first;
    return is_next && !MUTANT(COUNT_BY_OLD_CONFIGURATION) ? &m->next : &m->now;
}

bool members_have(const struct members *m, replica_set set)
{
    CHECK((m->next_first == 0) == (m->next.voters == 0));
    return quorum_has(&m->now, set) &&
           (m->next_first == 0 || quorum_has(&m->next, set) || MUTANT(PREPARE_OLD_CONFIGURATION));
}

bool members_is_voter(const struct members *m, uint32_t replica)
{
    return quorum_is_voter(&m->now, replica) || quorum_is_voter(&m->next, replica);
}

bool members_is_member(const struct members *m, uint32_t replica)
{
    return quorum_is_member(&m->now, replica) || quorum_is_member(&m->next, replica);
}

bool members_have_learners(const struct members *m)
{
    CHECK(m->next_first != 0 || m->next.learners == 0);
    return ((m->now.learners & ~m->now.voters) | (m->next.learners & ~m->next.voters)) != 0;
}

uint64_t members_lead_end(const struct members *m, uint32_t replica)
{
    bool leaves = m->next_first != 0 && !quorum_is_voter(&m->next, replica);
    CHECK(!leaves || m->next.voters != 0);
    CHECK(replica >= 1 && replica <= REPLICA_MAX);
    return leaves ? m->next_first : UINT64_MAX;
}

bool members_advance(struct members *m, uint64_t applied)
{
    if (m->next_first == 0 || applied + 1 < m->next_first)
        return false;
    CHECK(m->next.voters != 0);
    m->now = m->next;
    m->next = (struct quorum){0, 0};
    m->next_first = 0;
    members_check(m);
    CHECK(members_at(m, applied + 1) == &m->now);
    return true;
}
