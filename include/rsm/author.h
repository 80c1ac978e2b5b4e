/* SPDX-License-Identifier: Apache-2.0 */
/*
 * author.h - an author's clocks: what a signed change says that it was based on.
 *
 * An author holds the key's name, the next counter, a Lamport clock and a vector clock. Reading
 * raises the clocks: rsm_author_see_result takes in every object version that a read's result
 * names. A change built afterwards says "I had seen these". It is refused as `stale` when somebody
 * else has written since.
 *
 * It never does two things: take in clocks that the caller did not hand to it, and sign the same
 * change again with newer clocks. Whoever is refused as stale must read, think and decide anew:
 * the outage that this system was built against was an old change signed again.
 *
 * One thread at a time. One process at a time per author and key: two that share a name take each
 * other's counters.
 */
#ifndef RSM_AUTHOR_H
#define RSM_AUTHOR_H

#include <rsm/client.h>
#include <rsm/command.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rsm_author;

/*
 * `key` is borrowed and must outlive the author. The counter begins at 1, the clocks at nothing.
 * RSM_NO_MEMORY: *author_out is NULL.
 */
enum rsm_status rsm_author_new(const struct rsm_key *key,
                               const uint8_t cluster_id[RSM_CLUSTER_ID_SIZE],
                               struct rsm_author **author_out);
/* NULL is ignored. */
void rsm_author_free(struct rsm_author *author);

/*
 * Asks the cluster ("hello" for its id, "clock" for the author's last counter and the highest
 * Lamport clock) and makes a new author of it. `key` as above. Takes in the author's own events,
 * nobody else's. Statuses as rsm_client_call and rsm_author_new, RSM_MALFORMED for an answer that
 * is none; *author_out is NULL then.
 */
enum rsm_status rsm_author_open(struct rsm_client *client, const struct rsm_key *key,
                                uint32_t timeout_ms, struct rsm_author **author_out);

/* RSM_CLUSTER_ID_SIZE bytes, borrowed from the author. */
const uint8_t *rsm_author_cluster_id(const struct rsm_author *author);
/* The counter that the next command gets. */
uint64_t rsm_author_counter(const struct rsm_author *author);

/* Continues after `counter`, when it is known from elsewhere. */
void rsm_author_set_counter(struct rsm_author *author, uint64_t counter);
/*
 * Has seen an event. RSM_TOO_LARGE for a counter or clock of 2^53 or more, or a name above 128
 * bytes: nothing is taken in. RSM_TOO_MANY above 256 authors: the Lamport clock is all the same.
 */
enum rsm_status rsm_author_see(struct rsm_author *author, struct rsm_event event, uint64_t lamport);
/*
 * Has seen a read's result: takes in each map in it, however deep, that has the keys "author",
 * "counter" and "lamport".
 */
enum rsm_status rsm_author_see_result(struct rsm_author *author, struct rsm_value result);
/* Forgets what was seen of others, for an author that begins a new piece of work. */
void rsm_author_forget(struct rsm_author *author);

/*
 * The next command: takes the next counter and the next Lamport clock, and names all that was seen.
 * Owned by the caller. Statuses as rsm_command_encode; on failure no counter is taken.
 */
enum rsm_status rsm_author_command(struct rsm_author *author, enum rsm_kind kind,
                                   struct rsm_bytes body, const char *reason,
                                   const struct rsm_event *dependencies, size_t dependency_count,
                                   struct rsm_buffer *command_out);
/* As rsm_author_command, and signed into an envelope of its own. */
enum rsm_status rsm_author_sign(struct rsm_author *author, enum rsm_kind kind,
                                struct rsm_bytes body, const char *reason,
                                const struct rsm_event *dependencies, size_t dependency_count,
                                struct rsm_buffer *envelope_out);
/* Commands that rsm_author_command gave, in order, under one signature. */
enum rsm_status rsm_author_bundle(struct rsm_author *author, const struct rsm_bytes *commands,
                                  size_t count, struct rsm_buffer *envelope_out);

/*
 * Takes in verdicts: an applied command is seen; a refused one gives its counter back, and with it
 * all later ones, which are refused as well (counter-gap).
 */
void rsm_author_learn(struct rsm_author *author, struct rsm_bytes submit_result);

/*
 * Signs, submits, learns. RSM_OK: applied. RSM_REFUSED: *result_out has the rules, if not NULL.
 * RSM_OUTCOME_UNKNOWN: *envelope_out (may be NULL) has the bytes to submit again. Others as
 * rsm_author_sign and rsm_client_submit.
 */
enum rsm_status rsm_author_submit(struct rsm_author *author, struct rsm_client *client,
                                  enum rsm_kind kind, struct rsm_bytes body, const char *reason,
                                  uint32_t timeout_ms, struct rsm_buffer *result_out,
                                  struct rsm_buffer *envelope_out);

#ifdef __cplusplus
}
#endif
#endif
