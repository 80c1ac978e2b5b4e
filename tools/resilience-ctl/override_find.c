/* SPDX-License-Identifier: GPL-3.0-or-later */
/* override_find.c - see override.h: emergencies, by digest or by what they change. */
#include <string.h>

#include "src/command/body_change.h"
#include "src/machine/entry.h"
#include "tools/resilience-ctl/override.h"

#define ID_SIZE_MIN 8u

void override_free(struct override *o)
{
    rsm_buffer_free(&o->row);
    rsm_buffer_free(&o->page);
}

const char *override_hex(const struct override *o, char out[OVERRIDE_DIGEST_SIZE])
{
    hex_encode(out, bytes_make(o->digest, RSM_DIGEST_SIZE));
    return out;
}

/* Finds the command with that digest in a stored entry. */
static bool find_command(struct bytes value, const uint8_t *digest, struct command *out)
{
    struct entry entry;
    struct envelope envelope;
    if (entry_parse(value, &entry) != RSM_OK || entry.kind != ENTRY_COMMANDS ||
        envelope_parse(entry.payload, &envelope) != RSM_OK)
        return false;
    struct envelope_walk walk = envelope_commands(&envelope);
    while (envelope_next(&walk, out)) {
        uint8_t found[HASH_SIZE];
        command_digest(out->raw, envelope.key, found);
        if (memcmp(found, digest, HASH_SIZE) == 0)
            return true;
    }
    return false;
}

/* The command of o->value, from its slot. */
static enum rsm_status load_command(struct ctl *ctl, struct override *o)
{
    uint64_t slot = rsm_value_uint(rsm_value_get(o->value, "slot"));
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 2);
    rsm_pack_uint(params, slot);
    rsm_pack_uint(params, slot + 1);
    rsm_buffer_free(&o->page);
    enum rsm_status status = ctl_call(ctl, "log.raw", params, &o->page);
    rsm_pack_free(params);
    if (status != RSM_OK)
        return status;
    struct rsm_value entries = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&o->page)), "entries");
    struct rsm_bytes entry = rsm_value_octets(rsm_value_get(rsm_value_at(entries, 0), "entry"));
    if (find_command(bytes_make(entry.data, entry.size), o->digest, &o->command))
        return RSM_OK;
    ctl_fail(RSM_DAMAGED, "slot %llu has no command with that digest: do not approve",
             (unsigned long long)slot);
    return RSM_DAMAGED;
}

static bool take_digest(struct rsm_value change, uint8_t out[RSM_DIGEST_SIZE])
{
    struct rsm_bytes digest = rsm_value_octets(rsm_value_get(change, "digest"));
    if (digest.size != RSM_DIGEST_SIZE)
        return false;
    memcpy(out, digest.data, RSM_DIGEST_SIZE);
    return true;
}

enum rsm_status override_refresh(struct ctl *ctl, struct override *o)
{
    struct rsm_buffer row;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 1);
    rsm_pack_bin(params, rsm_bytes_make(o->digest, RSM_DIGEST_SIZE));
    enum rsm_status status = ctl_call(ctl, "outcome", params, &row);
    rsm_pack_free(params);
    if (status == RSM_NOT_FOUND)
        ctl_fail(status, "there is no such change");
    if (status != RSM_OK) {
        rsm_buffer_free(&row);
        return status;
    }
    rsm_buffer_free(&o->row);
    o->row = row;
    o->value = rsm_value_get(rsm_value_of(rsm_buffer_bytes(&o->row)), "change");
    return RSM_OK;
}

static enum rsm_status list(struct ctl *ctl, struct rsm_buffer *out, struct rsm_walk *walk_out)
{
    enum rsm_status status = ctl_call(ctl, "override.list", NULL, out);
    if (status == RSM_OK)
        *walk_out = rsm_walk_begin(rsm_value_get(rsm_value_of(rsm_buffer_bytes(out)), "overrides"));
    return status;
}

