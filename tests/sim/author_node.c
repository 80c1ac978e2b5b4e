/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * author_node.c - authors of signed commands. The first is the administrator, who makes the others
 * principals; each of these creates a zone of its own and changes record sets in it, one command
 * after the other, with the same bytes again at another replica until the outcome is known. Some
 * write to names of the first author's zone as well, where they are in each other's way: then a
 * command may be refused, is withdrawn, and its counter is free; now and then the same bytes are
 * sent again first, and must get the same refusal. Clients die, and come back with
 * the same bytes.
 */
#include "tests/sim/sim_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rsm/body.h>
#include <rsm/change.h>
#include <rsm/command.h>
#include <rsm/setting.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/keyfile.h"
#include "src/command/pack.h"
#include "src/machine/logtable.h"
#include "src/machine/query.h"
#include "src/machine/verdict.h"
#include "tests/sim/author_root.h"

#define TYPE_A 1
#define TYPE_NS 2
#define TYPE_SOA 6
#define NAME_SIZE 32
#define AUTHORS_MAX 16
#define EFFECT_NAME_SIZE 24

struct author {
    struct node_cluster *cluster;
    uint32_t index;
    struct rsm_key *key;
    char name[16];
    uint8_t zone[NAME_SIZE]; /* wire form */
    size_t zone_size;
    uint64_t counter;      /* of the command under way, or the last one */
    uint32_t attempt;      /* signed anew so often */
    struct blob *envelope; /* under way; NULL: none */
    uint64_t token;        /* waited for; 0: none */
    uint32_t replica;
    bool reads;
    uint64_t floor;
    uint32_t asked;        /* how often the present bytes were handed in */
    uint64_t refused_slot; /* of the present bytes, which are sent again all the same; 0: not yet */
    bool skips;            /* the present command leaves a counter out: it must be refused */
    bool is_shared;        /* the command under way is for the zone of all */
    bool is_critical;      /* and asks for a higher class */
    bool is_member;        /* or changes the members */
    bool is_operation;     /* of the administrator: freezes, the policy */
    bool is_update;        /* as dynamic updates come: of names that nobody else writes */
    bool is_service;       /* sets one of its services, or deletes it: others may need it */
    bool is_label;         /* labels its zone */
    bool is_approval;      /* approves a change that waits for the root role: its digest */
    uint8_t approved[HASH_SIZE];
    bool is_raced; /* other bytes with its counter are on their way, and may be first */
    uint64_t lamport;
    uint64_t *done; /* by counter: the slot that was told; 0: none */
    uint64_t done_capacity;
    uint64_t done_last;
    uint8_t read_owner[NAME_SIZE + 3];
};

static void author_next(void *context, void *argument);

static void author_later(struct author *a)
{
    struct node_cluster *c = a->cluster;
    a->token = 0;
    a->reads = false;
    sim_after(&c->sim, sim_range(&c->sim, 1, c->options.think_us_max), author_next, NULL, a, NULL);
}

/* ------------------------------------------------------------------------------------------- */
/* Commands */

/* Behind the policy and the automata's role. */
#define FIRST_PRINCIPAL 3u

static void body_of_principal(struct author *admin, struct rsm_buffer *body)
{
    uint32_t index = (uint32_t)(admin->counter - FIRST_PRINCIPAL + 1);
    const struct author *a = &admin->cluster->authors[index];
    robot_principal(admin->cluster, index, a->name,
                    rsm_bytes_make(rsm_key_public(a->key), RSM_PUBLIC_KEY_SIZE),
                    admin->cluster->options.root && index % 4 != 0, body);
}

static bool has_made_all(const struct author *admin)
{
    return admin->counter + 1 >= FIRST_PRINCIPAL + admin->cluster->options.author_count - 1;
}

