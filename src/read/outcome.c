/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outcome.c - the clock of an author, and the verdict of a command with what became of it. */
#include <string.h>

#include "src/base/limits.h"
#include "src/machine/logtable.h"
#include "src/read/read.h"
#include "src/read/render.h"

enum rsm_status read_clock(struct call *call, struct writer *out)
{
    struct bytes author;
    struct query_clock clock;
    enum rsm_status status = param_text(call, "the author", &author);
    if (status == RSM_OK && (author.size == 0 || author.size > LIMIT_PRINCIPAL_SIZE))
        status = call_fail(call, RSM_BAD_PARAMS, "no author has such a name");
    if (status == RSM_OK)
        status = query_clock(call->kv, author, &clock);
    if (status != RSM_OK)
        return status;
    result_begin(call, out, 4);
    pack_key(out, "cluster_id");
    pack_bin(out, bytes_make(call->genesis->cluster_id, CLUSTER_ID_SIZE));
    pack_number(out, "counter", clock.counter);
    pack_number(out, "lamport", clock.lamport);
    pack_number(out, "lamport_highest", clock.lamport_highest);
    return RSM_OK;
}

/* outcome digest, or outcome author counter */
enum rsm_status find_outcome(struct call *call, uint64_t *slot_out, uint32_t *index_out,
                             struct verdict *out)
{
    struct kv *kv = call->kv;
    struct bytes first;
    struct event_record event;
    const uint8_t *digest;
    enum rsm_status status = param_text(call, "the digest or the author", &first);
    if (status != RSM_OK)
        return status;
    if (call->param_count == 2) {
        uint64_t counter;
        status = param_uint(call, "the counter", &counter);
        if (status == RSM_OK && (first.size == 0 || first.size > LIMIT_PRINCIPAL_SIZE))
            status = call_fail(call, RSM_BAD_PARAMS, "no author has such a name");
        if (status == RSM_OK)
            status = query_event(kv, first, counter, &event);
        if (status == RSM_NOT_FOUND)
            return call_fail(call, status, "no command with that counter was applied");
        if (status != RSM_OK)
            return status;
        digest = event.digest;
    } else if (first.size == HASH_SIZE) {
        digest = first.data;
    } else {
        return call_fail(call, RSM_BAD_PARAMS, "a command's digest has 32 bytes");
    }
    status = query_outcome(kv, digest, slot_out, index_out, out);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "no command with that digest has a verdict");
    return status;
}

enum rsm_status read_outcome(struct call *call, struct writer *out)
{
    struct log_verdict row;
    uint64_t slot;
    uint32_t index;
    struct verdict verdict;
    uint8_t digest[HASH_SIZE];
    enum rsm_status status = find_outcome(call, &slot, &index, &verdict);
    if (status != RSM_OK)
        return status;
    enum change_state state = verdict.kind == VERDICT_REFUSED ? CHANGE_REFUSED : CHANGE_LIVE;
    memcpy(digest, verdict.digest, HASH_SIZE);
    status = log_get_verdict(call->kv, slot, &row);
    if (status != RSM_OK)
        return status;
    result_begin(call, out, 3);
    pack_number(out, "index", index);
    pack_key(out, "verdicts");
    pack_verdicts(out, slot, row.verdicts);
    pack_key(out, "change");
    return pack_change(call->kv, out, digest, slot, state);
}
