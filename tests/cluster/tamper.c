/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tamper.c - what somebody with root and a compiler does to a stopped replica's store.
 *
 * test-tamper DIR entry|verdict SLOT: flips the last bit of that slot's entry, or of its verdicts,
 * and writes the row as a commit, with good checksums. Twice: as it was.
 *
 * test-tamper DIR row TABLE BYTE: flips the last bit of that byte of the table's first row; a
 * negative BYTE counts from the end. Twice: as it was. `lost`, for BYTE: the row is gone.
 *
 * test-tamper DIR policy: the policy has one number more, as a newer version would write it. Twice:
 * as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/io/data_dir.h"
#include "src/machine/logtable.h"
#include "src/machine/tables.h"
#include "storage/store.h"

static enum rsm_status flip(struct store *store, enum table table, uint64_t slot)
{
    struct kv *overlay = kv_overlay_new(store_kv(store));
    struct key key;
    struct bytes value;

    key_slot(&key, slot);
    enum rsm_status status = kv_get(overlay, (uint8_t)table, key_bytes(&key), &value);
    if (status == RSM_OK && value.size > 0) {
        uint8_t *copy = mem_copy(value.data, value.size);
        copy[value.size - 1] ^= 1;
        status = kv_put(overlay, (uint8_t)table, key_bytes(&key), bytes_make(copy, value.size));
        mem_free(copy);
    }
    if (status == RSM_OK)
        status = store_commit(store, overlay);
    kv_free(overlay);
    return status;
}

/* A row of the state, which no slot of the log says anything about. */
static enum rsm_status tamper_row(struct store *store, uint8_t table, const char *byte)
{
    struct kv *overlay = kv_overlay_new(store_kv(store));
    struct bytes key, value;
    enum rsm_status status = kv_next(overlay, table, (struct bytes){NULL, 0}, false, &key, &value);
    if (status == RSM_OK) {
        uint8_t *name = mem_copy(key.data, key.size);
        uint8_t *copy = mem_copy(value.data, value.size);
        long at = strtol(byte, NULL, 10);
        at += at < 0 ? (long)value.size : 0;
        if (strcmp(byte, "lost") == 0) {
            status = kv_del(overlay, table, bytes_make(name, key.size));
        } else if (at < 0 || (size_t)at >= value.size) {
            status = RSM_USAGE;
        } else {
            copy[at] ^= 1;
            status =
                kv_put(overlay, table, bytes_make(name, key.size), bytes_make(copy, value.size));
        }
        mem_free(copy);
        mem_free(name);
    }
    if (status == RSM_OK)
        status = store_commit(store, overlay);
    kv_free(overlay);
    return status;
}

#define UNKNOWN "\xa7zz-then\x01" /* behind all names of this version; a map has them in order */
#define UNKNOWN_SIZE (sizeof UNKNOWN - 1)

static enum rsm_status toggle_policy(struct store *store)
{
    struct kv *overlay = kv_overlay_new(store_kv(store));
    struct bytes name = bytes_of_string("policy"), value;
    enum rsm_status status = kv_get(overlay, TABLE_POLICY, name, &value);
    if (status == RSM_OK && (value.size == 0 || value.data[0] < 0x80 || value.data[0] >= 0x8f))
        status = RSM_USAGE; /* no map of 0 to 14 numbers */
    if (status == RSM_OK) {
        bool is_there = value.size > UNKNOWN_SIZE &&
                        memcmp(value.data + value.size - UNKNOWN_SIZE, UNKNOWN, UNKNOWN_SIZE) == 0;
        struct writer w;
        writer_init(&w, value.size + UNKNOWN_SIZE);
        writer_u8(&w, (uint8_t)(value.data[0] + (is_there ? -1 : 1)));
        writer_bytes(&w,
                     bytes_make(value.data + 1, value.size - 1 - (is_there ? UNKNOWN_SIZE : 0)));
        if (!is_there)
            writer_bytes(&w, bytes_make((const uint8_t *)UNKNOWN, UNKNOWN_SIZE));
        status = kv_put(overlay, TABLE_POLICY, name, writer_result(&w));
        writer_deinit(&w);
    }
    if (status == RSM_OK)
        status = store_commit(store, overlay);
    kv_free(overlay);
    return status;
}

int main(int argc, char **argv)
{
    struct data_dir *dir = NULL;
    struct store *store = NULL;
    struct store_options options = {.map_size = 0};
    struct store_identity owner = {.replica = 0};
    char path[4096];

    bool is_policy = argc == 3 && strcmp(argv[2], "policy") == 0;
    bool is_row = argc == 5 && strcmp(argv[2], "row") == 0;
    if (argc != 4 && !is_policy && !is_row)
        return 2;
    enum rsm_status status = data_dir_open(argv[1], NULL, &dir, path, sizeof path);
    if (status == RSM_OK) {
        owner.replica = data_dir_identity(dir)->replica;
        memcpy(owner.cluster, data_dir_identity(dir)->cluster, CLUSTER_ID_SIZE);
        snprintf(path, sizeof path, "%s/store", argv[1]);
        status = store_open(path, &owner, &options, &store);
    }
    if (status == RSM_OK && is_policy)
        status = toggle_policy(store);
    else if (status == RSM_OK && is_row)
        status = tamper_row(store, (uint8_t)strtoul(argv[3], NULL, 10), argv[4]);
    else if (status == RSM_OK)
        status = flip(store, strcmp(argv[2], "entry") == 0 ? TABLE_LOG : TABLE_VERDICT,
                      strtoull(argv[3], NULL, 10));
    store_close(store);
    data_dir_close(dir);
    fprintf(stderr, "%s\n", rsm_status_sentence(status));
    return status == RSM_OK ? 0 : 1;
}
