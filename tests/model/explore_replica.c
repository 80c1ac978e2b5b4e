/* SPDX-License-Identifier: GPL-3.0-or-later */
/* explore_replica.c - see explore.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/core.h"
#include "src/base/mem.h"
#include "tests/model/explore.h"

enum {
    VALUES = 256,
    STATES_MAX = 1 << 20,
    MESSAGES_MAX = 1 << 15,
    INDEX_SIZE = 1 << 22,
    OUTCOMES_MAX = 1 << 23,
    OUTCOME_INDEX = 1 << 24,
    FIRST_TICK = 1000,
    SENDS_ALL = 1 << 26,
    ENTRIES_MAX = CAPACITY,
};

/* What a journal says after its records were read in order. */
struct image {
    struct ballot promised;
    uint64_t chosen_end;
    struct ballot ballots[SLOT_END];
    uint8_t values[SLOT_END];
};

struct state {
    uint32_t replica;
    struct paxos core;
    struct slot ring[CAPACITY];
    struct image durable;
    struct image written;
    uint8_t learned[SLOT_END];
    uint16_t waiting[WAITING_MAX];
    uint32_t waiting_count;
    uint64_t hash;
};

struct message {
    uint32_t from;
    uint32_t to;
    struct paxos_message body;
    struct paxos_entry entries[ENTRIES_MAX];
    uint64_t hash;
};

static struct {
    uint32_t slots;
    struct blob *values[VALUES];
    struct paxos *live[REPLICAS]; /* one core each: states are copied into it and out of it */
    struct slot *rings[REPLICAS];
    struct state **states;
    uint32_t state_count;
    uint32_t *state_index;
    struct message *messages;
    uint32_t message_count;
    uint32_t *message_index;
    struct outcome *outcomes;
    uint64_t *outcome_keys; /* by place in outcome_index */
    uint32_t *outcome_index;
    uint32_t outcome_count;
    uint16_t *sends; /* of all outcomes, one behind the other */
    uint32_t send_count;
} world;

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

static uint64_t mix_ballot(uint64_t hash, struct ballot ballot)
{
    return mix(hash, ballot.round << 8 | ballot.replica);
}

/* Values are one byte long and say which they are; a no-op is 0. */
static uint8_t value_number(const struct blob *value)
{
    return value == NULL || value->size == 0 ? 0 : value->data[0];
}

/* They live for ever, whatever copies of states do to their counts. */
static void values_keep(void)
{
    for (int i = 1; i < VALUES; i++)
        world.values[i]->references = 1u << 20;
}

/* ---------------------------------------------------------------------------------------------
 * Messages.
 */

static uint64_t message_hash(const struct message *m)
{
    const struct paxos_message *b = &m->body;
    uint64_t hash = mix(mix(mix(1, m->from), m->to), (uint64_t)b->type);
    hash = mix_ballot(mix_ballot(hash, b->ballot), b->promised);
    hash = mix(mix(mix(hash, b->chosen_end), b->slot_first), b->slot_end);
    hash = mix(mix(mix(hash, b->slot), b->round), b->granted);
    for (size_t i = 0; i < b->entry_count; i++) {
        hash = mix_ballot(mix(hash, m->entries[i].slot), m->entries[i].ballot);
        hash = mix(mix(hash, value_number(m->entries[i].value)), m->entries[i].fresh);
    }
    return hash | 1;
}

static uint32_t message_keep(uint32_t from, uint32_t to, const struct paxos_message *body)
{
    struct message m = {.from = from, .to = to, .body = *body};
    CHECK(body->entry_count <= ENTRIES_MAX);
    for (size_t i = 0; i < body->entry_count; i++)
        m.entries[i] = body->entries[i];
    m.hash = message_hash(&m);
    uint32_t place = (uint32_t)(m.hash >> 8) % INDEX_SIZE;
    while (world.message_index[place] != 0) {
        uint32_t known = world.message_index[place] - 1;
        if (world.messages[known].hash == m.hash)
            return known;
        place = (place + 1) % INDEX_SIZE;
    }
    CHECK(world.message_count < MESSAGES_MAX);
    uint32_t number = world.message_count++;
    world.messages[number] = m;
    world.messages[number].body.entries = world.messages[number].entries;
    world.message_index[place] = number + 1;
    return number;
}

/* ---------------------------------------------------------------------------------------------
 * States.
 */

