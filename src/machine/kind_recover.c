/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_recover.c - one replica goes on alone, because persons say so (recovery.h, and
 * command/recovery.h for what they sign).
 *
 * The command is the replica's own: it has to be the one that the statement is about, with the log
 * that the statement names. Applied, it
 *
 *   1. makes two configurations that govern from the next slot on: the members with the disks that
 *      the replica knew them by, and the replica alone with its new one. So the disks of the others
 *      are used up (rule incarnation-used), whether the log had heard of them before or not;
 *   2. begins an epoch;
 *   3. freezes automata: what they had seen acknowledged may be gone. A person resumes them.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/recovery.h"
#include "src/machine/logtable.h"
#include "src/machine/recovery.h"
#include "src/machine/resume.h"
#include "src/machine/staged.h"

#define FREEZE_NAME_SIZE 40u

#define refuse(j, ...) judge_refuse(j, RSM_RULE_RECOVERY, __VA_ARGS__)

/* ---- rows ---- */

static enum rsm_status decode(struct bytes key, struct bytes value, struct recovery_record *out)
{
    struct reader r = reader_make(value);
    *out = (struct recovery_record){.epoch = key.size == 8 ? get_u64(key.data) : 0};
    out->slot = reader_u64(&r);
    out->replica = reader_u8(&r);
    out->incarnation = reader_u64(&r);
    out->from_slot = reader_u64(&r);
    out->signers = reader_bytes(&r, reader_left(&r));
    struct bytes names = out->signers, name;
    while (recovery_signer_next(&names, &name))
        continue;
    return r.failed || key.size != 8 || names.size != 0 ? RSM_DAMAGED : RSM_OK;
}

enum rsm_status recovery_below(struct kv *kv, uint64_t epoch, struct recovery_record *out)
{
    struct bytes found, value;
    uint8_t key[8];
    put_u64(key, epoch);
    enum rsm_status status =
        kv_prev(kv, TABLE_RECOVERY, bytes_make(key, sizeof key), true, &found, &value);
    return status == RSM_OK ? decode(found, value, out) : status;
}

enum rsm_status recovery_newest(struct kv *kv, struct recovery_record *out)
{
    return recovery_below(kv, UINT64_MAX, out);
}

bool recovery_signer_next(struct bytes *signers, struct bytes *name_out)
{
    struct reader r = reader_make(*signers);
    *name_out = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    if (r.failed)
        return false;
    *signers = bytes_make(signers->data + r.offset, signers->size - r.offset);
    return true;
}

void recovery_describe(const struct recovery_record *r, char *out, size_t size)
{
    struct bytes names = r->signers, name;
    int used = snprintf(out, size,
                        "epoch %" PRIu64 ", by replica %" PRIu32 " in slot %" PRIu64
                        ", from slot %" PRIu64 " on, signed by",
                        r->epoch, r->replica, r->slot, r->from_slot);
    while (used >= 0 && (size_t)used < size && recovery_signer_next(&names, &name))
        used += snprintf(out + used, size - (size_t)used, " %.*s", TEXT_ARGUMENTS(name));
}

/* ---- rules ---- */

/* The author is that replica, and this is its log. */
static void check_place(struct judge *j, const struct recovery *r)
{
    struct log_verdict row;
    struct recovery_record last = {.epoch = RECOVERY_EPOCH_FIRST};
    if (replica_of_author(j->command->author) != r->replica)
        refuse(j, "the statement is about replica %" PRIu32 ", the author is %.*s", r->replica,
               TEXT_ARGUMENTS(j->command->author));
    (void)judge_found(j, recovery_newest(j->kv, &last));
    if (r->epoch != last.epoch + 1)
        refuse(j, "the statement is for epoch %" PRIu64 ", the next one is %" PRIu64, r->epoch,
               last.epoch + 1);
    if (r->slot >= j->slot || !judge_found(j, log_get_verdict(j->kv, r->slot, &row)))
        refuse(j, "the statement goes on from slot %" PRIu64 ", which this log does not have",
               r->slot);
    else if (memcmp(row.entry_head, r->entry_head, HASH_SIZE) != 0)
        refuse(j, "the statement is about another log: its entry head of slot %" PRIu64 " differs",
               r->slot);
}

static bool has_signed(const struct principal_record *p, const struct recovery *r,
                       const uint8_t *signature)
{
    for (uint32_t i = 0; i < p->key_count; i++)
        if (recovery_verify(p->keys + (size_t)i * RSM_PUBLIC_KEY_SIZE, r, signature) == RSM_OK)
            return true;
    return false;
}

/* Persons who were counted, blobs: the same one with two principals is one. */
static bool is_new_person(struct writer *seen, struct bytes person)
{
    struct bytes names = writer_result(seen), name;
    while (recovery_signer_next(&names, &name))
        if (bytes_equal(name, person) && !MUTANT(RECOVER_WITH_ONE_PERSON))
            return false;
    writer_blob(seen, person);
    return true;
}

