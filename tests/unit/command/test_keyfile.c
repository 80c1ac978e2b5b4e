/* SPDX-License-Identifier: Apache-2.0 */
/* test_keyfile.c - key files: text both ways, passphrases, and who may read the file. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "tests/lib/temp_dir.h"
#include "tests/unit/command/fixture.h"

#define WORD "correct horse", 13

static const struct keyfile_cost CHEAP = {1, 8192};
static struct temp_dir directory;
static char path[TEMP_DIR_SIZE + 64];

static void make_directory(void)
{
    temp_dir_make(&directory);
    temp_dir_path(&directory, "key", path);
}

static void remove_directory(void)
{
    temp_dir_remove(&directory);
}

static size_t format(const struct rsm_key *key, const char *passphrase, size_t size, char *out)
{
    size_t text_size;
    cr_assert(keyfile_format(key, passphrase, size, &CHEAP, out, &text_size) == RSM_OK);
    return text_size;
}

static enum rsm_status parse(const char *text, size_t size, const char *passphrase,
                             size_t passphrase_size)
{
    struct rsm_key *key;
    struct bytes exact = fixture_exact(text, size);
    enum rsm_status status = keyfile_parse(exact, passphrase, passphrase_size, &key);
    cr_assert((status == RSM_OK) == (key != NULL));
    rsm_key_free(key);
    fixture_free(exact);
    return status;
}

Test(keyfile, round_trip)
{
    char text[KEYFILE_SIZE_MAX];
    struct rsm_key *key = fixture_key("alice@company.com", 3), *back;
    for (int encrypted = 0; encrypted <= 1; encrypted++) {
        bool is_encrypted;
        size_t size = format(key, encrypted ? "correct horse" : NULL, 13, text);
        cr_assert(keyfile_is_encrypted(bytes_make(text, size), &is_encrypted) == RSM_OK);
        cr_assert(is_encrypted == (encrypted != 0));
        cr_assert(keyfile_parse(bytes_make(text, size), WORD, &back) == RSM_OK);
        cr_assert(strcmp(rsm_key_name(back), "alice@company.com") == 0);
        cr_assert(memcmp(rsm_key_public(back), rsm_key_public(key), RSM_PUBLIC_KEY_SIZE) == 0);
        rsm_key_free(back);
    }
    rsm_key_free(key);
}

Test(keyfile, wrong_passphrase)
{
    char text[KEYFILE_SIZE_MAX];
    struct rsm_key *key = fixture_key("alice", 3);
    size_t size = format(key, WORD, text), unused;
    cr_assert(parse(text, size, "correct hors", 12) == RSM_BAD_PASSPHRASE);
    cr_assert(parse(text, size, NULL, 0) == RSM_BAD_PASSPHRASE);
    cr_assert(parse(text, size, WORD) == RSM_OK);
    cr_assert(keyfile_format(key, "1234567", 7, &CHEAP, text, &unused) == RSM_BAD_PASSPHRASE);
    rsm_key_free(key);
}

/* The seed is nowhere in an encrypted file; no line of it can be changed, and none be cut off. */
Test(keyfile, encrypted_file_vouches_for_itself)
{
    char text[KEYFILE_SIZE_MAX], changed[KEYFILE_SIZE_MAX], seed_hex[2 * KEYFILE_SEED_SIZE + 1];
    uint8_t seed[KEYFILE_SEED_SIZE];
    struct rsm_key *key = fixture_key("alice", 3);
    memset(seed, 3, sizeof seed);
    hex_encode(seed_hex, bytes_make(seed, sizeof seed));
    size_t size = format(key, WORD, text);
    cr_assert(memmem(text, size, seed_hex, 64) == NULL);
    for (size_t i = 0; i < size; i++) {
        memcpy(changed, text, size);
        changed[i] = changed[i] == '1' ? '2' : '1';
        cr_assert(parse(changed, size, WORD) != RSM_OK, "byte %zu", i);
    }
    for (size_t cut = 0; cut + 1 < size; cut++)
        cr_assert(parse(text, cut, WORD) != RSM_OK, "cut at %zu", cut);
    rsm_key_free(key);
}

