/* SPDX-License-Identifier: Apache-2.0 */
/*
 * author.c - see rsm/author.h.
 *
 * The author's own component is not in the vector clock that it signs: own earlier commands count
 * as seen, and a pipelined one would name an event that does not exist yet.
 */
#include <rsm/author.h>

#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/clock.h"
#include "src/command/envelope.h"
#include "src/command/pack.h"
#include "src/command/public.h"
#include "src/command/unpack.h"

struct rsm_author {
    const struct rsm_key *key; /* borrowed */
    uint8_t cluster_id[RSM_CLUSTER_ID_SIZE];

    uint64_t counter_next;
    uint64_t lamport;          /* the highest seen or given */
    struct vector_clock clock; /* of others */
};

enum rsm_status rsm_author_new(const struct rsm_key *key,
                               const uint8_t cluster_id[RSM_CLUSTER_ID_SIZE],
                               struct rsm_author **author_out)
{
    struct rsm_author *author = mem_try_alloc(sizeof *author);
    *author_out = author;
    if (author == NULL)
        return RSM_NO_MEMORY;
    author->key = key;
    memcpy(author->cluster_id, cluster_id, RSM_CLUSTER_ID_SIZE);
    author->counter_next = 1;
    vector_clock_init(&author->clock);
    return RSM_OK;
}

void rsm_author_free(struct rsm_author *author)
{
    if (author == NULL)
        return;
    vector_clock_deinit(&author->clock);
    mem_free(author);
}

const uint8_t *rsm_author_cluster_id(const struct rsm_author *author)
{
    return author->cluster_id;
}

uint64_t rsm_author_counter(const struct rsm_author *author)
{
    return author->counter_next;
}

void rsm_author_set_counter(struct rsm_author *author, uint64_t counter)
{
    author->counter_next = counter + 1;
}

static struct bytes own_name(const struct rsm_author *author)
{
    return bytes_of_string(rsm_key_name(author->key));
}

enum rsm_status rsm_author_see(struct rsm_author *author, struct rsm_event event, uint64_t lamport)
{
    struct bytes name = bytes_of_public(event.author);
    if (lamport > ENVELOPE_COUNTER_MAX || event.counter > ENVELOPE_COUNTER_MAX)
        return RSM_TOO_LARGE;
    if (name.size > LIMIT_PRINCIPAL_SIZE)
        return RSM_TOO_LARGE;
    if (lamport > author->lamport)
        author->lamport = lamport;
    if (!bytes_equal(name, own_name(author)))
        return vector_clock_see(&author->clock, name, event.counter);
    if (event.counter >= author->counter_next)
        author->counter_next = event.counter + 1;
    return RSM_OK;
}

/* The three keys of an object's version, if the map has them. */
static enum rsm_status see_map(struct rsm_author *author, struct bytes map)
{
    struct bytes name;
    uint64_t counter, lamport;
    if (!unpack_find_octets(map, "author", &name) || !unpack_find_uint(map, "counter", &counter) ||
        !unpack_find_uint(map, "lamport", &lamport))
        return RSM_OK;
    return rsm_author_see(author, (struct rsm_event){bytes_to_public(name), counter}, lamport);
}

enum rsm_status rsm_author_see_result(struct rsm_author *author, struct rsm_value result)
{
    struct unpack u = unpack_make(bytes_of_public(result.raw));
    enum rsm_status status = RSM_OK;
    /* Header by header: containers are stepped into, so that every map has its turn. */
    while (status == RSM_OK && unpack_ok(&u) && !unpack_done(&u)) {
        struct unpack here = u;
        enum unpack_type type = unpack_peek(&u);
        if (type == UNPACK_MAP) {
            status = see_map(author, unpack_raw(&here));
            (void)unpack_map(&u);
        } else if (type == UNPACK_ARRAY) {
            (void)unpack_array(&u);
        } else {
            (void)unpack_raw(&u);
        }
    }
    return status == RSM_OK ? u.status : status;
}

