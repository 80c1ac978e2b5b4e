/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * states.c - the state that each replica answers from, against the auditor's own.
 *
 * What was changed in a row of the state is in no slot of the log: the log would still be right,
 * and what clients and secondaries are told is wrong. So the rows themselves are read, a page a
 * round, table by table, for ever, and each has to be the one that the log leads to. A page is of
 * one slot; it is held until a majority has shown the log up to there and the books are at just
 * that slot.
 */
#include <stdio.h>
#include <string.h>

#include "src/rr/data.h"
#include "src/rr/name.h"
#include "tools/lib/plain.h"
#include "tools/rsm-auditor/auditor.h"

#define ROUNDS_AHEAD_MAX 100u
#define ROW_TEXT_SIZE 120u

/* ---- a page ---- */

static struct rsm_value page_of(const struct source *s)
{
    return rsm_value_of(rsm_buffer_bytes(&s->rows));
}

static bool is_held(const struct source *s)
{
    return s->rows.size > 0;
}

static uint64_t slot_of(const struct source *s)
{
    return rsm_value_uint(rsm_value_get(page_of(s), "slot"));
}

static struct bytes octets(struct rsm_value item)
{
    struct rsm_bytes found = rsm_value_octets(item);
    return bytes_make(found.data, found.size);
}

static enum rsm_status fetch_rows(struct auditor *a, struct source *s)
{
    struct rsm_pack *params = rsm_pack_new();

    rsm_pack_array(params, 2);
    rsm_pack_uint(params, s->table);
    rsm_pack_map(params, s->after.size > 0 ? 2 : 1);
    if (s->after.size > 0) {
        rsm_pack_text(params, "after");
        rsm_pack_bin(params, rsm_bytes_make(s->after.data, s->after.size));
    }
    rsm_pack_text(params, "level");
    rsm_pack_text(params, "stale");
    enum rsm_status status = rsm_client_call(
        s->client, "state.raw", rsm_value_of(rsm_pack_result(params)), a->timeout_ms, &s->rows);
    rsm_pack_free(params);
    if (status != RSM_OK)
        rsm_buffer_free(&s->rows);
    return status;
}

/* ---- rows ---- */

/* What people call a table; the rest has its number. */
static const char *table_words(uint8_t table)
{
    static const char *const words[TABLE_END] = {
        [TABLE_META] = "figure",
        [TABLE_AUTHOR] = "author",
        [TABLE_EVENT] = "event",
        [TABLE_DIGEST] = "digest",
        [TABLE_ZONE] = "zone",
        [TABLE_ZONE_VERSION] = "zone's version",
        [TABLE_SERIAL] = "serial floor",
        [TABLE_RRSET] = "record set",
        [TABLE_RRSET_VERSION] = "record set's version",
        [TABLE_PRINCIPAL] = "principal",
        [TABLE_ROLE] = "role",
        [TABLE_POLICY] = "policy",
        [TABLE_PROTECTED] = "protected set",
        [TABLE_FREEZE] = "freeze",
        [TABLE_LEASE] = "lease",
        [TABLE_PLAN] = "plan",
        [TABLE_GENERATION] = "generation",
        [TABLE_MEMBER] = "members' version",
        [TABLE_REVOKED] = "revoked key",
        [TABLE_STAGED] = "change that waits",
        [TABLE_VOTE] = "vote",
        [TABLE_APPROVAL] = "approval",
        [TABLE_FACTOR] = "second factor",
        [TABLE_PROCEDURE] = "override's steps",
        [TABLE_SERVICE] = "service",
        [TABLE_RECORDING] = "recording",
        [TABLE_RECOVERY] = "recovery",
    };
    return words[table];
}

