/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_envelope.c - envelopes: what is built is parsed back; every other form of every field is
 * refused, and by its own status; a signature is good in its own role only.
 */
#include <criterion/criterion.h>

#include <stdio.h>

#include "src/command/canonical.h"
#include "src/command/header.h"
#include "src/command/pack.h"
#include "tests/unit/command/fixture.h"

static enum rsm_status judge(struct bytes data)
{
    struct bytes exact = fixture_exact(data.data, data.size);
    struct envelope e;
    enum rsm_status status = envelope_parse(exact, &e);
    if (status == RSM_OK)
        status = envelope_verify(&e, FIXTURE_CLUSTER);
    fixture_free(exact);
    return status;
}

/* The signed envelope around any payload bytes, as a client with its own encoder would make it. */
static struct writer wrap(const struct rsm_key *key, enum envelope_form form, struct bytes payload)
{
    struct writer w;
    uint8_t signature[SIGNATURE_SIZE];
    struct bytes cluster = bytes_make(FIXTURE_CLUSTER, CLUSTER_ID_SIZE);
    CHECK(key_sign(key, envelope_tag(form), cluster, payload, signature) == RSM_OK);
    writer_init(&w, LIMIT_ENVELOPE_SIZE + 1000);
    pack_array(&w, 7);
    pack_uint(&w, 1);
    pack_uint(&w, form);
    pack_bin(&w, cluster);
    pack_text(&w, rsm_key_name(key));
    pack_bin(&w, bytes_make(rsm_key_public(key), ENVELOPE_KEY_SIZE));
    pack_bin(&w, bytes_make(signature, sizeof signature));
    pack_bin(&w, payload);
    return w;
}

static enum rsm_status judge_payload(const struct rsm_key *key, enum envelope_form form,
                                     struct bytes payload)
{
    struct writer w = wrap(key, form, payload);
    enum rsm_status status = judge(writer_result(&w));
    writer_deinit(&w);
    return status;
}

Test(envelope, round_trip)
{
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer buffer = fixture_envelope(key, 9);
    struct envelope e;
    struct command c;
    cr_assert(rsm_envelope_check(rsm_buffer_bytes(&buffer), FIXTURE_CLUSTER) == RSM_OK);
    cr_assert(envelope_parse(bytes_make(buffer.data, buffer.size), &e) == RSM_OK);
    cr_assert(e.form == ENVELOPE_COMMAND && e.command_count == 1);
    cr_assert(bytes_equal(e.author, bytes_of_string("alice")));
    struct envelope_walk walk = envelope_commands(&e);
    cr_assert(envelope_next(&walk, &c));
    cr_assert(bytes_equal(c.author, bytes_of_string("alice")) && c.counter == 9);
    cr_assert(c.lamport == UINT64_C(5000000000) && c.kind == RSM_KIND_RRSET_CHANGE);
    cr_assert(bytes_equal(c.raw, e.payload));
    cr_assert(command_clock_of(&c, bytes_of_string("bob")) == 70000);
    cr_assert(command_clock_of(&c, bytes_of_string("alice")) == 300);
    cr_assert(command_clock_of(&c, bytes_of_string("carol")) == 0);
    struct command_event_walk clock = command_clock(&c), deps = command_dependencies(&c);
    struct command_event event;
    cr_assert(command_event_next(&clock, &event) && event.author.data[0] == 'a', "sorted");
    cr_assert(command_event_next(&clock, &event) && !command_event_next(&clock, &event));
    cr_assert(command_event_next(&deps, &event) && event.counter == 2, "sorted");
    cr_assert(command_event_next(&deps, &event) && event.counter == 7);
    cr_assert(!command_event_next(&deps, &event) && !envelope_next(&walk, &c));
    rsm_buffer_free(&buffer);
    rsm_key_free(key);
}

