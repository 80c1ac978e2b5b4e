/* SPDX-License-Identifier: GPL-3.0-or-later */
/* approvers.c - see approvers.h. */
#include "src/daemon/approvers.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/io/clock.h"
#include "src/io/hook.h"
#include "src/machine/staged.h"

#define LINE_SIZE_MAX 4096u

struct approvers {
    struct hook *hook;
    bool led;           /* this replica led when it was looked last */
    uint64_t told_slot; /* all that were staged up to here were told */
    uint32_t told_index;
};

struct approvers *approvers_new(const char *hook_path)
{
    if (hook_path == NULL)
        return NULL;
    struct approvers *a = mem_alloc(sizeof *a);
    *a = (struct approvers){.hook = hook_new(hook_path)};
    return a;
}

void approvers_free(struct approvers *a)
{
    if (a == NULL)
        return;
    hook_free(a->hook);
    mem_free(a);
}

/* A JSON string; names have no control characters, and are UTF-8. */
static void add_text(struct writer *out, struct bytes text)
{
    writer_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            writer_u8(out, '\\');
        writer_u8(out, text.data[i]);
    }
    writer_u8(out, '"');
}

static enum rsm_status tell(struct approvers *a, const uint8_t digest[HASH_SIZE],
                            const struct staged_record *row)
{
    struct writer line;
    char hex[2 * HASH_SIZE + 1];
    hex_encode(hex, bytes_make(digest, HASH_SIZE));
    writer_init(&line, LINE_SIZE_MAX);
    writer_format(&line, "{\"event\":\"approval-wanted\",\"digest\":\"%s\",\"author\":", hex);
    add_text(&line, row->author);
    writer_format(&line, ",\"slot\":%" PRIu64 ",\"deadline_ms\":%" PRIu64 "}\n", row->slot,
                  row->deadline_ms);
    enum rsm_status status = hook_run(a->hook, writer_result(&line), clock_monotonic_ms());
    writer_deinit(&line);
    if (status != RSM_OK && status != RSM_BUSY)
        LOG(LOG_ERROR, "approval-hook", LOG_TEXT("digest", hex),
            LOG_TEXT("status", rsm_status_text(status)));
    return status;
}

static bool is_told(const struct approvers *a, const struct staged_record *row)
{
    return row->slot < a->told_slot || (row->slot == a->told_slot && row->index <= a->told_index);
}

static void tell_all(struct approvers *a, struct kv *kv)
{
    struct key place = {.size = 0};
    uint8_t digest[HASH_SIZE];
    struct staged_record row;
    while (pending_next(kv, &place, digest) == RSM_OK && staged_load(kv, digest, &row) == RSM_OK) {
        if (row.class != RSM_CLASS_EMERGENCY || row.approved_ms != 0 || is_told(a, &row))
            continue;
        if (tell(a, digest, &row) == RSM_BUSY)
            return; /* at the next tick */
        a->told_slot = row.slot;
        a->told_index = row.index;
    }
}

void approvers_on_tick(struct approvers *a, struct node *node)
{
    struct node_status status;
    if (a == NULL)
        return;
    hook_on_tick(a->hook, clock_monotonic_ms());
    if (pending_count(node_state(node)) == 0)
        return;
    node_get_status(node, &status);
    if (status.is_leader && !a->led)
        a->told_slot = a->told_index = 0;
    a->led = status.is_leader;
    if (a->led)
        tell_all(a, node_state(node));
}
