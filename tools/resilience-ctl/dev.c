/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dev.c - a local cluster in the background, for trying, tests and the bench.
 *
 *   DIR/                 as cluster.c makes it; DIR/endpoints has the client addresses
 *   DIR/replica-N/log    what rsmd says      DIR/replica-N/pid   its process
 *
 * A pid is believed only when the process still has our configuration's path on its command line:
 * numbers are used again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "src/base/mem.h"
#include "tools/lib/sibling.h"
#include "tools/resilience-ctl/cluster.h"
#include "tools/resilience-ctl/dev.h"

#define START_MS 20000u
#define STOP_MS 10000u
#define STEP_MS 20u

const char *const dev_zones[LIMIT_REPLICAS] = {"us-east-1a", "us-east-1b", "us-east-1c",
                                               "us-east-1d", "us-east-1e", "us-east-1f",
                                               "us-east-1g", "us-east-1h", "us-east-1i"};

static void pause_ms(uint32_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* -------------------------------------------------------------------------------------------- */
/* Processes. */

static void config_path(const char *dir, unsigned replica, char path[DEV_PATH_SIZE])
{
    char *absolute = realpath(dir, NULL);
    snprintf(path, DEV_PATH_SIZE, "%s/replica-%u/rsmd.conf", absolute != NULL ? absolute : dir,
             replica);
    free(absolute);
}

/*
 * A process that was killed has no command line any more, and has its locks and ports until its
 * last thread is gone: it is there until then. proc(5): state and num_threads of /proc/PID/stat.
 */
static bool is_ending(pid_t pid)
{
    char path[64], text[512], state = 'X';
    int threads = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *name = strstr(text, " (rsmd) ");
    if (name == NULL || sscanf(name,
                               " (rsmd) %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
                               "%*d %*d %*d %*d %d",
                               &state, &threads) != 2)
        return false;
    return state != 'X' && (state != 'Z' || threads > 1);
}

/* Of /proc/PID/cmdline; 0: it has none, or is not there. */
static size_t read_command_line(pid_t pid, char *line, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t got = fread(line, 1, size, file);
    fclose(file);
    return got;
}

/* True as well for one that is ending and has no command line any more. */
static bool runs_our_config(pid_t pid, const char *config)
{
    char line[DEV_PATH_SIZE + 64];
    size_t size = read_command_line(pid, line, sizeof line);
    if (size == 0)
        return is_ending(pid);
    return memmem(line, size, config, strlen(config)) != NULL;
}

pid_t dev_find_process(const char *dir, unsigned replica)
{
    char path[DEV_PATH_SIZE + 32], config[DEV_PATH_SIZE];
    int pid = 0;
    snprintf(path, sizeof path, "%s/replica-%u/pid", dir, replica);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%d", &pid) != 1)
        pid = 0;
    fclose(file);
    config_path(dir, replica, config);
    return pid > 0 && runs_our_config((pid_t)pid, config) ? (pid_t)pid : 0;
}

/* In the child: a session of its own, its output in the log, nothing of ours left open. */
static void become_rsmd(const char *dir, unsigned replica)
{
    char log[DEV_PATH_SIZE + 32], config[DEV_PATH_SIZE], rsmd[SIBLING_SIZE];
    snprintf(log, sizeof log, "%s/replica-%u/log", dir, replica);
    config_path(dir, replica, config);
    sibling_find("rsmd", rsmd);
    setsid();
    int null = open("/dev/null", O_RDWR);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (null < 0 || out < 0)
        _exit(1);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    execlp(rsmd, "rsmd", "--config", config, (char *)NULL);
    fprintf(stderr, "%s: %s\n", rsmd, strerror(errno));
    _exit(127);
}

bool dev_start_replica(const char *dir, unsigned replica)
{
    char path[DEV_PATH_SIZE + 32], first;
    pid_t pid = dev_find_process(dir, replica);
    if (pid != 0 && read_command_line(pid, &first, 1) == 0 && dev_wait_gone(dir, replica))
        pid = 0;
    if (pid != 0)
        return true;
    pid = fork();
    if (pid == 0)
        become_rsmd(dir, replica);
    if (pid < 0) {
        ctl_fail(RSM_FAILED, "cannot start a process: %s", strerror(errno));
        return false;
    }
    char text[32];
    snprintf(text, sizeof text, "%d\n", (int)pid);
    snprintf(path, sizeof path, "%s/replica-%u/pid", dir, replica);
    return ctl_write_file(path, rsm_text(text));
}

unsigned dev_count_replicas(const char *dir)
{
    char path[DEV_PATH_SIZE];
    unsigned count = 0;
    for (unsigned i = 1; i <= REPLICA_MAX; i++) {
        config_path(dir, i, path);
        if (access(path, F_OK) == 0)
            count = i;
    }
    return count;
}

/* -------------------------------------------------------------------------------------------- */
/* Addresses. */

static bool choose_addresses(struct cluster_plan *plan, uint64_t base_port)
{
    int held[2 * LIMIT_REPLICAS];
    unsigned held_count = 0;
    bool good = true;
    for (unsigned i = 0; i < plan->member_count && good; i++) {
        uint16_t client = (uint16_t)(base_port + i);
        uint16_t peer = (uint16_t)(base_port + 100 + i);
        if (base_port == 0) {
            client = dev_free_port(&held[held_count++]);
            peer = dev_free_port(&held[held_count++]);
        }
        good = client != 0 && peer != 0;
        plan->members[i].id = i + 1;
        snprintf(plan->members[i].zone, sizeof plan->members[i].zone, "%s", dev_zones[i]);
        snprintf(plan->members[i].client, sizeof plan->members[i].client, "127.0.0.1:%u", client);
        snprintf(plan->members[i].peer, sizeof plan->members[i].peer, "127.0.0.1:%u", peer);
    }
    for (unsigned i = 0; i < held_count; i++)
        if (held[i] >= 0)
            close(held[i]);
    return good;
}

static bool write_endpoints(const struct cluster_plan *plan)
{
    char path[DEV_PATH_SIZE], text[LIMIT_REPLICAS * 128 + 2] = "";
    for (unsigned i = 0; i < plan->member_count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "," : "",
                 plan->members[i].client);
    }
    snprintf(path, sizeof path, "%s/endpoints", plan->dir);
    return ctl_write_file(path, rsm_text(text));
}

