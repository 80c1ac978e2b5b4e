/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - what the table of commands (table.c) calls; each gives the exit status. */
#ifndef RSM_CTL_COMMANDS_H
#define RSM_CTL_COMMANDS_H

struct ctl;

typedef int ctl_run(struct ctl *ctl, int count, char **arguments);
ctl_run ctl_dev_up, ctl_dev_down, ctl_dev_add, ctl_dev_wipe, ctl_dev_status, ctl_dev_kill,
    ctl_dev_start, ctl_keygen, ctl_cluster_init, ctl_zone_create, ctl_zone_delete, ctl_zone_list,
    ctl_zone_import, ctl_zone_export, ctl_record_set, ctl_record_delete, ctl_record_get,
    ctl_record_list, ctl_record_history, ctl_plan_diff, ctl_plan_apply, ctl_plan_publish,
    ctl_plan_execute, ctl_plan_collect, ctl_plan_list, ctl_plan_show, ctl_lease_acquire,
    ctl_lease_renew, ctl_lease_release, ctl_lease_list, ctl_principal_set, ctl_principal_delete,
    ctl_principal_list, ctl_role_set, ctl_role_delete, ctl_role_list, ctl_policy_get,
    ctl_policy_set, ctl_automation_freeze, ctl_automation_resume, ctl_automation_list,
    ctl_automation_frozen, ctl_status, ctl_log_tail, ctl_scrub, ctl_stages, ctl_watch, ctl_outcome,
    ctl_submit_file, ctl_member_list, ctl_member_add, ctl_member_promote, ctl_member_remove,
    ctl_member_update, ctl_member_replace, ctl_zone_diff, ctl_zone_blame, ctl_zone_restore,
    ctl_undo, ctl_explain, ctl_rules, ctl_graph, ctl_plan_check;
/* restore.c */
ctl_run ctl_zone_restore_all;
/* recovery.c */
ctl_run ctl_recovery_approve;
/* change.c */
ctl_run ctl_change_list, ctl_change_cancel;
/* override.c, override_apply.c */
ctl_run ctl_override_request, ctl_override_approve, ctl_override_apply, ctl_override_status,
    ctl_override_cancel;
/* override_step.c */
ctl_run ctl_override_shell, ctl_override_recording; /* override_shell.c */
ctl_run ctl_override_guide;                         /* override_guide.c */
ctl_run ctl_override_begin, ctl_override_step, ctl_override_skip, ctl_override_assess;
/* factor.c */
ctl_run ctl_factor_enroll, ctl_factor_revoke, ctl_factor_list;
/* principal.c */
ctl_run ctl_principal_key_add, ctl_principal_key_revoke;
/* transfer.c */
ctl_run ctl_zone_compare, ctl_zone_set, ctl_zone_label;
/* service.c */
ctl_run ctl_service_set, ctl_service_delete, ctl_service_list, ctl_service_show;
/* record.c */
ctl_run ctl_record_takeover, ctl_record_absent, ctl_record_present;
/* policy_cmd.c, policy_whatif.c */
ctl_run ctl_policy_check, ctl_policy_test, ctl_policy_show, ctl_policy_diff, ctl_policy_apply,
    ctl_policy_whatif;

#endif
