/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * paxos.pml - the core of consensus/ as a model: is one value chosen in each slot, whatever is lost,
 * doubled, delayed and reordered? docs/model.md says how to run it; runs.txt is the list of runs.
 *
 * Messages are a set: what was sent stays there and may be delivered any number of times, in any
 * order, or never. A record and the message that waits for it are one step (paxos_send.durable_seq).
 * Ballots are the numbers 1 .. B; who owns one is open until it is prepared, so that every order of
 * (round, replica) is covered. A fresh proposal of ballot b has the value b: all values differ.
 *
 *   variable       in the code                        message or record
 *   promised[a]    p->promised                        PAXOS_RECORD_PROMISE
 *   VOTE(a, s)     slot->ballot of a, 0: no vote      PAXOS_RECORD_ACCEPT
 *   owner[b]       ballot.replica + 1, 0: unused      PAXOS_PREPARE was sent to all
 *   answers[b]     peer->promised_end is NO_END       PAXOS_PROMISE of the voters in this set
 *   REPORT(b,a,s)  its entry: the ballot of a's vote
 *   VALUE(b, s)    slot->value at the leader of b     PAXOS_ACCEPT was sent to all
 *   ACCEPTED(b,s)  slot->accepted                     PAXOS_ACCEPTED of the voters in this set
 *   chosen[s]      the value that a quorum accepted first: nobody knows it, it serves the assertion
 *
 * Parameters: N voters, B ballots, S slots. Switches:
 *
 *   MEMORY     a voter loses records that it has spoken of, and comes back: memory.pml
 *   CHANGE     the slot is the first one of a new configuration: CONFIG_0 governs the slots below
 *   PLAIN      without the reductions; the same verdicts with more states
 *   M1 ...     a mistake is planted: the search has to find a violation
 *
 * Reductions. Each leaves out states that can do no more than another one that stays:
 *
 *   order      voters are alike: voter a acts for the first time only after voter a - 1 has
 *   unread     promises are forgotten when nobody reads them: the proposer leads, or stepped down
 *              likewise acceptances: when their value is chosen, or nobody counts them (MEMORY)
 *   unasked    nobody promises to such a ballot: a promise that is not counted only forbids things
 *   all in     the proposer counts all promises that there are: one that it would not count need
 *              not have been made
 *
 * In both ways the accepts for all slots are sent when the leadership begins: whoever may propose a
 * slot later, or never, may as well send at once what is delivered later, or never.
 */
#ifndef N
#define N 3
#endif
#ifndef B
#define B 3
#endif
#ifndef S
#define S 1
#endif

byte promised[N];
byte voted[N * S];
byte owner[B];
byte answers[B];
byte reported[B * N * S];
byte value[B * S];
byte accepted[B * S];
byte chosen[S];

#define VOTE(a, s) voted[(a) * S + (s)]
#define OWNER(b) (owner[(b) - 1] - 1)
#define REPORT(b, a, s) reported[(((b) - 1) * N + (a)) * S + (s)]
#define VALUE(b, s) value[((b) - 1) * S + (s)]
#define ACCEPTED(b, s) accepted[((b) - 1) * S + (s)]

#define IN(set, a) (((set) >> (a)) & 1)
#define COUNT(set) (IN(set, 0) + IN(set, 1) + IN(set, 2) + IN(set, 3) + IN(set, 4))

/* quorum_has. M7: half of the voters. */
#if defined(M7)
#define IS_QUORUM(set) (COUNT(set) >= N / 2)
#elif defined(CHANGE)
/* members_at: votes of this slot count by the new configuration. */
#define CONFIG_0 7  /* 0 1 2 */
#define CONFIG_1 14 /* 1 2 3 */
#define IS_QUORUM(set) (COUNT((set) & CONFIG_1) >= 2)
#else
#define IS_QUORUM(set) (COUNT(set) >= N / 2 + 1)
#endif

