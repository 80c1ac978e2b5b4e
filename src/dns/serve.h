/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve.h - one question and all the messages of its answer: who may ask what, and what is said.
 *
 * The shell hands in the bytes, learns what is needed for an answer, and fetches message by message
 * when its output has room. Nothing here knows sockets or time (libknot reads the clock for TSIG).
 *
 *     opcode   what              needs
 *     QUERY    AXFR, IXFR        a key for transfers; AXFR comes over TCP only
 *     QUERY    anything else     any key of ours, or allow_unsigned_queries
 *     UPDATE                     a key for updates; the shell answers it
 *     others                     NOTIMP; NOTIFY is NOTAUTH: nobody is our primary
 *
 * A replica that may be behind (no fresh contact with a quorum) says SERVFAIL to all queries: a
 * secondary that has nothing, or is forced to transfer, would take any serial from it.
 */
#ifndef RSM_DNS_SERVE_H
#define RSM_DNS_SERVE_H

#include "src/base/kv.h"
#include "src/dns/transfer.h"
#include "src/rr/tsig.h"

struct serve_policy {
    struct tsig_keys keys;
    bool allow_unsigned_queries;
    bool allow_unsigned_transfers;
};

enum serve_transport {
    SERVE_UDP = 1,
    SERVE_TCP,
};

enum serve_kind {
    SERVE_REFUSAL = 1, /* answered without the state: serve_next may be called at once */
    SERVE_READ,        /* needs the state, and that it is fresh */
    SERVE_UPDATE,      /* signed well, one zone named: for who takes updates */
};

struct serve;

/*
 * Parses and judges a question. NULL: nothing is answered (no header, an answer itself, no memory).
 * Owned by the caller; the policy outlives it.
 */
struct serve *serve_begin(const struct serve_policy *policy, struct bytes wire,
                          enum serve_transport transport);
/* NULL is ignored. */
void serve_free(struct serve *s);
/* What has to be done for an answer: fixed by serve_begin. */
enum serve_kind serve_kind(const struct serve *s);
/* The question; NULL when it could not be parsed. Borrowed. */
const struct packet *serve_packet(const struct serve *s);
/*
 * The MAC of a SERVE_UPDATE's question. It names the message: what it does not cover (the id in the
 * header, the case of the key's name) can be changed by anybody. Borrowed until an answer is made.
 */
struct bytes serve_signature(const struct serve *s);

/*
 * Before the first serve_next of a SERVE_READ: the slot whose state is served, or that it is not
 * known to be fresh.
 */
void serve_set_slot(struct serve *s, uint64_t slot, bool is_fresh);
/*
 * Behind serve_set_slot, until it says false: what the answer waits for. A digest takes as long as
 * reading the zone does, so the shell makes it in steps, and keeps it.
 */
bool serve_wants_digest(struct serve *s, struct kv *kv, struct transfer_want *out);
/* What serve_wants_digest asked for; copied. */
void serve_give_digest(struct serve *s, const uint8_t rdata[ZONEMD_RDATA_SIZE]);
/*
 * The next message, made in `draft`, borrowed until that is used again; `kv` shows the state now.
 * False: there is none any more; when *is_broken_out, what was sent is no whole answer, and the
 * connection has to be closed. An unreadable state comes back in *status_out (else RSM_OK).
 */
bool serve_next(struct serve *s, struct kv *kv, struct draft *draft, struct bytes *wire_out,
                bool *is_broken_out, enum rsm_status *status_out);
/* The one answer to a SERVE_UPDATE, or to anything that the shell cannot do now. */
bool serve_answer(struct serve *s, struct draft *draft, enum packet_rcode rcode,
                  enum packet_ede ede, const char *text, struct bytes *wire_out);

/* What was sent, for the log. */
struct serve_summary {
    struct bytes zone, key; /* wire names; key empty: unsigned */
    bool is_transfer;
    bool is_whole;
    /* Of a transfer, or of the SOA of an apex that was asked for by who may transfer. */
    bool has_serial;
    /* When all messages have arrived the secondary has that serial: else it was only told. */
    bool is_refresh;
    uint32_t serial, expire_s;
    uint64_t record_count, message_count;
};

/* Of what serve_next gave so far; the names are borrowed from `s`. */
void serve_get_summary(const struct serve *s, struct serve_summary *out);

#endif