char *dev_read_endpoints(const char *dir)
{
    char path[DEV_PATH_SIZE];
    struct rsm_buffer text;
    snprintf(path, sizeof path, "%s/endpoints", dir);
    if (!ctl_read_file(path, 65536, &text))
        return NULL;
    char *endpoints = mem_copy_text(text.data, text.size);
    endpoints[strcspn(endpoints, "\n")] = '\0';
    rsm_buffer_free(&text);
    return endpoints;
}

/* -------------------------------------------------------------------------------------------- */
/* Waiting. */

/* What a replica says of itself. Owned by the caller; empty when it does not answer. */
static struct rsm_buffer ask(const char *endpoint, const char *method)
{
    struct rsm_client *client = NULL;
    struct rsm_buffer result = {NULL, 0};
    struct rsm_value none = {{NULL, 0}};
    if (rsm_client_new(endpoint, &client) == RSM_OK)
        (void)rsm_client_call(client, method, none, 500, &result);
    rsm_client_free(client);
    return result;
}

static bool is_ready(const char *endpoint)
{
    struct rsm_buffer result = ask(endpoint, "status");
    bool ready = rsm_value_bool(rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "ready"));
    rsm_buffer_free(&result);
    return ready;
}

bool dev_is_up(const char *endpoint)
{
    struct rsm_buffer result = ask(endpoint, "member.self");
    bool up = result.size > 0;
    rsm_buffer_free(&result);
    return up;
}

static bool is_outside(const char *endpoint)
{
    char role[16];
    struct rsm_buffer result = ask(endpoint, "member.self");
    struct rsm_value self = rsm_value_of(rsm_buffer_bytes(&result));
    bool outside = strcmp(ctl_cell(rsm_value_get(self, "role"), role, sizeof role), "none") == 0;
    rsm_buffer_free(&result);
    return outside;
}

bool dev_endpoint_at(const char *endpoints, unsigned index, char *out, size_t size)
{
    while (index-- > 0) {
        endpoints = strchr(endpoints, ',');
        if (endpoints == NULL)
            return false;
        endpoints++;
    }
    snprintf(out, size, "%.*s", (int)strcspn(endpoints, ","), endpoints);
    return true;
}

