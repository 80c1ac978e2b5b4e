/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proposer: phase 1 and what it finds, phase 2 and who counts, refusals, the window. */
#include "tests/unit/consensus/expect.h"

/* Prepared under 2.1, own promise durable; own vote `mine` in slot 2 under 1.1. */
#define PREPARING                                                                                  \
    "record promise 1.1; record accept 2 1.1 mine; start; tick 20;"                                \
    "from 2 prevote-answer 2.1 granted; flush"

static const struct expectation preparations[] = {
    {"the prepare leaves after the own promise is durable, and asks from chosen_end on",
     "base 4; start; tick 20", "from 3 prevote-answer 1.1 granted",
     "append 1 promise 1.1\nsend 2 after 1: prepare 1.1 first=5 chosen=5\n"
     "send 3 after 1: prepare 1.1 first=5 chosen=5\n"},
    {"the round is above every round ever seen", "record promise 7.3; start; tick 20",
     "from 3 prevote-answer 8.1 granted promised=9.2",
     "append 1 promise 10.1\nsend 2 after 1: prepare 10.1 first=1\n"
     "send 3 after 1: prepare 10.1 first=1\n"},
    {"the own promise counts only when it is durable",
     "start; tick 20; from 2 prevote-answer 1.1 granted", "from 2 promise 1.1 first=1 end=none",
     ""},
    {"a promise for another ballot does not count", PREPARING,
     "from 2 promise 1.1 first=1 end=none", ""},
    {"one part of a promise does not count", PREPARING, "from 2 promise 2.1 first=1 end=3", ""},
    {"a part without those before it does not count", PREPARING,
     "from 2 promise 2.1 first=3 end=none", ""},
    {"a repeated prepare asks only for the missing parts",
     PREPARING "; from 2 promise 2.1 first=1 end=3", "tick 3",
     "send 2 after 1: prepare 2.1 first=3\nsend 3 after 1: prepare 2.1 first=1\n"},
    {"a promise with votes beyond the window counts for the window, and all gaps are filled",
     "config window=2 capacity=2;" PREPARING,
     "from 2 promise 2.1 first=1 end=none votes=2:1.2:near,3:1.2:far",
     "append 2 accept 1 2.1 -\nappend 3 accept 2 2.1 near\n"
     "send 2: accept 2.1 values=1:-,2:near\nsend 3: accept 2.1 values=1:-,2:near\n"
     "send 2: heartbeat 2.1\nsend 3: heartbeat 2.1\nleader 1 ballot 2.1\n"},
    {"nothing new is proposed then",
     "config window=2 capacity=2;" PREPARING
     "; from 2 promise 2.1 first=1 end=none votes=2:1.2:near,3:1.2:far",
     "propose new", "lost cookie=1 slot=0\n"},
    {"and phase 1 comes again for the rest, when the window is applied",
     "config window=2 capacity=2;" PREPARING
     "; from 2 promise 2.1 first=1 end=none votes=2:1.2:near,3:1.2:far; flush;"
     "from 2 accepted 2.1 slots=1,2; applied 2",
     "tick 1",
     "append 5 promise 3.1\nsend 2 after 5: prepare 3.1 first=3 chosen=3\n"
     "send 3 after 5: prepare 3.1 first=3 chosen=3\nleader none\n"},
    {"a promise that knows more chosen slots: they are learned first", PREPARING,
     "from 2 promise 2.1 first=1 end=none chosen=3; from 2 learn values=1:a,2:b chosen=3",
     "send 2: catch-up first=1\n"
     "append 2 accept 1 chosen a\nappend 3 accept 2 chosen b\nappend 4 accept 3 2.1 -\n"
     "append 5 chosen 3\n"
     "send 2: accept 2.1 values=3:- chosen=3\nsend 3: accept 2.1 values=3:- chosen=3\n"
     "send 2: heartbeat 2.1 chosen=3\nsend 3: heartbeat 2.1 chosen=3\n"
     "learned 1 a\nlearned 2 b\nleader 1 ballot 2.1\n"},
    {"a higher ballot ends it", PREPARING, "from 3 preempted 2.1 promised=5.3", ""},
    {"and the next round is above that one",
     PREPARING "; from 3 preempted 2.1 promised=5.3; tick 20", "from 2 prevote-answer 6.1 granted",
     "append 2 promise 6.1\nsend 2 after 2: prepare 6.1 first=1\n"
     "send 3 after 2: prepare 6.1 first=1\n"},
};

Test(proposer, phase_1)
{
    EXPECT_ALL(preparations);
}