/* The administrator's first: how long changes wait, and for whom. */
static void body_of_policy(const struct author *admin, struct rsm_buffer *body)
{
    const struct node_options *o = &admin->cluster->options;
    struct writer map;
    writer_init(&map, 256);
    pack_map(&map, o->labels ? 3 : 2);
    if (o->labels)
        plane_pack_classes(&map);
    pack_text(&map, "critical_deadline_ms");
    pack_uint(&map, o->critical_ms);
    pack_text(&map, "vote_zones_least");
    pack_uint(&map, o->zones_least);
    CHECK(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, body) == RSM_OK);
    writer_deinit(&map);
}

static void body_of_zone(const struct author *a, struct rsm_buffer *body)
{
    uint8_t soa[2 * NAME_SIZE + 20] = {0};
    memcpy(soa, a->zone, a->zone_size);
    memcpy(soa + a->zone_size, a->zone, a->zone_size);
    for (size_t i = 0; i < 5; i++)
        put_u32(soa + 2 * a->zone_size + 4 * i, i == 0 ? 1 : 3600);
    struct rsm_bytes zone = rsm_bytes_make(a->zone, a->zone_size);
    struct rsm_bytes soa_data = rsm_bytes_make(soa, 2 * a->zone_size + 20);
    uint8_t server[NAME_SIZE + 3] = {2, 'n', 's'};
    memcpy(server + 3, a->zone, a->zone_size);
    struct rsm_bytes ns_data = rsm_bytes_make(server, a->zone_size + 3);
    uint8_t address[4] = {192, 0, 2, 1};
    struct rsm_bytes a_data = rsm_bytes_make(address, 4);
    struct rsm_change changes[] = {
        {.owner = zone, .type = TYPE_SOA, .ttl = 3600, .rdatas = &soa_data, .rdata_count = 1},
        {.owner = zone, .type = TYPE_NS, .ttl = 3600, .rdatas = &ns_data, .rdata_count = 1},
        {.owner = ns_data, .type = TYPE_A, .ttl = 3600, .rdatas = &a_data, .rdata_count = 1},
    };
    CHECK(rsm_body_zone_create(zone, NULL, 0, changes, 3, body) == RSM_OK);
}

static void body_of_change(const struct author *a, struct rsm_buffer *body)
{
    const struct author *first = &a->cluster->authors[1];
    const uint8_t *zone = a->is_shared ? first->zone : a->zone;
    uint8_t owner[NAME_SIZE + 3] = {2, a->is_shared ? 'x' : a->is_critical ? 'c' : 'w', 0};
    uint8_t address[4];
    owner[2] = (uint8_t)('a' + a->counter % (a->is_shared ? 2 : 5));
    memcpy(owner + 3, zone, a->zone_size);
    /* Every value is unique. */
    put_u32(address, (UINT32_C(10) << 24) | (a->index << 20) |
                         ((uint32_t)(a->counter & 0xfff) << 8) | (a->attempt & 0xff));
    struct rsm_bytes rdata = rsm_bytes_make(address, 4);
    struct rsm_change changes[2] = {{.owner = rsm_bytes_make(owner, a->zone_size + 3),
                                     .type = TYPE_A,
                                     .ttl = 300,
                                     .rdatas = &rdata,
                                     .rdata_count = 1}};
    /* In the zone of all, two sets at once: both or none. */
    uint8_t second[NAME_SIZE + 3];
    memcpy(second, owner, sizeof(second));
    second[2] = owner[2] == 'a' ? 'b' : 'a';
    changes[1] = changes[0];
    changes[1].owner = rsm_bytes_make(second, a->zone_size + 3);
    bool both = a->is_shared && a->counter % 2 == 0;
    if (both && owner[2] == 'b') { /* in the order of names */
        struct rsm_change first_change = changes[1];
        changes[1] = changes[0];
        changes[0] = first_change;
    }
    CHECK(rsm_body_rrset_change(rsm_bytes_make(zone, a->zone_size), changes, both ? 2 : 1, body) ==
          RSM_OK);
    if (!a->is_critical)
        return;
    struct rsm_buffer inner = *body;
    CHECK(rsm_body_change_request(RSM_CLASS_CRITICAL, NULL, 0, "rrset.change",
                                  rsm_buffer_bytes(&inner), body) == RSM_OK);
    rsm_buffer_free(&inner);
}

