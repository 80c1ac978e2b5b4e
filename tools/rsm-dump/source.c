/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.c - opening a data directory for reading: identity, genesis, store, end of the journal. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/io/data_dir.h"
#include "src/io/disk_posix.h"
#include "src/rr/name.h"
#include "storage/store.h"
#include "tools/lib/when.h"
#include "tools/rsm-dump/dump.h"

/* More than a replica ever keeps unstored; bounds what a damaged journal can make us hold. */
#define TAIL_MAX 65536u
#define LIVE_TRIES 5u

/* The votes above what the store holds; in journal order, so that the last one of a slot counts. */
struct tail_scan {
    struct dump *d;
    uint64_t chosen_end;
};

static void on_segment(void *context, const struct journal_segment_info *info)
{
    (void)context;
    (void)info;
}

static void on_record(void *context, const struct journal_place *place, const struct record *record)
{
    struct tail_scan *scan = context;
    struct dump *d = scan->d;

    if (place->after_damage)
        return;
    if (record->end > scan->chosen_end)
        scan->chosen_end = record->end;
    if (record->kind != RECORD_ACCEPT || record->slot <= d->applied ||
        record->slot > d->applied + TAIL_MAX)
        return;
    size_t index = (size_t)(record->slot - d->applied - 1);
    if (index >= d->tail_count) {
        d->tail = mem_realloc(d->tail, (index + 1) * sizeof(*d->tail));
        for (size_t i = d->tail_count; i <= index; i++)
            d->tail[i] = (struct tail_slot){0, NULL};
        d->tail_count = index + 1;
    }
    blob_unref(d->tail[index].value);
    d->tail[index].slot = record->slot;
    d->tail[index].value = record->value.size > 0 ? blob_new(record->value) : NULL;
}

/* Keeps the slots that are chosen and follow each other. */
static void cut_tail(struct dump *d, uint64_t chosen_end)
{
    size_t keep = 0;

    while (keep < d->tail_count && d->tail[keep].slot != 0 && d->tail[keep].slot < chosen_end)
        keep++;
    for (size_t i = keep; i < d->tail_count; i++)
        blob_unref(d->tail[i].value);
    d->tail_count = keep;
}

enum rsm_status dump_scan_once(struct dump *d, const struct journal_scanner *scanner,
                               struct journal_report *report_out)
{
    struct journal_identity identity = {.replica = d->identity.replica,
                                        .incarnation = d->identity.incarnation};
    struct journal_identity found;
    struct disk *disk = NULL;

    *report_out = (struct journal_report){0};
    memcpy(identity.cluster, d->identity.cluster, CLUSTER_ID_SIZE);
    int directory = open(d->options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return RSM_NOT_FOUND;
    bool aside = d->options->aside; /* of an earlier incarnation: the first good head says which */
    enum rsm_status status = aside ? disk_posix_open_aside(directory, "journal", &disk)
                                   : disk_posix_open(directory, "journal", false, &disk);
    close(directory);
    if (status == RSM_OK)
        status = journal_scan(disk, aside || d->identity.replica == 0 ? NULL : &identity, scanner,
                              report_out, &found);
    disk_free(disk);
    return status;
}

bool dump_is_in_flight(const struct dump *d, const struct journal_finding *f)
{
    return d->live && (f->kind == JOURNAL_TORN_TAIL || f->kind == JOURNAL_UNCERTAIN_TAIL ||
                       f->kind == JOURNAL_MARK_UNREADABLE || f->kind == JOURNAL_LEFTOVER);
}

static bool is_sound(const struct dump *d, const struct journal_report *report)
{
    for (uint32_t i = 0; i < report->finding_count; i++) {
        if (i >= JOURNAL_FINDINGS_MAX || (!journal_finding_is_harmless(report->findings[i].kind) &&
                                          !dump_is_in_flight(d, &report->findings[i])))
            return false;
    }
    return true;
}

/*
 * A running replica writes on while its segments are read one after the other: a group may go into
 * the first and the next into the second between the two reads, and look lost. What is really
 * damaged is so the next time as well.
 */
enum rsm_status dump_scan(struct dump *d, const struct journal_scanner *scanner,
                          struct journal_report *report_out)
{
    enum rsm_status status = RSM_OK;
    unsigned tries = d->live ? LIVE_TRIES : 1;

