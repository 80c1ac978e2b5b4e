/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * form.c - record data as a sequence of fields, a letter for each:
 *
 *   1 2 4 6 8 G   as many octets (G: 16)         n   a whole, uncompressed name
 *   s             a character string             S   one or more of them, to the end
 *   p             a size in one octet, and so many octets (P: at least one)
 *   x             the rest, at least one octet   X   the rest, none or more
 *   M             a type bitmap, to the end (RFC 4034 4.1.2), perhaps none
 *   a             address prefixes, to the end (RFC 3123)
 *   v             service parameters, to the end (RFC 9460 2.2)
 *   g             a gateway of IPSECKEY, by the type two octets in front of it (RFC 4025)
 *
 * libknot's dump trusts what it is given: short NSEC3 data made it read behind its end. So nothing
 * reaches it that does not have its type's form.
 */
#include "src/rr/form.h"

#include <stddef.h>

#include "src/rr/name.h"

struct form {
    uint16_t type;
    const char *fields;
};

static const struct form forms[] = {
    {1, "4"},          {2, "n"},     {5, "n"},          {6, "nn44444"}, {12, "n"},
    {13, "ss"},        {14, "nn"},   {15, "2n"},        {16, "S"},      {17, "nn"},
    {18, "2n"},        {21, "2n"},   {24, "2114442nx"}, {25, "211x"},   {28, "G"},
    {29, "1111444"},   {33, "222n"}, {35, "22sssn"},    {36, "2n"},     {37, "221x"},
    {39, "n"},         {42, "a"},    {43, "211x"},      {44, "11x"},    {45, "111gX"},
    {46, "2114442nx"}, {47, "nM"},   {48, "211x"},      {49, "x"},      {50, "112pPM"},
    {51, "112p"},      {52, "111x"}, {53, "111x"},      {59, "211x"},   {60, "211x"},
    {61, "x"},         {62, "42M"},  {63, "411x"},      {64, "2nv"},    {65, "2nv"},
    {99, "S"},         {104, "28"},  {105, "24"},       {106, "28"},    {107, "2n"},
    {108, "6"},        {109, "8"},   {256, "22x"},      {257, "1PX"},
};

static const struct form *find(uint16_t type)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i].type == type)
            return &forms[i];
    return NULL;
}

static void take_name(struct reader *r)
{
    size_t size = 0;
    uint8_t label;
    while (!r->failed && (label = reader_u8(r)) != 0) {
        size += 1u + label;
        if (label > 63 || size >= NAME_SIZE_MAX)
            r->failed = true;
        reader_bytes(r, label);
    }
}

static void take_sized(struct reader *r, bool may_be_empty)
{
    uint8_t size = reader_u8(r);
    if (size == 0 && !may_be_empty)
        r->failed = true;
    reader_bytes(r, size);
}

/* Windows rise, have 1 to 32 octets, and do not end with an empty one. */
static void take_bitmap(struct reader *r)
{
    int last = -1;
    while (reader_left(r) > 0) {
        uint8_t window = reader_u8(r);
        uint8_t size = reader_u8(r);
        struct bytes bits = reader_bytes(r, size);
        if (r->failed || size == 0 || size > 32 || (int)window <= last ||
            bits.data[bits.size - 1] == 0) {
            r->failed = true;
            return;
        }
        last = window;
    }
}

static void take_prefixes(struct reader *r)
{
    while (reader_left(r) > 0) {
        uint16_t family = reader_u16(r);
        uint8_t prefix = reader_u8(r);
        uint8_t size = reader_u8(r) & 0x7f;
        uint8_t most = family == 1 ? 4 : 16;
        struct bytes address = reader_bytes(r, size);
        if (r->failed || (family != 1 && family != 2) || prefix > 8 * most || size > most ||
            (size > 0 && address.data[size - 1] == 0))
            r->failed = true;
    }
}

static void take_parameters(struct reader *r)
{
    int last = -1;
    while (reader_left(r) > 0) {
        uint16_t key = reader_u16(r);
        reader_bytes(r, reader_u16(r));
        if ((int)key <= last)
            r->failed = true;
        last = key;
    }
}

/* precedence, gateway type, algorithm have been read: the type is one octet back. */
static void take_gateway(struct reader *r)
{
    switch (r->data[r->offset - 2]) {
    case 0:
        break;
    case 1:
        reader_bytes(r, 4);
        break;
    case 2:
        reader_bytes(r, 16);
        break;
    case 3:
        take_name(r);
        break;
    default:
        r->failed = true;
    }
}

static void take_rest(struct reader *r, bool may_be_empty)
{
    if (reader_left(r) == 0 && !may_be_empty)
        r->failed = true;
    reader_bytes(r, reader_left(r));
}

static void take_field(struct reader *r, char field)
{
    switch (field) {
    case '1':
    case '2':
    case '4':
    case '6':
    case '8':
        reader_bytes(r, (size_t)(field - '0'));
        break;
    case 'G':
        reader_bytes(r, 16);
        break;
    case 'n':
        take_name(r);
        break;
    case 's':
        take_sized(r, true);
        break;
    case 'S':
        do
            take_sized(r, true);
        while (reader_left(r) > 0);
        break;
    case 'p':
    case 'P':
        take_sized(r, field == 'p');
        break;
    case 'x':
    case 'X':
        take_rest(r, field == 'X');
        break;
    case 'M':
        take_bitmap(r);
        break;
    case 'a':
        take_prefixes(r);
        break;
    case 'v':
        take_parameters(r);
        break;
    case 'g':
        if (!r->failed)
            take_gateway(r);
        break;
    default:
        r->failed = true;
    }
}

bool form_is_known(uint16_t type)
{
    return find(type) != NULL;
}

bool form_check(uint16_t type, struct bytes rdata)
{
    const struct form *form = find(type);
    if (form == NULL)
        return true;
    struct reader r = reader_make(rdata);
    for (const char *field = form->fields; *field != '\0' && !r.failed; field++)
        take_field(&r, *field);
    return reader_done(&r);
}
