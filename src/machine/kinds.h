/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kinds.h - what judges each kind of command. Included by judge.h, which has the types; for the
 * files of src/machine alone.
 */
#ifndef RSM_MACHINE_KINDS_H
#define RSM_MACHINE_KINDS_H

void kind_zone_create(struct judge *j);
void kind_zone_delete(struct judge *j);
void kind_zone_set(struct judge *j);
void kind_zone_label(struct judge *j);
void kind_service_set(struct judge *j);
void kind_service_delete(struct judge *j);
void kind_rrset_change(struct judge *j);
void kind_rrset_takeover(struct judge *j);
void kind_rrset_update(struct judge *j);
void kind_rrset_observe(struct judge *j);
void kind_principal_set(struct judge *j);
void kind_principal_delete(struct judge *j);
void kind_principal_key(struct judge *j); /* both */
void kind_role_set(struct judge *j);
void kind_role_delete(struct judge *j);
void kind_policy_set(struct judge *j);
void kind_freeze_set(struct judge *j);
void kind_freeze_clear(struct judge *j);
void kind_freeze_resume(struct judge *j);
void kind_freeze_trip(struct judge *j);
void kind_lease_acquire(struct judge *j);
void kind_lease_renew(struct judge *j);
void kind_lease_release(struct judge *j);
void kind_plan_publish(struct judge *j);
void kind_plan_execute(struct judge *j);
void kind_plan_collect(struct judge *j);
void kind_member(struct judge *j); /* all four */
void kind_cluster_recover(struct judge *j);
void kind_change_vote(struct judge *j);
void kind_change_approve(struct judge *j);
void kind_change_apply(struct judge *j);
void kind_change_cancel(struct judge *j);

/* Why a lease does not let the author in under that token; reports it. False: refused. */
bool lease_check(struct judge *j, struct bytes resource, uint64_t token);

#endif
