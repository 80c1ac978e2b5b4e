/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_peer_link.c - connections between replicas, over real sockets on loopback: who is dialled,
 * who is refused and why, and what happens to old connections. All replicas share one loop, which
 * runs until what is waited for has come.
 */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/net/peer_hello.h"
#include "src/net/peer_link.h"

#define NODES 4u
#define PATIENCE_TURNS 200000u

struct node {
    struct peer_links *links;
    struct rsm_key *key;
    uint32_t id;
    uint64_t incarnation;
    /* The accept callback's memory: the incarnation that counts, 0: the first one does. */
    uint64_t known[REPLICA_MAX + 1];
    bool takes_rejoins;
    uint32_t rejoins; /* asked with the flag */
    uint32_t asked;
    uint32_t lost[REPLICA_MAX + 1];
    uint32_t frames[REPLICA_MAX + 1];
    uint32_t before_now; /* frames that came before the one that says "now" */
    char last[64];       /* its beginning */
    uint32_t told;       /* with a refusal */
    uint8_t proof[PEER_PROOF_SIZE_MAX];
    size_t proof_size;
};

struct rig {
    struct event_base *base;
    struct event *alarm; /* so that the loop never runs dry */
    struct node nodes[NODES + 1];
    struct member_config all; /* everyone who was started, under its key and port */
    struct member_config none;
};

static const uint8_t cluster[CLUSTER_ID_SIZE] = {1, 2, 3};

static bool on_accept(void *context, uint32_t peer, const struct incarnation *incarnation)
{
    struct node *n = context;
    n->asked++;
    n->rejoins += incarnation->rejoins ? 1 : 0;
    if (n->known[peer] == 0 || (incarnation->rejoins && n->takes_rejoins) ||
        incarnation->former[0] == n->known[peer])
        n->known[peer] = incarnation->number;
    return n->known[peer] == incarnation->number;
}

static void on_frame(void *context, uint32_t from, struct bytes frame)
{
    struct node *n = context;
    size_t size = frame.size < sizeof n->last ? frame.size : sizeof n->last - 1;
    n->frames[from]++;
    memcpy(n->last, frame.data, size);
    n->last[size] = '\0';
    if (strcmp(n->last, "now") == 0)
        n->before_now = n->frames[from] - 1;
}

static void on_left_behind(void *context, struct bytes body)
{
    struct node *n = context;
    n->told++;
    memcpy(n->proof, body.data, body.size);
    n->proof_size = body.size;
}

static void on_lost(void *context, uint32_t peer)
{
    ((struct node *)context)->lost[peer]++;
}

static void on_alarm(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
}

static struct rig *rig_new(void)
{
    struct timeval often = {.tv_usec = 20000};
    struct rig *r = mem_alloc(sizeof *r);
    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    log_configure(2, LOG_ERROR, 0);
    r->base = event_base_new();
    r->alarm = event_new(r->base, -1, EV_PERSIST, on_alarm, NULL);
    event_add(r->alarm, &often);
    return r;
}

/* Starts a replica on a free port, with a key of its own unless it is given one; nobody is a member
 * for it yet. */
static void start(struct rig *r, struct node *n, uint32_t id, uint64_t incarnation, bool rejoin)
{
    char text[256] = "";
    n->id = id;
    n->incarnation = incarnation;
    if (n->key == NULL)
        cr_assert_eq(rsm_key_generate("replica", &n->key), RSM_OK);
    struct peer_links_config config = {.base = r->base,
                                       .cluster_id = cluster,
                                       .key = n->key,
                                       .self = id,
                                       .incarnation = {.number = incarnation, .rejoins = rejoin},
                                       .listen = "127.0.0.1", /* any free port */
                                       .context = n,
                                       .accept = on_accept,
                                       .on_frame = on_frame,
                                       .on_left_behind = on_left_behind,
                                       .on_lost = on_lost};
    cr_assert_eq(peer_links_new(&config, &n->links, text), RSM_OK, "%s", text);
    cr_assert_neq(peer_links_port(n->links), 0);
}

static struct member member_of(const struct node *n)
{
    struct member m = {.id = n->id, .voter = true, .zone = "z"};
    memcpy(m.key, rsm_key_public(n->key), sizeof m.key);
    snprintf(m.peer_address, sizeof m.peer_address, "127.0.0.1:%u", peer_links_port(n->links));
    snprintf(m.client_address, sizeof m.client_address, "127.0.0.1:1");
    return m;
}

