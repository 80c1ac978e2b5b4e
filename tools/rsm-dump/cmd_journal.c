/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_journal.c - segments, records and damage of the journal. */
#include "src/base/mem.h"
#include "tools/rsm-dump/dump.h"

/* What a scan prints while it goes; quiet for `verify`. */
struct show {
    struct dump *d;
    bool quiet;
    uint64_t segments;
    uint64_t records;
};

static void print_json(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

static void on_segment(void *context, const struct journal_segment_info *info)
{
    struct show *show = context;

    show->segments++;
    if (show->quiet)
        return;
    if (show->d->options->json) {
        print_json(json_pack("{s:I,s:I,s:I,s:I,s:I,s:b}", "segment", (json_int_t)info->segment,
                             "size", (json_int_t)info->size, "used", (json_int_t)info->used,
                             "group_first", (json_int_t)info->group_first, "group_end",
                             (json_int_t)info->group_end, "sealed", info->sealed));
        return;
    }
    printf("segment %llu: %llu bytes, %llu used, groups %llu to %llu, %s\n",
           (unsigned long long)info->segment, (unsigned long long)info->size,
           (unsigned long long)info->used, (unsigned long long)info->group_first,
           (unsigned long long)(info->group_end == 0 ? 0 : info->group_end - 1),
           info->sealed          ? "sealed"
           : info->group_end > 0 ? "current"
                                 : "prepared");
}

/* No vote: the replica was told that this value was chosen (PAXOS_BALLOT_CHOSEN). */
static bool is_learned(const struct record *r)
{
    return r->kind == RECORD_ACCEPT && r->ballot.round == 0 && r->ballot.replica == REPLICA_MAX;
}

static void print_record(const struct journal_place *place, const struct record *r)
{
    printf("  %llu.%llu+%llu seq %llu %s", (unsigned long long)place->segment,
           (unsigned long long)place->group, (unsigned long long)place->offset,
           (unsigned long long)r->sequence, record_kind_name(r->kind));
    if (is_learned(r))
        printf(" learned");
    else if (r->kind != RECORD_CHOSEN)
        printf(" ballot %llu.%u", (unsigned long long)r->ballot.round, r->ballot.replica);
    if (r->kind == RECORD_ACCEPT)
        printf(" slot %llu, %zu bytes", (unsigned long long)r->slot, r->value.size);
    if (r->kind == RECORD_CHOSEN || r->kind == RECORD_CHECKPOINT)
        printf(" chosen below %llu", (unsigned long long)r->end);
    if (r->kind == RECORD_CHECKPOINT)
        printf(" stored up to %llu", (unsigned long long)r->store_slot);
    puts(place->after_damage ? "  (behind a damaged place)" : "");
}

static void on_record(void *context, const struct journal_place *place, const struct record *r)
{
    struct show *show = context;

    show->records++;
    if (show->quiet)
        return;
    if (!show->d->options->json) {
        print_record(place, r);
        return;
    }
    print_json(json_pack("{s:I,s:I,s:I,s:I,s:s,s:I,s:I,s:b,s:I,s:I,s:I,s:b}", "segment",
                         (json_int_t)place->segment, "group", (json_int_t)place->group, "offset",
                         (json_int_t)place->offset, "sequence", (json_int_t)r->sequence, "record",
                         record_kind_name(r->kind), "round", (json_int_t)r->ballot.round, "replica",
                         (json_int_t)r->ballot.replica, "learned", is_learned(r), "slot",
                         (json_int_t)r->slot, "bytes", (json_int_t)r->value.size, "end",
                         (json_int_t)r->end, "after_damage", place->after_damage));
}

/* Of each finding, the slots of the votes that are nearest to it in the journal; 0: none. */
struct beside {
    const struct journal_report *report;
    uint64_t before[JOURNAL_FINDINGS_MAX];
    uint64_t after[JOURNAL_FINDINGS_MAX];
};

static void on_vote(void *context, const struct journal_place *place, const struct record *r)
{
    struct beside *beside = context;

    if (r->kind != RECORD_ACCEPT)
        return;
    for (uint32_t i = 0; i < beside->report->finding_count && i < JOURNAL_FINDINGS_MAX; i++) {
        const struct journal_finding *f = &beside->report->findings[i];
        if (place->segment < f->segment ||
            (place->segment == f->segment && place->group < f->group))
            beside->before[i] = r->slot;
        else if (beside->after[i] == 0)
            beside->after[i] = r->slot;
    }
}

static void ignore_segment(void *context, const struct journal_segment_info *info)
{
    (void)context;
    (void)info;
}

/* In words; what a damaged group voted for itself is known when its first sector is whole. */
static void name_slots(const struct journal_finding *f, uint64_t before, uint64_t after,
                       char text[96])
{
    if (f->slot_end > f->slot_first)
        snprintf(text, 96, "slots %llu to %llu", (unsigned long long)f->slot_first,
                 (unsigned long long)f->slot_end - 1);
    else if (before != 0 && after != 0)
        snprintf(text, 96, "slots unknown, between the votes for %llu and %llu",
                 (unsigned long long)before, (unsigned long long)after);
    else if (before != 0 || after != 0)
        snprintf(text, 96, "slots unknown, %s the vote for %llu", before != 0 ? "behind" : "before",
                 (unsigned long long)(before != 0 ? before : after));
    else
        snprintf(text, 96, "slots unknown");
}

static void report_one(struct dump *d, const struct journal_finding *f, uint64_t before,
                       uint64_t after)
{
    char slots[96];

    name_slots(f, before, after, slots);
    if (dump_is_in_flight(d, f))
        fprintf(stderr, "note: journal segment %llu, offset %llu: a group is being written\n",
                (unsigned long long)f->segment, (unsigned long long)f->offset);
    else if (journal_finding_is_harmless(f->kind))
        fprintf(stderr, "note: journal segment %llu, offset %llu: %s, harmless\n",
                (unsigned long long)f->segment, (unsigned long long)f->offset,
                journal_finding_name(f->kind));
    else
        dump_finding(d, "journal segment %llu, offset %llu, group %llu: %s, %s",
                     (unsigned long long)f->segment, (unsigned long long)f->offset,
                     (unsigned long long)f->group, journal_finding_name(f->kind), slots);
}

static void report_all(struct dump *d, const struct journal_report *report)
{
    uint32_t shown =
        report->finding_count < JOURNAL_FINDINGS_MAX ? report->finding_count : JOURNAL_FINDINGS_MAX;

    struct beside *beside = mem_alloc(sizeof(*beside)); /* zeros */
    struct journal_scanner scanner = {beside, ignore_segment, on_vote};
    struct journal_report *again = mem_alloc(sizeof(*again));
    beside->report = report;
    if (shown > 0)
        (void)dump_scan_once(d, &scanner, again); /* without it the neighbours stay unknown */
    for (uint32_t i = 0; i < shown; i++)
        report_one(d, &report->findings[i], beside->before[i], beside->after[i]);
    mem_free(beside);
    mem_free(again);
    if (shown < report->finding_count)
        dump_finding(d, "journal: and %u more", report->finding_count - shown);
}

static void print_summary(const struct show *show, const struct journal_report *report)
{
    if (show->d->options->json) {
        print_json(json_pack(
            "{s:s,s:I,s:I,s:I,s:I,s:I}", "journal", journal_verdict_name(report->verdict),
            "segments", (json_int_t)show->segments, "groups", (json_int_t)report->groups, "records",
            (json_int_t)show->records, "promise_round", (json_int_t)report->promise.round,
            "chosen_end", (json_int_t)report->chosen_end));
        return;
    }
    printf("journal %s: %llu segments, %llu groups, %llu records; promise %llu.%u, chosen below "
           "%llu\n",
           journal_verdict_name(report->verdict), (unsigned long long)show->segments,
           (unsigned long long)report->groups, (unsigned long long)show->records,
           (unsigned long long)report->promise.round, report->promise.replica,
           (unsigned long long)report->chosen_end);
}

/* What is wrong with the journal, and in *report_out what it is worth. */
static enum rsm_status find(struct dump *d, struct journal_report *report_out)
{
    struct show show = {.d = d, .quiet = true};
    struct journal_scanner scanner = {&show, on_segment, on_record};

    enum rsm_status status = dump_scan(d, &scanner, report_out);
    if (status == RSM_OK)
        report_all(d, report_out);
    else
        dump_finding(d, "journal: %s", rsm_status_sentence(status));
    return status;
}

int command_journal(struct dump *d)
{
    struct show show = {.d = d};
    struct journal_scanner scanner = {&show, on_segment, on_record};
    struct journal_report *report = mem_alloc(sizeof(*report));
    struct journal_report *shown = mem_alloc(sizeof(*shown));

    if (find(d, report) == RSM_OK && dump_scan_once(d, &scanner, shown) == RSM_OK)
        print_summary(&show, report);
    mem_free(report);
    mem_free(shown);
    return dump_exit(d);
}

void journal_check(struct dump *d)
{
    struct journal_report *report = NULL;

    if (d->is_auditors)
        return;
    report = mem_alloc(sizeof(*report));
    (void)find(d, report);
    mem_free(report);
}
