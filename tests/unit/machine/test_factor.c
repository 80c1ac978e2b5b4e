/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_factor.c - second factors: signatures against vectors, and every rule about them. */
#include <criterion/criterion.h>

#include <string.h>

#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <sodium.h>

#include <rsm/factor.h>

#include "src/machine/factor.h"
#include "src/machine/staged.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define OWNER "mail.example."
#define RP "rsm"

static struct world *w;
static struct actor *root, *bob, *carol, *dave;
static uint8_t digest[HASH_SIZE];

/* RFC 6979 A.2.5: P-256, SHA-256, "sample". */
static const char SECRET[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char PUBLIC[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                             "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char SIGNATURE[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                                "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

struct token {
    enum rsm_factor_method method;
    const char *id;
    uint8_t public_half[64];
    uint8_t secret[64]; /* P-256: the first 32 */
    uint32_t counter;
    uint8_t flags;
};

static void fill_random(void *context, size_t size, uint8_t *out)
{
    uint8_t *next = context;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(++*next * 7u);
}

static struct token make_token(enum rsm_factor_method method, const char *id, uint8_t seed)
{
    struct token t = {.method = method, .id = id, .counter = 1, .flags = 5};
    if (rsm_factor_public_size(method) == 64) {
        cr_assert(hex_decode(t.public_half, 64, PUBLIC) && hex_decode(t.secret, 32, SECRET));
    } else {
        uint8_t seeds[crypto_sign_SEEDBYTES];
        memset(seeds, seed, sizeof seeds);
        (void)crypto_sign_seed_keypair(t.public_half, t.secret, seeds);
    }
    return t;
}

static void sign_p256(const struct token *t, const uint8_t hash[32], uint8_t out[64])
{
    struct ecc_scalar key;
    struct dsa_signature rs;
    uint8_t next = 1;
    mpz_t x;
    mpz_init(x);
    mpz_import(x, 32, 1, 1, 1, 0, t->secret);
    ecc_scalar_init(&key, nettle_get_secp_256r1());
    dsa_signature_init(&rs);
    cr_assert(ecc_scalar_set(&key, x));
    ecdsa_sign(&key, &next, fill_random, 32, hash, &rs);
    memset(out, 0, 64);
    size_t size = (mpz_sizeinbase(rs.r, 2) + 7) / 8;
    mpz_export(out + 32 - size, NULL, 1, 1, 1, 0, rs.r);
    size = (mpz_sizeinbase(rs.s, 2) + 7) / 8;
    mpz_export(out + 64 - size, NULL, 1, 1, 1, 0, rs.s);
    ecc_scalar_clear(&key);
    dsa_signature_clear(&rs);
    mpz_clear(x);
}

struct answer {
    uint8_t over[32], data[64], signature[64];
    size_t data_size;
};

static bool is_fido2(const struct token *t)
{
    return t->method == RSM_FACTOR_FIDO2_ES256 || t->method == RSM_FACTOR_FIDO2_EDDSA;
}

/* What the token says to the change in hand, for `principal`. */
static struct answer ask(const struct token *t, const char *principal, const char *rp)
{
    struct answer a = {.data_size = 0};
    struct signature_tag none = {"", 0};
    uint8_t both[96], hash[32];
    rsm_factor_hash((struct rsm_bytes){digest, sizeof digest}, text_bytes(principal), a.over);
    if (is_fido2(t)) {
        (void)crypto_hash_sha256(a.data, (const uint8_t *)rp, strlen(rp));
        a.data[32] = t->flags;
        put_u32(a.data + 33, t->counter);
        a.data_size = 37;
    }
    struct bytes data = bytes_make(a.data, a.data_size), over = bytes_make(a.over, 32);
    memcpy(both, a.data, a.data_size);
    memcpy(both + a.data_size, a.over, 32);
    (void)crypto_hash_sha256(hash, both, a.data_size + 32);
    if (t->method == RSM_FACTOR_FIDO2_ES256)
        sign_p256(t, hash, a.signature);
    else if (t->method == RSM_FACTOR_KEY_ES256)
        sign_p256(t, a.over, a.signature);
    else
        cr_assert_eq(
            signature_sign(t->secret, is_fido2(t) ? none : FACTOR_TAG, data, over, a.signature),
            RSM_OK);
    return a;
}

static bool enroll(const char *principal, const struct token *t)
{
    struct rsm_buffer body;
    struct rsm_bytes public_half = {t->public_half, rsm_factor_public_size(t->method)};
    cr_assert_eq(rsm_body_factor_enroll(text_bytes(principal), text_bytes(t->id), t->method,
                                        public_half, text_bytes(is_fido2(t) ? RP : ""), &body),
                 RSM_OK);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_FACTOR_ENROLL, body);
}

static bool revoke(const char *principal, const char *id)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_factor_revoke(text_bytes(principal), text_bytes(id), &body), RSM_OK);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_FACTOR_REVOKE, body);
}

