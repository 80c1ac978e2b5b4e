/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * graph_main.c - how long an edge of the dependency graph takes to be checked and put in:
 * graph_main [NODES [EDGES [SEED]]]. Random edges of an acyclic graph whose order nobody tells it,
 * over an overlay as the daemon has it; prints quantiles of the last tenth, when the graph is full,
 * and what an edge costs that closes a cycle. `make graph-bench` runs it; no test judges its times.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "src/base/check.h"
#include "src/base/histogram.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/machine/graph.h"

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct bench {
    struct kv *below, *kv;
    struct graph *graph;
    uint64_t *ids;   /* of the nodes */
    uint32_t *order; /* a hidden order: edges go from lower to higher */
    uint64_t nodes;
    struct prng prng;
};

static void make_nodes(struct bench *b)
{
    for (uint64_t i = 0; i < b->nodes; i++) {
        char text[32];
        struct key key;
        int size = snprintf(text, sizeof text, "node-%" PRIu64, i);
        key_node_service(&key, bytes_make(text, (size_t)size));
        CHECK(graph_node(b->kv, key_bytes(&key), true, &b->ids[i]) == RSM_OK);
        b->order[i] = (uint32_t)i;
    }
    for (uint64_t i = b->nodes - 1; i > 0; i--) {
        uint64_t other = prng_below(&b->prng, i + 1);
        uint32_t swap = b->order[i];
        b->order[i] = b->order[other];
        b->order[other] = swap;
    }
}

/* A random edge, against the hidden order when `is_backward`; its time. */
static uint64_t put_one(struct bench *b, bool is_backward, enum graph_order *order_out)
{
    uint64_t x = prng_below(&b->prng, b->nodes);
    uint64_t y = prng_below(&b->prng, b->nodes);
    while (y == x)
        y = prng_below(&b->prng, b->nodes);
    bool swap = (b->order[x] > b->order[y]) != is_backward;
    struct graph_edge edge = {
        .from = b->ids[swap ? y : x], .to = b->ids[swap ? x : y], .class = EDGE_DECIDES};
    uint64_t begin = now_ns();
    CHECK(graph_order(b->graph, b->kv, edge.from, edge.to, order_out) == RSM_OK);
    if (*order_out == GRAPH_ORDERED && !is_backward)
        CHECK(graph_link(b->kv, &edge) == RSM_OK);
    uint64_t end = now_ns();
    if (kv_overlay_count(b->kv) > 20000)
        CHECK(kv_overlay_merge(b->kv, b->below) == RSM_OK);
    return end - begin;
}

static void print(const char *what, const struct histogram *h, uint64_t visits)
{
    printf("%-28s %8" PRIu64 "  median %8.1f us  p99 %9.1f us  max %9.1f us  %6.1f nodes each\n",
           what, h->count, (double)histogram_quantile_ns(h, 50000) / 1000.0,
           (double)histogram_quantile_ns(h, 99000) / 1000.0, (double)h->max_ns / 1000.0,
           h->count > 0 ? (double)visits / (double)h->count : 0.0);
}

static void run(struct bench *b, uint64_t edges)
{
    static struct histogram filling, full, closing;
    enum graph_order order;
    uint64_t visits = 0;
    for (uint64_t i = 0; i < edges; i++) {
        if (i == edges - edges / 10) {
            print("edges while it fills", &filling, graph_visits(b->graph) - visits);
            visits = graph_visits(b->graph);
        }
        uint64_t ns = put_one(b, false, &order);
        CHECK(order == GRAPH_ORDERED);
        histogram_add(i < edges - edges / 10 ? &filling : &full, ns);
    }
    print("the last tenth", &full, graph_visits(b->graph) - visits);
    visits = graph_visits(b->graph);
    for (int i = 0; i < 1000; i++) {
        uint64_t ns = put_one(b, true, &order);
        if (order == GRAPH_CYCLE)
            histogram_add(&closing, ns);
    }
    print("edges that close a cycle", &closing, graph_visits(b->graph) - visits);
}

int main(int count, char **arguments)
{
    struct bench b = {.nodes = count > 1 ? strtoull(arguments[1], NULL, 10) : 100000};
    uint64_t edges = count > 2 ? strtoull(arguments[2], NULL, 10) : 1000000;
    CHECK(b.nodes >= 2);
    prng_init(&b.prng, count > 3 ? strtoull(arguments[3], NULL, 10) : 1);
    b.below = kv_mem_new();
    b.kv = kv_overlay_new(b.below);
    b.graph = graph_new();
    b.ids = mem_alloc(b.nodes * sizeof *b.ids);
    b.order = mem_alloc(b.nodes * sizeof *b.order);
    make_nodes(&b);
    printf("%" PRIu64 " nodes, %" PRIu64 " edges\n", b.nodes, edges);
    run(&b, edges);
    mem_free(b.ids);
    mem_free(b.order);
    graph_free(b.graph);
    kv_free(b.kv);
    kv_free(b.below);
    return 0;
}