Test(envelope, bundle)
{
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer commands[3], envelope;
    struct rsm_bytes views[LIMIT_BUNDLE_COMMANDS + 1];
    struct envelope e;
    struct command c;
    for (uint64_t i = 0; i < 3; i++) {
        commands[i] = fixture_command("alice", i + 1);
        views[i] = rsm_buffer_bytes(&commands[i]);
    }
    cr_assert(rsm_bundle_sign(key, FIXTURE_CLUSTER, views, 3, &envelope) == RSM_OK);
    cr_assert(envelope_parse(bytes_make(envelope.data, envelope.size), &e) == RSM_OK);
    cr_assert(envelope_verify(&e, FIXTURE_CLUSTER) == RSM_OK);
    struct envelope_walk walk = envelope_commands(&e);
    for (uint64_t i = 0; i < 3; i++) {
        cr_assert(envelope_next(&walk, &c) && c.counter == i + 1);
        cr_assert(bytes_equal(c.raw, bytes_of_public(views[i])), "a digest is over these bytes");
    }
    cr_assert(!envelope_next(&walk, &c));
    rsm_buffer_free(&envelope);
    cr_assert(rsm_bundle_sign(key, FIXTURE_CLUSTER, views, 0, &envelope) == RSM_MALFORMED);
    for (size_t i = 0; i < LIMIT_BUNDLE_COMMANDS + 1; i++)
        views[i] = views[0];
    cr_assert(rsm_bundle_sign(key, FIXTURE_CLUSTER, views, LIMIT_BUNDLE_COMMANDS + 1, &envelope) ==
              RSM_TOO_MANY);
    cr_assert(rsm_bundle_sign(key, FIXTURE_CLUSTER, views, LIMIT_BUNDLE_COMMANDS, &envelope) ==
              RSM_OK);
    rsm_buffer_free(&envelope);
    struct rsm_buffer bobs = fixture_command("bob", 1);
    views[1] = rsm_buffer_bytes(&bobs);
    cr_assert(rsm_bundle_sign(key, FIXTURE_CLUSTER, views, 2, &envelope) == RSM_WRONG_IDENTITY);
    rsm_buffer_free(&bobs);
    for (int i = 0; i < 3; i++)
        rsm_buffer_free(&commands[i]);
    rsm_key_free(key);
}

Test(envelope, truncated_at_every_length)
{
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer command = fixture_command("alice", 1);
    struct rsm_buffer envelope = fixture_envelope(key, 1);
    for (size_t size = 0; size < envelope.size; size++)
        cr_assert(judge(bytes_make(envelope.data, size)) == RSM_MALFORMED, "%zu", size);
    for (size_t size = 0; size < command.size; size++)
        cr_assert(judge_payload(key, ENVELOPE_COMMAND, bytes_make(command.data, size)) ==
                      RSM_MALFORMED,
                  "%zu", size);
    cr_assert(judge_payload(key, ENVELOPE_COMMAND, bytes_make(command.data, command.size)) ==
              RSM_OK);
    rsm_buffer_free(&command);
    rsm_buffer_free(&envelope);
    rsm_key_free(key);
}

