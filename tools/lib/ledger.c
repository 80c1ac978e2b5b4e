/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger.c - see ledger.h. */
#include "tools/lib/ledger.h"

#include <string.h>

#include "src/base/limits.h"
#include "src/command/envelope.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"

/* What the kv holds already; RSM_NOT_FOUND: nothing. */
static enum rsm_status go_on(struct ledger *l)
{
    enum rsm_status status = log_get_applied(l->kv, &l->slot);

    if (status == RSM_OK)
        status = log_get_time(l->kv, &l->log_time_ms);
    if (status == RSM_OK && l->slot > 0)
        status = log_get_heads(l->kv, l->heads.entry, l->heads.verdict);
    return status;
}

enum rsm_status ledger_init(struct ledger *l, struct kv *kv, struct bytes genesis_bytes,
                            const struct genesis *genesis)
{
    *l = (struct ledger){.kv = kv};
    verdicts_init(&l->verdicts);
    writer_init(&l->scratch, LIMIT_VALUE_SIZE);
    l->machine = machine_new();
    machine_without_memo(l->machine); /* a replica that keeps what is old would be found here */
    memcpy(l->cluster, genesis->cluster_id, CLUSTER_ID_SIZE);
    chain_begin(genesis_bytes, &l->heads);
    enum rsm_status status = go_on(l);
    if (status != RSM_NOT_FOUND)
        return status;
    status = machine_genesis(kv, genesis);
    return status == RSM_OK ? log_get_time(kv, &l->log_time_ms) : status;
}

void ledger_deinit(struct ledger *l)
{
    machine_free(l->machine);
    verdicts_deinit(&l->verdicts);
    writer_deinit(&l->scratch);
}

enum rsm_status ledger_envelope(const uint8_t cluster[CLUSTER_ID_SIZE], struct bytes value,
                                struct bytes *raw_out)
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
    return status == RSM_OK ? envelope_verify(&envelope, cluster) : status;
}

enum rsm_status ledger_step(struct ledger *l, struct bytes value)
{
    struct bytes raw;
    enum rsm_status good = ledger_envelope(l->cluster, value, &raw);
    struct machine_signatures signatures = {.verified = good == RSM_OK && raw.size > 0};
    uint64_t slot = l->slot + 1;

    enum rsm_status status =
        machine_apply(l->machine, l->kv, slot, value, &signatures, &l->verdicts);
    if (status != RSM_OK)
        return status;
    struct bytes verdicts = verdicts_bytes(&l->verdicts);
    chain_add_entry(&l->heads, slot, l->verdicts.log_time_ms, value);
    chain_add_verdict(&l->heads, slot, verdicts, l->verdicts.effects);
    struct log_verdict row = {.entry_head = l->heads.entry,
                              .verdict_head = l->heads.verdict,
                              .log_time_ms = l->verdicts.log_time_ms,
                              .effects = l->verdicts.effects,
                              .verdicts = verdicts};
    status = log_put(l->kv, slot, value, &row, &l->scratch);
    l->slot = slot;
    l->log_time_ms = l->verdicts.log_time_ms;
    return status;
}
