/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal_main.c - every single damage to a small journal, one after the other.
 *
 *   journal-damage [--every N]     each N-th byte only (1: all, and with all eight bits)
 *
 * A journal of three segments of 32 KiB (two in use, one prepared) is made; then each case changes
 * its bytes in one way, recovers, and puts them back:
 *
 *   byte      one bit of each byte turned round (all: each bit), and the byte set to 0
 *   sector    each sector zeroed, filled at random, as it was in an earlier life of the same file,
 *             as it was before the last write to it, swapped with each other sector
 *   length    each file cut at each length, and longer by 1 byte to 64 KiB
 *   file      each file missing, empty, under each other name, swapped with each other
 *   group     each group wholly absent
 *
 * The verdict must be the one of the table in docs/storage.md, which is written down here once more
 * (expected_of), by where the change is and not by how recovery finds it. In each case: no record
 * is ever wrong, and if more may be appended then every acknowledged record is there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "storage/loss.h"
#include "storage/scan.h"
#include "storage/segment.h"
#include "tests/lib/journal_rig.h"

#define FILES 3u
#define SEGMENT_BYTES 32768u
#define SECTORS (SEGMENT_BYTES / DISK_SECTOR_SIZE)
#define RECORDS_MAX 4096u

/* Where a sector is. */
enum place {
    PLACE_HEAD = 1,
    PLACE_FILLER, /* between head, marks and groups: never written, never looked at */
    PLACE_MARK_SEALED,
    PLACE_MARK_CURRENT,
    PLACE_GROUP,
    PLACE_REST,     /* zeros behind the last group of a segment in use */
    PLACE_PREPARED, /* anywhere in the segment that holds nothing yet */
    PLACE_COUNT,
};

static const char *const place_names[PLACE_COUNT] = {
    "",        "head",  "filler",  "mark of a sealed segment", "mark of the current segment",
    "a group", "zeros", "prepared"};

struct world {
    struct journal_rig rig;
    struct disk_mem *pristine;
    struct disk_mem *before;  /* the same journal before its last group */
    struct disk_mem *earlier; /* a journal of another incarnation in the same files */
    uint64_t used[FILES + 1]; /* bytes up to the end of the last group */
    uint64_t cases;
    uint64_t failures;
    uint64_t verdicts[JOURNAL_DAMAGED + 1];
    uint64_t by_place[PLACE_COUNT];
    struct prng prng;
    uint64_t bounded; /* damages of which it is known what can be lost */
    /* Of the scan that runs. */
    uint64_t seen;
    bool wrong;
    bool is_there[RECORDS_MAX]; /* by sequence, also behind a damage */
};

/* -------------------------------------------------------------------------------------------- */
/* The journal. */

static void on_segment(void *context, const struct journal_segment_info *info)
{
    struct world *w = context;

    if (info->segment <= FILES && w->pristine == NULL)
        w->used[info->segment] = info->used;
}

static void on_record(void *context, const struct journal_place *place, const struct record *record)
{
    struct world *w = context;
    struct record expected;
    uint8_t value[256];

    if (record->kind == RECORD_CHECKPOINT)
        return;
    rig_record(&w->rig, record->sequence, value, &expected);
    if (record->kind != expected.kind || record->slot != expected.slot ||
        record->end != expected.end || !ballot_equal(record->ballot, expected.ballot) ||
        !bytes_equal(record->value, expected.value) || record->sequence > w->rig.acknowledged)
        w->wrong = true;
    if (record->sequence < RECORDS_MAX)
        w->is_there[record->sequence] = true;
    if (!place->after_damage && record->sequence != ++w->seen)
        w->wrong = true;
}

static enum rsm_status scan(struct world *w)
{
    struct journal_scanner scanner = {w, on_segment, on_record};
    struct journal_identity found;

    w->seen = 0;
    w->wrong = false;
    memset(w->is_there, 0, sizeof(w->is_there));
    return journal_scan(&w->rig.disk->disk, &w->rig.identity, &scanner, &w->rig.report, &found);
}

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "journal-damage: the journal to begin with: %s\n", what);
    exit(2);
}