/* Replicas 1 to `count`, which all know each other. */
static struct rig *rig_of(uint32_t count)
{
    struct rig *r = rig_new();
    r->all = (struct member_config){.version = 1, .effective_slot = 1};
    for (uint32_t id = 1; id <= count; id++) {
        start(r, &r->nodes[id], id, 100 + id, false);
        r->all.members[r->all.count++] = member_of(&r->nodes[id]);
    }
    for (uint32_t id = 1; id <= count; id++)
        peer_links_set_members(r->nodes[id].links, &r->all, &r->none);
    return r;
}

static void rig_free(struct rig *r)
{
    for (uint32_t id = 0; id <= NODES; id++) {
        peer_links_free(r->nodes[id].links);
        rsm_key_free(r->nodes[id].key);
    }
    event_free(r->alarm);
    event_base_free(r->base);
    mem_free(r);
    cr_assert_eq(mem_live_count(), 0);
}

/* Runs the loop until `condition`; a test's own time limit is the runner's. */
#define WAIT(r, condition)                                                                         \
    do {                                                                                           \
        uint32_t turns = 0;                                                                        \
        while (!(condition)) {                                                                     \
            cr_assert_lt(turns++, PATIENCE_TURNS, "%s never came", #condition);                    \
            event_base_loop((r)->base, EVLOOP_ONCE);                                               \
        }                                                                                          \
    } while (0)

static bool both_open(struct rig *r, uint32_t a, uint32_t b)
{
    return peer_links_is_open(r->nodes[a].links, b) && peer_links_is_open(r->nodes[b].links, a);
}

static void say(struct rig *r, uint32_t from, uint32_t to, const char *words)
{
    struct blob *frame = blob_new(bytes_of_string(words));
    peer_links_send(r->nodes[from].links, to, frame, false);
    peer_links_push(r->nodes[from].links);
    blob_unref(frame);
}

static void say_and_hear(struct rig *r, uint32_t from, uint32_t to, const char *words)
{
    uint32_t before = r->nodes[to].frames[from];
    say(r, from, to, words);
    WAIT(r, r->nodes[to].frames[from] == before + 1);
    cr_assert_str_eq(r->nodes[to].last, words);
}

Test(peer_link, members_talk)
{
    struct rig *r = rig_of(3);
    WAIT(r, both_open(r, 1, 2) && both_open(r, 1, 3) && both_open(r, 2, 3));
    say_and_hear(r, 1, 2, "one to two");
    say_and_hear(r, 2, 1, "two to one");
    say_and_hear(r, 3, 1, "three to one");
    cr_assert_eq(r->nodes[1].rejoins, 0);
    rig_free(r);
}

/* Sends bulk until it is dropped, for nobody reads it; how many frames were taken. */
static uint32_t fill_link(struct rig *r, uint32_t from, uint32_t to)
{
    const struct peer_links_counters *counters = peer_links_get_counters(r->nodes[from].links);
    uint64_t dropped = counters->dropped;
    uint8_t *bytes = mem_alloc(32768);
    uint32_t sent = 0;
    memset(bytes, 'b', 32768);
    struct blob *frame = blob_new(bytes_make(bytes, 32768));
    for (; counters->dropped == dropped; sent++) {
        cr_assert_lt(sent, 4096, "128 MiB wait, and nothing is dropped");
        peer_links_send(r->nodes[from].links, to, frame, true);
        peer_links_push(r->nodes[from].links);
    }
    blob_unref(frame);
    mem_free(bytes);
    return sent - 1;
}

/* A link that takes nothing: bulk waits, not without end; what is short and urgent overtakes it. */
Test(peer_link, a_slow_link)
{
    struct rig *r = rig_of(2);
    struct node *one = &r->nodes[1], *two = &r->nodes[2];
    WAIT(r, both_open(r, 1, 2));
    say_and_hear(r, 1, 2, "the proof has come");
    cr_assert_eq(peer_links_backlog(one->links, 3), 0, "no member");
    uint32_t sent = fill_link(r, 1, 2);
    size_t backlog = peer_links_backlog(one->links, 2);
    cr_assert(backlog >= 512u << 10 && backlog <= (size_t)sent * 32800, "%zu", backlog);
    say(r, 1, 2, "now");
    WAIT(r, two->frames[1] == sent + 2);
    cr_assert_leq(two->before_now + 15, sent, "%u of %u came first", two->before_now, sent);
    WAIT(r, peer_links_backlog(one->links, 2) == 0);
    uint64_t dropped = peer_links_get_counters(one->links)->dropped;
    cr_assert_eq(fill_link(r, 1, 2) > 0, true, "as before");
    cr_assert_eq(peer_links_get_counters(one->links)->dropped, dropped + 1);
    cr_assert(both_open(r, 1, 2));
    rig_free(r);
}

/* Whoever is not in the table is refused, and taken as soon as it is; it keeps trying. */
Test(peer_link, a_member_that_is_added)
{
    struct rig *r = rig_of(2);
    WAIT(r, both_open(r, 1, 2));
    struct node *three = &r->nodes[3];
    struct member_config more = r->all;
    start(r, three, 3, 103, false);
    more.version = 2;
    more.members[more.count++] = member_of(three);
    peer_links_set_members(three->links, &more, &r->none);
    WAIT(r, peer_links_get_counters(r->nodes[1].links)->refused >= 2 &&
                peer_links_get_counters(r->nodes[2].links)->refused >= 2);
    cr_assert(!peer_links_is_open(three->links, 1) && !peer_links_is_open(three->links, 2));
    cr_assert_eq(three->asked, 0, "it has proved nothing");
    peer_links_set_members(r->nodes[1].links, &r->all, &more);
    WAIT(r, both_open(r, 1, 3));
    say_and_hear(r, 3, 1, "a learner speaks");
    cr_assert(!peer_links_is_open(three->links, 2), "2 does not know it yet");
    cr_assert_eq(r->nodes[2].frames[3], 0);
    peer_links_set_members(r->nodes[2].links, &more, &r->none);
    WAIT(r, both_open(r, 2, 3));
    cr_assert(both_open(r, 1, 2), "nothing happened to the others");
    cr_assert_eq(r->nodes[1].lost[2], 0);
    rig_free(r);
}

Test(peer_link, a_member_that_is_removed)
{
    struct rig *r = rig_of(3);
    WAIT(r, both_open(r, 1, 2) && both_open(r, 1, 3) && both_open(r, 2, 3));
    say_and_hear(r, 3, 1, "the proof has come");
    struct member_config two = r->all;
    two.version = 2;
    two.count = 2;
    peer_links_set_members(r->nodes[1].links, &r->all, &two);
    cr_assert(both_open(r, 1, 3), "it is one until the new configuration governs");
    peer_links_set_members(r->nodes[1].links, &two, &r->none);
    cr_assert(!peer_links_is_open(r->nodes[1].links, 3));
    cr_assert_eq(r->nodes[1].lost[3], 2, "in and out");
    uint64_t refused = peer_links_get_counters(r->nodes[1].links)->refused;
    WAIT(r, peer_links_get_counters(r->nodes[1].links)->refused >= refused + 3);
    cr_assert(!peer_links_is_open(r->nodes[3].links, 1));
    uint64_t dropped = peer_links_get_counters(r->nodes[1].links)->dropped;
    say(r, 1, 3, "to nobody");
    cr_assert_eq(peer_links_get_counters(r->nodes[1].links)->dropped, dropped + 1);
    cr_assert(both_open(r, 1, 2) && both_open(r, 2, 3));
    rig_free(r);
}

/* The table's key decides, not what somebody says. */
Test(peer_link, keys_are_pinned)
{
    struct rig *r = rig_of(2);
    struct member_config wrong = r->all;
    wrong.members[1].key[0] ^= 1;
    peer_links_set_members(r->nodes[1].links, &wrong, &r->none);
    WAIT(r, peer_links_get_counters(r->nodes[1].links)->refused >= 3);
    cr_assert(!peer_links_is_open(r->nodes[1].links, 2));
    cr_assert_eq(r->nodes[1].asked, 0);
    peer_links_set_members(r->nodes[1].links, &r->all, &r->none);
    WAIT(r, both_open(r, 1, 2));
    say_and_hear(r, 2, 1, "the proof has come");
    peer_links_set_members(r->nodes[1].links, &wrong, &r->none);
    cr_assert(!peer_links_is_open(r->nodes[1].links, 2), "another key: what was proved is void");
    cr_assert_eq(r->nodes[1].lost[2], 2);
    rig_free(r);
}

/* A member that moves: both addresses are tried while both configurations count. */
Test(peer_link, an_address_that_changes)
{
    struct rig *r = rig_of(2);
    WAIT(r, both_open(r, 1, 2));
    struct member_config next = r->all;
    next.version = 2;
    snprintf(next.members[1].peer_address, sizeof next.members[1].peer_address, "127.0.0.1:1");
    peer_links_set_members(r->nodes[1].links, &r->all, &next);
    cr_assert(both_open(r, 1, 2), "it has not moved yet: the connection stays");
    peer_links_free(r->nodes[2].links);
    r->nodes[2].links = NULL;
    WAIT(r, !peer_links_is_open(r->nodes[1].links, 2));
    start(r, &r->nodes[2], 2, 102, false);
    next.members[1] = member_of(&r->nodes[2]);
    peer_links_set_members(r->nodes[2].links, &r->all, &r->none);
    peer_links_set_members(r->nodes[1].links, &r->all, &next);
    WAIT(r, peer_links_is_open(r->nodes[1].links, 2));
    say_and_hear(r, 1, 2, "at the new address");
    rig_free(r);
}

/* A disk that was wiped: the same key under another incarnation is nobody. */
Test(peer_link, another_incarnation_is_refused)
{
    struct rig *r = rig_of(2);
    WAIT(r, both_open(r, 1, 2));
    peer_links_free(r->nodes[2].links);
    start(r, &r->nodes[2], 2, 999, false);
    r->all.members[1] = member_of(&r->nodes[2]);
    peer_links_set_members(r->nodes[2].links, &r->all, &r->none);
    peer_links_set_members(r->nodes[1].links, &r->all, &r->none);
    uint32_t asked = r->nodes[1].asked;
    WAIT(r, r->nodes[1].asked >= asked + 4);
    cr_assert(!peer_links_is_open(r->nodes[1].links, 2));
    say(r, 2, 1, "a wiped voice");
    WAIT(r, r->nodes[1].asked >= asked + 8);
    cr_assert_eq(r->nodes[1].frames[2], 0);
    rig_free(r);
}

/* Who is refused for good hears why, whole; with nothing to tell, nothing is told. */
Test(peer_link, a_refusal_with_a_proof)
{
    static uint8_t proof[PEER_PROOF_SIZE_MAX];
    struct rig *r = rig_of(3);
    struct node *two = &r->nodes[2], *three = &r->nodes[3];
    for (size_t i = 0; i < sizeof proof; i++)
        proof[i] = (uint8_t)(i * 7);
    WAIT(r, both_open(r, 1, 2) && both_open(r, 1, 3));
    struct member_config alone = r->all;
    alone.count = 1;
    peer_links_set_members(r->nodes[1].links, &alone, &r->none);
    uint64_t refused = peer_links_get_counters(r->nodes[1].links)->refused;
    WAIT(r, peer_links_get_counters(r->nodes[1].links)->refused >= refused + 4);
    cr_assert_eq(two->told + three->told, 0, "there was nothing to tell");
    static const size_t sizes[] = {1, 700, sizeof proof};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        peer_links_set_proof(r->nodes[1].links, bytes_make(proof, sizes[i]));
        WAIT(r, two->proof_size == sizes[i] && three->proof_size == sizes[i]);
        cr_assert_eq(memcmp(two->proof, proof, sizes[i]), 0);
        cr_assert_eq(memcmp(three->proof, proof, sizes[i]), 0);
    }
    cr_assert_eq(r->nodes[1].told, 0);
    peer_links_set_proof(r->nodes[1].links, (struct bytes){NULL, 0});
    uint32_t told = two->told;
    refused = peer_links_get_counters(r->nodes[1].links)->refused;
    WAIT(r, peer_links_get_counters(r->nodes[1].links)->refused >= refused + 4);
    cr_assert_leq(two->told, told + 1, "one was on its way");
    rig_free(r);
}