/* A bit flipped anywhere is refused, and one in signature or key always as a bad signature. */
Test(envelope, every_bit_counts)
{
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer envelope = fixture_envelope(key, 1);
    struct envelope e;
    cr_assert(envelope_parse(bytes_make(envelope.data, envelope.size), &e) == RSM_OK);
    size_t signature = (size_t)(e.signature - envelope.data);
    for (size_t i = 0; i < 8 * envelope.size; i++) {
        envelope.data[i / 8] ^= (uint8_t)(1u << i % 8);
        enum rsm_status status = judge(bytes_make(envelope.data, envelope.size));
        cr_assert(status != RSM_OK, "bit %zu", i);
        if (i / 8 >= signature && i / 8 < signature + SIGNATURE_SIZE)
            cr_assert(status == RSM_BAD_SIGNATURE, "bit %zu: %s", i, rsm_status_text(status));
        envelope.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    rsm_buffer_free(&envelope);
    rsm_key_free(key);
}

/* ---- other forms of the same value ---- */

/* Writes the header `h` of `first` in another form; false when there is no form number `which`. */
static bool write_other_form(struct writer *w, const struct header *h, uint8_t first,
                             unsigned which)
{
    /* the wider headers of each type, by first byte and bytes of the number after it */
    static const uint8_t wider[][4][2] = {
        [UNPACK_UINT] = {{0xcc, 1}, {0xcd, 2}, {0xce, 4}, {0xcf, 8}},
        [UNPACK_STR] = {{0xd9, 1}, {0xda, 2}, {0xdb, 4}},
        [UNPACK_BIN] = {{0xc4, 1}, {0xc5, 2}, {0xc6, 4}},
        [UNPACK_ARRAY] = {{0xdc, 2}, {0xdd, 4}},
        [UNPACK_MAP] = {{0xde, 2}, {0xdf, 4}},
    };
    static const uint8_t signed_forms[4][2] = {{0xd0, 1}, {0xd1, 2}, {0xd2, 4}, {0xd3, 8}};
    uint64_t number = h->type == UNPACK_UINT ? h->value : h->length;
    if (h->type != UNPACK_UINT && h->type != UNPACK_STR && h->type != UNPACK_BIN &&
        h->type != UNPACK_ARRAY && h->type != UNPACK_MAP)
        return false;
    bool is_signed = which >= 4;
    if (which >= 8 || (is_signed && h->type != UNPACK_UINT))
        return false;
    const uint8_t *form = is_signed ? signed_forms[which - 4] : wider[h->type][which];
    unsigned bits = 8u * form[1] - (is_signed ? 1u : 0u);
    bool fits = form[0] != 0 && (bits >= 64 || number >> bits == 0);
    if (!fits || form[0] == first)
        return true; /* there are others */
    writer_u8(w, form[0]);
    for (unsigned i = form[1]; i > 0; i--)
        writer_u8(w, (uint8_t)(i > 8 ? 0 : number >> (8 * (i - 1))));
    return true;
}

/* Calls `check` for the object with each header in turn in each other form; gives their number. */
static unsigned for_each_other_form(struct bytes object,
                                    void (*check)(void *context, struct bytes data), void *context)
{
    unsigned count = 0;
    size_t offset = 0;
    while (offset < object.size) {
        struct header h;
        cr_assert(header_read(object.data + offset, object.size - offset, &h));
        size_t rest = offset + h.size;
        for (unsigned which = 0;; which++) {
            struct writer w;
            writer_init(&w, LIMIT_ENVELOPE_SIZE);
            writer_bytes(&w, bytes_make(object.data, offset));
            bool more = write_other_form(&w, &h, object.data[offset], which);
            if (more && w.size > offset) {
                writer_bytes(&w, bytes_make(object.data + rest, object.size - rest));
                check(context, writer_result(&w));
                count++;
            }
            writer_deinit(&w);
            if (!more)
                break;
        }
        offset = rest + (size_t)header_payload(&h);
    }
    return count;
}

static void check_envelope_refused(void *context, struct bytes data)
{
    (void)context;
    cr_assert(scan_whole(SCAN_WELL_FORMED, data, LIMIT_ENVELOPE_SIZE) == RSM_OK, "same value");
    cr_assert(judge(data) == RSM_NOT_CANONICAL);
}

static void check_payload_refused(void *context, struct bytes data)
{
    cr_assert(scan_whole(SCAN_WELL_FORMED, data, LIMIT_ENVELOPE_SIZE) == RSM_OK, "same value");
    cr_assert(judge_payload(context, ENVELOPE_COMMAND, data) == RSM_NOT_CANONICAL,
              "well signed, but not the one encoding");
}

/* Wider numbers, wider headers, signed forms: of each field of the envelope and of the command. */
Test(envelope, every_other_form_of_every_field)
{
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer command = fixture_command("alice", 1);
    struct rsm_buffer envelope = fixture_envelope(key, 1);
    unsigned outer =
        for_each_other_form(bytes_make(envelope.data, envelope.size), check_envelope_refused, NULL);
    unsigned inner =
        for_each_other_form(bytes_make(command.data, command.size), check_payload_refused, key);
    cr_assert(outer > 25 && inner > 100, "%u and %u forms tried", outer, inner);
    rsm_buffer_free(&command);
    rsm_buffer_free(&envelope);
    rsm_key_free(key);
}

/* ---- wrong fields, each by its own status ---- */

/* Replaces item number `index` of an array by other bytes. */
static struct writer replace_item(struct bytes array, uint32_t index, struct bytes by)
{
    struct unpack u = unpack_make(array);
    struct writer w;
    uint32_t count = unpack_array(&u);
    writer_init(&w, LIMIT_ENVELOPE_SIZE + 1000);
    pack_array(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes item = unpack_raw(&u);
        writer_bytes(&w, i == index ? by : item);
    }
    return w;
}

struct field_row {
    uint32_t index;
    const char *hex;
    enum rsm_status status;
};

Test(envelope, wrong_fields_of_the_envelope)
{
    static const struct field_row rows[] = {
        {0, "02", RSM_NEWER_FORMAT},
        {0, "00", RSM_MALFORMED},
        {0, "a131", RSM_WRONG_TYPE},
        {1, "00", RSM_MALFORMED},
        {1, "03", RSM_MALFORMED},
        {1, "c0", RSM_WRONG_TYPE},
        {2, "c400", RSM_WRONG_TYPE},
        {2, "a0", RSM_WRONG_TYPE},
        {3, "a0", RSM_MALFORMED},
        {3, "c401aa", RSM_WRONG_TYPE},
        {3, "a10a", RSM_MALFORMED},
        {3, "a3626f62", RSM_WRONG_IDENTITY},
        {4, "c40100", RSM_WRONG_TYPE},
        {5, "c40100", RSM_WRONG_TYPE},
        {5, "c0", RSM_WRONG_TYPE},
        {6, "c400", RSM_MALFORMED},
        {6, "90", RSM_WRONG_TYPE},
        {6, "c40190", RSM_WRONG_TYPE},
        {6, "c401c1", RSM_MALFORMED},
        {6, "c402c0c0", RSM_NOT_CANONICAL},
        {2, "c41000000000000000000000000000000000", RSM_WRONG_CLUSTER},
    };
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer envelope = fixture_envelope(key, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes by = fixture_hex(rows[i].hex);
        struct writer w = replace_item(bytes_make(envelope.data, envelope.size), rows[i].index, by);
        enum rsm_status status = judge(writer_result(&w));
        cr_assert(status == rows[i].status, "item %u as %s gives %s", rows[i].index, rows[i].hex,
                  rsm_status_text(status));
        writer_deinit(&w);
        fixture_free(by);
    }
    cr_assert(judge(bytes_make("\x96\x01\x01\x01\x01\x01\x01", 7)) == RSM_WRONG_TYPE, "six items");
    cr_assert(judge(bytes_make("\x01", 1)) == RSM_WRONG_TYPE);
    rsm_buffer_free(&envelope);
    rsm_key_free(key);
}

Test(envelope, wrong_fields_of_a_command)
{
    static const struct field_row rows[] = {
        {0, "a0", RSM_MALFORMED},
        {0, "a3626f62", RSM_WRONG_IDENTITY},
        {0, "c405616c696365", RSM_WRONG_TYPE},
        {1, "00", RSM_MALFORMED},
        {1, "ff", RSM_WRONG_TYPE},
        {1, "cf0020000000000000", RSM_TOO_LARGE},
        {2, "00", RSM_MALFORMED},
        {2, "cf0020000000000000", RSM_TOO_LARGE},
        {3, "90", RSM_WRONG_TYPE},
        {3, "81a16100", RSM_MALFORMED},
        {3, "81a161a0", RSM_WRONG_TYPE},
        {3, "82a16201a16102", RSM_NOT_CANONICAL},
        {3, "82a16101a16102", RSM_NOT_CANONICAL},
        {4, "80", RSM_WRONG_TYPE},
        {4, "9101", RSM_WRONG_TYPE},
        {4, "9192a16100", RSM_MALFORMED},
        {4, "9292a1610292a16101", RSM_NOT_CANONICAL},
        {4, "9292a1610192a16101", RSM_NOT_CANONICAL},
        {4, "9292a1620192a16102", RSM_NOT_CANONICAL},
        {4, "9193a1610101", RSM_WRONG_TYPE},
        {5, "a57a6f6e6573", RSM_UNKNOWN_KIND},
        {5, "a0", RSM_UNKNOWN_KIND},
        {5, "03", RSM_WRONG_TYPE},
        {6, "80", RSM_WRONG_TYPE},
        {6, "c0", RSM_WRONG_TYPE},
        {6, "90", RSM_WRONG_TYPE},
        {6, "92a17890", RSM_WRONG_TYPE},
        {7, "c0", RSM_WRONG_TYPE},
        {7, "a1ff", RSM_NOT_CANONICAL},
    };
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer command = fixture_command("alice", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes by = fixture_hex(rows[i].hex);
        struct writer w = replace_item(bytes_make(command.data, command.size), rows[i].index, by);
        enum rsm_status status = judge_payload(key, ENVELOPE_COMMAND, writer_result(&w));
        cr_assert(status == rows[i].status, "item %u as %s gives %s", rows[i].index, rows[i].hex,
                  rsm_status_text(status));
        writer_deinit(&w);
        fixture_free(by);
    }
    rsm_buffer_free(&command);
    rsm_key_free(key);
}

/* Sizes one above each limit, and at it. */
Test(envelope, limits_of_a_command)
{
    static uint8_t text[LIMIT_REASON_SIZE + 1];
    static struct rsm_event events[LIMIT_CLOCK_ENTRIES + 1];
    static char names[LIMIT_CLOCK_ENTRIES + 1][8];
    struct rsm_buffer body, command;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        (void)snprintf(names[i], sizeof names[i], "a%zu", i);
        events[i] = (struct rsm_event){rsm_text(names[i]), 1};
    }
    cr_assert(rsm_body_zone_delete(FIXTURE_NAME("\007example"), &body) == RSM_OK);
    struct rsm_command c = {.id = {rsm_text("alice"), 1},
                            .lamport = 1,
                            .kind = RSM_KIND_ZONE_DELETE,
                            .body = rsm_buffer_bytes(&body)};
    const struct rsm_command good = c;

    c.reason = rsm_bytes_make(text, LIMIT_REASON_SIZE);
    c.clock = c.dependencies = events;
    c.clock_count = LIMIT_CLOCK_ENTRIES;
    c.dependency_count = LIMIT_DEPENDENCIES;
    cr_assert(rsm_command_encode(&c, &command) == RSM_OK);
    rsm_buffer_free(&command);
    c.reason = rsm_bytes_make(text, LIMIT_REASON_SIZE + 1);
    cr_assert(rsm_command_encode(&c, &command) == RSM_TOO_LARGE);
    c = good;
    c.clock = events;
    c.clock_count = LIMIT_CLOCK_ENTRIES + 1;
    cr_assert(rsm_command_encode(&c, &command) == RSM_TOO_MANY);
    c = good;
    c.dependencies = events;
    c.dependency_count = LIMIT_DEPENDENCIES + 1;
    cr_assert(rsm_command_encode(&c, &command) == RSM_TOO_MANY);
    c = good;
    c.id.author = rsm_bytes_make(text, LIMIT_PRINCIPAL_SIZE + 1);
    cr_assert(rsm_command_encode(&c, &command) == RSM_TOO_LARGE);
    c = good;
    c.id.counter = 0;
    cr_assert(rsm_command_encode(&c, &command) == RSM_MALFORMED);
    c = good;
    c.kind = RSM_KIND_LEASE_ACQUIRE;
    cr_assert(rsm_command_encode(&c, &command) == RSM_MALFORMED, "another kind's body");
    c = good;
    events[1] = events[0];
    c.dependencies = events;
    c.dependency_count = 2;
    cr_assert(rsm_command_encode(&c, &command) == RSM_MALFORMED, "a dependency twice");
    cr_assert(command.data == NULL);
    rsm_buffer_free(&body);
}

