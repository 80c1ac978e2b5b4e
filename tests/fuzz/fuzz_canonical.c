/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_canonical.c - any bytes through the scan and the cursor.
 *
 * Canonical is a part of well-formed; a stream in two pieces judges as the whole does; what is
 * canonical comes back byte for byte when msgpack-c reads it and writes it again.
 */

#include <msgpack.h>

#include "src/base/check.h"
#include "src/command/canonical.h"
#include "src/command/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reencoding(struct bytes data)
{
    msgpack_zone zone;
    msgpack_object object;
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    size_t offset = 0;
    CHECK(msgpack_zone_init(&zone, 4096));
    CHECK(msgpack_unpack((const char *)data.data, data.size, &offset, &zone, &object) ==
          MSGPACK_UNPACK_SUCCESS);
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    CHECK(msgpack_pack_object(&packer, object) == 0);
    CHECK(bytes_equal(data, bytes_make(buffer.data, buffer.size)));
    msgpack_sbuffer_destroy(&buffer);
    msgpack_zone_destroy(&zone);
}

static void check_stream(struct bytes data, size_t cut)
{
    struct scan whole, cut_once;
    size_t size_whole, size_cut = 0;
    scan_init(&whole, SCAN_WELL_FORMED, 65536);
    scan_init(&cut_once, SCAN_WELL_FORMED, 65536);
    enum rsm_status status = scan_continue(&whole, data, &size_whole);
    enum rsm_status status_cut = scan_continue(&cut_once, bytes_make(data.data, cut), &size_cut);
    if (status_cut == RSM_OK && size_cut == 0)
        status_cut = scan_continue(&cut_once, data, &size_cut);
    CHECK(status_cut == status);
    CHECK(size_cut == size_whole);
    CHECK(size_whole <= data.size);
}

/* Each reader on the same bytes: it takes its own type and no other, and goes on by one object. */
static void read_as_anything(struct bytes input)
{
    const struct unpack first = unpack_make(input);
    struct unpack u[8] = {first, first, first, first, first, first, first, first}, whole = first;
    enum unpack_type type = unpack_peek(&first);
    struct bytes octets;
    uint64_t number;
    CHECK(unpack_nil(&u[0]) == (type == UNPACK_NIL));
    (void)unpack_bool(&u[1]);
    CHECK(unpack_ok(&u[1]) == (type == UNPACK_BOOL));
    CHECK(unpack_uint_max(&u[2], 1000) <= 1000);
    CHECK(unpack_int(&u[3]) < 0 || type != UNPACK_INT || !unpack_ok(&u[3]));
    CHECK(unpack_octets(&u[4], 100).size <= 100);
    CHECK((unpack_bin_exactly(&u[5], 4) != NULL) == unpack_ok(&u[5]));
    unpack_format(&u[6], 1, 2);
    CHECK(unpack_str(&u[7], 300).size <= 300);
    (void)unpack_raw(&whole);
    struct unpack rest = whole;
    CHECK(unpack_rest(&rest).size == (unpack_ok(&whole) ? whole.size - whole.offset : 0));
    for (int i = 1; i < 8; i++)
        CHECK(!unpack_ok(&u[i]) || i == 6 || u[i].offset == whole.offset);
    if (unpack_find_uint(input, "slot", &number))
        CHECK(type == UNPACK_MAP);
    if (unpack_find_octets(input, "error", &octets))
        CHECK(octets.size < input.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);
    struct unpack u = unpack_make(input), found;
    struct bytes raw = unpack_raw(&u);
    CHECK(raw.size <= size);
    (void)unpack_find(input, "key", &found);
    read_as_anything(input);
    enum rsm_status well_formed = scan_whole(SCAN_WELL_FORMED, input, 65536);
    enum rsm_status canonical = scan_whole(SCAN_CANONICAL, input, 65536);
    if (well_formed == RSM_OK)
        CHECK(unpack_done(&u));
    if (canonical == RSM_OK) {
        CHECK(well_formed == RSM_OK);
        check_reencoding(input);
    }
    check_stream(input, size / 2);
    return 0;
}
