/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_totp.c - codes: RFC 6238's vectors, the file, tries, and what is attested. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/daemon/totp.h"
#include "src/machine/factor.h"
#include "tests/lib/temp_dir.h"

#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* "12345678901234567890" */

/* RFC 6238, appendix B, SHA-1: the last six of its eight digits. */
Test(totp, vectors)
{
    static const struct {
        uint64_t seconds;
        uint32_t code;
    } cases[] = {{59, 287082},       {1111111109, 81804},  {1111111111, 50471},
                 {1234567890, 5924}, {2000000000, 279037}, {UINT64_C(20000000000), 353130}};
    uint8_t secret[TOTP_SECRET_MAX];
    cr_assert_eq(totp_secret_decode(SECRET, secret), 20);
    cr_assert_arr_eq(secret, "12345678901234567890", 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(totp_code(bytes_make(secret, 20), cases[i].seconds / 30), cases[i].code);
}

Test(totp, secrets)
{
    uint8_t secret[TOTP_SECRET_MAX];
    char text[120];
    cr_assert_eq(totp_secret_decode("mzxw6ytboi======", secret), 6);
    cr_assert_arr_eq(secret, "foobar", 6);
    cr_assert_eq(totp_secret_decode("MZXW6YTB0I", secret), 0, "0 is no digit");
    memset(text, 'A', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_eq(totp_secret_decode(text, secret), 0, "too long");
}

static struct temp_dir directory;
static char path[TEMP_DIR_SIZE + 64];

static struct totp *open_with(const char *text, mode_t mode, struct rsm_key **key_out)
{
    temp_dir_make(&directory);
    temp_dir_path(&directory, "secrets", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
    cr_assert_eq(rsm_key_generate("replica:2", key_out), RSM_OK);
    return totp_new(path, *key_out, 2);
}

Test(totp, what_is_attested)
{
    static const struct {
        uint64_t ms;
        const char *principal, *id, *code;
        enum rsm_status status;
        uint64_t step;
    } cases[] = {
        {59000, "alice", "app", "287082", RSM_OK, 1},
        {30000, "alice", "app", "287082", RSM_OK, 1},
        {89000, "alice", "app", "287082", RSM_OK, 1}, /* a step late */
        {91000, "alice", "app", "287082", RSM_REFUSED, 0},
        {59000, "alice", "app", "28708", RSM_REFUSED, 0},
        {59000, "alice", "other", "287082", RSM_NOT_FOUND, 0},
        {59000, "bob", "app", "287082", RSM_NOT_FOUND, 0},
        {59000, "short", "app", "287082", RSM_MALFORMED, 0},
    };
    struct rsm_key *key;
    struct totp *t =
        open_with("# secrets\nalice app " SECRET "\nshort app MZXW6YTBOI\n", 0600, &key);
    uint8_t over[32] = {1}, data[TOTP_DATA_SIZE], signature[64], both[32 + TOTP_DATA_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct totp_question q = {bytes_of_string(cases[i].principal),
                                  bytes_of_string(cases[i].id),
                                  bytes_of_string(cases[i].code),
                                  over,
                                  cases[i].ms,
                                  0};
        cr_assert_eq(totp_attest(t, &q, data, signature), cases[i].status, "%zu", i);
        if (cases[i].status != RSM_OK)
            continue;
        cr_assert_eq(get_u64(data), cases[i].step);
        cr_assert_eq(data[8], 2);
        memcpy(both, over, 32);
        memcpy(both + 32, data, TOTP_DATA_SIZE);
        cr_assert_eq(signature_verify(rsm_key_public(key), TOTP_TAG, (struct bytes){NULL, 0},
                                      bytes_make(both, sizeof both), signature),
                     RSM_OK);
    }
    totp_free(t);
    rsm_key_free(key);
    temp_dir_remove(&directory);
}

/* Five wrong ones, and nothing is said any more for a quarter of an hour, to that principal. */
Test(totp, tries)
{
    struct rsm_key *key;
    struct totp *t = open_with("alice app " SECRET "\nbob app " SECRET "\n", 0600, &key);
    uint8_t over[32] = {1}, data[TOTP_DATA_SIZE], signature[64];
    struct totp_question wrong = {bytes_of_string("alice"),
                                  bytes_of_string("app"),
                                  bytes_of_string("000000"),
                                  over,
                                  59000,
                                  1000};
    struct totp_question right = wrong;
    right.code = bytes_of_string("287082");
    for (unsigned i = 0; i < TOTP_TRIES; i++)
        cr_assert_eq(totp_attest(t, &wrong, data, signature), RSM_REFUSED);
    right.monotonic_ms = 1000 + TOTP_LOCK_MS - 1;
    cr_assert_eq(totp_attest(t, &right, data, signature), RSM_RATE_LIMITED);
    right.principal = bytes_of_string("bob");
    cr_assert_eq(totp_attest(t, &right, data, signature), RSM_OK);
    right.principal = bytes_of_string("alice");
    right.monotonic_ms++;
    cr_assert_eq(totp_attest(t, &right, data, signature), RSM_OK);
    totp_free(t);
    rsm_key_free(key);
    temp_dir_remove(&directory);
}

Test(totp, an_open_file_is_not_read)
{
    struct rsm_key *key;
    struct totp *t = open_with("alice app " SECRET "\n", 0640, &key);
    uint8_t over[32] = {1}, data[TOTP_DATA_SIZE], signature[64];
    struct totp_question q = {bytes_of_string("alice"),
                              bytes_of_string("app"),
                              bytes_of_string("287082"),
                              over,
                              59000,
                              0};
    cr_assert_eq(totp_attest(t, &q, data, signature), RSM_KEY_EXPOSED);
    temp_dir_remove(&directory);
    cr_assert_eq(totp_attest(t, &q, data, signature), RSM_NOT_FOUND);
    totp_free(t);
    rsm_key_free(key);
}
