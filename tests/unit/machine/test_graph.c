/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_graph.c - the graph of dependencies: its tables, its order, and what the rules see in it. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/prng.h"
#include "src/machine/graph.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define TYPE_MX 15u
#define TYPE_HTTPS 65u

/* ---- the tables alone ---- */

static struct kv *kv;
static struct graph *graph;

static void graph_set_up(void)
{
    kv = kv_mem_new();
    graph = graph_new();
}

static void graph_tear_down(void)
{
    graph_free(graph);
    kv_free(kv);
}

TestSuite(graph, .init = graph_set_up, .fini = graph_tear_down);

static uint64_t node(unsigned number)
{
    char text[16];
    struct key key;
    uint64_t id;
    (void)snprintf(text, sizeof text, "n%u", number);
    key_node_service(&key, bytes_of_string(text));
    cr_assert_eq(graph_node(kv, key_bytes(&key), true, &id), RSM_OK);
    return id;
}

static enum graph_order insert(uint64_t from, uint64_t to)
{
    enum graph_order order;
    struct graph_edge edge = {.from = from, .to = to, .class = EDGE_DECIDES};
    cr_assert_eq(graph_order(graph, kv, from, to, &order), RSM_OK);
    if (order == GRAPH_ORDERED)
        cr_assert_eq(graph_link(kv, &edge), RSM_OK);
    return order;
}

/* A self-loop, a cycle of two, and one through a longer way: the path is told. */
Test(graph, cycles_are_found_and_their_path_is_told)
{
    uint64_t a = node(1), b = node(2), c = node(3), d = node(4);
    cr_assert_eq(insert(a, a), GRAPH_CYCLE);
    cr_assert_eq(graph_path_count(graph), 1);
    cr_assert_eq(insert(a, b), GRAPH_ORDERED);
    cr_assert_eq(insert(b, a), GRAPH_CYCLE);
    cr_assert_eq(insert(c, d), GRAPH_ORDERED);
    cr_assert_eq(insert(b, c), GRAPH_ORDERED);
    cr_assert_eq(insert(d, a), GRAPH_CYCLE);
    cr_assert_eq(graph_path_count(graph), 4);
    cr_assert_eq(graph_path_at(graph, 0), a);
    cr_assert_eq(graph_path_at(graph, 1), b);
    cr_assert_eq(graph_path_at(graph, 3), d);
    struct graph_edge edge = {.from = b, .to = c, .class = EDGE_DECIDES};
    cr_assert_eq(graph_unlink(kv, &edge), RSM_OK);
    cr_assert_eq(insert(d, a), GRAPH_ORDERED);
    cr_assert_eq(insert(b, c), GRAPH_CYCLE);
}

/* Whether `to` is reached from `from`, by a plain search of a matrix. */
static bool reaches(bool edges[40][40], unsigned from, unsigned to)
{
    bool seen[40] = {false};
    unsigned queue[40], count = 0;
    queue[count++] = from;
    seen[from] = true;
    for (unsigned at = 0; at < count; at++) {
        for (unsigned next = 0; next < 40; next++) {
            if (!edges[queue[at]][next] || seen[next])
                continue;
            seen[next] = true;
            queue[count++] = next;
        }
    }
    return seen[to];
}

/* Random edges come and go: the order says of each exactly what a search from scratch says. */
Test(graph, agrees_with_a_search_from_scratch)
{
    static bool edges[40][40];
    uint64_t ids[40];
    struct prng prng;
    unsigned refused = 0;
    memset(edges, 0, sizeof edges);
    prng_init(&prng, 7);
    for (unsigned i = 0; i < 40; i++)
        ids[i] = node(i);
    for (unsigned step = 0; step < 4000; step++) {
        unsigned a = (unsigned)prng_below(&prng, 40), b = (unsigned)prng_below(&prng, 40);
        if (edges[a][b]) {
            struct graph_edge edge = {.from = ids[a], .to = ids[b], .class = EDGE_DECIDES};
            cr_assert_eq(graph_unlink(kv, &edge), RSM_OK);
            edges[a][b] = false;
            continue;
        }
        bool is_cycle = reaches(edges, b, a);
        cr_assert_eq(insert(ids[a], ids[b]), is_cycle ? GRAPH_CYCLE : GRAPH_ORDERED, "step %u",
                     step);
        edges[a][b] = !is_cycle;
        refused += is_cycle ? 1 : 0;
    }
    cr_assert_gt(refused, 300);
}

/* 5,000 nodes and 50,000 edges: an edge that is put in looks at few nodes, in the median at two.
 */
