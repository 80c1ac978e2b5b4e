/* SPDX-License-Identifier: Apache-2.0 */
/* rule.c - the list of rules as functions. */
#include <rsm/rule.h>

const char *rsm_rule_id(uint32_t rule)
{
    switch (rule) {
#define RULE_ID(name, number, id, text)                                                            \
    case number:                                                                                   \
        return id;
        RSM_RULE_LIST(RULE_ID)
#undef RULE_ID
    }
    return "unknown";
}

const char *rsm_rule_text(uint32_t rule)
{
    switch (rule) {
#define RULE_TEXT(name, number, id, text)                                                          \
    case number:                                                                                   \
        return text;
        RSM_RULE_LIST(RULE_TEXT)
#undef RULE_TEXT
    }
    return "an unknown rule";
}
