/* SPDX-License-Identifier: GPL-3.0-or-later */
/* script.c - the language of script.h. Test code: a word that makes no sense ends the line. */
#include "tests/lib/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

#define WORDS_MAX 64
#define SCRIPT_TEXT_MAX (16u << 20)

struct words {
    char *text; /* owned copy, cut into words */
    char *list[WORDS_MAX];
    size_t count;
};

static void words_cut(struct words *w, const char *line)
{
    w->text = mem_copy_string(line);
    w->count = 0;
    char *state = NULL;
    for (char *word = strtok_r(w->text, " \t\n", &state); word != NULL && w->count < WORDS_MAX;
         word = strtok_r(NULL, " \t\n", &state))
        w->list[w->count++] = word;
}

/* The text behind `key=`, or NULL. */
static const char *words_get(const struct words *w, const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < w->count; i++) {
        if (strncmp(w->list[i], key, size) == 0 && w->list[i][size] == '=')
            return w->list[i] + size + 1;
    }
    return NULL;
}

static uint64_t words_number(const struct words *w, const char *key, uint64_t otherwise)
{
    const char *text = words_get(w, key);
    if (text == NULL)
        return otherwise;
    return strcmp(text, "none") == 0 ? PAXOS_NO_END : strtoull(text, NULL, 10);
}

static uint64_t words_at(const struct words *w, size_t index, uint64_t otherwise)
{
    return index < w->count ? strtoull(w->list[index], NULL, 10) : otherwise;
}

static struct ballot parse_ballot(const char *text, const char **end_out)
{
    struct ballot ballot = {0, 0};
    char *end = NULL;
    if (strncmp(text, "chosen", 6) == 0) {
        *end_out = text + 6;
        return PAXOS_BALLOT_CHOSEN;
    }
    ballot.round = strtoull(text, &end, 10);
    if (*end == '.')
        ballot.replica = (uint32_t)strtoul(end + 1, &end, 10);
    *end_out = end;
    return ballot;
}

static struct blob *parse_value(const char *text, size_t size)
{
    if (size == 1 && text[0] == '-')
        return NULL;
    return blob_new(bytes_make(text, size));
}

static void print_ballot(struct writer *out, struct ballot ballot)
{
    if (ballot_equal(ballot, PAXOS_BALLOT_CHOSEN))
        writer_format(out, "chosen");
    else
        writer_format(out, "%" PRIu64 ".%u", ballot.round, (unsigned)ballot.replica);
}

static void print_value(struct writer *out, const struct blob *value)
{
    struct bytes bytes = blob_bytes(value);
    if (bytes.size == 0)
        writer_format(out, "-");
    else
        writer_bytes(out, bytes);
}

static void print_entries(struct writer *out, const struct paxos_message *m)
{
    bool votes = m->type == PAXOS_PROMISE || m->type == PAXOS_REJOIN_ANSWER;
    bool values = m->type == PAXOS_ACCEPT || m->type == PAXOS_LEARN;
    if (m->entry_count == 0)
        return;
    writer_format(out, " %s=", votes ? "votes" : values ? "values" : "slots");
    for (size_t i = 0; i < m->entry_count; i++) {
        const struct paxos_entry *entry = &m->entries[i];
        writer_format(out, "%s%" PRIu64, i > 0 ? "," : "", entry->slot);
        if (votes) {
            writer_format(out, ":");
            print_ballot(out, entry->ballot);
        }
        if (votes || values) {
            writer_format(out, entry->fresh ? "+" : ":");
            print_value(out, entry->value);
        }
    }
}

void script_print_message(struct writer *out, const struct paxos_message *m)
{
    writer_format(out, "%s", paxos_message_name(m->type));
    if (m->ballot.round != 0) {
        writer_format(out, " ");
        print_ballot(out, m->ballot);
    }
    if (m->promised.round != 0) {
        writer_format(out, " promised=");
        print_ballot(out, m->promised);
    }
    if (m->slot_first != 0)
        writer_format(out, " first=%" PRIu64, m->slot_first);
    if (m->slot_end == PAXOS_NO_END)
        writer_format(out, " end=none");
    else if (m->slot_end != 0)
        writer_format(out, " end=%" PRIu64, m->slot_end);
    if (m->round != 0)
        writer_format(out, " round=%" PRIu64, m->round);
    if (m->slot != 0)
        writer_format(out, " slot=%" PRIu64, m->slot);
    if (m->granted)
        writer_format(out, " granted");
    print_entries(out, m);
    if (m->chosen_end != 1)
        writer_format(out, " chosen=%" PRIu64, m->chosen_end);
}

