/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loop_env.c - what the node asks for: its table of calls (node.h), over links, store and clocks.
 */
#include <inttypes.h>
#include <stdio.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/command/keyfile.h"
#include "src/command/recovery.h"
#include "src/daemon/loop_internal.h"
#include "src/daemon/stores.h"
#include "src/io/clock.h"
#include "src/net/peer_codec.h"

#define CHECKPOINT_TAG "rsm checkpoint v1"
#define DOUBT_FILE "doubt"
#define DOUBT_SIZE 48u

static void env_send(void *context, uint32_t replica, struct blob *frame)
{
    bool is_bulk = peer_is_bulk(blob_bytes(frame));
    peer_links_send(((struct loop *)context)->links, replica, frame, is_bulk);
}

static size_t env_backlog(void *context, uint32_t replica)
{
    return peer_links_backlog(((struct loop *)context)->links, replica);
}

static void env_push(void *context)
{
    peer_links_push(((struct loop *)context)->links);
}

static uint64_t env_wall_ms(void *context)
{
    (void)context;
    return clock_wall_ms();
}

static uint64_t env_monotonic_ns(void *context)
{
    (void)context;
    return clock_monotonic_ns();
}

/* In the store's thread. */
static void read_back(void *context, const struct kv *frozen, struct kv *store)
{
    node_read_back(context, frozen, store);
}

/* Gives an overlay to the store's thread. */
static void loop_commit(struct loop *l, struct node *node, struct kv *frozen)
{
    l->committing = frozen;
    l->committer = node;
    store_thread_commit(l->store_thread, frozen, read_back, node);
}

bool loop_end_commit(struct loop *l, enum rsm_status *status_out)
{
    if (!store_thread_collect(l->store_thread, status_out))
        return false;
    struct kv *committed = l->committing;
    l->committing = NULL;
    if (*status_out == RSM_TOO_LARGE) {
        uint32_t freed = 0;
        if (l->node != NULL)
            node_drop_cuts(l->node);
        /* The old pages of a dead reader, before more address space. */
        *status_out = store_check_readers(l->store, &freed);
        if (*status_out == RSM_OK && freed == 0)
            *status_out = store_grow(l->store);
        if (*status_out == RSM_OK) {
            loop_commit(l, l->committer, committed);
            return false;
        }
    }
    if (*status_out == RSM_OK)
        *status_out = store_refresh(l->store);
    return true;
}

static void env_commit(void *context, struct node *node, struct kv *frozen)
{
    loop_commit(context, node, frozen);
}

static enum rsm_status env_commit_wait(void *context)
{
    struct loop *l = context;
    enum rsm_status status;
    do
        store_thread_wait(l->store_thread);
    while (!loop_end_commit(l, &status));
    return status;
}

static struct kv *env_snapshot(void *context)
{
    return store_cut(((struct loop *)context)->store);
}

static enum rsm_status env_incoming_begin(void *context)
{
    struct loop *l = context;
    stores_drop_incoming(l->dir, &l->incoming);
    return stores_begin_incoming(l->dir, l->config->data, l->config->map_size, &l->incoming);
}

static enum rsm_status env_incoming_put(void *context, struct kv *rows)
{
    return stores_put_incoming(((struct loop *)context)->incoming, rows);
}

static struct kv *env_incoming_state(void *context)
{
    struct loop *l = context;
    return l->incoming != NULL ? store_kv(l->incoming) : NULL;
}

static enum rsm_status env_incoming_install(void *context, struct kv **base_out)
{
    struct loop *l = context;
    enum rsm_status status = stores_install_incoming(l->dir, l->config->data, l->config->map_size,
                                                     &l->store, &l->incoming);
    if (status != RSM_OK)
        return status;
    store_thread_set_store(l->store_thread, l->store);
    *base_out = store_kv(l->store);
    return RSM_OK;
}

static void env_incoming_drop(void *context)
{
    struct loop *l = context;
    stores_drop_incoming(l->dir, &l->incoming);
}

static void env_sign(void *context, struct bytes text, uint8_t signature_out[SIGNATURE_SIZE])
{
    struct loop *l = context;
    /* The memory for the text is all that can be missing, and then the process ends. */
    CHECK(key_sign(l->key, SIGNATURE_TAG(CHECKPOINT_TAG),
                   bytes_make(l->genesis.cluster_id, CLUSTER_ID_SIZE), text,
                   signature_out) == RSM_OK);
}

static struct blob *env_sign_command(void *context, struct bytes command)
{
    struct loop *l = context;
    struct rsm_buffer envelope;
    if (rsm_command_sign(l->vote_key, l->genesis.cluster_id,
                         (struct rsm_bytes){command.data, command.size}, &envelope) != RSM_OK)
        return NULL;
    struct blob *blob = blob_new(bytes_make(envelope.data, envelope.size));
    rsm_buffer_free(&envelope);
    return blob;
}

static bool env_verify(void *context, uint32_t replica, struct bytes text,
                       const uint8_t signature[SIGNATURE_SIZE])
{
    struct loop *l = context;
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    return membership_key(&l->membership, replica, key) &&
           signature_verify(key, SIGNATURE_TAG(CHECKPOINT_TAG),
                            bytes_make(l->genesis.cluster_id, CLUSTER_ID_SIZE), text,
                            signature) == RSM_OK;
}

static void env_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct loop *l = context;
    if (!dns_on_submitted(l->dns, token, outcome))
        methods_on_submitted(l->methods, token, outcome);
}

