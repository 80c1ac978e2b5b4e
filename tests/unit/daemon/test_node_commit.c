/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_node_commit.c - when what is applied goes to the store: by time, by bytes, by rows. */
#include <criterion/criterion.h>

#include "src/base/mem.h"
#include "tests/lib/node_rig.h"

#define NEVER_MS 100000000u
#define ROWS 64u

static void on_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    uint64_t *done = context;
    (void)token;
    cr_assert_eq(outcome->status, RSM_OK);
    ++*done;
}

static void open_pair(struct node_pair *pair, uint64_t *done, uint32_t bytes, uint32_t rows)
{
    struct node_config config;
    node_config_default(&config);
    config.store_commit_ms = NEVER_MS;
    config.submit_timeout_ms = NEVER_MS;
    config.store_commit_bytes = bytes;
    config.store_commit_rows = rows;
    pair->submitted = on_submitted;
    pair->context = done;
    node_pair_open(pair, &config);
}

/* Commits of the leader's store while so many commands were applied, one after the other. */
static uint64_t commits_of(uint32_t bytes, uint32_t rows, uint64_t commands)
{
    struct node_pair *pair = mem_alloc(sizeof *pair);
    uint64_t done = 0;
    open_pair(pair, &done, bytes, rows);
    uint64_t before = pair->leader->commit_calls;
    for (uint64_t i = 1; i <= commands; i++) {
        node_pair_submit_role(pair->leader, i);
        node_pair_turns(pair, 2);
    }
    uint64_t commits = pair->leader->commit_calls - before;
    cr_assert_eq(done, commands);
    node_pair_close(pair);
    mem_free(pair);
    return commits;
}

/* Few bytes in many rows are many pages of a large store: rows alone make a commit due, too. */
Test(node_commit, bytes_or_rows_make_one_due)
{
    enum { COMMANDS = 60 };
    cr_assert_eq(commits_of(UINT32_MAX, UINT32_MAX, COMMANDS), 0);
    uint64_t each = commits_of(UINT32_MAX, 1, COMMANDS);
    cr_assert_geq(each, COMMANDS, "a row is enough: a commit for each command");
    uint64_t some = commits_of(UINT32_MAX, ROWS, COMMANDS);
    cr_assert(some >= 2 && some < COMMANDS / 2, "%u rows at a time: %u commits", ROWS,
              (unsigned)some);
    cr_assert_geq(commits_of(4096, UINT32_MAX, COMMANDS), 2, "bytes as before");
}

/* A store that is slower than what comes bounds what comes, and not the memory of the leader. */
Test(node_commit, a_leader_waits_for_a_slow_store)
{
    enum { COMMANDS = 200 };
    struct node_pair *pair = mem_alloc(sizeof *pair);
    uint64_t done = 0;
    open_pair(pair, &done, UINT32_MAX, ROWS);
    pair->leader->holds_commits = true;
    for (uint64_t i = 1; i <= COMMANDS; i++) {
        node_pair_submit_role(pair->leader, i);
        node_pair_turns(pair, 2);
    }
    uint64_t done_meanwhile = done;
    cr_assert(done_meanwhile > 0 && done_meanwhile < COMMANDS / 2, "%u", (unsigned)done_meanwhile);
    node_pair_turns(pair, 50);
    cr_assert_eq(done, done_meanwhile, "as long as the commit takes");
    pair->leader->holds_commits = false;
    node_pair_turns(pair, 200);
    cr_assert_eq(done, COMMANDS, "nobody is forgotten");
    node_pair_close(pair);
    mem_free(pair);
}

/* A follower with a slow store: the two others go on, and what it has in memory stays bounded. */
Test(node_commit, a_follower_does_not_apply_what_its_store_cannot_take)
{
    enum { COMMANDS = 400 };
    struct node_config config;
    node_config_default(&config);
    config.store_commit_ms = NODE_RIG_NEVER_MS;
    config.store_commit_rows = ROWS;
    struct node_rig *r = node_rig_open(3, &config);
    r->other->holds_commits = true;
    node_rig_commit(r, COMMANDS, 20);
    uint64_t slow = node_pair_status(r->other).applied;
    uint64_t all = node_pair_status(r->leader).applied;
    cr_assert_eq(r->done, COMMANDS, "nobody waits for it");
    cr_assert(slow > 1 && slow < all / 2, "%lu of %lu", slow, all);
    node_rig_commit(r, 50, 20);
    cr_assert_eq(node_pair_status(r->other).applied, slow, "as long as the commit takes");
    r->other->holds_commits = false;
    node_pair_turns(&r->pair, 200);
    cr_assert_eq(node_pair_status(r->other).applied, node_pair_status(r->leader).applied);
    cr_assert_eq(node_pair_status(r->other).entry_head[0],
                 node_pair_status(r->leader).entry_head[0]);
    node_rig_close(r);
}
