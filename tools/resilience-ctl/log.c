/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.c - the log as it grows, outcomes, and envelopes that were signed before. */
#include <string.h>

#include "tools/resilience-ctl/log.h"

#define NO_SLOT_YET ((UINT64_C(1) << 53) - 1) /* the largest number of the protocol */

static void print_line(struct ctl *ctl, struct rsm_value slot)
{
    char time[32], kind[32];
    if (ctl->output != CTL_OUTPUT_TABLE) {
        ctl_print_json(slot);
        fflush(stdout); /* a program may wait for it at the other end of a pipe */
        return;
    }
    struct rsm_walk commands = rsm_walk_begin(rsm_value_get(slot, "commands"));
    struct rsm_walk verdicts = rsm_walk_begin(rsm_value_get(slot, "verdicts"));
    struct rsm_value command, verdict;
    ctl_cell(rsm_value_get(slot, "time_ms"), time, sizeof time);
    ctl_cell(rsm_value_get(slot, "kind"), kind, sizeof kind);
    if (rsm_value_count(rsm_value_get(slot, "verdicts")) == 0)
        printf("%llu %s %s\n", (unsigned long long)rsm_value_uint(rsm_value_get(slot, "slot")),
               time, kind);
    while (rsm_walk_next(&verdicts, &verdict)) {
        char author[160], what[32] = "-", came[16], reason[256] = "", rules[600] = "";
        if (rsm_walk_next(&commands, &command)) {
            ctl_cell(rsm_value_get(command, "kind"), what, sizeof what);
            ctl_cell(rsm_value_get(command, "reason"), reason, sizeof reason);
        }
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(verdict, "rules"));
        struct rsm_value rule;
        while (rsm_walk_next(&walk, &rule)) {
            size_t used = strlen(rules);
            char id[64];
            snprintf(rules + used, sizeof rules - used, " %s",
                     ctl_cell(rsm_value_get(rule, "rule"), id, sizeof id));
        }
        printf("%llu %s %s %llu %s %s%s%s%s\n",
               (unsigned long long)rsm_value_uint(rsm_value_get(slot, "slot")), time,
               ctl_cell(rsm_value_get(verdict, "author"), author, sizeof author),
               (unsigned long long)rsm_value_uint(rsm_value_get(verdict, "counter")), what,
               ctl_cell(rsm_value_get(verdict, "verdict"), came, sizeof came), rules,
               *reason != '\0' ? " # " : "", reason);
    }
    fflush(stdout);
}

static void print_reset(struct ctl *ctl, struct rsm_value reset)
{
    char zone[NAME_TEXT_MAX];
    if (ctl->output != CTL_OUTPUT_TABLE) {
        ctl_print_json(reset);
    } else if (rsm_value_type(rsm_value_get(reset, "zone")) == RSM_TYPE_NONE) {
        printf("%llu reset: this is another log; read all of it again\n",
               (unsigned long long)rsm_value_uint(rsm_value_get(reset, "slot")));
    } else {
        printf("%llu reset: %s is as it was after slot %llu; read it again\n",
               (unsigned long long)rsm_value_uint(rsm_value_get(reset, "slot")),
               ctl_cell(rsm_value_get(reset, "zone"), zone, sizeof zone),
               (unsigned long long)rsm_value_uint(rsm_value_get(reset, "restored_slot")));
    }
    fflush(stdout);
}

struct following {
    struct ctl *ctl;
    enum rsm_status status;
};

static void on_notice(void *context, const struct rsm_notice *notice)
{
    struct following *f = context;
    if (notice->status == RSM_OK)
        print_line(f->ctl, notice->value);
    else if (notice->status == RSM_RESET)
        print_reset(f->ctl, notice->value);
    else if (notice->status == RSM_COMPACTED)
        fprintf(stderr, "history before slot %llu is gone\n", (unsigned long long)notice->slot);
    else {
        f->status = notice->status;
        ctl_fail(notice->status, "%s: %s", rsm_status_text(notice->status), notice->detail);
    }
}

