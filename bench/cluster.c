/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster.c - see cluster.h. */
#include "bench/cluster.h"
#include "bench/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "src/base/mem.h"
#include "tools/lib/sibling.h"

#define OUTPUT_SIZE 16384u

static size_t read_all(int descriptor, char *out, size_t size)
{
    size_t done = 0;
    while (done < size - 1) {
        ssize_t n = read(descriptor, out + done, size - 1 - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    out[done] = 0;
    return done;
}

/*
 * Runs a tool with what it prints to `descriptor` in `output`; RSM_FAILED when it does not end
 * with 0.
 */
static enum rsm_status run_tool_and_read(char *const *arguments, int descriptor, char *output)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    char tool[SIBLING_SIZE];
    int ends[2], ended = 0;
    pid_t child;
    sibling_find(arguments[0], tool);
    output[0] = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return RSM_IO;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], descriptor);
    int result = posix_spawnp(&child, tool, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (result == 0) {
        (void)read_all(ends[0], output, OUTPUT_SIZE);
        while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)close(ends[0]);
    if (result != 0)
        (void)fprintf(stderr, "rsm-bench: %s: %s\n", tool, strerror(result));
    return result == 0 && WIFEXITED(ended) && WEXITSTATUS(ended) == 0 ? RSM_OK : RSM_FAILED;
}

static enum rsm_status run_tool(char *const *arguments, char *output)
{
    return run_tool_and_read(arguments, STDOUT_FILENO, output);
}

/* {"endpoints": "a,b" or ["a", "b"], "key": path}, as `dev up --output json` prints it. */
static enum rsm_status read_answer(struct cluster *c, const char *output)
{
    json_error_t error;
    json_t *root = json_loads(output, 0, &error);
    const json_t *endpoints = json_object_get(root, "endpoints");
    const char *key = json_string_value(json_object_get(root, "key"));
    size_t size = 0;
    c->endpoints[0] = 0;
    if (json_is_string(endpoints))
        (void)snprintf(c->endpoints, sizeof c->endpoints, "%s", json_string_value(endpoints));
    for (size_t i = 0; i < json_array_size(endpoints); i++) {
        const char *text = json_string_value(json_array_get(endpoints, i));
        int n = snprintf(c->endpoints + size, sizeof c->endpoints - size, "%s%s", i > 0 ? "," : "",
                         text != NULL ? text : "");
        if (n < 0 || (size_t)n >= sizeof c->endpoints - size)
            break;
        size += (size_t)n;
    }
    if (key != NULL)
        (void)snprintf(c->key_path, sizeof c->key_path, "%s", key);
    bool is_good = c->endpoints[0] != 0 && key != NULL;
    json_decref(root);
    return is_good ? RSM_OK : RSM_MALFORMED;
}

static enum rsm_status dev_up(struct cluster *c, uint32_t base_port)
{
    char program[] = "resilience-ctl", dev[] = "dev", up[] = "up", dir_option[] = "--dir",
         replicas_option[] = "--replicas", output_option[] = "--output", json[] = "json",
         port_option[] = "--base-port", count[16], port[16];
    char *output = mem_alloc(OUTPUT_SIZE);
    (void)snprintf(count, sizeof count, "%u", c->replicas);
    (void)snprintf(port, sizeof port, "%u", base_port);
    char *arguments[] = {program,      dev,
                         up,           dir_option,
                         c->directory, replicas_option,
                         count,        output_option,
                         json,         base_port != 0 ? port_option : NULL,
                         port,         NULL};
    c->is_up = true; /* also when it fails half-way */
    enum rsm_status status = run_tool(arguments, output);
    if (status == RSM_OK)
        status = read_answer(c, output);
    if (status == RSM_MALFORMED)
        (void)fprintf(stderr, "rsm-bench: dev up did not say where the cluster is\n");
    mem_free(output);
    return status;
}

static enum rsm_status dev_down(struct cluster *c)
{
    char program[] = "resilience-ctl", dev[] = "dev", down[] = "down", dir_option[] = "--dir";
    char *arguments[] = {program, dev, down, dir_option, c->directory, NULL};
    char *output = mem_alloc(OUTPUT_SIZE);
    enum rsm_status status = run_tool(arguments, output);
    if (status != RSM_OK)
        (void)fprintf(stderr, "rsm-bench: dev down failed, see %s\n", c->directory);
    c->is_up = status != RSM_OK;
    mem_free(output);
    return status;
}

