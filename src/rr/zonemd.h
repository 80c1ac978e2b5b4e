/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zonemd.h - the digest of a zone (RFC 8976): scheme SIMPLE, SHA-384.
 *
 * Records come in canonical order (RFC 4034 6), all of the zone but the ZONEMD of its apex and the
 * signatures of that (RFC 8976 3.3.1); libdnssec hashes.
 */
#ifndef RSM_RR_ZONEMD_H
#define RSM_RR_ZONEMD_H

#include <rsm/status.h>

#include "src/base/bytes.h"

#define ZONEMD_RDATA_SIZE 54u /* serial u32, scheme u8, algorithm u8, digest 48 */

struct zonemd_hash;

/* NULL: no memory. Owned by the caller. */
struct zonemd_hash *zonemd_hash_new(void);
/* NULL is ignored. */
void zonemd_hash_free(struct zonemd_hash *h);
/* False: the library failed; nothing more comes of it then. */
bool zonemd_hash_add(struct zonemd_hash *h, struct bytes owner, uint16_t type, uint32_t ttl,
                     struct bytes rdata);
/* The record's data; once. */
bool zonemd_hash_end(struct zonemd_hash *h, uint32_t serial, uint8_t rdata_out[ZONEMD_RDATA_SIZE]);

#endif
