/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * datagram.h - UDP sockets whose answers leave from the address that was asked.
 *
 * A socket of all addresses (0.0.0.0, ::) would send from the one that the route has: a client that
 * asked another one of the same host drops that. So each datagram comes with the address that it
 * was sent to (RFC 3542 4; IP_PKTINFO), and that goes along with the answer.
 */
#ifndef RSM_NET_DATAGRAM_H
#define RSM_NET_DATAGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "src/base/bytes.h"

/* Our end of a datagram. Zeros: whatever the route has. To be copied. */
struct datagram_end {
    sa_family_t family;
    uint32_t interface;  /* of a link-local address; else 0: where the answer goes is the route's */
    uint8_t address[16]; /* 4 of them with AF_INET; in network order */
};

/* A bound socket that does not block; -1 with errno. */
int datagram_bind(const struct sockaddr *address, socklen_t size);
/*
 * One datagram: its size, who sent it, and to which of our addresses. Below 0: none is there, or an
 * error of an earlier one, with errno.
 */
ssize_t datagram_receive(int fd, uint8_t *buffer, size_t size, struct sockaddr_storage *from,
                         socklen_t *from_size, struct datagram_end *at);
/* False: the system did not take it. */
bool datagram_send(int fd, const struct sockaddr *to, socklen_t to_size,
                   const struct datagram_end *at, struct bytes wire);

#endif
