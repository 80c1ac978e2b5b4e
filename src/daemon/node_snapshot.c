/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_snapshot.c - a replica that is too far behind takes a peer's whole state instead of its log.
 *
 *   sender                                   receiver
 *   a range beyond snapshot_lag is asked     -> offer(slot)
 *   a cut of the store is opened             <- want(slot, 0)
 *   piece 0                                  -> chunk(slot, 0): checked, kept in memory
 *                                            <- want(slot, 1) ...
 *   the last piece says so                   -> all rows that it did not have are deleted,
 *                                               one commit, and the core is told
 *
 * The receiver asks for each piece, again when none comes: a lost frame costs a moment, a broken
 * connection nothing but that. A piece carries the hash over all pieces up to it, so that pieces of
 * two snapshots never mix. The commit is one transaction of the store: after a crash it is there
 * or it is not. Votes above the slot stay in the journal and in the core. Whether the state is the
 * right one shows when heads are compared, at once and as always.
 *
 *   chunk    flags u8 (1: the last), hash 32, then rows: table u8, key u16 and bytes, value blob
 *   hash n   BLAKE2b-256("rsm snapshot v1\0" || hash n-1 || slot || n || rows), hash -1 is zero
 */
#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/daemon/node_internal.h"
#include "src/machine/logtable.h"
#include "src/machine/tables.h"
#include "src/net/peer_codec.h"

#define PIECE_BYTES (512u << 10) /* a piece ends behind the row that passes this */
#define ASK_AGAIN_MS 300u
#define FORGET_MS 10000u /* a transfer that does not move is given up */

static void hash_piece(uint8_t hash[HASH_SIZE], uint64_t slot, uint64_t number, struct bytes rows)
{
    static const char tag[] = "rsm snapshot v1";
    crypto_generichash_state state;
    uint8_t place[16];
    put_u64(place, slot);
    put_u64(place + 8, number);
    crypto_generichash_init(&state, NULL, 0, HASH_SIZE);
    crypto_generichash_update(&state, (const uint8_t *)tag, sizeof tag);
    crypto_generichash_update(&state, hash, HASH_SIZE);
    crypto_generichash_update(&state, place, sizeof place);
    crypto_generichash_update(&state, rows.data, rows.size);
    crypto_generichash_final(&state, hash, HASH_SIZE);
}

/* -------------------------------------------------------------------------------------------- */
/* Sending. */

void snapshot_drop_sender(struct node *n)
{
    kv_free(n->sending.cut);
    blob_unref(n->sending.piece);
    n->sending = (struct snapshot_sender){.to = 0};
}

/* True when a snapshot was offered in place of the range. */
bool snapshot_offer(struct node *n, const struct paxos_range *range)
{
    struct snapshot_sender *s = &n->sending;
    if (n->applied_slot - range->slot_first < n->config.snapshot_lag ||
        n->applied_slot < range->slot_first)
        return false;
    if (s->to != 0 && s->to != range->to)
        return false; /* one at a time; this one goes on by ranges */
    if (s->to == 0) {
        s->cut = n->env.snapshot(n->env.context);
        if (s->cut == NULL || log_get_applied(s->cut, &s->slot) != RSM_OK ||
            s->slot <= range->slot_first) {
            snapshot_drop_sender(n);
            return false;
        }
        s->to = range->to;
        s->table = 1;
        s->moved_ms = node_now_ms(n);
        LOG(LOG_INFO, "snapshot-offered", LOG_U64("to", s->to), LOG_U64("slot", s->slot));
    }
    struct blob *frame = peer_encode_snapshot_offer(s->slot);
    n->env.send(n->env.context, s->to, frame);
    blob_unref(frame);
    return true;
}

static void put_row(struct writer *w, uint8_t table, struct bytes key, struct bytes value)
{
    writer_u8(w, table);
    writer_u16(w, (uint16_t)key.size);
    writer_bytes(w, key);
    writer_blob(w, value);
}

