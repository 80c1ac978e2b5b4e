/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * machine_data.h - names, records and bodies of commands out of text and numbers, for tests.
 *
 * What takes no buffer answers with one of a small ring, or of constants: valid for the next dozen
 * of calls. Bodies are the caller's (rsm_buffer_free); most go into actor_do, which takes them.
 */
#ifndef RSM_TESTS_MACHINE_DATA_H
#define RSM_TESTS_MACHINE_DATA_H

#include <rsm/body.h>

#include "src/base/bytes.h"

/* A wire name out of text; a small ring of buffers. */
struct rsm_bytes wire(const char *text);
struct bytes wire_bytes(const char *text);
struct rsm_bytes text_bytes(const char *text);
/* 192.0.2.n */
struct rsm_bytes address(uint8_t n);
struct rsm_bytes soa_rdata(uint32_t serial);

/* A set of `count` addresses beginning with 192.0.2.first (0: the set is deleted). */
struct rsm_change change_a(const char *owner, uint8_t first, size_t count);
struct rsm_change change_name(const char *owner, uint16_t type, const char *target);
struct rsm_change change_soa(const char *zone, uint32_t serial);

/* zone.create with SOA, NS and more. */
struct rsm_buffer body_zone(const char *zone, uint32_t serial, const struct rsm_change *more,
                            size_t count);
struct rsm_buffer body_change(const char *zone, const struct rsm_change *changes, size_t count);
/* change.request for one change of a zone, of at least this class, without overrides. */
struct rsm_buffer body_request(enum rsm_class least, const char *zone,
                               const struct rsm_change *change);

/* policy.set of one number. */
struct rsm_buffer body_policy(const char *name, uint64_t value);
/* policy.set of "classes" with one item, by the name below which or the tier of which; NULL: not.
 */
struct rsm_buffer body_class(const char *class, const char *suffix, const char *tier);

#endif
