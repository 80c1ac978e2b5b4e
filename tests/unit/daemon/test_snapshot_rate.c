/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_snapshot_rate.c - a whole node sends a snapshot, by a clock of the test's own: a transfer
 * takes as long as snapshot_rate says, and no tick carries more than its share and a burst.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/bytes.h"
#include "src/base/check.h"
#include "src/command/genesis.h"
#include "src/daemon/node.h"
#include "src/daemon/node_internal.h"
#include "src/machine/tables.h"
#include "src/net/peer_codec.h"
#include "tests/lib/disk_mem.h"
#include "tests/lib/machine_world.h"

#define RECEIVER 2u
#define CUT_SLOT 1000u
#define ROW_SIZE (32u << 10)
#define BURST_MS 20u /* of node_snapshot.c */

/* A sender, and a receiver that asks for the next piece `delay_ms` after the last one. */
struct transfer {
    struct node *node;
    struct disk_mem *disk;
    struct kv *base;
    struct kv *rows;
    uint64_t now_ms;
    uint64_t delay_ms;
    uint64_t wants_ms; /* it asks then; 0: it does not */
    uint64_t wanted;
    uint64_t bytes; /* of pieces, sent so far */
    uint64_t pieces;
    size_t backlog;
    bool is_over;
};

static void on_send(void *context, uint32_t replica, struct blob *frame)
{
    struct transfer *t = context;
    struct peer_frame f;
    CHECK(peer_decode(blob_bytes(frame), &f) == RSM_OK);
    if (replica == RECEIVER && f.type == PEER_SNAPSHOT_OFFER) {
        t->wants_ms = t->now_ms + t->delay_ms;
    } else if (replica == RECEIVER && f.type == PEER_SNAPSHOT_CHUNK) {
        t->bytes += frame->size;
        t->pieces++;
        t->wanted = f.offset + 1;
        t->wants_ms = t->now_ms + t->delay_ms;
        t->is_over = f.chunk.data[0] == 1;
    }
    peer_frame_deinit(&f);
}

static size_t on_backlog(void *context, uint32_t replica)
{
    (void)replica;
    return ((struct transfer *)context)->backlog;
}

static void on_push(void *context)
{
    (void)context;
}

static uint64_t on_wall(void *context)
{
    return WORLD_START_MS + ((struct transfer *)context)->now_ms;
}

static uint64_t on_monotonic(void *context)
{
    return ((struct transfer *)context)->now_ms * 1000000;
}

static struct kv *on_snapshot(void *context)
{
    return kv_overlay_new(((struct transfer *)context)->rows);
}

static void on_sign(void *context, struct bytes text, uint8_t signature_out[64])
{
    (void)context;
    (void)text;
    memset(signature_out, 7, 64);
}

static uint64_t on_incarnation_of(void *context, uint32_t replica)
{
    (void)context;
    (void)replica;
    return 0;
}

static void put_number(struct kv *kv, const char *name, uint64_t value)
{
    uint8_t text[8];
    put_u64(text, value);
    CHECK(kv_put(kv, TABLE_META, bytes_of_string(name), bytes_make(text, 8)) == RSM_OK);
}

static struct kv *make_rows(uint64_t bytes)
{
    static const uint8_t zeros[ROW_SIZE];
    static const uint8_t head[HASH_SIZE];
    struct kv *kv = kv_mem_new();
    put_number(kv, META_APPLIED, CUT_SLOT);
    CHECK(kv_put(kv, TABLE_META, bytes_of_string(META_ENTRY_HEAD), bytes_make(head, HASH_SIZE)) ==
          RSM_OK);
    CHECK(kv_put(kv, TABLE_META, bytes_of_string(META_VERDICT_HEAD), bytes_make(head, HASH_SIZE)) ==
          RSM_OK);
    for (uint64_t i = 0; i < bytes / ROW_SIZE; i++) {
        uint8_t key[8];
        put_u64(key, i);
        CHECK(kv_put(kv, TABLE_LOG, bytes_make(key, 8), bytes_make(zeros, ROW_SIZE)) == RSM_OK);
    }
    return kv;
}

static void transfer_begin(struct transfer *t, uint32_t rate, uint64_t bytes)
{
    static const uint8_t salt[GENESIS_SALT_SIZE] = {1};
    static const uint8_t admin[RSM_PUBLIC_KEY_SIZE] = {9};
    struct genesis genesis = {.name = bytes_of_string("test"),
                              .salt = salt,
                              .admin_principal = bytes_of_string("root"),
                              .admin_person = bytes_of_string("Root"),
                              .admin_key = admin,
                              .created_ms = WORLD_START_MS};
    struct node_env env = {.context = t,
                           .send = on_send,
                           .backlog = on_backlog,
                           .push = on_push,
                           .wall_ms = on_wall,
                           .monotonic_ns = on_monotonic,
                           .snapshot = on_snapshot,
                           .sign = on_sign,
                           .incarnation_of = on_incarnation_of};
    struct node_config config;
    struct writer text;
    const char *why = NULL;
    world_genesis_members(&genesis);
    writer_init(&text, GENESIS_SIZE_MAX);
    CHECK(genesis_encode(&genesis, &text) == RSM_OK);
    t->disk = disk_mem_new();
    t->base = kv_mem_new();
    t->rows = make_rows(bytes);
    t->now_ms = 1000;
    node_config_default(&config);
    config.self = 1;
    config.incarnation = 1;
    config.seed = 1;
    config.fresh = true;
    config.segment_size = 1u << 20;
    config.snapshot_lag = 0; /* whoever asks is too far behind */
    config.snapshot_rate = rate;
    cr_assert_eq(
        node_open(&t->node, &config, &env, writer_result(&text), &t->disk->disk, t->base, &why),
        RSM_OK, "%s", why);
    writer_deinit(&text);
    struct paxos_range range = {.to = RECEIVER, .slot_first = 0};
    cr_assert(snapshot_offer(t->node, &range));
}

