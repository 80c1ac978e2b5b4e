/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_causal.c - causal rules 1 to 3: what a command says it was based on, against what happened.
 *
 *   1. every dependency is in the log, with a lower Lamport clock;
 *   2. the author's counter is the next one; the vector clock names only what happened; the Lamport
 *      clock is above all that it names, and not far above the highest one known;
 *   3. the last writer of each object that the command touches is inside its vector clock.
 *
 * Clocks after Lamport, "Time, Clocks, and the Ordering of Events" (1978), and Fidge and Mattern
 * (1988). Refused as `stale` when the last writer had already seen all that this command has seen:
 * then it is simply older. Else each knows something that the other does not: `concurrent`.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/machine/staged.h"

/* A dependency that waits for votes, or never took effect, has not happened. A replica's vote names
 * the change that it is for. */
static void check_in_effect(struct judge *j, const struct command_event *dependency,
                            const uint8_t *digest)
{
    struct staged_record row;
    uint8_t copy[HASH_SIZE];
    if (j->command->kind == RSM_KIND_CHANGE_VOTE)
        return;
    memcpy(copy, digest, HASH_SIZE);
    if (judge_found(j, staged_load(j->kv, copy, &row)) && row.state != CHANGE_LIVE)
        judge_refuse(j, RSM_RULE_DEPENDENCY_MISSING, "%.*s %" PRIu64 " is %s, not in effect",
                     TEXT_ARGUMENTS(dependency->author), dependency->counter,
                     change_state_text(row.state));
}

/* Rule 1. */
static void check_dependencies(struct judge *j)
{
    const struct command *c = j->command;
    struct command_event_walk walk = command_dependencies(c);
    struct command_event dependency;
    while (command_event_next(&walk, &dependency)) {
        struct event_record event;
        if (!judge_found(j, event_load(j->kv, dependency.author, dependency.counter, &event))) {
            judge_refuse(j, RSM_RULE_DEPENDENCY_MISSING, "%.*s %" PRIu64 " is not in the log",
                         TEXT_ARGUMENTS(dependency.author), dependency.counter);
        } else if (event.lamport >= c->lamport) {
            judge_refuse(j, RSM_RULE_DEPENDENCY_ORDER,
                         "%.*s %" PRIu64 " in slot %" PRIu64 " has Lamport clock %" PRIu64
                         ", this command has %" PRIu64,
                         TEXT_ARGUMENTS(dependency.author), dependency.counter, event.slot,
                         event.lamport, c->lamport);
        } else {
            check_in_effect(j, &dependency, event.digest);
        }
    }
}

/* Rule 2, the author's own line. */
static void check_counter(struct judge *j)
{
    const struct command *c = j->command;
    struct author_record own = {.counter = 0};
    (void)judge_found(j, author_load(j->kv, c->author, &own));
    if (c->counter <= own.counter) {
        struct event_record event = {.slot = 0};
        (void)judge_found(j, event_load(j->kv, c->author, c->counter, &event));
        judge_refuse(j, RSM_RULE_COUNTER_USED,
                     "counter %" PRIu64 " was used by another command in slot %" PRIu64
                     "; the next is %" PRIu64,
                     c->counter, event.slot, own.counter + 1);
    } else if (c->counter > own.counter + 1 && !MUTANT(COUNTER_GAP)) {
        judge_refuse(j, RSM_RULE_COUNTER_GAP, "counter %" PRIu64 ", but the next is %" PRIu64,
                     c->counter, own.counter + 1);
    }
    if (c->lamport <= own.lamport)
        judge_refuse(j, RSM_RULE_LAMPORT_ORDER,
                     "Lamport clock %" PRIu64 ", but the author's last command had %" PRIu64,
                     c->lamport, own.lamport);
}

/* Rule 2, one entry of the vector clock. */
static void check_clock_entry(struct judge *j, const struct command_event *seen)
{
    const struct command *c = j->command;
    struct author_record other = {.counter = 0};
    (void)judge_found(j, author_load(j->kv, seen->author, &other));
    bool is_own = bytes_equal(seen->author, c->author);
    if (seen->counter > other.counter || (is_own && seen->counter >= c->counter)) {
        judge_refuse(j, RSM_RULE_CLOCK_FUTURE,
                     "the clock names %.*s %" PRIu64 ", but only %" PRIu64 " are in the log",
                     TEXT_ARGUMENTS(seen->author), seen->counter, other.counter);
        return;
    }
    /* The author's newest command has its highest Lamport clock: above that, above all of it. */
    if (c->lamport > other.lamport || seen->counter == 0)
        return;
    struct event_record event;
    if (judge_found(j, event_load(j->kv, seen->author, seen->counter, &event)) &&
        event.lamport >= c->lamport)
        judge_refuse(j, RSM_RULE_LAMPORT_ORDER,
                     "Lamport clock %" PRIu64 ", but %.*s %" PRIu64
                     ", which it has seen, had %" PRIu64,
                     c->lamport, TEXT_ARGUMENTS(seen->author), seen->counter, event.lamport);
}

