/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recount_root.c - see recount_root.h. */
#include "tests/sim/recount_root.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"

#define NAME_MAX 64u
#define AGREED_MAX 16u

struct text {
    char data[NAME_MAX];
    size_t size;
};

struct holder {
    struct text name, person;
    bool is_there, is_person, has_root;
};

struct asked {
    uint8_t digest[HASH_SIZE];
    uint64_t needed;
    struct text agreed[AGREED_MAX]; /* names; the author's the first */
    size_t agreed_count;
    uint64_t slot; /* of the last who did */
    bool is_over;
};

struct root_book {
    struct sim *sim;
    struct holder *holders; /* owned, as the next */
    struct asked *asked;
    size_t holder_count, asked_count;
    uint64_t needed; /* the policy's root_approvals */
};

struct root_book *root_book_new(struct sim *sim)
{
    struct root_book *b = mem_alloc(sizeof(*b));
    b->sim = sim;
    return b;
}

void root_book_free(struct root_book *b)
{
    mem_free(b->holders);
    mem_free(b->asked);
    mem_free(b);
}

static struct text text_of(struct bytes from)
{
    struct text out = {.size = from.size < NAME_MAX ? from.size : NAME_MAX};
    if (out.size > 0)
        memcpy(out.data, from.data, out.size);
    return out;
}

