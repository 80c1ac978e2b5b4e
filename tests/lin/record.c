/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record.c - concurrent clients of a real cluster, and the history of what they were told.
 *
 * lin-record ENDPOINTS ZONE-HEX HISTORY SEED KEYS KEYFILE... - a thread for each key file, an
 * author each, until the end of stdin. Every answered call counts; the count is printed every 20 of
 * them.
 *
 * Keys are TXT record sets: kN-SEED, which all change by compare-and-set (a change is refused when
 * its author has not seen the last writer), and ownN-SEED, which only client N writes, blindly.
 * Every written value is unique. Reads are linearizable, at any replica, or stale, at each.
 *
 * A client whose change has no outcome in time dies: connections closed, clocks forgotten. It comes
 * back as the same author and asks the cluster for its counter. Now and then it dies on purpose,
 * moments after it sent a change. Until something of a new life was applied it deletes nothing: a
 * deletion is known by its author's counter and Lamport clock, which the old life may have used.
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rsm/author.h>
#include <rsm/body.h>

#include "src/base/bytes.h"
#include "src/base/prng.h"

#define WORKERS_MAX 16u
#define REPLICAS_MAX 9u
#define SUBMIT_MS 1500u
#define READ_MS 800u
#define READ_AT_MS 250u /* of one replica, which may be down */
#define TYPE_TXT 16u
#define TOKEN_SIZE 96u

struct shared {
    pthread_mutex_t mutex;
    FILE *history; /* under the mutex */
    uint64_t next_id, answered;
    uint64_t seed;
    const char *endpoints;
    char endpoint[REPLICAS_MAX][64];
    unsigned replicas, keys, workers;
    struct rsm_bytes zone;
    atomic_bool stop;
};

struct worker {
    struct shared *shared;
    unsigned number;
    const char *key_file;
    struct rsm_key *key;
    struct prng prng;
    struct rsm_client *any, *at[REPLICAS_MAX];
    struct rsm_author *author; /* NULL: dead */
    bool was_applied;          /* something, in this life */
    uint64_t nonce;
    pthread_t thread;
};

