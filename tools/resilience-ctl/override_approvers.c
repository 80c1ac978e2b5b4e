/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * override_approvers.c - what those who are waited for have to do.
 *
 * An approval is signed with the approver's key, and its second factor over the digest is made
 * where the device is: so `override apply --approver NAME` cannot take a code along. What it can do
 * is to say to each of them the whole line, with the factors that are enrolled for this person.
 */
#include <string.h>

#include "tools/resilience-ctl/override.h"

#define CELL_SIZE 300u

/* What --factor needs beside its name, by method. */
static const char *option_of(const char *method)
{
    if (strcmp(method, "totp") == 0)
        return "--code CODE";
    if (strcmp(method, "key-eddsa") == 0)
        return "--factor-key FILE";
    return strcmp(method, "key-es256") == 0 ? "--factor-program factor-pkcs11"
                                            : "--factor-program factor-fido2";
}

/* How many factors of that approver were shown. */
static unsigned show_factors(struct rsm_value factors, const char *name, const char *digest)
{
    struct rsm_walk walk = rsm_walk_begin(factors);
    struct rsm_value f;
    unsigned count = 0;
    while (rsm_walk_next(&walk, &f)) {
        char principal[CELL_SIZE], id[CELL_SIZE], method[CELL_SIZE];
        if (strcmp(ctl_cell(rsm_value_get(f, "principal"), principal, sizeof principal), name) !=
                0 ||
            rsm_value_uint(rsm_value_get(f, "revoked_slot")) > 0)
            continue;
        fprintf(stderr, "  %s: resilience-ctl override approve %s --factor %s %s\n", name, digest,
                ctl_cell(rsm_value_get(f, "id"), id, sizeof id),
                option_of(ctl_cell(rsm_value_get(f, "method"), method, sizeof method)));
        count++;
    }
    return count;
}

static bool asks_for_factor(struct ctl *ctl)
{
    struct rsm_buffer result;
    bool asks = false;
    if (ctl_call(ctl, "policy.get", NULL, &result) != RSM_OK)
        return false;
    struct rsm_value policy = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "policy");
    asks = rsm_value_uint(rsm_value_get(policy, "second_factor")) > 0;
    rsm_buffer_free(&result);
    return asks;
}

void override_ask_approvers(struct ctl *ctl, const char *digest)
{
    struct rsm_buffer result;
    bool asks = asks_for_factor(ctl);
    fprintf(stderr, "waits for approvals: resilience-ctl override approve %s%s\n", digest,
            asks ? " --factor ID" : "");
    if (!asks || ctl->approvers.count == 0 || ctl_call(ctl, "factor.list", NULL, &result) != RSM_OK)
        return;
    struct rsm_value factors = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "factors");
    for (unsigned i = 0; i < ctl->approvers.count; i++) {
        const char *name = ctl->approvers.items[i];
        if (show_factors(factors, name, digest) == 0)
            fprintf(stderr,
                    "  %s has no second factor; an administrator: resilience-ctl factor enroll %s "
                    "ID METHOD HEX\n",
                    name, name);
    }
    rsm_buffer_free(&result);
}
