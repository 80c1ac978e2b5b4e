/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The other side of conditions: what comes late, twice, from the wrong one, or out of order. Each
 * outcome of each condition of the core that can be taken is taken by some test; these are those
 * that the sentences of the other files leave out (make coverage-consensus).
 */
#include "consensus/core.h"
#include "tests/lib/dies.h"
#include "tests/unit/consensus/expect.h"

/* As in test_proposer.c: prepared under 2.1, own promise durable; own vote in slot 2 under 1.1. */
#define PREPARING                                                                                  \
    "record promise 1.1; record accept 2 1.1 mine; start; tick 20;"                                \
    "from 2 prevote-answer 2.1 granted; flush"

/* Leads; slots 2 to 4 are proposed, 3 alone is chosen. */
#define OUT_OF_ORDER LEADER "; propose a b c; flush; from 2 accepted 1.1 slots=3"

/* Leads for its window of two slots, which the votes went beyond. */
#define PARTIAL                                                                                    \
    "config window=2 capacity=2;" PREPARING                                                        \
    "; from 2 promise 2.1 first=1 end=none votes=2:1.2:near,3:1.2:far; flush"

/* Prepared with a full window: two slots are chosen, none of them applied. */
#define FULL_WINDOW                                                                                \
    "config window=2 capacity=2;" FOLLOWER "; from 2 accept 1.2 values=1:a,2:b; flush;"            \
    "from 2 heartbeat 1.2 chosen=3; tick 45; from 3 prevote-answer 2.1 granted; flush"

static const struct expectation accepting[] = {
    {"a slot that is known to be chosen takes its value in a higher ballot", OUT_OF_ORDER,
     "from 3 accept 2.3 values=2:a,3:b",
     "append 7 accept 2 2.3 a\nappend 8 accept 3 2.3 b\n"
     "send 3 after 8: accepted 2.3 slots=2,3 chosen=2\n"
     "lost cookie=1 slot=2\nlost cookie=2 slot=3\nlost cookie=3 slot=4\nleader 3 ballot 2.3\n"},
    {"and no other value", OUT_OF_ORDER, "from 3 accept 2.3 values=2:a,3:x",
     "append 7 accept 2 2.3 a\nsend 3 after 7: accepted 2.3 slots=2 chosen=2\n"
     "lost cookie=1 slot=2\nlost cookie=2 slot=3\nlost cookie=3 slot=4\nleader 3 ballot 2.3\n"},
    {"an accept for chosen slots alone is answered with how far we know", "base 5; start",
     "from 2 accept 1.2 values=4:a,5:b chosen=5",
     "send 2: accepted 1.2 chosen=6\nleader 2 ballot 1.2\n"},
    {"an answer waits for the last of its records, not for that of its last slot",
     FOLLOWER "; from 2 accept 1.2 values=3:c; from 2 accept 1.2 values=1:a",
     "from 2 accept 1.2 values=1:a,3:c", "send 2 after 2: accepted 1.2 slots=1,3\n"},
};

