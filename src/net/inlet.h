/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inlet.h - what a socket has, by one call. libevent's evbuffer_read asks first how much there is
 * (FIONREAD), which is one call in four of a commit; a buffer that is large enough needs no asking.
 */
#ifndef RSM_NET_INLET_H
#define RSM_NET_INLET_H

#include <stddef.h>
#include <stdint.h>

#include <event2/buffer.h>

/* Read in one go; what is left makes the socket readable again. */
#define INLET_SIZE (256u << 10)

/* One for all sockets of an owner: bytes stay in it for the call only. */
struct inlet {
    uint8_t bytes[INLET_SIZE];
};

enum inlet_end {
    INLET_BYTES = 1, /* *size_out of them were added to `in` */
    INLET_NOTHING,   /* not now */
    INLET_CLOSED,    /* by the other side */
    INLET_BROKEN,    /* or out of memory */
};

/* One read of a socket that does not block. */
enum inlet_end inlet_read(struct inlet *inlet, int socket, struct evbuffer *in, size_t *size_out);

#endif
