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
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/key.h"
#include "src/command/keyfile.h"
#include "src/command/recovery.h"
#include "src/daemon/loop_internal.h"
#include "src/daemon/left_behind.h"
#include "src/daemon/node_recover.h"
#include "src/daemon/recover.h"
#include "src/daemon/scrub.h"
#include "src/daemon/stores.h"
#include "src/io/again.h"
#include "src/io/clock.h"
#include "src/io/data_dir.h"
#include "src/io/disk_posix.h"
#include "src/machine/staged.h"

#define STOP_MS 3000u

/* -------------------------------------------------------------------------------------------- */
/* Callbacks. */

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct loop *l = context;
    node_tick(l->node);
    methods_on_tick(l->methods);
    dns_on_tick(l->dns);
    approvers_on_tick(l->approvers, l->node);
    uint32_t freed;
    if (scrub_on_tick(l->scrub)) /* one that was killed leaves its reader behind */
        (void)store_check_readers(l->store, &freed);
}

static void on_committed(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct loop *l = context;
    enum rsm_status status;
    if (loop_end_commit(l, &status))
        node_on_committed(l->node, status);
}

static void on_flushed(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    node_on_flushed(((struct loop *)context)->node);
}

static void on_frame(void *context, uint32_t from, struct bytes frame)
{
    verify_frame(((struct loop *)context)->verify, from, frame);
}

static void on_lost(void *context, uint32_t peer)
{
    struct loop *l = context;
    verify_drop_peer(l->verify, peer);
    node_on_peer_lost(l->node, peer);
}

static bool on_accept(void *context, uint32_t peer, const struct incarnation *incarnation)
{
    struct loop *l = context;
    verify_drop_peer(l->verify, peer); /* they may be of its former life */
    /* Nobody asks a replica without a vote before he rejoins, so it hears of it now. */
    return incarnations_accept(&l->incarnations, peer, incarnation, !node_is_voter(l->node));
}

/* A peer refuses this replica, and says with whose signatures. */
static void on_left_behind(void *context, struct bytes body)
{
    struct loop *l = context;
    struct body_recover recover;
    if (node_is_left_behind(l->node) ||
        !left_behind_by(node_state(l->node), l->genesis.cluster_id, l->config->node.self,
                        data_dir_identity(l->dir)->incarnation, body, &recover))
        return;
    if (data_dir_write_file(l->dir, LEFT_BEHIND_FILE, body) != RSM_OK)
        LOG(LOG_ERROR, "left-behind", LOG_TEXT("text", "its file cannot be written"));
    membership_leave_behind(&l->membership, body);
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
    again_never();
    l->stop_at_ms = clock_monotonic_ms() + STOP_MS;
    rpc_stop_accepting(l->rpc);
    dns_stop_accepting(l->dns);
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
    if (status != RSM_OK)
        return complain(l, status, path, why);
    char name[16];
    snprintf(name, sizeof name, REPLICA_AUTHOR "%u", l->config->node.self);
    status = key_from_seed(name, key_seed(l->key), &l->vote_key);
    return status == RSM_OK ? RSM_OK : complain(l, status, path, rsm_status_sentence(status));
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
    identity.incarnation = loop_draw_incarnation();
    identity.joined = l->config->join ? identity.incarnation : 0;
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
    disk_posix_set_flush(l->disk, l->config->journal_flush);
    status = incarnations_open(&l->incarnations, l->dir);
    if (status != RSM_OK)
        return complain(l, status, "peers", rsm_status_sentence(status));
    status = store_thread_start(l->store, &l->store_thread);
    if (status == RSM_OK)
        status = watchdog_start(l->config->flush_timeout_ms, &l->watchdog);
    if (status == RSM_OK)
        status = disk_posix_start_beside(l->disk, l->watchdog);
    if (status != RSM_OK)
        return complain(l, status, "threads", rsm_status_sentence(status));
    return RSM_OK;
}