/* What is known of a key: a token, and its version when it has one. */
struct sight {
    char token[TOKEN_SIZE];
    char author[64];
    uint64_t counter, lamport, slot, written;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the history ---- */

static uint64_t write_call(struct worker *w, const char *what)
{
    struct shared *s = w->shared;
    pthread_mutex_lock(&s->mutex);
    uint64_t id = ++s->next_id;
    fprintf(s->history, "call %" PRIu64 " %u %" PRIu64 " %s\n", id, w->number, now_ns(), what);
    pthread_mutex_unlock(&s->mutex);
    return id;
}

static void write_return(struct worker *w, const char *word, uint64_t id, const char *what)
{
    struct shared *s = w->shared;
    uint64_t time = now_ns();
    pthread_mutex_lock(&s->mutex);
    fprintf(s->history, "%s %" PRIu64 " %" PRIu64 " %s\n", word, id, time, what);
    s->answered++;
    if (s->answered % 20 == 0) {
        printf("answered %" PRIu64 "\n", s->answered);
        fflush(stdout);
    }
    pthread_mutex_unlock(&s->mutex);
}

/* ---- lives ---- */

static void die(struct worker *w)
{
    rsm_author_free(w->author);
    w->author = NULL;
    rsm_client_free(w->any);
    w->any = NULL;
    for (unsigned i = 0; i < w->shared->replicas; i++) {
        rsm_client_free(w->at[i]);
        w->at[i] = NULL;
    }
    w->was_applied = false;
}

static bool live(struct worker *w)
{
    struct shared *s = w->shared;
    bool good = rsm_client_new(s->endpoints, &w->any) == RSM_OK;
    for (unsigned i = 0; i < s->replicas; i++)
        good = rsm_client_new(s->endpoint[i], &w->at[i]) == RSM_OK && good;
    if (good && rsm_author_open(w->any, w->key, READ_MS, &w->author) == RSM_OK)
        return true;
    die(w);
    return false;
}

/* ---- reads ---- */

static struct rsm_bytes wire_owner(struct shared *s, const char *key, uint8_t out[255])
{
    size_t size = strlen(key);
    out[0] = (uint8_t)size;
    memcpy(out + 1, key, size);
    memcpy(out + 1 + size, s->zone.data, s->zone.size);
    return rsm_bytes_make(out, 1 + size + s->zone.size);
}

static void take_sight(struct rsm_value result, struct sight *sight)
{
    struct rsm_value version = rsm_value_get(result, "version");
    struct rsm_value rrset = rsm_value_get(result, "rrset");
    struct rsm_bytes author = rsm_value_octets(rsm_value_get(version, "author"));
    sight->slot = rsm_value_uint(rsm_value_get(result, "slot"));
    sight->counter = rsm_value_uint(rsm_value_get(version, "counter"));
    sight->lamport = rsm_value_uint(rsm_value_get(version, "lamport"));
    sight->written = rsm_value_uint(rsm_value_get(version, "slot"));
    (void)snprintf(sight->author, sizeof sight->author, "%.*s", (int)author.size,
                   (const char *)author.data);
    if (rsm_value_type(rrset) == RSM_TYPE_MAP) {
        struct rsm_bytes rdata =
            rsm_value_octets(rsm_value_at(rsm_value_get(rrset, "rdata_wire"), 0));
        (void)snprintf(sight->token, sizeof sight->token, "%.*s",
                       rdata.size > 0 ? (int)rdata.size - 1 : 0, (const char *)rdata.data + 1);
    } else {
        (void)snprintf(sight->token, sizeof sight->token, "~%s.%" PRIu64 ".%" PRIu64, sight->author,
                       sight->counter, sight->lamport);
    }
}

static enum rsm_status ask(struct worker *w, struct rsm_client *client, const char *key,
                           bool is_stale, struct rsm_buffer *result)
{
    uint8_t owner[255];
    struct rsm_pack *pack = rsm_pack_new();
    rsm_pack_array(pack, 4);
    rsm_pack_bin(pack, w->shared->zone);
    rsm_pack_bin(pack, wire_owner(w->shared, key, owner));
    rsm_pack_uint(pack, TYPE_TXT);
    rsm_pack_map(pack, 1);
    rsm_pack_text(pack, "level");
    rsm_pack_text(pack, is_stale ? "stale" : "linearizable");
    struct rsm_value params = rsm_value_of(rsm_pack_result(pack));
    enum rsm_status status = rsm_client_call(client, "rrset.get", params,
                                             client == w->any ? READ_MS : READ_AT_MS, result);
    rsm_pack_free(pack);
    return status;
}

/* Any replica, or this one; a stale read is always of one. False: no answer. */
static bool read_key(struct worker *w, const char *key, bool is_stale, struct sight *sight)
{
    char line[256];
    struct rsm_buffer result = {NULL, 0};
    unsigned replica = (unsigned)prng_below(&w->prng, w->shared->replicas);
    struct rsm_client *client = is_stale || prng_chance(&w->prng, 300000) ? w->at[replica] : w->any;
    (void)snprintf(line, sizeof line, "%s %s", is_stale ? "stale" : "read", key);
    uint64_t id = write_call(w, line);
    enum rsm_status status = ask(w, client, key, is_stale, &result);
    *sight = (struct sight){.token = "-"};
    if (status == RSM_OK)
        take_sight(rsm_value_of(rsm_buffer_bytes(&result)), sight);
    rsm_buffer_free(&result);
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        return false;
    (void)snprintf(line, sizeof line, "read %s %" PRIu64 " %" PRIu64, sight->token, sight->slot,
                   sight->written);
    write_return(w, "done", id, line);
    return true;
}

/* ---- changes ---- */

/* The signed bytes of a change, and its value's token. */
static enum rsm_status sign_change(struct worker *w, const char *key, bool is_deletion,
                                   char token[TOKEN_SIZE], struct rsm_buffer *envelope_out)
{
    uint8_t owner[255], rdata[TOKEN_SIZE + 1];
    struct rsm_buffer body = {NULL, 0}, command = {NULL, 0};
    int size = snprintf(token, TOKEN_SIZE, "%s.%" PRIu64 ".%" PRIu64, rsm_key_name(w->key),
                        rsm_author_counter(w->author), ++w->nonce);
    rdata[0] = (uint8_t)size;
    memcpy(rdata + 1, token, (size_t)size);
    struct rsm_bytes data = rsm_bytes_make(rdata, (size_t)size + 1);
    struct rsm_change change = {.owner = wire_owner(w->shared, key, owner),
                                .type = TYPE_TXT,
                                .ttl = is_deletion ? 0 : 60,
                                .rdatas = &data,
                                .rdata_count = is_deletion ? 0 : 1};
    enum rsm_status status = rsm_body_rrset_change(w->shared->zone, &change, 1, &body);
    if (status == RSM_OK)
        status = rsm_author_command(w->author, RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body),
                                    "record", NULL, 0, &command);
    if (status == RSM_OK && is_deletion) {
        struct rsm_value array = rsm_value_of(rsm_buffer_bytes(&command));
        (void)snprintf(token, TOKEN_SIZE, "~%s.%" PRIu64 ".%" PRIu64, rsm_key_name(w->key),
                       rsm_value_uint(rsm_value_at(array, 1)),
                       rsm_value_uint(rsm_value_at(array, 2)));
    }
    if (status == RSM_OK)
        status = rsm_command_sign(w->key, rsm_author_cluster_id(w->author),
                                  rsm_buffer_bytes(&command), envelope_out);
    rsm_buffer_free(&body);
    rsm_buffer_free(&command);
    return status;
}

