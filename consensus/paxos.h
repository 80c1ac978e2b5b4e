/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * paxos.h - the pure core: Multi-Paxos as one function of events ("Paxos Made Simple", Lamport
 * 2001).
 *
 * paxos_step takes one event and gives effects. The caller obeys them and decides nothing:
 *
 *   1. append: write the records to the journal, in order; then, when they are durable, hand in
 *      PAXOS_EVENT_DURABLE. The core gives each record its sequence number, one more than the last.
 *   2. send: not before the journal is durable up to durable_seq (0: at once). A message may be
 *      lost, doubled, delayed and reordered.
 *   3. learned: slots in strict order, each once; apply them, then hand in PAXOS_EVENT_APPLIED.
 *
 * The same events give the same effects, byte for byte. No clock: ticks; no memory is allocated
 * after paxos_new; no logging. Effects point into memory of the core: valid until the next step.
 *
 * Journal records, and what recovery makes of them:
 *
 *   promise{ballot}              no vote and no promise below this ballot any more
 *   accept{slot, ballot, value}  a vote; with PAXOS_BALLOT_CHOSEN: told that the value was chosen
 *   chosen{end}                  every slot below `end` is chosen, and the last accept record of
 *                                each slot that the store does not hold has the chosen value.
 *                                Lazy: nothing waits for it, it needs no flush of its own.
 *
 * Starting: paxos_new, then the records of the journal in their order through paxos_restore_*, then
 * paxos_start, then steps. Thread: one.
 */
#ifndef RSM_CONSENSUS_PAXOS_H
#define RSM_CONSENSUS_PAXOS_H

#include "consensus/event.h"
#include "consensus/marks.h"
#include "consensus/message.h"

struct paxos;

/* Fixed after paxos_new. Times in ticks, all above 0. */
struct paxos_config {
    uint32_t self;
    uint32_t voters[LIMIT_REPLICAS]; /* distinct, 1..REPLICA_MAX */
    uint32_t voter_count;            /* 1..LIMIT_REPLICAS */
    uint32_t learners[LIMIT_REPLICAS];
    uint32_t learner_count;
    uint32_t window;        /* slots that a leader keeps open, 1..distance */
    uint32_t distance;      /* slots from a change of the members to its effect; 0: capacity */
    uint32_t capacity;      /* slots with votes that are held; LIMIT_WINDOW but in tests */
    uint32_t batch_entries; /* of one message, 1..LIMIT_BATCH_ENTRIES */
    uint32_t batch_bytes;   /* of one message, but for a single entry that is larger */
    uint32_t heartbeat_ticks;
    uint32_t election_ticks_min; /* above 2 * heartbeat_ticks */
    uint32_t election_ticks_max; /* above election_ticks_min */
    uint32_t start_ticks_max;    /* the first timeout after the start; 0: as all others */
    uint32_t resend_ticks;
    uint32_t stall_ticks; /* no flush ended for so long: the disk stalls */
    uint64_t seed;        /* of the election timeouts and read numbers: another one at each start */
    /* A person has decided: rejoin with what is left, also when a quorum of voters lost something.
     */
    bool accepts_loss;
};

/*
 * All values within the bounds above (CHECKed); `self` may be no member yet. Owned by the caller.
 */
struct paxos *paxos_new(const struct paxos_config *config);
void paxos_free(struct paxos *p);

/*
 * Recovery, in this order: the base, then the journal's records in journal order, then
 * paxos_restore_applied for whatever chosen marks have freed (after each mark, or the window
 * overflows), then paxos_start.
 *
 * Slots up to `slot` are in the store.
 */
void paxos_restore_base(struct paxos *p, uint64_t slot);
void paxos_restore_promise(struct paxos *p, struct ballot ballot);
/* False when the slot lies beyond the window: a record is missing before it. Takes a reference. */
bool paxos_restore_accept(struct paxos *p, uint64_t slot, struct ballot ballot, struct blob *value);
/* False when a slot below has no value: a record is missing. Older marks change nothing. */
bool paxos_restore_chosen(struct paxos *p, uint64_t end);
/*
 * The shell took the values of all slots below paxos_chosen_end from paxos_accepted and applied
 * them: frees them.
 */
