/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load.c - the closed loop; see load.h. */
#include "bench/load.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <rsm/body.h>

#include "bench/floor.h"
#include "bench/world.h"
#include "src/base/check.h"

#define TYPE_TXT 16u
#define FILLER_SIZE_MAX 4096u
#define SUBMIT_TIMEOUT_MS 20000u
#define SEQUENCE_DIGITS 12u

struct load_run {
    const struct load_options *options;
    struct load_result *result;
    uint64_t measure_from_ns, end_ns;
    uint32_t filler_size; /* bytes of text in each record */
    uint32_t in_flight;
    bool is_ending;
};

static volatile sig_atomic_t interrupted;

void load_interrupt(void)
{
    interrupted = 1;
}

/* TXT record data: the sequence number and filler, in strings of up to 255 bytes. */
static size_t make_rdata(uint8_t *out, uint64_t sequence, uint32_t filler_size)
{
    char number[SEQUENCE_DIGITS + 1];
    size_t size = 0;
    uint32_t left = SEQUENCE_DIGITS + filler_size;
    (void)snprintf(number, sizeof number, "%012llu", (unsigned long long)sequence);
    for (bool is_first = true; left > 0; is_first = false) {
        uint32_t piece = left < 255 ? left : 255;
        out[size] = (uint8_t)piece;
        memset(out + size + 1, 'x', piece);
        if (is_first)
            memcpy(out + size + 1, number, SEQUENCE_DIGITS);
        size += 1 + piece;
        left -= piece;
    }
    return size;
}

static struct rsm_buffer make_body(struct load_client *c, uint32_t filler_size)
{
    static uint8_t rdata[FILLER_SIZE_MAX + FILLER_SIZE_MAX / 200 + 32];
    struct rsm_buffer body;
    const struct rsm_bytes view =
        rsm_bytes_make(rdata, make_rdata(rdata, c->sequence++, filler_size));
    const struct rsm_change change = {rsm_bytes_make(c->owner, c->owner_size), TYPE_TXT, 300, &view,
                                      1};
    CHECK(rsm_body_rrset_change(rsm_bytes_make(c->world->zone, c->world->zone_size), &change, 1,
                                &body) == RSM_OK);
    return body;
}

static struct rsm_buffer sign_change(struct load_client *c, uint32_t filler_size)
{
    struct rsm_buffer envelope, body = make_body(c, filler_size);
    CHECK(rsm_author_sign(c->author, RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body), "", NULL, 0,
                          &envelope) == RSM_OK);
    rsm_buffer_free(&body);
    return envelope;
}

static struct rsm_buffer sign_bundle(struct load_client *c, uint32_t filler_size, uint32_t count)
{
    static struct rsm_buffer commands[LOAD_BUNDLE_MAX];
    static struct rsm_bytes views[LOAD_BUNDLE_MAX];
    struct rsm_buffer envelope;
    for (uint32_t i = 0; i < count; i++) {
        struct rsm_buffer body = make_body(c, filler_size);
        CHECK(rsm_author_command(c->author, RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body), "",
                                 NULL, 0, &commands[i]) == RSM_OK);
        rsm_buffer_free(&body);
        views[i] = rsm_buffer_bytes(&commands[i]);
    }
    CHECK(rsm_author_bundle(c->author, views, count, &envelope) == RSM_OK);
    for (uint32_t i = 0; i < count; i++)
        rsm_buffer_free(&commands[i]);
    return envelope;
}

static void note_trouble(struct load_result *result, const char *what, struct rsm_bytes detail)
{
    if (result->trouble[0] == 0)
        (void)snprintf(result->trouble, sizeof result->trouble, "%s: %.*s", what,
                       (int)(detail.size < 180 ? detail.size : 180), (const char *)detail.data);
}

static void submit_next(struct load_client *c);

static void count_verdict(struct load_client *c, const struct rsm_verdict *verdict, uint64_t now_ns)
{
    struct load_run *run = c->run;
    struct load_result *result = run->result;
    if (!verdict->applied) {
        struct rsm_value rule = rsm_value_at(verdict->rules, 0);
        result->refused++;
        note_trouble(result, "refused", rsm_value_octets(rsm_value_get(rule, "evidence")));
    } else if (c->begin_ns >= run->measure_from_ns && now_ns <= run->end_ns) {
        result->applied++;
        histogram_add(&result->latency, now_ns - c->begin_ns);
    }
}

static void count_verdicts(struct load_client *c, const struct rsm_result *answer, uint64_t now_ns)
{
    struct load_result *result = c->run->result;
    uint32_t count = 0;
    struct rsm_verdict verdict;
    if (answer->status == RSM_OK) {
        struct rsm_walk walk = rsm_verdicts(answer->value.raw);
        for (; rsm_verdict_next(&walk, &verdict); count++)
            count_verdict(c, &verdict, now_ns);
    } else {
        note_trouble(result, rsm_status_text(answer->status), rsm_text(answer->detail));
    }
    if (count < c->run->options->bundle)
        result->failed += c->run->options->bundle - count;
}

