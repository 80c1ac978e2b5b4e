/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zone_digest.h - the ZONEMD of a zone as it was after a slot, in steps: like a transfer it reads
 * the history of the record sets, so that later commits change nothing of it and wait for nothing.
 */
#ifndef RSM_DNS_ZONE_DIGEST_H
#define RSM_DNS_ZONE_DIGEST_H

#include "src/machine/query.h"
#include "src/rr/zonemd.h"

struct zone_digest;

/* NULL: no memory. Owned by the caller. */
struct zone_digest *zone_digest_begin(struct bytes zone, uint64_t slot);
/* NULL is ignored. */
void zone_digest_free(struct zone_digest *d);
/*
 * Goes on for about so many records, one record set at least. *is_done_out: `rdata_out` has the
 * record's data. RSM_NOT_FOUND (no such zone or history), RSM_DAMAGED, RSM_IO, RSM_NO_MEMORY (the
 * library): it ends here.
 */
enum rsm_status zone_digest_step(struct zone_digest *d, struct kv *kv, uint32_t records,
                                 bool *is_done_out, uint8_t rdata_out[ZONEMD_RDATA_SIZE]);

#endif
