/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chain.h - the two hash chains over the log (BLAKE2b-256, RFC 7693).
 *
 *   entry head 0     H("rsm genesis v1" || genesis)
 *   entry head n     H("rsm entry v1\0" || entry head n-1 || slot u64 || timestamp_ms u64 || entry)
 *   verdict head 0   H("rsm verdict genesis v1" || genesis)
 *   verdict head n   H("rsm verdict v1\0" || verdict head n-1 || slot u64 || size of verdicts u64
 * || verdicts || effects hash)
 *
 * Integers are big-endian. "entry" is the slot's value as chosen, empty for a no-op; its timestamp
 * is the log time of the slot. The ballot is not in it: a value that is proposed again keeps its
 * hash. Tags without an end mark are followed by the genesis alone, which is canonical and never
 * empty.
 */
#ifndef RSM_STORAGE_CHAIN_H
#define RSM_STORAGE_CHAIN_H

#include "src/base/bytes.h"
#include "src/base/ids.h"

/* Both heads of one slot. */
struct chain_heads {
    uint8_t entry[HASH_SIZE];
    uint8_t verdict[HASH_SIZE];
};

/* The heads of slot 0. Also BLAKE2b-128 of the genesis: the cluster's id. */
void chain_begin(struct bytes genesis, struct chain_heads *heads_out);
void chain_cluster_id(struct bytes genesis, uint8_t id_out[CLUSTER_ID_SIZE]);

/* Replaces heads->entry by the head of `slot`, which follows. */
void chain_add_entry(struct chain_heads *heads, uint64_t slot, uint64_t timestamp_ms,
                     struct bytes entry);
/* Replaces heads->verdict by the head of `slot`. */
void chain_add_verdict(struct chain_heads *heads, uint64_t slot, struct bytes verdicts,
                       const uint8_t effects[HASH_SIZE]);

#endif
