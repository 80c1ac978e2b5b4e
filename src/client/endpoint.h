/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - where replicas listen: "10.0.0.1:4001", "[::1]:4001", "unix:/path". */
#ifndef RSM_CLIENT_ENDPOINT_H
#define RSM_CLIENT_ENDPOINT_H

#include <sys/socket.h>

#include <rsm/status.h>

#define ENDPOINT_COUNT_MAX 16u
#define ENDPOINT_TEXT_SIZE 128u

struct endpoint {
    char text[ENDPOINT_TEXT_SIZE]; /* as given, for messages */
    struct sockaddr_storage address;
    socklen_t address_size;
};

/*
 * Parses a list with commas; blanks around its items are free. Addresses are numbers ("localhost"
 * is 127.0.0.1): no name is resolved, nothing blocks. RSM_USAGE for anything else, for none and
 * for more than `count_max`.
 */
enum rsm_status endpoint_parse_list(const char *text, struct endpoint *endpoints_out,
                                    unsigned count_max, unsigned *count_out);

#endif