static const struct expectation recoveries[] = {
    {"own votes are proposed again under the new ballot, gaps get no-ops, none of it fresh",
     PREPARING, "from 2 promise 2.1 first=1 end=none",
     "append 2 accept 1 2.1 -\nappend 3 accept 2 2.1 mine\n"
     "send 2: accept 2.1 values=1:-,2:mine\nsend 3: accept 2.1 values=1:-,2:mine\n"
     "send 2: heartbeat 2.1\nsend 3: heartbeat 2.1\nleader 1 ballot 2.1\n"},
    {"the highest ballot wins: theirs over ours", PREPARING,
     "from 2 promise 2.1 first=1 end=none votes=2:1.2:theirs",
     "append 2 accept 1 2.1 -\nappend 3 accept 2 2.1 theirs\n"
     "send 2: accept 2.1 values=1:-,2:theirs\nsend 3: accept 2.1 values=1:-,2:theirs\n"
     "send 2: heartbeat 2.1\nsend 3: heartbeat 2.1\nleader 1 ballot 2.1\n"},
    {"the highest ballot wins: ours over theirs",
     "record accept 1 3.3 ours; start; tick 20; from 2 prevote-answer 4.1 granted; flush",
     "from 2 promise 4.1 first=1 end=none votes=1:2.2:theirs",
     "append 2 accept 1 4.1 ours\n"
     "send 2: accept 4.1 values=1:ours\nsend 3: accept 4.1 values=1:ours\n"
     "send 2: heartbeat 4.1\nsend 3: heartbeat 4.1\nleader 1 ballot 4.1\n"},
    {"of several promises, the highest vote wins whatever came first",
     "config voters=1,2,3,4,5; record promise 3.1; start; tick 20;"
     "from 2 prevote-answer 4.1 granted; from 3 prevote-answer 4.1 granted; flush;"
     "from 2 promise 4.1 first=1 end=none votes=1:3.3:high",
     "from 4 promise 4.1 first=1 end=none votes=1:2.2:low",
     "append 2 accept 1 4.1 high\n"
     "send 2: accept 4.1 values=1:high\nsend 3: accept 4.1 values=1:high\n"
     "send 4: accept 4.1 values=1:high\nsend 5: accept 4.1 values=1:high\n"
     "send 2: heartbeat 4.1\nsend 3: heartbeat 4.1\nsend 4: heartbeat 4.1\n"
     "send 5: heartbeat 4.1\nleader 1 ballot 4.1\n"},
    {"a vote for what is chosen already wins over every ballot", PREPARING,
     "from 2 promise 2.1 first=1 end=none votes=2:chosen:fact",
     "append 2 accept 1 2.1 -\nappend 3 accept 2 2.1 fact\n"
     "send 2: accept 2.1 values=1:-,2:fact\nsend 3: accept 2.1 values=1:-,2:fact\n"
     "send 2: heartbeat 2.1\nsend 3: heartbeat 2.1\nleader 1 ballot 2.1\n"},
    {"with nothing found, a no-op goes into the next slot",
     "start; tick 20; from 2 prevote-answer 1.1 granted; flush",
     "from 2 promise 1.1 first=1 end=none",
     "append 2 accept 1 1.1 -\nsend 2: accept 1.1 values=1:-\nsend 3: accept 1.1 values=1:-\n"
     "send 2: heartbeat 1.1\nsend 3: heartbeat 1.1\nleader 1 ballot 1.1\n"},
    {"proposals are lost before the leader is ready",
     "start; tick 20; from 2 prevote-answer 1.1 granted; flush;"
     "from 2 promise 1.1 first=1 end=none",
     "propose a", "lost cookie=1 slot=0\n"},
    {"it is ready when what it recovered is chosen",
     "start; tick 20; from 2 prevote-answer 1.1 granted; flush;"
     "from 2 promise 1.1 first=1 end=none; flush",
     "from 2 accepted 1.1 slots=1", "append 3 chosen 2\nlearned 1 -\nleader 1 ballot 1.1 ready\n"},
};

Test(proposer, recovery)
{
    EXPECT_ALL(recoveries);
}