static const struct expectation leading[] = {
    {"what is sent again leaves out what is chosen out of order", OUT_OF_ORDER, "tick 3",
     "send 2: heartbeat 1.1 chosen=2\nsend 3: heartbeat 1.1 chosen=2\n"
     "send 2: accept 1.1 values=2+a,4+c chosen=2\nsend 3: accept 1.1 values=2+a,4+c chosen=2\n"},
    {"a late vote for a slot that is chosen changes nothing", OUT_OF_ORDER,
     "from 3 accepted 1.1 slots=3", ""},
    {"nor does a late refusal of it", OUT_OF_ORDER, "from 2 refused 1.1 slots=3", ""},
    {"a flush counts the own votes of slots that are open", OUT_OF_ORDER "; propose d", "flush",
     ""},
    {"refusals of slots that are learned, or were never proposed, are ignored", LEADER,
     "from 2 refused 1.1 slots=1,9", ""},
    {"what is announced once is not announced again",
     LEADER "; propose a; flush; from 2 accepted 1.1 slots=2; announce", "announce", ""},
    {"a leader that is taught what it proposed goes on leading", LEADER "; propose a; flush",
     "from 2 learn values=2:a chosen=3", "append 5 chosen 3\nlearned 2 a cookie=1\n"},
    {"a snapshot of what a leader has chosen does not end its lead",
     LEADER "; propose a; flush; from 2 accepted 1.1 slots=2", "installed 2", ""},
    {"a snapshot beyond it does", LEADER, "installed 9", "append 4 chosen 10\nleader none\n"},
    {"and reports what was proposed", LEADER "; propose a b c", "installed 3",
     "append 7 chosen 4\nlost cookie=1 slot=2\nlost cookie=2 slot=3\nlost cookie=3 slot=4\n"
     "leader none\n"},
    {"another round of heartbeats is not an answer to this one", LEADER,
     "from 2 heartbeat-answer 9.2 round=1 granted", ""},
    {"an answer to a heartbeat is for a leader", FOLLOWER,
     "from 2 heartbeat-answer 1.1 round=1 granted", ""},
    {"a leader that loses the connection to a follower leads on", LEADER, "peer-lost 2", ""},
    {"of a read that is asked for twice there is one", LEADER "; from 2 read round=5",
     "from 2 read round=6; from 2 read round=5", ""},
    {"an answer to a read that was not forwarded is none", LEADER "; read 7",
     "from 2 read-answer round=1 granted slot=1", ""},
    {"an answer to an earlier ballot of its own is not one to this", LEADER,
     "from 2 heartbeat-answer 9.1 round=1 granted", ""},
    {"nobody refuses what was not fresh",
     "start; tick 20; from 2 prevote-answer 1.1 granted; flush;"
     "from 2 promise 1.1 first=1 end=none; flush",
     "from 2 refused 1.1 slots=1; from 3 refused 1.1 slots=1", ""},
    {"a change is on its way and the window is full: no no-op has a place",
     "config window=2 capacity=2;" LEADER "; members voters=1,2,3 next=1,2,3 first=30; propose a b",
     "tick 1", ""},
    {"a leader with no round left steps down instead of preparing again",
     LEADER "; propose a; flush; from 3 prevote-answer 9.1 promised=4611686018427387903.3",
     "from 2 refused 1.1 slots=2; from 3 refused 1.1 slots=2",
     "lost cookie=1 slot=2 refused\nleader none\n"},
    {"a leader that may not recover a slot yet is overtaken when it learns it, be it the own vote",
     "config window=2 distance=2; record accept 1 1.2 a; record accept 2 1.2 b;"
     "record accept 3 1.2 c; start; tick 20; from 2 prevote-answer 2.1 granted; flush;"
     "from 2 promise 2.1 first=1 end=none; flush; from 2 accepted 2.1 slots=1,2",
     "from 3 learn values=3:c chosen=4", "append 5 chosen 4\nlearned 3 c\nleader none\n"},
    {"what is proposed again and known to be chosen is asked of nobody",
     "config window=2 distance=2; record accept 1 1.2 a; record accept 2 1.2 b;"
     "record accept 3 chosen c; start; tick 20; from 2 prevote-answer 2.1 granted; flush;"
     "from 2 promise 2.1 first=1 end=none; flush; from 2 accepted 2.1 slots=1",
     "applied 1", "append 5 accept 3 2.1 c\n"},
    {"a batch of what is learned ends at its limit of bytes",
     "config bytes=4;" LEADER "; propose aaa bbb; flush; from 2 accepted 1.1 slots=2,3",
     "from 3 catch-up first=2", "send 3: learn values=2:aaa chosen=4\n"},
};