/* ---- roles ---- */

/* Each signature is good under its own tag, cluster and payload, and under no other. */
Test(envelope, signature_in_every_other_role)
{
    const struct signature_tag tags[] = {
        SIGNATURE_TAG("rsm command v1"),    SIGNATURE_TAG("rsm bundle v1"),
        SIGNATURE_TAG("rsm approval v1"),   SIGNATURE_TAG("rsm vote v1"),
        SIGNATURE_TAG("rsm checkpoint v1"), SIGNATURE_TAG("rsm witness v1"),
        SIGNATURE_TAG("rsm snapshot v1"),   SIGNATURE_TAG("rsm handshake v1"),
        SIGNATURE_TAG("rsm command v1\0"),  SIGNATURE_TAG(""),
    };
    const size_t count = sizeof tags / sizeof tags[0];
    struct rsm_key *key = fixture_key("alice", 1), *other = fixture_key("alice", 2);
    struct bytes cluster = bytes_make(FIXTURE_CLUSTER, CLUSTER_ID_SIZE);
    struct bytes payload = bytes_of_string("payload");
    uint8_t signature[SIGNATURE_SIZE];
    for (size_t i = 0; i < count; i++) {
        cr_assert(key_sign(key, tags[i], cluster, payload, signature) == RSM_OK);
        for (size_t k = 0; k < count; k++)
            cr_assert((signature_verify(rsm_key_public(key), tags[k], cluster, payload,
                                        signature) == RSM_OK) == (i == k),
                      "%zu as %zu", i, k);
        cr_assert(signature_verify(rsm_key_public(other), tags[i], cluster, payload, signature) ==
                  RSM_BAD_SIGNATURE);
        cr_assert(signature_verify(rsm_key_public(key), tags[i], bytes_of_string("else"), payload,
                                   signature) == RSM_BAD_SIGNATURE);
    }
    rsm_key_free(key);
    rsm_key_free(other);
}

