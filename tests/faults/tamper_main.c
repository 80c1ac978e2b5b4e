/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tamper_main.c - one bit of what a replica keeps is turned round, many times, and `rsm-dump
 * verify` has to say where.
 *
 *   tamper-edits [--edits N] [--seed S]     10,000 of them, from 1 on
 *
 * Whoever has root and a compiler writes rows with good checksums (log, verdict, checkpoint); a
 * disk turns bits of files round (store, journal, names). What must hold, kind by kind:
 *
 *   log         a stored entry                       named by its slot
 *   verdict     a row of verdicts                    named by its slot
 *   checkpoint  slot, heads, time and counts of the  named by a slot
 *               state as it was last committed
 *   store       any bit of the store's file          in the row of a slot: named by that slot; in
 *                                                    other data: named by slot, row or store; and
 *                                                    in nothing: every row reads as before
 *   journal     any bit of a segment                 named by slots or by its place; or in nothing:
 *                                                    every record reads as before
 *   names       any bit of identity and genesis      a finding
 *
 * An edit that nobody names and that changes what is read has failed, and so has a crash. The
 * counts of each way to be named are told.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rsm/body.h>

#include "src/base/check.h"
#include "src/base/crc32c.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/io/child.h"
#include "src/machine/logtable.h"
#include "src/machine/tables.h"
#include "storage/store.h"
#include "tests/lib/coverage.h"
#include "tests/lib/replica_dir.h"
#include "tools/rsm-dump/dump.h"

#define ROWS_MAX 512u
#define TEXT_MAX (64u << 10)
#define SEGMENT "journal/00000000000000000001.seg"
#define CHANGES 12u /* 16 slots in the store: with one bit turned it says 0 */

enum kind {
    KIND_LOG,
    KIND_VERDICT,
    KIND_CHECKPOINT,
    KIND_STORE,
    KIND_JOURNAL,
    KIND_NAMES,
    KIND_COUNT,
};

static const char *const kind_names[KIND_COUNT] = {"log",   "verdict", "checkpoint",
                                                   "store", "journal", "names"};
/* Of ten edits. */
static const unsigned shares[KIND_COUNT] = {3, 3, 1, 2, 1, 0};

enum outcome {
    OUTCOME_SLOT,    /* named by a slot, or by slots */
    OUTCOME_ROW,     /* by the row of the state */
    OUTCOME_BESIDE,  /* by the slots of its neighbours in the journal */
    OUTCOME_PLACE,   /* by its place in the journal */
    OUTCOME_WHOLE,   /* something is wrong with the file */
    OUTCOME_NOTHING, /* not part of the data: all of it reads as before */
    OUTCOME_COUNT,
    OUTCOME_FAILED = OUTCOME_COUNT,
};

static const char *const outcome_names[OUTCOME_COUNT] = {"by slot",
                                                         "by slot and row of the state",
                                                         "by the slots beside it",
                                                         "by the place in the journal",
                                                         "as a whole",
                                                         "in no data, and all reads as before"};

struct row {
    uint8_t table;
    struct key key;
    uint64_t slot; /* 0: of the state */
    uint8_t *value;
    size_t size;
};

struct file {
    char path[TEMP_DIR_SIZE + 128];
    uint8_t *good;
    size_t size;
};

enum { FILE_STORE, FILE_JOURNAL, FILE_IDENTITY, FILE_GENESIS, FILE_COUNT };

static const char *const file_names[FILE_COUNT] = {"store/data.mdb", SEGMENT, "identity",
                                                   "genesis"};

static struct replica_dir replica;
static char store_path[TEMP_DIR_SIZE + 128];
static struct file files[FILE_COUNT];
static struct row rows[ROWS_MAX]; /* log, verdicts, META */
static size_t row_count;
static uint32_t good_sum;   /* of all rows of the store */
static char *good_journal;  /* what `rsm-dump journal` prints of it */
static char said[TEXT_MAX]; /* by the last run */
static uint64_t counts[KIND_COUNT][OUTCOME_COUNT + 1];

/* ---- what is there ---- */

