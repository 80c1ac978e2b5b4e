/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit.c - see audit.h. The hashes are libsodium's, the fields in them are written out here. */
#include "tests/sim/audit.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/envelope.h"
#include "src/command/genesis.h"
#include "src/machine/logtable.h"
#include "src/machine/machine.h"
#include "src/machine/query.h"

struct slot_fact {
    uint8_t entry_head[HASH_SIZE];
    uint8_t verdict_head[HASH_SIZE];
};

/*
 * A leader knows the others' clocks by hearsay of up to 1.2 seconds ago, and counts on with its
 * own, which may run at 0.9 to 1.1 of the right rate.
 */
#define HEARSAY_MS 300u

struct audit {
    struct sim *sim;
    struct checker *checker;
    struct recount *recount;
    struct blob *genesis;
    struct slot_fact *facts; /* owned; by slot, 0 is the genesis */
    uint64_t fact_count;
    uint64_t fact_capacity;
    uint64_t log_time;
    uint64_t clock_highest[REPLICA_MAX + 1];
    uint64_t *denied; /* owned; hashes of envelopes */
    size_t denied_count;
    uint64_t *submitted; /* owned; hashes of envelopes */
    size_t submitted_count;
    size_t submitted_capacity;
};

static void hash_parts(uint8_t out[HASH_SIZE], const char *tag, size_t tag_size,
                       const struct bytes *parts, size_t count)
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, HASH_SIZE);
    (void)crypto_generichash_update(&state, (const uint8_t *)tag, tag_size);
    for (size_t i = 0; i < count; i++)
        (void)crypto_generichash_update(&state, parts[i].data, parts[i].size);
    (void)crypto_generichash_final(&state, out, HASH_SIZE);
}

static void fact_add(struct audit *a, const struct slot_fact *fact)
{
    if (a->fact_count == a->fact_capacity) {
        a->fact_capacity = a->fact_capacity == 0 ? 256 : 2 * a->fact_capacity;
        a->facts = mem_realloc(a->facts, a->fact_capacity * sizeof(*a->facts));
    }
    a->facts[a->fact_count++] = *fact;
}

struct audit *audit_new(struct sim *sim, struct checker *checker, struct bytes genesis)
{
    struct audit *a = mem_alloc(sizeof(*a));
    struct slot_fact first;
    a->sim = sim;
    a->checker = checker;
    a->recount = recount_new(sim);
    a->genesis = blob_new(genesis);
    hash_parts(first.entry_head, "rsm genesis v1", 14, &genesis, 1);
    hash_parts(first.verdict_head, "rsm verdict genesis v1", 22, &genesis, 1);
    fact_add(a, &first);
    return a;
}

void audit_free(struct audit *a)
{
    recount_free(a->recount);
    blob_unref(a->genesis);
    mem_free(a->facts);
    mem_free(a->submitted);
    mem_free(a->denied);
    mem_free(a);
}

void audit_on_submitted(struct audit *a, struct bytes envelope)
{
    uint64_t hash = memory_value_hash(envelope);
    if (a->submitted_count == a->submitted_capacity) {
        a->submitted_capacity = a->submitted_capacity == 0 ? 256 : 2 * a->submitted_capacity;
        a->submitted = mem_realloc(a->submitted, a->submitted_capacity * sizeof(*a->submitted));
    }
    a->submitted[a->submitted_count++] = hash;
}

void audit_on_denied(struct audit *a, struct bytes envelope)
{
    a->denied = mem_realloc(a->denied, (a->denied_count + 1) * sizeof(*a->denied));
    a->denied[a->denied_count++] = memory_value_hash(envelope);
}

void audit_on_clock(struct audit *a, uint32_t replica, uint64_t wall_ms)
{
    if (wall_ms > a->clock_highest[replica])
        a->clock_highest[replica] = wall_ms;
}

static uint64_t clock_highest(const struct audit *a)
{
    uint64_t highest = 0;
    for (uint32_t r = 1; r <= REPLICA_MAX; r++)
        highest = a->clock_highest[r] > highest ? a->clock_highest[r] : highest;
    return highest;
}

