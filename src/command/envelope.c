/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope.c - parse, walk, verify, digest. The forms are in envelope.h.
 *
 * The order is: bounds and canonical form, then fields, then (by the caller) cluster and signature.
 * Nothing is hashed or verified that is not canonical: two encodings of one command would be two
 * digests, and so two verdicts.
 */
#include "src/command/envelope.h"

#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/command/canonical.h"
#include "src/command/public.h"
#include "src/command/signature.h"

#define KIND_SIZE_MAX 64u

static const char DIGEST_TAG[] = "rsm digest v1";            /* hashed with its end mark */
static const char ENVELOPE_DIGEST_TAG[] = "rsm envelope v1"; /* likewise */

/* ---- commands ---- */

static struct bytes take_author(struct unpack *u)
{
    struct bytes author = unpack_str(u, LIMIT_PRINCIPAL_SIZE);
    if (unpack_ok(u) && !body_is_word(author))
        unpack_fail(u, RSM_MALFORMED);
    return author;
}

/* Counters and Lamport clocks begin at 1. */
static uint64_t take_counter(struct unpack *u)
{
    uint64_t counter = unpack_uint_max(u, ENVELOPE_COUNTER_MAX);
    if (unpack_ok(u) && counter == 0)
        unpack_fail(u, RSM_MALFORMED);
    return counter;
}

/* The scan has seen that the keys are sorted and unique. */
static void take_clock(struct unpack *u, struct command *c)
{
    size_t first = u->offset;
    c->clock_count = unpack_map(u);
    if (c->clock_count > LIMIT_CLOCK_ENTRIES)
        unpack_fail(u, RSM_TOO_MANY);
    for (uint32_t i = 0; i < c->clock_count && unpack_ok(u); i++) {
        (void)take_author(u);
        (void)take_counter(u);
    }
    c->clock = bytes_make(u->data + first, u->offset - first);
}

static void take_dependencies(struct unpack *u, struct command *c)
{
    struct command_event before = {{NULL, 0}, 0};
    size_t first = u->offset;
    c->dependency_count = unpack_array(u);
    if (c->dependency_count > LIMIT_DEPENDENCIES)
        unpack_fail(u, RSM_TOO_MANY);
    for (uint32_t i = 0; i < c->dependency_count && unpack_ok(u); i++) {
        unpack_array_exactly(u, 2);
        struct bytes author = take_author(u);
        uint64_t counter = take_counter(u);
        int order = unpack_ok(u) && i > 0 ? bytes_compare(before.author, author) : -1;
        if (order > 0 || (order == 0 && before.counter >= counter))
            unpack_fail(u, RSM_NOT_CANONICAL);
        before = (struct command_event){author, counter};
    }
    c->dependencies = bytes_make(u->data + first, u->offset - first);
}

/* The command at the cursor, whose bytes are canonical: its end is where its fields end. */
static enum rsm_status take_command_fields(struct unpack *u, struct command *out)
{
    size_t first = u->offset;
    unpack_array_exactly(u, 8);
    out->author = take_author(u);
    out->counter = take_counter(u);
    out->lamport = take_counter(u);
    take_clock(u, out);
    take_dependencies(u, out);
    struct bytes kind = unpack_str(u, KIND_SIZE_MAX);
    if (unpack_ok(u) && unpack_peek(u) != UNPACK_ARRAY)
        unpack_fail(u, RSM_WRONG_TYPE);
    out->body = unpack_raw(u);
    out->reason = unpack_str(u, LIMIT_REASON_SIZE);
    if (!unpack_ok(u))
        return u->status;
    out->raw = bytes_make(u->data + first, u->offset - first);
    return rsm_kind_parse(bytes_to_public(kind), &out->kind);
}

static enum rsm_status take_command(struct unpack *u, struct command *out)
{
    *out = (struct command){.counter = 0};
    enum rsm_status status = take_command_fields(u, out);
    return status == RSM_OK ? body_check(out->kind, out->body) : status;
}

enum rsm_status command_parse(struct bytes data, struct command *out)
{
    struct unpack u = unpack_make(data);
    enum rsm_status status = scan_whole(SCAN_CANONICAL, data, LIMIT_ENVELOPE_SIZE);
    return status == RSM_OK ? take_command(&u, out) : status;
}

struct command_event_walk command_clock(const struct command *c)
{
    struct command_event_walk walk = {.cursor = unpack_make(c->clock), .is_map = true};
    walk.left = unpack_map(&walk.cursor);
    return walk;
}

struct command_event_walk command_dependencies(const struct command *c)
{
    struct command_event_walk walk = {.cursor = unpack_make(c->dependencies)};
    walk.left = unpack_array(&walk.cursor);
    return walk;
}

bool command_event_next(struct command_event_walk *walk, struct command_event *out)
{
    if (walk->left == 0 || !unpack_ok(&walk->cursor))
        return false;
    walk->left--;
    if (!walk->is_map)
        unpack_array_exactly(&walk->cursor, 2);
    out->author = unpack_str(&walk->cursor, LIMIT_PRINCIPAL_SIZE);
    out->counter = unpack_uint(&walk->cursor);
    return unpack_ok(&walk->cursor);
}

