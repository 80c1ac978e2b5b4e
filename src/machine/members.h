/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * members.h - who the replicas are, by slot.
 *
 * A *configuration* is a numbered set of members. Number 1 is the genesis' and governs from slot 1
 * on. Each applied member command makes the next one, which governs from its own slot +
 * MEMBER_DISTANCE on, for ever or until the next does. While one waits for its slot no other
 * change is taken (rule member-change-pending), so that no slot that can be open has more than two.
 *
 * All configurations there were stay in the state: which members decided slot n can be asked of any
 * copy of it, and a removed replica's incarnation never comes back (rule incarnation-used).
 *
 *     TABLE_MEMBER     version u64 -> effective slot u64 | count u8 | members, sorted by id:
 *                      id u8 | voter u8 | incarnation u64 | key 32 | zone blob | peer address blob
 * | client address blob
 */
#ifndef RSM_MACHINE_MEMBERS_H
#define RSM_MACHINE_MEMBERS_H

#include <rsm/key.h>
#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/kv.h"
#include "src/base/limits.h"

struct genesis;

/* Texts end with 0. */
struct member {
    uint32_t id; /* 1..REPLICA_MAX */
    bool voter;  /* else it learns only */
    /*
     * Of its data directory, as of the last addition or promotion of anybody; 0 for the genesis'
     * members before that: whom one meets first. A rejoin since then is the links' to know.
     */
    uint64_t incarnation;
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    char zone[LIMIT_LABEL_SIZE + 1];
    char peer_address[LIMIT_ADDRESS_SIZE + 1];
    char client_address[LIMIT_ADDRESS_SIZE + 1];
};

struct member_config {
    uint64_t version; /* from 1; 0: there is none */
    uint64_t effective_slot;
    uint32_t count; /* 1..LIMIT_REPLICAS */
    struct member members[LIMIT_REPLICAS];
};

/*
 * The configuration that governs the slot after META_APPLIED, and the one that waits for its slot
 * (version 0: none does). A state with no rows has the genesis' members. `genesis` is only needed
 * then. RSM_DAMAGED and as the kv.
 */
enum rsm_status machine_members(struct kv *kv, const struct genesis *genesis,
                                struct member_config *current_out, struct member_config *next_out);

/* Version of the newest configuration, in force or not: one look-up. 1 when there are no rows. */
enum rsm_status machine_members_version(struct kv *kv, uint64_t *version_out);

/*
 * The configuration that governs `slot` (1 or more), as far as this state knows. `genesis` as
 * above; NULL where the state must have rows: RSM_DAMAGED when it has none.
 */
enum rsm_status machine_members_at(struct kv *kv, const struct genesis *genesis, uint64_t slot,
                                   struct member_config *out);

/* The genesis' members as configuration 1. */
void members_of_genesis(const struct genesis *genesis, struct member_config *out);

/* Its member with that id, or NULL. */
static inline const struct member *member_config_find(const struct member_config *config,
                                                      uint32_t id)
{
    for (uint32_t i = 0; i < config->count; i++)
        if (config->members[i].id == id)
            return &config->members[i];
    return NULL;
}

/* The configurations from the newest down: begin with UINT64_MAX, go on with the last version. */
enum rsm_status members_below(struct kv *kv, uint64_t version, struct member_config *out);

/* ---- for the files of src/machine ---- */

enum rsm_status members_begin(struct kv *kv, const struct genesis *genesis);
void members_encode(struct writer *out, const struct member_config *config);
/* The row's value; the version is in its key. */
enum rsm_status members_decode(struct bytes key, struct bytes value, struct member_config *out);

#endif