static const struct expectation proposals[] = {
    {"a proposal is recorded and sent at once; the flushes run side by side", LEADER, "propose a",
     "append 4 accept 2 1.1 a\nsend 2: accept 1.1 values=2+a chosen=2\n"
     "send 3: accept 1.1 values=2+a chosen=2\n"},
    {"all that waits travels in one message, up to the batch limit", LEADER, "propose a b c d e",
     "append 4 accept 2 1.1 a\nappend 5 accept 3 1.1 b\nappend 6 accept 4 1.1 c\n"
     "append 7 accept 5 1.1 d\nappend 8 accept 6 1.1 e\n"
     "send 2: accept 1.1 values=2+a,3+b,4+c,5+d chosen=2\n"
     "send 3: accept 1.1 values=2+a,3+b,4+c,5+d chosen=2\n"
     "send 2: accept 1.1 values=6+e chosen=2\nsend 3: accept 1.1 values=6+e chosen=2\n"},
    {"what the window has no room for is lost at once", LEADER, "propose a b c d e f g h i",
     "append 4 accept 2 1.1 a\nappend 5 accept 3 1.1 b\nappend 6 accept 4 1.1 c\n"
     "append 7 accept 5 1.1 d\nappend 8 accept 6 1.1 e\nappend 9 accept 7 1.1 f\n"
     "append 10 accept 8 1.1 g\nappend 11 accept 9 1.1 h\n"
     "send 2: accept 1.1 values=2+a,3+b,4+c,5+d chosen=2\n"
     "send 3: accept 1.1 values=2+a,3+b,4+c,5+d chosen=2\n"
     "send 2: accept 1.1 values=6+e,7+f,8+g,9+h chosen=2\n"
     "send 3: accept 1.1 values=6+e,7+f,8+g,9+h chosen=2\nlost cookie=9 slot=0\n"},
    {"a follower proposes nothing", FOLLOWER, "propose a", "lost cookie=1 slot=0\n"},
    {"one other vote and the own durable one are a quorum", LEADER "; propose a; flush",
     "from 3 accepted 1.1 slots=2", "append 5 chosen 3\nlearned 2 a cookie=1\n"},
    {"the own vote does not count before it is durable", LEADER "; propose a",
     "from 3 accepted 1.1 slots=2", ""},
    {"two other votes are a quorum, and wait for the own flush all the same", LEADER "; propose a",
     "from 2 accepted 1.1 slots=2 chosen=2; from 3 accepted 1.1 slots=2 chosen=2", ""},
    {"which settles it",
     LEADER "; propose a; from 2 accepted 1.1 slots=2 chosen=2;"
            "from 3 accepted 1.1 slots=2 chosen=2",
     "flush", "append 5 chosen 3\nlearned 2 a cookie=1\n"},
    {"the same voter twice is one vote", LEADER "; propose a",
     "from 3 accepted 1.1 slots=2; from 3 accepted 1.1 slots=2", ""},
    {"a vote in another ballot does not count", LEADER "; propose a; flush",
     "from 3 accepted 7.1 slots=2", ""},
    {"a vote for a slot that was not proposed does not count", LEADER "; propose a; flush",
     "from 3 accepted 1.1 slots=3", ""},
    {"chosen out of order, learned in order", LEADER "; propose a b; flush",
     "from 3 accepted 1.1 slots=3; from 2 accepted 1.1 slots=2",
     "append 6 chosen 4\nlearned 2 a cookie=1\nlearned 3 b cookie=2\n"},
    {"a vote of a learner does not count",
     "config voters=1,2 learners=3;" LEADER "; propose a; flush", "from 3 accepted 1.1 slots=2",
     ""},
    {"what is not answered is sent again, to those who did not answer",
     LEADER "; from 2 heartbeat-answer 1.1 granted; propose a; from 3 accepted 1.1 slots=2; tick 1",
     "tick 2",
     "send 2: heartbeat 1.1 chosen=2\nsend 3: heartbeat 1.1 chosen=2\n"
     "send 2: accept 1.1 values=2+a chosen=2\n"},
    {"what was chosen is told at the end of the turn, once",
     LEADER "; propose a; flush; from 3 accepted 1.1 slots=2", "announce; announce",
     "send 2: chosen 1.1 chosen=3\nsend 3: chosen 1.1 chosen=3\n"},
};

Test(proposer, phase_2)
{
    EXPECT_ALL(proposals);
}

