/* SPDX-License-Identifier: GPL-3.0-or-later */
/* left_behind.c - see left_behind.h. */
#include "src/daemon/left_behind.h"

#include <string.h>

#include <rsm/command.h>

#include "src/command/envelope.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/machine/recovery.h"

static bool is_named(const struct recovery *r, uint32_t self, uint64_t incarnation)
{
    struct body_walk others = r->others;
    struct body_incarnation item;
    while (body_next_incarnation(&others, &item))
        if (item.id == self && item.incarnation == incarnation)
            return true;
    return false;
}

bool left_behind_by(struct kv *state, const uint8_t *cluster_id, uint32_t self,
                    uint64_t incarnation, struct bytes body, struct body_recover *out)
{
    struct recovery_record last = {.epoch = RECOVERY_EPOCH_FIRST};
    if (body.size > RECOVERY_SIZE_MAX || body_recover_decode(body, out) != RSM_OK ||
        memcmp(out->statement.cluster, cluster_id, CLUSTER_ID_SIZE) != 0 ||
        !is_named(&out->statement, self, incarnation))
        return false;
    enum rsm_status status = recovery_newest(state, &last);
    return (status == RSM_OK || status == RSM_NOT_FOUND) && out->statement.epoch > last.epoch &&
           recovery_is_signed(state, out);
}

static enum rsm_status find_body(struct bytes value, struct writer *out)
{
    struct entry entry;
    struct envelope envelope;
    struct command command;
    if (entry_parse(value, &entry) != RSM_OK || entry.kind != ENTRY_COMMANDS ||
        envelope_parse(entry.payload, &envelope) != RSM_OK)
        return RSM_DAMAGED;
    struct envelope_walk walk = envelope_commands(&envelope);
    while (envelope_next(&walk, &command))
        if (command.kind == RSM_KIND_CLUSTER_RECOVER) {
            writer_bytes(out, command.body);
            return RSM_OK;
        }
    return RSM_DAMAGED;
}

enum rsm_status left_behind_proof(struct kv *state, struct writer *out)
{
    struct recovery_record last;
    struct bytes value;
    enum rsm_status status = recovery_newest(state, &last);
    if (status == RSM_NOT_FOUND)
        return RSM_OK;
    if (status == RSM_OK)
        status = log_get_entry(state, last.slot, &value);
    return status == RSM_OK ? find_body(value, out) : status;
}

enum rsm_status left_behind_read(struct data_dir *dir, struct blob **out)
{
    enum rsm_status status = data_dir_read_file(dir, LEFT_BEHIND_FILE, RECOVERY_SIZE_MAX, out);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}
