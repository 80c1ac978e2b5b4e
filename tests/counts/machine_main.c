/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * machine_main.c - what a change costs one replica's rules, in counts that do not depend on the
 * machine: machine_main [WORKLOAD [ENTRIES [COMMANDS]]]. Entries are judged ahead of the state and
 * replayed into it, over layers as the daemon has them (node_spec.c):
 *
 *     speculation -> applied -> counted -> rows of the store
 *
 * Prints for each record change: allocations, searches that reached the store, writes; and a hash
 * over all verdicts and effects, which a change of this program's speed must leave as it is.
 * `make machine-count` runs it, and fails above the limits; `valgrind --tool=callgrind` counts its
 * instructions.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/envelope.h"
#include "src/machine/effects.h"
#include "src/machine/entry.h"
#include "tests/lib/counted.h"
#include "tests/lib/machine_world.h"

#define AHEAD 16u  /* entries judged and not applied yet */
#define STORED 64u /* entries between two commits of the store */
#define SETS 4000u /* record sets in the zone */
#define ZONE "z000.bench.example."
#define RDATA_SIZE 128u

/* ---- what is written ---- */

struct workload {
    const char *name;
    uint32_t commands; /* in a bundle */
    uint32_t changes;  /* record sets in a command */
    bool is_new;       /* names that were not there */
    uint16_t type;
    /* For each record change, in hundredths: more is a failure. */
    uint32_t allocations_max, gets_max, walks_max;
};

static const struct workload WORKLOADS[] = {
    {"update", 64, 1, false, 16, 50, 550, 20},
    {"new", 64, 1, true, 16, 50, 550, 350},
    {"update-set", 1, 1000, false, 16, 50, 250, 20},
    {"new-set", 1, 1000, true, 16, 50, 350, 320},
    {"pointer-set", 1, 1000, false, 33, 50, 1100, 620},
};

struct run {
    const struct workload *load;
    struct world *world;
    struct actor *writer;
    struct counted *store;
    struct kv *applied, *spec;
    struct writer writes; /* of the entry that was judged last */
    uint32_t at;          /* the next record set */
    uint64_t sequence;
    struct effects hash;
};

static struct rsm_bytes name_of(uint32_t index, uint8_t buffer[64])
{
    char text[64];
    (void)snprintf(text, sizeof text, "r0000.k%06u.c0000." ZONE, index);
    struct rsm_bytes name = wire(text);
    CHECK(name.size <= 64);
    memcpy(buffer, name.data, name.size);
    return (struct rsm_bytes){buffer, name.size};
}

/* A TXT, or a SRV that points at the zone's own name server. */
static struct rsm_bytes rdata_of(const struct run *r, uint16_t type, uint8_t buffer[RDATA_SIZE])
{
    if (type == 33) {
        struct rsm_bytes target = wire("ns." ZONE);
        put_u16(buffer, (uint16_t)(r->sequence % 60000));
        put_u16(buffer + 2, 1);
        put_u16(buffer + 4, 443);
        memcpy(buffer + 6, target.data, target.size);
        return (struct rsm_bytes){buffer, target.size + 6};
    }
    buffer[0] = 60;
    memset(buffer + 1, 'x', 60);
    (void)snprintf((char *)buffer + 1, 14, "%012" PRIu64, r->sequence);
    buffer[13] = 'x';
    return (struct rsm_bytes){buffer, 61};
}

static struct rsm_buffer body_of(struct run *r, uint32_t count)
{
    static uint8_t names[4000][64], datas[4000][RDATA_SIZE];
    static struct rsm_bytes rdatas[4000];
    static struct rsm_change changes[4000];
    CHECK(count <= 4000);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = r->load->is_new ? r->at : r->at % SETS;
        r->at++;
        r->sequence++;
        rdatas[i] = rdata_of(r, r->load->type, datas[i]);
        changes[i] =
            (struct rsm_change){name_of(index, names[i]), r->load->type, 300, &rdatas[i], 1};
    }
    return body_change(ZONE, changes, count);
}

static struct blob *bundle_of(struct run *r)
{
    const struct workload *load = r->load;
    struct blob *commands[LIMIT_BUNDLE_COMMANDS];
    for (uint32_t i = 0; i < load->commands; i++) {
        struct rsm_buffer body = body_of(r, load->changes);
        commands[i] = actor_command(r->writer, RSM_KIND_RRSET_CHANGE, &body, "");
        r->writer->counter++;
    }
    struct blob *envelope = actor_seal(r->writer, commands, load->commands, load->commands > 1);
    struct blob *value = world_value(r->world, envelope);
    blob_unref(envelope);
    return value;
}

/* ---- running ---- */

static void make_zone(struct run *r)
{
    struct world *w = r->world;
    struct rsm_change server = change_a("ns." ZONE, 1, 1);
    CHECK(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, &server, 1)));
    world_role(w, "writer", "rrset.change", ZONE);
    r->writer = world_principal(w, "writer", RSM_PRINCIPAL_AUTOMATON, "writer");
    actor_see_all(r->writer);
    for (uint32_t i = 0; i < SETS; i += 1000) {
        struct rsm_buffer body = body_of(r, 1000);
        CHECK(actor_do(r->writer, RSM_KIND_RRSET_CHANGE, body));
    }
}