Test(keyfile, malformed_texts)
{
    char good[KEYFILE_SIZE_MAX], text[KEYFILE_SIZE_MAX + 600];
    struct rsm_key *key = fixture_key("alice", 3), *other = fixture_key("alice", 4);
    size_t size = format(key, NULL, 0, good);
    cr_assert(parse(good, size, NULL, 0) == RSM_OK);
    good[size] = 0;

    int n = snprintf(text, sizeof text, "# mine\n\n%s\n  # end", good);
    cr_assert(parse(text, (size_t)n, NULL, 0) == RSM_OK, "comments and blanks");
    n = snprintf(text, sizeof text, "%sseed = 00\n", good);
    cr_assert(parse(text, (size_t)n, NULL, 0) == RSM_MALFORMED, "a line twice");
    n = snprintf(text, sizeof text, "%scolour = red\n", good);
    cr_assert(parse(text, (size_t)n, NULL, 0) == RSM_MALFORMED, "an unknown line");
    n = snprintf(text, sizeof text, "%sops = 1\n", good);
    cr_assert(parse(text, (size_t)n, NULL, 0) == RSM_MALFORMED, "a line of the other cipher");
    n = snprintf(text, sizeof text, "%shello\n", good);
    cr_assert(parse(text, (size_t)n, NULL, 0) == RSM_MALFORMED, "no name");
    n = snprintf(text, sizeof text, "cipher = none\n%s", good);
    cr_assert(parse(text, (size_t)n, NULL, 0) == RSM_MALFORMED, "the format is not first");
    n = snprintf(text, sizeof text, "rsm-key = 2\nwhatever = 1\n");
    cr_assert(parse(text, (size_t)n, NULL, 0) == RSM_MALFORMED);
    n = snprintf(text, sizeof text, "rsm-key = 2\nprincipal = a\n");
    cr_assert(parse(text, (size_t)n, NULL, 0) == RSM_NEWER_FORMAT);
    n = snprintf(text, sizeof text, "%s%4200s", good, "#");
    cr_assert(parse(text, (size_t)n > KEYFILE_SIZE_MAX ? (size_t)n : 0, NULL, 0) == RSM_MALFORMED);
    cr_assert(parse("", 0, NULL, 0) == RSM_MALFORMED);

    /* a pair that does not match leaks the secret with its first signature */
    char hex[2 * RSM_PUBLIC_KEY_SIZE + 1];
    hex_encode(hex, bytes_make(rsm_key_public(other), RSM_PUBLIC_KEY_SIZE));
    char *public_line = strstr(good, "public = ");
    cr_assert(public_line != NULL);
    memcpy(public_line + 9, hex, 64);
    cr_assert(parse(good, size, NULL, 0) == RSM_MALFORMED);
    rsm_key_free(key);
    rsm_key_free(other);
}

/* Nothing that counts stands behind the box, where nothing vouches for it. */
Test(keyfile, the_box_is_last)
{
    char text[KEYFILE_SIZE_MAX], moved[KEYFILE_SIZE_MAX + 8];
    struct rsm_key *key = fixture_key("alice", 3);
    size_t size = format(key, WORD, text);
    char *salt = memmem(text, size, "salt = ", 7);
    cr_assert(salt != NULL);
    size_t head = (size_t)(salt - text), line = 7 + 32 + 1;
    memcpy(moved, text, head);
    memcpy(moved + head, salt + line, size - head - line);
    memcpy(moved + size - line, salt, line);
    cr_assert(parse(moved, size, WORD) == RSM_MALFORMED);
    memcpy(moved, text, size);
    memcpy(moved + size, "# note\n", 7);
    cr_assert(parse(moved, size + 7, WORD) == RSM_OK, "a comment does not count");
    rsm_key_free(key);
}

/* What a foreign file may make us spend is bounded. */
Test(keyfile, cost_is_bounded)
{
    char text[KEYFILE_SIZE_MAX];
    struct rsm_key *key = fixture_key("alice", 3);
    size_t size = format(key, WORD, text);
    char *memory = memmem(text, size, "memory = 8192", 13);
    cr_assert(memory != NULL);
    char changed[KEYFILE_SIZE_MAX];
    size_t head = (size_t)(memory - text) + 9, tail = size - head - 4;
    memcpy(changed, text, head);
    memcpy(changed + head, "99999999999", 11);
    memcpy(changed + head + 11, text + head + 4, tail);
    cr_assert(parse(changed, head + 11 + tail, WORD) == RSM_MALFORMED);
    rsm_key_free(key);
}

