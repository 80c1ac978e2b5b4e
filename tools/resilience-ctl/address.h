/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address.h - addresses that a person types, for others to use: numbers, never names.
 *
 * What repairs DNS must not need DNS: no program of ours looks a name up, so a name is refused
 * where it is typed, and not by a replica that cannot reach its peer.
 */
#ifndef RSM_CTL_ADDRESS_H
#define RSM_CTL_ADDRESS_H

#include <stdbool.h>

struct ctl;

/* NULL is good: it was not given. False was explained, `what` being the option's name. */
bool ctl_is_address(const char *what, const char *text, bool may_be_unix);
/* The list of --endpoints, or RSM_ENDPOINTS. False was explained. */
bool ctl_has_endpoints(const struct ctl *ctl);

#endif
