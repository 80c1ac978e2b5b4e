/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recover.c - see recover.h. Opens the directory as a start would (the lock is taken, the journal
 * is recovered, what is chosen is applied, in memory alone), with no network and no thread.
 */
#include "src/daemon/recover.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rsm/command.h>

#include "src/command/genesis.h"
#include "src/command/key.h"
#include "src/command/keyfile.h"
#include "src/command/recovery.h"
#include "src/command/recovery_text.h"
#include "src/daemon/incarnations.h"
#include "src/daemon/left_behind.h"
#include "src/daemon/node_check.h"
#include "src/daemon/node_recover.h"
#include "src/daemon/stores.h"
#include "src/io/clock.h"
#include "src/machine/members.h"
#include "src/machine/recovery.h"
#include "src/machine/staged.h"

/* One directory, open. */
struct place {
    const struct config *config;
    struct data_dir *dir;
    struct store *store;
    struct disk *disk;
    struct incarnations peers;
    struct node *node;
    struct genesis genesis; /* borrows from dir */
    struct rsm_key *key;    /* by the name under which the replica signs commands */
    struct writer statement;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "rsmd recover: %s: %s\n", what, why);
    return 1;
}

/* ---- opening ---- */

static uint64_t wall_ms(void *context)
{
    (void)context;
    return clock_wall_ms();
}

static uint64_t monotonic_ns(void *context)
{
    (void)context;
    return clock_monotonic_ns();
}

static struct blob *sign_command(void *context, struct bytes command)
{
    struct place *p = context;
    struct rsm_buffer envelope;
    if (rsm_command_sign(p->key, p->genesis.cluster_id,
                         (struct rsm_bytes){command.data, command.size}, &envelope) != RSM_OK)
        return NULL;
    struct blob *blob = blob_new(bytes_make(envelope.data, envelope.size));
    rsm_buffer_free(&envelope);
    return blob;
}

static int load_key(struct place *p)
{
    char name[16];
    struct rsm_key *own = NULL;
    enum rsm_status status = rsm_key_load(p->config->key, NULL, 0, &own);
    if (status == RSM_KEY_EXPOSED)
        return complain(p->config->key, "others can read or replace it: chmod 600");
    if (status != RSM_OK)
        return complain(p->config->key, rsm_status_sentence(status));
    snprintf(name, sizeof name, REPLICA_AUTHOR "%u", p->config->node.self);
    status = key_from_seed(name, key_seed(own), &p->key);
    rsm_key_free(own);
    return status == RSM_OK ? 0 : complain(p->config->key, rsm_status_sentence(status));
}

static int open_directory(struct place *p)
{
    char text[CONFIG_ERROR_SIZE] = "";
    const char *why = "", *path = p->config->data;
    enum rsm_status status = data_dir_open(path, NULL, &p->dir, text, sizeof text);
    if (status == RSM_LOCKED)
        return complain(path, "a running rsmd has it; stop that first");
    if (status != RSM_OK)
        return complain(text[0] != '\0' ? text : path, rsm_status_sentence(status));
    if (data_dir_identity(p->dir)->replica != p->config->node.self)
        return complain(path, "it is another replica's");
    status = genesis_parse(data_dir_genesis(p->dir), &p->genesis);
    if (status != RSM_OK)
        return complain(path, "its genesis cannot be read");
    status = stores_open(p->dir, path, p->config->map_size, &p->store, &why);
    if (status != RSM_OK)
        return complain(path, why);
    status = disk_posix_open(data_dir_descriptor(p->dir), "journal", true, &p->disk);
    if (status == RSM_OK)
        status = incarnations_open(&p->peers, p->dir);
    return status == RSM_OK ? 0 : complain(path, rsm_status_sentence(status));
}

static int open_node(struct place *p)
{
    struct node_env env = {.context = p,
                           .wall_ms = wall_ms,
                           .monotonic_ns = monotonic_ns,
                           .sign_command = sign_command};
    struct node_config config = p->config->node;
    const char *why = "";
    config.incarnation = data_dir_identity(p->dir)->incarnation;
    config.joined = data_dir_identity(p->dir)->joined;
    enum rsm_status status = node_open(&p->node, &config, &env, data_dir_genesis(p->dir), p->disk,
                                       store_kv(p->store), &why);
    if (status != RSM_OK)
        return complain(p->config->data, why);
    if (!node_has_state(p->node))
        return complain(p->config->data,
                        "its store lacks slots that its journal relies on: it has nothing whole "
                        "to go on from. rsm-dump loss says what the others' directories have");
    return node_applied(p->node) > 0
               ? 0
               : complain(p->config->data, "no slot was ever applied here: there is nothing to "
                                           "recover; make a new cluster");
}

