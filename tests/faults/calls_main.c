/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calls_main.c - for each workload of the storage code and each n: the n-th call fails.
 *
 *   LD_PRELOAD=.../shim.so calls [--every N] [--flush fdatasync|odsync|odirect|io_uring]
 * [WORKLOAD...]
 *
 * A workload begins with a directory that an undisturbed preparation made. A child copies nothing
 * and knows nothing: it does its work with the shim armed, writes down what was acknowledged to it
 * (in memory that is shared with the parent), and ends
 *
 *   done      status 0: the call that failed did not matter, or was done again rightly
 *   refused   status 3: the code said so with a status
 *   no memory status 70
 *
 * Anything else is a failure: a signal, another status, no end. Then a second child without faults
 * opens everything: what was acknowledged is there, and whole, and it takes more.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/kv.h"
#include "src/base/mem.h"
#include "src/io/data_dir.h"
#include "src/io/disk_posix.h"
#include "storage/chain.h"
#include "storage/journal.h"
#include "storage/journal_renew.h"
#include "storage/store.h"
#include "tests/faults/shim.h"
#include "tests/lib/coverage.h"
#include "tests/lib/journal_rig.h"
#include "tests/lib/temp_dir.h"

#define GENESIS "the genesis of the faults"
#define STATUS_REFUSED 3
#define STATUS_NO_MEMORY 70
#define STATUS_WRONG 4
#define TABLE 9
#define ROWS 40u
#define OLD_LIFE 1000u
#define NEW_LIFE 2000u

/* What the child was told, and the parent must find. */
struct acknowledged {
    uint64_t sequence; /* of the journal */
    uint64_t version;  /* of the store */
    uint64_t file;     /* of the file "peers" */
    bool created;
    bool renewed; /* the identity names the new incarnation */
    uint64_t attempted_version;
    uint64_t attempted_file;
    char text[200];
};

static struct acknowledged *acked;
static enum disk_flush flush = DISK_FLUSH_FDATASYNC;

struct parts {
    char path[TEMP_DIR_SIZE + 64];
    struct data_dir *dir;
    struct disk *disk;
    struct journal *journal;
    struct journal_report report;
    struct store *store;
    struct journal_rig model; /* for rig_record alone */
    uint64_t visited;
    bool wrong;
};

/* -------------------------------------------------------------------------------------------- */
/* Pieces of work. */

static enum rsm_status open_dir(struct parts *p)
{
    struct identity identity = {.replica = 2, .incarnation = OLD_LIFE};
    struct bytes genesis = bytes_of_string(GENESIS);
    char text[300];

    chain_cluster_id(genesis, identity.cluster);
    enum rsm_status status = data_dir_open(p->path, &identity, &p->dir, text, sizeof(text));
    if (status != RSM_NOT_FOUND)
        return status;
    status = data_dir_create(p->path, &identity, genesis);
    if (status != RSM_OK)
        return status;
    acked->created = true;
    return data_dir_open(p->path, &identity, &p->dir, text, sizeof(text));
}

static enum rsm_status visit(void *context, const struct record *record, bool is_evidence)
{
    struct parts *p = context;
    struct record expected;
    uint8_t value[256];

    if (record->kind == RECORD_CHECKPOINT)
        return RSM_OK;
    rig_record(&p->model, record->sequence, value, &expected);
    p->wrong |= record->kind != expected.kind || record->slot != expected.slot ||
                !bytes_equal(record->value, expected.value);
    p->visited += !is_evidence;
    return RSM_OK;
}

static void identity_of(const struct parts *p, struct journal_identity *out)
{
    const struct identity *identity = data_dir_identity(p->dir);

    *out = (struct journal_identity){.replica = identity->replica,
                                     .incarnation = identity->incarnation};
    memcpy(out->cluster, identity->cluster, CLUSTER_ID_SIZE);
}

static const struct journal_options options = {
    .segment_size = 32768, .prepared_count = 1, .create = true};

static enum rsm_status open_journal(struct parts *p)
{
    struct journal_identity identity;

    identity_of(p, &identity);
    enum rsm_status status =
        disk_posix_open(data_dir_descriptor(p->dir), "journal", true, &p->disk);
    if (status != RSM_OK)
        return status;
    disk_posix_set_flush(p->disk, flush);
    status = journal_open(p->disk, &identity, &options, visit, p, &p->report, &p->journal);
    return status;
}