/*
 * The old life still runs (a clone, a paused process) when the new one comes: from the moment on
 * that the new incarnation is accepted nothing of the old one is heard.
 */
Test(peer_link, a_superseded_incarnation_is_closed)
{
    struct rig *r = rig_of(2);
    struct node *one = &r->nodes[1], *old = &r->nodes[2], *new = &r->nodes[3];
    WAIT(r, both_open(r, 1, 2));
    say_and_hear(r, 2, 1, "old");
    one->takes_rejoins = true;
    new->key = old->key; /* the same replica */
    start(r, new, 2, 777, true);
    peer_links_set_members(new->links, &r->all, &r->none);
    WAIT(r, one->known[2] == 777);
    WAIT(r, peer_links_is_open(new->links, 1));
    cr_assert_geq(one->rejoins, 1);
    cr_assert_eq(one->lost[2], 2, "both connections of the old life");
    struct blob *frame = blob_new(bytes_of_string("new"));
    peer_links_send(new->links, 1, frame, false);
    peer_links_push(new->links);
    blob_unref(frame);
    uint32_t before = one->frames[2];
    say(r, 2, 1, "from the past");
    WAIT(r, one->frames[2] == before + 1);
    cr_assert_str_eq(one->last, "new");
    uint64_t refused = peer_links_get_counters(one->links)->refused;
    WAIT(r, peer_links_get_counters(one->links)->refused >= refused + 3);
    cr_assert_eq(one->frames[2], before + 1, "the old one tries, and is refused");
    new->key = NULL;
    rig_free(r);
}

