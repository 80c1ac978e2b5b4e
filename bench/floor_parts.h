/* SPDX-License-Identifier: GPL-3.0-or-later */
/* floor_parts.h - the plainest code for a flush and a socket, for bench/floor*.c alone. */
#ifndef RSM_BENCH_FLOOR_PARTS_H
#define RSM_BENCH_FLOOR_PARTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rsm/status.h>

#define FLOOR_RECORD_MAX 65536u
#define FLOOR_WARM_UP 100u
#define FLOOR_ANSWER_SIZE 16u

struct floor_target {
    int file;
    uint32_t size;
    off_t offset;
    uint8_t record[FLOOR_RECORD_MAX];
};

/* A file without a name in the directory, all of it written once. RSM_IO, RSM_DISK_FULL. */
enum rsm_status floor_open_target(struct floor_target *t, const char *directory, uint32_t size);
/* One record behind the last one (from the beginning again at the end), and a flush. */
bool floor_append_and_flush(struct floor_target *t);
bool floor_read_whole(int socket, uint8_t *data, size_t size);
bool floor_write_whole(int socket, const uint8_t *data, size_t size);
/* On a free port of loopback; below 0: errno says why. */
int floor_listen(struct sockaddr_in *address_out);
/* The first that comes, or goes there; without delay of small writes. Below 0: errno. */
int floor_accept(int listener);
int floor_connect(const struct sockaddr_in *address);

#endif