/* In its own zone now and then a setting, another one each time; else a change of records. */
static enum rsm_kind body_of_own(const struct author *a, struct rsm_buffer *body)
{
    if (a->is_shared || a->is_critical || a->counter % 9 != 5) {
        body_of_change(a, body);
        return a->is_critical ? RSM_KIND_CHANGE_REQUEST : RSM_KIND_RRSET_CHANGE;
    }
    struct rsm_zone_setting settings[] = {{RSM_SETTING_PUBLISH_MS, a->counter % RSM_PUBLISH_MS_MAX},
                                          {RSM_SETTING_ZONEMD, a->counter / 9 % 2}};
    CHECK(rsm_body_zone_set(rsm_bytes_make(a->zone, a->zone_size), settings, 2, body) == RSM_OK);
    return RSM_KIND_ZONE_SET;
}

/* What changes that waited wrote, as the replica that is asked knows it. */
static size_t see_effects(struct author *a, struct rsm_event *seen,
                          char names[AUTHORS_MAX][EFFECT_NAME_SIZE])
{
    struct node_cluster *c = a->cluster;
    struct query_clock clock;
    size_t count = 0;
    for (uint32_t i = 0; i < c->options.author_count; i++) {
        snprintf(names[i], EFFECT_NAME_SIZE, "effect:%s", c->authors[i].name);
        if (query_clock(replica_state(c, a->replica), bytes_of_string(names[i]), &clock) !=
                RSM_OK ||
            clock.counter == 0)
            continue;
        seen[count++] = (struct rsm_event){rsm_text(names[i]), clock.counter};
        if (clock.lamport_highest >= a->lamport)
            a->lamport = clock.lamport_highest + 1;
    }
    return count;
}

/* What the author has seen: its own commands, and for the zone of all what others were told. */
static size_t author_clock(struct author *a, struct rsm_event seen[2 * AUTHORS_MAX],
                           char names[AUTHORS_MAX][EFFECT_NAME_SIZE])
{
    struct node_cluster *c = a->cluster;
    size_t count = 0;
    /* Above its own last one as well, of which it may never have heard again. */
    a->lamport = (c->lamport_highest > a->lamport ? c->lamport_highest : a->lamport) + 1;
    if (a->counter > 1)
        seen[count++] = (struct rsm_event){rsm_text(a->name), a->counter - 1};
    if (a->is_shared && sim_chance(&c->sim, 150000))
        return count; /* it did not look at what others have written meanwhile */
    for (uint32_t i = 0;
         (a->is_shared || a->is_member || a->is_operation) && i < c->options.author_count; i++) {
        if (i != a->index && c->authors[i].done_last > 0)
            seen[count++] =
                (struct rsm_event){rsm_text(c->authors[i].name), c->authors[i].done_last};
    }
    if (a->is_shared || a->is_critical || c->options.labels || (a->is_operation && c->options.root))
        count += see_effects(a, seen + count, names);
    return count;
}

static enum rsm_kind operation(struct node_cluster *c, uint32_t at, struct rsm_buffer *body)
{
    bool is_root = c->options.root && (!c->options.robots || sim_chance(&c->sim, 400000));
    return is_root ? root_operation(c, body) : robot_operation(c, at, body);
}

