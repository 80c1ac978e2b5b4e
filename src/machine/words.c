/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.c - names and objects as people read them, for evidence. */
#include "src/machine/judge.h"

#include <stdio.h>
#include <string.h>

#include "src/rr/data.h"
#include "src/rr/name.h"

_Static_assert(WORDS_SIZE >= 64 + NAME_TEXT_MAX + RR_TYPE_TEXT_MAX, "a name, a type, a word");

struct out {
    char *data;
    size_t used;
};

static void add_name(struct out *o, struct bytes name)
{
    (void)name_to_text(name, o->data + o->used);
    o->used += strlen(o->data + o->used);
}

static void add_text(struct out *o, const char *text)
{
    size_t size = strlen(text);
    memcpy(o->data + o->used, text, size + 1);
    o->used += size;
}

const char *words_name(struct bytes name, char out[WORDS_SIZE])
{
    return name_to_text(name, out);
}

const char *words_rrset(struct bytes owner, uint16_t type, char out[WORDS_SIZE])
{
    struct out o = {out, 0};
    char type_text[RR_TYPE_TEXT_MAX];
    add_text(&o, "rrset ");
    add_name(&o, owner);
    add_text(&o, " ");
    add_text(&o, rr_type_to_text(type, type_text));
    return out;
}

const char *words_object(enum object_kind kind, struct bytes name, char out[WORDS_SIZE])
{
    static const char *const kinds[] = {
        [OBJECT_ZONE] = "zone ",
        [OBJECT_PRINCIPAL] = "principal ",
        [OBJECT_ROLE] = "role ",
        [OBJECT_POLICY] = "policy ",
        [OBJECT_FREEZE] = "freeze ",
        [OBJECT_LEASE] = "lease ",
        [OBJECT_PLAN] = "plan ",
        [OBJECT_RRSET] = "rrset ",
        [OBJECT_MEMBERS] = "members",
        [OBJECT_SERVICE] = "service ",
        [OBJECT_SETTINGS] = "settings of zone ",
        [OBJECT_LABELS] = "labels of zone ",
    };
    struct out o = {out, 0};
    add_text(&o, kinds[kind]);
    if (kind == OBJECT_ZONE || kind == OBJECT_SETTINGS || kind == OBJECT_LABELS)
        add_name(&o, name);
    else
        (void)snprintf(out + o.used, WORDS_SIZE - o.used, "%.*s", TEXT_ARGUMENTS(name));
    return out;
}

struct bytes name_parent(struct bytes name)
{
    if (name.size <= 1)
        return name;
    size_t skip = 1u + name.data[0];
    return bytes_make(name.data + skip, name.size - skip);
}
