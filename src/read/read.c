/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.c - the table of read.h. */
#include "src/read/read.h"

static const struct method methods[] = {
    {"clock", 1, 1, true, false, read_clock},
    {"outcome", 1, 2, true, false, read_outcome},
    {"explain", 1, 2, true, false, read_explain},
    {"change.list", 0, 0, true, false, read_change_list},
    {"override.list", 0, 0, true, false, read_override_list},
    {"factor.list", 0, 0, true, false, read_factor_list},
    {"recording.get", 1, 1, true, false, read_recording_get},
    {"zone.list", 0, 0, true, true, read_zone_list},
    {"zone.get", 1, 1, true, true, read_zone_get},
    {"zone.writer", 1, 1, true, false, read_zone_writer},
    {"rrset.get", 3, 3, true, true, read_rrset_get},
    {"rrset.list", 1, 1, true, true, read_rrset_list},
    {"rrset.history", 3, 3, true, true, read_rrset_history},
    {"principal.list", 0, 0, true, false, read_principal_list},
    {"role.list", 0, 0, true, false, read_role_list},
    {"service.list", 0, 0, true, false, read_service_list},
    {"policy.get", 0, 0, true, false, read_policy_get},
    {"freeze.list", 0, 0, true, false, read_freeze_list},
    {"frozen.list", 0, 0, true, false, read_frozen_list},
    {"lease.list", 0, 0, true, false, read_lease_list},
    {"plan.list", 0, 0, true, false, read_plan_list},
    {"plan.get", 1, 2, true, false, read_plan_get},
    {"graph", 1, 1, true, false, read_graph},
    {"log.range", 1, 2, true, true, read_log_range},
    {"log.raw", 1, 2, true, true, read_log_raw},
    {"state.raw", 1, 1, true, false, read_state_raw},
    {"member.list", 0, 0, true, false, read_member_list},
};

const struct method *read_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (bytes_equal(name, bytes_of_string(methods[i].name)))
            return &methods[i];
    return NULL;
}
