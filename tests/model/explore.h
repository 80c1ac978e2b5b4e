/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * explore.h - the real core in a small world, for explore.c: states of one replica, and what each
 * event makes of them.
 *
 * A replica's state is its core (struct paxos, copied), what its journal holds, durable and not,
 * the messages that wait for a flush, and what it has learned. Equal states are kept once, by a
 * hash of everything that can matter later: not of times, for here nothing depends on them.
 *
 * An event of a state is handled by the real core once; after that its outcome is remembered.
 */
#ifndef RSM_TESTS_MODEL_EXPLORE_H
#define RSM_TESTS_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    REPLICAS = 3,
    CAPACITY = 8,     /* slots that a core holds */
    SLOT_END = 8,     /* of all slots that occur */
    SENDS_MAX = 64,   /* of one event */
    WAITING_MAX = 48, /* messages before a flush */
    UNKNOWN = 255,    /* no value learned */
};

/* Events of one replica; above them: the delivery of message (event - EVENT_MESSAGE). */
enum event {
    EVENT_FLUSH,
    EVENT_PROPOSE,
    EVENT_ANNOUNCE,
    EVENT_CAMPAIGN, /* this and the next are counted by the explorer */
    EVENT_CRASH,
    EVENT_MESSAGE,
};

struct outcome {
    uint32_t next; /* the state; the same and no sends: nothing happened */
    uint32_t send_count;
    const uint16_t *sends; /* messages, not yet known to be new */
};

/* `slots`: a leader proposes values of its own in slots up to this one. */
void explore_init(uint32_t slots);
/* The state of `replica` (from 0) at the first start. */
uint32_t explore_first(uint32_t replica);
const struct outcome *explore_event(uint32_t state, uint32_t event);
/* The value that a state has learned for a slot, or UNKNOWN. */
uint8_t explore_learned(uint32_t state, uint32_t slot);
uint64_t explore_hash(uint32_t state);
uint32_t explore_state_count(void);
uint32_t explore_message_count(void);
/* From 0. */
uint32_t explore_message_from(uint32_t message);
uint32_t explore_message_to(uint32_t message);
/* An accept: ballot as a number below 64, slot and value of entry i. */
bool explore_accept(uint32_t message, uint32_t i, uint32_t *ballot_out, uint32_t *slot_out,
                    uint8_t *value_out);
void explore_print_event(uint32_t replica, uint32_t event);

#endif