static uint64_t image_hash(uint64_t hash, const struct image *image)
{
    hash = mix(mix_ballot(hash, image->promised), image->chosen_end);
    for (int i = 0; i < SLOT_END; i++)
        hash = mix(mix_ballot(hash, image->ballots[i]), image->values[i]);
    return hash;
}

static uint64_t slot_hash(uint64_t hash, const struct paxos *p, const struct slot *s)
{
    hash = mix(mix_ballot(hash, s->ballot), value_number(s->value));
    hash = mix(mix_ballot(hash, s->found_ballot), value_number(s->found_value));
    hash = mix(hash, (uint64_t)s->accepted << 32 | s->refused);
    return mix(hash, (uint64_t)s->accepted_messages << 8 |
                         (uint64_t)(s->seq > p->seq_durable) << 3 | (uint64_t)s->chosen << 2 |
                         (uint64_t)s->proposed << 1 | s->fresh);
}

static uint64_t core_hash(uint64_t hash, const struct paxos *p, const struct slot *ring)
{
    hash = mix_ballot(mix_ballot(mix_ballot(hash, p->promised), p->ballot), p->leader_ballot);
    hash = mix(mix(mix(hash, p->leader), (uint64_t)p->role), p->round_max);
    hash = mix(mix(mix(hash, p->chosen_end), p->applied), p->accepted_end);
    hash = mix(mix(mix(hash, p->marked_end), p->prepare_first), p->recover_end);
    hash = mix(mix(mix(hash, p->found_end), p->slot_next), p->ready_end);
    hash = mix(mix(hash, p->announced_end), p->slots.first);
    hash = mix(hash, (uint64_t)(p->promised_seq > p->seq_durable) << 1 |
                         (p->seq_waited > p->seq_durable));
    for (uint32_t i = 1; i <= REPLICAS; i++)
        hash = mix(hash, p->peers[i].promised_end);
    for (uint32_t i = 0; i < CAPACITY; i++)
        hash = slot_hash(hash, p, &ring[i]);
    return hash;
}

