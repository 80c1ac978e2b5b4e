/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * members.pml - the configurations of the slots, as a model: is one value chosen in each slot while
 * a value of the log changes who votes?
 *
 * As paxos.pml, with these differences. The value of slot 1 (with TWO: also of slot 2) may be a
 * change of the members; it governs the slots from its own + DISTANCE on. Slots count from 1.
 *
 *   known[b]   how far the proposer of b has applied (p->applied). It may know less than it did in
 *              an earlier ballot: a restart forgets marks. It may learn what is chosen at any time.
 *   FOUND(b,s) slot->found_ballot, once phase 1 is over
 *   config     a set of voters; CONFIG_0 at the start, CONFIG_1 after one change, CONFIG_2 after two
 *
 * The code of it: members_at, members_have (quorum.c), membership_on_members (membership.c),
 * proposer_recover_more (recovery.c). A proposer asks the voters of the configurations that it knows
 * to be in force or on their way (members_is_voter), and is one of them. With STRANGERS it asks
 * all, and all answer and propose: also who is no voter yet, or was removed. What counts is the
 * quorum alone.
 *
 * NARROW, for mistakes that need long histories: all fresh values are changes where they may be, and
 * the first ballot alone begins without knowing one (with TWO: the second knows one, later ones two).
 *
 * REACHED asserts that replica 3 is in no quorum of a later configuration: it has to fail.
 *
 * Reductions: see paxos.pml. A proposer that applies a change prepares again in a higher ballot;
 * its old one just ends, so there is no action for it. "order" holds for the replicas 0 and 1.
 */
#ifndef B
#define B 3
#endif
#ifndef S
#define S 2
#endif
#ifndef DISTANCE
#define DISTANCE 1
#endif
#define N 4
#ifndef CONFIG_0
#define CONFIG_0 7 /* 0 1 2 */
#endif
#ifndef CONFIG_1
#define CONFIG_1 11 /* 0 1 3: replica 2 is replaced */
#endif
#ifndef CONFIG_2
#define CONFIG_2 13 /* 0 2 3: then replica 1 by 2 */
#endif

byte promised[N];
byte voted[N * S];
byte owner[B];
byte known[B];
byte answers[B];
byte reported[B * N * S];
byte found[B * S];
byte value[B * S];
byte accepted[B * S];
byte chosen[S];
byte leading; /* ballots that lead or led */

#define VOTE(a, s) voted[(a) * S + (s) - 1]
#define OWNER(b) (owner[(b) - 1] - 1)
#define REPORT(b, a, s) reported[(((b) - 1) * N + (a)) * S + (s) - 1]
#define FOUND(b, s) found[((b) - 1) * S + (s) - 1]
#define VALUE(b, s) value[((b) - 1) * S + (s) - 1]
#define ACCEPTED(b, s) accepted[((b) - 1) * S + (s) - 1]
#define KNOWN(b) known[(b) - 1]

#define IN(set, a) (((set) >> (a)) & 1)
#define COUNT(set) (IN(set, 0) + IN(set, 1) + IN(set, 2) + IN(set, 3))

/* quorum_has. */
#if defined(M48)
/* What replica 2 said before it was replaced counts for replica 3, which is the same machine. */
#define VOTERS(set, config) (((set) | (IN(set, 2) << 3)) & (config))
#elif defined(M7)
/* Whoever is no voter counts. */
#define VOTERS(set, config) (set)
#else
#define VOTERS(set, config) ((set) & (config))
#endif
#define IS_QUORUM(set, config) (COUNT(VOTERS(set, config)) > COUNT(config) / 2)

/* A fresh value of ballot b: a plain one, or a change. */
#define PLAIN_VALUE(b) (b)
#define CHANGE(b) (B + (b))
#define IS_CHANGE(v) ((v) > B)
#ifdef TWO
#define MAY_CHANGE(s) ((s) <= 2)
#else
#define MAY_CHANGE(s) ((s) == 1)
#endif

