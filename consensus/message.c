/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * message.c - bounds of a peer's message, before anything in it is believed. The table says which
 * fields a type uses; all others must be zero, so that no byte of a message is without a meaning.
 */
#include "consensus/message.h"

#include "src/base/check.h"

enum field {
    FIELD_BALLOT = 1u << 0,
    FIELD_PROMISED = 1u << 1, /* may be {0, 0}: nothing promised yet */
    FIELD_SLOT_FIRST = 1u << 2,
    FIELD_SLOT_END = 1u << 3,
    FIELD_SLOT = 1u << 4,
    FIELD_ROUND = 1u << 5,
    FIELD_GRANTED = 1u << 6,
    FIELD_ENTRIES = 1u << 7,
    FIELD_ENTRY_BALLOTS = 1u << 8,
    FIELD_ENTRY_VALUES = 1u << 9,
    FIELD_ENTRY_FRESH = 1u << 10,
    FIELD_ENTRY_NEEDED = 1u << 11, /* at least one entry */
};

#define FIELDS_OF_ENTRIES                                                                          \
    (FIELD_ENTRY_BALLOTS | FIELD_ENTRY_VALUES | FIELD_ENTRY_FRESH | FIELD_ENTRY_NEEDED)

static const struct {
    const char *name;
    unsigned fields;
} message_types[PAXOS_MESSAGE_TYPE_END] = {
    [PAXOS_PREVOTE] = {"prevote", FIELD_BALLOT},
    [PAXOS_PREVOTE_ANSWER] = {"prevote-answer", FIELD_BALLOT | FIELD_PROMISED | FIELD_GRANTED},
    [PAXOS_PREPARE] = {"prepare", FIELD_BALLOT | FIELD_SLOT_FIRST},
    [PAXOS_PROMISE] = {"promise", FIELD_BALLOT | FIELD_SLOT_FIRST | FIELD_SLOT_END | FIELD_ENTRIES |
                                      FIELD_ENTRY_BALLOTS | FIELD_ENTRY_VALUES},
    [PAXOS_PREEMPTED] = {"preempted", FIELD_BALLOT | FIELD_PROMISED},
    [PAXOS_ACCEPT] = {"accept", FIELD_BALLOT | FIELD_ENTRIES | FIELD_ENTRY_VALUES |
                                    FIELD_ENTRY_FRESH | FIELD_ENTRY_NEEDED},
    [PAXOS_ACCEPTED] = {"accepted", FIELD_BALLOT | FIELD_ENTRIES},
    [PAXOS_REFUSED] = {"refused", FIELD_BALLOT | FIELD_ENTRIES | FIELD_ENTRY_NEEDED},
    [PAXOS_HEARTBEAT] = {"heartbeat", FIELD_BALLOT | FIELD_ROUND},
    [PAXOS_HEARTBEAT_ANSWER] = {"heartbeat-answer", FIELD_BALLOT | FIELD_ROUND | FIELD_GRANTED},
    [PAXOS_CHOSEN] = {"chosen", FIELD_BALLOT},
    [PAXOS_LEARN] = {"learn", FIELD_ENTRIES | FIELD_ENTRY_VALUES | FIELD_ENTRY_NEEDED},
    [PAXOS_CATCH_UP] = {"catch-up", FIELD_SLOT_FIRST},
    [PAXOS_READ] = {"read", FIELD_ROUND},
    [PAXOS_READ_ANSWER] = {"read-answer", FIELD_ROUND | FIELD_GRANTED | FIELD_SLOT},
    [PAXOS_REJOIN] = {"rejoin", FIELD_ROUND | FIELD_SLOT_FIRST},
    [PAXOS_REJOIN_ANSWER] = {"rejoin-answer", FIELD_ROUND | FIELD_GRANTED | FIELD_PROMISED |
                                                  FIELD_SLOT_FIRST | FIELD_SLOT_END |
                                                  FIELD_ENTRIES | FIELD_ENTRY_BALLOTS |
                                                  FIELD_ENTRY_VALUES},
};

const char *paxos_message_name(enum paxos_message_type type)
{
    if (type < PAXOS_PREVOTE || type >= PAXOS_MESSAGE_TYPE_END)
        return "unknown";
    CHECK(message_types[type].name != NULL);
    return message_types[type].name;
}

