/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_dump.c - rsm-dump on good, live, tampered, damaged and wrong directories: the whole program,
 * in a child, with its output in a file.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <rsm/body.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/crc32c.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/io/child.h"
#include "src/machine/logtable.h"
#include "src/machine/tables.h"
#include "storage/store.h"
#include "tests/lib/replica_dir.h"
#include "tools/rsm-dump/dump.h"

#define ARGUMENTS_MAX 10

struct run {
    const char *arguments[ARGUMENTS_MAX];
    const char *out_path;
    const char *err_path;
};

static int run_in_child(void *context)
{
    struct run *run = context;
    int count = 1;

    /* Criterion's worker has these open; the tool's own descriptors are what is looked at. */
    if (freopen(run->out_path, "w", stdout) == NULL || freopen(run->err_path, "w", stderr) == NULL)
        return 99;
    char *argv[ARGUMENTS_MAX + 2] = {mem_copy_string("rsm-dump")};
    for (; count <= ARGUMENTS_MAX && run->arguments[count - 1] != NULL; count++)
        argv[count] = mem_copy_string(run->arguments[count - 1]);
    return dump_main(count, argv);
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = mem_alloc(1 << 20);

    cr_assert_not_null(file);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

static char *last_out; /* of the last run; owned here */
static char *last_err;

/* Runs `rsm-dump --dir PATH arguments`; gives the exit status, or -1 when it was killed. */
static int dump(const struct replica_dir *r, const char *path, const char *a, const char *b,
                const char *c)
{
    char out_path[TEMP_DIR_SIZE + 64];
    char err_path[TEMP_DIR_SIZE + 64];
    struct run run = {.arguments = {"--dir", path, a, b, c}};
    struct child_end end;

    run.out_path = temp_dir_path(&r->temp, "out", out_path);
    run.err_path = temp_dir_path(&r->temp, "err", err_path);
    cr_assert_eq(child_run(run_in_child, &run, 60, &end), RSM_OK);
    mem_free(last_out);
    mem_free(last_err);
    last_out = read_text(out_path);
    last_err = read_text(err_path);
    return end.exited ? end.exit_status : -1;
}

static void assert_has(const char *text, const char *part)
{
    cr_assert_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part)
{
    cr_assert_null(strstr(text, part), "\"%s\" in:\n%s", part, text);
}

/* Six slots: a zone, changes, a no-op; the last two only in the journal. */
static void make(struct replica_dir *r)
{
    replica_dir_make(r);
    replica_dir_add_zone(r, "example.org.");
    replica_dir_change(r, "example.org.", 1);
    replica_dir_change(r, "example.org.", 2);
    replica_dir_add(r, bytes_make(NULL, 0));
    replica_dir_commit(r);
    replica_dir_change(r, "example.org.", 3);
    replica_dir_add_zone(r, "example.com.");
}

static uint32_t tree_sum; /* nftw has no context */

static int add_file(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    uint8_t buffer[4096];

    (void)place;
    tree_sum = crc32c(tree_sum, path, strlen(path));
    tree_sum = crc32c(tree_sum, &info->st_size, sizeof(info->st_size));
    int file = kind == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    while (file >= 0) {
        ssize_t size = read(file, buffer, sizeof(buffer));
        if (size <= 0)
            break;
        tree_sum = crc32c(tree_sum, buffer, (size_t)size);
    }
    if (file >= 0)
        close(file);
    return 0;
}

/* Names, sizes and bytes of all files below. */
static uint32_t sum_of(const char *path)
{
    tree_sum = 0;
    cr_assert_eq(nftw(path, add_file, 16, FTW_PHYS), 0);
    return tree_sum;
}

Test(dump, a_good_directory_verifies_and_is_not_touched)
{
    struct replica_dir r;

    make(&r);
    replica_dir_stop(&r);
    uint32_t before = sum_of(r.path);
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 0, "%s%s", last_out, last_err);
    assert_has(last_out, "6 slots verified");
    assert_has(last_out, "4 of them in the store");
    assert_has(last_out, "2 chosen and still only in the journal");
    cr_assert_eq(dump(&r, r.path, "verify", "--json", NULL), 0);
    assert_has(last_out, "\"good\":true");
    cr_assert_eq(dump(&r, r.path, "log", NULL, NULL), 0);
    cr_assert_eq(dump(&r, r.path, "journal", NULL, NULL), 0);
    cr_assert_eq(dump(&r, r.path, "state", NULL, NULL), 0);
    cr_assert_eq(sum_of(r.path), before, "read-only means read-only");
    replica_dir_remove(&r);
}