static void print_append(struct writer *out, const struct paxos_append *append)
{
    writer_format(out, "append %" PRIu64, append->seq);
    switch (append->type) {
    case PAXOS_RECORD_PROMISE:
        writer_format(out, " promise ");
        print_ballot(out, append->ballot);
        break;
    case PAXOS_RECORD_ACCEPT:
        writer_format(out, " accept %" PRIu64 " ", append->slot);
        print_ballot(out, append->ballot);
        writer_format(out, " ");
        print_value(out, append->value);
        break;
    case PAXOS_RECORD_CHOSEN:
        writer_format(out, " chosen %" PRIu64, append->slot_end);
        break;
    }
    writer_format(out, "\n");
}

static void print_ends(struct writer *out, const struct paxos_effects *e)
{
    for (size_t i = 0; i < e->learned_count; i++) {
        writer_format(out, "learned %" PRIu64 " ", e->learned[i].slot);
        print_value(out, e->learned[i].value);
        if (e->learned[i].cookie != 0)
            writer_format(out, " cookie=%" PRIu64, e->learned[i].cookie);
        writer_format(out, "\n");
    }
    for (size_t i = 0; i < e->lost_count; i++)
        writer_format(out, "lost cookie=%" PRIu64 " slot=%" PRIu64 "%s\n", e->lost[i].cookie,
                      e->lost[i].slot, e->lost[i].refused ? " refused" : "");
    for (size_t i = 0; i < e->read_count; i++) {
        if (e->reads[i].confirmed)
            writer_format(out, "read %" PRIu64 " confirmed slot=%" PRIu64 "\n", e->reads[i].read_id,
                          e->reads[i].slot);
        else
            writer_format(out, "read %" PRIu64 " failed\n", e->reads[i].read_id);
    }
    for (size_t i = 0; i < e->range_count; i++)
        writer_format(out, "range %u [%" PRIu64 ", %" PRIu64 ")\n", (unsigned)e->ranges[i].to,
                      e->ranges[i].slot_first, e->ranges[i].slot_end);
}

static void print_effects(struct writer *out, const struct paxos_effects *e)
{
    for (size_t i = 0; i < e->append_count; i++)
        print_append(out, &e->appends[i]);
    for (size_t i = 0; i < e->send_count; i++) {
        writer_format(out, "send %u", (unsigned)e->sends[i].to);
        if (e->sends[i].durable_seq != 0)
            writer_format(out, " after %" PRIu64, e->sends[i].durable_seq);
        writer_format(out, ": ");
        script_print_message(out, &e->sends[i].message);
        writer_format(out, "\n");
    }
    print_ends(out, e);
    if (e->rejoin)
        writer_format(out, "rejoin\n");
    if (e->leader_changed && e->leader == 0) {
        writer_format(out, "leader none\n");
    } else if (e->leader_changed) {
        writer_format(out, "leader %u ballot ", (unsigned)e->leader);
        print_ballot(out, e->leader_ballot);
        writer_format(out, "%s\n", e->ready ? " ready" : "");
    }
}

void script_step(struct script *s, const struct paxos_event *event)
{
    struct paxos_effects effects;
    paxos_step(s->core, event, &effects);
    paxos_check(s->core);
    print_effects(&s->out, &effects);
    if (effects.append_count > 0)
        s->seq_last = effects.appends[effects.append_count - 1].seq;
    for (size_t i = 0; i < effects.send_count; i++)
        CHECK(paxos_message_check(&effects.sends[i].message));
    if (s->on_effects != NULL)
        s->on_effects(s->context, &effects);
}

static uint32_t parse_list(const char *text, uint32_t *list_out)
{
    uint32_t count = 0;
    while (text != NULL && *text != 0 && count < LIMIT_REPLICAS) {
        char *end = NULL;
        list_out[count++] = (uint32_t)strtoul(text, &end, 10);
        text = *end == ',' ? end + 1 : NULL;
    }
    return count;
}