static struct blob *author_sign(struct author *a)
{
    struct rsm_buffer body;
    struct rsm_buffer command;
    struct rsm_buffer envelope;
    enum rsm_kind kind = RSM_KIND_RRSET_CHANGE;
    if (a->index == 0 && a->counter == 1) {
        kind = RSM_KIND_POLICY_SET;
        body_of_policy(a, &body);
    } else if (a->index == 0 && a->counter == 2) {
        kind = RSM_KIND_ROLE_SET;
        robot_role(a->cluster, &body);
    } else if (a->is_operation) {
        kind = operation(a->cluster, a->replica, &body);
        if (kind == RSM_KIND_FREEZE_RESUME)
            sim_mark(a->cluster, SIM_MARK_RESUME_BEGUN);
    } else if (a->index == 0) {
        kind = RSM_KIND_PRINCIPAL_SET;
        body_of_principal(a, &body);
    } else if (a->counter == 1) {
        kind = RSM_KIND_ZONE_CREATE;
        body_of_zone(a, &body);
    } else if (a->is_member) {
        kind = member_body(a->cluster, a->replica, &body);
    } else if (a->is_approval) {
        kind = RSM_KIND_CHANGE_APPROVE;
        root_approve(a->approved, &body);
    } else if (a->is_update) {
        kind = RSM_KIND_RRSET_UPDATE;
        plane_update(a->cluster, a->index, a->counter, &body);
    } else if (a->is_service) {
        kind = plane_service(a->cluster, a->index, &body);
    } else if (a->is_label) {
        kind = RSM_KIND_ZONE_LABEL;
        plane_label(a->cluster, a->index, &body);
    } else {
        kind = body_of_own(a, &body);
    }
    char reason[32];
    snprintf(reason, sizeof(reason), "attempt %u", a->attempt);
    struct rsm_event seen[2 * AUTHORS_MAX];
    char names[AUTHORS_MAX][EFFECT_NAME_SIZE];
    size_t seen_count = author_clock(a, seen, names);
    struct rsm_command c = {.id = {rsm_text(a->name), a->counter + (a->skips ? 1 : 0)},
                            .lamport = a->lamport,
                            .clock = seen,
                            .clock_count = seen_count,
                            .kind = kind,
                            .body = rsm_buffer_bytes(&body),
                            .reason = rsm_text(reason)};
    CHECK(rsm_command_encode(&c, &command) == RSM_OK);
    CHECK(rsm_command_sign(a->key, a->cluster->cluster_id, rsm_buffer_bytes(&command), &envelope) ==
          RSM_OK);
    struct rsm_bytes bytes = rsm_buffer_bytes(&envelope);
    struct blob *blob = blob_new(bytes_make(bytes.data, bytes.size));
    rsm_buffer_free(&body);
    rsm_buffer_free(&command);
    rsm_buffer_free(&envelope);
    return blob;
}

/* ------------------------------------------------------------------------------------------- */

/* Whoever is a person, and finds that something waits for the root role. */
static bool draw_approval(struct author *a)
{
    struct node_cluster *c = a->cluster;
    return c->options.root && a->index > 0 && a->counter > 1 && !a->is_member &&
           !author_is_robot(c, a->index) && sim_chance(&c->sim, 400000) &&
           root_find(c, a->replica, a->approved);
}

/* What is neither of the other kinds may be about a service or a label. */
static void draw_plane(struct author *a)
{
    struct node_cluster *c = a->cluster;
    bool is_free = !a->is_member && !a->is_approval && !a->is_critical && !a->is_shared &&
                   !a->is_update && a->index > 0 && a->counter > 1;
    a->is_service = is_free && sim_chance(&c->sim, c->options.plane_ppm);
    a->is_label = is_free && !a->is_service && c->options.labels && sim_chance(&c->sim, 150000);
}

