/* SPDX-License-Identifier: Apache-2.0 */
/* test_body.c - each kind's body: built, decoded back, and refused when a field is wrong. */
#include <criterion/criterion.h>

#include "src/command/body_change.h"
#include "src/command/pack.h"
#include "tests/unit/command/fixture.h"

#define ZONE FIXTURE_NAME("\007example")
#define KEY_HEX "0102030405060708091011121314151617181920212223242526272829303132"
#define OWNER FIXTURE_NAME("\003www\007example")

static struct bytes body_of(const struct rsm_buffer *b)
{
    return bytes_make(b->data, b->size);
}

static bool is_text(struct bytes value, const char *text)
{
    return bytes_equal(value, bytes_of_string(text));
}

Test(body, zones)
{
    const struct rsm_label labels[] = {{rsm_text("team"), rsm_text("net")},
                                       {rsm_text("env"), rsm_text("")}};
    const struct rsm_bytes rdata = rsm_bytes_make("\x7f\x00\x00\x01", 4);
    const struct rsm_change changes[] = {{OWNER, 1, 60, &rdata, 1}, {OWNER, 28, 0, NULL, 0}};
    struct rsm_buffer b;
    struct body_zone zone;
    struct body_label label;
    struct body_change change;
    struct bytes octets;
    cr_assert(rsm_body_zone_create(ZONE, labels, 2, changes, 2, &b) == RSM_OK);
    cr_assert(body_zone_decode(RSM_KIND_ZONE_CREATE, body_of(&b), &zone) == RSM_OK);
    cr_assert(zone.zone.size == ZONE.size && zone.labels.left == 2 && zone.changes.left == 2);
    cr_assert(body_next_label(&zone.labels, &label) && is_text(label.name, "env"), "sorted");
    cr_assert(body_next_label(&zone.labels, &label) && is_text(label.value, "net"));
    cr_assert(!body_next_label(&zone.labels, &label));
    cr_assert(body_next_change(&zone.changes, &change) && change.type == 1 && change.ttl == 60);
    cr_assert(change.rdata_count == 1 && body_next_octets(&change.rdatas, &octets));
    cr_assert(octets.size == 4 && !body_next_octets(&change.rdatas, &octets));
    cr_assert(body_next_change(&zone.changes, &change) && change.rdata_count == 0);
    cr_assert(!body_next_change(&zone.changes, &change));
    rsm_buffer_free(&b);
    cr_assert(rsm_body_zone_delete(ZONE, &b) == RSM_OK);
    cr_assert(body_zone_decode(RSM_KIND_ZONE_DELETE, body_of(&b), &zone) == RSM_OK);
    rsm_buffer_free(&b);
}

Test(body, principals_and_roles)
{
    uint8_t key[RSM_PUBLIC_KEY_SIZE] = {1};
    const struct rsm_bytes keys[] = {rsm_bytes_make(key, sizeof key)};
    const struct rsm_bytes roles[] = {rsm_text("admin"), rsm_text("planner")};
    const uint16_t types[] = {1, 28};
    const struct rsm_budget budget[RSM_BUDGETS] = {{2, 3}, {4, 5}, {0, 0}, {6, 7}};
    const struct rsm_grant grants[] = {
        {rsm_text("rrset.*"), ZONE, OWNER, types, 2, RSM_CLASS_STANDARD},
        {rsm_text("*"), {NULL, 0}, {NULL, 0}, NULL, 0, 0}};
    struct rsm_buffer b;
    struct body_principal p;
    struct body_role role;
    struct body_grant grant;
    struct bytes octets;
    uint16_t type;
    cr_assert(rsm_body_principal_set(rsm_text("bob"), RSM_PRINCIPAL_AUTOMATON, rsm_text("Bob"),
                                     rsm_text(""), keys, 1, roles, 2, budget, &b) == RSM_OK);
    cr_assert(body_principal_decode(RSM_KIND_PRINCIPAL_SET, body_of(&b), &p) == RSM_OK);
    cr_assert(is_text(p.name, "bob") && p.kind == RSM_PRINCIPAL_AUTOMATON);
    cr_assert(body_next_octets(&p.keys, &octets) && octets.size == sizeof key);
    cr_assert(body_next_octets(&p.roles, &octets) && is_text(octets, "admin"));
    cr_assert(body_next_octets(&p.roles, &octets) && is_text(octets, "planner"));
    cr_assert(!body_next_octets(&p.roles, &octets));
    cr_assert(memcmp(p.budget, budget, sizeof budget) == 0);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_role_set(rsm_text("r"), grants, 2, &b) == RSM_OK);
    cr_assert(body_role_decode(RSM_KIND_ROLE_SET, body_of(&b), &role) == RSM_OK);
    cr_assert(body_next_grant(&role.grants, &grant) && is_text(grant.verb, "rrset.*"));
    cr_assert(grant.suffix.size == OWNER.size && grant.class_most == RSM_CLASS_STANDARD);
    cr_assert(body_next_type(&grant.types, &type) && type == 1);
    cr_assert(body_next_type(&grant.types, &type) && type == 28);
    cr_assert(!body_next_type(&grant.types, &type));
    cr_assert(body_next_grant(&role.grants, &grant) && grant.zone.size == 0);
    cr_assert(grant.class_most == 0);
    cr_assert(!body_next_grant(&role.grants, &grant));
    rsm_buffer_free(&b);
    cr_assert(rsm_body_principal_set(rsm_text("bob"), (enum rsm_principal_kind)9, rsm_text(""),
                                     rsm_text(""), NULL, 0, NULL, 0, NULL, &b) == RSM_MALFORMED);
    cr_assert(b.data == NULL);
}

