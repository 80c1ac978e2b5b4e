/* SPDX-License-Identifier: GPL-3.0-or-later */
/* change.c - changes that wait: which there are, approving one, taking one back. */
#include <rsm/change.h>

#include "tools/resilience-ctl/ctl.h"

int ctl_change_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"DIGEST", "digest"}, {"CLASS", "class"},
                                                {"AUTHOR", "author"}, {"KIND", "kind"},
                                                {"SLOT", "slot"},     {"UNTIL (ms)", "deadline_ms"},
                                                {"VOTES", "votes"},   {"APPROVALS", "approvals"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "change.list", "changes", columns, 8);
}

typedef enum rsm_status build_body(struct rsm_bytes digest, struct rsm_buffer *body_out);

/* All of the digest: what is approved is what was read, and nothing that merely begins like it. */
static int about(struct ctl *ctl, const char *text, enum rsm_kind kind, build_body *build,
                 const char *done)
{
    uint8_t digest[RSM_DIGEST_SIZE];
    struct rsm_buffer body = {NULL, 0};
    if (!hex_decode(digest, sizeof digest, text))
        return ctl_fail(RSM_USAGE, "a digest of 64 digits is wanted: change list shows it");
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = build(rsm_bytes_make(digest, sizeof digest), &body);
    return ctl_change(ctl, kind, status, &body, done);
}

int ctl_change_approve(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    return about(ctl, arguments[0], RSM_KIND_CHANGE_APPROVE, rsm_body_change_approve, "approved");
}

int ctl_change_cancel(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    return about(ctl, arguments[0], RSM_KIND_CHANGE_CANCEL, rsm_body_change_cancel, "taken back");
}
