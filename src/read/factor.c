/* SPDX-License-Identifier: GPL-3.0-or-later */
/* factor.c - second factors, and recordings. */
#include <string.h>

#include "src/base/limits.h"
#include "src/machine/factor.h"
#include "src/machine/recording.h"
#include "src/read/read.h"
#include "src/read/render.h"

static bool pack_one(struct writer *out, struct bytes key, struct bytes value)
{
    struct factor_record f;
    if (key.size == 0 || key.size < 1u + key.data[0] || factor_decode(value, &f) != RSM_OK)
        return false;
    size_t principal = key.data[0];
    pack_map(out, 7);
    pack_key(out, "principal");
    pack_str(out, bytes_make(key.data + 1, principal));
    pack_key(out, "id");
    pack_str(out, bytes_make(key.data + 1 + principal, key.size - 1 - principal));
    pack_key(out, "method");
    pack_text(out, rsm_factor_text(f.method));
    pack_key(out, "public_half");
    pack_bin(out, f.public_half);
    pack_key(out, "relying_party");
    pack_str(out, f.relying_party);
    pack_number(out, "enrolled_slot", f.enrolled_slot);
    pack_number(out, "revoked_slot", f.revoked_slot);
    return true;
}

enum rsm_status read_factor_list(struct call *call, struct writer *out)
{
    struct key place = {.size = 0};
    struct bytes key, value;
    struct writer items;
    uint32_t count = 0;
    enum rsm_status status;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    while ((status = kv_next(call->kv, TABLE_FACTOR, key_bytes(&place), place.size > 0, &key,
                             &value)) == RSM_OK) {
        if (key.size > sizeof place.data || !pack_one(&items, key, value)) {
            status = RSM_DAMAGED;
            break;
        }
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        count++;
    }
    result_begin(call, out, 1);
    pack_key(out, "factors");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    out->failed |= items.failed;
    writer_deinit(&items);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* recording.get SESSION */
enum rsm_status read_recording_get(struct call *call, struct writer *out)
{
    struct bytes session;
    struct recording_record r;
    enum rsm_status status = param_text(call, "the session", &session);
    if (status != RSM_OK)
        return status;
    if (session.size != RECORDING_SESSION_SIZE)
        return call_fail(call, RSM_BAD_PARAMS, "a session has 16 bytes");
    status = recording_load(call->kv, session, &r);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "the log has no such recording");
    if (status != RSM_OK)
        return status;
    result_begin(call, out, 5);
    pack_key(out, "author");
    pack_str(out, r.author);
    pack_number(out, "opened_slot", r.opened_slot);
    pack_number(out, "chunks", r.chunks);
    pack_key(out, "chain");
    pack_hash(out, r.chain);
    pack_key(out, "state");
    pack_text(out, recording_state_text(r.state));
    return RSM_OK;
}
