/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer.h - AXFR (RFC 5936) and IXFR (RFC 1995): the records of one transfer, message by
 * message.
 *
 * A transfer is of one slot: what the zone was at its end is read from the history of the record
 * sets, so that later commits change nothing of it and wait for nothing. It is never in memory:
 * what is kept is a place in the zone, or for a difference the keys of the record sets that
 * changed.
 *
 *     whole        SOA, all other records, SOA
 *     difference   SOA new, SOA old, records that went, SOA new, records that came, SOA new:
 *                  one step, however many serials are between
 *     current      SOA: the secondary has it already
 */
#ifndef RSM_DNS_TRANSFER_H
#define RSM_DNS_TRANSFER_H

#include "src/machine/query_change.h"
#include "src/rr/zonemd.h"
#include "src/rr/packet.h"

/* Of one message: about a millisecond of work, and where names can be compressed (RFC 1035 4.1.4).
 */
#define TRANSFER_MESSAGE_SIZE 16384u
/* Record sets that changed between two serials: more are sent as the whole zone. */
#define TRANSFER_CHANGES_MAX 65536u

enum transfer_kind {
    TRANSFER_WHOLE = 1,
    TRANSFER_DIFFERENCE,
    TRANSFER_CURRENT,
};

struct transfer;

/*
 * Of the zone as it was after `slot`. `serial`: what the secondary has, or NULL for all of it. A
 * serial that is not in the history of this life of the zone gets the whole zone. RSM_NOT_FOUND: no
 * such zone; RSM_DAMAGED, RSM_IO: the state. Owned by the caller.
 */
enum rsm_status transfer_begin(struct kv *kv, struct bytes zone, uint64_t slot,
                               const uint32_t *serial, struct transfer **transfer_out);
/* NULL is ignored. */
void transfer_free(struct transfer *t);
/* What it became, and the serial that it ends at: fixed by transfer_begin. */
enum transfer_kind transfer_kind(const struct transfer *t);
uint32_t transfer_serial(const struct transfer *t);
/* A digest that is still missing: of the zone as it was after `slot`. Borrowed. */
struct transfer_want {
    struct bytes zone;
    uint64_t zone_id, slot;
    uint32_t serial;
};

/* A zone with digests (zone.set) is sent with the one of each of its serials. False: none lacks. */
bool transfer_wants_digest(const struct transfer *t, struct transfer_want *out);
/* Data of a ZONEMD record: of the serial that was wanted. */
void transfer_give_digest(struct transfer *t, const uint8_t rdata[ZONEMD_RDATA_SIZE]);
/* Of the SOA as it was sent; 0 before the first transfer_fill. */
uint32_t transfer_expire(const struct transfer *t);
/* The secondary said that it has this very serial. */
bool transfer_is_held(const struct transfer *t);
/* Records put so far. */
uint64_t transfer_record_count(const struct transfer *t);
/* Instead of what it was, the SOA alone (an IXFR over UDP that does not fit: RFC 1995 2). */
void transfer_shorten(struct transfer *t);
/*
 * Puts the next records into a begun draft: until TRANSFER_MESSAGE_SIZE, or as many as have room.
 * `kv` may be another than before, when it shows the same history. *is_done_out: nothing is left.
 * RSM_NOT_FOUND (that history is gone meanwhile), RSM_DAMAGED, RSM_IO, RSM_TOO_LARGE (a record that
 * no message holds): the transfer ends here.
 */
enum rsm_status transfer_fill(struct transfer *t, struct kv *kv, struct draft *draft,
                              bool *is_done_out);

#endif