static void judge(struct run *r, uint64_t slot, struct blob *value, struct blob **writes_out)
{
    struct entry entry;
    struct envelope envelope;
    CHECK(entry_parse(blob_bytes(value), &entry) == RSM_OK);
    CHECK(envelope_parse(entry.payload, &envelope) == RSM_OK);
    struct machine_signatures signatures = {.verified = true, .envelope = &envelope};
    struct verdicts *v = &r->world->last;
    enum machine_judgement judgement;
    CHECK(machine_judge(r->world->machine, r->spec, slot, blob_bytes(value), &signatures, v,
                        &judgement) == RSM_OK);
    if (judgement != MACHINE_ACCEPT || v->applied_count != r->load->commands) {
        (void)fprintf(stderr, "refused: %s\n", world_words(r->world));
        abort();
    }
    struct bytes said = verdicts_bytes(v);
    struct kv_write row = {.key = bytes_make(v->effects, HASH_SIZE),
                           .value = bytes_make(said.data, said.size)};
    effects_add(&r->hash, &row);
    *writes_out = blob_new(writer_result(&r->writes));
}

/* Not inlined: callgrind collects here (--toggle-collect=run_entries). */
__attribute__((noinline)) static void run_entries(struct run *r, struct blob **values,
                                                  uint32_t count)
{
    struct blob *writes[AHEAD];
    uint64_t slot = r->world->slot + 1;
    for (uint32_t first = 0; first < count; first += AHEAD) {
        uint32_t end = first + AHEAD < count ? first + AHEAD : count;
        for (uint32_t i = first; i < end; i++)
            judge(r, slot + i, values[i], &writes[i - first]);
        for (uint32_t i = first; i < end; i++) {
            CHECK(machine_replay(r->applied, slot + i, blob_bytes(writes[i - first])) == RSM_OK);
            blob_unref(writes[i - first]);
        }
        kv_overlay_clear(r->spec);
        if (end % STORED == 0 || end == count)
            CHECK(kv_overlay_merge(r->applied, &r->store->kv) == RSM_OK);
    }
}

static bool is_within(const char *what, uint64_t found, uint64_t changes, uint32_t most)
{
    if (100 * found <= most * changes)
        return true;
    printf("FAILED: more than %u hundredths of %s for each change\n", most, what);
    return false;
}

/* False: a count is above its limit. */
static bool print(const struct run *r, uint64_t allocations, uint64_t changes)
{
    uint8_t hash[HASH_SIZE];
    char hex[2 * 8 + 1];
    struct effects copy = r->hash;
    effects_end(&copy, hash);
    hex_encode(hex, bytes_make(hash, 8));
    double n = (double)changes;
    printf("%-12s %8" PRIu64 " changes: allocations %6.2f, store gets %6.2f, walks %6.2f, "
           "writes %6.2f each; %s\n",
           r->load->name, changes, (double)allocations / n, (double)r->store->gets / n,
           (double)r->store->walks / n, (double)r->store->writes / n, hex);
    return is_within("allocations", allocations, changes, r->load->allocations_max) &&
           is_within("gets", r->store->gets, changes, r->load->gets_max) &&
           is_within("walks", r->store->walks, changes, r->load->walks_max);
}

static bool run_workload(const struct workload *load, uint32_t count)
{
    struct run r = {.load = load, .world = world_new()};
    make_zone(&r);
    r.store = counted_new(r.world->kv);
    r.world->kv = &r.store->kv;
    r.applied = kv_overlay_new(&r.store->kv);
    r.spec = kv_overlay_new(r.applied);
    writer_init(&r.writes, 64u << 20);
    machine_keep_writes(r.world->machine, &r.writes);
    effects_begin(&r.hash);
    struct blob **values = mem_alloc(count * sizeof *values);
    for (uint32_t i = 0; i < count; i++)
        values[i] = bundle_of(&r);
    uint64_t before = mem_total_count();
    run_entries(&r, values, count);
    uint64_t changes = (uint64_t)count * load->commands * load->changes;
    bool is_good = print(&r, mem_total_count() - before, changes);
    for (uint32_t i = 0; i < count; i++)
        blob_unref(values[i]);
    mem_free(values);
    machine_keep_writes(r.world->machine, NULL);
    writer_deinit(&r.writes);
    kv_free(r.spec);
    kv_free(r.applied);
    world_free(r.world);
    return is_good;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "all";
    uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 64;
    uint32_t passed = 0, failed = 0;
    CHECK(rsm_crypto_init() == RSM_OK); /* chooses the fastest hash that the processor has */
    for (size_t i = 0; i < sizeof WORKLOADS / sizeof *WORKLOADS; i++) {
        struct workload load = WORKLOADS[i];
        if (strcmp(name, "all") != 0 && strcmp(name, load.name) != 0)
            continue;
        if (argc > 3 && load.commands > 1)
            load.commands = (uint32_t)strtoul(argv[3], NULL, 10);
        CHECK(load.commands <= LIMIT_BUNDLE_COMMANDS);
        bool is_good = run_workload(&load, load.commands > 1 ? count : (count + 3) / 4);
        passed += is_good ? 1 : 0;
        failed += is_good ? 0 : 1;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
