/* SPDX-License-Identifier: GPL-3.0-or-later */
/* packet_internal.h - for src/rr/packet.c and tsig.c alone. */
#ifndef RSM_RR_PACKET_INTERNAL_H
#define RSM_RR_PACKET_INTERNAL_H

#include <libknot/libknot.h>

#include "src/rr/packet.h"

struct packet {
    knot_pkt_t *pkt; /* owned; over `wire` */
    uint8_t *wire;   /* owned */
    struct packet_head head;
};

struct draft {
    knot_pkt_t *pkt; /* owned; over `wire` */
    uint8_t *wire;   /* owned, PACKET_SIZE_MAX bytes */
    size_t limit;
    size_t reserve;
    bool has_edns;
    enum packet_rcode rcode;
    enum packet_ede ede;
    char ede_text[PACKET_ERROR_TEXT_MAX];
    uint16_t *rdata; /* owned: one record's data in libknot's form, its size in front */
};

/* libknot's memory, from base/mem; fails instead of ending the process. */
extern knot_mm_t packet_memory;

#endif
