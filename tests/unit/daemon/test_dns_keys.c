/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_dns_keys.c - files with secrets: what is read, and what is refused before it is. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/mem.h"
#include "src/daemon/dns_keys.h"
#include "tests/lib/temp_dir.h"

#define SECRET "c2VjcmV0IG9mIDMyIGJ5dGVzIGZvciB0aGUgdGVzdHM="

Test(dns_keys, files)
{
    static const struct {
        const char *text;
        mode_t mode;
        enum rsm_status status;
        const char *why;
    } rows[] = {
        {SECRET "\n", 0600, RSM_OK, ""},
        {SECRET, 0400, RSM_OK, ""},
        {SECRET, 0640, RSM_KEY_EXPOSED, "chmod 600"},
        {SECRET, 0602, RSM_KEY_EXPOSED, "chmod 600"},
        {"", 0600, RSM_MALFORMED, "the secret"},
        {"not base64!", 0600, RSM_MALFORMED, "the secret is not base64"},
        {"c2hvcnQ=\n", 0600, RSM_MALFORMED, "less than 16 bytes"},
        {NULL, 0, RSM_NOT_FOUND, "No such file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct temp_dir temp;
        char path[TEMP_DIR_SIZE + 64], why[CONFIG_DNS_WHY_SIZE] = "";
        char name[] = "k.", algorithm[] = "hmac-sha256";
        struct tsig_keys keys;
        temp_dir_make(&temp);
        temp_dir_path(&temp, "secret", path);
        if (rows[i].text != NULL) {
            FILE *file = fopen(path, "w");
            cr_assert_not_null(file);
            fputs(rows[i].text, file);
            fclose(file);
            cr_assert_eq(chmod(path, rows[i].mode), 0);
        }
        struct config_dns config = {.keys = {{name, algorithm, path, TSIG_TRANSFER, NULL}},
                                    .key_count = 1};
        cr_assert_eq(dns_keys_read(&config, &keys, why), rows[i].status, "row %zu: %s", i, why);
        cr_assert_not_null(strstr(why, rows[i].why), "row %zu: %s", i, why);
        cr_assert_eq(keys.count, rows[i].status == RSM_OK ? 1 : 0);
        dns_keys_free(&keys);
        temp_dir_remove(&temp);
        cr_assert_eq(mem_live_count(), 0);
    }
}