Test(keyfile, names)
{
    uint8_t seed[KEYFILE_SEED_SIZE] = {0};
    static const char *const bad[] = {"", "a\nb", " a", "a ", "\xff", "a\x7f"};
    struct rsm_key *key;
    char longest[LIMIT_PRINCIPAL_SIZE + 2];
    cr_assert(rsm_crypto_init() == RSM_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert(key_from_seed(bad[i], seed, &key) == RSM_MALFORMED, "%zu", i);
    memset(longest, 'x', sizeof longest);
    longest[LIMIT_PRINCIPAL_SIZE + 1] = 0;
    cr_assert(key_from_seed(longest, seed, &key) == RSM_MALFORMED);
    longest[LIMIT_PRINCIPAL_SIZE] = 0;
    cr_assert(key_from_seed(longest, seed, &key) == RSM_OK);
    rsm_key_free(key);
}

Test(keyfile, files, .init = make_directory, .fini = remove_directory)
{
    struct rsm_key *key, *back;
    struct stat st;
    bool is_encrypted = true;
    cr_assert(rsm_crypto_init() == RSM_OK);
    (void)umask(0);
    cr_assert(rsm_key_generate("robot", &key) == RSM_OK);
    cr_assert(rsm_key_load(path, NULL, 0, &back) == RSM_NOT_FOUND);
    cr_assert(rsm_key_save(key, path, NULL, 0) == RSM_OK);
    cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    cr_assert(rsm_key_save(key, path, NULL, 0) == RSM_EXISTS);
    cr_assert(rsm_key_is_encrypted(path, &is_encrypted) == RSM_OK && !is_encrypted);
    cr_assert(rsm_key_load(path, NULL, 0, &back) == RSM_OK);
    cr_assert(memcmp(rsm_key_public(back), rsm_key_public(key), RSM_PUBLIC_KEY_SIZE) == 0);
    rsm_key_free(back);
    static const mode_t exposed[] = {0640, 0604, 0620, 0610, 0602, 0601};
    for (size_t i = 0; i < sizeof exposed / sizeof exposed[0]; i++) {
        cr_assert(chmod(path, exposed[i]) == 0);
        cr_assert(rsm_key_load(path, NULL, 0, &back) == RSM_KEY_EXPOSED, "%o", exposed[i]);
    }
    cr_assert(chmod(path, 0400) == 0);
    cr_assert(rsm_key_load(path, NULL, 0, &back) == RSM_OK);
    rsm_key_free(back);
    rsm_key_free(key);
}

Test(keyfile, links_and_other_things, .init = make_directory, .fini = remove_directory)
{
    struct rsm_key *key = fixture_key("robot", 1), *back;
    char link_path[TEMP_DIR_SIZE + 64];
    temp_dir_path(&directory, "link", link_path);
    cr_assert(rsm_key_save(key, path, NULL, 0) == RSM_OK);
    cr_assert(symlink(path, link_path) == 0);
    cr_assert(rsm_key_load(link_path, NULL, 0, &back) == RSM_KEY_EXPOSED, "a link");
    cr_assert(rsm_key_save(key, link_path, NULL, 0) == RSM_EXISTS, "nor is one written through");
    cr_assert(unlink(link_path) == 0);
    cr_assert(mkfifo(link_path, 0600) == 0);
    cr_assert(rsm_key_load(link_path, NULL, 0, &back) == RSM_KEY_EXPOSED, "a pipe; no waiting");
    cr_assert(unlink(link_path) == 0);
    cr_assert(rsm_key_load(directory.path, NULL, 0, &back) == RSM_KEY_EXPOSED, "a directory");
    rsm_key_free(key);
}

/* The library is held to our vectors before anything else is done. */
Test(keyfile, crypto_starts)
{
    cr_assert(rsm_crypto_init() == RSM_OK);
    cr_assert(rsm_crypto_init() == RSM_OK, "twice does no harm");
}
