/* SPDX-License-Identifier: GPL-3.0-or-later */
/* datagram.c - see datagram.h. */
#include "src/net/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_BUFFER (1 << 20)

/* Room for one address of either family, aligned as the system wants it. */
union control {
    struct cmsghdr head;
    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

int datagram_bind(const struct sockaddr *address, socklen_t size)
{
    int buffer = SYSTEM_BUFFER, on = 1;
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    int error = address->sa_family == AF_INET6
                    ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
                    : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    if (error == 0)
        error = bind(fd, address, size);
    if (error != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static void take_end(const struct cmsghdr *c, struct datagram_end *at)
{
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        at->family = AF_INET;
        memcpy(at->address, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        at->family = AF_INET6;
        memcpy(at->address, &info.ipi6_addr, sizeof info.ipi6_addr);
        if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            at->interface = info.ipi6_ifindex;
    }
}

ssize_t datagram_receive(int fd, uint8_t *buffer, size_t size, struct sockaddr_storage *from,
                         socklen_t *from_size, struct datagram_end *at)
{
    union control control;
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr m = {.msg_name = from,
                       .msg_namelen = sizeof *from,
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    *at = (struct datagram_end){.family = 0};
    ssize_t got = recvmsg(fd, &m, 0);
    if (got < 0)
        return got;
    *from_size = m.msg_namelen;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
        take_end(c, at);
    return got;
}

/* The control message that names our end. */
static void put_end(const struct datagram_end *at, union control *control, struct msghdr *m)
{
    memset(control, 0, sizeof *control);
    m->msg_control = control;
    if (at->family == AF_INET) {
        struct in_pktinfo info = {.ipi_ifindex = 0};
        memcpy(&info.ipi_spec_dst, at->address, sizeof info.ipi_spec_dst);
        control->head.cmsg_level = IPPROTO_IP;
        control->head.cmsg_type = IP_PKTINFO;
        control->head.cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(&control->head), &info, sizeof info);
        m->msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = at->interface};
        memcpy(&info.ipi6_addr, at->address, sizeof info.ipi6_addr);
        control->head.cmsg_level = IPPROTO_IPV6;
        control->head.cmsg_type = IPV6_PKTINFO;
        control->head.cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(&control->head), &info, sizeof info);
        m->msg_controllen = CMSG_SPACE(sizeof info);
    }
}

bool datagram_send(int fd, const struct sockaddr *to, socklen_t to_size,
                   const struct datagram_end *at, struct bytes wire)
{
    union control control;
    struct sockaddr_storage name;
    uint8_t *data = (uint8_t *)(uintptr_t)wire.data; /* sendmsg only reads it */
    struct iovec part = {.iov_base = data, .iov_len = wire.size};
    struct msghdr m = {
        .msg_name = &name, .msg_namelen = to_size, .msg_iov = &part, .msg_iovlen = 1};
    memcpy(&name, to, to_size);
    if (at->family != 0)
        put_end(at, &control, &m);
    return sendmsg(fd, &m, 0) >= 0;
}
