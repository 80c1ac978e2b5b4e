/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recovery.c - a person signs that one replica goes on alone; offline (see command/recovery.h). */
#include <inttypes.h>
#include <string.h>

#include "src/command/recovery.h"
#include "src/command/recovery_text.h"
#include "tools/resilience-ctl/ctl.h"

static void show(const struct recovery *r)
{
    char cluster[2 * CLUSTER_ID_SIZE + 1], head[2 * HASH_SIZE + 1];
    hex_encode(cluster, bytes_make(r->cluster, CLUSTER_ID_SIZE));
    hex_encode(head, bytes_make(r->entry_head, HASH_SIZE));
    fprintf(stderr,
            "replica %" PRIu32 " of cluster %s goes on alone, in epoch %" PRIu64
            "\n  from slot %" PRIu64 ", entry head %s\n",
            r->replica, cluster, r->epoch, r->slot, head);
    if (r->votes_end > r->slot + 1)
        fprintf(stderr, "  and takes over what it voted for in slots %" PRIu64 " to %" PRIu64 "\n",
                r->slot + 1, r->votes_end - 1);
    fprintf(stderr, "  lost: whatever else was chosen behind slot %" PRIu64 "\n", r->slot);
}

static int sign(struct ctl *ctl, const struct recovery *r)
{
    struct recovery_approval_text approval;
    struct writer text;
    if (ctl_load_key(ctl) != RSM_OK)
        return rsm_status_exit(RSM_FAILED);
    const char *name = rsm_key_name(ctl->key);
    snprintf(approval.principal, sizeof approval.principal, "%s", name);
    recovery_digest(r->raw, approval.digest);
    enum rsm_status status = recovery_sign(ctl->key, r, approval.signature);
    if (status != RSM_OK)
        return ctl_fail(status, "%s", rsm_status_sentence(status));
    writer_init(&text, RECOVERY_TEXT_MAX);
    recovery_approval_encode(&text, &approval);
    fwrite(text.data, 1, text.size, stdout);
    writer_deinit(&text);
    return 0;
}

int ctl_recovery_approve(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer file;
    struct writer statement;
    struct recovery r;
    (void)count;
    if (!ctl_read_file(arguments[0], RECOVERY_TEXT_MAX, &file))
        return rsm_status_exit(RSM_FAILED);
    writer_init(&statement, RECOVERY_SIZE_MAX);
    enum rsm_status status = recovery_text_decode(bytes_make(file.data, file.size), &statement);
    if (status == RSM_OK)
        status = recovery_decode(writer_result(&statement), &r);
    int result;
    if (status != RSM_OK) {
        result = ctl_fail(status, "%s: this is no statement of rsmd recover, or it was changed",
                          arguments[0]);
    } else {
        show(&r);
        result = ctl_confirm(ctl, "sign this") ? sign(ctl, &r) : rsm_status_exit(RSM_USAGE);
    }
    writer_deinit(&statement);
    rsm_buffer_free(&file);
    return result;
}
