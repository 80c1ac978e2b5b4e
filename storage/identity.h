/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * identity.h - the identity file of a replica: whose disk this is.
 *
 *   rsm data directory\n
 *   format = 1\n
 *   cluster = <32 hexadecimal digits>\n
 *   replica = <1..9>\n
 *   incarnation = <number above 0>\n
 *   joined = <0, or the incarnation under which it waited for the log to add it>\n
 *   check = <8 hexadecimal digits, CRC-32C of all the bytes before this line>\n
 *
 * Text, so that a person sees it; exactly this text, so that a changed byte is seen as well.
 */
#ifndef RSM_STORAGE_IDENTITY_H
#define RSM_STORAGE_IDENTITY_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"

#define IDENTITY_FORMAT 1u
#define IDENTITY_TEXT_SIZE 256u

struct identity {
    uint8_t cluster[CLUSTER_ID_SIZE];
    uint32_t replica;     /* 1..REPLICA_MAX */
    uint64_t incarnation; /* drawn at random when a disk is made new; above 0 */
    /*
     * 0: a member from the genesis on. Else it is one only by configurations from the one on that
     * names this incarnation: under those before, its number was another disk's.
     */
    uint64_t joined;
};

/* Writes the text into `w`. */
void identity_encode(const struct identity *identity, struct writer *w);
/* RSM_NEWER_FORMAT (the first two lines are ours, the number is higher), RSM_DAMAGED. */
enum rsm_status identity_decode(struct bytes text, struct identity *identity_out);

#endif