static void author_next(void *context, void *argument)
{
    struct author *a = context;
    struct node_cluster *c = a->cluster;
    (void)argument;
    if (c->sim.failed || (c->stop && a->envelope == NULL))
        return;
    a->replica = (uint32_t)sim_range(&c->sim, 1, c->options.node_count);
    bool is_member = (member_all(c) & quorum_bit(a->replica)) != 0;
    if (!replica_is_up(c, a->replica) || replica_is_busy(c, a->replica) ||
        (!is_member && !sim_chance(&c->sim, 50000))) {
        author_later(a);
        return;
    }
    a->token = c->token_next++;
    if (a->envelope == NULL && sim_chance(&c->sim, c->options.read_ppm)) {
        const struct author *of = &c->authors[sim_range(&c->sim, 0, c->options.author_count - 1)];
        const uint8_t owner[3] = {2, sim_chance(&c->sim, 300000) ? 'x' : 'w',
                                  (uint8_t)('a' + sim_range(&c->sim, 0, 4))};
        memcpy(a->read_owner, owner, 3);
        memcpy(a->read_owner + 3, of->zone, of->zone_size);
        a->reads = true;
        a->floor = c->read_floor;
        replica_read(c, a->replica, a->token);
        return;
    }
    a->is_operation = a->envelope == NULL ? a->index == 0 && has_made_all(a) : a->is_operation;
    if (a->envelope == NULL && a->is_operation &&
        ((!c->options.robots && !c->options.root) || !sim_chance(&c->sim, 200000))) {
        author_later(a); /* the administrator has made all others */
        return;
    }
    if (a->envelope == NULL) {
        a->counter++;
        a->is_member = a->index > 0 && !author_is_robot(c, a->index) && a->counter > 1 &&
                       c->member_wish != NULL;
        a->is_approval = draw_approval(a);
        a->is_shared = !a->is_member && !a->is_approval && a->index > 1 && a->counter > 1 &&
                       c->authors[1].done_last > 0 && sim_chance(&c->sim, c->options.shared_ppm);
        a->is_critical = !a->is_member && !a->is_approval && a->index > 0 && a->counter > 1 &&
                         sim_chance(&c->sim, c->options.critical_ppm);
        a->is_update = !a->is_member && !a->is_approval && !a->is_critical && !a->is_shared &&
                       a->index > 0 && a->counter > 1 && sim_chance(&c->sim, c->options.update_ppm);
        draw_plane(a);
        a->skips = !a->is_member && !a->is_raced && a->index > 0 && a->counter > 1 &&
                   sim_chance(&c->sim, 30000);
        a->asked = 0;
        a->envelope = author_sign(a);
        audit_on_submitted(c->audit, blob_bytes(a->envelope));
    }
    sim_note(&c->sim, "%s submits %" PRIu64 " at %u", a->name, a->counter, a->replica);
    a->asked++;
    replica_submit(c, a->replica, a->token, a->envelope);
}

static struct author *author_of_token(struct node_cluster *c, uint64_t token)
{
    for (uint32_t i = 0; i < c->options.author_count; i++) {
        if (c->authors[i].token == token)
            return &c->authors[i];
    }
    return NULL;
}

static void author_drop(struct author *a)
{
    a->refused_slot = 0;
    blob_unref(a->envelope);
    a->envelope = NULL;
    author_later(a);
}

/* The command was never applied, and this author gives it up: its counter is free. */
static void author_withdraw(struct author *a)
{
    a->counter--;
    a->attempt++;
    author_drop(a);
}

/* Who meets others, or asks for what may not be; the recount tells whether it was right. */
static bool may_be_refused(const struct author *a, const struct verdict *v)
{
    const struct node_cluster *c = a->cluster;
    if (a->is_shared || a->is_member || a->is_operation || a->is_approval ||
        author_is_robot(c, a->index) || a->is_critical || a->skips || c->options.labels ||
        (a->counter == 1 && a->index > 0))
        return true;
    if (a->is_update)
        return verdict_names(v, RSM_RULE_PREREQ_NXRRSET) ||
               verdict_names(v, RSM_RULE_PREREQ_YXRRSET) ||
               verdict_names(v, RSM_RULE_PREREQ_NXDOMAIN) ||
               verdict_names(v, RSM_RULE_PREREQ_YXDOMAIN) ||
               (c->options.robots && verdict_names(v, RSM_RULE_QUOTA));
    return a->is_service &&
           (verdict_names(v, RSM_RULE_DANGLING) || verdict_names(v, RSM_RULE_CYCLE) ||
            verdict_names(v, RSM_RULE_NO_CHANGE));
}

