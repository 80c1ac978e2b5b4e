/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flat_main.c - whether a change costs the same in a large store: flat_main DIR RECORD-SETS.
 *
 * Fills the store in DIR (made when it is not there; else it goes on) with so many record sets, by
 * change sets of 1,000 in zones of 100,000, through the rules and with commits as a replica makes
 * them. Then bundles of 64 changes of record sets at random, and prints for each change the
 * searches that reach the store, the faults of pages and the resident memory that is no page cache.
 * Run under callgrind (--toggle-collect=run_entries) it counts the instructions, LMDB's own among
 * them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "src/base/check.h"
#include "src/base/prng.h"
#include "src/command/envelope.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/machine/record.h"
#include "src/machine/tables.h"
#include "storage/store.h"
#include "tests/lib/counted.h"
#include "tests/lib/machine_world.h"

#define SET 1000u         /* record sets in a change set */
#define ZONE_SETS 100000u /* in a zone */
#define COMMIT_SETS 16u   /* change sets in a commit */
#define BUNDLES 64u       /* that are measured */
#define BUNDLE 64u        /* changes in one */

struct flat {
    struct store *store;
    struct counted *counted; /* over the store's snapshot */
    struct kv *applied;      /* over it */
    struct world *world;
    struct actor *writer;
    struct prng prng;
};

static const char *zone_of(uint64_t index, char text[64])
{
    (void)snprintf(text, 64, "z%06" PRIu64 ".flat.example.", index / ZONE_SETS);
    return text;
}

static struct rsm_bytes name_of(uint64_t index, uint8_t buffer[64])
{
    char zone[64], text[96];
    (void)snprintf(text, sizeof text, "k%06" PRIu64 ".%s", index % ZONE_SETS, zone_of(index, zone));
    struct rsm_bytes name = wire(text);
    CHECK(name.size <= 64);
    memcpy(buffer, name.data, name.size);
    return (struct rsm_bytes){buffer, name.size};
}

/* `first` and `step` say which record sets: one after the other, or at random when step is 0. */
static struct rsm_buffer body_of(struct flat *f, uint64_t first, uint32_t count, uint64_t mark)
{
    static uint8_t names[SET][64], datas[SET][62];
    static struct rsm_bytes rdatas[SET];
    static struct rsm_change changes[SET];
    char zone[64];
    for (uint32_t i = 0; i < count; i++) {
        memset(datas[i], 'x', sizeof datas[i]);
        datas[i][0] = 61;
        put_u64(datas[i] + 1, prng_next(&f->prng) ^ mark);
        rdatas[i] = (struct rsm_bytes){datas[i], sizeof datas[i]};
        changes[i] = (struct rsm_change){name_of(first + i, names[i]), 16, 300, &rdatas[i], 1};
    }
    return body_change(zone_of(first, zone), changes, count);
}

static void commit(struct flat *f)
{
    CHECK(store_commit(f->store, f->applied) == RSM_OK);
    kv_overlay_clear(f->applied);
    CHECK(store_refresh(f->store) == RSM_OK);
}

static void apply(struct flat *f, struct blob *value, uint32_t commands)
{
    struct entry entry;
    struct envelope envelope;
    CHECK(entry_parse(blob_bytes(value), &entry) == RSM_OK);
    CHECK(envelope_parse(entry.payload, &envelope) == RSM_OK);
    struct machine_signatures signatures = {.verified = true, .envelope = &envelope};
    struct verdicts *v = &f->world->last;
    CHECK(machine_apply(f->world->machine, f->applied, ++f->world->slot, blob_bytes(value),
                        &signatures, v) == RSM_OK);
    CHECK(v->applied_count == commands);
}

static void act(struct flat *f, struct actor *a, enum rsm_kind kind, struct rsm_buffer body)
{
    struct blob *envelope = actor_envelope(a, kind, &body);
    struct blob *value = world_value(f->world, envelope);
    apply(f, value, 1);
    a->counter++;
    blob_unref(envelope);
    blob_unref(value);
}

/* ---- beginning, or going on ---- */

static void copy_rows(struct kv *from, struct kv *to)
{
    for (uint8_t table = TABLE_META; table < TABLE_END; table++) {
        struct key place = {.size = 0};
        struct bytes key, value;
        while (kv_next(from, table, key_bytes(&place), place.size > 0, &key, &value) == RSM_OK) {
            place.size = key.size;
            memcpy(place.data, key.data, key.size);
            CHECK(kv_put(to, table, key, value) == RSM_OK);
        }
    }
}

static void load_counter(struct flat *f, struct actor *a)
{
    struct author_record row;
    if (author_load(f->applied, bytes_of_string(a->name), &row) != RSM_OK)
        return;
    a->counter = row.counter;
    if (row.lamport > f->world->lamport)
        f->world->lamport = row.lamport;
}

static void make_people(struct flat *f)
{
    struct world *w = f->world;
    const struct rsm_budget much = {UINT64_C(1) << 40, UINT64_C(1) << 40};
    const struct rsm_budget budget[RSM_BUDGETS] = {much, much, much, much};
    struct rsm_grant grants[] = {{.verb = text_bytes("*")}};
    struct rsm_bytes key = {f->writer->key, sizeof f->writer->key}, role = text_bytes("all");
    struct rsm_buffer body;
    CHECK(rsm_body_role_set(role, grants, 1, &body) == RSM_OK);
    act(f, &w->actors[0], RSM_KIND_ROLE_SET, body);
    CHECK(rsm_body_principal_set(text_bytes("writer"), RSM_PRINCIPAL_PERSON, text_bytes("writer"),
                                 rsm_text(""), &key, 1, &role, 1, budget, &body) == RSM_OK);
    act(f, &w->actors[0], RSM_KIND_PRINCIPAL_SET, body);
}

