/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linearizable reads: rounds, recovery, applied slots, forwarding. */
#include "tests/unit/consensus/expect.h"

static const struct expectation reads[] = {
    {"a read at the leader begins a round", LEADER, "read 7",
     "send 2: heartbeat 1.1 round=1 chosen=2\nsend 3: heartbeat 1.1 round=1 chosen=2\n"},
    {"and ends when a quorum answered it", LEADER "; read 7",
     "from 3 heartbeat-answer 1.1 round=1 granted", "read 7 confirmed slot=1\n"},
    {"an answer to an earlier round does not count", LEADER "; read 7",
     "from 3 heartbeat-answer 1.1 granted", ""},
    {"an answer that does not count as a voter's does not", LEADER "; read 7",
     "from 3 heartbeat-answer 1.1 round=1", ""},
    {"a read while a round runs waits for the next one", LEADER "; read 7; read 8",
     "from 3 heartbeat-answer 1.1 round=1 granted",
     "send 2: heartbeat 1.1 round=2 chosen=2\nsend 3: heartbeat 1.1 round=2 chosen=2\n"
     "read 7 confirmed slot=1\n"},
    {"all that wait share it",
     LEADER "; read 7; read 8; read 9;"
            "from 3 heartbeat-answer 1.1 round=1 granted",
     "from 2 heartbeat-answer 1.1 round=2 granted",
     "read 8 confirmed slot=1\nread 9 confirmed slot=1\n"},
    {"a lost round is made good by the next heartbeat", LEADER "; read 7; read 8", "tick 2",
     "send 2: heartbeat 1.1 round=2 chosen=2\nsend 3: heartbeat 1.1 round=2 chosen=2\n"},
    {"it waits until what was chosen before is applied",
     LEADER "; propose a; flush; from 2 accepted 1.1 slots=2; read 7",
     "from 3 heartbeat-answer 1.1 round=1 granted; applied 2", "read 7 confirmed slot=2\n"},
    {"a new leader that has not recovered yet confirms nothing",
     "start; tick 20; from 2 prevote-answer 1.1 granted; flush;"
     "from 2 promise 1.1 first=1 end=none; flush; read 7",
     "from 3 heartbeat-answer 1.1 round=1 granted", ""},
    {"but does so when its first slot is chosen and applied",
     "start; tick 20; from 2 prevote-answer 1.1 granted; flush;"
     "from 2 promise 1.1 first=1 end=none; flush; read 7;"
     "from 3 heartbeat-answer 1.1 round=1 granted",
     "from 3 accepted 1.1 slots=1; applied 1",
     "append 3 chosen 2\nlearned 1 -\nleader 1 ballot 1.1 ready\nread 7 confirmed slot=1\n"},
    {"a leader that steps down fails its reads", LEADER "; read 7",
     "from 3 preempted 1.1 promised=2.3", "read 7 failed\nleader none\n"},
    {"without a leader a read fails at once", "start", "read 7", "read 7 failed\n"},
    {"a cluster of one needs no round", "config voters=1; start; tick 20; flush; flush; applied 1",
     "read 7", "read 7 confirmed slot=1\n"},
};

Test(read, at_the_leader)
{
    EXPECT_ALL(reads);
}

static const struct expectation forwarded[] = {
    {"a peer's read is answered after a round", LEADER "; from 3 read round=77",
     "from 2 heartbeat-answer 1.1 round=1 granted",
     "send 3: read-answer round=77 slot=1 granted chosen=2\n"},
    {"asked twice, it is answered once", LEADER "; from 3 read round=77; from 3 read round=77",
     "from 2 heartbeat-answer 1.1 round=1 granted",
     "send 3: read-answer round=77 slot=1 granted chosen=2\n"},
    {"who does not lead says no", FOLLOWER, "from 3 read round=77",
     "send 3: read-answer round=77\n"},
    {"who leads no more says no", LEADER "; from 3 read round=77",
     "from 3 preempted 1.1 promised=2.3", "send 3: read-answer round=77 chosen=2\nleader none\n"},
    {"an answer that nobody waits for is ignored", FOLLOWER "; read 7",
     "from 2 read-answer round=1 slot=5 granted", ""},
    {"a new leader: the reads at the old one fail", FOLLOWER "; read 7", "from 3 heartbeat 2.3",
     "send 3: heartbeat-answer 2.3 granted\nread 7 failed\nleader 3 ballot 2.3\n"},
};

