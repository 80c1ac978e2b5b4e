/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory.pml - the part of paxos.pml for voters that forget, and how they come back.
 *
 * Once, one voter loses records that it has spoken of: the newest ones, as many as you like. It is
 * doubtful then, and so is, with POWER, every voter whose journal might have lost something, at
 * any time, all at once or one after the other, each once. A doubtful voter does not vote. It asks
 * all others (the record that it takes a new incarnation is not needed for agreement: messages of
 * its old life are still delivered here) and each answers, doubtful or not, at a moment of its own,
 * with its promise, its votes, and its proposals in flight, which are votes that are not durable
 * yet. Then it takes the highest promise and the highest vote of each slot, its own included, and
 * votes again.
 *
 * A process that ends forgets what it was doing: nobody counts for a ballot whose proposer ended.
 * So a value is chosen here when its leader, still in office, has the acceptances of a quorum
 * (IS_COUNTED); votes that nobody counts any more choose nothing.
 *
 *   RULE_SAME          negative control: goes on as if nothing had happened
 *   RULE_FLAG          answers prepares, but only two certain answers are a quorum; votes in
 *                      ballots that it has promised anew (N = 3)
 *   ASK=n              asks n others only
 *   RULE_STALE         with CHANGE: asks the voters of the old configuration only
 *   RULE_NO_VOTES      does not take the votes over
 *   RULE_NO_PROMISE    does not take the promise over
 *   RULE_NO_PROPOSALS  proposals in flight are no votes
 *   RULE_LATE_PROMISE  a proposer's own promise is not durable when its prepare leaves
 *   RULE_MAJORITY      with POWER: two voters lose records
 *   RULE_LEARNERS      votes are counted by everybody, at any time
 *   REACHED            asserts that no voter that lost records is in a quorum afterwards
 */
#if defined(ASK)
#define ARE_ASKED(u) (COUNT(asked[u]) >= ASK)
#elif defined(RULE_STALE)
#define ARE_ASKED(u) (((asked[u] | (1 << (u))) & CONFIG_0) == CONFIG_0)
#elif defined(CHANGE)
/* It has applied all slots below, and asks the new configuration alone; at least. */
#define ARE_ASKED(u) (((asked[u] | (1 << (u))) & CONFIG_1) == CONFIG_1)
#else
#define ARE_ASKED(u) (COUNT(asked[u]) == N - 1)
#endif

/* What became of a voter. */
#define WHOLE 0
#define DOUBTFUL 1
#define BACK 2
byte life[N];
byte losses;          /* voters that lost records, as a set */
byte asked[N];        /* of a doubtful voter: who has answered */
byte taken_promise[N];
byte taken_vote[N * S];

/* RULE_FLAG: ballots that the voter has promised since it lost records. */
#ifdef RULE_FLAG
byte promised_since;
#define IS_CERTAIN(a, b) (!IN(losses, a))
#define NOTE_PROMISE(a, b) promised_since = promised_since | (IN(losses, a) << (b))
#define IS_IN_FORCE(a, b) (!IN(losses, a) || IN(promised_since, b))
#else
#define IS_CERTAIN(a, b) true
#define NOTE_PROMISE(a, b) skip
#define IS_IN_FORCE(a, b) true
#endif

#define TAKEN_VOTE(a, s) taken_vote[(a) * S + (s)]
#define IS_VOTING(a) (life[a] != DOUBTFUL)
#define HAS_ACTED(a) (promised[a] != 0 || IN(losses, a))

/* Who counts votes (proposer_settle_slot). */
#if defined(RULE_LEARNERS)
#define IS_COUNTED(b, s) true
#elif defined(RULE_OWN_LATE) || defined(RULE_BARRIER)
#define IS_COUNTED(b, s) (PROPOSES(b) && HAS_LED(b))
#else
#define IS_COUNTED(b, s) (PROPOSES(b) && HAS_LED(b) && IN(ACCEPTED(b, s), OWNER(b)))
#endif

#ifdef RULE_MAJORITY
#define MAY_LOSE(a) (COUNT(losses) < 2)
#else
#define MAY_LOSE(a) (losses == 0)
#endif
#if defined(RULE_SAME) || defined(RULE_FLAG)
#define NEXT_LIFE BACK
#else
#define NEXT_LIFE DOUBTFUL
#endif

/*
 * The newest records are gone; left are a promise p and a vote v that it had before, or at least
 * might have had. With ALL nothing is left, nor with more than one slot.
 */
inline lose(a, v_left, p_left)
{
    losses = losses | (1 << (a));
    n = 0;
    do
    :: n < S -> VOTE(a, n) = v_left; n++
    :: else -> break
    od;
    n = 0;
    promised[a] = p_left;
    printf("voter %d: lost records, left are promise %d, vote %d\n", a, p_left, v_left)
}
#define IS_OLDER(a, v, p)                                                                          \
    (v <= p && p <= promised[a] && v <= VOTE(a, 0) && (v == 0 || VALUE(v, 0) != 0))
#if defined(ALL) || S > 1
#define EACH_LOSS(X) X(0, 0)
#elif B == 1
#define EACH_LOSS(X) X(0, 0) X(0, 1)
#elif B == 2
#define EACH_LOSS(X) X(0, 0) X(0, 1) X(0, 2) X(1, 1) X(1, 2)
#elif B == 3
#define EACH_LOSS(X) X(0, 0) X(0, 1) X(0, 2) X(0, 3) X(1, 1) X(1, 2) X(1, 3) X(2, 2) X(2, 3)
#else
#define EACH_LOSS(X)                                                                               \
    X(0, 0) X(0, 1) X(0, 2) X(0, 3) X(0, 4) X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(2, 2) X(2, 3)        \
    X(2, 4) X(3, 3) X(3, 4)
