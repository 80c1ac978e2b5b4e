/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_lookup.c - plain queries, as RFC 1034 4.3.2, 2308, 4592 and 6672 want them. */
#include "tests/unit/dns/fixture.h"

#define TYPE_MX 15
#define TYPE_TXT 16
#define TYPE_DS 43
#define ANY PACKET_TYPE_ANY

/*
 * "rcode[ aa][ tc]; answer lines; authority lines": each line "owner TYPE data", SOAs and
 * additional records by their count alone.
 */
static const char *ask_with(struct world *w, const char *name, uint16_t type, size_t limit)
{
    static char out[4096];
    struct packet *q = question(name, type);
    struct draft *draft = draft_new();
    struct packet *a;
    draft_begin_answer(draft, q, limit, 0);
    cr_assert_eq(lookup_answer(w->kv, packet_head(q)->name, type, draft), RSM_OK);
    struct bytes wire = draft_finish(draft);
    cr_assert(wire.size <= limit);
    cr_assert_eq(packet_parse(wire, &a), RSM_OK);
    const struct packet_head *h = packet_head(a);
    size_t used = (size_t)snprintf(out, sizeof out, "%u%s%s", h->rcode,
                                   h->is_authoritative ? " aa" : "", h->is_truncated ? " tc" : "");
    for (int section = PACKET_ANSWER; section <= PACKET_AUTHORITY; section++) {
        struct packet_record r;
        for (uint32_t i = 0; packet_record(a, (enum packet_section)section, i, &r); i++) {
            char line[2048];
            say_record(&r, line, sizeof line);
            line[r.type == RR_TYPE_SOA ? strcspn(line, " ") : strlen(line)] = '\0';
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%s",
                                     section == PACKET_ANSWER ? " = " : " ! ", line);
        }
    }
    unsigned additional = get_u16(wire.data + 10);
    if (additional > 0)
        snprintf(out + used, sizeof out - used, " +%u", additional);
    packet_free(a);
    packet_free(q);
    draft_free(draft);
    return out;
}

static struct world *make(void)
{
    struct world *w = world_new();
    world_policy(w, "dangling_allowed", 1);
    struct actor *root = &w->actors[0];
    struct rsm_change more[] = {
        change_a("www.example.", 1, 2),
        change_name("alias.example.", RR_TYPE_CNAME, "www.example."),
        change_name("two.example.", RR_TYPE_CNAME, "alias.example."),
        change_name("away.example.", RR_TYPE_CNAME, "host.elsewhere."),
        change_name("gone.example.", RR_TYPE_CNAME, "nobody.example."),
        change_name("other.example.", RR_TYPE_CNAME, "host.second."),
        change_a("host.deep.empty.example.", 3, 1),
        change_a("*.wild.example.", 4, 1),
        change_a("is.there.wild.example.", 5, 1),
        change_name("*.walias.example.", RR_TYPE_CNAME, "www.example."),
        change_name("old.example.", RR_TYPE_DNAME, "new.example."),
        change_a("x.new.example.", 6, 1),
        change_name("sub.example.", RR_TYPE_NS, "ns.sub.example."),
        change_a("ns.sub.example.", 7, 1),
        change_name("far.example.", RR_TYPE_NS, "ns.elsewhere."),
    };
    struct rsm_change second = change_a("host.second.", 8, 1);
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE,
                       body_zone(ZONE, 1, more, sizeof more / sizeof more[0])),
              "%s", world_words(w));
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone("second.", 1, &second, 1)), "%s",
              world_words(w));
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone("child.second.", 1, NULL, 0)), "%s",
              world_words(w));
    return w;
}

