/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recount.c - see recount.h. */
#include "tests/sim/recount.h"

#include <inttypes.h>
#include <string.h>

#include <rsm/rule.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "tests/sim/recount_plane.h"
#include "tests/sim/recount_read.h"
#include "tests/sim/recount_rights.h"
#include "tests/sim/recount_root.h"

#define NAME_MAX 64u
#define TYPE_A 1u

struct counted_author {
    char name[NAME_MAX];
    size_t name_size;
    uint64_t counter;
    uint64_t *slots; /* owned; by counter */
};

struct address {
    uint64_t slot;
    uint32_t address;
};

struct counted_set {
    uint8_t zone[NAME_MAX];
    size_t zone_size;
    uint8_t owner[NAME_MAX];
    size_t owner_size;
    char writer[NAME_MAX];
    size_t writer_size;
    uint64_t writer_counter;
    struct address *addresses; /* owned; oldest first */
    size_t address_count;
};

struct recount {
    struct sim *sim;
    struct counted_author *authors; /* owned */
    size_t author_count;
    struct counted_set *sets; /* owned */
    size_t set_count;
    struct stage_book *stages;  /* owned */
    struct rights_book *rights; /* owned */
    struct plane_book *plane;   /* owned */
    struct root_book *root;     /* owned */
};

struct recount *recount_new(struct sim *sim)
{
    struct recount *m = mem_alloc(sizeof(*m));
    m->sim = sim;
    m->stages = stage_book_new(sim);
    m->rights = rights_book_new(sim);
    m->plane = plane_book_new(sim);
    m->root = root_book_new(sim);
    return m;
}

void recount_free(struct recount *m)
{
    for (size_t i = 0; i < m->author_count; i++)
        mem_free(m->authors[i].slots);
    for (size_t i = 0; i < m->set_count; i++)
        mem_free(m->sets[i].addresses);
    stage_book_free(m->stages);
    rights_book_free(m->rights);
    plane_book_free(m->plane);
    root_book_free(m->root);
    mem_free(m->authors);
    mem_free(m->sets);
    mem_free(m);
}

struct bytes recount_envelope(struct bytes entry)
{
    if (entry.size < 10 || entry.data[1] != 2)
        return (struct bytes){NULL, 0};
    return bytes_make(entry.data + 10, entry.size - 10);
}

/* ------------------------------------------------------------------------------------------- */

static struct counted_author *author_of(struct recount *m, struct bytes name)
{
    for (size_t i = 0; i < m->author_count; i++) {
        if (bytes_equal(bytes_make(m->authors[i].name, m->authors[i].name_size), name))
            return &m->authors[i];
    }
    m->authors = mem_realloc(m->authors, (m->author_count + 1) * sizeof(*m->authors));
    struct counted_author *a = &m->authors[m->author_count++];
    *a = (struct counted_author){.name_size = name.size < NAME_MAX ? name.size : NAME_MAX};
    memcpy(a->name, name.data, a->name_size);
    return a;
}

static struct counted_set *set_of(struct recount *m, struct bytes zone, struct bytes owner)
{
    for (size_t i = 0; i < m->set_count; i++) {
        if (bytes_equal(bytes_make(m->sets[i].owner, m->sets[i].owner_size), owner))
            return &m->sets[i];
    }
    m->sets = mem_realloc(m->sets, (m->set_count + 1) * sizeof(*m->sets));
    struct counted_set *s = &m->sets[m->set_count++];
    *s = (struct counted_set){.zone_size = zone.size, .owner_size = owner.size};
    memcpy(s->zone, zone.data, zone.size < NAME_MAX ? zone.size : NAME_MAX);
    memcpy(s->owner, owner.data, owner.size < NAME_MAX ? owner.size : NAME_MAX);
    return s;
}