/* The same bytes get the first verdict, whatever has become of the state since. */
static void author_refused(struct author *a, const struct node_outcome *outcome,
                           const struct verdict *verdict)
{
    struct node_cluster *c = a->cluster;
    char text[200];
    uint64_t slot = verdict_is_duplicate(verdict) ? verdict->first_slot : outcome->slot;
    sim_mark(c, SIM_MARK_REFUSED);
    if (a->is_raced && a->refused_slot == 0 && verdict_names(verdict, RSM_RULE_COUNTER_USED)) {
        sim_mark(c, SIM_MARK_RACE_LOST);
        a->is_raced = false;
        author_drop(a); /* the counter stands for those, and nobody was told where */
        return;
    }
    verdict_describe(verdict, text, sizeof(text));
    /* Whom the administrator has not made yet is refused: for good, so it signs other bytes. */
    if (author_is_robot(c, a->index))
        sim_mark(c, SIM_MARK_ROBOT_REFUSED);
    if (verdict_names(verdict, RSM_RULE_LIMIT) || verdict_names(verdict, RSM_RULE_BUDGET))
        sim_mark(c, SIM_MARK_ROBOT_LIMITED);
    if (a->is_update && (verdict_names(verdict, RSM_RULE_PREREQ_NXRRSET) ||
                         verdict_names(verdict, RSM_RULE_PREREQ_YXRRSET)))
        sim_mark(c, SIM_MARK_UPDATE_REFUSED);
    if (a->is_service &&
        (verdict_names(verdict, RSM_RULE_DANGLING) || verdict_names(verdict, RSM_RULE_CYCLE)))
        sim_mark(c, SIM_MARK_SERVICE_REFUSED);
    if (verdict_names(verdict, RSM_RULE_CLASS_GRANTED))
        sim_mark(c, SIM_MARK_ROBOT_CLASS);
    if (verdict_names(verdict, RSM_RULE_FROZEN) || verdict_names(verdict, RSM_RULE_RESUME_RATE))
        sim_mark(c, SIM_MARK_ROBOT_FROZEN);
    if (!may_be_refused(a, verdict))
        sim_fail(&c->sim, "a good command was refused: %s", text);
    if (a->refused_slot != 0 && a->refused_slot != slot)
        sim_fail(&c->sim, "I11: %s %" PRIu64 " was refused in slot %" PRIu64 ", and in %" PRIu64,
                 a->name, a->counter, a->refused_slot, slot);
    if (a->refused_slot == 0 && slot != 0 && !c->stop && sim_chance(&c->sim, 400000)) {
        sim_mark(c, SIM_MARK_REFUSED_AGAIN);
        a->refused_slot = slot;
        author_later(a);
        return;
    }
    author_withdraw(a);
}

