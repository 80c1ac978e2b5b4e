/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * override_apply.c - override apply: the one line that does it all.
 *
 *   1. the file against the zone as it is now: the change set, as the body of a request
 *   2. an own request with exactly this body waits already? else ask for it now
 *   3. wait until it has its approvals (or it ends)
 *   4. change.apply, with the approvers who are named: they must be among those who approved
 *   5. wait for the replicas' votes, and say how it ended
 *
 * A file with several zones is as many emergencies: the cluster would take each (override_file.c),
 * then all are asked for, then each is carried out. A change set is of one zone, so they do not
 * take effect together, but one after the other.
 *
 * What was approved when the zone was another one has another body: it is not found, so nothing is
 * applied that was planned on a state that is gone.
 */
#include <string.h>
#include <time.h>

#include <rsm/change.h>

#include "src/base/mem.h"
#include "tools/resilience-ctl/check.h"
#include "tools/resilience-ctl/override.h"

#define LOOK_MS 250u

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_state(const struct override *o, const char *state)
{
    char text[32];
    return strcmp(ctl_cell(rsm_value_get(o->value, "state"), text, sizeof text), state) == 0;
}

static bool has(const struct override *o, const char *key)
{
    return rsm_value_uint(rsm_value_get(o->value, key)) > 0;
}

/* The call's end; 0: as long as the request itself lives. */
static bool parse_wait(struct ctl *ctl, uint64_t *until_ms_out)
{
    uint64_t ms;
    *until_ms_out = UINT64_MAX;
    if (ctl->wait == NULL)
        return true;
    if (!ctl_parse_duration(ctl->wait, &ms)) {
        ctl_fail(RSM_USAGE, "--wait is a time such as 30s or 10m, not \"%s\"", ctl->wait);
        return false;
    }
    *until_ms_out = now_ms() + ms;
    return true;
}

/* Looks at it until it has `key`, or has ended; an endpoint that is away is tried again. */
static enum rsm_status wait_for(struct ctl *ctl, struct override *o, const char *key,
                                uint64_t until_ms)
{
    const struct timespec pause = {.tv_nsec = (long)LOOK_MS * 1000000};
    enum rsm_status status = RSM_OK;
    while (status == RSM_OK && is_state(o, "staged") && (key == NULL || !has(o, key))) {
        if (now_ms() >= until_ms)
            return RSM_STAGED;
        nanosleep(&pause, NULL);
        status = override_refresh(ctl, o);
    }
    return status;
}

static int print_end(const struct override *o)
{
    char state[32];
    unsigned long long slot =
        (unsigned long long)rsm_value_uint(rsm_value_get(o->value, "settled_slot"));
    if (is_state(o, "live")) {
        printf("in effect in slot %llu\n", slot);
        return 0;
    }
    fprintf(stderr, "%s in slot %llu\n",
            ctl_cell(rsm_value_get(o->value, "state"), state, sizeof state), slot);
    ctl_print_rules(stderr, "  refused by ", rsm_value_get(o->value, "rules"));
    return rsm_status_exit(RSM_REFUSED);
}

static int use_token(struct ctl *ctl, struct override *o)
{
    struct rsm_bytes names[CTL_LIST_MAX];
    struct rsm_buffer body = {NULL, 0};
    for (unsigned i = 0; i < ctl->approvers.count; i++)
        names[i] = rsm_text(ctl->approvers.items[i]);
    /* It may have waited for hours, in which the author did other things: the counter is asked for
     * anew. What is applied is bound by its digest, whatever was seen since. */
    rsm_author_free(ctl->signer);
    ctl->signer = NULL;
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_change_apply(rsm_bytes_make(o->digest, sizeof o->digest), names,
                                   ctl->approvers.count, &body);
    return ctl_change(ctl, RSM_KIND_CHANGE_APPLY, status, &body, "applied");
}

/* From the request on. */
static int carry_out(struct ctl *ctl, struct override *o)
{
    uint64_t until_ms;
    char hex[OVERRIDE_DIGEST_SIZE];
    if (!parse_wait(ctl, &until_ms))
        return rsm_status_exit(RSM_USAGE);
    if (is_state(o, "staged") && !has(o, "approved_ms"))
        override_ask_approvers(ctl, override_hex(o, hex));
    enum rsm_status status = wait_for(ctl, o, "approved_ms", until_ms);
    int result = rsm_status_exit(status);
    if (status == RSM_OK && is_state(o, "staged") && !has(o, "voting_ms")) {
        status = override_print(ctl, o, stderr);
        result = status == RSM_OK ? use_token(ctl, o) : rsm_status_exit(status);
        if (result != 0)
            return result;
        status = override_refresh(ctl, o);
    }
    if (status == RSM_OK)
        status = wait_for(ctl, o, NULL, until_ms);
    return status == RSM_OK ? print_end(o) : rsm_status_exit(status);
}