void rsm_author_forget(struct rsm_author *author)
{
    vector_clock_deinit(&author->clock);
}

/* ---- making commands ---- */

enum rsm_status rsm_author_command(struct rsm_author *author, enum rsm_kind kind,
                                   struct rsm_bytes body, const char *reason,
                                   const struct rsm_event *dependencies, size_t dependency_count,
                                   struct rsm_buffer *command_out)
{
    struct rsm_event clock[LIMIT_CLOCK_ENTRIES];
    for (size_t i = 0; i < author->clock.count; i++) {
        const struct vector_clock_entry *entry = &author->clock.entries[i];
        clock[i].author = rsm_bytes_make(entry->author, entry->author_size);
        clock[i].counter = entry->counter;
    }
    struct rsm_command command = {
        .id = {rsm_text(rsm_key_name(author->key)), author->counter_next},
        .lamport = author->lamport + 1,
        .clock = clock,
        .clock_count = author->clock.count,
        .dependencies = dependencies,
        .dependency_count = dependency_count,
        .kind = kind,
        .body = body,
        .reason = rsm_text(reason),
    };
    enum rsm_status status = rsm_command_encode(&command, command_out);
    if (status == RSM_OK) {
        author->counter_next++;
        author->lamport++;
    }
    return status;
}

enum rsm_status rsm_author_sign(struct rsm_author *author, enum rsm_kind kind,
                                struct rsm_bytes body, const char *reason,
                                const struct rsm_event *dependencies, size_t dependency_count,
                                struct rsm_buffer *envelope_out)
{
    struct rsm_buffer command;
    *envelope_out = (struct rsm_buffer){NULL, 0};
    uint64_t counter = author->counter_next;
    enum rsm_status status =
        rsm_author_command(author, kind, body, reason, dependencies, dependency_count, &command);
    if (status != RSM_OK)
        return status;
    status =
        rsm_command_sign(author->key, author->cluster_id, rsm_buffer_bytes(&command), envelope_out);
    rsm_buffer_free(&command);
    if (status != RSM_OK)
        author->counter_next = counter;
    return status;
}

enum rsm_status rsm_author_bundle(struct rsm_author *author, const struct rsm_bytes *commands,
                                  size_t count, struct rsm_buffer *envelope_out)
{
    return rsm_bundle_sign(author->key, author->cluster_id, commands, count, envelope_out);
}

/* ---- verdicts ---- */

static bool names_rule(struct rsm_value rules, const char *id)
{
    struct rsm_value item;
    for (struct rsm_walk walk = rsm_walk_begin(rules); rsm_walk_next(&walk, &item);)
        if (bytes_equal(bytes_of_public(rsm_value_octets(rsm_value_get(item, "rule"))),
                        bytes_of_string(id)))
            return true;
    return false;
}

void rsm_author_learn(struct rsm_author *author, struct rsm_bytes submit_result)
{
    struct rsm_verdict verdict;
    for (struct rsm_walk walk = rsm_verdicts(submit_result); rsm_verdict_next(&walk, &verdict);) {
        uint64_t counter = verdict.id.counter;
        if (!bytes_equal(bytes_of_public(verdict.id.author), own_name(author)) || counter == 0 ||
            counter > ENVELOPE_COUNTER_MAX)
            continue;
        if (verdict.settled)
            continue;
        bool is_used =
            verdict.applied || verdict.staged || names_rule(verdict.rules, "counter-used");
        if (is_used && counter >= author->counter_next)
            author->counter_next = counter + 1;
        else if (!is_used && counter < author->counter_next)
            author->counter_next = counter;
    }
}

