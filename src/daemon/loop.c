/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop.c - opening in order, turns, and the clean stop.
 *
 * The stop, after a signal: no new connection and no new command; leadership is given up; what is
 * in flight gets its verdict from whoever leads then; the last overlay is committed; after at most
 * STOP_MS the rest is answered `UNAVAILABLE`. A second signal ends it at once.
 */
#include "src/daemon/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>

#include <rsm/key.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/genesis.h"
#include "src/daemon/incarnations.h"
#include "src/daemon/membership.h"
#include "src/daemon/methods.h"
#include "src/daemon/stores.h"
#include "src/io/clock.h"
#include "src/io/data_dir.h"
#include "src/io/disk_posix.h"
#include "src/io/store_thread.h"
#include "src/io/watchdog.h"
#include "src/net/peer_link.h"
#include "src/net/rpc.h"
#include "storage/store.h"

#define DOUBT_FILE "doubt"
#define DOUBT_SIZE 48u
#define STOP_MS 3000u
#define SIGNALS 2

struct loop {
    const struct config *config;
    struct event_base *base;
    struct event *tick;
    struct event *committed;
    struct event *signals[SIGNALS];
    struct rsm_key *key;
    struct blob *genesis_bytes;
    struct genesis genesis;
    struct data_dir *dir;
    bool created; /* the data directory was made in this run */
    struct incarnations incarnations;
    struct membership membership;
    char self_texts[MEMBERSHIP_TEXTS_SIZE];
    struct disk *disk;
    struct store *store;
    struct store_thread *store_thread;
    struct kv *committing; /* given to the store's thread */
    struct watchdog *watchdog;
    struct peer_links *links;
    uint64_t rejoin_as; /* in doubt: the incarnation that the peers are told; 0: the identity's */
    struct rpc_server *rpc;
    struct methods *methods;
    struct node *node;
    uint64_t stop_at_ms; /* 0: not stopping */
    bool done;
    enum rsm_status result;
    char *text; /* during loop_new */
};

/* -------------------------------------------------------------------------------------------- */
/* What the node asks for. */

static void env_send(void *context, uint32_t replica, struct blob *frame)
{
    peer_links_send(((struct loop *)context)->links, replica, frame);
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

static uint64_t env_monotonic_us(void *context)
{
    (void)context;
    return clock_monotonic_us();
}

static void env_commit(void *context, struct kv *frozen)
{
    struct loop *l = context;
    l->committing = frozen;
    store_thread_commit(l->store_thread, frozen);
}

static struct kv *env_snapshot(void *context)
{
    return store_cut(((struct loop *)context)->store);
}

static void env_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    methods_on_submitted(((struct loop *)context)->methods, token, outcome);
}

static void env_read_ready(void *context, uint64_t token, enum rsm_status status, uint64_t slot)
{
    methods_on_read_ready(((struct loop *)context)->methods, token, status, slot);
}

static void env_applied(void *context, uint64_t slot)
{
    methods_on_applied(((struct loop *)context)->methods, slot);
}

static void env_fatal(void *context, enum rsm_status status, const char *text)
{
    struct loop *l = context;
    (void)text; /* logged by the node */
    l->done = true;
    l->result = status;
}

static uint64_t draw_incarnation(void)
{
    uint64_t incarnation;
    do
        randombytes_buf(&incarnation, sizeof incarnation);
    while ((incarnation &= SLOT_MAX) == 0);
    return incarnation;
}

