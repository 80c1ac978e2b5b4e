/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario_main.c - plays scenarios: texts of commands, each followed by all that the cores do.
 *
 *     scenario [--update] FILE...
 *
 * Lines that begin with `>` are commands, with `#` comments; all others are the trace, compared
 * (or, with --update, written anew). Commands:
 *
 *   cluster N [key=value...]   N voters, all with this configuration (tests/lib/script.h)
 *   K: LINE                    a line of the script language, at replica K; its whole trace
 *   deliver A>B                what A has sent to B and may leave; the whole trace
 *   drop A>B                   the same is lost
 *   run                        flush, deliver and apply everywhere until nothing is left; only
 *                              what was learned, lost, read and who leads is printed
 *   lead K                     the others lose their link to the leader; K ticks, as in `run`,
 * until it leads and is ready cut A>B | heal             a direction of a link is cut: what is sent
 * there is lost crash K | restart K        K loses what was not flushed; and comes back from its
 * journal
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "tests/lib/script.h"

#define CORES_MAX 5u
#define LINE_MAX_SIZE 512
#define PENDING_MAX 4096
#define RECORDS_MAX 4096
#define LOG_MAX 256

struct pending {
    uint32_t from;
    uint32_t to;
    uint64_t durable_seq;
    struct paxos_message *message;
};

struct core {
    struct scene *scene;
    uint32_t id;
    struct script script;
    struct paxos_append records[RECORDS_MAX]; /* the journal; one reference each */
    size_t record_count;
    size_t durable_count;
    uint64_t durable_seq;
    struct blob *log[LOG_MAX]; /* by slot; outlives a crash as a store would */
    uint64_t learned;
    uint64_t applied;
};

struct scene {
    struct core *cores; /* by id */
    uint32_t count;
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    bool cut[CORES_MAX + 1][CORES_MAX + 1];
    bool quiet; /* `run` prints results only */
    struct writer out;
};

