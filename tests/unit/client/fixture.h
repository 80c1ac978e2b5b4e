/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - a client of one or two scripted servers. */
#ifndef TESTS_UNIT_CLIENT_FIXTURE_H
#define TESTS_UNIT_CLIENT_FIXTURE_H

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/client/internal.h"
#include "src/command/public.h"
#include "tests/lib/fake_server.h"

#define LONG_MS 8000
#define SHORT_MS 150
#define ENVELOPE rsm_bytes_make("an envelope", 11)

#define NO_PARAMS ((struct rsm_value){{NULL, 0}})

/* A client that turns to `first` first, then to `second`. */
static inline struct rsm_client *connect_to(const struct fake *first, const struct fake *second)
{
    char endpoints[400];
    struct rsm_client *client;
    (void)snprintf(endpoints, sizeof endpoints, "%s%s%s", first->endpoint, second ? "," : "",
                   second ? second->endpoint : "");
    cr_assert(rsm_client_new(endpoints, &client) == RSM_OK);
    client->endpoint_index = 0;
    client->patience.silence_ms_max = 10 * LONG_MS;
    client->patience.backoff_ms_first = client->patience.backoff_ms_max = 10;
    return client;
}

/* The number that a call brings; -1 with the status it failed with in *status_out. */
static inline int64_t call_number(struct rsm_client *client, const char *method,
                                  uint32_t timeout_ms, enum rsm_status *status_out)
{
    struct rsm_buffer result;
    *status_out = rsm_client_call(client, method, NO_PARAMS, timeout_ms, &result);
    int64_t number = -1;
    if (*status_out == RSM_OK)
        number = rsm_value_int(rsm_value_of(rsm_buffer_bytes(&result)));
    rsm_buffer_free(&result);
    return number;
}

struct outcome {
    int count;
    enum rsm_status status;
    uint64_t number;
};

static inline void on_outcome(void *context, const struct rsm_result *result)
{
    struct outcome *outcome = context;
    outcome->count++;
    outcome->status = result->status;
    outcome->number = rsm_value_uint(result->value);
}

/* A script: one call, answered with 42. */
static inline void serve_number(struct fake *fake)
{
    fake_accept(fake);
    fake_answer_number(fake, fake_read(fake).msgid, 42);
}

/* A script that takes no part. */
static inline void serve_nothing(struct fake *fake)
{
    (void)fake;
}

#endif
