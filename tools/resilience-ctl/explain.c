/* SPDX-License-Identifier: GPL-3.0-or-later */
/* explain.c - a slot's or a command's verdict stage by stage, and the table of all rules. */
#include <inttypes.h>
#include <string.h>

#include <rsm/rule.h>

#include "tools/resilience-ctl/check.h"

/* "counter=3 writes=12" */
static const char *figures_text(struct rsm_value figures, char *out, size_t size)
{
    struct rsm_walk walk = rsm_walk_begin(figures);
    struct rsm_value key, value;
    out[0] = '\0';
    while (rsm_walk_next(&walk, &key) && rsm_walk_next(&walk, &value)) {
        size_t used = strlen(out);
        struct rsm_bytes name = rsm_value_octets(key);
        snprintf(out + used, size - used, " %.*s=%" PRIu64, (int)name.size, (const char *)name.data,
                 rsm_value_uint(value));
    }
    return out;
}

/* " affected: pay, shop and 3 more"; "perhaps others" where more is reached than is looked for. */
void ctl_print_services(struct rsm_value stage)
{
    struct rsm_value list = rsm_value_get(stage, "services"), item;
    struct rsm_walk walk = rsm_walk_begin(list);
    uint64_t named = rsm_value_count(list);
    uint64_t all = rsm_value_uint(rsm_value_get(rsm_value_get(stage, "figures"), "services"));
    const char *before = " affected: ";
    char name[160];
    for (; rsm_walk_next(&walk, &item); before = ", ")
        printf("%s%s", before, ctl_cell(item, name, sizeof name));
    if (named > 0 && all > named)
        printf(" and %" PRIu64 " more", all - named);
    if (rsm_value_uint(rsm_value_get(rsm_value_get(stage, "figures"), "reach_cut")) > 0)
        printf("; perhaps others: it reaches more names than are looked for");
}

/* Once for several refusals by one rule. */
static void print_next(FILE *out, struct rsm_value rule)
{
    struct rsm_bytes next = rsm_value_octets(rsm_value_get(rule, "next"));
    if (next.size > 0)
        fprintf(out, "    next: %.*s\n", (int)next.size, (const char *)next.data);
}

void ctl_print_rules(FILE *out, const char *before, struct rsm_value rules)
{
    struct rsm_walk walk = rsm_walk_begin(rules);
    struct rsm_value rule, last = {{NULL, 0}};
    char id[64], last_id[64] = "", evidence[1200];
    for (; rsm_walk_next(&walk, &rule); last = rule) {
        (void)ctl_cell(rsm_value_get(rule, "rule"), id, sizeof id);
        if (last_id[0] != '\0' && strcmp(id, last_id) != 0)
            print_next(out, last);
        fprintf(out, "%s%s: %s\n", before, id,
                ctl_cell(rsm_value_get(rule, "evidence"), evidence, sizeof evidence));
        memcpy(last_id, id, sizeof id);
    }
    if (last_id[0] != '\0')
        print_next(out, last);
}

void ctl_print_stage(struct rsm_value stage)
{
    char name[32], outcome[16], why[128], figures[512];
    struct rsm_walk rules = rsm_walk_begin(rsm_value_get(stage, "rules"));
    struct rsm_value rule;
    printf("  %" PRIu64 " %-12s %-8s%s%s%s", rsm_value_uint(rsm_value_get(stage, "stage")),
           ctl_cell(rsm_value_get(stage, "name"), name, sizeof name),
           ctl_cell(rsm_value_get(stage, "outcome"), outcome, sizeof outcome),
           *ctl_cell(rsm_value_get(stage, "why"), why, sizeof why) != '\0' ? " " : "", why,
           figures_text(rsm_value_get(stage, "figures"), figures, sizeof figures));
    ctl_print_services(stage);
    while (rsm_walk_next(&rules, &rule))
        printf(" %s", ctl_cell(rule, name, sizeof name));
    putchar('\n');
}

static void print_command(struct rsm_value command)
{
    char author[160], came[16];
    struct rsm_value verdict = rsm_value_get(command, "verdict");
    struct rsm_walk stages = rsm_walk_begin(rsm_value_get(command, "stages"));
    struct rsm_value item;
    printf("%s %" PRIu64 " %s\n", ctl_cell(rsm_value_get(verdict, "author"), author, sizeof author),
           rsm_value_uint(rsm_value_get(verdict, "counter")),
           ctl_cell(rsm_value_get(verdict, "verdict"), came, sizeof came));
    while (rsm_walk_next(&stages, &item))
        ctl_print_stage(item);
    ctl_print_rules(stdout, "    ", rsm_value_get(verdict, "rules"));
}