#endif

inline fail(a)
{
    stop(a);
    life[a] = NEXT_LIFE
}

/* The process ends and starts again; its journal is whole. */
inline restart(a)
{
    printf("voter %d: process ends and starts\n", a);
    stop(a);
#ifdef RULE_LATE_PROMISE
    promised[a] = VOTE(a, 0)
#endif
}

/* ------------------------------------------------------------------------------------------------
 * The exchange.
 */

/* The ballot of the proposals that x has in flight. */
#ifdef RULE_NO_PROPOSALS
#define IN_FLIGHT(x) 0
#else
#define IN_FLIGHT(x) (RUNS(x) && IN(leading, x) -> promised[x] : 0)
#endif
inline ask(u, x)
{
    asked[u] = asked[u] | (1 << (x));
    taken_promise[u] = (promised[x] > taken_promise[u] -> promised[x] : taken_promise[u]);
    n = 0;
    do
    :: n < S ->
        best = IN_FLIGHT(x);
        best = (VOTE(x, n) > best -> VOTE(x, n) : best);
        TAKEN_VOTE(u, n) = (best > TAKEN_VOTE(u, n) -> best : TAKEN_VOTE(u, n));
        n++
    :: else -> break
    od;
    printf("voter %d: asked %d: promise %d, vote %d\n", u, x, promised[x], best);
    best = 0;
    n = 0
}

inline rejoin(u)
{
#ifndef RULE_NO_PROMISE
    promised[u] = (taken_promise[u] > promised[u] -> taken_promise[u] : promised[u]);
#endif
    n = 0;
    do
    :: n < S ->
#ifndef RULE_NO_VOTES
        VOTE(u, n) = (TAKEN_VOTE(u, n) > VOTE(u, n) -> TAKEN_VOTE(u, n) : VOTE(u, n));
#endif
        promised[u] = (VOTE(u, n) > promised[u] -> VOTE(u, n) : promised[u]);
        TAKEN_VOTE(u, n) = 0;
        n++
    :: else -> break
    od;
    n = 0;
    taken_promise[u] = 0;
    asked[u] = 0;
    printf("voter %d: votes again, promise %d, vote %d\n", u, promised[u], VOTE(u, 0));
    life[u] = BACK
}

#define CAN_ASK(x)                                                                                 \
    (x < N && x != _pid && life[_pid] == DOUBTFUL && !IN(asked[_pid], x) && MAY_ANSWER(x))
#define ASK_ONE(x)                                                                                 \
    :: d_step { CAN_ASK(x) -> ask(_pid, x) }                                                       \
    :: d_step { CAN_ASK(x) && RUNS(x) -> restart(x); ask(_pid, x) }
#define REJOIN :: d_step { life[_pid] == DOUBTFUL && ARE_ASKED(_pid) -> rejoin(_pid) }

#ifdef RULE_BARRIER
/* First all others take note of the new life, and uncount what they have of the old one. */
byte noted; /* with one doubtful voter only */
#ifdef RULE_COUNTED
#define UNCOUNTS false
#else
#define UNCOUNTS true
#endif
#define MAY_ANSWER(x) (COUNT(noted) == N - 1)
inline note(u, x)
{
    noted = noted | (1 << (x));
    n = 1;
    do
    :: n <= B ->
        if
        :: UNCOUNTS && owner[n - 1] == x + 1 && IN(answers[n - 1], u) ->
            answers[n - 1] = answers[n - 1] & ~(1 << (u));
            i = 0;
            do
            :: i < S -> REPORT(n, u, i) = 0; i++
            :: else -> break
            od
        :: else
        fi;
        i = 0;
        do
        :: UNCOUNTS && i < S && owner[n - 1] == x + 1 -> ACCEPTED(n, i) = ACCEPTED(n, i) & ~(1 << (u)); i++
        :: else -> break
        od;
        n++
    :: else -> break
    od;
    i = 0;
    n = 0
}
#define NOTE_ONE(x)                                                                                \
    :: d_step { x < N && x != _pid && life[_pid] == DOUBTFUL && !IN(noted, x) -> note(_pid, x) }
#define NOTE NOTE_ONE(0) NOTE_ONE(1) NOTE_ONE(2) NOTE_ONE(3) NOTE_ONE(4)
#else
#define MAY_ANSWER(x) true
#define NOTE
#endif

#if defined(SITE)
/* The power of all fails at once; one voter at most loses records. */
#define SITE_DOWN                                                                                  \
    life[0] == WHOLE && promised[0] != 0 -> fail(0); fail(1); fail(2)
#define KEEP :: d_step { _pid == 0 && SITE_DOWN }
#define LOSE(v, p) :: d_step { HAS_ACTED(_pid) && IS_OLDER(_pid, v, p) && SITE_DOWN; lose(_pid, v, p) }
#else
/* POWER: any voter becomes doubtful at any time. */
#ifdef POWER
#define KEEP :: d_step { life[_pid] == WHOLE && HAS_ACTED(_pid) -> fail(_pid) }
#else
#define KEEP
#endif
#define LOSE(v, p)                                                                                 \
    :: d_step { life[_pid] == WHOLE && HAS_ACTED(_pid) && MAY_LOSE(_pid) && IS_OLDER(_pid, v, p) -> \
                fail(_pid); lose(_pid, v, p) }
#endif

#define MEMORY_ACTIONS KEEP EACH_LOSS(LOSE) NOTE ASK_ONE(0) ASK_ONE(1) ASK_ONE(2) ASK_ONE(3) ASK_ONE(4) REJOIN