    for (unsigned i = 0; i < tries; i++) {
        status = dump_scan_once(d, scanner, report_out);
        if (status == RSM_NOT_FOUND || (status == RSM_OK && is_sound(d, report_out)))
            break;
    }
    return status;
}

static void open_tail(struct dump *d)
{
    struct tail_scan scan = {d, 0};
    struct journal_scanner scanner = {&scan, on_segment, on_record};
    struct journal_report *report = mem_alloc(sizeof(*report));

    enum rsm_status status = dump_scan(d, &scanner, report);
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        dump_finding(d, "journal: %s", rsm_status_sentence(status));
    cut_tail(d, scan.chosen_end);
    mem_free(report);
}

/* The state in the store, and how far it goes. */
static void open_store(struct dump *d)
{
    struct store_identity found;
    size_t size = strlen(d->options->directory) + sizeof("/store");
    char *path = mem_alloc(size);

    snprintf(path, size, "%s/store", d->options->directory);
    enum rsm_status status = store_open_read_only(path, d->live, &found, &d->store);
    mem_free(path);
    if (status == RSM_OK) {
        d->kv = store_kv(d->store);
        status = log_get_applied(d->kv, &d->applied);
        d->has_state = status == RSM_OK;
        if (status == RSM_OK || status == RSM_NOT_FOUND) {
            if (d->identity.replica != 0 &&
                (found.replica != d->identity.replica ||
                 memcmp(found.cluster, d->identity.cluster, CLUSTER_ID_SIZE) != 0))
                dump_finding(d, "store: belongs to another replica or cluster");
            return;
        }
    }
    if (status == RSM_NOT_FOUND) /* a new replica has none; the journal may hold it all */
        return;
    dump_finding(d, "store: %s", rsm_status_sentence(status));
}

static bool is_there(int directory, const char *name)
{
    return faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool dump_open(struct dump *d)
{
    const char *path = d->options->directory;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0) {
        fprintf(stderr, "rsm-dump: %s: no such directory, or not allowed to read it\n", path);
        return false;
    }
    if (!is_there(directory, "identity") && !is_there(directory, "journal") &&
        !is_there(directory, "store")) {
        fprintf(stderr, "rsm-dump: %s: no replica's data directory (no identity, journal, store)\n",
                path);
        close(directory);
        return false;
    }
    enum rsm_status status = data_dir_inspect(path, &d->identity, &d->genesis_bytes, &d->live);
    if (d->identity.replica == 0)
        dump_finding(d, "identity: %s", rsm_status_sentence(status));
    else if (status != RSM_OK)
        dump_finding(d, "genesis: %s", rsm_status_sentence(status));
    d->genesis_is_good = status == RSM_OK && d->genesis_bytes != NULL &&
                         genesis_parse(blob_bytes(d->genesis_bytes), &d->genesis) == RSM_OK;
    if (status == RSM_OK && !d->genesis_is_good)
        dump_finding(d, "genesis: %s", rsm_status_sentence(RSM_MALFORMED));
    d->is_auditors = is_there(directory, "auditor");
    open_store(d);
    open_tail(d);
    close(directory);
    return true;
}

void dump_close(struct dump *d)
{
    for (size_t i = 0; i < d->tail_count; i++)
        blob_unref(d->tail[i].value);
    mem_free(d->tail);
    store_close(d->store);
    blob_unref(d->genesis_bytes);
}

uint64_t dump_last(const struct dump *d)
{
    return d->applied + d->tail_count;
}

enum rsm_status dump_slot(struct dump *d, uint64_t slot, struct slot_view *out)
{
    *out = (struct slot_view){.slot = slot};
    if (slot == 0 || slot > dump_last(d))
        return RSM_NOT_FOUND;
    if (slot > d->applied) {
        out->value = blob_bytes(d->tail[slot - d->applied - 1].value);
        return RSM_OK;
    }
    out->in_store = true;
    enum rsm_status status = log_get_entry(d->kv, slot, &out->value);
    if (status != RSM_OK)
        return RSM_DAMAGED; /* also what is missing below the last one */
    out->has_verdicts = log_get_verdict(d->kv, slot, &out->verdicts) == RSM_OK;
    return out->has_verdicts ? RSM_OK : RSM_DAMAGED;
}

bool dump_parse_zone(const struct dump *d, uint8_t buffer[LIMIT_NAME_SIZE], struct bytes *out)
{
    *out = bytes_make(NULL, 0);
    if (d->options->zone == NULL || name_from_text(d->options->zone, *out, buffer, out) == RSM_OK)
        return true;
    fprintf(stderr, "rsm-dump: %s: not a domain name\n", d->options->zone);
    return false;
}

static bool parse_number(const char *text, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/* Before the beginning is slot 0. */
static bool parse_end(struct dump *d, const char *text, bool is_from, uint64_t *slot_out)
{
    uint64_t first = 0;
    uint64_t last = 0;

    if (parse_number(text, slot_out))
        return true;
    if (!when_parse(text, &first, &last)) {
        fprintf(stderr, "rsm-dump: %s: not a slot's number, and no time\n", text);
        return false;
    }
    *slot_out = 0;
    enum rsm_status status = RSM_NOT_FOUND;
    if (d->kv != NULL && (!is_from || first > 0))
        status = log_slot_at(d->kv, is_from ? first - 1 : last, slot_out);
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        dump_finding(d, "the times of the slots: %s", rsm_status_sentence(status));
    *slot_out += is_from;
    return status == RSM_OK || status == RSM_NOT_FOUND;
}

/* That nothing lies between two times is no mistake; that the second is before the first is one. */
static bool is_reversed(const struct dump *d)
{
    const char *from = d->options->from, *to = d->options->to;
    uint64_t from_first, from_last, to_first, to_last;
    if (from == NULL || to == NULL)
        return false;
    if (when_parse(from, &from_first, &from_last) && when_parse(to, &to_first, &to_last))
        return from_first > to_last;
    bool are_slots = parse_number(from, &from_first) && parse_number(to, &to_first);
    return d->from > d->to && (are_slots || d->from - d->to > 1);
}

bool dump_parse_range(struct dump *d)
{
    d->from = 1;
    d->to = UINT64_MAX;
    if (d->options->from != NULL && !parse_end(d, d->options->from, true, &d->from))
        return false;
    if (d->options->to != NULL && !parse_end(d, d->options->to, false, &d->to))
        return false;
    d->from += d->from == 0;
    if (is_reversed(d)) {
        fprintf(stderr, "rsm-dump: --from %s is behind --to %s\n", d->options->from,
                d->options->to);
        return false;
    }
    return true;
}

bool dump_parse_slot(struct dump *d, const char *text, uint64_t *slot_out)
{
    uint64_t first_ms = 0;
    uint64_t ms = 0;

    if (parse_number(text, slot_out) && *slot_out <= dump_last(d))
        return true;
    if (when_parse(text, &first_ms, &ms)) {
        if (d->kv != NULL && log_slot_at(d->kv, ms, slot_out) == RSM_OK)
            return true;
        fprintf(stderr, "rsm-dump: %s: before the beginning\n", text);
        return false;
    }
    fprintf(stderr, "rsm-dump: %s: no such slot (the last one is %llu), and no time\n", text,
            (unsigned long long)dump_last(d));
    return false;
}
