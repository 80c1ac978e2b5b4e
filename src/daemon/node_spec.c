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
 *
 * But when the very value that was judged is chosen, and so was each one below it, the state it was
 * judged against is the state it is applied to. Then its verdicts and writes (struct outcome) are
 * the ones that machine_apply would come to, and are taken over: the rules run once for a slot, not
 * twice. Builds with VERIFY run them twice all the same, and compare.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"
#include "src/machine/query.h"

#define SPEC_WRITES_MAX 65536u /* then it is made again, without what was applied meanwhile */

/* Of one slot, and of all together: larger ones are judged again when they are applied. */
#define OUTCOME_SIZE_MAX (4u << 20)
#define OUTCOMES_SIZE_MAX (32u << 20)

static struct speculated_slot *place(struct node *n, uint64_t slot)
{
    return &n->spec.slots[slot % LIMIT_WINDOW];
}

static void forget(struct node *n, uint64_t slot)
{
    struct speculated_slot *s = place(n, slot);
    blob_unref(s->value);
    if (s->outcome != NULL)
        n->spec.outcome_bytes -= s->outcome->verdicts_size + s->outcome->writes_size;
    mem_free(s->outcome);
    *s = (struct speculated_slot){.value = NULL};
}

void spec_reset(struct node *n)
{
    for (uint64_t slot = n->applied_slot + 1; slot < n->spec.end; slot++)
        forget(n, slot);
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
    bool same = bytes_equal(blob_bytes(place(n, slot)->value), blob_bytes(value));
    forget(n, slot);
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
            !bytes_equal(blob_bytes(value), blob_bytes(place(n, slot)->value))) {
            spec_reset(n);
            return;
        }
    }
}

/* The entry's envelope, if it has one that verifies; it stays parsed for the rules. */
static bool is_verified(struct node *n, struct bytes value, struct envelope *envelope_out)
{
    struct bytes raw;
    uint8_t digest[HASH_SIZE];
    if (!entry_envelope(value, &raw))
        return false;
    if (n->is_replaying) /* each is met once: a memo would cost a hash, and help nobody */
        return envelope_parse(raw, envelope_out) == RSM_OK &&
               envelope_verify(envelope_out, n->genesis.cluster_id) == RSM_OK;
    envelope_digest(raw, digest);
    return node_verify_envelope(n, raw, digest, envelope_out) == RSM_OK;
}

struct machine_signatures node_signatures(struct node *n, struct bytes value,
                                          struct envelope *envelope_out)
{
    struct machine_signatures found = {.verified = false};
    bool is_known = n->is_replaying && n->env.looked_ahead != NULL &&
                    n->env.looked_ahead(n->env.context, value, &found);
    if (!is_known && is_verified(n, value, envelope_out))
        found = (struct machine_signatures){.verified = true, .envelope = envelope_out};
    if (MUTANT(APPLY_BY_REPLICA) && n->config.self == 2)
        found.verified = false;
    return found;
}