static uint64_t clock_of(const struct told *t, struct bytes author)
{
    struct reader r = t->clock;
    for (uint32_t i = 0; i < t->clock_count; i++) {
        struct bytes name = read_bytes(&r);
        uint64_t counter = read_uint(&r);
        if (bytes_equal(name, author))
            return counter;
    }
    return 0;
}

/* Walks the record sets of a change set. With `slot` 0: are all last writers seen? Else: writes. */
static bool walk_changes(struct recount *m, const struct told *t, uint64_t slot)
{
    struct reader r = t->body;
    bool creates = told_is(t, "zone.create");
    bool seen = true;
    if (!creates && !told_is(t, "rrset.change"))
        return true;
    struct bytes zone = read_bytes(&r);
    uint32_t labels = creates ? read_count(&r) : 0;
    for (uint32_t i = 0; i < 2 * labels; i++)
        (void)read_bytes(&r);
    uint32_t changes = read_count(&r);
    for (uint32_t i = 0; i < changes && !r.failed; i++) {
        (void)read_count(&r);
        struct bytes owner = read_bytes(&r);
        uint64_t type = read_uint(&r);
        (void)read_uint(&r);
        uint32_t rdatas = read_count(&r);
        struct bytes rdata = {NULL, 0};
        for (uint32_t k = 0; k < rdatas; k++)
            rdata = read_bytes(&r);
        if (type != TYPE_A || rdata.size != 4)
            continue;
        struct counted_set *s = set_of(m, zone, owner);
        struct bytes writer = bytes_make(s->writer, s->writer_size);
        if (slot == 0 && s->writer_counter > 0 && !bytes_equal(writer, t->author) &&
            clock_of(t, writer) < s->writer_counter)
            seen = false;
        if (slot == 0)
            continue;
        s->addresses = mem_realloc(s->addresses, (s->address_count + 1) * sizeof(*s->addresses));
        s->addresses[s->address_count++] = (struct address){slot, get_u32(rdata.data)};
        s->writer_size = t->author.size;
        memcpy(s->writer, t->author.data, t->author.size < NAME_MAX ? t->author.size : NAME_MAX);
        s->writer_counter = t->counter;
    }
    return seen;
}

struct given {
    uint8_t kind; /* 1 applied, 2 refused, 3 staged, 4 settled */
    uint64_t first_slot;
    uint64_t counter;
    struct bytes author, digest, result;
    bool is_above_grants; /* refused by class-granted */
    bool names_prerequisite, names_dangling, names_cycle, names_holders;
    bool is_stopped; /* refused by a rule about who may do how much, not about what was seen */
};

/* Of those that the authors here can meet. */
static bool is_about_measure(uint32_t rule)
{
    return rule == RSM_RULE_FROZEN || rule == RSM_RULE_RESUME_RATE || rule == RSM_RULE_BUDGET ||
           rule == RSM_RULE_OWNER || rule == RSM_RULE_OSCILLATION ||
           rule == RSM_RULE_OBJECT_BUDGET || rule == RSM_RULE_LIMIT;
}

static struct given read_verdict(struct reader *r)
{
    struct given g = {.kind = reader_u8(r), .first_slot = reader_u64(r)};
    (void)reader_u32(r);
    g.counter = reader_u64(r);
    g.digest = reader_bytes(r, 32);
    g.author = reader_blob(r, 1000);
    (void)reader_blob(r, 1u << 16); /* the record of the stages */
    if (g.kind != 2) {
        g.result = reader_blob(r, 1u << 24);
        return g;
    }
    uint16_t reasons = reader_u16(r);
    (void)reader_u32(r);
    for (uint16_t i = 0; i < reasons; i++) {
        uint32_t rule = reader_u32(r);
        g.is_stopped |= is_about_measure(rule);
        g.is_above_grants |= rule == RSM_RULE_CLASS_GRANTED;
        g.names_prerequisite |= rule >= RSM_RULE_PREREQ_NXDOMAIN && rule <= RSM_RULE_PREREQ_YXRRSET;
        g.names_dangling |= rule == RSM_RULE_DANGLING;
        g.names_cycle |= rule == RSM_RULE_CYCLE;
        g.names_holders |= rule == RSM_RULE_ROOT_HOLDERS;
        (void)reader_blob(r, 1u << 16);
    }
    return g;
}