static void open_flat(struct flat *f, const char *dir, uint64_t sets)
{
    const struct store_identity identity = {.cluster = {1}, .replica = 1};
    const struct store_options options = {.map_size = (UINT64_C(1) << 30) + 2048 * sets};
    uint64_t applied = 0;
    (void)mkdir(dir, 0700);
    CHECK(store_open(dir, &identity, &options, &f->store) == RSM_OK);
    f->world = world_new();
    f->writer = world_actor(f->world, "writer");
    f->counted = counted_new(store_kv(f->store));
    f->applied = kv_overlay_new(&f->counted->kv);
    prng_init(&f->prng, 1);
    if (log_get_applied(f->applied, &applied) == RSM_NOT_FOUND) {
        copy_rows(f->world->kv, f->applied);
        make_people(f);
        commit(f);
    } else {
        f->world->slot = applied;
        load_counter(f, &f->world->actors[0]);
        load_counter(f, f->writer);
    }
    actor_see_all(f->writer);
}

/* How many record sets there are, by the first of a thousand that is not. */
static uint64_t present(struct flat *f, uint64_t most)
{
    uint64_t count = 0;
    for (; count < most; count += SET) {
        struct query_rrset found;
        char zone[64];
        uint8_t name[64];
        struct rsm_bytes owner = name_of(count, name);
        if (query_rrset(f->applied, wire_bytes(zone_of(count, zone)),
                        bytes_make(owner.data, owner.size), 16, QUERY_NOW, &found) != RSM_OK)
            break;
    }
    return count;
}

static void fill(struct flat *f, uint64_t sets)
{
    char zone[64];
    for (uint64_t at = present(f, sets); at < sets; at += SET) {
        if (at % ZONE_SETS == 0) {
            char server[96];
            (void)snprintf(server, sizeof server, "ns.%s", zone_of(at, zone));
            struct rsm_change change = change_a(server, 1, 1);
            act(f, f->writer, RSM_KIND_ZONE_CREATE, body_zone(zone, 1, &change, 1));
        }
        act(f, f->writer, RSM_KIND_RRSET_CHANGE, body_of(f, at, SET, at));
        if (at / SET % COMMIT_SETS == 0)
            commit(f);
    }
    commit(f);
}

/* ---- measuring ---- */

static struct blob *bundle_of(struct flat *f, uint64_t sets)
{
    struct blob *commands[BUNDLE];
    for (uint32_t i = 0; i < BUNDLE; i++) {
        struct rsm_buffer body = body_of(f, prng_below(&f->prng, sets), 1, i);
        commands[i] = actor_command(f->writer, RSM_KIND_RRSET_CHANGE, &body, "");
        f->writer->counter++;
    }
    struct blob *envelope = actor_seal(f->writer, commands, BUNDLE, true);
    struct blob *value = world_value(f->world, envelope);
    blob_unref(envelope);
    return value;
}

/* Not inlined: callgrind collects here. */
__attribute__((noinline)) static void run_entries(struct flat *f, struct blob **values)
{
    for (uint32_t i = 0; i < BUNDLES; i++)
        apply(f, values[i], BUNDLE);
}

static uint64_t resident_kib(void)
{
    char line[128];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "RssAnon: %llu", &kib);
    (void)fclose(file);
    return kib;
}

static void measure(struct flat *f, uint64_t sets)
{
    struct blob *values[BUNDLES];
    struct rusage before, after;
    uint64_t used, map;
    for (uint32_t i = 0; i < BUNDLES; i++)
        values[i] = bundle_of(f, sets);
    f->counted->gets = f->counted->walks = 0;
    (void)getrusage(RUSAGE_SELF, &before);
    run_entries(f, values);
    (void)getrusage(RUSAGE_SELF, &after);
    double n = BUNDLES * BUNDLE;
    store_sizes(f->store, &used, &map);
    printf("%10" PRIu64 " record sets, store %6" PRIu64 " MiB: store gets %.2f, walks %.2f, "
           "page faults %.3f a change; resident %" PRIu64 " MiB without page cache\n",
           sets, used >> 20, (double)f->counted->gets / n, (double)f->counted->walks / n,
           (double)(after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt) / n,
           resident_kib() >> 10);
    for (uint32_t i = 0; i < BUNDLES; i++)
        blob_unref(values[i]);
}

int main(int argc, char **argv)
{
    struct flat f = {.store = NULL};
    uint64_t sets = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (sets < SET || sets % SET != 0) {
        (void)fprintf(stderr, "usage: flat_main DIR RECORD-SETS (thousands)\n");
        return 2;
    }
    CHECK(rsm_crypto_init() == RSM_OK);
    open_flat(&f, argv[1], sets);
    fill(&f, sets);
    measure(&f, sets);
    f.world->slot = 0; /* it has kept no log */
    world_free(f.world);
    kv_free(f.applied);
    counted_free_layer(f.counted);
    store_close(f.store);
    return 0;
}
