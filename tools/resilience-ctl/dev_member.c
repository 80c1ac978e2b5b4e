/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dev_member.c - what happens to members, to be tried at home: a process that is no member yet, and
 * a disk that is lost. What to do about it is member.c's.
 */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "tools/resilience-ctl/cluster.h"
#include "tools/resilience-ctl/dev.h"

static bool choose_ports(struct cluster_member *m)
{
    int client_fd = -1;
    int peer_fd = -1;
    uint16_t client = dev_free_port(&client_fd);
    uint16_t peer = dev_free_port(&peer_fd);
    if (client_fd >= 0)
        close(client_fd);
    if (peer_fd >= 0)
        close(peer_fd);
    snprintf(m->client, sizeof m->client, "127.0.0.1:%u", client);
    snprintf(m->peer, sizeof m->peer, "127.0.0.1:%u", peer);
    return client != 0 && peer != 0;
}

static bool append_endpoint(const char *dir, const char *before, const char *endpoint)
{
    char path[DEV_PATH_SIZE];
    size_t size = strlen(before) + strlen(endpoint) + 2;
    char *text = mem_alloc(size);
    snprintf(text, size, "%s,%s", before, endpoint);
    snprintf(path, sizeof path, "%s/endpoints", dir);
    bool good = ctl_write_file(path, rsm_text(text));
    mem_free(text);
    return good;
}

static void print_next(struct ctl *ctl, unsigned replica, const char *endpoint, const char *verb,
                       const char *argument)
{
    if (ctl->output != CTL_OUTPUT_TABLE)
        printf("{\"replica\":%u,\"endpoint\":\"%s\"}\n", replica, endpoint);
    else
        printf("replica %u  %s\n", replica, endpoint);
    fprintf(stderr, "next: resilience-ctl member %s %s\n", verb, argument);
}

int ctl_dev_add(struct ctl *ctl, int count, char **arguments)
{
    struct cluster_plan plan = {.name = "dev", .plain = true, .join = true, .member_count = 1};
    struct cluster_member *m = &plan.members[0];
    (void)count;
    (void)arguments;
    dev_choose_dir(ctl);
    plan.dir = ctl->dir;
    char *endpoints = dev_read_endpoints(ctl->dir);
    if (endpoints == NULL)
        return rsm_status_exit(RSM_NOT_FOUND);
    m->id = dev_count_replicas(ctl->dir) + 1;
    int result = 0;
    if (m->id > REPLICA_MAX)
        result =
            ctl_fail(RSM_USAGE, "%s has %u replicas, the most there can be", ctl->dir, REPLICA_MAX);
    else if (!choose_ports(m))
        result = ctl_fail(RSM_IO, "no free ports are to be had");
    if (result == 0) {
        snprintf(m->zone, sizeof m->zone, "%s", dev_zones[m->id - 1]);
        result = rsm_status_exit(cluster_make_joining(&plan));
    }
    bool good = result == 0 && append_endpoint(ctl->dir, endpoints, m->client) &&
                dev_start_replica(ctl->dir, m->id) &&
                dev_wait_for(ctl->dir, m->client, m->id, dev_is_up);
    mem_free(endpoints);
    if (good)
        print_next(ctl, m->id, m->client, "add", m->client);
    return good || result != 0 ? result : rsm_status_exit(RSM_FAILED);
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *place)
{
    (void)found;
    (void)kind;
    (void)place;
    return remove(path);
}

int ctl_dev_wipe(struct ctl *ctl, int count, char **arguments)
{
    char path[DEV_PATH_SIZE], endpoint[128] = "", number[16];
    (void)count;
    (void)arguments;
    pid_t pid = dev_need_replica(ctl);
    if (pid < 0)
        return rsm_status_exit(RSM_USAGE);
    unsigned replica = (unsigned)ctl->replica;
    char *endpoints = dev_read_endpoints(ctl->dir);
    bool good =
        endpoints != NULL && dev_endpoint_at(endpoints, replica - 1, endpoint, sizeof endpoint);
    mem_free(endpoints);
    if (!good)
        return rsm_status_exit(RSM_NOT_FOUND);
    if (pid > 0)
        kill(pid, SIGKILL);
    good = dev_wait_gone(ctl->dir, replica);
    snprintf(path, sizeof path, "%s/replica-%u/data", ctl->dir, replica);
    if (good && nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return ctl_fail(RSM_IO, "%s: %s", path, strerror(errno));
    good = good && dev_start_replica(ctl->dir, replica) &&
           dev_wait_for(ctl->dir, endpoint, replica, dev_is_up);
    snprintf(number, sizeof number, "%u", replica);
    if (good)
        print_next(ctl, replica, endpoint, "replace", number);
    return good ? 0 : rsm_status_exit(RSM_FAILED);
}
