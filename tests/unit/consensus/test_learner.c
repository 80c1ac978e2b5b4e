/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The learner: chosen marks, values from others, delivery in order, catch-up, recovery. */
#include "tests/unit/consensus/expect.h"

static const struct expectation marks[] = {
    {"told that its vote of the leader's ballot is chosen, it has learned the value",
     FOLLOWER "; from 2 accept 1.2 values=1:a,2:b", "from 2 chosen 1.2 chosen=2",
     "append 3 chosen 2\nlearned 1 a\n"},
    {"the mark travels with the next accept", FOLLOWER "; from 2 accept 1.2 values=1:a",
     "from 2 accept 1.2 values=2:b chosen=2",
     "append 2 accept 2 1.2 b\nappend 3 chosen 2\nsend 2 after 2: accepted 1.2 slots=2\n"
     "learned 1 a\n"},
    {"a vote in another ballot may be another value: it asks",
     FOLLOWER "; from 2 accept 1.2 values=1:a", "from 3 heartbeat 2.3 chosen=2",
     "send 3: heartbeat-answer 2.3 granted\nsend 3: catch-up first=1\nleader 3 ballot 2.3\n"},
    {"without a vote it asks", FOLLOWER, "from 2 heartbeat 1.2 chosen=3",
     "send 2: heartbeat-answer 1.2 granted\nsend 2: catch-up first=1\n"},
    {"it asks once in a while, not at every word", FOLLOWER "; from 2 heartbeat 1.2 chosen=3",
     "from 2 chosen 1.2 chosen=4", ""},
    {"and again when time has passed", FOLLOWER "; from 2 heartbeat 1.2 chosen=3; tick 3",
     "from 2 chosen 1.2 chosen=4", "send 2: catch-up first=1\n"},
    {"the mark of a deposed leader is not believed", "record promise 2.3; start",
     "from 2 chosen 1.2 chosen=2",
     "send 2: preempted 1.2 promised=2.3\nsend 2: catch-up first=1\n"},
    {"a learner learns the same way", "config voters=2,3 learners=1; start",
     "from 2 chosen 1.2 chosen=2; from 2 learn values=1:a chosen=2",
     "send 2: catch-up first=1\nleader 2 ballot 1.2\n"
     "append 1 accept 1 chosen a\nappend 2 chosen 2\nlearned 1 a\n"},
};

Test(learner, chosen_marks)
{
    EXPECT_ALL(marks);
}

static const struct expectation learns[] = {
    {"learned values are recorded as chosen, not as votes", FOLLOWER,
     "from 3 learn values=1:a,2:b chosen=3",
     "append 1 accept 1 chosen a\nappend 2 accept 2 chosen b\nappend 3 chosen 3\n"
     "learned 1 a\nlearned 2 b\n"},
    {"a vote with the same value needs no second record", FOLLOWER "; from 2 accept 1.2 values=1:a",
     "from 3 learn values=1:a chosen=2", "append 2 chosen 2\nlearned 1 a\n"},
    {"a vote with another value is replaced", FOLLOWER "; from 2 accept 1.2 values=1:a",
     "from 3 learn values=1:b chosen=2",
     "append 2 accept 1 chosen b\nappend 3 chosen 2\n"
     "learned 1 b\n"},
    {"out of order nothing is taken", FOLLOWER, "from 3 learn values=2:b chosen=1", ""},
    {"and asked for", FOLLOWER, "from 3 learn values=2:b chosen=3", "send 3: catch-up first=1\n"},
    {"what is known is skipped", "base 1; start", "from 3 learn values=1:x,2:b chosen=3",
     "append 1 accept 2 chosen b\nappend 2 chosen 3\nlearned 2 b\n"},
    {"while there is more, it asks on at once", FOLLOWER "; from 2 heartbeat 1.2 chosen=5",
     "from 2 learn values=1:a chosen=5",
     "append 1 accept 1 chosen a\nappend 2 chosen 2\nsend 2: catch-up first=2 chosen=2\n"
     "learned 1 a\n"},
    {"beyond the window it waits for what is applied", "config capacity=2 window=2; start",
     "from 2 learn values=1:a,2:b,3:c chosen=4",
     "append 1 accept 1 chosen a\nappend 2 accept 2 chosen b\nappend 3 chosen 3\n"
     "learned 1 a\nlearned 2 b\n"},
    {"a slot that is not applied is not learned twice",
     FOLLOWER "; from 3 learn values=1:a chosen=2", "from 2 learn values=1:a chosen=2", ""},
};