/* The same payload and signature under the other form's number, or in another cluster. */
Test(envelope, form_and_cluster_are_signed)
{
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer command = fixture_command("alice", 1);
    struct writer payload;
    writer_init(&payload, 65536);
    pack_array(&payload, 1);
    writer_bytes(&payload, bytes_make(command.data, command.size));
    struct writer good = wrap(key, ENVELOPE_BUNDLE, writer_result(&payload));
    cr_assert(judge(writer_result(&good)) == RSM_OK);

    /* signed as a command, shown as a bundle */
    uint8_t signature[2 + SIGNATURE_SIZE] = {0xc4, SIGNATURE_SIZE};
    cr_assert(key_sign(key, envelope_tag(ENVELOPE_COMMAND),
                       bytes_make(FIXTURE_CLUSTER, CLUSTER_ID_SIZE), writer_result(&payload),
                       signature + 2) == RSM_OK);
    struct writer bad =
        replace_item(writer_result(&good), 5, bytes_make(signature, sizeof signature));
    cr_assert(judge(writer_result(&bad)) == RSM_BAD_SIGNATURE);
    struct envelope e;
    uint8_t cluster[CLUSTER_ID_SIZE] = {0};
    cr_assert(envelope_parse(writer_result(&good), &e) == RSM_OK);
    cr_assert(envelope_verify(&e, cluster) == RSM_WRONG_CLUSTER);
    writer_deinit(&good);
    writer_deinit(&bad);
    writer_deinit(&payload);
    rsm_buffer_free(&command);
    rsm_key_free(key);
}

