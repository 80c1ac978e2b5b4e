/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_rdata.c - any bytes as record data of any type, and as its text: type u16, then the bytes.
 *
 * 1. What passes the check is canonical, has a text, and the text gives the same bytes again.
 * 2. What the text reader takes has the type's form, once its names are folded.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t root[] = {0};
static char text[RR_DATA_TEXT_MAX];

static void check_text(uint16_t type, struct bytes rdata)
{
    char error[128];
    struct writer again;
    writer_init(&again, LIMIT_RDATA_SIZE);
    CHECK(rr_data_to_text(type, rdata, text, sizeof text) == RSM_OK);
    CHECK(rr_data_from_text(type, text, bytes_make(root, sizeof root), &again, error,
                            sizeof error) == RSM_OK);
    CHECK(bytes_equal(writer_result(&again), rdata));
    writer_deinit(&again);
}

static void take_wire(uint16_t type, struct bytes rdata)
{
    struct bytes target;
    uint8_t *folded = mem_alloc(rdata.size + 1);
    bool has_blocks = rr_data_canonical(type, rdata, folded) == RSM_OK;
    (void)rr_data_to_text(type, rdata, text, sizeof text);
    (void)name_check(rdata);
    if (rr_data_target(type, rdata, &target))
        CHECK(name_check(target));
    if (rr_data_check(type, rdata) == RSM_OK) {
        CHECK(has_blocks);
        CHECK(bytes_equal(bytes_make(folded, rdata.size), rdata));
        check_text(type, rdata);
    }
    mem_free(folded);
}

/* A name and a type as text: what is taken is written and read as the same. */
static void take_words(const char *line)
{
    uint8_t buffer[NAME_SIZE_MAX], again[NAME_SIZE_MAX];
    char written[NAME_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX];
    struct bytes name, same;
    uint16_t type, type_again;
    if (name_from_text(line, bytes_make(root, sizeof root), buffer, &name) == RSM_OK) {
        CHECK(name_check(name) && name_is_at_or_below(name, bytes_make(root, sizeof root)));
        CHECK(name_from_text(name_to_text(name, written), (struct bytes){NULL, 0}, again, &same) ==
              RSM_OK);
        CHECK(name_equal(name, same));
    }
    if (rr_type_from_text(line, &type) == RSM_OK) {
        CHECK(rr_type_from_text(rr_type_to_text(type, type_text), &type_again) == RSM_OK);
        CHECK(type == type_again);
    }
}

static void take_text(uint16_t type, const char *line)
{
    char error[128];
    struct writer wire;
    writer_init(&wire, LIMIT_RDATA_SIZE);
    if (rr_data_from_text(type, line, bytes_make(root, sizeof root), &wire, error, sizeof error) ==
        RSM_OK) {
        CHECK(rr_data_canonical(type, writer_result(&wire), wire.data) == RSM_OK);
        if (rr_data_check(type, writer_result(&wire)) == RSM_OK)
            check_text(type, writer_result(&wire));
    }
    writer_deinit(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > LIMIT_RDATA_SIZE)
        return 0;
    uint16_t type = get_u16(data);
    if (!rr_type_is_storable(type))
        return 0;
    /* A block of its own and no octet more: a read behind its end is seen. */
    size_t rest = size - 2;
    uint8_t *exact = mem_alloc(rest > 0 ? rest : 1);
    if (rest > 0)
        memcpy(exact, data + 2, rest);
    take_wire(type, bytes_make(exact, rest));
    mem_free(exact);
    char *line = mem_alloc(rest + 1);
    memcpy(line, data + 2, rest);
    line[rest] = '\0';
    take_text(type, line);
    take_words(line);
    mem_free(line);
    return 0;
}
