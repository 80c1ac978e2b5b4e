/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_status.c - the lists of statuses and rules: promises to clients. */
#include <criterion/criterion.h>
#include <rsm/rule.h>
#include <rsm/status.h>
#include <stddef.h>
#include <string.h>

#include "src/base/ids.h"

Test(status, each_text_is_its_own_and_leads_back)
{
    for (unsigned i = 0; i < RSM_STATUS_COUNT; i++) {
        enum rsm_status status = (enum rsm_status)i;
        cr_assert_eq(rsm_status_parse(rsm_status_text(status)), status);
        cr_assert_gt(strlen(rsm_status_sentence(status)), 0);
    }
}

/* The exit statuses that the tools document, and only OK is 0. */
Test(status, exit_statuses_are_the_documented_ones)
{
    for (unsigned i = 0; i < RSM_STATUS_COUNT; i++) {
        int exit_status = rsm_status_exit((enum rsm_status)i);
        cr_assert((exit_status >= 1 && exit_status <= 8) || exit_status == 124 || i == RSM_OK);
    }
    cr_assert_eq(rsm_status_exit(RSM_OK), 0);
    cr_assert_eq(rsm_status_exit(RSM_NOT_FOUND), 3);
    cr_assert_eq(rsm_status_exit(RSM_REFUSED), 4);
    cr_assert_eq(rsm_status_exit(RSM_NO_QUORUM), 5);
    cr_assert_eq(rsm_status_exit(RSM_OUTCOME_UNKNOWN), 124);
}

static const struct {
    const char *text;
    enum rsm_status status;
} parsed[] = {
    {"NOT_LEADER leader=10.0.0.2:4001: try the leader", RSM_NOT_LEADER},
    {"NO_LEADER: none", RSM_NO_LEADER},
    {"OK", RSM_OK},
    {"", RSM_FAILED},
    {"NO", RSM_FAILED},
    {"NO_LEADERS", RSM_FAILED},
    {"no_leader", RSM_FAILED},
    {" NO_LEADER", RSM_FAILED},
    {"A_CODE_OF_TOMORROW: text", RSM_FAILED},
};

Test(status, an_error_string_begins_with_its_code)
{
    for (size_t i = 0; i < sizeof parsed / sizeof parsed[0]; i++)
        cr_assert_eq(rsm_status_parse(parsed[i].text), parsed[i].status, "%s", parsed[i].text);
}

Test(status, a_number_outside_the_list_is_unknown)
{
    cr_assert_str_eq(rsm_status_text(RSM_STATUS_COUNT), "UNKNOWN");
    cr_assert_eq(rsm_status_exit(RSM_STATUS_COUNT), 1);
    cr_assert_gt(strlen(rsm_status_sentence(RSM_STATUS_COUNT)), 0);
}

/* Numbers are in the log for ever: these have been given out. */
Test(rule, numbers_and_ids_stay)
{
    cr_assert_str_eq(rsm_rule_id(1), "dependency-missing");
    cr_assert_str_eq(rsm_rule_id(8), "stale");
    cr_assert_str_eq(rsm_rule_id(10), "stale-plan");
    cr_assert_str_eq(rsm_rule_id(18), "lease-token");
    cr_assert_str_eq(rsm_rule_id(45), "serial-range");
    cr_assert_str_eq(rsm_rule_id(0), "unknown");
    cr_assert_str_eq(rsm_rule_id(UINT32_MAX), "unknown");
    cr_assert_str_eq(rsm_rule_text(0), "an unknown rule");
}

Test(rule, each_id_is_its_own)
{
    for (uint32_t a = 1; a <= 45; a++) {
        cr_assert_str_neq(rsm_rule_id(a), "unknown");
        for (uint32_t b = a + 1; b <= 45; b++)
            cr_assert_str_neq(rsm_rule_id(a), rsm_rule_id(b));
    }
}

/* By round first, then by replica. */
Test(ballot, is_ordered_by_round_then_replica)
{
    static const struct ballot rising[] = {{0, 0}, {0, 9}, {1, 1}, {1, 2}, {2, 1}, {UINT64_MAX, 1}};
    for (size_t a = 0; a < 6; a++)
        for (size_t b = 0; b < 6; b++) {
            int order = ballot_compare(rising[a], rising[b]);
            cr_assert_eq(order, (a > b) - (a < b));
            cr_assert_eq(ballot_equal(rising[a], rising[b]), a == b);
        }
}
