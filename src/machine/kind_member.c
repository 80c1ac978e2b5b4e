/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_member.c - adding, promoting, removing and moving replicas.
 *
 *     nobody --add--> learner --promote--> voter
 *     learner, voter --remove--> nobody       learner, voter --update--> the same, elsewhere
 *
 * Each makes a new configuration (members.h) out of the newest one, which must be in force: a
 * second change before that would have to be counted by three majorities at once, or by a wrong
 * one. A disk that was lost is a removal and an addition of the same id with another incarnation:
 * the old life's promises and votes are then nobody's.
 *
 * That a learner has caught up before it is promoted is no rule of the state (how far a replica is
 * stands in no log): the leader asks before it proposes.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/members.h"

static struct member *find(struct member_config *config, uint32_t id)
{
    for (uint32_t i = 0; i < config->count; i++)
        if (config->members[i].id == id)
            return &config->members[i];
    return NULL;
}

static void set_text(char *out, struct bytes text)
{
    memcpy(out, text.data, text.size); /* within the limits: body_check */
    out[text.size] = '\0';
}

/* Key and peer address are one member's alone; `own` is the one that is changed. */
static void check_unique(struct judge *j, const struct member_config *config, uint32_t own,
                         const struct body_member *body)
{
    for (uint32_t i = 0; i < config->count; i++) {
        const struct member *other = &config->members[i];
        if (other->id == own)
            continue;
        if (body->key != NULL && memcmp(other->key, body->key, sizeof other->key) == 0)
            judge_refuse(j, RSM_RULE_MEMBER_EXISTS, "the key is replica %u's", other->id);
        if (bytes_equal(bytes_of_string(other->peer_address), body->peer_address))
            judge_refuse(j, RSM_RULE_MEMBER_EXISTS, "peer address %s is replica %u's",
                         other->peer_address, other->id);
    }
}

/* An incarnation that any configuration ever had belongs to a disk that is gone. */
void member_check_incarnation(struct judge *j, uint32_t id, uint64_t incarnation)
{
    struct member_config past = {.version = UINT64_MAX};
    while (judge_found(j, members_below(j->kv, past.version, &past))) {
        const struct member *m = find(&past, id);
        if (m == NULL || m->incarnation != incarnation)
            continue;
        judge_refuse(j, RSM_RULE_INCARNATION_USED,
                     "replica %u had incarnation %" PRIu64 " in configuration %" PRIu64
                     "; a new data directory has a new one",
                     id, incarnation, past.version);
        return;
    }
}

/*
 * How the others are known today: a newcomer that took whom it meets first could take the wiped
 * disk of a member for the member, and the cluster's oldest promises for void. A member that has
 * rejoined since its addition has another incarnation than the one it was added with.
 */
static void take_known(struct judge *j, struct member_config *config, struct body_walk known)
{
    struct body_incarnation item;
    while (body_next_incarnation(&known, &item)) {
        struct member *m = find(config, item.id);
        if (m == NULL) {
            judge_refuse(j, RSM_RULE_MEMBER_UNKNOWN,
                         "replica %u, whose incarnation is given, is no member of configuration "
                         "%" PRIu64,
                         item.id, config->version);
            continue;
        }
        if (m->incarnation != item.incarnation)
            member_check_incarnation(j, item.id, item.incarnation);
        m->incarnation = item.incarnation;
    }
}

static void add(struct judge *j, struct member_config *config, const struct body_member *body)
{
    if (find(config, body->id) != NULL) {
        judge_refuse(j, RSM_RULE_MEMBER_EXISTS, "replica %u is a member of configuration %" PRIu64,
                     body->id, config->version);
        return;
    }
    check_unique(j, config, 0, body);
    member_check_incarnation(j, body->id, body->incarnation);
    if (config->count == LIMIT_REPLICAS) {
        judge_refuse(j, RSM_RULE_QUOTA, "a cluster has at most %u replicas", LIMIT_REPLICAS);
        return;
    }
    uint32_t place = config->count++;
    for (; place > 0 && config->members[place - 1].id > body->id; place--)
        config->members[place] = config->members[place - 1];
    struct member *m = &config->members[place];
    *m = (struct member){.id = body->id, .incarnation = body->incarnation};
    memcpy(m->key, body->key, sizeof m->key);
    set_text(m->zone, body->zone);
    set_text(m->peer_address, body->peer_address);
    set_text(m->client_address, body->client_address);
}

