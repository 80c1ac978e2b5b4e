/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_whatif.c - what the log's past changes would have met under another policy.
 *
 * The log is replayed here, from the genesis on, by the real state machine. Beside the state as it
 * was stands a layer with the other policy and what policies count (windows, who undid whom):
 *
 *     judged    one slot, then dropped
 *       v
 *     other     TABLE_POLICY, TABLE_PROTECTED, TABLE_VELOCITY, TABLE_FLIP under the other policy
 *       v
 *     real      as it was
 *
 * So each change is judged in the state that it met, whatever would have become of those before it:
 * the question is what the policy says to real changes, not how history would have gone on.
 */
#include <inttypes.h>
#include <string.h>

#include "src/command/genesis.h"
#include "src/machine/entry.h"
#include "src/machine/policy.h"
#include "src/machine/query.h"
#include "src/machine/tables.h"
#include "tools/resilience-ctl/ctl.h"
#include "tools/resilience-ctl/policy_world.h"

struct whatif {
    struct ctl *ctl;
    struct policy_file file;

    uint64_t since;
    uint64_t judged_count, differing_count;
    struct genesis genesis;
    struct machine *machine;
    struct kv *real, *other, *judged;
    struct verdicts was, would;
    struct writer value;
};

static void init(struct whatif *w, struct ctl *ctl)
{
    *w = (struct whatif){.ctl = ctl, .since = ctl->since > 0 ? ctl->since : 1};
    w->machine = machine_new();
    w->real = kv_mem_new();
    w->other = kv_overlay_new(w->real);
    w->judged = kv_overlay_new(w->other);
    verdicts_init(&w->was);
    verdicts_init(&w->would);
    writer_init(&w->value, LIMIT_VALUE_SIZE);
}

static void deinit(struct whatif *w)
{
    kv_free(w->judged);
    kv_free(w->other);
    kv_free(w->real);
    machine_free(w->machine);
    verdicts_deinit(&w->was);
    verdicts_deinit(&w->would);
    writer_deinit(&w->value);
}