/* Judges into the overlay and remembers the value; the slot is spec.end. */
static enum judgement judge_next(struct node *n, struct blob *value, struct verdicts *verdicts_out)
{
    struct envelope envelope;
    struct machine_signatures signatures = node_signatures(n, blob_bytes(value), &envelope);
    enum machine_judgement judgement;
    enum rsm_status status =
        machine_judge(n->machine, n->spec.overlay, n->spec.end, blob_bytes(value), &signatures,
                      verdicts_out != NULL ? verdicts_out : &n->spec.verdicts, &judgement);
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

/* Verdicts and writes of the slot that was judged last. */
static struct outcome *make_outcome(struct node *n, const struct verdicts *verdicts)
{
    struct bytes said = verdicts_bytes(verdicts);
    struct bytes writes = writer_result(&n->spec.writes);
    size_t size = said.size + writes.size;
    if (n->spec.writes.failed || n->spec.outcome_bytes + size > OUTCOMES_SIZE_MAX)
        return NULL;
    struct outcome *o = mem_alloc_unset(sizeof *o + size);
    o->verdicts = *verdicts;
    o->verdicts_size = said.size;
    o->writes_size = writes.size;
    memcpy(o->bytes, said.data, said.size);
    if (writes.size > 0)
        memcpy(o->bytes + said.size, writes.data, writes.size);
    n->spec.outcome_bytes += size;
    return o;
}

static void keep(struct node *n, struct blob *value, const struct verdicts *verdicts)
{
    *place(n, n->spec.end) = (struct speculated_slot){blob_ref(value), make_outcome(n, verdicts)};
    n->spec.end++;
}

#if defined(RSM_VERIFY) && RSM_VERIFY
/* The rules once more, beside the state: what they say now must be what they said then. */
static bool is_outcome_right(struct node *n, uint64_t slot, struct blob *value)
{
    const struct outcome *o = place(n, slot)->outcome;
    struct envelope envelope;
    struct machine_signatures signatures = node_signatures(n, blob_bytes(value), &envelope);
    struct verdicts verdicts;
    struct kv *beside = kv_overlay_new(n->applied);
    verdicts_init(&verdicts);
    enum rsm_status status =
        machine_apply(n->machine, beside, slot, blob_bytes(value), &signatures, &verdicts);
    bool is_right =
        status != RSM_OK || /* damage below is found by those who look for it */
        (bytes_equal(verdicts_bytes(&verdicts), bytes_make(o->bytes, o->verdicts_size)) &&
         memcmp(verdicts.effects, o->verdicts.effects, HASH_SIZE) == 0 &&
         verdicts.log_time_ms == o->verdicts.log_time_ms &&
         verdicts.applied_count == o->verdicts.applied_count &&
         verdicts.refused_count == o->verdicts.refused_count &&
         verdicts.duplicate_count == o->verdicts.duplicate_count);
    verdicts_deinit(&verdicts);
    kv_free(beside);
    return is_right;
}
#endif

enum rsm_status spec_apply(struct node *n, uint64_t slot, struct blob *value,
                           struct verdicts *verdicts_out, bool *done_out)
{
    *done_out = false;
    if (slot >= n->spec.end || place(n, slot)->outcome == NULL ||
        !bytes_equal(blob_bytes(place(n, slot)->value), blob_bytes(value)))
        return RSM_OK;
    VERIFY(is_outcome_right(n, slot, value));
    const struct outcome *o = place(n, slot)->outcome;
    verdicts_set(verdicts_out, &o->verdicts, bytes_make(o->bytes, o->verdicts_size));
    *done_out = true;
    return machine_replay(n->applied, slot,
                          bytes_make(o->bytes + o->verdicts_size, o->writes_size));
}

bool spec_take(struct node *n, struct blob *value)
{
    struct envelope envelope;
    struct machine_signatures signatures = node_signatures(n, blob_bytes(value), &envelope);
    if (signatures.envelope == NULL && apply_is_newer(blob_bytes(value)))
        return false;
    enum rsm_status status = machine_apply(n->machine, n->spec.overlay, n->spec.end,
                                           blob_bytes(value), &signatures, &n->spec.verdicts);
    if (status != RSM_OK) {
        node_on_damage(n);
        spec_reset(n);
        return false;
    }
    keep(n, value, &n->spec.verdicts);
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

/* Without the policy, or what was chosen, nothing can be judged: the others vote meanwhile. */
static bool can_judge(struct node *n, uint64_t slot)
{
    return !apply_is_unreadable(n) && slot - n->applied_slot < LIMIT_WINDOW && reach(n, slot);
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
    /*
     * Sent again, as a leader does when votes are late. To throw everything away for that and judge
     * it anew would make a slow follower slower, and more late.
     */
    if (verdicts_out == NULL && slot < n->spec.end &&
        bytes_equal(blob_bytes(place(n, slot)->value), blob_bytes(value)))
        return JUDGED_OK;
    if (!can_judge(n, slot))
        return JUDGED_WAIT;
    enum judgement judgement = judge_next(n, value, verdicts_out);
    if (judgement == JUDGED_OK)
        keep(n, value, verdicts_out != NULL ? verdicts_out : &n->spec.verdicts);
    return judgement;
}

void spec_init(struct node *n)
{
    n->spec.overlay = kv_overlay_new(n->applied);
    n->spec.slots = mem_alloc(LIMIT_WINDOW * sizeof *n->spec.slots);
    verdicts_init(&n->spec.verdicts);
    writer_init(&n->spec.writes, OUTCOME_SIZE_MAX);
    machine_keep_writes(n->machine, &n->spec.writes);
    n->spec.end = n->applied_slot + 1;
}

void spec_deinit(struct node *n)
{
    if (n->spec.overlay == NULL)
        return;
    spec_reset(n);
    kv_free(n->spec.overlay);
    verdicts_deinit(&n->spec.verdicts);
    machine_keep_writes(n->machine, NULL);
    writer_deinit(&n->spec.writes);
    mem_free(n->spec.slots);
}
