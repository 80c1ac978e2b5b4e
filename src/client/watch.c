/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - watches outlive connections.
 *
 *     "watch" [slot_first, filter]     -> {"watch": id, "slot": the first slot that will come}
 *     notification "event" [{"watch": id, "slot": n, ...}], one for each slot, in order
 *     notification "reset" [{"watch": id, "slot": n, ...}]: read again what n restored, its event
 *         follows; without a "zone" all, for it is another log, and the event of n + 1 follows
 *     notification "watch_end" [{"watch": id, "slot": the next slot, "error": "CODE ...: words"}]
 *     "unwatch" [id]
 *
 * On every new connection each watch is asked for again, from slot_next on, with the entry head of
 * the slot before it ("after"), which only this log has. A slot below slot_next was delivered
 * already and is dropped, so each comes once.
 */
#include "src/client/internal.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/command/pack.h"
#include "src/command/public.h"
#include "src/command/unpack.h"

bool client_detail_number(const char *detail, const char *key, uint64_t *value_out)
{
    size_t size = strlen(key);
    for (const char *at = strstr(detail, key); at != NULL; at = strstr(at + 1, key)) {
        if (at == detail || at[-1] != ' ' || at[size] != '=')
            continue;
        char *end;
        unsigned long long value = strtoull(at + size + 1, &end, 10);
        if (end == at + size + 1 || at[size + 1] < '0' || at[size + 1] > '9')
            return false;
        *value_out = value;
        return true;
    }
    return false;
}

static void release(struct rsm_client *client, struct watch *watch)
{
    mem_free(watch->filter);
    *watch = (struct watch){.id = 0};
    client->watch_count--;
}

static void tell(struct watch *watch, enum rsm_status status, uint64_t slot, const char *detail,
                 struct bytes value)
{
    struct rsm_notice notice = {status, slot, detail, {bytes_to_public(value)}};
    watch->on_notice(watch->context, &notice);
}

static void start(struct rsm_client *client, struct watch *watch);

/* The watch ends, or, when only old slots are gone, goes on behind them. */
static void on_refused(struct watch *watch, enum rsm_status status, const char *detail)
{
    struct rsm_client *client = watch->client;
    uint64_t first, id = watch->id;
    if (status == RSM_COMPACTED && client_detail_number(detail, "first", &first) &&
        first > watch->slot_next) {
        watch->slot_next = first;
        tell(watch, RSM_COMPACTED, first, detail, bytes_make(NULL, 0));
        if (watch->id == id && watch->call == 0 && connection_is_open(&client->connection))
            start(client, watch);
        return;
    }
    if (status == RSM_COMPACTED)
        status = RSM_MALFORMED; /* without a slot ahead of ours there is nowhere to go on from */
    struct watch ended = *watch;
    watch->filter = NULL;
    release(client, watch);
    tell(&ended, status, ended.slot_next, detail, bytes_make(NULL, 0));
    mem_free(ended.filter);
}

static void on_started(void *context, const struct rsm_result *result)
{
    struct watch *watch = context;
    uint64_t server_id, slot;
    watch->call = 0;
    if (result->status != RSM_OK) {
        on_refused(watch, result->status, result->detail);
        return;
    }
    struct bytes map = bytes_of_public(result->value.raw);
    if (!unpack_find_uint(map, "watch", &server_id) || !unpack_find_uint(map, "slot", &slot)) {
        on_refused(watch, RSM_MALFORMED, "the answer to watch has no watch or no slot");
        return;
    }
    watch->server_id = server_id;
    watch->is_active = true;
    if (watch->slot_next == 0)
        watch->slot_next = slot;
}

/* The filter, and where the watch has got to. */
static void pack_options(struct writer *out, const struct watch *watch)
{
    struct unpack u = unpack_make(bytes_make(watch->filter, watch->filter_size));
    uint32_t count = unpack_map(&u);
    if (!watch->has_head || !unpack_ok(&u)) {
        pack_raw(out, bytes_make(watch->filter, watch->filter_size));
        return;
    }
    pack_map(out, count + 1);
    pack_text(out, "after");
    pack_bin(out, bytes_make(watch->head, HASH_SIZE));
    pack_raw(out, bytes_make(watch->filter + u.offset, watch->filter_size - u.offset));
}

static void start(struct rsm_client *client, struct watch *watch)
{
    struct writer w;
    writer_init(&w, LIMIT_READ_FRAME_SIZE);
    pack_array(&w, 2);
    pack_uint(&w, watch->slot_next);
    pack_options(&w, watch);
    enum rsm_status status = RSM_TOO_LARGE;
    if (!w.failed)
        status = call_start(client, "watch", rsm_value_of(bytes_to_public(writer_result(&w))),
                            CLIENT_NEVER, false, on_started, watch, &watch->call);
    writer_deinit(&w);
    /* TOO_MANY calls are open: watches_start tries again. */
    if (status != RSM_OK)
        watch->call = 0;
}

void watches_start(struct rsm_client *client)
{
    if (client->watch_count == 0)
        return;
    for (uint32_t i = 0; i < CLIENT_WATCHES_MAX; i++) {
        struct watch *watch = &client->watches[i];
        if (watch->id != 0 && !watch->is_active && watch->call == 0)
            start(client, watch);
    }
}

void watches_lost(struct rsm_client *client)
{
    for (uint32_t i = 0; i < CLIENT_WATCHES_MAX; i++) {
        struct watch *watch = &client->watches[i];
        if (watch->id == 0)
            continue;
        watch->is_active = false;
        /* An open call would ask from where the watch began; asked anew, it goes on. */
        rsm_client_cancel(client, watch->call);
        watch->call = 0;
    }
}

