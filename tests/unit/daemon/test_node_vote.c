/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_node_vote.c - what a replica says of a change that waits for its vote. */
#include <criterion/criterion.h>
#include <string.h>

#include <rsm/body.h>

#include "src/daemon/node_internal.h"
#include "src/machine/staged.h"
#include "storage/segment.h"
#include "tests/lib/node_rig.h"

#define WIRE(text) ((struct rsm_bytes){(const uint8_t *)(text), sizeof(text) - 1})
#define ZONE WIRE("\7example\0")
#define SERVER "\3ns1\7example\0"

static void submit(struct node_rig *r, enum rsm_kind kind, struct rsm_buffer body)
{
    struct rsm_buffer command = node_pair_command("admin", ++r->counter, kind, body);
    node_pair_submit(r->leader, r->counter, r->pair.admin, &command);
}

static void create_zone(struct node_rig *r)
{
    struct rsm_buffer body = {NULL, 0};
    const struct rsm_bytes soa =
        WIRE(SERVER "\5admin\7example\0\0\0\0\1\0\0\0\x3c\0\0\0\x3c\0\0\2\x58"
                    "\0\0\0\x3c");
    const struct rsm_bytes ns = WIRE(SERVER), address = WIRE("\xc0\0\2\1");
    const struct rsm_change changes[] = {
        {.owner = ZONE, .type = 2, .ttl = 60, .rdatas = &ns, .rdata_count = 1},
        {.owner = ZONE, .type = 6, .ttl = 60, .rdatas = &soa, .rdata_count = 1},
        {.owner = WIRE(SERVER), .type = 1, .ttl = 60, .rdatas = &address, .rdata_count = 1}};
    cr_assert_eq(rsm_body_zone_create(ZONE, NULL, 0, changes, 3, &body), RSM_OK);
    submit(r, RSM_KIND_ZONE_CREATE, body);
    node_pair_turns(&r->pair, 10);
    cr_assert_eq(r->done, r->counter);
}

/* A zone that is deleted is critical: each voter has to check it. */
static void delete_zone(struct node_rig *r, uint8_t digest_out[HASH_SIZE])
{
    struct rsm_buffer body = {NULL, 0};
    struct key place = {0};
    cr_assert_eq(rsm_body_zone_delete(ZONE, &body), RSM_OK);
    submit(r, RSM_KIND_ZONE_DELETE, body);
    unsigned turns = 0;
    while (pending_next(node_state(r->leader->node), &place, digest_out) != RSM_OK && turns < 100) {
        place.size = 0;
        node_pair_turn(&r->pair);
        turns++;
    }
    cr_assert_lt(turns, 100, "it waits");
}

static struct node_rig *open_rig(void)
{
    struct node_config config;
    node_config_default(&config);
    struct node_rig *r = node_rig_open_with_keys(3, &config);
    create_zone(r);
    return r;
}

Test(node_vote, whoever_is_well_says_yes)
{
    struct node_rig *r = open_rig();
    uint8_t digest[HASH_SIZE];
    struct vote_record vote;
    delete_zone(r, digest);
    node_pair_turns(&r->pair, 60);
    for (uint32_t replica = 1; replica <= 3; replica++) {
        cr_assert_eq(vote_load(node_state(r->leader->node), digest, replica, &vote), RSM_OK);
        cr_assert(vote.yes);
    }
    node_rig_close(r);
}

/* Of the journal, by a sector; nothing says whether that group was ever answered for. */
static void tear_last_group(struct disk_mem *disk)
{
    static const uint8_t zeros[DISK_SECTOR_SIZE];
    struct disk_mem_file *torn = NULL;
    size_t place = 0;
    for (size_t i = 0; i < disk->file_count; i++) {
        struct disk_mem_file *f = &disk->files[i];
        size_t end = f->exists ? f->now_size : 0;
        while (end > SEGMENT_DATA_OFFSET &&
               memcmp(f->now + end - DISK_SECTOR_SIZE, zeros, DISK_SECTOR_SIZE) == 0)
            end -= DISK_SECTOR_SIZE;
        if (end > SEGMENT_DATA_OFFSET && (torn == NULL || f->file > torn->file)) {
            torn = f;
            place = end - DISK_SECTOR_SIZE;
        }
    }
    cr_assert_not_null(torn);
    memset(torn->now + place, 0, DISK_SECTOR_SIZE);
    memset(torn->durable + place, 0, DISK_SECTOR_SIZE);
}

/*
 * Whoever does not know what its journal lost vouches for nothing. It learns and applies meanwhile:
 * one of the voters that it asks is not heard, so its exchange does not end.
 */
Test(node_vote, whoever_is_in_doubt_says_no)
{
    struct node_rig *r = open_rig();
    uint8_t digest[HASH_SIZE];
    struct vote_record vote;
    r->third->deaf_to |= 1u << r->other->id;
    r->other->deaf_to |= 1u << r->third->id;
    node_pair_submit_role(r->leader, ++r->counter);
    node_pair_turn(&r->pair); /* and no more, or an idle moment's mark vouches for the group */
    tear_last_group(r->third->disk);
    node_pair_kill(r->third);
    node_pair_turns(&r->pair, 20);
    cr_assert(node_pair_status(r->third).alarms & NODE_ALARM_JOURNAL_UNCERTAIN);
    delete_zone(r, digest);
    node_pair_turns(&r->pair, 200);
    cr_assert_not(node_pair_status(r->third).is_voting);
    cr_assert_eq(vote_load(node_state(r->leader->node), digest, r->leader->id, &vote), RSM_OK);
    cr_assert(vote.yes);
    cr_assert_eq(vote_load(node_state(r->leader->node), digest, r->third->id, &vote), RSM_OK);
    cr_assert_not(vote.yes);
    cr_assert_eq(vote.reason.size, strlen("this replica has the alarm journal-uncertain"));
    node_rig_close(r);
}
