/* SPDX-License-Identifier: Apache-2.0 */
/* rule.c - the lists of rules and stages as functions. */
#include <rsm/rule.h>

#include <stddef.h>
#include <string.h>

struct rule_row {
    const char *id, *file, *text;
    enum rsm_stage stage;
};

static const struct rule_row rules[] = {
    [0] = {"unknown", "", "an unknown rule", RSM_STAGE_PREFLIGHT},
#define RULE_ROW(name, number, id, stage, file, text)                                              \
    [number] = {id, file, text, RSM_STAGE_##stage},
    RSM_RULE_LIST(RULE_ROW)
#undef RULE_ROW
};

#define RULE_COUNT (sizeof rules / sizeof rules[0])

static const struct rule_row *row_of(uint32_t rule)
{
    return &rules[rule < RULE_COUNT ? rule : 0];
}

const char *rsm_rule_id(uint32_t rule)
{
    return row_of(rule)->id;
}

const char *rsm_rule_text(uint32_t rule)
{
    return row_of(rule)->text;
}

uint32_t rsm_rule_parse(const void *id, size_t size)
{
    for (uint32_t rule = 1; rule < RULE_COUNT; rule++)
        if (strlen(row_of(rule)->id) == size && memcmp(row_of(rule)->id, id, size) == 0)
            return rule;
    return 0;
}

int rsm_rule_may_be_overridden(uint32_t rule)
{
    switch (rule) {
    case RSM_RULE_FROZEN:
    case RSM_RULE_ENDPOINT_EMPTY:
    case RSM_RULE_LIMIT:
    case RSM_RULE_TIME_WINDOW:
    case RSM_RULE_OWNER:
    case RSM_RULE_DANGLING:
        return 1;
    default: /* rules are a list that grows: a new one is not overridden until it stands here */
        return 0;
    }
}

enum rsm_stage rsm_rule_stage(uint32_t rule)
{
    return row_of(rule)->stage;
}

const char *rsm_rule_file(uint32_t rule)
{
    return row_of(rule)->file;
}

uint32_t rsm_rule_last(void)
{
    return (uint32_t)RULE_COUNT - 1;
}

const char *rsm_stage_id(uint32_t stage)
{
    switch (stage) {
#define STAGE_ID(name, number, id, text)                                                           \
    case number:                                                                                   \
        return id;
        RSM_STAGE_LIST(STAGE_ID)
#undef STAGE_ID
    }
    return "unknown";
}

const char *rsm_stage_text(uint32_t stage)
{
    switch (stage) {
#define STAGE_TEXT(name, number, id, text)                                                         \
    case number:                                                                                   \
        return text;
        RSM_STAGE_LIST(STAGE_TEXT)
#undef STAGE_TEXT
    }
    return "an unknown stage";
}
