/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_genesis.c - any bytes as a genesis; one that is taken encodes to the same bytes. */
#include "src/base/check.h"
#include "src/command/envelope.h"
#include "src/command/genesis.h"
#include "tests/fuzz/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct genesis g;
    struct writer again;
    crypto_begin();
    if (genesis_parse(bytes_make(data, size), &g) != RSM_OK)
        return 0;
    CHECK(g.member_count > 0 && genesis_member(&g, g.members[0].id) == &g.members[0]);
    CHECK(genesis_member(&g, 0) == NULL);
    writer_init(&again, GENESIS_SIZE_MAX);
    CHECK(genesis_encode(&g, &again) == RSM_OK);
    CHECK(bytes_equal(writer_result(&again), bytes_make(data, size)));
    writer_deinit(&again);
    return 0;
}