Test(body, freezes_leases_policy)
{
    struct rsm_buffer b;
    struct body_freeze freeze;
    struct body_lease lease;
    struct bytes map;
    cr_assert(rsm_body_freeze_set(rsm_text("f1"), RSM_FREEZE_ZONE, ZONE, true, 77, &b) == RSM_OK);
    cr_assert(body_freeze_decode(RSM_KIND_FREEZE_SET, body_of(&b), &freeze) == RSM_OK);
    cr_assert(freeze.scope == RSM_FREEZE_ZONE && freeze.until_ms == 77);
    cr_assert(freeze.subject.size == ZONE.size);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_freeze_set(rsm_text("f1"), RSM_FREEZE_AUTHOR, rsm_text("bob"), true, 0,
                                  &b) == RSM_OK);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_freeze_set(rsm_text("f1"), RSM_FREEZE_GLOBAL, rsm_text(""), true, 0, &b) ==
              RSM_OK);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_freeze_set(rsm_text("f1"), RSM_FREEZE_GLOBAL, rsm_text("bob"), true, 0,
                                  &b) == RSM_TOO_LARGE);
    cr_assert(rsm_body_freeze_set(rsm_text("f1"), RSM_FREEZE_ZONE, rsm_text("bob"), true, 0, &b) ==
              RSM_MALFORMED);
    cr_assert(rsm_body_lease_renew(rsm_text("edge"), 12, 5000, &b) == RSM_OK);
    cr_assert(body_lease_decode(RSM_KIND_LEASE_RENEW, body_of(&b), &lease) == RSM_OK);
    cr_assert(lease.token == 12 && lease.ttl_ms == 5000 && is_text(lease.resource, "edge"));
    cr_assert(body_check(RSM_KIND_LEASE_RELEASE, body_of(&b)) == RSM_WRONG_TYPE);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_policy_set(rsm_bytes_make("\x81\xa1"
                                                 "a\x01",
                                                 4),
                                  &b) == RSM_OK);
    cr_assert(body_policy_decode(body_of(&b), &map) == RSM_OK && map.size == 4);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_policy_set(rsm_bytes_make("\x90", 1), &b) == RSM_WRONG_TYPE);
    cr_assert(rsm_body_policy_set(rsm_bytes_make("\x80\x80", 2), &b) == RSM_MALFORMED);
    cr_assert(rsm_body_policy_set(rsm_bytes_make("", 0), &b) == RSM_MALFORMED);
}