static void take_policy(struct recount *m, const struct told *t)
{
    struct reader at;
    struct bytes body = bytes_make(t->body.data + t->body.offset, t->body.size - t->body.offset);
    if (!told_is(t, "policy.set"))
        return;
    if (find_value(body, "vote_zones_least", &at))
        stage_set_zones_least(m->stages, (uint32_t)read_uint(&at));
    if (find_value(body, "critical_deadline_ms", &at))
        stage_set_deadline(m->stages, read_uint(&at));
    if (find_value(body, "emergency_token_ms", &at))
        stage_set_token(m->stages, read_uint(&at));
}

/* With the last approval that is needed the time to apply it begins. */
static void take_approval(struct recount *m, const struct told *t, const struct given *g,
                          uint64_t slot, uint64_t now_ms)
{
    struct reader r = t->body, at;
    if (!told_is(t, "change.approve"))
        return;
    struct bytes digest = read_bytes(&r);
    if (digest.size == HASH_SIZE && find_value(g->result, "missing", &at) &&
        read_bytes(&at).size == 0)
        stage_on_approved(m->stages, digest.data, slot, now_ms);
}

static void take_apply(struct recount *m, const struct told *t, uint64_t slot, uint64_t now_ms)
{
    struct reader r = t->body;
    if (!told_is(t, "change.apply"))
        return;
    struct bytes digest = read_bytes(&r);
    if (digest.size == HASH_SIZE)
        stage_on_applied(m->stages, digest.data, slot, now_ms);
}

static void take_vote(struct recount *m, const struct told *t, const struct given *g, uint64_t slot,
                      uint64_t now_ms)
{
    struct reader r = t->body, late;
    if (!told_is(t, "change.vote"))
        return;
    struct bytes digest = read_bytes(&r);
    bool yes = reader_u8(&r) == 0xc3;
    bool is_late = find_value(g->result, "late", &late) && reader_u8(&late) == 0xc3;
    if (digest.size == HASH_SIZE && t->author.size > 0)
        stage_on_vote(m->stages, digest.data, (uint32_t)(t->author.data[t->author.size - 1] - '0'),
                      yes, is_late, slot, now_ms);
}

static void take_staged(struct recount *m, const struct told *t, const struct given *g,
                        uint64_t slot)
{
    struct stage_change change = {
        .author = t->author, .command = t->raw, .counter = t->counter, .slot = slot};
    struct reader at;
    memcpy(change.digest, g->digest.data, HASH_SIZE);
    change.is_root = root_is_asked(m->root, change.digest);
    if (find_value(g->result, "deadline_ms", &at))
        change.deadline_ms = read_uint(&at);
    change.is_emergency = find_value(g->result, "class", &at) &&
                          bytes_equal(read_bytes(&at), bytes_of_string("emergency"));
    stage_on_staged(m->stages, &change);
}

/* What it writes is an event of "effect:" and its author. */
static void take_settled(struct recount *m, const struct given *g, uint64_t slot, uint64_t now_ms)
{
    struct reader at;
    struct bytes state = {NULL, 0};
    if (find_value(g->result, "state", &at))
        state = read_bytes(&at);
    const struct stage_change *c = stage_on_settled(m->stages, g->digest.data, state, slot, now_ms);
    if (c == NULL)
        return;
    struct reader r = reader_make(c->command);
    struct told t = read_command(&r);
    bool is_live = bytes_equal(state, bytes_of_string("live"));
    root_on_settled(m->root, g->digest.data, &t, is_live, slot);
    if (!is_live)
        return;
    char name[NAME_MAX];
    struct bytes author = t.author;
    CHECK(author.size + 7 <= sizeof(name));
    memcpy(name, "effect:", 7);
    memcpy(name + 7, author.data, author.size);
    if (!walk_changes(m, &t, 0))
        sim_fail(m->sim, "I20: slot %" PRIu64 ": an effect over a change that it had not seen",
                 slot);
    struct counted_author *a = author_of(m, bytes_make(name, author.size + 7));
    a->slots = mem_realloc(a->slots, (a->counter + 2) * sizeof(*a->slots));
    a->slots[++a->counter] = slot;
    t.author = bytes_make(name, author.size + 7);
    t.counter = a->counter;
    (void)walk_changes(m, &t, slot);
    plane_on_live(m->plane, &t);
}

