/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods_reset.c - see methods_reset.h.
 *
 * A restore is a change.request that names a slot. It takes effect in the slot that has the
 * command, or, when it had to wait, in the one that settles it: then the command is found by its
 * digest.
 */
#include "src/daemon/methods_reset.h"

#include <string.h>

#include "src/command/body_change.h"
#include "src/command/envelope.h"
#include "src/command/unpack.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/machine/record.h"

enum rsm_status reset_begin(struct reset_walk *walk, struct kv *kv, uint64_t slot)
{
    struct log_verdict row;
    enum rsm_status status = log_get_verdict(kv, slot, &row);
    if (status != RSM_OK)
        return status;
    *walk = (struct reset_walk){.kv = kv, .slot = slot, .verdicts = verdict_walk(row.verdicts)};
    return RSM_OK;
}

/* The command of a slot with that number. False: there is none. */
static bool find_command(struct kv *kv, uint64_t slot, uint32_t index, struct command *out)
{
    struct bytes value;
    struct entry entry;
    struct envelope envelope;
    if (log_get_entry(kv, slot, &value) != RSM_OK || entry_parse(value, &entry) != RSM_OK ||
        entry.kind != ENTRY_COMMANDS || envelope_parse(entry.payload, &envelope) != RSM_OK)
        return false;
    struct envelope_walk walk = envelope_commands(&envelope);
    for (uint32_t i = 0; envelope_next(&walk, out); i++)
        if (i == index)
            return true;
    return false;
}

/* The change took effect with this verdict: where its command is. */
static bool took_effect(const struct reset_walk *walk, const struct verdict *v, uint64_t *slot_out,
                        uint32_t *index_out)
{
    struct bytes state;
    struct digest_record record;
    if (v->kind == VERDICT_APPLIED) {
        *slot_out = walk->slot;
        *index_out = walk->index;
        return !verdict_is_duplicate(v);
    }
    if (v->kind != VERDICT_SETTLED || !unpack_find_octets(v->result, "state", &state) ||
        !bytes_equal(state, bytes_of_string("live")) ||
        digest_load(walk->kv, v->digest, &record) != RSM_OK)
        return false;
    *slot_out = record.slot;
    *index_out = record.index;
    return true;
}

enum rsm_status reset_next(struct reset_walk *walk, struct reset *out)
{
    struct verdict v;
    for (; verdict_next(&walk->verdicts, &v); walk->index++) {
        uint64_t slot;
        uint32_t index;
        struct command command;
        struct body_request request;
        struct body_zone body;
        if (!took_effect(walk, &v, &slot, &index) ||
            !find_command(walk->kv, slot, index, &command) ||
            command.kind != RSM_KIND_CHANGE_REQUEST ||
            body_request_decode(command.body, &request) != RSM_OK || request.restored == 0 ||
            body_zone_decode(request.kind, request.body, &body) != RSM_OK)
            continue;
        *out = (struct reset){body.zone, request.restored};
        walk->index++;
        return RSM_OK;
    }
    return walk->verdicts.reader.failed ? RSM_DAMAGED : RSM_NOT_FOUND;
}

enum rsm_status reset_is_known(struct kv *kv, uint64_t slot, struct bytes entry_head)
{
    struct log_verdict row;
    enum rsm_status status = log_get_verdict(kv, slot, &row);
    if (status != RSM_OK)
        return status;
    return entry_head.size == HASH_SIZE && memcmp(entry_head.data, row.entry_head, HASH_SIZE) == 0
               ? RSM_OK
               : RSM_NOT_FOUND;
}