/* What the peers are told. */
static uint64_t incarnation_of(const struct loop *l)
{
    return l->rejoin_as != 0 ? l->rejoin_as : data_dir_identity(l->dir)->incarnation;
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
static bool is_in_doubt(const struct loop *l)
{
    char text[DOUBT_SIZE];
    struct blob *found = NULL;
    describe_doubt(data_dir_identity(l->dir)->incarnation, text);
    enum rsm_status status = data_dir_read_file(l->dir, DOUBT_FILE, DOUBT_SIZE, &found);
    bool is_over = bytes_equal(blob_bytes(found), bytes_of_string(text));
    blob_unref(found);
    return status != RSM_NOT_FOUND && !is_over;
}

static uint64_t env_doubt(void *context)
{
    struct loop *l = context;
    char text[DOUBT_SIZE];
    uint64_t incarnation = draw_incarnation();
    describe_doubt(incarnation, text);
    if (data_dir_write_file(l->dir, DOUBT_FILE, bytes_of_string(text)) != RSM_OK)
        return 0; /* said to nobody: the next start tries again */
    l->rejoin_as = incarnation;
    if (l->links != NULL)
        peer_links_set_identity(l->links, l->rejoin_as, true);
    return l->rejoin_as;
}

static enum rsm_status env_renewed(void *context, uint64_t incarnation)
{
    struct loop *l = context;
    struct identity identity = *data_dir_identity(l->dir);
    identity.incarnation = incarnation;
    enum rsm_status status = data_dir_set_identity(l->dir, &identity);
    if (status != RSM_OK)
        return status;
    l->rejoin_as = 0;
    peer_links_set_identity(l->links, incarnation, false);
    return RSM_OK;
}

static uint64_t env_incarnation_of(void *context, uint32_t replica)
{
    return ((struct loop *)context)->incarnations.known[replica];
}

static void fill_env(struct loop *l, struct node_env *env)
{
    *env = (struct node_env){.context = l,
                             .send = env_send,
                             .push = env_push,
                             .wall_ms = env_wall_ms,
                             .monotonic_us = env_monotonic_us,
                             .commit = env_commit,
                             .snapshot = env_snapshot,
                             .submitted = env_submitted,
                             .read_ready = env_read_ready,
                             .applied = env_applied,
                             .doubt = env_doubt,
                             .renewed = env_renewed,
                             .incarnation_of = env_incarnation_of,
                             .fatal = env_fatal};
}

/* -------------------------------------------------------------------------------------------- */
/* Callbacks. */

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct loop *l = context;
    node_tick(l->node);
    methods_on_tick(l->methods);
}

static void on_committed(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct loop *l = context;
    enum rsm_status status;
    if (!store_thread_collect(l->store_thread, &status))
        return;
    struct kv *committed = l->committing;
    l->committing = NULL;
    if (status == RSM_TOO_LARGE) {
        node_drop_cuts(l->node);
        status = store_grow(l->store);
        if (status == RSM_OK) {
            env_commit(l, committed);
            return;
        }
    }
    if (status == RSM_OK)
        status = store_refresh(l->store);
    node_on_committed(l->node, status);
}

static void on_frame(void *context, uint32_t from, struct bytes frame)
{
    node_on_frame(((struct loop *)context)->node, from, frame);
}

static void on_lost(void *context, uint32_t peer)
{
    node_on_peer_lost(((struct loop *)context)->node, peer);
}

static bool on_accept(void *context, uint32_t peer, uint64_t incarnation, bool rejoin)
{
    return incarnations_accept(&((struct loop *)context)->incarnations, peer, incarnation, rejoin);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    struct loop *l = context;
    LOG(LOG_INFO, "signal", LOG_U64("number", number));
    if (l->stop_at_ms != 0) {
        l->done = true;
        return;
    }
    l->stop_at_ms = clock_monotonic_ms() + STOP_MS;
    rpc_stop_accepting(l->rpc);
    node_stop_accepting(l->node);
}

/* -------------------------------------------------------------------------------------------- */
/* Opening. */

static enum rsm_status complain(struct loop *l, enum rsm_status status, const char *what,
                                const char *why)
{
    snprintf(l->text, CONFIG_ERROR_SIZE, "%.300s: %s", what, why);
    return status;
}

