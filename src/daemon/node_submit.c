/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_submit.c - an envelope's way from a client to a slot, and its verdict's way back.
 *
 * Handed in (by a client or by a replica that forwards), it becomes a submission. The leader judges
 * and proposes it; any other replica forwards it to the leader, and again when the leader changes
 * or says nothing: the same bytes twice have one verdict, so sending again is always safe. Nobody
 * but the log ends it: the verdict comes when the slot is applied here, wherever it was proposed.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/daemon/node_ready.h"
#include "src/machine/entry.h"
#include "src/machine/resume.h"
#include "src/machine/query.h"
#include "src/machine/staged.h"
#include "src/net/peer_codec.h"

#define TICK_COOKIE UINT64_MAX /* no submission has this number: a lost tick is not missed */
#define FORWARD_AGAIN_MS 500u  /* a lost frame costs half a second, not a time-out */

static void answer(struct node *n, uint64_t token, const struct node_outcome *outcome)
{
    n->env.submitted(n->env.context, token, outcome);
}

/* Ends a submission without a verdict: tells its clients and the replicas that forwarded it. */
/*
 * A "no" that speaks of this moment settles nothing when the command was handed to somebody before:
 *
 *   1. a leader proposes it and loses its majority; the value is in the journals of some
 *   2. it is queued again; the next leader, still recovering that slot, has no room on its disk
 *   3. told DISK_FULL, the client believes that nothing was changed; the slot is chosen with it
 */
static bool is_open(const struct submission *s, enum rsm_status status, uint32_t handed_for_this)
{
    bool is_of_moment = status == RSM_DISK_FULL || status == RSM_NOT_READY ||
                        status == RSM_RATE_LIMITED || status == RSM_FAILED || status == RSM_BUSY ||
                        status == RSM_READ_ONLY || status == RSM_UNKNOWN_PRINCIPAL ||
                        status == RSM_UNKNOWN_KEY;
    return is_of_moment && s->handed > handed_for_this;
}

static void fail(struct node *n, struct submission *s, enum rsm_status status, const char *text)
{
    if (is_open(s, status, s->state == SUBMISSION_FORWARDED ? 1 : 0)) {
        status = RSM_OUTCOME_UNKNOWN;
        text = "it was refused now, but handed on before; send it again or ask for the outcome";
    }
    struct node_outcome outcome = {.status = status, .text = text};
    for (uint32_t i = 0; i < s->token_count; i++)
        answer(n, s->tokens[i], &outcome);
    for (uint32_t r = 1; r <= REPLICA_MAX; r++) {
        if ((s->origins & (1u << r)) == 0)
            continue;
        struct blob *frame = peer_encode_forward_failed(s->digest, status, text);
        n->env.send(n->env.context, r, frame);
        blob_unref(frame);
    }
    submissions_remove(n->submissions, s);
}

void submit_fail_all(struct node *n, enum rsm_status status, const char *text)
{
    struct submission *s;
    while ((s = submissions_oldest(n->submissions)) != NULL)
        fail(n, s, status, text);
}

/* -------------------------------------------------------------------------------------------- */
/* Handing in. */

/* The author and the key are known to the state; the rules say the rest, with reasons. */
static enum rsm_status check_author(struct node *n, const struct envelope *e, const char **text_out)
{
    enum rsm_status status = query_key_valid(n->applied, e->author, e->key);
    if (status == RSM_UNKNOWN_PRINCIPAL)
        *text_out = "the author is not a principal of this cluster";
    else if (status == RSM_UNKNOWN_KEY)
        *text_out = "the author has no such key";
    else if (status != RSM_OK)
        *text_out = "the state could not be read";
    return status;
}

static const char *bad_envelope_text(enum rsm_status status)
{
    return rsm_status_sentence(status);
}

/* True when the envelope's verdicts are known already; then the token is answered. */
static bool answer_known(struct node *n, uint64_t token, const struct envelope *e)
{
    uint64_t slot;
    if (!query_envelope_known(n->applied, e, &slot, &n->scratch))
        return false;
    struct node_outcome outcome = {
        .status = RSM_OK, .slot = slot, .duplicate = true, .verdicts = writer_result(&n->scratch)};
    answer(n, token, &outcome);
    return true;
}

