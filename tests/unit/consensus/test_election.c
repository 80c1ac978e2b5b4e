/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elections: pre-vote, stickiness, contact, stalls, a leader in a partition. */
#include "tests/unit/consensus/expect.h"

static const struct expectation prevotes[] = {
    {"without a leader a pre-vote is granted, and promises nothing", "start",
     "from 2 prevote 5.2; from 3 prepare 1.3 first=1",
     "send 2: prevote-answer 5.2 granted\n"
     "append 1 promise 1.3\nsend 3 after 1: promise 1.3 first=1 end=none\n"},
    {"while the leader is heard it is denied", FOLLOWER "; tick 9", "from 3 prevote 5.3",
     "send 3: prevote-answer 5.3\n"},
    {"silent for the shortest timeout, it is granted",
     "config election=10,200;" FOLLOWER "; tick 10", "from 3 prevote 5.3",
     "send 3: prevote-answer 5.3 granted\n"},
    {"the leader itself may ask: it does not lead any more", FOLLOWER, "from 2 prevote 5.2",
     "send 2: prevote-answer 5.2 granted\n"},
    {"a leader denies", LEADER, "from 3 prevote 5.3",
     "send 3: prevote-answer 5.3 promised=1.1 chosen=2\n"},
    {"the answer carries the promise", ACCEPTOR, "from 3 prevote 1.3",
     "send 3: prevote-answer 1.3 promised=3.2 granted\n"},
    {"a broken link is a suspicion: granted at once", FOLLOWER "; peer-lost 2",
     "from 3 prevote 5.3", "send 3: prevote-answer 5.3 granted\n"},
    {"a replica with a damaged journal grants nothing", "start silent", "from 3 prevote 5.3", ""},
    {"a denied answer is no vote", "start; tick 20", "from 2 prevote-answer 1.1", ""},
    {"an answer to another question is no vote", "start; tick 20",
     "from 2 prevote-answer 9.1 granted", ""},
    {"answers of five: two others are needed", "config voters=1,2,3,4,5; start; tick 20",
     "from 2 prevote-answer 1.1 granted; from 2 prevote-answer 1.1 granted", ""},
};

Test(election, prevote)
{
    EXPECT_ALL(prevotes);
}

static const struct expectation heartbeats[] = {
    {"a heartbeat is answered and followed", "start", "from 2 heartbeat 1.2 round=4",
     "send 2: heartbeat-answer 1.2 round=4 granted\nleader 2 ballot 1.2\n"},
    {"one below the promise is told so", ACCEPTOR, "from 2 heartbeat 1.2",
     "send 2: preempted 1.2 promised=3.2\n"},
    {"one below the leader's ballot is told so", "start; from 3 heartbeat 2.3",
     "from 2 heartbeat 1.2", "send 2: preempted 1.2 promised=2.3\n"},
    {"a replica with a damaged journal answers, but not as a voter", "start silent",
     "from 2 heartbeat 1.2", "send 2: heartbeat-answer 1.2\nleader 2 ballot 1.2\n"},
    {"the leader sends them", LEADER, "tick 2",
     "send 2: heartbeat 1.1 chosen=2\nsend 3: heartbeat 1.1 chosen=2\n"},
    {"learners get them", "config voters=1,2 learners=4;" LEADER, "tick 2",
     "send 2: heartbeat 1.1 chosen=2\nsend 4: heartbeat 1.1 chosen=2\n"},
    {"a live leader ends a pre-vote", "start; tick 20",
     "from 2 heartbeat 1.2; from 3 prevote-answer 1.1 granted",
     "send 2: heartbeat-answer 1.2 granted\nleader 2 ballot 1.2\n"},
};

Test(election, heartbeat)
{
    EXPECT_ALL(heartbeats);
}

/* Runs `line` until the trace contains `wanted`; false after `turns` times. */
static bool run_until(struct script *s, const char *line, int turns, const char *wanted)
{
    while (turns-- > 0) {
        if (strstr(script_run(s, line), wanted) != NULL)
            return true;
    }
    return false;
}

Test(election, a_follower_that_hears_no_leader_asks_within_the_longest_timeout)
{
    struct script s;
    script_init(&s);
    script_run(&s, FOLLOWER);
    cr_assert(!run_until(&s, "tick", 9, "prevote"));
    cr_assert(run_until(&s, "tick", 12, "send 2: prevote 2.1\nsend 3: prevote 2.1\nleader none\n"));
    script_deinit(&s);
}

Test(election, timeouts_differ_between_seeds)
{
    uint32_t seen = 0;
    for (int seed = 1; seed <= 20; seed++) {
        struct script s;
        char line[32];
        script_init(&s);
        snprintf(line, sizeof(line), "config seed=%d; start", seed);
        script_run(&s, line);
        uint32_t ticks = 0;
        while (strstr(script_run(&s, "tick"), "prevote") == NULL)
            ticks++;
        cr_assert(ticks >= 9 && ticks <= 20);
        seen |= UINT32_C(1) << ticks;
        script_deinit(&s);
    }
    cr_assert((seen & (seen - 1)) != 0);
}

