/* SPDX-License-Identifier: Apache-2.0 */
/* blocking.c - the blocking forms over the asynchronous ones, and results of submissions. */
#include "src/client/internal.h"

#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/command/pack.h"
#include "src/command/public.h"

struct waiter {
    struct rsm_client *client;
    bool is_done;
    enum rsm_status status;
    struct rsm_buffer *result_out; /* may be NULL */
};

static void on_done(void *context, const struct rsm_result *result)
{
    struct waiter *waiter = context;
    waiter->is_done = true;
    waiter->status = result->status;
    (void)snprintf(waiter->client->error, sizeof waiter->client->error, "%s", result->detail);
    if (result->status != RSM_OK || waiter->result_out == NULL)
        return;
    waiter->result_out->data = mem_try_alloc(result->value.raw.size);
    if (waiter->result_out->data == NULL) {
        waiter->status = RSM_NO_MEMORY;
        return;
    }
    memcpy(waiter->result_out->data, result->value.raw.data, result->value.raw.size);
    waiter->result_out->size = result->value.raw.size;
}

/* Starts with `waiter` as context; the deadline ends it at the latest. */
static enum rsm_status wait_for(struct waiter *waiter, enum rsm_status started)
{
    if (started != RSM_OK) {
        (void)snprintf(waiter->client->error, sizeof waiter->client->error, "%s",
                       rsm_status_sentence(started));
        return started;
    }
    while (!waiter->is_done)
        rsm_client_process(waiter->client, 1000);
    return waiter->status;
}

static bool begin(struct waiter *waiter, struct rsm_client *client, struct rsm_buffer *result_out)
{
    *waiter = (struct waiter){.client = client, .result_out = result_out};
    if (result_out != NULL)
        *result_out = (struct rsm_buffer){NULL, 0};
    client->error[0] = 0;
    if (client->is_processing)
        (void)snprintf(client->error, sizeof client->error, "called from inside a callback");
    return !client->is_processing;
}

enum rsm_status rsm_client_call(struct rsm_client *client, const char *method,
                                struct rsm_value params, uint32_t timeout_ms,
                                struct rsm_buffer *result_out)
{
    struct waiter waiter;
    if (!begin(&waiter, client, result_out))
        return RSM_USAGE;
    return wait_for(&waiter,
                    rsm_client_start(client, method, params, timeout_ms, on_done, &waiter, NULL));
}

enum rsm_status rsm_client_submit(struct rsm_client *client, struct rsm_bytes envelope,
                                  uint32_t timeout_ms, struct rsm_buffer *result_out)
{
    struct waiter waiter;
    if (!begin(&waiter, client, result_out))
        return RSM_USAGE;
    return wait_for(&waiter,
                    rsm_client_start_submit(client, envelope, timeout_ms, on_done, &waiter, NULL));
}

const char *rsm_client_error(const struct rsm_client *client)
{
    return client->error;
}

enum rsm_status rsm_client_start(struct rsm_client *client, const char *method,
                                 struct rsm_value params, uint32_t timeout_ms,
                                 rsm_on_result on_result, void *context, uint64_t *call_out)
{
    return call_start(client, method, params, timeout_ms, false, on_result, context, call_out);
}

enum rsm_status rsm_client_start_submit(struct rsm_client *client, struct rsm_bytes envelope,
                                        uint32_t timeout_ms, rsm_on_result on_result, void *context,
                                        uint64_t *call_out)
{
    struct writer w;
    if (envelope.size > LIMIT_ENVELOPE_SIZE)
        return RSM_TOO_LARGE;
    writer_init(&w, LIMIT_FRAME_SIZE);
    pack_array(&w, 1);
    pack_bin(&w, bytes_of_public(envelope));
    enum rsm_status status =
        call_start(client, "submit", rsm_value_of(bytes_to_public(writer_result(&w))), timeout_ms,
                   true, on_result, context, call_out);
    writer_deinit(&w);
    return status;
}

/* ---- verdicts ---- */

struct rsm_walk rsm_verdicts(struct rsm_bytes result)
{
    return rsm_walk_begin(rsm_value_get(rsm_value_of(result), "verdicts"));
}

/* One field of a verdict. What has another name is of a newer server, or nothing for programs. */
static void take_field(struct rsm_verdict *out, struct bytes name, struct rsm_value value)
{
    if (bytes_equal(name, bytes_of_string("author"))) {
        out->id.author = rsm_value_octets(value);
    } else if (bytes_equal(name, bytes_of_string("counter"))) {
        out->id.counter = rsm_value_uint(value);
    } else if (bytes_equal(name, bytes_of_string("verdict"))) {
        struct bytes octets = bytes_of_public(rsm_value_octets(value));
        out->applied = bytes_equal(octets, bytes_of_string("applied"));
        out->staged = bytes_equal(octets, bytes_of_string("staged"));
        out->settled = bytes_equal(octets, bytes_of_string("settled"));
    } else if (bytes_equal(name, bytes_of_string("digest"))) {
        out->digest = value;
    } else if (bytes_equal(name, bytes_of_string("rules"))) {
        out->rules = value;
    } else if (bytes_equal(name, bytes_of_string("result"))) {
        out->result = value;
    }
}

/* Once through its fields: whoever bundles thousands of changes a second reads as many verdicts. */
bool rsm_verdict_next(struct rsm_walk *walk, struct rsm_verdict *verdict_out)
{
    struct rsm_value item, name, value;
    *verdict_out = (struct rsm_verdict){.applied = false};
    if (!rsm_walk_next(walk, &item))
        return false;
    if (rsm_value_type(item) != RSM_TYPE_MAP)
        return true;
    struct rsm_walk fields = rsm_walk_begin(item);
    while (rsm_walk_next(&fields, &name) && rsm_walk_next(&fields, &value))
        take_field(verdict_out, bytes_of_public(rsm_value_octets(name)), value);
    return true;
}
