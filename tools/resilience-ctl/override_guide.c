/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * override_guide.c - where a human override stands, and the next line to use.
 *
 * The log leads (machine/procedure.h); this says it in words: `override guide` when it is asked
 * for, `override shell` at its beginning and whenever a step was done or skipped, by whomever.
 */
#include <string.h>

#include <sodium.h>

#include <rsm/change.h>

#include "tools/resilience-ctl/log.h"
#include "tools/resilience-ctl/override.h"

#define CELL_SIZE 1100u
#define CONFIRM_MS 2000u

/* The digest of an emergency that waits, in hex; "" when there is none, or more than one. */
static void find_waiting(struct ctl *ctl, char out[OVERRIDE_DIGEST_SIZE])
{
    struct rsm_buffer result;
    struct rsm_value item;
    unsigned count = 0;
    *out = '\0';
    if (ctl_call(ctl, "override.list", NULL, &result) != RSM_OK)
        return;
    struct rsm_walk walk =
        rsm_walk_begin(rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "overrides"));
    for (; rsm_walk_next(&walk, &item); count++) {
        struct rsm_bytes digest = rsm_value_octets(rsm_value_get(item, "digest"));
        if (digest.size == RSM_DIGEST_SIZE)
            hex_encode(out, bytes_make(digest.data, digest.size));
    }
    if (count != 1)
        *out = '\0';
    rsm_buffer_free(&result);
}

static void print_next(struct ctl *ctl, enum rsm_step next, const char *freeze,
                       const struct rsm_bytes *planned, FILE *out)
{
    char digest[OVERRIDE_DIGEST_SIZE];
    switch (next) {
    case RSM_STEP_FREEZE:
        break;
    case RSM_STEP_ASSESS:
        fprintf(out, "resilience-ctl override assess %s > report\n", freeze);
        return;
    case RSM_STEP_PLAN:
        find_waiting(ctl, digest);
        if (*digest != '\0')
            fprintf(out, "resilience-ctl override step %s plan %s\n", freeze, digest);
        else
            fprintf(out,
                    "resilience-ctl override request --config FILE --reason TEXT\n"
                    "  then resilience-ctl override step %s plan DIGEST\n",
                    freeze);
        return;
    case RSM_STEP_EXECUTE:
        /* Who skipped the plan has none. */
        (void)snprintf(digest, sizeof digest, "DIGEST");
        if (!sodium_is_zero(planned->data, planned->size))
            hex_encode(digest, bytes_make(planned->data, planned->size));
        fprintf(out,
                "resilience-ctl override apply %s\n"
                "  when others have said: resilience-ctl override approve %s\n"
                "  then resilience-ctl override step %s execute %s\n",
                digest, digest, freeze, digest);
        return;
    case RSM_STEP_VALIDATE:
        fprintf(
            out,
            "resilience-ctl override assess > found\n"
            "  then resilience-ctl override step %s validate $(sha256sum < found | cut -c1-64)\n",
            freeze);
        return;
    case RSM_STEP_RESUME:
        fprintf(out, "resilience-ctl automation resume --id %s --gradual\n", freeze);
        return;
    }
}

static void print_procedure(struct ctl *ctl, struct rsm_value o, FILE *out)
{
    char author[CELL_SIZE], reason[CELL_SIZE], freeze[CELL_SIZE], state[CELL_SIZE];
    struct rsm_value steps = rsm_value_get(o, "steps");
    struct rsm_bytes planned = rsm_value_octets(rsm_value_get(o, "planned"));
    enum rsm_step next = RSM_STEP_RESUME;
    (void)rsm_step_parse(rsm_value_octets(rsm_value_get(o, "next")), &next);
    fprintf(out, "override under freeze %s, by %s since slot %llu: %s\n",
            ctl_cell(rsm_value_get(o, "freeze"), freeze, sizeof freeze),
            ctl_cell(rsm_value_get(o, "author"), author, sizeof author),
            (unsigned long long)rsm_value_uint(rsm_value_get(o, "opened_slot")),
            ctl_cell(rsm_value_get(o, "reason"), reason, sizeof reason));
    for (uint32_t i = RSM_STEP_FREEZE; i <= RSM_STEP_RESUME; i++)
        fprintf(out, "  %u %-9s %s\n", i, rsm_step_text((enum rsm_step)i),
                i == next ? "<-- next" : ctl_cell(rsm_value_at(steps, i - 1), state, sizeof state));
    fputs("next: ", out);
    print_next(ctl, next, freeze, &planned, out);
    if (next == RSM_STEP_ASSESS || next == RSM_STEP_PLAN || next == RSM_STEP_EXECUTE)
        fprintf(out, "  or, aloud: resilience-ctl override skip %s %s --reason TEXT\n", freeze,
                rsm_step_text(next));
}

