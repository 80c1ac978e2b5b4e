/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_lease.c - leases with fencing tokens, by log time.
 *
 *     free --acquire--> held (token = this slot) --renew--> held (same token, later end)
 *     held --its end in log time comes, or release--> free
 *
 * A token is never given twice and only grows, so that whoever looks at tokens in order shuts out a
 * holder that slept (Kleppmann, "How to do distributed locking", 2016). The holder of a running
 * lease may acquire it again, and gets a new token: it has lost the old one with its memory.
 */
#include "src/machine/judge.h"

#include <inttypes.h>

#include "src/base/check.h"
#include "src/command/pack.h"

static bool is_running(const struct judge *j, const struct lease_record *lease)
{
    return !lease->released && j->now_ms < lease->expires_ms;
}

static void check_ttl(struct judge *j, uint64_t ttl_ms)
{
    if (ttl_ms == 0 || ttl_ms > j->policy.lease_ms_max)
        judge_refuse(j, RSM_RULE_QUOTA, "a lease lasts 1 to %" PRIu64 " ms, not %" PRIu64,
                     j->policy.lease_ms_max, ttl_ms);
}

static void write(struct judge *j, struct bytes resource, const struct lease_record *lease)
{
    struct machine *m = j->m;
    writer_reset(&m->value);
    lease_encode(&m->value, lease);
    judge_put_writer(j, TABLE_LEASE, resource, &m->value);
    object_write(j, OBJECT_LEASE, resource);
    pack_map(&m->result, 2);
    pack_text(&m->result, "expires_ms");
    pack_uint(&m->result, lease->expires_ms);
    pack_text(&m->result, "token");
    pack_uint(&m->result, lease->token);
}

static struct body_lease begin(struct judge *j)
{
    struct body_lease body;
    enum rsm_status status = body_lease_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    rule_rights_general(j);
    rule_freeze(j, (struct bytes){NULL, 0});
    rule_causal_object(j, OBJECT_LEASE, body.resource, NULL);
    return body;
}

void kind_lease_acquire(struct judge *j)
{
    struct body_lease body = begin(j);
    check_ttl(j, body.ttl_ms);
    struct lease_record lease;
    bool is_there = judge_found(j, lease_load(j->kv, body.resource, &lease));
    if (is_there && is_running(j, &lease) && !bytes_equal(lease.holder, j->command->author))
        judge_refuse(j, RSM_RULE_LEASE_HELD,
                     "lease %.*s is held by %.*s under token %" PRIu64 " for %" PRIu64 " more ms",
                     TEXT_ARGUMENTS(body.resource), TEXT_ARGUMENTS(lease.holder), lease.token,
                     lease.expires_ms - j->now_ms);
    struct lease_record next = {.holder = j->command->author,
                                .token = j->slot,
                                .expires_ms = j->now_ms + body.ttl_ms,
                                .ttl_ms = body.ttl_ms};
    write(j, body.resource, &next);
}

/* Holder and token; false: refused. */
static bool is_holder(struct judge *j, struct bytes resource, const struct lease_record *lease,
                      uint64_t token)
{
    if (token == lease->token && bytes_equal(lease->holder, j->command->author))
        return true;
    judge_refuse(j, RSM_RULE_LEASE_TOKEN,
                 "lease %.*s: token %" PRIu64 " of %.*s, but the newest is %" PRIu64 " of %.*s",
                 TEXT_ARGUMENTS(resource), token, TEXT_ARGUMENTS(j->command->author), lease->token,
                 TEXT_ARGUMENTS(lease->holder));
    return false;
}

bool lease_check(struct judge *j, struct bytes resource, uint64_t token)
{
    struct lease_record lease;
    if (!judge_found(j, lease_load(j->kv, resource, &lease))) {
        judge_refuse(j, RSM_RULE_LEASE_TOKEN, "lease %.*s: nobody ever acquired it",
                     TEXT_ARGUMENTS(resource));
        return false;
    }
    bool is_good = is_holder(j, resource, &lease, token);
    if (is_good && lease.released) {
        judge_refuse(j, RSM_RULE_LEASE_EXPIRED, "lease %.*s, token %" PRIu64 ": was released",
                     TEXT_ARGUMENTS(resource), token);
        return false;
    }
    if (is_good && !is_running(j, &lease)) {
        judge_refuse(j, RSM_RULE_LEASE_EXPIRED,
                     "lease %.*s, token %" PRIu64 ": ended at log time %" PRIu64 ", it is %" PRIu64,
                     TEXT_ARGUMENTS(resource), token, lease.expires_ms, j->now_ms);
        return false;
    }
    return is_good;
}

void kind_lease_renew(struct judge *j)
{
    struct body_lease body = begin(j);
    check_ttl(j, body.ttl_ms);
    if (!lease_check(j, body.resource, body.token))
        return;
    struct lease_record next = {.holder = j->command->author,
                                .token = body.token,
                                .expires_ms = j->now_ms + body.ttl_ms,
                                .ttl_ms = body.ttl_ms};
    write(j, body.resource, &next);
}

void kind_lease_release(struct judge *j)
{
    struct body_lease body = begin(j);
    if (!lease_check(j, body.resource, body.token))
        return;
    struct lease_record next = {.holder = j->command->author,
                                .token = body.token,
                                .expires_ms = j->now_ms,
                                .ttl_ms = 0,
                                .released = true};
    write(j, body.resource, &next);
}
