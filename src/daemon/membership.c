/* SPDX-License-Identifier: GPL-3.0-or-later */
/* membership.c - see membership.h. */
#include "src/daemon/membership.h"

#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/left_behind.h"
#include "src/daemon/node_recover.h"
#include "src/machine/members.h"
#include "src/net/peer_link.h"

/* ---- the members, to the links ---- */

/*
 * A member that was added by the log has the data directory that the log says. What was known of
 * its id before belonged to another one.
 */
static enum rsm_status pin(struct membership *m, const struct member_config *config)
{
    for (uint32_t i = 0; i < config->count; i++) {
        const struct member *member = &config->members[i];
        enum rsm_status status = incarnations_pin(m->incarnations, member->id, member->incarnation);
        if (status != RSM_OK)
            return status;
    }
    return RSM_OK;
}

bool membership_key(const struct membership *m, uint32_t replica,
                    uint8_t key_out[RSM_PUBLIC_KEY_SIZE])
{
    struct member_config current, next;
    if (machine_members(node_state(m->node), m->genesis, &current, &next) != RSM_OK)
        return false;
    const struct member *member = member_config_find(&next, replica);
    if (member == NULL)
        member = member_config_find(&current, replica);
    if (member != NULL)
        memcpy(key_out, member->key, RSM_PUBLIC_KEY_SIZE);
    return member != NULL;
}

static bool is_due(struct membership *m, enum rsm_status *status_out)
{
    uint64_t applied = node_applied(m->node);
    uint64_t version = m->version;
    *status_out = RSM_OK;
    if (m->version != 0 && applied == m->applied)
        return false;
    m->applied = applied;
    *status_out = machine_members_version(node_state(m->node), &version);
    return version != m->version || (m->next_slot != 0 && applied + 1 >= m->next_slot);
}

/*
 * Nobody else is heard, or hears of a disk that is about to be another one (node_recover.c), or
 * that was left behind.
 */
static void be_alone(const struct membership *m, struct member_config *current,
                     struct member_config *next)
{
    struct node_status status;
    node_get_status(m->node, &status);
    const struct member *self = member_config_find(current, status.self);
    next->version = 0;
    next->count = 0;
    if (self == NULL)
        return;
    current->members[0] = *self;
    current->count = 1;
}

/* Whom the log went on without is told so with each refusal; a disk that was left hands it on. */
static enum rsm_status tell_others(struct membership *m)
{
    struct writer proof;
    writer_init(&proof, RECOVERY_SIZE_MAX);
    enum rsm_status status = RSM_OK;
    if (m->left_by != NULL)
        writer_bytes(&proof, blob_bytes(m->left_by));
    else
        status = left_behind_proof(node_state(m->node), &proof);
    if (status == RSM_OK)
        peer_links_set_proof(m->links, writer_result(&proof));
    writer_deinit(&proof);
    return status;
}

void membership_leave_behind(struct membership *m, struct bytes body)
{
    struct body_recover recover;
    CHECK(body_recover_decode(body, &recover) == RSM_OK);
    LOG(LOG_ERROR, "left-behind", LOG_U64("replica", recover.statement.replica),
        LOG_U64("epoch", recover.statement.epoch), LOG_U64("from", recover.statement.slot),
        LOG_TEXT("text", "persons have signed that this replica goes on without this disk: wipe "
                         "it, or stop that one and remove the file left-behind"));
    m->left_by = blob_new(body);
    m->version = 0; /* the links are to know */
    node_leave_behind(m->node, recover.statement.slot);
}

enum rsm_status membership_follow(struct membership *m)
{
    struct member_config current, next;
    enum rsm_status status;
    if (!is_due(m, &status) || status != RSM_OK)
        return status;
    status = machine_members(node_state(m->node), m->genesis, &current, &next);
    if (status != RSM_OK)
        return status;
    if (node_is_recovering(m->node) || node_is_left_behind(m->node))
        be_alone(m, &current, &next);
    status = tell_others(m);
    if (status != RSM_OK)
        return status;
    bool is_next = next.version != 0;
    m->version = is_next ? next.version : current.version;
    m->next_slot = is_next ? next.effective_slot : 0;
    LOG(LOG_INFO, "members", LOG_U64("version", m->version),
        LOG_U64("effective", is_next ? next.effective_slot : current.effective_slot),
        LOG_U64("count", is_next ? next.count : current.count));
    status = pin(m, &current);
    if (status == RSM_OK && is_next)
        status = pin(m, &next);
    if (status != RSM_OK)
        return status;
    peer_links_set_members(m->links, &current, &next);
    peer_links_recheck(m->links);
    return RSM_OK;
}

/* ---- this process ---- */

enum rsm_status membership_check(const struct config *config, const struct genesis *genesis,
                                 const uint8_t key[RSM_PUBLIC_KEY_SIZE], const char **why_out)
{
    const struct genesis_member *self = genesis_member(genesis, config->node.self);
    if (config->join)
        return RSM_OK; /* the others know by the log whether it is one of them */
    *why_out = NULL;
    if (self == NULL)
        *why_out = "the genesis has no such replica (key `replica`); one that was added, or that "
                   "waits for it, needs join = yes";
    else if (memcmp(self->key, key, RSM_PUBLIC_KEY_SIZE) != 0)
        *why_out = "the genesis names another key for this replica; if it was added with this one, "
                   "it needs join = yes";
    return *why_out == NULL ? RSM_OK : RSM_WRONG_IDENTITY;
}

struct methods_self membership_self(const struct config *config, const struct genesis *genesis,
                                    const uint8_t *key, const struct data_dir *dir,
                                    const struct incarnations *peers, char *texts)
{
    const struct genesis_member *member = genesis_member(genesis, config->node.self);
    char *zone = texts;
    char *peer = zone + LIMIT_LABEL_SIZE + 1;
    char *client = peer + LIMIT_ADDRESS_SIZE + 1;
    if (config->join)
        member = NULL;
    snprintf(zone, LIMIT_LABEL_SIZE + 1, "%.*s", member != NULL ? (int)member->zone.size : 0,
             member != NULL ? (const char *)member->zone.data : "");
    snprintf(peer, LIMIT_ADDRESS_SIZE + 1, "%s", config->peer_listen);
    if (config->client_listen_count > 0)
        snprintf(client, LIMIT_ADDRESS_SIZE + 1, "%s", config->client_listen[0]);
    else
        snprintf(client, LIMIT_ADDRESS_SIZE + 1, "unix:%s", config->client_unix);
    if (member != NULL) {
        snprintf(peer, LIMIT_ADDRESS_SIZE + 1, "%.*s", (int)member->peer_address.size,
                 (const char *)member->peer_address.data);
        snprintf(client, LIMIT_ADDRESS_SIZE + 1, "%.*s", (int)member->client_address.size,
                 (const char *)member->client_address.data);
    }
    return (struct methods_self){
        .zone = config->zone != NULL ? config->zone : zone,
        .key = key,
        .peer_address = config->peer_address != NULL ? config->peer_address : peer,
        .client_address = config->client_address != NULL ? config->client_address : client,
        .dir = dir,
        .peers = peers};
}
