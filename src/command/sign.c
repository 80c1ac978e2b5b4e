/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c - the public side of commands (rsm/command.h): encode, sign, check. */
#include <rsm/command.h>

#include <stdlib.h>

#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/command/canonical.h"
#include "src/command/envelope.h"
#include "src/command/keyfile.h"
#include "src/command/pack.h"
#include "src/command/public.h"
#include "src/command/signature.h"

_Static_assert(RSM_CLUSTER_ID_SIZE == CLUSTER_ID_SIZE, "one size");
_Static_assert(RSM_DIGEST_SIZE == HASH_SIZE, "one size");
_Static_assert(RSM_PUBLIC_KEY_SIZE == ENVELOPE_KEY_SIZE, "one size");
_Static_assert(RSM_SIGNATURE_SIZE == SIGNATURE_SIZE, "one size");

struct kind_name {
    enum rsm_kind kind;
    const char *text;
    size_t size; /* of the text */
};

static const struct kind_name KINDS[] = {
#define KIND_NAME(name, number, text) {RSM_KIND_##name, text, sizeof text - 1},
    RSM_KIND_LIST(KIND_NAME)
#undef KIND_NAME
};

const char *rsm_kind_text(enum rsm_kind kind)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++)
        if (KINDS[i].kind == kind)
            return KINDS[i].text;
    return "unknown";
}

enum rsm_status rsm_kind_parse(struct rsm_bytes text, enum rsm_kind *kind_out)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (bytes_equal(bytes_of_public(text), bytes_make(KINDS[i].text, KINDS[i].size))) {
            *kind_out = KINDS[i].kind;
            return RSM_OK;
        }
    }
    return RSM_UNKNOWN_KIND;
}

/* ---- encode ---- */

static int compare_events(const void *a, const void *b)
{
    const struct rsm_event *left = a;
    const struct rsm_event *right = b;
    int order = bytes_compare(bytes_of_public(left->author), bytes_of_public(right->author));
    if (order != 0)
        return order;
    return left->counter < right->counter ? -1 : left->counter > right->counter;
}

/* Sorts a copy; that nothing is in it twice is found by the parse of the result. */
static void pack_events(struct writer *w, const struct rsm_event *events, size_t count,
                        bool is_clock)
{
    struct rsm_event sorted[LIMIT_CLOCK_ENTRIES];
    _Static_assert(LIMIT_DEPENDENCIES <= LIMIT_CLOCK_ENTRIES, "room");
    for (size_t i = 0; i < count; i++)
        sorted[i] = events[i];
    if (count > 0)
        qsort(sorted, count, sizeof sorted[0], compare_events);
    if (is_clock)
        pack_map(w, (uint32_t)count);
    else
        pack_array(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        if (!is_clock)
            pack_array(w, 2);
        pack_str(w, bytes_of_public(sorted[i].author));
        pack_uint(w, sorted[i].counter);
    }
}

/* Ends a build: what this library makes is what a replica takes. */
static enum rsm_status as_built(enum rsm_status status)
{
    return status == RSM_NOT_CANONICAL || status == RSM_WRONG_TYPE ? RSM_MALFORMED : status;
}

enum rsm_status rsm_command_encode(const struct rsm_command *command,
                                   struct rsm_buffer *command_out)
{
    *command_out = (struct rsm_buffer){NULL, 0};
    if (command->clock_count > LIMIT_CLOCK_ENTRIES ||
        command->dependency_count > LIMIT_DEPENDENCIES)
        return RSM_TOO_MANY;

    struct writer w;
    writer_init(&w, LIMIT_ENVELOPE_SIZE);
    pack_array(&w, 8);
    pack_str(&w, bytes_of_public(command->id.author));
    pack_uint(&w, command->id.counter);
    pack_uint(&w, command->lamport);
    pack_events(&w, command->clock, command->clock_count, true);
    pack_events(&w, command->dependencies, command->dependency_count, false);
    pack_text(&w, rsm_kind_text(command->kind));
    pack_raw(&w, bytes_of_public(command->body));
    pack_str(&w, bytes_of_public(command->reason));

