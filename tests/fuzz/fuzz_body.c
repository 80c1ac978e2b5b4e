/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_body.c - any bytes as a body: the first one is the kind of the command.
 *
 * A canonical body that is taken travels: in a command it is read again as what it was.
 */
#include <rsm/client.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/command/canonical.h"
#include "src/command/envelope.h"
#include "src/command/public.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_travel(enum rsm_kind kind, struct bytes body)
{
    struct rsm_command command = {.id = {rsm_text("root"), 1},
                                  .lamport = 1,
                                  .kind = kind,
                                  .body = bytes_to_public(body),
                                  .reason = rsm_text("fuzz")};
    struct rsm_buffer encoded;
    struct command c;
    if (rsm_command_encode(&command, &encoded) != RSM_OK)
        return; /* too large for a command */
    CHECK(command_parse(bytes_make(encoded.data, encoded.size), &c) == RSM_OK);
    CHECK(c.kind == kind && bytes_equal(c.body, body));
    rsm_buffer_free(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum rsm_kind kind = (enum rsm_kind)data[0];
    struct bytes body = bytes_make(data + 1, size - 1);
    enum rsm_status status = body_check(kind, body);
    if (status == RSM_OK && scan_whole(SCAN_CANONICAL, body, LIMIT_ENVELOPE_SIZE) == RSM_OK)
        check_travel(kind, body);
    return 0;
}
