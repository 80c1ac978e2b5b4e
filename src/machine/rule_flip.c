/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_flip.c - controllers that undo each other are stopped at the object (oscillation breaker).
 *
 * A *flip*: an author brings back the very content that it had, before another wrote over it. Each
 * side of such a fight has seen the other's write and is right by its own lights, so no clock and
 * no generation stops it. Policy: `flips_max` flips within `flip_window_ms` freeze the record set
 * for all but persons; both authors are in the row and in each refusal. The write that is one flip
 * too many is applied, for the content has to be one of the two. A person's write, whatever it
 * says, is the decision, and ends the freeze. flips_max = 0 turns it off.
 *
 *     absent --an author over another's--> watched --flips--> frozen --a person writes--> absent
 *
 * `object_changes_per_hour` besides bounds what automata write to one record set (object-budget): a
 * controller that cannot make up its mind alone. The hour begins with the first of them.
 */
#include "src/machine/flip.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/machine/judge.h"
#include "src/machine/staged.h"

static void hash_content(uint32_t ttl, struct bytes rdatas, uint8_t hash_out[HASH_SIZE])
{
    uint8_t prefix[4];
    put_u32(prefix, ttl);
    effects_hash_parts("rsm content v1", bytes_make(prefix, sizeof prefix), rdatas, hash_out);
}

static void refuse_frozen(struct judge *j, const struct flip_record *f, const struct change *item)
{
    char words[WORDS_SIZE];
    judge_refuse(j, RSM_RULE_OSCILLATION,
                 "%s: %.*s and %.*s undid each other %" PRIu32
                 " times, so it is frozen since slot %" PRIu64
                 "; stop one of them, then a person writes the record set, which ends the freeze",
                 words_rrset(item->owner, item->type, words), TEXT_ARGUMENTS(f->author),
                 TEXT_ARGUMENTS(f->other), f->flips, f->frozen_slot);
}

static void put(struct judge *j, struct bytes key, const struct flip_record *f)
{
    writer_reset(&j->m->value);
    flip_encode(&j->m->value, f);
    judge_put_writer(j, TABLE_FLIP, key, &j->m->value);
}

/* The next row; `f` borrows from the kv, which is not written meanwhile. */
static void step(struct judge *j, struct flip_record *f, const struct rrset_record *old,
                 const uint8_t old_hash[HASH_SIZE], const uint8_t new_hash[HASH_SIZE])
{
    struct bytes author = j->command->author;
    bool is_flip = f->hash != NULL && memcmp(f->hash, new_hash, HASH_SIZE) == 0 &&
                   bytes_equal(f->author, author);
    bool is_in_window = f->flips > 0 && j->now_ms - f->first_ms <= j->policy.flip_window_ms;
    if (is_flip) {
        f->flips = is_in_window ? f->flips + 1 : 1;
        f->first_ms = is_in_window ? f->first_ms : j->now_ms;
    } else if (!is_in_window) {
        f->flips = 0;
    }
    f->hash = old_hash;
    f->author = author_behind(old->version.author);
    f->other = author;
    if (f->flips >= j->policy.flips_max && !MUTANT(NO_FLIPS))
        f->frozen_slot = j->slot;
}

/* False: the hour's changes of the object are spent. */
static bool count_change(struct judge *j, struct flip_record *f, const struct change *item)
{
    uint64_t most = j->policy.object_changes_per_hour;
    if (most == 0 || !j->m->actor.is_automaton)
        return true;
    if (f->changes == 0 || j->now_ms - f->hour_ms >= FLIP_HOUR_MS) {
        f->changes = 0;
        f->hour_ms = j->now_ms;
    }
    if (f->changes >= most && !MUTANT(NO_OBJECT_BUDGET)) {
        char words[WORDS_SIZE];
        uint64_t end_ms = f->hour_ms + FLIP_HOUR_MS;
        judge_refuse(j, RSM_RULE_OBJECT_BUDGET,
                     "%s: automata have written it %" PRIu32 " times this hour, at most %" PRIu64
                     " may be; wait %" PRIu64 " ms, until log time %" PRIu64,
                     words_rrset(item->owner, item->type, words), f->changes, most,
                     end_ms - j->now_ms, end_ms);
        return false;
    }
    f->changes++;
    return true;
}

void rule_flip(struct judge *j, const struct change *item, const struct rrset_record *old,
               bool is_there)
{
    struct flip_record f = {.flips = 0};
    struct bytes value, key = change_key(j, item);
    uint8_t old_hash[HASH_SIZE], new_hash[HASH_SIZE];
    bool has_row = judge_found(j, kv_get(j->kv, TABLE_FLIP, key, &value)) &&
                   judge_found(j, flip_decode(value, &f));
    const struct actor *a = &j->m->actor;
    if (f.frozen_slot != 0 && a->is_person)
        judge_del(j, TABLE_FLIP, key);
    if (f.frozen_slot != 0) {
        if (!a->is_person)
            refuse_frozen(j, &f, item);
        return;
    }
    bool is_counted = a->is_automaton && j->policy.object_changes_per_hour > 0;
    /* Of two gateways nobody can tell here for whom the one before wrote. */
    bool is_over = is_there && j->behalf.size == 0 && j->policy.flips_max > 0 &&
                   (has_row || a->is_automaton) &&
                   !bytes_equal(author_behind(old->version.author), j->command->author);
    if (!count_change(j, &f, item) || (!is_over && !is_counted))
        return;
    if (is_over) {
        bool is_deleted = item->rdata_count == 0;
        hash_content(old->ttl, old->rdatas, old_hash);
        hash_content(is_deleted ? 0 : item->ttl,
                     is_deleted ? bytes_make(NULL, 0) : writer_result(&j->m->sorted), new_hash);
        step(j, &f, old, old_hash, new_hash);
    }
    put(j, key, &f);
}