/* A payload that does not fit the stack needs memory; without it nothing is judged. */
Test(envelope, no_memory)
{
    static uint8_t payload[100000];
    struct rsm_key *key = fixture_key("alice", 1);
    struct bytes cluster = bytes_make(FIXTURE_CLUSTER, CLUSTER_ID_SIZE);
    struct bytes large = bytes_make(payload, sizeof payload);
    struct signature_tag tag = envelope_tag(ENVELOPE_COMMAND);
    uint8_t signature[SIGNATURE_SIZE];
    uint64_t live = mem_live_count();
    mem_fail_after(1);
    cr_assert(key_sign(key, tag, cluster, large, signature) == RSM_NO_MEMORY);
    mem_fail_after(0);
    cr_assert(key_sign(key, tag, cluster, large, signature) == RSM_OK);
    mem_fail_after(1);
    cr_assert(signature_verify(rsm_key_public(key), tag, cluster, large, signature) ==
              RSM_NO_MEMORY);
    mem_fail_after(0);
    cr_assert(signature_verify(rsm_key_public(key), tag, cluster, large, signature) == RSM_OK);
    cr_assert(mem_live_count() == live);
    rsm_key_free(key);
}

/* Digests differ by bytes, by key and by role, and do not depend on the envelope around. */
Test(envelope, digests)
{
    struct rsm_key *alice = fixture_key("alice", 1), *other = fixture_key("alice", 2);
    struct rsm_buffer one = fixture_command("alice", 1), two = fixture_command("alice", 2);
    uint8_t digests[5][HASH_SIZE];
    command_digest(bytes_make(one.data, one.size), rsm_key_public(alice), digests[0]);
    command_digest(bytes_make(one.data, one.size), rsm_key_public(other), digests[1]);
    command_digest(bytes_make(two.data, two.size), rsm_key_public(alice), digests[2]);
    envelope_digest(bytes_make(one.data, one.size), digests[3]);
    rsm_command_digest(rsm_buffer_bytes(&one), rsm_key_public(alice), digests[4]);
    cr_assert(memcmp(digests[0], digests[4], HASH_SIZE) == 0);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            cr_assert(memcmp(digests[i], digests[k], HASH_SIZE) != 0, "%d %d", i, k);
    rsm_buffer_free(&one);
    rsm_buffer_free(&two);
    rsm_key_free(alice);
    rsm_key_free(other);
}

