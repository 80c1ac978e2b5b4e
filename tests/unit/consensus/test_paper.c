/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Paxos Made Simple" (Lamport, 2001), sentence by sentence: sections 2.2 and 2.3. Each case quotes
 * the sentence that it is about.
 */
#include "tests/unit/consensus/expect.h"

static const struct expectation requirements[] = {
    {"P1. An acceptor must accept the first proposal that it receives.", "start",
     "from 2 accept 1.2 values=1:a",
     "append 1 accept 1 1.2 a\nsend 2 after 1: accepted 1.2 slots=1\nleader 2 ballot 1.2\n"},
    {"an acceptor must be allowed to accept more than one proposal",
     "start; from 2 accept 1.2 values=1:a", "from 3 accept 2.3 values=1:a",
     "append 2 accept 1 2.3 a\nsend 3 after 2: accepted 2.3 slots=1\nleader 3 ballot 2.3\n"},
    {"P1a. An acceptor can accept a proposal numbered n iff it has not responded to a prepare "
     "request having a number greater than n.",
     "start; from 3 prepare 2.3 first=1", "from 2 accept 1.2 values=1:a",
     "send 2: preempted 1.2 promised=2.3\n"},
    {"(a) A promise never again to accept a proposal numbered less than n",
     "start; from 3 prepare 2.3 first=1; from 3 accept 2.3 values=1:a",
     "from 2 accept 2.2 values=2:b", "send 2: preempted 2.2 promised=2.3\n"},
    {"(b) The proposal with the highest number less than n that it has accepted, if any.",
     "start; from 2 accept 1.2 values=1:a; from 3 accept 2.3 values=1:b",
     "from 2 prepare 3.2 first=1",
     "append 3 promise 3.2\nsend 2 after 3: promise 3.2 first=1 end=none votes=1:2.3:b\n"
     "leader none\n"},
    {"an acceptor needs to remember only the highest-numbered proposal that it has ever accepted "
     "and the number of the highest-numbered prepare request to which it has responded. ... an "
     "acceptor must remember this information even if it fails and then restarts.",
     "record accept 1 1.2 a; record accept 1 2.3 b; record promise 3.2; start",
     "from 3 prepare 3.1 first=1; from 3 prepare 4.3 first=1",
     "append 1 promise 4.3\nsend 3 after 1: promise 4.3 first=1 end=none votes=1:2.3:b\n"},
    {"it would be a good idea to inform the proposer, who should then abandon its proposal",
     "record promise 3.2; start", "from 3 prepare 2.3 first=1",
     "send 3: preempted 2.3 promised=3.2\n"},
};

Test(paper, the_acceptor)
{
    EXPECT_ALL(requirements);
}

static const struct expectation proposers[] = {
    {"Phase 1 (a) A proposer selects a proposal number n and sends a prepare request with number n "
     "to a majority of acceptors.",
     "start; tick 20", "from 2 prevote-answer 1.1 granted",
     "append 1 promise 1.1\nsend 2 after 1: prepare 1.1 first=1\n"
     "send 3 after 1: prepare 1.1 first=1\n"},
    {"P2c. ... or v is the value of the highest-numbered proposal among all proposals numbered "
     "less "
     "than n accepted by the acceptors in S.",
     "record accept 1 1.2 low; start; tick 20; from 2 prevote-answer 2.1 granted promised=3.3;"
     "flush",
     "from 2 promise 4.1 first=1 end=none votes=1:3.3:high",
     "append 2 accept 1 4.1 high\nsend 2: accept 4.1 values=1:high\n"
     "send 3: accept 4.1 values=1:high\nsend 2: heartbeat 4.1\nsend 3: heartbeat 4.1\n"
     "leader 1 ballot 4.1\n"},
    {"... or is any value if the responses reported no proposals.", LEADER, "propose anything",
     "append 4 accept 2 1.1 anything\nsend 2: accept 1.1 values=2+anything chosen=2\n"
     "send 3: accept 1.1 values=2+anything chosen=2\n"},
    {"Phase 2 (a) If the proposer receives a response to its prepare requests from a majority of "
     "acceptors, then it sends an accept request to each of those acceptors: not before.",
     "config voters=1,2,3,4,5; start; tick 20; from 2 prevote-answer 1.1 granted;"
     "from 3 prevote-answer 1.1 granted; flush",
     "from 2 promise 1.1 first=1 end=none", ""},
};

Test(paper, the_proposer)
{
    EXPECT_ALL(proposers);
}

Test(paper, different_proposers_choose_their_numbers_from_disjoint_sets)
{
    /* "... so two different proposers never issue a proposal with the same number." */
    struct ballot seen[3];
    for (int self = 1; self <= 3; self++) {
        struct script s;
        char lines[160];
        int other = self % 3 + 1;
        script_init(&s);
        snprintf(lines, sizeof(lines),
                 "config self=%d; start; tick 20; from %d prevote-answer 1.%d granted", self, other,
                 self);
        script_run(&s, lines);
        seen[self - 1] = paxos_promised(s.core);
        script_deinit(&s);
    }
    cr_assert(!ballot_equal(seen[0], seen[1]));
    cr_assert(!ballot_equal(seen[1], seen[2]));
    cr_assert(!ballot_equal(seen[0], seen[2]));
    cr_assert(seen[0].round == 1 && seen[1].round == 1 && seen[2].round == 1);
}

Test(paper, a_proposer_begins_its_next_phase_1_with_a_higher_number_than_any_it_has_used)
{
    /* "Each proposer remembers (in stable storage) the highest-numbered proposal it has tried" */
    struct script s;
    script_init(&s);
    const char *trace = script_run(&s, "record promise 6.1; start; tick 20;"
                                       "from 2 prevote-answer 7.1 granted");
    cr_assert(strstr(trace, "append 1 promise 7.1\n") != NULL);
    script_deinit(&s);
}

static const struct expectation learners[] = {
    {"To learn that a value has been chosen, a learner must find out that a proposal has been "
     "accepted by a majority of acceptors.",
     LEADER "; propose a; flush", "from 2 accepted 1.1 slots=2",
     "append 5 chosen 3\nlearned 2 a cookie=1\n"},
    {"... the acceptors respond with their acceptances to a distinguished learner, which in turn "
     "informs the other learners when a value has been chosen.",
     LEADER "; propose a; flush; from 2 accepted 1.1 slots=2", "announce",
     "send 2: chosen 1.1 chosen=3\nsend 3: chosen 1.1 chosen=3\n"},
    {"Because of message loss, a value could be chosen with no learner ever finding out: then it "
     "can have a proposer issue a proposal.",
     "record accept 1 1.2 a; start; tick 20; from 3 prevote-answer 2.1 granted; flush",
     "from 3 promise 2.1 first=1 end=none",
     "append 2 accept 1 2.1 a\nsend 2: accept 2.1 values=1:a\nsend 3: accept 2.1 values=1:a\n"
     "send 2: heartbeat 2.1\nsend 3: heartbeat 2.1\nleader 1 ballot 2.1\n"},
};

Test(paper, the_learner)
{
    EXPECT_ALL(learners);
}