static enum rsm_status append(struct parts *p, unsigned groups, unsigned records)
{
    enum rsm_status status = RSM_OK;

    for (unsigned g = 0; g < groups && status == RSM_OK; g++) {
        uint64_t next = journal_durable_seq(p->journal) + 1;
        for (unsigned i = 0; i < records && status == RSM_OK; i++) {
            uint8_t value[256];
            struct record record;
            rig_record(&p->model, next + i, value, &record);
            status = journal_append(p->journal, &record);
        }
        /* What was appended before a full disk is flushed all the same. */
        enum rsm_status flushed = journal_flush(p->journal);
        if (flushed == RSM_OK)
            acked->sequence = journal_durable_seq(p->journal);
        status = status == RSM_OK ? flushed : status;
        if (status == RSM_OK && g % 2 == 1)
            status = journal_prepare_next(p->journal);
    }
    return status;
}

static enum rsm_status open_store(struct parts *p)
{
    struct store_identity identity = {.replica = 2};
    struct store_options store_options = {.map_size = 256u << 10};
    char path[TEMP_DIR_SIZE + 96];

    memcpy(identity.cluster, data_dir_identity(p->dir)->cluster, CLUSTER_ID_SIZE);
    snprintf(path, sizeof(path), "%s/store", p->path);
    return store_open(path, &identity, &store_options, &p->store);
}

/* Row i of version v, as every row of a whole store of that version is. */
static struct bytes row_value(uint64_t version, unsigned row, uint8_t buffer[600])
{
    size_t size = 40 + (size_t)(row * 13 + version * 7) % 500;

    memset(buffer, (int)(version * 31 + row), size);
    put_u64(buffer, version);
    return bytes_make(buffer, size);
}

static enum rsm_status commit(struct parts *p, uint64_t version, unsigned rows)
{
    struct kv *overlay = kv_overlay_new(store_kv(p->store));
    uint8_t buffer[600];
    enum rsm_status status = RSM_OK;

    for (unsigned row = 0; row < rows && status == RSM_OK; row++) {
        uint8_t key[4];
        put_u32(key, row);
        status = kv_put(overlay, TABLE, bytes_make(key, 4), row_value(version, row, buffer));
    }
    acked->attempted_version = version;
    if (status == RSM_OK)
        status = store_commit(p->store, overlay);
    while (status == RSM_TOO_LARGE) {
        status = store_grow(p->store);
        if (status == RSM_OK)
            status = store_commit(p->store, overlay);
    }
    if (status == RSM_OK)
        acked->version = version;
    kv_free(overlay);
    if (status == RSM_OK)
        status = store_refresh(p->store);
    return status;
}

static enum rsm_status write_file(struct parts *p, uint64_t version)
{
    char text[32];

    snprintf(text, sizeof(text), "version %" PRIu64 "\n", version);
    acked->attempted_file = version;
    enum rsm_status status = data_dir_write_file(p->dir, "peers", bytes_of_string(text));
    if (status == RSM_OK)
        acked->file = version;
    return status;
}

static bool no_more(void *context, struct record *vote_out)
{
    uint64_t *given = context;
    static uint8_t value[256];
    static struct journal_rig model = {.value_size = 60};

    if (*given == 30)
        return false;
    do
        rig_record(&model, ++*given, value, vote_out);
    while (vote_out->kind != RECORD_ACCEPT);
    return true;
}

static enum rsm_status renew(struct parts *p)
{
    struct journal_identity next;
    struct journal *fresh = NULL;
    uint64_t given = 0;
    struct journal_renewal renewal = {
        .promise = {9, 1}, .next_sequence = 1, .next_vote = no_more, .context = &given};
    struct identity identity = *data_dir_identity(p->dir);

    identity_of(p, &next);
    next.incarnation = NEW_LIFE;
    enum rsm_status status = journal_renew(p->disk, p->journal, &next, &options, &renewal, &fresh);
    if (status != RSM_OK)
        return status;
    identity.incarnation = NEW_LIFE;
    status = data_dir_set_identity(p->dir, &identity);
    if (status == RSM_OK) {
        acked->renewed = true;
        status = journal_set_others_aside(fresh);
    }
    journal_close(fresh);
    return status;
}

