/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configurations by slot: what a change of the members does to a leader, a voter, a learner. */
#include "consensus/quorum.h"
#include "tests/unit/consensus/expect.h"

/* The leader of 1,2,3 has applied slot 1; a change to 1,2,4 has its effect from slot 5 on. */
#define CHANGING                                                                                   \
    "config distance=4 window=4;" LEADER "; members voters=1,2,3 next=1,2,4 first=5; flush"
/* It leads again, under 2.1, promised by both configurations. */
#define CHANGED                                                                                    \
    CHANGING                                                                                       \
    "; from 2 promise 2.1 first=2 end=none chosen=2; from 2 accepted 2.1 slots=2 chosen=2;"        \
    "flush; applied 2"

Test(members, a_quorum_of_both_while_a_change_is_on_its_way)
{
    struct members m = {.now = {.voters = quorum_bit(1) | quorum_bit(2) | quorum_bit(3)},
                        .next = {.voters = quorum_bit(3) | quorum_bit(4) | quorum_bit(5)},
                        .next_first = 10};
    cr_assert(!members_have(&m, quorum_bit(1) | quorum_bit(2)));
    cr_assert(!members_have(&m, quorum_bit(4) | quorum_bit(5)));
    cr_assert(!members_have(&m, quorum_bit(1) | quorum_bit(3)));
    cr_assert(members_have(&m, quorum_bit(1) | quorum_bit(3) | quorum_bit(4)));
    cr_assert_eq(members_at(&m, 9), &m.now);
    cr_assert_eq(members_at(&m, 10), &m.next);
    cr_assert(members_is_voter(&m, 1) && members_is_voter(&m, 5) && !members_is_voter(&m, 6));
    cr_assert(!members_advance(&m, 8), "slot 9 is still open");
    cr_assert(members_advance(&m, 9));
    cr_assert(members_have(&m, quorum_bit(4) | quorum_bit(5)));
    cr_assert(!members_is_member(&m, 1));
    cr_assert_eq(members_at(&m, 5000), &m.now);
    cr_assert(!members_advance(&m, 10000));
}

static const struct expectation leaders[] = {
    {"a leader that learns of a change asks both configurations, under a higher ballot",
     "config distance=4 window=4;" LEADER, "members voters=1,2,3 next=1,2,4 first=5",
     "append 4 promise 2.1\n"
     "send 2 after 4: prepare 2.1 first=2 chosen=2\n"
     "send 3 after 4: prepare 2.1 first=2 chosen=2\n"
     "send 4 after 4: prepare 2.1 first=2 chosen=2\n"
     "leader none\n"},
    {"a majority of the old one is not enough", CHANGING,
     "from 3 promise 2.1 first=2 end=none chosen=2", ""},
    {"one voter that is in both is, with the own promise", CHANGING,
     "from 2 promise 2.1 first=2 end=none chosen=2",
     "append 5 accept 2 2.1 -\n"
     "send 2: accept 2.1 values=2:- chosen=2\n"
     "send 3: accept 2.1 values=2:- chosen=2\n"
     "send 4: accept 2.1 values=2:- chosen=2\n"
     "send 2: heartbeat 2.1 chosen=2\n"
     "send 3: heartbeat 2.1 chosen=2\n"
     "send 4: heartbeat 2.1 chosen=2\n"
     "leader 1 ballot 2.1\n"},
    {"a vote of the new voter does not count for a slot of the old configuration", CHANGED,
     "propose a; flush; from 4 accepted 2.1 slots=3 chosen=2",
     "append 7 accept 3 2.1 a\n"
     "send 2: accept 2.1 values=3+a chosen=3\n"
     "send 3: accept 2.1 values=3+a chosen=3\n"
     "send 4: accept 2.1 values=3+a chosen=3\n"},
    {"a vote of the old voter does", CHANGED,
     "propose a; flush; from 3 accepted 2.1 slots=3 chosen=2",
     "append 7 accept 3 2.1 a\n"
     "send 2: accept 2.1 values=3+a chosen=3\n"
     "send 3: accept 2.1 values=3+a chosen=3\n"
     "send 4: accept 2.1 values=3+a chosen=3\n"
     "append 8 chosen 4\n"
     "learned 3 a cookie=1\n"},
    {"in a slot of the new configuration it is the other way round", CHANGED,
     "propose a b c; flush; from 3 accepted 2.1 slots=3,4,5 chosen=2;"
     "from 4 accepted 2.1 slots=5 chosen=2",
     "append 7 accept 3 2.1 a\n"
     "append 8 accept 4 2.1 b\n"
     "append 9 accept 5 2.1 c\n"
     "send 2: accept 2.1 values=3+a,4+b,5+c chosen=3\n"
     "send 3: accept 2.1 values=3+a,4+b,5+c chosen=3\n"
     "send 4: accept 2.1 values=3+a,4+b,5+c chosen=3\n"
     "append 10 chosen 5\n"
     "learned 3 a cookie=1\n"
     "learned 4 b cookie=2\n"
     "append 11 chosen 6\n"
     "learned 5 c cookie=3\n"},
    {"an idle leader fills the slots up to the effect with no-ops", CHANGED, "tick 1",
     "append 7 accept 3 2.1 -\n"
     "append 8 accept 4 2.1 -\n"
     "send 2: accept 2.1 values=3:-,4:- chosen=3\n"
     "send 3: accept 2.1 values=3:-,4:- chosen=3\n"
     "send 4: accept 2.1 values=3:-,4:- chosen=3\n"},
    {"nothing is proposed beyond the distance", "config distance=2 window=2;" LEADER,
     "propose a b c",
     "append 4 accept 2 1.1 a\n"
     "append 5 accept 3 1.1 b\n"
     "send 2: accept 1.1 values=2+a,3+b chosen=2\n"
     "send 3: accept 1.1 values=2+a,3+b chosen=2\n"
     "lost cookie=3 slot=0\n"},
    {"a change that is heard of when it is in force already is asked for as well",
     "config distance=4 window=4;" LEADER, "members voters=1,2,4",
     "append 4 promise 2.1\n"
     "send 2 after 4: prepare 2.1 first=2 chosen=2\n"
     "send 4 after 4: prepare 2.1 first=2 chosen=2\n"
     "leader none\n"},
    {"a leader that is to be removed stops before the slots where it is no voter",
     "config distance=4 window=4;" LEADER "; members voters=1,2,3 next=2,3,4 first=5; flush;"
     "from 2 promise 2.1 first=2 end=none chosen=2; from 3 promise 2.1 first=2 end=none chosen=2;"
     "flush; from 2 accepted 2.1 slots=2 chosen=2; from 3 accepted 2.1 slots=2 chosen=2;"
     "applied 2",
     "propose a b c",
     "append 7 accept 3 2.1 a\n"
     "append 8 accept 4 2.1 b\n"
     "send 2: accept 2.1 values=3+a,4+b chosen=3\n"
     "send 3: accept 2.1 values=3+a,4+b chosen=3\n"
     "send 4: accept 2.1 values=3+a,4+b chosen=3\n"
     "lost cookie=3 slot=0\n"},
    {"nor does it go on there with what it found",
     "config distance=4 window=4;" LEADER "; members voters=1,2,3 next=2,3,4 first=3; flush;"
     "from 2 promise 2.1 first=2 end=none chosen=2",
     "from 3 promise 2.1 first=2 end=none chosen=2 votes=3:1.3:x; flush",
     "append 5 accept 2 2.1 -\n"
     "send 2: accept 2.1 values=2:- chosen=2\n"
     "send 3: accept 2.1 values=2:- chosen=2\n"
     "send 4: accept 2.1 values=2:- chosen=2\n"
     "send 2: heartbeat 2.1 chosen=2\n"
     "send 3: heartbeat 2.1 chosen=2\n"
     "send 4: heartbeat 2.1 chosen=2\n"
     "leader 1 ballot 2.1\n"},
    {"when the one on its way comes into force there is nothing new", CHANGED,
     "members voters=1,2,4", ""},
    {"only learners change: the ballot stays", "config distance=4 window=4;" LEADER,
     "members voters=1,2,3 next=1,2,3 next-learners=4 first=5", ""},
};