static void take_rows(struct kv *kv, uint8_t table)
{
    struct key at = {0, {0}};
    struct bytes key, value;

    while (kv_next(kv, table, key_bytes(&at), at.size > 0, &key, &value) == RSM_OK) {
        CHECK(row_count < ROWS_MAX && key.size <= sizeof(at.data));
        memcpy(at.data, key.data, key.size);
        at.size = key.size;
        if (value.size == 0)
            continue; /* a no-op has no bit */
        rows[row_count++] = (struct row){.table = table,
                                         .key = at,
                                         .slot = table == TABLE_META ? 0 : get_u64(at.data),
                                         .value = mem_copy(value.data, value.size),
                                         .size = value.size};
    }
}

static void keep_file(struct file *f, const char *name)
{
    struct stat info;

    snprintf(f->path, sizeof(f->path), "%s/%s", replica.path, name);
    int file = open(f->path, O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0 && fstat(file, &info) == 0);
    f->size = (size_t)info.st_size;
    f->good = mem_alloc(f->size);
    CHECK(pread(file, f->good, f->size, 0) == info.st_size);
    close(file);
}

static void restore(const struct file *f)
{
    int file = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    CHECK(file >= 0 && write(file, f->good, f->size) == (ssize_t)f->size);
    close(file);
}

static void make(void)
{
    replica_dir_make(&replica);
    replica_dir_add_zone(&replica, "example.org.");
    replica_dir_add_zone(&replica, "example.com.");
    for (unsigned i = 0; i < CHANGES; i++) {
        replica_dir_change(&replica, i % 3 == 0 ? "example.com." : "example.org.",
                           (uint8_t)(1 + i));
        if (i % 5 == 4)
            replica_dir_add(&replica, bytes_make(NULL, 0));
        if (i % 4 == 3)
            replica_dir_commit(&replica);
    }
    replica_dir_commit(&replica);
    take_rows(store_kv(replica.store), TABLE_LOG);
    take_rows(store_kv(replica.store), TABLE_VERDICT);
    take_rows(store_kv(replica.store), TABLE_META);
    replica_dir_change(&replica, "example.org.", 101);
    replica_dir_add_zone(&replica, "example.net.");
    replica_dir_stop(&replica);
    snprintf(store_path, sizeof(store_path), "%s/store", replica.path);
    for (size_t i = 0; i < FILE_COUNT; i++)
        keep_file(&files[i], file_names[i]);
}

/* ---- looking at it ---- */

static int run_dump(void *context)
{
    char out[TEMP_DIR_SIZE + 64];
    char *argv[] = {mem_copy_string("rsm-dump"), mem_copy_string("--dir"), replica.path,
                    mem_copy_string(context), NULL};

    temp_dir_path(&replica.temp, "out", out);
    if (freopen(out, "w", stdout) == NULL || dup2(fileno(stdout), STDERR_FILENO) < 0)
        return 99;
    int status = dump_main(4, argv);
    coverage_write();
    return status;
}

/* Gives the exit status, with what was printed in `said`; -1: it was killed. */
static int dump(const char *command)
{
    char out[TEMP_DIR_SIZE + 64];
    char copy[16];
    struct child_end end;

    snprintf(copy, sizeof(copy), "%s", command);
    CHECK(child_run(run_dump, copy, 60, &end) == RSM_OK);
    FILE *file = fopen(temp_dir_path(&replica.temp, "out", out), "r");
    CHECK(file != NULL);
    said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
    fclose(file);
    return end.exited ? end.exit_status : -1;
}

