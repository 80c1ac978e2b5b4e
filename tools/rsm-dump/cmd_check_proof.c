/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_check_proof.c - `check-proof`: a receipt or a proof of growth, checked without any data, and
 * `verifier-key`. In this order; the first that fails ends it:
 *   1. the file is a proof with a checkpoint of a log like ours;
 *   2. each --verifier that has signed the checkpoint has signed it well, and one at least has;
 *   3. the path leads from the leaf (or from the older checkpoint, signed likewise) to the root;
 *   4. the leaf is slot number index + 1, and its envelope is for that cluster and signed;
 *   5. it is what the caller expects (expected.h), as far as was said;
 *   6. its checkpoint extends the last one seen (growth.h), where that is kept.
 */
#include <string.h>

#include "src/command/envelope.h"
#include "storage/tree.h"
#include "tools/lib/proof.h"
#include "tools/rsm-dump/dump.h"
#include "tools/rsm-dump/expected.h"
#include "tools/rsm-dump/growth.h"
#include "tools/rsm-dump/shown.h"
#include "tools/rsm-dump/slot.h"

/* Who has signed; false, with a finding, when nobody that is trusted has, or one badly. */
static bool check_signatures(struct dump *d, const struct note *note, const char *what)
{
    bool signed_once = false;

    for (size_t i = 0; i < d->options->verifier_count; i++) {
        struct note_key key;
        char time[SHOWN_TIME_SIZE];
        uint64_t seconds = 0;
        /* command_check_proof has parsed all of them before */
        enum rsm_status status = note_key_parse(d->options->verifiers[i], &key);
        if (status == RSM_OK)
            status = note_verify(note, &key, &seconds);
        if (status == RSM_NOT_FOUND)
            continue;
        if (status != RSM_OK) {
            dump_finding(d, "%s: the signature of %s is not good", what, key.name);
            return false;
        }
        signed_once = true;
        if (d->options->json)
            continue;
        if (key.type == NOTE_COSIGNATURE)
            printf("%s: witnessed by %s at %s\n", what, key.name,
                   shown_time(seconds > UINT64_MAX / 1000 ? UINT64_MAX : seconds * 1000, time));
        else
            printf("%s: signed by %s\n", what, key.name);
    }
    if (!signed_once)
        dump_finding(d, "%s: signed by none of the keys that were given", what);
    return signed_once;
}

/* A signed checkpoint of a log like ours. */
static bool check_checkpoint(struct dump *d, struct bytes raw, const char *what,
                             struct note_checkpoint *out)
{
    struct note note;
    uint8_t cluster[CLUSTER_ID_SIZE];

    enum rsm_status status = note_parse(raw, &note);
    if (status == RSM_OK)
        status = note_checkpoint_parse(note.text, out);
    if (status != RSM_OK) {
        dump_finding(d, "%s: no signed checkpoint (%s)", what, rsm_status_sentence(status));
        return false;
    }
    if (!proof_parse_origin(out->origin, cluster)) {
        dump_finding(d, "%s: of another kind of log", what);
        return false;
    }
    return check_signatures(d, &note, what) && expected_log(d, d->expected, out);
}

/* The envelope in an entry, if there is one: form, cluster, signature. */
static bool check_envelope(struct dump *d, const struct slot_parts *parts,
                           const struct note_checkpoint *checkpoint)
{
    uint8_t cluster[CLUSTER_ID_SIZE];

    if (parts->status != RSM_OK) {
        dump_finding(d, "the entry: %s", rsm_status_sentence(parts->status));
        return false;
    }
    if (!parts->has_envelope)
        return true;
    bool good = proof_parse_origin(checkpoint->origin, cluster) &&
                envelope_verify(&parts->envelope, cluster) == RSM_OK;
    if (!good)
        dump_finding(d, "the commands are not signed for this cluster by their key");
    return good;
}

