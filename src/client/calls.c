/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.c - the table of open calls.
 *
 * What an answer means for a call (kind_of):
 *   a  result, or an error that will not change       the call ends with it
 *   b  this replica cannot now, and has not taken it   waits, elsewhere
 *   c  too much at once, and it has not taken it       waits, here
 *   d  it may or may not have been taken               waits, elsewhere, and is doubtful
 * A submission that is doubtful can end in a, which settles it, or with RSM_OUTCOME_UNKNOWN. But an
 * error of row a that speaks of the replica and not of the envelope settles nothing then: it is d.
 */
#include "src/client/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/pack.h"
#include "src/command/public.h"
#include "src/command/unpack.h"

_Static_assert((CLIENT_CALLS_MAX & (CLIENT_CALLS_MAX - 1)) == 0, "a place is the id's low bits");

#define RETRY_MS_FIRST 25u
#define RETRY_MS_MAX 500u

enum answer_kind {
    ANSWER_FINAL = 1, /* a */
    ANSWER_ELSEWHERE, /* b */
    ANSWER_LATER,     /* c */
    ANSWER_DOUBTFUL,  /* d */
};

static enum answer_kind kind_of(enum rsm_status status)
{
    static const struct {
        enum rsm_status status;
        enum answer_kind kind;
    } rows[] = {
        {RSM_NO_LEADER, ANSWER_ELSEWHERE}, {RSM_NOT_LEADER, ANSWER_ELSEWHERE},
        {RSM_READ_ONLY, ANSWER_ELSEWHERE}, {RSM_BUSY, ANSWER_LATER},
        {RSM_RATE_LIMITED, ANSWER_LATER},  {RSM_UNAVAILABLE, ANSWER_DOUBTFUL},
        {RSM_NO_QUORUM, ANSWER_DOUBTFUL},  {RSM_CLOSED, ANSWER_DOUBTFUL},
        {RSM_TIMED_OUT, ANSWER_DOUBTFUL},  {RSM_OUTCOME_UNKNOWN, ANSWER_DOUBTFUL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].kind;
    return ANSWER_FINAL;
}

/* True for what every replica says of these bytes at any time. */
static bool is_of_envelope(enum rsm_status status)
{
    static const enum rsm_status statuses[] = {
        RSM_MALFORMED,    RSM_NOT_CANONICAL, RSM_WRONG_TYPE,     RSM_UNKNOWN_METHOD,
        RSM_UNKNOWN_KIND, RSM_BAD_PARAMS,    RSM_TOO_LARGE,      RSM_TOO_DEEP,
        RSM_TOO_MANY,     RSM_NEWER_FORMAT,  RSM_WRONG_IDENTITY, RSM_WRONG_CLUSTER,
        RSM_BAD_SIGNATURE};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i] == status)
            return true;
    return false;
}

static void release(struct rsm_client *client, struct call *call)
{
    mem_free(call->frame);
    *call = (struct call){.id = 0};
    client->call_count--;
    while (client->call_end > 0 && client->calls[client->call_end - 1].id == 0)
        client->call_end--;
}

/* Ends a call. Its place is free before the callback runs, which may start others. */
static void finish(struct rsm_client *client, struct call *call, enum rsm_status status,
                   const char *detail, struct bytes value)
{
    rsm_on_result on_result = call->on_result;
    void *context = call->context;
    struct rsm_result result = {status, detail, {bytes_to_public(value)}};
    release(client, call);
    on_result(context, &result);
}

static struct call *find_free(struct rsm_client *client, uint32_t *place_out)
{
    for (uint32_t i = 0; i < CLIENT_CALLS_MAX; i++) {
        if (client->calls[i].id == 0) {
            *place_out = i;
            return &client->calls[i];
        }
    }
    return NULL;
}

