/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_state.c - `state`, as it was at any slot, and `diff` between two: both by replay. */
#include <string.h>

#include "tools/rsm-dump/lines.h"
#include "tools/rsm-dump/replay.h"
#include "tools/rsm-dump/shown.h"

static void print_line(const struct dump *d, const char *mark, const struct line *line)
{
    if (!d->options->json) {
        printf("%s%s ", mark, line->kind);
        shown_put(line->name);
        printf(" %s\n", line->value);
        return;
    }
    json_t *value = lines_json(line);
    if (mark[0] != '\0')
        json_object_set_new(value, "change", json_string(mark[0] == '+' ? "new" : "old"));
    shown_print(value, true);
}

/* Replays up to `slot` and collects the state there. */
static bool collect_at(struct replay *r, uint64_t slot, struct bytes zone, struct lines *out)
{
    *out = (struct lines){0};
    if (!replay_to(r, slot))
        return false;
    enum rsm_status status = lines_collect(r->kv, zone, out);
    if (status != RSM_OK)
        dump_finding(r->d, "the replayed state at slot %llu: %s", (unsigned long long)slot,
                     rsm_status_sentence(status));
    return status == RSM_OK;
}

static void print_head(const struct replay *r)
{
    char time[SHOWN_TIME_SIZE];
    char head[2 * HASH_SIZE + 1];

    hex_encode(head, bytes_make(r->ledger.heads.entry, HASH_SIZE));
    shown_time(r->ledger.log_time_ms, time);
    if (r->d->options->json)
        shown_print(json_pack("{s:s,s:I,s:s,s:s}", "object", "slot", "slot",
                              (json_int_t)r->ledger.slot, "log_time", time, "entry_head", head),
                    true);
    else
        printf("slot %llu, log time %s, entry head %s\n", (unsigned long long)r->ledger.slot, time,
               head);
}

int command_state(struct dump *d)
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes zone;
    struct lines lines;
    struct replay r;
    uint64_t slot = dump_last(d);

    if (!dump_parse_zone(d, buffer, &zone))
        return EXIT_WRONG_USAGE;
    if (d->options->at != NULL && !dump_parse_slot(d, d->options->at, &slot))
        return EXIT_NOTHING_THERE;
    if (replay_init(&r, d) && collect_at(&r, slot, zone, &lines)) {
        print_head(&r);
        for (size_t i = 0; i < lines.count; i++)
            print_line(d, "", &lines.items[i]);
        lines_deinit(&lines);
    }
    replay_deinit(&r);
    return dump_exit(d);
}

/* Two sorted lists: what is only in the one, what only in the other, what differs. */
static void print_difference(const struct dump *d, const struct lines *old, const struct lines *new)
{
    size_t i = 0;
    size_t j = 0;

    while (i < old->count || j < new->count) {
        int order = 0;
        if (i < old->count && j < new->count)
            order = lines_compare(&old->items[i], &new->items[j]);
        else
            order = i < old->count ? -1 : 1;
        bool same = order == 0 && strcmp(old->items[i].value, new->items[j].value) == 0;
        if (order <= 0 && !same)
            print_line(d, "- ", &old->items[i]);
        if (order >= 0 && !same)
            print_line(d, "+ ", &new->items[j]);
        i += order <= 0;
        j += order >= 0;
    }
}

int command_diff(struct dump *d)
{
    struct lines old = {0};
    struct lines new = {0};
    struct replay r;
    uint64_t first = 0;
    uint64_t second = 0;

    if (!dump_parse_slot(d, d->options->first, &first) ||
        !dump_parse_slot(d, d->options->second, &second))
        return EXIT_NOTHING_THERE;
    bool backwards = second < first;
    struct bytes all = bytes_make(NULL, 0);
    if (replay_init(&r, d) && collect_at(&r, backwards ? second : first, all, &old) &&
        collect_at(&r, backwards ? first : second, all, &new))
        print_difference(d, backwards ? &new : &old, backwards ? &old : &new);
    lines_deinit(&old);
    lines_deinit(&new);
    replay_deinit(&r);
    return dump_exit(d);
}
