/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * script.h - one core, driven by lines of text; its effects as lines of text. The unit tests and
 * the scenarios speak this language.
 *
 * Before the start:
 *   config self=1 voters=1,2,3 learners=4 window=8 capacity=16 batch=4 bytes=1000 heartbeat=2
 *          election=10,20 soon=0 resend=3 stall=30 seed=1   (what is left out keeps this value)
 *   base 5 | record promise 2.1 | record accept 6 2.1 a | record chosen 7 | restored 6
 *   start [seq=N] [silent|lost|unread]   (the journal is in doubt; damaged; not read yet)
 * Events:
 *   tick [N] | durable N | flush | propose a b | applied N | read ID | installed N | announce
 *   peer-lost N | resign | rejoined SEQ
 *   members voters=1,2,3 learners=4 next=1,2,3,4 next-learners=5 first=20   (also before the start)
 *   from N TYPE [BALLOT] key=value...                   a message, as the trace prints it
 * A ballot is ROUND.REPLICA or `chosen`. Values are words; `-` is the no-op. Entries are written
 * slots=1,2 | votes=1:2.3:a | values=1:a,2+b,3?c,4!d : recovered, fresh and good, fresh and the
 * shell cannot say, fresh and the shell refuses. end=none is PAXOS_NO_END; chosen=1 is left out.
 */
#ifndef RSM_TESTS_LIB_SCRIPT_H
#define RSM_TESTS_LIB_SCRIPT_H

#include "consensus/paxos.h"
#include "src/base/bytes.h"

struct script {
    struct paxos *core; /* owned; NULL before `start` was prepared */
    struct paxos_config config;
    struct writer out; /* the trace */
    uint64_t cookie_next;
    uint64_t seq_last; /* the last record appended */
    bool started;
    /* Called with the effects of each step, after they were printed; may be NULL. */
    void (*on_effects)(void *context, const struct paxos_effects *effects);
    void *context;
};

void script_init(struct script *s);
void script_deinit(struct script *s);
/* Runs one line; false when it is no command (nothing is done then). */
bool script_line(struct script *s, const char *line);
/* Runs lines separated by `;` and gives the trace of just these. Borrowed until the next call. */
const char *script_run(struct script *s, const char *lines);
/* Hands in one event, prints its effects. */
void script_step(struct script *s, const struct paxos_event *event);
/* Prints a message as `from` takes it. */
void script_print_message(struct writer *out, const struct paxos_message *message);

/* A copy with its own entries and references. */
struct paxos_message *message_copy(const struct paxos_message *message);
void message_free(struct paxos_message *message);

#endif
