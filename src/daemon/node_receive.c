/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_receive.c - a snapshot on its way to us (node_snapshot.c has the whole exchange).
 *
 * Its rows are written into a store of their own beside the one in use, a few MiB at a time:
 * memory stays small however large the state is. When the last piece is there, what was hashed,
 * what was signed and what the rows say must be the same; then the new store takes the place of the
 * old one at once (env.incoming_install): after a crash it is the one or the other. Votes above the
 * slot stay in the journal and in the core. The heads are compared with the peers' at once and as
 * always.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/logtable.h"
#include "src/machine/tables.h"
#include "src/net/peer_codec.h"

#define ASK_AGAIN_MS 300u
/* A row of the largest size but for a byte, and a piece. */
#define PART_SIZE_MAX (LIMIT_VALUE_SIZE + LIMIT_KEY_SIZE + LIMIT_PEER_FRAME_SIZE)
#define SILENT_MS 5000u /* a piece takes half a second at 1 Mbit */
/*
 * Kept in memory until they are written down. Votes of replicas on the same disk wait behind the
 * flush: few large ones cost them less than many small ones.
 */
#define ROWS_BYTES (8u << 20)

void snapshot_drop_receiver(struct node *n)
{
    struct snapshot_receiver *r = &n->receiving;
    if (r->from != 0)
        n->env.incoming_drop(n->env.context);
    kv_free(r->rows);
    kv_free(r->empty);
    writer_deinit(&r->part);
    *r = (struct snapshot_receiver){.from = 0};
}

static void ask(struct node *n)
{
    struct snapshot_receiver *r = &n->receiving;
    struct blob *frame = peer_encode_snapshot_want(r->slot, r->next);
    r->asked_ms = node_now_ms(n);
    n->env.send(n->env.context, r->from, frame);
    blob_unref(frame);
}

/* True to go on; a full disk is given up for now, anything else ends the process. */
static bool is_stored(struct node *n, enum rsm_status status)
{
    if (status == RSM_OK)
        return true;
    snapshot_drop_receiver(n);
    if (status == RSM_DISK_FULL)
        node_raise(n, NODE_ALARM_DISK_LOW, n->applied_slot);
    else
        node_fail(n, status, "a snapshot could not be written down");
    return false;
}

/* The sender makes another cut, so it has forgotten this one; or it is silent, and another offers.
 */
static bool is_over(struct node *n, uint32_t from, uint64_t slot)
{
    const struct snapshot_receiver *r = &n->receiving;
    if (r->complete)
        return false;
    if (from == r->from)
        return slot != r->slot;
    return node_now_ms(n) - r->moved_ms > SILENT_MS;
}

void snapshot_on_offer(struct node *n, uint32_t from, uint64_t slot)
{
    struct snapshot_receiver *r = &n->receiving;
    if ((slot <= n->applied_slot && !MUTANT(OLD_SNAPSHOT)) ||
        (r->from != 0 && !is_over(n, from, slot)))
        return;
    snapshot_drop_receiver(n);
    if (!is_stored(n, n->env.incoming_begin(n->env.context)))
        return;
    *r = (struct snapshot_receiver){.from = from, .slot = slot, .moved_ms = node_now_ms(n)};
    r->empty = kv_mem_new();
    r->rows = kv_overlay_new(r->empty);
    writer_init(&r->part, PART_SIZE_MAX);
    LOG(LOG_INFO, "snapshot-begins", LOG_U64("from", from), LOG_U64("slot", slot));
    ask(n);
}

/* Rows come from another replica: each is bounded before it is taken. False: it is none. */
static bool take_row(struct snapshot_receiver *r, struct reader *rows, bool *whole_out)
{
    struct reader at = *rows;
    uint8_t table = reader_u8(&at);
    size_t key_size = reader_u16(&at);
    *whole_out = false;
    if (at.failed)
        return true;
    if (table < TABLE_META || table >= TABLE_END || key_size == 0 || key_size > LIMIT_KEY_SIZE)
        return false;
    struct bytes key = reader_bytes(&at, key_size);
    size_t value_size = reader_u32(&at);
    if (at.failed)
        return true;
    if (value_size > LIMIT_VALUE_SIZE)
        return false;
    struct bytes value = reader_bytes(&at, value_size);
    if (at.failed)
        return true;
    *rows = at;
    *whole_out = true;
    return kv_put(r->rows, table, key, value) == RSM_OK;
}

/* Whole rows are taken; the beginning of one waits for its rest. */
static bool take_rows(struct snapshot_receiver *r, struct bytes rows)
{
    bool whole = true;
    writer_bytes(&r->part, rows);
    struct reader walk = reader_make(writer_result(&r->part));
    while (whole && reader_left(&walk) > 0) {
        if (!take_row(r, &walk, &whole))
            return false;
    }
    writer_drop_front(&r->part, r->part.size - reader_left(&walk));
    return !r->part.failed && (!r->complete || r->part.size == 0);
}

