/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_export.c - `export git`: the history of all zones as a stream for git fast-import.
 *
 * One commit for each slot that made a version of a zone: its author, log time and reason, the
 * zones' master files as they became, and as trailers slot, chain head, event, versions and
 * approvals. Nothing in it depends on when or where it is made, so the ids of the commits are the
 * same each time; a stream that begins later (--from) names the commit that it goes on behind, so
 * that git takes it twice without harm, and not at all where a part is missing. Each version of a
 * zone is a tag besides (git_version.h). The store says which slots; the log is replayed up to
 * each, so that what is written is what follows from the log, and protected is what was protected
 * then.
 *
 * `export manifest` says of the same commits what git will call them, and of the files what is in
 * them, a line each, without making any (git_object.h); --gpg-key has it signed:
 *
 *     rsm/<cluster>
 *     commit <SHA-1> slot <n> chain <entry head>
 *     file <SHA-256> <zone's file> <version>      of each file that the commit wrote
 *     gone <zone's file> <version>                or removed
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "src/base/mem.h"
#include "src/machine/query.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "src/rr/zonefile.h"
#include "tools/rsm-dump/git_cause.h"
#include "tools/rsm-dump/git_object.h"
#include "tools/rsm-dump/git_version.h"
#include "tools/rsm-dump/gpg.h"
#include "tools/rsm-dump/replay.h"
#include "tools/rsm-dump/slot.h"

#define FILE_NAME_SIZE (3u * NAME_TEXT_MAX + 8u) /* ".zone" included */
#define MESSAGE_SIZE_MAX (1u << 20)
#define MANIFEST_SIZE_MAX (1u << 30)

/* A zone that became something in a slot. */
struct touch {
    uint64_t slot;
    size_t zone; /* in zones */
};

struct zone {
    uint8_t data[LIMIT_NAME_SIZE];
    size_t size;
    char file[FILE_NAME_SIZE]; /* for paths and tags */
    uint64_t slot;             /* of its last version; 0: none yet */
    bool exists;
    struct zone_version version;
    uint8_t blob[GIT_ID_SIZE]; /* of its file, and its SHA-256, where commits are named */
    uint8_t hash[HASH_SIZE];
};

struct export
{
    struct dump *d;
    struct replay replay;
    struct zone *zones; /* owned */
    size_t zone_count;
    struct touch *touches; /* owned; by slot, then zone */
    size_t touch_count;
    struct writer text;
    struct writer message;
    bool is_manifest;
    bool has_printed; /* stream: a commit, which the next one follows by itself */
    bool has_commit;  /* there is one before: all of a manifest, of a stream those before --from */
    uint8_t commit[GIT_ID_SIZE];
    struct writer manifest;
};

/*
 * A zone's name as a part of a path and of a tag: digits, lower-case letters, "-", "_" and the dots
 * between labels as they are, all else as %XX; the root is "@". A ".lock" at the end would be no
 * tag.
 */
static void file_name(struct bytes zone, char out[FILE_NAME_SIZE])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t size = 0;

    for (size_t at = 0; at < zone.size && zone.data[at] != 0; at += 1u + zone.data[at]) {
        if (size > 0)
            out[size++] = '.';
        for (size_t i = 1; i <= zone.data[at]; i++) {
            uint8_t c = zone.data[at + i];
            if (c != 0 && strchr(plain, c) != NULL)
                out[size++] = (char)c;
            else
                size += (size_t)snprintf(out + size, 4, "%%%02X", c);
        }
    }
    if (size == 0)
        out[size++] = '@';
    if (size >= 5 && memcmp(out + size - 5, ".lock", 5) == 0)
        size += (size_t)snprintf(out + size - 1, 4, "%%6B") - 1;
    out[size] = '\0';
}

/* ---- what became of which zone, when ---- */

static size_t zone_index(struct export *e, struct bytes name)
{
    for (size_t i = e->zone_count; i > 0; i--) { /* rows of one zone follow each other */
        struct zone *z = &e->zones[i - 1];
        if (bytes_equal(bytes_make(z->data, z->size), name))
            return i - 1;
    }
    e->zones = mem_realloc(e->zones, (e->zone_count + 1) * sizeof(*e->zones));
    struct zone *z = &e->zones[e->zone_count];
    *z = (struct zone){.size = name.size};
    memcpy(z->data, name.data, name.size);
    file_name(name, z->file);
    return e->zone_count++;
}

static int compare_touches(const void *a, const void *b)
{
    const struct touch *x = a;
    const struct touch *y = b;

    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->zone < y->zone ? -1 : x->zone > y->zone;
}