/* The rows behind the last one that was sent. False: the store does not check. */
static bool collect_rows(struct snapshot_sender *s, struct writer *rows)
{
    while (s->table < TABLE_END && rows->size < PIECE_BYTES) {
        struct bytes key, value;
        enum rsm_status status = kv_next(s->cut, s->table, bytes_make(s->key, s->key_size),
                                         s->key_size > 0, &key, &value);
        if (status == RSM_NOT_FOUND) {
            s->table++;
            s->key_size = 0;
            continue;
        }
        if (status != RSM_OK)
            return false;
        put_row(rows, s->table, key, value);
        s->key_size = key.size;
        memcpy(s->key, key.data, key.size);
    }
    return true;
}

static bool make_piece(struct snapshot_sender *s)
{
    struct writer rows, piece;
    writer_init(&rows, PEER_CHUNK_MAX);
    bool good = collect_rows(s, &rows) && !rows.failed;
    if (good) {
        hash_piece(s->hash, s->slot, s->made, writer_result(&rows));
        writer_init(&piece, PEER_CHUNK_MAX);
        writer_u8(&piece, s->table == TABLE_END);
        writer_bytes(&piece, bytes_make(s->hash, HASH_SIZE));
        writer_bytes(&piece, writer_result(&rows));
        blob_unref(s->piece);
        s->piece = peer_encode_snapshot_chunk(s->slot, s->made, writer_result(&piece));
        s->made++;
        writer_deinit(&piece);
    }
    writer_deinit(&rows);
    return good;
}

void snapshot_on_want(struct node *n, uint32_t from, uint64_t slot, uint64_t number)
{
    struct snapshot_sender *s = &n->sending;
    if (s->to != from || s->slot != slot || number > s->made || number + 1 < s->made)
        return; /* of another transfer; the receiver will be offered one again */
    if (number == s->made && !make_piece(s)) {
        snapshot_drop_sender(n);
        node_on_damage(n);
        return;
    }
    s->moved_ms = node_now_ms(n);
    n->env.send(n->env.context, from, s->piece);
}

/* -------------------------------------------------------------------------------------------- */
/* Receiving. */

void snapshot_drop_receiver(struct node *n)
{
    kv_free(n->receiving.rows);
    kv_free(n->receiving.empty);
    n->receiving = (struct snapshot_receiver){.from = 0};
}

static void ask(struct node *n)
{
    struct snapshot_receiver *r = &n->receiving;
    struct blob *frame = peer_encode_snapshot_want(r->slot, r->next);
    r->asked_ms = node_now_ms(n);
    n->env.send(n->env.context, r->from, frame);
    blob_unref(frame);
}

void snapshot_on_offer(struct node *n, uint32_t from, uint64_t slot)
{
    struct snapshot_receiver *r = &n->receiving;
    if (r->from != 0 || n->installing || slot <= n->applied_slot)
        return;
    *r = (struct snapshot_receiver){.from = from, .slot = slot, .moved_ms = node_now_ms(n)};
    r->empty = kv_mem_new();
    r->rows = kv_overlay_new(r->empty);
    LOG(LOG_INFO, "snapshot-begins", LOG_U64("from", from), LOG_U64("slot", slot));
    ask(n);
}

/* Rows come from another replica: each is bounded before it is taken. */
static bool take_rows(struct snapshot_receiver *r, struct reader *rows)
{
    while (reader_left(rows) > 0) {
        uint8_t table = reader_u8(rows);
        struct bytes key = reader_bytes(rows, reader_u16(rows));
        struct bytes value = reader_blob(rows, LIMIT_VALUE_SIZE);
        if (rows->failed || table < TABLE_META || table >= TABLE_END || key.size == 0 ||
            key.size > LIMIT_KEY_SIZE || kv_put(r->rows, table, key, value) != RSM_OK)
            return false;
    }
    return !rows->failed;
}

void snapshot_on_chunk(struct node *n, uint32_t from, uint64_t slot, uint64_t number,
                       struct bytes chunk)
{
    struct snapshot_receiver *r = &n->receiving;
    uint8_t said[HASH_SIZE];
    if (r->from != from || r->slot != slot || number != r->next || r->complete)
        return;
    struct reader reader = reader_make(chunk);
    bool last = reader_u8(&reader) == 1;
    reader_copy(&reader, said, sizeof said);
    struct bytes rows = reader_bytes(&reader, reader_left(&reader));
    hash_piece(r->hash, slot, number, rows);
    struct reader walk = reader_make(rows);
    if (reader.failed || memcmp(said, r->hash, HASH_SIZE) != 0 || !take_rows(r, &walk)) {
        LOG(LOG_ERROR, "snapshot-bad", LOG_U64("from", from), LOG_U64("piece", number));
        n->counters.bad_frames++;
        snapshot_drop_receiver(n);
        return;
    }
    r->next++;
    r->moved_ms = node_now_ms(n);
    r->complete = last;
    if (!last)
        ask(n);
}