static void promote(struct judge *j, struct member *m)
{
    if (m->voter)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "replica %u is a voter already", m->id);
    m->voter = true;
}

static void remove_member(struct judge *j, struct member_config *config, struct member *m)
{
    uint32_t voters = 0;
    for (uint32_t i = 0; i < config->count; i++)
        voters += config->members[i].voter ? 1 : 0;
    if (m->voter && voters == 1)
        judge_refuse(j, RSM_RULE_LAST_VOTER,
                     "replica %u is the only voter of configuration %" PRIu64, m->id,
                     config->version);
    uint32_t place = (uint32_t)(m - config->members);
    config->count--;
    memmove(m, m + 1, (config->count - place) * sizeof *m);
}

static void update(struct judge *j, const struct member_config *config, struct member *m,
                   const struct body_member *body)
{
    if (bytes_equal(bytes_of_string(m->zone), body->zone) &&
        bytes_equal(bytes_of_string(m->peer_address), body->peer_address) &&
        bytes_equal(bytes_of_string(m->client_address), body->client_address))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "replica %u is there already", m->id);
    check_unique(j, config, m->id, body);
    set_text(m->zone, body->zone);
    set_text(m->peer_address, body->peer_address);
    set_text(m->client_address, body->client_address);
}

static void change(struct judge *j, struct member_config *config, const struct body_member *body)
{
    take_known(j, config, body->known);
    struct member *m = find(config, body->id);
    if (j->command->kind == RSM_KIND_MEMBER_ADD)
        add(j, config, body);
    else if (m == NULL)
        judge_refuse(j, RSM_RULE_MEMBER_UNKNOWN,
                     "replica %u is no member of configuration %" PRIu64, body->id,
                     config->version);
    else if (j->command->kind == RSM_KIND_MEMBER_PROMOTE)
        promote(j, m);
    else if (j->command->kind == RSM_KIND_MEMBER_REMOVE)
        remove_member(j, config, m);
    else
        update(j, config, m, body);
}

void member_write(struct judge *j, const struct member_config *config)
{
    struct machine *m = j->m;
    uint8_t key[8];
    put_u64(key, config->version);
    writer_reset(&m->value);
    members_encode(&m->value, config);
    judge_put_writer(j, TABLE_MEMBER, bytes_make(key, sizeof key), &m->value);
    object_write(j, OBJECT_MEMBERS, (struct bytes){NULL, 0});
    writer_reset(&m->result);
    pack_map(&m->result, 2);
    pack_text(&m->result, "effective_slot");
    pack_uint(&m->result, config->effective_slot);
    pack_text(&m->result, "version");
    pack_uint(&m->result, config->version);
}

void kind_member(struct judge *j)
{
    struct body_member body;
    struct member_config config;
    enum rsm_status status = body_member_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    rule_rights_general(j);
    rule_freeze(j, (struct bytes){NULL, 0});
    rule_causal_object(j, OBJECT_MEMBERS, (struct bytes){NULL, 0}, "members");
    if (!judge_found(j, members_below(j->kv, UINT64_MAX, &config))) {
        judge_refuse(j, RSM_RULE_MEMBER_UNKNOWN, "the state names no members");
        return;
    }
    if (config.effective_slot > j->slot && !MUTANT(MEMBER_TWO_CHANGES))
        judge_refuse(j, RSM_RULE_MEMBER_CHANGE_PENDING,
                     "configuration %" PRIu64 " is in force from slot %" PRIu64
                     " on, this is slot %" PRIu64,
                     config.version, config.effective_slot, j->slot);
    change(j, &config, &body);
    config.version++;
    config.effective_slot = j->slot + (MUTANT(MEMBER_AT_ONCE) ? 1 : MEMBER_DISTANCE);
    member_write(j, &config);
}
