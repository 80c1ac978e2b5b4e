/* SPDX-License-Identifier: GPL-3.0-or-later */
/* growth.c - see growth.h. */
#include "tools/rsm-dump/growth.h"

#include <string.h>

#include "storage/tree.h"
#include "tools/lib/proof.h"

static bool is_same(const struct note_checkpoint *a, const struct note_checkpoint *b)
{
    return bytes_equal(a->origin, b->origin) && a->size == b->size &&
           memcmp(a->root, b->root, NOTE_HASH_SIZE) == 0;
}

bool growth_compare(struct dump *d, const struct kept *k, const struct note_checkpoint *seen,
                    enum kept_relation *relation_out)
{
    unsigned long long size = seen->size;

    *relation_out = kept_compare(k, seen);
    if (*relation_out == KEPT_ANOTHER_LOG)
        dump_finding(d, "%s: kept of the log %.*s, and this is %.*s: another log's file", k->path,
                     (int)k->checkpoint.origin.size, (const char *)k->checkpoint.origin.data,
                     (int)seen->origin.size, (const char *)seen->origin.data);
    else if (*relation_out == KEPT_FORK)
        dump_finding(d,
                     "%s: a fork: the log of %llu slots that was seen before has another root; "
                     "keep both, and ask who signed them",
                     k->path, size);
    return *relation_out != KEPT_ANOTHER_LOG && *relation_out != KEPT_FORK;
}

bool growth_put(struct dump *d, struct kept *k, const struct note_checkpoint *seen,
                struct bytes raw)
{
    unsigned long long size = seen->size;

    if (!kept_put(k, raw)) {
        d->finding_count++;
        return false;
    }
    if (k->is_there)
        fprintf(stderr, "kept: %s: the log of %llu slots, which begins with the %llu seen before\n",
                k->path, size, (unsigned long long)k->checkpoint.size);
    else
        fprintf(stderr, "kept: %s: the log of %llu slots, the first that is seen of it\n", k->path,
                size);
    return true;
}

/* --growth shows that the larger log begins with the smaller one. The larger was found good. */
static bool is_shown(struct dump *d, const struct note_checkpoint *small,
                     const struct note_checkpoint *large)
{
    struct note_proof proof;
    struct note note;
    struct note_checkpoint top;
    struct tree_hash roots[2];
    struct tree_hash hashes[NOTE_HASHES_MAX];
    struct writer file;

    bool good = proof_read_file(d->options->growth, NOTE_SIZE_MAX, &file) &&
                note_proof_parse(writer_result(&file), &proof) == RSM_OK &&
                proof.kind == NOTE_CONSISTENCY && note_parse(proof.checkpoint, &note) == RSM_OK &&
                note_checkpoint_parse(note.text, &top) == RSM_OK && is_same(&top, large) &&
                proof.number == small->size;
    if (good) {
        memcpy(roots[0].data, small->root, TREE_HASH_SIZE);
        memcpy(roots[1].data, large->root, TREE_HASH_SIZE);
        memcpy(hashes, proof.hashes, sizeof(hashes));
        good = tree_consistency_is_good(small->size, &roots[0], large->size, &roots[1], hashes,
                                        proof.hash_count);
    }
    if (!good)
        dump_finding(d,
                     "%s: it does not show that the log of %llu slots begins with the one of %llu: "
                     "of other checkpoints, or the log was rewritten",
                     d->options->growth, (unsigned long long)large->size,
                     (unsigned long long)small->size);
    writer_deinit(&file);
    return good;
}

bool growth_take(struct dump *d, struct kept *k, const struct note_checkpoint *seen,
                 struct bytes raw, const struct note_checkpoint *old)
{
    enum kept_relation relation;

    if (k->path == NULL)
        return true;
    if (!growth_compare(d, k, seen, &relation))
        return false;
    if (relation == KEPT_SAME)
        return true;
    if (relation == KEPT_FIRST)
        return growth_put(d, k, seen, raw);
    bool is_newer = relation == KEPT_NEWER;
    const struct note_checkpoint *small = is_newer ? &k->checkpoint : seen;
    const struct note_checkpoint *large = is_newer ? seen : &k->checkpoint;
    bool good = (is_newer && old != NULL && is_same(old, &k->checkpoint)) || small->size == 0;
    if (!good && d->options->growth == NULL)
        dump_finding(d,
                     "%s: %s, %llu slots where %llu were seen before, and nothing shows that one "
                     "begins with the other: --growth FILE, made by rsm-dump consistency %llu of "
                     "the log of %llu",
                     k->path,
                     is_newer ? "a newer checkpoint" : "an older one: a log does not shrink",
                     (unsigned long long)seen->size, (unsigned long long)k->checkpoint.size,
                     (unsigned long long)small->size, (unsigned long long)large->size);
    good = good || (d->options->growth != NULL && is_shown(d, small, large));
    return good && (!is_newer || growth_put(d, k, seen, raw));
}