static void request(uint8_t n)
{
    struct rsm_change c = change_a(OWNER, n, 1);
    actor_request(bob, RSM_CLASS_EMERGENCY, ZONE, &c, digest);
}

static bool approve(struct actor *a, const char *id, const struct answer *answer)
{
    struct rsm_buffer body;
    struct rsm_factor factor = {.id = text_bytes(id)};
    if (answer != NULL)
        factor = (struct rsm_factor){text_bytes(id),
                                     {answer->over, 32},
                                     {answer->data, answer->data_size},
                                     {answer->signature, 64}};
    cr_assert_eq(rsm_body_change_approve((struct rsm_bytes){digest, sizeof digest},
                                         answer != NULL ? &factor : NULL, &body),
                 RSM_OK);
    return actor_do(a, RSM_KIND_CHANGE_APPROVE, body);
}

static bool approve_with(struct actor *a, const struct token *t)
{
    struct answer answer = ask(t, a->name, RP);
    return approve(a, t->id, &answer);
}

static void set_up(void)
{
    struct rsm_change more[] = {change_a(OWNER, 3, 1)};
    w = world_new();
    root = &w->actors[0];
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    carol = world_principal(w, "carol", RSM_PRINCIPAL_PERSON, "approver");
    dave = world_principal(w, "dave", RSM_PRINCIPAL_PERSON, "approver");
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 1)));
    request(9);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(factor, .init = set_up, .fini = tear_down);

#define EXPECT(rule, part)                                                                         \
    do {                                                                                           \
        cr_assert(world_refused(w, (rule)), "%s", world_words(w));                                 \
        cr_assert(strstr(world_words(w), (part)) != NULL, "%s", world_words(w));                   \
    } while (0)

/* ---- signatures ---- */

