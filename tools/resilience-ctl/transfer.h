/* SPDX-License-Identifier: GPL-3.0-or-later */
/* transfer.h - what zone.c, transfer.c and octodns.c ask of each other. */
#ifndef RSM_CTL_TRANSFER_H
#define RSM_CTL_TRANSFER_H

#include "tools/resilience-ctl/changes.h"

/* zone.c: makes the zone, or brings it to what `file` says; the exit status. */
int ctl_import(struct ctl *ctl, struct bytes zone, const struct zonefile *file);
/* transfer.c: the same from --from-axfr, and looks whether all of it came. */
int ctl_import_from_server(struct ctl *ctl, struct bytes zone);

#endif
