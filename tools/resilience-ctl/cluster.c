/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cluster.c - keygen, cluster init, and the files of a cluster.
 *
 *   DIR/genesis            the same on all machines
 *   DIR/admin.key          the first administrator's
 *   DIR/replica-N/         copy to machine N: replica.key (0600), rsmd.conf
 */
#include "tools/resilience-ctl/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "src/command/genesis.h"
#include "tools/resilience-ctl/address.h"

#define PASSPHRASE_MAX 1024u
#define PATH_SIZE 4096u

/* -------------------------------------------------------------------------------------------- */
/* Keys. */

static bool ask(FILE *terminal, const char *question, char *out)
{
    struct termios before, silent;
    bool is_terminal = tcgetattr(fileno(terminal), &before) == 0;
    if (is_terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fileno(terminal), TCSAFLUSH, &silent);
        fputs(question, terminal);
        fflush(terminal);
    }
    bool good = fgets(out, PASSPHRASE_MAX, terminal) != NULL;
    if (is_terminal) {
        tcsetattr(fileno(terminal), TCSAFLUSH, &before);
        fputc('\n', terminal);
    }
    if (good)
        out[strcspn(out, "\r\n")] = '\0';
    return good;
}

/* Reads a new passphrase twice; false when it was not given (explained). `out`: 1024 bytes. */
static bool cluster_new_passphrase(char *out)
{
    const char *path = getenv("RSM_PASSPHRASE_FILE");
    FILE *file = fopen(path != NULL ? path : "/dev/tty", path != NULL ? "re" : "r+e");
    if (file == NULL) {
        ctl_fail(RSM_BAD_PASSPHRASE,
                 "a person's key needs a passphrase: a terminal or RSM_PASSPHRASE_FILE, or --plain "
                 "for automata");
        return false;
    }
    bool good = ask(file, "new passphrase (8 characters or more): ", out);
    if (good && path == NULL) {
        char *again = sodium_malloc(PASSPHRASE_MAX);
        good = again != NULL && ask(file, "once more: ", again) && strcmp(again, out) == 0;
        if (!good)
            ctl_fail(RSM_BAD_PASSPHRASE, "the two were not the same");
        sodium_free(again);
    }
    fclose(file);
    return good;
}

/* A new key in a new file; its public half. */
static enum rsm_status make_key(const char *name, const char *path, bool plain,
                                uint8_t public_out[RSM_PUBLIC_KEY_SIZE])
{
    struct rsm_key *key = NULL;
    char *passphrase = NULL;
    enum rsm_status status = rsm_key_generate(name, &key);
    if (status == RSM_OK && !plain) {
        passphrase = sodium_malloc(PASSPHRASE_MAX);
        if (passphrase == NULL || !cluster_new_passphrase(passphrase)) {
            sodium_free(passphrase);
            rsm_key_free(key);
            return RSM_BAD_PASSPHRASE;
        }
    }
    if (status == RSM_OK)
        status = rsm_key_save(key, path, passphrase, passphrase != NULL ? strlen(passphrase) : 0);
    if (status == RSM_OK)
        memcpy(public_out, rsm_key_public(key), RSM_PUBLIC_KEY_SIZE);
    else
        ctl_fail(status, "%s: %s", path, rsm_status_sentence(status));
    sodium_free(passphrase);
    rsm_key_free(key);
    return status;
}

int ctl_keygen(struct ctl *ctl, int count, char **arguments)
{
    char path[PATH_SIZE];
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    char hex[2 * RSM_PUBLIC_KEY_SIZE + 1];
    (void)count;
    if (ctl->out != NULL)
        snprintf(path, sizeof path, "%s", ctl->out);
    else
        snprintf(path, sizeof path, "%s.key", arguments[0]);
    enum rsm_status status = make_key(arguments[0], path, ctl->plain, key);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    hex_encode(hex, bytes_make(key, sizeof key));
    if (ctl->output == CTL_OUTPUT_TABLE)
        printf("%s\n", hex);
    else
        printf("{\"principal\":\"%s\",\"file\":\"%s\",\"public_key\":\"%s\"}\n", arguments[0], path,
               hex);
    return 0;
}