static const char *outcome_of(const struct rsm_verdict *verdict)
{
    struct rsm_walk walk = rsm_walk_begin(verdict->rules);
    struct rsm_value item;
    const char *outcome = "other";
    if (verdict->applied)
        return "applied";
    while (rsm_walk_next(&walk, &item)) {
        struct rsm_bytes rule = rsm_value_octets(rsm_value_get(item, "rule"));
        const char *text = (const char *)rule.data;
        if ((rule.size == 5 && memcmp(text, "stale", 5) == 0) ||
            (rule.size == 10 && memcmp(text, "concurrent", 10) == 0))
            return "conflict";
        if (rule.size == 13 && memcmp(text, "rrset-unknown", 13) == 0)
            outcome = "absent";
    }
    return outcome;
}

static void write_verdict(struct worker *w, const char *word, uint64_t id, struct rsm_bytes result)
{
    char line[64];
    struct rsm_verdict verdict;
    struct rsm_walk walk = rsm_verdicts(result);
    if (!rsm_verdict_next(&walk, &verdict))
        return;
    (void)snprintf(line, sizeof line, "%s %" PRIu64, outcome_of(&verdict),
                   rsm_value_uint(rsm_value_get(rsm_value_of(result), "slot")));
    write_return(w, word, id, line);
}

struct last_words {
    struct worker *w;
    uint64_t id;
    bool is_answered;
};

static void on_last_words(void *context, const struct rsm_result *result)
{
    struct last_words *words = context;
    words->is_answered = true;
    if (result->status == RSM_OK)
        write_verdict(words->w, "done", words->id, result->value.raw);
}

/* Sends and dies at once, or a moment later. */
static void send_and_die(struct worker *w, uint64_t id, struct rsm_bytes envelope)
{
    struct last_words words = {w, id, false};
    if (rsm_client_start_submit(w->any, envelope, SUBMIT_MS, on_last_words, &words, NULL) == RSM_OK)
        for (uint64_t turns = prng_below(&w->prng, 4); turns > 0 && !words.is_answered; turns--)
            rsm_client_process(w->any, 2);
    die(w);
}

static void submit(struct worker *w, uint64_t id, struct rsm_bytes envelope)
{
    struct rsm_buffer result = {NULL, 0};
    enum rsm_status status = rsm_client_submit(w->any, envelope, SUBMIT_MS, &result);
    if (status == RSM_OK) {
        struct rsm_verdict verdict;
        struct rsm_walk walk = rsm_verdicts(rsm_buffer_bytes(&result));
        w->was_applied = (rsm_verdict_next(&walk, &verdict) && verdict.applied) || w->was_applied;
        rsm_author_learn(w->author, rsm_buffer_bytes(&result));
        write_verdict(w, "done", id, rsm_buffer_bytes(&result));
        rsm_buffer_free(&result);
        struct rsm_client *other = w->at[prng_below(&w->prng, w->shared->replicas)];
        if (prng_chance(&w->prng, 50000) &&
            rsm_client_submit(other, envelope, READ_AT_MS, &result) == RSM_OK)
            write_verdict(w, "again", id, rsm_buffer_bytes(&result));
    } else {
        if (status != RSM_OUTCOME_UNKNOWN)
            write_return(w, "done", id, "none");
        die(w);
    }
    rsm_buffer_free(&result);
}

