/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proof.h - what the makers and the checker of checkpoints and proofs share. Words go to stderr. */
#ifndef RSM_TOOLS_PROOF_H
#define RSM_TOOLS_PROOF_H

#include "src/base/ids.h"
#include "src/command/note.h"
#include "storage/tree.h"

/* "rsm/" and the cluster's id in hexadecimal digits: which log a checkpoint is of. */
#define PROOF_ORIGIN_PREFIX "rsm/"
#define PROOF_ORIGIN_SIZE (sizeof(PROOF_ORIGIN_PREFIX) + 2 * CLUSTER_ID_SIZE)

/* False: no origin of a log like ours. */
bool proof_parse_origin(struct bytes origin, uint8_t cluster_out[CLUSTER_ID_SIZE]);

/* The text of a checkpoint: which log, how many slots, which root. */
void proof_text(const uint8_t cluster[CLUSTER_ID_SIZE], uint64_t size, const struct tree_hash *root,
                struct writer *out);

/* Reads a whole file of at most `size_max` bytes. False: said on stderr why. */
bool proof_read_file(const char *path, size_t size_max, struct writer *out);
/* The signer's key, which is not encrypted. NULL: said on stderr why. */
struct rsm_key *proof_load_key(const char *path);

#endif