static void answer_status(struct node *n, uint64_t token, enum rsm_status status, const char *text)
{
    struct node_outcome outcome = {.status = status, .text = text};
    answer(n, token, &outcome);
}

/* It is verified, and waits for its turn. */
static void queued(struct node *n, struct submission *s, uint64_t begin_ns)
{
    if (s->queued_ns != 0)
        return;
    s->queued_ns = node_now_ns(n);
    stages_add(n->stages, STAGE_VERIFY, begin_ns, s->queued_ns);
}

/*
 * No room for one more. Asked before its signature is verified: when more comes than can be done,
 * refusing must cost less than doing, or nothing gets done for it.
 */
static bool is_too_much(struct node *n, const uint8_t digest[HASH_SIZE], size_t size)
{
    return submissions_is_full(n->submissions, size) &&
           submissions_find(n->submissions, digest) == NULL;
}

void node_submit(struct node *n, uint64_t token, struct blob *envelope)
{
    n->counters.submitted++;
    uint8_t digest[HASH_SIZE];
    struct envelope e;
    uint64_t begin_ns = n->stages->verify_ns != 0 ? n->stages->verify_ns : node_now_ns(n);
    uint64_t came_ns = n->stages->decode_ns != 0 ? n->stages->decode_ns : begin_ns;
    n->stages->decode_ns = 0;
    stages_add(n->stages, STAGE_DECODE, came_ns, begin_ns);
    envelope_digest(blob_bytes(envelope), digest);
    if (is_too_much(n, digest, envelope->size)) {
        answer_status(n, token, RSM_BUSY, "too many commands wait at this replica");
        return;
    }
    enum rsm_status status = node_verify_envelope(n, blob_bytes(envelope), digest, &e);
    if (status != RSM_OK) {
        answer_status(n, token, status, bad_envelope_text(status));
        return;
    }
    const char *text = NULL;
    if (answer_known(n, token, &e))
        return;
    status = node_refuses_clients(n);
    if (status != RSM_OK) {
        text = status == RSM_READ_ONLY ? "this replica is read-only, see its alarms"
                                       : "this replica is stopping";
        answer_status(n, token, status, text);
        return;
    }
    if (n->alarms & NODE_ALARM_DISK_LOW) {
        answer_status(n, token, RSM_DISK_FULL, "this replica's disk is nearly full");
        return;
    }
    status = check_author(n, &e, &text);
    if (status != RSM_OK) {
        /* The principal may be newer than this replica's state: only the leader knows. */
        bool behind = paxos_leader(n->paxos) != n->config.self;
        if (!behind || (status != RSM_UNKNOWN_PRINCIPAL && status != RSM_UNKNOWN_KEY)) {
            answer_status(n, token, status, text);
            return;
        }
    }
    struct submission *s = submissions_find(n->submissions, digest);
    if (s == NULL) {
        status = submissions_add(n->submissions, digest, envelope, node_now_ms(n), &s);
        if (status != RSM_OK) {
            answer_status(n, token, status, "too many commands wait at this replica");
            return;
        }
    }
    submission_add_token(s, token);
    if (s->came_ns == 0)
        s->came_ns = came_ns;
    queued(n, s, begin_ns);
}