/* What the log says of a peer comes later than the first meeting: the wrong one is closed then. */
Test(peer_link, open_links_are_asked_for_again)
{
    struct rig *r = rig_of(3);
    WAIT(r, both_open(r, 1, 2) && both_open(r, 1, 3));
    say_and_hear(r, 2, 1, "whoever this is");
    say_and_hear(r, 3, 1, "and this");
    peer_links_recheck(r->nodes[1].links);
    cr_assert(both_open(r, 1, 2) && both_open(r, 1, 3), "nothing has changed");
    r->nodes[1].known[2] = 999;
    peer_links_recheck(r->nodes[1].links);
    cr_assert(!peer_links_is_open(r->nodes[1].links, 2));
    cr_assert_eq(r->nodes[1].lost[2], 2, "in and out");
    cr_assert(both_open(r, 1, 3));
    rig_free(r);
}

/* The running replica takes a new incarnation itself, and says that it comes to rejoin. */
Test(peer_link, an_identity_that_changes)
{
    struct rig *r = rig_of(3);
    WAIT(r, both_open(r, 1, 2) && both_open(r, 1, 3) && both_open(r, 2, 3));
    r->nodes[1].takes_rejoins = true; /* 3 does not */
    peer_links_set_identity(r->nodes[2].links,
                            &(struct incarnation){.number = 555, .rejoins = true});
    cr_assert(!peer_links_is_open(r->nodes[2].links, 1));
    WAIT(r, both_open(r, 1, 2) && r->nodes[1].known[2] == 555);
    cr_assert_geq(r->nodes[1].rejoins, 1);
    say_and_hear(r, 2, 1, "again");
    WAIT(r, r->nodes[3].rejoins >= 3);
    cr_assert(!peer_links_is_open(r->nodes[3].links, 2));
    cr_assert_eq(r->nodes[3].known[2], 102);
    /* It has its vote again; 3 reads in the list that this is the one that it knows. */
    peer_links_set_identity(r->nodes[2].links,
                            &(struct incarnation){.number = 555, .former = {102}});
    WAIT(r, both_open(r, 1, 2) && both_open(r, 2, 3));
    cr_assert_eq(r->nodes[3].known[2], 555);
    say_and_hear(r, 2, 3, "after all");
    rig_free(r);
}

