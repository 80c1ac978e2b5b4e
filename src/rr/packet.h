/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * packet.h - DNS messages (RFC 1035 4): those that came in, and those that go out.
 *
 * A `packet` is a message that somebody sent, parsed once and whole: names and names in record data
 * are lower case. A `draft` is one in the making, with names compressed, an OPT record where the
 * question had one (RFC 6891), and never larger than its limit. Signatures: tsig.h.
 *
 * Nothing here knows a zone, a clock or a socket.
 */
#ifndef RSM_RR_PACKET_H
#define RSM_RR_PACKET_H

#include <rsm/status.h>

#include "src/base/bytes.h"

#define PACKET_SIZE_MAX 65535u
#define PACKET_HEADER_SIZE 12u
#define PACKET_UDP_SIZE 512u /* without EDNS, RFC 1035 4.2.1 */
/* What we send and offer over UDP: fits a datagram of IPv6's least MTU, so none is in fragments. */
#define PACKET_EDNS_SIZE 1232u
#define PACKET_ERROR_TEXT_MAX 256u

enum packet_opcode {
    PACKET_QUERY = 0,
    PACKET_NOTIFY = 4,
    PACKET_UPDATE = 5,
};

enum packet_class {
    PACKET_CLASS_IN = 1,
    PACKET_CLASS_NONE = 254,
    PACKET_CLASS_ANY = 255,
};

/* Types that only questions have (RFC 1995, RFC 5936, RFC 8482). */
enum packet_question_type {
    PACKET_TYPE_IXFR = 251,
    PACKET_TYPE_AXFR = 252,
    PACKET_TYPE_ANY = 255,
};

/* RFC 6895 2.3; what is above 15 needs an OPT record. */
enum packet_rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_YXDOMAIN = 6,
    RCODE_YXRRSET = 7,
    RCODE_NXRRSET = 8,
    RCODE_NOTAUTH = 9,
    RCODE_NOTZONE = 10,
    RCODE_BADVERS = 16,
};

/* Extended DNS errors (RFC 8914 4); PACKET_EDE_NONE: no option. */
enum packet_ede {
    PACKET_EDE_OTHER = 0,
    PACKET_EDE_NOT_READY = 14,
    PACKET_EDE_PROHIBITED = 18,
    PACKET_EDE_NOT_AUTHORITATIVE = 20,
    PACKET_EDE_NONE = 65535,
};

/* As in the message. In an UPDATE these are zone, prerequisites and updates (RFC 2136 2). */
enum packet_section {
    PACKET_ANSWER = 1,
    PACKET_AUTHORITY,
    PACKET_ADDITIONAL,
};

/* ---- a message that came in ---- */

struct packet;

struct packet_head {
    uint16_t id;
    uint8_t opcode; /* any of 16 */
    uint8_t rcode;  /* without the OPT record's part */
    bool is_response, is_authoritative, is_truncated, recursion_desired;
    bool has_question; /* a packet has one or none */
    uint16_t type, class;
    struct bytes name; /* lower case */
    bool has_edns;
    uint8_t edns_version;
    uint16_t edns_size; /* as it came; 0 without EDNS */
    bool has_tsig;
};

struct packet_record {
    struct bytes owner;
    uint16_t type, class;
    uint32_t ttl;
    struct bytes rdata; /* without compression, names in lower case; may be empty */
};

/*
 * Parses and checks all of it; copies `wire`. Owned by the caller. RSM_MALFORMED, RSM_NO_MEMORY;
 * then draft_begin_failure can still answer when the bytes have a header.
 */
enum rsm_status packet_parse(struct bytes wire, struct packet **packet_out);
/* NULL is ignored. */
void packet_free(struct packet *p);
/* Borrowed from the packet. */
const struct packet_head *packet_head(const struct packet *p);
/* Records of PACKET_ANSWER or PACKET_AUTHORITY in order, one at a time; false behind the last. */
bool packet_record(const struct packet *p, enum packet_section section, uint32_t index,
                   struct packet_record *out);
/* The largest answer that this question allows over UDP. */
size_t packet_udp_limit(const struct packet *p);

/* ---- a message in the making ---- */

struct draft;

/* Used again for any number of messages, one after the other. Never NULL. */
struct draft *draft_new(void);
/* NULL is ignored. */
void draft_free(struct draft *m);

/*
 * Begins the answer to `q`: its id, its question, RCODE_NOERROR. At most `limit` bytes (512 to
 * PACKET_SIZE_MAX), of which `reserve` are kept for a signature (tsig_size); more only where the
 * longest names in question and signature would not fit 512 bytes, which their sender has sent as
 * well. The packet is borrowed until draft_finish.
 */
void draft_begin_answer(struct draft *m, const struct packet *q, size_t limit, size_t reserve);
/* Begins a question or NOTIFY; `name` is a wire name. */
void draft_begin_question(struct draft *m, uint16_t id, enum packet_opcode opcode,
                          struct bytes name, uint16_t type, uint16_t class, size_t reserve);
/*
 * The answer to bytes that are no message: only a header with the rcode. False when the bytes have
 * no header, or are an answer themselves, which nobody answers. Nothing else may be put.
 */
bool draft_begin_failure(struct draft *m, struct bytes wire, enum packet_rcode rcode);

/* Sets AA. */
void draft_set_authoritative(struct draft *m);
/* The text goes into the OPT record (RFC 8914), where there is one, as far as there is room. */
void draft_set_error(struct draft *m, enum packet_rcode rcode, enum packet_ede ede,
                     const char *text);
/*
 * Adds one record; sections in their order. False: no room for it (or no memory), and nothing was
 * added. After a false only draft_truncate or draft_finish may follow.
 */
bool draft_put(struct draft *m, enum packet_section section, struct bytes owner, uint16_t type,
               uint16_t class, uint32_t ttl, struct bytes rdata);
/* Takes all records out and sets TC: ask again over TCP. */
void draft_truncate(struct draft *m);
/* Bytes so far. */
size_t draft_size(const struct draft *m);
/* Adds the OPT record. The bytes are borrowed until the message is begun again. */
struct bytes draft_finish(struct draft *m);

#endif
