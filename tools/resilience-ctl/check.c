/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check.c - what a change would get, without submitting it: the stages, the risk as a sum, and what
 * resolvers would get before and after.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/resilience-ctl/changes.h"
#include "tools/resilience-ctl/check.h"

enum rsm_status ctl_check(struct ctl *ctl, enum rsm_kind kind, struct rsm_bytes body,
                          struct rsm_buffer *result_out)
{
    struct rsm_buffer envelope = {NULL, 0};
    *result_out = (struct rsm_buffer){NULL, 0};
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return status;
    status = rsm_author_sign(ctl->signer, kind, body, ctl->reason != NULL ? ctl->reason : "", NULL,
                             0, &envelope);
    if (status != RSM_OK) {
        ctl_fail(status, "cannot sign: %s", rsm_status_sentence(status));
        return status;
    }
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, rsm_buffer_bytes(&envelope));
    status = ctl_call(ctl, "check", params, result_out);
    rsm_pack_free(params);
    rsm_buffer_free(&envelope);
    return status;
}

void ctl_print_answers(struct rsm_value result)
{
    char name[NAME_TEXT_MAX], type[32], text[2048];
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(result, "answers"));
    struct rsm_value answer;
    while (rsm_walk_next(&walk, &answer)) {
        printf("%s %s\n", ctl_cell(rsm_value_get(answer, "name"), name, sizeof name),
               ctl_cell(rsm_value_get(answer, "type"), type, sizeof type));
        printf("  before  %s\n", ctl_cell(rsm_value_get(answer, "before"), text, sizeof text));
        printf("  after   %s\n", ctl_cell(rsm_value_get(answer, "after"), text, sizeof text));
    }
    if (rsm_value_bool(rsm_value_get(result, "answers_truncated")))
        printf("more names were not looked at\n");
}

void ctl_print_affected(struct rsm_value result)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(result, "stages"));
    struct rsm_value stage;
    while (rsm_walk_next(&walk, &stage)) {
        uint64_t count = rsm_value_uint(rsm_value_get(rsm_value_get(stage, "figures"), "services"));
        if (count == 0)
            continue;
        printf("%" PRIu64 " services", count);
        ctl_print_services(stage);
        putchar('\n');
    }
}

/* "risk 13 = deletions 4 + dependants 4 + types 5" */
static void print_risk(struct rsm_value figures)
{
    struct rsm_walk walk = rsm_walk_begin(figures);
    struct rsm_value key, value;
    const char *sign = " =";
    printf("risk %" PRIu64 " of 100", rsm_value_uint(rsm_value_get(figures, "risk")));
    while (rsm_walk_next(&walk, &key) && rsm_walk_next(&walk, &value)) {
        struct rsm_bytes name = rsm_value_octets(key);
        if (name.size <= 5 || memcmp(name.data, "risk_", 5) != 0)
            continue;
        printf("%s %.*s %" PRIu64, sign, (int)name.size - 5, (const char *)name.data + 5,
               rsm_value_uint(value));
        sign = " +";
    }
    putchar('\n');
}

/* "class critical: it would wait for votes, because rrset a.example. NS changes" */
static void print_class(struct rsm_value result)
{
    char class[32], why[1024];
    if (rsm_value_type(rsm_value_get(result, "why")) != RSM_TYPE_STR)
        return;
    ctl_cell(rsm_value_get(result, "class"), class, sizeof class);
    printf("class %s: it would wait for %svotes, because: %s\n", class,
           strcmp(class, "emergency") == 0 ? "two approvals and for " : "",
           ctl_cell(rsm_value_get(result, "why"), why, sizeof why));
}

void ctl_print_check(struct rsm_value result)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(result, "stages"));
    struct rsm_value stage;
    while (rsm_walk_next(&walk, &stage)) {
        ctl_print_stage(stage);
        struct rsm_value figures = rsm_value_get(stage, "figures");
        if (rsm_value_type(rsm_value_get(figures, "risk")) == RSM_TYPE_UINT)
            print_risk(figures);
    }
    print_class(rsm_value_get(rsm_value_get(result, "verdict"), "result"));
    ctl_print_rules(stdout, "refused by ",
                    rsm_value_get(rsm_value_get(result, "verdict"), "rules"));
}

bool ctl_check_passed(struct rsm_value result)
{
    char text[16];
    struct rsm_value verdict = rsm_value_get(result, "verdict");
    const char *is = ctl_cell(rsm_value_get(verdict, "verdict"), text, sizeof text);
    return strcmp(is, "applied") == 0 || strcmp(is, "staged") == 0;
}
