/* SPDX-License-Identifier: GPL-3.0-or-later */
/* past.c - see past.h. */
#include "tools/resilience-ctl/past.h"

#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "tools/lib/ledger.h"

struct past {
    struct rsm_buffer genesis_page; /* owned: `genesis` borrows */
    struct genesis genesis;
    struct kv *kv;        /* owned */
    struct ledger ledger; /* of `kv`: after ledger.slot; begun when `is_begun` */
    bool is_begun;
    bool is_there;                  /* it is the state that was asked for */
    char text[CALL_TEXT_SIZE + 64]; /* status and words of the last answer */
};

const struct method *past_method(const struct ctl *ctl, const char *method)
{
    if (ctl->at == NULL)
        return NULL;
    const struct method *found = read_find(bytes_of_string(method));
    return found != NULL && !found->keeps_history ? found : NULL;
}

/* -------------------------------------------------------------------------------------------- */
/* From a replica. */

static enum rsm_status fail(enum rsm_status status, uint64_t slot, const char *what)
{
    ctl_fail(status, "slot %llu of the log that was answered with: %s", (unsigned long long)slot,
             what);
    return status;
}

static enum rsm_status begin(struct ctl *ctl, struct past *past)
{
    enum rsm_status status = ctl_call(ctl, "genesis", NULL, &past->genesis_page);
    if (status != RSM_OK)
        return status;
    struct rsm_bytes found = rsm_value_octets(
        rsm_value_get(rsm_value_of(rsm_buffer_bytes(&past->genesis_page)), "genesis"));
    struct bytes bytes = bytes_make(found.data, found.size);
    status = genesis_parse(bytes, &past->genesis);
    if (status == RSM_OK) {
        past->kv = kv_mem_new();
        past->is_begun = true;
        status = ledger_init(&past->ledger, past->kv, bytes, &past->genesis);
    }
    if (status != RSM_OK)
        ctl_fail(status, "the genesis that was answered with: %s", rsm_status_sentence(status));
    return status;
}

/* Slots from `first` on, up to `last`, as they are stored. */
static enum rsm_status fetch(struct ctl *ctl, uint64_t first, uint64_t last,
                             struct rsm_buffer *page_out)
{
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, 3);
    rsm_pack_uint(params, first);
    rsm_pack_uint(params, last < UINT64_MAX ? last + 1 : last);
    rsm_pack_map(params, 2);
    rsm_pack_text(params, "level");
    rsm_pack_text(params, ctl->stale ? "stale" : "linearizable");
    rsm_pack_text(params, "limit");
    rsm_pack_uint(params, PAGE_ITEMS_MAX);
    enum rsm_status status = ctl_call(ctl, "log.raw", params, page_out);
    rsm_pack_free(params);
    return status;
}

static bool is_hash(struct rsm_value item, const char *key, const uint8_t hash[HASH_SIZE])
{
    struct rsm_bytes found = rsm_value_octets(rsm_value_get(item, key));
    return found.size == HASH_SIZE && memcmp(found.data, hash, HASH_SIZE) == 0;
}

/* Judges the slot again, and holds what the replica says of it against that. */
static enum rsm_status step(struct ledger *ledger, struct rsm_value item)
{
    uint64_t slot = ledger->slot + 1;
    struct rsm_bytes entry = rsm_value_octets(rsm_value_get(item, "entry"));
    struct rsm_bytes verdicts = rsm_value_octets(rsm_value_get(item, "verdicts"));
    if (rsm_value_uint(rsm_value_get(item, "slot")) != slot)
        return fail(RSM_DAMAGED, slot, "it is not in it");
    enum rsm_status status = ledger_step(ledger, bytes_make(entry.data, entry.size));
    if (status != RSM_OK)
        return fail(status, slot, rsm_status_sentence(status));
    if (rsm_value_uint(rsm_value_get(item, "log_time_ms")) != ledger->log_time_ms ||
        !bytes_equal(bytes_make(verdicts.data, verdicts.size), verdicts_bytes(&ledger->verdicts)) ||
        !is_hash(item, "effects", ledger->verdicts.effects))
        return fail(RSM_DAMAGED, slot, "its verdicts are not what the rules say");
    if (!is_hash(item, "entry_head", ledger->heads.entry) ||
        !is_hash(item, "verdict_head", ledger->heads.verdict))
        return fail(RSM_DAMAGED, slot, "the chain breaks there");
    return RSM_OK;
}

