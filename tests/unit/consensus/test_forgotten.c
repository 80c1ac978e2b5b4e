/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is easily forgotten: a timer that is to be set anew, a client that is to be told, a field
 * that is to begin from zero. Each was planted as a mistake by somebody who had not seen the tests
 * (tests/mutants/outside), and nothing but the next message hides it for long.
 */
#include "tests/unit/consensus/expect.h"

/* Leads under 1.1; a is proposed in slot 2 and refused by both others: prepares under 2.1. */
#define REFUSED                                                                                    \
    LEADER "; propose a; flush; from 2 refused 1.1 slots=2; from 3 refused 1.1 slots=2; flush"

/* Prepares under 1.1; replica 2 knows more chosen slots, and was asked for them. */
#define BEHIND                                                                                     \
    "start; tick 20; from 2 prevote-answer 1.1 granted; flush;"                                    \
    "from 2 promise 1.1 first=1 end=none chosen=4; from 3 promise 1.1 first=1 end=none chosen=3"

static const struct expectation told[] = {
    {"a proposal that comes back as another value while phase 1 runs again is told as lost",
     LEADER "; propose a; flush; members voters=1,2,3 next=1,2,4 first=30",
     "from 2 learn values=2:b chosen=3",
     "append 6 accept 2 chosen b\nappend 7 chosen 3\nlearned 2 b\nlost cookie=1 slot=2\n"},
    {"what phase 1 has to learn is asked for again, of the one that knows most", BEHIND, "tick 3",
     "send 2: catch-up first=1\n"},
    {"also when nobody repeats what he knows", BEHIND "; tick 3", "tick 3",
     "send 2: catch-up first=1\n"},
};

static const struct expectation begun_anew[] = {
    {"what refused a value in the ballot before is sent it again in the next one",
     REFUSED "; from 2 promise 2.1 first=2 end=none; flush", "tick 3",
     "send 2: heartbeat 2.1 chosen=2\nsend 3: heartbeat 2.1 chosen=2\n"
     "send 2: accept 2.1 values=2:a chosen=2\nsend 3: accept 2.1 values=2:a chosen=2\n"},
    {"votes for the slot behind a full window are none",
     "config window=2 capacity=2;" LEADER "; propose a b", "from 2 accepted 1.1 slots=4", ""},
    {"what nobody answers is sent again after 3 ticks, not with each; the silent one waits longer",
     LEADER "; propose a; flush", "tick 6",
     "send 2: heartbeat 1.1 chosen=2\nsend 3: heartbeat 1.1 chosen=2\n"
     "send 2: accept 1.1 values=2+a chosen=2\nsend 3: accept 1.1 values=2+a chosen=2\n"
     "send 2: heartbeat 1.1 chosen=2\nsend 3: heartbeat 1.1 chosen=2\n"
     "send 2: heartbeat 1.1 chosen=2\nsend 3: heartbeat 1.1 chosen=2\n"
     "send 2: accept 1.1 values=2+a chosen=2\n"},
};

Test(forgotten, told)
{
    EXPECT_ALL(told);
}

Test(forgotten, begun_anew)
{
    EXPECT_ALL(begun_anew);
}

/* A flush that ends is progress, though by then the next record waits: a leader under load. */
Test(forgotten, a_disk_that_is_never_idle_does_not_stall)
{
    struct script s;
    char lines[160];
    script_init(&s);
    script_run(&s, LEADER "; propose a");
    for (unsigned slot = 2; slot < 40; slot++) {
        /* What is flushed is all but the newest vote. */
        snprintf(lines, sizeof lines,
                 "propose b; tick 2; from 2 heartbeat-answer 1.1 granted; durable %llu;"
                 "from 2 accepted 1.1 slots=%u; applied %u",
                 (unsigned long long)s.seq_last, slot, slot);
        cr_assert(strstr(script_run(&s, lines), "leader none") == NULL, "at slot %u", slot);
        cr_assert_eq(paxos_applied(s.core), slot);
    }
    cr_assert(!paxos_is_stalled(s.core));
    script_deinit(&s);
}

/* What the others said was of other voters: all are asked, under another number. */
Test(forgotten, new_voters_begin_the_exchange_of_doubts_anew)
{
    struct script s;
    unsigned long long first = 0, second = 0;
    script_init(&s);
    const char *asked = strstr(script_run(&s, "start silent; tick 1"), "rejoin first=1 round=");
    cr_assert(asked != NULL && sscanf(asked, "rejoin first=1 round=%llu", &first) == 1);
    asked = strstr(script_run(&s, "members voters=1,2,3 next=1,2,4 first=30; tick 1"),
                   "send 4: rejoin first=1 round=");
    cr_assert(asked != NULL && sscanf(asked, "send 4: rejoin first=1 round=%llu", &second) == 1);
    cr_assert_neq(first, second);
    script_deinit(&s);
}