/* The snapshot is of the slot that was offered; whatever else it is shows by its heads. */
static bool is_whole(struct snapshot_receiver *r)
{
    uint64_t applied;
    return log_get_applied(r->rows, &applied) == RSM_OK && applied == r->slot;
}

/* What this replica has and the snapshot has not is deleted with the same commit. */
static enum rsm_status delete_others(struct node *n)
{
    for (uint8_t table = TABLE_META; table < TABLE_END; table++) {
        struct bytes key, value, ignored;
        uint8_t last[LIMIT_KEY_SIZE];
        size_t size = 0;
        enum rsm_status status;
        while ((status = kv_next(n->base, table, bytes_make(last, size), size > 0, &key, &value)) ==
               RSM_OK) {
            size = key.size;
            memcpy(last, key.data, size);
            if (kv_get(n->receiving.rows, table, bytes_make(last, size), &ignored) == RSM_NOT_FOUND)
                kv_del(n->receiving.rows, table, bytes_make(last, size));
        }
        if (status != RSM_NOT_FOUND)
            return status;
    }
    return RSM_OK;
}

void snapshot_install_when_due(struct node *n)
{
    struct snapshot_receiver *r = &n->receiving;
    if (!r->complete || n->frozen != NULL || n->dead)
        return;
    if (r->slot <= n->applied_slot || !is_whole(r)) {
        snapshot_drop_receiver(n);
        return;
    }
    enum rsm_status status = delete_others(n);
    if (status != RSM_OK) {
        node_fail(n, status, "the store does not check, a snapshot cannot take its place");
        return;
    }
    kv_overlay_set_below(r->rows, n->base);
    n->installing = true;
    n->frozen = r->rows;
    n->frozen_slot = r->slot;
    r->rows = NULL;
    snapshot_drop_receiver(n);
    n->env.commit(n->env.context, n->frozen);
}

/* The base is the snapshot now; the old overlays lay over what was there before. */
enum rsm_status snapshot_on_installed(struct node *n)
{
    uint64_t slot = n->frozen_slot;
    n->installing = false;
    spec_reset(n);
    kv_free(n->applied);
    n->applied = kv_overlay_new(n->base);
    kv_overlay_set_below(n->spec.overlay, n->applied);
    enum rsm_status status = log_get_time(n->base, &n->log_time_ms);
    if (status == RSM_OK)
        status = log_get_heads(n->base, n->chain.entry, n->chain.verdict);
    if (status != RSM_OK)
        return status;
    n->applied_slot = slot;
    n->spec.end = slot + 1;
    size_t kept = 0;
    for (size_t i = 0; i < n->learned_count; i++) {
        if (n->learned[i].slot > slot)
            n->learned[kept++] = n->learned[i];
        else
            blob_unref(n->learned[i].value);
    }
    n->learned_count = kept;
    LOG(LOG_INFO, "snapshot-installed", LOG_U64("slot", slot));
    heads_advance(&n->heads, n->applied_slot, apply_heads_at, n);
    members_follow(n);
    struct paxos_event event = {.type = PAXOS_EVENT_INSTALLED, .number = slot};
    node_step(n, &event);
    submit_answer_known(n);
    return RSM_OK;
}

void snapshot_on_tick(struct node *n)
{
    uint64_t now = node_now_ms(n);
    if (n->sending.to != 0 && now - n->sending.moved_ms > FORGET_MS)
        snapshot_drop_sender(n);
    if (n->receiving.from == 0 || n->receiving.complete)
        return;
    if (now - n->receiving.moved_ms > FORGET_MS)
        snapshot_drop_receiver(n);
    else if (now - n->receiving.asked_ms > ASK_AGAIN_MS)
        ask(n);
}
