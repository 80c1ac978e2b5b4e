/* SPDX-License-Identifier: GPL-3.0-or-later */
/* factor.h - getting a yes from the second factor that --factor names (docs/override.md). */
#ifndef RSM_CTL_FACTOR_H
#define RSM_CTL_FACTOR_H

#include "src/command/body_factor.h"
#include "tools/resilience-ctl/ctl.h"

struct factor_answer {
    uint8_t over[RSM_FACTOR_HASH_SIZE];
    uint8_t data[FACTOR_DATA_SIZE_MAX];
    size_t data_size;
    uint8_t signature[RSM_FACTOR_SIGNATURE_SIZE];
};

/*
 * By its method: another key file signs, a program is asked, or a replica checks a code. Prints
 * what is wrong. The session is signed in.
 */
enum rsm_status factor_ask(struct ctl *ctl, struct rsm_bytes digest, struct factor_answer *out);

#endif
