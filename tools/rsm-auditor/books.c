/* SPDX-License-Identifier: GPL-3.0-or-later */
/* books.c - the auditor's directory: log, state, tree, checkpoint. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/mem.h"
#include "src/io/child.h"
#include "src/io/data_dir.h"
#include "src/machine/logtable.h"
#include "storage/store.h"
#include "tools/lib/proof.h"
#include "tools/rsm-auditor/auditor.h"

/*
 * The directory has the form of a replica's, so that rsm-dump reads it; its number is the last one,
 * its incarnation its own, and the file `auditor` says why it has no journal.
 */
static void own_identity(const struct genesis *genesis, struct identity *out)
{
    uint64_t incarnation = 0;

    while (incarnation == 0)
        randombytes_buf(&incarnation, sizeof incarnation);
    *out = (struct identity){
        .replica = REPLICA_MAX, .incarnation = incarnation >> 1, .joined = incarnation >> 1};
    memcpy(out->cluster, genesis->cluster_id, CLUSTER_ID_SIZE);
}

/* What is wrong with the directory, in words; `found` is data_dir_open's own. */
static void say(const char *path, enum rsm_status status, const char *found)
{
    if (status == RSM_KEY_EXPOSED)
        fprintf(stderr, "rsm-auditor: %s: others may enter it: chmod 700\n", path);
    else if (status == RSM_WRONG_IDENTITY)
        fprintf(stderr,
                "rsm-auditor: %s: books of another cluster, begun with another genesis than "
                "--genesis\n",
                path);
    else if (found[0] != '\0')
        fprintf(stderr, "rsm-auditor: %s\n", found);
    else
        fprintf(stderr, "rsm-auditor: %s: %s\n", path, rsm_status_sentence(status));
}

static enum rsm_status open_directory(struct books *b, const char *path, struct bytes genesis_bytes,
                                      const struct genesis *genesis)
{
    struct identity identity;
    struct stat found;
    char text[256] = "";
    enum rsm_status status = RSM_OK;

    own_identity(genesis, &identity);
    if (stat(path, &found) != 0)
        status = data_dir_create(path, &identity, genesis_bytes);
    if (status == RSM_OK) {
        status = data_dir_open(path, NULL, &b->dir, text, sizeof text);
        if (status == RSM_OK)
            text[0] = '\0'; /* the last thing that was done */
    }
    if (status == RSM_OK && (!bytes_equal(data_dir_genesis(b->dir), genesis_bytes)))
        status = RSM_WRONG_IDENTITY;
    if (status == RSM_OK)
        status = data_dir_make_store(b->dir);
    if (status == RSM_OK)
        status = data_dir_write_file(b->dir, "auditor", bytes_of_string("format = 1\n"));
    if (status != RSM_OK)
        say(path, status, text);
    return status;
}

static enum rsm_status open_store(struct books *b, const char *path, const struct genesis *genesis)
{
    struct store_identity owner = {.replica = REPLICA_MAX};
    size_t size = strlen(path) + sizeof "/store";
    char *store_path = mem_alloc(size);

    memcpy(owner.cluster, genesis->cluster_id, CLUSTER_ID_SIZE);
    snprintf(store_path, size, "%s/store", path);
    struct store_options options = {.map_size = 0};
    enum rsm_status status = child_verify_store(store_path, 0); /* damage could kill us */
    if (status == RSM_OK)
        status = store_open(store_path, &owner, &options, &b->store);
    if (status != RSM_OK)
        fprintf(stderr, "rsm-auditor: %s: %s\n", store_path, rsm_status_sentence(status));
    mem_free(store_path);
    return status;
}

static void add_leaf(struct books *b, uint64_t slot, struct bytes entry,
                     const struct log_verdict *row)
{
    struct tree_hash hash;
    struct tree_leaf leaf = {.slot = slot,
                             .log_time_ms = row->log_time_ms,
                             .entry = entry,
                             .verdicts = row->verdicts,
                             .effects = row->effects};

    writer_reset(&b->leaf);
    tree_leaf_encode(&b->leaf, &leaf);
    tree_leaf_hash(writer_result(&b->leaf), &hash);
    tree_frontier_add(&b->tree, &hash);
}

static enum rsm_status refuse(const char *why, uint64_t signed_size, uint64_t size)
{
    fprintf(stderr, "rsm-auditor: checkpoint: of %llu slots, and the books have %llu: %s\n",
            (unsigned long long)signed_size, (unsigned long long)size, why);
    return RSM_DAMAGED;
}

/* What was signed before; `size` 0: nothing was. RSM_DAMAGED: said on stderr why. */
static enum rsm_status read_signed(const struct books *b, struct blob **file_out,
                                   struct note_checkpoint *out)
{
    struct note note;
    uint8_t cluster[CLUSTER_ID_SIZE];

    *out = (struct note_checkpoint){.size = 0};
    enum rsm_status status = data_dir_read_file(b->dir, "checkpoint", NOTE_SIZE_MAX, file_out);
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    if (note_parse(blob_bytes(*file_out), &note) == RSM_OK &&
        note_checkpoint_parse(note.text, out) == RSM_OK &&
        proof_parse_origin(out->origin, cluster) &&
        memcmp(cluster, b->ledger.cluster, CLUSTER_ID_SIZE) == 0)
        return RSM_OK;
    fputs("rsm-auditor: checkpoint: not one of this log: damaged, or another log's\n", stderr);
    return RSM_DAMAGED;
}