static void check_approval(struct judge *j, const struct recovery *r,
                           const struct recovery_approval *approval, struct writer *persons)
{
    struct principal_record p;
    struct bytes name = approval->principal;
    if (!judge_found(j, principal_load(j->kv, name, &p))) {
        refuse(j, "there is no principal %.*s", TEXT_ARGUMENTS(name));
        return;
    }
    if (p.kind != RSM_PRINCIPAL_PERSON) {
        refuse(j, "%.*s is no person", TEXT_ARGUMENTS(name));
        return;
    }
    if (!has_signed(&p, r, approval->signature) && !MUTANT(RECOVER_UNSIGNED))
        refuse(j, "no key of %.*s has signed this statement", TEXT_ARGUMENTS(name));
    if (!is_new_person(persons, p.person))
        refuse(j, "%.*s is the same person as another one that signed: %.*s", TEXT_ARGUMENTS(name),
               TEXT_ARGUMENTS(p.person));
    if (!principal_may(j, &p, rsm_kind_text(RSM_KIND_CLUSTER_RECOVER)))
        refuse(j, "no role of %.*s grants cluster.recover", TEXT_ARGUMENTS(name));
}

static void check_approvals(struct judge *j, const struct body_recover *body)
{
    struct body_walk walk = body->approvals;
    struct recovery_approval approval;
    struct writer persons;
    writer_init(&persons, LIMIT_VALUE_SIZE);
    while (recovery_next_approval(&walk, &approval))
        check_approval(j, &body->statement, &approval, &persons);
    writer_deinit(&persons);
}

bool recovery_is_signed(struct kv *kv, const struct body_recover *body)
{
    struct judge j = {.kv = kv};
    struct body_walk walk = body->approvals;
    struct recovery_approval approval;
    struct principal_record p;
    struct writer persons;
    bool is_good = true;
    writer_init(&persons, LIMIT_VALUE_SIZE);
    while (is_good && recovery_next_approval(&walk, &approval))
        is_good = principal_load(kv, approval.principal, &p) == RSM_OK &&
                  p.kind == RSM_PRINCIPAL_PERSON &&
                  has_signed(&p, &body->statement, approval.signature) &&
                  is_new_person(&persons, p.person) &&
                  principal_may(&j, &p, rsm_kind_text(RSM_KIND_CLUSTER_RECOVER));
    writer_deinit(&persons);
    return is_good && j.fault == RSM_OK;
}

/* ---- what it leaves ---- */

static void take_others(struct member_config *config, struct body_walk others)
{
    struct body_incarnation item;
    while (body_next_incarnation(&others, &item))
        for (uint32_t i = 0; i < config->count; i++)
            if (config->members[i].id == item.id)
                config->members[i].incarnation = item.incarnation;
}

static void write_members(struct judge *j, const struct recovery *r)
{
    struct member_config config;
    if (!judge_found(j, machine_members_at(j->kv, NULL, j->slot, &config)))
        return;
    const struct member *found = member_config_find(&config, r->replica);
    if (found == NULL || !found->voter) {
        refuse(j, "replica %" PRIu32 " is no voter of configuration %" PRIu64, r->replica,
               config.version);
        return;
    }
    member_check_incarnation(j, r->replica, r->incarnation);
    struct member self = *found;
    uint64_t version = 0;
    if (!judge_found(j, machine_members_version(j->kv, &version)))
        return;
    take_others(&config, r->others);
    for (uint32_t i = 0; i < config.count; i++)
        if (config.members[i].id == r->replica)
            config.members[i].incarnation = r->former;
    config.version = version + 1;
    config.effective_slot = j->slot + 1;
    member_write(j, &config);
    self.incarnation = r->incarnation;
    config.version++;
    config.count = 1;
    config.members[0] = self;
    member_write(j, &config);
}

static void write_row(struct judge *j, const struct body_recover *body)
{
    const struct recovery *r = &body->statement;
    struct body_walk walk = body->approvals;
    struct recovery_approval approval;
    struct writer *w = &j->m->value;
    uint8_t key[8];
    put_u64(key, r->epoch);
    writer_reset(w);
    writer_u64(w, j->slot);
    writer_u8(w, (uint8_t)r->replica);
    writer_u64(w, r->incarnation);
    writer_u64(w, r->slot);
    while (recovery_next_approval(&walk, &approval))
        writer_blob(w, approval.principal);
    judge_put_writer(j, TABLE_RECOVERY, bytes_make(key, sizeof key), w);
}

static void freeze_automata(struct judge *j, const struct recovery *r)
{
    char text[FREEZE_NAME_SIZE];
    int size = snprintf(text, sizeof text, "recovered-%" PRIu64, r->epoch);
    struct bytes id = bytes_make(text, (size_t)size);
    struct freeze_record before = {.resumed_ms = 0};
    if (judge_found(j, freeze_load(j->kv, id, &before)) && before.resumed_ms != 0)
        (void)judge_found(j, resume_drop(j->kv, id));
    struct freeze_record freeze = {.scope = RSM_FREEZE_GLOBAL,
                                   .set_ms = j->now_ms,
                                   .author = j->command->author,
                                   .reason = j->command->reason};
    writer_reset(&j->m->value);
    freeze_encode(&j->m->value, &freeze);
    judge_put_writer(j, TABLE_FREEZE, id, &j->m->value);
    object_write(j, OBJECT_FREEZE, id);
}

void kind_cluster_recover(struct judge *j)
{
    struct body_recover body;
    enum rsm_status status = body_recover_decode(j->command->body, &body);
    CHECK(status == RSM_OK);
    check_place(j, &body.statement);
    check_approvals(j, &body);
    write_members(j, &body.statement);
    write_row(j, &body);
    freeze_automata(j, &body.statement);
}
