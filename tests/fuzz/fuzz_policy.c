/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_policy.c - policy files: any bytes; an error has words, and what was read is a map that the
 * state machine judges.
 */
#include "src/base/check.h"
#include "tools/resilience-ctl/policy_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_file file;
    char error[POLICY_FILE_ERROR_SIZE];
    if (policy_file_read("fuzz", bytes_make(data, size), &file, error) == RSM_OK) {
        struct writer words;
        writer_init(&words, 65536);
        bool is_taken = policy_is_taken(&file, &words);
        CHECK(is_taken || words.size > 0);
        writer_deinit(&words);
    } else {
        CHECK(error[0] != '\0');
    }
    policy_file_free(&file);
    return 0;
}