static void take_applied(struct recount *m, struct counted_author *a, const struct told *t,
                         uint64_t slot, bool is_staged)
{
    if (t->counter != a->counter + 1)
        sim_fail(m->sim, "I10: slot %" PRIu64 ": counter %" PRIu64 " applied after %" PRIu64, slot,
                 t->counter, a->counter);
    else if (!walk_changes(m, t, 0))
        sim_fail(m->sim, "I20: slot %" PRIu64 ": applied over a change that it had not seen", slot);
    a->counter = t->counter;
    a->slots = mem_realloc(a->slots, (a->counter + 1) * sizeof(*a->slots));
    a->slots[a->counter] = slot;
    if (!is_staged)
        (void)walk_changes(m, t, slot);
}

static void take_command(struct recount *m, uint64_t slot, uint64_t now_ms, const struct told *t,
                         const struct given *g)
{
    bool is_taken = g->kind == 1 || g->kind == 3;
    struct counted_author *a = author_of(m, t->author);
    if (g->first_slot == 0)
        rights_on_command(m->rights, t, plane_class(m->plane, t), is_taken, g->is_above_grants,
                          slot);
    if (g->first_slot == 0) {
        struct plane_verdict v = {.is_applied = g->kind == 1,
                                  .is_staged = g->kind == 3,
                                  .names_prerequisite = g->names_prerequisite,
                                  .names_dangling = g->names_dangling,
                                  .names_cycle = g->names_cycle};
        plane_on_command(m->plane, t, &v, slot);
        struct root_verdict root = {.is_applied = g->kind == 1,
                                    .is_staged = g->kind == 3,
                                    .names_holders = g->names_holders,
                                    .digest = g->digest.data};
        root_on_command(m->root, t, &root, slot);
    }
    if (!bytes_equal(g->author, t->author) || g->counter != t->counter) {
        sim_fail(m->sim, "I8: slot %" PRIu64 ": a verdict for another command", slot);
    } else if (g->first_slot != 0 && is_taken) {
        if (t->counter > a->counter || a->slots[t->counter] != g->first_slot)
            sim_fail(m->sim,
                     "I10: slot %" PRIu64 ": a duplicate of slot %" PRIu64 ", where it is not",
                     slot, g->first_slot);
    } else if (g->first_slot == 0 && is_taken) {
        take_applied(m, a, t, slot, g->kind == 3);
        if (g->kind == 3)
            take_staged(m, t, g, slot);
        take_policy(m, t);
        take_approval(m, t, g, slot, now_ms);
        take_apply(m, t, slot, now_ms);
        take_vote(m, t, g, slot, now_ms);
    } else if (g->first_slot == 0 && !g->is_stopped && told_is(t, "rrset.change") &&
               a->counter > 0 && t->counter == a->counter + 1 && walk_changes(m, t, 0)) {
        sim_fail(m->sim, "I20: slot %" PRIu64 ": a good command is refused", slot);
    }
}

