/* SPDX-License-Identifier: GPL-3.0-or-later */
/* member_wait.c - looking at the members, and waiting for what was begun (see member.h). */
#include "tools/resilience-ctl/member.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 600000u
#define POLL_MS 1000u
#define STEP_MS 250u

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pause_ms(uint32_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* One line, when it says something new; over the last one on a terminal. */
static void say(char *last, size_t size, const char *text)
{
    if (strcmp(last, text) == 0)
        return;
    fprintf(stderr, isatty(STDERR_FILENO) && *last != '\0' ? "\033[1A\033[2K  %s\n" : "  %s\n",
            text);
    snprintf(last, size, "%s", text);
}

/* What passes by itself: an election, a connection that broke. */
static bool is_passing(enum rsm_status status)
{
    int exit_status = rsm_status_exit(status);
    return exit_status == rsm_status_exit(RSM_NO_LEADER) ||
           exit_status == rsm_status_exit(RSM_CANNOT_CONNECT) || status == RSM_TIMED_OUT ||
           status == RSM_OUTCOME_UNKNOWN || status == RSM_BUSY;
}

/* -------------------------------------------------------------------------------------------- */
/* Looking. */

struct rsm_value member_find(struct rsm_value configuration, uint64_t id)
{
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(configuration, "members"));
    struct rsm_value member;
    while (rsm_walk_next(&walk, &member))
        if (rsm_value_uint(rsm_value_get(member, "replica")) == id)
            return member;
    return (struct rsm_value){{NULL, 0}};
}

void member_view_free(struct member_view *view)
{
    rsm_buffer_free(&view->bytes);
    *view = (struct member_view){.slot = 0};
}

static void read_view(struct member_view *view)
{
    struct rsm_value all = rsm_value_of(rsm_buffer_bytes(&view->bytes));
    struct rsm_value next = rsm_value_get(all, "next");
    view->slot = rsm_value_uint(rsm_value_get(all, "slot"));
    view->current = rsm_value_get(all, "current");
    view->newest = rsm_value_type(next) == RSM_TYPE_MAP ? next : view->current;
    view->current_version = rsm_value_uint(rsm_value_get(view->current, "version"));
    view->newest_version = rsm_value_uint(rsm_value_get(view->newest, "version"));
    view->newest_slot = rsm_value_uint(rsm_value_get(view->newest, "effective_slot"));
}

enum rsm_status member_look(struct ctl *ctl, struct member_view *view_out)
{
    *view_out = (struct member_view){.slot = 0};
    enum rsm_status status = ctl_call(ctl, "member.list", NULL, &view_out->bytes);
    if (status == RSM_OK)
        read_view(view_out);
    return status;
}

/* The same question to the leader's own address; RSM_OK also when it answered in the first place.
 */
static enum rsm_status ask_leader(struct ctl *ctl, struct member_view *view)
{
    struct rsm_value all = rsm_value_of(rsm_buffer_bytes(&view->bytes));
    uint64_t leader = rsm_value_uint(rsm_value_get(all, "leader"));
    struct rsm_value member = member_find(view->current, leader);
    struct rsm_value none = {{NULL, 0}};
    struct rsm_client *client = NULL;
    char address[160];
    if (leader == rsm_value_uint(rsm_value_get(all, "replica")))
        return RSM_OK;
    if (rsm_value_type(member) != RSM_TYPE_MAP)
        return RSM_NO_LEADER;
    ctl_cell(rsm_value_get(member, "client_address"), address, sizeof address);
    member_view_free(view);
    enum rsm_status status = rsm_client_new(address, &client);
    if (status == RSM_OK)
        status = rsm_client_call(client, "member.list", none, ctl->timeout_ms, &view->bytes);
    rsm_client_free(client);
    if (status == RSM_OK)
        read_view(view);
    return status;
}

enum rsm_status member_look_known(struct ctl *ctl, struct member_known *known_out)
{
    struct member_view view;
    struct rsm_value member;
    *known_out = (struct member_known){.count = 0};
    enum rsm_status status = member_look(ctl, &view);
    if (status == RSM_OK) {
        status = ask_leader(ctl, &view);
        if (status != RSM_OK)
            ctl_fail(status, "the leader: %s", rsm_status_sentence(status));
    }
    if (status == RSM_OK)
        status = rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&view.bytes)));
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(view.newest, "members"));
    while (status == RSM_OK && known_out->count < LIMIT_REPLICAS && rsm_walk_next(&walk, &member)) {
        struct rsm_incarnation item = {
            .replica = (uint32_t)rsm_value_uint(rsm_value_get(member, "replica")),
            .incarnation = rsm_value_uint(rsm_value_get(member, "known"))};
        if (item.incarnation != 0)
            known_out->items[known_out->count++] = item;
    }
    member_view_free(&view);
    return status;
}

/* -------------------------------------------------------------------------------------------- */
/* Waiting. */

