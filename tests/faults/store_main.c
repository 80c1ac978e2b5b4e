/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_main.c - damage of five kinds to a store's file, many times.
 *
 *   store-damage [--samples N]     of each kind
 *
 * The kinds: one bit turned round; a sector zeroed; two sectors swapped; the file cut; a page as it
 * was before the last commits (a write that was reported and never came). Each is read by a child:
 * store_verify, then every row by its key and by walking. It must hold:
 *
 *   - what store_verify calls sound is the state of the last commit, whole; or, when the newest
 * meta page was lost, that of the commit before, whole (recovery asks the journal how old it may
 * be)
 *   - no row that is read is ever another row's, or one that never was
 *   - the parent lives
 *
 * A key that is there and is not found, or an older row, before anybody verified: counted and told.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/kv.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/io/child.h"
#include "storage/store.h"
#include "tests/lib/coverage.h"
#include "tests/lib/temp_dir.h"

#define TABLE 1
#define ROWS 400u
#define VERSIONS 6u
#define PAGE 4096u
#define SECTOR 512u

#define SAW_DAMAGE 1 /* bits of a child's status */
#define SAW_OLDER 2
#define SAW_ABSENT 4
#define SAW_WRONG 8
#define SAW_UNSOUND 16 /* verified, and not a whole commit */

static const struct store_identity own = {.cluster = {1, 2, 3}, .replica = 2};

/* Row i as of a commit: the last version up to there in which it was written; 0: not there. */
static unsigned row_version(unsigned row, unsigned commit)
{
    for (unsigned version = commit; version > 0; version--) {
        if (version == 1 || (row * 7 + version * 3) % 5 == 0)
            return (row + version) % 11 == 0 && version > 1 ? 0 : version;
    }
    return 0;
}

static struct bytes row_value(unsigned row, unsigned version, char buffer[400])
{
    int size = snprintf(buffer, 400, "row %u version %u ", row, version);

    memset(buffer + size, 'a' + (int)(row % 26), 20 + row % 300);
    return bytes_make(buffer, (size_t)size + 20 + row % 300);
}

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "store-damage: %s\n", what);
    exit(2);
}

static void commit(struct store *store, unsigned version)
{
    struct kv *overlay = kv_overlay_new(store_kv(store));
    char buffer[400];

    for (unsigned row = 0; row < ROWS; row++) {
        uint8_t key[4];
        put_u32(key, row);
        if (row_version(row, version) == row_version(row, version - 1))
            continue;
        if (row_version(row, version) == 0)
            kv_del(overlay, TABLE, bytes_make(key, 4));
        else
            kv_put(overlay, TABLE, bytes_make(key, 4), row_value(row, version, buffer));
    }
    uint8_t number[4];
    put_u32(number, version);
    kv_put(overlay, TABLE + 1, bytes_of_string("version"), bytes_make(number, 4));
    must(store_commit(store, overlay) == RSM_OK, "a commit failed");
    must(store_refresh(store) == RSM_OK, "a refresh failed");
    kv_free(overlay);
}

/* What a row's bytes are, that were read for `row`. */
static int judge_row(unsigned row, struct bytes value, unsigned current)
{
    char buffer[400];

    for (unsigned version = VERSIONS; version > 0; version--) {
        if (bytes_equal(value, row_value(row, version, buffer)))
            return version == row_version(row, current) ? 0 : SAW_OLDER;
    }
    return SAW_WRONG;
}

static int read_by_key(struct kv *kv, unsigned current)
{
    struct bytes value;
    int seen = 0;

    for (unsigned row = 0; row < ROWS; row++) {
        uint8_t key[4];
        put_u32(key, row);
        enum rsm_status status = kv_get(kv, TABLE, bytes_make(key, 4), &value);
        bool there = row_version(row, current) != 0;
        if (status == RSM_NOT_FOUND)
            seen |= there ? SAW_ABSENT : 0;
        else
            seen |= status != RSM_OK ? SAW_DAMAGE : judge_row(row, value, current);
    }
    return seen;
}