/* The command of the slot, and its verdict; no author here makes bundles. */
static void take_envelope(struct recount *m, uint64_t slot, uint64_t now_ms, struct bytes envelope,
                          const struct given *g, uint32_t count)
{
    struct reader r = reader_make(envelope);
    (void)read_count(&r);
    (void)read_uint(&r);
    (void)read_uint(&r);
    for (unsigned i = 0; i < 4; i++)
        (void)read_bytes(&r); /* cluster, author, key, signature */
    struct reader payload = reader_make(read_bytes(&r));
    if (r.failed || count != 1) {
        sim_fail(m->sim, "I2: slot %" PRIu64 " holds no envelope, or not its verdict", slot);
        return;
    }
    struct told t = read_command(&payload);
    if (payload.failed)
        sim_fail(m->sim, "I2: slot %" PRIu64 " does not read", slot);
    else
        take_command(m, slot, now_ms, &t, g);
}

void recount_slot(struct recount *m, uint64_t slot, uint64_t now_ms, struct bytes entry,
                  struct bytes verdicts)
{
    struct reader v = reader_make(verdicts);
    struct bytes envelope = recount_envelope(entry);
    struct given given, first = {.kind = 0};
    uint32_t count = 0;
    bool is_taken = false;
    for (uint32_t left = reader_u32(&v); left > 0 && !v.failed; left--) {
        given = read_verdict(&v);
        if (given.kind != 4) {
            first = given;
            count++;
            continue;
        }
        if (!is_taken && envelope.size > 0)
            take_envelope(m, slot, now_ms, envelope, &first, count);
        is_taken = true;
        take_settled(m, &given, slot, now_ms);
    }
    if (v.failed)
        sim_fail(m->sim, "I2: the verdicts of slot %" PRIu64 " do not read", slot);
    else if (!is_taken && envelope.size > 0)
        take_envelope(m, slot, now_ms, envelope, &first, count);
    stage_end_slot(m->stages, slot, now_ms);
    root_end_slot(m->root, slot);
}

const struct plane_book *recount_plane(const struct recount *m)
{
    return m->plane;
}

struct stage_book *recount_stages(const struct recount *m)
{
    return m->stages;
}

uint64_t recount_counter(const struct recount *m, struct bytes author)
{
    for (size_t i = 0; i < m->author_count; i++) {
        if (bytes_equal(bytes_make(m->authors[i].name, m->authors[i].name_size), author))
            return m->authors[i].counter;
    }
    return 0;
}

uint64_t recount_event(const struct recount *m, struct bytes author, uint64_t counter)
{
    for (size_t i = 0; i < m->author_count; i++) {
        const struct counted_author *a = &m->authors[i];
        if (bytes_equal(bytes_make(a->name, a->name_size), author))
            return counter <= a->counter && counter > 0 ? a->slots[counter] : 0;
    }
    return 0;
}

uint32_t recount_address(const struct recount *m, struct bytes owner, uint64_t slot)
{
    for (size_t i = 0; i < m->set_count; i++) {
        const struct counted_set *s = &m->sets[i];
        if (!bytes_equal(bytes_make(s->owner, s->owner_size), owner))
            continue;
        size_t k = s->address_count;
        while (k > 0 && s->addresses[k - 1].slot > slot)
            k--;
        return k > 0 ? s->addresses[k - 1].address : 0;
    }
    return 0;
}

void recount_visit(const struct recount *m,
                   void (*visit)(void *context, struct bytes zone, struct bytes owner,
                                 uint32_t address),
                   void *context)
{
    for (size_t i = 0; i < m->set_count; i++) {
        const struct counted_set *s = &m->sets[i];
        if (s->address_count > 0)
            visit(context, bytes_make(s->zone, s->zone_size), bytes_make(s->owner, s->owner_size),
                  s->addresses[s->address_count - 1].address);
    }
}

void recount_visit_authors(const struct recount *m,
                           void (*visit)(void *context, struct bytes author, uint64_t counter),
                           void *context)
{
    for (size_t i = 0; i < m->author_count; i++) {
        const struct counted_author *a = &m->authors[i];
        if (a->counter > 0)
            visit(context, bytes_make(a->name, a->name_size), a->counter);
    }
}
