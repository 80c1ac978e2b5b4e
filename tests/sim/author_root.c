/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * author_root.c - the root role among the authors: the administrator says how many of its holders
 * have to agree, gives it to persons and takes it away; what it asks for then waits, and the others
 * approve it, holders and not. Two of the authors are one person. What counts is counted again in
 * recount_root.h.
 */
#include "tests/sim/author_root.h"

#include <string.h>

#include <rsm/change.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/staged.h"

#define ROOTS_MAX 3u
#define TWIN 5u /* the person of author 1 */

uint32_t root_person(uint32_t index)
{
    return index == TWIN ? 1 : index;
}

/* Between none and all of those that there may be; also more than there are, which is refused. */
static void how_many(struct sim *sim, struct rsm_buffer *body)
{
    struct writer map;
    writer_init(&map, 64);
    pack_map(&map, 1);
    pack_text(&map, "root_approvals");
    pack_uint(&map, sim_range(sim, 0, ROOTS_MAX));
    CHECK(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, body) == RSM_OK);
    writer_deinit(&map);
}

enum rsm_kind root_operation(struct node_cluster *c, struct rsm_buffer *body)
{
    uint32_t index = (uint32_t)sim_range(&c->sim, 1, c->options.author_count - 1);
    if (sim_chance(&c->sim, 500000)) {
        how_many(&c->sim, body);
        return RSM_KIND_POLICY_SET;
    }
    const struct rsm_key *key = author_key(c, index);
    robot_principal(c, index, rsm_key_name(key),
                    rsm_bytes_make(rsm_key_public(key), RSM_PUBLIC_KEY_SIZE),
                    sim_chance(&c->sim, 600000), body);
    return RSM_KIND_PRINCIPAL_SET;
}

bool root_find(struct node_cluster *c, uint32_t at, uint8_t digest_out[HASH_SIZE])
{
    struct kv *state = replica_state(c, at);
    struct key place = {.size = 0};
    uint8_t digest[HASH_SIZE];
    struct staged_record row;
    uint64_t seen = 0;
    while (pending_next(state, &place, digest) == RSM_OK) {
        if (staged_load(state, digest, &row) != RSM_OK || row.root_needed == 0)
            continue;
        seen++; /* each as likely as the others */
        if (sim_range(&c->sim, 1, seen) == 1)
            memcpy(digest_out, digest, HASH_SIZE);
    }
    return seen > 0;
}

void root_approve(const uint8_t digest[HASH_SIZE], struct rsm_buffer *body)
{
    CHECK(rsm_body_change_approve(rsm_bytes_make(digest, HASH_SIZE), NULL, body) == RSM_OK);
}