/* Groups of two sectors until the second segment is half full. */
static void fill(struct world *w)
{
    struct journal_rig *rig = &w->rig;
    struct disk_mem_file *second = NULL;

    must(rig_open(rig) == RSM_OK, "opened");
    do {
        disk_free(w->before == NULL ? NULL : &w->before->disk);
        w->before = disk_mem_clone(rig->disk);
        must(rig_write(rig, 3 + (unsigned)prng_below(&w->prng, 6)) == RSM_OK, "written");
        must(journal_prepare_next(rig->journal) == RSM_OK, "marked");
        second = disk_mem_file(rig->disk, 2);
    } while (second == NULL || second->now_size < SEGMENT_BYTES ||
             segment_is_zero(second->now + 20480, 512));
    rig_close(rig);
}

static void set_up(struct world *w)
{
    *w = (struct world){0};
    prng_init(&w->prng, 1);
    rig_init(&w->rig);
    w->rig.value_size = 180;
    w->rig.identity.incarnation++;
    fill(w);
    w->earlier = w->rig.disk;
    disk_free(&w->before->disk);
    w->before = NULL;
    w->rig.disk = disk_mem_new();
    w->rig.identity.incarnation--;
    w->rig.acknowledged = 0;
    fill(w);
    must(scan(w) == RSM_OK && w->rig.report.verdict == JOURNAL_CLEAN, "clean");
    must(w->seen == w->rig.acknowledged && !w->wrong, "whole");
    must(w->rig.acknowledged < RECORDS_MAX, "small");
    must(w->used[2] >= 20480 && w->used[3] == 0, "two of three segments in use");
    w->pristine = disk_mem_clone(w->rig.disk);
    printf("note: %" PRIu64 " records, %" PRIu64 " groups, %" PRIu64 " + %" PRIu64
           " bytes in use\n",
           w->rig.acknowledged, w->rig.report.groups, w->used[1], w->used[2]);
}

static uint8_t *bytes_of(struct world *w, unsigned file)
{
    return disk_mem_file(w->rig.disk, file)->now;
}

static const uint8_t *pristine_of(struct world *w, unsigned file)
{
    return disk_mem_file(w->pristine, file)->now;
}

/* -------------------------------------------------------------------------------------------- */
/* The table. */

static enum place place_of(const struct world *w, unsigned file, uint64_t offset)
{
    if (file == 3)
        return PLACE_PREPARED;
    if (offset < DISK_SECTOR_SIZE)
        return PLACE_HEAD;
    for (unsigned i = 0; i < SEGMENT_MARK_COUNT; i++) {
        if (offset >= segment_mark_offset(i) && offset < segment_mark_offset(i) + DISK_SECTOR_SIZE)
            return file == 1 ? PLACE_MARK_SEALED : PLACE_MARK_CURRENT;
    }
    if (offset < SEGMENT_DATA_OFFSET)
        return PLACE_FILLER;
    return offset < w->used[file] ? PLACE_GROUP : PLACE_REST;
}

/* What a changed sector at this place means, when its bytes are not valid there. */
static enum journal_verdict expected_of(enum place place)
{
    switch (place) {
    case PLACE_HEAD:        /* every group says whose it is: mended */
    case PLACE_FILLER:      /* nothing is there */
    case PLACE_MARK_SEALED: /* the next segment begins with the group behind */
    case PLACE_PREPARED:    /* nothing was in it: made anew */
        return JOURNAL_CLEAN;
    case PLACE_MARK_CURRENT: /* row E: it may have said a = g */
        return JOURNAL_UNCERTAIN;
    default: /* rows A to C, and everything before the last group */
        return JOURNAL_DAMAGED;
    }
}

static enum journal_verdict worse(enum journal_verdict a, enum journal_verdict b)
{
    return a > b ? a : b;
}

static void complain(struct world *w, const char *what, const char *case_text)
{
    if (w->failures++ < 20)
        printf("FAILED %s: %s (verdict %s, %" PRIu64 " of %" PRIu64 " records)\n", case_text, what,
               journal_verdict_name(w->rig.report.verdict), w->seen, w->rig.acknowledged);
}

/* Opens a copy for real: what may be appended to must hold everything, and take more. */
static void open_copy(struct world *w, const char *case_text)
{
    struct journal_rig rig = w->rig;

    rig.disk = disk_mem_clone(w->rig.disk);
    rig.options.create = false;
    struct disk_mem *kept = disk_mem_clone(rig.disk);
    enum rsm_status status = rig_open(&rig);
    if (rig.wrong)
        complain(w, "a wrong record was visited", case_text);
    if (status == RSM_OK && (rig.visited != w->rig.acknowledged || rig_write(&rig, 40) != RSM_OK))
        complain(w, "opened for appending, and not whole", case_text);
    if (status != RSM_OK && !disk_mem_equal(kept, rig.disk))
        complain(w, "a doubtful journal was changed", case_text);
    rig_close(&rig);
    disk_free(&rig.disk->disk);
    disk_free(&kept->disk);
}

