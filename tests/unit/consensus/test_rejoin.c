/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A replica whose journal is in doubt: what it asks, what it takes over, when it votes again. */
#include "tests/unit/consensus/expect.h"

/* The number that the question of the first tick has. */
static const char *number_of(struct script *s)
{
    static char number[32];
    const char *trace = script_run(s, "tick 1");
    const char *at = strstr(trace, "round=");
    cr_assert_not_null(at, "no question in: %s", trace);
    cr_assert_eq(sscanf(at, "round=%31[0-9]", number), 1);
    return number;
}

struct exchange {
    const char *sentence;
    const char *setup;
    const char *answers; /* each @ is the number of the question */
    const char *trace;   /* of the answers */
};

static const struct exchange exchanges[] = {
    {"one of two is not enough", "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none", ""},
    {"all others have told: a fresh journal is due, and the vote only after it", "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none; from 3 rejoin-answer round=@ granted "
     "first=1 end=none;"
     "from 2 prepare 5.2 first=1; rejoined 7; from 2 prepare 5.2 first=1",
     "rejoin\nappend 8 promise 5.2\nsend 2 after 8: promise 5.2 first=1 end=none\n"},
    {"an answer to another question is none", "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none; from 3 rejoin-answer round=5 granted "
     "first=1 end=none",
     ""},
    {"one that was doubled counts once", "config voters=1,2,3,4,5; start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none; from 2 rejoin-answer round=@ granted "
     "first=1 end=none;"
     "from 3 rejoin-answer round=@ granted first=1 end=none; from 4 rejoin-answer round=@ granted "
     "first=1 end=none",
     ""},
    {"the highest promise of all is taken over", "record promise 2.1; start silent",
     "from 2 rejoin-answer round=@ granted promised=4.2 first=1 end=none;"
     "from 3 rejoin-answer round=@ granted promised=3.3 first=1 end=none;"
     "rejoined 7; from 3 prepare 3.3 first=1; from 2 prepare 4.2 first=1",
     "rejoin\nsend 3: preempted 3.3 promised=4.2\n"
     "send 2 after 7: promise 4.2 first=1 end=none\n"},
    {"the highest vote of each slot is taken over, the own one among them",
     "record accept 1 2.1 mine; record accept 2 1.1 old; start silent",
     "from 2 rejoin-answer round=@ granted promised=4.2 first=1 end=none "
     "votes=1:1.2:low,2:3.2:high;"
     "from 3 rejoin-answer round=@ granted promised=4.2 first=1 end=none "
     "votes=2:2.3:middle,3:4.2:new;"
     "rejoined 9; from 3 prepare 5.3 first=1",
     "rejoin\nappend 10 promise 5.3\n"
     "send 3 after 10: promise 5.3 first=1 end=none votes=1:2.1:mine,2:3.2:high,3:4.2:new\n"},
    {"one loss among three: the others know", "start lost",
     "from 2 rejoin-answer round=@ granted first=1 end=none;"
     "from 3 rejoin-answer round=@ granted first=1 end=none",
     "rejoin\n"},
    {"two losses among three: nobody can say what was chosen", "start lost",
     "from 2 rejoin-answer round=@ first=1 end=none;"
     "from 3 rejoin-answer round=@ granted first=1 end=none",
     ""},
    {"also when the own memory is only in doubt", "start silent",
     "from 2 rejoin-answer round=@ first=1 end=none;"
     "from 3 rejoin-answer round=@ first=1 end=none",
     ""},
    {"unless a person has decided that what is left is all", "config accept-loss=yes; start lost",
     "from 2 rejoin-answer round=@ first=1 end=none;"
     "from 3 rejoin-answer round=@ granted first=1 end=none",
     "rejoin\n"},
    {"which does not make it wait for nobody", "config accept-loss=yes; start lost",
     "from 2 rejoin-answer round=@ first=1 end=none", ""},
    {"two losses among five", "config voters=1,2,3,4,5; start lost",
     "from 2 rejoin-answer round=@ first=1 end=none;"
     "from 3 rejoin-answer round=@ granted first=1 end=none;"
     "from 4 rejoin-answer round=@ granted first=1 end=none;"
     "from 5 rejoin-answer round=@ granted first=1 end=none",
     "rejoin\n"},
    {"two losses among three of the next configuration, one among those of now",
     "start lost; members voters=1,2,3 next=1,3,4 first=30",
     "from 2 rejoin-answer round=@ granted first=1 end=none;"
     "from 3 rejoin-answer round=@ granted first=1 end=none;"
     "from 4 rejoin-answer round=@ first=1 end=none",
     ""},
    {"one loss among three of the next configuration: the others know",
     "start lost; members voters=1,2,3 next=1,3,4 first=30",
     "from 2 rejoin-answer round=@ granted first=1 end=none;"
     "from 3 rejoin-answer round=@ granted first=1 end=none;"
     "from 4 rejoin-answer round=@ granted first=1 end=none",
     "rejoin\n"},
    {"a chosen value that was voted for again stays chosen, whatever ballot others voted in",
     "record accept 2 chosen b; record accept 2 2.1 b; start silent",
     "from 2 rejoin-answer round=@ granted promised=3.2 first=1 end=none votes=2:3.2:b;"
     "from 3 rejoin-answer round=@ granted promised=3.2 first=1 end=none votes=1:3.2:a;"
     "rejoined 9; from 2 heartbeat 3.2 chosen=2",
     "rejoin\nappend 10 chosen 3\nsend 2: heartbeat-answer 3.2 granted chosen=3\nlearned 1 a\n"
     "learned 2 b\nleader 2 ballot 3.2\n"},
    {"an answer in parts counts when it is whole", "start silent",
     "from 3 rejoin-answer round=@ granted first=1 end=none;"
     "from 2 rejoin-answer round=@ granted first=1 end=3 votes=1:1.2:a;"
     "from 2 rejoin-answer round=@ granted first=5 end=none;"
     "from 2 rejoin-answer round=@ granted first=3 end=none votes=4:1.2:b",
     "rejoin\n"},
    {"what others know to be chosen is learned first", "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none chosen=2;"
     "from 3 rejoin-answer round=@ granted first=1 end=none; from 2 learn values=1:a chosen=2",
     "send 2: catch-up first=1\n"
     "append 1 accept 1 chosen a\nappend 2 chosen 2\nlearned 1 a\nrejoin\n"},
    {"votes beyond the own window are asked for again", "config window=2 capacity=2; start silent",
     "from 3 rejoin-answer round=@ granted first=1 end=none;"
     "from 2 rejoin-answer round=@ granted first=1 end=none votes=3:1.2:a",
     ""},
    {"a change of the voters begins anew", "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none; members voters=1,2,3 next=1,2,4 "
     "first=5;"
     "from 3 rejoin-answer round=@ granted first=1 end=none",
     ""},
    {"it asks nobody who has answered, and the others again", "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none; tick 2; tick 1",
     "send 3: rejoin first=1 round=@\n"},
    {"votes for slots that are known to be chosen are not needed",
     "record accept 1 2.1 mine; record chosen 2; restored 1; start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none votes=1:1.2:x;"
     "from 3 rejoin-answer round=@ granted first=1 end=none;"
     "rejoined 7; from 3 prepare 5.3 first=1",
     "rejoin\nappend 8 promise 5.3\nsend 3 after 8: promise 5.3 first=1 end=none chosen=2\n"},
    {"a value that somebody knows to be chosen is higher than any vote, and promises nothing",
     "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none votes=1:chosen:a;"
     "from 3 rejoin-answer round=@ granted first=1 end=none votes=1:4.2:b,2:3.3:c;"
     "rejoined 7; from 3 prepare 5.3 first=1",
     "append 1 chosen 2\nlearned 1 a\nrejoin\nappend 8 promise 5.3\n"
     "send 3 after 8: promise 5.3 first=1 end=none votes=2:3.3:c chosen=2\n"},
    {"when it is over nobody is asked, and nobody's answer counts", "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none; from 3 rejoin-answer round=@ granted "
     "first=1 end=none; tick 5; from 3 rejoin-answer round=@ granted promised=9.3 first=1 end=none;"
     "rejoined 7; from 2 prepare 5.2 first=1",
     "rejoin\nappend 8 promise 5.2\nsend 2 after 8: promise 5.2 first=1 end=none\n"},
    {"losses are counted in the next configuration as well",
     "config voters=1,2,3,4,5; start lost; members voters=1,2,3,4,5 next=1,2,3 "
     "first=5",
     "from 2 rejoin-answer round=@ first=1 end=none;"
     "from 3 rejoin-answer round=@ granted first=1 end=none;"
     "from 4 rejoin-answer round=@ granted first=1 end=none;"
     "from 5 rejoin-answer round=@ granted first=1 end=none",
     ""},
    {"a part is asked for from where the last one ended", "start silent",
     "from 2 rejoin-answer round=@ granted first=1 end=none; from 3 rejoin-answer round=@ granted "
     "first=1 end=3;"
     "tick 3",
     "send 3: rejoin first=3 round=@\n"},
};