enum rsm_status rsm_author_submit(struct rsm_author *author, struct rsm_client *client,
                                  enum rsm_kind kind, struct rsm_bytes body, const char *reason,
                                  uint32_t timeout_ms, struct rsm_buffer *result_out,
                                  struct rsm_buffer *envelope_out)
{
    struct rsm_buffer envelope, result = {NULL, 0};
    struct rsm_verdict verdict;
    uint64_t counter = author->counter_next;
    if (result_out != NULL)
        *result_out = result;
    if (envelope_out != NULL)
        *envelope_out = result;
    enum rsm_status status = rsm_author_sign(author, kind, body, reason, NULL, 0, &envelope);
    if (status != RSM_OK)
        return status;
    status = rsm_client_submit(client, rsm_buffer_bytes(&envelope), timeout_ms, &result);
    if (status == RSM_OK) {
        struct rsm_walk walk = rsm_verdicts(rsm_buffer_bytes(&result));
        status = !rsm_verdict_next(&walk, &verdict) ? RSM_MALFORMED
                 : verdict.applied                  ? RSM_OK
                 : verdict.staged                   ? RSM_STAGED
                                                    : RSM_REFUSED;
        rsm_author_learn(author, rsm_buffer_bytes(&result));
    } else if (status != RSM_OUTCOME_UNKNOWN) {
        author->counter_next = counter; /* nobody took it */
    }
    if (result_out != NULL)
        *result_out = result;
    else
        rsm_buffer_free(&result);
    if (envelope_out != NULL && status == RSM_OUTCOME_UNKNOWN)
        *envelope_out = envelope;
    else
        rsm_buffer_free(&envelope);
    return status;
}

/* ---- from the cluster ---- */

static enum rsm_status ask_cluster(struct rsm_client *client, uint32_t timeout_ms,
                                   uint8_t cluster_id_out[RSM_CLUSTER_ID_SIZE])
{
    struct rsm_buffer hello;
    enum rsm_status status =
        rsm_client_call(client, "hello", rsm_value_of(rsm_text(NULL)), timeout_ms, &hello);
    if (status != RSM_OK)
        return status;
    struct rsm_bytes id =
        rsm_value_octets(rsm_value_get(rsm_value_of(rsm_buffer_bytes(&hello)), "cluster_id"));
    if (id.size == RSM_CLUSTER_ID_SIZE)
        memcpy(cluster_id_out, id.data, RSM_CLUSTER_ID_SIZE);
    else
        status = RSM_MALFORMED;
    rsm_buffer_free(&hello);
    return status;
}

enum rsm_status rsm_author_open(struct rsm_client *client, const struct rsm_key *key,
                                uint32_t timeout_ms, struct rsm_author **author_out)
{
    uint8_t cluster_id[RSM_CLUSTER_ID_SIZE];
    struct rsm_buffer clock;
    struct writer params;
    *author_out = NULL;
    enum rsm_status status = ask_cluster(client, timeout_ms, cluster_id);
    if (status != RSM_OK)
        return status;
    writer_init(&params, 4096);
    pack_array(&params, 1);
    pack_text(&params, rsm_key_name(key));
    status = rsm_client_call(client, "clock", rsm_value_of(bytes_to_public(writer_result(&params))),
                             timeout_ms, &clock);
    writer_deinit(&params);
    if (status != RSM_OK)
        return status;
    struct rsm_value map = rsm_value_of(rsm_buffer_bytes(&clock));
    uint64_t counter = rsm_value_uint(rsm_value_get(map, "counter"));
    uint64_t lamport = rsm_value_uint(rsm_value_get(map, "lamport"));
    uint64_t slot = rsm_value_uint(rsm_value_get(map, "slot"));
    /*
     * Reading the log up to a slot is an event as well. Without it a change that was refused and is
     * tried again later, on purpose, would have the same bytes, and so the same first verdict.
     */
    if (slot > lamport)
        lamport = slot;
    rsm_buffer_free(&clock);
    if (counter >= ENVELOPE_COUNTER_MAX || lamport >= ENVELOPE_COUNTER_MAX)
        return RSM_MALFORMED;
    status = rsm_author_new(key, cluster_id, author_out);
    if (status == RSM_OK) {
        (*author_out)->counter_next = counter + 1;
        (*author_out)->lamport = lamport;
    }
    return status;
}