void paxos_restore_applied(struct paxos *p, uint64_t slot);
/*
 * The shell took them and holds some, which it cannot apply: the core says nothing more of those
 * until it is told that they are applied. Else all are applied when it starts.
 */
void paxos_restore_held(struct paxos *p);
/* The members as the state has them, whenever applying changed them; the last word counts. */
void paxos_restore_members(struct paxos *p, const struct members *members);
/* What the journal is worth. */
enum paxos_standing {
    PAXOS_WHOLE = 1, /* nothing was forgotten */
    /*
     * Damaged or uncertain: the replica learns, but answers no prepare and no accept and never
     * campaigns, until all other voters have told it what it may have forgotten (rejoin.c).
     */
    PAXOS_IN_DOUBT,
    PAXOS_LOST,   /* the same, and it is known that something is gone that was acknowledged */
    PAXOS_UNREAD, /* not read yet: it only learns, and says nothing of its votes */
};

/* Ends recovery. The first record gets `seq_next` (above 0). */
void paxos_start(struct paxos *p, uint64_t seq_next, enum paxos_standing standing);

/* Handles one event; never fails. `effects` is emptied first. */
void paxos_step(struct paxos *p, const struct paxos_event *event, struct paxos_effects *effects);

/* The whole object; aborts on the first thing that is not so. paxos_step VERIFYs with it. */
void paxos_check(const struct paxos *p);

enum paxos_role {
    PAXOS_FOLLOWER = 1, /* also a learner */
    PAXOS_PREVOTING,    /* asks whether a prepare would find a quorum */
    PAXOS_PREPARING,    /* phase 1 */
    PAXOS_LEADER,       /* phase 2 */
};

enum paxos_role paxos_role(const struct paxos *p);
const struct members *paxos_members(const struct paxos *p);
uint32_t paxos_leader(const struct paxos *p); /* 0: none known */
bool paxos_is_ready(const struct paxos *p);   /* leads and takes proposals */
bool paxos_is_voting(const struct paxos *p);
struct ballot paxos_ballot(const struct paxos *p);   /* of the leader followed, or the own one */
struct ballot paxos_promised(const struct paxos *p); /* the acceptor's promise */
uint64_t paxos_chosen_end(const struct paxos *p);    /* all slots below are learned */
uint64_t paxos_applied(const struct paxos *p);
uint64_t paxos_slot_next(const struct paxos *p);    /* a leader's next proposal goes here */
uint64_t paxos_accepted_end(const struct paxos *p); /* no vote at or above */
uint32_t paxos_room(const struct paxos *p);         /* proposals that may be made now */
/* True when a quorum (of a leader) or the leader (of a follower) was heard within an election
 * timeout. */
bool paxos_has_contact(const struct paxos *p);
/* A replica that may not vote waits for these voters; empty: for nobody. */
replica_set paxos_rejoin_waits_for(const struct paxos *p);
/* Everybody has told, and too many have lost something: a person has to decide. */
bool paxos_is_rejoin_blocked(const struct paxos *p);
/* Everybody has told; PAXOS_EVENT_REJOINED is due. */
bool paxos_is_rejoin_complete(const struct paxos *p);
/* No flush has ended for stall_ticks, though one is due. */
bool paxos_is_stalled(const struct paxos *p);

/*
 * The vote of a slot that is not applied yet; false when there is none. Values are borrowed until
 * the next step. Slots below paxos_chosen_end give the chosen value.
 */
bool paxos_accepted(const struct paxos *p, uint64_t slot, struct ballot *ballot_out,
                    struct blob **value_out);

struct paxos_progress {
    bool heard;          /* within the last election timeout */
    uint64_t chosen_end; /* as the peer said last; 0: never heard */
};

/* Of another member; all zero for a stranger. */
struct paxos_progress paxos_peer_progress(const struct paxos *p, uint32_t replica);

/* PAXOS_MARK_COUNT counters since paxos_new. */
const uint64_t *paxos_marks(const struct paxos *p);
const char *paxos_mark_name(enum paxos_mark mark);

#endif