/* Keys of TABLE_ZONE_VERSION: wire name, slot u64, index u16. */
static enum rsm_status collect_touches(struct export *e, struct bytes only)
{
    struct key place = {0, {0}};
    struct bytes key;
    struct bytes value;
    enum rsm_status status = RSM_OK;
    bool after = false;

    while ((status = kv_next(e->d->kv, TABLE_ZONE_VERSION, key_bytes(&place), after, &key,
                             &value)) == RSM_OK) {
        if (key.size < 1 + 10 || key.size > LIMIT_NAME_SIZE + 10)
            return RSM_DAMAGED;
        memcpy(place.data, key.data, key.size);
        place.size = key.size;
        after = true;
        struct bytes name = bytes_make(place.data, place.size - 10);
        if (only.size > 0 && !bytes_equal(name, only))
            continue;
        uint64_t slot = get_u64(place.data + name.size);
        size_t zone = zone_index(e, name);
        if (e->touch_count > 0 && e->touches[e->touch_count - 1].zone == zone &&
            e->touches[e->touch_count - 1].slot == slot)
            continue; /* several commands of one slot */
        e->touches = mem_realloc(e->touches, (e->touch_count + 1) * sizeof(*e->touches));
        e->touches[e->touch_count++] = (struct touch){slot, zone};
    }
    if (e->touch_count > 0)
        qsort(e->touches, e->touch_count, sizeof(*e->touches), compare_touches);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* ---- one commit ---- */

/* "author ..." and "committer ..." */
static void write_people(struct writer *out, struct bytes author, uint64_t log_time_ms)
{
    for (int i = 0; i < 2; i++) {
        writer_format(out, i == 0 ? "author " : "committer ");
        git_write_person(out, author);
        writer_format(out, " <");
        git_write_person(out, author);
        writer_format(out, "> %llu +0000\n", (unsigned long long)(log_time_ms / 1000));
    }
}

/* The commit as git keeps it; its message is in `text`. */
static void take_commit_id(struct export *e, struct bytes author)
{
    struct writer *out = &e->message;
    struct git_file *files = mem_alloc((e->zone_count + 1) * sizeof *files);
    char(*names)[FILE_NAME_SIZE] = mem_alloc((e->zone_count + 1) * sizeof *names);
    char hex[2 * GIT_ID_SIZE + 1];
    uint8_t tree[GIT_ID_SIZE];
    size_t count = 0;

    for (size_t i = 0; i < e->zone_count; i++) {
        if (!e->zones[i].exists)
            continue;
        (void)snprintf(names[count], sizeof *names, "%.*s.zone", (int)FILE_NAME_SIZE - 6,
                       e->zones[i].file);
        files[count].name = names[count];
        memcpy(files[count++].id, e->zones[i].blob, GIT_ID_SIZE);
    }
    git_tree_id("zones", files, count, tree);
    mem_free(files);
    mem_free(names);
    hex_encode(hex, bytes_make(tree, sizeof tree));
    writer_reset(out);
    writer_format(out, "tree %s\n", hex);
    hex_encode(hex, bytes_make(e->commit, sizeof e->commit));
    if (e->has_commit)
        writer_format(out, "parent %s\n", hex);
    write_people(out, author, e->replay.ledger.log_time_ms);
    writer_format(out, "\n");
    writer_bytes(out, writer_result(&e->text));
    git_object_id("commit", writer_result(out), e->commit);
    e->has_commit = true;
}

/* Without a stream: the manifest's commits, and those that stand before --from. */
static bool is_only_named(const struct export *e)
{
    return e->is_manifest || e->replay.ledger.slot < e->d->from;
}

static void write_parent(struct export *e, struct writer *out)
{
    char hex[2 * GIT_ID_SIZE + 1];
    hex_encode(hex, bytes_make(e->commit, sizeof e->commit));
    if (e->has_commit && !e->has_printed)
        writer_format(out, "from %s\n", hex);
    e->has_printed = true;
}

static void write_message(struct export *e, const struct touch *touches, size_t count)
{
    struct replay *r = &e->replay;
    struct git_cause cause;
    char head[2 * HASH_SIZE + 1];
    struct writer *out = &e->message;

    git_cause_find(e->d, r->kv, r->ledger.slot, &cause);
    struct bytes author = writer_result(&cause.author);
    writer_reset(&e->text);
    writer_bytes(&e->text, writer_result(&cause.reason));
    writer_format(&e->text, "\n\n");
    for (size_t i = 0; i < count; i++) {
        const struct zone *z = &e->zones[touches[i].zone];
        writer_format(&e->text, "Version: %s %llu.%llu.%llu%s\n", z->file,
                      (unsigned long long)z->version.major, (unsigned long long)z->version.minor,
                      (unsigned long long)z->version.patch, z->exists ? "" : " (deleted)");
    }
    hex_encode(head, bytes_make(r->ledger.heads.entry, HASH_SIZE));
    writer_format(&e->text, "Slot: %llu\nChain: %s\nEvent: ", (unsigned long long)r->ledger.slot,
                  head);
    git_write_person(&e->text, author);
    writer_format(&e->text, " %llu\n", (unsigned long long)cause.counter);
    writer_bytes(&e->text, writer_result(&cause.approvals));

    if (is_only_named(e)) {
        take_commit_id(e, author);
        git_cause_deinit(&cause);
        return;
    }
    writer_reset(out);
    writer_format(out, "commit refs/heads/main\nmark :%llu\n", (unsigned long long)r->ledger.slot);
    write_people(out, author, r->ledger.log_time_ms);
    git_cause_deinit(&cause);
    writer_format(out, "data %zu\n", e->text.size);
    writer_bytes(out, writer_result(&e->text));
    write_parent(e, out);
}

/* The SOA first: programs that read master files want it so. */
static enum rsm_status write_zone(struct export *e, struct bytes zone, bool soa)
{
    struct query_rrsets q = {.zone = zone, .slot = QUERY_NOW};
    enum rsm_status status = RSM_OK;
    struct bytes rdata;