Test(body, updates)
{
    const struct rsm_bytes rdata = rsm_bytes_make("\x7f\x00\x00\x01", 4);
    const struct rsm_record needs[] = {{OWNER, RSM_CLASS_NONE, BODY_TYPE_ANY, 0, {NULL, 0}}};
    const struct rsm_record does[] = {{OWNER, RSM_CLASS_IN, 1, 60, rdata},
                                      {OWNER, RSM_CLASS_NONE, 1, 0, rdata}};
    struct rsm_update update = {.principal = rsm_text("acme"),
                                .zone = ZONE,
                                .prerequisites = needs,
                                .prerequisite_count = 1,
                                .updates = does,
                                .update_count = 2};
    struct rsm_buffer b;
    struct body_update u;
    struct body_record r;
    cr_assert(rsm_body_rrset_update(&update, &b) == RSM_OK);
    cr_assert(body_update_decode(body_of(&b), &u) == RSM_OK);
    cr_assert(is_text(u.principal, "acme") && u.prerequisites.left == 1 && u.updates.left == 2);
    cr_assert(body_next_record(&u.prerequisites, &r) && r.record_class == RSM_CLASS_NONE &&
              r.type == BODY_TYPE_ANY && r.rdata.size == 0);
    cr_assert(body_next_record(&u.updates, &r) && r.ttl == 60 && r.rdata.size == 4);
    rsm_buffer_free(&b);
    update.request = rsm_bytes_make("0123456789abcdef0123456789abcdef", RSM_REQUEST_SIZE);
    cr_assert(rsm_body_rrset_update(&update, &b) == RSM_OK);
    cr_assert(body_update_decode(body_of(&b), &u) == RSM_OK && u.request.size == RSM_REQUEST_SIZE);
    rsm_buffer_free(&b);
    update.request.size--;
    cr_assert(rsm_body_rrset_update(&update, &b) == RSM_MALFORMED, "none or all of it");
    update.request.size = 0;
    update.principal = rsm_text("");
    cr_assert(rsm_body_rrset_update(&update, &b) == RSM_OK, "on its own behalf");
    rsm_buffer_free(&b);
    update.principal = rsm_text("a\nb");
    cr_assert(rsm_body_rrset_update(&update, &b) == RSM_MALFORMED);
    update.principal = rsm_text("acme");
    update.update_count = LIMIT_UPDATE_RECORDS + 1;
    cr_assert(rsm_body_rrset_update(&update, &b) == RSM_TOO_MANY);
}

Test(body, plans)
{
    const struct rsm_bytes rdata = rsm_bytes_make("\x7f\x00\x00\x01", 4);
    const struct rsm_change content[] = {{OWNER, 1, 60, &rdata, 1}};
    const struct rsm_rrset_id scope[] = {{OWNER, 1}, {OWNER, 28}};
    const struct rsm_plan plan = {.name = rsm_text("edge"),
                                  .generation = 5,
                                  .parent = 4,
                                  .zone = ZONE,
                                  .scope = scope,
                                  .scope_count = 2,
                                  .content = content,
                                  .content_count = 1,
                                  .complete = true};
    struct rsm_buffer b;
    struct body_plan p;
    struct body_rrset_id id;
    struct body_change change;
    cr_assert(rsm_body_plan_publish(&plan, &b) == RSM_OK);
    cr_assert(body_plan_decode(RSM_KIND_PLAN_PUBLISH, body_of(&b), &p) == RSM_OK);
    cr_assert(p.generation == 5 && p.parent == 4 && p.complete && p.scope.left == 2);
    cr_assert(body_next_rrset_id(&p.scope, &id) && id.type == 1);
    cr_assert(body_next_rrset_id(&p.scope, &id) && id.type == 28);
    cr_assert(body_next_change(&p.content, &change) && change.rdata_count == 1);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_plan_execute(rsm_text("edge"), 5, scope, 2, rsm_text("edge-lease"), 99,
                                    &b) == RSM_OK);
    cr_assert(body_plan_decode(RSM_KIND_PLAN_EXECUTE, body_of(&b), &p) == RSM_OK);
    cr_assert(p.token == 99 && is_text(p.lease, "edge-lease") && p.scope.left == 2);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_plan_collect(rsm_text("edge"), 4, &b) == RSM_OK);
    cr_assert(body_plan_decode(RSM_KIND_PLAN_COLLECT, body_of(&b), &p) == RSM_OK);
    cr_assert(p.generation == 4);
    rsm_buffer_free(&b);
}

