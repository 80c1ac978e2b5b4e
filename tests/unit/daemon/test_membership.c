/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_membership.c - which process may run as which replica, and what it says of itself. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/daemon/membership.h"

static const uint8_t key_one[RSM_PUBLIC_KEY_SIZE] = {1};
static const uint8_t key_two[RSM_PUBLIC_KEY_SIZE] = {2};

static struct genesis genesis_of_one(void)
{
    struct genesis g = {.member_count = 1};
    g.members[0] = (struct genesis_member){.id = 1,
                                           .zone = bytes_of_string("zone-of-genesis"),
                                           .key = key_one,
                                           .peer_address = bytes_of_string("10.0.0.1:4101"),
                                           .client_address = bytes_of_string("10.0.0.1:4001")};
    return g;
}

Test(membership, who_may_run)
{
    static const struct {
        uint32_t replica;
        bool join;
        const uint8_t *key;
        const char *why; /* NULL: it may */
    } rows[] = {
        {1, false, key_one, NULL},
        {1, false, key_two, "names another key"},
        {2, false, key_one, "no such replica"},
        {2, true, key_two, NULL},
        {1, true, key_two, NULL}, /* replaced with a new key: the others know by the log */
    };
    struct genesis g = genesis_of_one();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config c = {.join = rows[i].join, .node = {.self = rows[i].replica}};
        const char *why = NULL;
        enum rsm_status status = membership_check(&c, &g, rows[i].key, &why);
        cr_assert_eq(status, rows[i].why == NULL ? RSM_OK : RSM_WRONG_IDENTITY, "row %zu", i);
        if (rows[i].why != NULL)
            cr_assert(strstr(why, rows[i].why) != NULL && strstr(why, "join = yes") != NULL, "%s",
                      why);
    }
}

/* As the genesis says; one that joins, as its configuration says, or where it listens. */
Test(membership, what_it_says_of_itself)
{
    char texts[MEMBERSHIP_TEXTS_SIZE];
    char peer[] = "0.0.0.0:4101", client[] = "0.0.0.0:4001", path[] = "/run/c", zone[] = "eu-2";
    char outside[] = "192.0.2.4:4101";
    struct genesis g = genesis_of_one();
    struct config c = {.node = {.self = 1},
                       .peer_listen = peer,
                       .client_listen = {client},
                       .client_listen_count = 1};
    struct methods_self self = membership_self(&c, &g, key_one, NULL, NULL, texts);
    cr_assert_str_eq(self.zone, "zone-of-genesis");
    cr_assert_str_eq(self.peer_address, "10.0.0.1:4101");
    cr_assert_str_eq(self.client_address, "10.0.0.1:4001");
    c.node.self = 4;
    c.join = true;
    c.zone = zone;
    self = membership_self(&c, &g, key_two, NULL, NULL, texts);
    cr_assert_str_eq(self.zone, "eu-2");
    cr_assert_str_eq(self.peer_address, "0.0.0.0:4101");
    cr_assert_str_eq(self.client_address, "0.0.0.0:4001");
    c.client_listen_count = 0;
    c.client_unix = path;
    c.peer_address = outside;
    self = membership_self(&c, &g, key_two, NULL, NULL, texts);
    cr_assert_str_eq(self.peer_address, "192.0.2.4:4101");
    cr_assert_str_eq(self.client_address, "unix:/run/c");
    cr_assert_eq(self.key[0], 2);
}
