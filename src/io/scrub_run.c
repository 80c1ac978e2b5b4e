/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scrub_run.c - one pass of the scrubber, in a process of its own. The journal first, for reading
 * it kills nobody; then the store. Each line goes out at once: the last one tells how far it came.
 *
 *   journal-records N         journal-finding NAME SEGMENT OFFSET
 *   store-rows N              store-finding TEXT
 *   failed TEXT               end
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/pace.h"
#include "src/io/clock.h"
#include "src/io/data_dir.h"
#include "src/io/disk_posix.h"
#include "src/io/scrubber.h"
#include "storage/scan.h"
#include "storage/store.h"

#define PATIENCE_SECONDS 600u
#define PATIENCE_BYTES_A_SECOND (4u << 20)
#define PACE_US 2000u   /* shorter waits are saved up */
#define BURST_US 20000u /* a wait that was too long is made up for */

/* How fast a pass reads, and by which clock. */
struct reading {
    struct pace pace;
    const struct scrub_clock *clock;
};

/* Waits until what was read so far has had its time, a moment at least. */
static void pace_bytes(void *context, size_t bytes)
{
    struct reading *reading = context;
    const struct scrub_clock *clock = reading->clock;
    uint64_t now_us = clock->now_us(clock->context);
    pace_take(&reading->pace, bytes, now_us);
    uint64_t wait_us = pace_wait_us(&reading->pace, now_us);
    if (wait_us > PACE_US)
        clock->wait_ms(clock->context, (uint32_t)(wait_us / 1000));
}

static void ignore_segment(void *context, const struct journal_segment_info *info)
{
    (void)context;
    (void)info;
}

static void on_record(void *context, const struct journal_place *place, const struct record *record)
{
    (void)place;
    pace_bytes(context, record->value.size);
}

static enum rsm_status scan(int directory, const struct journal_identity *identity,
                            struct reading *reading, struct journal_report *report)
{
    struct journal_scanner scanner = {reading, ignore_segment, on_record};
    struct journal_identity found;
    struct disk *disk = NULL;
    enum rsm_status status = disk_posix_open(directory, "journal", false, &disk);

    if (status != RSM_OK)
        return status;
    status = journal_scan(disk, identity, &scanner, report, &found);
    disk_free(disk);
    return status;
}

/* It lies before what was durable when the pass began: nobody writes there any more. */
static bool is_settled(const struct journal_finding *f, uint64_t segment, uint64_t offset)
{
    return !journal_finding_is_harmless(f->kind) &&
           (f->segment < segment || (f->segment == segment && f->offset < offset));
}

static bool is_in(const struct journal_report *report, const struct journal_finding *wanted)
{
    for (uint32_t i = 0; i < report->finding_count && i < JOURNAL_FINDINGS_MAX; i++) {
        const struct journal_finding *f = &report->findings[i];
        if (f->kind == wanted->kind && f->segment == wanted->segment && f->offset == wanted->offset)
            return true;
    }
    return false;
}

/* Twice: what a second look does not show was a segment that was being dropped. */
static enum rsm_status scrub_journal(int directory, const struct journal_identity *identity,
                                     struct reading *reading, uint64_t segment, uint64_t offset)
{
    static struct journal_report first;
    static struct journal_report second;
    enum rsm_status status = scan(directory, identity, reading, &first);

    for (unsigned tries = 0; status != RSM_OK && tries < 3; tries++)
        status =
            scan(directory, identity, reading, &first); /* a file went away while it was read */
    if (status == RSM_OK && first.finding_count > 0)
        status = scan(directory, identity, reading, &second);
    if (status != RSM_OK)
        return status;
    for (uint32_t i = 0; i < first.finding_count && i < JOURNAL_FINDINGS_MAX; i++) {
        const struct journal_finding *f = &first.findings[i];
        if (is_settled(f, segment, offset) && is_in(&second, f))
            printf("journal-finding %s %" PRIu64 " %" PRIu64 "\n", journal_finding_name(f->kind),
                   f->segment, f->offset);
    }
    printf("journal-records %" PRIu64 "\n", first.records);
    fflush(stdout);
    return RSM_OK;
}

/* A damaged tree can lead in circles: then SIGALRM says so. */
static void set_patience(const char *path, uint64_t rate)
{
    uint64_t slowest = rate / 2 < PATIENCE_BYTES_A_SECOND ? rate / 2 : PATIENCE_BYTES_A_SECOND;
    char file[4200];
    struct stat info;
    unsigned seconds = PATIENCE_SECONDS;

    snprintf(file, sizeof(file), "%s/data.mdb", path);
    if (stat(file, &info) == 0 && info.st_size > 0)
        seconds += (unsigned)((uint64_t)info.st_size / slowest);
    (void)alarm(seconds);
}

static enum rsm_status scrub_store(const char *data, struct reading *reading)
{
    struct store_identity identity;
    struct store *store = NULL;
    uint64_t rows = 0;
    char path[4096];
    char text[160] = "it cannot be opened";

    if (snprintf(path, sizeof(path), "%s/store", data) >= (int)sizeof(path))
        return RSM_USAGE;
    set_patience(path, reading->pace.rate);
    enum rsm_status status = store_open_read_only(path, true, &identity, &store);
    if (status == RSM_OK) {
        store_watch_rows(store, pace_bytes, reading);
        status = store_verify(store, text, sizeof(text), &rows);
    }
    store_close(store);
    if (status != RSM_OK && status != RSM_DAMAGED)
        return status;
    if (status == RSM_DAMAGED)
        printf("store-finding %s\n", text);
    printf("store-rows %" PRIu64 "\n", rows);
    return RSM_OK;
}

static uint64_t system_now_us(void *context)
{
    (void)context;
    return clock_monotonic_us();
}

static void system_wait_ms(void *context, uint32_t ms)
{
    (void)context;
    (void)poll(NULL, 0, (int)ms);
}

int scrub_run(const char *data, uint64_t segment, uint64_t offset, uint64_t rate)
{
    static const struct scrub_clock clock = {.now_us = system_now_us, .wait_ms = system_wait_ms};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0, 19);
    return scrub_run_by(&clock, data, segment, offset, rate);
}

int scrub_run_by(const struct scrub_clock *clock, const char *data, uint64_t segment,
                 uint64_t offset, uint64_t rate)
{
    struct reading reading = {.pace = {.rate = rate, .burst_us = BURST_US}, .clock = clock};
    struct journal_identity journal = {.replica = 0};
    struct identity identity;
    struct blob *genesis = NULL;
    bool live = false;

    if (rate == 0)
        return 2;
    int directory = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum rsm_status status = data_dir_inspect(data, &identity, &genesis, &live);
    blob_unref(genesis);
    if (status == RSM_OK && directory < 0)
        status = RSM_IO;
    journal.replica = identity.replica;
    journal.incarnation = identity.incarnation;
    memcpy(journal.cluster, identity.cluster, CLUSTER_ID_SIZE);
    if (status == RSM_OK && segment > 0)
        status = scrub_journal(directory, &journal, &reading, segment, offset);
    if (status == RSM_OK)
        status = scrub_store(data, &reading);
    if (directory >= 0)
        close(directory);
    if (status == RSM_OK)
        puts("end");
    else
        printf("failed %s\n", rsm_status_sentence(status));
    return fflush(stdout) == 0 && status == RSM_OK ? 0 : 1;
}
