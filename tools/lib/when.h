/* SPDX-License-Identifier: GPL-3.0-or-later */
/* when.h - times on the command line: one form for all tools. */
#ifndef RSM_TOOLS_WHEN_H
#define RSM_TOOLS_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The first and the last millisecond, UTC, of what `text` names: 2026-11-28T12:00:00Z, the whole
 * second; 2026-11-28T12:00:00.123Z, with one digit or more; 2026-11-28T12:00Z and 2026-11-28, its
 * midnight, their first second. False: none of these, or before 1970.
 */
bool when_parse(const char *text, uint64_t *first_out, uint64_t *last_out);

#define WHEN_TEXT_SIZE 32u
/* The same form of a time in milliseconds: 2026-11-28T12:00:00Z, the second that it is in. */
const char *when_text(uint64_t ms, char out[WHEN_TEXT_SIZE]);

#endif