Test(graph, few_nodes_are_looked_at)
{
    enum { NODES = 5000, EDGES = 50000 };
    uint64_t *ids = calloc(NODES, sizeof *ids);
    uint64_t total = 0;
    unsigned at_once = 0;
    struct prng prng;
    prng_init(&prng, 3);
    for (unsigned i = 0; i < NODES; i++)
        ids[i] = node(i);
    for (unsigned i = 0; i < EDGES; i++) {
        uint64_t a = prng_below(&prng, NODES), b = prng_below(&prng, NODES);
        uint64_t before = graph_visits(graph);
        if (a == b || insert(ids[a < b ? a : b], ids[a < b ? b : a]) != GRAPH_ORDERED)
            continue;
        total += graph_visits(graph) - before;
        at_once += graph_visits(graph) - before <= 2 ? 1 : 0;
    }
    cr_assert_gt(at_once, EDGES / 2);
    cr_assert_lt(total / EDGES, 400, "%llu nodes an edge", (unsigned long long)(total / EDGES));
    free(ids);
}

/* ---- the rules ---- */

static struct world *w;
static struct actor *root_actor;

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("a.b.example.", 3, 1)};
    w = world_new();
    root_actor = &w->actors[0];
    cr_assert(actor_do(root_actor, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 2)), "%s",
              world_words(w));
    cr_assert(actor_do(root_actor, RSM_KIND_ZONE_CREATE, body_zone("other.", 1, NULL, 0)), "%s",
              world_words(w));
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(dangling, .init = set_up, .fini = tear_down);

static bool do_changes(const char *zone, struct rsm_change *changes, size_t count)
{
    return actor_do(root_actor, RSM_KIND_RRSET_CHANGE, body_change(zone, changes, count));
}

static bool do_change(const char *zone, struct rsm_change change)
{
    return do_changes(zone, &change, 1);
}

static void expect_dangling(bool applied, const char *evidence)
{
    cr_assert(!applied);
    cr_assert(world_refused_only(w, RSM_RULE_DANGLING), "%s", world_words(w));
    cr_assert(strstr(world_evidence(w, RSM_RULE_DANGLING), evidence) != NULL, "no '%s' in: %s",
              evidence, world_words(w));
}

/* A record of `prefix` octets and a name. */
static struct rsm_change change_pointer(const char *owner, uint16_t type, size_t prefix,
                                        const char *target)
{
    static uint8_t data[8][300];
    static struct rsm_bytes rdata[8];
    static unsigned next;
    unsigned at = next++ % 8;
    struct rsm_bytes name = wire(target);
    memset(data[at], 0, prefix);
    memcpy(data[at] + prefix, name.data, name.size);
    rdata[at] = (struct rsm_bytes){data[at], prefix + name.size};
    return (struct rsm_change){
        .owner = wire(owner), .type = type, .ttl = 60, .rdatas = &rdata[at], .rdata_count = 1};
}

/* Pointers to what is not there are refused, over zones as well; names of others are not judged. */
Test(dangling, where_a_change_points_to)
{
    expect_dangling(do_change("other.", change_name("a.other.", RR_TYPE_CNAME, "no.example.")),
                    "rrset a.other. CNAME -> no.example.");
    expect_dangling(do_change("other.", change_pointer("other.", TYPE_MX, 2, "no.example.")), "MX");
    expect_dangling(do_change("other.", change_name("a.other.", RR_TYPE_CNAME, "b.example.")),
                    "b.example."); /* it is there for a.b.example. alone */
    cr_assert(do_change("other.", change_name("d.other.", RR_TYPE_DNAME, "b.example.")), "%s",
              world_words(w));
    cr_assert(do_change("other.", change_name("c.other.", RR_TYPE_CNAME, "no.elsewhere.")));
    cr_assert(do_change("other.", change_name("e.other.", RR_TYPE_CNAME, "www.example.")));
    cr_assert(do_change("other.", change_name("f.other.", RR_TYPE_CNAME, "a.d.other.")), "%s",
              world_words(w));
    cr_assert(do_change("other.", change_pointer("other.", TYPE_MX, 2, ".")), "%s",
              world_words(w)); /* no mail: RFC 7505 */
}

/* What the same change set adds is there. */
Test(dangling, the_whole_change_set_counts)
{
    struct rsm_change set[] = {change_name("x.example.", RR_TYPE_CNAME, "y.example."),
                               change_a("y.example.", 7, 1)};
    cr_assert(do_changes(ZONE, set, 2), "%s", world_words(w));
    struct rsm_change gone[] = {change_a("x.example.", 0, 0), change_a("y.example.", 0, 0)};
    gone[0].type = RR_TYPE_CNAME;
    cr_assert(do_changes(ZONE, gone, 2), "%s", world_words(w));
    cr_assert(do_changes(ZONE, set, 2), "%s", world_words(w));
    /* The arrow turned round in one change set is no cycle. */
    struct rsm_change turned[] = {change_a("x.example.", 0, 0), change_a("y.example.", 0, 0),
                                  change_a("x.example.", 7, 1),
                                  change_name("y.example.", RR_TYPE_CNAME, "x.example.")};
    turned[0].type = RR_TYPE_CNAME;
    cr_assert(do_changes(ZONE, turned, 4), "%s", world_words(w));
}

