/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * verdict.h - what became of the commands of one slot.
 *
 *     verdicts   count u32, then each:
 *     verdict    kind u8 (1 applied, 2 refused, 3 staged, 4 settled) | first slot u64 | first
 *                index u32 (both 0: this is the first verdict) | counter u64 | digest 32 bytes |
 *                author blob | stages blob (stage.h) | refused: reasons u16, omitted u32, then
 *                each: rule u32, evidence blob | else: result blob
 *
 * A blob is a size as u32 and the bytes. These bytes are what TABLE_VERDICT holds and what the
 * verdict chain covers. A command that had its verdict before gets the first one again, whole,
 * beside the slot where it is.
 */
#ifndef RSM_MACHINE_VERDICT_H
#define RSM_MACHINE_VERDICT_H

#include <rsm/rule.h>
#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/machine/stage.h"

#define EVIDENCE_SIZE_MAX 1024u /* of one reason; longer ones are cut at a whole character */

enum verdict_kind {
    VERDICT_APPLIED = 1,
    VERDICT_REFUSED,
    VERDICT_STAGED,  /* good, and waits for agreement: staging.c */
    VERDICT_SETTLED, /* it waited, and the slot ended that: settle.c. Behind all others of a slot */
};

/* One verdict, borrowed from the bytes that it was read from. */
struct verdict {
    enum verdict_kind kind;
    uint64_t first_slot;  /* not 0: a duplicate; the first verdict was given there */
    uint32_t first_index; /* which command of that slot */
    struct bytes author;
    uint64_t counter;
    const uint8_t *digest;
    struct bytes stages;   /* walk: stage_next */
    struct bytes result;   /* not refused: a canonical MessagePack map, see docs/protocol.md */
    uint32_t reason_count; /* refused */
    uint32_t omitted;      /* reasons above LIMIT_REASONS_PER_VERDICT */
    struct bytes reasons;  /* walk: verdict_reason_next */
};

static inline bool verdict_is_duplicate(const struct verdict *v)
{
    return v->first_slot != 0;
}

/* The verdicts of one slot; owns its memory. One thread. */
struct verdicts {
    struct writer bytes; /* the encoding above */
    uint32_t count;
    uint32_t applied_count;     /* applied now; duplicates are not counted */
    uint32_t refused_count;     /* refused now */
    uint32_t duplicate_count;   /* had their verdict before */
    uint32_t staged_count;      /* staged now */
    uint32_t settled_count;     /* changes of earlier slots */
    uint64_t log_time_ms;       /* of the slot */
    uint8_t effects[HASH_SIZE]; /* over all writes: effects.h */
};

void verdicts_init(struct verdicts *v);
void verdicts_deinit(struct verdicts *v);
/* As after verdicts_init, but keeps its memory. */
void verdicts_reset(struct verdicts *v);
/* Becomes what `from` is; `bytes` are its bytes. */
void verdicts_set(struct verdicts *v, const struct verdicts *from, struct bytes bytes);
/* The bytes for TABLE_VERDICT; borrowed until `v` changes. */
struct bytes verdicts_bytes(const struct verdicts *v);

/* Reading, from fresh or stored bytes. */
struct verdict_walk {
    struct reader reader;
    uint32_t left;
};

struct verdict_walk verdict_walk(struct bytes encoded);
/* False behind the last one, and at bytes that are not verdicts (then walk->reader.failed). */
bool verdict_next(struct verdict_walk *walk, struct verdict *out);
/* Borrows from the verdict's bytes; take reader_make(v->reasons) for `reader`. False at the end. */
bool verdict_reason_next(struct reader *reader, uint32_t *rule_out, struct bytes *evidence_out);
/* All bytes are verdicts, to the last one. RSM_DAMAGED. */
enum rsm_status verdicts_check(struct bytes encoded);
/* The verdict with that index. RSM_NOT_FOUND, RSM_DAMAGED. */
enum rsm_status verdict_at(struct bytes encoded, uint32_t index, struct verdict *out);
/* "applied", "refused", "staged", "settled". Static memory. */
const char *verdict_kind_text(enum verdict_kind kind);
/* True when the verdict names the rule. */
bool verdict_names(const struct verdict *v, enum rsm_rule rule);

/* So few bytes that the next verdict may say all that it has to say; else it is brief. */
bool verdicts_are_spacious(const struct verdicts *v);

/*
 * In words, cut to `size`: "alice 12: stale: rrset www.example.org. A was last written by ...;
 * frozen: ...". For logs and error texts.
 */
void verdicts_describe(const struct verdicts *v, char *text, size_t size);
void verdict_describe(const struct verdict *v, char *text, size_t size);

/* ---- building; src/machine only ---- */

/* The reasons against one command, in the making. */
struct reasons {
    struct writer bytes; /* rule u32, evidence blob, each */
    uint32_t count;
    uint32_t omitted;
    uint32_t failed; /* bit n: a rule of stage n, also an omitted one */
};

void reasons_init(struct reasons *r);
void reasons_deinit(struct reasons *r);
void reasons_reset(struct reasons *r);
void reasons_add(struct reasons *r, enum rsm_rule rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reasons_add_bytes(struct reasons *r, uint32_t rule, struct bytes evidence);

struct verdict_id {
    struct bytes author;
    uint64_t counter;
    const uint8_t *digest;
    struct bytes stages; /* the record of stage.h */
};

void verdicts_add_applied(struct verdicts *v, const struct verdict_id *id, struct bytes result);
void verdicts_add_refused(struct verdicts *v, const struct verdict_id *id,
                          const struct reasons *reasons);
void verdicts_add_staged(struct verdicts *v, const struct verdict_id *id, struct bytes result);
void verdicts_add_settled(struct verdicts *v, const struct verdict_id *id, struct bytes result);
/* Takes reasons of these rules out; not when some were left out of the list already. */
void reasons_drop(struct reasons *r, const uint32_t *rules, uint32_t count);
/* `first` is the verdict at (slot, index), or itself a duplicate, whose first place is taken. */
void verdicts_add_duplicate(struct verdicts *v, const struct verdict *first, uint64_t slot,
                            uint32_t index);

#endif