Test(dump, a_running_replica_can_be_looked_at)
{
    struct replica_dir r;

    make(&r);
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 0, "%s%s", last_out, last_err);
    assert_has(last_out, "6 slots verified");
    replica_dir_change(&r, "example.org.", 9);
    replica_dir_commit(&r);
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 0);
    assert_has(last_out, "7 of them in the store");
    replica_dir_remove(&r);
}

Test(dump, log_shows_each_slot_and_filters)
{
    struct replica_dir r;

    make(&r);
    replica_dir_stop(&r);
    cr_assert_eq(dump(&r, r.path, "log", NULL, NULL), 0);
    assert_has(last_out, "1 2025-11-23T12:13:21.000Z commands alice 1 zone.create example.org. "
                         "applied\n");
    assert_has(last_out, "4 2025-11-23T12:13:23.000Z no-op\n");
    assert_has(last_out, "alice 4 rrset.change example.org.  (chosen, in the journal only)\n");
    cr_assert_eq(dump(&r, r.path, "log", "--zone", "example.com"), 0);
    assert_has(last_out, "zone.create example.com.");
    assert_has_not(last_out, "example.org.");
    cr_assert_eq(dump(&r, r.path, "log", "--author", "bob"), 0);
    cr_assert_str_empty(last_out);
    cr_assert_eq(dump(&r, r.path, "log", "--from=2", "--to=3"), 0);
    assert_has_not(last_out, "zone.create");
    assert_has(last_out, "alice 3 rrset.change");
    assert_has_not(last_out, "no-op");
    cr_assert_eq(dump(&r, r.path, "log", "--json", "--from=3"), 0);
    assert_has(last_out, "{\"slot\":3,");
    replica_dir_remove(&r);
}

Test(dump, show_tells_everything_about_a_slot)
{
    struct replica_dir r;

    make(&r);
    replica_dir_stop(&r);
    cr_assert_eq(dump(&r, r.path, "show", "2", NULL), 0);
    assert_has(last_out, "\"rdatas\": [");
    assert_has(last_out, "\"192.0.2.1\"");
    assert_has(last_out, "\"verdict\": \"applied\"");
    assert_has(last_out, "\"reason\": \"a test\"");
    assert_has(last_out, "\"in_store\": true");
    cr_assert_eq(dump(&r, r.path, "show", "6", NULL), 0);
    assert_has(last_out, "\"in_store\": false");
    cr_assert_eq(dump(&r, r.path, "show", "7", NULL), 3);
    cr_assert_str_empty(last_out);
    cr_assert_eq(dump(&r, r.path, "show", "0", NULL), 3);
    replica_dir_remove(&r);
}