static void scene_print_core(struct scene *s, struct core *core)
{
    static const char *const results[] = {"learned", "lost", "read", "leader", "range"};
    char *state = NULL;
    writer_u8(&core->script.out, 0);
    for (char *line = strtok_r((char *)core->script.out.data, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        bool shown = !s->quiet;
        for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
            shown = shown || strncmp(line, results[i], strlen(results[i])) == 0;
        if (shown)
            writer_format(&s->out, "%u: %s\n", (unsigned)core->id, line);
    }
    writer_reset(&core->script.out);
}

/* The shell's part of a catch-up: what the core does not hold any more. */
static void core_serve(struct core *core, const struct paxos_range *range)
{
    struct paxos_entry entries[LIMIT_BATCH_ENTRIES];
    struct paxos_message learn = {
        .type = PAXOS_LEARN, .chosen_end = paxos_chosen_end(core->script.core), .entries = entries};
    struct scene *s = core->scene;
    for (uint64_t slot = range->slot_first; slot < range->slot_end; slot++)
        entries[learn.entry_count++] = (struct paxos_entry){.slot = slot, .value = core->log[slot]};
    CHECK(s->pending_count < PENDING_MAX);
    if (!s->cut[core->id][range->to])
        s->pending[s->pending_count++] =
            (struct pending){core->id, range->to, 0, message_copy(&learn)};
}

static void core_on_effects(void *context, const struct paxos_effects *effects)
{
    struct core *core = context;
    struct scene *s = core->scene;
    for (size_t i = 0; i < effects->append_count; i++) {
        CHECK(core->record_count < RECORDS_MAX);
        core->records[core->record_count] = effects->appends[i];
        blob_ref(effects->appends[i].value);
        core->record_count++;
    }
    for (size_t i = 0; i < effects->send_count; i++) {
        const struct paxos_send *send = &effects->sends[i];
        if (send->to > s->count || s->cut[core->id][send->to])
            continue;
        CHECK(s->pending_count < PENDING_MAX);
        s->pending[s->pending_count++] =
            (struct pending){core->id, send->to, send->durable_seq, message_copy(&send->message)};
    }
    for (size_t i = 0; i < effects->learned_count; i++) {
        uint64_t slot = effects->learned[i].slot;
        CHECK(slot < LOG_MAX);
        blob_unref(core->log[slot]);
        core->log[slot] = blob_ref(effects->learned[i].value);
        core->learned = slot;
    }
    for (size_t i = 0; i < effects->range_count; i++)
        core_serve(core, &effects->ranges[i]);
}

static void core_flush(struct core *core)
{
    if (core->durable_count == core->record_count)
        return;
    core->durable_count = core->record_count;
    core->durable_seq = core->records[core->record_count - 1].seq;
    script_step(&core->script,
                &(struct paxos_event){.type = PAXOS_EVENT_DURABLE, .number = core->durable_seq});
    scene_print_core(core->scene, core);
}

static void scene_deliver_one(struct scene *s, size_t index)
{
    struct pending p = s->pending[index];
    struct core *to = &s->cores[p.to];
    s->pending_count--;
    memmove(&s->pending[index], &s->pending[index + 1],
            (s->pending_count - index) * sizeof(struct pending));
    if (to->script.core != NULL) {
        if (!s->quiet) {
            writer_format(&s->out, "%u>%u ", (unsigned)p.from, (unsigned)p.to);
            script_print_message(&s->out, p.message);
            writer_format(&s->out, "\n");
        }
        script_step(&to->script, &(struct paxos_event){.type = PAXOS_EVENT_MESSAGE,
                                                       .from = p.from,
                                                       .message = p.message});
        scene_print_core(s, to);
    }
    message_free(p.message);
}

/* The first message that may leave, on one link or (0) any; false when there is none. */
static bool scene_find(const struct scene *s, uint32_t from, uint32_t to, size_t *index_out)
{
    for (size_t i = 0; i < s->pending_count; i++) {
        const struct pending *p = &s->pending[i];
        bool asked = (from == 0 || p->from == from) && (to == 0 || p->to == to);
        if (asked && p->durable_seq <= s->cores[p->from].durable_seq) {
            *index_out = i;
            return true;
        }
    }
    return false;
}

static void scene_link(struct scene *s, uint32_t from, uint32_t to, bool deliver)
{
    size_t index = 0;
    size_t limit = s->pending_count;
    for (; limit > 0 && scene_find(s, from, to, &index); limit--) {
        if (deliver) {
            scene_deliver_one(s, index);
            continue;
        }
        message_free(s->pending[index].message);
        s->pending_count--;
        memmove(&s->pending[index], &s->pending[index + 1],
                (s->pending_count - index) * sizeof(struct pending));
    }
}

static void scene_run(struct scene *s)
{
    size_t index = 0;
    bool busy = true;
    s->quiet = true;
    for (int turn = 0; busy && turn < 10000; turn++) {
        busy = scene_find(s, 0, 0, &index);
        if (busy)
            scene_deliver_one(s, index);
        for (uint32_t id = 1; id <= s->count; id++) {
            struct core *core = &s->cores[id];
            if (core->script.core == NULL)
                continue;
            busy = busy || core->durable_count < core->record_count;
            core_flush(core);
            if (core->applied < core->learned) {
                busy = true;
                core->applied = core->learned;
                script_step(&core->script, &(struct paxos_event){.type = PAXOS_EVENT_APPLIED,
                                                                 .number = core->applied});
                scene_print_core(s, core);
            }
        }
    }
    s->quiet = false;
}

static void scene_lead(struct scene *s, struct core *core)
{
    s->quiet = true;
    for (uint32_t id = 1; id <= s->count; id++) {
        struct core *other = &s->cores[id];
        if (other == core || other->script.core == NULL)
            continue;
        script_step(&other->script,
                    &(struct paxos_event){.type = PAXOS_EVENT_PEER_LOST,
                                          .from = paxos_leader(other->script.core)});
        scene_print_core(s, other);
    }
    for (int turn = 0; turn < 200 && !paxos_is_ready(core->script.core); turn++) {
        s->quiet = true;
        script_step(&core->script, &(struct paxos_event){.type = PAXOS_EVENT_TICK});
        scene_print_core(s, core);
        scene_run(s);
    }
    s->quiet = false;
}

static void core_crash(struct core *core)
{
    while (core->record_count > core->durable_count)
        blob_unref(core->records[--core->record_count].value);
    paxos_free(core->script.core);
    core->script.core = NULL;
    core->script.started = false;
}

/* Replays the journal from its beginning: this shell has no store. */
static void core_restart(struct core *core)
{
    struct script *script = &core->script;
    script->core = paxos_new(&script->config);
    core->applied = 0;
    for (size_t i = 0; i < core->record_count; i++) {
        const struct paxos_append *r = &core->records[i];
        switch (r->type) {
        case PAXOS_RECORD_PROMISE:
            paxos_restore_promise(script->core, r->ballot);
            break;
        case PAXOS_RECORD_ACCEPT:
            CHECK(paxos_restore_accept(script->core, r->slot, r->ballot, r->value));
            break;
        case PAXOS_RECORD_CHOSEN:
            CHECK(paxos_restore_chosen(script->core, r->slot_end));
            core->applied = r->slot_end - 1;
            break;
        }
        paxos_restore_applied(script->core, core->applied);
    }
    core->learned = core->applied;
    paxos_start(script->core, core->durable_seq + 1, PAXOS_WHOLE);
    script->started = true;
    script->seq_last = core->durable_seq;
    writer_format(&core->scene->out, "%u: promised %" PRIu64 ".%u, applied %" PRIu64 "\n",
                  (unsigned)core->id, paxos_promised(script->core).round,
                  (unsigned)paxos_promised(script->core).replica, core->applied);
}

static void scene_close(struct scene *s)
{
    for (uint32_t id = 1; id <= s->count; id++) {
        struct core *core = &s->cores[id];
        core->durable_count = 0;
        core_crash(core);
        script_deinit(&core->script);
        for (size_t slot = 0; slot < LOG_MAX; slot++)
            blob_unref(core->log[slot]);
    }
    while (s->pending_count > 0)
        message_free(s->pending[--s->pending_count].message);
    mem_free(s->cores);
    s->cores = NULL;
    s->count = 0;
    memset(s->cut, 0, sizeof(s->cut));
}

static bool scene_open(struct scene *s, const char *arguments)
{
    char *rest = NULL;
    unsigned long count = strtoul(arguments, &rest, 10);
    if (count < 1 || count > CORES_MAX)
        return false;
    scene_close(s);
    s->count = (uint32_t)count;
    s->cores = mem_alloc(sizeof(*s->cores) * (count + 1));
    for (uint32_t id = 1; id <= s->count; id++) {
        struct core *core = &s->cores[id];
        char line[LINE_MAX_SIZE];
        core->scene = s;
        core->id = id;
        script_init(&core->script);
        core->script.on_effects = core_on_effects;
        core->script.context = core;
        core->script.config.voter_count = s->count;
        for (uint32_t i = 0; i < s->count; i++)
            core->script.config.voters[i] = i + 1;
        snprintf(line, sizeof(line), "config self=%u seed=%u %s", (unsigned)id, (unsigned)id, rest);
        if (!script_line(&core->script, line) || !script_line(&core->script, "start"))
            return false;
    }
    return true;
}

static struct core *scene_core(struct scene *s, const char *text, const char **rest_out)
{
    char *rest = NULL;
    unsigned long id = strtoul(text, &rest, 10);
    *rest_out = rest;
    return id >= 1 && id <= s->count ? &s->cores[id] : NULL;
}

static bool scene_at_core(struct scene *s, const char *command)
{
    const char *rest = NULL;
    struct core *core = scene_core(s, command, &rest);
    if (core == NULL || core->script.core == NULL || *rest != ':')
        return false;
    if (strcmp(rest + 1, " flush") == 0) {
        core_flush(core);
        return true;
    }
    bool known = script_line(&core->script, rest + 1);
    scene_print_core(s, core);
    return known;
}

static bool scene_on_link(struct scene *s, const char *verb, const char *arguments)
{
    const char *rest = NULL;
    struct core *from = scene_core(s, arguments, &rest);
    if (from == NULL || *rest != '>')
        return false;
    struct core *to = scene_core(s, rest + 1, &rest);
    if (to == NULL)
        return false;
    if (strcmp(verb, "cut") == 0)
        s->cut[from->id][to->id] = true;
    else
        scene_link(s, from->id, to->id, strcmp(verb, "deliver") == 0);
    return true;
}

static bool scene_command(struct scene *s, const char *command)
{
    char verb[16] = "";
    int size = 0;
    const char *rest = NULL;
    if (sscanf(command, "%15[a-z]%n", verb, &size) != 1)
        return scene_at_core(s, command);
    const char *arguments = command + size;
    if (strcmp(verb, "cluster") == 0)
        return scene_open(s, arguments);
    if (strcmp(verb, "deliver") == 0 || strcmp(verb, "drop") == 0 || strcmp(verb, "cut") == 0)
        return scene_on_link(s, verb, arguments);
    if (strcmp(verb, "run") == 0) {
        scene_run(s);
        return true;
    }
    if (strcmp(verb, "heal") == 0) {
        memset(s->cut, 0, sizeof(s->cut));
        return true;
    }
    struct core *core = scene_core(s, arguments, &rest);
    if (core != NULL && strcmp(verb, "lead") == 0 && core->script.core != NULL)
        scene_lead(s, core);
    else if (core != NULL && strcmp(verb, "crash") == 0 && core->script.core != NULL)
        core_crash(core);
    else if (core != NULL && strcmp(verb, "restart") == 0 && core->script.core == NULL)
        core_restart(core);
    else
        return false;
    return true;
}

/* Plays the commands of `text`; the file as it should be is in s->out. */
static void scene_play(struct scene *s, const char *text)
{
    const char *line = text;
    while (*line != 0) {
        size_t size = strcspn(line, "\n");
        char command[LINE_MAX_SIZE];
        bool is_command = line[0] == '>' && size > 2 && size < sizeof(command);
        if (is_command || line[0] == '#' || size == 0) {
            writer_bytes(&s->out, bytes_make(line, size));
            writer_u8(&s->out, '\n');
        }
        if (is_command) {
            memcpy(command, line + 2, size - 2);
            command[size - 2] = 0;
            if (!scene_command(s, command))
                writer_format(&s->out, "not a command\n");
        }
        line += size + (line[size] == '\n' ? 1 : 0);
    }
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = mem_alloc(1u << 20);
    size_t size = file != NULL ? fread(text, 1, (1u << 20) - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[size] = 0;
    return text;
}

static void print_first_difference(const char *path, const char *wanted, const char *got)
{
    unsigned line = 1;
    while (*wanted != 0 && *got != 0) {
        size_t a = strcspn(wanted, "\n");
        size_t b = strcspn(got, "\n");
        if (a != b || memcmp(wanted, got, a) != 0)
            break;
        wanted += a + (wanted[a] == '\n' ? 1 : 0);
        got += b + (got[b] == '\n' ? 1 : 0);
        line++;
    }
    printf("%s:%u: wanted: %.*s\n%s:%u: got:    %.*s\n", path, line, (int)strcspn(wanted, "\n"),
           wanted, path, line, (int)strcspn(got, "\n"), got);
}

static bool play_file(const char *path, bool update)
{
    struct scene *s = mem_alloc(sizeof(*s));
    char *text = read_text(path);
    writer_init(&s->out, 16u << 20);
    scene_play(s, text);
    writer_u8(&s->out, 0);
    const char *got = (const char *)s->out.data;
    bool same = text[0] != 0 && strcmp(text, got) == 0 && strstr(got, "not a command\n") == NULL;
    if (!same && update) {
        FILE *file = fopen(path, "w");
        same = file != NULL && fputs(got, file) >= 0;
        if (file != NULL)
            same = fclose(file) == 0 && same;
        printf("%s: written\n", path);
    } else if (!same) {
        print_first_difference(path, text, got);
    }
    scene_close(s);
    writer_deinit(&s->out);
    mem_free(s);
    mem_free(text);
    return same;
}

int main(int count, char **list)
{
    unsigned passed = 0;
    unsigned failed = 0;
    bool update = count > 1 && strcmp(list[1], "--update") == 0;
    for (int i = update ? 2 : 1; i < count; i++) {
        if (play_file(list[i], update))
            passed++;
        else
            failed++;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0 ? 1 : 0;
}