enum rsm_status call_start(struct rsm_client *client, const char *method, struct rsm_value params,
                           uint64_t timeout_ms, bool is_submit, rsm_on_result on_result,
                           void *context, uint64_t *call_out)
{
    uint32_t place;
    struct call *call = find_free(client, &place);
    if (call == NULL)
        return RSM_TOO_MANY;
    uint64_t id = ++client->generation * CLIENT_CALLS_MAX + place;

    struct writer w;
    writer_init(&w, LIMIT_FRAME_SIZE);
    pack_array(&w, 4);
    pack_uint(&w, RSM_MESSAGE_REQUEST);
    pack_uint(&w, (uint32_t)id);
    pack_text(&w, method);
    if (params.raw.size > 0)
        pack_raw(&w, bytes_of_public(params.raw));
    else
        pack_array(&w, 0);
    if (w.failed) {
        writer_deinit(&w);
        return RSM_TOO_LARGE;
    }

    uint64_t now_ms = client_now_ms();
    *call = (struct call){.id = id,
                          .frame = w.data,
                          .frame_size = w.size,
                          .deadline_ms =
                              timeout_ms == CLIENT_NEVER ? CLIENT_NEVER : now_ms + timeout_ms,
                          .is_submit = is_submit,
                          .is_patient = strcmp(method, "poll") == 0,
                          .on_result = on_result,
                          .context = context};
    client->call_count++;
    if (client->call_end <= place)
        client->call_end = place + 1;
    if (call_out != NULL)
        *call_out = id;
    if (connection_is_open(&client->connection) && !client->is_processing)
        calls_send(client, now_ms);
    return RSM_OK;
}

static struct call *find(struct rsm_client *client, uint64_t id)
{
    struct call *call = &client->calls[id % CLIENT_CALLS_MAX];
    return id != 0 && call->id == id ? call : NULL;
}

void rsm_client_cancel(struct rsm_client *client, uint64_t id)
{
    struct call *call = find(client, id);
    if (call != NULL)
        release(client, call);
}

void calls_lost(struct rsm_client *client)
{
    for (uint32_t i = 0; i < client->call_end; i++) {
        struct call *call = &client->calls[i];
        if (call->is_sent && call->is_submit)
            call->is_doubtful = true;
        call->is_sent = false;
    }
}

static int compare_ids(const void *a, const void *b)
{
    const struct call *left = *(struct call *const *)a;
    const struct call *right = *(struct call *const *)b;
    return left->id < right->id ? -1 : left->id > right->id;
}

void calls_send(struct rsm_client *client, uint64_t now_ms)
{
    struct call *waiting[CLIENT_CALLS_MAX];
    size_t count = 0;
    bool submissions_wait = false;
    bool awaits = calls_await_answer(client);
    for (uint32_t i = 0; i < client->call_end; i++)
        if (client->calls[i].id != 0 && !client->calls[i].is_sent)
            waiting[count++] = &client->calls[i];
    /* An id grows with each start: its generation is above the place. */
    if (count > 1)
        qsort(waiting, count, sizeof(struct call *), compare_ids);
    for (size_t i = 0; i < count && connection_is_open(&client->connection); i++) {
        struct call *call = waiting[i];
        if (call->retry_at_ms > now_ms || (call->is_submit && submissions_wait)) {
            submissions_wait = submissions_wait || call->is_submit;
            continue;
        }
        call->is_sent = true;
        if (!awaits)
            client->received_ms = now_ms;
        awaits = true;
        enum rsm_status status =
            connection_send(&client->connection, bytes_make(call->frame, call->frame_size));
        if (status == RSM_BUSY) {
            call->is_sent = false; /* not a byte of it left; it has its turn after the others */
            return;
        }
        if (status != RSM_OK)
            client_fail_connection(client, status);
    }
}

