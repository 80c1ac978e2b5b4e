/* SPDX-License-Identifier: GPL-3.0-or-later */
/* change.c - changes that wait: which there are, taking one back, waiting for one. */
#include <time.h>

#include <rsm/change.h>

#include "tools/resilience-ctl/check.h"
#include "tools/resilience-ctl/ctl.h"
#include "tools/resilience-ctl/lists.h"

#define POLL_MS 100u

int ctl_change_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"DIGEST", "digest"}, {"CLASS", "class"},
                                                {"AUTHOR", "author"}, {"KIND", "kind"},
                                                {"SLOT", "slot"},     {"UNTIL", "deadline_ms"},
                                                {"VOTES", "votes"},   {"APPROVALS", "approvals"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "change.list", "changes", columns, 8);
}

/* All of the digest: what is taken back is what was read. */
int ctl_change_cancel(struct ctl *ctl, int count, char **arguments)
{
    uint8_t digest[RSM_DIGEST_SIZE];
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    if (!hex_decode(digest, sizeof digest, arguments[0]))
        return ctl_fail(RSM_USAGE, "a digest of 64 digits is wanted: change list shows it");
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_change_cancel(rsm_bytes_make(digest, sizeof digest), &body);
    return ctl_change(ctl, RSM_KIND_CHANGE_CANCEL, status, &body, "taken back");
}

/* ---- waiting for the decision ---- */

static enum rsm_status ask(struct ctl *ctl, struct rsm_bytes digest, struct rsm_buffer *out)
{
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, digest);
    enum rsm_status status = ctl_call(ctl, "outcome", params, out);
    rsm_pack_free(params);
    return status;
}

static void print_decision(struct rsm_value change, struct rsm_bytes state)
{
    fprintf(stderr, "%.*s in slot %llu\n", (int)state.size, (const char *)state.data,
            (unsigned long long)rsm_value_uint(rsm_value_get(change, "settled_slot")));
    ctl_print_rules(stderr, "  ", rsm_value_get(change, "rules"));
}

/* RSM_STAGED: still; else RSM_OK for live and RSM_REFUSED for any other end. */
static enum rsm_status look(struct ctl *ctl, struct rsm_bytes digest)
{
    struct rsm_buffer result;
    enum rsm_status status = ask(ctl, digest, &result);
    if (status == RSM_OK) {
        struct rsm_value change = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "change");
        struct rsm_bytes state = rsm_value_octets(rsm_value_get(change, "state"));
        struct bytes text = bytes_make(state.data, state.size);
        if (bytes_equal(text, bytes_of_string("staged"))) {
            status = RSM_STAGED;
        } else {
            print_decision(change, state);
            if (!bytes_equal(text, bytes_of_string("live")))
                status = RSM_REFUSED;
        }
    }
    rsm_buffer_free(&result);
    return status;
}

int ctl_change_wait(struct ctl *ctl, struct rsm_bytes digest)
{
    const struct timespec pause = {.tv_nsec = (long)POLL_MS * 1000000};
    uint64_t left_ms;
    if (!ctl_parse_duration(ctl->wait, &left_ms))
        return ctl_fail(RSM_USAGE, "--wait is a time such as 60s, not \"%s\"", ctl->wait);
    enum rsm_status status = look(ctl, digest);
    for (; status == RSM_STAGED && left_ms > POLL_MS; left_ms -= POLL_MS) {
        nanosleep(&pause, NULL);
        status = look(ctl, digest);
    }
    return rsm_status_exit(status);
}
