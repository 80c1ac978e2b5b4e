/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay.c - see replay.h. */
#include "tools/rsm-dump/replay.h"

#include "src/base/limits.h"
#include "src/command/envelope.h"
#include "src/machine/entry.h"

bool replay_init(struct replay *r, struct dump *d)
{
    *r = (struct replay){.d = d};
    verdicts_init(&r->verdicts);
    writer_init(&r->scratch, LIMIT_VALUE_SIZE);
    r->kv = kv_mem_new();
    r->machine = machine_new();
    if (!d->genesis_is_good) {
        dump_finding(d, "without a genesis nothing can be replayed");
        return false;
    }
    chain_begin(blob_bytes(d->genesis_bytes), &r->heads);
    enum rsm_status status = machine_genesis(r->kv, &d->genesis);
    if (status == RSM_OK)
        status = log_get_time(r->kv, &r->log_time_ms);
    if (status != RSM_OK)
        dump_finding(d, "the genesis gives no state: %s", rsm_status_sentence(status));
    return status == RSM_OK;
}

void replay_deinit(struct replay *r)
{
    machine_free(r->machine);
    kv_free(r->kv);
    verdicts_deinit(&r->verdicts);
    writer_deinit(&r->scratch);
}

enum rsm_status replay_envelope(const struct dump *d, struct bytes value, struct bytes *raw_out)
{
    struct entry entry;
    struct rejection rejection;
    struct envelope envelope;

    *raw_out = bytes_make(NULL, 0);
    enum rsm_status status = entry_parse(value, &entry);
    if (status != RSM_OK)
        return status;
    if (entry.kind == ENTRY_COMMANDS) {
        *raw_out = entry.payload;
    } else if (entry.kind == ENTRY_REJECTION) {
        status = rejection_parse(entry.payload, &rejection);
        if (status == RSM_OK)
            *raw_out = rejection.envelope;
    }
    if (status != RSM_OK || raw_out->size == 0)
        return status;
    status = envelope_parse(*raw_out, &envelope);
    return status == RSM_OK ? envelope_verify(&envelope, d->genesis.cluster_id) : status;
}

enum rsm_status replay_step(struct replay *r, struct bytes value)
{
    struct bytes raw;
    enum rsm_status good = replay_envelope(r->d, value, &raw);
    struct machine_signatures signatures = {.verified = good == RSM_OK && raw.size > 0};
    uint64_t slot = r->slot + 1;

    enum rsm_status status =
        machine_apply(r->machine, r->kv, slot, value, &signatures, &r->verdicts);
    if (status != RSM_OK)
        return status;
    struct bytes verdicts = verdicts_bytes(&r->verdicts);
    chain_add_entry(&r->heads, slot, r->verdicts.log_time_ms, value);
    chain_add_verdict(&r->heads, slot, verdicts, r->verdicts.effects);
    struct log_verdict row = {.entry_head = r->heads.entry,
                              .verdict_head = r->heads.verdict,
                              .log_time_ms = r->verdicts.log_time_ms,
                              .effects = r->verdicts.effects,
                              .verdicts = verdicts};
    status = log_put(r->kv, slot, value, &row, &r->scratch);
    r->slot = slot;
    r->log_time_ms = r->verdicts.log_time_ms;
    return status;
}

bool replay_to(struct replay *r, uint64_t slot)
{
    struct slot_view view;

    while (r->slot < slot) {
        enum rsm_status status = dump_slot(r->d, r->slot + 1, &view);
        if (status == RSM_OK)
            status = replay_step(r, view.value);
        if (status == RSM_OK)
            continue;
        dump_finding(r->d, "slot %llu: %s", (unsigned long long)r->slot + 1,
                     rsm_status_sentence(status));
        return false;
    }
    return true;
}
