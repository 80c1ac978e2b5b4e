/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_check.c - judges a command without proposing it: against the applied state, as if it stood
 * in the next slot, in an overlay that the caller throws away. One command at a time, so that a
 * check costs no more than the smallest submission.
 */
#include "src/daemon/node_check.h"

#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"

enum rsm_status node_check(struct node *n, struct bytes raw, struct kv *overlay,
                           struct verdicts *verdicts_out, enum machine_judgement *judgement_out)
{
    uint8_t digest[HASH_SIZE];
    struct envelope envelope;
    struct writer value;
    envelope_digest(raw, digest);
    enum rsm_status status = node_verify_envelope(n, raw, digest, &envelope);
    if (status == RSM_OK && envelope.command_count != 1)
        status = RSM_TOO_MANY;
    if (status != RSM_OK)
        return status;
    writer_init(&value, LIMIT_VALUE_SIZE);
    entry_encode(&value, ENTRY_COMMANDS, n->log_time_ms, raw);
    struct machine_signatures signatures = {.verified = true};
    kv_overlay_set_below(overlay, n->applied);
    status = machine_judge(n->machine, overlay, n->applied_slot + 1, writer_result(&value),
                           &signatures, verdicts_out, judgement_out);
    writer_deinit(&value);
    /* What would wait is shown as what it would do. */
    struct verdict verdict;
    if (status == RSM_OK && verdict_at(verdicts_bytes(verdicts_out), 0, &verdict) == RSM_OK &&
        verdict.kind == VERDICT_STAGED)
        status = machine_preview_staged(n->machine, overlay, verdict.digest, n->log_time_ms);
    if (status == RSM_DAMAGED || status == RSM_IO)
        node_on_damage(n);
    return status;
}