static enum rsm_status clear_table(struct kv *kv, uint8_t table)
{
    struct bytes key, value;
    enum rsm_status status;
    while ((status = kv_next(kv, table, bytes_make(NULL, 0), false, &key, &value)) == RSM_OK) {
        struct key copy = {.size = key.size};
        memcpy(copy.data, key.data, key.size);
        status = kv_del(kv, table, key_bytes(&copy));
        if (status != RSM_OK)
            return status;
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* The other policy, whole; again when the real one has changed below it. */
static enum rsm_status set_other(struct whatif *w)
{
    struct reasons reasons;
    bool is_changed;
    enum rsm_status status = clear_table(w->other, TABLE_POLICY);
    if (status == RSM_OK)
        status = clear_table(w->other, TABLE_PROTECTED);
    reasons_init(&reasons);
    if (status == RSM_OK)
        status = policy_set(w->other, writer_result(&w->file.map), &reasons, &is_changed);
    reasons_deinit(&reasons);
    return status;
}

static bool has_new_policy(struct whatif *w, uint64_t slot)
{
    struct version version;
    return query_object(w->real, OBJECT_POLICY, bytes_make(NULL, 0), &version) == RSM_OK &&
           version.slot == slot;
}

/* What the other policy has counted; the rest of the layer below is as it was. */
static enum rsm_status keep_counts(void *context, const struct kv_write *write)
{
    struct whatif *w = context;
    if (write->table != TABLE_VELOCITY && write->table != TABLE_FLIP)
        return RSM_OK;
    if (write->deleted)
        return kv_del(w->other, write->table, write->key);
    return kv_put(w->other, write->table, write->key, write->value);
}

/* The same class, and the same rules in whatever order. */
static bool is_same(const struct verdict *a, const struct verdict *b)
{
    if (a->kind != b->kind || a->reason_count != b->reason_count ||
        policy_verdict_class(a) != policy_verdict_class(b))
        return false;
    struct reader reader = reader_make(a->reasons);
    uint32_t rule;
    struct bytes evidence;
    while (a->kind == VERDICT_REFUSED && verdict_reason_next(&reader, &rule, &evidence)) {
        if (!verdict_names(b, (enum rsm_rule)rule))
            return false;
    }
    return true;
}

static void show(struct whatif *w, uint64_t slot, const struct verdict *was,
                 const struct verdict *would)
{
    char before[1024], after[1024];
    verdict_describe(was, before, sizeof before);
    verdict_describe(would, after, sizeof after);
    printf("slot %" PRIu64 "\n  was:   %s\n  would: %s\n", slot, before, after);
    w->differing_count++;
}

static void compare(struct whatif *w, uint64_t slot)
{
    struct verdict_walk walk = verdict_walk(verdicts_bytes(&w->would));
    struct verdict would, was;
    for (uint32_t i = 0; verdict_next(&walk, &would); i++) {
        if (verdict_is_duplicate(&would) ||
            verdict_at(verdicts_bytes(&w->was), i, &was) != RSM_OK || verdict_is_duplicate(&was))
            continue;
        w->judged_count++;
        if (!is_same(&was, &would))
            show(w, slot, &was, &would);
    }
}

/* The entry's envelope as commands, whether they were refused or not; empty: it has none. */
static struct bytes envelope_of(const struct entry *entry)
{
    struct rejection rejection;
    if (entry->kind == ENTRY_COMMANDS)
        return entry->payload;
    if (entry->kind == ENTRY_REJECTION && rejection_parse(entry->payload, &rejection) == RSM_OK)
        return rejection.envelope;
    return bytes_make(NULL, 0);
}

static enum rsm_status judge(struct whatif *w, uint64_t slot, const struct entry *entry,
                             struct bytes envelope, const struct machine_signatures *signatures)
{
    enum machine_judgement judgement;
    writer_reset(&w->value);
    entry_encode(&w->value, ENTRY_COMMANDS, entry->timestamp_ms, envelope);
    kv_overlay_clear(w->judged);
    enum rsm_status status = machine_judge(w->machine, w->judged, slot, writer_result(&w->value),
                                           signatures, &w->would, &judgement);
    return status == RSM_OK ? kv_overlay_visit(w->judged, keep_counts, w) : status;
}

static enum rsm_status step(struct whatif *w, uint64_t slot, struct bytes value)
{
    struct entry entry;
    struct envelope envelope;
    struct machine_signatures signatures = {.verified = false};
    struct bytes raw = {NULL, 0};
    if (entry_parse(value, &entry) == RSM_OK)
        raw = envelope_of(&entry);
    if (raw.size > 0 && envelope_parse(raw, &envelope) == RSM_OK)
        signatures.verified = envelope_verify(&envelope, w->genesis.cluster_id) == RSM_OK;
    enum rsm_status status = RSM_OK;
    if (signatures.verified)
        status = judge(w, slot, &entry, raw, &signatures);
    if (status == RSM_OK)
        status = machine_apply(w->machine, w->real, slot, value, &signatures, &w->was);
    if (status == RSM_OK && signatures.verified && slot >= w->since)
        compare(w, slot);
    return status == RSM_OK && has_new_policy(w, slot) ? set_other(w) : status;
}

static enum rsm_status replay(struct whatif *w)
{
    enum rsm_status status = RSM_OK;
    uint64_t next = 1;
    for (bool is_more = true; is_more && status == RSM_OK;) {
        struct rsm_buffer page;
        struct rsm_pack *params = rsm_pack_new();
        rsm_pack_array(params, 1);
        rsm_pack_uint(params, next);
        status = ctl_call(w->ctl, "log.raw", params, &page);
        rsm_pack_free(params);
        struct rsm_value result = rsm_value_of(rsm_buffer_bytes(&page));
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(result, "entries"));
        struct rsm_value item;
        is_more = false;
        while (status == RSM_OK && rsm_walk_next(&walk, &item)) {
            struct rsm_bytes value = rsm_value_octets(rsm_value_get(item, "entry"));
            status = step(w, next++, bytes_make(value.data, value.size));
            is_more = true;
        }
        rsm_buffer_free(&page);
    }
    if (status == RSM_OK && w->since >= next) {
        ctl_fail(RSM_NO_SUCH_STATE,
                 "slot %" PRIu64 " is not there yet (the last one is %" PRIu64 ")", w->since,
                 next - 1);
        status = RSM_NO_SUCH_STATE;
    }
    return status;
}

static enum rsm_status begin(struct whatif *w, struct rsm_buffer *page)
{
    enum rsm_status status = ctl_call(w->ctl, "genesis", NULL, page);
    if (status != RSM_OK)
        return status;
    struct rsm_bytes bytes =
        rsm_value_octets(rsm_value_get(rsm_value_of(rsm_buffer_bytes(page)), "genesis"));
    status = genesis_parse(bytes_make(bytes.data, bytes.size), &w->genesis);
    if (status == RSM_OK)
        status = machine_genesis(w->real, &w->genesis);
    return status == RSM_OK ? set_other(w) : status;
}

int ctl_policy_whatif(struct ctl *ctl, int count, char **arguments)
{
    struct whatif w;
    struct rsm_buffer page = {NULL, 0};
    (void)count;
    enum rsm_status status = RSM_USAGE;
    init(&w, ctl);
    if (policy_file_load(arguments[0], &w.file))
        status = ctl_connect(ctl);
    if (status == RSM_OK)
        status = begin(&w, &page);
    if (status == RSM_OK)
        status = replay(&w);
    if (status == RSM_OK)
        printf("%" PRIu64 " of %" PRIu64 " commands since slot %" PRIu64
               " would be decided otherwise\n",
               w.differing_count, w.judged_count, w.since);
    else if (status != RSM_USAGE && status != RSM_NO_SUCH_STATE)
        ctl_fail(status, "the log could not be replayed");
    deinit(&w);
    rsm_buffer_free(&page);
    policy_file_free(&w.file);
    return rsm_status_exit(status);
}
