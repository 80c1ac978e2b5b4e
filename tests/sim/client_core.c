/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client_core.c - clients: each has one operation under way, a write of a value that nobody else
 * writes, or a read. It waits without a limit for the outcome, which every replica that lives owes
 * it; only a crash of that replica ends the wait.
 */
#include "tests/sim/sim_core.h"

#include <inttypes.h>
#include <stdio.h>

#include "src/base/mem.h"

#define OPERATOR_COOKIE (UINT64_MAX - 1)

enum client_state {
    CLIENT_IDLE = 1,
    CLIENT_WRITING, /* proposed at `replica` */
    CLIENT_LEARNED, /* chosen; acknowledged when `replica` has applied it */
    CLIENT_READING,
};

struct core_client {
    struct core_cluster *cluster;
    enum client_state state;
    uint32_t replica;
    uint64_t id; /* cookie or read id */
    struct blob *value;
    uint64_t slot;
    uint64_t floor;
};

static void client_next(void *context, void *argument);

static void client_idle(struct core_client *client)
{
    struct core_cluster *c = client->cluster;
    blob_unref(client->value);
    client->value = NULL;
    client->state = CLIENT_IDLE;
    sim_after(&c->sim, sim_range(&c->sim, 1, c->options.think_us_max), client_next, NULL, client,
              NULL);
}

static void client_write(struct core_client *client)
{
    struct core_cluster *c = client->cluster;
    char text[48];
    client->id = c->value_next++;
    int size = snprintf(text, sizeof(text), "v%" PRIu64, client->id);
    client->value = blob_new(bytes_make(text, (size_t)size));
    client->state = CLIENT_WRITING;
    sim_note(&c->sim, "client writes %s at %u", text, client->replica);
    if (!core_node_propose(c, client->replica, client->id, client->value))
        client_idle(client);
}

/* An operator asks for a change of the members, and does not wait. */
void core_client_change_members(struct core_cluster *c, uint32_t replica, uint32_t member)
{
    const char text[2] = {'m', (char)('0' + member)};
    uint32_t leader = core_node_is_up(c, replica) ? paxos_leader(core_node_paxos(c, replica)) : 0;
    if (leader == 0 || !core_node_is_up(c, leader))
        return;
    struct blob *value = blob_new(bytes_make(text, 2));
    core_node_propose(c, leader, OPERATOR_COOKIE, value);
    blob_unref(value);
}

static void client_read(struct core_client *client)
{
    struct core_cluster *c = client->cluster;
    client->id = c->read_next++;
    client->floor = checker_read_begin(c->checker);
    client->state = CLIENT_READING;
    core_node_read(c, client->replica, client->id);
}

static void client_next(void *context, void *argument)
{
    struct core_client *client = context;
    struct core_cluster *c = client->cluster;
    (void)argument;
    if (c->clients_stop)
        return;
    client->replica = (uint32_t)sim_range(&c->sim, 1, c->node_count);
    bool reads = sim_chance(&c->sim, c->options.read_ppm);
    if (!core_node_is_up(c, client->replica)) {
        client_idle(client);
        return;
    }
    /* Writes mostly go where that replica believes the leader to be. */
    uint32_t leader = paxos_leader(core_node_paxos(c, client->replica));
    if (!reads && leader != 0 && core_node_is_up(c, leader))
        client->replica = leader;
    if (reads)
        client_read(client);
    else
        client_write(client);
}

void core_client_init(struct core_cluster *c, uint32_t index)
{
    struct core_client *client;
    if (c->clients == NULL)
        c->clients = mem_alloc(sizeof(*c->clients) * c->options.client_count);
    client = &c->clients[index];
    client->cluster = c;
    client_idle(client);
}

void core_client_deinit(struct core_cluster *c, uint32_t index)
{
    blob_unref(c->clients[index].value);
}

bool core_client_is_idle(const struct core_cluster *c, uint32_t index)
{
    return c->clients[index].state == CLIENT_IDLE;
}

void core_client_on_learned(struct core_cluster *c, uint32_t replica, uint64_t cookie,
                            uint64_t slot)
{
    for (uint32_t i = 0; i < c->options.client_count; i++) {
        struct core_client *client = &c->clients[i];
        if (client->state != CLIENT_WRITING || client->id != cookie)
            continue;
        if (client->replica != replica)
            sim_fail(&c->sim, "replica %u reports the cookie of another one", replica);
        client->state = CLIENT_LEARNED;
        client->slot = slot;
        return;
    }
    if (cookie != OPERATOR_COOKIE)
        sim_fail(&c->sim, "replica %u reports an outcome that nobody waits for", replica);
}

void core_client_on_lost(struct core_cluster *c, uint64_t cookie)
{
    for (uint32_t i = 0; i < c->options.client_count; i++) {
        struct core_client *client = &c->clients[i];
        if (client->state == CLIENT_WRITING && client->id == cookie) {
            client_idle(client);
            return;
        }
    }
    if (cookie != OPERATOR_COOKIE)
        sim_fail(&c->sim, "a proposal is lost that nobody waits for");
}

void core_client_on_applied(struct core_cluster *c, uint32_t replica, uint64_t applied)
{
    for (uint32_t i = 0; i < c->options.client_count; i++) {
        struct core_client *client = &c->clients[i];
        if (client->state != CLIENT_LEARNED || client->replica != replica || client->slot > applied)
            continue;
        sim_note(&c->sim, "client: slot %" PRIu64 " acknowledged", client->slot);
        checker_on_acknowledged(c->checker, client->slot,
                                memory_value_hash(blob_bytes(client->value)));
        c->report->writes_acknowledged++;
        client_idle(client);
    }
}

void core_client_on_read_end(struct core_cluster *c, uint32_t replica, uint64_t read_id,
                             bool confirmed)
{
    for (uint32_t i = 0; i < c->options.client_count; i++) {
        struct core_client *client = &c->clients[i];
        if (client->state != CLIENT_READING || client->id != read_id || client->replica != replica)
            continue;
        if (confirmed) {
            checker_read_end(c->checker, replica, client->floor, core_node_applied(c, replica));
            c->report->reads_confirmed++;
        }
        client_idle(client);
        return;
    }
    sim_fail(&c->sim, "replica %u ends a read that nobody waits for", replica);
}

void core_client_on_crash(struct core_cluster *c, uint32_t replica)
{
    for (uint32_t i = 0; i < c->options.client_count; i++) {
        struct core_client *client = &c->clients[i];
        if (client->state != CLIENT_IDLE && client->replica == replica)
            client_idle(client);
    }
}
