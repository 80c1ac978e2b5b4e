/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replica_dir.c - see replica_dir.h. */
#include "tests/lib/replica_dir.h"

#include <rsm/body.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/io/data_dir.h"
#include "src/io/disk_posix.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "storage/journal.h"
#include "storage/store.h"

#define CREATED_MS UINT64_C(1763900000000)

static void make_genesis(struct replica_dir *r)
{
    static const uint8_t salt[GENESIS_SALT_SIZE] = {1};
    static uint8_t member_key[GENESIS_KEY_SIZE];

    CHECK(rsm_crypto_init() == RSM_OK);
    CHECK(rsm_key_generate("alice", &r->key) == RSM_OK);
    memcpy(member_key, rsm_key_public(r->key), sizeof(member_key));
    r->genesis = (struct genesis){.name = bytes_of_string("test"),
                                  .salt = salt,
                                  .member_count = 1,
                                  .admin_principal = bytes_of_string("alice"),
                                  .admin_person = bytes_of_string("Alice"),
                                  .admin_key = rsm_key_public(r->key),
                                  .created_ms = CREATED_MS};
    r->genesis.members[0] =
        (struct genesis_member){.id = 1,
                                .zone = bytes_of_string("az1"),
                                .key = member_key,
                                .peer_address = bytes_of_string("127.0.0.1:7001"),
                                .client_address = bytes_of_string("127.0.0.1:7101")};
    writer_init(&r->genesis_bytes, GENESIS_SIZE_MAX);
    CHECK(genesis_encode(&r->genesis, &r->genesis_bytes) == RSM_OK);
    CHECK(genesis_parse(writer_result(&r->genesis_bytes), &r->genesis) == RSM_OK);
}

static void open_all(struct replica_dir *r)
{
    struct journal_identity identity = {.replica = 1, .incarnation = r->identity.incarnation};
    struct journal_options options = {.segment_size = 65536, .create = true};
    struct store_identity owner = {.replica = 1};
    struct store_options map = {.map_size = 16 << 20};
    struct journal_report report;
    char store_path[TEMP_DIR_SIZE + 128];

    memcpy(identity.cluster, r->identity.cluster, CLUSTER_ID_SIZE);
    memcpy(owner.cluster, r->identity.cluster, CLUSTER_ID_SIZE);
    snprintf(store_path, sizeof(store_path), "%s/store", r->path);
    CHECK(data_dir_open(r->path, &r->identity, &r->dir, NULL, 0) == RSM_OK);
    CHECK(disk_posix_open(data_dir_descriptor(r->dir), "journal", true, &r->disk) == RSM_OK);
    CHECK(journal_open(r->disk, &identity, &options, NULL, NULL, &report, &r->journal) == RSM_OK);
    CHECK(store_open(store_path, &owner, &map, &r->store) == RSM_OK);
}

void replica_dir_make(struct replica_dir *r)
{
    *r = (struct replica_dir){.time_ms = CREATED_MS};
    temp_dir_make(&r->temp);
    temp_dir_path(&r->temp, "data", r->path);
    make_genesis(r);
    r->identity = (struct identity){.replica = 1, .incarnation = 5};
    memcpy(r->identity.cluster, r->genesis.cluster_id, CLUSTER_ID_SIZE);
    CHECK(data_dir_create(r->path, &r->identity, writer_result(&r->genesis_bytes)) == RSM_OK);
    open_all(r);
    r->state = kv_overlay_new(store_kv(r->store));
    r->machine = machine_new();
    verdicts_init(&r->verdicts);
    CHECK(machine_genesis(r->state, &r->genesis) == RSM_OK);
    chain_begin(writer_result(&r->genesis_bytes), &r->heads);
}

void replica_dir_stop(struct replica_dir *r)
{
    kv_free(r->state);
    store_close(r->store);
    journal_close(r->journal);
    disk_free(r->disk);
    data_dir_close(r->dir);
    machine_free(r->machine);
    verdicts_deinit(&r->verdicts);
    r->state = NULL;
    r->store = NULL;
    r->journal = NULL;
    r->disk = NULL;
    r->dir = NULL;
    r->machine = NULL;
}

void replica_dir_remove(struct replica_dir *r)
{
    if (r->machine != NULL)
        replica_dir_stop(r);
    writer_deinit(&r->genesis_bytes);
    rsm_key_free(r->key);
    temp_dir_remove(&r->temp);
}

static void write_journal(struct replica_dir *r, struct bytes entry)
{
    struct record accept = {.kind = RECORD_ACCEPT,
                            .sequence = ++r->sequence,
                            .ballot = {1, 1},
                            .slot = r->slot,
                            .value = entry};
    CHECK(journal_append(r->journal, &accept) == RSM_OK);
    struct record chosen = {.kind = RECORD_CHOSEN, .sequence = ++r->sequence, .end = r->slot + 1};
    CHECK(journal_append(r->journal, &chosen) == RSM_OK);
    CHECK(journal_flush(r->journal) == RSM_OK);
}

/* True when the entry's envelope verifies. */
static bool is_signed(const struct replica_dir *r, struct bytes value)
{
    struct entry entry;

    return entry_parse(value, &entry) == RSM_OK && entry.kind == ENTRY_COMMANDS &&
           rsm_envelope_check(rsm_bytes_make(entry.payload.data, entry.payload.size),
                              r->genesis.cluster_id) == RSM_OK;
}