    struct command parsed;
    enum rsm_status status = RSM_TOO_LARGE;
    if (!w.failed)
        status = as_built(command_parse(writer_result(&w), &parsed));
    if (status == RSM_OK)
        *command_out = buffer_of_writer(&w);
    else
        writer_deinit(&w);
    return status;
}

/* ---- sign ---- */

static enum rsm_status sign_payload(const struct rsm_key *key, const uint8_t *cluster_id,
                                    enum envelope_form form, struct bytes payload,
                                    struct rsm_buffer *envelope_out)
{
    uint8_t signature[SIGNATURE_SIZE];
    struct bytes cluster = bytes_make(cluster_id, CLUSTER_ID_SIZE);
    enum rsm_status status = key_sign(key, envelope_tag(form), cluster, payload, signature);
    if (status != RSM_OK)
        return status;

    struct writer w;
    writer_init(&w, LIMIT_ENVELOPE_SIZE);
    pack_array(&w, 7);
    pack_uint(&w, 1);
    pack_uint(&w, form);
    pack_bin(&w, cluster);
    pack_text(&w, rsm_key_name(key));
    pack_bin(&w, bytes_make(rsm_key_public(key), ENVELOPE_KEY_SIZE));
    pack_bin(&w, bytes_make(signature, sizeof signature));
    pack_bin(&w, payload);

    struct envelope parsed;
    status = RSM_TOO_LARGE;
    if (!w.failed)
        status = as_built(envelope_parse(writer_result(&w), &parsed));
    if (status == RSM_OK)
        *envelope_out = buffer_of_writer(&w);
    else
        writer_deinit(&w);
    return status;
}

enum rsm_status rsm_command_sign(const struct rsm_key *key,
                                 const uint8_t cluster_id[RSM_CLUSTER_ID_SIZE],
                                 struct rsm_bytes command, struct rsm_buffer *envelope_out)
{
    *envelope_out = (struct rsm_buffer){NULL, 0};
    return sign_payload(key, cluster_id, ENVELOPE_COMMAND, bytes_of_public(command), envelope_out);
}

enum rsm_status rsm_bundle_sign(const struct rsm_key *key,
                                const uint8_t cluster_id[RSM_CLUSTER_ID_SIZE],
                                const struct rsm_bytes *commands, size_t count,
                                struct rsm_buffer *envelope_out)
{
    *envelope_out = (struct rsm_buffer){NULL, 0};
    if (count > LIMIT_BUNDLE_COMMANDS)
        return RSM_TOO_MANY;
    struct writer w;
    writer_init(&w, LIMIT_ENVELOPE_SIZE);
    pack_array(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        pack_raw(&w, bytes_of_public(commands[i]));
    enum rsm_status status = RSM_TOO_LARGE;
    if (!w.failed)
        status = sign_payload(key, cluster_id, ENVELOPE_BUNDLE, writer_result(&w), envelope_out);
    writer_deinit(&w);
    return status;
}

/* ---- check ---- */

void rsm_command_digest(struct rsm_bytes command, const uint8_t public_key[RSM_PUBLIC_KEY_SIZE],
                        uint8_t digest_out[RSM_DIGEST_SIZE])
{
    command_digest(bytes_of_public(command), public_key, digest_out);
}

void rsm_envelope_digest(struct rsm_bytes envelope, uint8_t digest_out[RSM_DIGEST_SIZE])
{
    envelope_digest(bytes_of_public(envelope), digest_out);
}

enum rsm_status rsm_envelope_check(struct rsm_bytes envelope,
                                   const uint8_t cluster_id[RSM_CLUSTER_ID_SIZE])
{
    struct envelope parsed;
    enum rsm_status status = envelope_parse(bytes_of_public(envelope), &parsed);
    return status == RSM_OK ? envelope_verify(&parsed, cluster_id) : status;
}

enum rsm_status rsm_crypto_init(void)
{
    return command_crypto_init();
}