/* A sum over every row of every table, by the store's own verification. */
static int sum_rows(void *context)
{
    struct store_identity found;
    struct store *store = NULL;
    char text[200];
    uint64_t count = 0;
    uint32_t sum = 0;

    if (store_open_read_only(store_path, false, &found, &store) != RSM_OK ||
        store_verify(store, text, sizeof(text), &count) != RSM_OK)
        return 1;
    struct kv *kv = store_kv(store);
    for (uint8_t table = TABLE_META; table < TABLE_END; table++) {
        struct key at = {0, {0}};
        struct bytes key, value;
        while (kv_next(kv, table, key_bytes(&at), at.size > 0, &key, &value) == RSM_OK) {
            sum = crc32c(sum, &table, 1);
            sum = crc32c(sum, key.data, key.size);
            sum = crc32c(sum, value.data, value.size);
            if (key.size > sizeof(at.data))
                break;
            memcpy(at.data, key.data, key.size);
            at.size = key.size;
        }
    }
    store_close(store);
    int file = open(context, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = file >= 0 && write(file, &sum, sizeof(sum)) == sizeof(sum);
    coverage_write();
    return written ? 0 : 1;
}

/* False: it does not verify. */
static bool read_sum(uint32_t *sum_out)
{
    char path[TEMP_DIR_SIZE + 64];
    struct child_end end;

    temp_dir_path(&replica.temp, "sum", path);
    CHECK(child_run(sum_rows, path, 60, &end) == RSM_OK);
    if (!end.exited || end.exit_status != 0)
        return false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 && read(file, sum_out, sizeof(*sum_out)) == sizeof(*sum_out);
    close(file);
    return good;
}

/* ---- judging what verify said ---- */

struct named {
    bool by_slot;
    bool by_row;
    bool by_place;
    uint64_t first; /* slots */
    uint64_t last;
};

static bool first_finding(struct named *out)
{
    unsigned long long a = 0, b = 0, segment, offset, group;
    char what[64];
    const char *text = strstr(said, "finding: ");

    *out = (struct named){.by_slot = false};
    if (text == NULL)
        return false;
    text += strlen("finding: ");
    if (sscanf(text, "slot %llu:", &a) == 1) {
        *out = (struct named){.by_slot = true, .first = a, .last = a};
    } else if (sscanf(text, "state after slot %llu, table", &a) == 1) {
        *out = (struct named){.by_slot = true, .by_row = true, .first = a, .last = a};
    } else if (sscanf(
                   text,
                   "journal segment %llu, offset %llu, group %llu: %63[a-z-], slots %llu to %llu",
                   &segment, &offset, &group, what, &a, &b) == 6) {
        *out = (struct named){.by_slot = true, .first = a, .last = b};
    } else if (strncmp(text, "journal segment ", 16) == 0) {
        out->by_place = true;
        out->by_slot = strstr(text, " the vote") != NULL; /* of its neighbours */
    }
    return true;
}

static enum outcome outcome_of(const struct named *n, int status)
{
    if (status != 1)
        return OUTCOME_FAILED;
    if (n->by_row)
        return OUTCOME_ROW;
    if (n->by_place)
        return n->by_slot ? OUTCOME_BESIDE : OUTCOME_PLACE;
    return n->by_slot ? OUTCOME_SLOT : OUTCOME_WHOLE;
}

/* Verify says that all is well: then it has to be. */
static enum outcome judge_silence(enum kind kind)
{
    uint32_t sum = 0;

    if (kind == KIND_STORE)
        return read_sum(&sum) && sum == good_sum ? OUTCOME_NOTHING : OUTCOME_FAILED;
    if (kind != KIND_JOURNAL || dump("journal") != 0)
        return OUTCOME_FAILED;
    /* A damaged mark, which the next flush writes anew, is told of as a harmless one. */
    const char *records = strstr(said, "segment 1: ");
    return records != NULL && strcmp(records, good_journal) == 0 ? OUTCOME_NOTHING : OUTCOME_FAILED;
}

/* `slot`: the one that the bit is of, 0 when it is of none in particular. */
static enum outcome judge(enum kind kind, uint64_t slot)
{
    struct named named;
    int status = dump("verify");
    bool is_found = first_finding(&named);

    if (!is_found)
        return status == 0 ? judge_silence(kind) : OUTCOME_FAILED;
    enum outcome outcome = outcome_of(&named, status);
    if (slot != 0 && (outcome != OUTCOME_SLOT || named.first != slot || named.last != slot))
        return OUTCOME_FAILED;
    if (kind == KIND_CHECKPOINT && !named.by_slot)
        return OUTCOME_FAILED;
    return outcome;
}

/* ---- the edits ---- */

/* As a commit, with good checksums. */
static void edit_row(const struct row *row, uint64_t bit)
{
    struct store_options options = {.map_size = 16u << 20};
    struct store_identity owner = {.replica = 1};
    struct store *store = NULL;
    uint8_t *copy = mem_copy(row->value, row->size);

    memcpy(owner.cluster, replica.identity.cluster, CLUSTER_ID_SIZE);
    CHECK(store_open(store_path, &owner, &options, &store) == RSM_OK);
    struct kv *overlay = kv_overlay_new(store_kv(store));
    copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    CHECK(kv_put(overlay, row->table, key_bytes(&row->key), bytes_make(copy, row->size)) == RSM_OK);
    CHECK(store_commit(store, overlay) == RSM_OK);
    kv_free(overlay);
    store_close(store);
    mem_free(copy);
}

static void edit_file(const struct file *f, uint64_t bit)
{
    uint8_t byte = f->good[bit / 8] ^ (uint8_t)(1u << bit % 8);
    int file = open(f->path, O_WRONLY | O_CLOEXEC);

    CHECK(file >= 0 && pwrite(file, &byte, 1, (off_t)(bit / 8)) == 1);
    close(file);
}

/* The slot in whose row the byte lies, where those bytes stand once in the file; else 0. */
static uint64_t slot_at(const struct file *f, uint64_t offset)
{
    for (size_t i = 0; i < row_count; i++) {
        const struct row *row = &rows[i];
        const uint8_t *at = memmem(f->good, f->size, row->value, row->size);
        if (row->slot == 0 || row->size < 32 || at == NULL)
            continue;
        size_t place = (size_t)(at - f->good);
        const uint8_t *again = memmem(at + 1, f->size - place - 1, row->value, row->size);
        if (again == NULL && offset >= place && offset < place + row->size)
            return row->slot;
    }
    return 0;
}

static const struct row *draw_row(struct prng *prng, enum kind kind)
{
    static const uint8_t tables[] = {TABLE_LOG, TABLE_VERDICT, TABLE_META};
    const struct row *row = NULL;

    do
        row = &rows[prng_below(prng, row_count)];
    while (row->table != tables[kind]);
    return row;
}

/* One edit; prints what failed. */
static void run_one(struct prng *prng, enum kind kind, uint64_t number)
{
    const struct file *f = &files[FILE_STORE];
    uint64_t slot = 0, bit = 0;

    if (kind <= KIND_CHECKPOINT) {
        const struct row *row = draw_row(prng, kind);
        bit = prng_below(prng, row->size * 8);
        slot = row->slot;
        edit_row(row, bit);
    } else {
        if (kind == KIND_JOURNAL)
            f = &files[FILE_JOURNAL];
        if (kind == KIND_NAMES)
            f = &files[prng_below(prng, 2) == 0 ? FILE_IDENTITY : FILE_GENESIS];
        bit = prng_below(prng, f->size * 8);
        slot = kind == KIND_STORE ? slot_at(f, bit / 8) : 0;
        edit_file(f, bit);
    }
    enum outcome outcome = judge(kind, slot);
    if (outcome == OUTCOME_FAILED && counts[kind][OUTCOME_FAILED] < 5)
        printf("FAILED: edit %" PRIu64 ", %s, slot %" PRIu64 ", bit %" PRIu64 " of %s:\n%s\n",
               number, kind_names[kind], slot, bit, f->path, said);
    counts[kind][outcome]++;
    restore(f);
}

static enum kind draw_kind(struct prng *prng)
{
    uint64_t die = prng_below(prng, 200);

    if (die == 0)
        return KIND_NAMES;
    unsigned sum = 0;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        sum += shares[kind];
        if (die % 10 < sum)
            return (enum kind)kind;
    }
    return KIND_LOG;
}