/* What recovery says of the loss (storage/loss.h) must hold for each record that is not there. */
static void judge_loss(struct world *w, const char *case_text)
{
    const struct journal_report *report = &w->rig.report;
    uint64_t chosen_end = report->lost_slot_end - LIMIT_WINDOW;
    struct record record;
    uint8_t value[256];

    if (report->verdict <= JOURNAL_CUT) {
        if (report->lost_slot_end != 0)
            complain(w, "a loss without damage", case_text);
        return;
    }
    if (report->lost_slot_end == LOSS_UNKNOWN)
        return;
    w->bounded++;
    for (uint64_t i = 1; i <= w->rig.acknowledged; i++) {
        if (w->is_there[i])
            continue;
        rig_record(&w->rig, i, value, &record);
        if (ballot_compare(record.ballot, report->promise) > 0)
            complain(w, "a lost promise is higher than what is said of it", case_text);
        if (record.kind == RECORD_ACCEPT && record.slot >= chosen_end)
            complain(w, "a lost vote is for a later slot than what is said of it", case_text);
    }
}

/* Runs one case on the disk as it is now. `expected` 0: anything that loses nothing. */
static void judge(struct world *w, enum journal_verdict expected, bool open_too,
                  const char *case_text)
{
    enum rsm_status status = scan(w);
    enum journal_verdict verdict = w->rig.report.verdict;

    w->cases++;
    if (status != RSM_OK) {
        /* Refused whole: nothing is taken for absent. */
        if (expected != 0 || (status != RSM_NOT_FOUND && status != RSM_WRONG_IDENTITY))
            complain(w, "could not be judged", case_text);
        return;
    }
    w->verdicts[verdict]++;
    if (w->wrong)
        complain(w, "a wrong record", case_text);
    if (verdict <= JOURNAL_CUT && w->seen != w->rig.acknowledged)
        complain(w, "silently shorter", case_text);
    if (expected != 0 && verdict != expected)
        complain(w, "not the verdict of the table", case_text);
    judge_loss(w, case_text);
    if (open_too)
        open_copy(w, case_text);
}

static void restore(struct world *w, unsigned file)
{
    memcpy(bytes_of(w, file), pristine_of(w, file), SEGMENT_BYTES);
}

/* -------------------------------------------------------------------------------------------- */
/* The cases. */

static void one_byte(struct world *w, unsigned file, uint64_t offset, uint8_t value, bool open_too)
{
    uint8_t *bytes = bytes_of(w, file);
    uint8_t old = bytes[offset];
    enum place place = place_of(w, file, offset);
    char text[96];

    if (value == old)
        return;
    snprintf(text, sizeof(text), "file %u byte %" PRIu64 " %02x -> %02x (%s)", file, offset, old,
             value, place_names[place]);
    bytes[offset] = value;
    w->by_place[place]++;
    judge(w, expected_of(place), open_too, text);
    bytes[offset] = old;
}

static void bytes_cases(struct world *w, uint64_t every)
{
    for (unsigned file = 1; file <= FILES; file++) {
        for (uint64_t offset = prng_below(&w->prng, every); offset < SEGMENT_BYTES;
             offset += every) {
            uint8_t old = pristine_of(w, file)[offset];
            bool open_too = offset % 97 == 0;
            for (unsigned bit = 0; bit < 8; bit++) {
                if (every == 1 || bit == offset % 8)
                    one_byte(w, file, offset, (uint8_t)(old ^ (1u << bit)), open_too);
            }
            one_byte(w, file, offset, 0, open_too);
        }
    }
}