uint64_t command_clock_of(const struct command *c, struct bytes author)
{
    struct command_event_walk walk = command_clock(c);
    struct command_event entry;
    while (command_event_next(&walk, &entry))
        if (bytes_equal(entry.author, author))
            return entry.counter;
    return 0;
}

/* ---- envelopes ---- */

static enum rsm_status parse_fields(struct bytes data, struct envelope *out)
{
    struct unpack u = unpack_make(data);
    unpack_format(&u, 1, 7);
    if (!unpack_ok(&u))
        return u.status;
    uint64_t form = unpack_uint(&u);
    if (unpack_ok(&u) && form != ENVELOPE_COMMAND && form != ENVELOPE_BUNDLE)
        unpack_fail(&u, RSM_MALFORMED);
    out->form = (enum envelope_form)form;
    out->cluster_id = unpack_bin_exactly(&u, CLUSTER_ID_SIZE);
    out->author = take_author(&u);
    out->key = unpack_bin_exactly(&u, ENVELOPE_KEY_SIZE);
    out->signature = unpack_bin_exactly(&u, ENVELOPE_SIGNATURE_SIZE);
    out->payload = unpack_bin(&u, LIMIT_ENVELOPE_SIZE);
    if (!unpack_done(&u))
        return unpack_ok(&u) ? RSM_WRONG_TYPE : u.status;
    return RSM_OK;
}

/* The commands, once the payload is known to be canonical. */
static enum rsm_status parse_payload(struct envelope *e)
{
    struct unpack u = unpack_make(e->payload);
    e->command_count = e->form == ENVELOPE_BUNDLE ? unpack_array(&u) : 1;
    if (!unpack_ok(&u))
        return u.status;
    if (e->command_count == 0)
        return RSM_MALFORMED;
    if (e->command_count > LIMIT_BUNDLE_COMMANDS)
        return RSM_TOO_MANY;
    for (uint32_t i = 0; i < e->command_count; i++) {
        struct command command;
        enum rsm_status status = take_command(&u, &command);
        if (status != RSM_OK)
            return status;
        if (!bytes_equal(command.author, e->author))
            return RSM_WRONG_IDENTITY;
    }
    return unpack_done(&u) ? RSM_OK : RSM_MALFORMED;
}

enum rsm_status envelope_parse(struct bytes data, struct envelope *out)
{
    *out = (struct envelope){.raw = data};
    enum rsm_status status = scan_whole(SCAN_CANONICAL, data, LIMIT_ENVELOPE_SIZE);
    if (status == RSM_OK)
        status = parse_fields(data, out);
    if (status == RSM_OK)
        status = scan_whole(SCAN_CANONICAL, out->payload, LIMIT_ENVELOPE_SIZE);
    return status == RSM_OK ? parse_payload(out) : status;
}

enum rsm_status envelope_verify(const struct envelope *e, const uint8_t cluster_id[CLUSTER_ID_SIZE])
{
    if (memcmp(e->cluster_id, cluster_id, CLUSTER_ID_SIZE) != 0)
        return RSM_WRONG_CLUSTER;
    return signature_verify(e->key, envelope_tag(e->form), bytes_make(cluster_id, CLUSTER_ID_SIZE),
                            e->payload, e->signature);
}

struct signature_tag envelope_tag(enum envelope_form form)
{
    return form == ENVELOPE_BUNDLE ? SIGNATURE_TAG("rsm bundle v1")
                                   : SIGNATURE_TAG("rsm command v1");
}

struct envelope_walk envelope_commands(const struct envelope *e)
{
    struct envelope_walk walk = {.cursor = unpack_make(e->payload), .left = e->command_count};
    if (e->form == ENVELOPE_BUNDLE)
        (void)unpack_array(&walk.cursor);
    return walk;
}

bool envelope_next(struct envelope_walk *walk, struct command *out)
{
    if (walk->left == 0)
        return false;
    walk->left--;
    *out = (struct command){.counter = 0};
    /* envelope_parse took it, body and all */
    CHECK(take_command_fields(&walk->cursor, out) == RSM_OK);
    return true;
}

/* ---- digests ---- */

static void hash_tagged(const char *tag, size_t tag_size, struct bytes first, struct bytes second,
                        uint8_t digest_out[HASH_SIZE])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, HASH_SIZE);
    (void)crypto_generichash_update(&state, (const uint8_t *)tag, tag_size);
    (void)crypto_generichash_update(&state, first.data, first.size);
    (void)crypto_generichash_update(&state, second.data, second.size);
    (void)crypto_generichash_final(&state, digest_out, HASH_SIZE);
}

void command_digest(struct bytes command, const uint8_t key[ENVELOPE_KEY_SIZE],
                    uint8_t digest_out[HASH_SIZE])
{
    hash_tagged(DIGEST_TAG, sizeof DIGEST_TAG, command, bytes_make(key, ENVELOPE_KEY_SIZE),
                digest_out);
}

void envelope_digest(struct bytes envelope, uint8_t digest_out[HASH_SIZE])
{
    hash_tagged(ENVELOPE_DIGEST_TAG, sizeof ENVELOPE_DIGEST_TAG, envelope, bytes_make(NULL, 0),
                digest_out);
}

enum rsm_status command_crypto_init(void)
{
    return signature_init();
}