/* Names that others point at do not go away under them. */
Test(dangling, who_points_at_what_goes)
{
    cr_assert(do_change("other.", change_name("a.other.", RR_TYPE_CNAME, "www.example.")));
    expect_dangling(do_change(ZONE, change_a("www.example.", 0, 0)),
                    "rrset a.other. CNAME -> www.example.");
    cr_assert(do_change(ZONE, change_a("www.example.", 5, 1)));
    cr_assert(do_change("other.", change_name("a.other.", RR_TYPE_CNAME, "www.elsewhere.")));
    cr_assert(do_change(ZONE, change_a("www.example.", 0, 0)), "%s", world_words(w));
}

/* A wildcard answers for names that nobody has; with it, or hidden by a name above, they go. */
Test(dangling, wildcards_answer_for_others)
{
    cr_assert(do_change(ZONE, change_a("*.w.example.", 5, 1)));
    cr_assert(do_change("other.", change_name("a.other.", RR_TYPE_CNAME, "x.y.w.example.")), "%s",
              world_words(w));
    expect_dangling(do_change(ZONE, change_a("*.w.example.", 0, 0)), "a.other. CNAME");
    expect_dangling(do_change(ZONE, change_a("y.w.example.", 3, 1)), "a.other. CNAME");
    cr_assert(do_change(ZONE, change_a("z.w.example.", 3, 1)), "%s", world_words(w));
}

/* A delegation needs an address for each name server below it; other targets are the child's. */
Test(dangling, glue)
{
    expect_dangling(do_change(ZONE, change_name("sub.example.", RR_TYPE_NS, "ns.sub.example.")),
                    "ns.sub.example.");
    struct rsm_change set[] = {change_name("sub.example.", RR_TYPE_NS, "ns.sub.example."),
                               change_a("ns.sub.example.", 9, 1)};
    cr_assert(do_changes(ZONE, set, 2), "%s", world_words(w));
    cr_assert(do_change("other.", change_name("a.other.", RR_TYPE_CNAME, "x.sub.example.")));
    expect_dangling(do_change(ZONE, change_a("ns.sub.example.", 0, 0)), "sub.example. NS");
    struct rsm_change gone = change_a("sub.example.", 0, 0);
    gone.type = RR_TYPE_NS;
    expect_dangling(do_change(ZONE, gone), "a.other. CNAME");
}

static size_t rows_of(enum table table)
{
    struct bytes key, value;
    struct key place = {.size = 0};
    size_t count = 0;
    while (kv_next(w->kv, (uint8_t)table, key_bytes(&place), count > 0, &key, &value) == RSM_OK) {
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        count++;
    }
    return count;
}

/* A zone does not go while others point into it; pointers from within go with it. */
Test(dangling, a_zone_that_goes)
{
    struct rsm_buffer body;
    cr_assert(do_change(ZONE, change_name("in.example.", RR_TYPE_CNAME, "www.example.")));
    cr_assert(do_change("other.", change_name("a.other.", RR_TYPE_CNAME, "www.example.")));
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    expect_dangling(actor_do(root_actor, RSM_KIND_ZONE_DELETE, body), "a.other. CNAME");
    struct rsm_change gone = change_a("a.other.", 0, 0);
    gone.type = RR_TYPE_CNAME;
    cr_assert(do_change("other.", gone));
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(actor_do(root_actor, RSM_KIND_ZONE_DELETE, body), "%s", world_words(w));
    /* Only the name server of other. is pointed at by now. */
    for (enum table table = TABLE_EDGE; table <= TABLE_EDGE_BACK; table++)
        cr_assert_eq(rows_of(table), 1, "table %d", (int)table);
    cr_assert_eq(rows_of(TABLE_NODE), 2);
    cr_assert_eq(rows_of(TABLE_NODE_ROW), 2);
}

/* Policy may let it pass; a cycle it never does. HTTPS in alias mode is followed like a CNAME. */
Test(dangling, policy_and_mixed_cycles)
{
    world_policy(w, "dangling_allowed", 1);
    cr_assert(do_change("other.", change_name("a.other.", RR_TYPE_CNAME, "no.example.")));
    cr_assert(do_change("other.", change_pointer("b.other.", TYPE_HTTPS, 2, "c.other.")), "%s",
              world_words(w));
    cr_assert(!do_change("other.", change_name("c.other.", RR_TYPE_CNAME, "b.other.")));
    cr_assert(world_refused_only(w, RSM_RULE_CYCLE), "%s", world_words(w));
    cr_assert_str_eq(world_evidence(w, RSM_RULE_CYCLE),
                     "dependencies lead back: c.other. -> b.other. -> c.other.");
    /* That two domains take each other's mail is none. */
    cr_assert(do_change("other.", change_pointer("other.", TYPE_MX, 2, "example.")));
    cr_assert(do_change(ZONE, change_pointer("example.", TYPE_MX, 2, "other.")), "%s",
              world_words(w));
}