/* The bytes of docs/formats-commands.md, made by another library in another language. */
Test(envelope, golden_bytes)
{
    static const char command_hex[] =
        "98a5616c69636503cd012c81a3626f620790ac667265657a652e636c656172"
        "91a26631a46f766572";
    static const char envelope_hex[] =
        "970101c4100102030405060708090a0b0c0d0e0f10a5616c696365c4208a88e3dd7409f195fd52db2d3cba5d72"
        "ca6709bf1d94121bf3748801b40f6f5cc440fdc7d0a84d915f9a81ccf4f673a91142c5f13f13ba7b542cae0d51"
        "40759590819a7ce12e73ecf476579b83b69cde9745e89d2b008bbf0524068106acca5b9704c42898a5616c6963"
        "6503cd012c81a3626f620790ac667265657a652e636c65617291a26631a46f766572";
    struct rsm_key *key = fixture_key("alice", 1);
    struct bytes wanted = fixture_hex(command_hex), signed_wanted = fixture_hex(envelope_hex);
    struct rsm_buffer envelope;
    uint8_t digest[HASH_SIZE];
    char hex[2 * HASH_SIZE + 1];
    cr_assert(rsm_command_sign(key, FIXTURE_CLUSTER, bytes_to_public(wanted), &envelope) == RSM_OK);
    cr_assert(bytes_equal(bytes_make(envelope.data, envelope.size), signed_wanted));
    command_digest(wanted, rsm_key_public(key), digest);
    hex_encode(hex, bytes_make(digest, sizeof digest));
    cr_assert(strcmp(hex, "6cd52c01530dc4984ef491e8285b95c409eac63edc53aea461b0d85eee7c4be9") == 0);
    envelope_digest(signed_wanted, digest);
    hex_encode(hex, bytes_make(digest, sizeof digest));
    cr_assert(strcmp(hex, "0d4237a244a74d305ea106171035acead43e7da7042706d2185deefd21457c4e") == 0);
    rsm_buffer_free(&envelope);
    fixture_free(wanted);
    fixture_free(signed_wanted);
    rsm_key_free(key);
}

Test(envelope, kinds)
{
    enum rsm_kind kind;
    for (uint32_t i = 1; i <= 16; i++) {
        cr_assert(rsm_kind_parse(rsm_text(rsm_kind_text((enum rsm_kind)i)), &kind) == RSM_OK);
        cr_assert(kind == (enum rsm_kind)i);
    }
    cr_assert(rsm_kind_parse(rsm_text("unknown"), &kind) == RSM_UNKNOWN_KIND);
}
