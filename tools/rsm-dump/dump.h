/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dump.h - what the parts of rsm-dump share: the data, its options, findings and exit statuses.
 *
 * Everything that reads the store runs in a child process (run.c): damaged bytes can kill it, and
 * that is a finding as well. Nothing here writes to the directory.
 */
#ifndef RSM_TOOLS_DUMP_H
#define RSM_TOOLS_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>
#include <rsm/status.h>

#include "src/base/blob.h"
#include "src/base/kv.h"
#include "src/base/limits.h"
#include "src/command/genesis.h"
#include "src/machine/logtable.h"
#include "storage/chain.h"
#include "storage/identity.h"
#include "storage/scan.h"

/* Exit statuses: a promise, see --help. */
#define EXIT_FINE 0
#define EXIT_FINDING 1
#define EXIT_WRONG_USAGE 2
#define EXIT_NOTHING_THERE 3
#define EXIT_UNEXPECTED 4 /* a good proof, of something else than the caller said */

/* Keys that one proof is checked against: the log's and its witnesses'. */
#define VERIFIERS_MAX 16u

struct expected;
struct store;

/* From the command line. */
struct options {
    const char *directory;
    bool json;
    bool step;              /* replay: print each slot */
    bool aside;             /* journal: the one that was set aside */
    const char *from;       /* log, report, export: NULL the first */
    const char *to;         /* the same: NULL the last */
    const char *zone;       /* log, state: NULL all */
    const char *author;     /* log: NULL all */
    const char *at;         /* state, proofs: NULL the newest */
    const char *key;        /* checkpoint, proofs: the signer's key file; NULL: none */
    const char *checkpoint; /* proofs: a file with a signed checkpoint; NULL: none */
    const char *gpg_key;    /* export manifest: as gpg knows it; NULL: it is not signed */
    const char *signature;  /* with it: the new file for the signature */
    const char *old;        /* check-proof: a file with the older checkpoint; NULL: none */
    const char *growth;     /* check-proof: a proof of growth beside it; NULL: none */
    const char *kept;       /* checkpoints, proofs: the file of the last one seen; NULL: none */
    const char *log;        /* check-proof: what it has to be of; each NULL: anything */
    const char *slot;
    const char *change;
    const char *verdict;
    const char *verifiers[VERIFIERS_MAX]; /* check-proof: keys that are trusted */
    size_t verifier_count;
    const char *first; /* positional */
    const char *second;
    char **others; /* loss: further directories */
    int other_count;
};

/* A slot that is chosen as the journal says, and not in the store yet. */
struct tail_slot {
    uint64_t slot;
    struct blob *value; /* owned; NULL: no-op */
};

struct dump {
    const struct options *options;
    struct identity identity; /* replica 0: unreadable */
    struct blob *genesis_bytes;
    struct genesis genesis;
    bool genesis_is_good;
    bool live;        /* a replica (or an auditor) is running on it */
    bool is_auditors; /* made by rsm-auditor: without a journal */
    struct store *store;
    struct kv *kv;    /* of the store; NULL: there is none */
    bool has_state;   /* the store says which slot it has applied, be it 0 */
    uint64_t applied; /* highest slot in the store; 0: none */
    uint64_t from;    /* --from as a slot, at least 1 */
    uint64_t to;      /* --to as a slot; UINT64_MAX: it was not given */
    struct tail_slot *tail;
    size_t tail_count;
    bool findings_on_stdout; /* they are what was asked for */
    uint64_t finding_count;
    bool is_unexpected;              /* of check-proof: see expected.h */
    const struct expected *expected; /* the same: what the caller said */
};

/* One slot, from wherever it is. Borrowed until the next read of the store. */
struct slot_view {
    uint64_t slot;
    bool in_store;
    struct bytes value;
    bool has_verdicts;
    struct log_verdict verdicts; /* in the store only */
};

/* The whole program; gives its exit status. */
int dump_main(int argc, char **argv);

/* Prints "finding: ..." and counts it. */
void dump_finding(struct dump *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* source.c */

/*
 * Opens what there is; what is missing or damaged becomes a finding. False: nothing of a replica is
 * there at all (said on stderr). dump_close in any case.
 */
bool dump_open(struct dump *d);
void dump_close(struct dump *d);
/* The highest slot of store and tail. */
uint64_t dump_last(const struct dump *d);
/* RSM_NOT_FOUND, RSM_DAMAGED. */
enum rsm_status dump_slot(struct dump *d, uint64_t slot, struct slot_view *out);
/*
 * Scans the journal (storage/scan.h); on a running replica again when it does not look sound, so
 * that `scanner` may see the same records more than once. RSM_NOT_FOUND: there is none.
 */
enum rsm_status dump_scan(struct dump *d, const struct journal_scanner *scanner,
                          struct journal_report *report_out);
enum rsm_status dump_scan_once(struct dump *d, const struct journal_scanner *scanner,
                               struct journal_report *report_out);
/* On a running replica the last group may be on its way: then its state says nothing. */
bool dump_is_in_flight(const struct dump *d, const struct journal_finding *f);
/* --zone in wire form, empty when it was not given. False: no domain name (said on stderr). */
bool dump_parse_zone(const struct dump *d, uint8_t buffer[LIMIT_NAME_SIZE], struct bytes *out);
/* A number, or a time "2026-11-23T15:02:11Z" (the last slot at or before). False: no such. */
bool dump_parse_slot(struct dump *d, const char *text, uint64_t *slot_out);
/*
 * --from and --to: numbers, or times, of the first slot at or after and of the last at or before.
 * False: one is neither (said on stderr).
 */
bool dump_parse_range(struct dump *d);

/* One function a command, in cmd_*.c; each gives the exit status. */
int command_log(struct dump *d);
int command_show(struct dump *d);
int command_journal(struct dump *d);
int command_state(struct dump *d);
int command_diff(struct dump *d);
int command_verify(struct dump *d);
int command_checkpoint(struct dump *d);
int command_prove(struct dump *d);
int command_consistency(struct dump *d);
int command_export(struct dump *d);
/* cmd_audit.c: `export audit`. */
int command_export_audit(struct dump *d);
int command_replay(struct dump *d);
int command_report(struct dump *d);
/* cmd_check_proof.c: these need no data directory. */
int command_check_proof(struct dump *d);
int command_check_report(struct dump *d);
int command_verifier_key(struct dump *d);
int command_loss(struct dump *d);

/* cmd_journal.c: reads the journal for its findings alone. */
void journal_check(struct dump *d);

/* EXIT_FINDING when there were findings. */
int dump_exit(const struct dump *d);

#endif
