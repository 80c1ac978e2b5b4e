/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fixture.h - questions and answers for the tests of src/dns, over a machine_world. */
#ifndef RSM_TESTS_UNIT_DNS_FIXTURE_H
#define RSM_TESTS_UNIT_DNS_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/dns/lookup.h"
#include "src/dns/serve.h"
#include "src/dns/transfer.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define SECRET "c2VjcmV0IG9mIDMyIGJ5dGVzIGZvciB0aGUgdGVzdHM="

static inline struct packet *question(const char *name, uint16_t type)
{
    struct draft *draft = draft_new();
    struct packet *packet;
    draft_begin_question(draft, 7, PACKET_QUERY, wire_bytes(name), type, PACKET_CLASS_IN, 0);
    cr_assert_eq(packet_parse(draft_finish(draft), &packet), RSM_OK);
    draft_free(draft);
    return packet;
}

/* A record as a line, for comparisons. */
static inline void say_record(const struct packet_record *r, char *out, size_t size)
{
    char owner[NAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX], data[768];
    cr_assert_eq(rr_data_to_text(r->type, r->rdata, data, sizeof data), RSM_OK);
    (void)!snprintf(out, size, "%s %u %s %s", name_to_text(r->owner, owner), r->ttl,
                    rr_type_to_text(r->type, type), data);
}

/* A set of lines. */
struct lines {
    char **lines;
    size_t count;
};

static inline void lines_add(struct lines *l, const char *line)
{
    l->lines = realloc(l->lines, (l->count + 1) * sizeof *l->lines);
    l->lines[l->count++] = strdup(line);
}

static inline bool lines_remove(struct lines *l, const char *line)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->lines[i], line) == 0) {
            free(l->lines[i]);
            l->lines[i] = l->lines[--l->count];
            return true;
        }
    }
    return false;
}

static inline void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->lines[i]);
    free(l->lines);
    *l = (struct lines){NULL, 0};
}

static inline bool lines_equal(const struct lines *a, const struct lines *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        bool found = false;
        for (size_t j = 0; j < b->count && !found; j++)
            found = strcmp(a->lines[i], b->lines[j]) == 0;
        if (!found)
            return false;
    }
    return true;
}

#endif