void rule_causal_event(struct judge *j)
{
    const struct command *c = j->command;
    check_dependencies(j);
    check_counter(j);
    struct command_event_walk walk = command_clock(c);
    struct command_event seen;
    while (command_event_next(&walk, &seen))
        check_clock_entry(j, &seen);
    if (c->lamport > j->lamport_highest &&
        c->lamport - j->lamport_highest > j->policy.lamport_jump_max)
        judge_refuse(j, RSM_RULE_LAMPORT_JUMP,
                     "Lamport clock %" PRIu64 " is more than %" PRIu64
                     " above the highest known one, %" PRIu64,
                     c->lamport, j->policy.lamport_jump_max, j->lamport_highest);
}

/* True when the last writer had seen (or done) everything that this command has seen. */
static bool writer_saw_all(struct judge *j, const struct version *last)
{
    struct event_record event;
    if (!judge_found(j, event_load(j->kv, last->author, last->counter, &event)))
        return false;
    struct command writer = {.clock = event.clock};
    struct command_event_walk ours = command_clock(j->command);
    struct command_event_walk theirs = command_clock(&writer);
    struct command_event mine, other = {.counter = 0};
    bool has_other = command_event_next(&theirs, &other);
    bool has_own = false;
    while (command_event_next(&ours, &mine)) {
        uint64_t own_done = j->command->counter - 1;
        if (bytes_equal(mine.author, j->command->author)) {
            has_own = true;
            mine.counter = mine.counter > own_done ? mine.counter : own_done;
        }
        if (bytes_equal(mine.author, last->author) && mine.counter <= last->counter)
            continue;
        /* Both clocks are sorted by author. */
        while (has_other && bytes_compare(other.author, mine.author) < 0)
            has_other = command_event_next(&theirs, &other);
        bool same = has_other && bytes_equal(other.author, mine.author);
        if (mine.counter > (same ? other.counter : 0))
            return false;
    }
    return has_own || j->command->counter == 1 ||
           command_clock_of(&writer, j->command->author) >= j->command->counter - 1;
}

/* 0 when the last writer is inside the command's vector clock. */
static enum rsm_rule judge_writer(struct judge *j, const struct version *last)
{
    /* Own commands before this one count as seen; one that waited may come after later ones. */
    if (bytes_equal(last->author, j->command->author))
        return last->counter > j->command->counter && !MUTANT(OWN_LATER_SEEN) ? RSM_RULE_STALE : 0;
    if (command_clock_of(j->command, last->author) >= last->counter)
        return 0;
    return writer_saw_all(j, last) ? RSM_RULE_STALE : RSM_RULE_CONCURRENT;
}

/* A change set asks the same of thousands of record sets with one last writer. */
static enum rsm_rule judge_writer_once(struct judge *j, const struct version *last)
{
    if (last->counter == j->last_counter && last->author.size == j->last_author_size &&
        memcmp(last->author.data, j->last_author, j->last_author_size) == 0)
        return j->last_rule;
    j->last_rule = judge_writer(j, last);
    j->last_counter = last->counter;
    j->last_author_size = last->author.size;
    CHECK(last->author.size <= sizeof j->last_author);
    memcpy(j->last_author, last->author.data, last->author.size);
    return j->last_rule;
}

void rule_causal_version(struct judge *j, const struct version *last, const char *what)
{
    if (MUTANT(NO_OBJECT_CHECK) || last->counter == 0 || j->fault != RSM_OK)
        return;
    enum rsm_rule rule = judge_writer_once(j, last);
    if (rule == 0)
        return;
    judge_refuse(j, rule,
                 "%s: last written by %.*s %" PRIu64 " in slot %" PRIu64 ", Lamport clock %" PRIu64
                 "; this command has seen %.*s up to %" PRIu64,
                 what, TEXT_ARGUMENTS(last->author), last->counter, last->slot, last->lamport,
                 TEXT_ARGUMENTS(last->author), command_clock_of(j->command, last->author));
}

void rule_causal_rrset(struct judge *j, const struct version *last, struct bytes owner,
                       uint16_t type)
{
    if (MUTANT(NO_OBJECT_CHECK) || last->counter == 0 || j->fault != RSM_OK ||
        judge_writer_once(j, last) == 0)
        return;
    char words[WORDS_SIZE];
    rule_causal_version(j, last, words_rrset(owner, type, words));
}

void rule_causal_object(struct judge *j, enum object_kind kind, struct bytes name, const char *what)
{
    struct key key;
    struct bytes value;
    struct version last;
    key_object(&key, kind, name);
    if (!judge_found(j, kv_get(j->kv, TABLE_OBJECT, key_bytes(&key), &value)) ||
        !judge_found(j, version_decode(value, &last)))
        return;
    char words[WORDS_SIZE];
    rule_causal_version(j, &last, what != NULL ? what : words_object(kind, name, words));
}

void object_write(struct judge *j, enum object_kind kind, struct bytes name)
{
    struct key key;
    struct version version = judge_version(j);
    key_object(&key, kind, name);
    writer_reset(&j->m->value);
    version_encode(&j->m->value, &version);
    judge_put_writer(j, TABLE_OBJECT, key_bytes(&key), &j->m->value);
}
