/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_prove.c - `checkpoint`, `prove` and `consistency`: the Merkle tree over the slots in the
 * store (storage/tree.h), in the texts of src/command/note.h.
 *
 * The tree is built from the rows as they stand; that they are right is what `verify` says.
 */
#include <string.h>

#include "src/base/mem.h"
#include "storage/tree.h"
#include "tools/lib/proof.h"
#include "tools/rsm-dump/dump.h"
#include "tools/rsm-dump/growth.h"

struct leaves {
    struct tree_hash *hashes; /* owned */
    uint64_t count;
};

/* The leaf of a slot in the store. False, with a finding. */
static bool read_leaf(struct dump *d, uint64_t slot, struct writer *out)
{
    struct slot_view view;
    enum rsm_status status = dump_slot(d, slot, &view);

    if (status != RSM_OK) {
        dump_finding(d, "slot %llu: its rows in the store: %s", (unsigned long long)slot,
                     rsm_status_sentence(status));
        return false;
    }
    struct tree_leaf leaf = {.slot = slot,
                             .log_time_ms = view.verdicts.log_time_ms,
                             .entry = view.value,
                             .verdicts = view.verdicts.verdicts,
                             .effects = view.verdicts.effects};
    writer_reset(out);
    tree_leaf_encode(out, &leaf);
    return !out->failed;
}

static bool read_leaves(struct dump *d, uint64_t count, struct leaves *out)
{
    struct writer leaf;
    bool good = true;

    *out = (struct leaves){mem_alloc((size_t)(count + 1) * sizeof(*out->hashes)), 0};
    writer_init(&leaf, NOTE_EXTRA_MAX);
    while (good && out->count < count) {
        good = read_leaf(d, out->count + 1, &leaf);
        if (good)
            tree_leaf_hash(writer_result(&leaf), &out->hashes[out->count++]);
    }
    writer_deinit(&leaf);
    return good;
}

/* How many leaves are asked for: --at, or all that is in the store. */
static bool parse_size(struct dump *d, uint64_t *out)
{
    *out = d->applied;
    if (d->options->at != NULL && !dump_parse_slot(d, d->options->at, out))
        return false;
    if (*out <= d->applied)
        return true;
    fprintf(stderr,
            "rsm-dump: slot %llu has no verdict in the store yet; slots up to %llu have one\n",
            (unsigned long long)*out, (unsigned long long)d->applied);
    return false;
}

static void write_text(const struct dump *d, const struct leaves *leaves, struct writer *out)
{
    struct tree_hash root;

    tree_root(leaves->hashes, leaves->count, &root);
    proof_text(d->identity.cluster, leaves->count, &root, out);
}

/* Signs the text. False: said on stderr why. */
static bool sign_text(const struct dump *d, struct bytes text, struct writer *out)
{
    struct rsm_key *key = proof_load_key(d->options->key);
    enum rsm_status status = RSM_NOT_FOUND;

    if (key != NULL) {
        status = note_sign(key, text, out);
        if (status != RSM_OK)
            fprintf(stderr, "rsm-dump: %s: its principal's name cannot sign notes (blank or +)\n",
                    d->options->key);
    }
    rsm_key_free(key);
    return status == RSM_OK;
}

/* What somebody signed before has to be what this log says. */
static bool compare_checkpoint(struct dump *d, struct bytes given, struct bytes text)
{
    struct note note;

    if (note_parse(given, &note) != RSM_OK) {
        fprintf(stderr, "rsm-dump: %s: no signed checkpoint\n", d->options->checkpoint);
        return false;
    }
    if (bytes_equal(note.text, text))
        return true;
    dump_finding(d, "%s: not a checkpoint of this log: it has another origin or root",
                 d->options->checkpoint);
    return false;
}

/* The size that a given checkpoint has. */
static bool size_of_checkpoint(struct dump *d, struct bytes given, uint64_t *size_out)
{
    struct note note;
    struct note_checkpoint checkpoint;

    if (note_parse(given, &note) != RSM_OK ||
        note_checkpoint_parse(note.text, &checkpoint) != RSM_OK) {
        fprintf(stderr, "rsm-dump: %s: no signed checkpoint\n", d->options->checkpoint);
        return false;
    }
    *size_out = checkpoint.size;
    if (checkpoint.size <= d->applied)
        return true;
    fprintf(stderr, "rsm-dump: %s: of %llu slots, the store has %llu\n", d->options->checkpoint,
            (unsigned long long)checkpoint.size, (unsigned long long)d->applied);
    return false;
}