static int compare_numbers(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static uint64_t state_hash(struct state *s)
{
    qsort(s->waiting, s->waiting_count, sizeof(s->waiting[0]), compare_numbers);
    uint64_t hash = core_hash(mix(7, s->replica), &s->core, s->ring);
    hash = image_hash(image_hash(hash, &s->durable), &s->written);
    for (int i = 0; i < SLOT_END; i++)
        hash = mix(hash, s->learned[i]);
    for (uint32_t i = 0; i < s->waiting_count; i++)
        hash = mix(hash, s->waiting[i]);
    return hash | 1;
}

/* No time passes but where a timeout is an event: nobody was heard of late, nothing is due. */
static void clear_times(struct paxos *p, struct slot *ring)
{
    p->tick = FIRST_TICK;
    p->durable_tick = FIRST_TICK;
    p->leader_heard_tick = 0;
    p->election_tick = UINT64_MAX;
    p->heartbeat_tick = UINT64_MAX;
    p->catch_up_tick = 0;
    p->slots.retired_count = 0;
    for (uint32_t i = 1; i <= REPLICAS; i++) {
        uint64_t promised_end = p->peers[i].promised_end;
        p->peers[i] = (struct peer){.promised_end = promised_end};
    }
    for (uint32_t i = 0; i < CAPACITY; i++) {
        ring[i].proposed_tick = 0;
        ring[i].cookie = 0;
    }
}

static uint32_t state_keep(struct state *s)
{
    clear_times(&s->core, s->ring);
    s->hash = state_hash(s);
    uint32_t place = (uint32_t)(s->hash >> 8) % INDEX_SIZE;
    while (world.state_index[place] != 0) {
        uint32_t known = world.state_index[place] - 1;
        if (world.states[known]->hash == s->hash)
            return known;
        place = (place + 1) % INDEX_SIZE;
    }
    CHECK(world.state_count < STATES_MAX);
    uint32_t number = world.state_count++;
    world.states[number] = mem_alloc(sizeof(*s));
    *world.states[number] = *s;
    world.state_index[place] = number + 1;
    return number;
}

/* ---------------------------------------------------------------------------------------------
 * Events.
 */

static void write_record(struct image *image, const struct paxos_append *record)
{
    switch (record->type) {
    case PAXOS_RECORD_PROMISE:
        image->promised = record->ballot;
        break;
    case PAXOS_RECORD_ACCEPT:
        CHECK(record->slot < SLOT_END);
        image->ballots[record->slot] = record->ballot;
        image->values[record->slot] = value_number(record->value);
        break;
    case PAXOS_RECORD_CHOSEN:
        image->chosen_end = record->slot_end;
        break;
    }
}

static void put_send(struct outcome *o, uint32_t message)
{
    CHECK(o->send_count < SENDS_MAX);
    world.sends[world.send_count + o->send_count++] = (uint16_t)message;
}

/* The shell's part of catch-up: what is applied comes from its log. */
static void send_range(struct state *s, const struct paxos_range *range, struct outcome *o)
{
    struct paxos_entry entries[ENTRIES_MAX] = {0};
    struct paxos_message learn = {
        .type = PAXOS_LEARN, .chosen_end = world.live[s->replica]->chosen_end, .entries = entries};
    for (uint64_t n = range->slot_first; n < range->slot_end; n++)
        entries[learn.entry_count++] =
            (struct paxos_entry){.slot = n, .value = world.values[s->learned[n]]};
    put_send(o, message_keep(s->replica + 1, range->to, &learn));
}

/* A set: each message once. */
static void put_waiting(struct state *s, uint32_t message)
{
    for (uint32_t i = 0; i < s->waiting_count; i++) {
        if (s->waiting[i] == message)
            return;
    }
    CHECK(s->waiting_count < WAITING_MAX);
    s->waiting[s->waiting_count++] = (uint16_t)message;
}

/* Takes over what a step says, as a shell would; slots are applied at once. */
static void obey(struct state *s, const struct paxos_effects *e, struct outcome *o)
{
    uint64_t applied = 0;
    struct paxos *p = world.live[s->replica];
    for (size_t i = 0; i < e->append_count; i++)
        write_record(&s->written, &e->appends[i]);
    for (size_t i = 0; i < e->learned_count; i++) {
        applied = e->learned[i].slot;
        CHECK(applied < SLOT_END);
        s->learned[applied] = value_number(e->learned[i].value);
    }
    for (size_t i = 0; i < e->send_count; i++) {
        const struct paxos_send *send = &e->sends[i];
        /* It says that a replica is there, which nobody asks here. */
        if (send->message.type == PAXOS_HEARTBEAT_ANSWER || send->message.type == PAXOS_PREVOTE)
            continue;
        uint32_t message = message_keep(s->replica + 1, send->to, &send->message);
        if (send->durable_seq <= p->seq_durable) {
            put_send(o, message);
        } else {
            put_waiting(s, message);
        }
    }
    for (size_t i = 0; i < e->range_count; i++)
        send_range(s, &e->ranges[i], o);
    if (applied != 0) {
        struct paxos_effects after;
        struct paxos_event event = {.type = PAXOS_EVENT_APPLIED, .number = applied};
        paxos_step(p, &event, &after);
        obey(s, &after, o);
    }
}

static void step(struct state *s, const struct paxos_event *event, struct outcome *o)
{
    struct paxos_effects effects;
    values_keep();
    paxos_step(world.live[s->replica], event, &effects);
    obey(s, &effects, o);
}

static void do_flush(struct state *s, struct outcome *o)
{
    struct paxos *p = world.live[s->replica];
    s->durable = s->written;
    for (uint32_t i = 0; i < s->waiting_count; i++)
        put_send(o, s->waiting[i]);
    s->waiting_count = 0;
    step(s, &(struct paxos_event){.type = PAXOS_EVENT_DURABLE, .number = p->seq_next - 1}, o);
}

/* A timeout, and one more voter that has nothing against it; its pre-vote means nothing else. */
static void do_campaign(struct state *s, struct outcome *o)
{
    struct paxos *p = world.live[s->replica];
    if (p->role == PAXOS_LEADER)
        return;
    p->tick = FIRST_TICK - 1;
    p->election_tick = FIRST_TICK;
    step(s, &(struct paxos_event){.type = PAXOS_EVENT_TICK}, o);
    if (p->role != PAXOS_PREVOTING)
        return;
    uint32_t other = s->replica == 0 ? 2 : 1;
    struct paxos_message yes = {.type = PAXOS_PREVOTE_ANSWER,
                                .ballot = p->prevote_ballot,
                                .chosen_end = 1,
                                .granted = true};
    step(s, &(struct paxos_event){.type = PAXOS_EVENT_MESSAGE, .from = other, .message = &yes}, o);
}

static void do_propose(struct state *s, struct outcome *o)
{
    struct paxos *p = world.live[s->replica];
    if (paxos_room(p) == 0 || p->slot_next > world.slots)
        return;
    uint64_t value = 1 + (p->ballot.round * 4 + p->ballot.replica) * 4 + p->slot_next;
    CHECK(value < VALUES - 1);
    struct paxos_proposal proposal = {world.values[value], 1};
    step(s,
         &(struct paxos_event){
             .type = PAXOS_EVENT_PROPOSE, .proposals = &proposal, .proposal_count = 1},
         o);
}

static const struct paxos_config *config_of(uint32_t replica)
{
    static struct paxos_config config;
    config = (struct paxos_config){.self = replica + 1,
                                   .voters = {1, 2, 3},
                                   .voter_count = REPLICAS,
                                   .window = CAPACITY,
                                   .capacity = CAPACITY,
                                   .batch_entries = ENTRIES_MAX,
                                   .batch_bytes = 1000,
                                   .heartbeat_ticks = 2,
                                   .election_ticks_min = 10,
                                   .election_ticks_max = 20,
                                   .resend_ticks = 4,
                                   .stall_ticks = 1000000,
                                   .seed = 1};
    return &config;
}

static void take_out(struct state *s)
{
    s->core = *world.live[s->replica];
    memcpy(s->ring, world.rings[s->replica], sizeof(s->ring));
}

static void put_in(const struct state *s)
{
    *world.live[s->replica] = s->core;
    memcpy(world.rings[s->replica], s->ring, sizeof(s->ring));
}

/* A process starts from what is durable; the core's memory is the one that it had. */
static void start(struct state *s)
{
    struct paxos *p = paxos_new(config_of(s->replica));
    const struct image *image = &s->durable;
    s->written = *image;
    s->waiting_count = 0;
    memset(s->learned, UNKNOWN, sizeof(s->learned));
    if (image->promised.round != 0)
        paxos_restore_promise(p, image->promised);
    for (uint64_t n = 1; n < SLOT_END; n++) {
        if (image->ballots[n].replica != 0)
            CHECK(paxos_restore_accept(p, n, image->ballots[n], world.values[image->values[n]]));
    }
    CHECK(paxos_restore_chosen(p, image->chosen_end));
    for (uint64_t n = 1; n < image->chosen_end; n++)
        s->learned[n] = image->values[n];
    if (image->chosen_end > 1)
        paxos_restore_applied(p, image->chosen_end - 1);
    paxos_start(p, 1, PAXOS_WHOLE);
    if (world.live[s->replica] == NULL) {
        world.live[s->replica] = p;
        world.rings[s->replica] = p->slots.ring;
        take_out(s);
        return;
    }
    /* The state is copied; its arrays stay those of the one core. */
    struct paxos *live = world.live[s->replica];
    struct paxos copy = *p;
    copy.effects = live->effects;
    copy.reads.list = live->reads.list;
    copy.slots.ring = live->slots.ring;
    copy.slots.retired = live->slots.retired;
    memcpy(live->slots.ring, p->slots.ring, sizeof(*p->slots.ring) * CAPACITY);
    values_keep();
    paxos_free(p);
    *live = copy;
}

static void handle(struct state *s, uint32_t event, struct outcome *o)
{
    struct paxos *p = world.live[s->replica];
    switch (event) {
    case EVENT_FLUSH:
        if (p->seq_durable + 1 < p->seq_next)
            do_flush(s, o);
        break;
    case EVENT_CAMPAIGN:
        do_campaign(s, o);
        break;
    case EVENT_PROPOSE:
        do_propose(s, o);
        break;
    case EVENT_ANNOUNCE:
        step(s, &(struct paxos_event){.type = PAXOS_EVENT_ANNOUNCE}, o);
        break;
    case EVENT_CRASH:
        start(s);
        break;
    default: {
        const struct message *m = &world.messages[event - EVENT_MESSAGE];
        step(s,
             &(struct paxos_event){
                 .type = PAXOS_EVENT_MESSAGE, .from = m->from, .message = &m->body},
             o);
        break;
    }
    }
}

const struct outcome *explore_event(uint32_t state, uint32_t event)
{
    uint64_t key = (uint64_t)(state + 1) << 32 | event;
    uint32_t place = (uint32_t)(mix(3, key) >> 16) % OUTCOME_INDEX;
    while (world.outcome_keys[place] != 0) {
        if (world.outcome_keys[place] == key)
            return &world.outcomes[world.outcome_index[place]];
        place = (place + 1) % OUTCOME_INDEX;
    }
    CHECK(world.outcome_count < OUTCOMES_MAX && world.send_count + SENDS_MAX < SENDS_ALL);
    static struct state s;
    struct outcome outcome = {.sends = &world.sends[world.send_count]};
    s = *world.states[state];
    put_in(&s);
    handle(&s, event, &outcome);
    take_out(&s);
    outcome.next = state_keep(&s);
    world.send_count += outcome.send_count;
    world.outcomes[world.outcome_count] = outcome;
    world.outcome_keys[place] = key;
    world.outcome_index[place] = world.outcome_count;
    return &world.outcomes[world.outcome_count++];
}

/* Memory that the system gives when it is touched. */
static void *table(size_t count, size_t size)
{
    return mem_alloc(count * size);
}

void explore_init(uint32_t slots)
{
    world.slots = slots;
    for (int i = 1; i < VALUES; i++) {
        uint8_t byte = (uint8_t)i;
        world.values[i] = blob_new((struct bytes){&byte, 1});
    }
    world.states = table(STATES_MAX, sizeof(*world.states));
    world.state_index = table(INDEX_SIZE, sizeof(*world.state_index));
    world.messages = table(MESSAGES_MAX, sizeof(*world.messages));
    world.message_index = table(INDEX_SIZE, sizeof(*world.message_index));
    world.sends = table(SENDS_ALL, sizeof(*world.sends));
    world.outcomes = table(OUTCOMES_MAX, sizeof(*world.outcomes));
    world.outcome_keys = table(OUTCOME_INDEX, sizeof(*world.outcome_keys));
    world.outcome_index = table(OUTCOME_INDEX, sizeof(*world.outcome_index));
}

uint32_t explore_first(uint32_t replica)
{
    static struct state s;
    s = (struct state){.replica = replica};
    s.durable.chosen_end = 1;
    start(&s);
    return state_keep(&s);
}

uint8_t explore_learned(uint32_t state, uint32_t slot)
{
    return world.states[state]->learned[slot];
}

uint64_t explore_hash(uint32_t state)
{
    return world.states[state]->hash;
}

uint32_t explore_state_count(void)
{
    return world.state_count;
}

uint32_t explore_message_count(void)
{
    return world.message_count;
}

uint32_t explore_message_from(uint32_t message)
{
    return world.messages[message].from - 1;
}

uint32_t explore_message_to(uint32_t message)
{
    return world.messages[message].to - 1;
}

bool explore_accept(uint32_t message, uint32_t i, uint32_t *ballot_out, uint32_t *slot_out,
                    uint8_t *value_out)
{
    const struct paxos_message *body = &world.messages[message].body;
    if (body->type != PAXOS_ACCEPT || i >= body->entry_count)
        return false;
    *ballot_out = (uint32_t)(body->ballot.round * 4 + body->ballot.replica) % 64;
    *slot_out = (uint32_t)body->entries[i].slot;
    *value_out = value_number(body->entries[i].value);
    return true;
}

void explore_print_event(uint32_t replica, uint32_t event)
{
    static const char *const names[] = {"flush", "propose", "announce", "campaign", "crash"};
    if (event < EVENT_MESSAGE) {
        printf("  %u: %s\n", replica + 1, names[event]);
        return;
    }
    const struct message *m = &world.messages[event - EVENT_MESSAGE];
    printf("  %u: %s from %u, ballot %llu.%u, chosen_end %llu", replica + 1,
           paxos_message_name(m->body.type), m->from, (unsigned long long)m->body.ballot.round,
           m->body.ballot.replica, (unsigned long long)m->body.chosen_end);
    for (size_t i = 0; i < m->body.entry_count; i++)
        printf(" [slot %llu ballot %llu.%u value %u]", (unsigned long long)m->entries[i].slot,
               (unsigned long long)m->entries[i].ballot.round, m->entries[i].ballot.replica,
               value_number(m->entries[i].value));
    printf("\n");
}