static void env_read_ready(void *context, uint64_t token, enum rsm_status status, uint64_t slot)
{
    struct loop *l = context;
    if (!dns_on_read_ready(l->dns, token, status))
        methods_on_read_ready(l->methods, token, status, slot);
}

static void env_applied(void *context, uint64_t slot)
{
    struct loop *l = context;
    methods_on_applied(l->methods, slot);
    dns_on_applied(l->dns, slot);
}

static void env_fatal(void *context, enum rsm_status status, const char *text)
{
    struct loop *l = context;
    (void)text; /* logged by the node */
    l->done = true;
    l->result = status;
}

uint64_t loop_draw_incarnation(void)
{
    uint64_t incarnation;
    do
        randombytes_buf(&incarnation, sizeof incarnation);
    while ((incarnation &= SLOT_MAX) == 0);
    return incarnation;
}

/* The file `doubt`: what peers were told, or are about to be. */
static void describe_doubt(uint64_t incarnation, char text[DOUBT_SIZE])
{
    snprintf(text, DOUBT_SIZE, "incarnation = %" PRIu64 "\n", incarnation);
}

/*
 * An earlier run was in doubt and did not come to its end. Doubt lasts: a sector that can be read
 * again does not bring back the peers, who know this replica as another one by now.
 */
bool loop_is_in_doubt(const struct loop *l)
{
    char text[DOUBT_SIZE];
    struct blob *found = NULL;
    describe_doubt(data_dir_identity(l->dir)->incarnation, text);
    enum rsm_status status = data_dir_read_file(l->dir, DOUBT_FILE, DOUBT_SIZE, &found);
    bool is_over = bytes_equal(blob_bytes(found), bytes_of_string(text));
    blob_unref(found);
    return status != RSM_NOT_FOUND && !is_over;
}

struct incarnation loop_incarnation(const struct loop *l)
{
    bool rejoins = l->rejoin_as != 0;
    uint64_t number = rejoins ? l->rejoin_as : data_dir_identity(l->dir)->incarnation;
    return incarnations_own(&l->incarnations, l->config->node.self, number, rejoins);
}

/* The peers hear what this replica is now. */
static void announce(struct loop *l)
{
    struct incarnation incarnation = loop_incarnation(l);
    if (l->links != NULL)
        peer_links_set_identity(l->links, &incarnation);
}

static uint64_t env_doubt(void *context)
{
    struct loop *l = context;
    char text[DOUBT_SIZE];
    struct body_recover body;
    uint64_t incarnation = loop_draw_incarnation();
    /* That it goes on alone begins with this doubt, also when an early crash begins it again. */
    if (l->recovery != NULL && body_recover_decode(blob_bytes(l->recovery), &body) == RSM_OK &&
        body.statement.former == data_dir_identity(l->dir)->incarnation)
        incarnation = body.statement.incarnation;
    describe_doubt(incarnation, text);
    if (data_dir_write_file(l->dir, DOUBT_FILE, bytes_of_string(text)) != RSM_OK ||
        incarnations_rename(&l->incarnations, l->config->node.self,
                            data_dir_identity(l->dir)->incarnation, incarnation) != RSM_OK)
        return 0; /* said to nobody: the next start tries again */
    l->rejoin_as = incarnation;
    if (l->verify != NULL) /* else it is found out while the node opens: nothing has come yet */
        verify_drop_peer(l->verify, 0); /* they were told to the one that this was */
    announce(l);
    return l->rejoin_as;
}

static enum rsm_status env_renewed(void *context, uint64_t incarnation, uint64_t joined)
{
    struct loop *l = context;
    struct identity identity = *data_dir_identity(l->dir);
    identity.incarnation = incarnation;
    identity.joined = joined;
    enum rsm_status status = data_dir_set_identity(l->dir, &identity);
    if (status != RSM_OK)
        return status;
    l->rejoin_as = 0;
    announce(l);
    return RSM_OK;
}

static uint64_t env_incarnation_of(void *context, uint32_t replica)
{
    return ((struct loop *)context)->incarnations.known[replica];
}

static void env_look_ahead(void *context, struct blob *value)
{
    struct loop *l = context;
    if (l->ahead != NULL)
        look_ahead_add(l->ahead, value);
}

static bool env_looked_ahead(void *context, struct bytes value, struct machine_signatures *out)
{
    struct loop *l = context;
    return l->ahead != NULL && look_ahead_take(l->ahead, value, out);
}

void loop_fill_env(struct loop *l, struct node_env *env)
{
    *env = (struct node_env){.context = l,
                             .send = env_send,
                             .backlog = env_backlog,
                             .push = env_push,
                             .wall_ms = env_wall_ms,
                             .monotonic_ns = env_monotonic_ns,
                             .commit = env_commit,
                             .commit_wait = env_commit_wait,
                             .look_ahead = env_look_ahead,
                             .looked_ahead = env_looked_ahead,
                             .snapshot = env_snapshot,
                             .incoming_begin = env_incoming_begin,
                             .incoming_put = env_incoming_put,
                             .incoming_state = env_incoming_state,
                             .incoming_install = env_incoming_install,
                             .incoming_drop = env_incoming_drop,
                             .sign = env_sign,
                             .verify = env_verify,
                             .sign_command = env_sign_command,
                             .submitted = env_submitted,
                             .read_ready = env_read_ready,
                             .applied = env_applied,
                             .doubt = env_doubt,
                             .renewed = env_renewed,
                             .incarnation_of = env_incarnation_of,
                             .fatal = env_fatal};
}
