/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * impact.h - how far a change reaches, and what that makes of its risk: stage 3's figures.
 *
 * The risk is a sum of contributions, 0 to 100 in all, each a function of one figure alone:
 *
 *     types        25 NS, DS, DNSKEY, DNAME; 10 a wildcard; 5 CNAME, MX, SRV, SVCB, HTTPS, SOA
 *     deletions    4 for each record set that goes, at most 20
 *     share        1 for each 50 per mille of the zone's record sets, at most 20
 *     dependants   2 for each name or service that depends on what changes, at most 10
 *     services     10 when a service of the tier "critical" is affected, 5 when any other is
 *     size         1 for 2 record sets, 2 for 4, 3 for 8 ..., at most 10
 *     recovery     5 when taking it back lasts above a day, 3 above an hour
 */
#ifndef RSM_MACHINE_IMPACT_H
#define RSM_MACHINE_IMPACT_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds until somebody sees it, and until secondaries have the new version: docs/planning.md. */
#define IMPACT_DETECT_S 60u
#define IMPACT_SPREAD_S 5u

struct impact {
    uint64_t names, record_sets, deleted, dependants;
    uint64_t services;       /* affected: those of the names, and those that depend on them */
    bool is_critical;        /* one of them has the tier "critical" */
    bool is_cut;             /* there are more of both than were looked for (impact_reach.h) */
    uint64_t share_permille; /* of the zone's record sets before */
    uint64_t recovery_s;     /* from a mistake in it to the last resolver that forgot it */
    uint64_t types;          /* contributions to the risk */
    uint64_t deletions, share, depend, serve, size, recovery;
    uint64_t risk;
};

/* What a record set of that type at such a name contributes; the highest of a change counts. */
uint64_t impact_of_type(uint16_t type, bool is_wildcard);
/* Fills the other contributions and the sum, from the figures and `types`. */
void impact_rate(struct impact *i);

#endif