Test(members, a_leader)
{
    EXPECT_ALL(leaders);
}

static const struct expectation others[] = {
    {"a leader that leaves tells the rest what was chosen, and leads no more",
     "config distance=4 window=4;" LEADER "; members voters=1,2,3 next=2,3 first=3; flush;"
     "from 2 promise 2.1 first=2 end=none chosen=2; from 3 promise 2.1 first=2 end=none chosen=2;"
     "from 2 accepted 2.1 slots=2 chosen=2; from 3 accepted 2.1 slots=2 chosen=2; flush",
     "applied 2; tick 45",
     "send 2: chosen 2.1 chosen=3\nsend 3: chosen 2.1 chosen=3\nleader none\n"
     "send 2: catch-up first=3 chosen=3\nsend 3: catch-up first=3 chosen=3\n"},
    {"a voter that became a learner answers no prepare", "start; members voters=2,3 learners=1",
     "from 2 prepare 1.2 first=1", ""},
    {"a learner that became a voter does",
     "config self=4 learners=4; start; members voters=1,2,3,4", "from 2 prepare 1.2 first=1",
     "append 1 promise 1.2\nsend 2 after 1: promise 1.2 first=1 end=none\n"},
    {"who is no member is not heard", "start; members voters=1,2", "from 3 prepare 1.3 first=1",
     ""},
    {"nor is who left", "start; members voters=1,2,3 next=1,2 first=3; installed 2",
     "from 3 prepare 1.3 first=1", ""},
    {"a new leader does not go beyond what it can know the members of",
     "config distance=2 window=2 capacity=16; start; tick 20; from 2 prevote-answer 1.1 granted;"
     "flush",
     "from 2 promise 1.1 first=1 end=none votes=4:1.3:x",
     "append 2 accept 1 1.1 -\n"
     "append 3 accept 2 1.1 -\n"
     "send 2: accept 1.1 values=1:-,2:-\n"
     "send 3: accept 1.1 values=1:-,2:-\n"
     "send 2: heartbeat 1.1\n"
     "send 3: heartbeat 1.1\n"
     "leader 1 ballot 1.1\n"},
    {"and goes on with what it found when it does",
     "config distance=2 window=2 capacity=16; start; tick 20; from 2 prevote-answer 1.1 granted;"
     "flush; from 2 promise 1.1 first=1 end=none votes=4:1.3:x; flush",
     "from 2 accepted 1.1 slots=1,2; applied 2; propose fresh",
     "append 4 chosen 3\n"
     "learned 1 -\n"
     "learned 2 -\n"
     "append 5 accept 3 1.1 -\n"
     "append 6 accept 4 1.1 x\n"
     "send 2: accept 1.1 values=3:-,4:x chosen=3\n"
     "send 3: accept 1.1 values=3:-,4:x chosen=3\n"
     "lost cookie=1 slot=0\n"},
};

Test(members, the_others)
{
    EXPECT_ALL(others);
}
