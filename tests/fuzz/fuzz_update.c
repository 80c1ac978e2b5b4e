/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_update.c - any bytes as a dynamic update.
 *
 * What becomes a body is one that every replica takes, with the records of the message; what does
 * not has an answer that says why.
 */
#include "src/base/check.h"
#include "src/command/body.h"
#include "src/dns/update.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t count(const struct packet *p, enum packet_section section)
{
    struct packet_record record;
    uint32_t n = 0;
    while (packet_record(p, section, n, &record))
        n++;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packet *p;
    struct rsm_buffer body;
    struct update_reply reply = {.rcode = RCODE_NOERROR};
    struct body_update update;
    if (packet_parse(bytes_make(data, size), &p) != RSM_OK)
        return 0;
    if (update_build(p, "acme", rsm_text(""), &body, &reply)) {
        struct bytes bytes = bytes_make(body.data, body.size);
        CHECK(body_check(RSM_KIND_RRSET_UPDATE, bytes) == RSM_OK);
        CHECK(body_update_decode(bytes, &update) == RSM_OK);
        CHECK(update.prerequisites.left == count(p, PACKET_ANSWER));
        CHECK(update.updates.left == count(p, PACKET_AUTHORITY));
    } else {
        CHECK(reply.rcode != RCODE_NOERROR && body.data == NULL);
    }
    rsm_buffer_free(&body);
    packet_free(p);
    return 0;
}