static int follow(struct ctl *ctl, uint64_t from)
{
    struct following f = {.ctl = ctl, .status = RSM_OK};
    struct rsm_pack *filter = NULL;
    struct rsm_value none = {{NULL, 0}};
    enum rsm_status status = ctl_connect(ctl);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    if (ctl->author != NULL) {
        filter = rsm_pack_new();
        rsm_pack_map(filter, 1);
        rsm_pack_text(filter, "author");
        rsm_pack_text(filter, ctl->author);
        none = rsm_value_of(rsm_pack_result(filter));
    }
    status = rsm_client_watch(ctl->client, none, from, on_notice, &f, NULL);
    rsm_pack_free(filter);
    if (status != RSM_OK)
        return ctl_fail(status, "%s", rsm_status_sentence(status));
    while (f.status == RSM_OK && !ferror(stdout))
        rsm_client_process(ctl->client, 1000);
    return rsm_status_exit(f.status);
}

int ctl_watch(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    (void)arguments;
    return follow(ctl, ctl->from);
}

/* log.range of a slot that no log has: no entries, and `slot`, which a majority has confirmed. */
enum rsm_status ctl_newest_slot(struct ctl *ctl, uint64_t *slot_out)
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_uint(params, NO_SLOT_YET);
    enum rsm_status status = ctl_call(ctl, "log.range", params, &result);
    rsm_pack_free(params);
    if (status == RSM_OK)
        *slot_out = rsm_value_uint(rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "slot"));
    rsm_buffer_free(&result);
    return status;
}

/* Prints [first, end) page by page. */
static enum rsm_status print_range(struct ctl *ctl, uint64_t first, uint64_t end)
{
    while (first < end) {
        struct rsm_buffer result;
        struct rsm_pack *params = rsm_pack_new();
        rsm_pack_array(params, ctl->author != NULL ? 3 : 2);
        rsm_pack_uint(params, first);
        rsm_pack_uint(params, end);
        if (ctl->author != NULL) {
            rsm_pack_map(params, 1);
            rsm_pack_text(params, "author");
            rsm_pack_text(params, ctl->author);
        }
        enum rsm_status status = ctl_call(ctl, "log.range", params, &result);
        rsm_pack_free(params);
        if (status != RSM_OK)
            return status;
        struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&result));
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(value, "entries"));
        struct rsm_value slot;
        while (rsm_walk_next(&walk, &slot))
            print_line(ctl, slot);
        uint64_t next = rsm_value_uint(rsm_value_get(value, "next"));
        rsm_buffer_free(&result);
        if (next <= first)
            return RSM_OK;
        first = next;
    }
    return RSM_OK;
}

int ctl_log_tail(struct ctl *ctl, int count, char **arguments)
{
    uint64_t newest = 0;
    uint64_t limit = ctl->limit > 0 ? ctl->limit : 20;
    (void)count;
    (void)arguments;
    enum rsm_status status = ctl_newest_slot(ctl, &newest);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    uint64_t first = newest + 1 > limit ? newest + 1 - limit : 1;
    if (ctl->from > 0)
        first = ctl->from;
    status = print_range(ctl, first, newest + 1);
    if (status != RSM_OK || !ctl->follow)
        return rsm_status_exit(status);
    return follow(ctl, newest + 1);
}

int ctl_outcome(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer result;
    uint8_t digest[RSM_DIGEST_SIZE];
    uint64_t counter;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, (uint32_t)count);
    bool good = true;
    if (count == 2) {
        good = ctl_parse_number(arguments[1], &counter);
        rsm_pack_text(params, arguments[0]);
        rsm_pack_uint(params, counter);
    } else {
        good = hex_decode(digest, sizeof digest, arguments[0]);
        rsm_pack_bin(params, rsm_bytes_make(digest, sizeof digest));
    }
    enum rsm_status status = RSM_USAGE;
    if (good)
        status = ctl_call(ctl, "outcome", params, &result);
    else
        ctl_fail(status, "an author and its counter are wanted, or a digest of 64 digits");
    rsm_pack_free(params);
    if (!good)
        return rsm_status_exit(status);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "%s", ctl_call_words(ctl));
    if (status == RSM_OK)
        ctl_print_map(ctl, rsm_value_of(rsm_buffer_bytes(&result)));
    rsm_buffer_free(&result);
    return rsm_status_exit(status);
}

int ctl_submit_file(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer envelope;
    (void)count;
    if (!ctl_read_file(arguments[0], 16u << 20, &envelope))
        return rsm_status_exit(RSM_FAILED);
    enum rsm_status status = ctl_connect(ctl);
    int result = rsm_status_exit(status);
    if (status == RSM_OK)
        result = ctl_submit(ctl, rsm_buffer_bytes(&envelope), "applied");
    rsm_buffer_free(&envelope);
    return result;
}
