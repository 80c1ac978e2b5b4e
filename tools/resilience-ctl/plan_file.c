/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_file.c - plan diff, check and apply: a file says what a zone, or some names in it, shall be
 * (plan_work.h). */
#include <string.h>

#include "tools/resilience-ctl/check.h"
#include "tools/resilience-ctl/plan_work.h"

/* Judged at the cluster. */
static enum rsm_status judge(struct ctl *ctl, const struct plan_work *w,
                             struct rsm_buffer *result_out, char digest_out[PLAN_DIGEST_SIZE])
{
    struct rsm_buffer body;
    *result_out = (struct rsm_buffer){NULL, 0};
    enum rsm_status status = plan_work_encode(w, &body, digest_out);
    if (status == RSM_OK)
        status = plan_work_see(ctl, w);
    if (status == RSM_OK)
        status = ctl_check(ctl, RSM_KIND_RRSET_CHANGE, rsm_buffer_bytes(&body), result_out);
    rsm_buffer_free(&body);
    return status;
}

int ctl_plan_diff(struct ctl *ctl, int count, char **arguments)
{
    struct plan_work w;
    struct rsm_buffer result = {NULL, 0};
    char digest[PLAN_DIGEST_SIZE];
    (void)count;
    enum rsm_status status = plan_work_begin(ctl, arguments[0], false, 0, &w);
    if (status == RSM_OK) {
        change_list_print(&w.list, &w.now, stdout);
        fprintf(stderr, "%zu record sets would change\n", w.list.count);
    }
    if (status == RSM_OK && w.list.count > 0 && ctl->key_path != NULL) {
        status = judge(ctl, &w, &result, digest);
        if (status == RSM_OK) {
            ctl_print_answers(rsm_value_of(rsm_buffer_bytes(&result)));
            ctl_print_affected(rsm_value_of(rsm_buffer_bytes(&result)));
            fprintf(stderr, "digest %s\n", digest);
        }
    }
    rsm_buffer_free(&result);
    plan_work_free(&w);
    return rsm_status_exit(status);
}

static void print_check(struct ctl *ctl, const struct plan_work *w, struct rsm_value result,
                        const char *digest)
{
    if (ctl->output != CTL_OUTPUT_TABLE) {
        ctl_print_json(result);
        fprintf(stderr, "digest %s\n", digest);
        return;
    }
    change_list_print(&w->list, &w->now, stdout);
    ctl_print_answers(result);
    ctl_print_check(result);
    printf("digest %s\n", digest);
}

int ctl_plan_check(struct ctl *ctl, int count, char **arguments)
{
    struct plan_work w;
    struct rsm_buffer buffer = {NULL, 0};
    char digest[PLAN_DIGEST_SIZE];
    (void)count;
    enum rsm_status status = plan_work_begin(ctl, arguments[0], false, 0, &w);
    if (status == RSM_OK && w.list.count == 0) {
        fprintf(stderr, "the zone is as the plan says: nothing to do\n");
    } else if (status == RSM_OK) {
        status = judge(ctl, &w, &buffer, digest);
        struct rsm_value result = rsm_value_of(rsm_buffer_bytes(&buffer));
        if (status == RSM_OK)
            print_check(ctl, &w, result, digest);
        if (status == RSM_OK && !ctl_check_passed(result))
            status = RSM_REFUSED;
    }
    rsm_buffer_free(&buffer);
    plan_work_free(&w);
    return rsm_status_exit(status);
}

/* What is there now must be what was reviewed. */
static enum rsm_status check_reviewed(struct ctl *ctl, const char *digest)
{
    uint8_t octets[(PLAN_DIGEST_SIZE - 1) / 2];
    if (ctl->digest == NULL || strcmp(ctl->digest, digest) == 0)
        return RSM_OK;
    if (!hex_decode(octets, sizeof octets, ctl->digest)) {
        ctl_fail(RSM_USAGE, "--digest is %zu hexadecimal digits, as plan check prints them",
                 2 * sizeof octets);
        return RSM_USAGE;
    }
    ctl_fail(RSM_REFUSED,
             "this is not what was reviewed: its digest is %s, not %s; the zone or the file has "
             "changed since: look at it again with plan check",
             digest, ctl->digest);
    return RSM_REFUSED;
}

static int apply(struct ctl *ctl, struct plan_work *w)
{
    struct rsm_buffer body;
    char question[64], digest[PLAN_DIGEST_SIZE];
    change_list_print(&w->list, &w->now, stderr);
    if (w->list.count == 0 && ctl->digest == NULL) {
        fprintf(stderr, "the zone is as the plan says: nothing to do\n");
        return 0;
    }
    enum rsm_status status = plan_work_encode(w, &body, digest);
    if (status == RSM_OK)
        status = check_reviewed(ctl, digest);
    snprintf(question, sizeof question, "change %zu record sets", w->list.count);
    if (status == RSM_OK && !ctl_confirm(ctl, question))
        status = RSM_USAGE;
    if (status == RSM_OK)
        status = plan_work_see(ctl, w);
    if (status != RSM_OK) {
        rsm_buffer_free(&body);
        return rsm_status_exit(status);
    }
    if (ctl->reason == NULL)
        ctl->reason = w->file.reason;
    return ctl_change(ctl, RSM_KIND_RRSET_CHANGE, status, &body, "applied");
}

int ctl_plan_apply(struct ctl *ctl, int count, char **arguments)
{
    struct plan_work w;
    (void)count;
    enum rsm_status status = plan_work_begin(ctl, arguments[0], false, 0, &w);
    int result = status == RSM_OK ? apply(ctl, &w) : rsm_status_exit(status);
    plan_work_free(&w);
    return result;
}
