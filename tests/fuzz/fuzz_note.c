/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_note.c - any bytes as a proof, a note, a checkpoint: what is taken is written back the same.
 */
#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/note.h"
#include "tests/fuzz/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key of nobody: its signatures are looked for in each note. */
static const char key_text[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

/* Another one's, for cosignatures: those have a time. */
static const char cosigner_text[] =
    "cosigner+a4f1bca5+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

/* A key as text, which is written back the same. */
static void take_key(struct bytes raw)
{
    struct note_key key;
    struct writer again;
    char *text = mem_copy_text(raw.data, raw.size);
    if (note_key_parse(text, &key) == RSM_OK) {
        writer_init(&again, raw.size + 1);
        note_key_format(&key, &again);
        CHECK(bytes_equal(writer_result(&again), bytes_of_string(text)));
        writer_deinit(&again);
    }
    mem_free(text);
}

static void take_note(struct bytes raw)
{
    struct note note;
    struct note_key key;
    struct note_checkpoint checkpoint;
    struct writer again;
    uint64_t seconds = 0;
    if (note_parse(raw, &note) != RSM_OK)
        return;
    CHECK(note.text.size + note.signatures.size + 1 == raw.size);
    CHECK(note_key_parse(key_text, &key) == RSM_OK);
    (void)note_verify(&note, &key, &seconds);
    CHECK(note_key_parse(cosigner_text, &key) == RSM_OK);
    CHECK(note_verify(&note, &key, &seconds) != RSM_OK);
    if (note_checkpoint_parse(note.text, &checkpoint) != RSM_OK)
        return;
    writer_init(&again, NOTE_SIZE_MAX);
    note_checkpoint_write(&checkpoint, &again);
    CHECK(bytes_equal(writer_result(&again), note.text));
    writer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes raw = bytes_make(data, size);
    struct note_proof proof;
    struct writer again;
    crypto_begin();
    take_key(raw);
    take_note(raw);
    if (note_proof_parse(raw, &proof) != RSM_OK)
        return 0;
    writer_init(&again, size + 1);
    note_proof_write(&proof, &again);
    CHECK(bytes_equal(writer_result(&again), raw));
    writer_deinit(&again);
    take_note(proof.checkpoint);
    return 0;
}
