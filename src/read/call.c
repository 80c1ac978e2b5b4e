/* SPDX-License-Identifier: GPL-3.0-or-later */
/* call.c - see call.h. */
#include "src/read/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/limits.h"
#include "src/machine/logtable.h"
#include "src/read/render.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

enum rsm_status call_fail(struct call *call, enum rsm_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->text, sizeof call->text, format, arguments);
    va_end(arguments);
    return status;
}

enum rsm_status param_text(struct call *call, const char *what, struct bytes *text_out)
{
    *text_out = unpack_octets(&call->params, LIMIT_FRAME_SIZE);
    if (unpack_ok(&call->params))
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "%s must be a string", what);
}

enum rsm_status param_uint(struct call *call, const char *what, uint64_t *value_out)
{
    *value_out = unpack_uint(&call->params);
    if (unpack_ok(&call->params))
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "%s must be a number of 0 or more", what);
}

/* A name as text (str), or in wire form (bin). */
enum rsm_status param_name(struct call *call, const char *what, uint8_t buffer[LIMIT_NAME_SIZE],
                           struct bytes *name_out)
{
    char text[NAME_TEXT_MAX + 1] = {0};
    bool is_wire = unpack_peek(&call->params) == UNPACK_BIN;
    struct bytes given = unpack_octets(&call->params, NAME_TEXT_MAX);
    if (!unpack_ok(&call->params))
        return call_fail(call, RSM_BAD_PARAMS, "%s must be a domain name", what);
    if (is_wire && name_check(given)) {
        *name_out = name_lower(given, buffer);
        return RSM_OK;
    }
    if (given.size > 0)
        memcpy(text, given.data, given.size);
    if (strlen(text) == given.size &&
        name_from_text(text, (struct bytes){NULL, 0}, buffer, name_out) == RSM_OK)
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "%s is no domain name", what);
}

enum rsm_status param_type(struct call *call, const char *what, uint16_t *type_out)
{
    char text[RR_TYPE_TEXT_MAX] = {0};
    if (unpack_peek(&call->params) == UNPACK_UINT) {
        *type_out = (uint16_t)unpack_uint_max(&call->params, UINT16_MAX);
    } else {
        struct bytes given = unpack_octets(&call->params, sizeof text - 1);
        if (given.size > 0)
            memcpy(text, given.data, given.size);
        if (unpack_ok(&call->params) && rr_type_from_text(text, type_out) != RSM_OK)
            unpack_fail(&call->params, RSM_WRONG_TYPE);
    }
    if (unpack_ok(&call->params))
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "%s must be a record type, as \"A\" or a number", what);
}

uint64_t option_limit(const struct call *call)
{
    uint64_t limit = PAGE_ITEMS_DEFAULT;
    if (call->options.size > 0)
        unpack_find_uint(call->options, "limit", &limit);
    return limit > PAGE_ITEMS_MAX ? PAGE_ITEMS_MAX : limit;
}

static enum rsm_status take_level(struct call *call)
{
    struct bytes level;
    if (!unpack_find_octets(call->options, "level", &level))
        return RSM_OK;
    call->stale = bytes_equal(level, bytes_of_string("stale"));
    if (call->stale || bytes_equal(level, bytes_of_string("linearizable")))
        return RSM_OK;
    return call_fail(call, RSM_BAD_PARAMS, "level is \"linearizable\" or \"stale\"");
}

enum rsm_status call_take_at(struct call *call)
{
    uint64_t ms;
    call->at = QUERY_NOW;
    if (call->options.size == 0)
        return RSM_OK;
    if (unpack_find_uint(call->options, "at_ms", &ms)) {
        if (log_slot_at(call->kv, ms, &call->at) != RSM_OK)
            return call_fail(call, RSM_NO_SUCH_STATE, "at_ms lies before the cluster was made");
    } else if (unpack_find_uint(call->options, "at_slot", &call->at) && call->at > call->applied) {
        return call_fail(call, RSM_NO_SUCH_STATE,
                         "slot %llu is not applied here yet, the last is %llu",
                         (unsigned long long)call->at, (unsigned long long)call->applied);
    }
    return RSM_OK;
}

enum rsm_status call_take_params(struct call *call, struct bytes params,
                                 const struct method *method)
{
    call->params = unpack_make(params);
    uint32_t count = unpack_array(&call->params);
    struct unpack probe = call->params;
    struct bytes last = {NULL, 0};
    enum unpack_type type = UNPACK_NIL;
    for (uint32_t i = 0; i < count; i++) {
        type = unpack_peek(&probe);
        last = unpack_raw(&probe);
    }
    if (count > method->params_min && type == UNPACK_MAP) {
        call->options = last;
        count--;
    }
    call->param_count = count;
    if (count < method->params_min || count > method->params_max)
        return call_fail(call, RSM_BAD_PARAMS, "%s takes %u to %u parameters and a map of options",
                         method->name, method->params_min, method->params_max);
    return call->options.size > 0 ? take_level(call) : RSM_OK;
}

void result_begin(struct call *call, struct writer *out, uint32_t fields)
{
    pack_map(out, fields + 1 + (call->stale ? 1 : 0));
    pack_number(out, "slot", call->at != QUERY_NOW ? call->at : call->applied);
    if (call->stale) {
        pack_number(out, "age_ms", call->age_ms);
    }
}

/* -------------------------------------------------------------------------------------------- */
/* Pages: items are packed apart first, since an array's header says their number. */

void page_begin(struct call *call, struct page *page)
{
    *page = (struct page){.limit = option_limit(call)};
    writer_init(&page->items, LIMIT_ANSWER_SIZE);
}

bool page_has_room(struct page *page)
{
    page->full = page->count >= page->limit || page->items.size >= PAGE_BYTES;
    if (!page->full)
        page->count++;
    return !page->full;
}

void page_end(struct call *call, struct writer *out, const char *name, struct page *page,
              struct bytes next)
{
    result_begin(call, out, 2);
    pack_key(out, name);
    pack_array(out, page->count);
    writer_bytes(out, writer_result(&page->items));
    pack_key(out, "next");
    if (page->full)
        pack_bin(out, next);
    else
        pack_nil(out);
    if (page->items.failed)
        out->failed = true;
    writer_deinit(&page->items);
}

struct bytes option_after(const struct call *call, size_t size_max)
{
    struct bytes after = {NULL, 0};
    if (call->options.size > 0 && unpack_find_octets(call->options, "after", &after) &&
        after.size > size_max)
        after.size = 0;
    return after;
}

void set_key(struct key *key, struct bytes bytes)
{
    key->size = bytes.size;
    if (bytes.size > 0)
        memcpy(key->data, bytes.data, bytes.size);
}
