/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resume.h - automata that come back from a freeze, one availability zone after the other.
 *
 *     TABLE_RESUME   freeze text | availability zone -> begin ms u64 | end ms u64 | minute u64 |
 *                    commands u64 | slot u64 | index u32
 *
 * The row of the empty zone is for all automata that have no row of their own: it comes last. Times
 * are log time; begin = end: at once, unwatched.
 *
 *     frozen --begin--> watched: a rising rate, tightened limits --end--> back
 *       ^                  |
 *       `------ trip ------'   too many refusals, a change rolled back, a replica in doubt
 *
 * A trip freezes all that the freeze covered, also zones that were back. When the last zone is back
 * the freeze is gone.
 */
#ifndef RSM_MACHINE_RESUME_H
#define RSM_MACHINE_RESUME_H

#include "src/machine/record.h"
#include "src/machine/tables.h"

#define RESUME_ZONES_MAX 64u /* availability zones with a row of their own; others come last */
#define RESUME_QUARTERS 4u   /* of the time in which a zone is watched: each doubles the rate */

struct resume_item {
    uint64_t begin_ms, end_ms;
    uint64_t minute, commands; /* how many in that minute since begin_ms */
    uint64_t slot;             /* of the command that was counted last, and its index */
    uint32_t index;
};

enum resume_state {
    RESUME_FROZEN = 1,
    RESUME_WATCHED,
    RESUME_BACK,
};

void key_resume(struct key *k, struct bytes freeze, struct bytes az);
void resume_encode(struct writer *out, const struct resume_item *item);
enum rsm_status resume_decode(struct bytes value, struct resume_item *out);
enum resume_state resume_state_at(const struct resume_item *item, uint64_t now_ms);
const char *resume_state_text(enum resume_state state);
/* Commands a minute; `first` is that of the first quarter. The item is watched. */
uint64_t resume_rate(const struct resume_item *item, uint64_t first, uint64_t now_ms);

/* The row that counts for automata of `az`: its own, or the last one. RSM_NOT_FOUND: none. */
enum rsm_status resume_find(struct kv *kv, struct bytes freeze, struct bytes az,
                            struct key *key_out, struct resume_item *out);
/* The rows of a freeze, by zone; `place` begins empty, *az_out is in it. RSM_NOT_FOUND: the end. */
enum rsm_status resume_next(struct kv *kv, struct bytes freeze, struct key *place,
                            struct bytes *az_out, struct resume_item *out);
/* How many freezes have rows. */
uint64_t resume_count(struct kv *kv);
enum rsm_status resume_count_add(struct kv *kv, int64_t step);
/* Some row's time is not over at `now_ms`. */
enum rsm_status resume_is_running(struct kv *kv, struct bytes freeze, uint64_t now_ms,
                                  bool *is_running_out);
/* Takes away the rows of a freeze that has some. */
enum rsm_status resume_drop(struct kv *kv, struct bytes freeze);
/* Sets the freeze again. `row` may borrow from the kv; `freeze` and `cause` do not. */
enum rsm_status resume_trip(struct kv *kv, struct bytes freeze, struct freeze_record *row,
                            uint64_t slot, struct bytes cause);

struct machine;
/*
 * The command that was just refused (m->reasons) is of `subject`: counted at the end of the slot,
 * when a rule of the causal or impact stage, or of the oscillation breaker, was against it. Gaps
 * of counters are not: they say that a command was late, not what it wanted.
 */
void resume_note_refused(struct machine *m, struct bytes subject);
/* A change of `subject` was rolled back: when it is watched, that alone sets the freeze again. */
void resume_note_undone(struct machine *m, struct bytes subject);
/* At a slot's end: counts, sets freezes again, takes those away that are over. */
enum rsm_status resume_slot(struct machine *m, struct kv *kv, uint64_t slot, uint64_t now_ms);

#endif
