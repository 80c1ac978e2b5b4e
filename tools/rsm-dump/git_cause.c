/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * git_cause.c - see git_cause.h.
 *
 * A slot has the commands of one author. A change that had to wait takes effect in a later slot
 * than its own, one whose command is a replica's vote or somebody's approval: then its own author,
 * counter and reason are wanted, which are where its digest is, and the approvals that stand in the
 * state.
 */
#include "tools/rsm-dump/git_cause.h"

#include <string.h>

#include "src/base/mem.h"
#include "src/command/unpack.h"
#include "src/machine/record.h"
#include "src/machine/staged.h"
#include "src/machine/verdict.h"
#include "tools/lib/plain.h"
#include "tools/rsm-dump/slot.h"

#define TEXT_SIZE_MAX (64u << 10)

void git_write_person(struct writer *out, struct bytes name)
{
    char *text = mem_copy_text(name.data, name.size);
    for (char *c = plain_text(text, ""); *c != '\0'; c++)
        writer_u8(out, strchr("<>", *c) != NULL ? '_' : (uint8_t)*c);
    mem_free(text);
}

/* Several lines may be; no byte 0, which git would end the message at. */
static void write_reason(struct writer *out, struct bytes reason)
{
    char *text = mem_copy_text(reason.data, reason.size);
    for (size_t i = 0; i < reason.size; i++)
        if (text[i] == '\0')
            text[i] = '?';
    writer_format(out, "%s", plain_text(text, "\n\t"));
    mem_free(text);
}

static void take_command(const struct command *c, struct git_cause *out)
{
    writer_reset(&out->author);
    writer_reset(&out->reason);
    writer_bytes(&out->author, c->author);
    if (c->reason.size > 0)
        write_reason(&out->reason, c->reason);
    else
        writer_format(&out->reason, "%s", rsm_kind_text(c->kind));
    out->counter = c->counter;
}

/* The command of a slot with that number. */
static void take_from_slot(struct dump *d, uint64_t slot, uint32_t index, struct git_cause *out)
{
    struct slot_view view;
    struct slot_parts parts;
    struct command command;
    if (dump_slot(d, slot, &view) != RSM_OK)
        return;
    slot_take_apart(&view, &parts);
    if (!parts.has_envelope)
        return;
    struct envelope_walk walk = envelope_commands(&parts.envelope);
    for (uint32_t i = 0; envelope_next(&walk, &command); i++)
        if (i == index)
            take_command(&command, out);
}

static void add_approvals(struct kv *state, const uint8_t *digest, struct git_cause *out)
{
    struct key place = {.size = 0};
    struct bytes person;
    struct approval_record a;
    while (approval_next(state, digest, &place, &person, &a) == RSM_OK) {
        writer_format(&out->approvals, "Approved-by: ");
        git_write_person(&out->approvals, a.principal);
        writer_format(&out->approvals, "\n");
    }
}

/* The changes that waited and took effect here: the first one's digest; false: there is none. */
static bool find_settled(struct kv *state, const struct slot_view *view,
                         uint8_t digest_out[HASH_SIZE], struct git_cause *out)
{
    struct verdict_walk walk = verdict_walk(view->verdicts.verdicts);
    struct verdict v;
    bool found = false;
    while (view->has_verdicts && verdict_next(&walk, &v)) {
        struct bytes end;
        if (v.kind != VERDICT_SETTLED || !unpack_find_octets(v.result, "state", &end) ||
            !bytes_equal(end, bytes_of_string("live")))
            continue;
        if (!found)
            memcpy(digest_out, v.digest, HASH_SIZE);
        found = true;
        add_approvals(state, v.digest, out);
    }
    return found;
}

/* Its own first command wrote a zone: what settles in the same slot comes behind it. */
static bool wrote_itself(struct dump *d, const struct slot_view *view)
{
    struct slot_parts parts;
    struct command command;
    struct verdict v;
    struct verdict_walk verdicts = verdict_walk(view->verdicts.verdicts);
    slot_take_apart(view, &parts);
    if (!parts.has_envelope || !view->has_verdicts)
        return false;
    struct envelope_walk walk = envelope_commands(&parts.envelope);
    return envelope_next(&walk, &command) && verdict_next(&verdicts, &v) &&
           v.kind == VERDICT_APPLIED && slot_command_zone(d, &command).size > 0;
}

void git_cause_find(struct dump *d, struct kv *state, uint64_t slot, struct git_cause *out)
{
    struct slot_view view;
    uint8_t digest[HASH_SIZE];
    struct digest_record record;
    *out = (struct git_cause){.counter = 0};
    writer_init(&out->author, TEXT_SIZE_MAX);
    writer_init(&out->reason, TEXT_SIZE_MAX);
    writer_init(&out->approvals, TEXT_SIZE_MAX);
    bool is_settled = dump_slot(d, slot, &view) == RSM_OK &&
                      find_settled(state, &view, digest, out) && !wrote_itself(d, &view);
    if (is_settled && digest_load(state, digest, &record) == RSM_OK)
        take_from_slot(d, record.slot, record.index, out);
    else
        take_from_slot(d, slot, 0, out);
}

void git_cause_deinit(struct git_cause *cause)
{
    writer_deinit(&cause->author);
    writer_deinit(&cause->reason);
    writer_deinit(&cause->approvals);
}
