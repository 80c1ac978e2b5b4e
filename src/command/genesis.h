/* SPDX-License-Identifier: Apache-2.0 */
/*
 * genesis.h - the file that makes a cluster: the same bytes on all replicas.
 *
 *     [1, name str, salt bin16, members [[id uint, zone str, key bin32, peer str, client str]...],
 *      admin [principal str, person str, key bin32], created_ms uint]
 *
 * Canonical MessagePack; members sorted by id, ids, keys and peer addresses unique. The cluster's
 * id is BLAKE2b-128 of the bytes, chain head 0 BLAKE2b-256 of "rsm genesis v1" and the bytes.
 */
#ifndef RSM_COMMAND_GENESIS_H
#define RSM_COMMAND_GENESIS_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/limits.h"

#define GENESIS_SIZE_MAX 65536u
#define GENESIS_SALT_SIZE 16u
#define GENESIS_KEY_SIZE 32u
#define GENESIS_ADDRESS_SIZE LIMIT_ADDRESS_SIZE

struct genesis_member {
    uint32_t id;       /* 1..REPLICA_MAX */
    struct bytes zone; /* the availability zone */
    const uint8_t *key;
    struct bytes peer_address;   /* "ip:port" */
    struct bytes client_address; /* "ip:port" or "unix:/path" */
};

/* Borrows from the file's bytes. */
struct genesis {
    struct bytes name;
    const uint8_t *salt;
    uint32_t member_count; /* 1..LIMIT_REPLICAS */
    struct genesis_member members[LIMIT_REPLICAS];
    struct bytes admin_principal, admin_person;
    const uint8_t *admin_key;
    uint64_t created_ms;

    /* computed */
    uint8_t cluster_id[CLUSTER_ID_SIZE];
    uint8_t head[HASH_SIZE];
};

/*
 * The file's bytes, with cluster_id and head ignored. RSM_MALFORMED when genesis_parse would not
 * take the result.
 */
enum rsm_status genesis_encode(const struct genesis *g, struct writer *out);

/*
 * RSM_MALFORMED, RSM_NOT_CANONICAL, RSM_WRONG_TYPE, RSM_TOO_LARGE, RSM_TOO_MANY, RSM_TOO_DEEP,
 * RSM_NEWER_FORMAT. `data` must outlive *out.
 */
enum rsm_status genesis_parse(struct bytes data, struct genesis *out);

/* The member with that id, or NULL. */
const struct genesis_member *genesis_member(const struct genesis *g, uint32_t id);

#endif
