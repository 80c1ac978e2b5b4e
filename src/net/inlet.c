/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inlet.c - see inlet.h. */
#include "src/net/inlet.h"

#include <errno.h>
#include <sys/socket.h>

enum inlet_end inlet_read(struct inlet *inlet, int socket, struct evbuffer *in, size_t *size_out)
{
    ssize_t got = recv(socket, inlet->bytes, sizeof inlet->bytes, 0);
    *size_out = got > 0 ? (size_t)got : 0;
    if (got == 0)
        return INLET_CLOSED;
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? INLET_NOTHING : INLET_BROKEN;
    return evbuffer_add(in, inlet->bytes, *size_out) == 0 ? INLET_BYTES : INLET_BROKEN;
}
