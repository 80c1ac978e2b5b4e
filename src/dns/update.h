/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * update.h - dynamic updates (RFC 2136) between messages and commands: a question becomes the body
 * of an rrset.update, and a verdict becomes what the client is told.
 */
#ifndef RSM_DNS_UPDATE_H
#define RSM_DNS_UPDATE_H

#include <rsm/wire.h>

#include "src/machine/verdict.h"
#include "src/rr/packet.h"

/* What a client is told. */
struct update_reply {
    enum packet_rcode rcode;
    enum packet_ede ede;
    char text[PACKET_ERROR_TEXT_MAX]; /* "rule-id: evidence", or why not; may be empty */
};

/*
 * The body of the command that the message asks for, on behalf of a principal; `request`: as in
 * rsm/update.h. True: *body_out is
 * the caller's (rsm_buffer_free). False: *reply_out says why there is none: FORMERR for what RFC
 * 2136 3.1.1, 3.2 and 3.4.1 call so, NOTAUTH for another class than IN, SERVFAIL without memory.
 */
bool update_build(const struct packet *p, const char *principal, struct rsm_bytes request,
                  struct rsm_buffer *body_out, struct update_reply *reply_out);

/*
 * The answer that a verdict comes to. Rights come before prerequisites, so that these are no way to
 * look into a zone; the first prerequisite that failed decides. docs/dns.md has the table.
 */
void update_reply_of(const struct verdict *v, struct update_reply *out);

/* SERVFAIL with words of our own. */
void update_reply_failure(struct update_reply *out, enum packet_ede ede, const char *text);

#endif