/* The whole digest of the only one that waits and begins so. */
static enum rsm_status complete(struct ctl *ctl, const char *id, uint8_t out[RSM_DIGEST_SIZE])
{
    struct rsm_buffer rows;
    struct rsm_walk walk;
    struct rsm_value change;
    unsigned found = 0;
    enum rsm_status status = list(ctl, &rows, &walk);
    while (status == RSM_OK && rsm_walk_next(&walk, &change)) {
        uint8_t digest[RSM_DIGEST_SIZE];
        char hex[OVERRIDE_DIGEST_SIZE];
        if (!take_digest(change, digest))
            continue;
        hex_encode(hex, bytes_make(digest, sizeof digest));
        if (strncmp(hex, id, strlen(id)) == 0) {
            memcpy(out, digest, sizeof digest);
            found++;
        }
    }
    rsm_buffer_free(&rows);
    if (status != RSM_OK || found == 1)
        return status;
    ctl_fail(RSM_NOT_FOUND,
             found == 0 ? "no emergency that waits begins with %s"
                        : "more than one emergency begins with %s",
             id);
    return RSM_NOT_FOUND;
}

enum rsm_status override_find(struct ctl *ctl, const char *id, struct override *out)
{
    enum rsm_status status = RSM_OK;
    size_t size = strlen(id);
    *out = (struct override){.row = {NULL, 0}};
    if (!hex_decode(out->digest, RSM_DIGEST_SIZE, id)) {
        if (size < ID_SIZE_MIN || strspn(id, "0123456789abcdef") != size) {
            ctl_fail(RSM_USAGE,
                     "a digest of 64 digits is wanted, or its first 8: override status shows it");
            return RSM_USAGE;
        }
        status = complete(ctl, id, out->digest);
    }
    if (status == RSM_OK)
        status = override_refresh(ctl, out);
    return status == RSM_OK ? load_command(ctl, out) : status;
}

/* How far on its way: applied, approved, or by so many persons. */
static uint64_t progress_of(struct rsm_value change)
{
    if (rsm_value_uint(rsm_value_get(change, "voting_ms")) > 0)
        return UINT64_MAX;
    if (rsm_value_uint(rsm_value_get(change, "approved_ms")) > 0)
        return UINT64_MAX - 1;
    return rsm_value_count(rsm_value_get(change, "approvals"));
}

/* The zone of a change.request of record sets; empty: it is another one. */
static struct bytes zone_of(struct bytes body)
{
    struct body_request request;
    struct body_zone inner;
    if (body_request_decode(body, &request) != RSM_OK || request.kind != RSM_KIND_RRSET_CHANGE ||
        body_zone_decode(request.kind, request.body, &inner) != RSM_OK)
        return (struct bytes){NULL, 0};
    return inner.zone;
}

/* Whoever changed the file, or whose zone changed, since it was approved has another change now. */
static void say_another(const struct override *o)
{
    char hex[OVERRIDE_DIGEST_SIZE];
    fprintf(
        stderr,
        "another change than this one waits, of yours and of this zone: resilience-ctl override "
        "status %s\n",
        override_hex(o, hex));
}

enum rsm_status override_find_own(struct ctl *ctl, struct bytes body, struct override *out)
{
    struct rsm_buffer rows;
    struct rsm_walk walk;
    struct rsm_value change;
    bool is_found = false;
    uint64_t progress = 0;
    struct override another = {.row = {NULL, 0}};
    bool has_another = false;
    *out = (struct override){.row = {NULL, 0}};
    enum rsm_status status = list(ctl, &rows, &walk);
    while (status == RSM_OK && rsm_walk_next(&walk, &change)) {
        struct rsm_bytes author = rsm_value_octets(rsm_value_get(change, "author"));
        struct rsm_bytes own = rsm_text(rsm_key_name(ctl->key));
        struct override one = {.value = change};
        if (!bytes_equal(bytes_make(author.data, author.size), bytes_make(own.data, own.size)) ||
            !take_digest(change, one.digest))
            continue;
        status = load_command(ctl, &one);
        /* Of several the one that the approvers chose; else the newest: the list is in the order of
         * the log. */
        if (status == RSM_OK && bytes_equal(one.command.body, body) &&
            progress_of(change) >= progress) {
            memcpy(out->digest, one.digest, RSM_DIGEST_SIZE);
            progress = progress_of(change);
            is_found = true;
        } else if (status == RSM_OK && bytes_equal(zone_of(one.command.body), zone_of(body))) {
            memcpy(another.digest, one.digest, RSM_DIGEST_SIZE);
            has_another = true;
        }
        override_free(&one);
    }
    rsm_buffer_free(&rows);
    if (status == RSM_OK && !is_found && has_another)
        say_another(&another);
    if (status != RSM_OK || !is_found)
        return status == RSM_OK ? RSM_NOT_FOUND : status;
    status = override_refresh(ctl, out);
    return status == RSM_OK ? load_command(ctl, out) : status;
}