/*
 * The tree is not stored: its leaves are the rows. What was signed has to be its beginning: books
 * that went back, as from an older copy, would sign a second history under one name.
 */
static enum rsm_status plant_tree(struct books *b)
{
    struct blob *file = NULL;
    struct note_checkpoint checkpoint;
    struct tree_hash root;
    enum rsm_status status = read_signed(b, &file, &checkpoint);

    if (status == RSM_OK && checkpoint.size > b->ledger.slot)
        status = refuse("they went back; nothing is signed until they are a whole copy again, or "
                        "begun in a new directory",
                        checkpoint.size, b->ledger.slot);
    while (status == RSM_OK && b->tree.count < b->ledger.slot) {
        uint64_t slot = b->tree.count + 1;
        struct bytes entry;
        struct log_verdict row;
        status = log_get_verdict(b->overlay, slot, &row);
        if (status == RSM_OK)
            status = log_get_entry(b->overlay, slot, &entry);
        if (status != RSM_OK)
            break;
        add_leaf(b, slot, entry, &row);
        if (slot != checkpoint.size)
            continue;
        tree_frontier_root(&b->tree, &root);
        if (memcmp(root.data, checkpoint.root, NOTE_HASH_SIZE) != 0)
            status = refuse("their beginning has another root than was signed", checkpoint.size,
                            b->ledger.slot);
    }
    blob_unref(file);
    return status;
}

enum rsm_status books_open(struct books *b, const char *path, struct bytes genesis_bytes,
                           const struct genesis *genesis)
{
    *b = (struct books){.dir = NULL};
    writer_init(&b->leaf, NOTE_EXTRA_MAX);
    enum rsm_status status = open_directory(b, path, genesis_bytes, genesis);
    if (status == RSM_OK)
        status = open_store(b, path, genesis);
    if (status != RSM_OK)
        return status;
    b->overlay = kv_overlay_new(store_kv(b->store));
    status = ledger_init(&b->ledger, b->overlay, genesis_bytes, genesis);
    if (status == RSM_OK)
        status = plant_tree(b);
    if (status != RSM_OK)
        fprintf(stderr, "rsm-auditor: %s: the books: %s\n", path, rsm_status_sentence(status));
    return status;
}

void books_close(struct books *b)
{
    if (b->overlay != NULL)
        ledger_deinit(&b->ledger);
    kv_free(b->overlay);
    store_close(b->store);
    data_dir_close(b->dir);
    writer_deinit(&b->leaf);
}

enum rsm_status books_add(struct books *b, struct bytes entry)
{
    struct bytes envelope;
    enum rsm_status status = RSM_OK;

    if (entry.size > 0)
        status = ledger_envelope(b->ledger.cluster, entry, &envelope);
    if (status != RSM_OK)
        return RSM_MALFORMED;
    status = ledger_step(&b->ledger, entry);
    if (status != RSM_OK)
        return status;
    struct log_verdict row = {.log_time_ms = b->ledger.log_time_ms,
                              .effects = b->ledger.verdicts.effects,
                              .verdicts = verdicts_bytes(&b->ledger.verdicts)};
    add_leaf(b, b->ledger.slot, entry, &row);
    return RSM_OK;
}

enum rsm_status books_commit(struct books *b)
{
    enum rsm_status status = RSM_OK;

    if (kv_overlay_count(b->overlay) == 0)
        return RSM_OK;
    status = store_commit(b->store, b->overlay);
    while (status == RSM_TOO_LARGE && (status = store_grow(b->store)) == RSM_OK)
        status = store_commit(b->store, b->overlay);
    if (status == RSM_OK)
        status = store_refresh(b->store);
    if (status == RSM_OK)
        kv_overlay_clear(b->overlay);
    return status;
}

enum rsm_status books_sign(struct books *b, const struct rsm_key *key)
{
    struct tree_hash root;
    struct writer text;
    struct writer note;

    tree_frontier_root(&b->tree, &root);
    writer_init(&text, NOTE_SIZE_MAX);
    writer_init(&note, NOTE_SIZE_MAX);
    proof_text(b->ledger.cluster, b->tree.count, &root, &text);
    enum rsm_status status = note_sign(key, writer_result(&text), &note);
    if (status == RSM_OK)
        status = data_dir_write_file(b->dir, "checkpoint", writer_result(&note));
    writer_deinit(&note);
    writer_deinit(&text);
    return status;
}

const char *books_compare(struct books *b, const struct shown_slot *shown)
{
    struct bytes entry;
    struct log_verdict row;

    if (log_get_entry(b->overlay, shown->slot, &entry) != RSM_OK ||
        !bytes_equal(entry, shown->entry))
        return "another entry";
    if (log_get_verdict(b->overlay, shown->slot, &row) != RSM_OK ||
        row.log_time_ms != shown->log_time_ms)
        return "another log time";
    if (!bytes_equal(row.verdicts, shown->verdicts))
        return "another verdict";
    if (!bytes_equal(bytes_make(row.effects, HASH_SIZE), shown->effects))
        return "other effects";
    if (!bytes_equal(bytes_make(row.entry_head, HASH_SIZE), shown->entry_head))
        return "another entry head";
    if (!bytes_equal(bytes_make(row.verdict_head, HASH_SIZE), shown->verdict_head))
        return "another verdict head";
    return NULL;
}