void submit_on_forward(struct node *n, uint32_t from, struct bytes raw)
{
    uint8_t digest[HASH_SIZE];
    struct envelope e;
    uint64_t begin_ns = node_now_ns(n);
    envelope_digest(raw, digest);
    const char *text = NULL;
    enum rsm_status status =
        is_too_much(n, digest, raw.size) ? RSM_BUSY : node_verify_envelope(n, raw, digest, &e);
    if (status == RSM_BUSY)
        text = "too many commands wait at the leader";
    else if (status != RSM_OK)
        text = bad_envelope_text(status);
    if (status == RSM_OK)
        status = node_refuses(n);
    /* A follower that was taken for the leader passes nothing on: no forwarding in circles. */
    if (status == RSM_OK && paxos_leader(n->paxos) != n->config.self)
        return;
    uint64_t slot;
    if (status == RSM_OK && query_envelope_known(n->applied, &e, &slot, &n->scratch)) {
        n->announce_now = true; /* the one who forwards it will apply the same slot */
        return;
    }
    if (status == RSM_OK)
        status = check_author(n, &e, &text);
    struct submission *s = submissions_find(n->submissions, digest);
    if (status == RSM_OK && s == NULL) {
        struct blob *envelope = blob_new(raw);
        status = submissions_add(n->submissions, digest, envelope, node_now_ms(n), &s);
        blob_unref(envelope);
        if (status != RSM_OK)
            text = "too many commands wait at the leader";
    }
    if (status == RSM_OK) {
        s->origins |= 1u << from;
        queued(n, s, begin_ns);
        return;
    }
    struct blob *frame = peer_encode_forward_failed(
        digest, status, text != NULL ? text : "the leader cannot take it");
    n->env.send(n->env.context, from, frame);
    blob_unref(frame);
}

void submit_on_forward_failed(struct node *n, const uint8_t digest[HASH_SIZE],
                              enum rsm_status status, const char *text)
{
    struct submission *s = submissions_find(n->submissions, digest);
    if (s != NULL && s->state == SUBMISSION_FORWARDED)
        fail(n, s, status, text);
}

/* -------------------------------------------------------------------------------------------- */
/* Leader: judge and propose. */

/* Rejections take log space: so many a minute, then the refusal is answered and not logged. */
static bool may_log_rejection(struct node *n)
{
    uint64_t now = node_now_ms(n);
    if (now - n->rejection_window_ms >= 60000) {
        n->rejection_window_ms = now;
        n->rejections_in_window = 0;
    }
    if (n->rejections_in_window >= query_rejections_per_minute(n->applied))
        return false;
    n->rejections_in_window++;
    return true;
}

static uint64_t next_timestamp(struct node *n)
{
    uint64_t now = node_clock_ms(n);
    return now > n->log_time_ms ? now : n->log_time_ms;
}

static struct blob *encode_value(struct node *n, enum entry_kind kind, struct bytes payload)
{
    writer_reset(&n->scratch);
    entry_encode(&n->scratch, kind, next_timestamp(n), payload);
    CHECK(!n->scratch.failed);
    return blob_new(writer_result(&n->scratch));
}

/* The entry that takes the place of a refused envelope. */
static struct blob *make_rejection(struct node *n, struct submission *s,
                                   const struct verdicts *verdicts)
{
    struct writer payload;
    writer_init(&payload, LIMIT_VALUE_SIZE);
    rejection_encode(&payload, blob_bytes(s->envelope), s->digest, verdicts);
    CHECK(!payload.failed);
    struct blob *value = encode_value(n, ENTRY_REJECTION, writer_result(&payload));
    writer_deinit(&payload);
    return value;
}

static void refuse_unlogged(struct node *n, struct submission *s, const struct verdicts *verdicts)
{
    verdicts_describe(verdicts, n->text, sizeof n->text);
    fail(n, s, RSM_RATE_LIMITED, n->text);
}

/*
 * Its commands have their verdicts: applied ones are answered; those in a slot that is not applied
 * yet stay in the queue until they are. True: it was answered, and is gone.
 */
static bool answer_duplicate(struct node *n, struct submission *s)
{
    struct envelope e;
    uint64_t slot;
    if (node_verify_envelope(n, blob_bytes(s->envelope), s->digest, &e) != RSM_OK ||
        !query_envelope_known(n->applied, &e, &slot, &n->scratch))
        return false;
    struct node_outcome outcome = {
        .status = RSM_OK, .slot = slot, .duplicate = true, .verdicts = writer_result(&n->scratch)};
    for (uint32_t i = 0; i < s->token_count; i++)
        answer(n, s->tokens[i], &outcome);
    submissions_remove(n->submissions, s);
    return true;
}

