/* SPDX-License-Identifier: GPL-3.0-or-later */
/* member.c - who the replicas are, by the configuration in the state. */
#include "src/read/read.h"
#include "src/read/render.h"

static void pack_member(struct writer *out, const struct call *call, const struct member *m)
{
    pack_map(out, 7 + (call->process != NULL ? PROCESS_MEMBER_FIELDS : 0));
    pack_number(out, "replica", m->id);
    pack_key(out, "role");
    pack_text(out, m->voter ? "voter" : "learner");
    pack_key(out, "zone");
    pack_text(out, m->zone);
    pack_key(out, "key");
    pack_bin(out, bytes_make(m->key, sizeof m->key));
    pack_key(out, "peer_address");
    pack_text(out, m->peer_address);
    pack_key(out, "client_address");
    pack_text(out, m->client_address);
    pack_number(out, "incarnation", m->incarnation);
    if (call->process != NULL)
        call->process->pack_member(call->process->context, out, m);
}

static void pack_config(struct writer *out, const struct call *call,
                        const struct member_config *config)
{
    pack_map(out, 3);
    pack_number(out, "version", config->version);
    pack_number(out, "effective_slot", config->effective_slot);
    pack_key(out, "members");
    pack_array(out, config->count);
    for (uint32_t i = 0; i < config->count; i++)
        pack_member(out, call, &config->members[i]);
}

enum rsm_status read_member_list(struct call *call, struct writer *out)
{
    const struct call_process *process = call->process;
    struct version version = {.counter = 0};
    struct member_config current, next;
    enum rsm_status status = machine_members(call->kv, call->genesis, &current, &next);
    if (status != RSM_OK)
        return status;
    (void)query_object(call->kv, OBJECT_MEMBERS, (struct bytes){NULL, 0}, &version);
    result_begin(call, out, process != NULL ? 5 : 3);
    if (process != NULL) {
        pack_number(out, "replica", process->replica);
        pack_number(out, "leader", process->leader);
    }
    pack_key(out, "current");
    pack_config(out, call, &current);
    pack_key(out, "next");
    if (next.version != 0)
        pack_config(out, call, &next);
    else
        pack_nil(out);
    pack_key(out, "version");
    pack_version(out, &version);
    return RSM_OK;
}
