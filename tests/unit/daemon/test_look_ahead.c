/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_look_ahead.c - what is found out of a value beside a replay is what its replay would find.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <string.h>

#include <rsm/command.h>
#include <rsm/key.h>

#include "src/command/envelope.h"
#include "src/command/keyfile.h"
#include "src/daemon/look_ahead.h"
#include "src/machine/entry.h"
#include "tests/lib/machine_world.h"

static const uint8_t cluster[CLUSTER_ID_SIZE] = {7}; /* the world's */
static struct world *world;
static struct look_ahead *ahead;

static void begin(uint32_t threads)
{
    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    world = world_new();
    cr_assert_eq(look_ahead_new(threads, cluster, &ahead), RSM_OK);
}

static void end(void)
{
    look_ahead_free(ahead);
    world_free(world);
}

/* A zone's creation, signed, in a slot's value. */
static struct blob *value_of(const char *zone)
{
    static const uint8_t seed[32] = {1};
    struct rsm_change server = change_a("ns.example.", 1, 1);
    struct rsm_buffer body = body_zone(zone, 1, &server, 1), envelope;
    struct blob *command = actor_command(&world->actors[0], RSM_KIND_ZONE_CREATE, &body, "");
    struct rsm_key *key;
    cr_assert_eq(key_from_seed(world->actors[0].name, seed, &key), RSM_OK);
    cr_assert_eq(
        rsm_command_sign(key, cluster, (struct rsm_bytes){command->data, command->size}, &envelope),
        RSM_OK);
    struct writer value;
    writer_init(&value, LIMIT_VALUE_SIZE);
    entry_encode(&value, ENTRY_COMMANDS, 1, bytes_make(envelope.data, envelope.size));
    struct blob *blob = blob_new(writer_result(&value));
    writer_deinit(&value);
    rsm_buffer_free(&envelope);
    rsm_key_free(key);
    blob_unref(command);
    return blob;
}

static bool take(const struct blob *value, struct machine_signatures *out)
{
    return look_ahead_take(ahead, bytes_make(value->data, value->size), out);
}

/* Form, signature and digests of each value, whichever threads there are. */
ParameterizedTestParameters(look_ahead, finds_what_the_replay_finds)
{
    static uint32_t threads[] = {0, 1, 3};
    return cr_make_param_array(uint32_t, threads, sizeof threads / sizeof *threads);
}

ParameterizedTest(uint32_t *threads, look_ahead, finds_what_the_replay_finds)
{
    struct blob *values[8];
    begin(*threads);
    for (size_t i = 0; i < 8; i++) {
        values[i] = value_of("a.example.");
        look_ahead_add(ahead, values[i]);
    }
    for (size_t i = 0; i < 8; i++) {
        struct machine_signatures found;
        struct command command;
        uint8_t digest[HASH_SIZE];
        cr_assert(take(values[i], &found));
        cr_assert(found.verified);
        struct envelope_walk walk = envelope_commands(found.envelope);
        cr_assert(envelope_next(&walk, &command));
        command_digest(command.raw, found.envelope->key, digest);
        cr_assert_arr_eq(found.digests, digest, HASH_SIZE);
        blob_unref(values[i]);
    }
    end();
}

/* One flipped bit of the signature or of the command: not verified, and nothing said of it. */
Test(look_ahead, a_bad_signature_is_not_good)
{
    begin(2);
    struct blob *good = value_of("a.example.");
    for (size_t i = 10; i < good->size; i += 7) {
        struct machine_signatures found;
        struct blob *bad = blob_new(blob_bytes(good));
        bad->data[i] ^= 1;
        look_ahead_add(ahead, bad);
        cr_assert(take(bad, &found));
        cr_assert(!found.verified, "byte %zu", i);
        cr_assert_null(found.envelope);
        cr_assert_null(found.digests);
        blob_unref(bad);
    }
    blob_unref(good);
    end();
}

/* What was passed over is forgotten, what was never added is not known, equal bytes are not it. */
Test(look_ahead, only_the_very_value_is_known)
{
    begin(1);
    struct machine_signatures found;
    struct blob *first = value_of("a.example.");
    struct blob *second = value_of("b.example.");
    struct blob *equal = blob_new(blob_bytes(second));
    look_ahead_add(ahead, first);
    look_ahead_add(ahead, second);
    cr_assert(!take(equal, &found));
    cr_assert(take(second, &found));
    cr_assert(!take(first, &found));
    cr_assert(!take(second, &found));
    blob_unref(first);
    blob_unref(second);
    blob_unref(equal);
    end();
}

/* Without room nothing is added, and nothing breaks; what waits is freed. */
Test(look_ahead, is_bounded)
{
    begin(1);
    struct machine_signatures found;
    struct blob *last = NULL;
    for (uint32_t i = 0; i <= LOOK_AHEAD_VALUES; i++) {
        blob_unref(last);
        last = value_of("a.example.");
        look_ahead_add(ahead, last);
    }
    cr_assert(!take(last, &found));
    blob_unref(last);
    end();
}
