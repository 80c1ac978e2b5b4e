/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * many_callers.c - threads that share one submitter: their changes travel in bundles by themselves.
 *
 *   many_callers ENDPOINTS KEYFILE ZONE CALLERS SECONDS
 *
 * The zone is there (resilience-ctl zone create) and the key may change it. Each caller changes a
 * TXT record set of its own, one change after the other, each with what was read before. Prints a
 * line, and ends with 0 when all was applied. Nothing but librsm is needed:
 *
 *   cc many_callers.c $(pkg-config --cflags --libs librsm)
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rsm/body.h>
#include <rsm/submitter.h>

#define CALLERS_MAX 1024
#define TYPE_TXT 16
#define TEXT_SIZE 120

struct caller {
    struct rsm_submitter *submitter;
    struct rsm_value seen; /* the read of the zone: whoever made it has been seen */
    const uint8_t *zone;
    size_t zone_size;
    unsigned number;
    double end;
    pthread_t thread;
    unsigned long applied, other;
    double slowest, sum;
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* "example.org" as a wire name: labels with their lengths in front, an empty one at the end. */
static size_t wire_name(const char *text, uint8_t out[256])
{
    size_t at = 0;
    while (*text != 0 && at + 65 < 256) {
        size_t label = strcspn(text, ".");
        out[at++] = (uint8_t)label;
        memcpy(out + at, text, label);
        at += label;
        text += label + (text[label] == '.' ? 1 : 0);
    }
    out[at++] = 0;
    return at;
}

static enum rsm_status change(struct caller *c, unsigned long turn)
{
    uint8_t owner[256], data[1 + TEXT_SIZE];
    char label[32], text[TEXT_SIZE + 1];
    struct rsm_buffer body;
    int size = snprintf(label, sizeof label, "caller%u", c->number);
    owner[0] = (uint8_t)size;
    memcpy(owner + 1, label, (size_t)size);
    memcpy(owner + 1 + size, c->zone, c->zone_size);
    (void)snprintf(text, sizeof text, "%0*lu", TEXT_SIZE, turn);
    data[0] = TEXT_SIZE;
    memcpy(data + 1, text, TEXT_SIZE);
    const struct rsm_bytes rdata = rsm_bytes_make(data, sizeof data);
    const struct rsm_change set = {rsm_bytes_make(owner, 1 + (size_t)size + c->zone_size), TYPE_TXT,
                                   300, &rdata, 1};
    enum rsm_status status =
        rsm_body_rrset_change(rsm_bytes_make(c->zone, c->zone_size), &set, 1, &body);
    if (status != RSM_OK)
        return status;
    const struct rsm_request request = {RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body), NULL,
                                        c->seen};
    status = rsm_submitter_submit(c->submitter, &request, NULL, NULL);
    rsm_buffer_free(&body);
    return status;
}

static void *run(void *context)
{
    struct caller *c = context;
    /* The time makes it another text than that of an earlier run: the same is no change. */
    unsigned long turn = (unsigned long)time(NULL) * 1000000ul;
    for (double begin = now(); begin < c->end; turn++) {
        enum rsm_status status = change(c, turn);
        double end = now();
        if (status == RSM_OK)
            c->applied++;
        else if (c->other++ == 0)
            (void)fprintf(stderr, "caller %u: %s\n", c->number, rsm_status_sentence(status));
        c->sum += end - begin;
        c->slowest = end - begin > c->slowest ? end - begin : c->slowest;
        begin = end;
    }
    return NULL;
}

static int run_all(struct rsm_submitter *submitter, struct rsm_value seen, const char *zone,
                   unsigned count, double seconds)
{
    static struct caller callers[CALLERS_MAX];
    struct rsm_submitter_counters counters;
    uint8_t name[256];
    size_t name_size = wire_name(zone, name);
    unsigned long applied = 0, other = 0;
    double sum = 0, slowest = 0, begin = now();
    for (unsigned i = 0; i < count; i++) {
        callers[i] = (struct caller){.submitter = submitter,
                                     .seen = seen,
                                     .zone = name,
                                     .zone_size = name_size,
                                     .number = i,
                                     .end = begin + seconds};
        if (pthread_create(&callers[i].thread, NULL, run, &callers[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(callers[i].thread, NULL);
        applied += callers[i].applied;
        other += callers[i].other;
        sum += callers[i].sum;
        slowest = callers[i].slowest > slowest ? callers[i].slowest : slowest;
    }
    rsm_submitter_count(submitter, &counters);
    (void)printf(
        "%u callers: %.0f changes a second, %.0f us each, %.1f in a bundle, slowest %.1f ms, "
        "%lu signed again, %lu not applied\n",
        count, (double)applied / (now() - begin), applied > 0 ? sum * 1e6 / (double)applied : 0,
        counters.bundles > 0 ? (double)counters.changes / (double)counters.bundles : 0,
        slowest * 1e3, (unsigned long)counters.again, other);
    return other == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct rsm_key *key = NULL;
    struct rsm_client *client = NULL;
    struct rsm_submitter *submitter = NULL;
    struct rsm_buffer seen = {NULL, 0};
    int result = 1;
    unsigned count = argc == 6 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    if (count == 0 || count > CALLERS_MAX) {
        (void)fprintf(stderr, "many_callers ENDPOINTS KEYFILE ZONE CALLERS SECONDS\n");
        return 2;
    }
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_text(params, argv[3]);
    enum rsm_status status = rsm_crypto_init();
    if (status == RSM_OK)
        status = rsm_key_load(argv[2], NULL, 0, &key);
    if (status == RSM_OK)
        status = rsm_client_new(argv[1], &client);
    if (status == RSM_OK)
        status =
            rsm_client_call(client, "zone.get", rsm_value_of(rsm_pack_result(params)), 5000, &seen);
    if (status == RSM_OK)
        status = rsm_submitter_new(argv[1], key, NULL, &submitter);
    if (status == RSM_OK)
        result = run_all(submitter, rsm_value_of(rsm_buffer_bytes(&seen)), argv[3], count,
                         strtod(argv[5], NULL));
    else
        (void)fprintf(stderr, "%s\n", rsm_status_sentence(status));
    rsm_submitter_free(submitter);
    rsm_buffer_free(&seen);
    rsm_client_free(client);
    rsm_key_free(key);
    rsm_pack_free(params);
    return result;
}