static void author_acknowledge(struct author *a, const struct node_outcome *outcome)
{
    struct node_cluster *c = a->cluster;
    struct verdict verdict;
    if (verdict_at(outcome->verdicts, 0, &verdict) != RSM_OK ||
        verdict.counter != a->counter + (a->skips ? 1 : 0)) {
        sim_fail(&c->sim, "%s %" PRIu64 ": the outcome is another command's", a->name, a->counter);
        return;
    }
    if (verdict.kind == VERDICT_STAGED)
        sim_mark(c, SIM_MARK_CHANGE_STAGED);
    if (verdict.kind == VERDICT_STAGED && !a->is_critical)
        sim_mark(c, a->is_operation ? SIM_MARK_ROOT_ASKED : SIM_MARK_ZONE_CRITICAL);
    if (a->is_approval && verdict.kind == VERDICT_APPLIED)
        sim_mark(c, SIM_MARK_ROOT_APPROVED);
    if (verdict.kind == VERDICT_REFUSED) {
        author_refused(a, outcome, &verdict);
        return;
    }
    if (a->refused_slot != 0)
        sim_fail(&c->sim, "I11: %s %" PRIu64 " was refused in slot %" PRIu64 ", and is done now",
                 a->name, a->counter, a->refused_slot);
    if (verdict_is_duplicate(&verdict))
        sim_mark(c, SIM_MARK_DUPLICATE);
    uint64_t slot = verdict_is_duplicate(&verdict) ? verdict.first_slot : outcome->slot;
    sim_note(&c->sim, "%s %" PRIu64 " is in slot %" PRIu64, a->name, a->counter, slot);
    if (a->counter >= a->done_capacity) {
        uint64_t capacity = 2 * a->counter + 16;
        a->done = mem_realloc(a->done, capacity * sizeof(*a->done));
        memset(a->done + a->done_capacity, 0, (capacity - a->done_capacity) * sizeof(*a->done));
        a->done_capacity = capacity;
    }
    a->is_raced = false;
    if (a->is_update)
        sim_mark(c, SIM_MARK_UPDATE_APPLIED);
    if (a->is_service)
        sim_mark(c, SIM_MARK_SERVICE_SET);
    if (a->is_label)
        sim_mark(c, SIM_MARK_ZONE_LABELLED);
    a->done[a->counter] = slot;
    a->done_last = a->counter;
    if (a->skips)
        sim_fail(&c->sim, "I20: %s left counter %" PRIu64 " out, and was not refused", a->name,
                 a->counter);
    if (a->lamport > c->lamport_highest)
        c->lamport_highest = a->lamport;
    replica_judge_acknowledged(c, a->replica, slot);
    if (slot > c->acknowledged_last)
        c->acknowledged_last = slot;
    if (slot > c->read_floor)
        c->read_floor = slot;
    c->report->writes_acknowledged++;
    blob_unref(a->envelope);
    a->envelope = NULL;
    author_later(a);
}

/* It does not know what came of its command, and comes back without the bytes. */
static bool author_forgets(const struct author *a, const struct node_outcome *outcome)
{
    return outcome->status == RSM_OUTCOME_UNKNOWN && a->index > 0 && a->counter > 1 &&
           a->refused_slot == 0 && sim_chance(&a->cluster->sim, 50000);
}

void author_on_outcome(struct node_cluster *c, uint64_t token, const struct node_outcome *outcome)
{
    struct author *a = author_of_token(c, token);
    if (a == NULL && c->tokens_given_up > 0) {
        c->tokens_given_up--;
        c->status_last = outcome->status;
        return;
    }
    if (a == NULL || a->reads) {
        sim_fail(&c->sim, "an outcome that nobody waits for");
        return;
    }
    sim_note(&c->sim, "%s %" PRIu64 ": %s", a->name, a->counter, rsm_status_text(outcome->status));
    if (outcome->status == RSM_OUTCOME_UNKNOWN)
        sim_mark(c, SIM_MARK_OUTCOME_UNKNOWN);
    if (outcome->status == RSM_OK)
        author_acknowledge(a, outcome);
    else if (outcome->status == RSM_UNKNOWN_PRINCIPAL && c->stop)
        author_withdraw(a); /* the administrator has stopped before it came to this one */
    else if (a->asked == 1 && (outcome->status == RSM_NO_QUORUM || outcome->status == RSM_BUSY ||
                               outcome->status == RSM_NOT_READY)) {
        sim_mark(c, outcome->status == RSM_NOT_READY ? SIM_MARK_MEMBER_NOT_READY : SIM_MARK_DENIED);
        audit_on_denied(c->audit, blob_bytes(a->envelope));
        author_withdraw(a);
    } else if (outcome->status == RSM_NOT_READY || author_forgets(a, outcome)) {
        author_withdraw(a); /* an earlier try may be on its way: a race */
        a->is_raced = true;
    } else {
        author_later(a); /* the same bytes again, elsewhere */
    }
}