/* Changes in the slots up to `last`, of those that were applied up to `applied`. */
#define IS_CHANGED(s, last, applied) ((s) <= (last) && (s) <= (applied) && IS_CHANGE(chosen[(s) - 1]))
#ifdef TWO
#define CHANGES(last, applied) (IS_CHANGED(1, last, applied) + IS_CHANGED(2, last, applied))
#else
#define CHANGES(last, applied) IS_CHANGED(1, last, applied)
#endif
#define CONFIG(changes) ((changes) == 0 -> CONFIG_0 : ((changes) == 1 -> CONFIG_1 : CONFIG_2))

/*
 * The configuration of slot s for a proposer that has applied the slots up to `applied`: members_at.
 * M40: a change has its effect at once. M42: a second change takes the place of the first.
 * M44: today's, for every slot.
 */
#if defined(M40)
#define AT(s, applied) CONFIG(CHANGES((s) - 1, applied))
#elif defined(M42)
#define AT(s, applied)                                                                             \
    (CHANGES(S, applied) == 2 && (s) < 2 + DISTANCE -> CONFIG_0                                    \
                                                    : CONFIG(CHANGES((s) - DISTANCE, applied)))
#else
#define AT(s, applied) CONFIG(CHANGES((s) - DISTANCE, applied))
#endif
#ifdef M44
#define COUNTS_BY(s, applied) CONFIG(CHANGES(S, applied))
#else
#define COUNTS_BY(s, applied) AT(s, applied)
#endif

/* members_have: the configuration in force, and the one on its way. M43: only that of the start. */
#ifdef M43
#define HAS_PROMISES(set, applied) IS_QUORUM(set, CONFIG_0)
#else
#define HAS_PROMISES(set, applied)                                                                 \
    (IS_QUORUM(set, AT(applied + 1, applied)) && IS_QUORUM(set, AT(applied + DISTANCE, applied)))
#endif

/* members_is_voter. */
#ifdef STRANGERS
#define IS_MEMBER(a, applied) true
#else
#define IS_MEMBER(a, applied) IN(AT(applied + 1, applied) | AT(applied + DISTANCE, applied), a)
#endif

/* proposer_recover_more. M41: one slot further. */
#ifdef M41
#define MAY_PROPOSE(s, applied) ((s) <= (applied) + DISTANCE + 1)
#else
#define MAY_PROPOSE(s, applied) ((s) <= (applied) + DISTANCE)
#endif

#if B == 2
#define EACH_BALLOT(X) X(1) X(2)
#elif B == 3
#define EACH_BALLOT(X) X(1) X(2) X(3)
#elif B == 4
#define EACH_BALLOT(X) X(1) X(2) X(3) X(4)
#endif
#if S == 2
#define EACH_SLOT(X, b) X(b, 1) X(b, 2)
#elif S == 3
#define EACH_SLOT(X, b) X(b, 1) X(b, 2) X(b, 3)
#endif

hidden byte i, n, best, applied;

#define MAY_ACT(a) ((a) != 1 || promised[0] != 0)
#define PROPOSES(b) (owner[(b) - 1] != 0 && promised[OWNER(b)] == (b))
#define HAS_LED(b) IN(leading, b)
#define IS_READ(b) (PROPOSES(b) && !HAS_LED(b))

/* ------------------------------------------------------------------------------------------------
 * The acceptor.
 */

/* Phase 1 is over; what it found stays as long as the proposer may use it. */
inline forget_answers(b)
{
    answers[(b) - 1] = 0;
    i = 0;
    do
    :: i < N * S -> reported[((b) - 1) * N * S + i] = 0; i++
    :: else -> break
    od;
    i = 0
}

inline forget_found(b)
{
    i = 0;
    do
    :: i < S -> found[((b) - 1) * S + i] = 0; i++
    :: else -> break
    od;
    i = 0
}