/*
 * members_have, members_is_voter. A proposer that has applied all slots below (it is `far`) asks
 * the new configuration alone, another one both. RULE_REMOVED: a leader proposes in a slot in
 * whose configuration it is no voter.
 */
#ifdef CHANGE
byte far; /* ballots */
#define HAS_PROMISES(b, set) (IS_QUORUM(set) && (IN(far, b) || COUNT((set) & CONFIG_0) >= 2))
#define IS_ASKED(b, a) (!IN(far, b) || IN(CONFIG_1, a))
#define MAY_BE_FAR(a) IN(CONFIG_1, a)
#ifdef RULE_REMOVED
#define IS_VOTER(a) true
#else
#define IS_VOTER(a) IN(CONFIG_1, a)
#endif
#else
#define HAS_PROMISES(b, set) IS_QUORUM(set)
#define IS_ASKED(b, a) true
#define IS_VOTER(a) true
#endif

#if B == 1
#define EACH_BALLOT(X) X(1)
#elif B == 2
#define EACH_BALLOT(X) X(1) X(2)
#elif B == 3
#define EACH_BALLOT(X) X(1) X(2) X(3)
#elif B == 4
#define EACH_BALLOT(X) X(1) X(2) X(3) X(4)
#endif
#if S == 1
#define EACH_SLOT(X, b) X(b, 0)
#elif S == 2
#define EACH_SLOT(X, b) X(b, 0) X(b, 1)
#endif

/* No part of a state: zero between steps. */
hidden byte i, n, best, v, set;

/* Who proposes, and is up: only where a process can end, or a ballot begin again. */
#if defined(MEMORY) || defined(M10) || defined(M11)
#define LIVES
byte running; /* voters that are PAXOS_PREPARING or PAXOS_LEADER */
byte leading; /* PAXOS_LEADER */
#define RUNS(a) IN(running, a)
#define HAS_LED(b) (owner[(b) - 1] != 0 && IN(leading, OWNER(b)))
#else
#define RUNS(a) true
#define HAS_LED(b) (VALUE(b, 0) != 0)
#endif

/* Phase 1 or 2 of ballot b goes on: in both the owner's promise is its own ballot. */
#define PROPOSES(b) (owner[(b) - 1] != 0 && promised[OWNER(b)] == (b) && RUNS(OWNER(b)))

#ifdef MEMORY
#include "memory.pml"
#else
#define IS_VOTING(a) true
#define HAS_ACTED(a) (promised[a] != 0)
#define IS_COUNTED(b, s) true
#define IS_CERTAIN(a, b) true
#define NOTE_PROMISE(a, b) skip
#define IS_IN_FORCE(a, b) true
#endif

#ifdef CHANGE
#define IS_ORDERED(a) true
#else
#define IS_ORDERED(a) ((a) == 0 || HAS_ACTED((a) - 1))
#endif
#ifdef PLAIN
#define MAY_ACT(a) IS_VOTING(a)
#define IS_READ(b) (owner[(b) - 1] != 0)
#define IS_AWAITED(b, s) true
#define FORGET_ACCEPTED(b) skip
#else
#define MAY_ACT(a) (IS_VOTING(a) && IS_ORDERED(a))
#define IS_READ(b) (PROPOSES(b) && !HAS_LED(b))
#if defined(MEMORY) && !defined(RULE_LEARNERS)
#define IS_AWAITED(b, s) (PROPOSES(b) && HAS_LED(b) && chosen[s] != VALUE(b, s))
#define FORGET_ACCEPTED(b) forget_accepted(b)
#else
#define IS_AWAITED(b, s) (chosen[s] != VALUE(b, s))
#define FORGET_ACCEPTED(b) skip
#endif
#endif

/* ------------------------------------------------------------------------------------------------
 * The acceptor.
 */

inline forget_answers(b)
{
#if !defined(PLAIN) && !defined(M12)
    answers[(b) - 1] = 0;
    i = 0;
    do
    :: i < N * S -> reported[((b) - 1) * N * S + i] = 0; i++
    :: else -> break
    od;
    i = 0
#else
    skip
#endif
}