static void transfer_end(struct transfer *t)
{
    node_close(t->node);
    disk_free(&t->disk->disk);
    kv_free(t->rows);
    kv_free(t->base);
}

/* A millisecond passes: what the receiver asks for, and a tick when there is one. */
static void pass(struct transfer *t, uint64_t tick_ms)
{
    t->now_ms++;
    while (t->wants_ms != 0 && t->wants_ms <= t->now_ms && !t->is_over) {
        struct blob *want = peer_encode_snapshot_want(CUT_SLOT, t->wanted);
        t->wants_ms = 0;
        node_on_frame(t->node, RECEIVER, blob_bytes(want));
        blob_unref(want);
    }
    if (t->now_ms % tick_ms == 0)
        node_tick(t->node);
}

struct rate_case {
    uint32_t rate; /* KiB a second */
    uint64_t tick_ms;
    uint64_t delay_ms;
    uint64_t bytes;
};

/* The default and its tick first; the rates and delays at which one piece a tick would be less. */
static const struct rate_case rates[] = {
    {8192, 10, 0, 16u << 20},  {8192, 10, 1, 16u << 20},  {8192, 10, 5, 16u << 20},
    {8192, 1, 0, 16u << 20},   {8192, 20, 0, 16u << 20},  {1024, 10, 1, 4u << 20},
    {65536, 10, 0, 32u << 20}, {16384, 10, 1, 16u << 20}, {64, 10, 1, 256u << 10},
};

Test(snapshot_rate, a_transfer_takes_what_the_rate_says)
{
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        const struct rate_case *c = &rates[i];
        uint64_t a_second = (uint64_t)c->rate << 10;
        struct transfer t = {.delay_ms = c->delay_ms};
        transfer_begin(&t, c->rate, c->bytes);
        uint64_t piece = t.node->config.snapshot_piece + 100u;
        uint64_t began_ms = t.now_ms, before = 0;
        uint64_t most = a_second * (c->tick_ms + BURST_MS) / 1000 + piece;
        uint64_t limit_ms = 2 * c->bytes * 1000 / a_second;
        while (!t.is_over && t.now_ms < began_ms + limit_ms) {
            pass(&t, c->tick_ms);
            if (t.now_ms % c->tick_ms != 0)
                continue;
            cr_expect_leq(t.bytes - before, most, "case %zu: %lu bytes in a tick", i,
                          (unsigned long)(t.bytes - before));
            before = t.bytes;
        }
        cr_expect(t.is_over, "case %zu: %lu bytes of %lu", i, (unsigned long)t.bytes,
                  (unsigned long)c->bytes);
        /* The last piece has not to be waited for, nor has what the burst allows. */
        uint64_t due_ms = t.bytes * 1000 / a_second;
        uint64_t slack_ms = due_ms / 50 + c->tick_ms + BURST_MS + piece * 1000 / a_second;
        cr_expect_leq(t.now_ms - began_ms, due_ms + slack_ms, "case %zu: %lu ms, due %lu", i,
                      (unsigned long)(t.now_ms - began_ms), (unsigned long)due_ms);
        cr_expect_geq(t.now_ms - began_ms + slack_ms, due_ms, "case %zu: %lu ms, due %lu", i,
                      (unsigned long)(t.now_ms - began_ms), (unsigned long)due_ms);
        transfer_end(&t);
    }
}

/* The receiver wrote down what it had for a while: that is not made up for but for the burst. */
Test(snapshot_rate, a_pause_of_the_receiver_is_not_paid_back_in_one)
{
    struct transfer t = {.delay_ms = 0};
    transfer_begin(&t, 8192, 4u << 20);
    for (int i = 0; i < 200; i++)
        pass(&t, 10);
    t.delay_ms = 500;
    while (t.wants_ms <= t.now_ms + 1)
        pass(&t, 10);
    t.delay_ms = 0;
    uint64_t before = t.bytes;
    while (t.now_ms < t.wants_ms)
        pass(&t, 10);
    cr_expect_leq(t.bytes - before, (8u << 20) / 1000 * BURST_MS + (65u << 10), "%lu bytes",
                  (unsigned long)(t.bytes - before));
    transfer_end(&t);
}

/* What was sent is on its way yet: nothing more goes out, whatever the rate would allow. */
Test(snapshot_rate, a_full_link_is_waited_for_at_each_tick)
{
    struct transfer t = {.delay_ms = 0};
    transfer_begin(&t, 8192, 1u << 20);
    while (t.pieces == 0)
        pass(&t, 10);
    t.backlog = t.node->config.snapshot_piece;
    for (int i = 0; i < 40; i++)
        pass(&t, 10);
    uint64_t pieces = t.pieces;
    for (int i = 0; i < 100; i++)
        pass(&t, 10);
    cr_expect_eq(t.pieces, pieces);
    t.backlog = 0;
    while (t.now_ms % 10 != 0)
        pass(&t, 10);
    for (int i = 0; i < 10; i++)
        pass(&t, 10);
    cr_expect_gt(t.pieces, pieces, "it was not looked at at the next tick");
    transfer_end(&t);
}