static void close_place(struct place *p)
{
    node_close(p->node);
    disk_free(p->disk);
    store_close(p->store);
    data_dir_close(p->dir);
    rsm_key_free(p->key);
    writer_deinit(&p->statement);
}

/* ---- the statement ---- */

static uint64_t epoch_of(struct place *p)
{
    struct recovery_record last;
    return recovery_newest(node_state(p->node), &last) == RSM_OK ? last.epoch
                                                                 : RECOVERY_EPOCH_FIRST;
}

/* The other members of either configuration, whose disk was met. */
static uint32_t others_of(struct place *p, struct body_incarnation out[LIMIT_REPLICAS])
{
    uint32_t count = 0;
    for (uint32_t id = 1; id <= REPLICA_MAX; id++)
        if (id != p->config->node.self && p->peers.known[id] != 0)
            out[count++] = (struct body_incarnation){id, p->peers.known[id]};
    return count;
}

static int make_statement(struct place *p, struct recovery *out)
{
    struct node_status status;
    struct body_incarnation others[LIMIT_REPLICAS];
    node_get_status(p->node, &status);
    struct recovery r = {.cluster = p->genesis.cluster_id,
                         .replica = p->config->node.self,
                         .former = data_dir_identity(p->dir)->incarnation,
                         .epoch = epoch_of(p) + 1,
                         .slot = status.applied,
                         .entry_head = status.entry_head,
                         .votes_end = node_votes_end(p->node)};
    r.incarnation = recovery_incarnation(&r);
    recovery_encode(&p->statement, &r, others, others_of(p, others));
    if (p->statement.failed || recovery_decode(writer_result(&p->statement), out) != RSM_OK)
        return complain(p->config->data, "the statement cannot be made");
    return 0;
}

static void print_members(struct place *p)
{
    struct member_config current, next;
    if (machine_members(node_state(p->node), &p->genesis, &current, &next) != RSM_OK)
        return;
    for (uint32_t i = 0; i < current.count; i++) {
        const struct member *m = &current.members[i];
        if (m->id != p->config->node.self)
            printf("#   replica %u (%s, %s): no member any more; this disk of it is refused for "
                   "ever\n",
                   m->id, m->zone, m->peer_address);
    }
}

static void print_statement(struct place *p, const struct recovery *r)
{
    struct writer text;
    struct node_status status;
    char hex[2 * HASH_SIZE + 1];
    node_get_status(p->node, &status);
    hex_encode(hex, bytes_make(r->entry_head, HASH_SIZE));
    printf("# rsmd recover: replica %u of cluster %.*s goes on alone, in epoch %" PRIu64 "\n",
           r->replica, (int)p->genesis.name.size, (const char *)p->genesis.name.data, r->epoch);
    printf("# from slot %" PRIu64 ", entry head %s\n", r->slot, hex);
    printf("# kept: slots 1 to %" PRIu64, r->slot);
    if (r->votes_end > r->slot + 1)
        printf(", and what this disk has voted for in slots %" PRIu64 " to %" PRIu64
               ", whether it was chosen or not",
               r->slot + 1, r->votes_end - 1);
    printf("\n# may be lost: every slot above %" PRIu64 " that the others chose without this disk,"
           "\n#   acknowledged or not. What they voted for is not known here.\n",
           r->slot);
    if (status.alarms & (NODE_ALARM_JOURNAL_DAMAGED | NODE_ALARM_JOURNAL_UNCERTAIN))
        printf("#   This disk's journal is damaged or uncertain: votes of its own may be missing, "
               "too.\n");
    printf("# its incarnation becomes %" PRIu64 " (now %" PRIu64 ")\n", r->incarnation, r->former);
    print_members(p);
    printf("# If two of the others are only away, stop them first: together they would go on as "
           "well.\n");
    writer_init(&text, RECOVERY_TEXT_MAX);
    recovery_text_encode(&text, r->raw);
    fwrite(text.data, 1, text.size, stdout);
    writer_deinit(&text);
}

/* ---- signatures ---- */

