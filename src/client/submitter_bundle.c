/* SPDX-License-Identifier: Apache-2.0 */
/* submitter_bundle.c - bundles: made, sent, and their verdicts. See submitter.h. */
#include "src/client/submitter.h"

#include <string.h>

#include "src/base/mem.h"
#include "src/client/internal.h"
#include "src/command/public.h"

static void free_bundle(struct bundle *b)
{
    struct bundle **at = &b->submitter->in_flight;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    b->submitter->in_flight_count--;
    mem_free(b);
}

/* ---- verdicts ---- */

/* Refused for its place in the author's line and for nothing else: its content was not at fault. */
static bool is_for_the_counter_alone(const struct rsm_verdict *verdict)
{
    struct rsm_value item;
    bool is_any = false;
    for (struct rsm_walk walk = rsm_walk_begin(verdict->rules); rsm_walk_next(&walk, &item);) {
        struct bytes rule = bytes_of_public(rsm_value_octets(rsm_value_get(item, "rule")));
        is_any = true;
        if (!bytes_equal(rule, bytes_of_string("counter-gap")) &&
            !bytes_equal(rule, bytes_of_string("counter-used")))
            return false;
    }
    return is_any;
}

/* True when the request is answered; else it is to be signed again. */
static bool settle(struct rsm_submitter *s, struct request *r, uint64_t slot,
                   const struct rsm_verdict *verdict)
{
    struct rsm_answer answer = {.status = verdict->applied ? RSM_OK : RSM_REFUSED,
                                .slot = slot,
                                .id = verdict->id,
                                .verdict = *verdict,
                                .detail = ""};
    if (!verdict->applied) {
        s->is_off = true;
        if (is_for_the_counter_alone(verdict))
            return false; /* its deadline ends that */
    }
    memcpy(answer.digest, r->digest, sizeof answer.digest);
    submitter_answer(s, r, &answer);
    return true;
}

static void put_in_front(struct rsm_submitter *s, struct request_list *again)
{
    if (again->count == 0)
        return;
    pthread_mutex_lock(&s->lock);
    s->counters.again += again->count;
    pthread_mutex_unlock(&s->lock);
    again->last->next = s->queue.first;
    if (s->queue.first == NULL)
        s->queue.last = again->last;
    s->queue.first = again->first;
    s->queue.count += again->count;
}

static void take_verdicts(struct rsm_submitter *s, struct bundle *b, struct rsm_value result)
{
    struct request_list again = {NULL, NULL, 0};
    struct rsm_walk walk = rsm_verdicts(result.raw);
    struct rsm_verdict verdict;
    uint64_t slot = rsm_value_uint(rsm_value_get(result, "slot"));
    rsm_author_learn(s->author, result.raw);
    while (b->requests.count > 0 && rsm_verdict_next(&walk, &verdict)) {
        struct request *r = request_pop(&b->requests);
        if (!settle(s, r, slot, &verdict))
            request_push(&again, r);
    }
    put_in_front(s, &again);
}

static void on_result(void *context, const struct rsm_result *result)
{
    struct bundle *b = context;
    struct rsm_submitter *s = b->submitter;
    pthread_mutex_lock(&s->lock);
    s->counters.bundles++;
    pthread_mutex_unlock(&s->lock);
    if (result->status == RSM_OK)
        take_verdicts(s, b, result->value);
    if (b->requests.count > 0) /* no verdict for these: the counter is what the cluster says */
        s->is_off = s->is_in_doubt = true;
    enum rsm_status status = result->status == RSM_OK ? RSM_MALFORMED : result->status;
    while (b->requests.count > 0)
        submitter_fail(s, request_pop(&b->requests), status, result->detail);
    free_bundle(b);
}

/* ---- the author's counter ---- */

static void on_clock(void *context, const struct rsm_result *result)
{
    struct rsm_submitter *s = context;
    s->is_asking = false;
    if (result->status != RSM_OK)
        return; /* asked again, as long as somebody waits */
    rsm_author_set_counter(s->author, rsm_value_uint(rsm_value_get(result->value, "counter")));
    s->is_off = s->is_in_doubt = false;
}