/* Walks; true when it is commit `current`, whole. */
static bool is_whole(struct kv *kv, unsigned current, int *seen)
{
    struct bytes key = {NULL, 0};
    struct bytes value;
    unsigned expected = 0;
    uint8_t at[4];
    bool whole = true;

    while (kv_next(kv, TABLE, key, key.size > 0, &key, &value) == RSM_OK) {
        unsigned row = key.size == 4 ? get_u32(key.data) : ROWS;
        int what = row < ROWS ? judge_row(row, value, current) : SAW_WRONG;
        while (expected < row && row_version(expected, current) == 0)
            expected++;
        whole = whole && what == 0 && row == expected++;
        *seen |= what;
        if (row >= ROWS)
            return false;
        put_u32(at, row);
        key = bytes_make(at, 4);
    }
    while (expected < ROWS && row_version(expected, current) == 0)
        expected++;
    return whole && expected == ROWS;
}

static int read_all(void *context)
{
    struct store *store = NULL;
    struct store_identity found;
    struct bytes value;
    char text[200];
    uint64_t count = 0;
    unsigned current = VERSIONS;

    if (freopen("/dev/null", "w", stderr) == NULL)
        return 128;
    if (store_open_read_only(context, false, &found, &store) != RSM_OK)
        return SAW_DAMAGE;
    bool sound = store_verify(store, text, sizeof(text), &count) == RSM_OK;
    struct kv *kv = store_kv(store);
    if (kv_get(kv, TABLE + 1, bytes_of_string("version"), &value) == RSM_OK && value.size == 4)
        current = get_u32(value.data);
    if (current != VERSIONS && current != VERSIONS - 1)
        return sound ? SAW_UNSOUND : SAW_OLDER | SAW_DAMAGE;
    int seen = sound ? 0 : SAW_DAMAGE;
    seen |= read_by_key(kv, current);
    if (!is_whole(kv, current, &seen) && sound)
        seen |= SAW_UNSOUND;
    store_close(store);
    return seen;
}

static int read_it(void *context)
{
    int seen = read_all(context);
    coverage_write();
    return seen;
}

/* -------------------------------------------------------------------------------------------- */

enum damage {
    DAMAGE_BIT,
    DAMAGE_ZERO,
    DAMAGE_SWAP,
    DAMAGE_CUT,
    DAMAGE_STALE,
    DAMAGE_COUNT,
};

static const char *const damage_names[DAMAGE_COUNT] = {"bit", "zeroed sector", "swapped sectors",
                                                       "cut", "stale page"};

struct file {
    char path[TEMP_DIR_SIZE + 64];
    uint8_t *good;
    uint8_t *old; /* the same file before the last commit */
    uint8_t *now;
    size_t size;
    size_t old_size;
};

static uint8_t *read_file(const char *path, size_t *size_out)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    must(file >= 0 && fstat(file, &info) == 0, "no data.mdb");
    *size_out = (size_t)info.st_size;
    uint8_t *bytes = mem_alloc(*size_out);
    must(pread(file, bytes, *size_out, 0) == info.st_size, "data.mdb could not be read");
    close(file);
    return bytes;
}

static void write_file(const struct file *f, size_t size)
{
    int file = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    must(file >= 0 && write(file, f->now, size) == (ssize_t)size, "data.mdb: not written");
    close(file);
}

