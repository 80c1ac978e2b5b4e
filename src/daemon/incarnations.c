/* SPDX-License-Identifier: GPL-3.0-or-later */
/* incarnations.c - see incarnations.h. */
#include "src/daemon/incarnations.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/crc32c.h"
#include "src/base/log.h"

#define FILE_NAME "peers"
#define FILE_SIZE_MAX 1024u
#define HEAD "rsm peers\nformat = 1\n"

static void encode(const struct incarnations *table, struct writer *w)
{
    writer_format(w, HEAD);
    for (uint32_t i = 1; i <= REPLICA_MAX; i++)
        if (table->known[i] != 0)
            writer_format(w, "%u = %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, table->known[i],
                          table->pinned[i], table->former[i]);
    writer_format(w, "check = %08x\n", crc32c(0, w->data, w->size));
}

/* There is one text for one table: what does not come out the same again is damaged. */
static enum rsm_status decode(struct incarnations *table, struct bytes text)
{
    char copy[FILE_SIZE_MAX + 1] = "";
    struct writer again;
    memcpy(copy, text.data, text.size);
    if (strncmp(copy, HEAD, strlen(HEAD)) != 0)
        return strncmp(copy, HEAD, 10) == 0 ? RSM_NEWER_FORMAT : RSM_DAMAGED;
    const char *at = copy + strlen(HEAD);
    unsigned replica;
    uint64_t known, pinned, former;
    int used;
    while (sscanf(at, "%u = %" SCNu64 " %" SCNu64 " %" SCNu64 "\n%n", &replica, &known, &pinned,
                  &former, &used) == 4) {
        if (replica < 1 || replica > REPLICA_MAX)
            return RSM_DAMAGED;
        table->known[replica] = known;
        table->pinned[replica] = pinned;
        table->former[replica] = former;
        at += used;
    }
    writer_init(&again, FILE_SIZE_MAX);
    encode(table, &again);
    bool same = bytes_equal(writer_result(&again), text);
    writer_deinit(&again);
    return same ? RSM_OK : RSM_DAMAGED;
}

enum rsm_status incarnations_open(struct incarnations *table, const struct data_dir *dir)
{
    struct blob *text = NULL;
    *table = (struct incarnations){.dir = dir};
    enum rsm_status status = data_dir_read_file(dir, FILE_NAME, FILE_SIZE_MAX, &text);
    if (status == RSM_NOT_FOUND)
        return RSM_OK;
    if (status == RSM_OK)
        status = decode(table, blob_bytes(text));
    blob_unref(text);
    return status;
}

/* Writes the table down; what fails is not taken. */
static enum rsm_status replace(struct incarnations *table, uint32_t replica, uint64_t known,
                               uint64_t pinned, uint64_t former)
{
    struct incarnations before = *table;
    struct writer text;
    table->known[replica] = known;
    table->pinned[replica] = pinned;
    table->former[replica] = former;
    writer_init(&text, FILE_SIZE_MAX);
    encode(table, &text);
    enum rsm_status status = data_dir_write_file(table->dir, FILE_NAME, writer_result(&text));
    writer_deinit(&text);
    if (status == RSM_OK)
        return RSM_OK;
    *table = before;
    LOG(LOG_ERROR, "peers-file", LOG_TEXT("status", rsm_status_text(status)));
    return status;
}

bool incarnations_accept(struct incarnations *table, uint32_t replica, uint64_t incarnation,
                         bool rejoin)
{
    CHECK(replica >= 1 && replica <= REPLICA_MAX);
    uint64_t known = table->known[replica];
    if (incarnation == 0 || incarnation == known)
        return incarnation != 0;
    if (known != 0 && !rejoin && !MUTANT(TALK_TO_ANY_INCARNATION))
        return false;
    return replace(table, replica, incarnation, table->pinned[replica], known) == RSM_OK;
}

enum rsm_status incarnations_pin(struct incarnations *table, uint32_t replica, uint64_t incarnation)
{
    CHECK(replica >= 1 && replica <= REPLICA_MAX);
    if (incarnation == 0 || table->pinned[replica] == incarnation)
        return RSM_OK;
    if (table->former[replica] == incarnation)
        return replace(table, replica, table->known[replica], incarnation, incarnation);
    return replace(table, replica, incarnation, incarnation, 0);
}