/* The rows are those that the sender hashed; the last piece's checkpoint is the sender's. */
static bool take_piece(struct node *n, struct bytes chunk)
{
    struct snapshot_receiver *r = &n->receiving;
    uint8_t said[HASH_SIZE];
    uint8_t signature[SIGNATURE_SIZE];
    struct reader reader = reader_make(chunk);
    r->complete = reader_u8(&reader) == 1;
    reader_copy(&reader, said, sizeof said);
    if (r->complete) {
        reader_copy(&reader, r->checkpoint.entry_head, HASH_SIZE);
        reader_copy(&reader, r->checkpoint.verdict_head, HASH_SIZE);
        reader_copy(&reader, signature, sizeof signature);
    }
    struct bytes rows = reader_bytes(&reader, reader_left(&reader));
    if (reader.failed)
        return false;
    snapshot_hash_piece(r->hash, r->slot, r->next, rows);
    if (MUTANT(SNAPSHOT_MIXED))
        memcpy(r->hash, said, sizeof r->hash);
    if (memcmp(said, r->hash, HASH_SIZE) != 0 || !take_rows(r, rows))
        return false;
    if (!r->complete)
        return true;
    uint8_t text[CHECKPOINT_SIZE];
    r->checkpoint.slot = r->slot;
    memcpy(r->checkpoint.hash, r->hash, HASH_SIZE);
    snapshot_put_checkpoint(&r->checkpoint, text);
    return n->env.verify(n->env.context, r->from, bytes_make(text, sizeof text), signature);
}

static void refuse(struct node *n)
{
    LOG(LOG_ERROR, "snapshot-bad", LOG_U64("from", n->receiving.from),
        LOG_U64("slot", n->receiving.slot), LOG_U64("piece", n->receiving.next));
    n->counters.bad_frames++;
    snapshot_drop_receiver(n);
}

void snapshot_on_chunk(struct node *n, uint32_t from, uint64_t slot, uint64_t number,
                       struct bytes chunk)
{
    struct snapshot_receiver *r = &n->receiving;
    bool other = r->slot != slot && !MUTANT(SNAPSHOT_MIXED);
    if (r->from != from || other || number != r->next || r->complete)
        return;
    if (!take_piece(n, chunk)) {
        refuse(n);
        return;
    }
    if (r->complete || kv_overlay_size(r->rows) >= ROWS_BYTES) {
        if (!is_stored(n, n->env.incoming_put(n->env.context, r->rows)))
            return;
        kv_overlay_clear(r->rows);
    }
    r->next++;
    r->moved_ms = node_now_ms(n);
    if (!r->complete)
        ask(n);
}

/* -------------------------------------------------------------------------------------------- */
/* Taking its place. */

/* The rows say what the checkpoint says. */
static bool is_of_checkpoint(struct node *n)
{
    const struct checkpoint *c = &n->receiving.checkpoint;
    struct kv *kv = n->env.incoming_state(n->env.context);
    uint64_t applied;
    uint8_t entry[HASH_SIZE], verdict[HASH_SIZE];
    return kv != NULL && log_get_applied(kv, &applied) == RSM_OK && applied == c->slot &&
           log_get_heads(kv, entry, verdict) == RSM_OK &&
           memcmp(entry, c->entry_head, HASH_SIZE) == 0 &&
           memcmp(verdict, c->verdict_head, HASH_SIZE) == 0;
}

/* The base is the snapshot now; the old overlays lay over what was there before. */
static enum rsm_status begin_anew(struct node *n, uint64_t slot)
{
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
    apply_judge_policy(n);
    node_clear(n, NODE_ALARM_NEWER_FORMAT); /* what is held behind it is looked at again */
    n->frozen_slot = slot;
    n->stored_slot = slot;
    n->spec.end = slot + 1;
    learned_drop_to(&n->learned, slot);
    heads_advance(&n->heads, n->applied_slot, apply_heads_at, n);
    return RSM_OK;
}

void snapshot_install_when_due(struct node *n)
{
    struct snapshot_receiver *r = &n->receiving;
    uint64_t slot = r->slot;
    if (!r->complete || n->frozen != NULL || n->dead)
        return;
    if (slot <= n->applied_slot && !MUTANT(OLD_SNAPSHOT)) {
        snapshot_drop_receiver(n);
        return;
    }
    if (!is_of_checkpoint(n)) {
        refuse(n);
        return;
    }
    snapshot_drop_sender(n); /* its cut is of the store that goes */
    enum rsm_status status = n->env.incoming_install(n->env.context, &n->base);
    if (status == RSM_OK)
        status = begin_anew(n, slot);
    if (status != RSM_OK) {
        node_fail(n, status, "a snapshot could not take the place of the store");
        return;
    }
    LOG(LOG_INFO, "snapshot-installed", LOG_U64("slot", slot));
    snapshot_drop_receiver(n);
    members_on_installed(n, slot);
    submit_answer_known(n);
    apply_on_stored(n);
}

void receive_on_tick(struct node *n)
{
    uint64_t now = node_now_ms(n);
    if (n->receiving.from == 0 || n->receiving.complete)
        return;
    if (now - n->receiving.moved_ms > SNAPSHOT_FORGET_MS)
        snapshot_drop_receiver(n);
    else if (now - n->receiving.asked_ms > ASK_AGAIN_MS)
        ask(n);
}