static void close_all(struct parts *p)
{
    journal_close(p->journal);
    disk_free(p->disk);
    store_close(p->store);
    data_dir_close(p->dir);
    p->journal = NULL;
    p->disk = NULL;
    p->store = NULL;
    p->dir = NULL;
}

/* -------------------------------------------------------------------------------------------- */
/* Workloads: what is there before, and what is done under faults. */

static enum rsm_status nothing(struct parts *p)
{
    (void)p;
    return RSM_OK;
}

static enum rsm_status make_all(struct parts *p)
{
    enum rsm_status status = open_dir(p);
    if (status == RSM_OK)
        status = open_journal(p);
    if (status == RSM_OK)
        status = open_store(p);
    if (status == RSM_OK)
        status = append(p, 4, 5);
    if (status == RSM_OK)
        status = commit(p, 1, ROWS);
    if (status == RSM_OK)
        status = write_file(p, 1);
    return status;
}

static enum rsm_status make_long(struct parts *p)
{
    enum rsm_status status = make_all(p);
    return status == RSM_OK ? append(p, 30, 12) : status;
}

/* A last group that was never acknowledged, half there: as a killed process leaves it. */
static enum rsm_status make_torn(struct parts *p)
{
    static const uint8_t zeros[512];
    enum rsm_status status = make_all(p);
    uint64_t end = 0;
    uint8_t sector[512];
    if (status == RSM_OK)
        status = journal_prepare_next(p->journal);
    if (status != RSM_OK)
        return status;
    uint64_t before = acked->sequence;
    uint8_t marks[8192];
    status = disk_read(p->disk, 1, 4096, marks, sizeof(marks));
    if (status == RSM_OK)
        status = append(p, 1, 12);
    for (end = 12288; status == RSM_OK && end < 32768; end += 512) {
        status = disk_read(p->disk, 1, end, sector, 512);
        if (memcmp(sector, zeros, 512) == 0)
            break;
    }
    if (status == RSM_OK)
        status = disk_write(p->disk, 1, end - 512, zeros, 512);
    if (status == RSM_OK)
        status = disk_write(p->disk, 1, 4096, marks, sizeof(marks));
    acked->sequence = before;
    return status;
}

static enum rsm_status open_all(struct parts *p)
{
    enum rsm_status status = open_dir(p);
    if (status == RSM_OK)
        status = open_journal(p);
    if (status == RSM_OK)
        status = open_store(p);
    return status;
}

static enum rsm_status do_create(struct parts *p)
{
    return make_all(p);
}

static enum rsm_status do_append(struct parts *p)
{
    enum rsm_status status = open_all(p);
    return status == RSM_OK ? append(p, 6, 3) : status;
}

static enum rsm_status do_segment_change(struct parts *p)
{
    enum rsm_status status = open_all(p);
    return status == RSM_OK ? append(p, 30, 14) : status;
}

static enum rsm_status do_drop(struct parts *p)
{
    enum rsm_status status = open_all(p);
    if (status == RSM_OK)
        status = journal_drop_below(p->journal, 250);
    return status == RSM_OK ? append(p, 2, 2) : status;
}

static enum rsm_status do_commit(struct parts *p)
{
    enum rsm_status status = open_all(p);
    for (uint64_t version = 2; version < 6 && status == RSM_OK; version++)
        status = commit(p, version, ROWS);
    return status;
}

static enum rsm_status do_grow(struct parts *p)
{
    enum rsm_status status = open_all(p);
    return status == RSM_OK ? commit(p, 2, 1500) : status;
}

static enum rsm_status do_files(struct parts *p)
{
    enum rsm_status status = open_dir(p);
    for (uint64_t version = 2; version < 5 && status == RSM_OK; version++)
        status = write_file(p, version);
    return status;
}

static enum rsm_status do_renew(struct parts *p)
{
    enum rsm_status status = open_all(p);
    return status == RSM_OK ? renew(p) : status;
}

