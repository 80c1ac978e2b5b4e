/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * machine.h - the deterministic state machine: (state, slot, entry) -> (state, verdicts).
 *
 * No clock, no randomness, no floating point, no I/O; nothing depends on addresses. The state is
 * all in the kv that is handed in (tables.h); struct machine holds scratch memory only, so that one
 * serves any number of states in turn. Time is log time: the highest timestamp of any entry so far.
 *
 * How a command is judged (judge.c):
 *   1. the same digest had a verdict before: that one, again;
 *   2. rules that need only the state before: key, rights, freeze, causal rules 1 to 3;
 *   3. the change is made in an overlay of its own (kind_*.c), which finds what is unknown, stale
 * by generation or token, or malformed;
 *   4. rules over what it leaves behind: record sets that DNS forbids, alias cycles, floors;
 *   5. what would be written, held against what was signed (rule_precommit.c);
 *   6. no reason against it: the overlay joins the state. Else it is dropped: whole or not at all.
 * All rules that fail are reported, not the first. Each rule belongs to a stage (rsm/rule.h); what
 * became of each stage is in the verdict (stage.h).
 *
 * Invariants: a refused command changes nothing but TABLE_DIGEST; log time never falls; a counter
 * stands for one applied command for ever; serials never fall, over the deletion of the zone too.
 *
 * One thread for each struct machine.
 */
#ifndef RSM_MACHINE_MACHINE_H
#define RSM_MACHINE_MACHINE_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/kv.h"
#include "src/machine/verdict.h"

struct machine;
struct genesis;
struct envelope;

/* Owned by the caller. */
struct machine *machine_new(void);
/* NULL is ignored. */
void machine_free(struct machine *m);
/* Nothing of what it reads is kept from one command to the next (memo.h): for tests. */
void machine_without_memo(struct machine *m);

/*
 * Writes state 0 into the empty `kv`: the administrator (a person with role "admin"), the built-in
 * roles, the default policy, the members, log time = created_ms. Statuses are those of the kv.
 */
enum rsm_status machine_genesis(struct kv *kv, const struct genesis *genesis);

/*
 * What the caller found out about the envelope in an entry (kind commands or rejection): form,
 * cluster and Ed25519 signature (envelope_parse, envelope_verify). That the key is the author's
 * is judged here.
 */
struct machine_signatures {
    bool verified;
    const struct envelope *envelope; /* of this very entry, parsed; or NULL: not parsed yet */
    const uint8_t *digests; /* command_digest of its commands, in order; NULL: not known yet */
};

/*
 * Applies one slot: `slot` is the one after META_APPLIED, `entry` its chosen value (empty: no-op).
 * `out` (initialised; reset here) has a verdict for each command of the entry, log time and the
 * effects hash. Writes the state, META_APPLIED and META_LOG_TIME; TABLE_LOG, TABLE_VERDICT and the
 * heads are the caller's to write.
 *
 * An entry that no replica should have accepted (unknown form, bad envelope) is applied as a no-op
 * with no verdicts. A command whose envelope is not verified is refused and its digest is not
 * remembered, for anybody can make those.
 *
 * RSM_OK, or RSM_DAMAGED, RSM_IO, RSM_READ_ONLY as the kv said: the state is now half written, the
 * replica must not go on with it.
 */
enum rsm_status machine_apply(struct machine *m, struct kv *kv, uint64_t slot, struct bytes entry,
                              const struct machine_signatures *sigs, struct verdicts *out);

enum machine_judgement {
    MACHINE_ACCEPT = 1, /* a command of it is applied; or a no-op, a tick, a sound rejection */
    MACHINE_REFUSE,     /* none is applied, one at least is refused now */
    MACHINE_DUPLICATE,  /* all of its commands have a verdict already */
    MACHINE_BAD_ENTRY,  /* no such entry may be: form, envelope, signature; or a rejection of a
                           command that would be applied */
};

/*
 * What machine_apply would say of `entry` in `slot`: the same code. On MACHINE_ACCEPT its writes
 * are in `kv` (the speculation's overlay) afterwards, else `kv` is as it was. `out` may be NULL.
 * Statuses as machine_apply.
 */
enum rsm_status machine_judge(struct machine *m, struct kv *kv, uint64_t slot, struct bytes entry,
                              const struct machine_signatures *sigs, struct verdicts *out,
                              enum machine_judgement *judgement_out);

/*
 * From now on machine_apply and machine_judge also keep what a slot wrote: in `writes` (borrowed,
 * emptied for each slot; NULL: no more). When it has not failed afterwards, machine_replay with
 * these bytes does to an equal state what machine_apply would do again: the same writes, without
 * the rules.
 */
void machine_keep_writes(struct machine *m, struct writer *writes);
/* RSM_DAMAGED: these are no writes. Else as the kv says; not RSM_OK: it is half written. */
enum rsm_status machine_replay(struct kv *kv, uint64_t slot, struct bytes writes);

/*
 * A replica's own check of a change that waits, before it votes: makes the effect again in the
 * state `kv` (which is not written to), at log time `now_ms`. *why_out: reasons against it, none
 * when its count is 0; borrowed, until the machine is used again. `effect_out` is comparable with
 * the row's basis only in the state after the slot of its staging. RSM_NOT_FOUND: it does not wait.
 */
enum rsm_status machine_check_staged(struct machine *m, struct kv *kv,
                                     const uint8_t digest[HASH_SIZE], uint64_t now_ms,
                                     uint8_t effect_out[HASH_SIZE], const struct reasons **why_out);
/* Writes to `kv` what a change that waits there would write if it were live; for looking at it. */
enum rsm_status machine_preview_staged(struct machine *m, struct kv *kv,
                                       const uint8_t digest[HASH_SIZE], uint64_t now_ms);

#endif