Test(body, names)
{
    static const struct {
        const char *hex;
        bool is_name;
    } rows[] = {
        {"00", true},
        {"016100", true},
        {"016101620000", false},
        {"0161", false},
        {"0141"
         "00",
         false},
        {"02610000", true},
        {"c00c", false},
        {"", false},
        {"40", false},
        {"01c300", true},
        {"0000", false},
        {"026100", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes name = fixture_hex(rows[i].hex);
        cr_assert(body_is_name(name) == rows[i].is_name, "%s", rows[i].hex);
        fixture_free(name);
    }
    uint8_t longest[257] = {0};
    for (size_t i = 0; i < 254; i += 2)
        memcpy(longest + i, "\001a", 2);
    cr_assert(body_is_name(bytes_make(longest, 255)));
    cr_assert(!body_is_name(bytes_make(longest, 254)));
    memcpy(longest + 254, "\001a", 2);
    cr_assert(!body_is_name(bytes_make(longest, 257)), "257 bytes");
}

static const uint8_t member_key[RSM_PUBLIC_KEY_SIZE] = {7};

static const struct rsm_incarnation known[] = {{1, 11}, {3, 33}};

static struct rsm_member member(void)
{
    return (struct rsm_member){.id = 4,
                               .zone = rsm_text("eu-1"),
                               .key = {member_key, sizeof member_key},
                               .peer_address = rsm_text("192.0.2.4:7000"),
                               .client_address = rsm_text("unix:/run/rsm"),
                               .incarnation = 99};
}

Test(body, members)
{
    struct rsm_member m = member();
    struct rsm_buffer b;
    struct body_member out;
    struct body_incarnation item;
    cr_assert(rsm_body_member_add(&m, known, 2, &b) == RSM_OK);
    cr_assert(body_member_decode(RSM_KIND_MEMBER_ADD, body_of(&b), &out) == RSM_OK);
    cr_assert(out.id == 4 && out.incarnation == 99 && out.key[0] == 7);
    cr_assert(is_text(out.zone, "eu-1") && is_text(out.peer_address, "192.0.2.4:7000"));
    cr_assert(is_text(out.client_address, "unix:/run/rsm"));
    cr_assert(body_next_incarnation(&out.known, &item) && item.id == 1 && item.incarnation == 11);
    cr_assert(body_next_incarnation(&out.known, &item) && item.id == 3 && item.incarnation == 33);
    cr_assert(!body_next_incarnation(&out.known, &item));
    rsm_buffer_free(&b);
    cr_assert(rsm_body_member_update(&m, &b) == RSM_OK);
    cr_assert(body_member_decode(RSM_KIND_MEMBER_UPDATE, body_of(&b), &out) == RSM_OK);
    cr_assert(out.id == 4 && out.key == NULL && is_text(out.client_address, "unix:/run/rsm"));
    rsm_buffer_free(&b);
    cr_assert(rsm_body_member_promote(9, known, 2, &b) == RSM_OK);
    cr_assert(body_member_decode(RSM_KIND_MEMBER_PROMOTE, body_of(&b), &out) == RSM_OK);
    cr_assert(out.id == 9 && out.zone.size == 0 && out.known.left == 2);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_member_remove(0, &b) == RSM_MALFORMED, "0 is nobody");
    cr_assert(rsm_body_member_remove(10, &b) == RSM_MALFORMED);
}

