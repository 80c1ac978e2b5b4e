/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_apply_fails.c - a state that cannot be read any more in the middle of what was learned: the
 * node ends, and each value that was learned is given back once.
 */
#include <criterion/criterion.h>

#include <rsm/body.h>
#include <rsm/command.h>

#include "src/base/mem.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"
#include "tests/lib/node_pair.h"

/* A store that reads well up to a slot. */
static struct {
    struct kv_ops ops;
    const struct kv_ops *real;
    struct node *node;
    uint64_t good_end;
} store;

static bool is_damaged(void)
{
    return node_applied(store.node) >= store.good_end;
}

static enum rsm_status get(struct kv *kv, uint8_t table, struct bytes key, struct bytes *value_out)
{
    return is_damaged() ? RSM_DAMAGED : store.real->get(kv, table, key, value_out);
}

static enum rsm_status next(struct kv *kv, uint8_t table, struct bytes key, bool after,
                            struct bytes *key_out, struct bytes *value_out)
{
    return is_damaged() ? RSM_DAMAGED : store.real->next(kv, table, key, after, key_out, value_out);
}

static void damage_behind(struct node_pair_replica *r, uint64_t slot)
{
    store.real = r->base->ops;
    store.ops = *store.real;
    store.ops.get = get;
    store.ops.next = next;
    store.node = r->node;
    store.good_end = slot;
    r->base->ops = &store.ops;
}

static void on_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    (void)context, (void)token, (void)outcome;
}

/* A slot's value with a command of the administrator, who has said nothing before. */
static struct blob *command_of(struct node_pair *pair)
{
    struct rsm_buffer body, envelope;
    struct writer value;
    writer_init(&value, 4096);
    cr_assert_eq(rsm_body_freeze_clear(rsm_text("x"), &body), RSM_OK);
    struct rsm_buffer command = node_pair_command("admin", 1, RSM_KIND_FREEZE_CLEAR, body);
    cr_assert_eq(
        rsm_command_sign(pair->admin, pair->cluster_id, rsm_buffer_bytes(&command), &envelope),
        RSM_OK);
    entry_encode(&value, ENTRY_COMMANDS, UINT64_C(1780000001000),
                 bytes_make(envelope.data, envelope.size));
    struct blob *blob = blob_new(writer_result(&value));
    writer_deinit(&value);
    rsm_buffer_free(&command);
    rsm_buffer_free(&envelope);
    return blob;
}

/* The first one is no entry, and is applied as nothing; the second one has to read the state. */
Test(apply_fails, in_the_middle_of_what_was_learned)
{
    struct node_pair *pair = mem_alloc(sizeof *pair);
    struct node_config config;
    struct blob *values[3];
    node_config_default(&config);
    config.segment_size = 1u << 20;
    pair->submitted = on_submitted;
    node_pair_open(pair, &config);
    struct node_pair_replica *r = node_pair_other(pair->leader);
    uint64_t first = node_applied(r->node) + 1;
    pair->may_fail = true;
    damage_behind(r, first);
    for (uint64_t i = 0; i < 3; i++) {
        values[i] = i == 0 ? blob_new(bytes_of_string("no entry")) : command_of(pair);
        apply_later(r->node, first + i, values[i]);
    }
    apply_learned(r->node);
    cr_assert_eq(pair->failed, RSM_DAMAGED);
    cr_assert_eq(node_applied(r->node), first, "the first one only");
    r->base->ops = store.real;
    node_pair_close(pair);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(values[i]->references, 1, "value %d", i);
        blob_unref(values[i]);
    }
    mem_free(pair);
    cr_assert_eq(mem_live_count(), 0);
}
