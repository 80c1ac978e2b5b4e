/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.h - how far the log has come. */
#ifndef RSM_CTL_LOG_H
#define RSM_CTL_LOG_H

#include "tools/resilience-ctl/ctl.h"

/* The newest slot: none that anybody was told of before the call is newer, whichever replica
 * answers. Without a majority it fails, and prints that. */
enum rsm_status ctl_newest_slot(struct ctl *ctl, uint64_t *slot_out);

#endif