inline raise(a, b)
{
    if
    :: promised[a] != 0 && OWNER(promised[a]) == (a) ->
        forget_answers(promised[a]);
        forget_found(promised[a])
    :: else
    fi;
    promised[a] = b
}

inline answer(a, b)
{
    printf("replica %d: promise to ballot %d\n", a, b);
    answers[(b) - 1] = answers[(b) - 1] | (1 << (a));
    n = 1;
    do
    :: n <= S -> REPORT(b, a, n) = (n > KNOWN(b) -> VOTE(a, n) : 0); n++ /* slot_first */
    :: else -> break
    od;
    n = 0
}
#define PROMISE(b)                                                                                 \
    :: d_step { MAY_ACT(_pid) && IS_READ(b) && !IN(answers[b - 1], _pid) && promised[_pid] < b &&  \
                IS_MEMBER(_pid, KNOWN(b)) ->                                                       \
                raise(_pid, b); answer(_pid, b) }

/* More votes for what is chosen say nothing new. */
#define IS_AWAITED(b, s) (chosen[(s) - 1] != VALUE(b, s))

/* proposer_settle_slot, by what the proposer knows: agreement, when the quorum forms. */
inline check_chosen(b, s)
{
    applied = KNOWN(b);
    if
    :: VALUE(b, s) != 0 && IS_QUORUM(ACCEPTED(b, s), COUNTS_BY(s, applied)) ->
        printf("slot %d: value %d chosen in ballot %d\n", s, VALUE(b, s), b);
        assert(chosen[(s) - 1] == 0 || chosen[(s) - 1] == VALUE(b, s));
        chosen[(s) - 1] = VALUE(b, s);
#ifdef REACHED
        assert(CONFIG(CHANGES((s) - DISTANCE, S)) == CONFIG_0 || !IN(ACCEPTED(b, s), 3));
#endif
        i = 1;
        do
        :: i <= B -> ACCEPTED(i, s) = (IS_AWAITED(i, s) -> ACCEPTED(i, s) : 0); i++
        :: else -> break
        od;
        i = 0
    :: else
    fi;
    applied = 0
}

#define ACCEPT(b, s)                                                                               \
    :: d_step { MAY_ACT(_pid) && VALUE(b, s) != 0 && b >= promised[_pid] && VOTE(_pid, s) != b &&  \
                IS_MEMBER(_pid, KNOWN(b)) ->                                                       \
                if                                                                                 \
                :: promised[_pid] < b -> raise(_pid, b)                                            \
                :: else                                                                            \
                fi;                                                                                \
                printf("replica %d: vote in ballot %d, slot %d\n", _pid, b, s);                    \
                VOTE(_pid, s) = b;                                                                 \
                ACCEPTED(b, s) = ACCEPTED(b, s) | (IS_AWAITED(b, s) -> 1 << _pid : 0);                                     \
                check_chosen(b, s) }

/* ------------------------------------------------------------------------------------------------
 * The proposer.
 */

#if defined(NARROW) && defined(TWO)
#define IS_TOLD(b, k) ((k) == (b) - 1 || ((b) > 3 && (k) == 2))
#elif defined(NARROW)
#define IS_TOLD(b, k) ((k) == ((b) > 1))
#else
#define IS_TOLD(b, k) true
#endif

/* It has applied any part of what is chosen. */
#define PREPARE_KNOWING(b, k)                                                                      \
    :: d_step { k < S && IS_TOLD(b, k) && MAY_ACT(_pid) && owner[b - 1] == 0 && promised[_pid] < b &&               \
                (k < 1 || chosen[0] != 0) && (k < 2 || chosen[1] != 0) && \
                IS_MEMBER(_pid, k) ->                           \
                raise(_pid, b);                                                                    \
                printf("replica %d: prepare, applied %d\n", _pid, k);                              \
                owner[b - 1] = _pid + 1;                                                           \
                KNOWN(b) = k;                                                                      \
                answer(_pid, b) }