static enum rsm_status find(struct ctl *ctl, const struct plan_work *w, struct override *o)
{
    struct rsm_buffer body;
    enum rsm_status status = override_body(ctl, w, &body);
    if (status == RSM_OK)
        status = override_find_own(ctl, bytes_make(body.data, body.size), o);
    rsm_buffer_free(&body);
    return status;
}

static enum rsm_status ask(struct ctl *ctl, const struct plan_work *w, struct override *o)
{
    change_list_print(&w->list, &w->now, stderr);
    *o = (struct override){.row = {NULL, 0}};
    int result = override_ask(ctl, w, o->digest);
    if (result != 0)
        return result == rsm_status_exit(RSM_REFUSED) ? RSM_REFUSED : RSM_FAILED;
    char hex[OVERRIDE_DIGEST_SIZE];
    return override_find(ctl, override_hex(o, hex), o);
}

/* Those of a file, on their way. */
struct items {
    struct override_file file;
    struct override overrides[PLAN_CHANGES_MAX]; /* empty: the zone is as the file says */
    bool is_asked[PLAN_CHANGES_MAX];
};

/* Which of them wait already. */
static enum rsm_status find_items(struct ctl *ctl, struct items *items)
{
    enum rsm_status status = RSM_OK;
    for (size_t i = 0; i < items->file.count && status == RSM_OK; i++) {
        const struct plan_work *w = &items->file.works[i];
        if (w->list.count == 0) {
            fprintf(stderr, "%s is as the file says: nothing to do\n", w->file.zone);
            continue;
        }
        status = find(ctl, w, &items->overrides[i]);
        items->is_asked[i] = status == RSM_OK;
        status = status == RSM_NOT_FOUND ? RSM_OK : status;
    }
    return status;
}

/* Each change that is not in effect is asked for, so that approvers see all of them. */
static enum rsm_status begin_items(struct ctl *ctl, struct items *items)
{
    const char *reason = ctl->reason;
    enum rsm_status status = find_items(ctl, items);
    if (status == RSM_OK)
        status = override_file_check(ctl, &items->file, items->is_asked);
    for (size_t i = 0; i < items->file.count && status == RSM_OK; i++) {
        const struct plan_work *w = &items->file.works[i];
        if (w->list.count == 0 || items->is_asked[i])
            continue;
        ctl->reason = reason != NULL ? reason : w->file.reason;
        status = ask(ctl, w, &items->overrides[i]);
        items->is_asked[i] = status == RSM_OK;
    }
    return status;
}

/* In the order of the file; what comes behind one that failed is left as it is. */
static int carry_out_items(struct ctl *ctl, struct items *items)
{
    size_t done = 0, count = items->file.count;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        if (items->is_asked[i])
            result = carry_out(ctl, &items->overrides[i]);
        done += result == 0 ? 1 : 0;
    }
    if (count > 1 && result != 0)
        fprintf(stderr,
                "%zu of %zu zones are as the file says; the same line goes on with the rest, "
                "override cancel takes it back\n",
                done, count);
    return result;
}

static int apply_file(struct ctl *ctl)
{
    struct items *items = mem_alloc(sizeof *items);
    const char *reason = ctl->reason;
    enum rsm_status status = override_file_read(ctl, &items->file);
    if (status == RSM_OK)
        status = begin_items(ctl, items);
    int result = status == RSM_OK ? carry_out_items(ctl, items) : rsm_status_exit(status);
    ctl->reason = reason;
    for (size_t i = 0; i < items->file.count; i++)
        override_free(&items->overrides[i]);
    override_file_free(&items->file);
    mem_free(items);
    return result;
}

int ctl_override_apply(struct ctl *ctl, int count, char **arguments)
{
    struct override o;
    if (ctl->approvers.count > LIMIT_APPROVERS)
        return ctl_fail(RSM_USAGE, "--approver at most %u times", LIMIT_APPROVERS);
    if ((ctl->config != NULL) == (count > 0))
        return ctl_fail(RSM_USAGE, "either --config FILE, or a digest");
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    if (ctl->config != NULL)
        return apply_file(ctl);
    status = override_find(ctl, arguments[0], &o);
    int result = status == RSM_OK ? carry_out(ctl, &o) : rsm_status_exit(status);
    override_free(&o);
    return result;
}
