/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy_world.c - see policy_world.h. */
#include "tools/resilience-ctl/policy_world.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/body_change.h"
#include "src/command/genesis.h"
#include "src/machine/entry.h"

static const char *const ACTORS[POLICY_ACTORS] = {"admin", "automaton"};
static const uint8_t CLUSTER[CLUSTER_ID_SIZE] = {0};

static enum rsm_status begin(struct policy_world *w)
{
    static const uint8_t member_key[GENESIS_KEY_SIZE] = {1};
    struct genesis genesis = {.admin_principal = bytes_of_string(ACTORS[POLICY_ADMIN]),
                              .admin_person = bytes_of_string("Admin"),
                              .admin_key = rsm_key_public(w->keys[POLICY_ADMIN]),
                              .created_ms = w->now_ms,
                              .member_count = 1};
    genesis.members[0] = (struct genesis_member){.id = 1,
                                                 .zone = bytes_of_string("a"),
                                                 .key = member_key,
                                                 .peer_address = bytes_of_string("127.0.0.1:1"),
                                                 .client_address = bytes_of_string("127.0.0.1:2")};
    return machine_genesis(w->kv, &genesis);
}

enum rsm_status policy_world_init(struct policy_world *w, uint64_t now_ms)
{
    *w = (struct policy_world){
        .kv = kv_mem_new(), .machine = machine_new(), .now_ms = now_ms > 0 ? now_ms : 1};
    verdicts_init(&w->verdicts);
    enum rsm_status status = RSM_OK;
    for (size_t i = 0; i < POLICY_ACTORS && status == RSM_OK; i++)
        status = rsm_key_generate(ACTORS[i], &w->keys[i]);
    return status == RSM_OK ? begin(w) : status;
}

void policy_world_deinit(struct policy_world *w)
{
    kv_free(w->kv);
    machine_free(w->machine);
    verdicts_deinit(&w->verdicts);
    for (size_t i = 0; i < POLICY_ACTORS; i++)
        rsm_key_free(w->keys[i]);
}

/* Each has seen all that the other has done. */
static enum rsm_status sign(struct policy_world *w, enum policy_actor who, enum rsm_kind kind,
                            const struct rsm_buffer *body, struct rsm_buffer *envelope_out)
{
    struct rsm_event seen[POLICY_ACTORS];
    struct rsm_buffer encoded = {NULL, 0};
    size_t count = 0;
    for (size_t i = 0; i < POLICY_ACTORS; i++) {
        if (w->counters[i] > 0)
            seen[count++] = (struct rsm_event){rsm_text(ACTORS[i]), w->counters[i]};
    }
    struct rsm_command command = {.id = {rsm_text(ACTORS[who]), w->counters[who] + 1},
                                  .lamport = ++w->lamport,
                                  .clock = seen,
                                  .clock_count = count,
                                  .kind = kind,
                                  .body = rsm_buffer_bytes(body),
                                  .reason = rsm_text("trying a policy")};
    enum rsm_status status = rsm_command_encode(&command, &encoded);
    if (status == RSM_OK)
        status = rsm_command_sign(w->keys[who], CLUSTER, rsm_buffer_bytes(&encoded), envelope_out);
    rsm_buffer_free(&encoded);
    return status;
}

enum rsm_status policy_world_do(struct policy_world *w, enum policy_actor who, enum rsm_kind kind,
                                struct rsm_buffer *body, struct verdict *verdict_out)
{
    static const struct machine_signatures signatures = {.verified = true};
    struct rsm_buffer envelope = {NULL, 0};
    struct writer value;
    enum rsm_status status = sign(w, who, kind, body, &envelope);
    rsm_buffer_free(body);
    writer_init(&value, LIMIT_VALUE_SIZE);
    if (status == RSM_OK) {
        entry_encode(&value, ENTRY_COMMANDS, w->now_ms, bytes_make(envelope.data, envelope.size));
        status = machine_apply(w->machine, w->kv, ++w->slot, writer_result(&value), &signatures,
                               &w->verdicts);
    }
    writer_deinit(&value);
    rsm_buffer_free(&envelope);
    if (status == RSM_OK)
        status = verdict_at(verdicts_bytes(&w->verdicts), 0, verdict_out);
    if (status == RSM_OK && verdict_out->kind == VERDICT_APPLIED)
        w->counters[who]++;
    return status;
}

static enum rsm_status must(struct policy_world *w, enum rsm_kind kind, enum rsm_status built,
                            struct rsm_buffer *body)
{
    struct verdict verdict;
    if (built == RSM_OK)
        built = policy_world_do(w, POLICY_ADMIN, kind, body, &verdict);
    return built == RSM_OK && verdict.kind != VERDICT_APPLIED ? RSM_REFUSED : built;
}

enum rsm_status policy_world_automaton(struct policy_world *w, struct bytes zone,
                                       enum rsm_class granted)
{
    const struct rsm_budget much = {UINT64_C(1) << 40, UINT64_C(1) << 40};
    const struct rsm_budget budget[RSM_BUDGETS] = {much, much, much, much};
    const struct rsm_bytes name = rsm_bytes_make(zone.data, zone.size);
    const struct rsm_grant grants[] = {
        {.verb = rsm_text("rrset.*"), .zone = name, .class_most = granted},
        {.verb = rsm_text("zone.*"), .zone = name, .class_most = granted}};
    struct rsm_bytes key =
        rsm_bytes_make(rsm_key_public(w->keys[POLICY_AUTOMATON]), RSM_PUBLIC_KEY_SIZE);
    struct rsm_bytes role = rsm_text("automaton");
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status = rsm_body_role_set(role, grants, 2, &body);
    status = must(w, RSM_KIND_ROLE_SET, status, &body);
    if (status != RSM_OK)
        return status;
    status = rsm_body_principal_set(rsm_text(ACTORS[POLICY_AUTOMATON]), RSM_PRINCIPAL_AUTOMATON,
                                    rsm_text(""), rsm_text(""), &key, 1, &role, 1, budget, &body);
    return must(w, RSM_KIND_PRINCIPAL_SET, status, &body);
}

enum rsm_class policy_verdict_class(const struct verdict *v)
{
    struct rsm_value result = rsm_value_of(rsm_bytes_make(v->result.data, v->result.size));
    struct rsm_bytes text = rsm_value_octets(rsm_value_get(result, "class"));
    enum rsm_class class;
    return body_class_parse(bytes_make(text.data, text.size), &class) ? class : RSM_CLASS_STANDARD;
}

bool policy_is_taken(const struct policy_file *file, struct writer *words)
{
    struct policy_world w;
    struct verdict verdict;
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status = policy_world_init(&w, 1);
    bool is_taken = false;
    if (status == RSM_OK)
        status = rsm_body_policy_set(rsm_bytes_make(file->map.data, file->map.size), &body);
    if (status == RSM_OK)
        status = policy_world_do(&w, POLICY_ADMIN, RSM_KIND_POLICY_SET, &body, &verdict);
    if (status != RSM_OK) {
        writer_format(words, "%s", rsm_status_sentence(status));
    } else {
        /* A file that says what is so unless it is said is a good one. */
        char text[2048];
        is_taken = verdict.kind == VERDICT_APPLIED ||
                   (verdict.reason_count == 1 && verdict_names(&verdict, RSM_RULE_NO_CHANGE));
        verdict_describe(&verdict, text, sizeof text);
        writer_format(words, "%s", text);
    }
    policy_world_deinit(&w);
    return is_taken;
}