static bool was_denied(const struct audit *a, uint64_t hash)
{
    for (size_t i = 0; i < a->denied_count; i++) {
        if (a->denied[i] == hash)
            return true;
    }
    return false;
}

static bool was_submitted(const struct audit *a, uint64_t hash)
{
    /* What is chosen was mostly handed in a moment ago. */
    for (size_t i = a->submitted_count; i > 0; i--) {
        if (a->submitted[i - 1] == hash)
            return true;
    }
    return false;
}

static void audit_new_slot(struct audit *a, uint32_t replica, uint64_t slot, struct bytes entry,
                           const struct log_verdict *row)
{
    uint64_t stamp = entry.size >= 10 ? get_u64(entry.data + 2) : 0;
    uint64_t time = stamp > a->log_time ? stamp : a->log_time;
    if (slot == 1 && entry.size < 10)
        time = row->log_time_ms; /* of the genesis */
    struct bytes envelope = recount_envelope(entry);
    if (envelope.size > 0 && !was_submitted(a, memory_value_hash(envelope)))
        sim_fail(a->sim, "I2: slot %" PRIu64 " holds what nobody handed in", slot);
    if (row->log_time_ms < a->log_time || row->log_time_ms < stamp ||
        (slot > 1 && row->log_time_ms != time))
        sim_fail(a->sim,
                 "I13: replica %u: log time %" PRIu64 " in slot %" PRIu64 ", stamp %" PRIu64
                 ", before %" PRIu64,
                 replica, row->log_time_ms, slot, stamp, a->log_time);
    if (stamp > clock_highest(a) + HEARSAY_MS)
        sim_fail(a->sim, "I13: slot %" PRIu64 " is from a time that no clock had", slot);
    if (envelope.size > 0 && was_denied(a, memory_value_hash(envelope)))
        sim_fail(a->sim, "I26: slot %" PRIu64 " holds what its author was told is not done", slot);
    a->log_time = row->log_time_ms;
    uint8_t numbers[24];
    struct slot_fact fact;
    const struct slot_fact *last = &a->facts[slot - 1];
    put_u64(numbers, slot);
    put_u64(numbers + 8, row->log_time_ms);
    const struct bytes of_entry[] = {bytes_make(last->entry_head, HASH_SIZE),
                                     bytes_make(numbers, 16), entry};
    hash_parts(fact.entry_head, "rsm entry v1", 13, of_entry, 3);
    put_u64(numbers + 8, row->verdicts.size);
    const struct bytes of_verdict[] = {bytes_make(last->verdict_head, HASH_SIZE),
                                       bytes_make(numbers, 16), row->verdicts,
                                       bytes_make(row->effects, HASH_SIZE)};
    hash_parts(fact.verdict_head, "rsm verdict v1", 15, of_verdict, 4);
    fact_add(a, &fact);
    recount_slot(a->recount, slot, row->log_time_ms, entry, row->verdicts);
}

struct audit *audit_fork(const struct audit *a, struct checker *checker, uint64_t slot,
                         struct kv *state, uint32_t voters)
{
    struct audit *fork = audit_new(a->sim, checker, blob_bytes(a->genesis));
    memcpy(fork->clock_highest, a->clock_highest, sizeof fork->clock_highest);
    fork->submitted = mem_copy(a->submitted, a->submitted_count * sizeof *a->submitted);
    fork->submitted_count = fork->submitted_capacity = a->submitted_count;
    if (a->denied_count > 0)
        fork->denied = mem_copy(a->denied, a->denied_count * sizeof *a->denied);
    fork->denied_count = a->denied_count;
    stage_set_voters(recount_stages(fork->recount), 1, voters);
    for (uint64_t next = 1; next <= slot && !a->sim->failed; next++) {
        struct log_verdict row;
        struct bytes entry;
        CHECK(log_get_verdict(state, next, &row) == RSM_OK);
        CHECK(log_get_entry(state, next, &entry) == RSM_OK);
        checker_know(checker, next, memory_value_hash(entry));
        audit_new_slot(fork, 0, next, entry, &row);
        if (memcmp(&fork->facts[next], &a->facts[next], sizeof *fork->facts) != 0)
            sim_fail(a->sim, "I7: slot %" PRIu64 " is another one where the log goes on", next);
    }
    return fork;
}

