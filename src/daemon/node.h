/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node.h - one replica without its sockets, threads and clocks: where consensus, journal, state
 * machine and store meet.
 *
 * The daemon's loop (src/daemon/loop.c) and the simulator (tests/sim) drive the same code: they
 * hand in frames, ticks and requests, and obey a table of calls, struct node_env. How a command
 * travels (docs/architecture.md has the picture):
 *
 *   1. node_submit: parsed, checked for its cluster, verified; a known digest is answered at once.
 *   2. On the leader it is judged against the speculation (the state plus everything proposed and
 *      not yet applied); a refusal becomes a rejection entry. Elsewhere it is forwarded.
 *   3. node_flush cuts a batch: one accept message, one journal group, one flush.
 *   4. Acceptors judge each fresh entry the same way before they vote.
 *   5. A chosen slot is applied in order; heads are chained; whoever waits for it is answered.
 *   6. The applied overlay is frozen now and then and committed to the store by another thread.
 *
 * Thread: all calls from one thread, the main loop's. Nothing here blocks but the journal's flush.
 */
#ifndef RSM_DAEMON_NODE_H
#define RSM_DAEMON_NODE_H

#include <stdbool.h>

#include <rsm/status.h>

#include "src/base/blob.h"
#include "src/base/ids.h"
#include "src/base/kv.h"
#include "src/base/limits.h"
#include "src/daemon/node_env.h"
#include "storage/journal.h"

struct node;
struct disk;

/* Fixed after node_open. Counts in ticks; the owner calls node_tick once a tick. */
struct node_config {
    uint32_t self, tick_ms;
    uint32_t heartbeat_ticks;
    uint32_t election_ticks_min, election_ticks_max;
    uint32_t stall_ticks;        /* a flush that takes longer costs the leader its lead */
    uint32_t window;             /* open slots, 1..LIMIT_WINDOW */
    uint32_t batch_entries;      /* slots of one accept message, 1..LIMIT_BATCH_ENTRIES */
    uint32_t segment_size;       /* bytes of a journal segment */
    uint32_t store_commit_ms;    /* the applied overlay is frozen at least this often */
    uint32_t store_commit_bytes; /* or when it holds this much */
    uint32_t store_commit_rows;  /* or so many rows, each a page in memory until the commit ends */
    uint32_t submit_timeout_ms;  /* then a waiting client is told that the outcome is unknown */
    uint32_t clock_bound_ms;     /* a fresh entry's timestamp may be this far from the own clock */
    uint32_t snapshot_lag;       /* a peer further behind than this gets a snapshot, in slots */
    uint32_t snapshot_rate;      /* of one that is sent, KiB a second */
    uint32_t snapshot_piece;     /* of rows, in bytes */
    uint64_t incarnation;
    uint64_t joined; /* as in storage/identity.h */
    bool fresh;      /* the data directory was made in this run: the journal is made, too */
    bool in_doubt; /* an earlier run was, and told the peers: whatever the journal looks like now */
    bool accepts_loss;     /* as in consensus/paxos.h */
    struct bytes recovery; /* the body of a cluster.recover, borrowed, or none: node_recover.h */
    uint64_t seed;
};

/* Sensible values for everything but self, incarnation and seed. */
void node_config_default(struct node_config *config);

/*
 * Opens a replica: reads the store's applied slot from `base`, recovers the journal on `disk`,
 * initialises the state from the genesis when the base is empty, starts the core.
 *
 * `base` is the store's read-only snapshot (borrowed; refreshed by the owner before it calls
 * node_on_committed), `disk` holds the journal (borrowed), `genesis` is the file (copied).
 * A damaged, uncertain or lost journal is no failure: the replica then learns and serves reads but
 * does not vote, says so by an alarm, and rejoins (consensus/rejoin.c). On failure nothing is left
 * open; `*text_out` has the words (static or owned by the node module).
 */
enum rsm_status node_open(struct node **node_out, const struct node_config *config,
                          const struct node_env *env, struct bytes genesis, struct disk *disk,
                          struct kv *base, const char **text_out);

/* Answers every waiting request with `UNAVAILABLE`, flushes the journal, frees. NULL is ignored. */
void node_close(struct node *node);

/* A tick has passed. */
void node_tick(struct node *node);

/* A frame from a peer whose identity the link has proved. Its bytes are checked here. */
void node_on_frame(struct node *node, uint32_t from, struct bytes frame);

/* The connection from or to a peer broke: a suspicion, not a fact. */
void node_on_peer_lost(struct node *node, uint32_t peer);

/*
 * The commit that env.commit began has ended. RSM_OK: the base shows it now. RSM_DISK_FULL: kept
 * and tried again later. Anything else is fatal.
 */
void node_on_committed(struct node *node, enum rsm_status status);

/*
 * Ends a turn of the loop: cuts a batch of what waits, writes and flushes the journal group, sends
 * what was waiting for the flush, applies what was chosen, starts a commit when it is time.
 */
void node_flush(struct node *node);

/* Stop taking commands and do not lead any more (before a clean stop); what is in flight ends. */
void node_stop_accepting(struct node *node);
/* True when nothing of the own clients waits and no commit runs. */
bool node_is_idle(const struct node *node);
/* Frees cuts of the store that are held, before the owner grows or closes it. */
void node_drop_cuts(struct node *node);
/* Begins a last commit of everything applied, also a small one; watch node_is_idle afterwards. */
void node_commit_now(struct node *node);