Test(factor, vectors_of_rfc_6979)
{
    uint8_t public_half[64], signature[64], hash[32];
    struct factor_record f = {.method = RSM_FACTOR_KEY_ES256, .public_half = {public_half, 64}};
    struct bytes none = {NULL, 0};
    cr_assert(hex_decode(public_half, 64, PUBLIC) && hex_decode(signature, 64, SIGNATURE));
    (void)crypto_hash_sha256(hash, (const uint8_t *)"sample", 6);
    cr_assert_eq(factor_verify(&f, none, hash, signature), RSM_OK);
    for (size_t bit = 0; bit < 8 * 64; bit += 5) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(factor_verify(&f, none, hash, signature), RSM_BAD_SIGNATURE);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        public_half[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(factor_verify(&f, none, hash, signature), RSM_BAD_SIGNATURE,
                     "a point that is on no curve");
        public_half[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert_eq(factor_verify(&f, bytes_make(hash, 1), hash, signature), RSM_BAD_SIGNATURE);
    memset(signature, 0, 32);
    cr_assert_eq(factor_verify(&f, none, hash, signature), RSM_BAD_SIGNATURE, "r is 0");
    memset(public_half, 0, 64);
    cr_assert_eq(factor_verify(&f, none, hash, signature), RSM_BAD_SIGNATURE);
}

Test(factor, each_method_signs)
{
    static const enum rsm_factor_method methods[] = {RSM_FACTOR_FIDO2_ES256, RSM_FACTOR_FIDO2_EDDSA,
                                                     RSM_FACTOR_KEY_ES256, RSM_FACTOR_KEY_EDDSA};
    for (size_t i = 0; i < 4; i++) {
        struct token t = make_token(methods[i], "t", (uint8_t)(i + 1));
        struct answer a = ask(&t, "carol", RP);
        for (size_t k = 0; k < 4; k++) {
            struct factor_record f = {
                .method = methods[k],
                .public_half = {t.public_half, rsm_factor_public_size(methods[k])}};
            cr_assert_eq(factor_verify(&f, bytes_make(a.data, a.data_size), a.over, a.signature) ==
                             RSM_OK,
                         i == k, "%zu taken for %zu", i, k);
        }
    }
}

/* ---- rules ---- */

Test(factor, what_the_policy_asks_for)
{
    struct token t = make_token(RSM_FACTOR_FIDO2_ES256, "token", 1);
    cr_assert(!approve(carol, "", NULL));
    EXPECT(RSM_RULE_FACTOR_MISSING, "second_factor = 1");
    cr_assert(!approve_with(carol, &t));
    EXPECT(RSM_RULE_FACTOR_UNKNOWN, "carol has no second factor token");
    cr_assert(enroll("carol", &t), "%s", world_words(w));
    cr_assert(approve_with(carol, &t), "%s", world_words(w));
    world_policy(w, "second_factor", 0);
    cr_assert(approve(dave, "", NULL), "%s", world_words(w));
}

/* Whoever has an answer to one change, or somebody else's, has nothing. */
Test(factor, for_this_change_and_this_person)
{
    struct token t = make_token(RSM_FACTOR_KEY_EDDSA, "stick", 3);
    struct token other = make_token(RSM_FACTOR_KEY_EDDSA, "stick", 4);
    cr_assert(enroll("carol", &t) && enroll("dave", &other), "%s", world_words(w));
    struct answer first = ask(&t, "carol", RP);
    cr_assert(approve(carol, "stick", &first));
    cr_assert(!approve(dave, "stick", &first));
    EXPECT(RSM_RULE_FACTOR_DIGEST, "something else than this change by dave");
    request(10);
    cr_assert(!approve(carol, "stick", &first));
    EXPECT(RSM_RULE_FACTOR_DIGEST, "something else");
    struct answer forged = ask(&other, "carol", RP);
    cr_assert(!approve(carol, "stick", &forged));
    EXPECT(RSM_RULE_FACTOR_SIGNATURE, "is not good");
    rsm_factor_hash((struct rsm_bytes){digest, sizeof digest}, text_bytes("carol"), first.over);
    cr_assert(!approve(carol, "stick", &first), "the hash is right, and was not signed");
    EXPECT(RSM_RULE_FACTOR_SIGNATURE, "is not good");
}

Test(factor, the_authenticator_saw_its_person)
{
    struct token t = make_token(RSM_FACTOR_FIDO2_EDDSA, "token", 1);
    cr_assert(enroll("carol", &t));
    t.flags = 4;
    cr_assert(!approve_with(carol, &t));
    EXPECT(RSM_RULE_FACTOR_PRESENCE, "was not touched");
    t.flags = 1;
    cr_assert(!approve_with(carol, &t));
    EXPECT(RSM_RULE_FACTOR_PRESENCE, "did not verify");
    t.flags = 5;
    struct answer a = ask(&t, "carol", "elsewhere");
    cr_assert(!approve(carol, "token", &a));
    EXPECT(RSM_RULE_FACTOR_PRESENCE, "is not for rsm");
    a = ask(&t, "carol", RP);
    a.data_size = 36;
    cr_assert(!approve(carol, "token", &a));
    EXPECT(RSM_RULE_FACTOR_PRESENCE, "no authenticator data");
    cr_assert(approve_with(carol, &t), "%s", world_words(w));
}

Test(factor, the_counter_rises)
{
    struct token t = make_token(RSM_FACTOR_FIDO2_ES256, "token", 1);
    static const struct {
        uint32_t counter;
        bool is_good;
    } cases[] = {{0, true}, {0, true}, {7, true}, {7, false}, {6, false}, {0, false}, {8, true}};
    cr_assert(enroll("carol", &t));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        request((uint8_t)(20 + i));
        t.counter = cases[i].counter;
        cr_assert_eq(approve_with(carol, &t), cases[i].is_good, "%zu: %s", i, world_words(w));
        if (!cases[i].is_good)
            EXPECT(RSM_RULE_FACTOR_REPLAYED, "make a new one");
    }
}

/* A code is a replica's word, signed with the key that it is a member with. */
Test(factor, codes_need_an_attestation)
{
    struct token t = {.method = RSM_FACTOR_TOTP, .id = "app"};
    struct answer a = {.data_size = TOTP_DATA_SIZE};
    cr_assert(enroll("carol", &t), "%s", world_words(w));
    rsm_factor_hash((struct rsm_bytes){digest, sizeof digest}, text_bytes("carol"), a.over);
    put_u64(a.data, w->now_ms / TOTP_STEP_MS);
    a.data[8] = 1;
    cr_assert(!approve(carol, "app", &a));
    EXPECT(RSM_RULE_FACTOR_SIGNATURE, "no replica attests");
    a.data_size = 8;
    cr_assert(!approve(carol, "app", &a));
    EXPECT(RSM_RULE_FACTOR_SIGNATURE, "no replica attests");
    world_policy(w, "second_factor", 2);
    cr_assert(!approve(carol, "app", &a));
    EXPECT(RSM_RULE_FACTOR_MISSING, "is a code");
}

/* ---- enrolling ---- */

Test(factor, who_enrolls_what)
{
    struct token t = make_token(RSM_FACTOR_KEY_EDDSA, "stick", 3);
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_factor_enroll(text_bytes("carol"), text_bytes("own"), t.method,
                                        (struct rsm_bytes){t.public_half, 32}, text_bytes(""),
                                        &body),
                 RSM_OK);
    actor_see_all(carol);
    cr_assert(!actor_do(carol, RSM_KIND_FACTOR_ENROLL, body));
    EXPECT(RSM_RULE_RIGHTS, "factor.enroll");
    struct token own = t;
    memcpy(own.public_half, carol->key, 32);
    cr_assert(!enroll("carol", &own));
    EXPECT(RSM_RULE_FACTOR_USED, "signs commands with");
    cr_assert(enroll("carol", &t));
    cr_assert(!enroll("carol", &t));
    EXPECT(RSM_RULE_NO_CHANGE, "take another name");
    cr_assert(!enroll("dave", &t), "one token for two persons");
    EXPECT(RSM_RULE_FACTOR_USED, "was enrolled for carol");
    cr_assert(revoke("carol", "stick"), "%s", world_words(w));
    cr_assert(!enroll("dave", &t), "not when it was revoked either");
    cr_assert(!revoke("carol", "stick"));
    EXPECT(RSM_RULE_FACTOR_UNKNOWN, "has no second factor");
    cr_assert(!approve_with(carol, &t));
    EXPECT(RSM_RULE_FACTOR_UNKNOWN, "was revoked in slot");
    cr_assert(!enroll("nobody", &t));
    EXPECT(RSM_RULE_PRINCIPAL_UNKNOWN, "nobody");
}