/* That the slot behind the state is later than the moment, as the replica says: by trying it. */
static enum rsm_status check_later(const struct past *past, struct rsm_value item)
{
    struct kv *tried = kv_overlay_new(past->kv);
    struct ledger ledger;
    struct rsm_bytes genesis = rsm_value_octets(
        rsm_value_get(rsm_value_of(rsm_buffer_bytes(&past->genesis_page)), "genesis"));
    enum rsm_status status =
        ledger_init(&ledger, tried, bytes_make(genesis.data, genesis.size), &past->genesis);
    if (status == RSM_OK)
        status = step(&ledger, item);
    ledger_deinit(&ledger);
    kv_free(tried);
    return status;
}

/* Takes a page; *is_end_out: the moment is reached, or the log's end. */
static enum rsm_status take_page(struct past *past, struct past_moment moment,
                                 const struct rsm_buffer *page, bool *is_end_out)
{
    struct rsm_value result = rsm_value_of(rsm_buffer_bytes(page)), item;
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(result, "entries"));
    enum rsm_status status = RSM_OK;
    *is_end_out = true;
    while (status == RSM_OK && rsm_walk_next(&walk, &item)) {
        if (!moment.is_slot && rsm_value_uint(rsm_value_get(item, "log_time_ms")) > moment.value) {
            *is_end_out = true;
            return check_later(past, item);
        }
        status = step(&past->ledger, item);
        *is_end_out = moment.is_slot && past->ledger.slot == moment.value;
    }
    return status;
}

static enum rsm_status replay(struct ctl *ctl, struct past *past, struct past_moment moment)
{
    bool is_end = moment.is_slot && moment.value == 0;
    enum rsm_status status = RSM_OK;
    if (!moment.is_slot && moment.value < past->ledger.log_time_ms) {
        status = RSM_NO_SUCH_STATE;
        ctl_fail(status, "%s: --at lies before the cluster was made", rsm_status_text(status));
    }
    while (status == RSM_OK && !is_end) {
        struct rsm_buffer page;
        status =
            fetch(ctl, past->ledger.slot + 1, moment.is_slot ? moment.value : UINT64_MAX, &page);
        if (status == RSM_OK)
            status = take_page(past, moment, &page, &is_end);
        rsm_buffer_free(&page);
    }
    if (status == RSM_OK && moment.is_slot && past->ledger.slot < moment.value) {
        status = RSM_NO_SUCH_STATE;
        ctl_fail(status, "%s: slot %llu is not applied here yet, the last is %llu",
                 rsm_status_text(status), (unsigned long long)moment.value,
                 (unsigned long long)past->ledger.slot);
    }
    return status;
}

/* -------------------------------------------------------------------------------------------- */

static enum rsm_status answer(struct past *past, const struct method *method,
                              struct rsm_bytes params, struct rsm_buffer *result_out)
{
    static const uint8_t none[] = {0x90}; /* the empty array */
    struct writer out;
    struct call call = {
        .kv = past->kv, .genesis = &past->genesis, .applied = past->ledger.slot, .at = QUERY_NOW};
    struct bytes given =
        params.size > 0 ? bytes_make(params.data, params.size) : bytes_make(none, sizeof none);
    writer_init(&out, LIMIT_ANSWER_SIZE);
    enum rsm_status status = call_take_params(&call, given, method);
    call.stale = false; /* what was is as old as it is */
    if (status == RSM_OK)
        status = method->run(&call, &out);
    if (status == RSM_OK && out.failed)
        status = call_fail(&call, RSM_TOO_LARGE, "the answer is too large; ask for less");
    (void)snprintf(past->text, sizeof past->text, "%s: %s", rsm_status_text(status),
                   call.text[0] != '\0' ? call.text : rsm_status_sentence(status));
    if (status == RSM_OK)
        *result_out = (struct rsm_buffer){mem_copy(out.data, out.size), out.size};
    else if (status != RSM_NOT_FOUND)
        ctl_fail(status, "%s", past->text);
    writer_deinit(&out);
    return status;
}

enum rsm_status past_call(struct ctl *ctl, const struct method *method, struct past_moment moment,
                          struct rsm_bytes params, struct rsm_buffer *result_out)
{
    struct past *past = ctl->past;
    enum rsm_status status = RSM_OK;
    if (past == NULL)
        ctl->past = past = mem_alloc(sizeof *past);
    if (!past->is_begun)
        status = begin(ctl, past);
    if (status == RSM_OK && !past->is_there)
        status = replay(ctl, past, moment);
    past->is_there = status == RSM_OK;
    return status == RSM_OK ? answer(past, method, params, result_out) : status;
}

const char *past_words(const struct past *past)
{
    return past->text;
}

void past_free(struct past *past)
{
    if (past == NULL)
        return;
    if (past->is_begun)
        ledger_deinit(&past->ledger);
    kv_free(past->kv);
    rsm_buffer_free(&past->genesis_page);
    mem_free(past);
}
