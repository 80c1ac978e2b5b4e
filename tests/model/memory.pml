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
 *   RULE_NO_VOTES      does not take the votes over
 *   RULE_NO_PROMISE    does not take the promise over
 *   RULE_NO_PROPOSALS  proposals in flight are no votes
 *   RULE_LATE_PROMISE  a proposer's own promise is not durable when its prepare leaves
 *   RULE_MAJORITY      with POWER: two voters lose records
 *   RULE_LEARNERS      votes are counted by everybody, at any time
 *   RULE_SPEAKS        no control: the search must find that the voter that came back votes again
 */
#ifndef ASK
#define ASK (N - 1)
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
#ifdef RULE_FLAG
byte repromised; /* ballots */
#endif

#define TAKEN_VOTE(a, s) taken_vote[(a) * S + (s)]
#define IS_VOTING(a) (life[a] != DOUBTFUL)
#define HAS_ACTED(a) (promised[a] != 0 || IN(losses, a))
#ifdef RULE_LEARNERS
#define IS_COUNTED(b) true
#else
#ifdef OWN
#define IS_COUNTED(b) (PROPOSES(b) && HAS_LED(b) && IN(set, OWNER(b)))
#else
#define IS_COUNTED(b) (PROPOSES(b) && HAS_LED(b))
#endif
#endif

#if defined(RULE_MAJORITY)
#define MAY_LOSE(a) (COUNT(losses) < 2)
#else
#define MAY_LOSE(a) (losses == 0)
#endif
#ifdef POWER
#define MAY_KEEP true
#else
#define MAY_KEEP false
#endif
#if defined(RULE_SAME) || defined(RULE_FLAG)
#define NEXT_LIFE BACK
#else
#define NEXT_LIFE DOUBTFUL
#endif

/* The newest records are gone; what is left are older ones. */
inline lose(a)
{
    losses = losses | (1 << (a));
    n = 0;
    do
    :: n < S && VOTE(a, n) != 0 ->
        /* The vote before. */
        VOTE(a, n) = VOTE(a, n) - 1;
        do
        :: VOTE(a, n) != 0 && !IN(ACCEPTED(VOTE(a, n), n), a) -> VOTE(a, n) = VOTE(a, n) - 1
        :: else -> break
        od
    :: n < S -> n++
    :: n == S -> break
    od;
    n = 0;
    best = VOTE(a, 0);
#if S > 1
    best = (VOTE(a, 1) > best -> VOTE(a, 1) : best);
#endif
    do
    :: promised[a] > best -> promised[a]--
    :: break
    od;
    printf("voter %d: lost records, left are promise %d, vote %d\n", a, promised[a], VOTE(a, 0));
    best = 0
}

#define FAIL                                                                                       \
    :: atomic { life[_pid] == WHOLE && HAS_ACTED(_pid) && (MAY_KEEP || MAY_LOSE(_pid)) ->          \
                stop(_pid);                                                                        \
                life[_pid] = NEXT_LIFE;                                                            \
                if                                                                                 \
                :: MAY_LOSE(_pid) -> lose(_pid)                                                    \
                :: MAY_KEEP                                                                        \
                fi }

/* The process ends and starts again; its journal is whole. */
#ifdef RULE_LATE_PROMISE
#define FORGET_PROMISE(a) promised[a] = VOTE(a, 0)
#else
#define FORGET_PROMISE(a) skip
#endif
#define RESTART :: d_step { RUNS(_pid) -> stop(_pid); FORGET_PROMISE(_pid); printf("voter %d: process ends and starts\n", _pid) }

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
    printf("voter %d: asked %d: promise %d, vote %d\n", u, x, taken_promise[u], TAKEN_VOTE(u, 0));
    best = 0;
    n = 0
}
#define ASK_ONE(x)                                                                                 \
    :: d_step { x < N && x != _pid && life[_pid] == DOUBTFUL && !IN(asked[_pid], x) ->             \
                ask(_pid, x) }

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
#define REJOIN :: d_step { life[_pid] == DOUBTFUL && COUNT(asked[_pid]) >= ASK -> rejoin(_pid) }

#if N == 3
#define ASK_EACH ASK_ONE(0) ASK_ONE(1) ASK_ONE(2)
#else
#define ASK_EACH ASK_ONE(0) ASK_ONE(1) ASK_ONE(2) ASK_ONE(3) ASK_ONE(4)
#endif
#define MEMORY_ACTIONS FAIL RESTART ASK_EACH REJOIN