static void change_key(struct worker *w, const char *key, const struct sight *sight)
{
    char token[TOKEN_SIZE], line[2 * TOKEN_SIZE + 64];
    struct rsm_buffer envelope = {NULL, 0};
    bool is_deletion = w->was_applied && prng_chance(&w->prng, 100000);
    rsm_author_forget(w->author);
    if (sight->counter > 0)
        (void)rsm_author_see(w->author, (struct rsm_event){rsm_text(sight->author), sight->counter},
                             sight->lamport);
    if (sign_change(w, key, is_deletion, token, &envelope) != RSM_OK) {
        die(w);
        return;
    }
    (void)snprintf(line, sizeof line, "change %s %s %s", key, token, sight->token);
    uint64_t id = write_call(w, line);
    if (prng_chance(&w->prng, 15000))
        send_and_die(w, id, rsm_buffer_bytes(&envelope));
    else
        submit(w, id, rsm_buffer_bytes(&envelope));
    rsm_buffer_free(&envelope);
}

static void work_once(struct worker *w)
{
    char key[48];
    struct sight sight = {.token = "-"};
    uint64_t dice = prng_below(&w->prng, 100);
    bool is_own = dice % 4 == 3;
    unsigned number = is_own ? (unsigned)prng_below(&w->prng, w->shared->workers)
                             : (unsigned)prng_below(&w->prng, w->shared->keys);
    if (is_own && dice >= 60)
        number = w->number;
    (void)snprintf(key, sizeof key, "%s%u-%" PRIu64, is_own ? "own" : "k", number, w->shared->seed);
    if (dice < 60)
        (void)read_key(w, key, dice >= 35, &sight);
    else if (is_own || read_key(w, key, dice >= 90, &sight))
        change_key(w, key, &sight);
}

static void *work(void *context)
{
    struct worker *w = context;
    while (!atomic_load(&w->shared->stop))
        if (w->author != NULL || live(w))
            work_once(w);
    die(w);
    return NULL;
}

/* ---- the program ---- */

static bool split_endpoints(struct shared *s)
{
    for (const char *rest = s->endpoints; *rest != '\0' && s->replicas < REPLICAS_MAX;) {
        size_t size = strcspn(rest, ",");
        if (size == 0 || size >= sizeof s->endpoint[0])
            return false;
        memcpy(s->endpoint[s->replicas++], rest, size);
        rest += size + (rest[size] == ',');
    }
    return s->replicas > 0;
}

static int run(struct shared *s, struct worker *workers)
{
    for (unsigned i = 0; i < s->workers; i++) {
        struct worker *w = &workers[i];
        w->shared = s;
        w->number = i;
        prng_init(&w->prng, s->seed * WORKERS_MAX + i);
        if (rsm_key_load(w->key_file, NULL, 0, &w->key) != RSM_OK) {
            printf("%s: cannot be read\n", w->key_file);
            return 1;
        }
    }
    for (unsigned i = 0; i < s->workers; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    (void)poll(&in, 1, -1);
    atomic_store(&s->stop, true);
    for (unsigned i = 0; i < s->workers; i++) {
        pthread_join(workers[i].thread, NULL);
        rsm_key_free(workers[i].key);
    }
    printf("answered %" PRIu64 "\n", s->answered);
    return fclose(s->history) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct worker workers[WORKERS_MAX];
    static uint8_t zone[255];
    if (argc < 7 || argc - 6 > (int)WORKERS_MAX || strlen(argv[2]) / 2 > sizeof zone ||
        !hex_decode(zone, strlen(argv[2]) / 2, argv[2]) || rsm_crypto_init() != RSM_OK) {
        fprintf(stderr, "lin-record ENDPOINTS ZONE-HEX HISTORY SEED KEYS KEYFILE...\n");
        return 2;
    }
    struct shared shared = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                            .history = fopen(argv[3], "w"),
                            .endpoints = argv[1],
                            .seed = strtoull(argv[4], NULL, 10),
                            .keys = (unsigned)strtoul(argv[5], NULL, 10),
                            .workers = (unsigned)argc - 6,
                            .zone = rsm_bytes_make(zone, strlen(argv[2]) / 2)};
    if (shared.history == NULL || shared.keys == 0 || !split_endpoints(&shared))
        return 2;
    for (unsigned i = 0; i < shared.workers; i++)
        workers[i].key_file = argv[6 + i];
    return run(&shared, workers);
}
