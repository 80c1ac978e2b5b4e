/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * catalog.h - the catalog zone (RFC 9432): secondaries read in it which zones there are.
 *
 * There is one at most; zone.set makes an empty zone it. What stands in it, beside SOA and NS, is
 * written by the state machine with each command that makes or deletes a zone:
 *
 *     version.CATALOG          TXT "2"
 *     zID.zones.CATALOG        PTR the zone; ID is that of the zone's life, so that a zone that is
 *                              deleted and made again is a new member, which consumers load anew
 *
 * A consumer deletes the zones that its catalog has no more: rule_catalog.c keeps it from being
 * emptied. For the files of src/machine alone.
 */
#ifndef RSM_MACHINE_CATALOG_H
#define RSM_MACHINE_CATALOG_H

#include "src/machine/judge.h"

/* Record sets of a catalog that are no members: SOA, NS, version. */
#define CATALOG_OWN_SETS 3u

/* The zone was made, or is to be listed. Nothing without a catalog, or for one that is unlisted. */
void catalog_join(struct judge *j, struct bytes zone, const struct zone_record *row);
/* The zone goes, or is to be listed no more; reports what rule_catalog.c has against it. */
void catalog_leave(struct judge *j, struct bytes zone, const struct zone_record *row);
/* The zone becomes the catalog, with all zones; the caller writes the row. */
void catalog_begin(struct judge *j, struct bytes zone, struct zone_record *row);
/* The catalog stays a zone, which anybody with the rights may write. */
void catalog_end(struct judge *j);

#endif
