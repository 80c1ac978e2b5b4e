/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - every limit, with its reason. They are enforced before memory is spent.
 */
#ifndef RSM_BASE_LIMITS_H
#define RSM_BASE_LIMITS_H

/* A signed command or bundle: the whole root zone, 17,780 records, is 1.1 MiB as one change set. */
#define LIMIT_ENVELOPE_SIZE (16u << 20)
/* A client's frame: an envelope and its call around it. */
#define LIMIT_FRAME_SIZE (LIMIT_ENVELOPE_SIZE + 4096u)
/* A frame of a connection that submits nothing: reads have small parameters. */
#define LIMIT_READ_FRAME_SIZE (1u << 20)
/* Containers inside containers. Commands need 7; msgpack-c gives up at 32. */
#define LIMIT_DEPTH 16u
/* Elements that the headers of one object may declare in all. */
#define LIMIT_ELEMENTS (1u << 20)
/* One answer: bounded, so that long lists are read page by page. */
#define LIMIT_ANSWER_SIZE (16u << 20)

#define LIMIT_NAME_SIZE 255u        /* a domain name in wire form, RFC 1035 3.1 */
#define LIMIT_PRINCIPAL_SIZE 128u   /* a principal's name, such as alice@company.com */
#define LIMIT_OWNER_SIZE 133u       /* of a record set: a principal, or "plan:" and a plan */
#define LIMIT_REASON_SIZE 1024u     /* the author's reason, bytes of UTF-8 */
#define LIMIT_LABEL_SIZE 128u       /* ids of plans, leases, roles, freezes */
#define LIMIT_CLOCK_ENTRIES 256u    /* authors in one vector clock */
#define LIMIT_DEPENDENCIES 256u     /* dependencies of one command */
#define LIMIT_BUNDLE_COMMANDS 1024u /* commands under one signature */
#define LIMIT_CHANGES 65536u        /* record sets in one change set */
#define LIMIT_UPDATE_RECORDS 8192u  /* a DNS message of 65,535 bytes holds at most 5,460 */
#define LIMIT_RRSET_RECORDS 4096u   /* records in one set; a transfer message bounds it as well */
#define LIMIT_RDATA_SIZE 65535u
#define LIMIT_RRSET_SIZE 65000u /* a set must fit one DNS message over TCP */
#define LIMIT_KEYS_PER_PRINCIPAL 16u
#define LIMIT_ROLES_PER_PRINCIPAL 16u
/* Of one principal, of anything: an hour in ms times it stays below 2^63. */
#define LIMIT_BUDGET (UINT64_C(1) << 40)
#define LIMIT_GRANTS_PER_ROLE 256u
#define LIMIT_TYPES_PER_GRANT 64u     /* a role that needs more means all types */
#define LIMIT_LABELS_PER_ZONE 64u     /* labels are for people and filters, not for data */
#define LIMIT_REASONS_PER_VERDICT 64u /* failing rules reported at once; the rest is counted */

/* Changes that wait for votes at one time: each is looked at in every slot that touches one. */
#define LIMIT_STAGED 64u
/* One of them: its bytes are in the state until it ends. Larger changes are split. */
#define LIMIT_STAGED_SIZE (1u << 20)
#define LIMIT_OVERRIDES 16u          /* rules that one change may ask to be let past */
#define LIMIT_FACTOR_PUBLIC_SIZE 64u /* the public half of a second factor */
#define LIMIT_APPROVERS 16u          /* named when an emergency is applied */
#define LIMIT_APPROVAL_GROUPS 8u     /* items of the policy's list "approval_groups" */
#define LIMIT_CLASS_RULES 64u        /* items of the policy's list "classes" */
#define LIMIT_CLASS_KINDS 32u        /* patterns of kinds in one of them */
#define LIMIT_SERVICE_NAMES 256u     /* names of one service, and what it needs, each */

/* Keys of the state: LMDB's own bound is 511 bytes. */
#define LIMIT_KEY_SIZE 500u
/* A value of the state or the log: an envelope and its frame. */
#define LIMIT_VALUE_SIZE (LIMIT_ENVELOPE_SIZE + 4096u)

/* A journal segment is read into memory as a whole; one record of LIMIT_VALUE_SIZE must fit. */
#define LIMIT_SEGMENT_SIZE (64u << 20)
/* Segments of one journal: at 16 MiB each, 64 GiB. More means that the store does not commit. */
#define LIMIT_SEGMENTS 4096u

#define LIMIT_REPLICAS 9u
#define LIMIT_ADDRESS_SIZE 128u /* "ip:port", the longest of IPv6 with a zone, or "unix:/path" */
/*
 * A change of the members in slot s governs slots from s + MEMBER_DISTANCE on. No leader proposes
 * beyond what it has applied by more than that, so that it knows the members of every slot it
 * proposes in (Lamport's alpha); so it bounds the window as well. 1,024 is the default window: the
 * pipeline stays full, and an idle cluster gets there with no-ops within a second.
 */
#define MEMBER_DISTANCE 1024u
#define LIMIT_CLIENT_CONNECTIONS 1024u
/* Of DNS clients over TCP; of one address a quarter, so that no single one shuts others out. */
#define LIMIT_DNS_CONNECTIONS 512u
#define LIMIT_DNS_CONNECTIONS_PER_HOST 128u
/* Questions that wait for the confirmation that this replica is not behind. */
#define LIMIT_DNS_WAITING 1024u
#define LIMIT_IN_FLIGHT_PER_CONNECTION 1024u /* requests without an answer */
#define LIMIT_OUTPUT_BUFFER (32u << 20)      /* then a slow reader is closed */
#define LIMIT_PENDING_BYTES (64u << 20)      /* commands that wait at one replica, then BUSY */
#define LIMIT_PENDING_COUNT 65536u

/* Open slots of the core: slots between what is applied and the end of the window. */
#define LIMIT_WINDOW 4096u
/* Proposals handed to the core in one step: never more than its window has room for. */
#define LIMIT_PROPOSALS LIMIT_WINDOW
/* Linearizable reads that wait in one core; the shell shares one among many clients. */
#define LIMIT_READS_WAITING 1024u
/* Entries and bytes of one accept or learn message. */
#define LIMIT_BATCH_ENTRIES 512u
#define LIMIT_BATCH_BYTES (1u << 20)
/* A peer's frame: a batch may hold one entry above LIMIT_BATCH_BYTES. */
#define LIMIT_PEER_FRAME_SIZE (LIMIT_ENVELOPE_SIZE + LIMIT_BATCH_BYTES + 65536u)

#endif
