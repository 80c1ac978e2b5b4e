/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods.c - the table of methods (those of a state alone: src/read), and what waits for the node.
 *
 * A waiting call is found by its token: the number that the node hands back. Calls outlive their
 * connection; an answer to a client that has gone is dropped by src/net/rpc.c.
 */
#include "src/daemon/methods.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/daemon/methods_internal.h"
#include "src/daemon/verify.h"

static const struct method methods_table[] = {
    {"hello", 0, 0, false, false, read_hello},
    {"status", 0, 0, false, false, read_status},
    {"rr.parse", 2, 2, false, false, read_rr_parse},
    {"check", 1, 1, true, false, read_check},
    {"outcome", 1, 2, true, false, read_outcome_here},
    {"factor.attest", 4, 4, false, false, read_factor_attest},
    {"secondary.list", 0, 0, false, false, read_secondary_list},
    {"genesis", 0, 0, false, false, read_genesis},
    {"member.self", 0, 0, false, false, read_member_self},
    {"scrub", 0, 0, false, false, run_scrub},
    {"stages", 0, 0, false, false, read_stages},
};

struct waiting {
    uint64_t token;
    struct rpc_request *request; /* owned */
    const struct method *method; /* NULL: a submit */
    struct waiting *next;
};

/* -------------------------------------------------------------------------------------------- */
/* Running. */

/* What this replica read back of the slot from its store. */
static struct stage_after after_commit(void *context, uint64_t slot)
{
    const struct serving *s = context;
    struct node_status status;
    node_get_status(s->m->node, &status);
    if (status.alarms & NODE_ALARM_AUDIT)
        return (struct stage_after){STAGE_FAILED, "the store does not read as it was written"};
    if (slot > status.stored)
        return (struct stage_after){STAGE_SKIPPED, "not in this replica's store yet"};
    return (struct stage_after){STAGE_PASSED, ""};
}

/* What is now is no answer to what was then. */
static enum rsm_status check_history(struct call *call, const struct method *method)
{
    if (call->at == QUERY_NOW || call->at == call->applied || method->keeps_history)
        return RSM_OK;
    if (read_find(bytes_of_string(method->name)) == NULL)
        return call_fail(call, RSM_NO_SUCH_STATE,
                         "%s is about this replica and this moment, of which no log has a past",
                         method->name);
    return call_fail(call, RSM_NO_SUCH_STATE,
                     "%s is kept as it is now, in slot %llu, not as it was after slot %llu; "
                     "resilience-ctl --at and rsm-dump state --at replay the log and say it",
                     method->name, (unsigned long long)call->applied, (unsigned long long)call->at);
}

static void run(struct methods *m, struct rpc_request *request, const struct method *method)
{
    struct serving serving = {m, request};
    struct node_status s;
    node_get_status(m->node, &s);
    struct call_process process = {&serving, after_commit, s.self, s.leader, methods_pack_member};
    struct call call = {.kv = node_state(m->node),
                        .genesis = m->genesis,
                        .applied = node_applied(m->node),
                        .process = &process,
                        .age_ms = s.contact_age_ms,
                        .at = QUERY_NOW};
    enum rsm_status status = call_take_params(&call, request->params, method);
    if (status == RSM_OK && method->reads && !node_has_state(m->node))
        status = call_fail(&call, RSM_UNAVAILABLE,
                           "this replica's state was lost and is being fetched; ask another one");
    if (status == RSM_OK)
        status = call_take_at(&call);
    if (status == RSM_OK)
        status = check_history(&call, method);
    writer_reset(&m->out);
    if (status == RSM_OK)
        status = method->run(&call, &m->out);
    if (status == RSM_OK && m->out.failed)
        status = call_fail(&call, RSM_TOO_LARGE, "the answer is too large; ask for less");
    if (status == RSM_DAMAGED)
        node_on_damage(m->node);
    if (status == RSM_OK)
        rpc_answer(request, writer_result(&m->out));
    else
        rpc_answer_error(request, status, NULL,
                         call.text[0] != '\0' ? call.text : rsm_status_sentence(status));
}

static void wait_for(struct methods *m, uint64_t token, struct rpc_request *request,
                     const struct method *method)
{
    struct waiting *w = mem_alloc(sizeof *w);
    struct waiting **bucket = &m->waiting[token % (sizeof m->waiting / sizeof m->waiting[0])];
    *w = (struct waiting){token, request, method, *bucket};
    *bucket = w;
}

