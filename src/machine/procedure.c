/* SPDX-License-Identifier: GPL-3.0-or-later */
/* procedure.c - see procedure.h. */
#include "src/machine/procedure.h"

#include <string.h>

void procedure_encode(struct writer *out, const struct procedure_record *p)
{
    writer_u8(out, (uint8_t)p->next);
    writer_u64(out, p->opened_slot);
    writer_u64(out, p->opened_ms);
    writer_u64(out, p->closed_slot);
    writer_blob(out, p->author);
    writer_blob(out, p->reason);
    for (size_t i = RSM_STEP_FREEZE; i <= RSM_STEP_RESUME; i++) {
        writer_u8(out, (uint8_t)p->steps[i].state);
        writer_u64(out, p->steps[i].slot);
        writer_bytes(out, bytes_make(p->steps[i].evidence, HASH_SIZE));
    }
}

enum rsm_status procedure_decode(struct bytes value, struct procedure_record *out)
{
    struct reader r = reader_make(value);
    bool is_good = true;
    uint8_t next = reader_u8(&r);
    out->opened_slot = reader_u64(&r);
    out->opened_ms = reader_u64(&r);
    out->closed_slot = reader_u64(&r);
    out->author = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->reason = reader_blob(&r, LIMIT_REASON_SIZE);
    for (size_t i = RSM_STEP_FREEZE; i <= RSM_STEP_RESUME; i++) {
        uint8_t state = reader_u8(&r);
        out->steps[i].state = (enum step_state)state;
        out->steps[i].slot = reader_u64(&r);
        reader_copy(&r, out->steps[i].evidence, HASH_SIZE);
        is_good = is_good && state <= STEP_SKIPPED;
    }
    out->next = (enum rsm_step)next;
    return is_good && reader_done(&r) && next > RSM_STEP_FREEZE && next <= RSM_STEP_RESUME
               ? RSM_OK
               : RSM_DAMAGED;
}

enum rsm_status procedure_load(struct kv *kv, struct bytes freeze, struct procedure_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_PROCEDURE, freeze, &value);
    return status == RSM_OK ? procedure_decode(value, out) : status;
}

enum rsm_status procedure_next(struct kv *kv, struct key *place, struct procedure_record *out)
{
    struct bytes key, value;
    enum rsm_status status;
    do {
        status = kv_next(kv, TABLE_PROCEDURE, key_bytes(place), place->size > 0, &key, &value);
        if (status == RSM_OK && key.size > sizeof place->data)
            status = RSM_DAMAGED;
        if (status == RSM_OK) {
            place->size = key.size;
            memcpy(place->data, key.data, key.size);
            status = procedure_decode(value, out);
        }
    } while (status == RSM_OK && out->closed_slot != 0);
    return status;
}
