/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_vote.c - what this replica says of a change that waits (docs/quorum.md).
 *
 * After slots were applied, and with each heartbeat: for every change that waits for votes, of
 * which this replica is a voter and has no vote in the state, it checks by itself and submits a
 * command of its own, "replica:N", signed with the key that it is a member with:
 *
 *   - the effect, made again in its own state, is the same if that state is still the one of the
 *     staging, and no rule is against it in the state as it is now;
 *   - its clock is near the others';
 *   - no alarm says that its disk or its state is doubtful.
 *
 * What it has voted stands in the state alone, nothing is remembered beside: after a crash a vote
 * that is not there is cast again. One is on its way at a time, for each has the next counter. Cast
 * twice all the same (it was on its way when the process ended), one of the two has the counter and
 * the row, and the other is refused.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rsm/body.h>
#include <rsm/change.h>
#include <rsm/command.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/members.h"
#include "src/machine/query.h"
#include "src/machine/staged.h"

/* Alarms with which a replica does not vouch for anything. */
#define UNHEALTHY                                                                                  \
    (NODE_ALARM_DIVERGED | NODE_ALARM_PEER_DIVERGED | NODE_ALARM_JOURNAL_DAMAGED |                 \
     NODE_ALARM_JOURNAL_UNCERTAIN | NODE_ALARM_DISK_LOW | NODE_ALARM_STATE_DAMAGED |               \
     NODE_ALARM_DISK_DAMAGED)

struct finding {
    bool yes;
    uint64_t slot; /* of the state that was looked at */
    uint8_t effect[HASH_SIZE];
    char why[LIMIT_REASON_SIZE + 1];
};

static void say_no(struct finding *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say_no(struct finding *f, const char *format, ...)
{
    va_list arguments;
    if (!f->yes)
        return; /* the first one is enough */
    f->yes = false;
    va_start(arguments, format);
    (void)vsnprintf(f->why, sizeof f->why, format, arguments);
    va_end(arguments);
}

static void check_health(struct node *n, struct finding *f)
{
    uint32_t bad = n->alarms & UNHEALTHY;
    if (bad != 0)
        say_no(f, "this replica has the alarm %s", node_alarm_name(bad & (~bad + 1)));
    uint64_t own = n->env.wall_ms(n->env.context);
    uint64_t all = node_clock_ms(n);
    uint64_t apart = own > all ? own - all : all - own;
    if (apart > n->config.clock_bound_ms)
        say_no(f, "this replica's clock is %" PRIu64 " ms from the others', more than %u", apart,
               n->config.clock_bound_ms);
}

/* The first reason, cut where a character ends. */
static void quote(struct finding *f, const struct reasons *why)
{
    struct reader r = reader_make(writer_result(&why->bytes));
    uint32_t rule;
    struct bytes evidence;
    if (!verdict_reason_next(&r, &rule, &evidence))
        return;
    size_t size = evidence.size < 800 ? evidence.size : 800;
    while (size > 0 && size < evidence.size && (evidence.data[size] & 0xc0) == 0x80)
        size--;
    say_no(f, "%s: %.*s", rsm_rule_id(rule), (int)size, (const char *)evidence.data);
}

static enum rsm_status check(struct node *n, const uint8_t digest[HASH_SIZE], uint64_t staged_slot,
                             const uint8_t basis[HASH_SIZE], struct finding *f)
{
    const struct reasons *why;
    *f = (struct finding){.yes = true, .slot = n->applied_slot, .why = "checked"};
    enum rsm_status status =
        machine_check_staged(n->machine, n->applied, digest, n->log_time_ms, f->effect, &why);
    if (status != RSM_OK)
        return status;
    quote(f, why);
    if (n->applied_slot == staged_slot && memcmp(f->effect, basis, HASH_SIZE) != 0)
        say_no(f, "the effect is another one when it is made again");
    check_health(n, f);
    return RSM_OK;
}

/* False: not now. */
static bool cast(struct node *n, const uint8_t digest[HASH_SIZE], const struct staged_record *row)
{
    struct finding finding;
    uint8_t basis[HASH_SIZE];
    uint8_t name[LIMIT_PRINCIPAL_SIZE];
    struct rsm_buffer body;
    memcpy(basis, row->basis, HASH_SIZE); /* the row is gone with the next read */
    memcpy(name, row->author.data, row->author.size);
    struct rsm_event change = {{name, row->author.size}, row->counter};
    enum rsm_status status = check(n, digest, row->slot, basis, &finding);
    if (status == RSM_DAMAGED) {
        node_on_damage(n);
        return false;
    }
    if (status != RSM_OK)
        return false;
    if (rsm_body_change_vote((struct rsm_bytes){digest, HASH_SIZE}, finding.yes, finding.slot,
                             (struct rsm_bytes){finding.effect, HASH_SIZE}, &body) != RSM_OK ||
        !own_submit(n, RSM_KIND_CHANGE_VOTE, &body, &change, finding.why))
        return false;
    LOG(LOG_INFO, "vote", LOG_TEXT("vote", finding.yes ? "yes" : "no"),
        LOG_TEXT("reason", finding.why), LOG_U64("slot", finding.slot));
    return true;
}

static bool is_wanted(struct node *n, const uint8_t digest[HASH_SIZE],
                      const struct staged_record *row)
{
    struct member_config config;
    struct vote_record vote;
    if (row->voting_ms == 0 || n->log_time_ms >= row->deadline_ms ||
        members_below(n->applied, row->members + 1, &config) != RSM_OK)
        return false;
    const struct member *m = member_config_find(&config, n->config.self);
    return m != NULL && m->voter &&
           vote_load(n->applied, digest, n->config.self, &vote) == RSM_NOT_FOUND;
}

void vote_when_due(struct node *n)
{
    struct key place = {.size = 0};
    uint8_t digest[HASH_SIZE];
    struct staged_record row;
    if (pending_count(n->applied) == 0 || node_is_doubtful(n) || !own_may_submit(n))
        return;
    while (pending_next(n->applied, &place, digest) == RSM_OK) {
        if (staged_load(n->applied, digest, &row) != RSM_OK)
            return;
        struct staged_record copy = row;
        if (is_wanted(n, digest, &copy) && staged_load(n->applied, digest, &row) == RSM_OK) {
            (void)cast(n, digest, &row);
            return;
        }
    }
}
