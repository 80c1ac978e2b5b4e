/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - bytes from hexadecimal, a key, a command, an envelope: one constructor for each. */
#ifndef TESTS_UNIT_COMMAND_FIXTURE_H
#define TESTS_UNIT_COMMAND_FIXTURE_H

#include <string.h>

#include <rsm/body.h>
#include <rsm/command.h>

#include "src/base/bytes.h"
#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/envelope.h"
#include "src/command/keyfile.h"
#include "src/command/public.h"

static const uint8_t FIXTURE_CLUSTER[CLUSTER_ID_SIZE] = {1, 2,  3,  4,  5,  6,  7,  8,
                                                         9, 10, 11, 12, 13, 14, 15, 16};

/* Bytes of exactly that size on the heap, so that a sanitizer sees a read behind them. */
static inline struct bytes fixture_exact(const void *data, size_t size)
{
    return bytes_make(mem_copy(data, size), size);
}

static inline void fixture_free(struct bytes bytes)
{
    union {
        const uint8_t *in;
        void *out;
    } pointer = {bytes.data};
    mem_free(pointer.out);
}

static inline struct bytes fixture_hex(const char *text)
{
    size_t size = strlen(text) / 2;
    uint8_t *data = mem_alloc(size);
    CHECK(hex_decode(data, size, text));
    return bytes_make(data, size);
}

static inline struct rsm_key *fixture_key(const char *name, uint8_t seed_byte)
{
    uint8_t seed[KEYFILE_SEED_SIZE];
    struct rsm_key *key;
    CHECK(rsm_crypto_init() == RSM_OK);
    memset(seed, seed_byte, sizeof seed);
    CHECK(key_from_seed(name, seed, &key) == RSM_OK);
    return key;
}

static inline struct rsm_bytes fixture_wire(const char *name, size_t size)
{
    return rsm_bytes_make(name, size);
}
#define FIXTURE_NAME(literal) fixture_wire((literal), sizeof(literal)) /* its end is the root */

/* A change set with every sort of field in it. */
static inline struct rsm_buffer fixture_command(const char *author, uint64_t counter)
{
    const struct rsm_bytes rdatas[] = {rsm_bytes_make("\xc0\x00\x02\x01", 4),
                                       rsm_bytes_make("\xc0\x00\x02\x02", 4)};
    const struct rsm_change changes[] = {
        {FIXTURE_NAME("\003www\007example"), 1, 300, rdatas, 2},
        {FIXTURE_NAME("\003old\007example"), 28, 0, NULL, 0},
    };
    struct rsm_buffer body, command;
    CHECK(rsm_body_rrset_change(FIXTURE_NAME("\007example"), changes, 2, &body) == RSM_OK);
    const struct rsm_event clock[] = {{rsm_text("bob"), 70000}, {rsm_text("alice"), 300}};
    const struct rsm_event dependencies[] = {{rsm_text("bob"), 7}, {rsm_text("bob"), 2}};
    const struct rsm_command c = {
        .id = {rsm_text(author), counter},
        .lamport = UINT64_C(5000000000),
        .clock = clock,
        .clock_count = 2,
        .dependencies = dependencies,
        .dependency_count = 2,
        .kind = RSM_KIND_RRSET_CHANGE,
        .body = rsm_buffer_bytes(&body),
        .reason = rsm_text("because of \xc3\xa4 a reason that is longer than 31 bytes"),
    };
    CHECK(rsm_command_encode(&c, &command) == RSM_OK);
    rsm_buffer_free(&body);
    return command;
}

static inline struct rsm_buffer fixture_envelope(const struct rsm_key *key, uint64_t counter)
{
    struct rsm_buffer command = fixture_command(rsm_key_name(key), counter);
    struct rsm_buffer envelope;
    CHECK(rsm_command_sign(key, FIXTURE_CLUSTER, rsm_buffer_bytes(&command), &envelope) == RSM_OK);
    rsm_buffer_free(&command);
    return envelope;
}

#endif
