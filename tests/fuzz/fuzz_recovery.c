/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_recovery.c - any bytes as the file `recovery` of a data directory, and any text as the files
 * that go to the persons who sign and back: what is taken is written again as it was.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/command/canonical.h"
#include "src/command/recovery.h"
#include "src/command/recovery_text.h"
#include "tests/fuzz/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Out of its fields, item by item; they are what the statement says. */
static void write_statement_again(const struct recovery *r)
{
    struct writer again;
    struct body_incarnation others[LIMIT_REPLICAS];
    struct body_walk walk = r->others;
    uint32_t count = 0;
    while (count < LIMIT_REPLICAS && body_next_incarnation(&walk, &others[count]))
        count++;
    CHECK(walk.left == 0 && walk.cursor.status == RSM_OK);
    writer_init(&again, RECOVERY_SIZE_MAX);
    recovery_encode(&again, r, others, count);
    if (scan_whole(SCAN_CANONICAL, r->raw, RECOVERY_SIZE_MAX) == RSM_OK)
        CHECK(bytes_equal(writer_result(&again), r->raw));
    writer_deinit(&again);
    uint64_t incarnation = recovery_incarnation(r);
    CHECK(incarnation != 0 && incarnation != r->former);
}

static void take_file(struct bytes raw)
{
    struct body_recover body;
    struct recovery_approval approvals[RECOVERY_APPROVALS_MAX];
    struct rsm_buffer again;
    static const uint8_t nobody[SIGNATURE_KEY_SIZE];
    uint32_t count = 0;
    if (raw.size > RECOVERY_SIZE_MAX || body_recover_decode(raw, &body) != RSM_OK)
        return;
    write_statement_again(&body.statement);
    while (count < RECOVERY_APPROVALS_MAX &&
           recovery_next_approval(&body.approvals, &approvals[count]))
        CHECK(recovery_verify(nobody, &body.statement, approvals[count++].signature) ==
              RSM_BAD_SIGNATURE);
    CHECK(count >= 2 && body.approvals.left == 0);
    if (scan_whole(SCAN_CANONICAL, raw, RECOVERY_SIZE_MAX) != RSM_OK)
        return;
    CHECK(body_recover_encode(body.statement.raw, approvals, count, &again) == RSM_OK);
    CHECK(bytes_equal(bytes_make(again.data, again.size), raw));
    rsm_buffer_free(&again);
}

static void take_statement(struct bytes text)
{
    struct writer statement, again, same;
    struct recovery r;
    writer_init(&statement, RECOVERY_SIZE_MAX);
    if (recovery_text_decode(text, &statement) == RSM_OK) {
        writer_init(&again, RECOVERY_TEXT_MAX);
        writer_init(&same, RECOVERY_SIZE_MAX);
        recovery_text_encode(&again, writer_result(&statement));
        CHECK(recovery_text_decode(writer_result(&again), &same) == RSM_OK);
        CHECK(bytes_equal(writer_result(&same), writer_result(&statement)));
        if (recovery_decode(writer_result(&statement), &r) == RSM_OK)
            write_statement_again(&r);
        writer_deinit(&again);
        writer_deinit(&same);
    }
    writer_deinit(&statement);
}

static void take_approval(struct bytes text)
{
    struct recovery_approval_text approval, same;
    struct writer again;
    if (recovery_approval_decode(text, &approval) != RSM_OK)
        return;
    writer_init(&again, RECOVERY_TEXT_MAX);
    recovery_approval_encode(&again, &approval);
    CHECK(recovery_approval_decode(writer_result(&again), &same) == RSM_OK);
    CHECK(strcmp(same.principal, approval.principal) == 0);
    CHECK(memcmp(same.digest, approval.digest, sizeof same.digest) == 0);
    CHECK(memcmp(same.signature, approval.signature, sizeof same.signature) == 0);
    writer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);
    crypto_begin();
    take_file(input);
    take_statement(input);
    take_approval(input);
    return 0;
}