static enum rsm_status open_node(struct loop *l)
{
    struct node_config config = l->config->node;
    struct node_env env;
    const char *why = "";
    loop_fill_env(l, &env);
    config.incarnation = data_dir_identity(l->dir)->incarnation;
    config.joined = data_dir_identity(l->dir)->joined;
    config.fresh = l->created;
    config.in_doubt = loop_is_in_doubt(l);
    enum rsm_status signed_status =
        data_dir_read_file(l->dir, RECOVERY_FILE, RECOVERY_SIZE_MAX, &l->recovery);
    if (signed_status == RSM_OK && blob_bytes(l->recovery).size == 0)
        signed_status = RSM_DAMAGED;
    if (signed_status == RSM_OK)
        config.recovery = blob_bytes(l->recovery);
    else if (signed_status != RSM_NOT_FOUND) /* not to go on as if nobody had signed */
        return complain(l, signed_status, RECOVERY_FILE, rsm_status_sentence(signed_status));
    randombytes_buf(&config.seed, sizeof config.seed);
    /* The loop does not run yet, so that one is of use also where it would take turns with it. */
    uint32_t threads = l->config->verify_threads > 0 ? l->config->verify_threads : 1;
    enum rsm_status status = look_ahead_new(threads, l->genesis.cluster_id, &l->ahead);
    if (status != RSM_OK)
        return complain(l, status, "verify_threads", rsm_status_sentence(status));
    status = node_open(&l->node, &config, &env, blob_bytes(l->genesis_bytes), l->disk,
                       store_kv(l->store), &why);
    look_ahead_free(l->ahead);
    l->ahead = NULL;
    if (status != RSM_OK)
        return complain(l, status, l->config->data, why);
    return RSM_OK;
}

static enum rsm_status open_verify(struct loop *l)
{
    enum rsm_status status =
        verify_new(l->config->verify_threads, l->node, l->base, l->genesis.cluster_id, &l->verify);
    return status == RSM_OK ? RSM_OK
                            : complain(l, status, "verify_threads", rsm_status_sentence(status));
}

/* An earlier run heard of it. */
static enum rsm_status be_left_behind(struct loop *l)
{
    struct blob *found = NULL;
    struct body_recover recover;
    enum rsm_status status = left_behind_read(l->dir, &found);
    if (status == RSM_OK && found != NULL &&
        left_behind_by(node_state(l->node), l->genesis.cluster_id, l->config->node.self,
                       data_dir_identity(l->dir)->incarnation, blob_bytes(found), &recover))
        membership_leave_behind(&l->membership, blob_bytes(found));
    blob_unref(found);
    return status;
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
                                      .incarnation = loop_incarnation(l),
                                      .listen = l->config->peer_listen,
                                      .context = l,
                                      .accept = on_accept,
                                      .on_frame = on_frame,
                                      .on_left_behind = on_left_behind,
                                      .on_lost = on_lost};
    status = peer_links_new(&links, &l->links, why);
    if (status != RSM_OK)
        return complain(l, status, "peers", why);
    l->membership = (struct membership){.node = l->node,
                                        .links = l->links,
                                        .incarnations = &l->incarnations,
                                        .genesis = &l->genesis};
    status = be_left_behind(l);
    if (status == RSM_OK)
        status = membership_follow(&l->membership);
    if (status != RSM_OK)
        return complain(l, status, "members", rsm_status_sentence(status));
    l->approvers = approvers_new(l->config->approval_hook);
    if (l->config->totp_file != NULL)
        l->totp = totp_new(l->config->totp_file, l->key, l->config->node.self);
    methods_set_totp(l->methods, l->totp);
    if (l->config->dns.listen_count > 0)
        return dns_new(&l->config->dns, l->base, l->node, l->genesis.cluster_id, &l->dns, l->text);
    return RSM_OK;
}

/* Only memory can be missing. Without its event a replica would be deaf: to SIGTERM, for example.
 */
static void add(struct event *event, const struct timeval *period)
{
    (void)mem_made(event_add(event, period) == 0 ? event : NULL);
}

static void open_events(struct loop *l)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT};
    uint32_t ms = l->config->node.tick_ms;
    struct timeval period = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    l->tick = mem_made(event_new(l->base, -1, EV_PERSIST, on_tick, l));
    l->committed = mem_made(event_new(l->base, store_thread_descriptor(l->store_thread),
                                      EV_READ | EV_PERSIST, on_committed, l));
    l->flushed = mem_made(
        event_new(l->base, disk_posix_descriptor(l->disk), EV_READ | EV_PERSIST, on_flushed, l));
    add(l->tick, &period);
    add(l->committed, NULL);
    add(l->flushed, NULL);
    for (int i = 0; i < SIGNALS; i++) {
        l->signals[i] = mem_made(evsignal_new(l->base, numbers[i], on_signal, l));
        add(l->signals[i], NULL);
    }
}