/* Sets a sector; what it means when the bytes are as before, or are valid there all the same. */
static void one_sector(struct world *w, unsigned file, unsigned sector, const uint8_t *data,
                       bool is_own_past, const char *how)
{
    uint64_t offset = (uint64_t)sector * DISK_SECTOR_SIZE;
    uint8_t *bytes = bytes_of(w, file) + offset;
    enum place place = place_of(w, file, offset);
    enum journal_verdict expected = expected_of(place);
    struct segment_mark mark;
    char text[96];

    if (memcmp(bytes, data, DISK_SECTOR_SIZE) == 0)
        return;
    memcpy(bytes, data, DISK_SECTOR_SIZE);
    if (is_own_past && place == PLACE_MARK_CURRENT &&
        segment_mark_decode(&w->rig.identity, file, (unsigned)(offset / 4096 - 1), bytes, &mark))
        expected = JOURNAL_CLEAN; /* an older mark says less, and the group itself is there */
    if (sector == 0 && get_u32(data) != 0 && memcmp(data, pristine_of(w, file), 32) == 0)
        expected = JOURNAL_DAMAGED; /* another life's head, this life's marks: two disks mixed */
    snprintf(text, sizeof(text), "file %u sector %u %s (%s)", file, sector, how,
             place_names[place]);
    w->by_place[place]++;
    judge(w, expected, true, text);
    restore(w, file);
}

static void sector_cases(struct world *w)
{
    static const uint8_t zeros[DISK_SECTOR_SIZE];
    uint8_t noise[DISK_SECTOR_SIZE];

    for (unsigned file = 1; file <= FILES; file++) {
        for (unsigned sector = 0; sector < SECTORS; sector++) {
            const struct disk_mem_file *past = disk_mem_file(w->before, file);
            const struct disk_mem_file *earlier = disk_mem_file(w->earlier, file);
            for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t)prng_next(&w->prng);
            one_sector(w, file, sector, zeros, false, "zeroed");
            one_sector(w, file, sector, noise, false, "at random");
            if (past != NULL && past->now_size == SEGMENT_BYTES)
                one_sector(w, file, sector, past->now + sector * DISK_SECTOR_SIZE, true,
                           "as before the last write");
            if (earlier != NULL)
                one_sector(w, file, sector, earlier->now + sector * DISK_SECTOR_SIZE, false,
                           "of an earlier life");
        }
    }
}

static void one_swap(struct world *w, unsigned a_file, unsigned a, unsigned b_file, unsigned b)
{
    uint64_t a_offset = (uint64_t)a * DISK_SECTOR_SIZE;
    uint64_t b_offset = (uint64_t)b * DISK_SECTOR_SIZE;
    uint8_t *x = bytes_of(w, a_file) + a_offset;
    uint8_t *y = bytes_of(w, b_file) + b_offset;
    enum place x_place = place_of(w, a_file, a_offset);
    enum place y_place = place_of(w, b_file, b_offset);
    enum journal_verdict expected = worse(expected_of(x_place), expected_of(y_place));
    uint8_t kept[DISK_SECTOR_SIZE];
    char text[128];

    if (memcmp(x, y, DISK_SECTOR_SIZE) == 0)
        return;
    memcpy(kept, x, sizeof(kept));
    memcpy(x, y, sizeof(kept));
    memcpy(y, kept, sizeof(kept));
    if (x_place == PLACE_MARK_SEALED && y_place == PLACE_MARK_SEALED)
        expected = JOURNAL_CLEAN; /* both gone: the next segment says it all */
    if (a == 0 && b == 0)
        expected = 0; /* heads of other numbers: refused or damaged, both lose nothing */
    snprintf(text, sizeof(text), "file %u sector %u <-> file %u sector %u (%s, %s)", a_file, a,
             b_file, b, place_names[x_place], place_names[y_place]);
    judge(w, expected, (a + b) % 16 == 0, text);
    restore(w, a_file);
    restore(w, b_file);
}

static void swap_cases(struct world *w, unsigned every)
{
    for (unsigned x = 0; x < FILES * SECTORS; x++) {
        for (unsigned y = x + 1; y < FILES * SECTORS; y++) {
            if ((x * 7 + y) % every == 0)
                one_swap(w, x / SECTORS + 1, x % SECTORS, y / SECTORS + 1, y % SECTORS);
        }
    }
}

static void set_length(struct world *w, unsigned file, uint64_t length, bool open_too)
{
    char text[64];

    disk_mem_resize(w->rig.disk, file, length);
    snprintf(text, sizeof(text), "file %u of %" PRIu64 " bytes", file, length);
    judge(w, file == 3 || length == SEGMENT_BYTES ? JOURNAL_CLEAN : JOURNAL_DAMAGED, open_too,
          text);
    disk_mem_resize(w->rig.disk, file, SEGMENT_BYTES);
    restore(w, file);
}

