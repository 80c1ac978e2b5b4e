/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recount_rights.c - see recount_rights.h. */
#include "tests/sim/recount_rights.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/mem.h"

#define NAME_MAX 64u
#define EVERY 3u

/* Of a role what its grants allow; of a principal the role that it has. */
struct named {
    char name[NAME_MAX];
    size_t name_size;
    uint32_t class_most;
    char role[NAME_MAX];
    size_t role_size;
};

struct rights_book {
    struct sim *sim;
    struct named *roles, *principals; /* owned */
    size_t role_count, principal_count;
};

struct rights_book *rights_book_new(struct sim *sim)
{
    struct rights_book *b = mem_alloc(sizeof(*b));
    b->sim = sim;
    return b;
}

void rights_book_free(struct rights_book *b)
{
    mem_free(b->roles);
    mem_free(b->principals);
    mem_free(b);
}

static struct named *find(struct named *all, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(bytes_make(all[i].name, all[i].name_size), name))
            return &all[i];
    return NULL;
}

static struct named *find_or_add(struct named **all, size_t *count, struct bytes name)
{
    struct named *found = find(*all, *count, name);
    if (found != NULL)
        return found;
    *all = mem_realloc(*all, (*count + 1) * sizeof(**all));
    found = &(*all)[(*count)++];
    *found = (struct named){.name_size = name.size < NAME_MAX ? name.size : NAME_MAX};
    memcpy(found->name, name.data, found->name_size);
    return found;
}

static uint32_t rank(struct bytes class)
{
    return bytes_equal(class, bytes_of_string("standard"))   ? 1
           : bytes_equal(class, bytes_of_string("critical")) ? 2
                                                             : EVERY;
}

/* role.set [name, grants [[verb, zone, pattern, types, class]...]] */
static void take_role(struct rights_book *b, const struct told *t)
{
    struct reader r = t->body;
    struct named *role = find_or_add(&b->roles, &b->role_count, read_bytes(&r));
    role->class_most = EVERY;
    for (uint32_t left = read_count(&r); left > 0 && !r.failed; left--) {
        uint32_t parts = read_count(&r);
        for (uint32_t i = 0; i < parts && i < 4; i++)
            skip_value(&r);
        if (parts == 5)
            role->class_most = rank(read_bytes(&r));
    }
}

/* principal.set [name, kind, person, az, keys, roles, budget] */
static void take_principal(struct rights_book *b, const struct told *t)
{
    struct reader r = t->body;
    struct named *p = find_or_add(&b->principals, &b->principal_count, read_bytes(&r));
    for (unsigned i = 0; i < 4; i++)
        skip_value(&r);
    uint32_t roles = read_count(&r);
    struct bytes role = roles > 0 ? read_bytes(&r) : (struct bytes){NULL, 0};
    p->role_size = role.size < NAME_MAX ? role.size : NAME_MAX;
    memcpy(p->role, role.data, p->role_size);
}

static uint32_t allowed(const struct rights_book *b, struct bytes author)
{
    const struct named *p = find(b->principals, b->principal_count, author);
    const struct named *role =
        p != NULL ? find(b->roles, b->role_count, bytes_make(p->role, p->role_size)) : NULL;
    return role != NULL ? role->class_most : EVERY;
}

void rights_on_command(struct rights_book *b, const struct told *t, uint32_t class, bool is_taken,
                       bool is_above_grants, uint64_t slot)
{
    uint32_t asked = t->asked.size > 0 ? rank(t->asked) : 1;
    bool is_above = (asked > class ? asked : class) > allowed(b, t->author);
    if (is_taken && is_above)
        sim_fail(b->sim, "I31: slot %" PRIu64 ": a class was taken that no grant allows", slot);
    if (is_above_grants && !is_above)
        sim_fail(b->sim, "I31: slot %" PRIu64 ": a class was refused that a grant allows", slot);
    if (is_taken && told_is(t, "role.set"))
        take_role(b, t);
    if (is_taken && told_is(t, "principal.set"))
        take_principal(b, t);
}
