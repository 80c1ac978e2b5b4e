/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lookup.h - plain queries: what an authoritative server says (RFC 1034 4.3.2).
 *
 * Record sets, NXDOMAIN and NODATA with the SOA (RFC 2308), CNAME chains inside our zones, DNAME
 * (RFC 6672), delegations with their glue, wildcards and empty non-terminals (RFC 4592). No DNSSEC
 * proofs: the public is served by secondaries. ANY gets one record set (RFC 8482).
 */
#ifndef RSM_DNS_LOOKUP_H
#define RSM_DNS_LOOKUP_H

#include "src/machine/query.h"
#include "src/rr/packet.h"

/* CNAME and DNAME steps of one answer; the client follows the rest. */
#define LOOKUP_CHAIN_MAX 8u

/*
 * Puts the answer into a begun draft; rcode and AA with it. Truncated when it has no room. RSM_OK,
 * also for a name that is in no zone of ours (REFUSED). RSM_DAMAGED, RSM_IO: the state.
 */
enum rsm_status lookup_answer(struct kv *kv, struct bytes name, uint16_t type, struct draft *draft);

#endif
