/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_factor.c - what came beside an approval: a second signature over the same digest.
 *
 *     factor-missing    the policy asks for one, or for one that signs
 *     factor-unknown    it is not enrolled for this principal, or was revoked
 *     factor-digest     it says yes to another change, or for another principal
 *     factor-presence   FIDO2: nobody was there, or the person was not verified, or it is for
 *                       another relying party
 *     factor-signature  its signature is not good
 *     factor-replayed   its counter, or the step of its code, was used
 *     factor-time       the step of its code is not of now, in log time
 *
 * A code (RFC 6238) can only be checked by somebody who knows the secret. So a replica does, which
 * has the secret in a file, before the approval is signed, and signs which step it saw: what is in
 * the log is its word, not the code and not the secret.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "src/machine/factor.h"

static bool has_right_hash(struct judge *j, const uint8_t *change, const struct body_factor *factor)
{
    uint8_t wanted[RSM_FACTOR_HASH_SIZE];
    struct bytes author = j->command->author;
    rsm_factor_hash((struct rsm_bytes){change, HASH_SIZE},
                    (struct rsm_bytes){author.data, author.size}, wanted);
    if (memcmp(wanted, factor->over.data, sizeof wanted) == 0 || MUTANT(FACTOR_OF_ANYTHING))
        return true;
    judge_refuse(j, RSM_RULE_FACTOR_DIGEST,
                 "the second factor %.*s says yes to something else than this change by %.*s",
                 TEXT_ARGUMENTS(factor->id), TEXT_ARGUMENTS(author));
    return false;
}

static void refuse_replayed(struct judge *j, const struct body_factor *factor, const char *what,
                            uint64_t now, uint64_t last)
{
    judge_refuse(j, RSM_RULE_FACTOR_REPLAYED,
                 "second factor %.*s: %s %" PRIu64 " is not above %" PRIu64
                 ", which was used; make a new one",
                 TEXT_ARGUMENTS(factor->id), what, now, last);
}

