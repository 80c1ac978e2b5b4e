/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.h - the methods that answer from a state alone: docs/protocol.md has each. */
#ifndef RSM_READ_READ_H
#define RSM_READ_READ_H

#include "src/read/call.h"

/* NULL: no method, or one that needs more than a state. */
const struct method *read_find(struct bytes name);

call_method read_clock, read_outcome, read_explain, read_change_list, read_override_list,
    read_factor_list, read_recording_get, read_zone_list, read_zone_get, read_zone_writer,
    read_rrset_get, read_rrset_list, read_rrset_history, read_principal_list, read_role_list,
    read_service_list, read_policy_get, read_freeze_list, read_frozen_list, read_lease_list,
    read_plan_list, read_plan_get, read_graph, read_log_range, read_log_raw, read_state_raw,
    read_member_list;

#endif
