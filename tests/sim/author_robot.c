/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * author_robot.c - automata among the authors, and an administrator who freezes them, brings them
 * back, and changes the policy under all of them. They have budgets, and keep off what others own;
 * so their commands may be refused, each for its reason and everywhere the same.
 */
#include "tests/sim/sim_node.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/query.h"
#include "tests/sim/author_root.h"

#define FREEZE "automation"

bool author_is_robot(const struct node_cluster *c, uint32_t index)
{
    return c->options.robots && index >= 2 && index % 2 == 0;
}

void robot_role(const struct node_cluster *c, struct rsm_buffer *body)
{
    struct rsm_grant grants[LIMIT_GRANTS_PER_ROLE];
    static const char *const verbs[] = {"zone.create", "zone.label", "rrset.*"};
    size_t count = 0;
    grants[count++] = (struct rsm_grant){.verb = rsm_text("service.*")};
    for (uint32_t i = 1; i < c->options.author_count; i++)
        for (size_t k = 0; k < sizeof(verbs) / sizeof(*verbs); k++)
            grants[count++] = (struct rsm_grant){
                .verb = rsm_text(verbs[k]),
                .zone = author_zone(c, i),
                .class_most = c->options.robots_standard ? RSM_CLASS_STANDARD : (enum rsm_class)0};
    CHECK(rsm_body_role_set(rsm_text("robots"), grants, count, body) == RSM_OK);
}

void robot_principal(const struct node_cluster *c, uint32_t index, const char *name,
                     struct rsm_bytes key, bool has_root, struct rsm_buffer *body)
{
    /* Ten commands a second for long, bursts of thirty. */
    static const struct rsm_budget budget[RSM_BUDGETS] = {{30, 36000}, {60, 72000}, {0, 0}, {0, 0}};
    bool is_robot = author_is_robot(c, index);
    const struct rsm_bytes roles[] = {rsm_text(is_robot ? "robots" : "admin"), rsm_text("root")};
    const char *person = rsm_key_name(author_key(c, root_person(index)));
    CHECK(rsm_body_principal_set(rsm_text(name),
                                 is_robot ? RSM_PRINCIPAL_AUTOMATON : RSM_PRINCIPAL_PERSON,
                                 rsm_text(is_robot ? "" : person),
                                 rsm_text(!is_robot        ? ""
                                          : index % 4 == 0 ? "us-east-1a"
                                                           : "us-west-2b"),
                                 &key, 1, roles, has_root && !is_robot ? 2 : 1,
                                 is_robot ? budget : NULL, body) == RSM_OK);
}

/* So many record sets of a zone by all automata in a minute. */
static void pack_limits(struct writer *map, uint64_t count)
{
    pack_text(map, "limits");
    pack_array(map, 1);
    pack_array(map, 10);
    pack_text(map, "few");
    pack_text(map, "automata");
    pack_uint(map, 7); /* add, alter, delete */
    pack_bin(map, bytes_make(NULL, 0));
    pack_text(map, "");
    pack_text(map, "");
    pack_uint(map, count);
    pack_uint(map, 0);
    pack_uint(map, 60000);
    pack_uint(map, 0);
}

static void policy(struct sim *sim, struct rsm_buffer *body)
{
    static const struct {
        const char *name;
        uint64_t first, last;
    } numbers[] = {{"flips_max", 0, 3},          {"object_changes_per_hour", 0, 20},
                   {"ownership", 0, 1},          {"resume_commands", 1, 20},
                   {"resume_refused_max", 0, 5}, {"resume_watch_ms", 1000, 2000},
                   {"rrset_records_max", 1, 9}};
    size_t i = (size_t)sim_range(sim, 0, sizeof(numbers) / sizeof(*numbers));
    struct writer map;
    writer_init(&map, 200);
    pack_map(&map, 1);
    if (i < sizeof(numbers) / sizeof(*numbers)) {
        pack_text(&map, numbers[i].name);
        pack_uint(&map, sim_range(sim, numbers[i].first, numbers[i].last));
    } else {
        pack_limits(&map, sim_range(sim, 5, 60));
    }
    CHECK(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, body) == RSM_OK);
    writer_deinit(&map);
}

enum rsm_kind robot_operation(struct node_cluster *c, uint32_t at, struct rsm_buffer *body)
{
    struct sim *sim = &c->sim;
    struct freeze_record freeze;
    struct rsm_bytes none = rsm_text(""), id = rsm_text(FREEZE);
    bool is_frozen = freeze_load(replica_state(c, at), bytes_of_string(FREEZE), &freeze) == RSM_OK;
    bool is_of_az = sim_chance(sim, 300000);
    if (sim_chance(sim, 300000)) {
        policy(sim, body);
        return RSM_KIND_POLICY_SET;
    }
    if (!is_frozen) {
        CHECK(rsm_body_freeze_set(id, is_of_az ? RSM_FREEZE_AZ : RSM_FREEZE_GLOBAL,
                                  is_of_az ? rsm_text("us-east-1a") : none, false, 0,
                                  body) == RSM_OK);
        return RSM_KIND_FREEZE_SET;
    }
    if (sim_chance(sim, 200000)) {
        CHECK(rsm_body_freeze_clear(id, body) == RSM_OK);
        return RSM_KIND_FREEZE_CLEAR;
    }
    CHECK(rsm_body_freeze_resume(id, is_of_az ? rsm_text("us-west-2b") : none,
                                 !is_of_az || sim_chance(sim, 500000), freeze.trips,
                                 body) == RSM_OK);
    return RSM_KIND_FREEZE_RESUME;
}
