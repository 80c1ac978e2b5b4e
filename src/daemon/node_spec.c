/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_spec.c - the speculation: the applied state plus everything accepted and not yet applied.
 *
 *      applied                 spec.end
 *         |  a   b   c   d   e    |
 *     ....|-----------------------|....
 *          in the overlay, by the values that the core has accepted
 *
 * A guess that turns out wrong (another value is accepted in a slot, a leader changes) throws the
 * whole overlay away; what is needed of it is made again from the accepted values. It only decides
 * what is proposed and voted for: the verdict falls when the slot is applied.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"
#include "src/machine/query.h"

#define SPEC_WRITES_MAX 65536u /* then it is made again, without what was applied meanwhile */

static struct blob **place(struct node *n, uint64_t slot)
{
    return &n->spec.values[slot % LIMIT_WINDOW];
}

void spec_reset(struct node *n)
{
    for (uint64_t slot = n->applied_slot + 1; slot < n->spec.end; slot++) {
        blob_unref(*place(n, slot));
        *place(n, slot) = NULL;
    }
    n->spec.end = n->applied_slot + 1;
    kv_overlay_clear(n->spec.overlay);
}

void spec_on_applied(struct node *n, uint64_t slot, struct blob *value)
{
    if (slot >= n->spec.end) {
        n->spec.end = slot + 1;
        kv_overlay_clear(n->spec.overlay);
        return;
    }
    bool same = bytes_equal(blob_bytes(*place(n, slot)), blob_bytes(value));
    blob_unref(*place(n, slot));
    *place(n, slot) = NULL;
    if (slot + 1 == n->spec.end)
        kv_overlay_clear(n->spec.overlay);
    else if (!same || kv_overlay_count(n->spec.overlay) > SPEC_WRITES_MAX)
        spec_reset(n);
}

void spec_compare(struct node *n, const struct paxos_message *message)
{
    for (size_t i = 0; i < message->entry_count; i++) {
        uint64_t slot = message->entries[i].slot;
        if (slot <= n->applied_slot || slot >= n->spec.end)
            continue;
        struct ballot ballot;
        struct blob *value;
        if (!paxos_accepted(n->paxos, slot, &ballot, &value) ||
            !bytes_equal(blob_bytes(value), blob_bytes(*place(n, slot)))) {
            spec_reset(n);
            return;
        }
    }
}

/* The entry's envelope, if it has one that verifies. */
static bool is_verified(struct node *n, struct bytes value)
{
    struct entry entry;
    struct rejection rejection;
    struct envelope envelope;
    uint8_t digest[HASH_SIZE];
    if (entry_parse(value, &entry) != RSM_OK)
        return false;
    struct bytes raw = entry.payload;
    if (entry.kind == ENTRY_REJECTION) {
        if (rejection_parse(entry.payload, &rejection) != RSM_OK)
            return false;
        raw = rejection.envelope;
    } else if (entry.kind != ENTRY_COMMANDS) {
        return false;
    }
    if (raw.size == 0)
        return false;
    envelope_digest(raw, digest);
    return node_verify_envelope(n, raw, digest, &envelope) == RSM_OK;
}

struct machine_signatures node_signatures(struct node *n, struct bytes value)
{
    return (struct machine_signatures){
        .verified = is_verified(n, value) && !(MUTANT(APPLY_BY_REPLICA) && n->config.self == 2)};
}

/* Judges into the overlay and remembers the value; the slot is spec.end. */
static enum judgement judge_next(struct node *n, struct blob *value, struct verdicts *verdicts_out)
{
    struct machine_signatures signatures = node_signatures(n, blob_bytes(value));
    enum machine_judgement judgement;
    enum rsm_status status =
        machine_judge(n->machine, n->spec.overlay, n->spec.end, blob_bytes(value), &signatures,
                      verdicts_out, &judgement);
    if (status != RSM_OK) {
        node_on_damage(n);
        return JUDGED_WAIT;
    }
    switch (judgement) {
    case MACHINE_ACCEPT:
        return JUDGED_OK;
    case MACHINE_REFUSE:
        return JUDGED_REFUSED;
    case MACHINE_DUPLICATE:
        return JUDGED_DUPLICATE;
    case MACHINE_BAD_ENTRY:
        return JUDGED_BAD;
    }
    return JUDGED_BAD;
}

static void keep(struct node *n, struct blob *value)
{
    *place(n, n->spec.end) = blob_ref(value);
    n->spec.end++;
}

bool spec_take(struct node *n, struct blob *value)
{
    struct machine_signatures signatures = node_signatures(n, blob_bytes(value));
    struct verdicts verdicts;
    verdicts_init(&verdicts);
    enum rsm_status status = machine_apply(n->machine, n->spec.overlay, n->spec.end,
                                           blob_bytes(value), &signatures, &verdicts);
    verdicts_deinit(&verdicts);
    if (status != RSM_OK) {
        node_on_damage(n);
        spec_reset(n);
        return false;
    }
    keep(n, value);
    return true;
}

/* Brings the speculation up to `slot` by what the core has accepted below it. */
static bool reach(struct node *n, uint64_t slot)
{
    if (slot < n->spec.end)
        spec_reset(n);
    while (n->spec.end < slot) {
        struct ballot ballot;
        struct blob *value;
        if (!paxos_accepted(n->paxos, n->spec.end, &ballot, &value) || !spec_take(n, value))
            return false;
    }
    return true;
}

static bool can_judge(struct node *n, uint64_t slot)
{
    return slot - n->applied_slot < LIMIT_WINDOW && reach(n, slot);
}

bool spec_may_know(struct node *n, uint64_t slot, struct bytes envelope)
{
    struct envelope e;
    uint64_t known;
    return slot <= n->applied_slot || !can_judge(n, slot) ||
           (envelope_parse(envelope, &e) == RSM_OK &&
            query_envelope_known(n->spec.overlay, &e, &known, &n->scratch));
}

enum judgement spec_judge(struct node *n, uint64_t slot, struct blob *value,
                          struct verdicts *verdicts_out)
{
    if (slot <= n->applied_slot)
        return JUDGED_OK; /* its verdict has fallen already */
    if (!can_judge(n, slot))
        return JUDGED_WAIT;
    enum judgement judgement = judge_next(n, value, verdicts_out);
    if (judgement == JUDGED_OK)
        keep(n, value);
    return judgement;
}

void spec_init(struct node *n)
{
    n->spec.overlay = kv_overlay_new(n->applied);
    n->spec.values = mem_alloc(LIMIT_WINDOW * sizeof(struct blob *));
    n->spec.end = n->applied_slot + 1;
}

void spec_deinit(struct node *n)
{
    if (n->spec.overlay == NULL)
        return;
    spec_reset(n);
    kv_free(n->spec.overlay);
    mem_free(n->spec.values);
}