void author_on_read(struct node_cluster *c, uint32_t replica, uint64_t token,
                    enum rsm_status status)
{
    struct author *a = author_of_token(c, token);
    if (a == NULL && c->tokens_given_up > 0) {
        c->tokens_given_up--;
        return;
    }
    if (a == NULL || !a->reads) {
        sim_fail(&c->sim, "a read ends that nobody waits for");
        return;
    }
    if (status == RSM_OK) {
        uint64_t applied = replica_applied(c, replica);
        c->report->reads_confirmed++;
        if (applied < a->floor)
            sim_fail(&c->sim, "I12: a read at %u saw slot %" PRIu64 ", %" PRIu64 " was done",
                     replica, applied, a->floor);
        if (applied > c->read_floor)
            c->read_floor = applied;
        replica_judge_read(c, replica, bytes_make(a->read_owner + 3, a->zone_size),
                           bytes_make(a->read_owner, a->zone_size + 3));
    }
    author_later(a);
}

void author_die(struct node_cluster *c, uint64_t salt)
{
    struct author *a = &c->authors[salt % c->options.author_count];
    if (a->token == 0)
        return;
    sim_note(&c->sim, "the client of %s dies", a->name);
    sim_mark(c, SIM_MARK_CLIENT_DIED);
    c->tokens_given_up++;
    author_later(a);
}

void author_on_crash(struct node_cluster *c, uint32_t replica)
{
    for (uint32_t i = 0; i < c->options.author_count; i++) {
        struct author *a = &c->authors[i];
        if (a->token != 0 && a->replica == replica)
            author_later(a);
    }
}

bool author_is_idle(const struct node_cluster *c, uint32_t index)
{
    return c->authors[index].token == 0 && c->authors[index].envelope == NULL;
}

const struct rsm_key *author_key(const struct node_cluster *c, uint32_t index)
{
    return c->authors[index].key;
}

struct rsm_bytes author_zone(const struct node_cluster *c, uint32_t index)
{
    const struct author *a = &c->authors[index];
    return rsm_bytes_make(a->zone, a->zone_size);
}

size_t author_size(void)
{
    return sizeof(struct author);
}

void author_init(struct node_cluster *c, uint32_t index)
{
    struct author *a = &c->authors[index];
    uint8_t seed[KEYFILE_SEED_SIZE];
    a->cluster = c;
    a->index = index;
    memset(seed, (int)index + 1, sizeof(seed));
    snprintf(a->name, sizeof(a->name), index == 0 ? "admin" : "author%u", index);
    CHECK(key_from_seed(a->name, seed, &a->key) == RSM_OK);
    const uint8_t zone[] = {2, 'z', (uint8_t)('a' + index), 4, 't', 'e', 's', 't', 0};
    memcpy(a->zone, zone, sizeof(zone));
    a->zone_size = sizeof(zone);
    author_later(a);
}

void author_deinit(struct node_cluster *c, uint32_t index)
{
    struct author *a = &c->authors[index];
    blob_unref(a->envelope);
    rsm_key_free(a->key);
    mem_free(a->done);
}

void author_check_log(struct node_cluster *c)
{
    for (uint32_t i = 0; i < c->options.author_count; i++) {
        const struct author *a = &c->authors[i];
        for (uint64_t n = 1; n < a->done_capacity; n++) {
            uint64_t slot = recount_event(audit_recount(c->audit), bytes_of_string(a->name), n);
            if (a->done[n] != 0 && a->done[n] != slot)
                sim_fail(&c->sim,
                         "I11: %s %" PRIu64 " was told slot %" PRIu64
                         ", the log has it in %" PRIu64,
                         a->name, n, a->done[n], slot);
        }
    }
}
