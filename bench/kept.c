/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.c - see kept.h. */
#include "bench/kept.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE 512u

static bool path_of(const struct load_world *world, const char *name, char path[PATH_SIZE])
{
    int size = snprintf(path, PATH_SIZE, "%s/%s", world->shape.kept, name);
    return size > 0 && (size_t)size < PATH_SIZE;
}

static bool key_path_of(const struct load_world *world, uint32_t client, char path[PATH_SIZE])
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s-%u.key", world->word, client);
    return path_of(world, name, path);
}

static enum rsm_status fail(enum rsm_status status, const char *path, const char *why, char *text)
{
    (void)snprintf(text, 256, "%.160s: %.80s", path, why);
    return status;
}

static enum rsm_status read_line(struct load_world *world, FILE *file, const char *path, char *text)
{
    char why[80], end;
    uint32_t clients, zones;
    int count = fscanf(file, "rsm-bench-world 1 %15[a-z0-9] clients %u zones %u changes %u%c",
                       world->word, &clients, &zones, &world->sets, &end);
    if (count != 5 || end != '\n' || world->sets == 0 || world->sets > LOAD_CHANGES_MAX)
        return fail(RSM_MALFORMED, path, "this is no world of rsm-bench", text);
    (void)snprintf(why, sizeof why, "made with --clients %u --zones %u --changes %u", clients,
                   zones, world->sets);
    if (world->shape.client_count > clients || world->shape.zones != zones ||
        world->shape.changes > world->sets)
        return fail(RSM_USAGE, path, why, text);
    return RSM_OK;
}

enum rsm_status kept_load(struct load_world *world, char *text)
{
    char path[PATH_SIZE];
    if (!path_of(world, "world", path))
        return fail(RSM_USAGE, world->shape.kept, "the name is too long", text);
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return RSM_NOT_FOUND;
    if (file == NULL)
        return fail(RSM_IO, path, strerror(errno), text);
    enum rsm_status status = read_line(world, file, path, text);
    (void)fclose(file);
    for (uint32_t i = 0; i < world->shape.client_count && status == RSM_OK; i++) {
        struct load_client *c = &world->clients[i];
        c->world = world;
        c->index = i;
        status = key_path_of(world, i, path) ? rsm_key_load(path, NULL, 0, &c->key) : RSM_USAGE;
        if (status != RSM_OK)
            (void)fail(status, path, rsm_status_sentence(status), text);
    }
    return status;
}

static enum rsm_status write_line(const struct load_world *world, const char *path, char *text)
{
    FILE *file = fopen(path, "wxe");
    if (file == NULL)
        return fail(RSM_IO, path, strerror(errno), text);
    (void)fprintf(file, "rsm-bench-world 1 %s clients %u zones %u changes %u\n", world->word,
                  world->shape.client_count, world->shape.zones, world->sets);
    bool is_good = fflush(file) == 0;
    if (fclose(file) == 0 && is_good)
        return RSM_OK;
    return fail(RSM_IO, path, "could not be written", text);
}

enum rsm_status kept_save(const struct load_world *world, char *text)
{
    char path[PATH_SIZE];
    if (mkdir(world->shape.kept, 0700) != 0 && errno != EEXIST)
        return fail(RSM_IO, world->shape.kept, strerror(errno), text);
    for (uint32_t i = 0; i < world->shape.client_count; i++) {
        enum rsm_status status = key_path_of(world, i, path)
                                     ? rsm_key_save(world->clients[i].key, path, NULL, 0)
                                     : RSM_USAGE;
        if (status != RSM_OK)
            return fail(status, path, rsm_status_sentence(status), text);
    }
    return path_of(world, "world", path)
               ? write_line(world, path, text)
               : fail(RSM_USAGE, world->shape.kept, "the name is too long", text);
}
