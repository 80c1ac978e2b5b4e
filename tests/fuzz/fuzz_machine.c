/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_machine.c - any bytes as a slot's value, as a command's body, as stored rows.
 *
 *     first byte   1: a value whose envelope is verified, 2: one that is not
 *                  3: kind u8 and a body, in a command of the administrator
 *                  4: a stored row
 *
 * The machine never fails on what others send, judges as it applies, and what it writes it can
 * read.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/machine/factor.h"
#include "src/machine/procedure.h"
#include "src/machine/recording.h"
#include "src/machine/absent.h"
#include "src/machine/budget.h"
#include "src/machine/flip.h"
#include "src/machine/resume.h"
#include "src/machine/members.h"
#include "src/machine/logtable.h"
#include "src/machine/record.h"
#include "src/machine/staged.h"
#include "tests/lib/machine_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world *world(void)
{
    static struct world *w;
    if (w != NULL)
        return w;
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("b.example.", 3, 1)};
    w = world_new();
    CHECK(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone("example.", 1, more, 2)));
    return w;
}

static void run_value(struct bytes value, bool is_verified)
{
    struct world *w = world();
    struct machine_signatures signatures = {.verified = is_verified};
    struct kv *judged = kv_overlay_new(w->kv);
    struct kv *applied = kv_overlay_new(w->kv);
    struct verdicts first, second;
    enum machine_judgement judgement;
    verdicts_init(&first);
    verdicts_init(&second);
    CHECK(machine_judge(w->machine, judged, w->slot + 1, value, &signatures, &first, &judgement) ==
          RSM_OK);
    CHECK(judgement == MACHINE_ACCEPT || kv_overlay_count(judged) == 0);
    CHECK(machine_apply(w->machine, applied, w->slot + 1, value, &signatures, &second) == RSM_OK);
    CHECK(first.applied_count == second.applied_count);
    CHECK(verdicts_check(verdicts_bytes(&second)) == RSM_OK);
    CHECK(bytes_equal(verdicts_bytes(&first), verdicts_bytes(&second)));
    CHECK(machine_apply(w->machine, applied, w->slot + 2, value, &signatures, &second) == RSM_OK);
    CHECK(second.applied_count == 0 || !is_verified);
    kv_free(judged);
    kv_free(applied);
    verdicts_deinit(&first);
    verdicts_deinit(&second);
}

static void run_body(enum rsm_kind kind, struct bytes body)
{
    struct world *w = world();
    struct actor *root = &w->actors[0];
    struct rsm_command command = {.id = {text_bytes("root"), root->counter + 1},
                                  .lamport = w->lamport + 1,
                                  .kind = kind,
                                  .body = {body.data, body.size},
                                  .reason = text_bytes("fuzz")};
    struct rsm_buffer encoded;
    if (rsm_command_encode(&command, &encoded) != RSM_OK)
        return;
    struct blob *blob = blob_new(bytes_make(encoded.data, encoded.size));
    struct blob *envelope = actor_seal(root, &blob, 1, false);
    struct blob *value = world_value(w, envelope);
    run_value(blob_bytes(value), true);
    blob_unref(value);
    blob_unref(envelope);
    rsm_buffer_free(&encoded);
}

/* What people do: second factors, the steps of an override, recordings. */
static void run_people(struct bytes row)
{
    struct factor_record factor;
    struct procedure_record procedure;
    struct recording_record recording;
    struct authenticator_data data;
    uint8_t over[RSM_FACTOR_HASH_SIZE] = {1}, signature[RSM_FACTOR_SIGNATURE_SIZE] = {2};
    if (factor_decode(row, &factor) == RSM_OK)
        CHECK(factor_verify(&factor, row, over, signature) == RSM_BAD_SIGNATURE);
    if (procedure_decode(row, &procedure) == RSM_OK)
        CHECK(procedure.next > RSM_STEP_FREEZE && procedure.next <= RSM_STEP_RESUME);
    if (recording_decode(row, &recording) == RSM_OK)
        CHECK(recording.state != 0);
    if (authenticator_data_parse(row, &data))
        CHECK(row.size >= 37);
}

static void run_row(struct bytes row)
{
    struct version version;
    struct event_record event;
    struct zone_record zone;
    struct rrset_record rrset;
    struct principal_record principal;
    struct freeze_record freeze;
    struct lease_record lease;
    struct plan_record plan;
    struct generation_record generation;
    struct log_verdict log;
    struct staged_record staged;
    struct vote_record vote;
    struct approval_record approval;
    struct bytes item;
    run_people(row);
    (void)vote_decode(row, &vote);
    (void)approval_decode(row, &approval);
    if (staged_decode(row, &staged) == RSM_OK)
        CHECK(strcmp(change_state_text(staged.state), "unknown") != 0);
    (void)version_decode(row, &version);
    (void)event_decode(row, &event);
    (void)zone_decode(row, &zone);
    (void)freeze_decode(row, &freeze);
    (void)lease_decode(row, &lease);
    (void)plan_decode(row, &plan);
    (void)generation_decode(row, &generation);
    struct absent_record absent;
    (void)absent_decode(row, &absent);
    struct resume_item resume;
    if (resume_decode(row, &resume) == RSM_OK)
        CHECK(resume_state_at(&resume, UINT64_MAX) != RESUME_FROZEN);
    struct flip_record flip;
    (void)flip_decode(row, &flip);
    struct budget_spent spent;
    (void)budget_decode(row, &spent);
    static const uint8_t number[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    struct member_config config;
    if (members_decode(bytes_make(number, sizeof number), row, &config) == RSM_OK)
        CHECK(config.count >= 1 && config.count <= LIMIT_REPLICAS &&
              config.members[config.count - 1].id <= REPLICA_MAX);
    if (rrset_decode(row, &rrset) == RSM_OK) {
        while (rrset_rdata_next(&rrset.rdatas, &item))
            CHECK(item.data >= row.data && item.data + item.size <= row.data + row.size);
    }
    if (principal_decode(row, &principal) == RSM_OK) {
        while (role_next(&principal.roles, &item))
            CHECK(item.size <= row.size);
    }
    if (log_verdict_decode(row, &log) == RSM_OK)
        (void)verdicts_check(log.verdicts);
    (void)verdicts_check(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct bytes rest = bytes_make(data + 1, size - 1);
    if (data[0] == 1 || data[0] == 2)
        run_value(rest, data[0] == 1);
    else if (data[0] == 3 && strcmp(rsm_kind_text((enum rsm_kind)data[1]), "unknown") != 0)
        run_body((enum rsm_kind)data[1], bytes_make(data + 2, size - 2));
    else if (data[0] == 4)
        run_row(rest);
    return 0;
}