static enum rsm_status read_genesis(struct loop *l)
{
    uint8_t buffer[GENESIS_SIZE_MAX + 1];
    size_t size = 0;
    ssize_t got = 1;
    int fd = open(l->config->genesis, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return complain(l, RSM_NOT_FOUND, l->config->genesis, strerror(errno));
    while (got > 0 && size < sizeof buffer) {
        got = read(fd, buffer + size, sizeof buffer - size);
        if (got > 0)
            size += (size_t)got;
    }
    close(fd);
    if (got < 0)
        return complain(l, RSM_IO, l->config->genesis, strerror(errno));
    if (size > GENESIS_SIZE_MAX)
        return complain(l, RSM_TOO_LARGE, l->config->genesis, "larger than a genesis may be");
    l->genesis_bytes = blob_new(bytes_make(buffer, size));
    enum rsm_status status = genesis_parse(blob_bytes(l->genesis_bytes), &l->genesis);
    if (status != RSM_OK)
        return complain(l, status, l->config->genesis, "this is no genesis of a cluster");
    return RSM_OK;
}

/* The replica's own key, which must be the one that the genesis names, unless it joins. */
static enum rsm_status read_key(struct loop *l)
{
    const char *path = l->config->key;
    enum rsm_status status = rsm_key_load(path, NULL, 0, &l->key);
    if (status == RSM_KEY_EXPOSED)
        return complain(l, status, path, "others can read or replace it: chmod 600");
    if (status == RSM_BAD_PASSPHRASE)
        return complain(l, status, path,
                        "a replica's key has no passphrase: nobody is there to type it");
    if (status != RSM_OK)
        return complain(l, status, path, rsm_status_sentence(status));
    const char *why = "";
    status = membership_check(l->config, &l->genesis, rsm_key_public(l->key), &why);
    return status == RSM_OK ? RSM_OK : complain(l, status, path, why);
}

static enum rsm_status open_data(struct loop *l)
{
    struct identity identity = {.replica = l->config->node.self};
    memcpy(identity.cluster, l->genesis.cluster_id, CLUSTER_ID_SIZE);
    const char *path = l->config->data;
    enum rsm_status status = data_dir_open(path, &identity, &l->dir, l->text, CONFIG_ERROR_SIZE);
    if (status != RSM_NOT_FOUND)
        return status;
    /* The first start, or a disk that lost everything: peers that knew another one refuse it. */
    identity.incarnation = draw_incarnation();
    l->created = true;
    status = data_dir_create(path, &identity, blob_bytes(l->genesis_bytes));
    if (status != RSM_OK)
        return complain(l, status, path, rsm_status_sentence(status));
    LOG(LOG_INFO, "data-created", LOG_TEXT("path", path));
    return data_dir_open(path, &identity, &l->dir, l->text, CONFIG_ERROR_SIZE);
}

static enum rsm_status open_storage(struct loop *l)
{
    const char *why = "";
    enum rsm_status status =
        stores_open(l->dir, l->config->data, l->config->map_size, &l->store, &why);
    if (status != RSM_OK)
        return complain(l, status, "store", why);
    status = disk_posix_open(data_dir_descriptor(l->dir), "journal", true, &l->disk);
    if (status != RSM_OK)
        return complain(l, status, "journal", rsm_status_sentence(status));
    status = incarnations_open(&l->incarnations, l->dir);
    if (status != RSM_OK)
        return complain(l, status, "peers", rsm_status_sentence(status));
    status = store_thread_start(l->store, &l->store_thread);
    if (status == RSM_OK)
        status = watchdog_start(l->config->flush_timeout_ms, &l->watchdog);
    if (status != RSM_OK)
        return complain(l, status, "threads", rsm_status_sentence(status));
    return RSM_OK;
}

static enum rsm_status open_node(struct loop *l)
{
    struct node_config config = l->config->node;
    struct node_env env;
    const char *why = "";
    fill_env(l, &env);
    config.incarnation = data_dir_identity(l->dir)->incarnation;
    config.fresh = l->created;
    config.in_doubt = is_in_doubt(l);
    randombytes_buf(&config.seed, sizeof config.seed);
    enum rsm_status status = node_open(&l->node, &config, &env, blob_bytes(l->genesis_bytes),
                                       l->disk, store_kv(l->store), &why);
    if (status != RSM_OK)
        return complain(l, status, l->config->data, why);
    return RSM_OK;
}

static enum rsm_status open_network(struct loop *l)
{
    char why[256] = "";
    struct rpc_config rpc = {.base = l->base, .connections_max = LIMIT_CLIENT_CONNECTIONS};
    methods_fill_rpc(l->methods, &rpc);
    l->rpc = rpc_new(&rpc);
    enum rsm_status status = RSM_OK;
    for (uint32_t i = 0; status == RSM_OK && i < l->config->client_listen_count; i++)
        status = rpc_listen(l->rpc, l->config->client_listen[i], why);
    if (status == RSM_OK && l->config->client_unix != NULL)
        status = rpc_listen_unix(l->rpc, l->config->client_unix, why);
    if (status != RSM_OK)
        return complain(l, status, "clients", why);
    struct peer_links_config links = {.base = l->base,
                                      .cluster_id = l->genesis.cluster_id,
                                      .key = l->key,
                                      .self = l->config->node.self,
                                      .incarnation = incarnation_of(l),
                                      .rejoin = l->rejoin_as != 0,
                                      .listen = l->config->peer_listen,
                                      .context = l,
                                      .accept = on_accept,
                                      .on_frame = on_frame,
                                      .on_lost = on_lost};
    status = peer_links_new(&links, &l->links, why);
    if (status != RSM_OK)
        return complain(l, status, "peers", why);
    l->membership = (struct membership){.node = l->node,
                                        .links = l->links,
                                        .incarnations = &l->incarnations,
                                        .genesis = &l->genesis};
    status = membership_follow(&l->membership);
    if (status != RSM_OK)
        return complain(l, status, "members", rsm_status_sentence(status));
    return RSM_OK;
}

static void open_events(struct loop *l)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT};
    uint32_t ms = l->config->node.tick_ms;
    struct timeval period = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    l->tick = event_new(l->base, -1, EV_PERSIST, on_tick, l);
    l->committed = event_new(l->base, store_thread_descriptor(l->store_thread),
                             EV_READ | EV_PERSIST, on_committed, l);
    CHECK(l->tick != NULL && l->committed != NULL);
    event_add(l->tick, &period);
    event_add(l->committed, NULL);
    for (int i = 0; i < SIGNALS; i++) {
        l->signals[i] = evsignal_new(l->base, numbers[i], on_signal, l);
        CHECK(l->signals[i] != NULL);
        event_add(l->signals[i], NULL);
    }
}