static enum rsm_status do_set_store_aside(struct parts *p)
{
    enum rsm_status status = open_dir(p);
    if (status == RSM_OK) {
        acked->version = 0; /* it is given up */
        status = data_dir_set_store_aside(p->dir);
    }
    if (status == RSM_OK)
        status = open_store(p);
    return status == RSM_OK ? commit(p, 7, ROWS) : status;
}

static enum rsm_status do_inspect(struct parts *p)
{
    struct identity identity;
    struct blob *genesis = NULL;
    bool live = false;
    struct store_identity whose;
    char path[TEMP_DIR_SIZE + 96];
    char text[200];
    uint64_t count = 0;
    enum rsm_status status = data_dir_inspect(p->path, &identity, &genesis, &live);
    blob_unref(genesis);
    snprintf(path, sizeof(path), "%s/store", p->path);
    if (status == RSM_OK)
        status = store_open_read_only(path, false, &whose, &p->store);
    return status == RSM_OK ? store_verify(p->store, text, sizeof(text), &count) : status;
}

static enum rsm_status do_readers(struct parts *p)
{
    uint32_t freed = 0;
    enum rsm_status status = open_all(p);
    if (status == RSM_OK)
        status = store_check_readers(p->store, &freed);
    struct kv *cut = status == RSM_OK ? store_cut(p->store) : NULL;
    if (status == RSM_OK && cut == NULL)
        status = RSM_LOCKED;
    if (cut != NULL)
        kv_free(cut);
    return status == RSM_OK ? commit(p, 2, ROWS) : status;
}

struct workload {
    const char *name;
    enum rsm_status (*prepare)(struct parts *p);
    enum rsm_status (*run)(struct parts *p);
};