/* Judges one submission for `slot`. NULL when it takes no slot now; it may be gone then. */
static struct blob *judge(struct node *n, struct submission *s, uint64_t slot)
{
    struct bytes envelope = blob_bytes(s->envelope);
    /* What stands in an open slot is told from there, not by how things are now. */
    if (node_is_not_ready(n, envelope, n->text, sizeof n->text) &&
        !spec_may_know(n, slot, envelope)) {
        fail(n, s, RSM_NOT_READY, n->text);
        return NULL;
    }
    struct blob *value = encode_value(n, ENTRY_COMMANDS, envelope);
    struct verdicts verdicts;
    verdicts_init(&verdicts);
    struct blob *proposed = NULL;
    switch (spec_judge(n, slot, value, &verdicts)) {
    case JUDGED_OK:
        proposed = blob_ref(value);
        break;
    case JUDGED_REFUSED:
        if (!may_log_rejection(n)) {
            refuse_unlogged(n, s, &verdicts);
            break;
        }
        proposed = make_rejection(n, s, &verdicts);
        if (spec_judge(n, slot, proposed, NULL) != JUDGED_OK) {
            blob_unref(proposed);
            proposed = NULL;
            fail(n, s, RSM_FAILED, "the rejection could not be judged");
        }
        break;
    case JUDGED_DUPLICATE:
        (void)answer_duplicate(n, s);
        break;
    case JUDGED_WAIT:
        break;
    case JUDGED_BAD:
        fail(n, s, RSM_MALFORMED, "no entry can be made of it");
        break;
    }
    verdicts_deinit(&verdicts);
    blob_unref(value);
    return proposed;
}

/* What an entry has beside its envelope, or a rejection beside the one that it refuses. */
#define ENTRY_MORE (LIMIT_VALUE_SIZE - LIMIT_ENVELOPE_SIZE)

/* In the journal, behind the `space` that the batch takes already. */
static bool has_space_for(struct node *n, const struct submission *s, struct space space)
{
    space_add_vote(&space, s->envelope->size + ENTRY_MORE);
    return !n->journal_writable || (!journal_is_low(n->journal) && space_is_for(n, space));
}

void submit_propose(struct node *n)
{
    if (!paxos_is_ready(n->paxos) || node_refuses(n) != RSM_OK)
        return;
    struct paxos_proposal batch[LIMIT_BATCH_ENTRIES];
    size_t count = 0;
    uint64_t bytes = 0;
    struct space space = {0, 0};
    uint32_t room = apply_store_is_behind(n) ? 0 : paxos_room(n->paxos);
    struct submission *next;
    for (struct submission *s = submissions_oldest(n->submissions); s != NULL; s = next) {
        next = s->newer;
        if (s->state != SUBMISSION_QUEUED)
            continue;
        if (count == room || count == n->config.batch_entries || bytes > LIMIT_BATCH_BYTES)
            break;
        if (!has_space_for(n, s, space)) {
            if (n->dead)
                break;
            node_raise(n, NODE_ALARM_DISK_LOW, 0);
            fail(n, s, RSM_DISK_FULL, "the leader's disk is nearly full");
            continue;
        }
        uint64_t id = s->id;
        uint64_t slot = paxos_slot_next(n->paxos) + count;
        uint64_t begin_ns = node_now_ns(n);
        struct blob *value = judge(n, s, slot);
        if (value == NULL)
            continue;
        uint64_t judged_ns = node_now_ns(n);
        stages_add(n->stages, STAGE_QUEUE, s->queued_ns, begin_ns);
        stages_add(n->stages, STAGE_VALIDATE, begin_ns, judged_ns);
        stages_on_proposed(n->stages, slot, judged_ns);
        s->state = SUBMISSION_PROPOSED;
        s->handed++;
        s->may_be_chosen = true;
        batch[count++] = (struct paxos_proposal){.value = value, .cookie = id};
        bytes += value->size;
        space_add_vote(&space, value->size);
    }
    if (count == 0)
        return;
    struct paxos_event event = {
        .type = PAXOS_EVENT_PROPOSE, .proposals = batch, .proposal_count = count};
    node_step(n, &event);
    for (size_t i = 0; i < count; i++)
        blob_unref(batch[i].value);
}