    while ((status = query_rrset_next(e->replay.kv, &q)) == RSM_OK) {
        struct bytes left = q.item.record.rdatas;
        if ((q.item.type == RR_TYPE_SOA) != soa)
            continue;
        for (uint32_t i = 0; i < q.item.record.rdata_count && rrset_rdata_next(&left, &rdata);
             i++) {
            status = zonefile_write(&e->text, q.item.owner, q.item.type, q.item.record.ttl, rdata);
            if (status != RSM_OK)
                return status;
        }
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* The master file, in `text`. */
static enum rsm_status write_file(struct export *e, const struct zone *z)
{
    struct bytes name = bytes_make(z->data, z->size);

    writer_reset(&e->text);
    enum rsm_status status = write_zone(e, name, true);
    return status == RSM_OK ? write_zone(e, name, false) : status;
}

static enum rsm_status print_zone(struct export *e, const struct zone *z)
{
    if (!z->exists) {
        printf("D zones/%s.zone\n", z->file);
        return RSM_OK;
    }
    enum rsm_status status = write_file(e, z);
    if (status != RSM_OK)
        return status;
    printf("M 100644 inline zones/%s.zone\ndata %zu\n", z->file, e->text.size);
    (void)fwrite(e->text.data, 1, e->text.size, stdout);
    putchar('\n');
    return RSM_OK;
}

/* The zone's next version, by what the slot made of it. */
static enum rsm_status raise_version(struct export *e, struct zone *z)
{
    struct bytes name = bytes_make(z->data, z->size);
    struct zone_record record;
    enum version_level level = VERSION_MAJOR;
    enum rsm_status status = query_zone(e->replay.kv, name, QUERY_NOW, &record);

    if (status != RSM_OK && status != RSM_NOT_FOUND)
        return status;
    bool existed = z->exists;
    z->exists = status == RSM_OK;
    status = RSM_OK;
    if (existed && z->exists && record.created_slot < e->replay.ledger.slot)
        status = zone_version_compare(e->replay.kv, name, z->slot, e->replay.ledger.slot, &level);
    zone_version_raise(&z->version, level);
    z->slot = e->replay.ledger.slot;
    return status;
}

/* Commits before --from have ids and no lines: the ones behind hang on them. */
static enum rsm_status name_commit(struct export *e, const struct touch *touches, size_t count)
{
    char hex[2 * HASH_SIZE + 1];

    for (size_t i = 0; i < count; i++) {
        struct zone *z = &e->zones[touches[i].zone];
        enum rsm_status status = z->exists ? write_file(e, z) : RSM_OK;
        if (status != RSM_OK)
            return status;
        if (z->exists) {
            git_object_id("blob", writer_result(&e->text), z->blob);
            (void)crypto_hash_sha256(z->hash, e->text.data, e->text.size);
        }
    }
    write_message(e, touches, count);
    if (e->replay.ledger.slot < e->d->from)
        return RSM_OK;
    hex_encode(hex, bytes_make(e->commit, GIT_ID_SIZE));
    writer_format(&e->manifest, "commit %s slot %llu", hex,
                  (unsigned long long)e->replay.ledger.slot);
    hex_encode(hex, bytes_make(e->replay.ledger.heads.entry, HASH_SIZE));
    writer_format(&e->manifest, " chain %s\n", hex);
    for (size_t i = 0; i < count; i++) {
        const struct zone *z = &e->zones[touches[i].zone];
        hex_encode(hex, bytes_make(z->hash, HASH_SIZE));
        writer_format(&e->manifest, "%s%s%szones/%s.zone %llu.%llu.%llu\n",
                      z->exists ? "file " : "gone ", z->exists ? hex : "", z->exists ? " " : "",
                      z->file, (unsigned long long)z->version.major,
                      (unsigned long long)z->version.minor, (unsigned long long)z->version.patch);
    }
    return RSM_OK;
}

static enum rsm_status export_slot(struct export *e, const struct touch *touches, size_t count)
{
    enum rsm_status status = RSM_OK;

    for (size_t i = 0; i < count && status == RSM_OK; i++)
        status = raise_version(e, &e->zones[touches[i].zone]);
    if (status == RSM_OK && is_only_named(e))
        return name_commit(e, touches, count);
    if (status != RSM_OK)
        return status;
    write_message(e, touches, count);
    (void)fwrite(e->message.data, 1, e->message.size, stdout);
    for (size_t i = 0; i < count && status == RSM_OK; i++)
        status = print_zone(e, &e->zones[touches[i].zone]);
    putchar('\n');
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        const struct zone *z = &e->zones[touches[i].zone];
        printf("reset refs/tags/%s/%llu.%llu.%llu\nfrom :%llu\n\n", z->file,
               (unsigned long long)z->version.major, (unsigned long long)z->version.minor,
               (unsigned long long)z->version.patch, (unsigned long long)e->replay.ledger.slot);
    }
    return status;
}

/* False: there is a finding. */
static bool walk_commits(struct export *e)
{
    bool good = replay_init(&e->replay, e->d);

    for (size_t i = 0; good && i < e->touch_count && e->touches[i].slot <= e->d->to;) {
        size_t count = 1;
        while (i + count < e->touch_count && e->touches[i + count].slot == e->touches[i].slot)
            count++;
        good = replay_to(&e->replay, e->touches[i].slot);
        enum rsm_status status = good ? export_slot(e, &e->touches[i], count) : RSM_OK;
        if (status != RSM_OK) {
            dump_finding(e->d, "slot %llu: %s", (unsigned long long)e->replay.ledger.slot,
                         rsm_status_sentence(status));
            good = false;
        }
        i += count;
    }
    replay_deinit(&e->replay);
    return good;
}

static void print_commits(struct export *e)
{
    printf("feature done\n");
    if (walk_commits(e))
        printf("done\n"); /* without it git takes nothing */
}

/* All of it, or nothing; signed before it is shown. */
static bool print_manifest(struct export *e)
{
    const struct options *o = e->d->options;
    char hex[2 * CLUSTER_ID_SIZE + 1];

    hex_encode(hex, bytes_make(e->d->identity.cluster, CLUSTER_ID_SIZE));
    writer_format(&e->manifest, "rsm/%s\n", hex);
    if (!walk_commits(e))
        return true;
    if (e->manifest.failed) {
        fputs("rsm-dump: the manifest is too large; make it in parts, with --from and --to\n",
              stderr);
        return false;
    }
    if (o->gpg_key != NULL && !gpg_sign(o->gpg_key, writer_result(&e->manifest), o->signature))
        return false;
    (void)fwrite(e->manifest.data, 1, e->manifest.size, stdout);
    return true;
}

int command_export(struct dump *d)
{
    struct export e = {.d = d, .is_manifest = strcmp(d->options->first, "manifest") == 0};
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes only;
    bool good = true;

    if (strcmp(d->options->first, "audit") == 0)
        return command_export_audit(d);
    if (!e.is_manifest && strcmp(d->options->first, "git") != 0) {
        fprintf(stderr, "rsm-dump: export %s: no such form; there are git, manifest and audit\n",
                d->options->first);
        return EXIT_WRONG_USAGE;
    }
    if (!dump_parse_zone(d, buffer, &only))
        return EXIT_WRONG_USAGE;
    writer_init(&e.text, ZONEFILE_SIZE_MAX);
    writer_init(&e.message, MESSAGE_SIZE_MAX);
    writer_init(&e.manifest, MANIFEST_SIZE_MAX);
    enum rsm_status status = d->kv != NULL ? collect_touches(&e, only) : RSM_OK;
    if (status != RSM_OK)
        dump_finding(d, "the versions of the zones: %s", rsm_status_sentence(status));
    else if (e.is_manifest)
        good = print_manifest(&e);
    else
        print_commits(&e);
    writer_deinit(&e.text);
    writer_deinit(&e.message);
    writer_deinit(&e.manifest);
    mem_free(e.zones);
    mem_free(e.touches);
    return good ? dump_exit(d) : EXIT_FINDING;
}