static void print_leaf(struct dump *d, const struct tree_leaf *leaf, struct slot_parts *parts,
                       const struct note_checkpoint *checkpoint)
{
    static const uint8_t unknown[HASH_SIZE] = {0}; /* heads are not in a leaf */
    struct slot_view view = {.slot = leaf->slot,
                             .in_store = true,
                             .value = leaf->entry,
                             .has_verdicts = true,
                             .verdicts = {.entry_head = unknown,
                                          .verdict_head = unknown,
                                          .log_time_ms = leaf->log_time_ms,
                                          .effects = leaf->effects,
                                          .verdicts = leaf->verdicts}};

    if (!d->options->json) {
        struct verdict_walk walk = verdict_walk(leaf->verdicts);
        struct verdict v;
        char digest[2 * HASH_SIZE + 1];
        printf("log: %.*s, of %llu slots\n", (int)checkpoint->origin.size,
               (const char *)checkpoint->origin.data, (unsigned long long)checkpoint->size);
        slot_print(d, &view, parts);
        while (verdict_next(&walk, &v)) {
            hex_encode(digest, bytes_make(v.digest, HASH_SIZE));
            printf("change: %s %s\n", digest, verdict_kind_text(v.kind));
        }
        return;
    }
    json_t *json = slot_json(d, &view);
    json_object_del(json, "entry_head");
    json_object_del(json, "verdict_head");
    json_object_set_new(json, "log", shown_text(checkpoint->origin));
    json_object_set_new(json, "log_slots", json_integer((json_int_t)checkpoint->size));
    shown_print(json, true);
}

static bool check_inclusion(struct dump *d, const struct note_proof *proof, struct kept *kept)
{
    struct note_checkpoint checkpoint;
    struct tree_hash hash;
    struct tree_hash root;
    struct tree_hash path[NOTE_HASHES_MAX];
    struct tree_leaf leaf;
    struct writer bytes;

    if (!check_checkpoint(d, proof->checkpoint, "checkpoint", &checkpoint))
        return false;
    writer_init(&bytes, NOTE_EXTRA_MAX);
    memcpy(root.data, checkpoint.root, TREE_HASH_SIZE);
    memcpy(path, proof->hashes, sizeof(path));
    bool good =
        note_base64_read(proof->extra, &bytes) && tree_leaf_decode(writer_result(&bytes), &leaf);
    if (!good) {
        dump_finding(d, "the receipt has no leaf of a log like ours");
    } else {
        tree_leaf_hash(writer_result(&bytes), &hash);
        good = leaf.slot == proof->number + 1 &&
               tree_path_is_good(&hash, proof->number, checkpoint.size, path, proof->hash_count,
                                 &root);
        if (!good)
            dump_finding(d, "the leaf is not in the log that the checkpoint is of");
    }
    if (good) {
        struct slot_view view = {.value = leaf.entry};
        struct slot_parts parts;
        slot_take_apart(&view, &parts);
        good = check_envelope(d, &parts, &checkpoint) && expected_leaf(d, d->expected, &leaf) &&
               growth_take(d, kept, &checkpoint, proof->checkpoint, NULL);
        if (good)
            print_leaf(d, &leaf, &parts, &checkpoint);
    }
    writer_deinit(&bytes);
    return good;
}

static bool check_growth(struct dump *d, const struct note_proof *proof, struct kept *kept)
{
    struct note_checkpoint new;
    struct note_checkpoint old;
    struct tree_hash roots[2];
    struct tree_hash hashes[NOTE_HASHES_MAX];
    struct writer file;

    const char *older = d->options->old;
    if (older == NULL && kept->is_there)
        older = kept->path;
    if (older == NULL) {
        fputs("rsm-dump: a proof of growth needs the older checkpoint: --old FILE\n", stderr);
        return false;
    }
    bool good = proof_read_file(older, NOTE_SIZE_MAX, &file) &&
                check_checkpoint(d, writer_result(&file), "older checkpoint", &old) &&
                check_checkpoint(d, proof->checkpoint, "checkpoint", &new);
    if (good && !bytes_equal(old.origin, new.origin)) {
        dump_finding(d, "the two checkpoints are of different logs");
        good = false;
    }
    if (good) {
        memcpy(roots[0].data, old.root, TREE_HASH_SIZE);
        memcpy(roots[1].data, new.root, TREE_HASH_SIZE);
        memcpy(hashes, proof->hashes, sizeof(hashes));
        good = old.size == proof->number &&
               tree_consistency_is_good(old.size, &roots[0], new.size, &roots[1], hashes,
                                        proof->hash_count);
        if (!good)
            dump_finding(d, "the older log is not the beginning of the newer one");
    }
    good = good && expected_growth(d, d->expected) &&
           growth_take(d, kept, &new, proof->checkpoint, &old);
    if (good && !d->options->json)
        printf("the log of %llu slots begins with the log of %llu slots\n",
               (unsigned long long)new.size, (unsigned long long)old.size);
    else if (good)
        shown_print(json_pack("{s:I,s:I,s:b}", "old", (json_int_t)old.size, "new",
                              (json_int_t) new.size, "good", true),
                    true);
    writer_deinit(&file);
    return good;
}