/* The call that waits under the token, taken out; NULL for a token that nobody waits under. */
static struct waiting *take_waiting(struct methods *m, uint64_t token)
{
    struct waiting **at = &m->waiting[token % (sizeof m->waiting / sizeof m->waiting[0])];
    while (*at != NULL && (*at)->token != token)
        at = &(*at)->next;
    struct waiting *found = *at;
    if (found != NULL)
        *at = found->next;
    return found;
}

static bool is_stale_read(struct rpc_request *request, const struct method *method)
{
    struct call call = {.stale = false};
    /* Wrong parameters need no round of the majority either. */
    return call_take_params(&call, request->params, method) != RSM_OK || call.stale;
}

static void submit(struct methods *m, struct rpc_request *request)
{
    node_on_request(m->node);
    struct unpack params = unpack_make(request->params);
    uint32_t count = unpack_array(&params);
    struct bytes envelope = unpack_octets(&params, LIMIT_ENVELOPE_SIZE);
    if (count != 1 || !unpack_ok(&params)) {
        bool large = params.status == RSM_TOO_LARGE;
        rpc_answer_error(request, large ? RSM_TOO_LARGE : RSM_BAD_PARAMS, NULL,
                         "submit takes one envelope, a bin of at most 16 MiB");
        return;
    }
    uint64_t wait_ms;
    if (!admission_take(&m->admission, rpc_connection_id(request->connection), envelope.size,
                        m->ticks * m->tick_ms, &wait_ms)) {
        char details[48];
        snprintf(details, sizeof details, "wait_ms=%" PRIu64, wait_ms);
        rpc_answer_error(request, RSM_RATE_LIMITED, details,
                         "this connection hands in too much; nothing was judged, send it later");
        return;
    }
    struct blob *blob = blob_new(envelope);
    uint64_t token = ++m->next_token;
    wait_for(m, token, request, NULL);
    if (!verify_submit(m->verify, token, blob)) {
        struct node_outcome outcome = {.status = RSM_BUSY,
                                       .text = "too many commands wait at this replica"};
        methods_on_submitted(m, token, &outcome);
    }
    blob_unref(blob);
}

static bool is(struct bytes name, const char *text)
{
    return bytes_equal(name, bytes_of_string(text));
}

static const struct method watch_method = {"watch", 1, 1, false, false, NULL};

static void watch(struct methods *m, struct rpc_request *request)
{
    if (!watch_needs_majority(m, request)) {
        watch_begin(m, request);
        return;
    }
    uint64_t token = ++m->next_token;
    wait_for(m, token, request, &watch_method);
    node_read(m->node, token);
}

/* watch, unwatch, poll and submit have ways of their own. */
static bool dispatch_special(struct methods *m, struct rpc_request *request)
{
    if (is(request->method, "submit"))
        submit(m, request);
    else if (is(request->method, "watch"))
        watch(m, request);
    else if (is(request->method, "unwatch"))
        watch_end(m, request);
    else if (is(request->method, "poll"))
        poll_begin(m, request);
    else
        return false;
    return true;
}

/* The replica's own ones first: it adds something to some that a state alone can answer. */
static const struct method *find_method(struct bytes name)
{
    for (size_t i = 0; i < sizeof methods_table / sizeof methods_table[0]; i++)
        if (is(name, methods_table[i].name))
            return &methods_table[i];
    return read_find(name);
}

static void on_request(void *context, struct rpc_request *request)
{
    struct methods *m = context;
    if (dispatch_special(m, request))
        return;
    const struct method *method = find_method(request->method);
    if (method != NULL && method->reads && !is_stale_read(request, method)) {
        uint64_t token = ++m->next_token;
        wait_for(m, token, request, method);
        node_read(m->node, token);
        return;
    }
    if (method != NULL) {
        run(m, request, method);
        return;
    }
    char text[128];
    snprintf(text, sizeof text, "there is no method \"%.*s\"",
             (int)(request->method.size < 64 ? request->method.size : 64),
             (const char *)request->method.data);
    rpc_answer_error(request, RSM_UNKNOWN_METHOD, NULL, text);
}

static void on_closed(void *context, struct rpc_connection *connection)
{
    watch_on_closed(context, connection);
}

