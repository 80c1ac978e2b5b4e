/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - the public view of values (rsm/wire.h), over the cursor and the packer. */
#include <rsm/wire.h>

#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/canonical.h"
#include "src/command/pack.h"
#include "src/command/public.h"
#include "src/command/unpack.h"

_Static_assert((int)RSM_TYPE_NIL == (int)UNPACK_NIL && (int)RSM_TYPE_EXT == (int)UNPACK_EXT,
               "public and own types have the same numbers");

struct rsm_bytes rsm_text(const char *text)
{
    return (struct rsm_bytes){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

struct rsm_bytes rsm_bytes_make(const void *data, size_t size)
{
    return (struct rsm_bytes){data, size};
}

struct rsm_bytes rsm_buffer_bytes(const struct rsm_buffer *buffer)
{
    return (struct rsm_bytes){buffer->data, buffer->size};
}

void rsm_buffer_free(struct rsm_buffer *buffer)
{
    mem_free(buffer->data);
    *buffer = (struct rsm_buffer){NULL, 0};
}

/* ---- reading ---- */

static struct unpack cursor(struct rsm_value v)
{
    return unpack_make(bytes_of_public(v.raw));
}

enum rsm_status rsm_value_parse(struct rsm_bytes bytes, struct rsm_value *value_out)
{
    *value_out = (struct rsm_value){{NULL, 0}};
    enum rsm_status status = scan_whole(SCAN_WELL_FORMED, bytes_of_public(bytes), LIMIT_FRAME_SIZE);
    if (status == RSM_OK)
        value_out->raw = bytes;
    return status;
}

struct rsm_value rsm_value_of(struct rsm_bytes checked)
{
    return (struct rsm_value){checked};
}

enum rsm_type rsm_value_type(struct rsm_value v)
{
    struct unpack u = cursor(v);
    return (enum rsm_type)unpack_peek(&u);
}

bool rsm_value_bool(struct rsm_value v)
{
    struct unpack u = cursor(v);
    return unpack_bool(&u);
}

uint64_t rsm_value_uint(struct rsm_value v)
{
    struct unpack u = cursor(v);
    return unpack_uint(&u);
}

int64_t rsm_value_int(struct rsm_value v)
{
    struct unpack u = cursor(v);
    return unpack_int(&u);
}

struct rsm_bytes rsm_value_octets(struct rsm_value v)
{
    struct unpack u = cursor(v);
    return bytes_to_public(unpack_octets(&u, SIZE_MAX));
}

uint32_t rsm_value_count(struct rsm_value v)
{
    struct unpack u = cursor(v);
    return unpack_peek(&u) == UNPACK_MAP ? unpack_map(&u) : unpack_array(&u);
}

struct rsm_value rsm_value_get(struct rsm_value map, const char *key)
{
    struct unpack u;
    if (!unpack_find(bytes_of_public(map.raw), key, &u))
        return (struct rsm_value){{NULL, 0}};
    return (struct rsm_value){{u.data, u.size}};
}

struct rsm_value rsm_value_at(struct rsm_value array, uint32_t index)
{
    struct rsm_value item = {{NULL, 0}};
    struct rsm_walk walk = rsm_walk_begin(array);
    if (rsm_value_type(array) != RSM_TYPE_ARRAY || index >= walk.left)
        return item;
    for (uint32_t i = 0; i <= index; i++)
        if (!rsm_walk_next(&walk, &item))
            break;
    return item;
}

struct rsm_walk rsm_walk_begin(struct rsm_value container)
{
    struct unpack u = cursor(container);
    enum unpack_type type = unpack_peek(&u);
    if (type != UNPACK_ARRAY && type != UNPACK_MAP)
        return (struct rsm_walk){{NULL, 0}, 0};
    uint64_t left = type == UNPACK_MAP ? 2 * (uint64_t)unpack_map(&u) : unpack_array(&u);
    return (struct rsm_walk){{u.data + u.offset, u.size - u.offset}, left};
}

bool rsm_walk_next(struct rsm_walk *walk, struct rsm_value *value_out)
{
    *value_out = (struct rsm_value){{NULL, 0}};
    if (walk->left == 0)
        return false;
    struct unpack u = unpack_make(bytes_of_public(walk->rest));
    struct bytes raw = unpack_raw(&u);
    walk->left = unpack_ok(&u) ? walk->left - 1 : 0;
    if (!unpack_ok(&u))
        return false;
    walk->rest = (struct rsm_bytes){u.data + u.offset, u.size - u.offset};
    value_out->raw = bytes_to_public(raw);
    return true;
}

/* ---- writing ---- */

struct rsm_pack {
    struct writer writer;
};

struct rsm_pack *rsm_pack_new(void)
{
    struct rsm_pack *p = mem_try_alloc(sizeof *p);
    if (p != NULL)
        writer_init(&p->writer, LIMIT_ENVELOPE_SIZE);
    return p;
}

void rsm_pack_free(struct rsm_pack *p)
{
    if (p == NULL)
        return;
    writer_deinit(&p->writer);
    mem_free(p);
}

void rsm_pack_nil(struct rsm_pack *p)
{
    pack_nil(&p->writer);
}

void rsm_pack_bool(struct rsm_pack *p, bool value)
{
    pack_bool(&p->writer, value);
}

void rsm_pack_uint(struct rsm_pack *p, uint64_t value)
{
    pack_uint(&p->writer, value);
}

void rsm_pack_int(struct rsm_pack *p, int64_t value)
{
    pack_int(&p->writer, value);
}

void rsm_pack_text(struct rsm_pack *p, const char *text)
{
    pack_str(&p->writer, bytes_of_public(rsm_text(text)));
}

void rsm_pack_str(struct rsm_pack *p, struct rsm_bytes text)
{
    pack_str(&p->writer, bytes_of_public(text));
}

void rsm_pack_bin(struct rsm_pack *p, struct rsm_bytes value)
{
    pack_bin(&p->writer, bytes_of_public(value));
}

void rsm_pack_array(struct rsm_pack *p, uint32_t count)
{
    pack_array(&p->writer, count);
}

void rsm_pack_map(struct rsm_pack *p, uint32_t count)
{
    pack_map(&p->writer, count);
}

struct rsm_bytes rsm_pack_result(const struct rsm_pack *p)
{
    if (p->writer.failed)
        return (struct rsm_bytes){NULL, 0};
    return bytes_to_public(writer_result(&p->writer));
}