bool member_deadline_begin(struct ctl *ctl, struct member_deadline *out)
{
    uint64_t ms = WAIT_MS;
    if (ctl->wait != NULL && !ctl_parse_duration(ctl->wait, &ms)) {
        ctl_fail(RSM_USAGE, "--wait is a time such as 10m, not \"%s\"", ctl->wait);
        return false;
    }
    out->end_ms = now_ms() + ms;
    return true;
}

/* Until the slot is applied where we ask, or a second is over. */
static void poll_slot(struct ctl *ctl, uint64_t slot)
{
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 2);
    rsm_pack_uint(params, slot);
    rsm_pack_map(params, 1);
    rsm_pack_text(params, "timeout_ms");
    rsm_pack_uint(params, POLL_MS);
    enum rsm_status status = rsm_client_call(
        ctl->client, "poll", rsm_value_of(rsm_pack_result(params)), 2 * POLL_MS, NULL);
    rsm_pack_free(params);
    if (status != RSM_OK)
        pause_ms(STEP_MS);
}

enum rsm_status member_wait_in_force(struct ctl *ctl, const struct member_deadline *deadline,
                                     uint64_t version)
{
    char last[256] = "", text[256];
    for (;;) {
        struct member_view view = {.slot = 0};
        struct rsm_value none = {{NULL, 0}};
        enum rsm_status status =
            rsm_client_call(ctl->client, "member.list", none, ctl->timeout_ms, &view.bytes);
        if (status == RSM_OK)
            read_view(&view);
        else if (!is_passing(status))
            ctl_fail(status, "%s: %s", rsm_status_text(status), rsm_client_error(ctl->client));
        if (status != RSM_OK && !is_passing(status))
            return status;
        uint64_t slot = view.newest_slot;
        bool done = status == RSM_OK && view.current_version >= version;
        if (status == RSM_OK && !done)
            snprintf(text, sizeof text,
                     "configuration %llu governs from slot %llu on; the log is at %llu",
                     (unsigned long long)view.newest_version, (unsigned long long)slot,
                     (unsigned long long)view.slot);
        else if (done)
            snprintf(text, sizeof text, "configuration %llu governs",
                     (unsigned long long)view.current_version);
        else
            snprintf(text, sizeof text, "%s: asking again", rsm_client_error(ctl->client));
        member_view_free(&view);
        say(last, sizeof last, text);
        if (done)
            return RSM_OK;
        if (now_ms() >= deadline->end_ms) {
            ctl_fail(
                RSM_TIMED_OUT,
                "configuration %llu does not govern yet; resilience-ctl member list shows when",
                (unsigned long long)version);
            return RSM_TIMED_OUT;
        }
        if (status == RSM_OK)
            poll_slot(ctl, slot - 1);
        else
            pause_ms(STEP_MS);
    }
}

static enum rsm_status sign_promotion(struct ctl *ctl, uint64_t id, struct rsm_buffer *envelope_out)
{
    struct rsm_buffer body;
    struct member_known known;
    *envelope_out = (struct rsm_buffer){NULL, 0};
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = member_look_known(ctl, &known);
    if (status != RSM_OK)
        return status; /* explained */
    status = rsm_body_member_promote((uint32_t)id, known.items, known.count, &body);
    if (status == RSM_OK)
        status = rsm_author_sign(ctl->signer, RSM_KIND_MEMBER_PROMOTE, rsm_buffer_bytes(&body),
                                 ctl->reason != NULL ? ctl->reason : "", NULL, 0, envelope_out);
    rsm_buffer_free(&body);
    if (status != RSM_OK)
        ctl_fail(status, "cannot sign: %s", rsm_status_sentence(status));
    return status;
}

/* Nobody took it, nobody ever will: the counter is free again. */
static enum rsm_status sign_again(struct ctl *ctl, uint64_t id, struct rsm_buffer *envelope)
{
    rsm_buffer_free(envelope);
    rsm_author_set_counter(ctl->signer, rsm_author_counter(ctl->signer) - 2);
    return sign_promotion(ctl, id, envelope);
}

int member_promote_when_ready(struct ctl *ctl, const struct member_deadline *deadline, uint64_t id)
{
    char last[512] = "", text[512];
    struct rsm_buffer envelope;
    enum rsm_status status = sign_promotion(ctl, id, &envelope);
    while (status == RSM_OK) {
        status = rsm_client_submit(ctl->client, rsm_buffer_bytes(&envelope), ctl->timeout_ms, NULL);
        if (status != RSM_NOT_READY && !is_passing(status))
            break;
        snprintf(text, sizeof text, "%s", rsm_client_error(ctl->client));
        say(last, sizeof last, text);
        if (now_ms() >= deadline->end_ms)
            break;
        pause_ms(STEP_MS);
        status = status == RSM_NOT_READY ? sign_again(ctl, id, &envelope) : RSM_OK;
    }
    /* The same bytes again: this prints the verdict that they have, or what is wrong still. */
    int result = rsm_status_exit(status);
    if (envelope.size > 0)
        result = ctl_submit(ctl, rsm_buffer_bytes(&envelope), "promoted");
    rsm_buffer_free(&envelope);
    return result;
}
