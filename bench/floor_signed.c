/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * floor_signed.c - what signatures alone allow: a thread on each processor signs records and
 * verifies each as often as there are replicas. What commands signed one by one can reach at most
 * where client and replicas share a machine.
 */
#include <pthread.h>
#include <unistd.h>

#include <sodium.h>

#include "bench/floor_parts.h"
#include "src/base/check.h"
#include "src/base/mem.h"

#define PROCESSORS_MAX 64u

struct signer {
    const struct floor_options *options;
    struct histogram histogram;
    double seconds;
    pthread_t thread;
};

static void sign_and_verify(const struct floor_options *o, uint8_t *record,
                            const uint8_t *public_key, const uint8_t *secret_key)
{
    uint8_t signature[crypto_sign_BYTES];
    record[0]++;
    CHECK(crypto_sign_detached(signature, NULL, record, o->size, secret_key) == 0);
    for (uint32_t i = 0; i < o->replicas; i++)
        CHECK(crypto_sign_verify_detached(signature, record, o->size, public_key) == 0);
}

/* Thread. */
static void *sign(void *context)
{
    struct signer *s = context;
    const struct floor_options *o = s->options;
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    uint8_t *record = mem_alloc(o->size);
    CHECK(crypto_sign_keypair(public_key, secret_key) == 0);
    uint64_t first_ns = bench_now_ns();
    for (uint32_t i = 0; i < o->count; i++) {
        uint64_t begin_ns = bench_now_ns();
        sign_and_verify(o, record, public_key, secret_key);
        histogram_add(&s->histogram, bench_now_ns() - begin_ns);
    }
    s->seconds = (double)(bench_now_ns() - first_ns) / 1e9;
    sodium_memzero(secret_key, sizeof secret_key);
    mem_free(record);
    return NULL;
}

uint32_t floor_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1)
        return 1;
    return count < (long)PROCESSORS_MAX ? (uint32_t)count : PROCESSORS_MAX;
}

enum rsm_status floor_measure_signed(const struct floor_options *options, struct floor_result *out)
{
    uint32_t count = floor_processors(), started = 0;
    struct signer *signers = mem_alloc(count * sizeof signers[0]);
    double per_second = 0;
    for (uint32_t i = 0; i < count; i++)
        signers[i].options = options;
    while (started + 1 < count &&
           pthread_create(&signers[started].thread, NULL, sign, &signers[started]) == 0)
        started++;
    bool is_good = started + 1 == count;
    if (is_good)
        (void)sign(&signers[started]);
    for (uint32_t i = 0; i < started; i++)
        (void)pthread_join(signers[i].thread, NULL);
    for (uint32_t i = 0; i < count && is_good; i++) {
        histogram_merge(&out->histograms[FLOOR_SIGNED], &signers[i].histogram);
        per_second += (double)options->count / signers[i].seconds;
    }
    if (is_good)
        out->seconds[FLOOR_SIGNED] += (double)options->count * count / per_second;
    mem_free(signers);
    return is_good ? RSM_OK : RSM_IO;
}
