/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_loss.c - what the journals of a cluster's replicas can have lost together: for a person who
 * has to decide whether to go on with what is left (rejoin-blocked, docs/operations.md).
 *
 * A slot is chosen by the votes of a quorum. It is gone when none of the directories has it: not in
 * a store, not as a vote in a journal. So it has to be one
 *   1. above every store and every chosen slot of a journal (the *kept* ones),
 *   2. without a vote in any journal, read on behind damages,
 *   3. below the bound of what was lost (storage/loss.h) at every voter of some quorum, which is to
 *      say: below the q-th highest bound, where q voters are a quorum.
 * A voter whose directory is not given has lost everything, as far as can be said.
 */
#include "src/base/mem.h"
#include "src/machine/members.h"
#include "storage/loss.h"
#include "tools/rsm-dump/dump.h"

#define SLOTS_MAX LIMIT_WINDOW /* above the kept ones: no vote is for a later slot */

/* One directory. */
struct witness {
    struct options options;
    struct dump *dump; /* the command's, or opened */
    struct dump opened;
    struct journal_report report;
    bool has_journal;
    uint64_t lost_slot_end; /* 0: has lost nothing */
};

struct review {
    struct dump *d; /* of the command */
    struct witness witnesses[LIMIT_REPLICAS];
    int count;
    uint32_t voters;
    uint64_t kept; /* every slot up to here is whole somewhere */
    uint32_t kept_by;
    uint32_t votes[SLOTS_MAX]; /* of slot kept + 1 + i: bit r, replica r */
    struct witness *scanned;
};

static void on_segment(void *context, const struct journal_segment_info *info)
{
    (void)context;
    (void)info;
}

static void on_record(void *context, const struct journal_place *place, const struct record *record)
{
    struct review *v = context;

    (void)place; /* a vote behind a damage was given all the same */
    if (record->kind == RECORD_ACCEPT && record->slot > v->kept &&
        record->slot - v->kept <= SLOTS_MAX)
        v->votes[record->slot - v->kept - 1] |= 1u << v->scanned->dump->identity.replica;
}

static bool open_witness(struct review *v, struct dump *dump, char *directory)
{
    struct witness *w = &v->witnesses[v->count++];
    struct journal_scanner nothing = {v, on_segment, on_record};

    w->options = *v->d->options;
    w->dump = dump != NULL ? dump : &w->opened;
    if (dump == NULL) {
        w->options.directory = directory;
        w->opened.options = &w->options;
        if (!dump_open(&w->opened))
            return false;
    }
    v->kept = UINT64_MAX; /* votes are looked at later */
    v->scanned = w;
    w->has_journal = dump_scan(w->dump, &nothing, &w->report) == RSM_OK;
    /* Its last group alone is in doubt: as whole as it can be after the power was cut. */
    if (!w->has_journal)
        w->lost_slot_end = LOSS_UNKNOWN;
    else if (w->report.verdict == JOURNAL_DAMAGED)
        w->lost_slot_end = w->report.lost_slot_end;
    if (w->lost_slot_end != LOSS_UNKNOWN && w->lost_slot_end <= w->dump->applied + 1)
        w->lost_slot_end = 0; /* its store has it all */
    return true;
}

/* The voters, as the replica with most slots knows them; and what is kept. */
static bool find_kept(struct review *v)
{
    struct member_config now, next;

    v->kept = 0;
    for (int i = 0; i < v->count; i++) {
        struct witness *w = &v->witnesses[i];
        for (int k = 0; k < i; k++) {
            if (v->witnesses[k].dump->identity.replica == w->dump->identity.replica) {
                fprintf(stderr, "rsm-dump: %s and %s are of the same replica\n",
                        v->witnesses[k].options.directory, w->options.directory);
                return false;
            }
        }
        if (dump_last(w->dump) < v->kept && v->voters != 0)
            continue;
        v->kept = dump_last(w->dump);
        v->kept_by = w->dump->identity.replica;
        if (w->dump->kv == NULL ||
            machine_members(w->dump->kv, &w->dump->genesis, &now, &next) != RSM_OK)
            members_of_genesis(&w->dump->genesis, &now);
        v->voters = 0;
        for (uint32_t m = 0; m < now.count; m++)
            v->voters |= now.members[m].voter ? 1u << now.members[m].id : 0;
    }
    return true;
}

/* The slots below are all that a quorum can have lost: 0 none, LOSS_UNKNOWN. */
static uint64_t quorum_lost_end(const struct review *v)
{
    uint64_t ends[LIMIT_REPLICAS];
    uint32_t count = 0;

    for (uint32_t id = 1; id <= REPLICA_MAX && count < LIMIT_REPLICAS; id++) {
        if ((v->voters & 1u << id) == 0)
            continue;
        uint64_t end = LOSS_UNKNOWN; /* not given */
        for (int i = 0; i < v->count; i++) {
            if (v->witnesses[i].dump->identity.replica == id)
                end = v->witnesses[i].lost_slot_end;
        }
        uint32_t place = count++;
        for (; place > 0 && ends[place - 1] < end; place--)
            ends[place] = ends[place - 1];
        ends[place] = end; /* highest first */
    }
    return count == 0 ? LOSS_UNKNOWN : ends[count / 2];
}