/*
 * The leaves that are asked for, and a signed checkpoint of them in `note`: made with --key, or the
 * one that --checkpoint names, which has to agree. EXIT_FINE, or the exit status.
 */
static int make_checkpoint(struct dump *d, struct leaves *leaves, struct writer *note)
{
    struct writer text;
    uint64_t count = 0;
    bool good = true;

    *leaves = (struct leaves){NULL, 0};
    writer_init(note, NOTE_SIZE_MAX);
    if ((d->options->key == NULL) == (d->options->checkpoint == NULL)) {
        fputs("rsm-dump: either --key FILE, to sign a checkpoint, or --checkpoint FILE\n", stderr);
        return EXIT_WRONG_USAGE;
    }
    if (d->options->checkpoint != NULL &&
        (!proof_read_file(d->options->checkpoint, NOTE_SIZE_MAX, note) ||
         !size_of_checkpoint(d, writer_result(note), &count)))
        return EXIT_FINDING;
    if (d->options->checkpoint == NULL && !parse_size(d, &count))
        return EXIT_NOTHING_THERE;
    if (!read_leaves(d, count, leaves))
        return EXIT_FINDING;
    writer_init(&text, NOTE_SIZE_MAX);
    write_text(d, leaves, &text);
    if (d->options->checkpoint != NULL)
        good = compare_checkpoint(d, writer_result(note), writer_result(&text));
    else
        good = sign_text(d, writer_result(&text), note);
    writer_deinit(&text);
    return good ? EXIT_FINE : EXIT_FINDING;
}

/* That the log in the store begins with the kept one, whose slots are in it. */
static bool has_kept(struct dump *d, const struct kept *k)
{
    struct leaves leaves = {NULL, 0};
    struct tree_hash root;

    if (k->checkpoint.size > d->applied) {
        dump_finding(d,
                     "%s: this log has %llu slots, and %llu were seen before: it went back, or the "
                     "replica is behind",
                     k->path, (unsigned long long)d->applied,
                     (unsigned long long)k->checkpoint.size);
        return false;
    }
    bool good = read_leaves(d, k->checkpoint.size, &leaves);
    if (good) {
        tree_root(leaves.hashes, leaves.count, &root);
        good = memcmp(root.data, k->checkpoint.root, TREE_HASH_SIZE) == 0;
        if (!good)
            dump_finding(d,
                         "%s: a fork: the first %llu slots of this log have another root than was "
                         "seen before",
                         k->path, (unsigned long long)k->checkpoint.size);
    }
    mem_free(leaves.hashes);
    return good;
}

/* --checkpoint-state: the signed one in `raw` has to extend the kept one, and takes its place. */
static bool keep(struct dump *d, struct bytes raw)
{
    struct kept kept;
    struct note note;
    struct note_checkpoint seen;
    enum kept_relation relation;

    if (d->options->kept == NULL)
        return true;
    bool good =
        kept_open(&kept, d->options->kept) && note_parse(raw, &note) == RSM_OK &&
        note_checkpoint_parse(note.text, &seen) == RSM_OK &&
        growth_compare(d, &kept, &seen, &relation) &&
        (relation == KEPT_FIRST || has_kept(d, &kept)) &&
        (relation == KEPT_SAME || relation == KEPT_OLDER || growth_put(d, &kept, &seen, raw));
    kept_close(&kept);
    return good;
}

static void print_bytes(struct bytes text)
{
    (void)fwrite(text.data, 1, text.size, stdout);
}

