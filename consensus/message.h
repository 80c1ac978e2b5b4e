/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * message.h - what the replicas say to each other ("Paxos Made Simple", sections 2.2 and 2.3).
 *
 * A message is a plain struct; a codec outside turns it into bytes. Which fields a type uses:
 *
 *   type              ballot          other fields (every message has chosen_end)
 *   PREVOTE           the asker's     -                       "would you promise, if I asked?"
 *   PREVOTE_ANSWER    as asked        granted, promised
 *   PREPARE           the proposer's  slot_first              asks for all slots from there on
 *   PROMISE           as prepared     slot_first, slot_end, entries (slot, ballot, value): every
 *                                     vote in [slot_first, slot_end); the last part of a promise
 *                                     has slot_end PAXOS_NO_END, an earlier part where it ends
 *   PREEMPTED         the lower one   promised: the higher ballot
 *   ACCEPT            the proposer's  entries (slot, value, fresh)
 *   ACCEPTED          as proposed     entries (slot)
 *   REFUSED           as proposed     entries (slot)
 *   HEARTBEAT         the leader's    round: the read round
 *   HEARTBEAT_ANSWER  as heard        round: as heard; granted: it is a voter's word
 *   CHOSEN            the leader's    -                       chosen_end, told without a delay
 *   LEARN             -               entries (slot, value): chosen values
 *   CATCH_UP          -               slot_first: the first slot that the sender lacks
 *   READ              -               round: a number of the asker's
 *   READ_ANSWER       -               round: as asked; granted; slot: the confirmed slot
 *   REJOIN            -               round: a number of the asker's; slot_first
 *   REJOIN_ANSWER     -               round: as asked; granted: nothing that was acknowledged is
 *                                     known to be lost here; promised; the rest as in a promise
 *
 * chosen_end: the sender knows what was chosen in every slot below it. In a message under a ballot
 * whose owner is the sender it says more: in none of these slots did the sender propose, under
 * this ballot, anything else than what was chosen.
 */
#ifndef RSM_CONSENSUS_MESSAGE_H
#define RSM_CONSENSUS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/blob.h"
#include "src/base/ids.h"
#include "src/base/limits.h"

/* A promise's slot_end: there is no vote from slot_first on but those in the message. */
#define PAXOS_NO_END UINT64_MAX

/* Rounds stay below this; at one election a microsecond it lasts for 146,000 years. */
#define PAXOS_ROUND_MAX ((UINT64_C(1) << 62) - 1)

/*
 * The ballot of an accept record that is no vote: the replica was told that this value was chosen.
 * Its round is 0, so that it raises no promise where a journal takes the highest ballot that it
 * holds; its replica is none of "nobody", so that it differs from "no vote". In phase 1 such a
 * value wins over every vote. It appears in journal records and in the votes of a promise only.
 */
#define PAXOS_BALLOT_CHOSEN ((struct ballot){0, REPLICA_MAX})

enum paxos_message_type {
    PAXOS_PREVOTE = 1,
    PAXOS_PREVOTE_ANSWER,
    PAXOS_PREPARE,
    PAXOS_PROMISE,
    PAXOS_PREEMPTED,
    PAXOS_ACCEPT,
    PAXOS_ACCEPTED,
    PAXOS_REFUSED,
    PAXOS_HEARTBEAT,
    PAXOS_HEARTBEAT_ANSWER,
    PAXOS_CHOSEN,
    PAXOS_LEARN,
    PAXOS_CATCH_UP,
    PAXOS_READ,
    PAXOS_READ_ANSWER,
    PAXOS_REJOIN,
    PAXOS_REJOIN_ANSWER,
    PAXOS_MESSAGE_TYPE_END
};

/* One slot of a message. Slots rise strictly within a message. */
struct paxos_entry {
    uint64_t slot;
    struct ballot ballot; /* PROMISE: the ballot of the vote */
    struct blob *value;   /* borrowed; NULL or empty is a no-op */
    bool fresh;           /* ACCEPT: not recovered in phase 1, a rule may refuse it */
};

struct paxos_message {
    enum paxos_message_type type;
    struct ballot ballot;
    struct ballot promised;
    uint64_t chosen_end; /* above 0 */
    uint64_t slot_first;
    uint64_t slot_end;
    uint64_t slot;
    uint64_t round;
    bool granted;
    const struct paxos_entry *entries; /* borrowed; entry_count of them */
    size_t entry_count;                /* 0..LIMIT_BATCH_ENTRIES */
};

/*
 * True when every field that the type uses is within its bounds, and every other field is zero:
 * the only check between a peer's bytes and the core. Whether the sender owns the ballot and is a
 * member is for paxos_step, which knows the sender.
 */
bool paxos_message_check(const struct paxos_message *message);

/* The stable name of a type, such as "accept"; "unknown" outside the list. Static memory. */
const char *paxos_message_name(enum paxos_message_type type);

#endif