enum rsm_status loop_new(const struct config *config, struct loop **loop_out, char *text)
{
    struct loop *l = mem_alloc(sizeof *l);
    l->config = config;
    l->text = text;
    l->base = mem_made(event_base_new());
    enum rsm_status status = read_genesis(l);
    if (status == RSM_OK)
        status = read_key(l);
    if (status == RSM_OK)
        status = open_data(l);
    if (status == RSM_OK)
        status = open_storage(l);
    if (status == RSM_OK)
        status = open_node(l);
    if (status == RSM_OK)
        status = open_verify(l);
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
    methods_set_verify(l->methods, l->verify);
    methods_set_submit_rate(l->methods, config->submit_rate);
    l->scrub = scrub_new(config->data, config->scrub_days, config->scrub_rate, l->node);
    methods_set_scrub(l->methods, l->scrub);
    methods_set_dns(l->methods, l->dns);
    open_events(l);
    *loop_out = l;
    return RSM_OK;
}

/* -------------------------------------------------------------------------------------------- */
/* Running. */

static void turn(struct loop *l)
{
    node_flush(l->node);
    verify_end_turn(l->verify);
    rpc_push(l->rpc);
    enum rsm_status status = membership_follow(&l->membership);
    if (status != RSM_OK) {
        LOG(LOG_ERROR, "fatal", LOG_TEXT("text", "the members cannot be read"));
        l->done = true;
        l->result = status;
    }
}

/* True when nothing is left to do, or the time for it is over. */
static bool may_end(struct loop *l)
{
    struct node_status status;
    if (clock_monotonic_ms() >= l->stop_at_ms)
        return true;
    if (!verify_is_idle(l->verify) || !node_is_idle(l->node) || !rpc_is_drained(l->rpc))
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
        watchdog_step(l->watchdog, WATCHDOG_LOOP,
                      "events"); /* the wait for them as well: a tick ends it */
        if (event_base_loop(l->base, EVLOOP_ONCE) != 0) {
            LOG(LOG_ERROR, "loop", LOG_TEXT("text", "libevent has nothing to wait for"));
            return RSM_FAILED;
        }
        watchdog_step(l->watchdog, WATCHDOG_LOOP, "turn");
        turn(l);
        if (l->stop_at_ms != 0 && !l->done && may_end(l))
            l->done = true;
    }
    l->is_over = true;
    LOG(LOG_INFO, "stopped", LOG_U64("applied", node_applied(l->node)));
    return l->result;
}

static void free_events(struct loop *l)
{
    if (l->tick != NULL)
        event_free(l->tick);
    if (l->committed != NULL)
        event_free(l->committed);
    if (l->flushed != NULL)
        event_free(l->flushed);
    for (int i = 0; i < SIGNALS; i++)
        if (l->signals[i] != NULL)
            event_free(l->signals[i]);
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    free_events(l);
    watchdog_step(l->watchdog, WATCHDOG_LOOP, "stop");
    store_thread_stop(l->store_thread); /* waits for a commit: it reads the node's overlay */
    scrub_free(l->scrub);
    verify_free(l->verify);
    l->verify = NULL;
    approvers_free(l->approvers);
    totp_free(l->totp);
    dns_free(l->dns); /* before the node: reads of it are not answered any more */
    l->dns = NULL;
    if (l->methods != NULL)
        methods_set_dns(l->methods, NULL);
    node_close(l->node); /* answers who waits: methods and links are still there */
    methods_stop(l->methods);
    rpc_free(l->rpc); /* tells methods of each connection that it closes */
    methods_free(l->methods);
    peer_links_free(l->links);
    disk_free(l->disk); /* its threads say to the watchdog what they do */
    watchdog_stop(l->watchdog);
    stores_drop_incoming(l->dir, &l->incoming);
    store_close(l->store);
    if (l->is_over && l->result == RSM_OK)
        stores_note_clean(l->dir, l->config->data);
    data_dir_close(l->dir);
    rsm_key_free(l->key);
    rsm_key_free(l->vote_key);
    blob_unref(l->genesis_bytes);
    blob_unref(l->recovery);
    blob_unref(l->membership.left_by);
    if (l->base != NULL)
        event_base_free(l->base);
    mem_free(l);
}