void audit_on_applied(struct audit *a, uint32_t replica, uint64_t slot, struct kv *state)
{
    struct log_verdict row;
    struct bytes entry;
    if (log_get_verdict(state, slot, &row) != RSM_OK ||
        log_get_entry(state, slot, &entry) != RSM_OK) {
        sim_fail(a->sim, "replica %u applied slot %" PRIu64 " and does not have it", replica, slot);
        return;
    }
    checker_on_learned(a->checker, replica, slot, memory_value_hash(entry));
    if (a->sim->failed)
        return;
    if (slot == a->fact_count)
        audit_new_slot(a, replica, slot, entry, &row);
    const struct slot_fact *fact = &a->facts[slot];
    if (memcmp(fact->entry_head, row.entry_head, HASH_SIZE) != 0)
        sim_fail(a->sim, "I7: replica %u: another entry head in slot %" PRIu64, replica, slot);
    else if (memcmp(fact->verdict_head, row.verdict_head, HASH_SIZE) != 0)
        sim_fail(a->sim, "I8: replica %u: another verdict head in slot %" PRIu64, replica, slot);
    sim_mix(a->sim, get_u64(row.entry_head));
}

void audit_on_store(struct audit *a, uint32_t replica, struct kv *store)
{
    uint64_t applied = 0;
    uint8_t entry_head[HASH_SIZE];
    uint8_t verdict_head[HASH_SIZE];
    if (log_get_applied(store, &applied) != RSM_OK || applied == 0)
        return;
    if (applied >= a->fact_count || log_get_heads(store, entry_head, verdict_head) != RSM_OK)
        sim_fail(a->sim,
                 "I19: the store of replica %u is at slot %" PRIu64 ", which nobody has applied",
                 replica, applied);
    else if (memcmp(a->facts[applied].entry_head, entry_head, HASH_SIZE) != 0 ||
             memcmp(a->facts[applied].verdict_head, verdict_head, HASH_SIZE) != 0)
        sim_fail(a->sim, "I8: the store of replica %u says slot %" PRIu64 " and has other heads",
                 replica, applied);
}

struct state_context {
    struct audit *audit;
    struct kv *state;
    uint32_t replica;
};

static void check_address(void *context, struct bytes zone, struct bytes owner, uint32_t address)
{
    const struct state_context *c = context;
    struct query_rrset set;
    uint32_t found = 0;
    if (query_rrset(c->state, zone, owner, 1, QUERY_NOW, &set) == RSM_OK &&
        set.record.rdatas.size >= 4)
        found = get_u32(set.record.rdatas.data + set.record.rdatas.size - 4);
    if (found != address)
        sim_fail(c->audit->sim, "I8: replica %u has address %x, the recount has %x", c->replica,
                 found, address);
}

/* What updates left at a name: the same addresses, in whatever order. */
static void check_host(void *context, struct bytes zone, struct bytes owner,
                       const uint32_t *addresses, size_t count)
{
    const struct state_context *c = context;
    struct query_rrset set;
    struct bytes rdatas = {NULL, 0}, rdata;
    size_t found = 0, known = 0;
    if (query_rrset(c->state, zone, owner, 1, QUERY_NOW, &set) == RSM_OK)
        rdatas = set.record.rdatas;
    while (rdatas.size > 0 && rrset_rdata_next(&rdatas, &rdata)) {
        found++;
        for (size_t i = 0; i < count && rdata.size == 4; i++)
            known += addresses[i] == get_u32(rdata.data) ? 1 : 0;
    }
    if (found != count || known != count)
        sim_fail(c->audit->sim,
                 "I32: replica %u has %zu addresses at a name, the recount has %zu, %zu are both's",
                 c->replica, found, count, known);
}

