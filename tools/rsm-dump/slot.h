/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slot.h - one slot of the log, taken apart for people. */
#ifndef RSM_TOOLS_SLOT_H
#define RSM_TOOLS_SLOT_H

#include "src/command/envelope.h"
#include "src/machine/entry.h"
#include "src/machine/verdict.h"
#include "tools/rsm-dump/dump.h"

/* An entry and what is in it. */
struct slot_parts {
    struct entry entry;
    enum rsm_status status; /* RSM_OK, or why the rest could not be read */
    bool has_envelope;
    struct envelope envelope;
    bool has_rejection;
    struct rejection rejection;
    struct bytes author; /* of the envelope or the rejection */
};

void slot_take_apart(const struct slot_view *view, struct slot_parts *out);
/* "commands", "tick", "rejection", "no-op". */
const char *slot_kind(const struct slot_parts *parts);
/* The zone that a command names, in wire form; empty: none. Borrowed from command or store. */
struct bytes slot_command_zone(struct dump *d, const struct command *c);
/* Some command of the slot is by that author, or names that zone (both may be empty: any). */
bool slot_matches(struct dump *d, const struct slot_parts *parts, struct bytes zone,
                  struct bytes author);
/* One line for people: slot, time, commands with their verdicts (cmd_log.c). */
void slot_print(struct dump *d, const struct slot_view *view, const struct slot_parts *parts);
/* Everything about it. */
json_t *slot_json(struct dump *d, const struct slot_view *view);

#endif
