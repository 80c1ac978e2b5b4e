/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods.c - the table of methods, their parameters, and what waits for the node.
 *
 * A waiting call is found by its token: the number that the node hands back. Calls outlive their
 * connection; an answer to a client that has gone is dropped by src/net/rpc.c.
 */
#include "src/daemon/methods.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/daemon/methods_internal.h"
#include "src/daemon/verify.h"
#include "src/machine/logtable.h"
#include "src/machine/verdict.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

struct method {
    const char *name;
    uint32_t params_min, params_max; /* positional ones; an options map may follow */
    bool reads;                      /* linearizable unless the options say stale */
    method_read *run;
};

static const struct method methods_table[] = {
    {"hello", 0, 0, false, read_hello},
    {"status", 0, 0, false, read_status},
    {"rr.parse", 2, 2, false, read_rr_parse},
    {"clock", 1, 1, true, read_clock},
    {"outcome", 1, 2, true, read_outcome},
    {"check", 1, 1, true, read_check},
    {"explain", 1, 2, true, read_explain},
    {"change.list", 0, 0, true, read_change_list},
    {"override.list", 0, 0, true, read_override_list},
    {"factor.list", 0, 0, true, read_factor_list},
    {"factor.attest", 4, 4, false, read_factor_attest},
    {"recording.get", 1, 1, true, read_recording_get},
    {"zone.list", 0, 0, true, read_zone_list},
    {"secondary.list", 0, 0, false, read_secondary_list},
    {"zone.get", 1, 1, true, read_zone_get},
    {"zone.writer", 1, 1, true, read_zone_writer},
    {"rrset.get", 3, 3, true, read_rrset_get},
    {"rrset.list", 1, 1, true, read_rrset_list},
    {"rrset.history", 3, 3, true, read_rrset_history},
    {"principal.list", 0, 0, true, read_principal_list},
    {"role.list", 0, 0, true, read_role_list},
    {"service.list", 0, 0, true, read_service_list},
    {"policy.get", 0, 0, true, read_policy_get},
    {"freeze.list", 0, 0, true, read_freeze_list},
    {"frozen.list", 0, 0, true, read_frozen_list},
    {"lease.list", 0, 0, true, read_lease_list},
    {"plan.list", 0, 0, true, read_plan_list},
    {"plan.get", 1, 2, true, read_plan_get},
    {"graph", 1, 1, true, read_graph},
    {"log.range", 1, 2, true, read_log_range},
    {"log.raw", 1, 2, true, read_log_raw},
    {"genesis", 0, 0, false, read_genesis},
    {"member.list", 0, 0, true, read_member_list},
    {"member.self", 0, 0, false, read_member_self},
    {"scrub", 0, 0, false, run_scrub},
    {"stages", 0, 0, false, read_stages},
};

struct waiting {
    uint64_t token;
    struct rpc_request *request; /* owned */
    const struct method *method; /* NULL: a submit */
    struct waiting *next;
};

enum rsm_status call_fail(struct call *call, enum rsm_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->text, sizeof call->text, format, arguments);
    va_end(arguments);
    return status;
}

/* -------------------------------------------------------------------------------------------- */
/* Parameters. */

enum rsm_status param_text(struct call *call, const char *what, struct bytes *text_out)
{
    *text_out = unpack_octets(&call->params, LIMIT_FRAME_SIZE);
    if (unpack_ok(&call->params))
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "%s must be a string", what);
}

enum rsm_status param_uint(struct call *call, const char *what, uint64_t *value_out)
{
    *value_out = unpack_uint(&call->params);
    if (unpack_ok(&call->params))
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "%s must be a number of 0 or more", what);
}