/* Changes the bytes and writes the file; false: nothing is different. */
static bool do_damage(struct file *f, enum damage damage, struct prng *prng)
{
    size_t sectors = f->size / SECTOR;
    size_t size = f->size;
    size_t a = prng_below(prng, sectors) * SECTOR;
    size_t b = prng_below(prng, sectors) * SECTOR;
    uint8_t sector[SECTOR];
    size_t place, bit;

    memcpy(f->now, f->good, f->size);
    switch (damage) {
    case DAMAGE_BIT: /* one draw after the other: a seed is the same for each compiler */
        place = prng_below(prng, f->size);
        bit = prng_below(prng, 8);
        f->now[place] ^= (uint8_t)(1u << bit);
        break;
    case DAMAGE_ZERO:
        memset(f->now + a, 0, SECTOR);
        break;
    case DAMAGE_SWAP:
        memcpy(sector, f->now + a, SECTOR);
        memcpy(f->now + a, f->now + b, SECTOR);
        memcpy(f->now + b, sector, SECTOR);
        break;
    case DAMAGE_CUT:
        size = prng_below(prng, f->size);
        break;
    default:
        a = a / PAGE * PAGE;
        if (a + PAGE > f->old_size)
            return false;
        memcpy(f->now + a, f->old + a, PAGE);
        break;
    }
    if (size == f->size && memcmp(f->now, f->good, f->size) == 0)
        return false;
    write_file(f, size);
    return true;
}

static uint64_t run_kind(struct file *f, const char *dir, enum damage damage, unsigned samples)
{
    uint64_t failures = 0, killed = 0, found = 0, harmless = 0, absent = 0, older = 0;
    struct prng prng;

    prng_init(&prng, 1 + (uint64_t)damage);
    for (unsigned done = 0; done < samples;) {
        struct child_end end;
        if (!do_damage(f, damage, &prng))
            continue;
        done++;
        must(child_run(read_it, (void *)(uintptr_t)dir, 20, &end) == RSM_OK, "no child");
        int seen = end.exited ? end.exit_status : SAW_DAMAGE;
        killed += !end.exited;
        found += (seen & SAW_DAMAGE) != 0;
        harmless += seen == 0;
        absent += (seen & SAW_ABSENT) != 0;
        older += (seen & SAW_OLDER) != 0;
        if ((seen & (SAW_WRONG | SAW_UNSOUND | 128)) != 0 ||
            ((seen & (SAW_ABSENT | SAW_OLDER)) != 0 && (seen & SAW_DAMAGE) == 0)) {
            if (failures++ < 10)
                printf("FAILED %s: sample %u: %d\n", damage_names[damage], done, seen);
        }
    }
    printf("note: %-15s %u: found %" PRIu64 " (%" PRIu64 " by the child's death), harmless %" PRIu64
           "; before that a key not found %" PRIu64 ", an older row %" PRIu64 "\n",
           damage_names[damage], samples, found, killed, harmless, absent, older);
    return failures;
}

int main(int argc, char **argv)
{
    struct store_options options = {.map_size = 8u << 20};
    unsigned samples = 10000;
    struct temp_dir dir;
    struct store *store = NULL;
    struct file f;
    uint64_t failures = 0;

    if (argc == 3 && strcmp(argv[1], "--samples") == 0)
        samples = (unsigned)strtoul(argv[2], NULL, 10);
    temp_dir_make(&dir);
    temp_dir_path(&dir, "data.mdb", f.path);
    must(store_open(dir.path, &own, &options, &store) == RSM_OK, "no store");
    for (unsigned version = 1; version < VERSIONS; version++)
        commit(store, version);
    f.old = read_file(f.path, &f.old_size);
    commit(store, VERSIONS);
    store_close(store);
    f.good = read_file(f.path, &f.size);
    f.now = mem_alloc(f.size);
    must(read_it(dir.path) == 0, "the good one is not good");
    for (unsigned damage = 0; damage < DAMAGE_COUNT; damage++)
        failures += run_kind(&f, dir.path, (enum damage)damage, samples);
    mem_free(f.old);
    mem_free(f.good);
    mem_free(f.now);
    temp_dir_remove(&dir);
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n",
           (uint64_t)samples * DAMAGE_COUNT - failures, failures);
    return failures == 0 ? 0 : 1;
}