/* A change whose deadline lies between log time and now. */
static bool change_is_due(struct node *n, uint64_t now_ms)
{
    struct key place = {.size = 0};
    struct staged_record row;
    uint8_t digest[HASH_SIZE];
    if (pending_count(n->applied) == 0)
        return false;
    while (pending_next(n->applied, &place, digest) == RSM_OK)
        if (staged_load(n->applied, digest, &row) == RSM_OK && row.deadline_ms > n->log_time_ms &&
            row.deadline_ms <= now_ms)
            return true;
    return false;
}

/* A zone's way back that ends between log time and now. */
static bool resume_is_due(struct node *n, uint64_t now_ms)
{
    struct query_list freezes = {.started = false};
    bool then = false, now = false;
    if (resume_count(n->applied) == 0)
        return false;
    while (then == now && query_freeze_next(n->applied, &freezes) == RSM_OK)
        if (resume_is_running(n->applied, freezes.name, n->log_time_ms, &then) != RSM_OK ||
            resume_is_running(n->applied, freezes.name, now_ms, &now) != RSM_OK)
            return false;
    return then && !now;
}

/* A lease or a freeze whose end lies between log time and now. */
static bool deadline_has_passed(struct node *n, uint64_t now_ms)
{
    struct query_list leases = {.started = false};
    struct query_list freezes = {.started = false};
    while (query_lease_next(n->applied, &leases) == RSM_OK)
        if (!leases.lease.released && leases.lease.expires_ms > n->log_time_ms &&
            leases.lease.expires_ms <= now_ms)
            return true;
    while (query_freeze_next(n->applied, &freezes) == RSM_OK)
        if (freezes.freeze.until_ms > n->log_time_ms && freezes.freeze.until_ms <= now_ms)
            return true;
    return change_is_due(n, now_ms) || resume_is_due(n, now_ms);
}

void submit_time(struct node *n)
{
    uint64_t now = node_clock_ms(n);
    struct space space = {0, 0};
    space_add_vote(&space, ENTRY_MORE);
    if (!paxos_is_ready(n->paxos) || paxos_room(n->paxos) == 0 || node_refuses(n) != RSM_OK ||
        paxos_slot_next(n->paxos) != n->applied_slot + 1 || !deadline_has_passed(n, now) ||
        !space_is_for(n, space))
        return;
    struct paxos_proposal proposal = {.value = encode_value(n, ENTRY_TICK, (struct bytes){NULL, 0}),
                                      .cookie = TICK_COOKIE};
    struct paxos_event event = {
        .type = PAXOS_EVENT_PROPOSE, .proposals = &proposal, .proposal_count = 1};
    node_step(n, &event);
    blob_unref(proposal.value);
}

void submit_on_lost(struct node *n, const struct paxos_lost *lost)
{
    struct submission *s = submissions_find_id(n->submissions, lost->cookie);
    if (s != NULL && s->state == SUBMISSION_PROPOSED)
        s->state = SUBMISSION_QUEUED;
}

/* -------------------------------------------------------------------------------------------- */
/* Follower: forward. */

/*
 * Forwarded long ago. Its command may have come into the log in another envelope, a bundle that its
 * author signed for another replica: the leader has nothing more to say of it, and the slot was of
 * another digest when it was applied here.
 */
static bool is_overdue(const struct submission *s, uint64_t now)
{
    return s->state == SUBMISSION_FORWARDED && now - s->sent_ms >= FORWARD_AGAIN_MS;
}

