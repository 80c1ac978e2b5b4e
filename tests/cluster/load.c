/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load.c - one author who changes one record set again and again until it is told to stop (SIGTERM
 * or the end of stdin), and writes down what it was told:
 *
 *     acked COUNTER SLOT      applied
 *     refused COUNTER SLOT    a rule said no
 *     error STATUS            anything else that is not "ask again"
 *
 * load ENDPOINTS KEYFILE ZONE-HEX [times]. With `times` a line ends with the moment of the answer,
 * nanoseconds of the monotonic clock. A doubtful outcome is asked for with the same bytes until
 * there is an answer: so each line is what the cluster stands by.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rsm/author.h>
#include <rsm/body.h>

#include "src/base/bytes.h"

#define TIMEOUT_MS 5000u
#define TYPE_TXT 16u

static bool told_to_stop(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&in, 1, 0) > 0;
}

/* "<author>.<zone>" in wire form. */
static struct rsm_bytes owner_of(const char *author, struct rsm_bytes zone, uint8_t out[255])
{
    size_t size = strlen(author);
    out[0] = (uint8_t)size;
    memcpy(out + 1, author, size);
    memcpy(out + 1 + size, zone.data, zone.size);
    return rsm_bytes_make(out, 1 + size + zone.size);
}

static enum rsm_status make_body(const char *author, struct rsm_bytes zone, uint64_t counter,
                                 struct rsm_buffer *body_out)
{
    uint8_t owner[255], rdata[32];
    int size = snprintf((char *)rdata + 1, sizeof rdata - 1, "%" PRIu64, counter);
    rdata[0] = (uint8_t)size;
    struct rsm_bytes data = rsm_bytes_make(rdata, (size_t)size + 1);
    struct rsm_change change = {.owner = owner_of(author, zone, owner),
                                .type = TYPE_TXT,
                                .ttl = 60,
                                .rdatas = &data,
                                .rdata_count = 1};
    return rsm_body_rrset_change(zone, &change, 1, body_out);
}

/* The same bytes until somebody answers. */
static enum rsm_status settle(struct rsm_client *client, struct rsm_bytes envelope,
                              struct rsm_buffer *result_out)
{
    enum rsm_status status = RSM_OUTCOME_UNKNOWN;
    for (int i = 0; i < 60 && rsm_status_exit(status) >= 5; i++)
        status = rsm_client_submit(client, envelope, TIMEOUT_MS, result_out);
    return status;
}

static bool with_times;

static void report(uint64_t counter, struct rsm_bytes result)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t slot = rsm_value_uint(rsm_value_get(rsm_value_of(result), "slot"));
    struct rsm_walk walk = rsm_verdicts(result);
    struct rsm_verdict verdict;
    bool applied = rsm_verdict_next(&walk, &verdict) && verdict.applied;
    printf("%s %" PRIu64 " %" PRIu64, applied ? "acked" : "refused", counter, slot);
    if (with_times)
        printf(" %lld%09ld", (long long)now.tv_sec, now.tv_nsec);
    putchar('\n');
    fflush(stdout);
}

static enum rsm_status change_once(struct rsm_client *client, struct rsm_author *author,
                                   const char *name, struct rsm_bytes zone)
{
    struct rsm_buffer body = {NULL, 0}, envelope = {NULL, 0}, result = {NULL, 0};
    uint64_t counter = rsm_author_counter(author);
    enum rsm_status status = make_body(name, zone, counter, &body);
    if (status == RSM_OK)
        status = rsm_author_sign(author, RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body), "load",
                                 NULL, 0, &envelope);
    if (status == RSM_OK)
        status = settle(client, rsm_buffer_bytes(&envelope), &result);
    if (status == RSM_OK) {
        rsm_author_learn(author, rsm_buffer_bytes(&result));
        report(counter, rsm_buffer_bytes(&result));
    }
    rsm_buffer_free(&body);
    rsm_buffer_free(&envelope);
    rsm_buffer_free(&result);
    return status;
}

int main(int argc, char **argv)
{
    struct rsm_key *key = NULL;
    struct rsm_client *client = NULL;
    struct rsm_author *author = NULL;
    uint8_t zone[255];
    with_times = argc == 5 && strcmp(argv[4], "times") == 0;
    if (argc < 4 || argc > 5 || strlen(argv[3]) / 2 > sizeof zone ||
        !hex_decode(zone, strlen(argv[3]) / 2, argv[3]) || rsm_crypto_init() != RSM_OK)
        return 2;
    struct rsm_bytes zone_bytes = rsm_bytes_make(zone, strlen(argv[3]) / 2);
    enum rsm_status status = rsm_key_load(argv[2], NULL, 0, &key);
    if (status == RSM_OK)
        status = rsm_client_new(argv[1], &client);
    if (status == RSM_OK)
        status = rsm_author_open(client, key, TIMEOUT_MS, &author);
    while (status == RSM_OK && !told_to_stop())
        status = change_once(client, author, rsm_key_name(key), zone_bytes);
    if (status != RSM_OK)
        printf("error %s %s\n", rsm_status_text(status),
               client != NULL ? rsm_client_error(client) : "");
    rsm_author_free(author);
    rsm_client_free(client);
    rsm_key_free(key);
    return status == RSM_OK ? 0 : 1;
}