static void print_before(struct rsm_value status, FILE *out)
{
    char freeze[CELL_SIZE];
    struct rsm_value freezes = rsm_value_get(status, "freezes");
    fputs("no override is open\n", out);
    if (rsm_value_count(freezes) == 0)
        fputs("next: resilience-ctl automation freeze --reason TEXT\n"
              "  then resilience-ctl override begin --reason TEXT\n",
              out);
    else
        fprintf(out, "next: resilience-ctl override begin %s --reason TEXT\n",
                ctl_cell(rsm_value_get(rsm_value_at(freezes, 0), "name"), freeze, sizeof freeze));
}

/* Where the override under that freeze stands (NULL: all), and the next line. */
static enum rsm_status override_guide(struct ctl *ctl, const char *freeze, FILE *out)
{
    struct rsm_buffer result;
    struct rsm_value o;
    unsigned count = 0;
    enum rsm_status status = ctl_call(ctl, "status", NULL, &result);
    if (status != RSM_OK)
        return status;
    struct rsm_value answer = rsm_value_of(rsm_buffer_bytes(&result));
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(answer, "overrides"));
    while (rsm_walk_next(&walk, &o)) {
        char name[CELL_SIZE];
        if (freeze != NULL &&
            strcmp(ctl_cell(rsm_value_get(o, "freeze"), name, sizeof name), freeze) != 0)
            continue;
        print_procedure(ctl, o, out);
        count++;
    }
    if (count == 0)
        print_before(answer, out);
    rsm_buffer_free(&result);
    return RSM_OK;
}

/*
 * Who has just taken a step shall see it, whichever replica answers: a read that a majority
 * confirms brings that replica up to date. An incident may have taken the majority; then what one
 * replica knows is shown all the same, behind the sentence that says so.
 */
int ctl_override_guide(struct ctl *ctl, int count, char **arguments)
{
    uint64_t slot;
    enum rsm_status status = ctl_connect(ctl);
    if (status == RSM_OK) {
        uint32_t timeout_ms = ctl->timeout_ms;
        ctl->timeout_ms = timeout_ms < CONFIRM_MS ? timeout_ms : CONFIRM_MS;
        if (ctl_newest_slot(ctl, &slot) != RSM_OK)
            fputs("what follows is what one replica knows, and may be out of date\n", stderr);
        ctl->timeout_ms = timeout_ms;
        status = override_guide(ctl, count > 0 ? arguments[0] : NULL, stdout);
    }
    return rsm_status_exit(status);
}

/* ---- in the shell ---- */

bool override_guide_if_new(struct ctl *ctl, uint8_t seen[RSM_DIGEST_SIZE],
                           char text[OVERRIDE_GUIDE_SIZE])
{
    uint8_t hash[RSM_DIGEST_SIZE];
    text[0] = '\0';
    FILE *out = fmemopen(text, OVERRIDE_GUIDE_SIZE - 1, "w"); /* what is more is cut */
    if (out == NULL)
        return false;
    enum rsm_status status = override_guide(ctl, NULL, out);
    (void)fclose(out);
    text[OVERRIDE_GUIDE_SIZE - 1] = '\0';
    if (status != RSM_OK)
        return false;
    (void)crypto_hash_sha256(hash, (const uint8_t *)text, strlen(text));
    bool is_new = memcmp(hash, seen, sizeof hash) != 0;
    memcpy(seen, hash, sizeof hash);
    return is_new;
}
