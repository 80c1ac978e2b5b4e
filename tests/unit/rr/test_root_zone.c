/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_root_zone.c - the real root zone: read, written, read again.
 *
 * The data lie beside the tree or where RSM_DATA says; without them the test tells that it skips.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/zonefile.h"

#define ROOT_RECORDS 17780u

static const uint8_t root[] = {0};

/* False: there is no such file. The path goes to gunzip as an open file, not through a shell. */
static bool read_root_zone(struct writer *out)
{
    static uint8_t buffer[65536];
    char path[4096];
    const char *folder = getenv("RSM_DATA");
    snprintf(path, sizeof path, "%s/base.zone.gz",
             folder != NULL ? folder : "../shared/data/root-zone");
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("skipped: no root zone at %s\n", path);
        fflush(stdout);
        return false;
    }
    char command[64];
    snprintf(command, sizeof command, "gunzip -c </proc/%d/fd/%d", (int)getpid(), fileno(file));
    FILE *text = popen(command, "r");
    cr_assert_not_null(text);
    size_t size;
    while ((size = fread(buffer, 1, sizeof buffer, text)) > 0)
        writer_bytes(out, bytes_make(buffer, size));
    cr_assert_eq(pclose(text), 0);
    fclose(file);
    cr_assert_not(out->failed);
    return true;
}

static void write_all(struct writer *out, const struct zonefile *z)
{
    for (size_t i = 0; i < z->rrset_count; i++) {
        const struct zonefile_rrset *set = &z->rrsets[i];
        for (uint32_t k = 0; k < set->count; k++) {
            cr_assert_eq(rr_data_check(set->type, set->rdatas[k]), RSM_OK, "set %zu", i);
            cr_assert_eq(zonefile_write(out, set->owner, set->type, set->ttl, set->rdatas[k]),
                         RSM_OK);
        }
    }
}

Test(root_zone, every_record_is_good_and_an_export_reads_the_same)
{
    struct writer text, export, second;
    struct zonefile z, again;
    writer_init(&text, ZONEFILE_SIZE_MAX);
    if (!read_root_zone(&text)) {
        writer_deinit(&text);
        cr_skip_test("the root zone's data is not there");
    }
    cr_assert_eq(zonefile_parse(writer_result(&text), bytes_make(root, 1), 86400, &z), RSM_OK,
                 "line %lu: %s", z.errors[0].line, z.errors[0].text);
    cr_assert_eq(z.record_count, ROOT_RECORDS);
    writer_init(&export, ZONEFILE_SIZE_MAX);
    write_all(&export, &z);
    cr_assert_eq(zonefile_parse(writer_result(&export), bytes_make(root, 1), 1, &again), RSM_OK);
    cr_assert_eq(again.record_count, z.record_count);
    writer_init(&second, ZONEFILE_SIZE_MAX);
    write_all(&second, &again);
    cr_assert(bytes_equal(writer_result(&export), writer_result(&second)));
    zonefile_free(&z);
    zonefile_free(&again);
    writer_deinit(&text);
    writer_deinit(&export);
    writer_deinit(&second);
    cr_assert_eq(mem_live_count(), 0);
}