/* A row's key for people: names where it has them, else hexadecimal digits. */
static void key_words(uint8_t table, struct bytes key, char out[ROW_TEXT_SIZE])
{
    uint8_t owner[LIMIT_NAME_SIZE];
    char name[NAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    struct rrset_key parts;

    if (table == TABLE_RRSET && key_parse_rrset(key, owner, &parts)) {
        rr_type_to_text(parts.type, type);
        (void)snprintf(out, ROW_TEXT_SIZE, "%.80s %.31s", name_to_text(parts.owner, name), type);
    } else if (table == TABLE_ZONE || table == TABLE_SERIAL) {
        (void)snprintf(out, ROW_TEXT_SIZE, "%.100s", name_to_text(key, name));
    } else if (table == TABLE_LEASE || table == TABLE_PRINCIPAL || table == TABLE_ROLE ||
               table == TABLE_FREEZE || table == TABLE_PLAN || table == TABLE_META ||
               table == TABLE_POLICY || table == TABLE_AUTHOR || table == TABLE_PROCEDURE) {
        (void)snprintf(out, ROW_TEXT_SIZE, "%.*s", (int)key.size, (const char *)key.data);
    } else {
        hex_encode(out, bytes_make(key.data, key.size < 40 ? key.size : 40));
    }
    (void)plain_text(out, "");
}

static void wrong_row(struct source *s, uint64_t slot, struct bytes key, const char *what)
{
    char words[ROW_TEXT_SIZE], table[24];

    if (s->is_row_wrong)
        return; /* one is said of a pass */
    s->is_row_wrong = true;
    key_words(s->table, key, words);
    (void)snprintf(table, sizeof table, "table %u", s->table);
    (void)snprintf(s->state_text, sizeof s->state_text, "state after slot %llu: %s %s: %s",
                   (unsigned long long)slot,
                   table_words(s->table) != NULL ? table_words(s->table) : table, words, what);
    if (!s->is_state_bad)
        fprintf(stderr, "alarm: %s: %s\n", s->endpoint, s->state_text);
    s->is_state_bad = true;
}

/* The auditor's next row of that table; its key is empty at the end. */
static struct bytes next_own(struct auditor *a, const struct source *s, const struct key *place,
                             struct bytes *value_out)
{
    struct bytes key;

    if (kv_next(a->books.overlay, s->table, key_bytes(place), place->size > 0, &key, value_out) !=
        RSM_OK)
        return (struct bytes){NULL, 0};
    return key;
}

static bool take_key(struct key *place, struct bytes key)
{
    if (key.size == 0 || key.size > sizeof place->data)
        return false;
    memcpy(place->data, key.data, key.size);
    place->size = key.size;
    return true;
}

/* Each row of the page, and that none is missing between them; at a table's end none behind them.
 */
static void compare_page(struct auditor *a, struct source *s, bool is_last)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(page_of(s), "rows"));
    struct rsm_value row;
    struct bytes own, value;
    uint64_t slot = a->books.ledger.slot;

    while (rsm_walk_next(&walk, &row)) {
        struct bytes key = octets(rsm_value_at(row, 0));
        own = next_own(a, s, &s->after, &value);
        if (own.size == 0 || bytes_compare(own, key) > 0)
            wrong_row(s, slot, key, "it must not be there");
        else if (!bytes_equal(own, key))
            wrong_row(s, slot, own, "it is missing");
        else if (!bytes_equal(value, octets(rsm_value_at(row, 1))))
            wrong_row(s, slot, key, "it is another one than it has to be");
        if (!take_key(&s->after, key))
            return;
    }
    own = is_last ? next_own(a, s, &s->after, &value) : (struct bytes){NULL, 0};
    if (own.size > 0)
        wrong_row(s, slot, own, "it is missing");
}

static void end_pass(struct source *s)
{
    s->table = TABLE_META;
    s->state_passes++;
    if (s->is_state_bad && !s->is_row_wrong) {
        fprintf(stderr, "over: %s: its state is as it has to be\n", s->endpoint);
        s->is_state_bad = false;
    }
    s->is_row_wrong = false;
}

/* The log's own two tables are read as slots (sources.c). */
static void end_table(struct source *s)
{
    s->after.size = 0;
    do
        s->table++;
    while (s->table == TABLE_LOG || s->table == TABLE_VERDICT);
    if (s->table == TABLE_END)
        end_pass(s);
}

static void compare_held(struct auditor *a, struct source *s)
{
    struct rsm_value next = rsm_value_get(page_of(s), "next");
    bool is_last = rsm_value_type(next) != RSM_TYPE_BIN ||
                   rsm_value_count(rsm_value_get(page_of(s), "rows")) == 0;

    compare_page(a, s, is_last);
    if (is_last)
        end_table(s);
    s->ahead = 0;
    rsm_buffer_free(&s->rows);
}

/* ---- a round ---- */

/* Small tables are many: pages of about this many rows in all, of one source in one round. */
#define ROWS_A_ROUND 1000u

static void read_rows(struct auditor *a, struct source *s)
{
    uint64_t passes = s->state_passes;
    uint32_t rows = 0;

    while (!is_held(s) && rows < ROWS_A_ROUND && s->state_passes == passes) {
        enum rsm_status status = fetch_rows(a, s);
        if (status == RSM_UNKNOWN_METHOD && s->state_passes++ == 0)
            fprintf(stderr, "%s: its version does not show its state: only its log is read\n",
                    s->endpoint);
        if (status != RSM_OK)
            return;
        rows += rsm_value_count(rsm_value_get(page_of(s), "rows"));
        if (slot_of(s) < a->books.ledger.slot) {
            rsm_buffer_free(&s->rows); /* it is behind */
            return;
        }
        if (slot_of(s) == a->books.ledger.slot)
            compare_held(a, s);
    }
}

void states_fetch(struct auditor *a)
{
    for (size_t i = 0; i < a->source_count; i++) {
        if (a->sources[i].is_reachable)
            read_rows(a, &a->sources[i]);
    }
}

uint64_t states_slot(const struct auditor *a)
{
    uint64_t lowest = UINT64_MAX;

    for (size_t i = 0; i < a->source_count; i++) {
        const struct source *s = &a->sources[i];
        if (is_held(s) && slot_of(s) < lowest)
            lowest = slot_of(s);
    }
    return lowest;
}

void states_compare(struct auditor *a, bool progress)
{
    for (size_t i = 0; i < a->source_count; i++) {
        struct source *s = &a->sources[i];
        if (!is_held(s))
            continue;
        if (slot_of(s) == a->books.ledger.slot) {
            compare_held(a, s);
        } else if (!progress && ++s->ahead > ROUNDS_AHEAD_MAX) {
            s->is_reachable = false;
            (void)snprintf(s->text, sizeof s->text,
                           "it shows the state after slot %llu, which no majority has shown",
                           (unsigned long long)slot_of(s));
            s->ahead = 0;
            rsm_buffer_free(&s->rows);
        }
    }
}
