/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recovery.h - what persons sign when one replica goes on alone, and the body of cluster.recover.
 *
 *     cluster.recover  [statement, [[principal str, signature bin64]...]]
 *     statement        [cluster bin16, replica uint, former incarnation uint, incarnation uint,
 *                      epoch uint, slot uint, entry head bin32, votes end uint,
 *                      [[replica uint, incarnation uint]...]]
 *
 * The replica goes on from `slot`, whose entry head binds the whole log up to there, as the one
 * voter, under a new incarnation, in a new epoch. It may hold votes for slots below `votes_end`,
 * which it takes over; what the others alone chose behind `slot` is lost. The list has the disks
 * of the other members as it knew them: none of them comes back. Each person signs the statement's
 * bytes, with a tag and the cluster's id: a signature is for one directory as it is at one moment.
 */
#ifndef RSM_COMMAND_RECOVERY_H
#define RSM_COMMAND_RECOVERY_H

#include <rsm/key.h>
#include <rsm/wire.h>

#include "src/base/ids.h"
#include "src/command/body.h"
#include "src/command/signature.h"

#define RECOVERY_TAG SIGNATURE_TAG("rsm recovery v1")
#define RECOVERY_APPROVALS_MAX 9u
#define RECOVERY_SIZE_MAX 4096u /* of a statement with its approvals */

/* Pointers are borrowed. */
struct recovery {
    const uint8_t *cluster; /* CLUSTER_ID_SIZE bytes */
    uint32_t replica;
    uint64_t former, incarnation; /* of its disk: until now, and from now on */
    uint64_t epoch;               /* 2 or more: 1 is a cluster's that never was recovered */
    uint64_t slot;
    const uint8_t *entry_head; /* HASH_SIZE bytes */
    uint64_t votes_end;        /* above slot */
    struct body_walk others;   /* body_next_incarnation */
    struct bytes raw;          /* the statement's bytes, as they are signed */
};

struct recovery_approval {
    struct bytes principal;
    const uint8_t *signature; /* SIGNATURE_SIZE bytes */
};

struct body_recover {
    struct recovery statement;
    struct body_walk approvals; /* recovery_next_approval; their principals ascend */
};

/* Appends; `others` of `r` is not looked at, the list of `count` is. The writer's error is sticky.
 */
void recovery_encode(struct writer *out, const struct recovery *r,
                     const struct body_incarnation *others, uint32_t count);
/* RSM_WRONG_TYPE, RSM_TOO_LARGE, RSM_TOO_MANY, RSM_MALFORMED. Canonical form is not asked for. */
enum rsm_status recovery_decode(struct bytes statement, struct recovery *out);
/*
 * The incarnation that a disk gets by a recovery: nobody has to remember it until it is signed,
 * and the same disk in the same state asks for the same signatures.
 */
uint64_t recovery_incarnation(const struct recovery *r);

/* A person's signature. RSM_NO_MEMORY. */
enum rsm_status recovery_sign(const struct rsm_key *key, const struct recovery *r,
                              uint8_t signature_out[SIGNATURE_SIZE]);
/* RSM_BAD_SIGNATURE, RSM_NO_MEMORY. */
enum rsm_status recovery_verify(const uint8_t key[SIGNATURE_KEY_SIZE], const struct recovery *r,
                                const uint8_t signature[SIGNATURE_SIZE]);

/* The body; approvals in any order, each principal once. Errors as the decoder. */
enum rsm_status body_recover_encode(struct bytes statement,
                                    const struct recovery_approval *approvals, uint32_t count,
                                    struct rsm_buffer *body_out);
enum rsm_status body_recover_decode(struct bytes body, struct body_recover *out);
bool recovery_next_approval(struct body_walk *walk, struct recovery_approval *out);

#endif