/* SLOT, AUTHOR COUNTER, AUTHOR/COUNTER or a digest of 64 digits. */
static bool pack_what(struct rsm_pack *params, int count, char **arguments)
{
    uint64_t number;
    char *slash = strrchr(arguments[0], '/');
    const char *counter = count == 2 ? arguments[1] : NULL;
    if (count == 1 && slash != NULL) {
        *slash = '\0';
        counter = slash + 1;
    }
    rsm_pack_array(params, counter != NULL ? 2 : 1);
    if (counter != NULL) {
        rsm_pack_text(params, arguments[0]);
        rsm_pack_uint(params, ctl_parse_number(counter, &number) ? number : 0);
        return ctl_parse_number(counter, &number);
    }
    uint8_t digest[RSM_DIGEST_SIZE];
    if (hex_decode(digest, sizeof digest, arguments[0])) {
        rsm_pack_bin(params, rsm_bytes_make(digest, sizeof digest));
        return true;
    }
    bool good = ctl_parse_number(arguments[0], &number);
    rsm_pack_uint(params, good ? number : 0);
    return good;
}

int ctl_explain(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer result;
    struct rsm_pack *params = rsm_pack_new();
    if (!pack_what(params, count, arguments)) {
        rsm_pack_free(params);
        return ctl_fail(RSM_USAGE, "a slot is wanted, an author and its counter, or a digest");
    }
    enum rsm_status status = ctl_call(ctl, "explain", params, &result);
    rsm_pack_free(params);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "%s", ctl_call_words(ctl));
    struct rsm_value value = rsm_value_of(rsm_buffer_bytes(&result));
    if (status == RSM_OK && ctl->output != CTL_OUTPUT_TABLE) {
        ctl_print_json(value);
    } else if (status == RSM_OK) {
        struct rsm_walk walk = rsm_walk_begin(rsm_value_get(value, "commands"));
        struct rsm_value command;
        printf("slot %" PRIu64 "\n", rsm_value_uint(rsm_value_get(value, "explained_slot")));
        while (rsm_walk_next(&walk, &command))
            print_command(command);
    }
    rsm_buffer_free(&result);
    return rsm_status_exit(status);
}

static void print_rule_json(uint32_t rule, bool is_first, enum ctl_output output)
{
    if (output == CTL_OUTPUT_JSON)
        printf(is_first ? "[" : ",\n ");
    printf("{\"number\":%" PRIu32 ",\"rule\":\"%s\",\"stage\":%d,\"stage_name\":\"%s\","
           "\"file\":\"%s\",\"text\":\"%s\"}",
           rule, rsm_rule_id(rule), (int)rsm_rule_stage(rule), rsm_stage_id(rsm_rule_stage(rule)),
           rsm_rule_file(rule), rsm_rule_text(rule));
    if (output == CTL_OUTPUT_JSONL)
        putchar('\n');
}

/* By stage, in a stage by number. */
int ctl_rules(struct ctl *ctl, int count, char **arguments)
{
    bool is_first = true;
    (void)count;
    (void)arguments;
    if (ctl->output == CTL_OUTPUT_TABLE)
        printf("%-3s %-12s %-24s %-20s %s\n", "NO", "STAGE", "RULE", "FILE", "WHAT IT DEMANDS");
    for (int stage = RSM_STAGE_PREFLIGHT; stage <= RSM_STAGE_POSTCOMMIT; stage++) {
        for (uint32_t rule = 1; rule <= rsm_rule_last(); rule++) {
            if ((int)rsm_rule_stage(rule) != stage)
                continue;
            if (ctl->output != CTL_OUTPUT_TABLE)
                print_rule_json(rule, is_first, ctl->output);
            else
                printf("%-3" PRIu32 " %d %-10s %-24s %-20s %s\n", rule, stage,
                       rsm_stage_id((uint32_t)stage), rsm_rule_id(rule), rsm_rule_file(rule),
                       rsm_rule_text(rule));
            is_first = false;
        }
    }
    if (ctl->output == CTL_OUTPUT_JSON)
        printf("]\n");
    return 0;
}