static void on_answer(void *context, const struct rsm_result *answer)
{
    struct load_client *c = context;
    struct load_run *run = c->run;
    uint64_t now_ns = bench_now_ns();
    run->in_flight--;
    count_verdicts(c, answer, now_ns);
    if (answer->status == RSM_OK)
        rsm_author_learn(c->author, answer->value.raw);
    else
        run->is_ending = true; /* its counter is in doubt: the loop of this client is broken */
    bool is_enough = run->options->count > 0 && run->result->applied >= run->options->count;
    if (now_ns >= run->end_ns || is_enough)
        run->is_ending = true;
    if (is_enough && now_ns < run->end_ns)
        run->end_ns = now_ns;
    if (!run->is_ending)
        submit_next(c);
}

static void submit_next(struct load_client *c)
{
    struct load_run *run = c->run;
    uint32_t bundle = run->options->bundle;
    struct rsm_buffer envelope =
        bundle > 1 ? sign_bundle(c, run->filler_size, bundle) : sign_change(c, run->filler_size);
    run->result->change_size = (uint32_t)envelope.size / bundle;
    c->begin_ns = bench_now_ns();
    if (rsm_client_start_submit(c->client, rsm_buffer_bytes(&envelope), SUBMIT_TIMEOUT_MS,
                                on_answer, c, NULL) == RSM_OK)
        run->in_flight++;
    else
        run->is_ending = true;
    rsm_buffer_free(&envelope);
}

/* Connects, and makes each client's record set, so that all later changes are of one form. */
static enum rsm_status open_client(struct load_client *c, int poll, uint32_t index)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (c->client == NULL) {
        enum rsm_status status = rsm_client_new(c->world->endpoints, &c->client);
        if (status != RSM_OK)
            return status;
    }
    return epoll_ctl(poll, EPOLL_CTL_ADD, rsm_client_descriptor(c->client), &event) == 0 ? RSM_OK
                                                                                         : RSM_IO;
}

/* The filler that makes an envelope of the wanted size, by what one without any takes. */
static uint32_t choose_filler(struct load_client *c, uint32_t envelope_size)
{
    struct rsm_author *throw_away;
    struct load_client probe = *c;
    CHECK(rsm_author_new(c->key, rsm_author_cluster_id(c->author), &throw_away) == RSM_OK);
    rsm_author_set_counter(throw_away, 1000);
    probe.author = throw_away;
    struct rsm_buffer envelope = sign_change(&probe, 0);
    uint32_t filler = envelope_size > envelope.size ? envelope_size - (uint32_t)envelope.size : 0;
    rsm_buffer_free(&envelope);
    rsm_author_free(throw_away);
    return filler < FILLER_SIZE_MAX ? filler : FILLER_SIZE_MAX;
}

static void drive(struct load_world *world, struct load_run *run, int poll)
{
    struct epoll_event events[64];
    uint32_t count = run->options->client_count;
    uint64_t sweep_ns = bench_now_ns();
    while (run->in_flight > 0) {
        int ready = epoll_wait(poll, events, 64, 10);
        run->is_ending = run->is_ending || interrupted != 0;
        for (int i = 0; i < ready; i++)
            rsm_client_process(world->clients[events[i].data.u32].client, 0);
        /* Starting, reconnecting and deadlines make no descriptor readable. */
        uint64_t now_ns = bench_now_ns();
        bool is_starting = now_ns < run->measure_from_ns;
        if (ready == 0 || is_starting || now_ns - sweep_ns > 50000000) {
            for (uint32_t i = 0; i < count; i++)
                if (rsm_client_timeout_ms(world->clients[i].client) == 0)
                    rsm_client_process(world->clients[i].client, 0);
            sweep_ns = now_ns;
        }
    }
}

enum rsm_status load_run(struct load_world *world, const struct load_options *options,
                         struct load_result *result_out)
{
    struct load_run run = {.options = options, .result = result_out};
    enum rsm_status status = RSM_OK;
    CHECK(options->client_count >= 1);
    CHECK(options->bundle >= 1);
    CHECK(options->bundle <= LOAD_BUNDLE_MAX);
    CHECK(options->client_count <= world->client_count);
    memset(result_out, 0, sizeof *result_out);
    result_out->client_count = options->client_count;
    histogram_init(&result_out->latency);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0)
        return RSM_IO;
    for (uint32_t i = 0; i < options->client_count && status == RSM_OK; i++)
        status = open_client(&world->clients[i], poll, i);
    run.filler_size = choose_filler(&world->clients[0], options->envelope_size);
    uint64_t length_ns = (uint64_t)(options->seconds * 1e9);
    run.measure_from_ns = bench_now_ns() + length_ns / 10;
    run.end_ns = run.measure_from_ns + length_ns;
    for (uint32_t i = 0; i < options->client_count && status == RSM_OK; i++) {
        world->clients[i].run = &run;
        submit_next(&world->clients[i]);
    }
    drive(world, &run, poll);
    result_out->seconds = (double)(run.end_ns - run.measure_from_ns) / 1e9;
    (void)close(poll);
    return status == RSM_OK && interrupted != 0 ? RSM_FAILED : status;
}