/* False: said on stderr which one is no key. */
static bool check_verifiers(const struct options *o)
{
    struct note_key key;

    if (o->verifier_count == 0) {
        fputs("rsm-dump: a proof is worth what its signer is: --verifier KEY, see verifier-key\n",
              stderr);
        return false;
    }
    for (size_t i = 0; i < o->verifier_count; i++) {
        enum rsm_status status = note_key_parse(o->verifiers[i], &key);
        if (status == RSM_OK)
            continue;
        fprintf(stderr, "rsm-dump: %s: %s\n", o->verifiers[i],
                status == RSM_UNKNOWN_KEY ? "a key of a kind that cannot be checked here"
                                          : "not a key (NAME+ID+BASE64)");
        return false;
    }
    return true;
}

/* What is kept was put there by a run before this one, or by whoever can write the file. */
static bool check_kept(struct dump *d, struct kept *kept)
{
    if (!kept_open(kept, d->options->kept))
        return false;
    return !kept->is_there || check_signatures(d, &kept->note, "kept checkpoint");
}

int command_check_proof(struct dump *d)
{
    struct note_proof proof;
    struct expected expected;
    struct kept kept;
    struct writer file;
    int status = EXIT_FINDING;

    if (!check_verifiers(d->options) || !expected_parse(d->options, &expected))
        return EXIT_WRONG_USAGE;
    d->expected = &expected;
    writer_init(&file, NOTE_EXTRA_MAX + NOTE_SIZE_MAX);
    if (check_kept(d, &kept) &&
        proof_read_file(d->options->first, NOTE_EXTRA_MAX + NOTE_SIZE_MAX, &file)) {
        enum rsm_status parsed = note_proof_parse(writer_result(&file), &proof);
        if (parsed != RSM_OK)
            dump_finding(d, "%s: no proof (%s)", d->options->first, rsm_status_sentence(parsed));
        else if (proof.kind == NOTE_INCLUSION ? check_inclusion(d, &proof, &kept)
                                              : check_growth(d, &proof, &kept))
            status = EXIT_FINE;
    }
    kept_close(&kept);
    writer_deinit(&file);
    return d->is_unexpected ? EXIT_UNEXPECTED : status;
}

/* What `report` makes, in each of its forms: a key may sign notes of another sort as well. */
static bool is_report(struct bytes text)
{
    static const char *const begins[] = {
        "rsm report\n", "{\n  \"range\": {",
        "<!doctype html><meta charset=utf-8><title>rsm report</title>"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t size = strlen(begins[i]);
        if (text.size >= size && memcmp(text.data, begins[i], size) == 0)
            return true;
    }
    return false;
}

/* The file, and behind it the one of --signature: a note. */
static bool read_report(const struct options *o, struct writer *file)
{
    struct writer signature;
    if (!proof_read_file(o->first, NOTE_SIZE_MAX, file))
        return false;
    if (o->signature == NULL)
        return true;
    bool is_read = proof_read_file(o->signature, NOTE_SIZE_MAX, &signature);
    if (is_read)
        writer_bytes(file, writer_result(&signature));
    writer_deinit(&signature);
    return is_read && !file->failed;
}

int command_check_report(struct dump *d)
{
    struct writer file;
    struct note note;
    int status = EXIT_FINDING;

    if (!check_verifiers(d->options))
        return EXIT_WRONG_USAGE;
    if (read_report(d->options, &file)) {
        if (note_parse(writer_result(&file), &note) != RSM_OK || !is_report(note.text))
            dump_finding(d, "%s: no signed report", d->options->first);
        else if (check_signatures(d, &note, "report"))
            status = EXIT_FINE;
    }
    writer_deinit(&file);
    return status;
}

int command_verifier_key(struct dump *d)
{
    struct rsm_key *key = proof_load_key(d->options->key);
    struct note_key verifier;
    struct writer out;
    int status = EXIT_FINDING;

    if (key == NULL)
        return d->options->key == NULL ? EXIT_WRONG_USAGE : EXIT_FINDING;
    writer_init(&out, NOTE_SIZE_MAX);
    if (note_key_of(key, &verifier) == RSM_OK) {
        note_key_format(&verifier, &out);
        printf("%.*s\n", (int)out.size, (const char *)out.data);
        status = EXIT_FINE;
    } else {
        fprintf(stderr, "rsm-dump: %s: its principal's name cannot sign notes (blank or +)\n",
                d->options->key);
    }
    writer_deinit(&out);
    rsm_key_free(key);
    return status;
}