/*
 * Submits an envelope (a reference is taken). `token` comes back with env.submitted, which may be
 * called before this returns (bad envelopes, known digests).
 */
void node_submit(struct node *node, uint64_t token, struct blob *envelope);
/* Form, cluster and signature of the envelope with that digest are good: its owner has verified. */
void node_note_verified(struct node *node, const uint8_t digest[HASH_SIZE]);
/* A linearizable read begins now; env.read_ready follows. */
void node_read(struct node *node, uint64_t token);

struct kv *node_state(struct node *node); /* for reads alone, until the next call that hands in */
/* Where the time of commits goes (stages.h); borrowed. */
struct stages *node_stages(struct node *n);
void node_on_request(struct node *n); /* maybe a submission: its time counts from now */
uint64_t node_applied(const struct node *node);
/* For the scrubber: what of the journal is settled on the disk; zeros when it is closed. */
struct journal_extent node_journal_extent(const struct node *node);
/* A pass ended: the alarm disk-damaged. */
void node_on_scrubbed(struct node *node, bool found);
/* Segments up to this one are damaged: they are replaced by what memory holds, tick by tick. */
void node_repair_journal(struct node *node, uint64_t segment);
bool node_is_journal_repaired(const struct node *node);
/* A voter of a configuration that is in force or on its way, as far as it knows; also in doubt. */
bool node_is_voter(const struct node *node);
/* A row of the state did not check when it was read: ends the process, a start mends it. */
void node_on_damage(struct node *node);
/* False while a lost state is being fetched from the peers: then nothing can be read. */
bool node_has_state(const struct node *node);

enum node_alarm {
    NODE_ALARM_DIVERGED = 1u << 0, /* this replica's heads differ from a majority's: read-only */
    NODE_ALARM_PEER_DIVERGED = 1u << 1,     /* a peer's heads differ from ours */
    NODE_ALARM_NOT_COMPARED = 1u << 2,      /* heads of some peer were not compared lately */
    NODE_ALARM_JOURNAL_DAMAGED = 1u << 3,   /* does not vote */
    NODE_ALARM_JOURNAL_UNCERTAIN = 1u << 4, /* does not vote */
    NODE_ALARM_DISK_LOW = 1u << 5,          /* takes no commands */
    NODE_ALARM_STATE_DAMAGED = 1u << 6,     /* the state was damaged or lost and is being fetched */
    NODE_ALARM_NO_QUORUM = 1u << 7,         /* no contact with a majority */
    NODE_ALARM_DISK_DAMAGED = 1u << 8,      /* the scrubber found damage; it is being repaired */
    NODE_ALARM_PEER_DOUBLED = 1u << 9,      /* two processes speak as one peer (doubled.h) */
    NODE_ALARM_AUDIT = 1u << 10,        /* the store does not read as it was written: read-only */
    NODE_ALARM_CLOCK = 1u << 11,        /* the own clock is far from the members': read-only */
    NODE_ALARM_NEWER_FORMAT = 1u << 12, /* what was chosen is of a newer version: read-only */
    NODE_ALARM_POLICY = 1u << 13,       /* the policy cannot be read: read-only */
    NODE_ALARM_LEFT_BEHIND = 1u << 14,  /* another replica goes on without it: read-only, alone */
};
/* The stable name of one alarm bit, such as "diverged". */
const char *node_alarm_name(uint32_t bit);

struct node_peer_status {
    uint32_t replica;
    bool heard;             /* a frame came within the last election timeout */
    uint64_t last_heard_ms; /* age of the last frame */
    uint64_t applied;       /* as the peer said last */
    uint64_t compared;      /* highest slot whose heads were compared and equal */
    uint64_t mismatch;      /* slot at which heads differ; 0 none */
};

struct node_status {
    uint32_t self;
    uint32_t leader; /* 0: none known */
    bool is_leader;
    bool is_ready; /* a leader is known and a majority was heard */
    bool is_voting;
    struct ballot ballot;
    uint64_t applied;
    uint64_t chosen;
    uint64_t stored; /* highest slot that the store holds durably */
    uint64_t log_time_ms;
    uint8_t entry_head[HASH_SIZE];
    uint8_t verdict_head[HASH_SIZE];
    uint32_t alarms;
    uint64_t alarm_slot; /* where it was found, if a slot is known */
    uint64_t submitted, applied_commands, refused_commands;
    uint64_t waiting; /* requests that wait */
    uint64_t journal_flushes, journal_groups, journal_bytes, journal_segments;
    uint64_t store_commits;
    uint64_t leader_changes;
    uint64_t bad_frames, accepts_sent, votes_sent, chosen_sent; /* messages */
    uint64_t contact_age_ms;   /* since the last proof of contact with a majority or the leader */
    uint32_t rejoin_waits_for; /* bit i: replica i has to come before this one may vote again */
    uint32_t peer_count;
    struct node_peer_status peers[LIMIT_REPLICAS];
};

void node_get_status(struct node *node, struct node_status *status_out);

#endif
