/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * override_file.c - the changes of --config, all of them read and judged before one is asked for.
 *
 * A change set is of one zone (docs/override.md), so a file with several is as many emergencies,
 * which nothing ties together once they are in the log. So a mistake in one of them has to show
 * before any is there: all are read, what is to be done is said, and the cluster is asked whether
 * it would take each, as the state is now.
 */
#include "tools/resilience-ctl/override.h"

#include "src/base/mem.h"
#include "tools/resilience-ctl/check.h"

enum rsm_status override_file_read(struct ctl *ctl, struct override_file *out)
{
    size_t changes = 1;
    enum rsm_status status = RSM_OK;
    *out = (struct override_file){.works = mem_alloc(PLAN_CHANGES_MAX * sizeof *out->works)};
    while (status == RSM_OK && out->count < changes) {
        struct plan_work *w = &out->works[out->count];
        status = plan_work_begin(ctl, ctl->config, true, out->count++, w);
        if (status == RSM_OK)
            changes = w->file.change_count;
    }
    return status;
}

void override_file_free(struct override_file *f)
{
    for (size_t i = 0; i < f->count; i++)
        plan_work_free(&f->works[i]);
    mem_free(f->works);
}

static void print_overview(struct ctl *ctl, const struct override_file *f, const bool *skip)
{
    unsigned number = 0;
    fprintf(
        stderr,
        "%s has %zu zones. A change set is of one zone, so each is an emergency of its own, with "
        "a\ndigest, approvals and a token of its own; they take effect one after the other, in "
        "this order,\nnot together, and one that fails leaves those before it in effect:\n",
        ctl->config, f->count);
    for (size_t i = 0; i < f->count; i++) {
        const struct plan_work *w = &f->works[i];
        if (w->list.count == 0)
            fprintf(stderr, "  -  %s is as the file says\n", w->file.zone);
        else
            fprintf(stderr, "  %u. %s: %zu record set%s%s\n", ++number, w->file.zone, w->list.count,
                    w->list.count == 1 ? "" : "s", skip[i] ? ", asked for already" : "");
    }
}

/* What the request would get now. The counter that signing it takes is given back. */
static enum rsm_status judge(struct ctl *ctl, const struct plan_work *w)
{
    struct rsm_buffer body = {NULL, 0}, result = {NULL, 0};
    const char *reason = ctl->reason;
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return status;
    uint64_t counter = rsm_author_counter(ctl->signer);
    if (ctl->reason == NULL)
        ctl->reason = w->file.reason;
    status = plan_work_see(ctl, w);
    if (status == RSM_OK)
        status = override_body(ctl, w, &body);
    if (status == RSM_OK)
        status = ctl_check(ctl, RSM_KIND_CHANGE_REQUEST, rsm_buffer_bytes(&body), &result);
    rsm_author_set_counter(ctl->signer, counter - 1);
    ctl->reason = reason;
    struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&result));
    if (status == RSM_OK && !ctl_check_passed(value)) {
        status = RSM_REFUSED;
        fprintf(stderr, "%s would be refused, so nothing was asked for:\n", w->file.zone);
        ctl_print_rules(stderr, "  refused by ",
                        rsm_value_get(rsm_value_get(value, "verdict"), "rules"));
    }
    rsm_buffer_free(&result);
    rsm_buffer_free(&body);
    return status;
}

enum rsm_status override_file_check(struct ctl *ctl, const struct override_file *f,
                                    const bool *skip)
{
    enum rsm_status all = RSM_OK;
    if (f->count < 2)
        return RSM_OK;
    print_overview(ctl, f, skip);
    for (size_t i = 0; i < f->count; i++) {
        if (f->works[i].list.count == 0 || skip[i])
            continue;
        enum rsm_status status = judge(ctl, &f->works[i]);
        if (status != RSM_OK && status != RSM_REFUSED)
            return status;
        all = status == RSM_OK ? all : status;
    }
    return all;
}