enum rsm_status cluster_up(struct cluster *c, const char *directory, uint32_t replicas,
                           uint32_t base_port)
{
    *c = (struct cluster){.owns_directory = directory == NULL, .replicas = replicas};
    int size = directory != NULL ? snprintf(c->directory, sizeof c->directory, "%s", directory)
                                 : snprintf(c->directory, sizeof c->directory,
                                            "%s/rsm-bench-XXXXXX", command_temporary());
    if (size < 0 || (size_t)size >= sizeof c->directory) {
        (void)fprintf(stderr, "rsm-bench: the directory's name is too long\n");
        return RSM_IO;
    }
    if (directory == NULL && mkdtemp(c->directory) == NULL)
        return RSM_IO;
    enum rsm_status status = dev_up(c, base_port);
    if (status != RSM_OK) {
        char replica[320];
        (void)snprintf(replica, sizeof replica, "%s/replica-1", c->directory);
        c->owns_directory = false;                         /* the logs say why */
        c->is_up = c->is_up && access(replica, F_OK) == 0; /* else there is nothing to stop */
        cluster_down(c);
    }
    return status;
}

static enum rsm_status append(const struct cluster *c, uint32_t replica, const char *lines)
{
    char path[320];
    (void)snprintf(path, sizeof path, "%s/replica-%u/rsmd.conf", c->directory, replica);
    FILE *file = fopen(path, "ae");
    if (file == NULL)
        return RSM_IO;
    bool good = fputs(lines, file) >= 0;
    return fclose(file) == 0 && good ? RSM_OK : RSM_IO;
}

enum rsm_status cluster_configure(struct cluster *c, const char *lines)
{
    enum rsm_status status = dev_down(c);
    for (uint32_t i = 1; i <= c->replicas && status == RSM_OK; i++)
        status = append(c, i, lines);
    return status == RSM_OK ? dev_up(c, 0) : status;
}

bool cluster_takes(const struct cluster *c, const char *lines, char *why, size_t size)
{
    char program[] = "rsmd", config_option[] = "--config", check[] = "--check-config", from[320],
         path[320];
    char *arguments[] = {program, config_option, path, check, NULL};
    char *output = mem_alloc(OUTPUT_SIZE);
    (void)snprintf(from, sizeof from, "%s/replica-1/rsmd.conf", c->directory);
    (void)snprintf(path, sizeof path, "%s/replica-1/try.conf", c->directory);
    int input = open(from, O_RDONLY | O_CLOEXEC);
    FILE *file = fopen(path, "we");
    bool good = input >= 0 && file != NULL;
    if (good) {
        (void)read_all(input, output, OUTPUT_SIZE);
        good = fputs(output, file) >= 0 && fputs(lines, file) >= 0;
    }
    if (file != NULL)
        good = fclose(file) == 0 && good;
    if (input >= 0)
        (void)close(input);
    output[0] = 0;
    good = good && run_tool_and_read(arguments, STDERR_FILENO, output) == RSM_OK;
    output[strcspn(output, "\n")] = 0;
    (void)snprintf(why, size, "%s", output);
    (void)unlink(path);
    mem_free(output);
    return good;
}

void cluster_processes(const struct cluster *c, pid_t processes[CLUSTER_REPLICAS_MAX])
{
    for (uint32_t i = 0; i < CLUSTER_REPLICAS_MAX; i++) {
        char path[320];
        int pid = 0;
        processes[i] = 0;
        (void)snprintf(path, sizeof path, "%s/replica-%u/pid", c->directory, i + 1);
        FILE *file = i < c->replicas ? fopen(path, "re") : NULL;
        if (file == NULL)
            continue;
        if (fscanf(file, "%d", &pid) == 1 && pid > 0)
            processes[i] = (pid_t)pid;
        (void)fclose(file);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void cluster_down(struct cluster *c)
{
    if (c->is_up && dev_down(c) == RSM_OK && c->owns_directory)
        (void)nftw(c->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    c->is_up = false;
}
