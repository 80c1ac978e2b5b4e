/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - build, sign and check commands. Byte by byte: docs/formats-commands.md.
 *
 * A command is a canonical MessagePack array; one command, or a bundle of commands of one author,
 * is signed with Ed25519 into an envelope, and an envelope is what a replica takes. Bodies, by
 * kind, are built by the functions of body.h.
 *
 * Functions keep no pointer and have no state; all may be called from any thread once
 * rsm_crypto_init has returned. Buffers they return are the caller's (rsm_buffer_free).
 */
#ifndef RSM_COMMAND_H
#define RSM_COMMAND_H

#include <rsm/key.h>
#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RSM_DIGEST_SIZE 32
#define RSM_SIGNATURE_SIZE 64

/* X(name, number, text); the texts are on the wire and in the log, for ever. */
#define RSM_KIND_LIST(X)                                                                           \
    X(ZONE_CREATE, 1, "zone.create")                                                               \
    X(ZONE_DELETE, 2, "zone.delete")                                                               \
    X(RRSET_CHANGE, 3, "rrset.change")                                                             \
    X(PRINCIPAL_SET, 4, "principal.set")                                                           \
    X(PRINCIPAL_DELETE, 5, "principal.delete")                                                     \
    X(ROLE_SET, 6, "role.set")                                                                     \
    X(ROLE_DELETE, 7, "role.delete")                                                               \
    X(POLICY_SET, 8, "policy.set")                                                                 \
    X(FREEZE_SET, 9, "freeze.set")                                                                 \
    X(FREEZE_CLEAR, 10, "freeze.clear")                                                            \
    X(LEASE_ACQUIRE, 11, "lease.acquire")                                                          \
    X(LEASE_RENEW, 12, "lease.renew")                                                              \
    X(LEASE_RELEASE, 13, "lease.release")                                                          \
    X(PLAN_PUBLISH, 14, "plan.publish")                                                            \
    X(PLAN_EXECUTE, 15, "plan.execute")                                                            \
    X(PLAN_COLLECT, 16, "plan.collect")                                                            \
    X(MEMBER_ADD, 17, "member.add")                                                                \
    X(MEMBER_PROMOTE, 18, "member.promote")                                                        \
    X(MEMBER_REMOVE, 19, "member.remove")                                                          \
    X(MEMBER_UPDATE, 20, "member.update")                                                          \
    X(PRINCIPAL_KEY_ADD, 21, "principal.key-add")                                                  \
    X(PRINCIPAL_KEY_REVOKE, 22, "principal.key-revoke")                                            \
    X(RRSET_TAKEOVER, 23, "rrset.takeover")                                                        \
    X(RRSET_UPDATE, 24, "rrset.update")                                                            \
    X(RRSET_OBSERVE, 25, "rrset.observe")                                                          \
    X(CHANGE_REQUEST, 26, "change.request")                                                        \
    X(CHANGE_VOTE, 27, "change.vote")                                                              \
    X(CHANGE_APPROVE, 28, "change.approve")                                                        \
    X(CHANGE_CANCEL, 29, "change.cancel")                                                          \
    X(CHANGE_APPLY, 30, "change.apply")                                                            \
    X(ZONE_SET, 31, "zone.set")                                                                    \
    X(FREEZE_RESUME, 32, "freeze.resume")                                                          \
    X(FREEZE_TRIP, 33, "freeze.trip")                                                              \
    X(ZONE_LABEL, 34, "zone.label")                                                                \
    X(FACTOR_ENROLL, 35, "factor.enroll")                                                          \
    X(FACTOR_REVOKE, 36, "factor.revoke")                                                          \
    X(OVERRIDE_STEP, 37, "override.step")                                                          \
    X(SERVICE_SET, 38, "service.set")                                                              \
    X(SERVICE_DELETE, 39, "service.delete")                                                        \
    X(OVERRIDE_RECORD, 40, "override.record")                                                      \
    X(CLUSTER_RECOVER, 41, "cluster.recover")

enum rsm_kind {
#define RSM_KIND_ENUM(name, number, text) RSM_KIND_##name = number,
    RSM_KIND_LIST(RSM_KIND_ENUM)
#undef RSM_KIND_ENUM
};

/* "zone.create"; "unknown" for a number outside the list. Static memory. */
const char *rsm_kind_text(enum rsm_kind kind);
/* RSM_UNKNOWN_KIND when the text is not in the list. */
enum rsm_status rsm_kind_parse(struct rsm_bytes text, enum rsm_kind *kind_out);

/* An event id, and equally "this author, seen up to this counter". */
struct rsm_event {
    struct rsm_bytes author;
    uint64_t counter; /* from 1 */
};

/* What an author says. All pointers are borrowed. */
struct rsm_command {
    struct rsm_event id;
    uint64_t lamport;              /* above all the author has seen */
    const struct rsm_event *clock; /* vector clock, any order, each author once */
    size_t clock_count;
    const struct rsm_event *dependencies; /* events that must be in the log, any order */
    size_t dependency_count;
    enum rsm_kind kind;
    struct rsm_bytes body; /* from body.h */
    struct rsm_bytes reason;
};

/*
 * The canonical bytes of a command. RSM_TOO_LARGE or RSM_TOO_MANY above a limit, RSM_MALFORMED for
 * a counter of 0, an author twice in the clock, a dependency twice, text that is not UTF-8, or a
 * body that is not of the kind's form; RSM_UNKNOWN_KIND, RSM_NO_MEMORY.
 */
enum rsm_status rsm_command_encode(const struct rsm_command *command,
                                   struct rsm_buffer *command_out);

/*
 * The envelope around one command. RSM_MALFORMED when the bytes are not a command,
 * RSM_WRONG_IDENTITY when its author is not the key's name.
 */
enum rsm_status rsm_command_sign(const struct rsm_key *key,
                                 const uint8_t cluster_id[RSM_CLUSTER_ID_SIZE],
                                 struct rsm_bytes command, struct rsm_buffer *envelope_out);

/*
 * One envelope, one signature around 1 to 1024 commands, which get a verdict each. Errors as
 * rsm_command_sign; RSM_TOO_MANY, RSM_TOO_LARGE.
 */
enum rsm_status rsm_bundle_sign(const struct rsm_key *key,
                                const uint8_t cluster_id[RSM_CLUSTER_ID_SIZE],
                                const struct rsm_bytes *commands, size_t count,
                                struct rsm_buffer *envelope_out);

/* What a command's verdict is kept under: BLAKE2b-256 of a tag, its bytes and the public key. */
void rsm_command_digest(struct rsm_bytes command, const uint8_t public_key[RSM_PUBLIC_KEY_SIZE],
                        uint8_t digest_out[RSM_DIGEST_SIZE]);
/* BLAKE2b-256 of a tag and the whole envelope. */
void rsm_envelope_digest(struct rsm_bytes envelope, uint8_t digest_out[RSM_DIGEST_SIZE]);

/*
 * All that a replica checks without its state: form, limits, cluster, signature, every command.
 * RSM_MALFORMED, RSM_NOT_CANONICAL, RSM_TOO_DEEP, RSM_TOO_MANY, RSM_TOO_LARGE, RSM_WRONG_TYPE,
 * RSM_UNKNOWN_KIND, RSM_WRONG_CLUSTER, RSM_BAD_SIGNATURE.
 */
enum rsm_status rsm_envelope_check(struct rsm_bytes envelope,
                                   const uint8_t cluster_id[RSM_CLUSTER_ID_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
