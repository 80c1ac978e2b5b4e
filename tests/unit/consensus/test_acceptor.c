/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The acceptor: every line of prepare and accept, by ballot, vote and opinion. */
#include "tests/unit/consensus/expect.h"

static const struct expectation prepares[] = {
    {"a prepare below the promise is preempted, with the higher ballot, at once", ACCEPTOR,
     "from 2 prepare 2.2 first=1", "send 2: preempted 2.2 promised=3.2\n"},
    {"the same round of a lower replica is below, too", "record promise 3.3; start",
     "from 2 prepare 3.2 first=1", "send 2: preempted 3.2 promised=3.3\n"},
    {"a vote was a promise also where the store holds the slot by now",
     "base 5; record accept 5 3.2 e; start", "from 3 prepare 2.3 first=6",
     "send 3: preempted 2.3 promised=3.2 chosen=6\n"},
    {"an equal prepare is promised again, without a new record", ACCEPTOR,
     "from 2 prepare 3.2 first=1", "send 2: promise 3.2 first=1 end=none votes=1:2.3:old\n"},
    {"a higher prepare is promised after its record is durable, with every vote", ACCEPTOR,
     "from 3 prepare 4.3 first=1",
     "append 1 promise 4.3\nsend 3 after 1: promise 4.3 first=1 end=none votes=1:2.3:old\n"},
    {"asked again before the flush, the answer still waits for the record", ACCEPTOR,
     "from 3 prepare 4.3 first=1; from 3 prepare 4.3 first=1",
     "append 1 promise 4.3\nsend 3 after 1: promise 4.3 first=1 end=none votes=1:2.3:old\n"
     "send 3 after 1: promise 4.3 first=1 end=none votes=1:2.3:old\n"},
    {"votes below slot_first are not asked for", ACCEPTOR, "from 3 prepare 4.3 first=2",
     "append 1 promise 4.3\nsend 3 after 1: promise 4.3 first=2 end=none\n"},
    {"a vote that waits for its flush is in the promise, which waits for both",
     "start; from 2 accept 1.2 values=1:a,3:c", "from 3 prepare 2.3 first=1",
     "append 3 promise 2.3\n"
     "send 3 after 3: promise 2.3 first=1 end=none votes=1:1.2:a,3:1.2:c\nleader none\n"},
    {"a promise above the batch limit is split, and each part but the last says so",
     "config batch=2; start; from 2 accept 1.2 values=1:a,2:b,4:d; from 2 accept 1.2 values=5:e",
     "from 3 prepare 2.3 first=1",
     "append 5 promise 2.3\n"
     "send 3 after 5: promise 2.3 first=1 end=4 votes=1:1.2:a,2:1.2:b\n"
     "send 3 after 5: promise 2.3 first=4 end=none votes=4:1.2:d,5:1.2:e\nleader none\n"},
    {"the limit in bytes splits as well, but a large value travels alone",
     "config bytes=4; start; from 2 accept 1.2 values=1:aaa,2:bbb,3:cccccc",
     "from 3 prepare 2.3 first=1",
     "append 4 promise 2.3\n"
     "send 3 after 4: promise 2.3 first=1 end=2 votes=1:1.2:aaa\n"
     "send 3 after 4: promise 2.3 first=2 end=3 votes=2:1.2:bbb\n"
     "send 3 after 4: promise 2.3 first=3 end=none votes=3:1.2:cccccc\nleader none\n"},
    {"chosen slots are left out: chosen_end speaks for them",
     "record accept 1 1.2 a; record accept 2 1.2 b; record chosen 2; restored 1; start",
     "from 3 prepare 2.3 first=1",
     "append 1 promise 2.3\nsend 3 after 1: promise 2.3 first=1 end=none votes=2:1.2:b chosen=2\n"},
    {"a replica with a damaged journal answers no prepare", "start silent",
     "from 3 prepare 4.3 first=1", ""},
    {"a learner answers no prepare", "config voters=2,3 learners=1; start",
     "from 3 prepare 4.3 first=1", ""},
    {"a prepare under a ballot that the sender does not own is ignored", ACCEPTOR,
     "from 3 prepare 4.2 first=1", ""},
    {"a prepare of a stranger is ignored", ACCEPTOR, "from 5 prepare 4.5 first=1", ""},
};

Test(acceptor, prepare)
{
    EXPECT_ALL(prepares);
}