static const struct expectation preparing[] = {
    {"who has promised everything is not asked again",
     "config voters=1,2,3,4,5;" PREPARING
     "; from 3 prevote-answer 2.1 granted; flush; from 2 promise 2.1 first=1 end=none",
     "tick 3",
     "send 3 after 1: prepare 2.1 first=1\nsend 4 after 1: prepare 2.1 first=1\n"
     "send 5 after 1: prepare 2.1 first=1\n"},
    {"a part of a promise that came before says nothing new",
     PREPARING "; from 2 promise 2.1 first=1 end=3", "from 2 promise 2.1 first=1 end=3", ""},
    {"votes of slots that were learned since are not looked at",
     PREPARING "; from 3 learn values=1:z chosen=2",
     "from 2 promise 2.1 first=1 end=none votes=1:1.2:x",
     "append 4 accept 2 2.1 mine\nsend 2: accept 2.1 values=2:mine chosen=2\n"
     "send 3: accept 2.1 values=2:mine chosen=2\nsend 2: heartbeat 2.1 chosen=2\n"
     "send 3: heartbeat 2.1 chosen=2\nleader 1 ballot 2.1\n"},
    {"a promise with a vote before its own beginning is malformed", PREPARING,
     "from 2 promise 2.1 first=3 end=none votes=2:1.2:x", "message is out of bounds\n"},
    {"a promise with a vote beyond its own end is malformed", PREPARING,
     "from 2 promise 2.1 first=1 end=3 votes=5:1.2:x", "message is out of bounds\n"},
    {"own votes for slots that are chosen are not found again",
     FOLLOWER "; from 2 accept 1.2 values=1:a; flush; from 2 heartbeat 1.2 chosen=2; tick 45",
     "from 3 prevote-answer 2.1 granted",
     "append 3 promise 2.1\nsend 2 after 3: prepare 2.1 first=2 chosen=2\n"
     "send 3 after 3: prepare 2.1 first=2 chosen=2\n"},
    {"new members during phase 1: it begins again with them", PREPARING,
     "members voters=1,2,3 next=1,2,3,4 first=20",
     "append 2 promise 3.1\nsend 2 after 2: prepare 3.1 first=1\n"
     "send 3 after 2: prepare 3.1 first=1\nsend 4 after 2: prepare 3.1 first=1\n"},
    {"an own proposal that another value overtakes in phase 1 is reported lost",
     LEADER "; propose a; flush; members voters=1,2,3 next=1,2,4 first=30; flush",
     "from 2 promise 2.1 first=2 end=none votes=2:1.3:other; from 3 promise 2.1 first=2 end=none",
     "append 6 accept 2 2.1 other\nsend 2: accept 2.1 values=2:other chosen=2\n"
     "send 3: accept 2.1 values=2:other chosen=2\nsend 4: accept 2.1 values=2:other chosen=2\n"
     "send 2: heartbeat 2.1 chosen=2\nsend 3: heartbeat 2.1 chosen=2\n"
     "send 4: heartbeat 2.1 chosen=2\nlost cookie=1 slot=2\nleader 1 ballot 2.1\n"},
    {"who leads for its window prepares again when that is chosen, not before", PARTIAL, "tick 1",
     ""},
    {"and applied, not before", PARTIAL "; from 2 accepted 2.1 slots=1,2", "tick 1", ""},
    {"with a window full of what is not applied nobody can lead", FULL_WINDOW,
     "from 3 promise 2.1 first=3 end=none", ""},
    {"and does as soon as there is a place for a no-op",
     FULL_WINDOW "; from 3 promise 2.1 first=3 end=none", "applied 2; tick 1",
     "append 5 accept 3 2.1 -\nsend 2: accept 2.1 values=3:- chosen=3\n"
     "send 3: accept 2.1 values=3:- chosen=3\nsend 2: heartbeat 2.1 chosen=3\n"
     "send 3: heartbeat 2.1 chosen=3\nleader 1 ballot 2.1\n"},
};