/* The words of a call that nobody answered. */
static void expire(struct rsm_client *client, struct call *call)
{
    char detail[CLIENT_DETAIL_SIZE];
    enum rsm_status status;
    bool is_open = connection_is_open(&client->connection);
    if (call->is_submit && (call->is_doubtful || call->is_sent))
        status = RSM_OUTCOME_UNKNOWN;
    else if (call->last_status != RSM_OK)
        status = call->last_status;
    else
        status = is_open ? RSM_TIMED_OUT : RSM_CANNOT_CONNECT;
    const char *words = call->last_detail[0] != 0 ? call->last_detail
                        : is_open                 ? "no answer in time"
                                                  : client->trouble;
    (void)snprintf(detail, sizeof detail, "%s", words);
    finish(client, call, status, detail, bytes_make(NULL, 0));
}

void calls_expire(struct rsm_client *client, uint64_t now_ms)
{
    for (uint32_t i = 0; i < client->call_end; i++)
        if (client->calls[i].id != 0 && client->calls[i].deadline_ms <= now_ms)
            expire(client, &client->calls[i]);
}

/* The answer was "not now". */
static void wait_again(struct rsm_client *client, struct call *call, enum answer_kind kind,
                       enum rsm_status status, const char *detail)
{
    uint64_t pause = RETRY_MS_FIRST << (call->attempts < 8 ? call->attempts : 8);
    pause = pause < RETRY_MS_MAX ? pause : RETRY_MS_MAX;
    call->retry_at_ms = client_now_ms() + pause / 2 + prng_below(&client->prng, pause / 2 + 1);
    call->attempts++;
    call->is_sent = false;
    call->is_doubtful = call->is_doubtful || (call->is_submit && kind == ANSWER_DOUBTFUL);
    call->last_status = status;
    (void)snprintf(call->last_detail, sizeof call->last_detail, "%.127s", detail);
    if (kind != ANSWER_LATER)
        client->wants_rotation = true;
}

void calls_answer(struct rsm_client *client, uint32_t msgid, struct bytes error,
                  struct bytes result)
{
    struct call *call = &client->calls[msgid % CLIENT_CALLS_MAX];
    if (call->id == 0 || (uint32_t)call->id != msgid || !call->is_sent)
        return;
    if (error.size == 0) {
        finish(client, call, RSM_OK, "", result);
        return;
    }
    /* One string: the code, a colon, words (docs/protocol.md). Anything else is just a failure. */
    char detail[CLIENT_DETAIL_SIZE] = "an error that is not a string";
    struct unpack u = unpack_make(error);
    struct bytes text = unpack_octets(&u, SIZE_MAX);
    if (unpack_ok(&u)) {
        size_t size = text.size < sizeof detail - 1 ? text.size : sizeof detail - 1;
        memcpy(detail, text.data, size);
        detail[size] = 0;
    }
    enum rsm_status status = rsm_status_parse(detail);
    status = status == RSM_OK ? RSM_FAILED : status;
    enum answer_kind kind = kind_of(status);
    if (kind == ANSWER_FINAL && call->is_doubtful && !is_of_envelope(status))
        kind = ANSWER_DOUBTFUL;
    if (kind == ANSWER_FINAL)
        finish(client, call, status, detail, bytes_make(NULL, 0));
    else
        wait_again(client, call, kind, status, detail);
}

uint64_t calls_due_ms(const struct rsm_client *client)
{
    uint64_t due_ms = CLIENT_NEVER;
    bool is_open = connection_is_open(&client->connection);
    for (uint32_t i = 0; i < client->call_end; i++) {
        const struct call *call = &client->calls[i];
        if (call->id == 0)
            continue;
        if (call->deadline_ms < due_ms)
            due_ms = call->deadline_ms;
        if (is_open && !call->is_sent && call->retry_at_ms < due_ms)
            due_ms = call->retry_at_ms;
    }
    return due_ms;
}

bool calls_await_answer(const struct rsm_client *client)
{
    for (uint32_t i = 0; i < client->call_end; i++)
        if (client->calls[i].is_sent && !client->calls[i].is_patient)
            return true;
    return false;
}

void calls_free(struct rsm_client *client)
{
    for (uint32_t i = 0; i < CLIENT_CALLS_MAX; i++)
        mem_free(client->calls[i].frame);
}
