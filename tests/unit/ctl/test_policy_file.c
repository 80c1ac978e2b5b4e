/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_policy_file.c - a policy file, the policy it makes, and the file that this is shown as. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/machine/policy.h"
#include "src/base/kv.h"
#include "tools/resilience-ctl/policy_file.h"

/* What `text` makes of the policy in `kv`, as a file, with a zero at its end. */
static void set_and_show(struct kv *kv, const char *text, struct writer *shown)
{
    struct policy_file file;
    struct writer map;
    struct reasons reasons;
    char error[POLICY_FILE_ERROR_SIZE];
    bool is_changed;
    enum rsm_status status = policy_file_read("test", bytes_of_string(text), &file, error);
    cr_assert_eq(status, RSM_OK, "%s", error);
    writer_init(&map, 65536);
    writer_init(shown, 65536);
    reasons_init(&reasons);
    cr_assert_eq(policy_set(kv, writer_result(&file.map), &reasons, &is_changed), RSM_OK);
    cr_assert_eq(policy_encode(kv, &map), RSM_OK);
    cr_assert_eq(policy_file_write(shown, writer_result(&map)), RSM_OK);
    writer_u8(shown, 0);
    reasons_deinit(&reasons);
    writer_deinit(&map);
    policy_file_free(&file);
}

Test(policy_file, approval_groups_are_set_shown_and_taken_back)
{
    static const char text[] = "numbers: {approvals: 3}\n"
                               "approval_groups:\n"
                               "  - {role: approver, least: 2}\n"
                               "  - {role: security, least: 1}\n";
    struct kv *kv = kv_mem_new();
    struct writer first, again, none;
    set_and_show(kv, text, &first);
    const char *shown = (const char *)writer_result(&first).data;
    cr_assert_not_null(strstr(shown, "approval_groups:\n"
                                     "  - {role: \"approver\", least: 2}\n"
                                     "  - {role: \"security\", least: 1}\n"),
                       "%s", shown);
    set_and_show(kv, shown, &again);
    cr_assert_str_eq((const char *)writer_result(&again).data, shown);
    /* The file is the whole policy: one that has no groups takes them away. */
    set_and_show(kv, "numbers: {approvals: 3}\n", &none);
    cr_assert_null(strstr((const char *)writer_result(&none).data, "approval_groups"));
    writer_deinit(&first);
    writer_deinit(&again);
    writer_deinit(&none);
    kv_free(kv);
}

Test(policy_file, a_group_has_a_role_and_a_number)
{
    static const char *const bad[] = {
        "approval_groups: [{role: security}]",
        "approval_groups: [{least: 1}]",
        "approval_groups: [{role: security, least: 17}]",
        "approval_groups: [{role: security, least: 1, zone: example}]",
        "approval_groups: [[security, 1]]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct policy_file file;
        char error[POLICY_FILE_ERROR_SIZE];
        cr_assert_eq(policy_file_read("test", bytes_of_string(bad[i]), &file, error), RSM_USAGE,
                     "%s", bad[i]);
        cr_assert_eq(strncmp(error, "test:1: ", 8), 0, "%s", error);
        policy_file_free(&file);
    }
}

/* An empty file, nothing but comments, another kind of document: no file of ours, and no crash. */
Test(policy_file, what_is_no_policy)
{
    static const struct {
        const char *text;
        enum rsm_status status;
    } cases[] = {{"", RSM_USAGE},         {"\n", RSM_USAGE}, {"# nothing\n", RSM_USAGE},
                 {"---\n", RSM_USAGE},    {"[]", RSM_USAGE}, {"text", RSM_USAGE},
                 {"\xff\xfe", RSM_USAGE}, {"{}", RSM_OK},    {"numbers: {}", RSM_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy_file file;
        char error[POLICY_FILE_ERROR_SIZE];
        struct bytes text = bytes_of_string(cases[i].text);
        if (text.size == 0)
            text.data = NULL; /* as an empty file is read */
        cr_expect_eq(policy_file_read("test", text, &file, error), cases[i].status, "%s: %s",
                     cases[i].text, error);
        cr_expect(cases[i].status == RSM_OK || strncmp(error, "test:", 5) == 0, "%s: %s",
                  cases[i].text, error);
        policy_file_free(&file);
    }
}
