/* SPDX-License-Identifier: Apache-2.0 */
/* note_proof.c - checkpoints and proofs of note.h. */
#include <string.h>

#include "src/command/note.h"
#include "src/command/note_text.h"

static const char inclusion_line[] = "c2sp.org/tlog-proof@v1";

/* One hash in base64. */
static bool parse_hash(struct bytes text, uint8_t out[NOTE_HASH_SIZE])
{
    struct writer bytes;
    writer_init(&bytes, NOTE_HASH_SIZE);
    bool is_good =
        text.size == 44 && note_base64_read(text, &bytes) && bytes.size == NOTE_HASH_SIZE;
    if (is_good)
        memcpy(out, bytes.data, NOTE_HASH_SIZE);
    writer_deinit(&bytes);
    return is_good;
}

void note_checkpoint_write(const struct note_checkpoint *checkpoint, struct writer *out)
{
    writer_bytes(out, checkpoint->origin);
    writer_format(out, "\n%llu\n", (unsigned long long)checkpoint->size);
    note_base64_write(bytes_make(checkpoint->root, NOTE_HASH_SIZE), out);
    writer_u8(out, '\n');
}

enum rsm_status note_checkpoint_parse(struct bytes text, struct note_checkpoint *out)
{
    struct bytes size, root;
    *out = (struct note_checkpoint){.size = 0};
    if (!note_take_line(&text, &out->origin) || !note_take_line(&text, &size) ||
        !note_take_line(&text, &root) || text.size > 0)
        return RSM_MALFORMED;
    bool is_good =
        out->origin.size > 0 && note_parse_number(size, &out->size) && parse_hash(root, out->root);
    return is_good ? RSM_OK : RSM_MALFORMED;
}

void note_proof_write(const struct note_proof *proof, struct writer *out)
{
    if (proof->kind == NOTE_INCLUSION) {
        writer_format(out, "%s\n", inclusion_line);
        if (proof->extra.size > 0) {
            writer_format(out, "extra ");
            writer_bytes(out, proof->extra);
            writer_u8(out, '\n');
        }
    }
    writer_format(out, "%s %llu\n", proof->kind == NOTE_INCLUSION ? "index" : "old",
                  (unsigned long long)proof->number);
    for (uint32_t i = 0; i < proof->hash_count; i++) {
        note_base64_write(bytes_make(proof->hashes[i], NOTE_HASH_SIZE), out);
        writer_u8(out, '\n');
    }
    writer_u8(out, '\n');
    writer_bytes(out, proof->checkpoint);
}

/* The lines before the hashes. */
static bool parse_head(struct bytes *rest, struct note_proof *out)
{
    struct bytes line;
    out->kind = NOTE_CONSISTENCY;
    if (!note_take_line(rest, &line))
        return false;
    if (bytes_equal(line, bytes_of_string(inclusion_line))) {
        out->kind = NOTE_INCLUSION;
        if (!note_take_line(rest, &line))
            return false;
        if (note_take_prefix(&line, "extra ")) {
            out->extra = line;
            if (line.size == 0 || !note_take_line(rest, &line))
                return false;
        }
    }
    return note_take_prefix(&line, out->kind == NOTE_INCLUSION ? "index " : "old ") &&
           note_parse_number(line, &out->number);
}

enum rsm_status note_proof_parse(struct bytes raw, struct note_proof *out)
{
    struct bytes line, rest = raw;
    *out = (struct note_proof){.hash_count = 0};
    if (raw.size > NOTE_EXTRA_MAX + NOTE_SIZE_MAX)
        return RSM_TOO_LARGE;
    if (!parse_head(&rest, out))
        return RSM_MALFORMED;
    while (note_take_line(&rest, &line)) {
        if (line.size == 0) {
            out->checkpoint = rest;
            return rest.size > 0 ? RSM_OK : RSM_MALFORMED;
        }
        if (out->hash_count == NOTE_HASHES_MAX)
            return RSM_TOO_MANY;
        if (!parse_hash(line, out->hashes[out->hash_count++]))
            return RSM_MALFORMED;
    }
    return RSM_MALFORMED;
}
