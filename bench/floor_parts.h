/* SPDX-License-Identifier: GPL-3.0-or-later */
/* floor_parts.h - the plainest code for a flush and a socket, for bench/floor*.c alone. */
#ifndef RSM_BENCH_FLOOR_PARTS_H
#define RSM_BENCH_FLOOR_PARTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/floor.h"

#define FLOOR_RECORD_MAX 65536u
#define FLOOR_WARM_UP 100u
#define FLOOR_ANSWER_SIZE 16u

struct floor_target {
    int file;
    off_t offset;
};

/* A file without a name in the directory, all of it written once. RSM_IO, RSM_DISK_FULL. */
enum rsm_status floor_open_target(struct floor_target *t, const char *directory);
/* Behind the last one (from the beginning again at the end), and a flush. */
bool floor_append_and_flush(struct floor_target *t, const uint8_t *data, size_t size);
bool floor_read_whole(int socket, uint8_t *data, size_t size);
bool floor_write_whole(int socket, const uint8_t *data, size_t size);
/* On a free port of loopback; below 0: errno says why. */
int floor_listen(struct sockaddr_in *address_out);
/* The next that comes, or goes there; without delay of small writes. Below 0: errno. */
int floor_accept(int listener);
int floor_connect(const struct sockaddr_in *address);

/* floor_quorum.c: `clients` with one record each on its way, over `connections`. */
enum rsm_status floor_measure_quorum(const struct floor_options *options, uint32_t clients,
                                     uint32_t connections, enum floor_part part,
                                     struct floor_result *out);
/* floor_ask.c: the clients of that, against a leader at `address`. */
enum rsm_status floor_ask(const struct sockaddr_in *address, uint32_t size, uint32_t clients,
                          uint32_t connections, uint32_t count, struct histogram *histogram,
                          double *seconds);
/* floor_signed.c. RSM_IO: a thread could not be started. */
enum rsm_status floor_measure_signed(const struct floor_options *options, struct floor_result *out);

#endif