static int read_approval(const char *path, const struct recovery *r,
                         struct recovery_approval_text *out)
{
    char text[RECOVERY_TEXT_MAX];
    uint8_t digest[HASH_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd < 0)
        return complain(path, strerror(errno));
    close(fd);
    if (got < 0 ||
        recovery_approval_decode(bytes_make((const uint8_t *)text, (size_t)got), out) != RSM_OK)
        return complain(path, "it is none of the files that resilience-ctl recovery approve "
                              "writes");
    recovery_digest(r->raw, digest);
    if (memcmp(digest, out->digest, sizeof digest) != 0)
        return complain(path, "it was signed for another directory, or for this one as it was "
                              "before; have this statement signed");
    return 0;
}

static int make_body(const struct recover_options *options, const struct recovery *r,
                     struct rsm_buffer *body_out)
{
    struct recovery_approval_text texts[RECOVER_APPROVALS_MAX];
    struct recovery_approval approvals[RECOVER_APPROVALS_MAX];
    if (options->approval_count < 2)
        return complain("--force", "two persons sign: give two files with --approval");
    for (unsigned i = 0; i < options->approval_count; i++) {
        if (read_approval(options->approvals[i], r, &texts[i]) != 0)
            return 1;
        approvals[i].principal = bytes_of_string(texts[i].principal);
        approvals[i].signature = texts[i].signature;
    }
    if (body_recover_encode(r->raw, approvals, options->approval_count, body_out) != RSM_OK)
        return complain("--approval", "two of them are by the same principal");
    return 0;
}

/* By the rule that will judge it when it stands in the log. */
static int judge(struct place *p, const struct rsm_buffer *body)
{
    char words[2048];
    struct verdicts verdicts;
    enum machine_judgement judgement = MACHINE_BAD_ENTRY;
    struct kv *overlay = kv_overlay_new(NULL);
    verdicts_init(&verdicts);
    enum rsm_status status = node_check_recovery(p->node, bytes_make(body->data, body->size),
                                                 overlay, &verdicts, &judgement);
    bool is_good = status == RSM_OK && judgement == MACHINE_ACCEPT;
    if (!is_good) {
        if (status == RSM_OK)
            verdicts_describe(&verdicts, words, sizeof words);
        complain("refused", status == RSM_OK ? words : rsm_status_sentence(status));
    }
    verdicts_deinit(&verdicts);
    kv_free(overlay);
    return is_good ? 0 : 1;
}

static int force(struct place *p, const struct recover_options *options, const struct recovery *r)
{
    struct rsm_buffer body;
    if (make_body(options, r, &body) != 0)
        return 1;
    int result = judge(p, &body);
    if (result == 0 &&
        data_dir_write_file(p->dir, RECOVERY_FILE, bytes_make(body.data, body.size)) != RSM_OK)
        result = complain(RECOVERY_FILE, "cannot be written");
    rsm_buffer_free(&body);
    if (result == 0)
        printf("signed: replica %u goes on alone from slot %" PRIu64 ", in epoch %" PRIu64
               ", when rsmd is started\n",
               r->replica, r->slot, r->epoch);
    return result;
}

/* Persons have decided for another one. */
static int refuse_left(struct place *p)
{
    struct blob *found = NULL;
    struct body_recover body;
    int result = 0;
    enum rsm_status status = left_behind_read(p->dir, &found);
    if (status != RSM_OK)
        result = complain(LEFT_BEHIND_FILE, rsm_status_sentence(status));
    else if (left_behind_by(node_state(p->node), p->genesis.cluster_id, p->config->node.self,
                            data_dir_identity(p->dir)->incarnation, blob_bytes(found), &body))
        result = complain(p->config->data,
                          "persons have signed that another replica goes on without this disk "
                          "(rsmd says which); only if that one is gone for good as well, remove "
                          "the file left-behind");
    blob_unref(found);
    return result;
}

int recover_directory(const struct config *config, const struct recover_options *options)
{
    struct place place = {.config = config};
    struct recovery statement;
    writer_init(&place.statement, RECOVERY_SIZE_MAX);
    int result = load_key(&place);
    if (result == 0)
        result = open_directory(&place);
    if (result == 0)
        result = open_node(&place);
    if (result == 0)
        result = refuse_left(&place);
    if (result == 0)
        result = make_statement(&place, &statement);
    if (result == 0 && options->force)
        result = force(&place, options, &statement);
    else if (result == 0)
        print_statement(&place, &statement);
    close_place(&place);
    if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        result = complain("stdout", "cannot be written");
    return result;
}
