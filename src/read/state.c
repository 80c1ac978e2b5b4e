/* SPDX-License-Identifier: GPL-3.0-or-later */
/* state.c - the state as it is stored, row by row, for who computed the same one apart. */
#include "src/base/limits.h"
#include "src/machine/tables.h"
#include "src/read/read.h"

/* state.raw TABLE: [key, value] of its rows, in the order of their keys; options after, limit. */
enum rsm_status read_state_raw(struct call *call, struct writer *out)
{
    struct key place = {.size = 0};
    struct bytes key, value;
    struct page page;
    uint64_t table;
    enum rsm_status status = param_uint(call, "the table", &table);
    if (status != RSM_OK)
        return status;
    if (table < TABLE_META || table >= TABLE_END)
        return call_fail(call, RSM_BAD_PARAMS, "a table is a number from %d to %d", TABLE_META,
                         TABLE_END - 1);
    set_key(&place, option_after(call, LIMIT_KEY_SIZE));
    page_begin(call, &page);
    while ((status = kv_next(call->kv, (uint8_t)table, key_bytes(&place), place.size > 0, &key,
                             &value)) == RSM_OK &&
           page_has_room(&page)) {
        pack_array(&page.items, 2);
        pack_bin(&page.items, key);
        pack_bin(&page.items, value);
        set_key(&place, key);
    }
    page_end(call, out, "rows", &page, key_bytes(&place));
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}