static bool is_same(const struct text *a, const struct text *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* ---- who holds it ---- */

static const struct holder *find(const struct root_book *b, const struct text *name)
{
    for (size_t i = 0; i < b->holder_count; i++)
        if (is_same(&b->holders[i].name, name))
            return &b->holders[i];
    return NULL;
}

static bool holds(const struct holder *h)
{
    return h != NULL && h->is_there && h->is_person && h->has_root;
}

/* principal.set [name, kind, person, az, keys, roles, budget]; in a run each has its key */
static struct holder read_principal(const struct told *t)
{
    struct reader r = t->body;
    struct holder out = {.name = text_of(read_bytes(&r)), .is_there = true};
    out.is_person = bytes_equal(read_bytes(&r), bytes_of_string("person"));
    out.person = text_of(read_bytes(&r));
    skip_value(&r);
    skip_value(&r);
    for (uint32_t left = read_count(&r); left > 0 && !r.failed; left--)
        out.has_root |= bytes_equal(read_bytes(&r), bytes_of_string("root"));
    return out;
}

static void write_principal(struct root_book *b, const struct holder *h)
{
    for (size_t i = 0; i < b->holder_count; i++) {
        if (is_same(&b->holders[i].name, &h->name)) {
            b->holders[i] = *h;
            return;
        }
    }
    b->holders = mem_realloc(b->holders, (b->holder_count + 1) * sizeof(*b->holders));
    b->holders[b->holder_count++] = *h;
}

/* Different persons who hold it, with `changed` in the place of its row. */
static uint64_t count_persons(const struct root_book *b, const struct holder *changed)
{
    uint64_t count = holds(changed) ? 1 : 0;
    for (size_t i = 0; i < b->holder_count; i++) {
        const struct holder *h = &b->holders[i];
        bool is_counted = !holds(h) || (changed != NULL && is_same(&h->name, &changed->name)) ||
                          (holds(changed) && is_same(&h->person, &changed->person));
        for (size_t k = 0; k < i && !is_counted; k++)
            is_counted = holds(&b->holders[k]) && is_same(&b->holders[k].person, &h->person) &&
                         (changed == NULL || !is_same(&b->holders[k].name, &changed->name));
        count += is_counted ? 0 : 1;
    }
    return count;
}

/* ---- who agreed ---- */

static struct asked *asked_of(const struct root_book *b, const uint8_t *digest)
{
    for (size_t i = b->asked_count; i > 0; i--)
        if (memcmp(b->asked[i - 1].digest, digest, HASH_SIZE) == 0)
            return &b->asked[i - 1];
    return NULL;
}

bool root_is_asked(const struct root_book *b, const uint8_t *digest)
{
    return asked_of(b, digest) != NULL;
}

/* Different persons of those who agreed, who hold it now. */
static uint64_t count_agreed(const struct root_book *b, const struct asked *a)
{
    const struct holder *counted[AGREED_MAX];
    size_t count = 0;
    for (size_t i = 0; i < a->agreed_count; i++) {
        const struct holder *h = find(b, &a->agreed[i]);
        bool is_new = holds(h);
        for (size_t k = 0; k < count && is_new; k++)
            is_new = !is_same(&counted[k]->person, &h->person);
        if (is_new)
            counted[count++] = h;
    }
    return count;
}

static void ask(struct root_book *b, const struct told *t, const uint8_t *digest)
{
    struct asked a = {.needed = b->needed, .agreed_count = 1};
    memcpy(a.digest, digest, HASH_SIZE);
    a.agreed[0] = text_of(t->author);
    b->asked = mem_realloc(b->asked, (b->asked_count + 1) * sizeof(*b->asked));
    b->asked[b->asked_count++] = a;
}

/* change.approve [digest, factor]; of other changes nothing is kept here */
static void take_approval(struct root_book *b, const struct told *t, uint64_t slot)
{
    struct reader r = t->body;
    struct bytes digest = read_bytes(&r);
    struct asked *a = digest.size == HASH_SIZE ? asked_of(b, digest.data) : NULL;
    if (a == NULL || a->agreed_count == AGREED_MAX)
        return;
    a->agreed[a->agreed_count++] = text_of(t->author);
    a->slot = slot;
}

/* ---- commands ---- */

static bool begins(const struct told *t, const char *prefix)
{
    size_t size = strlen(prefix);
    return t->kind.size > size && memcmp(t->kind.data, prefix, size) == 0;
}

static bool is_for_root(const struct told *t)
{
    return told_is(t, "policy.set") || begins(t, "role.") || begins(t, "principal.");
}

static bool find_needed(const struct told *t, uint64_t *out)
{
    struct reader at;
    struct bytes body = bytes_make(t->body.data + t->body.offset, t->body.size - t->body.offset);
    if (!told_is(t, "policy.set") || !find_value(body, "root_approvals", &at))
        return false;
    *out = read_uint(&at);
    return true;
}

/* What it would leave: as many have to agree, so many are there. */
static void count_left(const struct root_book *b, const struct told *t, uint64_t *needed_out,
                       uint64_t *persons_out)
{
    struct holder changed;
    *needed_out = b->needed;
    (void)find_needed(t, needed_out);
    if (told_is(t, "principal.set"))
        changed = read_principal(t);
    *persons_out = count_persons(b, told_is(t, "principal.set") ? &changed : NULL);
}

static void take_effect(struct root_book *b, const struct told *t, uint64_t slot)
{
    uint64_t needed, persons;
    count_left(b, t, &needed, &persons);
    if (is_for_root(t) && persons < needed)
        sim_fail(b->sim,
                 "I35: slot %" PRIu64 ": %" PRIu64 " persons with the role root are left, %" PRIu64
                 " have to agree",
                 slot, persons, needed);
    if (told_is(t, "principal.set")) {
        struct holder changed = read_principal(t);
        write_principal(b, &changed);
    }
    b->needed = needed;
}

void root_on_command(struct root_book *b, const struct told *t, const struct root_verdict *v,
                     uint64_t slot)
{
    uint64_t needed, persons;
    struct text author = text_of(t->author);
    bool waits = is_for_root(t) && b->needed > (holds(find(b, &author)) ? 1 : 0);
    count_left(b, t, &needed, &persons);
    if (v->is_applied && waits)
        sim_fail(b->sim, "I35: slot %" PRIu64 ": it takes effect without the role root", slot);
    if (v->is_staged && is_for_root(t) && !waits && t->asked.size == 0)
        sim_fail(b->sim, "I35: slot %" PRIu64 ": it waits, and nobody has to agree", slot);
    if (v->names_holders && persons >= needed)
        sim_fail(b->sim, "I35: slot %" PRIu64 ": refused, and %" PRIu64 " persons remain", slot,
                 persons);
    if (v->is_staged && waits)
        ask(b, t, v->digest);
    if (v->is_applied && told_is(t, "change.approve"))
        take_approval(b, t, slot);
    if (v->is_applied)
        take_effect(b, t, slot);
}

void root_on_settled(struct root_book *b, const uint8_t *digest, const struct told *t, bool is_live,
                     uint64_t slot)
{
    struct asked *a = asked_of(b, digest);
    if (a != NULL && is_live && count_agreed(b, a) < a->needed)
        sim_fail(b->sim,
                 "I35: slot %" PRIu64 ": it takes effect with %" PRIu64 " persons of %" PRIu64,
                 slot, count_agreed(b, a), a->needed);
    if (a != NULL)
        a->is_over = true;
    if (is_live)
        take_effect(b, t, slot);
}

void root_end_slot(struct root_book *b, uint64_t slot)
{
    for (size_t i = 0; i < b->asked_count; i++) {
        const struct asked *a = &b->asked[i];
        /* Who gets the role later has agreed; it is counted when the next one does. */
        if (a->slot != slot || a->is_over || count_agreed(b, a) < a->needed)
            continue;
        sim_fail(b->sim, "I35: slot %" PRIu64 ": enough have agreed, and it waits on", slot);
    }
}
