/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_identity.c - the identity file: one text for one identity, every other text refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "storage/identity.h"

static void sample(struct identity *out, struct writer *text)
{
    memset(out->cluster, 0xa5, sizeof(out->cluster));
    out->replica = 3;
    out->incarnation = UINT64_MAX;
    out->joined = UINT64_MAX - 1;
    writer_init(text, IDENTITY_TEXT_SIZE);
    identity_encode(out, text);
    cr_assert_not(text->failed);
}

Test(identity, comes_back_as_it_was)
{
    struct identity in;
    struct identity out;
    struct writer text;

    sample(&in, &text);
    cr_assert_eq(identity_decode(writer_result(&text), &out), RSM_OK);
    cr_assert_arr_eq(in.cluster, out.cluster, sizeof(in.cluster));
    cr_assert_eq(out.replica, 3);
    cr_assert_eq(out.incarnation, UINT64_MAX);
    cr_assert_eq(out.joined, UINT64_MAX - 1);
    writer_deinit(&text);
}

Test(identity, every_changed_byte_and_every_other_length_is_refused)
{
    struct identity in;
    struct identity out;
    struct writer text;

    sample(&in, &text);
    for (size_t i = 0; i < text.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text.data[i] ^= (uint8_t)(1u << bit);
            enum rsm_status status = identity_decode(writer_result(&text), &out);
            cr_assert(status == RSM_DAMAGED || status == RSM_NEWER_FORMAT, "byte %zu", i);
            cr_assert_eq(out.replica, 0);
            text.data[i] ^= (uint8_t)(1u << bit);
        }
        cr_assert_eq(identity_decode(bytes_make(text.data, i), &out), RSM_DAMAGED);
    }
    writer_u8(&text, '\n');
    cr_assert_eq(identity_decode(writer_result(&text), &out), RSM_DAMAGED);
    writer_deinit(&text);
}

Test(identity, a_newer_format_is_named_as_such)
{
    struct identity out;

    cr_assert_eq(
        identity_decode(bytes_of_string("rsm data directory\nformat = 2\nanything\n"), &out),
        RSM_NEWER_FORMAT);
    cr_assert_eq(identity_decode(bytes_of_string("rsm data directory\nformat = 0\n"), &out),
                 RSM_DAMAGED);
    cr_assert_eq(identity_decode(bytes_of_string("something else\n"), &out), RSM_DAMAGED);
}

/* The same text with other numbers, its check made right: what no replica can be. */
Test(identity, numbers_that_cannot_be)
{
    static const struct identity bad[] = {{.replica = 0, .incarnation = 5},
                                          {.replica = REPLICA_MAX + 1, .incarnation = 5},
                                          {.replica = 1, .incarnation = 0}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct identity out;
        struct writer text;
        writer_init(&text, IDENTITY_TEXT_SIZE);
        identity_encode(&bad[i], &text);
        cr_assert_eq(identity_decode(writer_result(&text), &out), RSM_DAMAGED);
        writer_deinit(&text);
    }
}

Test(identity, does_not_fit_a_writer_that_is_too_small)
{
    struct identity in = {.replica = 1, .incarnation = 1};
    struct writer text;

    writer_init(&text, 20);
    identity_encode(&in, &text);
    cr_assert(text.failed);
    writer_deinit(&text);
}
