/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * marks.h - how often each rare path of the core was taken. The simulator reads the counters: a
 * path that no seed reaches is a path that nobody tested.
 */
#ifndef RSM_CONSENSUS_MARKS_H
#define RSM_CONSENSUS_MARKS_H

/* X(name, sentence) */
#define PAXOS_MARK_LIST(X)                                                                         \
    X(PROMISE_AGAIN, "the same prepare was promised a second time")                                \
    X(PROMISE_SPLIT, "a promise took several messages")                                            \
    X(PROMISE_OUT_OF_ORDER, "a part of a promise came before the part in front of it")             \
    X(PROMISE_OUTSIDE_WINDOW, "a promise reported votes that the own window cannot hold")          \
    X(LED_A_WINDOW, "votes beyond the window were left for another ballot")                        \
    X(PROMISE_STALE, "a promise for an earlier ballot was ignored")                                \
    X(PREPARE_PREEMPTED, "a prepare below the promise was answered no")                            \
    X(ACCEPT_PREEMPTED, "an accept below the promise was answered no")                             \
    X(ACCEPT_RAISED_PROMISE, "an accept above the promise raised it")                              \
    X(ACCEPT_AGAIN, "an accept was voted for already")                                             \
    X(ACCEPT_CONFLICT, "another value under a ballot that has a vote, or in a chosen slot")        \
    X(ACCEPT_BELOW_CHOSEN, "an accept for a slot that is known to be chosen")                      \
    X(ACCEPT_OUTSIDE_WINDOW, "an accept beyond the window")                                        \
    X(ACCEPT_REFUSED, "the shell refused a fresh proposal")                                        \
    X(ACCEPT_WAITS, "the shell cannot judge a fresh proposal yet")                                 \
    X(VOTE_OVERWRITTEN, "a vote was replaced by one in a higher ballot")                           \
    X(RECOVERED_OTHERS_VOTE, "phase 1 found a vote that the proposer did not have")                \
    X(RECOVERED_HIGHER_VOTE, "phase 1 found two values for a slot, the higher ballot won")         \
    X(GAP_FILLED, "a new leader put a no-op into a gap")                                           \
    X(RECOVERY_CAUGHT_UP, "a proposer learned chosen slots before it could lead")                  \
    X(REFUSED_BY_MAJORITY, "a majority refused a proposal")                                        \
    X(REFUSED_AND_STUCK, "a refused proposal found no majority in time")                           \
    X(PREEMPTED_LEADER, "a leader met a higher ballot")                                            \
    X(PREEMPTED_PREPARING, "a preparing proposer met a higher ballot")                             \
    X(DEPOSED_BY_LEARN, "a leader learned a chosen value that it had not proposed")                \
    X(STEPPED_DOWN_NO_QUORUM, "a leader lost contact with the quorum")                             \
    X(STEPPED_DOWN_STALLED, "a leader's disk stalled")                                             \
    X(STALLED_NO_CAMPAIGN, "no campaign, because the own disk stalls")                             \
    X(PREVOTE_DENIED, "a pre-vote was denied, the leader is alive")                                \
    X(PREPARE_TIMED_OUT, "a prepare found no quorum in time")                                      \
    X(CHOSEN_OUT_OF_ORDER, "a slot was chosen before one in front of it")                          \
    X(CHOSEN_WAITS_FOR_OWN_VOTE, "a quorum accepted before the own record was durable")            \
    X(OWN_VOTE_OTHER_BALLOT, "told that a slot is chosen, with the own vote in another ballot")    \
    X(LEARN_REPLACED_VOTE, "a chosen value replaced a different vote")                             \
    X(LEARN_IGNORED, "a learn message brought nothing in order")                                   \
    X(RANGE_FROM_STORE, "a peer needed slots that only the store holds")                           \
    X(RESENT, "an accept was sent again")                                                          \
    X(READ_WAITED_FOR_RECOVERY, "a read came before the new leader had recovered")                 \
    X(READ_FORWARDED, "a read was passed to the leader")                                           \
    X(READ_STALE_ANSWER, "an answer to a read that nobody waits for")                              \
    X(READ_FAILED, "a read found no leader, or lost it")                                           \
    X(REJOIN_TOO_MANY_LOST, "a rejoin stopped: a quorum of voters have lost something")            \
    X(REJOIN_STALE, "an answer to a rejoin that is over, or out of order")                         \
    X(REJOIN_OUTSIDE_WINDOW, "a rejoin heard of votes that the own window cannot hold yet")        \
    X(REJOIN_RAISED_PROMISE, "a rejoin took over a higher promise")                                \
    X(REJOIN_TOOK_VOTE, "a rejoin took over a vote")                                               \
    X(REJOINED, "a replica that was in doubt votes again")                                         \
    X(LEFT_THE_VOTERS, "a voter was removed, or became a learner")                                 \
    X(PREPARED_FOR_MEMBERS, "a leader ran phase 1 again because the members change")               \
    X(MEMBERS_CHANGED, "a configuration came into force")                                          \
    X(SEND_DROPPED, "effects had no room for a message")                                           \
    X(FOREIGN_BALLOT, "a message under a ballot that its sender does not own")

enum paxos_mark {
#define PAXOS_MARK_ENUM(name, sentence) PAXOS_MARK_##name,
    PAXOS_MARK_LIST(PAXOS_MARK_ENUM)
#undef PAXOS_MARK_ENUM
        PAXOS_MARK_COUNT
};

#endif
