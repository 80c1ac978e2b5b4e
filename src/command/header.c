/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header.c - the table of MessagePack's first bytes (its spec, "Formats").
 *
 *     00..7f fixint   80..8f fixmap   90..9f fixarray   a0..bf fixstr   e0..ff negative fixint
 *     c0 nil  c1 never used  c2 false  c3 true  c4..c6 bin8..32  c7..c9 ext8..32  ca cb float32, 64
 *     cc..cf uint8..64  d0..d3 int8..64  d4..d8 fixext 1,2,4,8,16  d9..db str8..32
 *     dc dd array16, 32  de df map16, 32
 */
#include "src/command/header.h"

/* What follows the first byte, for c0..df. */
struct form {
    enum unpack_type type;
    uint8_t number_size;   /* bytes of a big-endian length or integer */
    uint8_t extra_size;    /* the type byte of an ext */
    uint8_t length_fixed;  /* payload when there is no length */
    uint64_t shortest_min; /* a number below this has a shorter form */
};

static const struct form FORMS[32] = {
    {UNPACK_NIL, 0, 0, 0, 0},         {0, 0, 0, 0, 0},
    {UNPACK_BOOL, 0, 0, 0, 0},        {UNPACK_BOOL, 0, 0, 0, 0},
    {UNPACK_BIN, 1, 0, 0, 0},         {UNPACK_BIN, 2, 0, 0, 1u << 8},
    {UNPACK_BIN, 4, 0, 0, 1u << 16},  {UNPACK_EXT, 1, 1, 0, 0},
    {UNPACK_EXT, 2, 1, 0, 0},         {UNPACK_EXT, 4, 1, 0, 0},
    {UNPACK_FLOAT, 0, 0, 4, 0},       {UNPACK_FLOAT, 0, 0, 8, 0},
    {UNPACK_UINT, 1, 0, 0, 1u << 7},  {UNPACK_UINT, 2, 0, 0, 1u << 8},
    {UNPACK_UINT, 4, 0, 0, 1u << 16}, {UNPACK_UINT, 8, 0, 0, UINT64_C(1) << 32},
    {UNPACK_INT, 1, 0, 0, 0},         {UNPACK_INT, 2, 0, 0, 0},
    {UNPACK_INT, 4, 0, 0, 0},         {UNPACK_INT, 8, 0, 0, 0},
    {UNPACK_EXT, 0, 1, 1, 0},         {UNPACK_EXT, 0, 1, 2, 0},
    {UNPACK_EXT, 0, 1, 4, 0},         {UNPACK_EXT, 0, 1, 8, 0},
    {UNPACK_EXT, 0, 1, 16, 0},        {UNPACK_STR, 1, 0, 0, 1u << 5},
    {UNPACK_STR, 2, 0, 0, 1u << 8},   {UNPACK_STR, 4, 0, 0, 1u << 16},
    {UNPACK_ARRAY, 2, 0, 0, 1u << 4}, {UNPACK_ARRAY, 4, 0, 0, 1u << 16},
    {UNPACK_MAP, 2, 0, 0, 1u << 4},   {UNPACK_MAP, 4, 0, 0, 1u << 16},
};

static uint64_t read_number(const uint8_t *data, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | data[i];
    return value;
}

/* d0..d3: a non-negative value is an uint to us, in a form that is never the shortest. */
static void set_signed(struct header *h, size_t number_size)
{
    uint64_t sign = UINT64_C(1) << (8 * number_size - 1);
    if ((h->value & sign) == 0) {
        h->type = UNPACK_UINT;
        h->is_shortest = false;
        return;
    }
    if (number_size < 8)
        h->value |= UINT64_MAX << (8 * number_size);
    /* As the largest magnitude that the next shorter form still holds: -32, -128, -32768, -2^31. */
    static const uint64_t SHORTER[9] = {[1] = 32, [2] = 128, [4] = 32768, [8] = UINT64_C(1) << 31};
    h->is_shortest = ~h->value >= SHORTER[number_size];
}

bool header_read_form(const uint8_t *data, size_t size, struct header *out)
{
    uint8_t first = data[0];
    const struct form *form = &FORMS[first - 0xc0];
    struct header h = {.type = form->type, .size = 1u + form->number_size + form->extra_size};
    if (size < h.size)
        return false;
    uint64_t number = read_number(data + 1, form->number_size);
    h.is_shortest = number >= form->shortest_min;
    if (form->type == UNPACK_UINT || form->type == UNPACK_INT)
        h.value = number;
    else if (form->type == UNPACK_BOOL)
        h.value = first == 0xc3;
    else
        h.length = form->number_size > 0 ? number : form->length_fixed;
    if (form->type == UNPACK_INT)
        set_signed(&h, form->number_size);
    *out = h;
    return true;
}
