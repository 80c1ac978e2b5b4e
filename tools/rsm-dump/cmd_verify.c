/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_verify.c - the whole log judged again, from the genesis on, against what the replica wrote.
 *
 * For each slot, in this order; the first that is wrong ends it:
 *   1. the entry and its verdict row are there and check;
 *   2. the entry is one (form), its envelope is for this cluster and signed by its key;
 *   3. log time does not fall;
 *   4. the verdicts, their effects and the log time are what the machine says today;
 *   5. both chain heads follow from the heads before.
 * Afterwards the state in the store is compared with the replayed one, row by row; then every row
 * of the store is held against its checksum and all of them against the last commit's sum, which
 * also reads what no table of the state has; then the journal is read.
 */
#include <string.h>

#include "src/machine/recovery.h"
#include "src/machine/tables.h"
#include "storage/store.h"
#include "tools/rsm-dump/replay.h"

/* One slot of store or tail. False, with a finding that names it, when it is wrong. */
static bool verify_slot(struct replay *r, uint64_t slot)
{
    struct dump *d = r->d;
    struct slot_view view;
    struct bytes raw;
    uint64_t time_before_ms = r->ledger.log_time_ms;
    const char *wrong = NULL;

    enum rsm_status status = dump_slot(d, slot, &view);
    if (status != RSM_OK) {
        dump_finding(d, "slot %llu: its rows in the store: %s", (unsigned long long)slot,
                     rsm_status_sentence(status));
        return false;
    }
    status = ledger_envelope(d->genesis.cluster_id, view.value, &raw);
    if (status != RSM_OK) {
        dump_finding(d, "slot %llu: entry or envelope: %s", (unsigned long long)slot,
                     rsm_status_sentence(status));
        return false;
    }
    status = ledger_step(&r->ledger, view.value);
    if (status != RSM_OK)
        wrong = rsm_status_sentence(status);
    else if (r->ledger.log_time_ms < time_before_ms)
        wrong = "log time falls";
    else if (view.in_store)
        wrong = replay_compare(r, &view);
    if (wrong != NULL)
        dump_finding(d, "slot %llu: %s", (unsigned long long)slot, wrong);
    return wrong == NULL;
}

/* A key as hexadecimal digits, cut. */
static const char *key_text(struct bytes key, char out[2 * 40 + 1])
{
    hex_encode(out, bytes_make(key.data, key.size < 40 ? key.size : 40));
    return out;
}

/* All rows of one table, both sides at once. False at the first difference. */
static bool compare_table(struct dump *d, struct kv *replayed, uint8_t table)
{
    unsigned long long slot = d->applied;
    struct key place = {0, {0}};
    bool after = false;

    for (;;) {
        char text[2 * 40 + 1];
        struct bytes k1;
        struct bytes v1;
        struct bytes k2;
        struct bytes v2;
        enum rsm_status a = kv_next(replayed, table, key_bytes(&place), after, &k1, &v1);
        enum rsm_status b = kv_next(d->kv, table, key_bytes(&place), after, &k2, &v2);
        if (a == RSM_NOT_FOUND && b == RSM_NOT_FOUND)
            return true;
        if (b != RSM_OK && b != RSM_NOT_FOUND) {
            dump_finding(d, "state after slot %llu, table %u behind key %s: %s", slot, table,
                         key_text(key_bytes(&place), text), rsm_status_sentence(b));
            return false;
        }
        if (a != b || !bytes_equal(k1, k2)) {
            bool missing = b != RSM_OK || (a == RSM_OK && bytes_compare(k1, k2) < 0);
            dump_finding(d, "state after slot %llu, table %u, key %s: %s", slot, table,
                         key_text(missing ? k1 : k2, text),
                         missing ? "the replay has it, the store does not"
                                 : "the store has it, the replay does not");
            return false;
        }
        if (!bytes_equal(v1, v2)) {
            dump_finding(d, "state after slot %llu, table %u, key %s: store and replay differ",
                         slot, table, key_text(k1, text));
            return false;
        }
        if (k1.size > sizeof(place.data))
            return true;
        memcpy(place.data, k1.data, k1.size);
        place.size = k1.size;
        after = true;
    }
}

static bool compare_state(struct dump *d, struct kv *replayed)
{
    bool equal = true;

    for (uint8_t table = TABLE_META; table < TABLE_END; table++)
        equal = compare_table(d, replayed, table) && equal;
    return equal;
}

/* Each time that one replica went on alone, the newest first. */
static void print_recoveries(struct replay *r)
{
    struct recovery_record row = {.epoch = UINT64_MAX};
    char text[1024];

    while (recovery_below(r->kv, row.epoch, &row) == RSM_OK) {
        recovery_describe(&row, text, sizeof text);
        printf("recovered by force: %s\n", text);
    }
}

static json_t *epoch_json(struct replay *r)
{
    struct recovery_record row;

    return json_integer(recovery_newest(r->kv, &row) == RSM_OK ? (json_int_t)row.epoch
                                                               : RECOVERY_EPOCH_FIRST);
}

/* The store's own rows as well: format, identity, the sum of a commit. */
static void check_store(struct dump *d)
{
    char text[160];
    uint64_t rows = 0;

    if (d->store == NULL)
        return;
    enum rsm_status status = store_verify(d->store, text, sizeof(text), &rows);
    if (status == RSM_DAMAGED)
        dump_finding(d, "store: %s", text);
    else if (status != RSM_OK)
        dump_finding(d, "store: %s", rsm_status_sentence(status));
}

static void print_result(struct replay *r, bool good)
{
    char entry[2 * HASH_SIZE + 1];
    char verdict[2 * HASH_SIZE + 1];
    struct dump *d = r->d;

    if (!good)
        return;
    hex_encode(entry, bytes_make(r->ledger.heads.entry, HASH_SIZE));
    hex_encode(verdict, bytes_make(r->ledger.heads.verdict, HASH_SIZE));
    if (d->options->json) {
        json_t *line =
            json_pack("{s:I,s:I,s:s,s:s,s:o,s:b}", "slots", (json_int_t)r->ledger.slot, "in_store",
                      (json_int_t)d->applied, "entry_head", entry, "verdict_head", verdict, "epoch",
                      epoch_json(r), "good", d->finding_count == 0);
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
        return;
    }
    printf("%llu slots verified: chains, signatures, order, verdicts\n",
           (unsigned long long)r->ledger.slot);
    printf("%llu of them in the store, whose state is the replayed one\n",
           (unsigned long long)d->applied);
    if (d->tail_count > 0)
        printf("%zu chosen and still only in the journal\n", d->tail_count);
    print_recoveries(r);
    printf("entry head    %s\nverdict head  %s\n", entry, verdict);
}

int command_verify(struct dump *d)
{
    struct replay r;
    bool good = replay_init(&r, d);

    /* A store that says 0, or nothing: the genesis alone. */
    if (good && d->applied == 0 && d->kv != NULL && (d->has_state || dump_last(d) == 0))
        good = compare_state(d, r.kv);
    for (uint64_t slot = 1; good && slot <= dump_last(d); slot++) {
        good = verify_slot(&r, slot);
        if (good && slot == d->applied)
            good = compare_state(d, r.kv);
    }
    check_store(d);
    journal_check(d);
    print_result(&r, good);
    replay_deinit(&r);
    return dump_exit(d);
}
