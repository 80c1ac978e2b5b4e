/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.h - what a change would get, asked for and printed. */
#ifndef RSM_CTL_CHECK_H
#define RSM_CTL_CHECK_H

#include "tools/resilience-ctl/ctl.h"

/* explain.c: one stage as a line. */
void ctl_print_stage(struct rsm_value stage);
/* The affected services of a stage, behind a line; nothing when it has none. */
void ctl_print_services(struct rsm_value stage);
/* check.c: asks what a change would get, without submitting it; prints what is wrong. */
enum rsm_status ctl_check(struct ctl *ctl, enum rsm_kind kind, struct rsm_bytes body,
                          struct rsm_buffer *result_out);
/* The rules that refused, with their evidence behind `before` each, and what to do next. */
void ctl_print_rules(FILE *out, const char *before, struct rsm_value rules);
/* Its stages, risk and reasons; its answers before and after; whether no rule is against it. */
void ctl_print_check(struct rsm_value result);
void ctl_print_answers(struct rsm_value result);
/* A line with the services that it affects. */
void ctl_print_affected(struct rsm_value result);
bool ctl_check_passed(struct rsm_value result);

#endif