/* Of the zones that make() makes: flags, then what is in the answer, and behind ! in the rest. */
static const struct {
    const char *name;
    uint16_t type;
    const char *answer;
} lookups[] = {
    {"www.example.", RR_TYPE_A,
     "0 aa = www.example. 300 A 192.0.2.1 = www.example. 300 A 192.0.2.2"},
    {ZONE, RR_TYPE_SOA, "0 aa = example."},
    /* NODATA and NXDOMAIN have the SOA */
    {"www.example.", TYPE_MX, "0 aa ! example."},
    {"nobody.example.", RR_TYPE_A, "3 aa ! example."},
    {"below.www.example.", RR_TYPE_A, "3 aa ! example."},
    {"outside.", RR_TYPE_A, "5"},
    {".", RR_TYPE_NS, "5"},
    /* CNAME, followed inside our zones */
    {"alias.example.", RR_TYPE_A,
     "0 aa = alias.example. 300 CNAME www.example. = www.example. 300 A 192.0.2.1 = "
     "www.example. 300 A 192.0.2.2"},
    {"alias.example.", RR_TYPE_CNAME, "0 aa = alias.example. 300 CNAME www.example."},
    {"two.example.", TYPE_TXT,
     "0 aa = two.example. 300 CNAME alias.example. = alias.example. 300 CNAME www.example. ! "
     "example."},
    {"away.example.", RR_TYPE_A, "0 aa = away.example. 300 CNAME host.elsewhere."},
    {"gone.example.", RR_TYPE_A, "3 aa = gone.example. 300 CNAME nobody.example. ! example."},
    {"other.example.", RR_TYPE_A,
     "0 aa = other.example. 300 CNAME host.second. = host.second. 300 A 192.0.2.8"},
    /* empty non-terminals are there (RFC 4592 2.2.2) */
    {"deep.empty.example.", RR_TYPE_A, "0 aa ! example."},
    {"empty.example.", RR_TYPE_A, "0 aa ! example."},
    /* wildcards: not for names that are there, nor below them */
    {"any.wild.example.", RR_TYPE_A, "0 aa = any.wild.example. 300 A 192.0.2.4"},
    {"a.b.wild.example.", RR_TYPE_A, "0 aa = a.b.wild.example. 300 A 192.0.2.4"},
    {"any.wild.example.", TYPE_TXT, "0 aa ! example."},
    {"wild.example.", RR_TYPE_A, "0 aa ! example."},
    {"there.wild.example.", RR_TYPE_A, "0 aa ! example."},
    {"not.there.wild.example.", RR_TYPE_A, "3 aa ! example."},
    {"*.wild.example.", RR_TYPE_A, "0 aa = *.wild.example. 300 A 192.0.2.4"},
    {"q.walias.example.", RR_TYPE_A,
     "0 aa = q.walias.example. 300 CNAME www.example. = www.example. 300 A 192.0.2.1 = "
     "www.example. 300 A 192.0.2.2"},
    /* DNAME, for names below it alone */
    {"x.old.example.", RR_TYPE_A,
     "0 aa = old.example. 300 DNAME new.example. = x.old.example. 300 CNAME x.new.example. = "
     "x.new.example. 300 A 192.0.2.6"},
    {"old.example.", RR_TYPE_A, "0 aa ! example."},
    {"y.old.example.", RR_TYPE_A,
     "3 aa = old.example. 300 DNAME new.example. = y.old.example. 300 CNAME y.new.example. ! "
     "example."},
    /* delegations: no AA, glue; a DS is the parent's */
    {"sub.example.", RR_TYPE_A, "0 ! sub.example. 300 NS ns.sub.example. +1"},
    {"x.y.sub.example.", RR_TYPE_A, "0 ! sub.example. 300 NS ns.sub.example. +1"},
    {"ns.sub.example.", RR_TYPE_A, "0 ! sub.example. 300 NS ns.sub.example. +1"},
    {"sub.example.", TYPE_DS, "0 aa ! example."},
    {"x.far.example.", RR_TYPE_A, "0 ! far.example. 300 NS ns.elsewhere."},
    /* the closer zone, and the parent's DS */
    {"child.second.", RR_TYPE_SOA, "0 aa = child.second."},
    {"child.second.", TYPE_DS, "3 aa ! second."},
    {"x.child.second.", RR_TYPE_A, "3 aa ! child.second."},
    /* ANY: one set (RFC 8482) */
    {"www.example.", ANY, "0 aa = www.example. 300 A 192.0.2.1 = www.example. 300 A 192.0.2.2"},
    {"empty.example.", ANY, "0 aa ! example."},
};

Test(lookup, what_is_answered)
{
    struct world *w = make();
    for (size_t i = 0; i < sizeof lookups / sizeof lookups[0]; i++) {
        const char *answer = ask_with(w, lookups[i].name, lookups[i].type, 4096);
        cr_expect_str_eq(answer, lookups[i].answer, "%s %u: %s", lookups[i].name, lookups[i].type,
                         answer);
    }
    world_free(w);
    cr_assert_eq(mem_live_count(), 0);
}

/* What was deleted is not there; a name with nothing left below it is not either. */
Test(lookup, deleted_names_are_gone)
{
    struct world *w = make();
    struct rsm_change change = change_a("host.deep.empty.example.", 0, 0);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert_str_eq(ask_with(w, "empty.example.", RR_TYPE_A, 4096), "3 aa ! example.");
    world_free(w);
}

Test(lookup, what_has_no_room_is_truncated)
{
    struct world *w = make();
    struct rsm_change change = change_a("many.example.", 1, 60);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert_str_eq(ask_with(w, "many.example.", RR_TYPE_A, 512), "0 aa tc");
    world_free(w);
}

/* A chain that is longer than LOOKUP_CHAIN_MAX is left to the client; it ends in any case. */
Test(lookup, chains_end)
{
    struct world *w = world_new();
    world_policy(w, "dangling_allowed", 1);
    struct rsm_change links[20];
    char names[21][32];
    for (int i = 0; i < 21; i++)
        snprintf(names[i], sizeof names[i], "n%d.example.", i);
    for (int i = 0; i < 16; i++)
        links[i] = change_name(names[i], RR_TYPE_CNAME, names[i + 1]);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, links, 12)), "%s",
              world_words(w));
    const char *answer = ask_with(w, "n0.example.", RR_TYPE_A, 4096);
    size_t count = 0;
    for (const char *at = answer; (at = strstr(at, "CNAME")) != NULL; at++)
        count++;
    cr_assert_eq(count, LOOKUP_CHAIN_MAX, "%s", answer);
    world_free(w);
}

/* A DNAME that makes a name of more than 255 octets (RFC 6672 2.2). */
Test(lookup, a_name_that_gets_too_long)
{
    struct world *w = world_new();
    world_policy(w, "dangling_allowed", 1);
    char target[256] = "", name[256] = "";
    for (int i = 0; i < 3; i++)
        strcat(target, "a23456789012345678901234567890123456789012345678901234567890."),
            strcat(name, "b23456789012345678901234567890123456789012345678901234567890.");
    strcat(target, "example.");
    strcat(name, "d.example.");
    struct rsm_change dname = change_name("d.example.", RR_TYPE_DNAME, target);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, &dname, 1)), "%s",
              world_words(w));
    cr_assert_eq(strncmp(ask_with(w, name, RR_TYPE_A, 4096), "6 aa = d.example.", 17), 0);
    world_free(w);
}
