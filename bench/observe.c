/* SPDX-License-Identifier: GPL-3.0-or-later */
/* observe.c - see observe.h. */
#include "bench/observe.h"

#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"

#define ASK_TIMEOUT_MS 1000u

enum rsm_status observe_init(struct observe *o, const char *endpoints, const pid_t *processes,
                             uint32_t process_count)
{
    memset(o, 0, sizeof *o);
    for (const char *at = endpoints; at != NULL && *at != 0;) {
        size_t size = strcspn(at, ",");
        if (o->count == OBSERVE_REPLICAS_MAX || size >= sizeof o->replicas[0].endpoint)
            return RSM_USAGE;
        struct observe_replica *r = &o->replicas[o->count];
        memcpy(r->endpoint, at, size);
        r->process = o->count < process_count ? processes[o->count] : 0;
        r->stages = mem_alloc(OBSERVE_STAGES_MAX * sizeof r->stages[0]);
        o->count++;
        at += size + (at[size] == ',' ? 1 : 0);
    }
    return o->count > 0 ? RSM_OK : RSM_USAGE;
}

void observe_deinit(struct observe *o)
{
    for (uint32_t i = 0; i < o->count; i++)
        mem_free(o->replicas[i].stages);
    o->count = 0;
}

static void copy_text(char *out, size_t size, struct rsm_value text)
{
    struct rsm_bytes octets = rsm_value_octets(text);
    (void)snprintf(out, size, "%.*s", (int)octets.size, (const char *)octets.data);
}

static void take_stage(struct observe_stage *s, struct rsm_value answer)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(answer, "buckets"));
    struct rsm_value index, count;
    memset(s, 0, sizeof *s);
    copy_text(s->name, sizeof s->name, rsm_value_get(answer, "stage"));
    copy_text(s->what, sizeof s->what, rsm_value_get(answer, "what"));
    while (rsm_walk_next(&walk, &index) && rsm_walk_next(&walk, &count)) {
        uint64_t bucket = rsm_value_uint(index);
        if (bucket < HISTOGRAM_BUCKETS)
            (void)histogram_put(&s->times, (uint32_t)bucket, rsm_value_uint(count));
    }
    s->times.sum_ns = rsm_value_uint(rsm_value_get(answer, "sum_ns"));
    s->times.max_ns = rsm_value_uint(rsm_value_get(answer, "max_ns"));
}

void observe_take_stages(struct observe_replica *r, struct rsm_value stages)
{
    struct rsm_walk walk = rsm_walk_begin(stages);
    struct rsm_value stage;
    r->stage_count = 0;
    while (r->stage_count < OBSERVE_STAGES_MAX && rsm_walk_next(&walk, &stage))
        take_stage(&r->stages[r->stage_count++], stage);
}

static void take_status(struct observe_replica *r, struct rsm_value status)
{
    struct rsm_value counters = rsm_value_get(status, "counters");
    r->replica = (uint32_t)rsm_value_uint(rsm_value_get(status, "replica"));
    r->is_leader = rsm_value_bool(rsm_value_get(status, "is_leader"));
    r->slots = rsm_value_uint(rsm_value_get(status, "slot"));
    r->commands = rsm_value_uint(rsm_value_get(counters, "applied_commands"));
    r->flushes = rsm_value_uint(rsm_value_get(counters, "journal_flushes"));
    r->journal_bytes = rsm_value_uint(rsm_value_get(counters, "journal_bytes"));
    r->store_commits = rsm_value_uint(rsm_value_get(counters, "store_commits"));
    r->frames_out = rsm_value_uint(rsm_value_get(counters, "peer_frames_out"));
}

static void ask(struct observe_replica *r)
{
    const struct rsm_value none = {{NULL, 0}};
    struct rsm_client *client = NULL;
    struct rsm_buffer status = {NULL, 0}, stages = {NULL, 0};
    r->is_known = rsm_client_new(r->endpoint, &client) == RSM_OK &&
                  rsm_client_call(client, "status", none, ASK_TIMEOUT_MS, &status) == RSM_OK &&
                  rsm_client_call(client, "stages", none, ASK_TIMEOUT_MS, &stages) == RSM_OK;
    if (r->is_known) {
        take_status(r, rsm_value_of(rsm_buffer_bytes(&status)));
        observe_take_stages(r, rsm_value_of(rsm_buffer_bytes(&stages)));
    }
    r->has_use = r->process != 0 && process_use(r->process, &r->use);
    rsm_buffer_free(&status);
    rsm_buffer_free(&stages);
    rsm_client_free(client);
}

void observe_now(struct observe *o)
{
    for (uint32_t i = 0; i < o->count; i++)
        ask(&o->replicas[i]);
}

/* A replica that was started anew in between counts from 0 again. */
static uint64_t grown(uint64_t before, uint64_t after)
{
    return after >= before ? after - before : after;
}

const struct observe_stage *observe_find(const struct observe_replica *r, const char *name)
{
    for (uint32_t i = 0; i < r->stage_count; i++)
        if (strcmp(r->stages[i].name, name) == 0)
            return &r->stages[i];
    return NULL;
}

static void add_stages(struct observe_replica *sum, const struct observe_replica *before,
                       const struct observe_replica *after)
{
    struct histogram *times = mem_alloc(sizeof *times);
    sum->stage_count = after->stage_count;
    for (uint32_t i = 0; i < after->stage_count; i++) {
        const struct observe_stage *then = observe_find(before, after->stages[i].name);
        memcpy(sum->stages[i].name, after->stages[i].name, sizeof sum->stages[i].name);
        memcpy(sum->stages[i].what, after->stages[i].what, sizeof sum->stages[i].what);
        *times = after->stages[i].times;
        if (then != NULL && then->times.count <= times->count)
            histogram_take_away(times, &then->times);
        histogram_merge(&sum->stages[i].times, times);
    }
    mem_free(times);
}

void observe_add_difference(struct observe *sum, const struct observe *before,
                            const struct observe *after)
{
    for (uint32_t i = 0; i < sum->count; i++) {
        struct observe_replica *s = &sum->replicas[i];
        const struct observe_replica *b = &before->replicas[i], *a = &after->replicas[i];
        if (!b->is_known || !a->is_known)
            continue;
        s->is_known = true;
        s->replica = a->replica;
        s->is_leader = a->is_leader;
        s->slots += grown(b->slots, a->slots);
        s->commands += grown(b->commands, a->commands);
        s->flushes += grown(b->flushes, a->flushes);
        s->journal_bytes += grown(b->journal_bytes, a->journal_bytes);
        s->store_commits += grown(b->store_commits, a->store_commits);
        s->frames_out += grown(b->frames_out, a->frames_out);
        add_stages(s, b, a);
        s->has_use = b->has_use && a->has_use;
        s->use.cpu_ns += grown(b->use.cpu_ns, a->use.cpu_ns);
        s->use.switches += grown(b->use.switches, a->use.switches);
        s->use.written_bytes += grown(b->use.written_bytes, a->use.written_bytes);
        s->use.minor_faults += grown(b->use.minor_faults, a->use.minor_faults);
        s->use.major_faults += grown(b->use.major_faults, a->use.major_faults);
        s->use.resident_bytes = a->use.resident_bytes;
        s->use.anonymous_bytes = a->use.anonymous_bytes;
    }
}

uint32_t observe_leader(const struct observe *o)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (o->replicas[i].is_known && o->replicas[i].is_leader)
            return i;
    return 0;
}
