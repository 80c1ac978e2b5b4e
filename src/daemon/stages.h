/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stages.h - where the time of a commit goes, measured in every replica, always.
 *
 *     leader      decode  verify  queue  validate  write | flush  votes | apply  reply
 *                                                  sent -> chosen: quorum, sent -> vote: peer
 *     follower    take (decode, verify, validate)  write  flush  -> the vote leaves: vote
 *
 * A command that came through another replica begins at its leader with `verify`. One reading of
 * the clock ends a stage and begins the next one, so that the leader's stages add up to `total`; a
 * commit costs a dozen readings and as many additions.
 *
 * What one step measures for many commands at once (a flush) counts once for each of them.
 */
#ifndef RSM_DAEMON_STAGES_H
#define RSM_DAEMON_STAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/histogram.h"
#include "src/base/ids.h"
#include "src/base/limits.h"

/* X(name, text, what it is) */
#define STAGE_LIST(X)                                                                              \
    X(DECODE, "decode", "the request is taken apart, its envelope copied")                         \
    X(VERIFY, "verify", "form, digest and signature; whether its verdict is known already")        \
    X(QUEUE, "queue", "waits for its turn, and for room in the window")                            \
    X(VALIDATE, "validate", "the rules judge it against all that is proposed")                     \
    X(WRITE, "write", "proposed: records into the journal's group, frames to the peers")           \
    X(FLUSH, "flush", "the own flush, and the wait for the one before; until chosen at most")      \
    X(VOTES, "votes", "after the own flush: waits for the followers' votes")                       \
    X(APPLY, "apply", "chosen: waits for the slots before it, then changes the state")             \
    X(REPLY, "reply", "the answer is encoded and handed to the socket")                            \
    X(TOTAL, "total", "from the request to the answer, at the replica that was asked")             \
    X(QUORUM, "quorum", "from the frames to the peers until it is chosen")                         \
    X(PEER, "peer", "from the frames to the peers until a peer's vote is here, of each peer")      \
    X(TAKE, "take", "follower: an accept is taken apart, verified and judged")                     \
    X(FOLLOW_WRITE, "follow-write", "follower: until its flush begins")                            \
    X(FOLLOW_FLUSH, "follow-flush", "follower: the flush")                                         \
    X(VOTE, "vote", "follower: from the accept's arrival until its vote leaves")                   \
    X(HEARTBEAT, "heartbeat",                                                                      \
      "to a peer and back: the network, and until the peer's loop came to it")                     \
    X(READ, "read", "a linearizable read: the round that confirms it, and what must be applied")

enum stage {
#define STAGE_ENUM(name, text, what) STAGE_##name,
    STAGE_LIST(STAGE_ENUM)
#undef STAGE_ENUM
        STAGE_COUNT
};

struct stage_slot {
    uint64_t slot;
    uint64_t judged_ns;
    uint64_t sent_ns;    /* its frames left for the peers; 0: not yet */
    uint64_t flushed_ns; /* the flush that covers it ended, or it was chosen before that */
    bool is_applied;     /* kept for the votes that come later */
};

struct stage_accepts {
    uint64_t came_ns;  /* the oldest one of them; 0: there are none */
    uint64_t taken_ns; /* the youngest one was judged */
};

#define STAGE_READS 1024u

struct stages {
    struct histogram histograms[STAGE_COUNT];
    struct stage_slot slots[LIMIT_WINDOW];   /* slot n at n % LIMIT_WINDOW: those proposed here */
    uint64_t unsent_first;                   /* up to proposed_end: their frames have not left */
    uint64_t proposed_first, proposed_end;   /* slots that wait for a flush */
    uint64_t flushing_first, flushing_end;   /* slots that are being flushed */
    struct stage_accepts accepts, flushing;  /* votes that wait for a flush, and that are in one */
    uint64_t learned_ns;                     /* the last slots were reported as chosen */
    uint64_t heartbeats_ns[REPLICA_MAX + 1]; /* one is on its way to that peer since; 0: none */
    uint64_t reads_ns[STAGE_READS]; /* when the read with token t began, at t % STAGE_READS */
    uint64_t verify_ns;             /* its verification began elsewhere; 0: it begins here */
    uint64_t decode_ns;             /* the request in hand came; 0: none is */
};

const char *stage_name(enum stage stage);
const char *stage_what(enum stage stage);

static inline void stages_add(struct stages *s, enum stage stage, uint64_t from_ns, uint64_t to_ns)
{
    histogram_add(&s->histograms[stage], to_ns > from_ns ? to_ns - from_ns : 0);
}

/* A command of `slot` was judged. */
void stages_on_proposed(struct stages *s, uint64_t slot, uint64_t judged_ns);
/* The frames of everything proposed so far left for the peers. */
void stages_on_sent(struct stages *s, uint64_t now_ns);
/* A flush has begun, of everything proposed and of all votes so far. */
void stages_on_flush(struct stages *s);
/* It began then, and has ended. */
void stages_on_flushed(struct stages *s, uint64_t begin_ns, uint64_t end_ns);
/* A peer's vote for `slot` came. */
void stages_on_peer_vote(struct stages *s, uint64_t slot, uint64_t now_ns);
void stages_on_learned(struct stages *s, uint64_t slot, uint64_t now_ns);
void stages_on_applied(struct stages *s, uint64_t slot, uint64_t now_ns);
/* A follower: an accept came, and was judged; after the flush its vote left. */
void stages_on_accept(struct stages *s, uint64_t came_ns, uint64_t judged_ns);
void stages_on_vote(struct stages *s, uint64_t now_ns);
/* A heartbeat leaves for a peer; and its answer came. While one is on its way, others do not count.
 */
void stages_on_heartbeat(struct stages *s, uint32_t peer, uint64_t now_ns);
void stages_on_heartbeat_answer(struct stages *s, uint32_t peer, uint64_t now_ns);
/* A read began; and was confirmed. */
void stages_on_read(struct stages *s, uint64_t token, uint64_t now_ns);
void stages_on_read_ready(struct stages *s, uint64_t token, uint64_t now_ns);

#endif