void replica_dir_add(struct replica_dir *r, struct bytes entry)
{
    struct machine_signatures signatures = {.verified = is_signed(r, entry)};
    struct writer scratch;

    r->slot++;
    write_journal(r, entry);
    CHECK(machine_apply(r->machine, r->state, r->slot, entry, &signatures, &r->verdicts) == RSM_OK);
    struct bytes verdicts = verdicts_bytes(&r->verdicts);
    chain_add_entry(&r->heads, r->slot, r->verdicts.log_time_ms, entry);
    chain_add_verdict(&r->heads, r->slot, verdicts, r->verdicts.effects);
    struct log_verdict row = {.entry_head = r->heads.entry,
                              .verdict_head = r->heads.verdict,
                              .log_time_ms = r->verdicts.log_time_ms,
                              .effects = r->verdicts.effects,
                              .verdicts = verdicts};
    writer_init(&scratch, LIMIT_VALUE_SIZE);
    CHECK(log_put(r->state, r->slot, entry, &row, &scratch) == RSM_OK);
    writer_deinit(&scratch);
}

void replica_dir_command(struct replica_dir *r, enum rsm_kind kind, struct rsm_buffer body,
                         bool damage_signature)
{
    struct rsm_buffer command = {NULL, 0};
    struct rsm_buffer envelope = {NULL, 0};
    struct writer entry;

    r->counter++;
    struct rsm_command c = {.id = {rsm_text("alice"), r->counter},
                            .lamport = r->counter,
                            .kind = kind,
                            .body = rsm_buffer_bytes(&body),
                            .reason = rsm_text("a test")};
    CHECK(rsm_command_encode(&c, &command) == RSM_OK);
    CHECK(rsm_command_sign(r->key, r->genesis.cluster_id, rsm_buffer_bytes(&command), &envelope) ==
          RSM_OK);
    r->time_ms += 1000;
    writer_init(&entry, LIMIT_VALUE_SIZE);
    entry_encode(&entry, ENTRY_COMMANDS, r->time_ms, bytes_make(envelope.data, envelope.size));
    /* The last byte of an envelope is of its payload, which the signature covers. */
    if (damage_signature)
        entry.data[entry.size - 1] ^= 1;
    replica_dir_add(r, writer_result(&entry));
    writer_deinit(&entry);
    rsm_buffer_free(&envelope);
    rsm_buffer_free(&command);
    rsm_buffer_free(&body);
}

static struct rsm_bytes wire_name(const char *text, uint8_t buffer[NAME_SIZE_MAX])
{
    struct bytes name;

    CHECK(name_from_text(text, bytes_make(NULL, 0), buffer, &name) == RSM_OK);
    return rsm_bytes_make(name.data, name.size);
}

static struct rsm_bytes rdata_of(uint16_t type, const char *text, struct writer *out)
{
    char error[200];

    writer_init(out, 1000);
    CHECK(rr_data_from_text(type, text, bytes_make(NULL, 0), out, error, sizeof(error)) == RSM_OK);
    return rsm_bytes_make(out->data, out->size);
}

void replica_dir_add_zone(struct replica_dir *r, const char *name)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct rsm_bytes zone = wire_name(name, buffer);
    struct writer soa;
    struct writer ns;
    struct rsm_buffer body = {NULL, 0};
    struct rsm_bytes soa_data = rdata_of(
        RR_TYPE_SOA, "ns1.example.net. hostmaster.example.net. 1 3600 900 604800 60", &soa);
    struct rsm_bytes ns_data = rdata_of(RR_TYPE_NS, "ns1.example.net.", &ns);
    struct rsm_change changes[] = {
        {.owner = zone, .type = RR_TYPE_SOA, .ttl = 60, .rdatas = &soa_data, .rdata_count = 1},
        {.owner = zone, .type = RR_TYPE_NS, .ttl = 60, .rdatas = &ns_data, .rdata_count = 1},
    };

    CHECK(rsm_body_zone_create(zone, NULL, 0, changes, 2, &body) == RSM_OK);
    replica_dir_command(r, RSM_KIND_ZONE_CREATE, body, false);
    writer_deinit(&soa);
    writer_deinit(&ns);
}

void replica_dir_change(struct replica_dir *r, const char *zone, uint8_t last_octet)
{
    uint8_t zone_buffer[NAME_SIZE_MAX];
    uint8_t owner_buffer[NAME_SIZE_MAX];
    const uint8_t address[4] = {192, 0, 2, last_octet};
    char owner[NAME_TEXT_MAX];
    struct rsm_bytes rdata = rsm_bytes_make(address, sizeof(address));
    struct rsm_buffer body = {NULL, 0};

    snprintf(owner, sizeof(owner), "www.%s", zone);
    struct rsm_change change = {.owner = wire_name(owner, owner_buffer),
                                .type = RR_TYPE_A,
                                .ttl = 60,
                                .rdatas = &rdata,
                                .rdata_count = 1};
    CHECK(rsm_body_rrset_change(wire_name(zone, zone_buffer), &change, 1, &body) == RSM_OK);
    replica_dir_command(r, RSM_KIND_RRSET_CHANGE, body, false);
}

void replica_dir_commit(struct replica_dir *r)
{
    CHECK(store_commit(r->store, r->state) == RSM_OK);
    CHECK(store_refresh(r->store) == RSM_OK);
    kv_overlay_clear(r->state);
}
