/* SPDX-License-Identifier: GPL-3.0-or-later */
/* people.c - what people do that everybody has to see: fields of `status`. */
#include "src/machine/logtable.h"
#include "src/machine/procedure.h"
#include "src/machine/recording.h"
#include "src/machine/recovery.h"
#include "src/machine/staged.h"
#include "src/read/render.h"

#define RECORDINGS_SHOWN_MS (UINT64_C(24) * 3600 * 1000) /* so long after their last chunk */

/* Of each step in order: "open", "done", "skipped". */
static void pack_steps(struct writer *out, const struct procedure_record *p)
{
    static const char *const words[] = {
        [STEP_OPEN] = "open", [STEP_DONE] = "done", [STEP_SKIPPED] = "skipped"};
    pack_key(out, "steps");
    pack_array(out, RSM_STEP_RESUME);
    for (size_t i = RSM_STEP_FREEZE; i <= RSM_STEP_RESUME; i++)
        pack_text(out, words[p->steps[i].state]);
}

/* Human overrides that are open. */
static void pack_procedures(struct kv *kv, struct writer *out)
{
    struct key place = {.size = 0};
    struct procedure_record p;
    struct writer items;
    uint32_t count = 0;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    while (procedure_next(kv, &place, &p) == RSM_OK) {
        pack_map(&items, 8);
        pack_key(&items, "freeze");
        pack_str(&items, key_bytes(&place));
        pack_key(&items, "author");
        pack_str(&items, p.author);
        pack_key(&items, "reason");
        pack_str(&items, p.reason);
        pack_key(&items, "next");
        pack_text(&items, rsm_step_text(p.next));
        pack_number(&items, "opened_slot", p.opened_slot);
        pack_key(&items, "planned");
        pack_bin(&items, bytes_make(p.steps[RSM_STEP_PLAN].evidence, HASH_SIZE));
        pack_steps(&items, &p);
        pack_key(&items, "skipped");
        uint32_t skipped = 0;
        for (size_t i = RSM_STEP_FREEZE; i <= RSM_STEP_RESUME; i++)
            skipped += p.steps[i].state == STEP_SKIPPED ? 1 : 0;
        pack_array(&items, skipped);
        for (size_t i = RSM_STEP_FREEZE; i <= RSM_STEP_RESUME; i++)
            if (p.steps[i].state == STEP_SKIPPED)
                pack_text(&items, rsm_step_text((enum rsm_step)i));
        count++;
    }
    pack_key(out, "overrides");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    writer_deinit(&items);
}

/* That it was recovered by force, the last time: for ever. */
static void pack_recovery(struct kv *kv, struct writer *out)
{
    struct recovery_record r;
    bool was = recovery_newest(kv, &r) == RSM_OK;
    struct bytes names, name;
    uint32_t count = 0;
    pack_number(out, "epoch", was ? r.epoch : RECOVERY_EPOCH_FIRST);
    pack_key(out, "recovery");
    pack_map(out, was ? 4 : 0);
    if (!was)
        return;
    pack_number(out, "slot", r.slot);
    pack_number(out, "replica", r.replica);
    pack_number(out, "from_slot", r.from_slot);
    for (names = r.signers; recovery_signer_next(&names, &name);)
        count++;
    pack_key(out, "signers");
    pack_array(out, count);
    for (names = r.signers; recovery_signer_next(&names, &name);)
        pack_str(out, name);
}

static uint64_t time_of(struct kv *kv, uint64_t slot)
{
    struct log_verdict row;
    return log_get_verdict(kv, slot, &row) == RSM_OK ? row.log_time_ms : 0;
}

/* Recorded shells that have not ended, also those that failed or fell silent. */
static void pack_recordings(struct kv *kv, uint64_t now_ms, struct writer *out)
{
    struct key place = {.size = 0};
    struct recording_record r;
    struct writer items;
    uint32_t count = 0;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    while (items.size < PAGE_BYTES && recording_next(kv, &place, &r) == RSM_OK) {
        enum recording_state state = r.state;
        uint64_t opened_slot = r.opened_slot, last_slot = r.last_slot;
        uint64_t mark = items.size;
        if (state == RECORDING_ENDED)
            continue;
        pack_map(&items, 7);
        pack_key(&items, "session");
        pack_bin(&items, key_bytes(&place));
        pack_key(&items, "author");
        pack_str(&items, r.author);
        pack_key(&items, "state");
        pack_text(&items, recording_state_text(state));
        pack_number(&items, "chunks", r.chunks);
        pack_number(&items, "opened_slot", opened_slot);
        uint64_t last_ms = time_of(kv, last_slot); /* the row's bytes are gone now */
        pack_number(&items, "opened_ms", time_of(kv, opened_slot));
        pack_number(&items, "last_ms", last_ms);
        if (last_ms + RECORDINGS_SHOWN_MS > now_ms)
            count++;
        else
            items.size = mark;
    }
    pack_key(out, "recordings");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    writer_deinit(&items);
}

#define WAITING_SHOWN_MAX 16u

/* Emergencies that wait for approvals, for being applied or for votes: the first ones. */
static void pack_waiting(struct kv *kv, struct writer *out)
{
    struct key place = {.size = 0};
    uint8_t digest[HASH_SIZE];
    struct staged_record row;
    struct writer items;
    uint32_t count = 0;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    while (count < WAITING_SHOWN_MAX && pending_next(kv, &place, digest) == RSM_OK) {
        if (staged_load(kv, digest, &row) != RSM_OK || row.class != RSM_CLASS_EMERGENCY)
            continue;
        count++;
        pack_map(&items, 6);
        pack_key(&items, "digest");
        pack_hash(&items, digest);
        pack_key(&items, "author");
        pack_str(&items, row.author);
        pack_number(&items, "slot", row.slot);
        pack_number(&items, "approved_ms", row.approved_ms);
        pack_number(&items, "voting_ms", row.voting_ms);
        pack_number(&items, "deadline_ms", row.deadline_ms);
    }
    pack_key(out, "waiting");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    writer_deinit(&items);
}

void pack_people(struct kv *kv, uint64_t now_ms, struct writer *out)
{
    pack_waiting(kv, out);
    pack_procedures(kv, out);
    pack_recovery(kv, out);
    pack_recordings(kv, now_ms, out);
}