static void check_fido2(struct judge *j, const struct body_factor *factor, struct factor_record *f)
{
    struct authenticator_data data;
    uint8_t hash[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(hash, f->relying_party.data, f->relying_party.size);
    if (!authenticator_data_parse(factor->data, &data)) {
        judge_refuse(j, RSM_RULE_FACTOR_PRESENCE, "second factor %.*s: no authenticator data",
                     TEXT_ARGUMENTS(factor->id));
        return;
    }
    if (memcmp(hash, data.relying_party_hash, sizeof hash) != 0)
        judge_refuse(j, RSM_RULE_FACTOR_PRESENCE, "second factor %.*s is not for %.*s",
                     TEXT_ARGUMENTS(factor->id), TEXT_ARGUMENTS(f->relying_party));
    if (!data.is_present || !data.is_verified)
        judge_refuse(j, RSM_RULE_FACTOR_PRESENCE,
                     "second factor %.*s: the authenticator %s; ask for both",
                     TEXT_ARGUMENTS(factor->id),
                     data.is_present ? "did not verify who it was" : "was not touched");
    /* Some count nothing and say 0 for ever. */
    if ((data.counter != 0 || f->last != 0) && data.counter <= f->last && !MUTANT(FACTOR_AGAIN))
        refuse_replayed(j, factor, "counter", data.counter, f->last);
    f->last = data.counter;
}

/* The replica that attests is a member now, and this is its key. */
static bool is_attested(struct judge *j, const struct body_factor *factor, uint32_t replica)
{
    struct member_config config;
    uint8_t both[HASH_SIZE + TOTP_DATA_SIZE];
    memcpy(both, factor->over.data, HASH_SIZE);
    memcpy(both + HASH_SIZE, factor->data.data, TOTP_DATA_SIZE);
    if (!judge_found(j, machine_members_at(j->kv, NULL, j->slot, &config)))
        return false;
    const struct member *m = member_config_find(&config, replica);
    return m != NULL &&
           signature_verify(m->key, TOTP_TAG, (struct bytes){NULL, 0},
                            bytes_make(both, sizeof both), factor->signature.data) == RSM_OK;
}

static void check_code(struct judge *j, const struct body_factor *factor, struct factor_record *f)
{
    if (factor->data.size != TOTP_DATA_SIZE ||
        !is_attested(j, factor, factor->data.data[TOTP_DATA_SIZE - 1])) {
        judge_refuse(j, RSM_RULE_FACTOR_SIGNATURE, "no replica attests the code of %.*s",
                     TEXT_ARGUMENTS(factor->id));
        return;
    }
    uint64_t step = get_u64(factor->data.data), now = j->now_ms / TOTP_STEP_MS;
    uint64_t apart = step > now ? step - now : now - step;
    if (apart > TOTP_STEPS_APART)
        judge_refuse(j, RSM_RULE_FACTOR_TIME,
                     "the code of %.*s is of step %" PRIu64 ", log time is in step %" PRIu64,
                     TEXT_ARGUMENTS(factor->id), step, now);
    if (step <= f->last && !MUTANT(FACTOR_AGAIN))
        refuse_replayed(j, factor, "step", step, f->last);
    f->last = step;
}

static bool find(struct judge *j, const struct body_factor *factor, struct factor_record *out)
{
    if (!judge_found(j, factor_load(j->kv, j->command->author, factor->id, out))) {
        judge_refuse(j, RSM_RULE_FACTOR_UNKNOWN, "%.*s has no second factor %.*s",
                     TEXT_ARGUMENTS(j->command->author), TEXT_ARGUMENTS(factor->id));
        return false;
    }
    if (out->revoked_slot == 0)
        return true;
    judge_refuse(j, RSM_RULE_FACTOR_UNKNOWN, "the second factor %.*s was revoked in slot %" PRIu64,
                 TEXT_ARGUMENTS(factor->id), out->revoked_slot);
    return false;
}

/* The author has one that is good. */
static bool has_one(struct judge *j)
{
    struct key place;
    struct bytes key, value;
    struct factor_record f;
    key_factor(&place, j->command->author, (struct bytes){NULL, 0});
    struct key prefix = place;
    while (judge_found(j, kv_next(j->kv, TABLE_FACTOR, key_bytes(&place), true, &key, &value)) &&
           key_begins_with(key, key_bytes(&prefix)) && judge_found(j, factor_decode(value, &f))) {
        if (f.revoked_slot == 0)
            return true;
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
    }
    return false;
}

/*
 * For what the root role agrees to, a factor is asked of those who have one: enrolling the first
 * one would else need what nobody has.
 */
static bool is_demanded(struct judge *j, bool is_emergency)
{
    return j->policy.second_factor > 0 && (is_emergency || has_one(j));
}

bool rule_factor(struct judge *j, const uint8_t *change, bool is_emergency,
                 const struct body_factor *factor, struct factor_record *out)
{
    if (factor->id.size == 0) {
        if (is_demanded(j, is_emergency))
            judge_refuse(j, RSM_RULE_FACTOR_MISSING,
                         "the policy asks for a second factor (second_factor = %" PRIu64
                         "); approve with --factor ID",
                         j->policy.second_factor);
        return false;
    }
    if (!find(j, factor, out))
        return false;
    if (out->method == RSM_FACTOR_TOTP && j->policy.second_factor > 1)
        judge_refuse(j, RSM_RULE_FACTOR_MISSING,
                     "the policy asks for a second factor that signs, and %.*s is a code",
                     TEXT_ARGUMENTS(factor->id));
    bool is_this = has_right_hash(j, change, factor);
    if (out->method == RSM_FACTOR_TOTP) {
        check_code(j, factor, out);
        return true;
    }
    if (is_this &&
        factor_verify(out, factor->data, factor->over.data, factor->signature.data) != RSM_OK)
        judge_refuse(j, RSM_RULE_FACTOR_SIGNATURE, "the signature of %.*s is not good",
                     TEXT_ARGUMENTS(factor->id));
    if (out->method == RSM_FACTOR_FIDO2_ES256 || out->method == RSM_FACTOR_FIDO2_EDDSA)
        check_fido2(j, factor, out);
    return true;
}

void rule_factor_used(struct judge *j, const struct body_factor *factor,
                      const struct factor_record *used)
{
    struct key key;
    key_factor(&key, j->command->author, factor->id);
    writer_reset(&j->m->value);
    factor_encode(&j->m->value, used);
    judge_put_writer(j, TABLE_FACTOR, key_bytes(&key), &j->m->value);
}
