/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proof.c - see proof.h. */
#include "tools/lib/proof.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"

#define READ_SIZE 65536u

static void proof_origin(const uint8_t cluster[CLUSTER_ID_SIZE], char out[PROOF_ORIGIN_SIZE])
{
    memcpy(out, PROOF_ORIGIN_PREFIX, sizeof(PROOF_ORIGIN_PREFIX));
    hex_encode(out + strlen(PROOF_ORIGIN_PREFIX), bytes_make(cluster, CLUSTER_ID_SIZE));
}

bool proof_parse_origin(struct bytes origin, uint8_t cluster_out[CLUSTER_ID_SIZE])
{
    char text[PROOF_ORIGIN_SIZE] = {0};
    char again[PROOF_ORIGIN_SIZE];

    if (origin.size != PROOF_ORIGIN_SIZE - 1)
        return false;
    memcpy(text, origin.data, origin.size);
    if (!hex_decode(cluster_out, CLUSTER_ID_SIZE, text + strlen(PROOF_ORIGIN_PREFIX)))
        return false;
    proof_origin(cluster_out, again);
    return strcmp(text, again) == 0;
}

void proof_text(const uint8_t cluster[CLUSTER_ID_SIZE], uint64_t size, const struct tree_hash *root,
                struct writer *out)
{
    char origin[PROOF_ORIGIN_SIZE];
    struct note_checkpoint checkpoint = {.size = size};

    proof_origin(cluster, origin);
    checkpoint.origin = bytes_of_string(origin);
    memcpy(checkpoint.root, root->data, NOTE_HASH_SIZE);
    note_checkpoint_write(&checkpoint, out);
}

bool proof_read_file(const char *path, size_t size_max, struct writer *out)
{
    FILE *file = fopen(path, "re");
    uint8_t *buffer = mem_alloc(READ_SIZE);
    size_t size = 0;

    writer_init(out, size_max);
    while (file != NULL && !out->failed && (size = fread(buffer, 1, READ_SIZE, file)) > 0)
        writer_bytes(out, bytes_make(buffer, size));
    mem_free(buffer);
    if (file == NULL || ferror(file))
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, strerror(errno));
    else if (out->failed)
        fprintf(stderr, "%s: %s: larger than %zu bytes\n", program_invocation_short_name, path,
                size_max);
    bool good = file != NULL && !ferror(file) && !out->failed;
    if (file != NULL)
        fclose(file);
    return good;
}

struct rsm_key *proof_load_key(const char *path)
{
    struct rsm_key *key = NULL;

    if (path == NULL) {
        fprintf(stderr, "%s: whose signature? --key FILE\n", program_invocation_short_name);
        return NULL;
    }
    enum rsm_status status = rsm_key_load(path, NULL, 0, &key);
    if (status == RSM_BAD_PASSPHRASE)
        fprintf(stderr,
                "%s: %s: encrypted; give an auditor a key of its own, without a passphrase "
                "(resilience-ctl keygen --plain)\n",
                program_invocation_short_name, path);
    else if (status != RSM_OK)
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path,
                rsm_status_sentence(status));
    return key;
}
