/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay.c - see replay.h. */
#include "tools/rsm-dump/replay.h"

#include <string.h>

bool replay_init(struct replay *r, struct dump *d)
{
    *r = (struct replay){.d = d};
    if (!d->genesis_is_good) {
        dump_finding(d, "without a genesis nothing can be replayed");
        return false;
    }
    r->kv = kv_mem_new();
    enum rsm_status status =
        ledger_init(&r->ledger, r->kv, blob_bytes(d->genesis_bytes), &d->genesis);
    if (status != RSM_OK)
        dump_finding(d, "the genesis gives no state: %s", rsm_status_sentence(status));
    return status == RSM_OK;
}

void replay_deinit(struct replay *r)
{
    if (r->kv != NULL)
        ledger_deinit(&r->ledger);
    kv_free(r->kv);
}

bool replay_to(struct replay *r, uint64_t slot)
{
    struct slot_view view;

    while (r->ledger.slot < slot) {
        enum rsm_status status = dump_slot(r->d, r->ledger.slot + 1, &view);
        if (status == RSM_OK)
            status = ledger_step(&r->ledger, view.value);
        if (status == RSM_OK)
            continue;
        dump_finding(r->d, "slot %llu: %s", (unsigned long long)r->ledger.slot + 1,
                     rsm_status_sentence(status));
        return false;
    }
    return true;
}

const char *replay_compare(const struct replay *r, const struct slot_view *view)
{
    const struct log_verdict *row = &view->verdicts;

    if (row->log_time_ms != r->ledger.verdicts.log_time_ms)
        return "its log time is not the one that follows from the entries";
    if (!bytes_equal(row->verdicts, verdicts_bytes(&r->ledger.verdicts)))
        return "its verdicts are not what the rules say";
    if (memcmp(row->effects, r->ledger.verdicts.effects, HASH_SIZE) != 0)
        return "its effects are not what the rules say";
    if (memcmp(row->entry_head, r->ledger.heads.entry, HASH_SIZE) != 0)
        return "the entry chain breaks here";
    if (memcmp(row->verdict_head, r->ledger.heads.verdict, HASH_SIZE) != 0)
        return "the verdict chain breaks here";
    return NULL;
}