static const struct expectation refusals[] = {
    {"refused by one: the others may still be a quorum", LEADER "; propose a; flush",
     "from 2 refused 1.1 slots=2; from 3 accepted 1.1 slots=2",
     "append 5 chosen 3\nlearned 2 a cookie=1\n"},
    {"refused by a majority: a higher ballot, at once, and the proposal is lost",
     LEADER "; propose a; flush", "from 2 refused 1.1 slots=2; from 3 refused 1.1 slots=2",
     "append 5 promise 2.1\nsend 2 after 5: prepare 2.1 first=2 chosen=2\n"
     "send 3 after 5: prepare 2.1 first=2 chosen=2\nlost cookie=1 slot=2 refused\nleader none\n"},
    {"what it recovers then is the same value, not fresh any more",
     LEADER "; propose a; flush; from 2 refused 1.1 slots=2; from 3 refused 1.1 slots=2; flush",
     "from 2 promise 2.1 first=2 end=none chosen=2",
     "append 6 accept 2 2.1 a\nsend 2: accept 2.1 values=2:a chosen=2\n"
     "send 3: accept 2.1 values=2:a chosen=2\nsend 2: heartbeat 2.1 chosen=2\n"
     "send 3: heartbeat 2.1 chosen=2\nleader 1 ballot 2.1\n"},
    {"other proposals keep their cookies over the higher ballot",
     LEADER "; propose a b; flush; from 2 refused 1.1 slots=2; from 3 refused 1.1 slots=2; flush;"
            "from 2 promise 2.1 first=2 end=none chosen=2; flush",
     "from 2 accepted 2.1 slots=2,3",
     "append 9 chosen 4\nlearned 2 a\nlearned 3 b cookie=2\nleader 1 ballot 2.1 ready\n"},
    {"a late refusal of a lower ballot is ignored",
     LEADER "; propose a; flush; from 2 refused 1.1 slots=2; from 3 refused 1.1 slots=2; flush;"
            "from 2 promise 2.1 first=2 end=none chosen=2",
     "from 3 refused 1.1 slots=2; from 2 refused 1.1 slots=2", ""},
};

Test(proposer, refusals)
{
    EXPECT_ALL(refusals);
}

Test(proposer, refused_by_one_while_the_other_is_silent_takes_a_higher_ballot_in_time)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER "; propose a; flush; from 2 refused 1.1 slots=2");
    bool found = false;
    for (int i = 0; i < 12 && !found; i++) {
        const char *trace = script_run(&s, "tick; from 2 heartbeat-answer 1.1 granted");
        found = strstr(trace, "lost cookie=1 slot=2 refused\n") != NULL &&
                strstr(trace, "promise 2.1") != NULL;
    }
    cr_assert(found);
    script_deinit(&s);
}

static const struct expectation depositions[] = {
    {"a higher prepare deposes: cookies are lost, the promise is given", LEADER "; propose a b",
     "from 3 prepare 2.3 first=2 chosen=2",
     "append 6 promise 2.3\n"
     "send 3 after 6: promise 2.3 first=2 end=none votes=2:1.1:a,3:1.1:b chosen=2\n"
     "lost cookie=1 slot=2\nlost cookie=2 slot=3\nleader none\n"},
    {"preempted deposes", LEADER "; propose a", "from 3 preempted 1.1 promised=2.3",
     "lost cookie=1 slot=2\nleader none\n"},
    {"preempted with a lower or equal ballot says nothing new", LEADER "; propose a",
     "from 3 preempted 1.1 promised=1.1", ""},
    {"a higher leader deposes, and its value replaces the vote", LEADER "; propose a",
     "from 3 accept 2.3 values=2:b chosen=2",
     "append 5 accept 2 2.3 b\nsend 3 after 5: accepted 2.3 slots=2 chosen=2\n"
     "lost cookie=1 slot=2\nleader 3 ballot 2.3\n"},
    {"a deposed leader counts no late votes",
     LEADER "; propose a; flush; from 3 preempted 1.1 promised=2.3", "from 2 accepted 1.1 slots=2",
     ""},
    {"a leader that learns another value than its own was overtaken", LEADER "; propose a",
     "from 3 learn values=2:b chosen=3",
     "append 5 accept 2 chosen b\nappend 6 chosen 3\nlearned 2 b\nlost cookie=1 slot=2\n"
     "leader none\n"},
};

Test(proposer, deposed)
{
    EXPECT_ALL(depositions);
}

Test(proposer, a_cluster_of_one_needs_no_network)
{
    static const struct expectation alone[] = {
        {"it prepares by itself", "config voters=1; start; tick 9",
         "tick 11; flush; flush; applied 1; propose a; flush",
         "append 1 promise 1.1\nappend 2 accept 1 1.1 -\nleader 1 ballot 1.1\n"
         "append 3 chosen 2\nlearned 1 -\nleader 1 ballot 1.1 ready\n"
         "append 4 accept 2 1.1 a\nappend 5 chosen 3\nlearned 2 a cookie=1\n"},
    };
    EXPECT_ALL(alone);
}