/* -------------------------------------------------------------------------------------------- */
/* Files. */

static enum rsm_status make_folder(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return RSM_OK;
    ctl_fail(RSM_IO, "%s: %s", path, strerror(errno));
    return RSM_IO;
}

static enum rsm_status write_new(const char *path, struct bytes bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        enum rsm_status status = errno == EEXIST ? RSM_EXISTS : RSM_IO;
        ctl_fail(status, "%s: %s", path, strerror(errno));
        return status;
    }
    ssize_t written = write(fd, bytes.data, bytes.size);
    bool good = written == (ssize_t)bytes.size && fsync(fd) == 0;
    if (close(fd) != 0 || !good) {
        ctl_fail(RSM_IO, "%s: %s", path, strerror(errno));
        return RSM_IO;
    }
    return RSM_OK;
}

static enum rsm_status write_config(const struct cluster_plan *plan, const struct cluster_member *m)
{
    char path[PATH_SIZE];
    struct writer text;
    writer_init(&text, 65536);
    writer_format(&text,
                  "# rsmd of replica %u in cluster %s; all keys: packaging/rsmd.conf.example\n"
                  "replica = %u\n"
                  "data = data\n"
                  "genesis = ../genesis\n"
                  "key = replica.key\n"
                  "client_listen = %s\n"
                  "client_unix = client.sock\n"
                  "peer_listen = %s\n",
                  m->id, plan->name, m->id, m->client, m->peer);
    if (plan->join)
        writer_format(&text,
                      "# the genesis does not name it: resilience-ctl member add %s\n"
                      "join = yes\n"
                      "zone = %s\n",
                      m->client, m->zone);
    if (plan->plaintext)
        writer_format(&text, "# connections are not encrypted: keep them in a network of your own\n"
                             "plaintext = yes\n");
    snprintf(path, sizeof path, "%s/replica-%u/rsmd.conf", plan->dir, m->id);
    enum rsm_status status = write_new(path, writer_result(&text));
    writer_deinit(&text);
    return status;
}

static enum rsm_status make_replica(const struct cluster_plan *plan, const struct cluster_member *m,
                                    uint8_t key_out[RSM_PUBLIC_KEY_SIZE])
{
    char path[PATH_SIZE];
    char name[32];
    snprintf(path, sizeof path, "%s/replica-%u", plan->dir, m->id);
    enum rsm_status status = make_folder(path);
    if (status != RSM_OK)
        return status;
    snprintf(path, sizeof path, "%s/replica-%u/replica.key", plan->dir, m->id);
    snprintf(name, sizeof name, "replica-%u", m->id);
    status = make_key(name, path, true, key_out);
    return status == RSM_OK ? write_config(plan, m) : status;
}

static enum rsm_status write_genesis(const struct cluster_plan *plan,
                                     uint8_t keys[][RSM_PUBLIC_KEY_SIZE], const uint8_t *admin_key)
{
    char path[PATH_SIZE];
    uint8_t salt[GENESIS_SALT_SIZE];
    struct timespec now;
    struct writer bytes;
    struct genesis g = {.name = bytes_of_string(plan->name),
                        .salt = salt,
                        .member_count = plan->member_count,
                        .admin_principal = bytes_of_string(plan->admin),
                        .admin_person = bytes_of_string(plan->person),
                        .admin_key = admin_key};
    randombytes_buf(salt, sizeof salt);
    clock_gettime(CLOCK_REALTIME, &now);
    g.created_ms = (uint64_t)now.tv_sec * 1000;
    for (unsigned i = 0; i < plan->member_count; i++) {
        const struct cluster_member *m = &plan->members[i];
        g.members[i] = (struct genesis_member){.id = m->id,
                                               .zone = bytes_of_string(m->zone),
                                               .key = keys[i],
                                               .peer_address = bytes_of_string(m->peer),
                                               .client_address = bytes_of_string(m->client)};
    }
    writer_init(&bytes, GENESIS_SIZE_MAX);
    enum rsm_status status = genesis_encode(&g, &bytes);
    if (status != RSM_OK)
        ctl_fail(status, "no cluster can be made of these members: %s",
                 rsm_status_sentence(status));
    snprintf(path, sizeof path, "%s/genesis", plan->dir);
    if (status == RSM_OK)
        status = write_new(path, writer_result(&bytes));
    writer_deinit(&bytes);
    return status;
}