static const struct expectation following[] = {
    {"a ballot of a round beyond the highest is malformed", FOLLOWER,
     "from 3 preempted 1.1 promised=18446744073709551615.3", "message is out of bounds\n"},
    {"a follower is not preempted", FOLLOWER, "from 3 preempted 1.1 promised=9.3", ""},
    {"the connection to somebody else says nothing of the leader", FOLLOWER, "peer-lost 3", ""},
    {"a replica in doubt asks nobody to elect it", "start silent; from 2 heartbeat 1.2",
     "peer-lost 2", ""},
    {"a chosen mark that goes beyond the window is believed as far as that goes",
     "config window=4 capacity=4;" FOLLOWER "; from 2 accept 1.2 values=1:a,2:b,3:c,4:d",
     "from 2 chosen 1.2 chosen=9",
     "append 5 chosen 5\nlearned 1 a\nlearned 2 b\nlearned 3 c\nlearned 4 d\n"},
    {"a slot that was chosen out of order stays chosen for a follower",
     OUT_OF_ORDER "; from 3 accept 2.3 values=2:a", "from 3 heartbeat 2.3 chosen=4",
     "append 8 chosen 4\nsend 3: heartbeat-answer 2.3 granted chosen=4\nlearned 2 a\nlearned 3 "
     "b\n"},
    {"a chosen mark beyond the window asks for a record that is missing",
     "config window=2 capacity=2; record accept 1 1.2 a; record accept 2 1.2 b", "record chosen 9",
     "does not fit\n"},
    {"a round that no message may have raises no own one", "config voters=1,2,3",
     "record promise 18446744073709551615.3", ""},
    {"the first timeout may be a short one", "config soon=1; start", "tick 1",
     "send 2: prevote 1.1\nsend 3: prevote 1.1\n"},
    {"the journal may say twice that a value was chosen",
     "record accept 1 chosen a; record accept 1 chosen a; restored 0; start",
     "from 2 heartbeat 1.2",
     "append 1 chosen 2\nsend 2: heartbeat-answer 1.2 granted chosen=2\nlearned 1 a\n"
     "leader 2 ballot 1.2\n"},
};

Test(edges, accepting)
{
    EXPECT_ALL(accepting);
}

Test(edges, leading)
{
    EXPECT_ALL(leading);
}

Test(edges, preparing)
{
    EXPECT_ALL(preparing);
}

Test(edges, following)
{
    EXPECT_ALL(following);
}

/* One more than wait already: at a follower, at the leader, and from another replica. */
Test(edges, reads_have_a_limit)
{
    static const char *const setups[] = {FOLLOWER, LEADER, LEADER};
    static const char *const last[] = {"read 999999", "read 999999", "from 2 read round=999999"};
    static const char *const traces[] = {"read 999999 failed\n", "read 999999 failed\n",
                                         "send 2: read-answer round=999999 chosen=2\n"};
    for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++) {
        struct script s;
        char line[40];
        script_init(&s);
        script_run(&s, setups[i]);
        for (uint32_t id = 1; id <= LIMIT_READS_WAITING; id++) {
            snprintf(line, sizeof(line), "read %u", id);
            script_run(&s, line);
        }
        const char *trace = script_run(&s, last[i]);
        cr_expect_str_eq(trace, traces[i], "case %zu: %s", i, trace);
        script_deinit(&s);
    }
}