static uint64_t tell(uint64_t edits)
{
    uint64_t failed = 0;

    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        failed += counts[kind][OUTCOME_FAILED];
        for (unsigned outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
            if (counts[kind][outcome] != 0)
                printf("note: %-10s %6" PRIu64 " named %s\n", kind_names[kind],
                       counts[kind][outcome], outcome_names[outcome]);
        }
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", edits - failed, failed);
    return failed;
}

int main(int argc, char **argv)
{
    uint64_t edits = 10000, seed = 1;
    struct prng prng;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--edits") == 0)
            edits = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else
            return 2;
    }
    make();
    if (dump("verify") != 0 || !read_sum(&good_sum) || dump("journal") != 0) {
        printf("the good one is not good:\n%s\n0 passed, 1 failed, 0 skipped\n", said);
        return 1;
    }
    good_journal = mem_copy_string(strstr(said, "segment 1: "));
    prng_init(&prng, seed);
    for (uint64_t i = 0; i < edits; i++)
        run_one(&prng, draw_kind(&prng), i);
    for (size_t i = 0; i < row_count; i++)
        mem_free(rows[i].value);
    for (size_t i = 0; i < FILE_COUNT; i++)
        mem_free(files[i].good);
    mem_free(good_journal);
    temp_dir_remove(&replica.temp);
    return tell(edits) == 0 ? 0 : 1;
}