void submit_forward(struct node *n)
{
    uint32_t leader = paxos_leader(n->paxos);
    if (leader == 0 || leader == n->config.self)
        return;
    uint64_t now = node_now_ms(n);
    bool again = now - n->leader_asked_ms >= FORWARD_AGAIN_MS;
    if (again)
        n->leader_asked_ms = now;
    struct submission *next;
    for (struct submission *s = submissions_oldest(n->submissions); s != NULL; s = next) {
        next = s->newer;
        bool is_again = again && is_overdue(s, now);
        bool is_due = s->state == SUBMISSION_QUEUED || is_again;
        if (!is_due || (s->token_count == 0 && !s->is_own) || (is_again && answer_duplicate(n, s)))
            continue;
        struct blob *frame = peer_encode_forward(blob_bytes(s->envelope));
        n->env.send(n->env.context, leader, frame);
        blob_unref(frame);
        s->state = SUBMISSION_FORWARDED;
        s->handed++;
        s->sent_ms = now;
        s->may_be_chosen = true;
    }
}

void submit_answer_known(struct node *n)
{
    struct submission *next;
    for (struct submission *s = submissions_oldest(n->submissions); s != NULL; s = next) {
        next = s->newer;
        (void)answer_duplicate(n, s);
    }
}

void submit_on_leader_changed(struct node *n)
{
    for (struct submission *s = submissions_oldest(n->submissions); s != NULL; s = s->newer)
        if (s->state == SUBMISSION_FORWARDED)
            s->state = SUBMISSION_QUEUED;
}

/*
 * How long a command may wait at a leader before it is proposed: half of its time, the other half
 * is for its commit. With more coming in than can be done, and first come first served, what
 * reaches the head of the queue would otherwise be about to expire: it would be proposed, and
 * nobody told.
 */
static uint64_t patience_ms(const struct node *n, const struct submission *s)
{
    bool is_unproposed = !s->may_be_chosen && paxos_leader(n->paxos) == n->config.self;
    return is_unproposed ? n->config.submit_timeout_ms / 2 : n->config.submit_timeout_ms;
}

void submit_expire(struct node *n)
{
    uint64_t now = node_now_ms(n);
    struct submission *next;
    for (struct submission *s = submissions_oldest(n->submissions); s != NULL; s = next) {
        next = s->newer;
        if (now - s->since_ms < n->config.submit_timeout_ms / 2)
            break; /* the list is by arrival */
        if (now - s->since_ms < patience_ms(n, s))
            continue;
        if (s->may_be_chosen && !MUTANT(TIMEOUT_IS_FAILURE))
            fail(n, s, RSM_OUTCOME_UNKNOWN, "no verdict in time; ask for the outcome later");
        else if (paxos_leader(n->paxos) == 0)
            fail(n, s, RSM_NO_QUORUM, "no leader is known, no contact with a majority");
        else
            fail(n, s, RSM_BUSY, "the leader has had no room for it");
    }
}

/* -------------------------------------------------------------------------------------------- */
/* Verdicts. */

void submit_on_applied(struct node *n, const uint8_t digest[HASH_SIZE], uint64_t slot,
                       const struct verdicts *verdicts)
{
    struct submission *s = submissions_find(n->submissions, digest);
    if (s == NULL)
        return;
    struct node_outcome outcome = {
        .status = RSM_OK,
        .slot = slot,
        .duplicate = verdicts->duplicate_count > 0 &&
                     verdicts->duplicate_count + verdicts->settled_count == verdicts->count,
        .verdicts = verdicts_bytes(verdicts)};
    struct verdict first;
    if (outcome.duplicate && verdict_at(outcome.verdicts, 0, &first) == RSM_OK)
        outcome.slot = first.first_slot;
    uint64_t begin_ns = node_now_ns(n);
    for (uint32_t i = 0; i < s->token_count; i++)
        answer(n, s->tokens[i], &outcome);
    if (s->token_count > 0) {
        uint64_t end_ns = node_now_ns(n);
        stages_add(n->stages, STAGE_REPLY, begin_ns, end_ns);
        stages_add(n->stages, STAGE_TOTAL, s->came_ns, end_ns);
    }
    n->announce_now |= s->origins != 0;
    submissions_remove(n->submissions, s);
}