Test(dump, state_travels_in_time_and_diff_names_the_change)
{
    struct replica_dir r;

    make(&r);
    replica_dir_stop(&r);
    cr_assert_eq(dump(&r, r.path, "state", NULL, NULL), 0);
    assert_has(last_out, "192.0.2.3");
    assert_has(last_out, "zone example.com. ");
    assert_has(last_out, "principal alice ");
    cr_assert_not_null(strstr(last_out, "members 0000000001 {\"effective_slot\":1,"));
    cr_assert_eq(dump(&r, r.path, "state", "--at=2", NULL), 0);
    assert_has(last_out, "192.0.2.1");
    assert_has_not(last_out, "192.0.2.3");
    assert_has_not(last_out, "example.com");
    cr_assert_eq(dump(&r, r.path, "state", "--at=2025-11-23T12:13:22Z", NULL), 0);
    assert_has(last_out, "slot 2, ");
    cr_assert_eq(dump(&r, r.path, "state", "--at=2001-01-01", NULL), 3);
    cr_assert_eq(dump(&r, r.path, "state", "--at=soon", NULL), 3);
    cr_assert_eq(dump(&r, r.path, "state", "--zone", "example.com"), 0);
    assert_has_not(last_out, "alice {");
    cr_assert_eq(dump(&r, r.path, "diff", "2", "3"), 0);
    assert_has(last_out, "- rrset example.org. www.example.org. A ");
    assert_has(last_out, "+ rrset example.org. www.example.org. A ");
    assert_has_not(last_out, "principal");
    cr_assert_eq(dump(&r, r.path, "diff", "3", "3"), 0);
    cr_assert_str_empty(last_out);
    replica_dir_remove(&r);
}

/* Writes one row into the store of a directory, checks and all: a tampered one, not a damaged one.
 */
static void tamper(struct replica_dir *r, uint8_t table, struct bytes key, size_t offset)
{
    struct bytes value;

    cr_assert_eq(kv_get(store_kv(r->store), table, key, &value), RSM_OK);
    cr_assert_lt(offset, value.size);
    uint8_t *copy = mem_copy(value.data, value.size);
    copy[offset] ^= 1;
    cr_assert_eq(kv_put(r->state, table, key, bytes_make(copy, value.size)), RSM_OK);
    mem_free(copy);
    replica_dir_commit(r);
    replica_dir_stop(r);
}

Test(dump, verify_names_the_first_wrong_slot)
{
    static const struct {
        uint8_t table;
        size_t offset;
        const char *words;
    } cases[] = {
        {TABLE_VERDICT, 3, "slot 3: the entry chain breaks here"},
        {TABLE_VERDICT, 40, "slot 3: the verdict chain breaks here"},
        {TABLE_VERDICT, 71, "slot 3: its log time"},
        {TABLE_VERDICT, 80, "slot 3: its effects"},
        {TABLE_VERDICT, 110, "slot 3: its verdicts"},
        {TABLE_LOG, 0, "slot 3: entry or envelope"},
        {TABLE_LOG, 60, "slot 3: entry or envelope"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct replica_dir r;
        struct key key;
        make(&r);
        key_slot(&key, 3);
        tamper(&r, cases[i].table, key_bytes(&key), cases[i].offset);
        cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 1, "case %zu", i);
        assert_has(last_out, cases[i].words);
        replica_dir_remove(&r);
    }
}

/* A log that was chained over a wrong entry: the chain is whole, the signature is not good. */
Test(dump, verify_checks_signatures)
{
    struct replica_dir r;
    struct rsm_buffer body = {NULL, 0};
    const uint8_t zone[] = {4, 'e', 'v', 'i', 'l', 0};

    make(&r);
    cr_assert_eq(rsm_body_zone_delete(rsm_bytes_make(zone, sizeof(zone)), &body), RSM_OK);
    replica_dir_command(&r, RSM_KIND_ZONE_DELETE, body, true);
    replica_dir_commit(&r);
    replica_dir_stop(&r);
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 1);
    assert_has(last_out, "slot 7: entry or envelope: the signature is not good");
    replica_dir_remove(&r);
}

Test(dump, verify_compares_the_state)
{
    struct replica_dir r;

    make(&r);
    tamper(&r, TABLE_PRINCIPAL, bytes_of_string("alice"), 0);
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 1);
    assert_has(last_out, "store and replay differ");
    replica_dir_remove(&r);
}

