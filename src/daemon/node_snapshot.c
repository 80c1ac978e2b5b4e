/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_snapshot.c - a replica that is too far behind gets the whole state instead of the log; here
 * the side that sends, node_receive.c has the other.
 *
 *   sender                                   receiver
 *   a range beyond snapshot_lag is asked     -> offer(slot)
 *   a cut of the store is opened             <- want(slot, 0)
 *   piece 0                                  -> chunk(slot, 0): checked, written down
 *                                            <- want(slot, 1) ...
 *   the last piece, with the checkpoint      -> checked, and takes the place of the store
 *
 * The receiver asks for each piece, again when none comes: a lost frame costs a moment, a broken
 * connection nothing but that. Pieces are small, and made one a turn of the loop, so that a leader
 * that sends one goes on committing; and no faster than snapshot_rate, for what the receiver writes
 * down in bursts shares disks and links with the votes. A piece carries the hash over all
 * pieces up to it, so that pieces of two snapshots never mix. The last one carries a checkpoint:
 * slot, both heads and the hash over all pieces, signed by the replica that sends.
 *
 *   chunk       flags u8 (1: the last), hash 32, [the last: entry head 32, verdict head 32,
 *               signature 64], then rows: table u8, key u16 and bytes, value blob
 *   hash n      BLAKE2b-256("rsm snapshot v1\0" || hash n-1 || slot || n || rows), hash -1 is zero
 *   signature   Ed25519 over "rsm checkpoint v1\0" || cluster 16 || slot u64 || entry head ||
 *               verdict head || the last hash
 */
#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/logtable.h"
#include "src/machine/tables.h"
#include "src/net/peer_codec.h"

#define ROW_SIZE_MAX (LIMIT_VALUE_SIZE + LIMIT_KEY_SIZE + 7u)

/* A pause of the receiver, or of our ticks, of this length costs no time. */
#define BURST_US 20000u

void snapshot_hash_piece(uint8_t hash[HASH_SIZE], uint64_t slot, uint64_t number, struct bytes rows)
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

void snapshot_put_checkpoint(const struct checkpoint *c, uint8_t out[CHECKPOINT_SIZE])
{
    put_u64(out, c->slot);
    memcpy(out + 8, c->entry_head, HASH_SIZE);
    memcpy(out + 8 + HASH_SIZE, c->verdict_head, HASH_SIZE);
    memcpy(out + 8 + 2 * HASH_SIZE, c->hash, HASH_SIZE);
}

void snapshot_drop_sender(struct node *n)
{
    kv_free(n->sending.cut);
    blob_unref(n->sending.piece);
    writer_deinit(&n->sending.row);
    n->sending = (struct snapshot_sender){.to = 0};
}

/* True when a snapshot was offered in place of the range. */
bool snapshot_offer(struct node *n, const struct paxos_range *range)
{
    struct snapshot_sender *s = &n->sending;
    if (n->applied_slot - range->slot_first < n->config.snapshot_lag ||
        n->applied_slot < range->slot_first)
        return false;
    if (s->to == range->to && range->slot_first > s->slot)
        snapshot_drop_sender(n); /* it has that one, and asks for what is behind it */
    if (s->to != 0 && s->to != range->to)
        return false; /* one at a time; this one goes on by ranges */
    if (s->to == 0) {
        s->cut =
            MUTANT(SNAPSHOT_NO_CUT) ? kv_overlay_new(n->base) : n->env.snapshot(n->env.context);
        if (s->cut == NULL || log_get_applied(s->cut, &s->slot) != RSM_OK ||
            s->slot <= range->slot_first) {
            snapshot_drop_sender(n);
            return false;
        }
        s->to = range->to;
        s->table = 1;
        s->pace =
            (struct pace){.rate = (uint64_t)n->config.snapshot_rate << 10, .burst_us = BURST_US};
        writer_init(&s->row, ROW_SIZE_MAX);
        s->moved_ms = node_now_ms(n);
        LOG(LOG_INFO, "snapshot-offered", LOG_U64("to", s->to), LOG_U64("slot", s->slot));
    }
    struct blob *frame = peer_encode_snapshot_offer(s->slot);
    n->env.send(n->env.context, s->to, frame);
    blob_unref(frame);
    return true;
}

/* Writes down the row behind the last one. RSM_NOT_FOUND: there is none. */
static enum rsm_status next_row(struct snapshot_sender *s)
{
    struct bytes key, value;
    writer_reset(&s->row);
    s->row_sent = 0;
    for (; s->table < TABLE_END; s->table++, s->key_size = 0) {
        if ((MUTANT(SNAPSHOT_WITHOUT_AUTHORS) && s->table == TABLE_AUTHOR) ||
            (MUTANT(SNAPSHOT_WITHOUT_DIGESTS) && s->table == TABLE_DIGEST) ||
            (MUTANT(SNAPSHOT_WITHOUT_MEMBERS) && s->table == TABLE_MEMBER))
            continue;
        enum rsm_status status = kv_next(s->cut, s->table, bytes_make(s->key, s->key_size),
                                         s->key_size > 0, &key, &value);
        if (status == RSM_NOT_FOUND)
            continue;
        if (status != RSM_OK)
            return status;
        writer_u8(&s->row, s->table);
        writer_u16(&s->row, (uint16_t)key.size);
        writer_bytes(&s->row, key);
        writer_blob(&s->row, value);
        s->key_size = key.size;
        memcpy(s->key, key.data, key.size);
        return s->row.failed ? RSM_DAMAGED : RSM_OK;
    }
    return RSM_NOT_FOUND;
}

