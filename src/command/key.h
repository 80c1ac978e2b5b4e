/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - the secret half of a key. For keyfile.c and key.c only. */
#ifndef RSM_COMMAND_KEY_H
#define RSM_COMMAND_KEY_H

#include <rsm/key.h>

/* KEYFILE_SEED_SIZE bytes, borrowed from the key. */
const uint8_t *key_seed(const struct rsm_key *key);

#endif