static void run_config(struct script *s, const struct words *w)
{
    struct paxos_config *c = &s->config;
    c->self = (uint32_t)words_number(w, "self", c->self);
    c->accepts_loss = words_get(w, "accept-loss") != NULL;
    if (words_get(w, "voters") != NULL)
        c->voter_count = parse_list(words_get(w, "voters"), c->voters);
    if (words_get(w, "learners") != NULL)
        c->learner_count = parse_list(words_get(w, "learners"), c->learners);
    c->window = (uint32_t)words_number(w, "window", c->window);
    c->capacity = (uint32_t)words_number(w, "capacity", c->capacity);
    c->distance = (uint32_t)words_number(w, "distance", c->distance);
    c->batch_entries = (uint32_t)words_number(w, "batch", c->batch_entries);
    c->batch_bytes = (uint32_t)words_number(w, "bytes", c->batch_bytes);
    c->heartbeat_ticks = (uint32_t)words_number(w, "heartbeat", c->heartbeat_ticks);
    uint32_t election[LIMIT_REPLICAS];
    if (parse_list(words_get(w, "election"), election) == 2) {
        c->election_ticks_min = election[0];
        c->election_ticks_max = election[1];
    }
    c->start_ticks_max = (uint32_t)words_number(w, "soon", c->start_ticks_max);
    c->resend_ticks = (uint32_t)words_number(w, "resend", c->resend_ticks);
    c->stall_ticks = (uint32_t)words_number(w, "stall", c->stall_ticks);
    c->seed = words_number(w, "seed", c->seed);
}

static replica_set parse_set(const char *text)
{
    uint32_t list[LIMIT_REPLICAS];
    replica_set set = 0;
    uint32_t count = parse_list(text, list);
    for (uint32_t i = 0; i < count; i++)
        set |= quorum_bit(list[i]);
    return set;
}

static struct members parse_members(const struct words *w)
{
    return (struct members){
        .now = {parse_set(words_get(w, "voters")), parse_set(words_get(w, "learners"))},
        .next = {parse_set(words_get(w, "next")), parse_set(words_get(w, "next-learners"))},
        .next_first = words_number(w, "first", 0)};
}

static void need_core(struct script *s)
{
    if (s->core == NULL)
        s->core = paxos_new(&s->config);
}

static void run_record(struct script *s, const struct words *w)
{
    const char *end = NULL;
    bool fits = true;
    need_core(s);
    if (w->count == 3 && strcmp(w->list[1], "promise") == 0) {
        paxos_restore_promise(s->core, parse_ballot(w->list[2], &end));
    } else if (w->count == 5 && strcmp(w->list[1], "accept") == 0) {
        struct blob *value = parse_value(w->list[4], strlen(w->list[4]));
        fits =
            paxos_restore_accept(s->core, words_at(w, 2, 0), parse_ballot(w->list[3], &end), value);
        blob_unref(value);
    } else if (w->count == 3 && strcmp(w->list[1], "chosen") == 0) {
        fits = paxos_restore_chosen(s->core, words_at(w, 2, 0));
    }
    if (!fits)
        writer_format(&s->out, "does not fit\n");
}

static bool run_before_start(struct script *s, const struct words *w)
{
    const char *verb = w->list[0];
    if (strcmp(verb, "config") == 0) {
        run_config(s, w);
    } else if (strcmp(verb, "base") == 0) {
        need_core(s);
        paxos_restore_base(s->core, words_at(w, 1, 0));
    } else if (strcmp(verb, "record") == 0) {
        run_record(s, w);
    } else if (strcmp(verb, "restored") == 0) {
        paxos_restore_applied(s->core, words_at(w, 1, 0));
    } else if (strcmp(verb, "members") == 0) {
        struct members members = parse_members(w);
        need_core(s);
        paxos_restore_members(s->core, &members);
    } else if (strcmp(verb, "start") == 0) {
        const char *last = w->list[w->count - 1];
        enum paxos_standing standing = strcmp(last, "silent") == 0   ? PAXOS_IN_DOUBT
                                       : strcmp(last, "lost") == 0   ? PAXOS_LOST
                                       : strcmp(last, "unread") == 0 ? PAXOS_UNREAD
                                                                     : PAXOS_WHOLE;
        need_core(s);
        s->seq_last = words_number(w, "seq", 1) - 1;
        paxos_start(s->core, s->seq_last + 1, standing);
        s->started = true;
    } else {
        return false;
    }
    return true;
}

