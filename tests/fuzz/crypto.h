/* SPDX-License-Identifier: Apache-2.0 */
/* crypto.h - what targets with signatures begin with. */
#ifndef TESTS_FUZZ_CRYPTO_H
#define TESTS_FUZZ_CRYPTO_H

#include <stdbool.h>

#include "src/base/check.h"
#include "src/command/envelope.h"

/* Once in a process: it verifies seventeen signatures, which took most of each execution. */
static inline void crypto_begin(void)
{
    static bool is_done;
    if (!is_done)
        CHECK(command_crypto_init() == RSM_OK);
    is_done = true;
}

#endif
