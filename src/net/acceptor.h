/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * acceptor.h - how a server takes connections: listening sockets, descriptors that are kept for
 * others, and a pause when the system has none left. What a connection is, and how many there may
 * be, is the owner's business.
 *
 * Thread: the main loop's.
 */
#ifndef RSM_NET_ACCEPTOR_H
#define RSM_NET_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <rsm/status.h>

struct event_base;
struct acceptor;

#define ACCEPTOR_LISTEN_MAX 8u

struct acceptor_config {
    struct event_base *base;
    void *context;
    const char *event;         /* of the log's line when accepting fails; static */
    uint32_t descriptors_kept; /* so many free ones are left to the journal, the store, the peers */
    uint64_t *refused;         /* one more for each connection that was not taken */
    /*
     * A connection on the listening socket `index`, in the order of acceptor_listen. True: the
     * descriptor is the owner's. False: it is closed, and counted as refused.
     */
    bool (*on_connection)(void *context, uint32_t index, int fd, const struct sockaddr *address,
                          socklen_t size);
};

/* Listens nowhere yet. Copies the configuration, whose pointers must outlive it. */
struct acceptor *acceptor_new(const struct acceptor_config *config);
/* Closes the listening sockets. NULL is ignored. */
void acceptor_free(struct acceptor *a);
/* Listens; `name` is for words. RSM_IO: `text` (256 bytes) says why. */
enum rsm_status acceptor_listen(struct acceptor *a, const struct sockaddr *address, socklen_t size,
                                const char *name, char *text);
/* The same for a text "ip:port", which may be no address: RSM_IO as well. */
enum rsm_status acceptor_listen_on(struct acceptor *a, const char *address, char *text);
/* Takes a text "ip:port" apart. RSM_IO: it is no address, as `text` (256 bytes) says. */
enum rsm_status acceptor_parse(const char *address, struct sockaddr_storage *out,
                               socklen_t *size_out, char *text);
/* The port of listening socket `index`; 0: it has none. */
uint16_t acceptor_port(const struct acceptor *a, uint32_t index);
/* Takes no more connections. */
void acceptor_stop(struct acceptor *a);

#endif