static const struct workload workloads[] = {
    {"create", nothing, do_create},
    {"open", make_all, open_all},
    {"open-after-a-kill", make_torn, open_all},
    {"append", make_all, do_append},
    {"segment-change", make_all, do_segment_change},
    {"drop", make_long, do_drop},
    {"renew", make_long, do_renew},
    {"commit", make_all, do_commit},
    {"grow", make_all, do_grow},
    {"readers", make_all, do_readers},
    {"files", make_all, do_files},
    {"store-aside", make_all, do_set_store_aside},
    {"inspect", make_all, do_inspect},
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

/* -------------------------------------------------------------------------------------------- */
/* After the fault. */

static int wrong(const char *what, enum rsm_status status)
{
    snprintf(acked->text, sizeof(acked->text), "%s: %s", what, rsm_status_text(status));
    return STATUS_WRONG;
}

static bool store_is_whole(struct parts *p, uint64_t *version_out)
{
    struct bytes key;
    struct bytes value;
    uint8_t at[4];
    uint8_t buffer[600];
    size_t size = 0;
    unsigned row = 0;

    *version_out = 0;
    while (kv_next(store_kv(p->store), TABLE, bytes_make(at, size), size > 0, &key, &value) ==
           RSM_OK) {
        uint64_t version = value.size < 8 ? 0 : get_u64(value.data);
        if (row == 0)
            *version_out = version;
        if (key.size != 4 || get_u32(key.data) != row || version != *version_out ||
            !bytes_equal(value, row_value(version, row, buffer)))
            return false;
        memcpy(at, key.data, 4);
        size = 4;
        row++;
    }
    return row == 0 || row == ROWS || row == 1500;
}

/* The second child: no faults. */
static int verify(struct parts *p)
{
    char text[200] = "";
    uint64_t version = 0;
    uint64_t count = 0;
    char file[32];
    struct blob *blob = NULL;

    enum rsm_status status = open_dir(p);
    if (status != RSM_OK)
        return wrong("the directory", status);
    if (acked->renewed && data_dir_identity(p->dir)->incarnation != NEW_LIFE)
        return wrong("the new incarnation was forgotten", RSM_OK);
    status = open_journal(p);
    bool renewed = data_dir_identity(p->dir)->incarnation == NEW_LIFE;
    if (status != RSM_OK) /* a fault is no damage: never uncertain, never damaged */
        return wrong("the journal", status);
    if (!renewed && p->report.last_sequence < acked->sequence)
        return wrong("an acknowledged record is gone", status);
    if (!renewed && p->wrong)
        return wrong("a wrong record", status);
    if (!renewed && append(p, 2, 2) != RSM_OK)
        return wrong("it takes no more", status);
    status = data_dir_make_store(p->dir);
    if (status == RSM_OK)
        status = open_store(p);
    if (status == RSM_DAMAGED && acked->version == 0) { /* as rsmd does it: nothing was in it */
        status = data_dir_set_store_aside(p->dir);
        if (status == RSM_OK)
            status = open_store(p);
    }
    if (status == RSM_OK)
        status = store_verify(p->store, text, sizeof(text), &count);
    if (status != RSM_OK)
        return wrong("the store", status);
    if (!store_is_whole(p, &version) || version < acked->version ||
        (version != acked->version && version != acked->attempted_version))
        return wrong("the store is not whole", RSM_OK);
    status = data_dir_read_file(p->dir, "peers", 32, &blob);
    if (status == RSM_NOT_FOUND && acked->file == 0)
        return 0;
    if (status != RSM_OK)
        return wrong("the file", status);
    for (uint64_t v = acked->file; v <= acked->attempted_file; v++) {
        snprintf(file, sizeof(file), "version %" PRIu64 "\n", v);
        if (bytes_equal(blob_bytes(blob), bytes_of_string(file)))
            return 0;
    }
    return wrong("the file is neither old nor new", RSM_OK);
}

/* -------------------------------------------------------------------------------------------- */
/* Children. */

static int copy_one_directory;
static char copy_from[TEMP_DIR_SIZE + 64];
static char copy_to[TEMP_DIR_SIZE + 64];

static int copy_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    char target[2 * TEMP_DIR_SIZE + 128];
    static char buffer[1 << 16];

    (void)info;
    (void)place;
    snprintf(target, sizeof(target), "%s%s", copy_to, path + strlen(copy_from));
    if (kind == FTW_D)
        return mkdir(target, 0700);
    int in = open(path, O_RDONLY | O_CLOEXEC);
    int out = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t size;
    while ((size = read(in, buffer, sizeof(buffer))) > 0) {
        if (write(out, buffer, (size_t)size) != size)
            copy_one_directory = 1;
    }
    close(in);
    close(out);
    return in < 0 || out < 0 || copy_one_directory;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

struct one_case {
    const struct workload *workload;
    enum fault_class class;
    enum fault_kind kind;
    unsigned long long at;
    bool sticky;
};

struct run_result {
    unsigned long long calls;
    bool failed;
    char name[24];
};

static struct run_result *result;

static int in_child(const struct one_case *c, const char *path,
                    int (*work)(const struct one_case *, struct parts *))
{
    int status = 0;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct parts *p = mem_alloc(sizeof(*p));
        snprintf(p->path, sizeof(p->path), "%s", path);
        p->model.value_size = 60;
        alarm(20);
        int out = open("/dev/null", O_WRONLY);
        dup2(out, 2);
        int done = work(c, p);
        coverage_write();
        _exit(done);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int prepare_child(const struct one_case *c, struct parts *p)
{
    enum rsm_status status = c->workload->prepare(p);
    if (p->journal != NULL && c->workload->prepare != make_torn)
        (void)journal_prepare_next(p->journal);
    close_all(p);
    return status == RSM_OK ? 0 : 1;
}

static int faulty_child(const struct one_case *c, struct parts *p)
{
    const char *name = "";

    fault_arm(p->path, c->class, c->kind, c->at, c->sticky);
    enum rsm_status status = c->workload->run(p);
    result->calls = fault_calls(&result->failed, &name);
    snprintf(result->name, sizeof(result->name), "%s", name);
    if (status == RSM_OK)
        return 0;
    return rsm_status_text(status)[0] != '\0' ? STATUS_REFUSED : STATUS_WRONG;
}

static int sound_child(const struct one_case *c, struct parts *p)
{
    (void)c;
    return verify(p);
}

struct totals {
    uint64_t cases, failures, done, refused, no_memory;
};

static void one(const struct one_case *c, const char *work, const char *template,
                const struct acknowledged *before, struct totals *t)
{
    snprintf(copy_from, sizeof(copy_from), "%s", template);
    snprintf(copy_to, sizeof(copy_to), "%s/case", work);
    if (access(template, F_OK) == 0 && nftw(template, copy_entry, 8, FTW_PHYS) != 0) {
        fprintf(stderr, "calls: the template could not be copied\n");
        exit(2);
    }
    *acked = *before;
    *result = (struct run_result){.calls = 0};
    int end = in_child(c, copy_to, faulty_child);
    t->cases++;
    t->done += end == 0;
    t->refused += end == STATUS_REFUSED;
    t->no_memory += end == STATUS_NO_MEMORY;
    bool good =
        end == 0 || end == STATUS_REFUSED || (end == STATUS_NO_MEMORY && c->class == FAULT_MEMORY);
    if (!good)
        snprintf(acked->text, sizeof(acked->text), "the faulty run ended with %d", end);
    int after = good ? in_child(c, copy_to, sound_child) : 0;
    if (after > 4)
        snprintf(acked->text, sizeof(acked->text), "the run afterwards ended with %d", after);
    if (!good || after != 0) {
        if (t->failures++ < 30)
            printf("FAILED %s: call %llu (%s) %s%s: %s\n", c->workload->name, c->at, result->name,
                   fault_kind_name(c->kind), c->sticky ? " for good" : "", acked->text);
    }
    nftw(copy_to, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Every n of one workload and kind. */
static void all_calls(struct one_case c, unsigned every, const char *work, const char *template,
                      const struct acknowledged *before, struct totals *t)
{
    c.at = 0;
    one(&c, work, template, before, t);
    unsigned long long calls = result->calls;
    if (calls == 0)
        t->failures++; /* the shim is not there */
    for (c.at = 1 + (unsigned)c.kind % every; c.at <= calls; c.at += every)
        one(&c, work, template, before, t);
}

static void run_workload(const struct workload *w, unsigned every, const char *work,
                         struct totals *t)
{
    char template[TEMP_DIR_SIZE + 64];
    struct one_case c = {.workload = w, .class = FAULT_FILE};
    struct totals before_all = *t;

    snprintf(template, sizeof(template), "%s/template", work);
    *acked = (struct acknowledged){.sequence = 0};
    if (in_child(&c, template, prepare_child) != 0) {
        printf("FAILED %s: it could not be prepared\n", w->name);
        t->failures++;
        return;
    }
    struct acknowledged before = *acked;
    for (int kind = FAULT_EIO; kind <= FAULT_DROP; kind++) {
        c.kind = (enum fault_kind)kind;
        c.sticky = false;
        all_calls(c, every, work, template, &before, t);
        c.sticky = true;
        if (kind == FAULT_EIO || kind == FAULT_ENOSPC || kind == FAULT_EROFS)
            all_calls(c, every, work, template, &before, t);
    }
    c = (struct one_case){.workload = w, .class = FAULT_MEMORY, .kind = FAULT_ENOMEM};
    all_calls(c, every, work, template, &before, t);
    printf("note: %-18s %" PRIu64 " cases: done %" PRIu64 ", refused %" PRIu64
           ", out of memory %" PRIu64 "\n",
           w->name, t->cases - before_all.cases, t->done - before_all.done,
           t->refused - before_all.refused, t->no_memory - before_all.no_memory);
    nftw(template, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    struct temp_dir work;
    struct totals t = {0};
    unsigned every = 1;
    int first = 1;

    for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
        if (strcmp(argv[first], "--every") == 0)
            every = (unsigned)strtoul(argv[first + 1], NULL, 10);
        else if (strcmp(argv[first], "--flush") != 0 || !disk_flush_parse(argv[first + 1], &flush))
            return 2;
    }
    if (every == 0)
        return 2;
    acked = mmap(NULL, sizeof(*acked) + sizeof(*result), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (acked == MAP_FAILED)
        return 2;
    result = (struct run_result *)(void *)(acked + 1);
    temp_dir_make(&work);
    for (size_t i = 0; i < WORKLOADS; i++) {
        bool wanted = first >= argc;
        for (int k = first; k < argc; k++)
            wanted |= strcmp(argv[k], workloads[i].name) == 0;
        if (wanted)
            run_workload(&workloads[i], every, work.path, &t);
    }
    temp_dir_remove(&work);
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", t.cases - t.failures, t.failures);
    return t.failures == 0 ? 0 : 1;
}