static void check_services(const struct state_context *c)
{
    struct query_list q = {.name = {NULL, 0}};
    size_t found = 0;
    while (query_service_next(c->state, &q) == RSM_OK)
        found++;
    if (found != plane_service_count(recount_plane(c->audit->recount)))
        sim_fail(c->audit->sim, "I33: replica %u has %zu services, the recount has %zu", c->replica,
                 found, plane_service_count(recount_plane(c->audit->recount)));
}

static void check_counter(void *context, struct bytes author, uint64_t counter)
{
    const struct state_context *c = context;
    struct query_clock clock;
    if (query_clock(c->state, author, &clock) != RSM_OK || clock.counter != counter)
        sim_fail(c->audit->sim,
                 "I20: replica %u: an author's counter is %" PRIu64 ", the recount has %" PRIu64,
                 c->replica, clock.counter, counter);
}

void audit_check_state(struct audit *a, uint32_t replica, struct kv *state)
{
    struct state_context context = {a, state, replica};
    recount_visit_authors(a->recount, check_counter, &context);
    recount_visit(a->recount, check_address, &context);
    plane_visit(recount_plane(a->recount), check_host, &context);
    check_services(&context);
}

static bool kv_rows_equal(struct kv *a, struct kv *b, uint8_t *table_out)
{
    for (uint8_t table = 1; table < TABLE_END; table++) {
        uint8_t last[LIMIT_KEY_SIZE];
        size_t size = 0;
        *table_out = table;
        for (;;) {
            struct bytes key, value, other_key, other_value;
            enum rsm_status one = kv_next(a, table, bytes_make(last, size), size > 0, &key, &value);
            enum rsm_status two =
                kv_next(b, table, bytes_make(last, size), size > 0, &other_key, &other_value);
            if (one != two)
                return false;
            if (one != RSM_OK)
                break;
            if (!bytes_equal(key, other_key) || !bytes_equal(value, other_value))
                return false;
            size = key.size;
            memcpy(last, key.data, size);
        }
    }
    return true;
}

void audit_check_equal(struct audit *a, uint32_t replica, struct kv *state, uint32_t other,
                       struct kv *other_state)
{
    uint8_t table;
    if (!kv_rows_equal(state, other_state, &table))
        sim_fail(a->sim, "L2: replicas %u and %u differ in table %u", replica, other, table);
}

void audit_check_replay(struct audit *a, uint32_t replica, struct kv *state)
{
    struct genesis genesis;
    struct verdicts verdicts;
    struct writer scratch;
    struct machine *machine = machine_new();
    struct kv *fresh = kv_mem_new();
    uint8_t table;
    machine_without_memo(machine); /* what the replicas kept of their state must not show */
    CHECK(genesis_parse(blob_bytes(a->genesis), &genesis) == RSM_OK);
    CHECK(machine_genesis(fresh, &genesis) == RSM_OK);
    verdicts_init(&verdicts);
    writer_init(&scratch, LIMIT_VALUE_SIZE);
    uint64_t applied = 0;
    CHECK(log_get_applied(state, &applied) == RSM_OK);
    for (uint64_t slot = 1; slot <= applied; slot++) {
        struct bytes entry;
        struct machine_signatures signatures = {.verified = true};
        struct log_verdict row;
        CHECK(log_get_entry(state, slot, &entry) == RSM_OK);
        CHECK(log_get_verdict(state, slot, &row) == RSM_OK);
        if (machine_apply(machine, fresh, slot, entry, &signatures, &verdicts) != RSM_OK)
            sim_fail(a->sim, "L5: slot %" PRIu64 " does not apply again", slot);
        row.log_time_ms = verdicts.log_time_ms;
        row.effects = verdicts.effects;
        row.verdicts = verdicts_bytes(&verdicts);
        CHECK(log_put(fresh, slot, entry, &row, &scratch) == RSM_OK);
    }
    if (!kv_rows_equal(state, fresh, &table))
        sim_fail(a->sim, "L5: replica %u: the log gives another state, table %u", replica, table);
    verdicts_deinit(&verdicts);
    writer_deinit(&scratch);
    kv_free(fresh);
    machine_free(machine);
}

const struct recount *audit_recount(const struct audit *a)
{
    return a->recount;
}
