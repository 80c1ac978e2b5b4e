/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_status.c - who this replica is and how it is. Needs neither a leader nor a majority. */
#include <string.h>

#include "src/base/mem.h"
#include "src/daemon/methods_internal.h"
#include "src/daemon/scrub.h"
#include "src/net/peer_link.h"

#ifndef RSM_VERSION
#define RSM_VERSION "unknown"
#endif

/* What the client asks for in its options; a client that says nothing gets errors as strings. */
static enum rsm_status take_hello(struct call *call)
{
    struct bytes errors;
    if (call->options.size == 0 || !unpack_find_octets(call->options, "errors", &errors))
        return RSM_OK;
    bool as_map = bytes_equal(errors, bytes_of_string("map"));
    if (!as_map && !bytes_equal(errors, bytes_of_string("string")))
        return call_fail(call, RSM_BAD_PARAMS, "errors is \"string\" or \"map\"");
    rpc_set_error_maps(serving(call)->request->connection, as_map);
    return RSM_OK;
}

enum rsm_status read_hello(struct call *call, struct writer *out)
{
    const struct genesis *g = call->genesis;
    struct node_status status;
    enum rsm_status taken = take_hello(call);
    if (taken != RSM_OK)
        return taken;
    node_get_status(serving(call)->m->node, &status);
    pack_map(out, 6);
    pack_key(out, "server");
    pack_text(out, "rsmd");
    pack_key(out, "version");
    pack_text(out, RSM_VERSION);
    pack_number(out, "protocol", 1);
    pack_key(out, "cluster");
    pack_str(out, g->name);
    pack_key(out, "cluster_id");
    pack_bin(out, bytes_make(g->cluster_id, CLUSTER_ID_SIZE));
    pack_number(out, "replica", status.self);
    return RSM_OK;
}

/* genesis: the file's bytes. */
enum rsm_status read_genesis(struct call *call, struct writer *out)
{
    struct writer bytes;
    writer_init(&bytes, GENESIS_SIZE_MAX);
    enum rsm_status status = genesis_encode(call->genesis, &bytes);
    pack_map(out, 1);
    pack_key(out, "genesis");
    pack_bin(out, writer_result(&bytes));
    writer_deinit(&bytes);
    return status;
}

static void pack_alarms(struct writer *out, uint32_t alarms)
{
    uint32_t count = 0;
    for (uint32_t bit = 1; bit != 0; bit <<= 1)
        count += (alarms & bit) != 0;
    pack_key(out, "alarms");
    pack_array(out, count);
    for (uint32_t bit = 1; bit != 0; bit <<= 1)
        if (alarms & bit)
            pack_text(out, node_alarm_name(bit));
}

static const char *comparison(const struct node_peer_status *p)
{
    if (p->mismatch != 0)
        return "different";
    return p->compared != 0 ? "equal" : "not-compared";
}

static void pack_peer(struct writer *out, struct methods *m, const struct node_peer_status *p)
{
    struct member member;
    if (!methods_find_member(m, p->replica, &member))
        member = (struct member){.id = p->replica}; /* removed a moment ago */
    pack_map(out, 10);
    pack_number(out, "replica", p->replica);
    pack_key(out, "refused");
    pack_text(out, peer_links_refusal(m->links, p->replica));
    pack_key(out, "zone");
    pack_text(out, member.zone);
    pack_key(out, "client_address");
    pack_text(out, member.client_address);
    pack_key(out, "heard");
    pack_bool(out, p->heard);
    pack_number(out, "last_heard_ms", p->last_heard_ms);
    pack_number(out, "applied", p->applied);
    pack_key(out, "heads");
    pack_text(out, comparison(p));
    pack_number(out, "compared_slot", p->compared);
    pack_number(out, "mismatch_slot", p->mismatch);
}