#define PREPARE(b) PREPARE_KNOWING(b, 0) PREPARE_KNOWING(b, 1) PREPARE_KNOWING(b, 2)

inline find(b, s)
{
    best = 0;
    i = 0;
    do
    :: i < N -> best = (REPORT(b, i, s) > best -> REPORT(b, i, s) : best); i++
    :: else -> break
    od;
    i = 0;
    FOUND(b, s) = best;
    best = 0
}

/* Slot s, if its configuration is known. `fresh` is what to propose where phase 1 found nothing. */
inline propose(b, s, fresh)
{
    if
    :: (s) > S || !MAY_PROPOSE(s, KNOWN(b)) || (s) <= KNOWN(b) || VALUE(b, s) != 0
    :: else ->
        VALUE(b, s) = (FOUND(b, s) != 0 -> VALUE(FOUND(b, s), s)
                                        : (MAY_CHANGE(s) -> fresh : PLAIN_VALUE(b)));
        printf("replica %d: proposes in ballot %d, slot %d, value %d\n", OWNER(b), b, s, VALUE(b, s));
        FOUND(b, s) = 0
    fi
}

/* Fresh proposals in all slots that are allowed: they need not be delivered. */
inline propose_all(b, fresh)
{
    n = 1;
    do
    :: n <= S -> propose(b, n, fresh); n++
    :: else -> break
    od;
    n = 0
}

#define LEAD_WITH(b, fresh)                                                                        \
    :: d_step { owner[b - 1] == _pid + 1 && IS_READ(b) &&                                          \
                HAS_PROMISES(answers[b - 1], KNOWN(b)) ->                                          \
                n = 1;                                                                             \
                do                                                                                 \
                :: n <= S -> find(b, n); n++                                                       \
                :: else -> break                                                                   \
                od;                                                                                \
                leading = leading | (1 << b);                                                      \
                forget_answers(b);                                                                 \
                propose_all(b, fresh) }
#ifdef NARROW
#define LEAD(b) LEAD_WITH(b, CHANGE(b))
#else
#define LEAD(b) LEAD_WITH(b, PLAIN_VALUE(b)) LEAD_WITH(b, CHANGE(b))
#endif

/*
 * The next slot is applied, and one more may be proposed. With a change the ballot ends here; M43:
 * it goes on.
 */
#ifdef M43
#define MAY_APPLY(v) ((v) != 0)
#else
#define MAY_APPLY(v) ((v) != 0 && !IS_CHANGE(v))
#endif
#ifdef M44
#define COUNT_AGAIN(b) n = 1; do :: n <= S -> check_chosen(b, n); n++ :: else -> break od; n = 0
#undef MAY_APPLY
#define MAY_APPLY(v) ((v) != 0)
#else
#define COUNT_AGAIN(b) skip
#endif
#define APPLY_WITH(b, fresh)                                                                       \
    :: d_step { owner[b - 1] == _pid + 1 && PROPOSES(b) && HAS_LED(b) && KNOWN(b) < S - 1 &&       \
                MAY_APPLY(chosen[KNOWN(b)]) ->                                                     \
                KNOWN(b) = KNOWN(b) + 1;                                                           \
                printf("replica %d: applied %d\n", _pid, KNOWN(b));                                \
                COUNT_AGAIN(b);                                                                    \
                propose_all(b, fresh) }
#ifdef TWO
#define APPLY(b) APPLY_WITH(b, PLAIN_VALUE(b)) APPLY_WITH(b, CHANGE(b))
#else
#define APPLY(b) APPLY_WITH(b, PLAIN_VALUE(b))
#endif

active [N] proctype replica()
{
end:
    do
    EACH_BALLOT(PREPARE)
    EACH_BALLOT(PROMISE)
    EACH_BALLOT(LEAD)
    EACH_BALLOT(APPLY)
#define ACCEPTS(b) EACH_SLOT(ACCEPT, b)
    EACH_BALLOT(ACCEPTS)
    od
}
