/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pattern.h - patterns of owners, in grants and in the policy.
 *
 * A pattern is a wire name in whose labels `*` stands for any octets, none included, of that one
 * label. It covers the names that it matches and all below them: `example.` all of example.,
 * `web-*.example.` web-1.example. and a.web-1.example., `*.example.` whatever is below example.
 * (a wildcard's own name as well), but not example. itself.
 */
#ifndef RSM_MACHINE_PATTERN_H
#define RSM_MACHINE_PATTERN_H

#include "src/base/bytes.h"

/* Both are wire names in lower case; an empty pattern covers all. */
bool pattern_covers(struct bytes pattern, struct bytes owner);

#endif