bool dev_wait_for(const char *dir, const char *endpoint, unsigned replica,
                  bool (*is_done)(const char *endpoint))
{
    for (uint32_t waited = 0; !is_done(endpoint); waited += STEP_MS) {
        bool dead = dev_find_process(dir, replica) == 0;
        /* A child that could not start is ours to collect. */
        if (dead)
            waitpid(-1, NULL, WNOHANG);
        if (waited >= START_MS || (dead && waited > 1000)) {
            ctl_fail(RSM_FAILED, "replica %u is not ready; see %s/replica-%u/log", replica, dir,
                     replica);
            return false;
        }
        pause_ms(STEP_MS);
    }
    return true;
}

static bool is_ready_or_outside(const char *endpoint)
{
    return is_ready(endpoint) || is_outside(endpoint);
}

static bool wait_ready(const char *dir, const char *endpoints, unsigned only)
{
    char endpoint[128];
    for (unsigned i = 0; dev_endpoint_at(endpoints, i, endpoint, sizeof endpoint); i++) {
        if (only != 0 && i + 1 != only)
            continue;
        if (!dev_wait_for(dir, endpoint, i + 1, is_ready_or_outside))
            return false;
    }
    return true;
}

/* -------------------------------------------------------------------------------------------- */
/* Commands. */

void dev_choose_dir(struct ctl *ctl)
{
    if (ctl->dir == NULL)
        ctl->dir = getenv("RSM_DEV_DIR");
    if (ctl->dir == NULL)
        ctl->dir = "rsm-dev";
}

/* One line; takes the object. */
static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void print_how(struct ctl *ctl, const char *endpoints)
{
    char *absolute = realpath(ctl->dir, NULL);
    const char *dir = absolute != NULL ? absolute : ctl->dir;
    if (ctl->output != CTL_OUTPUT_TABLE)
        print_json(json_pack("{s:s,s:o}", "endpoints", endpoints, "key",
                             json_sprintf("%s/admin.key", dir)));
    else
        printf("export RSM_ENDPOINTS=%s\nexport RSM_KEY=%s/admin.key\n", endpoints, dir);
    free(absolute);
}

static enum rsm_status make_dev_cluster(struct ctl *ctl)
{
    struct cluster_plan plan = {.dir = ctl->dir,
                                .name = "dev",
                                .admin = "admin@dev",
                                .person = "developer",
                                .plain = true,
                                .member_count = (unsigned)ctl->replicas};
    if (!choose_addresses(&plan, ctl->base_port)) {
        ctl_fail(RSM_IO, "no free ports are to be had");
        return RSM_IO;
    }
    enum rsm_status status = cluster_make(&plan);
    return status == RSM_OK && !write_endpoints(&plan) ? RSM_IO : status;
}

int ctl_dev_up(struct ctl *ctl, int count, char **arguments)
{
    char path[DEV_PATH_SIZE];
    (void)count;
    (void)arguments;
    dev_choose_dir(ctl);
    if (ctl->replicas == 0)
        ctl->replicas = 3;
    if (ctl->replicas > LIMIT_REPLICAS || ctl->base_port > 65000)
        return ctl_fail(RSM_USAGE, "--replicas is 1 to %u, --base-port at most 65000",
                        LIMIT_REPLICAS);
    snprintf(path, sizeof path, "%s/endpoints", ctl->dir);
    if (access(path, F_OK) != 0) {
        enum rsm_status status = make_dev_cluster(ctl);
        if (status != RSM_OK)
            return rsm_status_exit(status);
    }
    char *endpoints = dev_read_endpoints(ctl->dir);
    if (endpoints == NULL)
        return rsm_status_exit(RSM_FAILED);
    bool good = true;
    unsigned replicas = dev_count_replicas(ctl->dir);
    for (unsigned i = 1; i <= replicas && good; i++)
        good = dev_start_replica(ctl->dir, i);
    good = good && wait_ready(ctl->dir, endpoints, 0);
    if (good)
        print_how(ctl, endpoints);
    mem_free(endpoints);
    return good ? 0 : rsm_status_exit(RSM_FAILED);
}

bool dev_wait_gone(const char *dir, unsigned replica)
{
    for (uint32_t waited = 0; dev_find_process(dir, replica) != 0; waited += STEP_MS) {
        if (waited >= STOP_MS)
            return false;
        waitpid(-1, NULL, WNOHANG);
        pause_ms(STEP_MS);
    }
    return true;
}