enum rsm_status loop_new(const struct config *config, struct loop **loop_out, char *text)
{
    struct loop *l = mem_alloc(sizeof *l);
    l->config = config;
    l->text = text;
    l->base = event_base_new();
    CHECK(l->base != NULL);
    enum rsm_status status = read_genesis(l);
    if (status == RSM_OK)
        status = read_key(l);
    if (status == RSM_OK)
        status = open_data(l);
    if (status == RSM_OK)
        status = open_storage(l);
    if (status == RSM_OK)
        status = open_node(l);
    if (status == RSM_OK) {
        struct methods_self self = membership_self(config, &l->genesis, rsm_key_public(l->key),
                                                   l->dir, &l->incarnations, l->self_texts);
        l->methods = methods_new(l->node, &l->genesis, config->node.tick_ms, &self);
        status = open_network(l);
    }
    if (status != RSM_OK) {
        loop_free(l);
        *loop_out = NULL;
        return status;
    }
    methods_set_network(l->methods, l->rpc, l->links);
    open_events(l);
    *loop_out = l;
    return RSM_OK;
}

/* -------------------------------------------------------------------------------------------- */
/* Running. */

static void turn(struct loop *l)
{
    watchdog_begin(l->watchdog, "turn");
    node_flush(l->node);
    watchdog_end(l->watchdog);
    enum rsm_status status = membership_follow(&l->membership);
    if (status != RSM_OK)
        env_fatal(l, status, "the members cannot be read");
}

/* True when nothing is left to do, or the time for it is over. */
static bool may_end(struct loop *l)
{
    struct node_status status;
    if (clock_monotonic_ms() >= l->stop_at_ms)
        return true;
    if (!node_is_idle(l->node) || !rpc_is_drained(l->rpc))
        return false;
    node_get_status(l->node, &status);
    if (status.stored == status.applied)
        return true;
    node_commit_now(l->node);
    return false;
}

enum rsm_status loop_run(struct loop *l)
{
    LOG(LOG_INFO, "ready", LOG_U64("replica", l->config->node.self),
        LOG_U64("applied", node_applied(l->node)));
    while (!l->done) {
        if (event_base_loop(l->base, EVLOOP_ONCE) != 0) {
            LOG(LOG_ERROR, "loop", LOG_TEXT("text", "libevent has nothing to wait for"));
            return RSM_FAILED;
        }
        turn(l);
        if (l->stop_at_ms != 0 && !l->done && may_end(l))
            l->done = true;
    }
    LOG(LOG_INFO, "stopped", LOG_U64("applied", node_applied(l->node)));
    return l->result;
}

static void free_events(struct loop *l)
{
    if (l->tick != NULL)
        event_free(l->tick);
    if (l->committed != NULL)
        event_free(l->committed);
    for (int i = 0; i < SIGNALS; i++)
        if (l->signals[i] != NULL)
            event_free(l->signals[i]);
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    free_events(l);
    store_thread_stop(l->store_thread); /* waits for a commit: it reads the node's overlay */
    node_close(l->node);                /* answers who waits: methods and links are still there */
    methods_free(l->methods);
    rpc_free(l->rpc);
    peer_links_free(l->links);
    watchdog_stop(l->watchdog);
    disk_free(l->disk);
    store_close(l->store);
    data_dir_close(l->dir);
    rsm_key_free(l->key);
    blob_unref(l->genesis_bytes);
    if (l->base != NULL)
        event_base_free(l->base);
    mem_free(l);
}