/* `text` with each @ replaced by the number. */
static const char *with_number(const char *text, const char *number, char out[4096])
{
    size_t used = 0;
    for (; *text != 0; text++) {
        if (*text == '@')
            used += (size_t)snprintf(out + used, 4096 - used, "%s", number);
        else
            out[used++] = *text;
    }
    out[used] = 0;
    return out;
}

Test(rejoin, exchange)
{
    for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
        const struct exchange *e = &exchanges[i];
        char lines[4096], wanted[4096];
        struct script s;
        script_init(&s);
        script_run(&s, e->setup);
        const char *number = number_of(&s);
        const char *trace = script_run(&s, with_number(e->answers, number, lines));
        with_number(e->trace, number, wanted);
        cr_assert_str_eq(trace, wanted, "%s\n--- wanted\n%s--- got\n%s", e->sentence, wanted,
                         trace);
        script_deinit(&s);
    }
}

static const char *run_with_number(struct script *s, const char *lines, const char *number)
{
    char text[4096];
    return script_run(s, with_number(lines, number, text));
}

/*
 * 2 knows that slot 1 is chosen, says so, and loses its disk. It comes back by what 1 and 3 hold as
 * votes, and knows no more than they do: none of them may wait for slot 1 for ever.
 */
Test(rejoin, what_nobody_can_tell_any_more)
{
    struct script s;
    char first[32];
    script_init(&s);
    script_run(&s, "record accept 1 2.2 a; start silent");
    snprintf(first, sizeof first, "%s", number_of(&s));
    const char *both = "from 2 rejoin-answer round=@ granted first=1 end=none chosen=3;"
                       "from 3 rejoin-answer round=@ granted first=1 end=none votes=1:2.2:a";
    cr_assert_str_eq(run_with_number(&s, both, first), "send 2: catch-up first=1\n");
    /* Something comes: patience begins again. */
    cr_assert(strstr(script_run(&s, "tick 150"), "rejoin") == NULL);
    cr_assert(strstr(script_run(&s, "from 2 learn values=1:a chosen=3"), "learned 1 a") != NULL);
    cr_assert(strstr(script_run(&s, "tick 150"), "rejoin") == NULL);
    const char *trace = script_run(&s, "tick 170");
    const char *asked = strstr(trace, "send 3: rejoin first=2 round=");
    cr_assert_not_null(asked, "nobody is asked anew: %s", trace);
    char second[32];
    cr_assert_eq(sscanf(asked, "send 3: rejoin first=2 round=%31[0-9]", second), 1);
    cr_assert_str_neq(first, second);
    both = "from 2 rejoin-answer round=@ granted first=2 end=none chosen=2;"
           "from 3 rejoin-answer round=@ granted first=2 end=none";
    cr_assert_str_eq(run_with_number(&s, both, first), "", "answers to the first question");
    cr_assert_str_eq(run_with_number(&s, both, second), "rejoin\n");
    script_deinit(&s);
}