/* For the root role's decisions a factor is asked of those who have one. */
Test(factor, root_approvals)
{
    struct token t = make_token(RSM_FACTOR_KEY_EDDSA, "stick", 3);
    struct actor *ann = world_principal(w, "ann", RSM_PRINCIPAL_PERSON, "root");
    struct actor *ben = world_principal(w, "ben", RSM_PRINCIPAL_PERSON, "root");
    cr_assert(enroll("ann", &t), "%s", world_words(w));
    world_policy(w, "root_approvals", 2);
    for (int i = 0; i < 2; i++) {
        struct token other =
            make_token(RSM_FACTOR_KEY_EDDSA, i == 0 ? "x" : "y", (uint8_t)(10 + i));
        cr_assert(!enroll("carol", &other), "enrolling waits for the root role as well");
        cr_assert_eq(w->verdict.kind, VERDICT_STAGED, "%s", world_words(w));
        memcpy(digest, w->verdict.digest, HASH_SIZE);
        if (i == 0) {
            cr_assert(!approve(ann, "", NULL));
            EXPECT(RSM_RULE_FACTOR_MISSING, "second factor");
        }
        cr_assert(approve(ben, "", NULL) || w->verdict.kind == VERDICT_APPLIED, "%s",
                  world_words(w));
    }
}

/* What was approved with a factor that is lost is not approved. */
Test(factor, a_lost_factor_takes_its_approvals_along)
{
    struct token first = make_token(RSM_FACTOR_KEY_EDDSA, "a", 3);
    struct token second = make_token(RSM_FACTOR_KEY_EDDSA, "b", 4);
    struct rsm_buffer body;
    cr_assert(enroll("carol", &first) && enroll("dave", &second));
    cr_assert(approve_with(carol, &first) && approve_with(dave, &second));
    cr_assert(revoke("dave", "b"));
    cr_assert_eq(rsm_body_change_apply((struct rsm_bytes){digest, sizeof digest}, NULL, 0, &body),
                 RSM_OK);
    cr_assert(!actor_do(bob, RSM_KIND_CHANGE_APPLY, body));
    EXPECT(RSM_RULE_APPROVER, "dave has lost the second factor");
}