inline forget_accepted(b)
{
    i = 0;
    do
    :: i < S -> ACCEPTED(b, i) = 0; i++
    :: else -> break
    od;
    i = 0
}

/* a proposes no more. */
inline stop(a)
{
    if
    :: promised[a] != 0 && OWNER(promised[a]) == (a) ->
        forget_answers(promised[a]);
        FORGET_ACCEPTED(promised[a])
    :: else
    fi;
#ifdef LIVES
    running = running & ~(1 << (a));
    leading = leading & ~(1 << (a))
#endif
}

/* The promise of a rises to b: election_step_down. */
inline raise(a, b)
{
    stop(a);
    promised[a] = b
}

/* acceptor_send_promise: with all votes of a. */
inline answer(a, b)
{
    printf("voter %d: promise to ballot %d, vote %d\n", a, b, VOTE(a, 0));
    answers[(b) - 1] = answers[(b) - 1] | (IS_CERTAIN(a, b) -> 1 << (a) : 0);
    n = 0;
    do
    :: n < S && IS_CERTAIN(a, b) -> REPORT(b, a, n) = VOTE(a, n); n++
    :: else -> break
    od;
    n = 0
}

/* acceptor_on_prepare. M15: also below the promise. M11: the replica is no part of a ballot. */
#if defined(M15)
#define IS_PREPARE_GOOD(a, b) (promised[a] != (b))
#elif defined(M11)
#define IS_PREPARE_GOOD(a, b) (promised[a] <= (b))
#else
#define IS_PREPARE_GOOD(a, b) (promised[a] < (b))
#endif
#define PROMISE(b)                                                                                 \
    :: d_step { MAY_ACT(_pid) && IS_READ(b) && IS_ASKED(b, _pid) && !IN(answers[b - 1], _pid) &&   \
                IS_PREPARE_GOOD(_pid, b) ->                                                        \
                raise(_pid, b); NOTE_PROMISE(_pid, b); answer(_pid, b) }

/* Agreement, at the moment when a quorum forms. M6: two messages of one voter are a quorum. */
inline check_chosen(b, s)
{
    set = ACCEPTED(b, s);
#ifdef M9
    /* Equal values count, whatever their ballots. */
    set = 0;
    i = 1;
    do
    :: i <= B -> set = set | (VALUE(i, s) == VALUE(b, s) -> ACCEPTED(i, s) : 0); i++
    :: else -> break
    od;
    i = 0;
#endif
    if
#ifdef M6
    :: set != 0 ->
#else
    :: IS_QUORUM(set) && IS_COUNTED(b, s) ->
#endif
        printf("slot %d: value %d chosen in ballot %d\n", s, VALUE(b, s), b);
        assert(chosen[s] == 0 || chosen[s] == VALUE(b, s));
        chosen[s] = VALUE(b, s);
        i = 1;
        do
        :: i <= B -> ACCEPTED(i, s) = (IS_AWAITED(i, s) -> ACCEPTED(i, s) : 0); i++
        :: else -> break
        od;
        i = 0
    :: else
    fi;
    set = 0
}

/* acceptor_on_accept, acceptor_vote, proposer_on_accepted and proposer_count_own. */
#ifdef M13
#define IS_ACCEPT_GOOD(a, b, s) ((b) >= VOTE(a, s))
#else
#define IS_ACCEPT_GOOD(a, b, s) ((b) >= promised[a])
#endif
#define HAS_VOTED(a, b, s) (VOTE(a, s) == (b) && (IN(ACCEPTED(b, s), a) || !IS_AWAITED(b, s)))
inline vote(a, b, s)
{
#ifndef M14
    if
    :: promised[a] < (b) -> raise(a, b)
    :: else
    fi;
#endif
    printf("voter %d: vote in ballot %d, slot %d\n", a, b, s);
    VOTE(a, s) = b;
    ACCEPTED(b, s) = ACCEPTED(b, s) | (IS_AWAITED(b, s) -> 1 << (a) : 0);
#ifdef REACHED
    assert(!(IN(losses, a) && IS_QUORUM(ACCEPTED(b, s)) && IS_COUNTED(b, s)));
#endif
    check_chosen(b, s)
}
#define ACCEPT(b, s)                                                                               \
    :: d_step { MAY_ACT(_pid) && VALUE(b, s) != 0 && IS_ASKED(b, _pid) && IS_ACCEPT_GOOD(_pid, b, s) &&                 \
                !HAS_VOTED(_pid, b, s) && IS_IN_FORCE(_pid, b) ->                                  \
                vote(_pid, b, s) }

