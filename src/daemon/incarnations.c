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
#define FILE_SIZE_MAX 4096u
#define HEAD "rsm peers\nformat = %u\n"
#define FORMAT 2u
#define FORMAT_OF_ONE 1u /* former; 0 stands for none */

static void encode(const struct incarnations *table, unsigned format, struct writer *w)
{
    writer_format(w, HEAD, format);
    for (uint32_t i = 1; i <= REPLICA_MAX; i++) {
        const uint64_t *former = table->former[i];
        if (table->known[i] == 0)
            continue;
        writer_format(w, "%u = %" PRIu64 " %" PRIu64, i, table->known[i], table->pinned[i]);
        uint32_t most = format == FORMAT_OF_ONE ? 1 : FORMER_MAX;
        for (uint32_t k = 0; k < most && (former[k] != 0 || format == FORMAT_OF_ONE); k++)
            writer_format(w, " %" PRIu64, former[k]);
        writer_format(w, "\n");
    }
    writer_format(w, "check = %08x\n", crc32c(0, w->data, w->size));
}

/* A line's numbers behind the replica's; what is behind the line. NULL: it is none. */
static const char *decode_line(struct incarnations *table, const char *at)
{
    unsigned replica;
    uint64_t known, pinned;
    int used = 0;
    if (sscanf(at, "%u = %" SCNu64 " %" SCNu64 "%n", &replica, &known, &pinned, &used) != 3 ||
        replica < 1 || replica > REPLICA_MAX)
        return NULL;
    table->known[replica] = known;
    table->pinned[replica] = pinned;
    at += used;
    for (uint32_t k = 0; k < FORMER_MAX && *at == ' '; k++, at += used)
        if (sscanf(at, " %" SCNu64 "%n", &table->former[replica][k], &used) != 1)
            return NULL;
    return *at == '\n' ? at + 1 : NULL;
}

/* There is one text for one table: what does not come out the same again is damaged. */
static enum rsm_status decode(struct incarnations *table, struct bytes text)
{
    char copy[FILE_SIZE_MAX + 1] = "";
    struct writer again;
    unsigned format = 0;
    int used = 0;
    memcpy(copy, text.data, text.size);
    if (sscanf(copy, HEAD "%n", &format, &used) != 1 || format == 0)
        return RSM_DAMAGED;
    if (format > FORMAT)
        return RSM_NEWER_FORMAT;
    for (const char *at = copy + used; at != NULL && *at >= '1' && *at <= '9';)
        at = decode_line(table, at);
    writer_init(&again, FILE_SIZE_MAX);
    encode(table, format, &again);
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

/* Writes the table down; when that fails it is `before` again. */
static enum rsm_status keep(struct incarnations *table, const struct incarnations *before)
{
    struct writer text;
    writer_init(&text, FILE_SIZE_MAX);
    encode(table, FORMAT, &text);
    enum rsm_status status = data_dir_write_file(table->dir, FILE_NAME, writer_result(&text));
    writer_deinit(&text);
    if (status == RSM_OK)
        return RSM_OK;
    *table = *before;
    LOG(LOG_ERROR, "peers-file", LOG_TEXT("status", rsm_status_text(status)));
    return status;
}

static bool is_among(const uint64_t former[FORMER_MAX], uint64_t number)
{
    for (uint32_t k = 0; k < FORMER_MAX && former[k] != 0; k++)
        if (former[k] == number)
            return true;
    return false;
}

/* The replica has another number now; what it had before is not forgotten. */
static void rename_to(struct incarnations *table, uint32_t replica, uint64_t number)
{
    uint64_t *former = table->former[replica];
    if (table->known[replica] != 0) {
        memmove(former + 1, former, (FORMER_MAX - 1) * sizeof *former);
        former[0] = table->known[replica];
    }
    table->known[replica] = number;
}

bool incarnations_accept(struct incarnations *table, uint32_t replica,
                         const struct incarnation *incarnation, bool takes_any)
{
    CHECK(replica >= 1 && replica <= REPLICA_MAX);
    uint64_t known = table->known[replica];
    uint64_t number = incarnation->number;
    if (number == 0 || number == known)
        return number != 0;
    /* It went on from what is known; and nothing that is known goes on from it. */
    bool has_rejoined =
        is_among(incarnation->former, known) && !is_among(table->former[replica], number);
    if (known != 0 && !incarnation->rejoins && !has_rejoined && !takes_any &&
        !MUTANT(TALK_TO_ANY_INCARNATION))
        return false;
    struct incarnations before = *table;
    rename_to(table, replica, number);
    return keep(table, &before) == RSM_OK;
}

enum rsm_status incarnations_rename(struct incarnations *table, uint32_t self, uint64_t number,
                                    uint64_t next)
{
    CHECK(self >= 1 && self <= REPLICA_MAX && number != 0 && next != 0);
    struct incarnations before = *table;
    if (table->known[self] != number && !is_among(table->former[self], number)) {
        table->known[self] = number; /* the first time; or the log says that another disk is it */
        memset(table->former[self], 0, sizeof table->former[self]);
    }
    if (table->known[self] != next) /* else an earlier run came as far as this */
        rename_to(table, self, next);
    return keep(table, &before);
}

struct incarnation incarnations_own(const struct incarnations *table, uint32_t self,
                                    uint64_t number, bool rejoins)
{
    struct incarnation own = {.number = number, .rejoins = rejoins};
    CHECK(self >= 1 && self <= REPLICA_MAX && number != 0);
    if (table->known[self] == number) /* else the list is another one's */
        memcpy(own.former, table->former[self], sizeof own.former);
    return own;
}

enum rsm_status incarnations_pin(struct incarnations *table, uint32_t replica, uint64_t incarnation)
{
    CHECK(replica >= 1 && replica <= REPLICA_MAX);
    if (incarnation == 0 || table->pinned[replica] == incarnation)
        return RSM_OK;
    struct incarnations before = *table;
    table->pinned[replica] = incarnation;
    if (table->known[replica] != incarnation && !is_among(table->former[replica], incarnation)) {
        table->known[replica] = incarnation;
        memset(table->former[replica], 0, sizeof table->former[replica]);
    }
    return keep(table, &before);
}