/* Too many have lost something, and it waits in vain for slots: it stays what a person has to see.
 */
Test(rejoin, blocked_over_a_question_that_is_asked_anew)
{
    struct script s;
    char number[32];
    script_init(&s);
    script_run(&s, "start silent");
    snprintf(number, sizeof number, "%s", number_of(&s));
    (void)run_with_number(&s,
                          "from 2 rejoin-answer round=@ first=1 end=none;"
                          "from 3 rejoin-answer round=@ first=1 end=none",
                          number);
    cr_assert(paxos_is_rejoin_blocked(s.core));
    const char *asked = strstr(script_run(&s, "tick 30"), "send 3: rejoin first=1 round=");
    cr_assert_not_null(asked);
    cr_assert_eq(sscanf(asked, "send 3: rejoin first=1 round=%31[0-9]", number), 1);
    (void)run_with_number(&s,
                          "from 2 rejoin-answer round=@ granted first=1 end=none chosen=3;"
                          "from 3 rejoin-answer round=@ first=1 end=none",
                          number);
    cr_assert_not_null(strstr(script_run(&s, "tick 400"), "send 3: rejoin first=1 round="));
    cr_assert(paxos_is_rejoin_blocked(s.core));
    script_deinit(&s);
}

static const struct expectation answers[] = {
    {"a voter tells its promise and votes from the slot on", ACCEPTOR,
     "from 3 rejoin round=7 first=1",
     "send 3: rejoin-answer promised=3.2 first=1 end=none round=7 granted votes=1:2.3:old\n"},
    {"so does one that is in doubt itself", "record accept 2 2.3 x; start silent",
     "from 3 rejoin round=7 first=1",
     "send 3: rejoin-answer promised=2.3 first=1 end=none round=7 granted votes=2:2.3:x\n"},
    {"one that has lost something says so", "record accept 2 2.3 x; start lost",
     "from 3 rejoin round=7 first=1",
     "send 3: rejoin-answer promised=2.3 first=1 end=none round=7 votes=2:2.3:x\n"},
    {"a leader tells what it has proposed, durable or not", LEADER,
     "propose a; from 3 rejoin round=7 first=2",
     "append 4 accept 2 1.1 a\n"
     "send 2: accept 1.1 values=2+a chosen=2\n"
     "send 3: accept 1.1 values=2+a chosen=2\n"
     "send 3: rejoin-answer promised=1.1 first=2 end=none round=7 granted votes=2:1.1:a "
     "chosen=2\n"},
    {"nor does one that could not read its journal yet", "record accept 2 2.3 x; start unread",
     "from 3 rejoin round=7 first=1; tick 1", ""},
    {"a learner tells nothing", "config self=4 learners=4; start", "from 3 rejoin round=7 first=1",
     ""},
    {"many votes go in parts",
     "config batch=1; record accept 1 1.2 a; record accept 2 1.2 b; start",
     "from 3 rejoin round=7 first=1",
     "send 3: rejoin-answer promised=1.2 first=1 end=2 round=7 granted votes=1:1.2:a\n"
     "send 3: rejoin-answer promised=1.2 first=2 end=none round=7 granted votes=2:1.2:b\n"},
};

Test(rejoin, answer)
{
    EXPECT_ALL(answers);
}

/* A cluster of one has nobody to ask. */
Test(rejoin, alone)
{
    struct script s;
    script_init(&s);
    const char *trace = script_run(&s, "config voters=1; start silent; tick 1; rejoined 3");
    cr_assert_str_eq(trace, "rejoin\n");
    cr_assert(paxos_is_voting(s.core));
    script_deinit(&s);
}