/* ---- bytes of strangers ---- */

static int dial_raw(struct rig *r, uint32_t id)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(peer_links_port(r->nodes[id].links))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

Test(peer_link, refusals_have_a_code)
{
    static const struct {
        size_t offset;
        uint8_t value;
        uint8_t code;
        const char *what;
    } rows[] = {
        {0, 'X', PEER_REFUSED_VERSION, "another magic"},
        {4, 1, PEER_REFUSED_VERSION, "version 1"},
        {4, 2, PEER_REFUSED_VERSION, "version 2"},
        {4, 4, PEER_REFUSED_VERSION, "version 4"},
        {5, 9, PEER_REFUSED_CLUSTER, "another cluster"},
        {28, 7, PEER_REFUSED_TARGET, "for somebody else"},
        {24, 1, PEER_REFUSED_MEMBER, "from ourselves"},
        {24, 0, PEER_REFUSED_MEMBER, "from nobody"},
        {24, 10, PEER_REFUSED_MEMBER, "from number 10"},
        {21, 255, PEER_REFUSED_MEMBER, "from a huge number"},
        {24, 4, PEER_REFUSED_MEMBER, "from a replica that is no member"},
        {37, 2, PEER_REFUSED_VERSION, "a flag that is not known"},
        {53, 1, PEER_REFUSED_VERSION, "a number behind the last of the list"},
    };
    struct rig *r = rig_of(2);
    uint8_t good[PEER_HELLO_SIZE];
    struct peer_hello hello = {
        .cluster_id = cluster, .from = 2, .to = 1, .incarnation.number = 102};
    peer_hello_encode(&hello, good);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[PEER_HELLO_SIZE], code = 0;
        int fd = dial_raw(r, 1);
        memcpy(bytes, good, sizeof bytes);
        bytes[rows[i].offset] = rows[i].value;
        cr_assert_eq(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
        WAIT(r, recv(fd, &code, 1, MSG_DONTWAIT) == 1);
        cr_assert_eq(code, rows[i].code, "%s: %u", rows[i].what, code);
        WAIT(r, recv(fd, &code, 1, MSG_DONTWAIT) == 0);
        close(fd);
    }
    rig_free(r);
}

