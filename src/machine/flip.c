/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flip.c - rows of TABLE_FLIP (see flip.h). */
#include "src/machine/flip.h"

#include "src/base/limits.h"

void flip_encode(struct writer *out, const struct flip_record *f)
{
    writer_u8(out, f->hash != NULL ? 1 : 0);
    if (f->hash != NULL)
        writer_bytes(out, bytes_make(f->hash, HASH_SIZE));
    writer_blob(out, f->author);
    writer_blob(out, f->other);
    writer_u32(out, f->flips);
    writer_u64(out, f->first_ms);
    writer_u64(out, f->frozen_slot);
    writer_u64(out, f->hour_ms);
    writer_u32(out, f->changes);
}

enum rsm_status flip_decode(struct bytes value, struct flip_record *out)
{
    struct reader r = reader_make(value);
    out->hash = reader_u8(&r) != 0 ? reader_bytes(&r, HASH_SIZE).data : NULL;
    out->author = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->other = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->flips = reader_u32(&r);
    out->first_ms = reader_u64(&r);
    out->frozen_slot = reader_u64(&r);
    out->hour_ms = reader_u64(&r);
    out->changes = reader_u32(&r);
    return reader_done(&r) ? RSM_OK : RSM_DAMAGED;
}