/* Another byte than was there, whatever was there. */
static void flip_byte(const char *path, off_t offset)
{
    uint8_t byte;
    int file = open(path, O_RDWR | O_CLOEXEC);

    cr_assert_eq(pread(file, &byte, 1, offset), 1);
    byte ^= 0x40;
    cr_assert_eq(pwrite(file, &byte, 1, offset), 1);
    close(file);
}

/* All slots are in the journal yet: what the store has is looked at all the same. */
Test(dump, verify_does_not_believe_a_store_that_says_it_has_applied_nothing)
{
    struct replica_dir r;
    const uint8_t zero[8] = {0};

    make(&r);
    cr_assert_eq(kv_put(r.state, TABLE_META, bytes_of_string(META_APPLIED), bytes_make(zero, 8)),
                 RSM_OK);
    replica_dir_commit(&r);
    replica_dir_stop(&r);
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 1, "%s", last_out);
    assert_has(last_out, "finding: state after slot 0, table ");
    replica_dir_remove(&r);
}

/* A row that no table of the state has: the store's own identity, sum of a commit, format. */
Test(dump, verify_reads_the_rows_of_the_store_itself)
{
    struct replica_dir r;
    char path[TEMP_DIR_SIZE + 128];
    size_t size = 0, found = 0;

    make(&r);
    replica_dir_stop(&r);
    snprintf(path, sizeof(path), "%s/store/data.mdb", r.path);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    uint8_t *bytes = mem_alloc(8u << 20);
    size = fread(bytes, 1, 8u << 20, file);
    fclose(file);
    /* Each copy of the key, the live one among them: key, checksum, rows. */
    for (uint8_t *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), "\0sum", 4)) != NULL;
         at++) {
        flip_byte(path, (off_t)(at - bytes) + 4 + 4 + 7);
        found++;
    }
    cr_assert_gt(found, 0);
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 1, "%s", last_out);
    assert_has(last_out, "finding: store: ");
    mem_free(bytes);
    replica_dir_remove(&r);
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

Test(dump, replay_says_what_each_slot_changed)
{
    struct replica_dir r;

    make(&r);
    replica_dir_stop(&r);
    uint32_t before = sum_of(r.path);
    cr_assert_eq(dump(&r, r.path, "replay", "--step", NULL), 0);
    cr_assert_eq(count_of(last_out, "  rows changed  "), 6);
    cr_assert_eq(count_of(last_out, "  rows changed  0\n"), 1, "the no-op alone:\n%s", last_out);
    cr_assert_eq(count_of(last_out, "  as stored\n"), 8);
    cr_assert_eq(count_of(last_out, "  not stored yet\n"), 4);
    cr_assert_eq(dump(&r, r.path, "replay", "--to=3", NULL), 0);
    cr_assert_eq(count_of(last_out, "  rows changed  "), 1);
    cr_assert_eq(strncmp(last_out, "3 ", 2), 0);
    cr_assert_eq(dump(&r, r.path, "replay", "--step", "--from=3"), 0);
    cr_assert_eq(count_of(last_out, "  rows changed  "), 4);
    cr_assert_eq(dump(&r, r.path, "replay", "--to=7", NULL), 3);
    cr_assert_eq(dump(&r, r.path, "replay", "--to=0", NULL), 3);
    cr_assert_eq(dump(&r, r.path, "log", "--step", NULL), 2);
    cr_assert_eq(sum_of(r.path), before);
    replica_dir_remove(&r);
}

Test(dump, replay_goes_on_behind_what_is_not_as_stored)
{
    struct replica_dir r;
    struct key key;

    make(&r);
    key_slot(&key, 3);
    tamper(&r, TABLE_VERDICT, key_bytes(&key), 40);
    cr_assert_eq(dump(&r, r.path, "replay", "--step", NULL), 1);
    cr_assert_eq(count_of(last_out, "  NOT AS STORED\n"), 1);
    cr_assert_eq(count_of(last_out, "  as stored\n"), 11); /* all six are in the store now */
    cr_assert_eq(count_of(last_err, "finding: "), 1);
    assert_has(last_err, "slot 3: the verdict chain breaks here; it is the first that differs");
    replica_dir_remove(&r);
}