static void print_json(json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

static void print_witness(const struct review *v, const struct witness *w)
{
    const char *verdict = w->has_journal ? journal_verdict_name(w->report.verdict) : "missing";
    bool is_voter = (v->voters & 1u << w->dump->identity.replica) != 0;
    char lost[64] = "lost nothing that its store does not have";

    if (v->d->options->json) {
        print_json(json_pack(
            "{s:i,s:s,s:b,s:I,s:s,s:b,s:b,s:I}", "replica", (int)w->dump->identity.replica,
            "directory", w->options.directory, "voter", is_voter, "stored",
            (json_int_t)w->dump->applied, "journal", verdict, "lost", w->lost_slot_end != 0,
            "bounded", w->lost_slot_end != LOSS_UNKNOWN, "lost_below",
            (json_int_t)(w->lost_slot_end == LOSS_UNKNOWN ? 0 : w->lost_slot_end)));
        return;
    }
    if (w->lost_slot_end == LOSS_UNKNOWN)
        snprintf(lost, sizeof(lost), "lost votes, nobody can say for which slots");
    else if (w->lost_slot_end != 0)
        snprintf(lost, sizeof(lost), "lost votes, for slots below %llu at most",
                 (unsigned long long)w->lost_slot_end);
    printf("replica %u (%s)%s: store up to slot %llu, journal %s, %s\n", w->dump->identity.replica,
           w->options.directory, is_voter ? "" : ", no voter", (unsigned long long)w->dump->applied,
           verdict, lost);
}

/* Above the kept slots: those with a vote somewhere. */
static void print_votes(const struct review *v)
{
    for (uint64_t i = 0; i < SLOTS_MAX; i++) {
        uint32_t votes = v->votes[i];
        if (votes == 0)
            continue;
        uint64_t slot = v->kept + 1 + i;
        char replicas[64] = "";
        size_t size = 0;
        for (uint32_t id = 1; id <= REPLICA_MAX; id++) {
            if ((votes & 1u << id) != 0)
                size += (size_t)snprintf(replicas + size, sizeof(replicas) - size, " %u", id);
        }
        if (v->d->options->json)
            print_json(json_pack("{s:I,s:s}", "slot", (json_int_t)slot, "votes", replicas + 1));
        else
            printf("slot %llu: a vote of%s is left, and is taken over\n", (unsigned long long)slot,
                   replicas);
    }
}

static void conclude(struct review *v)
{
    uint64_t end = quorum_lost_end(v);
    uint64_t first = v->kept + 1;
    bool is_safe;

    while (first - v->kept <= SLOTS_MAX && v->votes[first - v->kept - 1] != 0)
        first++;
    is_safe = end <= first;
    if (v->d->options->json)
        print_json(json_pack("{s:I,s:i,s:b,s:I}", "kept", (json_int_t)v->kept, "kept_by",
                             (int)v->kept_by, "nothing_lost", is_safe, "first_in_doubt",
                             (json_int_t)(is_safe ? 0 : first)));
    else
        printf("every slot up to %llu is kept: replica %u has it\n", (unsigned long long)v->kept,
               v->kept_by);
    if (is_safe && !v->d->options->json)
        puts("nothing that was acknowledged is lost as long as these directories are");
    else if (!is_safe && end == LOSS_UNKNOWN)
        dump_finding(v->d,
                     "what was acknowledged in slots from %llu on, and has no vote above, may "
                     "be lost",
                     (unsigned long long)first);
    else if (!is_safe)
        dump_finding(v->d,
                     "what was acknowledged in slots %llu to %llu, and has no vote above, may "
                     "be lost",
                     (unsigned long long)first, (unsigned long long)end - 1);
}

int command_loss(struct dump *d)
{
    struct review *v = mem_alloc(sizeof(*v));

    v->d = d;
    bool good = open_witness(v, d, NULL);
    for (int i = 0; good && i < d->options->other_count; i++)
        good = open_witness(v, NULL, d->options->others[i]);
    good = good && find_kept(v);
    for (int i = 0; good && i < v->count; i++) {
        struct journal_scanner scanner = {v, on_segment, on_record};
        struct journal_report *report = mem_alloc(sizeof(*report));
        v->scanned = &v->witnesses[i];
        (void)dump_scan(v->scanned->dump, &scanner, report);
        mem_free(report);
        print_witness(v, v->scanned);
    }
    if (good) {
        print_votes(v);
        conclude(v);
    }
    for (int i = 1; i < v->count; i++)
        dump_close(&v->witnesses[i].opened);
    mem_free(v);
    return good ? dump_exit(d) : EXIT_NOTHING_THERE;
}
