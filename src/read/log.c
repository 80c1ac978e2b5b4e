/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.c - slots of the log, readable or as they are stored. */
#include "src/base/limits.h"
#include "src/machine/logtable.h"
#include "src/read/read.h"
#include "src/read/render.h"

/* Slots [slot, end) that fit a page, by `pack`; RSM_NOT_FOUND leaves one out. */
static enum rsm_status pack_range(struct call *call, struct writer *out,
                                  enum rsm_status (*pack)(struct writer *out, struct kv *kv,
                                                          uint64_t slot, struct bytes author))
{
    struct kv *kv = call->kv;
    struct writer items;
    struct bytes author = {NULL, 0};
    uint64_t first, end = (call->at < call->applied ? call->at : call->applied) + 1;
    uint64_t given = end;
    uint32_t count = 0;
    uint64_t limit = option_limit(call);
    enum rsm_status status = param_uint(call, "the first slot", &first);
    if (status == RSM_OK && call->param_count == 2)
        status = param_uint(call, "the end", &given);
    if (status != RSM_OK)
        return status;
    if (call->options.size > 0)
        unpack_find_octets(call->options, "author", &author);
    end = given < end ? given : end;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    uint64_t slot = first > 0 ? first : 1;
    for (; slot < end && count < limit && items.size < PAGE_BYTES; slot++) {
        status = pack(&items, kv, slot, author);
        if (status == RSM_NOT_FOUND)
            continue;
        if (status != RSM_OK)
            break;
        count++;
    }
    result_begin(call, out, 2);
    pack_key(out, "entries");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    pack_number(out, "next", slot);
    out->failed |= items.failed;
    writer_deinit(&items);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static enum rsm_status pack_readable(struct writer *out, struct kv *kv, uint64_t slot,
                                     struct bytes author)
{
    return pack_slot(out, kv, slot, author, 0);
}

/* log.range FIRST [END]: slots from FIRST on, to END (not included) or as many as fit a page. */
enum rsm_status read_log_range(struct call *call, struct writer *out)
{
    return pack_range(call, out, pack_readable);
}

/* The rows as they are in the store: whoever replays the log needs every byte. */
static enum rsm_status pack_stored(struct writer *out, struct kv *kv, uint64_t slot,
                                   struct bytes author)
{
    struct bytes entry;
    struct log_verdict row;
    (void)author;
    enum rsm_status status = log_get_entry(kv, slot, &entry);
    if (status != RSM_OK)
        return status;
    pack_map(out, 7);
    pack_number(out, "slot", slot);
    pack_key(out, "entry");
    pack_bin(out, entry);
    status = log_get_verdict(kv, slot, &row); /* the entry's bytes may be gone now */
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_DAMAGED : status;
    pack_number(out, "log_time_ms", row.log_time_ms);
    pack_key(out, "verdicts");
    pack_bin(out, row.verdicts);
    pack_key(out, "effects");
    pack_hash(out, row.effects);
    pack_key(out, "entry_head");
    pack_hash(out, row.entry_head);
    pack_key(out, "verdict_head");
    pack_hash(out, row.verdict_head);
    return RSM_OK;
}

/* log.raw FIRST [END]: as log.range, but the stored bytes. */
enum rsm_status read_log_raw(struct call *call, struct writer *out)
{
    return pack_range(call, out, pack_stored);
}