static bool ballot_is_zero(struct ballot ballot)
{
    return ballot.round == 0 && ballot.replica == 0;
}

static bool ballot_is_real(struct ballot ballot)
{
    return ballot.round >= 1 && ballot.round <= PAXOS_ROUND_MAX && ballot.replica >= 1 &&
           ballot.replica <= REPLICA_MAX;
}

static bool slot_is_real(uint64_t slot)
{
    return slot >= 1 && slot <= SLOT_MAX;
}

static bool message_check_head(const struct paxos_message *m, unsigned fields)
{
    CHECK((fields & FIELD_SLOT_END) == 0 ||
          (fields & FIELD_SLOT_FIRST) != 0); /* a range has both */
    bool ballot = (fields & FIELD_BALLOT) ? ballot_is_real(m->ballot) : ballot_is_zero(m->ballot);
    bool promised =
        ballot_is_zero(m->promised) || ((fields & FIELD_PROMISED) && ballot_is_real(m->promised));
    bool slot_first =
        (fields & FIELD_SLOT_FIRST) ? slot_is_real(m->slot_first) : m->slot_first == 0;
    bool slot_end = (fields & FIELD_SLOT_END)
                        ? m->slot_end == PAXOS_NO_END ||
                              (slot_is_real(m->slot_end) && m->slot_end >= m->slot_first)
                        : m->slot_end == 0;
    bool slot = (fields & FIELD_SLOT) ? m->slot <= SLOT_MAX : m->slot == 0;
    bool round = (fields & FIELD_ROUND) || m->round == 0;
    bool granted = (fields & FIELD_GRANTED) || !m->granted;
    return ballot && promised && slot_first && slot_end && slot && round && granted &&
           slot_is_real(m->chosen_end);
}

static bool message_check_entry(const struct paxos_message *m, const struct paxos_entry *entry,
                                unsigned fields)
{
    CHECK((fields & FIELD_ENTRIES) != 0);
    /* Votes are told of a range, so that what is not in it has none. */
    CHECK((fields & FIELD_ENTRY_BALLOTS) == 0 || (fields & FIELD_SLOT_END) != 0);
    bool ballot = ballot_is_zero(entry->ballot);
    if (fields & FIELD_ENTRY_BALLOTS)
        ballot = ballot_is_real(entry->ballot) || ballot_equal(entry->ballot, PAXOS_BALLOT_CHOSEN);
    bool value = (fields & FIELD_ENTRY_VALUES) ? blob_bytes(entry->value).size <= LIMIT_VALUE_SIZE
                                               : entry->value == NULL;
    bool fresh = (fields & FIELD_ENTRY_FRESH) || !entry->fresh;
    bool inside = (fields & FIELD_SLOT_END) == 0 ||
                  (entry->slot >= m->slot_first && entry->slot < m->slot_end);
    return ballot && value && fresh && inside && slot_is_real(entry->slot);
}

bool paxos_message_check(const struct paxos_message *m)
{
    if (m->type < PAXOS_PREVOTE || m->type >= PAXOS_MESSAGE_TYPE_END)
        return false;
    unsigned fields = message_types[m->type].fields;
    /* A type that has no row yet, or a row that says what entries are and not that there are any.
     */
    CHECK(message_types[m->type].name != NULL && fields != 0);
    CHECK((fields & FIELD_ENTRIES) != 0 || (fields & FIELDS_OF_ENTRIES) == 0);
    if (!message_check_head(m, fields) || m->entry_count > LIMIT_BATCH_ENTRIES)
        return false;
    if (m->entry_count > 0 && !(fields & FIELD_ENTRIES))
        return false;
    if (m->entry_count == 0 && (fields & FIELD_ENTRY_NEEDED))
        return false;
    CHECK(m->entry_count == 0 || m->entries != NULL);
    uint64_t slot_last = 0;
    for (size_t i = 0; i < m->entry_count; i++) {
        if (!message_check_entry(m, &m->entries[i], fields) || m->entries[i].slot <= slot_last)
            return false;
        slot_last = m->entries[i].slot;
    }
    CHECK(slot_last >= m->entry_count && slot_last <= SLOT_MAX); /* they rise, from 1 on */
    return true;
}
