/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * holders.h - which secondary was last known to have which serial of a zone, and when.
 *
 * A secondary goes on answering for the SOA's expire time after its last refresh (RFC 1035 3.3.13).
 * A primary sees of that only what it is asked, so a refresh is known here when
 *
 *     a  a transfer went out whole, or an IXFR was answered that nothing is newer;
 *     b  the SOA was said with the very serial that the secondary is known to have.
 *
 * Both are no later than the secondary's own refresh began, so what is left by this is never more
 * than what is left in truth. A SOA with another serial is kept beside: the transfer behind it may
 * have come from another replica, and who has the rows of all replicas can tell.
 *
 * A secondary is an address and the key that it signs with. Time comes in as milliseconds that
 * never fall. In memory only: a replica that begins again knows nobody until it is asked.
 */
#ifndef RSM_DNS_HOLDERS_H
#define RSM_DNS_HOLDERS_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/rr/name.h"

/* Zones times secondaries; further ones are not known until old ones are forgotten. */
#define HOLDERS_MAX 65536u
#define HOLDERS_ADDRESS_MAX 16u

struct holders;

/* Empty; owned by the caller. */
struct holders *holders_new(void);
/* NULL is ignored. */
void holders_free(struct holders *h);

/* Borrowed. */
struct holder {
    struct bytes zone;    /* wire name */
    struct bytes address; /* 4 or 16 bytes */
    struct bytes key;     /* wire name; empty: not signed */
};

/* It has that serial as of now: case a. `expire_s`: of that serial's SOA. */
void holders_on_refreshed(struct holders *h, const struct holder *who, uint32_t serial,
                          uint32_t expire_s, uint64_t now_ms);
/* It was told that serial: case b, or kept beside. */
void holders_on_told(struct holders *h, const struct holder *who, uint32_t serial, uint64_t now_ms);

struct holder_row {
    struct holder who; /* in `place` */
    bool is_known;     /* what it has, and so the next three */
    uint32_t serial, expire_s;
    uint64_t refreshed_ms;
    uint32_t told_serial; /* the last one that it was told */
    uint64_t told_ms;     /* 0: never */
    uint8_t place[2 * NAME_SIZE_MAX + HOLDERS_ADDRESS_MAX + 1];
    size_t place_size; /* 0: before the first of the zone */
};

/* The zone's next row, by address; false: there is none. `zone`: a wire name. Zero the row first.
 */
bool holders_next(const struct holders *h, struct bytes zone, struct holder_row *row);

/* Rows, of all zones. */
uint32_t holders_count(const struct holders *h);

#endif
