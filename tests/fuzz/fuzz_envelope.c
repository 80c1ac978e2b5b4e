/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_envelope.c - any bytes as an envelope, and as one command.
 *
 * What is parsed is canonical, is walked to its end with bodies that decode, is not signed by the
 * fuzzer, and encoded again from its fields is the same command.
 */
#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/command/canonical.h"
#include "src/command/envelope.h"
#include "src/command/public.h"
#include "tests/fuzz/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t collect(struct command_event_walk walk, struct rsm_event *out)
{
    size_t count = 0;
    struct command_event event;
    while (command_event_next(&walk, &event))
        out[count++] = (struct rsm_event){bytes_to_public(event.author), event.counter};
    return count;
}

static void check_command(const struct command *c)
{
    static struct rsm_event clock[LIMIT_CLOCK_ENTRIES], dependencies[LIMIT_DEPENDENCIES];
    struct rsm_command again = {.id = {bytes_to_public(c->author), c->counter},
                                .lamport = c->lamport,
                                .clock = clock,
                                .clock_count = collect(command_clock(c), clock),
                                .dependencies = dependencies,
                                .dependency_count = collect(command_dependencies(c), dependencies),
                                .kind = c->kind,
                                .body = bytes_to_public(c->body),
                                .reason = bytes_to_public(c->reason)};
    struct rsm_buffer encoded;
    CHECK(again.clock_count == c->clock_count);
    CHECK(again.dependency_count == c->dependency_count);
    CHECK(rsm_command_encode(&again, &encoded) == RSM_OK);
    CHECK(bytes_equal(bytes_make(encoded.data, encoded.size), c->raw));
    CHECK(body_check(c->kind, c->body) == RSM_OK);
    rsm_buffer_free(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t cluster[CLUSTER_ID_SIZE] = {0xee};
    struct bytes input = bytes_make(data, size);
    struct envelope e;
    struct command c;
    crypto_begin();
    if (command_parse(input, &c) == RSM_OK)
        check_command(&c);
    if (envelope_parse(input, &e) != RSM_OK)
        return 0;
    CHECK(scan_whole(SCAN_CANONICAL, input, LIMIT_ENVELOPE_SIZE) == RSM_OK);
    CHECK(envelope_verify(&e, cluster) == RSM_WRONG_CLUSTER || cluster[0] == e.cluster_id[0]);
    if (e.signature[0] == 0) /* some of them: it takes as long as hundreds of other inputs */
        CHECK(envelope_verify(&e, e.cluster_id) == RSM_BAD_SIGNATURE);
    struct envelope_walk walk = envelope_commands(&e);
    uint32_t count = 0;
    for (; envelope_next(&walk, &c); count++)
        check_command(&c);
    CHECK(count == e.command_count);
    return 0;
}