static size_t parse_entries(const char *text, struct paxos_entry *entries, uint8_t *opinions,
                            bool votes)
{
    size_t count = 0;
    while (text != NULL && *text != 0 && count < LIMIT_BATCH_ENTRIES) {
        struct paxos_entry *entry = &entries[count];
        char *end = NULL;
        const char *next = NULL;
        memset(entry, 0, sizeof(*entry));
        opinions[count] = PAXOS_OPINION_OK;
        entry->slot = strtoull(text, &end, 10);
        text = end;
        if (votes && *text == ':')
            entry->ballot = parse_ballot(text + 1, &next);
        if (next != NULL)
            text = next;
        entry->fresh = *text == '+' || *text == '?' || *text == '!';
        if (*text == '?')
            opinions[count] = PAXOS_OPINION_WAIT;
        if (*text == '!')
            opinions[count] = PAXOS_OPINION_REFUSED;
        if (*text != ',' && *text != 0) {
            size_t size = strcspn(text + 1, ",");
            entry->value = parse_value(text + 1, size);
            text += 1 + size;
        }
        count++;
        text = *text == ',' ? text + 1 : NULL;
    }
    return count;
}

static enum paxos_message_type parse_type(const char *text)
{
    for (unsigned type = PAXOS_PREVOTE; type < PAXOS_MESSAGE_TYPE_END; type++) {
        if (strcmp(text, paxos_message_name((enum paxos_message_type)type)) == 0)
            return (enum paxos_message_type)type;
    }
    return PAXOS_MESSAGE_TYPE_END;
}

static bool run_from(struct script *s, const struct words *w)
{
    struct paxos_entry entries[LIMIT_BATCH_ENTRIES];
    uint8_t opinions[LIMIT_BATCH_ENTRIES];
    const char *end = NULL;
    if (w->count < 3)
        return false;
    struct paxos_message m = {.type = parse_type(w->list[2]), .entries = entries};
    if (m.type == PAXOS_MESSAGE_TYPE_END)
        return false;
    if (w->count > 3 && strchr(w->list[3], '=') == NULL)
        m.ballot = parse_ballot(w->list[3], &end);
    if (words_get(w, "promised") != NULL)
        m.promised = parse_ballot(words_get(w, "promised"), &end);
    m.slot_first = words_number(w, "first", 0);
    m.slot_end = words_number(w, "end", 0);
    m.round = words_number(w, "round", 0);
    m.slot = words_number(w, "slot", 0);
    m.chosen_end = words_number(w, "chosen", 1);
    for (size_t i = 3; i < w->count; i++)
        m.granted = m.granted || strcmp(w->list[i], "granted") == 0;
    const char *list = words_get(w, "slots");
    if (words_get(w, "values") != NULL)
        list = words_get(w, "values");
    if (words_get(w, "votes") != NULL)
        list = words_get(w, "votes");
    m.entry_count = parse_entries(list, entries, opinions, words_get(w, "votes") != NULL);
    bool sound = paxos_message_check(&m);
    struct paxos_event event = {.type = PAXOS_EVENT_MESSAGE,
                                .from = (uint32_t)words_at(w, 1, 0),
                                .message = &m,
                                .opinions = opinions};
    if (sound)
        script_step(s, &event);
    else
        writer_format(&s->out, "message is out of bounds\n");
    for (size_t i = 0; i < m.entry_count; i++)
        blob_unref(entries[i].value);
    return true;
}

static void run_propose(struct script *s, const struct words *w)
{
    struct paxos_proposal proposals[WORDS_MAX];
    size_t count = w->count - 1;
    for (size_t i = 0; i < count; i++) {
        proposals[i].value = parse_value(w->list[i + 1], strlen(w->list[i + 1]));
        proposals[i].cookie = s->cookie_next++;
    }
    script_step(s, &(struct paxos_event){.type = PAXOS_EVENT_PROPOSE,
                                         .proposals = proposals,
                                         .proposal_count = count});
    for (size_t i = 0; i < count; i++)
        blob_unref(proposals[i].value);
}

