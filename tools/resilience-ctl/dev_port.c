/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dev_port.c - ports for the replicas of a cluster in the background. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include <sodium.h>

#include "tools/resilience-ctl/dev.h"

/* Ports are drawn from here on; so many are tried before the system chooses. */
#define PORT_LOWEST 10000u
#define PORT_DRAWS 64u

/*
 * The first port that the system gives to connections as their near end (ip_local_port_range in
 * tcp(7)). Below it a replica finds its port again when it starts anew: above, a peer that dials a
 * dead replica can be given the very port that it dials, and is connected to itself then.
 */
static uint16_t first_given_port(void)
{
    unsigned first = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%u", &first) != 1 || first > UINT16_MAX)
        first = 0;
    fclose(file);
    return (uint16_t)first;
}

/* Binds `port`, 0: any; what it got, 0: it is not free. */
static uint16_t bind_port(int fd, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    return ntohs(address.sin_port);
}

uint16_t dev_free_port(int *fd_out)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *fd_out = fd;
    if (fd < 0)
        return 0;
    uint16_t end = first_given_port();
    uint16_t port = 0;
    for (unsigned i = 0; i < PORT_DRAWS && end > PORT_LOWEST && port == 0; i++)
        port = bind_port(fd, (uint16_t)(PORT_LOWEST + randombytes_uniform(end - PORT_LOWEST)));
    return port != 0 ? port : bind_port(fd, 0);
}