/* Nothing is in flight: brings the counter in order. False while it is not. */
static bool is_in_order(struct rsm_submitter *s)
{
    if (s->is_off && !s->is_in_doubt)
        s->is_off = false; /* rsm_author_learn has heard of each one */
    if (!s->is_off)
        return true;
    if (s->is_asking)
        return false;
    struct rsm_pack *params = rsm_pack_new();
    if (params == NULL)
        return false;
    rsm_pack_array(params, 1);
    rsm_pack_text(params, rsm_key_name(s->key));
    s->is_asking = rsm_client_start(s->client, "clock", rsm_value_of(rsm_pack_result(params)),
                                    s->options.timeout_ms, on_clock, s, NULL) == RSM_OK;
    rsm_pack_free(params);
    return false;
}

/* ---- sending ---- */

/* The command of a request, with what its caller had seen and nothing else. */
static enum rsm_status make_command(struct rsm_submitter *s, struct request *r,
                                    struct rsm_buffer *command_out)
{
    const uint8_t *seen = r->bytes + r->body_size;
    const char *reason = (const char *)seen + r->seen_size;
    enum rsm_status status = RSM_OK;
    rsm_author_forget(s->author);
    if (r->seen_size > 0)
        status = rsm_author_see_result(s->author, rsm_value_of(rsm_bytes_make(seen, r->seen_size)));
    r->counter = rsm_author_counter(s->author);
    if (status == RSM_OK)
        status = rsm_author_command(s->author, r->kind, rsm_bytes_make(r->bytes, r->body_size),
                                    reason, NULL, 0, command_out);
    if (status == RSM_OK)
        rsm_command_digest(rsm_buffer_bytes(command_out), rsm_key_public(s->key), r->digest);
    return status;
}

/* Takes what waits, in order, into the bundle; what no command can be made of is answered. */
static size_t fill(struct rsm_submitter *s, struct bundle *b)
{
    size_t count = 0, bytes = 0;
    while (s->queue.count > 0 && count < s->options.bundle_max && bytes < SUBMITTER_BUNDLE_BYTES) {
        struct request *r = request_pop(&s->queue);
        enum rsm_status status = make_command(s, r, &s->commands[count]);
        if (status != RSM_OK) {
            submitter_fail(s, r, status, rsm_status_sentence(status));
            continue;
        }
        bytes += s->commands[count].size;
        s->views[count] = rsm_buffer_bytes(&s->commands[count]);
        request_push(&b->requests, r);
        count++;
    }
    return count;
}

/* Nothing of the bundle left: all of it is answered so, and its counters are free again. */
static void take_back(struct rsm_submitter *s, struct bundle *b, enum rsm_status status)
{
    s->is_off = s->is_in_doubt = true;
    while (b->requests.count > 0)
        submitter_fail(s, request_pop(&b->requests), status, rsm_status_sentence(status));
    free_bundle(b);
}

static void send_one(struct rsm_submitter *s)
{
    struct rsm_buffer envelope = {NULL, 0};
    struct bundle *b = mem_try_alloc(sizeof *b);
    if (b == NULL)
        return; /* tried again at the next turn */
    b->submitter = s;
    b->next = s->in_flight;
    s->in_flight = b;
    s->in_flight_count++;
    size_t count = fill(s, b);
    if (count == 0) {
        free_bundle(b);
        return;
    }
    enum rsm_status status = rsm_author_bundle(s->author, s->views, count, &envelope);
    for (size_t i = 0; i < count; i++)
        rsm_buffer_free(&s->commands[i]);
    if (status == RSM_OK)
        status = rsm_client_start_submit(s->client, rsm_buffer_bytes(&envelope),
                                         s->options.timeout_ms, on_result, b, NULL);
    rsm_buffer_free(&envelope);
    if (status != RSM_OK)
        take_back(s, b, status);
}

static void expire(struct rsm_submitter *s)
{
    uint64_t now_ms = client_now_ms();
    while (s->queue.count > 0 && s->queue.first->deadline_ms <= now_ms)
        submitter_fail(s, request_pop(&s->queue), RSM_TIMED_OUT,
                       "it waited too long for a place in a bundle");
}

void submitter_send(struct rsm_submitter *s)
{
    expire(s);
    if (s->queue.count == 0 || s->is_ending)
        return;
    if (s->is_off && (s->in_flight_count > 0 || !is_in_order(s)))
        return;
    while (s->queue.count > 0 && s->in_flight_count < s->options.in_flight_max && !s->is_off)
        send_one(s);
}