int command_checkpoint(struct dump *d)
{
    struct leaves leaves;
    struct writer text;
    struct writer note;
    uint64_t count = 0;
    int status = EXIT_FINDING;

    if (d->options->kept != NULL && d->options->key == NULL) {
        fputs("rsm-dump: --checkpoint-state keeps what is signed: --key FILE\n", stderr);
        return EXIT_WRONG_USAGE;
    }
    if (!parse_size(d, &count))
        return EXIT_NOTHING_THERE;
    writer_init(&text, NOTE_SIZE_MAX);
    writer_init(&note, NOTE_SIZE_MAX);
    if (read_leaves(d, count, &leaves)) {
        write_text(d, &leaves, &text);
        bool good = d->options->key == NULL ||
                    (sign_text(d, writer_result(&text), &note) && keep(d, writer_result(&note)));
        if (good)
            print_bytes(writer_result(d->options->key != NULL ? &note : &text));
        status = good ? dump_exit(d) : EXIT_FINDING;
    }
    writer_deinit(&note);
    writer_deinit(&text);
    mem_free(leaves.hashes);
    return status;
}

static void fill_hashes(struct note_proof *proof, const struct tree_hash *hashes, uint32_t count)
{
    proof->hash_count = count;
    for (uint32_t i = 0; i < count; i++)
        memcpy(proof->hashes[i], hashes[i].data, NOTE_HASH_SIZE);
}

static void print_proof(const struct note_proof *proof)
{
    struct writer out;

    writer_init(&out, NOTE_EXTRA_MAX + 2 * NOTE_SIZE_MAX);
    note_proof_write(proof, &out);
    print_bytes(writer_result(&out));
    writer_deinit(&out);
}

/* The receipt has the leaf in it, so that it can be read and checked without the log. */
static bool print_inclusion(struct dump *d, const struct leaves *leaves, uint64_t slot,
                            struct bytes checkpoint)
{
    struct tree_hash path[TREE_PATH_MAX];
    struct note_proof proof = {.kind = NOTE_INCLUSION, .number = slot - 1};
    struct writer leaf;
    struct writer extra;

    writer_init(&leaf, NOTE_EXTRA_MAX);
    writer_init(&extra, NOTE_EXTRA_MAX);
    bool good = read_leaf(d, slot, &leaf);
    if (good) {
        note_base64_write(writer_result(&leaf), &extra);
        proof.extra = writer_result(&extra);
        proof.checkpoint = checkpoint;
        fill_hashes(&proof, path, tree_path(leaves->hashes, leaves->count, slot - 1, path));
        if (extra.failed)
            fprintf(stderr, "rsm-dump: slot %llu is too large for a receipt\n",
                    (unsigned long long)slot);
        else
            print_proof(&proof);
        good = !extra.failed;
    }
    writer_deinit(&extra);
    writer_deinit(&leaf);
    return good;
}

static bool print_consistency(const struct leaves *leaves, uint64_t first, struct bytes checkpoint)
{
    struct tree_hash hashes[TREE_PATH_MAX];
    struct note_proof proof = {.kind = NOTE_CONSISTENCY, .number = first, .checkpoint = checkpoint};

    fill_hashes(&proof, hashes, tree_consistency(leaves->hashes, leaves->count, first, hashes));
    print_proof(&proof);
    return true;
}

/* The slot that is asked for, which the checkpoint has to cover. */
static int prove(struct dump *d, bool is_inclusion)
{
    struct leaves leaves;
    struct writer note;
    uint64_t slot = 0;

    if (!dump_parse_slot(d, d->options->first, &slot))
        return EXIT_NOTHING_THERE;
    int status = make_checkpoint(d, &leaves, &note);
    if (status == EXIT_FINE && (slot == 0 || slot > leaves.count)) {
        fprintf(stderr, "rsm-dump: the checkpoint is of slots 1 to %llu\n",
                (unsigned long long)leaves.count);
        status = EXIT_NOTHING_THERE;
    }
    if (status == EXIT_FINE) {
        bool good = keep(d, writer_result(&note));
        if (good)
            good = is_inclusion ? print_inclusion(d, &leaves, slot, writer_result(&note))
                                : print_consistency(&leaves, slot, writer_result(&note));
        status = good ? dump_exit(d) : EXIT_FINDING;
    }
    writer_deinit(&note);
    mem_free(leaves.hashes);
    return status;
}

int command_prove(struct dump *d)
{
    return prove(d, true);
}

int command_consistency(struct dump *d)
{
    return prove(d, false);
}
