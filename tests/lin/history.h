/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * history.h - what concurrent clients asked and were told, as text, one line for a call or a
 * return:
 *
 *   call ID CLIENT TIME read KEY                 a linearizable read
 *   call ID CLIENT TIME stale KEY                a read that may be old
 *   call ID CLIENT TIME change KEY VALUE EXPECT  replaces EXPECT; the client has seen nothing newer
 *   done ID TIME read VALUE SLOT WRITTEN         as of SLOT (0: not told), last written in WRITTEN
 *   done ID TIME applied SLOT                    the change is in the log
 *   done ID TIME conflict SLOT                   refused: the last writer was not seen
 *   done ID TIME absent SLOT                     refused: a deletion of what is not there
 *   done ID TIME other SLOT                      refused for a reason that says nothing of the key
 *   done ID TIME none                            it certainly has not happened
 *   again ID TIME OUTCOME SLOT                   the same bytes submitted once more
 *
 * A call without a return may have happened, at any time after it began, or never. TIME is one
 * monotonic clock's, in nanoseconds. VALUE is "-" (never written), OWNER.REST, or ~OWNER.REST for
 * a deletion; each is written once in a history. A change conflicts unless the key holds EXPECT,
 * nothing yet, or a value of its own OWNER: an author has seen what he wrote himself.
 */
#ifndef LIN_HISTORY_H
#define LIN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LIN_NEVER UINT64_MAX /* the time of a return that did not come */
#define LIN_NOTHING 0u       /* the value "-" */

enum lin_kind {
    LIN_READ = 1,
    LIN_STALE,
    LIN_CHANGE,
};

enum lin_outcome {
    LIN_UNKNOWN = 1,
    LIN_VALUE,
    LIN_APPLIED,
    LIN_CONFLICT,
    LIN_ABSENT,
    LIN_OTHER,
    LIN_NONE,
};

struct lin_op {
    uint64_t id;
    enum lin_kind kind;
    enum lin_outcome outcome;
    uint32_t client;
    uint32_t key;    /* index of history.keys */
    uint32_t value;  /* index of history.values: what a read gave, what a change wants to write */
    uint32_t expect; /* of a change */
    uint64_t call_ns, done_ns;
    uint64_t slot, written; /* 0: not known */
    enum lin_outcome again; /* 0: it was not submitted twice */
    uint64_t again_slot;
};

struct lin_name {
    char *text; /* owned */
    uint32_t owner;
    bool is_gone; /* of a value: nothing is there */
};

struct lin_names {
    struct lin_name *items; /* owned */
    uint32_t count, capacity;
    uint32_t *table; /* owned; index + 1, open addressing */
    uint32_t table_size;
};

struct lin_history {
    struct lin_op *ops; /* owned, in the order of their call lines */
    size_t count, capacity;
    struct lin_names keys, values, owners;
};

void lin_history_init(struct lin_history *h);
void lin_history_deinit(struct lin_history *h);

/* One line, without its end. False when it makes no sense; `error` (256 bytes) says why. */
bool lin_history_line(struct lin_history *h, const char *line, char *error);
/* A whole file; false with "line N: ..." in `error` (256 bytes). */
bool lin_history_read(struct lin_history *h, FILE *file, char *error);
void lin_op_print(const struct lin_history *h, const struct lin_op *op, FILE *out);

enum lin_result {
    LIN_GOOD = 1,
    LIN_BAD,
    LIN_UNDECIDED, /* above the limit of states: a failure of the run as well */
};

/*
 * What one operation does to a key that holds `state`. False: with that outcome it cannot have
 * happened there. An operation of unknown outcome happens where it has an effect.
 */
bool lin_step(const struct lin_history *h, const struct lin_op *op, uint32_t state,
              uint32_t *state_out);

/* By slots; see witness.c. Findings go to `out` (may be NULL). */
enum lin_result lin_witness(const struct lin_history *h, FILE *out);
/* By outcomes alone; see blackbox.c. */
enum lin_result lin_blackbox(const struct lin_history *h, uint64_t states_max, FILE *out);

/* States that lin_blackbox has looked at since the program began. */
extern uint64_t lin_blackbox_states;

#endif