/* The rest of the row that is being sent, and those behind it, up to `size` bytes. */
static bool collect_rows(struct snapshot_sender *s, uint32_t size, struct writer *rows)
{
    for (;;) {
        size_t left = s->row.size - s->row_sent;
        size_t room = size - rows->size;
        size_t taken = left < room ? left : room;
        writer_bytes(rows, bytes_part(writer_result(&s->row), s->row_sent, taken));
        s->row_sent += taken;
        if (s->row_sent < s->row.size)
            return true;
        enum rsm_status status = next_row(s);
        if (status != RSM_OK)
            return status == RSM_NOT_FOUND;
    }
}

/* The checkpoint of the cut, behind the last hash. False: the store does not check. */
static bool sign_checkpoint(struct node *n, struct writer *piece)
{
    struct checkpoint c = {.slot = n->sending.slot};
    uint8_t text[CHECKPOINT_SIZE];
    uint8_t signature[SIGNATURE_SIZE];
    memcpy(c.hash, n->sending.hash, HASH_SIZE);
    if (log_get_heads(n->sending.cut, c.entry_head, c.verdict_head) != RSM_OK)
        return false;
    snapshot_put_checkpoint(&c, text);
    n->env.sign(n->env.context, bytes_make(text, sizeof text), signature);
    writer_bytes(piece, bytes_make(c.entry_head, HASH_SIZE));
    writer_bytes(piece, bytes_make(c.verdict_head, HASH_SIZE));
    writer_bytes(piece, bytes_make(signature, SIGNATURE_SIZE));
    return true;
}

static bool make_piece(struct node *n)
{
    struct snapshot_sender *s = &n->sending;
    struct writer rows, piece;
    writer_init(&rows, PEER_CHUNK_MAX);
    writer_init(&piece, PEER_CHUNK_MAX);
    bool good = collect_rows(s, n->config.snapshot_piece, &rows) && !rows.failed;
    bool is_last = s->table == TABLE_END && s->row_sent == s->row.size;
    if (good) {
        snapshot_hash_piece(s->hash, s->slot, s->made, writer_result(&rows));
        writer_u8(&piece, is_last);
        writer_bytes(&piece, bytes_make(s->hash, HASH_SIZE));
        good = !is_last || sign_checkpoint(n, &piece);
    }
    if (good) {
        writer_bytes(&piece, writer_result(&rows));
        CHECK(!piece.failed);
        blob_unref(s->piece);
        s->piece = peer_encode_snapshot_chunk(s->slot, s->made, writer_result(&piece));
        s->made++;
    }
    writer_deinit(&piece);
    writer_deinit(&rows);
    return good;
}

/* Sends the last one made. What was not sent while nobody asked is not made up for. */
static void send_piece(struct node *n)
{
    struct snapshot_sender *s = &n->sending;
    pace_take(&s->pace, s->piece->size, node_now_ms(n) * 1000);
    n->env.send(n->env.context, s->to, s->piece);
}

/* What was sent before is on its way yet: more would wait in a queue, and votes behind it. */
static bool is_link_full(struct node *n)
{
    return n->env.backlog(n->env.context, n->sending.to) > n->config.snapshot_piece / 2;
}

/* Makes and sends the next one as soon as the rate and the link allow it. */
static void send_new_piece(struct node *n)
{
    struct snapshot_sender *s = &n->sending;
    s->is_wanted = pace_wait_us(&s->pace, node_now_ms(n) * 1000) > 0 || is_link_full(n);
    if (s->is_wanted)
        return;
    if (make_piece(n)) {
        send_piece(n);
        return;
    }
    snapshot_drop_sender(n);
    node_on_damage(n);
}

static void begin_again(struct snapshot_sender *s)
{
    s->is_wanted = false;
    s->made = 0;
    s->table = 1;
    s->key_size = 0;
    s->row_sent = 0;
    writer_reset(&s->row);
    memset(s->hash, 0, sizeof s->hash);
}

void snapshot_on_want(struct node *n, uint32_t from, uint64_t slot, uint64_t number)
{
    struct snapshot_sender *s = &n->sending;
    if (s->to == from && s->slot == slot && number == 0)
        begin_again(s); /* the receiver died in the middle: of the same cut */
    if (s->to != from || s->slot != slot || number > s->made || number + 1 < s->made)
        return; /* of another transfer; the receiver will be offered one again */
    s->moved_ms = node_now_ms(n);
    if (number == s->made)
        send_new_piece(n);
    else if (!is_link_full(n)) /* else it comes yet; or it is asked for once more */
        send_piece(n);
}

void snapshot_on_tick(struct node *n)
{
    if (n->sending.to != 0 && node_now_ms(n) - n->sending.moved_ms > SNAPSHOT_FORGET_MS)
        snapshot_drop_sender(n);
    else if (n->sending.is_wanted)
        send_new_piece(n);
    receive_on_tick(n);
}