enum rsm_status cluster_make(const struct cluster_plan *plan)
{
    char path[PATH_SIZE];
    uint8_t keys[LIMIT_REPLICAS][RSM_PUBLIC_KEY_SIZE];
    uint8_t admin_key[RSM_PUBLIC_KEY_SIZE];
    enum rsm_status status = make_folder(plan->dir);
    snprintf(path, sizeof path, "%s/genesis", plan->dir);
    if (status == RSM_OK && access(path, F_OK) == 0) {
        ctl_fail(RSM_EXISTS, "%s: a cluster is there already", path);
        return RSM_EXISTS;
    }
    snprintf(path, sizeof path, "%s/admin.key", plan->dir);
    if (status == RSM_OK)
        status = make_key(plan->admin, path, plan->plain, admin_key);
    for (unsigned i = 0; status == RSM_OK && i < plan->member_count; i++)
        status = make_replica(plan, &plan->members[i], keys[i]);
    /* Last: where there is a genesis everything else is there. */
    return status == RSM_OK ? write_genesis(plan, keys, admin_key) : status;
}

enum rsm_status cluster_make_joining(const struct cluster_plan *plan)
{
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    return make_replica(plan, &plan->members[0], key);
}

/* -------------------------------------------------------------------------------------------- */

/* "1,us-east-1a,10.0.0.1:4101,10.0.0.1:4001" */
static bool parse_member(const char *text, struct cluster_member *m)
{
    unsigned id = 0;
    int used = 0;
    if (sscanf(text, "%u,%63[^,],%127[^,],%127[^,]%n", &id, m->zone, m->peer, m->client, &used) !=
            4 ||
        text[used] != '\0' || id == 0 || id > REPLICA_MAX) {
        ctl_fail(RSM_USAGE, "--member is ID,AZ,PEER-ADDRESS,CLIENT-ADDRESS, not \"%s\"", text);
        return false;
    }
    m->id = id;
    return true;
}

static int compare_members(const void *a, const void *b)
{
    const struct cluster_member *left = a;
    const struct cluster_member *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0;
}

int ctl_cluster_init(struct ctl *ctl, int count, char **arguments)
{
    struct cluster_plan plan = {.dir = ctl->dir,
                                .name = ctl->name,
                                .admin = ctl->admin,
                                .person = ctl->person,
                                .plain = ctl->plain,
                                .member_count = ctl->members.count};
    (void)count;
    (void)arguments;
    if (plan.dir == NULL || plan.name == NULL || plan.admin == NULL || plan.person == NULL)
        return ctl_fail(RSM_USAGE, "--dir, --name, --admin and --person are all needed");
    if (plan.member_count == 0 || plan.member_count > LIMIT_REPLICAS)
        return ctl_fail(RSM_USAGE, "--member is needed once for each of 1 to %u replicas",
                        LIMIT_REPLICAS);
    for (unsigned i = 0; i < plan.member_count; i++) {
        if (!parse_member(ctl->members.items[i], &plan.members[i]) ||
            !ctl_is_address("--member", plan.members[i].peer, false) ||
            !ctl_is_address("--member", plan.members[i].client, true))
            return rsm_status_exit(RSM_USAGE);
        plan.plaintext |=
            !is_loopback(plan.members[i].peer) || !is_loopback(plan.members[i].client);
    }
    qsort(plan.members, plan.member_count, sizeof plan.members[0], compare_members);
    enum rsm_status status = cluster_make(&plan);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    printf("%s/genesis\n%s/admin.key\n", plan.dir, plan.dir);
    for (unsigned i = 0; i < plan.member_count; i++)
        printf("%s/replica-%u/\n", plan.dir, plan.members[i].id);
    fprintf(stderr,
            "Copy genesis and replica-N/ to machine N, beside each other; start: rsmd --config "
            "replica-N/rsmd.conf\n");
    return 0;
}