/* A name as text (str), or in wire form (bin). */
enum rsm_status param_name(struct call *call, const char *what, uint8_t buffer[LIMIT_NAME_SIZE],
                           struct bytes *name_out)
{
    char text[NAME_TEXT_MAX + 1] = {0};
    bool is_wire = unpack_peek(&call->params) == UNPACK_BIN;
    struct bytes given = unpack_octets(&call->params, NAME_TEXT_MAX);
    if (!unpack_ok(&call->params))
        return call_fail(call, RSM_BAD_PARAMS, "%s must be a domain name", what);
    if (is_wire && name_check(given)) {
        *name_out = name_lower(given, buffer);
        return RSM_OK;
    }
    if (given.size > 0)
        memcpy(text, given.data, given.size);
    if (strlen(text) == given.size &&
        name_from_text(text, (struct bytes){NULL, 0}, buffer, name_out) == RSM_OK)
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "%s is no domain name", what);
}

enum rsm_status param_type(struct call *call, const char *what, uint16_t *type_out)
{
    char text[RR_TYPE_TEXT_MAX] = {0};
    if (unpack_peek(&call->params) == UNPACK_UINT) {
        *type_out = (uint16_t)unpack_uint_max(&call->params, UINT16_MAX);
    } else {
        struct bytes given = unpack_octets(&call->params, sizeof text - 1);
        if (given.size > 0)
            memcpy(text, given.data, given.size);
        if (unpack_ok(&call->params) && rr_type_from_text(text, type_out) != RSM_OK)
            unpack_fail(&call->params, RSM_WRONG_TYPE);
    }
    if (unpack_ok(&call->params))
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "%s must be a record type, as \"A\" or a number", what);
}

uint64_t option_limit(const struct call *call)
{
    uint64_t limit = PAGE_ITEMS_DEFAULT;
    if (call->options.size > 0)
        unpack_find_uint(call->options, "limit", &limit);
    return limit > PAGE_ITEMS_MAX ? PAGE_ITEMS_MAX : limit;
}

static enum rsm_status take_level(struct call *call)
{
    struct bytes level;
    if (!unpack_find_octets(call->options, "level", &level))
        return RSM_OK;
    call->stale = bytes_equal(level, bytes_of_string("stale"));
    if (call->stale || bytes_equal(level, bytes_of_string("linearizable")))
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "level is \"linearizable\" or \"stale\"");
}

/* It answers as of any slot; all others know what is, not what was. */
static bool keeps_history(const struct method *method)
{
    return method->run == read_zone_list || method->run == read_zone_get ||
           method->run == read_rrset_get || method->run == read_rrset_list;
}

/* What is now is no answer to what was then. */
static enum rsm_status check_history(struct call *call, const struct method *method)
{
    uint64_t applied = node_applied(call->m->node);
    if (call->at == QUERY_NOW || call->at == applied || keeps_history(method))
        return RSM_OK;
    return call_fail(call, RSM_NO_SUCH_STATE,
                     "%s is kept as it is now, in slot %llu, not as it was after slot %llu; "
                     "rsm-dump state --at replays the log and says it",
                     method->name, (unsigned long long)applied, (unsigned long long)call->at);
}

/* at_slot and at_ms are looked up when the state is read: only then is the log time known. */
static enum rsm_status take_at(struct call *call)
{
    uint64_t ms;
    struct kv *kv = node_state(call->m->node);
    call->at = QUERY_NOW;
    if (call->options.size == 0)
        return RSM_OK;
    if (unpack_find_uint(call->options, "at_ms", &ms)) {
        if (log_slot_at(kv, ms, &call->at) != RSM_OK)
            return call_fail(call, RSM_NO_SUCH_STATE, "at_ms lies before the cluster was made");
    } else if (unpack_find_uint(call->options, "at_slot", &call->at) &&
               call->at > node_applied(call->m->node)) {
        return call_fail(
            call, RSM_NO_SUCH_STATE, "slot %llu is not applied here yet, the last is %llu",
            (unsigned long long)call->at, (unsigned long long)node_applied(call->m->node));
    }
    return RSM_OK;
}

