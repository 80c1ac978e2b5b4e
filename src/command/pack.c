/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - msgpack-c's packer with a struct writer behind it. */
#include "src/command/pack.h"

#include <msgpack.h>

static int write_bytes(void *context, const char *data, size_t size)
{
    struct writer *w = context;
    writer_bytes(w, bytes_make(data, size));
    return w->failed ? -1 : 0;
}

static msgpack_packer packer(struct writer *w)
{
    msgpack_packer p;
    msgpack_packer_init(&p, w, write_bytes);
    return p;
}

/* The packer's own results are not looked at: the writer remembers its failure. */
void pack_nil(struct writer *w)
{
    msgpack_packer p = packer(w);
    (void)msgpack_pack_nil(&p);
}

void pack_bool(struct writer *w, bool value)
{
    msgpack_packer p = packer(w);
    (void)(value ? msgpack_pack_true(&p) : msgpack_pack_false(&p));
}

void pack_uint(struct writer *w, uint64_t value)
{
    msgpack_packer p = packer(w);
    (void)msgpack_pack_uint64(&p, value);
}

void pack_int(struct writer *w, int64_t value)
{
    msgpack_packer p = packer(w);
    (void)msgpack_pack_int64(&p, value);
}

/* Longer strings do not exist in MessagePack; no writer of ours has room for them either. */
static bool fits(struct writer *w, struct bytes value)
{
    if (value.size > UINT32_MAX || value.size > w->size_max)
        w->failed = true;
    return !w->failed;
}

void pack_str(struct writer *w, struct bytes text)
{
    msgpack_packer p = packer(w);
    if (!fits(w, text))
        return;
    (void)msgpack_pack_str(&p, text.size);
    writer_bytes(w, text);
}

void pack_text(struct writer *w, const char *text)
{
    pack_str(w, bytes_of_string(text));
}

void pack_bin(struct writer *w, struct bytes value)
{
    msgpack_packer p = packer(w);
    if (!fits(w, value))
        return;
    (void)msgpack_pack_bin(&p, value.size);
    writer_bytes(w, value);
}

void pack_array(struct writer *w, uint32_t count)
{
    msgpack_packer p = packer(w);
    (void)msgpack_pack_array(&p, count);
}

void pack_map(struct writer *w, uint32_t count)
{
    msgpack_packer p = packer(w);
    (void)msgpack_pack_map(&p, count);
}

void pack_raw(struct writer *w, struct bytes object)
{
    writer_bytes(w, object);
}
