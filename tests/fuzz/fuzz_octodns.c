/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_octodns.c - any bytes as a file of octoDNS.
 *
 * What is read becomes a master file of as many lines as there are values; each line is a record
 * below the zone, or the reader of master files says what is wrong with it.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/rr/name.h"
#include "tools/resilience-ctl/octodns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[OCTODNS_ERROR_SIZE];
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    struct zonefile file = {0};
    struct writer text;
    CHECK(name_from_text("example.", (struct bytes){NULL, 0}, buffer, &zone) == RSM_OK);
    writer_init(&text, 1u << 20);
    if (octodns_to_master(rsm_bytes_make(data, size), zone, &text, error) == RSM_OK) {
        size_t lines = 0;
        for (size_t i = 0; i < text.size; i++)
            lines += text.data[i] == '\n' ? 1 : 0;
        if (zonefile_parse(writer_result(&text), zone, OCTODNS_TTL, &file) == RSM_OK)
            CHECK(file.record_count <= lines);
        for (size_t i = 0; i < file.rrset_count; i++)
            CHECK(name_is_at_or_below(file.rrsets[i].owner, zone));
        zonefile_free(&file);
    } else {
        CHECK(error[0] != '\0');
    }
    writer_deinit(&text);
    return 0;
}