static enum rsm_status take_params(struct call *call, const struct method *method)
{
    call->params = unpack_make(call->request->params);
    uint32_t count = unpack_array(&call->params);
    struct unpack probe = call->params;
    struct bytes last = {NULL, 0};
    enum unpack_type type = UNPACK_NIL;
    for (uint32_t i = 0; i < count; i++) {
        type = unpack_peek(&probe);
        last = unpack_raw(&probe);
    }
    if (count > method->params_min && type == UNPACK_MAP) {
        call->options = last;
        count--;
    }
    call->param_count = count;
    if (count < method->params_min || count > method->params_max)
        return call_fail(call, RSM_BAD_PARAMS, "%s takes %u to %u parameters and a map of options",
                         method->name, method->params_min, method->params_max);
    return call->options.size > 0 ? take_level(call) : RSM_OK;
}

void result_begin(struct call *call, struct writer *out, uint32_t fields)
{
    pack_map(out, fields + 1 + (call->stale ? 1 : 0));
    pack_key(out, "slot");
    pack_uint(out, call->at != QUERY_NOW ? call->at : node_applied(call->m->node));
    if (call->stale) {
        struct node_status status;
        node_get_status(call->m->node, &status);
        pack_key(out, "age_ms");
        pack_uint(out, status.contact_age_ms);
    }
}

/* -------------------------------------------------------------------------------------------- */
/* Running. */

static void run(struct methods *m, struct rpc_request *request, const struct method *method)
{
    struct call call = {.m = m, .request = request, .at = QUERY_NOW};
    enum rsm_status status = take_params(&call, method);
    if (status == RSM_OK && method->reads && !node_has_state(m->node))
        status = call_fail(&call, RSM_UNAVAILABLE,
                           "this replica's state was lost and is being fetched; ask another one");
    if (status == RSM_OK)
        status = take_at(&call);
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

static bool is_stale_read(struct methods *m, struct rpc_request *request,
                          const struct method *method)
{
    struct call call = {.m = m, .request = request};
    /* Wrong parameters need no round of the majority either. */
    return take_params(&call, method) != RSM_OK || call.stale;
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

static const struct method watch_method = {"watch", 1, 1, false, NULL};

static void watch(struct methods *m, struct rpc_request *request)
{
    struct call call = {.m = m, .request = request, .at = QUERY_NOW};
    if (!watch_needs_majority(&call)) {
        watch_begin(&call);
        return;
    }
    uint64_t token = ++m->next_token;
    wait_for(m, token, request, &watch_method);
    node_read(m->node, token);
}

/* watch, unwatch, poll and submit have ways of their own. */
static bool dispatch_special(struct methods *m, struct rpc_request *request)
{
    struct call call = {.m = m, .request = request, .at = QUERY_NOW};
    if (is(request->method, "submit"))
        submit(m, request);
    else if (is(request->method, "watch"))
        watch(m, request);
    else if (is(request->method, "unwatch"))
        watch_end(&call);
    else if (is(request->method, "poll"))
        poll_begin(&call);
    else
        return false;
    return true;
}

static void on_request(void *context, struct rpc_request *request)
{
    struct methods *m = context;
    if (dispatch_special(m, request))
        return;
    for (size_t i = 0; i < sizeof methods_table / sizeof methods_table[0]; i++) {
        const struct method *method = &methods_table[i];
        if (!is(request->method, method->name))
            continue;
        if (!method->reads || is_stale_read(m, request, method)) {
            run(m, request, method);
            return;
        }
        uint64_t token = ++m->next_token;
        wait_for(m, token, request, method);
        node_read(m->node, token);
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
        pack_key(&m->out, "slot");
        pack_uint(&m->out, outcome->slot);
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
    struct call call = {.m = m, .request = w->request, .at = QUERY_NOW};
    if (status == RSM_OK && w->method == &watch_method)
        watch_begin(&call);
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
