/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expected.c - see expected.h. */
#include "tools/rsm-dump/expected.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/command/unpack.h"
#include "src/machine/change_state.h"
#include "src/machine/verdict.h"
#include "tools/lib/plain.h"
#include "tools/rsm-dump/shown.h"

static bool unexpected(struct dump *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool unexpected(struct dump *d, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "not what was expected: %s\n", plain_text(text, ""));
    d->is_unexpected = true;
    return false;
}

/* ---- from the command line ---- */

/* "rsm/ID", as in a checkpoint, or the id alone. */
static bool parse_log(const char *text, uint8_t cluster_out[CLUSTER_ID_SIZE])
{
    char origin[PROOF_ORIGIN_SIZE + sizeof PROOF_ORIGIN_PREFIX];
    bool is_whole = strncmp(text, PROOF_ORIGIN_PREFIX, strlen(PROOF_ORIGIN_PREFIX)) == 0;

    (void)snprintf(origin, sizeof origin, "%s%s", is_whole ? "" : PROOF_ORIGIN_PREFIX, text);
    return proof_parse_origin(bytes_of_string(origin), cluster_out);
}

static bool parse_number(const char *text, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

/* A digest, or AUTHOR/COUNTER. */
static bool parse_change(const char *text, struct expected *out)
{
    const char *slash = strrchr(text, '/');

    out->has_digest = hex_decode(out->digest, HASH_SIZE, text);
    if (out->has_digest || slash == NULL || slash == text)
        return out->has_digest;
    out->author = bytes_make((const uint8_t *)text, (size_t)(slash - text));
    out->has_author = parse_number(slash + 1, &out->counter);
    return out->has_author;
}

static bool is_verdict(const char *text)
{
    for (int kind = VERDICT_APPLIED; kind <= VERDICT_STAGED; kind++)
        if (strcmp(text, verdict_kind_text((enum verdict_kind)kind)) == 0)
            return true;
    return strcmp(text, change_state_text(CHANGE_LIVE)) == 0 ||
           strcmp(text, change_state_text(CHANGE_EXPIRED)) == 0 ||
           strcmp(text, change_state_text(CHANGE_SUPERSEDED)) == 0;
}

static bool wrong(const char *option, const char *text, const char *what)
{
    fprintf(stderr, "rsm-dump: %s %s: %s\n", option, text, what);
    return false;
}

bool expected_parse(const struct options *o, struct expected *out)
{
    *out = (struct expected){
        .has_log = o->log != NULL, .has_slot = o->slot != NULL, .verdict = o->verdict};
    if (o->log != NULL && !parse_log(o->log, out->cluster))
        return wrong("--log", o->log, "rsm/ and a cluster's id, or the id alone: 32 digits");
    if (o->slot != NULL && (!parse_number(o->slot, &out->slot) || out->slot == 0))
        return wrong("--slot", o->slot, "a slot's number, from 1 on");
    if (o->change != NULL && !parse_change(o->change, out))
        return wrong("--change", o->change, "a digest of 64 digits, or AUTHOR/COUNTER");
    if (o->verdict != NULL && !is_verdict(o->verdict))
        return wrong("--verdict", o->verdict,
                     "applied, refused or staged; of what waited: live, refused, expired or "
                     "superseded");
    if (o->verdict != NULL && o->change == NULL)
        return wrong("--verdict", o->verdict, "of which change? --change DIGEST|AUTHOR/COUNTER");
    return true;
}

/* ---- against the proof ---- */

bool expected_log(struct dump *d, const struct expected *e, const struct note_checkpoint *c)
{
    uint8_t cluster[CLUSTER_ID_SIZE];

    if (!e->has_log || (proof_parse_origin(c->origin, cluster) &&
                        memcmp(cluster, e->cluster, CLUSTER_ID_SIZE) == 0))
        return true;
    return unexpected(d, "it is of the log %.*s, not of %s", (int)c->origin.size,
                      (const char *)c->origin.data, d->options->log);
}

/* How the slot ended it: "applied"; of one that waited what became of it, "live". */
static const char *verdict_word(const struct verdict *v, char *out, size_t size)
{
    struct bytes state;

    if (v->kind != VERDICT_SETTLED || !unpack_find_octets(v->result, "state", &state))
        return verdict_kind_text(v->kind);
    (void)snprintf(out, size, "%.*s", (int)state.size, (const char *)state.data);
    return out;
}

static bool is_change(const struct expected *e, const struct verdict *v)
{
    if (verdict_is_duplicate(v))
        return false;
    return e->has_digest ? memcmp(v->digest, e->digest, HASH_SIZE) == 0
                         : bytes_equal(v->author, e->author) && v->counter == e->counter;
}

bool expected_leaf(struct dump *d, const struct expected *e, const struct tree_leaf *leaf)
{
    unsigned long long slot = leaf->slot;
    struct verdict_walk walk = verdict_walk(leaf->verdicts);
    struct verdict v;
    char text[64] = "";
    const char *word = NULL;

    if (e->has_slot && leaf->slot != e->slot)
        return unexpected(d, "it is of slot %llu, not of slot %llu", slot,
                          (unsigned long long)e->slot);
    if (!e->has_digest && !e->has_author)
        return true;
    while (verdict_next(&walk, &v)) {
        if (!is_change(e, &v))
            continue;
        word = verdict_word(&v, text, sizeof text);
        if (e->verdict == NULL || strcmp(word, e->verdict) == 0)
            return true;
    }
    if (word == NULL)
        return unexpected(d, "slot %llu has no verdict of the change %s", slot, d->options->change);
    return unexpected(d, "slot %llu says of the change %s: %s, not %s", slot, d->options->change,
                      word, e->verdict);
}

bool expected_growth(struct dump *d, const struct expected *e)
{
    if (!e->has_slot && !e->has_digest && !e->has_author)
        return true;
    return unexpected(d, "it shows that a log has grown, and is of no slot and no change");
}