static void pack_counters(struct writer *out, const struct methods *m, const struct node_status *s)
{
    const struct rpc_counters *rpc = rpc_get_counters(m->rpc);
    const struct peer_links_counters *links = peer_links_get_counters(m->links);
    pack_key(out, "counters");
    pack_map(out, 23);
    pack_number(out, "submitted", s->submitted);
    pack_number(out, "applied_commands", s->applied_commands);
    pack_number(out, "refused_commands", s->refused_commands);
    pack_number(out, "waiting", s->waiting);
    pack_number(out, "journal_flushes", s->journal_flushes);
    pack_number(out, "journal_groups", s->journal_groups);
    pack_number(out, "journal_bytes", s->journal_bytes);
    pack_number(out, "journal_segments", s->journal_segments);
    pack_number(out, "store_commits", s->store_commits);
    pack_number(out, "leader_changes", s->leader_changes);
    pack_number(out, "bad_frames", s->bad_frames);
    pack_number(out, "accepts_sent", s->accepts_sent);
    pack_number(out, "votes_sent", s->votes_sent);
    pack_number(out, "chosen_sent", s->chosen_sent);
    pack_number(out, "allocations", mem_total_count());
    pack_number(out, "client_connections", rpc->connections);
    pack_number(out, "client_requests", rpc->requests);
    pack_number(out, "client_errors", rpc->errors);
    pack_number(out, "client_refused", rpc->refused);
    pack_number(out, "peer_frames_in", links->frames_in);
    pack_number(out, "peer_frames_out", links->frames_out);
    pack_number(out, "peer_frames_dropped", links->dropped);
    pack_number(out, "peer_refused", links->refused);
}

/* The numbers of the replicas in a set of bits. */
static void pack_set(struct writer *out, const char *key, uint32_t set)
{
    pack_key(out, key);
    pack_array(out, (uint32_t)__builtin_popcount(set));
    for (uint32_t r = 1; r <= REPLICA_MAX; r++)
        if (set & (1u << r))
            pack_uint(out, r);
}

static void pack_scrub(struct writer *out, const struct methods *m)
{
    struct scrub_status s;
    scrub_get_status(m->scrub, &s);
    pack_key(out, "scrub");
    pack_map(out, 7);
    pack_key(out, "running");
    pack_bool(out, s.running);
    pack_number(out, "passes", s.passes);
    pack_number(out, "ended_ms", s.ended_ms);
    pack_number(out, "records", s.last.records);
    pack_number(out, "rows", s.last.rows);
    pack_number(out, "findings", s.last.findings);
    pack_key(out, "text");
    pack_text(out, s.last.text);
}

/* Begins a pass of the scrubber, unless one runs. */
enum rsm_status run_scrub(struct call *call, struct writer *out)
{
    struct node_status s;
    node_get_status(serving(call)->m->node, &s);
    enum rsm_status status = scrub_now(serving(call)->m->scrub);
    if (status != RSM_OK && status != RSM_EXISTS)
        return call_fail(call, status, "the scrubber could not be started");
    pack_map(out, 2);
    pack_number(out, "replica", s.self);
    pack_key(out, "begun");
    pack_bool(out, status == RSM_OK);
    return RSM_OK;
}

enum rsm_status read_status(struct call *call, struct writer *out)
{
    struct methods *m = serving(call)->m;
    struct node_status s;
    struct member self;
    node_get_status(m->node, &s);
    bool is_member = methods_find_member(m, s.self, &self);
    pack_map(out, 31);
    pack_key(out, "cluster");
    pack_str(out, m->genesis->name);
    pack_number(out, "replica", s.self);
    pack_key(out, "zone");
    pack_text(out, is_member ? self.zone : m->self.zone);
    pack_number(out, "leader", s.leader);
    pack_key(out, "is_leader");
    pack_bool(out, s.is_leader);
    pack_key(out, "ready");
    pack_bool(out, s.is_ready);
    pack_key(out, "voting");
    pack_bool(out, s.is_voting);
    pack_set(out, "rejoin_waits_for", s.rejoin_waits_for);
    pack_number(out, "ballot_round", s.ballot.round);
    pack_number(out, "ballot_replica", s.ballot.replica);
    pack_number(out, "slot", s.applied);
    pack_number(out, "chosen", s.chosen);
    pack_number(out, "stored", s.stored);
    pack_number(out, "log_time_ms", s.log_time_ms);
    pack_number(out, "contact_age_ms", s.contact_age_ms);
    pack_key(out, "entry_head");
    pack_hash(out, s.entry_head);
    pack_key(out, "verdict_head");
    pack_hash(out, s.verdict_head);
    pack_alarms(out, s.alarms);
    pack_number(out, "alarm_slot", s.alarm_slot);
    pack_key(out, "peers");
    pack_array(out, s.peer_count);
    for (uint32_t i = 0; i < s.peer_count; i++)
        pack_peer(out, m, &s.peers[i]);
    pack_freezes(call, out);
    pack_people(node_state(m->node), s.log_time_ms, out);
    pack_scrub(out, m);
    pack_counters(out, m, &s);
    pack_dns_counters(out, m);
    return RSM_OK;
}
