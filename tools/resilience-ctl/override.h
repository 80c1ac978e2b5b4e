/* SPDX-License-Identifier: GPL-3.0-or-later */
/* override.h - what the commands `override ...` share: emergencies as the cluster and the log have
 * them. */
#ifndef RSM_CTL_OVERRIDE_H
#define RSM_CTL_OVERRIDE_H

#include "src/command/envelope.h"
#include "tools/resilience-ctl/plan_work.h"

#define OVERRIDE_DIGEST_SIZE (2 * RSM_DIGEST_SIZE + 1)

/* An emergency; pieces point into `page`. */
struct override {
    struct rsm_buffer row;  /* owned: the answer of `outcome` or `change.list` */
    struct rsm_value value; /* in it: the change (docs/protocol.md) */
    struct rsm_buffer page; /* owned: its slot, as it is stored */
    struct command command; /* the request, whose digest was computed here */
    uint8_t digest[RSM_DIGEST_SIZE];
};

void override_free(struct override *o);

/*
 * The one that `id` means: a whole digest, or the beginning of exactly one of those that wait, of 8
 * digits at least. Its command is read from the log, and its digest is computed again: what is
 * shown is what is approved. Prints what is wrong.
 */
enum rsm_status override_find(struct ctl *ctl, const char *id, struct override *out);
/* The key's own newest one with this body (of change.request). RSM_NOT_FOUND is not printed. */
enum rsm_status override_find_own(struct ctl *ctl, struct bytes body, struct override *out);
/* Looks again at its row. */
enum rsm_status override_refresh(struct ctl *ctl, struct override *o);

const char *override_hex(const struct override *o, char out[OVERRIDE_DIGEST_SIZE]);
/*
 * Who, why, which rules, what it changes against the state as it is now. Anything but RSM_OK, which
 * was explained on stderr: not all of it was shown, so nobody can agree to it.
 */
enum rsm_status override_print(struct ctl *ctl, const struct override *o, FILE *out);

/*
 * The change of the file as the body of a request, which bypasses the file's rules and those of
 * --override; prints what is wrong.
 */
enum rsm_status override_body(const struct ctl *ctl, const struct plan_work *w,
                              struct rsm_buffer *out);
/* Asks; the exit status, 0 when it waits for approvals now. */
int override_ask(struct ctl *ctl, const struct plan_work *w, uint8_t digest_out[RSM_DIGEST_SIZE]);

/* override_file.c: all changes of --config. */
struct override_file {
    struct plan_work *works; /* owned, as is each */
    size_t count;
};

/* Reads file and zones; prints what is wrong. override_file_free in every case. */
enum rsm_status override_file_read(struct ctl *ctl, struct override_file *out);
void override_file_free(struct override_file *f);
/*
 * Of a file with several zones says what is to be done, and asks whether the cluster would take
 * each that is not in `skip` (as many, asked for before). RSM_REFUSED: not all, rules are printed.
 */
enum rsm_status override_file_check(struct ctl *ctl, const struct override_file *f,
                                    const bool *skip);

/* override_guide.c */
#define OVERRIDE_GUIDE_SIZE 8192u
/*
 * The same as text. True when it is another one than the last time (`seen`, zeros before the
 * first); false also when nobody answers.
 */
bool override_guide_if_new(struct ctl *ctl, uint8_t seen[RSM_DIGEST_SIZE],
                           char text[OVERRIDE_GUIDE_SIZE]);

/* override_approvers.c: who is waited for, each with the line to use, on stderr. */
void override_ask_approvers(struct ctl *ctl, const char *digest);

#endif