Test(read, forwarded)
{
    EXPECT_ALL(forwarded);
}

/* The number under which a follower forwarded its read. */
static unsigned long long forwarded_number(const char *trace)
{
    const char *text = strstr(trace, "send 2: read round=");
    cr_assert_not_null(text);
    return strtoull(text + strlen("send 2: read round="), NULL, 10);
}

Test(read, a_follower_applies_up_to_the_confirmed_slot_first)
{
    struct script s;
    char line[128];
    script_init(&s);
    script_run(&s, FOLLOWER "; from 2 accept 1.2 values=1:a");
    unsigned long long number = forwarded_number(script_run(&s, "read 7"));
    snprintf(line, sizeof(line), "from 2 read-answer round=%llu slot=1 granted", number);
    cr_assert_str_eq(script_run(&s, line), "");
    cr_assert_str_eq(script_run(&s, "from 2 chosen 1.2 chosen=2"),
                     "append 2 chosen 2\nlearned 1 a\n");
    cr_assert_str_eq(script_run(&s, "applied 1"), "read 7 confirmed slot=1\n");
    script_deinit(&s);
}

Test(read, an_answer_of_another_replica_does_not_count)
{
    struct script s;
    char line[128];
    script_init(&s);
    script_run(&s, FOLLOWER);
    unsigned long long number = forwarded_number(script_run(&s, "read 7"));
    snprintf(line, sizeof(line), "from 3 read-answer round=%llu granted", number);
    cr_assert_str_eq(script_run(&s, line), "");
    script_deinit(&s);
}

Test(read, a_no_of_the_leader_fails_it)
{
    struct script s;
    char line[128];
    script_init(&s);
    script_run(&s, FOLLOWER);
    unsigned long long number = forwarded_number(script_run(&s, "read 7"));
    snprintf(line, sizeof(line), "from 2 read-answer round=%llu", number);
    cr_assert_str_eq(script_run(&s, line), "read 7 failed\n");
    script_deinit(&s);
}

Test(read, without_an_answer_it_fails_in_time)
{
    struct script s;
    script_init(&s);
    script_run(&s, FOLLOWER "; read 7");
    bool failed = false;
    for (int i = 0; i < 41 && !failed; i++)
        failed = strstr(script_run(&s, "tick; from 2 heartbeat 1.2"), "read 7 failed") != NULL;
    cr_assert(failed);
    script_deinit(&s);
}

Test(read, confirmed_but_never_applied_it_fails_in_time)
{
    struct script s;
    char line[128];
    script_init(&s);
    script_run(&s, FOLLOWER);
    unsigned long long number = forwarded_number(script_run(&s, "read 7"));
    snprintf(line, sizeof(line), "from 2 read-answer round=%llu slot=1 granted", number);
    script_run(&s, line);
    bool failed = false;
    for (int i = 0; i < 41 && !failed; i++)
        failed = strstr(script_run(&s, "tick"), "read 7 failed") != NULL;
    cr_assert(failed);
    script_deinit(&s);
}

Test(read, no_more_wait_than_there_is_room_for)
{
    struct script s;
    script_init(&s);
    script_run(&s, LEADER);
    for (unsigned i = 0; i < LIMIT_READS_WAITING; i++)
        cr_assert(strstr(script_run(&s, "read 7"), "failed") == NULL);
    cr_assert_str_eq(script_run(&s, "read 8"), "read 8 failed\n");
    script_deinit(&s);
}
