/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sources.c - the replicas that are read. Each shows its own state (level "stale"), so that none
 * speaks for another.
 */
#include <stdio.h>
#include <string.h>

#include "tools/rsm-auditor/auditor.h"

#define PAGE_SLOTS 1000u

bool sources_open(struct auditor *a, char *endpoints)
{
    char *rest = endpoints;
    char *one = NULL;

    while ((one = strsep(&rest, ",")) != NULL) {
        struct source *s = &a->sources[a->source_count];
        if (a->source_count == SOURCES_MAX) {
            fprintf(stderr, "rsm-auditor: more than %u endpoints\n", SOURCES_MAX);
            return false;
        }
        *s = (struct source){.endpoint = one, .again = 1, .table = TABLE_META};
        enum rsm_status status = rsm_client_new(one, &s->client);
        if (status != RSM_OK) {
            fprintf(stderr, "rsm-auditor: \"%s\": %s\n", one,
                    status == RSM_USAGE ? "no endpoint" : rsm_status_sentence(status));
            return false;
        }
        a->source_count++;
    }
    return a->source_count > 0;
}

void sources_close(struct auditor *a)
{
    for (size_t i = 0; i < a->source_count; i++) {
        rsm_client_free(a->sources[i].client);
        rsm_buffer_free(&a->sources[i].page);
        rsm_buffer_free(&a->sources[i].rows);
    }
}

static struct bytes octets(struct rsm_value item, const char *key)
{
    struct rsm_bytes found = rsm_value_octets(rsm_value_get(item, key));
    return bytes_make(found.data, found.size);
}

/* The next slot of a page; false at its end. */
static bool take_slot(struct rsm_walk *walk, struct shown_slot *out)
{
    struct rsm_value item;

    *out = (struct shown_slot){.slot = 0};
    if (!rsm_walk_next(walk, &item))
        return false;
    *out = (struct shown_slot){.slot = rsm_value_uint(rsm_value_get(item, "slot")),
                               .entry = octets(item, "entry"),
                               .log_time_ms = rsm_value_uint(rsm_value_get(item, "log_time_ms")),
                               .verdicts = octets(item, "verdicts"),
                               .effects = octets(item, "effects"),
                               .entry_head = octets(item, "entry_head"),
                               .verdict_head = octets(item, "verdict_head")};
    return out->slot > 0;
}

/* Slots from `first` on. False: it cannot be had now, its text says why. */
static bool fetch(struct auditor *a, struct source *s, uint64_t first, struct rsm_buffer *out)
{
    struct rsm_pack *params = rsm_pack_new();

    rsm_pack_array(params, 2);
    rsm_pack_uint(params, first);
    rsm_pack_map(params, 2);
    rsm_pack_text(params, "level");
    rsm_pack_text(params, "stale");
    rsm_pack_text(params, "limit");
    rsm_pack_uint(params, PAGE_SLOTS);
    enum rsm_status status = rsm_client_call(
        s->client, "log.raw", rsm_value_of(rsm_pack_result(params)), a->timeout_ms, out);
    rsm_pack_free(params);
    s->is_reachable = status == RSM_OK;
    if (status != RSM_OK && s->bad_slot == 0)
        snprintf(s->text, sizeof s->text, "%s: %s", rsm_status_sentence(status),
                 rsm_client_error(s->client));
    return status == RSM_OK;
}

/* ---- new slots ---- */

static bool is_same(const struct shown_slot *x, const struct shown_slot *y)
{
    return bytes_equal(x->entry_head, y->entry_head) &&
           bytes_equal(x->verdict_head, y->verdict_head) && bytes_equal(x->entry, y->entry);
}

/* What a majority of all that were named shows as `slot`; NULL: none does yet. */
static const struct source *find_majority(const struct auditor *a, uint64_t slot)
{
    for (size_t i = 0; i < a->source_count; i++) {
        size_t count = 0;
        if (a->sources[i].next.slot != slot)
            continue;
        for (size_t k = 0; k < a->source_count; k++)
            count += a->sources[k].next.slot == slot &&
                     is_same(&a->sources[i].next, &a->sources[k].next);
        if (2 * count > a->source_count)
            return &a->sources[i];
    }
    return NULL;
}

static void raise_alarm(struct source *s, uint64_t slot, const char *what)
{
    if (s->bad_slot != 0 && s->bad_slot <= slot)
        return;
    s->bad_slot = slot;
    snprintf(s->text, sizeof s->text, "slot %llu: %s than it has to have", (unsigned long long)slot,
             what);
    fprintf(stderr, "alarm: %s: %s\n", s->endpoint, s->text);
}

