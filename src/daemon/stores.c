/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stores.c - see stores.h. */
#include "src/daemon/stores.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/log.h"
#include "src/io/child.h"

/* A walk through sound pages reads far faster; one that takes longer does not end. */
#define CHECK_SECONDS 300u
#define CHECK_BYTES_A_SECOND (8u << 20)
#define PATH_SIZE 4096u

/* How long a check may take: a damaged tree can lead in circles. */
static uint32_t patience(const char *path)
{
    char file[PATH_SIZE + 16];
    struct stat info;

    snprintf(file, sizeof(file), "%s/data.mdb", path);
    if (stat(file, &info) != 0 || info.st_size < 0)
        return CHECK_SECONDS;
    uint64_t seconds = CHECK_SECONDS + (uint64_t)info.st_size / CHECK_BYTES_A_SECOND;
    return seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
}

/* ---- a clean stop ---- */

#define CLEAN_FILE "clean"
#define CLEAN_SIZE 160u

/*
 * Whoever writes to the file, or puts another one in its place, changes one of these; the times are
 * those that no program can set. False: there is none.
 */
static bool describe_store(const char *path, char text[CLEAN_SIZE])
{
    char file[PATH_SIZE + 16];
    struct stat s;

    snprintf(file, sizeof(file), "%s/store/data.mdb", path);
    if (stat(file, &s) != 0)
        return false;
    snprintf(text, CLEAN_SIZE, "store = %ju:%ju size = %jd changed = %jd.%09ld\n",
             (uintmax_t)s.st_dev, (uintmax_t)s.st_ino, (intmax_t)s.st_size,
             (intmax_t)s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
    return true;
}

void stores_note_clean(const struct data_dir *dir, const char *path)
{
    char text[CLEAN_SIZE];
    enum rsm_status status = describe_store(path, text) ? RSM_OK : RSM_NOT_FOUND;

    if (status == RSM_OK)
        status = data_dir_write_file(dir, CLEAN_FILE, bytes_of_string(text));
    if (status != RSM_OK)
        LOG(LOG_WARNING, "clean-stop", LOG_TEXT("status", rsm_status_text(status)),
            LOG_TEXT("text", "the next start looks at the whole store"));
}

/*
 * True after a clean stop, once: it is taken back, durably, before the store is written to, so that
 * a start after a crash looks at everything.
 */
static bool take_clean(const struct data_dir *dir, const char *path)
{
    char text[CLEAN_SIZE];
    struct blob *noted = NULL;
    bool is_clean = describe_store(path, text) &&
                    data_dir_read_file(dir, CLEAN_FILE, CLEAN_SIZE, &noted) == RSM_OK &&
                    bytes_equal(blob_bytes(noted), bytes_of_string(text));

    blob_unref(noted);
    return is_clean && data_dir_write_file(dir, CLEAN_FILE, bytes_of_string("in use\n")) == RSM_OK;
}

static enum rsm_status set_aside(const struct data_dir *dir, const char *path, const char **why_out)
{
    LOG(LOG_ERROR, "store-damaged", LOG_TEXT("path", path),
        LOG_TEXT("text", "moved to store.damaged-1; the state comes from the other replicas"));
    enum rsm_status status = data_dir_set_store_aside(dir);
    if (status != RSM_OK)
        *why_out = "the store is damaged, and could not be moved to store.damaged-1";
    return status;
}

/* Opens `name` below `path`, as this replica's. */
static enum rsm_status open_named(const struct data_dir *dir, const char *path, const char *name,
                                  uint64_t map_size, struct store **store_out)
{
    const struct identity *identity = data_dir_identity(dir);
    struct store_identity store_identity = {.replica = identity->replica};
    struct store_options options = {.map_size = map_size};
    char store[PATH_SIZE];

    memcpy(store_identity.cluster, identity->cluster, CLUSTER_ID_SIZE);
    if (snprintf(store, sizeof(store), "%s/%s", path, name) >= (int)sizeof(store))
        return RSM_USAGE;
    return store_open(store, &store_identity, &options, store_out);
}

enum rsm_status stores_open(const struct data_dir *dir, const char *path, uint64_t map_size,
                            struct store **store_out, const char **why_out)
{
    char store[PATH_SIZE];

    *store_out = NULL;
    *why_out = "the path is too long";
    if (snprintf(store, sizeof(store), "%s/store", path) >= (int)sizeof(store))
        return RSM_USAGE;
    *why_out = "store/ could not be made";
    enum rsm_status status = data_dir_make_store(dir);
    if (status != RSM_OK)
        return status;
    *why_out = "the store could not be checked";
    bool is_clean = take_clean(dir, path);
    LOG(LOG_INFO, "store-check", LOG_TEXT("rows", is_clean ? "none" : "all"),
        LOG_TEXT("why",
                 is_clean ? "it was closed cleanly" : "it was not closed cleanly, or is another"));
    if (!is_clean)
        status = child_verify_store(store, patience(store));
    if (status == RSM_DAMAGED)
        status = set_aside(dir, store, why_out);
    if (status != RSM_OK)
        return status;
    status = open_named(dir, path, "store", map_size, store_out);
    *why_out = rsm_status_sentence(status);
    return status;
}

enum rsm_status stores_begin_incoming(const struct data_dir *dir, const char *path,
                                      uint64_t map_size, struct store **incoming_out)
{
    *incoming_out = NULL;
    enum rsm_status status = data_dir_make_incoming(dir);
    if (status == RSM_OK)
        status = open_named(dir, path, "store.incoming", map_size, incoming_out);
    return status;
}

enum rsm_status stores_put_incoming(struct store *incoming, const struct kv *rows)
{
    enum rsm_status status = store_commit(incoming, rows);
    while (status == RSM_TOO_LARGE) {
        status = store_grow(incoming);
        if (status == RSM_OK)
            status = store_commit(incoming, rows);
    }
    return status == RSM_OK ? store_refresh(incoming) : status;
}

enum rsm_status stores_install_incoming(const struct data_dir *dir, const char *path,
                                        uint64_t map_size, struct store **store,
                                        struct store **incoming)
{
    store_close(*store);
    store_close(*incoming);
    *store = NULL;
    *incoming = NULL;
    enum rsm_status status = data_dir_install_incoming(dir);
    if (status == RSM_OK)
        status = open_named(dir, path, "store", map_size, store);
    return status;
}

void stores_drop_incoming(const struct data_dir *dir, struct store **incoming)
{
    if (*incoming == NULL)
        return;
    store_close(*incoming);
    *incoming = NULL;
    enum rsm_status status = data_dir_remove_incoming(dir);
    if (status != RSM_OK)
        LOG(LOG_WARNING, "store-incoming", LOG_TEXT("status", rsm_status_text(status)));
}