/* Each field of member.add with a value that it cannot have. */
Test(body, members_that_cannot_be)
{
    static const char *const bad_peers[] = {"",     "a",   ":1",      "a:",          "a:0",
                                            "a:01", "a:x", "a:65536", "unix:/tmp/p", "a\n:1"};
    static const char *const bad_clients[] = {"", "unix:", "unix:/", "unix:relative", "a:0"};
    struct rsm_buffer b;
    char longest[LIMIT_ADDRESS_SIZE + 2];
    struct rsm_member m = member();
    for (size_t i = 0; i < sizeof bad_peers / sizeof *bad_peers; i++) {
        m.peer_address = rsm_text(bad_peers[i]);
        cr_assert(rsm_body_member_add(&m, known, 2, &b) == RSM_MALFORMED, "%s", bad_peers[i]);
        cr_assert(rsm_body_member_update(&m, &b) == RSM_MALFORMED, "%s", bad_peers[i]);
    }
    m = member();
    for (size_t i = 0; i < sizeof bad_clients / sizeof *bad_clients; i++) {
        m.client_address = rsm_text(bad_clients[i]);
        cr_assert(rsm_body_member_add(&m, known, 2, &b) == RSM_MALFORMED, "%s", bad_clients[i]);
    }
    m = member();
    memset(longest, '1', sizeof longest);
    memcpy(longest + LIMIT_ADDRESS_SIZE - 3, ":80", 4);
    m.peer_address = rsm_text(longest);
    cr_assert(rsm_body_member_add(&m, known, 2, &b) == RSM_OK, "128 bytes");
    rsm_buffer_free(&b);
    memcpy(longest + LIMIT_ADDRESS_SIZE - 3, "1:80", 5);
    m.peer_address = rsm_text(longest);
    cr_assert(rsm_body_member_add(&m, known, 2, &b) == RSM_TOO_LARGE);
    m = member();
    m.zone = rsm_text("");
    cr_assert(rsm_body_member_add(&m, known, 2, &b) == RSM_MALFORMED);
    m = member();
    m.key.size--;
    cr_assert(rsm_body_member_add(&m, known, 2, &b) != RSM_OK);
    m = member();
    m.incarnation = 0;
    cr_assert(rsm_body_member_add(&m, known, 2, &b) == RSM_MALFORMED);
    m.incarnation = UINT64_C(1) << 53;
    cr_assert(rsm_body_member_add(&m, known, 2, &b) != RSM_OK, "above 2^53 - 1");
    static const struct {
        struct rsm_incarnation known[2];
        const char *what;
    } rows[] = {{{{3, 1}, {1, 1}}, "not in order"},
                {{{3, 1}, {3, 1}}, "twice"},
                {{{0, 1}, {1, 1}}, "nobody"},
                {{{1, 1}, {10, 1}}, "number 10"},
                {{{1, 0}, {2, 1}}, "incarnation 0"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert(rsm_body_member_promote(1, rows[i].known, 2, &b) == RSM_MALFORMED, "%s",
                  rows[i].what);
    static const struct rsm_incarnation ten[10] = {{1, 1}};
    cr_assert(rsm_body_member_promote(1, ten, 10, &b) == RSM_TOO_MANY);
}

/* One item above each limit of a list, and a record that is too large. */
Test(body, limits)
{
    static struct rsm_change changes[LIMIT_CHANGES + 1];
    static struct rsm_bytes rdatas[LIMIT_RRSET_RECORDS + 1];
    static uint8_t rdata[LIMIT_RDATA_SIZE + 1];
    static struct rsm_label labels[LIMIT_LABELS_PER_ZONE + 1];
    struct rsm_buffer b;
    for (size_t i = 0; i < LIMIT_CHANGES + 1; i++)
        changes[i] = (struct rsm_change){OWNER, 1, 0, NULL, 0};
    for (size_t i = 0; i < LIMIT_RRSET_RECORDS + 1; i++)
        rdatas[i] = rsm_bytes_make(rdata, 1);
    cr_assert(rsm_body_rrset_change(ZONE, changes, LIMIT_CHANGES, &b) == RSM_OK);
    rsm_buffer_free(&b);
    cr_assert(rsm_body_rrset_change(ZONE, changes, LIMIT_CHANGES + 1, &b) == RSM_TOO_MANY);
    changes[0] = (struct rsm_change){OWNER, 1, 1, rdatas, LIMIT_RRSET_RECORDS};
    cr_assert(rsm_body_rrset_change(ZONE, changes, 1, &b) == RSM_OK);
    rsm_buffer_free(&b);
    changes[0].rdata_count++;
    cr_assert(rsm_body_rrset_change(ZONE, changes, 1, &b) == RSM_TOO_MANY);
    rdatas[0] = rsm_bytes_make(rdata, LIMIT_RDATA_SIZE);
    changes[0].rdata_count = 1;
    cr_assert(rsm_body_rrset_change(ZONE, changes, 1, &b) == RSM_OK);
    rsm_buffer_free(&b);
    rdatas[0].size++;
    cr_assert(rsm_body_rrset_change(ZONE, changes, 1, &b) == RSM_TOO_LARGE);
    changes[0] = (struct rsm_change){OWNER, 1, 5, NULL, 0};
    cr_assert(rsm_body_rrset_change(ZONE, changes, 1, &b) == RSM_MALFORMED, "ttl of a deletion");
    cr_assert(rsm_body_zone_create(ZONE, labels, LIMIT_LABELS_PER_ZONE + 1, NULL, 0, &b) ==
              RSM_TOO_MANY);
    labels[0] = labels[1] = (struct rsm_label){rsm_text("a"), rsm_text("b")};
    cr_assert(rsm_body_zone_create(ZONE, labels, 2, NULL, 0, &b) == RSM_MALFORMED, "twice");
    labels[1].name = rsm_text("\xff");
    cr_assert(rsm_body_zone_create(ZONE, labels, 2, NULL, 0, &b) == RSM_MALFORMED, "no UTF-8");
}

/* A good body of each kind. */
static const struct {
    enum rsm_kind kind;
    const char *hex; /* a body that is good */
} good_bodies[] = {
    {RSM_KIND_ZONE_CREATE, "93c403016100"
                           "80"
                           "90"},
    {RSM_KIND_ZONE_DELETE, "91c403016100"},
    {RSM_KIND_SERVICE_DELETE, "91a173"},
    {RSM_KIND_SERVICE_SET, "95a173a16fa1749192c403016100c291a172"},
    {RSM_KIND_ZONE_LABEL, "92c40301610081a474696572a3746f70"},
    {RSM_KIND_ZONE_SET, "92c40301610081aa7075626c6973685f6d7305"},
    {RSM_KIND_RRSET_CHANGE, "92c403016100"
                            "9194c403016100013c91c401ff"},
    {RSM_KIND_RRSET_UPDATE, "95a162c400c4030161009195c403016100ccfeccff00c400"
                            "9195c40301610001013cc4047f000001"},
    {RSM_KIND_PRINCIPAL_SET, "97a162a6706572736f6ea142a0909090"},
    {RSM_KIND_PRINCIPAL_DELETE, "91a162"},
    {RSM_KIND_ROLE_SET, "92a1729194a12ac400c40091"
                        "01"},
    {RSM_KIND_ROLE_DELETE, "91a172"},
    {RSM_KIND_POLICY_SET, "9180"},
    {RSM_KIND_FREEZE_SET, "95a166a6676c6f62616ca0c200"},
    {RSM_KIND_FREEZE_CLEAR, "91a166"},
    {RSM_KIND_FREEZE_RESUME, "94a166a161c300"},
    {RSM_KIND_FREEZE_TRIP, "91a166"},
    {RSM_KIND_LEASE_ACQUIRE, "92a16c05"},
    {RSM_KIND_LEASE_RENEW, "93a16c0505"},
    {RSM_KIND_LEASE_RELEASE, "92a16c05"},
    {RSM_KIND_PLAN_PUBLISH, "97a1700100c403016100919"
                            "2c4030161000190c3"},
    {RSM_KIND_PLAN_EXECUTE, "95a17001"
                            "90"
                            "a16c05"},
    {RSM_KIND_PLAN_COLLECT, "92a17001"},
    {RSM_KIND_MEMBER_ADD, "9704a161c420" KEY_HEX "a3613a31a3613a32"
                          "059192010a"},
    {RSM_KIND_MEMBER_PROMOTE, "9204929201059203cc80"},
    {RSM_KIND_MEMBER_REMOVE, "9104"},
    {RSM_KIND_MEMBER_UPDATE, "9404a161a3613a31a3613a32"},
    {RSM_KIND_RRSET_TAKEOVER, "94c403016100a161a162"
                              "9192c40301610001"},
    {RSM_KIND_RRSET_OBSERVE, "93c403016100"
                             "9192c40301610001"
                             "90"},
    {RSM_KIND_PRINCIPAL_KEY_ADD, "92a162c420" KEY_HEX},
    {RSM_KIND_PRINCIPAL_KEY_REVOKE, "92a162c420" KEY_HEX},
};

/* Each item of each body replaced by a value of another type is refused, and so is one more. */
Test(body, every_item_of_another_type)
{
    for (size_t i = 0; i < sizeof good_bodies / sizeof good_bodies[0]; i++) {
        struct bytes good = fixture_hex(good_bodies[i].hex);
        const char *kind = rsm_kind_text(good_bodies[i].kind);
        cr_assert(body_check(good_bodies[i].kind, good) == RSM_OK, "%s", kind);
        struct unpack u = unpack_make(good);
        uint32_t count = unpack_array(&u);
        for (uint32_t item = 0; item <= count; item++) {
            struct writer w;
            writer_init(&w, 1000);
            u = unpack_make(good);
            (void)unpack_array(&u);
            pack_array(&w, item == count ? count + 1 : count);
            for (uint32_t k = 0; k < count; k++) {
                struct bytes raw = unpack_raw(&u);
                if (k == item)
                    pack_nil(&w);
                else
                    writer_bytes(&w, raw);
            }
            if (item == count)
                pack_nil(&w);
            cr_assert(body_check(good_bodies[i].kind, writer_result(&w)) == RSM_WRONG_TYPE,
                      "%s, item %u", kind, item);
            writer_deinit(&w);
        }
        for (size_t cut = 0; cut < good.size; cut++)
            cr_assert(body_check(good_bodies[i].kind, bytes_make(good.data, cut)) != RSM_OK, "%s",
                      kind);
        fixture_free(good);
    }
    cr_assert(body_check((enum rsm_kind)99, bytes_make("\x90", 1)) == RSM_UNKNOWN_KIND);
}

/* A restore has a slot behind the five fields of a request, and no other has one. */
Test(body, a_restore_is_of_a_zone)
{
    static const uint8_t zone[] = {1, 'a', 0};
    const struct rsm_bytes name = {zone, sizeof zone}, none = {NULL, 0};
    struct rsm_change a = {.owner = name, .type = 16, .ttl = 0};
    struct rsm_buffer inner, body, same;
    struct body_request request;
    uint8_t bytes[256];
    cr_assert_eq(rsm_body_rrset_change(name, &a, 1, &inner), RSM_OK);
    struct rsm_bytes change = rsm_buffer_bytes(&inner);
    cr_assert_eq(
        rsm_body_change_restore(RSM_CLASS_STANDARD, NULL, 0, 7, "rrset.change", change, &body),
        RSM_OK);
    cr_assert_eq(body_request_decode(bytes_make(body.data, body.size), &request), RSM_OK);
    cr_assert_eq(request.restored, 7);
    cr_assert(body.size < sizeof bytes && body.data[0] == 0x96 && body.data[body.size - 1] == 7);
    memcpy(bytes, body.data, body.size);
    bytes[body.size - 1] = 0;
    cr_assert_eq(body_check(RSM_KIND_CHANGE_REQUEST, bytes_make(bytes, body.size)), RSM_MALFORMED);
    bytes[0] = 0x97;
    bytes[body.size - 1] = bytes[body.size] = 7;
    cr_assert_eq(body_check(RSM_KIND_CHANGE_REQUEST, bytes_make(bytes, body.size + 1)),
                 RSM_WRONG_TYPE);
    rsm_buffer_free(&body);
    /* Of no slot: the five fields of any request. */
    cr_assert_eq(
        rsm_body_change_restore(RSM_CLASS_STANDARD, NULL, 0, 0, "rrset.change", change, &body),
        RSM_OK);
    cr_assert_eq(
        rsm_body_change_undo(RSM_CLASS_STANDARD, NULL, 0, none, "rrset.change", change, &same),
        RSM_OK);
    cr_assert(bytes_equal(bytes_make(body.data, body.size), bytes_make(same.data, same.size)));
    rsm_buffer_free(&body);
    rsm_buffer_free(&same);
    rsm_buffer_free(&inner);
    cr_assert_eq(rsm_body_zone_delete(name, &inner), RSM_OK);
    cr_assert_eq(rsm_body_change_restore(RSM_CLASS_STANDARD, NULL, 0, 7, "zone.delete",
                                         rsm_buffer_bytes(&inner), &body),
                 RSM_MALFORMED);
    rsm_buffer_free(&inner);
}
