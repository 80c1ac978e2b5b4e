/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proof.c - see proof.h. */
#include "tools/rsm-dump/proof.h"

#include <errno.h>
#include <string.h>

#include "src/base/mem.h"

#define READ_SIZE 65536u

void proof_origin(const uint8_t cluster[CLUSTER_ID_SIZE], char out[PROOF_ORIGIN_SIZE])
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
        fprintf(stderr, "rsm-dump: %s: %s\n", path, strerror(errno));
    else if (out->failed)
        fprintf(stderr, "rsm-dump: %s: larger than %zu bytes\n", path, size_max);
    bool good = file != NULL && !ferror(file) && !out->failed;
    if (file != NULL)
        fclose(file);
    return good;
}

struct rsm_key *proof_load_key(const char *path)
{
    struct rsm_key *key = NULL;

    if (path == NULL) {
        fputs("rsm-dump: whose signature? --key FILE\n", stderr);
        return NULL;
    }
    enum rsm_status status = rsm_key_load(path, NULL, 0, &key);
    if (status == RSM_BAD_PASSPHRASE)
        fprintf(stderr,
                "rsm-dump: %s: encrypted; give an auditor a key of its own, without a passphrase "
                "(resilience-ctl keygen --plain)\n",
                path);
    else if (status != RSM_OK)
        fprintf(stderr, "rsm-dump: %s: %s\n", path, rsm_status_sentence(status));
    return key;
}
