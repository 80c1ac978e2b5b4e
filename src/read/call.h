/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * call.h - one call of a method: its parameters, and the state that it is answered from.
 *
 * The state is any kv that holds one: what a replica has applied, or what a tool has replayed. The
 * answer of a method of this folder depends on the state and the parameters alone, so that a state
 * gives the same answer as a past one that it gave when it was the newest. What only the answering
 * process knows (how far the others are, how old a stale state is) is in `process`.
 */
#ifndef RSM_READ_CALL_H
#define RSM_READ_CALL_H

#include "src/command/genesis.h"
#include "src/command/pack.h"
#include "src/command/unpack.h"
#include "src/machine/members.h"
#include "src/machine/query.h"

#define CALL_TEXT_SIZE 512u
#define PAGE_ITEMS_DEFAULT 1000u
#define PAGE_ITEMS_MAX 10000u
#define PAGE_BYTES (1u << 20) /* a page ends behind the item that passes this */

/* What became of stage 7, which each replica goes through for itself. */
struct stage_after {
    enum stage_outcome outcome;
    const char *why;
};

/* What the answering process knows beside the state. `context` is its own. */
struct call_process {
    void *context;
    struct stage_after (*after_commit)(void *context, uint64_t slot);
    uint32_t replica, leader;
    /* Of one member: PROCESS_MEMBER_FIELDS fields of its map. */
    void (*pack_member)(void *context, struct writer *out, const struct member *m);
};

#define PROCESS_MEMBER_FIELDS 4u

/* Borrowed is all of it, for the time of the call. */
struct call {
    struct kv *kv;
    const struct genesis *genesis;
    uint64_t applied;                   /* the last slot in the state */
    const struct call_process *process; /* NULL: none, the state was replayed */
    struct unpack params;               /* behind the array's header */
    uint32_t param_count;
    struct bytes options; /* the map behind the positional parameters; empty: none */
    bool stale;
    uint64_t age_ms; /* of a stale answer: since the process had contact with a majority */
    uint64_t at;     /* QUERY_NOW, or the slot that is asked for */
    char text[CALL_TEXT_SIZE];
};

/* `out` is emptied before and has one object afterwards; not RSM_OK: `text` says why, or nothing.
 */
typedef enum rsm_status call_method(struct call *call, struct writer *out);

struct method {
    const char *name;
    uint32_t params_min, params_max; /* positional ones; an options map may follow */
    bool reads;                      /* linearizable unless the options say stale */
    bool keeps_history;              /* answers as of any slot; else what is alone, not what was */
    call_method *run;
};

/* Takes the array of parameters apart, and the level from the options. RSM_BAD_PARAMS with words.
 */
enum rsm_status call_take_params(struct call *call, struct bytes params,
                                 const struct method *method);
/*
 * at_slot and at_ms, looked up in the state: only when that is read is its log time known.
 * RSM_NO_SUCH_STATE with words: not there yet, or before the cluster was made.
 */
enum rsm_status call_take_at(struct call *call);

/* Sets the words; returns `status`. */
__attribute__((format(printf, 3, 4))) enum rsm_status
call_fail(struct call *call, enum rsm_status status, const char *format, ...);

/* Begins the result's map: `fields` more follow; slot, and for stale reads age_ms, are packed. */
void result_begin(struct call *call, struct writer *out, uint32_t fields);

/* Parameters; RSM_BAD_PARAMS with words that name them. */
enum rsm_status param_name(struct call *call, const char *what, uint8_t buffer[LIMIT_NAME_SIZE],
                           struct bytes *name_out);
enum rsm_status param_type(struct call *call, const char *what, uint16_t *type_out);
enum rsm_status param_text(struct call *call, const char *what, struct bytes *text_out);
enum rsm_status param_uint(struct call *call, const char *what, uint64_t *value_out);
/* Options of the call's map. */
uint64_t option_limit(const struct call *call);
/* The option `after`: the opaque "next" of the page before. */
struct bytes option_after(const struct call *call, size_t size_max);
/* A copy; `bytes` are at most a key's. */
void set_key(struct key *key, struct bytes bytes);

/* A page of a list in the making. */
struct page {
    struct writer items;
    uint32_t count;
    uint64_t limit;
    bool full; /* there is more */
};

/* Empty, of as many items as the call asks for; page_end has to follow. */
void page_begin(struct call *call, struct page *page);
/* False: the page is full, this item belongs to the next one. */
bool page_has_room(struct page *page);
/* The result: the items under `name`, and in "next" where the next page begins, nil at the end. */
void page_end(struct call *call, struct writer *out, const char *name, struct page *page,
              struct bytes next);

#endif
