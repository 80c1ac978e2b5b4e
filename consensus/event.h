/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * event.h - what goes into a step of the core and what comes out: see paxos.h for how they are
 * used.
 *
 * Events belong to the caller and are borrowed during the step. Effects belong to the core and are
 * valid until the next step.
 */
#ifndef RSM_CONSENSUS_EVENT_H
#define RSM_CONSENSUS_EVENT_H

#include "consensus/message.h"
#include "consensus/quorum.h"

/* What the shell's rules say of a fresh proposal. */
enum paxos_opinion {
    PAXOS_OPINION_OK = 1,
    PAXOS_OPINION_REFUSED, /* never applied to a value recovered in phase 1 */
    PAXOS_OPINION_WAIT,    /* cannot say yet: no vote now, the proposer will ask again */
};

struct paxos_proposal {
    struct blob *value; /* borrowed, the core takes its own reference */
    uint64_t cookie;    /* above 0; comes back with learned or lost */
};

enum paxos_event_type {
    PAXOS_EVENT_MESSAGE = 1, /* from, message, opinions */
    PAXOS_EVENT_TICK,
    PAXOS_EVENT_DURABLE,   /* number: the journal is durable up to this sequence number */
    PAXOS_EVENT_PROPOSE,   /* proposals; lost at once when paxos_room has no place for them */
    PAXOS_EVENT_APPLIED,   /* number: slots up to this one are applied */
    PAXOS_EVENT_READ,      /* number: the read's id; a linearizable read begins now */
    PAXOS_EVENT_INSTALLED, /* number: the state up to this slot came from a snapshot, durably;
                              members: what it says they are, NULL: as they were. One event, for
                              between two a slot could be reported that the state has already */
    PAXOS_EVENT_ANNOUNCE,  /* end of a turn: tell the others what was chosen, if they were not told
                            */
    PAXOS_EVENT_PEER_LOST, /* from: the link to it broke; a suspicion */
    PAXOS_EVENT_RESIGN,    /* stop leading, do not campaign for an election timeout */
    PAXOS_EVENT_REJOINED,  /* number: the fresh journal is durable up to this sequence number */
    PAXOS_EVENT_MEMBERS,   /* members: applying a slot changed them; before APPLIED for that slot */
};

/* Borrowed during the step. */
struct paxos_event {
    enum paxos_event_type type;
    uint32_t from;                       /* proved by the link, never taken from the message */
    const struct paxos_message *message; /* paxos_message_check said yes */
    const uint8_t *opinions; /* ACCEPT: enum paxos_opinion of each entry; NULL: all OK */
    uint64_t number;
    const struct paxos_proposal *proposals;
    size_t proposal_count;
    const struct members *members;
};

enum paxos_record_type {
    PAXOS_RECORD_PROMISE = 1, /* ballot */
    PAXOS_RECORD_ACCEPT,      /* slot, ballot, value */
    PAXOS_RECORD_CHOSEN,      /* slot_end */
};

struct paxos_append {
    enum paxos_record_type type;
    uint64_t seq;
    bool lazy; /* a flush for this record alone is not needed */
    struct ballot ballot;
    uint64_t slot;
    uint64_t slot_end;
    struct blob *value;
};

struct paxos_send {
    uint32_t to;
    uint64_t durable_seq; /* 0: at once */
    struct paxos_message message;
};

struct paxos_learned {
    uint64_t slot;
    uint64_t cookie; /* of the own proposal that this is, or 0 */
    struct blob *value;
};

/* A proposal of this replica that will perhaps not be chosen in its slot; it may be, all the same.
 */
struct paxos_lost {
    uint64_t cookie;
    uint64_t slot; /* 0: it was never proposed */
    bool refused;  /* by the rules of a majority */
};

struct paxos_read_end {
    uint64_t read_id;
    bool confirmed; /* else failed: no leader, or it changed; ask again */
    uint64_t slot;  /* applied here already; state at or after it is linearizable */
};

/* A peer asks for slots that only the shell's log has: send it LEARN messages (or a snapshot). */
struct paxos_range {
    uint32_t to;
    uint64_t slot_first;
    uint64_t slot_end;
};

struct paxos_effects {
    const struct paxos_append *appends;
    size_t append_count;
    const struct paxos_send *sends;
    size_t send_count;
    const struct paxos_learned *learned;
    size_t learned_count;
    const struct paxos_lost *lost;
    size_t lost_count;
    const struct paxos_read_end *reads;
    size_t read_count;
    const struct paxos_range *ranges;
    size_t range_count;
    /*
     * Told once: write paxos_promised, every vote that paxos_accepted has and paxos_chosen_end into
     * a fresh journal of a new incarnation, make that durable, then hand in PAXOS_EVENT_REJOINED.
     */
    bool rejoin;
    bool leader_changed; /* leader, ballot or readiness is another than after the last step */
    uint32_t leader;     /* 0: none known */
    struct ballot leader_ballot;
    bool ready; /* this replica leads, has recovered every open slot and takes proposals */
};

#endif
