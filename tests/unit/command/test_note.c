/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_note.c - notes, keys, checkpoints and proofs: what is written is read again, the published
 * example of another implementation verifies, and what is not canonical is nothing.
 */
#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

#include "src/command/keyfile.h"
#include "src/command/note.h"

/* The example of Go's golang.org/x/mod/sumdb/note: its key, and a text signed by it. */
static const char go_key[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char go_note[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/"
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static struct rsm_key *make_key(const char *name, uint8_t first)
{
    uint8_t seed[KEYFILE_SEED_SIZE] = {first};
    struct rsm_key *key = NULL;

    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    cr_assert_eq(key_from_seed(name, seed, &key), RSM_OK);
    return key;
}

static enum rsm_status parse(const char *text, struct note *out)
{
    return note_parse(bytes_of_string(text), out);
}

Test(note, an_example_of_another_implementation_verifies)
{
    struct note note;
    struct note_key key;
    struct writer out;
    uint64_t seconds = 7;

    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    cr_assert_eq(note_key_parse(go_key, &key), RSM_OK);
    cr_assert_eq(parse(go_note, &note), RSM_OK);
    cr_assert_eq(note_verify(&note, &key, &seconds), RSM_OK);
    cr_assert_eq(seconds, 0);
    writer_init(&out, 1024);
    note_key_format(&key, &out);
    cr_assert(bytes_equal(writer_result(&out), bytes_of_string(go_key)));
    writer_deinit(&out);
}

Test(note, what_a_principal_signs_verifies_under_its_key_and_no_other)
{
    struct rsm_key *alice = make_key("alice@company.com", 1);
    struct rsm_key *other = make_key("alice@company.com", 2);
    struct note_key key;
    struct note note;
    struct writer out;
    uint64_t seconds = 0;

    writer_init(&out, NOTE_SIZE_MAX);
    cr_assert_eq(note_sign(alice, bytes_of_string("one\n\ntwo\n"), &out), RSM_OK);
    cr_assert_eq(note_parse(writer_result(&out), &note), RSM_OK);
    cr_assert(bytes_equal(note.text, bytes_of_string("one\n\ntwo\n")),
              "an empty line in the text is the text's");
    cr_assert_eq(note_key_of(alice, &key), RSM_OK);
    cr_assert_eq(note_verify(&note, &key, &seconds), RSM_OK);
    out.data[0] ^= 1;
    cr_assert_eq(note_verify(&note, &key, &seconds), RSM_BAD_SIGNATURE);
    out.data[0] ^= 1;
    cr_assert_eq(note_key_of(other, &key), RSM_OK);
    cr_assert_eq(note_verify(&note, &key, &seconds), RSM_NOT_FOUND);
    writer_deinit(&out);
    rsm_key_free(alice);
    rsm_key_free(other);
}

Test(note, a_witness_signs_with_its_time)
{
    uint8_t seed[crypto_sign_SEEDBYTES] = {3}, secret[crypto_sign_SECRETKEYBYTES];
    uint8_t line[4 + 8 + crypto_sign_BYTES], type_and_key[33], id[crypto_hash_sha256_BYTES];
    static const char signed_text[] = "cosignature/v1\ntime 1700000000\norigin\n";
    struct writer text, key_text, hashed;
    struct note_key key;
    struct note note;
    uint64_t seconds = 0;

    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    type_and_key[0] = NOTE_COSIGNATURE;
    crypto_sign_seed_keypair(type_and_key + 1, secret, seed);
    writer_init(&hashed, 256);
    writer_format(&hashed, "witness\n");
    writer_bytes(&hashed, bytes_make(type_and_key, sizeof type_and_key));
    crypto_hash_sha256(id, hashed.data, hashed.size);
    writer_init(&key_text, 256);
    writer_format(&key_text, "witness+%02x%02x%02x%02x+", id[0], id[1], id[2], id[3]);
    note_base64_write(bytes_make(type_and_key, sizeof type_and_key), &key_text);
    writer_u8(&key_text, 0);
    memcpy(line, id, 4);
    put_u64(line + 4, 1700000000);
    crypto_sign_detached(line + 12, NULL, (const uint8_t *)signed_text, strlen(signed_text),
                         secret);
    writer_init(&text, 1024);
    writer_format(&text, "origin\n\n\xe2\x80\x94 witness ");
    note_base64_write(bytes_make(line, sizeof line), &text);
    writer_format(&text, "\n");
    cr_assert_eq(note_key_parse((const char *)key_text.data, &key), RSM_OK);
    cr_assert_eq(note_parse(writer_result(&text), &note), RSM_OK);
    cr_assert_eq(note_verify(&note, &key, &seconds), RSM_OK);
    cr_assert_eq(seconds, 1700000000);
    key.type = NOTE_ED25519;
    cr_assert_eq(note_verify(&note, &key, &seconds), RSM_BAD_SIGNATURE);
    writer_deinit(&text);
    writer_deinit(&hashed);
    writer_deinit(&key_text);
}

Test(note, what_is_no_note)
{
    static const char *const texts[] = {
        "",
        "\n",
        "text\n",
        "text\n\n",
        "\n\xe2\x80\x94 a AAAAAAA=\n",
        "text\n\xe2\x80\x94 a AAAAAAA=\n",               /* no empty line */
        "text\n\n\xe2\x80\x94 a AAAAAAA=",               /* no end */
        "text\n\n- a AAAAAAA=\n",                        /* another dash */
        "text\n\n\xe2\x80\x94  AAAAAAA=\n",              /* no name */
        "text\n\n\xe2\x80\x94 a+b AAAAAAA=\n",           /* a plus in the name */
        "text\n\n\xe2\x80\x94 a AAAAAA==\n",             /* an id and nothing behind it */
        "text\n\n\xe2\x80\x94 a AAAAAAB=\n",             /* bits behind the end */
        "text\n\n\xe2\x80\x94 a AAAAAAA\n",              /* no padding */
        "text\n\n\xe2\x80\x94 a AAAA\tAAA=\n",           /* a control character */
        "text\n\n\xe2\x80\x94 a AAA\x98\x98\x98\x98=\n", /* libsodium would take it */
        "text\r\n\n\xe2\x80\x94 a AAAAAAA=\n",
        "text\n\n\xe2\x80\x94 a AAAAAAA=\n\xe2\x80\x94\n", /* one good line, one bad */
    };
    struct note note;

    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        cr_assert_eq(parse(texts[i], &note), RSM_MALFORMED, "text %zu", i);
    cr_assert_eq(parse("text\n\n\xe2\x80\x94 a AAAAAAA=\n", &note), RSM_OK, "the good one");
}

Test(note, limits_are_enforced)
{
    struct writer out;
    struct note note;

    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    writer_init(&out, 4 * NOTE_SIZE_MAX);
    writer_format(&out, "text\n\n");
    for (unsigned i = 0; i < NOTE_SIGNATURES_MAX; i++)
        writer_format(&out, "\xe2\x80\x94 a%u AAAAAAA=\n", i);
    cr_assert_eq(note_parse(writer_result(&out), &note), RSM_OK);
    cr_assert_eq(note.signature_count, NOTE_SIGNATURES_MAX);
    writer_format(&out, "\xe2\x80\x94 z AAAAAAA=\n");
    cr_assert_eq(note_parse(writer_result(&out), &note), RSM_TOO_MANY);
    writer_reset(&out);
    while (out.size <= NOTE_SIZE_MAX)
        writer_format(&out, "text\n");
    cr_assert_eq(note_parse(writer_result(&out), &note), RSM_TOO_LARGE);
    writer_deinit(&out);
}

Test(note, what_is_no_key)
{
    static const struct {
        const char *text;
        enum rsm_status status;
    } cases[] = {
        {"", RSM_MALFORMED},
        {"PeterNeumann", RSM_MALFORMED},
        {"PeterNeumann+c74f20a3", RSM_MALFORMED},
        {"PeterNeumann+c74f20a3+", RSM_MALFORMED},
        {"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", RSM_MALFORMED},
        {"Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", RSM_MALFORMED},
        {"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", RSM_MALFORMED},
        {"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", RSM_MALFORMED},
        {"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy1A==", RSM_MALFORMED},
        {"PeterNeumann+c74f20a3+Bhpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", RSM_UNKNOWN_KEY},
    };
    struct note_key key;

    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(note_key_parse(cases[i].text, &key), cases[i].status, "key %zu", i);
}

Test(note, a_name_with_a_blank_or_a_plus_signs_nothing)
{
    static const char *const names[] = {"alice b", "alice+b", "al\xc2\xa0ice", "al\xe3\x80\x80ice"};
    struct writer out;

    writer_init(&out, 1024);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct rsm_key *key = make_key(names[i], 1);
        cr_assert_eq(note_sign(key, bytes_of_string("text\n"), &out), RSM_MALFORMED);
        rsm_key_free(key);
    }
    cr_assert_eq(out.size, 0);
    writer_deinit(&out);
}

Test(note, a_checkpoint_has_three_lines)
{
    struct note_checkpoint checkpoint = {bytes_of_string("rsm/00"), 12345, {7}}, back;
    static const char *const bad[] = {
        "",
        "o\n1\n",
        "\n1\nBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n01\nBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n18446744073709551616\nBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n-1\nBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "o\n1\nBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n",
        "o\n1\nBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n",
        "o\n1\nBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    struct writer out;

    writer_init(&out, 1024);
    note_checkpoint_write(&checkpoint, &out);
    cr_assert_eq(note_checkpoint_parse(writer_result(&out), &back), RSM_OK);
    cr_assert(bytes_equal(back.origin, checkpoint.origin));
    cr_assert_eq(back.size, 12345);
    cr_assert_arr_eq(back.root, checkpoint.root, NOTE_HASH_SIZE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(note_checkpoint_parse(bytes_of_string(bad[i]), &back), RSM_MALFORMED,
                     "text %zu", i);
    writer_deinit(&out);
}

Test(note, a_proof_is_read_as_it_was_written)
{
    struct note_proof proof = {.kind = NOTE_INCLUSION,
                               .number = 9,
                               .extra = bytes_of_string("AAAA"),
                               .hash_count = 2,
                               .hashes = {{1}, {2}},
                               .checkpoint = bytes_of_string("whatever\n")};
    struct note_proof back;
    struct writer out;

    writer_init(&out, 4096);
    for (int round = 0; round < 3; round++) {
        writer_reset(&out);
        note_proof_write(&proof, &out);
        cr_assert_eq(note_proof_parse(writer_result(&out), &back), RSM_OK);
        cr_assert_eq(back.kind, proof.kind);
        cr_assert_eq(back.number, 9);
        cr_assert(bytes_equal(back.extra, proof.extra));
        cr_assert_eq(back.hash_count, 2);
        cr_assert_arr_eq(back.hashes, proof.hashes, 2 * NOTE_HASH_SIZE);
        cr_assert(bytes_equal(back.checkpoint, proof.checkpoint));
        proof.extra = bytes_make(NULL, 0); /* then without, then the other kind */
        if (round == 1)
            proof.kind = NOTE_CONSISTENCY;
    }
    writer_deinit(&out);
}

Test(note, what_is_no_proof)
{
    static const char hash[] = "BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    static const char *const bad[] = {
        "",
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v2\nindex 1\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nold 1\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nextra \nindex 1\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 01\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 1\n\n",
        "index 1\n\ncheckpoint\n",
        "old 1\nhash\n\ncheckpoint\n",
        "old 1\ncheckpoint\n",
    };
    struct note_proof proof;
    struct writer out;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(note_proof_parse(bytes_of_string(bad[i]), &proof), RSM_MALFORMED, "text %zu",
                     i);
    writer_init(&out, NOTE_SIZE_MAX);
    writer_format(&out, "old 1\n");
    for (unsigned i = 0; i < NOTE_HASHES_MAX; i++)
        writer_format(&out, "%s", hash);
    size_t size = out.size;
    writer_format(&out, "\ncheckpoint\n");
    cr_assert_eq(note_proof_parse(writer_result(&out), &proof), RSM_OK);
    cr_assert_eq(proof.hash_count, NOTE_HASHES_MAX);
    out.size = size;
    writer_format(&out, "%s\ncheckpoint\n", hash);
    cr_assert_eq(note_proof_parse(writer_result(&out), &proof), RSM_TOO_MANY);
    writer_deinit(&out);
}