static void length_cases(struct world *w, uint64_t every)
{
    for (unsigned file = 1; file <= FILES; file++) {
        for (uint64_t length = 0; length < SEGMENT_BYTES; length += every)
            set_length(w, file, length, length % 511 == 0);
        for (uint64_t length = 1; length <= 2u * SEGMENT_BYTES; length *= 2)
            set_length(w, file, SEGMENT_BYTES + length, true);
    }
}

static void swap_disk(struct world *w)
{
    disk_free(&w->rig.disk->disk);
    w->rig.disk = disk_mem_clone(w->pristine);
}

static void file_cases(struct world *w)
{
    char text[64];

    for (unsigned file = 1; file <= FILES; file++) {
        disk_remove(&w->rig.disk->disk, file);
        snprintf(text, sizeof(text), "file %u missing", file);
        judge(w, file == 3 ? JOURNAL_CLEAN : JOURNAL_DAMAGED, true, text);
        swap_disk(w);
        for (unsigned name = 1; name <= FILES + 2; name++) {
            if (name == file)
                continue;
            for (unsigned keep = 0; keep < 2; keep++) {
                struct disk_mem_file *other = disk_mem_file(w->rig.disk, name);
                uint8_t *theirs = other == NULL ? NULL : mem_copy(other->now, other->now_size);
                disk_mem_set(w->rig.disk, name, pristine_of(w, file), SEGMENT_BYTES);
                if (keep == 0 && theirs != NULL)
                    disk_mem_set(w->rig.disk, file, theirs, SEGMENT_BYTES);
                else if (keep == 0)
                    disk_remove(&w->rig.disk->disk, file);
                mem_free(theirs);
                snprintf(text, sizeof(text), "file %u %s %u", file,
                         keep == 0 ? "swapped with, or renamed to," : "copied over", name);
                judge(w, JOURNAL_DAMAGED, true, text);
                swap_disk(w);
            }
        }
    }
}

/* A write that was reported and never came: all sectors of one group are zeros. */
static void group_cases(struct world *w)
{
    for (unsigned file = 1; file <= 2; file++) {
        uint64_t offset = SEGMENT_DATA_OFFSET;
        while (offset < w->used[file]) {
            uint64_t group = get_u64(pristine_of(w, file) + offset + 4);
            uint64_t end = offset;
            char text[64];
            while (end < w->used[file] && get_u64(pristine_of(w, file) + end + 4) == group)
                end += DISK_SECTOR_SIZE;
            memset(bytes_of(w, file) + offset, 0, end - offset);
            snprintf(text, sizeof(text), "group %" PRIu64 " absent", group);
            judge(w, JOURNAL_DAMAGED, true, text);
            restore(w, file);
            offset = end;
        }
        memset(bytes_of(w, file) + SEGMENT_DATA_OFFSET, 0, SEGMENT_BYTES - SEGMENT_DATA_OFFSET);
        judge(w, JOURNAL_DAMAGED, true, "all groups of a segment absent");
        restore(w, file);
    }
}

int main(int argc, char **argv)
{
    struct world w;
    uint64_t every = 1;

    if (argc == 3 && strcmp(argv[1], "--every") == 0)
        every = strtoull(argv[2], NULL, 10);
    if ((argc != 1 && argc != 3) || every == 0) {
        fputs("journal-damage: [--every N]\n", stderr);
        return 2;
    }
    set_up(&w);
    bytes_cases(&w, every);
    sector_cases(&w);
    swap_cases(&w, every > 1 ? 9 : 1);
    length_cases(&w, every);
    file_cases(&w);
    group_cases(&w);
    for (unsigned place = 1; place < PLACE_COUNT; place++) {
        if (w.by_place[place] == 0)
            complain(&w, "no case was there", place_names[place]);
    }
    printf("note: of %" PRIu64 " damages it is known which slots at most they concern\n",
           w.bounded);
    printf("note: clean %" PRIu64 ", cut %" PRIu64 ", uncertain %" PRIu64 ", damaged %" PRIu64 "\n",
           w.verdicts[JOURNAL_CLEAN], w.verdicts[JOURNAL_CUT], w.verdicts[JOURNAL_UNCERTAIN],
           w.verdicts[JOURNAL_DAMAGED]);
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", w.cases - w.failures, w.failures);
    disk_free(&w.pristine->disk);
    disk_free(&w.before->disk);
    disk_free(&w.earlier->disk);
    rig_deinit(&w.rig);
    return w.failures == 0 ? 0 : 1;
}