/* All up to the slot was told. Heads of 32 bytes are known again at another replica. */
static void keep_place(struct watch *watch, uint64_t slot, struct bytes event)
{
    struct bytes head;
    watch->slot_next = slot + 1;
    watch->has_head = unpack_find_octets(event, "entry_head", &head) && head.size == HASH_SIZE;
    if (watch->has_head)
        memcpy(watch->head, head.data, HASH_SIZE);
}

static void on_event(struct watch *watch, struct bytes event)
{
    uint64_t slot;
    if (!unpack_find_uint(event, "slot", &slot) || slot < watch->slot_next)
        return;
    keep_place(watch, slot, event);
    tell(watch, RSM_OK, slot, "", event);
}

/* Of a zone: the slot's event is still to come. Of all: the log goes on behind the slot. */
static void on_reset(struct watch *watch, struct bytes event)
{
    uint64_t slot;
    struct unpack zone;
    if (!unpack_find_uint(event, "slot", &slot))
        return;
    bool is_of_zone = unpack_find(event, "zone", &zone);
    if (is_of_zone && slot < watch->slot_next)
        return;
    if (!is_of_zone)
        keep_place(watch, slot, event);
    tell(watch, RSM_RESET, slot, "", event);
}

static void on_end(struct watch *watch, struct bytes event)
{
    char detail[CLIENT_DETAIL_SIZE] = "CLOSED: the replica ended the watch";
    struct bytes text;
    if (unpack_find_octets(event, "error", &text)) {
        size_t size = text.size < sizeof detail - 1 ? text.size : sizeof detail - 1;
        memcpy(detail, text.data, size);
        detail[size] = 0;
    }
    enum rsm_status status = rsm_status_parse(detail);
    watch->is_active = false;
    /* Too slow a reader, or a replica that stops: go on from where we are. */
    if (status == RSM_CLOSED || status == RSM_BUSY || status == RSM_UNAVAILABLE)
        start(watch->client, watch);
    else
        on_refused(watch, status == RSM_OK ? RSM_FAILED : status, detail);
}

void watches_notify(struct rsm_client *client, struct bytes method, struct bytes params)
{
    bool is_event = bytes_equal(method, bytes_of_string("event"));
    bool is_end = bytes_equal(method, bytes_of_string("watch_end"));
    bool is_reset = bytes_equal(method, bytes_of_string("reset"));
    struct unpack u = unpack_make(params);
    uint64_t server_id;
    if (unpack_array(&u) == 0 || (!is_event && !is_end && !is_reset))
        return; /* a notification that we do not know is none of our business */
    struct bytes event = unpack_raw(&u);
    if (!unpack_ok(&u) || !unpack_find_uint(event, "watch", &server_id))
        return;
    for (uint32_t i = 0; i < CLIENT_WATCHES_MAX; i++) {
        struct watch *watch = &client->watches[i];
        if (watch->id == 0 || !watch->is_active || watch->server_id != server_id)
            continue;
        if (is_event)
            on_event(watch, event);
        else if (is_reset)
            on_reset(watch, event);
        else
            on_end(watch, event);
        return;
    }
}

void watches_free(struct rsm_client *client)
{
    for (uint32_t i = 0; i < CLIENT_WATCHES_MAX; i++)
        mem_free(client->watches[i].filter);
}

enum rsm_status rsm_client_watch(struct rsm_client *client, struct rsm_value filter,
                                 uint64_t slot_first, rsm_on_notice on_notice, void *context,
                                 uint64_t *watch_out)
{
    static const uint8_t everything[] = {0x80}; /* an empty map */
    uint32_t place = 0;
    while (place < CLIENT_WATCHES_MAX && client->watches[place].id != 0)
        place++;
    if (place == CLIENT_WATCHES_MAX)
        return RSM_TOO_MANY;
    if (filter.raw.size > LIMIT_READ_FRAME_SIZE / 2)
        return RSM_TOO_LARGE;
    if (filter.raw.size == 0)
        filter.raw = rsm_bytes_make(everything, sizeof everything);
    struct watch *watch = &client->watches[place];
    *watch = (struct watch){.id = ++client->watch_generation * CLIENT_WATCHES_MAX + place,
                            .filter = mem_copy(filter.raw.data, filter.raw.size),
                            .filter_size = filter.raw.size,
                            .on_notice = on_notice,
                            .context = context,
                            .client = client,
                            .slot_next = slot_first};
    client->watch_count++;
    if (watch_out != NULL)
        *watch_out = watch->id;
    if (connection_is_open(&client->connection))
        start(client, watch);
    return RSM_OK;
}

static void ignore_result(void *context, const struct rsm_result *result)
{
    (void)context;
    (void)result;
}

void rsm_client_unwatch(struct rsm_client *client, uint64_t id)
{
    struct watch *watch = &client->watches[id % CLIENT_WATCHES_MAX];
    if (id == 0 || watch->id != id)
        return;
    rsm_client_cancel(client, watch->call);
    if (watch->is_active && connection_is_open(&client->connection)) {
        struct writer w;
        writer_init(&w, 64);
        pack_array(&w, 1);
        pack_uint(&w, watch->server_id);
        /* No room for one more call: the replica goes on telling, and we do not listen. */
        (void)call_start(client, "unwatch", rsm_value_of(bytes_to_public(writer_result(&w))),
                         client->patience.silence_ms_max, false, ignore_result, NULL, NULL);
        writer_deinit(&w);
    }
    release(client, watch);
}