int ctl_dev_down(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    (void)arguments;
    dev_choose_dir(ctl);
    unsigned replicas = dev_count_replicas(ctl->dir);
    unsigned stopped = 0;
    if (replicas == 0)
        return ctl_fail(RSM_NOT_FOUND, "%s: no local cluster is there", ctl->dir);
    for (unsigned i = 1; i <= replicas; i++) {
        pid_t pid = dev_find_process(ctl->dir, i);
        if (pid == 0)
            continue;
        kill(pid, SIGTERM);
        kill(pid, SIGCONT); /* a stopped process hears nothing else */
        stopped++;
    }
    for (unsigned i = 1; i <= replicas; i++) {
        pid_t pid = dev_find_process(ctl->dir, i);
        if (dev_wait_gone(ctl->dir, i))
            continue;
        fprintf(stderr, "resilience-ctl: replica %u does not stop: killed\n", i);
        kill(pid, SIGKILL);
        dev_wait_gone(ctl->dir, i);
    }
    if (ctl->output == CTL_OUTPUT_TABLE)
        printf("stopped %u of %u replicas\n", stopped, replicas);
    else
        print_json(json_pack("{s:i,s:i}", "stopped", (int)stopped, "replicas", (int)replicas));
    return 0;
}

int ctl_dev_status(struct ctl *ctl, int count, char **arguments)
{
    char endpoint[128] = "";
    bool all = true;
    (void)count;
    (void)arguments;
    dev_choose_dir(ctl);
    char *endpoints = dev_read_endpoints(ctl->dir);
    if (endpoints == NULL)
        return rsm_status_exit(RSM_NOT_FOUND);
    json_t *list = json_array();
    for (unsigned i = 0; dev_endpoint_at(endpoints, i, endpoint, sizeof endpoint); i++) {
        pid_t pid = dev_find_process(ctl->dir, i + 1);
        bool ready = pid != 0 && is_ready(endpoint);
        all = all && ready;
        if (ctl->output == CTL_OUTPUT_TABLE)
            printf("replica %u  %s  %s  pid %d\n", i + 1, endpoint,
                   ready      ? "ready"
                   : pid != 0 ? "not ready"
                              : "stopped",
                   (int)pid);
        else
            json_array_append_new(list,
                                  json_pack("{s:i,s:s,s:i,s:b}", "replica", (int)i + 1, "endpoint",
                                            endpoint, "pid", (int)pid, "ready", (int)ready));
    }
    size_t at;
    json_t *one;
    json_array_foreach(list, at, one)
    {
        if (ctl->output == CTL_OUTPUT_JSONL)
            print_json(json_incref(one));
    }
    if (ctl->output == CTL_OUTPUT_JSON)
        print_json(json_pack("{s:O}", "replicas", list));
    json_decref(list);
    mem_free(endpoints);
    return all ? 0 : 1;
}

pid_t dev_need_replica(struct ctl *ctl)
{
    dev_choose_dir(ctl);
    if (ctl->replica == 0 || ctl->replica > dev_count_replicas(ctl->dir)) {
        ctl_fail(RSM_USAGE, "--replica says which one, from 1");
        return -1;
    }
    return dev_find_process(ctl->dir, (unsigned)ctl->replica);
}

int ctl_dev_kill(struct ctl *ctl, int count, char **arguments)
{
    pid_t pid = dev_need_replica(ctl);
    (void)count;
    (void)arguments;
    if (pid < 0)
        return rsm_status_exit(RSM_USAGE);
    if (pid == 0)
        return ctl_fail(RSM_NOT_FOUND, "replica %u does not run", (unsigned)ctl->replica);
    kill(pid, SIGKILL);
    return dev_wait_gone(ctl->dir, (unsigned)ctl->replica) ? 0 : rsm_status_exit(RSM_FAILED);
}

int ctl_dev_start(struct ctl *ctl, int count, char **arguments)
{
    pid_t pid = dev_need_replica(ctl);
    (void)count;
    (void)arguments;
    if (pid < 0)
        return rsm_status_exit(RSM_USAGE);
    char *endpoints = dev_read_endpoints(ctl->dir);
    if (endpoints == NULL)
        return rsm_status_exit(RSM_NOT_FOUND);
    bool good = dev_start_replica(ctl->dir, (unsigned)ctl->replica) &&
                wait_ready(ctl->dir, endpoints, (unsigned)ctl->replica);
    mem_free(endpoints);
    return good ? 0 : rsm_status_exit(RSM_FAILED);
}