static bool run_event(struct script *s, const struct words *w)
{
    static const struct {
        const char *verb;
        enum paxos_event_type type;
    } simple[] = {
        {"durable", PAXOS_EVENT_DURABLE},     {"applied", PAXOS_EVENT_APPLIED},
        {"read", PAXOS_EVENT_READ},           {"installed", PAXOS_EVENT_INSTALLED},
        {"announce", PAXOS_EVENT_ANNOUNCE},   {"resign", PAXOS_EVENT_RESIGN},
        {"peer-lost", PAXOS_EVENT_PEER_LOST}, {"flush", PAXOS_EVENT_DURABLE},
        {"rejoined", PAXOS_EVENT_REJOINED},
    };
    const char *verb = w->list[0];
    if (strcmp(verb, "from") == 0)
        return run_from(s, w);
    if (strcmp(verb, "tick") == 0) {
        for (uint64_t n = words_at(w, 1, 1); n > 0; n--)
            script_step(s, &(struct paxos_event){.type = PAXOS_EVENT_TICK});
        return true;
    }
    if (strcmp(verb, "members") == 0) {
        struct members members = parse_members(w);
        script_step(s, &(struct paxos_event){.type = PAXOS_EVENT_MEMBERS, .members = &members});
        return true;
    }
    if (strcmp(verb, "propose") == 0) {
        run_propose(s, w);
        return true;
    }
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        if (strcmp(verb, simple[i].verb) != 0)
            continue;
        uint64_t number = strcmp(verb, "flush") == 0 ? s->seq_last : words_at(w, 1, 0);
        struct members members = parse_members(w);
        script_step(s, &(struct paxos_event){.type = simple[i].type,
                                             .number = number,
                                             .from = (uint32_t)number,
                                             .members = w->count > 2 ? &members : NULL});
        return true;
    }
    return false;
}

bool script_line(struct script *s, const char *line)
{
    struct words w;
    words_cut(&w, line);
    bool done = w.count == 0;
    if (!done && !s->started)
        done = run_before_start(s, &w);
    else if (!done)
        done = run_event(s, &w);
    mem_free(w.text);
    return done;
}

const char *script_run(struct script *s, const char *lines)
{
    char *copy = mem_copy_string(lines);
    char *state = NULL;
    writer_reset(&s->out);
    for (char *line = strtok_r(copy, ";", &state); line != NULL;
         line = strtok_r(NULL, ";", &state)) {
        if (!script_line(s, line))
            writer_format(&s->out, "not a command: %s\n", line);
    }
    mem_free(copy);
    writer_u8(&s->out, 0);
    CHECK(!s->out.failed);
    return (const char *)s->out.data;
}

void script_init(struct script *s)
{
    memset(s, 0, sizeof(*s));
    s->config = (struct paxos_config){.self = 1,
                                      .voters = {1, 2, 3},
                                      .voter_count = 3,
                                      .window = 8,
                                      .capacity = 16,
                                      .batch_entries = 4,
                                      .batch_bytes = 1000,
                                      .heartbeat_ticks = 2,
                                      .election_ticks_min = 10,
                                      .election_ticks_max = 20,
                                      .resend_ticks = 3,
                                      .stall_ticks = 30,
                                      .seed = 1};
    s->cookie_next = 1;
    writer_init(&s->out, SCRIPT_TEXT_MAX);
}

void script_deinit(struct script *s)
{
    paxos_free(s->core);
    writer_deinit(&s->out);
    memset(s, 0, sizeof(*s));
}

struct paxos_message *message_copy(const struct paxos_message *message)
{
    struct paxos_message *copy = mem_alloc(sizeof(*copy));
    struct paxos_entry *entries = mem_alloc(sizeof(*entries) * message->entry_count);
    for (size_t i = 0; i < message->entry_count; i++) {
        entries[i] = message->entries[i];
        blob_ref(entries[i].value);
    }
    *copy = *message;
    copy->entries = entries;
    return copy;
}

void message_free(struct paxos_message *message)
{
    if (message == NULL)
        return;
    struct paxos_entry *entries = (struct paxos_entry *)(uintptr_t)message->entries;
    for (size_t i = 0; i < message->entry_count; i++)
        blob_unref(entries[i].value);
    mem_free(entries);
    mem_free(message);
}