/* Looks at one slot that is in the books, as a replica shows it. */
static void judge(struct auditor *a, struct source *s, const struct shown_slot *shown)
{
    const char *wrong = books_compare(&a->books, shown);

    if (wrong != NULL) {
        raise_alarm(s, shown->slot, wrong);
    } else if (s->bad_slot == shown->slot) {
        fprintf(stderr, "over: %s: slot %llu is as it has to be\n", s->endpoint,
                (unsigned long long)shown->slot);
        s->bad_slot = 0;
    }
}

static void stick(struct auditor *a, uint64_t slot, const char *what)
{
    if (!a->is_stuck)
        fprintf(stderr, "alarm: a majority shows slot %llu, and %s\n", (unsigned long long)slot,
                what);
    a->is_stuck = true;
    snprintf(a->stuck_text, sizeof a->stuck_text, "slot %llu: %s", (unsigned long long)slot, what);
}

/*
 * One slot that a majority shows. The books take the entry, and say by themselves what follows from
 * it: a majority that computed something else is an alarm too, and the end of the reading.
 */
static enum rsm_status take_majority(struct auditor *a, uint64_t slot, const struct source *from)
{
    struct shown_slot shown = from->next;
    enum rsm_status status = books_add(&a->books, shown.entry);

    if (status == RSM_MALFORMED) {
        stick(a, slot, "its commands are not signed for this cluster by the key that they name");
        return RSM_OK;
    }
    if (status != RSM_OK)
        return status;
    const char *wrong = books_compare(&a->books, &shown);
    if (wrong != NULL)
        stick(a, slot, "its verdict does not follow from the log");
    for (size_t i = 0; i < a->source_count; i++) {
        struct source *s = &a->sources[i];
        if (s->next.slot != slot)
            continue;
        judge(a, s, &s->next);
        (void)take_slot(&s->walk, &s->next);
    }
    return RSM_OK;
}

static enum rsm_status take_new(struct auditor *a, bool *progress_out)
{
    uint64_t first = a->books.ledger.slot + 1;
    enum rsm_status status = RSM_OK;

    for (size_t i = 0; i < a->source_count; i++) {
        struct source *s = &a->sources[i];
        rsm_buffer_free(&s->page);
        s->next = (struct shown_slot){.slot = 0};
        if (!fetch(a, s, first, &s->page))
            continue;
        s->walk =
            rsm_walk_begin(rsm_value_get(rsm_value_of(rsm_buffer_bytes(&s->page)), "entries"));
        (void)take_slot(&s->walk, &s->next);
    }
    states_fetch(a);
    uint64_t end = states_slot(a);
    while (status == RSM_OK && !a->is_stuck && a->books.ledger.slot < end) {
        uint64_t slot = a->books.ledger.slot + 1;
        const struct source *from = find_majority(a, slot);
        if (from == NULL)
            break;
        status = take_majority(a, slot, from);
        *progress_out = true;
    }
    return status;
}

/* ---- old slots ---- */

/*
 * A page of what is in the books already, read again. The end of a pass is the end of the books, or
 * of what the replica has: it may be behind.
 */
static void read_again(struct auditor *a, struct source *s)
{
    struct rsm_buffer page = {NULL, 0};
    struct shown_slot shown;
    uint64_t first = s->again;

    if (!fetch(a, s, first, &page))
        return;
    struct rsm_walk walk =
        rsm_walk_begin(rsm_value_get(rsm_value_of(rsm_buffer_bytes(&page)), "entries"));
    uint64_t expected = first;
    while (expected <= a->books.ledger.slot && take_slot(&walk, &shown)) {
        if (shown.slot != expected) {
            raise_alarm(s, expected, "no such slot, or another one,");
            expected = shown.slot;
        }
        if (shown.slot <= a->books.ledger.slot)
            judge(a, s, &shown);
        expected++;
    }
    rsm_buffer_free(&page);
    s->again = expected;
    if (expected > a->books.ledger.slot || expected == first) {
        s->again = 1;
        s->passes++;
    }
}

enum rsm_status audit_round(struct auditor *a, bool *progress_out)
{
    *progress_out = false;
    enum rsm_status status = take_new(a, progress_out);
    if (status == RSM_OK)
        status = books_commit(&a->books);
    if (status == RSM_OK && *progress_out && !a->is_stuck)
        status = books_sign(&a->books, a->key);
    for (size_t i = 0; i < a->source_count && status == RSM_OK; i++)
        read_again(a, &a->sources[i]);
    if (status == RSM_OK)
        states_compare(a, *progress_out);
    return status;
}

bool audit_is_whole(const struct auditor *a)
{
    for (size_t i = 0; i < a->source_count; i++) {
        const struct source *s = &a->sources[i];
        if (s->is_reachable && (s->passes == 0 || s->state_passes == 0))
            return false;
    }
    return true;
}

size_t audit_alarms(const struct auditor *a)
{
    size_t count = a->is_stuck;

    for (size_t i = 0; i < a->source_count; i++)
        count += a->sources[i].bad_slot != 0 || a->sources[i].is_state_bad;
    return count;
}