static const struct expectation accepts[] = {
    {"an accept below the promise is preempted, and no vote", ACCEPTOR,
     "from 2 accept 2.2 values=2:new", "send 2: preempted 2.2 promised=3.2\n"},
    {"an accept at the promise is voted for, after its record is durable", ACCEPTOR,
     "from 2 accept 3.2 values=2:new",
     "append 1 accept 2 3.2 new\nsend 2 after 1: accepted 3.2 slots=2\nleader 2 ballot 3.2\n"},
    {"an accept above the promise raises it: what lies between is preempted afterwards", ACCEPTOR,
     "from 3 accept 5.3 values=2:new; from 2 prepare 4.2 first=1",
     "append 1 accept 2 5.3 new\nsend 3 after 1: accepted 5.3 slots=2\nleader 3 ballot 5.3\n"
     "send 2: preempted 4.2 promised=5.3\n"},
    {"a vote is replaced by one in a higher ballot", ACCEPTOR, "from 2 accept 3.2 values=1:new",
     "append 1 accept 1 3.2 new\nsend 2 after 1: accepted 3.2 slots=1\nleader 2 ballot 3.2\n"},
    {"a duplicate is accepted again without a record", FOLLOWER "; from 2 accept 1.2 values=1:a",
     "from 2 accept 1.2 values=1:a", "send 2 after 1: accepted 1.2 slots=1\n"},
    {"another value under a ballot that has a vote is ignored",
     FOLLOWER "; from 2 accept 1.2 values=1:a", "from 2 accept 1.2 values=1:b", ""},
    {"a run of slots with a gap is one answer", FOLLOWER, "from 2 accept 1.2 values=1:a,3:c",
     "append 1 accept 1 1.2 a\nappend 2 accept 3 1.2 c\nsend 2 after 2: accepted 1.2 slots=1,3\n"},
    {"a slot beyond the window gets no answer", FOLLOWER, "from 2 accept 1.2 values=16:a,17:b",
     "append 1 accept 16 1.2 a\nsend 2 after 1: accepted 1.2 slots=16\n"},
    {"a slot that is known to be chosen gets no vote; the answer says how far we know",
     "base 5; start", "from 2 accept 1.2 values=5:a chosen=5",
     "send 2: accepted 1.2 chosen=6\nleader 2 ballot 1.2\n"},
    {"a fresh proposal that the rules refuse is refused", FOLLOWER,
     "from 2 accept 1.2 values=1!a,2+b",
     "append 1 accept 2 1.2 b\nsend 2 after 1: accepted 1.2 slots=2\n"
     "send 2: refused 1.2 slots=1\n"},
    {"a refusal promises nothing: the ballot between is still promised", ACCEPTOR,
     "from 3 accept 5.3 values=2!new; from 2 prepare 4.2 first=2",
     "send 3: refused 5.3 slots=2\nleader 3 ballot 5.3\n"
     "append 1 promise 4.2\nsend 2 after 1: promise 4.2 first=2 end=none\n"},
    {"a fresh proposal that cannot be judged yet gets no answer", FOLLOWER,
     "from 2 accept 1.2 values=1?a", ""},
    {"and is voted for when it comes again and is good", FOLLOWER "; from 2 accept 1.2 values=1?a",
     "from 2 accept 1.2 values=1+a",
     "append 1 accept 1 1.2 a\nsend 2 after 1: accepted 1.2 slots=1\n"},
    {"what was voted for is not refused later", FOLLOWER "; from 2 accept 1.2 values=1+a",
     "from 2 accept 1.2 values=1!a", "send 2 after 1: accepted 1.2 slots=1\n"},
    {"a replica with a damaged journal votes for nothing, but follows", "start silent",
     "from 2 accept 1.2 values=1:a", "leader 2 ballot 1.2\n"},
    {"a learner votes for nothing", "config voters=2,3 learners=1; start",
     "from 2 accept 1.2 values=1:a", "leader 2 ballot 1.2\n"},
    {"an accept of a learner is ignored", "config voters=1,2 learners=3; start",
     "from 3 accept 1.3 values=1:a", ""},
};

Test(acceptor, accept)
{
    EXPECT_ALL(accepts);
}

Test(acceptor, a_recovered_value_is_never_refused)
{
    /* The language cannot say "recovered and refused": the shell's opinion is handed in by hand. */
    struct script s;
    script_init(&s);
    script_run(&s, FOLLOWER);
    uint8_t refused = PAXOS_OPINION_REFUSED;
    struct blob *value = blob_new(bytes_of_string("a"));
    struct paxos_entry entry = {.slot = 1, .value = value, .fresh = false};
    struct paxos_message accept = {.type = PAXOS_ACCEPT,
                                   .ballot = {1, 2},
                                   .chosen_end = 1,
                                   .entries = &entry,
                                   .entry_count = 1};
    writer_reset(&s.out);
    script_step(
        &s, &(struct paxos_event){
                .type = PAXOS_EVENT_MESSAGE, .from = 2, .message = &accept, .opinions = &refused});
    const char *wanted = "append 1 accept 1 1.2 a\nsend 2 after 1: accepted 1.2 slots=1\n";
    cr_assert(bytes_equal(writer_result(&s.out), bytes_of_string(wanted)));
    blob_unref(value);
    script_deinit(&s);
}
