/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_agree.h - the part of rules.h about agreement: classes, approvals, second factors. */
#ifndef RSM_MACHINE_RULES_AGREE_H
#define RSM_MACHINE_RULES_AGREE_H

/* ---- policy_class.c, staging.c, kind_change.c: how much agreement a change needs ---- */

/* Keeps the policy's list as it is before the command. */
void class_begin(struct judge *j);
/* Behind the kind: raises j->class to what the policy asks; refuses an update that needs votes. */
void class_of_command(struct judge *j);
/* rule_root.c: who else has to agree; `is_listed`: an item of the classes says so. */
void root_of_command(struct judge *j, bool is_listed);
/* Behind a change of principals or policy: enough holders of the role are left. */
void rule_root_holders(struct judge *j);
/* A tier of a service that the command affects. */
void class_add_tier(struct judge *j, struct bytes tier);
/* Throws the effect away and lets the change wait; or refuses it (quota). */
void stage_change(struct judge *j);
/* One more, or one less, waits. */
void pending_add(struct judge *j, int64_t step);
/* A hash of what an overlay would write. */
enum rsm_status effect_hash(const struct kv *overlay, uint8_t hash_out[HASH_SIZE]);
/* A request becomes the command that it wraps. */
void request_unwrap(struct judge *j);

/* ---- kind_change.c, for kind_approve.c ---- */

struct body_ballot;
struct staged_record;
struct body_ballot change_decode(const struct judge *j);
/* The change that is meant; false: there is none, and that is said. */
bool change_load(struct judge *j, const struct body_ballot *body, struct staged_record *out);
/* Reports one that has ended. */
void change_require_open(struct judge *j, const struct staged_record *row);
/* `row` may borrow from the state: it is encoded before anything is written. */
void change_put(struct judge *j, const uint8_t *digest, const struct staged_record *row);

/* ---- rule_factor.c, kind_factor.c: second factors ---- */

struct body_factor;
struct factor_record;
/*
 * Holds what came beside an approval of the author's against what is enrolled and what the policy
 * asks for. `out` is for the caller to write by rule_factor_used; false: there is none to write.
 */
bool rule_factor(struct judge *j, const uint8_t *change, bool is_emergency,
                 const struct body_factor *factor, struct factor_record *out);
/* Its counter, or its step, is used. */
void rule_factor_used(struct judge *j, const struct body_factor *factor,
                      const struct factor_record *used);
void kind_factor_enroll(struct judge *j);
void kind_factor_revoke(struct judge *j);

/* ---- kind_step.c: the steps of a human override ---- */

void kind_override_step(struct judge *j);
void kind_override_record(struct judge *j);
/* Reports an open procedure of the author's that has not come so far. */
void procedure_before_apply(struct judge *j);
/* Reports one under this freeze that the freeze, said again, would stop less for, or end under. */
struct freeze_record;
void procedure_before_freeze(struct judge *j, struct bytes freeze, const struct freeze_record *new);
/* Reports one under this freeze that is not validated; else ends it. */
void procedure_before_resume(struct judge *j, struct bytes freeze);

#endif