/* -------------------------------------------------------------------------------------------- */
/* From the node. */

void methods_on_submitted(struct methods *m, uint64_t token, const struct node_outcome *outcome)
{
    struct waiting *w = take_waiting(m, token);
    if (w == NULL)
        return;
    if (outcome->status == RSM_BAD_SIGNATURE || outcome->status == RSM_WRONG_CLUSTER ||
        outcome->status == RSM_UNKNOWN_PRINCIPAL || outcome->status == RSM_UNKNOWN_KEY)
        admission_punish(&m->admission, rpc_connection_id(w->request->connection));
    if (outcome->status != RSM_OK) {
        char details[64] = "";
        struct node_status status;
        node_get_status(m->node, &status);
        snprintf(details, sizeof details, "leader=%u", status.leader);
        rpc_answer_error(w->request, outcome->status, details,
                         outcome->text != NULL ? outcome->text
                                               : rsm_status_sentence(outcome->status));
    } else {
        writer_reset(&m->out);
        pack_map(&m->out, 3);
        pack_number(&m->out, "slot", outcome->slot);
        pack_key(&m->out, "duplicate");
        pack_bool(&m->out, outcome->duplicate);
        pack_key(&m->out, "verdicts");
        pack_verdicts(&m->out, outcome->slot, outcome->verdicts);
        rpc_answer(w->request, writer_result(&m->out));
    }
    mem_free(w);
}

void methods_on_read_ready(struct methods *m, uint64_t token, enum rsm_status status, uint64_t slot)
{
    struct waiting *w = take_waiting(m, token);
    (void)slot; /* applied here already */
    if (w == NULL)
        return;
    if (status == RSM_OK && w->method == &watch_method)
        watch_begin(m, w->request);
    else if (status == RSM_OK)
        run(m, w->request, w->method);
    else if (status == RSM_READ_ONLY)
        rpc_answer_error(w->request, status, NULL,
                         "this replica is read-only and behind, see its alarms; ask another one, "
                         "or read stale");
    else
        rpc_answer_error(w->request, RSM_NO_QUORUM, NULL,
                         "no majority confirmed the read in time; ask again, or read stale");
    mem_free(w);
}

void methods_on_applied(struct methods *m, uint64_t slot)
{
    (void)slot;
    watch_on_applied(m);
}

void methods_on_tick(struct methods *m)
{
    m->ticks++;
    watch_on_tick(m);
}

/* -------------------------------------------------------------------------------------------- */

struct methods *methods_new(struct node *node, const struct genesis *genesis, uint32_t tick_ms,
                            const struct methods_self *self)
{
    struct methods *m = mem_alloc(sizeof *m);
    m->node = node;
    m->genesis = genesis;
    m->tick_ms = tick_ms;
    m->self = *self;
    writer_init(&m->out, LIMIT_ANSWER_SIZE);
    return m;
}

void methods_fill_rpc(struct methods *m, struct rpc_config *config)
{
    config->context = m;
    config->on_request = on_request;
    config->on_closed = on_closed;
}

void methods_set_verify(struct methods *m, struct verify *verify)
{
    m->verify = verify;
}

void methods_set_submit_rate(struct methods *m, uint32_t rate)
{
    admission_init(&m->admission, rate);
}

void methods_set_network(struct methods *m, const struct rpc_server *rpc,
                         const struct peer_links *links)
{
    m->rpc = rpc;
    m->links = links;
}

void methods_set_totp(struct methods *m, struct totp *totp)
{
    m->totp = totp;
}

void methods_set_scrub(struct methods *m, struct scrub *scrub)
{
    m->scrub = scrub;
}

void methods_set_dns(struct methods *m, const struct dns *dns)
{
    m->dns = dns;
}

void methods_stop(struct methods *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < sizeof m->waiting / sizeof m->waiting[0]; i++) {
        while (m->waiting[i] != NULL) {
            struct waiting *w = m->waiting[i];
            m->waiting[i] = w->next;
            rpc_answer_error(w->request, RSM_UNAVAILABLE, NULL, "this replica is stopping");
            mem_free(w);
        }
    }
    watch_free_all(m);
}

void methods_free(struct methods *m)
{
    if (m == NULL)
        return;
    methods_stop(m);
    writer_deinit(&m->out);
    mem_free(m);
}