/* A damaged journal: what is wrong and where, and the log of the store is still good. */
Test(dump, a_damaged_journal_is_a_finding)
{
    struct replica_dir r;
    char path[TEMP_DIR_SIZE + 128];

    make(&r);
    replica_dir_stop(&r);
    snprintf(path, sizeof(path), "%s/journal/00000000000000000001.seg", r.path);
    flip_byte(path, 13000);
    cr_assert_eq(dump(&r, r.path, "journal", NULL, NULL), 1);
    assert_has(last_out, "finding: journal segment 1, offset 12800, group 2: bad-group");
    assert_has(last_out, "(behind a damaged place)");
    assert_has(last_out, "slots unknown, between the votes for 1 and 3");
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 1);
    assert_has(last_out, "4 slots verified");
    cr_assert_eq(dump(&r, r.path, "log", NULL, NULL), 0);
    replica_dir_remove(&r);
}

static const char *const files[] = {"identity", "genesis", "store/data.mdb",
                                    "journal/00000000000000000001.seg"};

/* Random bits and lengths of every file, every command: an answer each time, never a crash. */
/* One voter is a quorum: whatever its journal has lost above its store may be gone. */
Test(dump, loss_says_what_may_be_gone)
{
    struct replica_dir r;
    char path[TEMP_DIR_SIZE + 128];
    char nothing[TEMP_DIR_SIZE + 64];

    make(&r);
    replica_dir_stop(&r);
    cr_assert_eq(dump(&r, r.path, "loss", NULL, NULL), 0);
    assert_has(last_out, "store up to slot 4, journal clean, lost nothing");
    assert_has(last_out, "every slot up to 6 is kept");
    assert_has(last_out, "nothing that was acknowledged is lost");
    snprintf(path, sizeof(path), "%s/journal/00000000000000000001.seg", r.path);
    flip_byte(path, 13000);
    cr_assert_eq(dump(&r, r.path, "loss", NULL, NULL), 1);
    assert_has(last_out, "every slot up to 4 is kept");
    assert_has(last_out, "a vote of 1 is left, and is taken over");
    assert_has(last_out, "finding: what was acknowledged in slots ");
    assert_has(last_out, "may be lost");
    cr_assert_eq(dump(&r, r.path, "--json", "loss", NULL), 1);
    assert_has(last_out, "\"journal\":\"damaged\",\"lost\":true");
    assert_has(last_out, "\"nothing_lost\":false");
    cr_assert_eq(dump(&r, r.path, "loss", r.path, NULL), 3);
    assert_has(last_err, "are of the same replica");
    cr_assert_eq(dump(&r, r.path, "loss", temp_dir_path(&r.temp, "nothing", nothing), NULL), 3);
    assert_has(last_err, "no such directory");
    replica_dir_remove(&r);
}

