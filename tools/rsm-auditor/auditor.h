/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auditor.h - a witness of its own: reads the log from every replica, judges it again, and keeps
 * what it found in a directory that no replica writes to.
 *
 * A slot is taken when a majority of the replicas that were named show the same one; what it means
 * is the auditor's own computation (tools/lib/ledger.h). After that every replica is read again and
 * again, from slot 1 on, and compared with the auditor's rows byte by byte; so is the state that it
 * answers from, row by row (states.c): a store that somebody changed is found without that
 * replica's help, also in slots and rows that nobody else looks at.
 */
#ifndef RSM_TOOLS_AUDITOR_H
#define RSM_TOOLS_AUDITOR_H

#include <rsm/client.h>
#include <rsm/key.h>

#include "src/machine/tables.h"
#include "storage/tree.h"
#include "tools/lib/ledger.h"

#define SOURCES_MAX 16u
#define SOURCE_TEXT_SIZE 200u

struct data_dir;
struct store;

/* What the auditor knows by itself. */
struct books {
    struct data_dir *dir; /* held */
    struct store *store;
    struct kv *overlay; /* over the store: what is not committed yet */
    struct ledger ledger;
    struct tree_frontier tree; /* over the slots of the ledger */
    struct writer leaf;
};

/*
 * Opens the auditor's directory, makes it when it is not there. What is wrong was said on stderr:
 * RSM_WRONG_IDENTITY (of another cluster), RSM_LOCKED, RSM_DAMAGED, RSM_IO. books_close in any
 * case.
 */
enum rsm_status books_open(struct books *b, const char *path, struct bytes genesis_bytes,
                           const struct genesis *genesis);
void books_close(struct books *b);
/* The next slot. RSM_MALFORMED: its envelope is not signed for this cluster. */
enum rsm_status books_add(struct books *b, struct bytes entry);
/* Makes what was added durable. */
enum rsm_status books_commit(struct books *b);
/* Writes the file `checkpoint`: the tree's root, signed. */
enum rsm_status books_sign(struct books *b, const struct rsm_key *key);

/* A slot as a replica shows it; borrowed from its answer. */
struct shown_slot {
    uint64_t slot;
    struct bytes entry;
    uint64_t log_time_ms;
    struct bytes verdicts;
    struct bytes effects;
    struct bytes entry_head;
    struct bytes verdict_head;
};

/* NULL: the auditor's own row of that slot is the same; else what differs. Static text. */
const char *books_compare(struct books *b, const struct shown_slot *shown);

/* A replica that is read. */
struct source {
    const char *endpoint;
    struct rsm_client *client;   /* owned */
    struct rsm_buffer page;      /* owned: slots from the ledger's next one on */
    struct rsm_walk walk;        /* over it */
    struct shown_slot next;      /* the first that was not looked at; slot 0: none */
    uint64_t again;              /* where the reading of old slots has come */
    uint64_t passes;             /* how often it has come to the end */
    bool is_reachable;           /* in this round */
    uint64_t bad_slot;           /* 0: none */
    char text[SOURCE_TEXT_SIZE]; /* why it is bad, or not reachable */

    struct rsm_buffer rows; /* owned: a page of its state, of one slot; empty: none is held */
    uint8_t table;          /* that the page is of */
    struct key after;       /* the last key before it; empty: none */
    uint64_t state_passes;  /* how often all of its state was compared */
    unsigned ahead;         /* rounds in which no majority came to the page's slot */
    bool is_row_wrong;      /* in this pass */
    bool is_state_bad;      /* since a pass in which a row was wrong */
    char state_text[SOURCE_TEXT_SIZE];
};

struct auditor {
    struct books books;
    struct source sources[SOURCES_MAX];
    size_t source_count;
    struct rsm_key *key;
    uint32_t timeout_ms;
    bool is_stuck; /* a majority shows what cannot be */
    char stuck_text[SOURCE_TEXT_SIZE];
};

/* `endpoints`: a list with commas, which is kept. False: said on stderr what is wrong. */
bool sources_open(struct auditor *a, char *endpoints);
void sources_close(struct auditor *a);

/* One look at every replica; *progress_out: slots were taken. RSM_OK, or what the books said. */
enum rsm_status audit_round(struct auditor *a, bool *progress_out);
/*
 * states.c. A page of rows is of one slot, and so are the auditor's: what was read is held until
 * the books are at just that slot.
 */
void states_fetch(struct auditor *a);
/* The lowest slot that a page is held of, all above the books'; UINT64_MAX: none. */
uint64_t states_slot(const struct auditor *a);
/* Compares what is of the books' slot. Without `progress` nobody showed a later one. */
void states_compare(struct auditor *a, bool progress);

/* Every reachable replica was read to the end once. */
bool audit_is_whole(const struct auditor *a);
size_t audit_alarms(const struct auditor *a);

#endif
