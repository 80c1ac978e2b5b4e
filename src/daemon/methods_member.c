/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_member.c - who the replicas are, and what a new one needs to become a member. */
#include <string.h>

#include "src/daemon/incarnations.h"
#include "src/daemon/methods_internal.h"

/* As machine_members, of the applied state. */
static enum rsm_status methods_members(struct methods *m, struct member_config *current_out,
                                       struct member_config *next_out)
{
    return machine_members(node_state(m->node), m->genesis, current_out, next_out);
}

bool methods_find_member(struct methods *m, uint32_t id, struct member *out)
{
    struct member_config current, next;
    if (methods_members(m, &current, &next) != RSM_OK)
        return false;
    const struct member *found = member_config_find(&next, id);
    if (next.version == 0 || found == NULL)
        found = member_config_find(&current, id);
    if (found != NULL)
        *out = *found;
    return found != NULL;
}

/* What this replica last heard of a member: how far it is, and when it said so. */
static void pack_progress(struct writer *out, const struct node_status *s, uint32_t id)
{
    const struct node_peer_status self = {.replica = id, .heard = true, .applied = s->applied};
    const struct node_peer_status none = {.replica = id};
    const struct node_peer_status *found = id == s->self ? &self : &none;
    for (uint32_t i = 0; i < s->peer_count; i++)
        if (s->peers[i].replica == id)
            found = &s->peers[i];
    pack_key(out, "heard");
    pack_bool(out, found->heard);
    pack_number(out, "last_heard_ms", found->last_heard_ms);
    pack_number(out, "applied", found->applied);
}

static uint64_t own_incarnation(const struct methods *m)
{
    return data_dir_identity(m->self.dir)->incarnation;
}

void methods_pack_member(void *context, struct writer *out, const struct member *m)
{
    struct methods *methods = ((const struct serving *)context)->m;
    struct node_status s;
    node_get_status(methods->node, &s);
    pack_number(out, "known",
                m->id == s.self ? own_incarnation(methods) : methods->self.peers->known[m->id]);
    pack_progress(out, &s, m->id);
}

/* One that was added under another incarnation, and has no contact, is another life of it. */
static const char *role_of(struct methods *m, const struct node_status *s)
{
    struct member member;
    if (!methods_find_member(m, s->self, &member) ||
        (member.incarnation != 0 && member.incarnation != own_incarnation(m) && !s->is_ready))
        return "none";
    return member.voter ? "voter" : "learner";
}

enum rsm_status read_member_self(struct call *call, struct writer *out)
{
    const struct methods_self *self = &serving(call)->m->self;
    struct node_status s;
    node_get_status(serving(call)->m->node, &s);
    pack_map(out, 8);
    pack_number(out, "replica", s.self);
    pack_key(out, "role");
    pack_text(out, role_of(serving(call)->m, &s));
    pack_key(out, "zone");
    pack_text(out, self->zone);
    pack_key(out, "key");
    pack_bin(out, bytes_make(self->key, RSM_PUBLIC_KEY_SIZE));
    pack_key(out, "peer_address");
    pack_text(out, self->peer_address);
    pack_key(out, "client_address");
    pack_text(out, self->client_address);
    pack_number(out, "incarnation", own_incarnation(serving(call)->m));
    pack_number(out, "slot", s.applied);
    return RSM_OK;
}