/* ------------------------------------------------------------------------------------------------
 * The proposer.
 */

/* proposer_prepare and acceptor_promise_self; the prepare leaves when the promise is durable. */
#if defined(M10)
#define IS_FREE(b) (owner[(b) - 1] == 0 || OWNER(b) == _pid)
#elif defined(M11)
#define IS_FREE(b) true
#elif defined(MEMORY)
/* Whoever has forgotten a ballot may use it again. */
#define IS_FREE(b) (owner[(b) - 1] == 0 || OWNER(b) == _pid)
#else
#define IS_FREE(b) (owner[(b) - 1] == 0)
#endif
inline prepare(a, b)
{
    raise(a, b);
    printf("voter %d: prepare\n", a);
    owner[(b) - 1] = (a) + 1;
#ifdef LIVES
    running = running | (1 << (a));
#endif
    NOTE_PROMISE(a, b);
    answer(a, b)
}
#define PREPARE_SOON(b)                                                                            \
    :: d_step { MAY_ACT(_pid) && IS_FREE(b) && promised[_pid] < b -> prepare(_pid, b) }
#ifdef CHANGE
#define PREPARE(b)                                                                                 \
    PREPARE_SOON(b)                                                                                \
    :: d_step { MAY_ACT(_pid) && MAY_BE_FAR(_pid) && IS_FREE(b) && promised[_pid] < b ->           \
                prepare(_pid, b); far = far | (1 << b) }
#else
#define PREPARE(b) PREPARE_SOON(b)
#endif

/*
 * proposer_find: the vote of the highest ballot that the voters of the set report.
 * M8: the lowest; M8B: the first.
 */
#if defined(M8)
#define IS_BETTER(found) (best == 0 || (found) < best)
#elif defined(M8B)
#define IS_BETTER(found) (best == 0)
#else
#define IS_BETTER(found) ((found) > best)
#endif
inline find(b, s, members)
{
    best = 0;
    i = 0;
    do
    :: i < N ->
        if
        :: IN(members, i) && REPORT(b, i, s) != 0 && IS_BETTER(REPORT(b, i, s)) ->
            best = REPORT(b, i, s)
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0;
#ifdef M16
    /* The own value wins over what was found. */
    best = 0;
#endif
#ifdef M18
    /* Votes above the own last one are not asked for. */
    best = (VOTE(OWNER(b), s) == 0 -> 0 : best);
#endif
}

/* proposer_put. Invariant I4: one value for each (ballot, slot). */
inline propose(b, s)
{
    if
    :: best != 0 -> v = VALUE(best, s)
    :: best == 0 && VALUE(b, s) == 0 -> v = b
    :: else -> v = B + b /* a ballot that is led twice has another fresh value */
    fi;
    printf("voter %d: leads ballot %d, slot %d value %d\n", OWNER(b), b, s, v);
    assert(VALUE(b, s) == 0 || VALUE(b, s) == v);
    VALUE(b, s) = v;
    v = 0;
    best = 0
}