/* The hello of another version may be shorter: it is not waited for. */
Test(peer_link, a_shorter_hello_of_another_version)
{
    static const uint8_t two[70] = {'R', 'S', 'M', 'P', 2};
    struct rig *r = rig_of(1);
    int fd = dial_raw(r, 1);
    uint8_t code = 0;
    cr_assert_eq(send(fd, two, sizeof two, 0), sizeof two);
    WAIT(r, recv(fd, &code, 1, MSG_DONTWAIT) == 1);
    cr_assert_eq(code, PEER_REFUSED_VERSION);
    close(fd);
    rig_free(r);
}

/* The lowest descriptor that is free becomes the first that may not be had. */
static void leave_no_descriptor(struct rlimit *before)
{
    int fd = dup(0);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, before), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)fd, .rlim_max = before->rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

/* Who dials while no descriptor is free is taken when there is one, whatever else happens. */
Test(peer_link, out_of_descriptors)
{
    struct rlimit before;
    uint8_t bytes[PEER_HELLO_SIZE + 64] = {0};
    uint8_t code = 0;
    struct rig *r = rig_of(1);
    int fd = dial_raw(r, 1);
    cr_assert_eq(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    leave_no_descriptor(&before);
    for (int i = 0; i < 10; i++)
        event_base_loop(r->base, EVLOOP_ONCE);
    cr_assert_lt(recv(fd, &code, 1, MSG_DONTWAIT), 0, "nobody took it");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    WAIT(r, recv(fd, &code, 1, MSG_DONTWAIT) == 1);
    cr_assert_eq(code, PEER_REFUSED_VERSION);
    close(fd);
    rig_free(r);
}

/* Connections that prove nothing fill the table, and no more: the next one is closed at once. */
Test(peer_link, too_many_connections)
{
    enum { MOST = 64 };
    int fds[MOST + 1];
    uint8_t byte;
    struct rig *r = rig_of(1);
    for (int i = 0; i <= MOST; i++)
        fds[i] = dial_raw(r, 1);
    WAIT(r, recv(fds[MOST], &byte, 1, MSG_DONTWAIT) == 0);
    cr_assert_eq(peer_links_get_counters(r->nodes[1].links)->refused, 1);
    for (int i = 0; i < MOST; i++)
        cr_assert_lt(recv(fds[i], &byte, 1, MSG_DONTWAIT), 0, "connection %d", i);
    close(fds[0]);
    WAIT(r, peer_links_get_counters(r->nodes[1].links)->refused == 2);
    fds[0] = dial_raw(r, 1);
    uint8_t hello[PEER_HELLO_SIZE + 64] = {0};
    cr_assert_eq(send(fds[0], hello, sizeof hello, 0), sizeof hello);
    WAIT(r, recv(fds[0], &byte, 1, MSG_DONTWAIT) == 1);
    for (int i = 0; i <= MOST; i++)
        close(fds[i]);
    rig_free(r);
}

/* An address that is none, and one that is taken: words, and nothing left behind. */
Test(peer_link, where_nobody_can_listen)
{
    char text[256] = "", taken[32];
    struct peer_links *links;
    struct rig *r = rig_of(1);
    snprintf(taken, sizeof taken, "127.0.0.1:%u", peer_links_port(r->nodes[1].links));
    const char *const rows[] = {"nowhere", taken};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer_links_config config = {.base = r->base,
                                           .cluster_id = cluster,
                                           .key = r->nodes[1].key,
                                           .self = 2,
                                           .listen = rows[i]};
        cr_assert_eq(peer_links_new(&config, &links, text), RSM_IO);
        cr_assert(links == NULL && strstr(text, rows[i]) != NULL, "%s", text);
    }
    rig_free(r);
}