Test(election, a_lost_link_to_the_leader_shortens_the_timeout)
{
    struct script s;
    script_init(&s);
    script_run(&s, FOLLOWER "; peer-lost 2");
    cr_assert(run_until(&s, "tick", 3, "prevote"));
    script_deinit(&s);
}

Test(election, a_lost_link_to_somebody_else_changes_nothing)
{
    struct script s;
    script_init(&s);
    script_run(&s, FOLLOWER "; peer-lost 3");
    cr_assert(!run_until(&s, "tick", 9, "prevote"));
    script_deinit(&s);
}

Test(election, a_leader_without_a_quorum_steps_down_within_an_election_timeout)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER "; propose a");
    cr_assert(run_until(&s, "tick", 10, "lost cookie=1 slot=2\nleader none\n"));
    script_deinit(&s);
}

Test(election, a_leader_with_a_quorum_stays)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER);
    cr_assert(!run_until(&s, "tick; from 2 heartbeat-answer 1.1 granted", 100, "leader"));
    script_deinit(&s);
}

Test(election, answers_that_do_not_count_as_voters_are_no_contact)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER);
    cr_assert(run_until(&s, "tick; from 2 heartbeat-answer 1.1", 10, "leader none\n"));
    script_deinit(&s);
}

Test(election, a_leader_whose_disk_stalls_steps_down_and_does_not_campaign)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER "; propose a");
    cr_assert(!run_until(&s, "tick; from 2 heartbeat-answer 1.1 granted", 29, "leader none\n"));
    cr_assert(run_until(&s, "tick; from 2 heartbeat-answer 1.1 granted", 1,
                        "lost cookie=1 slot=2\nleader none\n"));
    cr_assert(!run_until(&s, "tick", 100, "prevote"));
    cr_assert(paxos_is_stalled(s.core));
    script_run(&s, "flush");
    cr_assert(run_until(&s, "tick", 21, "prevote"));
    script_deinit(&s);
}

Test(election, a_disk_that_makes_progress_does_not_stall)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER);
    for (int i = 0; i < 20; i++)
        cr_assert(!run_until(&s, "tick 5; from 2 heartbeat-answer 1.1 granted; propose a; flush", 1,
                             "leader none\n"));
    script_deinit(&s);
}

Test(election, a_leader_that_resigns_waits_before_it_asks_again)
{
    struct script s;
    script_init(&s);
    cr_assert(strstr(script_run(&s, LEADER "; resign"), "leader none\n") != NULL);
    cr_assert(!run_until(&s, "tick", 39, "prevote"));
    cr_assert(run_until(&s, "tick", 2, "prevote"));
    script_deinit(&s);
}

Test(election, a_prepare_without_a_quorum_is_given_up)
{
    struct script s;
    script_init(&s);
    script_run(&s, "start; tick 20; from 2 prevote-answer 1.1 granted; flush");
    cr_assert(run_until(&s, "tick", 20, "prevote 2.1"));
    script_deinit(&s);
}

Test(election, contact_is_what_a_replica_can_prove)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER);
    cr_assert(paxos_has_contact(s.core));
    script_run(&s, "tick 10");
    cr_assert(!paxos_has_contact(s.core));
    script_deinit(&s);
    script_init(&s);
    script_run(&s, FOLLOWER);
    cr_assert(paxos_has_contact(s.core));
    cr_assert(paxos_peer_progress(s.core, 2).heard);
    cr_assert(!paxos_peer_progress(s.core, 3).heard);
    cr_assert_eq(paxos_peer_progress(s.core, 2).chosen_end, 1);
    script_run(&s, "tick 21");
    cr_assert(!paxos_has_contact(s.core));
    script_deinit(&s);
}

/*
 * A replica that was away while the members changed believes to be a voter of those it knew; to
 * them it is none, and the leader is a stranger to it. It asks those it knows for what was chosen.
 */
Test(election, a_prevote_without_an_answer_asks_around)
{
    struct script s;
    script_init(&s);
    const char *trace = script_run(&s, "start; tick 20");
    cr_assert(strstr(trace, "send 2: prevote 1.1") != NULL, "%s", trace);
    cr_assert(strstr(trace, "catch-up") == NULL, "%s", trace);
    trace = script_run(&s, "tick 20");
    cr_assert(strstr(trace, "send 2: catch-up first=1") != NULL, "%s", trace);
    cr_assert(strstr(trace, "send 3: catch-up first=1") != NULL, "%s", trace);
    script_deinit(&s);
}