/* proposer_try_lead, proposer_recover, proposer_on_propose, proposer_send. */
inline lead(b, members)
{
    n = 0;
    do
    :: n < S -> find(b, n, members); propose(b, n); n++
    :: else -> break
    od;
    forget_answers(b);
#ifdef LIVES
    leading = leading | (1 << OWNER(b));
    n = 0;
    do
    :: n < S -> check_chosen(b, n); n++
    :: else -> break
    od;
#endif
    n = 0
}
#define MAY_LEAD(b, members)                                                                       \
    (owner[(b) - 1] == _pid + 1 && !HAS_LED(b) && PROPOSES(b) && IS_VOTER(_pid) &&                  \
     HAS_PROMISES(b, members))
#define LEAD(b) :: d_step { MAY_LEAD(b, answers[b - 1]) -> lead(b, answers[b - 1]) }
#define LEAD_BY(b, members)                                                                        \
    :: d_step { (answers[b - 1] & members) == members && MAY_LEAD(b, members) -> lead(b, members) }
#define LEAD_BY_ANY(b)                                                                             \
    LEAD_BY(b, 1) LEAD_BY(b, 2) LEAD_BY(b, 3) LEAD_BY(b, 4) LEAD_BY(b, 5) LEAD_BY(b, 6) LEAD_BY(b, 7)

/* ------------------------------------------------------------------------------------------------
 * Mistakes that are an action of their own.
 */

#if defined(M1)
/* A promise was not durable when it was sent, and the process dies. */
#define MISTAKE :: d_step { promised[_pid] != 0 -> stop(_pid); promised[_pid] = VOTE(_pid, 0) }
#elif defined(M2)
/* Likewise a vote. */
#define MISTAKE :: d_step { VOTE(_pid, 0) != 0 -> stop(_pid); VOTE(_pid, 0) = 0 }
#elif defined(M3)
/* The leader counts its own vote at once. */
#define MISTAKE                                                                                    \
    :: d_step { promised[_pid] != 0 && OWNER(promised[_pid]) == _pid && HAS_LED(promised[_pid]) &&  \
                !IN(ACCEPTED(promised[_pid], 0), _pid) ->                                          \
                ACCEPTED(promised[_pid], 0) = ACCEPTED(promised[_pid], 0) | (1 << _pid);           \
                check_chosen(promised[_pid], 0) }
#elif defined(M5)
/* Promise and votes are forgotten after some time. */
#define MISTAKE :: d_step { promised[_pid] != 0 -> stop(_pid); promised[_pid] = 0; VOTE(_pid, 0) = 0 }
#elif defined(M10)
/* The prepare left before the own promise was durable, and the process dies: the ballot is free. */
#define MISTAKE                                                                                    \
    :: d_step { promised[_pid] != 0 && OWNER(promised[_pid]) == _pid ->                            \
                stop(_pid); promised[_pid] = VOTE(_pid, 0) }
#elif defined(M12) && B > 1
/* A promise to the earlier ballot of this proposer counts for the present one. */
inline take_earlier(earlier, b)
{
    i = 0;
    do
    :: i < N ->
        if
        :: IN(answers[(earlier) - 1], i) && !IN(answers[(b) - 1], i) ->
            answers[(b) - 1] = answers[(b) - 1] | (1 << i);
            REPORT(b, i, 0) = REPORT(earlier, i, 0)
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}
#define MISTAKE                                                                                    \
    :: d_step { owner[0] == _pid + 1 && owner[1] == _pid + 1 && PROPOSES(2) && !HAS_LED(2) &&      \
                (answers[0] & ~answers[1]) != 0 ->                                                 \
                take_earlier(1, 2) }
#else
#define MISTAKE
#endif

active [N] proctype voter()
{
end:
    do
    EACH_BALLOT(PREPARE)
    EACH_BALLOT(PROMISE)
#ifdef PLAIN
    EACH_BALLOT(LEAD_BY_ANY)
#else
    EACH_BALLOT(LEAD)
#endif
#define ACCEPTS(b) EACH_SLOT(ACCEPT, b)
    EACH_BALLOT(ACCEPTS)
    MISTAKE
#ifdef MEMORY
    MEMORY_ACTIONS
#endif
    od
}
