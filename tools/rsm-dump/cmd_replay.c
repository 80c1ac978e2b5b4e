/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_replay.c - `replay`: slot by slot from the genesis on, what each makes of the state before
 * it.
 *
 * What is printed was computed here; the store's rows are only compared with it. Unlike verify it
 * goes on behind the first slot that differs: one wants to see what came of it.
 */
#include <string.h>

#include "src/machine/tables.h"
#include "tools/rsm-dump/replay.h"
#include "tools/rsm-dump/shown.h"
#include "tools/rsm-dump/slot.h"

struct steps {
    struct replay r;
    struct kv *writes; /* owned: of the slot just replayed, over r.kv */
    uint64_t rows;     /* of the state, that it changed */
    bool differs;      /* a slot differed already */
};

/* Counts what is another value than before, in the tables that not every slot writes to. */
static enum rsm_status count_row(void *context, const struct kv_write *w)
{
    struct steps *s = context;
    struct bytes before;

    if (w->table < TABLE_AUTHOR) /* META, and the log's own */
        return RSM_OK;
    enum rsm_status status = kv_get(s->r.kv, w->table, w->key, &before);
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        return status;
    bool was_there = status == RSM_OK;
    s->rows += w->deleted ? was_there : !was_there || !bytes_equal(before, w->value);
    return RSM_OK;
}

static const char *compare_head(const struct slot_view *stored, const uint8_t *theirs,
                                const uint8_t *ours)
{
    if (!stored->in_store)
        return "not stored yet";
    return memcmp(theirs, ours, HASH_SIZE) == 0 ? "as stored" : "NOT AS STORED";
}

/* `ours`: the slot with what was computed; `stored`: with what the store says. */
static void print_step(struct steps *s, const struct slot_view *ours,
                       const struct slot_view *stored)
{
    const struct chain_heads *heads = &s->r.ledger.heads;
    const char *entry = compare_head(stored, stored->verdicts.entry_head, heads->entry);
    const char *verdict = compare_head(stored, stored->verdicts.verdict_head, heads->verdict);
    char hex[2][2 * HASH_SIZE + 1];
    struct slot_parts parts;

    if (s->r.d->options->json) {
        json_t *line = slot_json(s->r.d, ours);
        json_object_set_new(line, "rows_changed", json_integer((json_int_t)s->rows));
        json_object_set_new(line, "entry_head_is", json_string(entry));
        json_object_set_new(line, "verdict_head_is", json_string(verdict));
        shown_print(line, true);
        return;
    }
    hex_encode(hex[0], bytes_make(heads->entry, HASH_SIZE));
    hex_encode(hex[1], bytes_make(heads->verdict, HASH_SIZE));
    slot_take_apart(ours, &parts);
    slot_print(s->r.d, ours, &parts);
    printf("  rows changed  %llu\n  entry head    %s  %s\n  verdict head  %s  %s\n",
           (unsigned long long)s->rows, hex[0], entry, hex[1], verdict);
}

/* One slot. False, with a finding, when it cannot be replayed. */
static bool step(struct steps *s, bool is_wanted)
{
    struct ledger *l = &s->r.ledger;
    struct slot_view stored;
    uint64_t slot = l->slot + 1;

    s->rows = 0;
    enum rsm_status status = dump_slot(s->r.d, slot, &stored);
    if (status == RSM_OK)
        status = ledger_step(l, stored.value);
    if (status == RSM_OK)
        status = kv_overlay_visit(s->writes, count_row, s);
    if (status == RSM_OK)
        status = kv_overlay_merge(s->writes, s->r.kv);
    if (status != RSM_OK) {
        dump_finding(s->r.d, "slot %llu: %s", (unsigned long long)slot,
                     rsm_status_sentence(status));
        return false;
    }
    struct slot_view ours = stored;
    ours.has_verdicts = true;
    ours.verdicts = (struct log_verdict){.entry_head = l->heads.entry,
                                         .verdict_head = l->heads.verdict,
                                         .log_time_ms = l->log_time_ms,
                                         .effects = l->verdicts.effects,
                                         .verdicts = verdicts_bytes(&l->verdicts)};
    if (is_wanted)
        print_step(s, &ours, &stored);
    const char *wrong = stored.in_store ? replay_compare(&s->r, &stored) : NULL;
    if (wrong != NULL && !s->differs)
        dump_finding(s->r.d, "slot %llu: %s; it is the first that differs",
                     (unsigned long long)slot, wrong);
    s->differs = s->differs || wrong != NULL;
    return true;
}

int command_replay(struct dump *d)
{
    struct steps s = {.rows = 0};
    uint64_t last = d->options->to != NULL ? d->to : dump_last(d);

    if (d->options->to != NULL && (last == 0 || last > dump_last(d))) {
        fprintf(stderr, "rsm-dump: %s: no such slot (the last one is %llu)\n", d->options->to,
                (unsigned long long)dump_last(d));
        return EXIT_NOTHING_THERE;
    }
    bool good = replay_init(&s.r, d);
    if (good) {
        s.writes = kv_overlay_new(s.r.kv);
        s.r.ledger.kv = s.writes;
    }
    while (good && s.r.ledger.slot < last) {
        uint64_t slot = s.r.ledger.slot + 1;
        good = step(&s, slot == last || (d->options->step && slot >= d->from));
    }
    kv_free(s.writes);
    replay_deinit(&s.r);
    return dump_exit(d);
}
