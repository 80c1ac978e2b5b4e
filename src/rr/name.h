/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * name.h - domain names: wire form, text, and what is inside what (RFC 1035 3.1, 5.1).
 *
 * A wire name is a struct bytes: labels of 1..63 octets with their size in front, the root's zero
 * at the end, at most 255 octets, never compressed. Comparisons take case-folded names; name_lower
 * folds. Functions keep nothing and allocate nothing.
 */
#ifndef RSM_RR_NAME_H
#define RSM_RR_NAME_H

#include <rsm/status.h>

#include "src/base/bytes.h"

#define NAME_SIZE_MAX 255u
#define NAME_TEXT_MAX 1025u /* every octet as \DDD, dots, the end mark */

/* True when the bytes are one whole wire name. */
bool name_check(struct bytes name);
/* Folds A..Z (RFC 4343); `name` is a wire name, `out` has room for it. */
struct bytes name_lower(struct bytes name, uint8_t out[NAME_SIZE_MAX]);
/*
 * Reads text; without a dot at its end it is below `origin` (empty: then it is taken as absolute).
 * Folded to lower case. RSM_MALFORMED, RSM_TOO_LARGE.
 */
enum rsm_status name_from_text(const char *text, struct bytes origin, uint8_t out[NAME_SIZE_MAX],
                               struct bytes *name_out);
/* Absolute text with its last dot; returns `out`. */
const char *name_to_text(struct bytes name, char out[NAME_TEXT_MAX]);
/* Both in lower case, as names are here. */
bool name_equal(struct bytes a, struct bytes b);
/* True when `name` is `ancestor` or below it. */
bool name_is_at_or_below(struct bytes name, struct bytes ancestor);
/* Its first label is "*" (RFC 4592). */
bool name_is_wildcard(struct bytes name);

#endif
