/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * core.h - the whole state of the core, for the files of consensus/ only. parts.h, which comes with
 * it, has what each of them offers to the others.
 *
 * The three roles of the paper share one object because they share facts: a leader's proposal is
 * its own vote, and what the learner knows bounds what the proposer asks. Who writes what:
 *
 *   acceptor    promised, votes               learner    chosen, chosen_end, applied
 *   proposer    ballot, found, accepted       election   role, leader, timers
 *   read        reads, rounds                 effects    the arrays that a step gives back
 *   rejoin      what others told of doubts    membership members, voting
 */
#ifndef RSM_CONSENSUS_CORE_H
#define RSM_CONSENSUS_CORE_H

#include "consensus/paxos.h"
#include "consensus/quorum.h"
#include "consensus/slots.h"
#include "src/base/check.h"
#include "src/base/prng.h"

/* Another member, as seen from here. */
struct peer {
    bool was_heard;
    uint64_t heard_tick;   /* any message */
    uint64_t contact_tick; /* an answer under the own ballot: phase 1, phase 2 or heartbeat */
    uint64_t chosen_end;
    uint64_t promised_end; /* phase 1: its votes below are known; PAXOS_NO_END: all */
    uint64_t read_round;   /* the highest round that it answered */
    uint64_t resend_tick;
    uint64_t resend_sent_tick;
    uint32_t resend_interval;
    bool rejoin_lost;    /* and said that it has lost something, too */
    uint64_t rejoin_end; /* it told its votes below, after this replica's doubts began */
};

/* What a replica that may have forgotten votes hears from the others: rejoin.c. */
struct rejoin {
    uint64_t number; /* of the question; 0: none was asked */
    uint64_t first;  /* votes are asked for from here on */
    uint64_t tick;   /* asked again then */
    struct ballot promised;
    uint64_t recover_end; /* all below are chosen: to be learned first */
    uint64_t waited_end;  /* so far was learned when the wait for more began */
    bool is_complete;
    bool is_told;
    bool is_blocked; /* the last time that all had answered, too many had lost something */
};

enum read_state {
    READ_FORWARDED = 1, /* the leader was asked */
    READ_WAITING,       /* for its round, here at the leader */
    READ_CONFIRMED,     /* until its slot is applied here */
};

struct read {
    enum read_state state;
    uint32_t asker;   /* self, or the follower that asked */
    uint64_t read_id; /* the shell's, or the follower's number */
    uint64_t number;  /* FORWARDED: what the leader was told */
    uint64_t round;
    uint64_t slot;
    uint64_t deadline_tick;
};

struct reads {
    struct read *list; /* owned, LIMIT_READS_WAITING, in order of arrival */
    uint32_t count;
    uint64_t number_next;
    uint64_t round_sent;
};

/* The arrays of a step, with their capacities. */
struct effect_lists {
    struct paxos_append *appends;
    struct paxos_send *sends;
    struct paxos_entry *entries;
    struct paxos_learned *learned;
    struct paxos_lost *lost;
    struct paxos_read_end *reads;
    struct paxos_range *ranges;
    uint32_t append_count, append_capacity;
    uint32_t send_count, send_capacity;
    uint32_t entry_count, entry_capacity;
    uint32_t learned_count, learned_capacity;
    uint32_t lost_count, lost_capacity;
    uint32_t read_count, read_capacity;
    uint32_t range_count, range_capacity;
};

struct paxos {
    /* Fixed after paxos_start. */
    struct paxos_config config;
    enum paxos_standing standing;
    bool started;
    bool is_holding; /* chosen slots that the shell has, and could not apply before the start */

    struct members members;
    bool voting; /* a voter, of either configuration, whose journal is whole */

    uint64_t tick;
    struct prng prng;
    struct slots slots;
    struct peer peers[REPLICA_MAX + 1]; /* by replica */
    struct effect_lists effects;
    uint64_t marks[PAXOS_MARK_COUNT];

    /* Journal. */
    uint64_t seq_next;
    uint64_t seq_waited; /* the last record that something waits for */
    uint64_t seq_durable;
    uint64_t durable_tick; /* when a flush ended last, or the wait began */

    /* Acceptor. */
    struct ballot promised;
    uint64_t promised_seq; /* the record that holds it: a promise or an accept */

    /* Learner. */
    uint64_t chosen_end;
    uint64_t applied;
    uint64_t accepted_end;
    uint64_t marked_end;    /* the last chosen mark in the journal */
    uint64_t catch_up_tick; /* no further request before */

    /* Election. */
    enum paxos_role role;
    uint32_t leader; /* 0: none known */
    struct ballot leader_ballot;
    uint64_t leader_heard_tick;
    uint64_t election_tick; /* the timeout: of a follower, a pre-vote or a prepare */
    uint64_t heartbeat_tick;
    uint64_t round_max; /* the highest round seen anywhere */
    struct ballot prevote_ballot;
    replica_set prevotes;

    /* Proposer. */
    struct ballot ballot; /* own: prepared or leading */
    uint64_t prepare_first;
    uint64_t recover_end; /* a promise says that all below are chosen: to be learned first */
    uint64_t found_end;   /* no vote was found at or above, or phase 1 ends there (ready_end) */
    uint64_t slot_next;
    /* All below chosen: every slot of earlier ballots is decided. PAXOS_NO_END: not in this ballot.
     */
    uint64_t ready_end;
    uint64_t announced_end;

    struct reads reads;
    struct rejoin rejoin;

    /* What the last step reported. */
    uint32_t told_leader;
    struct ballot told_ballot;
    bool told_ready;
};

static inline void mark(struct paxos *p, enum paxos_mark which)
{
    p->marks[which]++;
}

#include "consensus/parts.h"

#endif
