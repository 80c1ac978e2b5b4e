/* SPDX-License-Identifier: Apache-2.0 */
/* pace.c - see pace.h. */
#include "src/base/pace.h"

#include "src/base/check.h"

void pace_take(struct pace *pace, uint64_t bytes, uint64_t now_us)
{
    CHECK(pace->rate > 0);
    CHECK(bytes < UINT64_C(1) << 40);
    uint64_t parts = bytes * 1000000 + pace->rest;
    if (now_us > pace->burst_us && pace->free_us < now_us - pace->burst_us)
        pace->free_us = now_us - pace->burst_us;
    pace->free_us += parts / pace->rate;
    pace->rest = parts % pace->rate;
}
