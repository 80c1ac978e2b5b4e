/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_axfr.c - any bytes as the messages of a zone transfer, each behind its size as u16. The id
 * of the question takes the place of the message's, so that mutations get past it.
 *
 * What is taken for a whole zone has its SOA and nothing outside of it.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "tools/resilience-ctl/axfr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_zone(const struct axfr_result *result, struct bytes zone)
{
    uint32_t soas = 0;
    for (size_t i = 0; i < result->zone.rrset_count; i++) {
        CHECK(name_is_at_or_below(result->zone.rrsets[i].owner, zone));
        CHECK(result->zone.rrsets[i].count > 0);
        soas += result->zone.rrsets[i].type == RR_TYPE_SOA ? 1 : 0;
    }
    CHECK(soas == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[AXFR_ERROR_SIZE] = "";
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone, question;
    struct axfr_result result = {.serial = 0};
    struct reader r = reader_make(bytes_make(data, size));
    bool is_done = false;
    CHECK(name_from_text("old.example.", (struct bytes){NULL, 0}, buffer, &zone) == RSM_OK);
    struct axfr *a = axfr_new(zone, NULL, &question);
    enum rsm_status status = RSM_OK;
    while (status == RSM_OK && reader_left(&r) >= 4) {
        size_t left = reader_u16(&r);
        struct bytes message = reader_bytes(&r, left < reader_left(&r) ? left : reader_left(&r));
        uint8_t *copy = mem_alloc(message.size + 2);
        if (message.size > 0)
            memcpy(copy, message.data, message.size);
        memcpy(copy, question.data, 2);
        status = axfr_take(a, bytes_make(copy, message.size), &is_done, error);
        mem_free(copy);
    }
    if (status == RSM_OK) {
        status = axfr_end(a, &result, error);
        CHECK(is_done || status == RSM_CLOSED);
        if (status == RSM_OK)
            check_zone(&result, zone);
    }
    CHECK(status == RSM_OK || error[0] != '\0');
    zonefile_free(&result.zone);
    axfr_free(a);
    return 0;
}