Test(learner, learn)
{
    EXPECT_ALL(learns);
}

static const struct expectation requests[] = {
    {"slots that are still held go from the core",
     LEADER "; propose a b; flush;"
            "from 2 accepted 1.1 slots=2,3",
     "from 3 catch-up first=2", "send 3: learn values=2:a,3:b chosen=4\n"},
    {"applied ones are a range for the shell",
     LEADER "; propose a b; flush;"
            "from 2 accepted 1.1 slots=2,3; applied 2",
     "from 3 catch-up first=1", "range 3 [1, 3)\n"},
    {"what nobody chose yet cannot be had", LEADER, "from 3 catch-up first=2 chosen=2", ""},
    {"a follower answers as well", "base 4; start", "from 3 catch-up first=2", "range 3 [2, 5)\n"},
    {"one message at most, the asker asks on",
     "config batch=2;" LEADER "; propose a b c; flush; from 2 accepted 1.1 slots=2,3,4",
     "from 3 catch-up first=2", "send 3: learn values=2:a,3:b chosen=5\n"},
    {"a stranger gets nothing", "base 4; start", "from 7 catch-up first=2", ""},
};

Test(learner, catch_up)
{
    EXPECT_ALL(requests);
}

static const struct expectation restarts[] = {
    {"votes and promise come back from the journal",
     "record promise 1.2; record accept 1 1.2 a; record accept 1 2.3 b; start seq=4",
     "from 2 prepare 2.2 first=1; from 2 prepare 3.2 first=1",
     "send 2: preempted 2.2 promised=2.3\n"
     "append 4 promise 3.2\nsend 2 after 4: promise 3.2 first=1 end=none votes=1:2.3:b\n"},
    {"chosen slots come back without a peer, the shell applies them from the core",
     "base 2; record accept 3 1.2 c; record accept 4 1.2 d; record chosen 4; restored 3; start",
     "from 2 heartbeat 1.2 chosen=5",
     "append 1 chosen 5\nsend 2: heartbeat-answer 1.2 granted chosen=5\nlearned 4 d\n"
     "leader 2 ballot 1.2\n"},
    {"what the store holds already is not restored", "base 2; record accept 1 1.2 a; start",
     "from 2 prepare 3.2 first=1",
     "append 1 promise 3.2\nsend 2 after 1: promise 3.2 first=1 end=none chosen=3\n"},
    {"a value learned as chosen is chosen after a restart, even if its mark was lost",
     "record accept 1 chosen a; start", "tick 1", "append 1 chosen 2\nlearned 1 a\n"},
    {"a value learned as chosen is no vote: it raises no promise",
     "record accept 1 chosen a; start", "from 2 prepare 1.2 first=1",
     "append 1 promise 1.2\nappend 2 chosen 2\n"
     "send 2 after 1: promise 1.2 first=1 end=none votes=1:chosen:a\nlearned 1 a\n"},
    {"a chosen mark without its record is damage", "record accept 1 1.2 a", "record chosen 3",
     "does not fit\n"},
    {"a vote beyond the window is damage", "config capacity=2 window=2", "record accept 3 1.2 a",
     "does not fit\n"},
    {"a snapshot replaces what lies below it and keeps votes above",
     FOLLOWER "; from 2 accept 1.2 values=1:a,3:c", "installed 2; from 3 prepare 2.3 first=1",
     "append 3 chosen 3\nappend 4 promise 2.3\n"
     "send 3 after 4: promise 2.3 first=1 end=none votes=3:1.2:c chosen=3\nleader none\n"},
    {"a snapshot of what the journal has as chosen: the state has it, and is not told of it",
     "record accept 1 chosen a; record accept 2 chosen b; record accept 3 chosen c; start",
     "installed 2 voters=1,2,4", "append 1 chosen 4\nlearned 3 c\n"},
    {"an older snapshot changes nothing", "base 5; start", "installed 3", ""},
};

Test(learner, restart)
{
    EXPECT_ALL(restarts);
}