/* What the shell asks a core about itself, in each role. */
Test(edges, what_a_core_says_of_itself)
{
    static const struct {
        const char *setup;
        struct ballot ballot;
        uint32_t room;
        bool has_contact;
    } cases[] = {
        {"start", {0, 0}, 0, false},
        {FOLLOWER, {1, 2}, 0, true},
        {FOLLOWER "; tick 21", {1, 2}, 0, false},
        {PREPARING, {2, 1}, 0, false},
        {LEADER, {1, 1}, 8, true},
        {LEADER "; propose a b", {1, 1}, 6, true},
        {PARTIAL, {2, 1}, 0, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script s;
        script_init(&s);
        script_run(&s, cases[i].setup);
        struct ballot ballot = paxos_ballot(s.core);
        cr_expect(ballot_equal(ballot, cases[i].ballot), "case %zu: %lu.%u", i,
                  (unsigned long)ballot.round, ballot.replica);
        cr_expect_eq(paxos_room(s.core), cases[i].room, "case %zu: %u", i, paxos_room(s.core));
        cr_expect_eq(paxos_has_contact(s.core), cases[i].has_contact, "case %zu", i);
        script_deinit(&s);
    }
}

/* More messages than a step has room for: what is dropped is sent again, as if it had been lost. */
Test(edges, a_step_with_too_many_messages_drops_some)
{
    struct script s;
    script_init(&s);
    script_run(&s,
               "config voters=1,2,3,4,5,6,7,8,9 batch=1 window=64 capacity=64 distance=64; start;"
               "tick 20; from 2 prevote-answer 1.1 granted; from 3 prevote-answer 1.1 granted;"
               "from 4 prevote-answer 1.1 granted; from 5 prevote-answer 1.1 granted; flush;"
               "from 2 promise 1.1 first=1 end=none; from 3 promise 1.1 first=1 end=none;"
               "from 4 promise 1.1 first=1 end=none; from 5 promise 1.1 first=1 end=none; flush;"
               "from 2 accepted 1.1 slots=1; from 3 accepted 1.1 slots=1;"
               "from 4 accepted 1.1 slots=1; from 5 accepted 1.1 slots=1; applied 1");
    cr_assert_eq(paxos_room(s.core), 64);
    cr_assert_eq(paxos_marks(s.core)[PAXOS_MARK_SEND_DROPPED], 0);
    script_run(&s, "propose a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G H");
    cr_assert_gt(paxos_marks(s.core)[PAXOS_MARK_SEND_DROPPED], 0);
    cr_assert_eq(paxos_role(s.core), PAXOS_LEADER);
    script_run(&s, "flush; from 2 accepted 1.1 slots=2; from 3 accepted 1.1 slots=2;"
                   "from 4 accepted 1.1 slots=2; from 5 accepted 1.1 slots=2");
    cr_assert_eq(paxos_chosen_end(s.core), 3);
    script_deinit(&s);
}

Test(edges, a_type_that_is_none_is_ignored)
{
    static const int none[] = {PAXOS_MESSAGE_TYPE_END, 0, PAXOS_MESSAGE_TYPE_END + 1, 255};
    struct script s;
    script_init(&s);
    script_run(&s, "start");
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        struct paxos_message m = {.type = (enum paxos_message_type)none[i], .chosen_end = 1};
        cr_assert(!paxos_message_check(&m));
        script_step(&s,
                    &(struct paxos_event){.type = PAXOS_EVENT_MESSAGE, .from = 2, .message = &m});
        cr_assert_eq(paxos_marks(s.core)[PAXOS_MARK_FOREIGN_BALLOT], i + 1);
    }
    cr_assert_eq(paxos_rejoin_waits_for(s.core), 0, "nor does it wait for anybody");
    script_deinit(&s);
}

static void hand_in_no_event(void *context)
{
    script_step(context, &(struct paxos_event){.type = (enum paxos_event_type)0});
}

static void tick_in_no_role(void *context)
{
    struct script *s = context;
    s->core->role = (enum paxos_role)0;
    script_run(s, "tick");
}

static void check_in_no_role(void *context)
{
    struct script *s = context;
    s->core->role = (enum paxos_role)0;
    paxos_check(s->core);
}

static void tick_as_a_follower(void *context)
{
    script_run(context, "tick");
}

/* What only a bug or a flipped bit of the memory makes: no step is done by halves on top of it. */
Test(edges, an_event_or_a_role_that_is_none_ends_the_process)
{
    struct script s;
    script_init(&s);
    script_run(&s, FOLLOWER);
    cr_assert_not(dies(tick_as_a_follower, &s));
    cr_assert(dies(hand_in_no_event, &s));
    cr_assert(dies(tick_in_no_role, &s));
    cr_assert(dies(check_in_no_role, &s));
    script_deinit(&s);
}

Test(edges, what_a_core_says_of_its_peers)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER);
    cr_expect(paxos_peer_progress(s.core, 2).heard);
    cr_expect(!paxos_peer_progress(s.core, 1).heard, "itself");
    cr_expect(!paxos_peer_progress(s.core, 4).heard, "a stranger");
    cr_expect(!paxos_peer_progress(s.core, 3).heard, "never heard of");
    script_run(&s, "tick 21");
    cr_expect(!paxos_peer_progress(s.core, 2).heard, "not for long");
    script_deinit(&s);
}