/* A good hello gets an answer; who cannot prove the key gets nothing behind it. */
Test(peer_link, a_hello_alone_proves_nothing)
{
    uint8_t bytes[PEER_HELLO_SIZE + 64] = {0};
    uint8_t answer[PEER_ANSWER_HEAD_SIZE + 64];
    struct rig *r = rig_of(2);
    struct peer_hello hello = {.cluster_id = cluster, .from = 2, .to = 1, .incarnation.number = 5};
    struct peer_hello theirs;
    size_t got = 0;
    ssize_t one = 0;
    peer_hello_encode(&hello, bytes);
    int fd = dial_raw(r, 1);
    cr_assert_eq(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    for (; got < sizeof answer; got += (size_t)one)
        WAIT(r, (one = recv(fd, answer + got, sizeof answer - got, MSG_DONTWAIT)) > 0);
    cr_assert(peer_answer_decode(answer, &theirs));
    cr_assert(theirs.incarnation.number == 101 && !theirs.incarnation.rejoins);
    uint8_t code = 0;
    WAIT(r, recv(fd, &code, 1, MSG_DONTWAIT) == 1);
    cr_assert_eq(code, PEER_REFUSED_PROOF);
    cr_assert_neq(r->nodes[1].known[2], 5, "an incarnation without a proof");
    close(fd);
    rig_free(r);
}

static bool is_same(const struct incarnation *a, const struct incarnation *b)
{
    return a->number == b->number && a->rejoins == b->rejoins &&
           memcmp(a->former, b->former, sizeof a->former) == 0;
}

/* Handshake bytes, one at a time, both ways round. */
Test(peer_hello, there_and_back)
{
    uint8_t bytes[PEER_HELLO_SIZE], head[PEER_ANSWER_HEAD_SIZE];
    struct peer_hello in = {.cluster_id = cluster,
                            .from = 3,
                            .to = 1,
                            .incarnation = {.number = 0x1122334455667788,
                                            .former = {0x2233445566778899, 3},
                                            .rejoins = true},
                            .nonce = {9, 8, 7}};
    struct peer_hello out;
    peer_hello_encode(&in, bytes);
    cr_assert_eq(peer_hello_decode(bytes, cluster, 1, &out), 0);
    cr_assert(out.from == 3 && out.to == 1);
    cr_assert(is_same(&out.incarnation, &in.incarnation));
    cr_assert_arr_eq(out.nonce, in.nonce, sizeof in.nonce);
    peer_answer_encode(&in, head);
    cr_assert(peer_answer_decode(head, &out));
    cr_assert(is_same(&out.incarnation, &in.incarnation));
    cr_assert_arr_eq(out.nonce, in.nonce, sizeof in.nonce);
    head[9] = 2;
    cr_assert(!peer_answer_decode(head, &out), "an unknown flag");
    memset(in.incarnation.former, 0, sizeof in.incarnation.former);
    in.incarnation.former[1] = 3;
    peer_answer_encode(&in, head);
    cr_assert(!peer_answer_decode(head, &out), "a number behind the last of the list");
    peer_hello_encode(&in, bytes);
    cr_assert_eq(peer_hello_decode(bytes, cluster, 1, &out), PEER_REFUSED_VERSION);
    for (uint8_t code = 0; code < 255; code++)
        cr_assert_gt(strlen(peer_refusal_text(code)), 3);
}