Test(dump, whatever_is_damaged_there_is_an_answer, .timeout = 120)
{
    static const char *const verbs[] = {"log", "verify", "state", "journal"};
    struct replica_dir r;
    struct prng random;
    unsigned findings = 0;

    make(&r);
    replica_dir_stop(&r);
    prng_init(&random, 3);
    for (unsigned i = 0; i < 240; i++) {
        char path[TEMP_DIR_SIZE + 128];
        struct stat info;
        snprintf(path, sizeof(path), "%s/%s", r.path, files[i % 4]);
        int file = open(path, O_RDWR | O_CLOEXEC);
        cr_assert_eq(fstat(file, &info), 0);
        size_t size = (size_t)info.st_size;
        uint8_t *good = mem_alloc(size);
        cr_assert_eq(pread(file, good, size, 0), (ssize_t)size);
        uint64_t kind = prng_below(&random, 10);
        if (kind == 0) {
            cr_assert_eq(ftruncate(file, (off_t)prng_below(&random, size)), 0);
        } else {
            uint8_t bytes[512] = {0};
            size_t part = kind < 7 ? 1 : kind == 9 ? 512 : 8;
            size_t at = prng_below(&random, size);
            if (i % 4 == 3) /* most of a segment holds nothing */
                at = prng_below(&random, 16384);
            for (size_t k = 0; kind != 9 && k < part; k++)
                bytes[k] = (uint8_t)prng_next(&random);
            cr_assert_eq(pwrite(file, bytes, part, (off_t)at), (ssize_t)part);
        }
        int status = dump(&r, r.path, verbs[i / 4 % 4], NULL, NULL);
        cr_assert(status == 0 || status == 1 || status == 3, "%s, change %u: %d", files[i % 4], i,
                  status);
        findings += status == 1;
        if (status == 1)
            cr_assert(strstr(last_out, "finding") != NULL || strstr(last_err, "finding") != NULL);
        cr_assert_eq(ftruncate(file, 0), 0);
        cr_assert_eq(pwrite(file, good, size, 0), (ssize_t)size);
        mem_free(good);
        close(file);
    }
    cr_assert_gt(findings, 60);
    cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), 0, "all is put back");
    replica_dir_remove(&r);
}

Test(dump, parts_that_are_missing)
{
    static const struct {
        const char *name;
        int verify;
    } cases[] = {
        {"identity", 1},
        {"genesis", 1},
        {"journal/00000000000000000001.seg", 1},
        {"store/data.mdb", 0}, /* the journal has it all */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct replica_dir r;
        char path[TEMP_DIR_SIZE + 128];
        make(&r);
        replica_dir_stop(&r);
        snprintf(path, sizeof(path), "%s/%s", r.path, cases[i].name);
        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(dump(&r, r.path, "verify", NULL, NULL), cases[i].verify, "%s: %s%s",
                     cases[i].name, last_out, last_err);
        cr_assert_geq(dump(&r, r.path, "log", NULL, NULL), 0);
        replica_dir_remove(&r);
    }
}

Test(dump, what_is_no_directory_of_a_replica)
{
    struct replica_dir r;
    char path[TEMP_DIR_SIZE + 64];

    make(&r);
    replica_dir_stop(&r);
    cr_assert_eq(dump(&r, "/nonexistent/data", "log", NULL, NULL), 3);
    cr_assert_eq(dump(&r, r.temp.path, "verify", NULL, NULL), 3);
    assert_has(last_err, "no replica's data directory");
    cr_assert_eq(mkdir(temp_dir_path(&r.temp, "empty", path), 0700), 0);
    cr_assert_eq(dump(&r, path, "journal", NULL, NULL), 3);
    cr_assert_eq(dump(&r, temp_dir_path(&r.temp, "out", path), "log", NULL, NULL), 3);
    replica_dir_remove(&r);
}

Test(dump, wrong_usage_is_said_and_help_has_an_example_for_each_command)
{
    struct replica_dir r;

    make(&r);
    replica_dir_stop(&r);
    cr_assert_eq(dump(&r, r.path, NULL, NULL, NULL), 2);
    cr_assert_eq(dump(&r, r.path, "fly", NULL, NULL), 2);
    assert_has(last_err, "no such command");
    cr_assert_eq(dump(&r, r.path, "show", NULL, NULL), 2);
    assert_has(last_err, "show SLOT");
    cr_assert_eq(dump(&r, r.path, "diff", "1", NULL), 2);
    cr_assert_eq(dump(&r, r.path, "log", "--from", "x"), 2);
    cr_assert_eq(dump(&r, r.path, "log", "--sideways", NULL), 2);
    cr_assert_eq(dump(&r, r.path, "log", "--zone", "a..b"), 2);
    cr_assert_eq(dump(&r, r.path, "--help", NULL, NULL), 0);
    unsigned examples = 0;
    for (const char *at = last_out; (at = strstr(at, "example: rsm-dump")) != NULL; at++)
        examples++;
    cr_assert_eq(examples, 16);
    replica_dir_remove(&r);
}
