/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ctl.h - what the files of resilience-ctl share: options, the table of commands, a session with
 * the cluster, output.
 *
 * One call does one thing: read what it is based on, build, sign, submit once. It never signs the
 * same change again with newer clocks: whoever is refused as stale looks again and decides anew.
 */
#ifndef RSM_CTL_H
#define RSM_CTL_H

#include <stdbool.h>
#include <stdio.h>

#include <rsm/author.h>
#include <rsm/body.h>
#include <rsm/client.h>
#include <rsm/command.h>
#include <rsm/key.h>

#include "src/base/bytes.h"
#include "src/rr/name.h"

#define CTL_LIST_MAX 64u /* of an option that may be repeated */

enum ctl_output {
    CTL_OUTPUT_TABLE = 1,
    CTL_OUTPUT_JSON,
    CTL_OUTPUT_JSONL,
};

struct ctl_list {
    const char *items[CTL_LIST_MAX];
    unsigned count;
};

/* Bits of the options that a command takes, besides those that all take. */
enum ctl_option {
    OPT_SINCE = 1 << 30,    /* --since */
    OPT_CHANGE = 1 << 0,    /* --reason --envelope-out --no-submit --yes --class --override */
    OPT_READ = 1 << 1,      /* --at --stale */
    OPT_DEV = 1 << 2,       /* --dir --replicas --base-port --replica */
    OPT_CLUSTER = 1 << 3,   /* --dir --name --member --admin --person */
    OPT_KEYGEN = 1 << 4,    /* --out --plain */
    OPT_IMPORT = 1 << 5,    /* --replace --label */
    OPT_LOG = 1 << 6,       /* --from --limit --author --follow */
    OPT_LEASE = 1 << 7,     /* --ttl --token */
    OPT_PLAN = 1 << 8,      /* --parent --incomplete --lease --token */
    OPT_PRINCIPAL = 1 << 9, /* --kind --person --az --role --public-key --budget */
    OPT_FREEZE = 1 << 10,   /* --id --scope --everybody --until */
    OPT_RESUME = 1 << 23,   /* --id --gradual --az */
    OPT_VERBOSE = 1 << 11,  /* --verbose */
    OPT_MEMBER = 1 << 12,   /* --zone --peer-address --client-address */
    OPT_WAIT = 1 << 13,     /* --wait */
    OPT_GRAPH = 1 << 14,    /* --format --limit */
    OPT_DIGEST = 1 << 15,   /* --digest */
    OPT_CONFIG = 1 << 16,   /* --config */
    OPT_APPROVER = 1 << 17, /* --approver */
    OPT_FACTOR = 1 << 18,   /* --factor --factor-key --factor-program --code */
    OPT_RP = 1 << 19,       /* --rp */
    OPT_SERVICE = 1 << 24,  /* --owner --tier --below --needs */
    OPT_FORMAT = 1 << 20,   /* --format */
    OPT_SERVER = 1 << 21,   /* --with --tsig */
    OPT_TRANSFER = 1 << 22, /* --from-axfr --tsig */
    OPT_AT = 1 << 25,       /* --at */
};

struct ctl {
    /* options */
    const char *endpoints;
    const char *key_path;
    enum ctl_output output;
    uint32_t timeout_ms;
    bool yes, stale, follow, verbose, replace, plain, incomplete, no_submit, everybody, gradual;
    const char *reason, *at, *dir, *name, *admin, *person, *out, *kind, *author, *lease, *id,
        *scope, *owner, *tier, *az, *until, *ttl, *envelope_out, *zone, *peer_address,
        *client_address, *wait, *format, *digest, *from_axfr, *with, *tsig, *class, *config,
        *factor, *factor_key, *factor_program, *code, *rp;
    uint64_t replicas, base_port, replica, from, limit, token, parent, since,
        restored /* the slot that the next change brings forward; 0: none */;
    const uint8_t *undone; /* digest of the change that the next one takes back; NULL: none */
    struct ctl_list members, labels, roles, public_keys, budgets, overrides, approvers, below,
        needs;
    /* the session, made when first needed */
    struct rsm_client *client;
    struct rsm_key *key;
    struct rsm_author *signer;
    uint8_t staged_digest[RSM_DIGEST_SIZE]; /* of the last change that was staged */
    bool is_report;    /* stdout has what was hashed, and nothing else: outcomes go to stderr */
    struct past *past; /* owned, of past.h: what --at has made */
    char *config_text; /* owned: values from the file */
    bool color;
};

struct ctl_command {
    const char *noun, *verb;          /* verb NULL: the noun alone */
    const char *arguments;            /* for --help */
    int arguments_min, arguments_max; /* -1: any number */
    unsigned options;                 /* enum ctl_option */
    const char *summary;
    const char *example;
    int (*run)(struct ctl *ctl, int count, char **arguments);
};

extern const struct ctl_command ctl_commands[];
extern const unsigned ctl_command_count;

/* table.c */
const struct ctl_command *ctl_find(const char *noun, const char *verb, bool *noun_known_out);
void ctl_help(const struct ctl_command *command, FILE *out);
void ctl_help_all(FILE *out);
int ctl_completion(struct ctl *ctl, int count, char **arguments);

/* options.c: fills ctl; a status other than RSM_OK was explained on stderr. */
enum rsm_status ctl_parse_options(struct ctl *ctl, int *count, char **arguments,
                                  const struct ctl_command **command_out);
/* "30s", "5m", "2h", "250ms". Times: when_parse of tools/lib/when.h. */
bool ctl_parse_duration(const char *text, uint64_t *ms_out);
bool ctl_parse_number(const char *text, uint64_t *value_out);

/* session.c. Prints "resilience-ctl: words" and returns the exit status of `status`. */
int ctl_fail(enum rsm_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A client; prints what is wrong. */
enum rsm_status ctl_connect(struct ctl *ctl);
/* ctl->key from ctl->key_path, asks for a passphrase; prints what is wrong. */
enum rsm_status ctl_load_key(struct ctl *ctl);
/* Key, client and author. */
enum rsm_status ctl_sign_in(struct ctl *ctl);
/* Calls a method, with --at perhaps here (past.h). *result_out is the caller's. Prints what is
 * wrong but RSM_NOT_FOUND: ctl_call_words. */
enum rsm_status ctl_call(struct ctl *ctl, const char *method, struct rsm_pack *params,
                         struct rsm_buffer *result_out);
const char *ctl_call_words(const struct ctl *ctl);
/* Adds the map of --at, --stale; nothing when neither is given: `count` is then one less. */
bool ctl_has_read_options(const struct ctl *ctl);
/*
 * Adds the map of options: --at, --stale, and `key` (NULL: none). `pin_slot` above 0 takes the
 * place of --at: further pages show the state that the first one showed.
 */
void ctl_pack_read_options(struct ctl *ctl, struct rsm_pack *params, const char *key,
                           struct rsm_bytes value, uint64_t pin_slot);
/* Signs, submits, prints the verdict; the exit status. `body` is freed. */
int ctl_change(struct ctl *ctl, enum rsm_kind kind, enum rsm_status body_status,
               struct rsm_buffer *body, const char *done);
/* --wait: until the change with that digest has ended; its exit status. */
int ctl_change_wait(struct ctl *ctl, struct rsm_bytes digest);
/* Submits a signed envelope and prints the verdicts. */
int ctl_submit(struct ctl *ctl, struct rsm_bytes envelope, const char *done);
/* On a terminal asks; elsewhere only --yes says yes. */
bool ctl_confirm(struct ctl *ctl, const char *what);
void ctl_close(struct ctl *ctl);
/* Takes what was read of a record set into the author's clock; RSM_OK also when it is not there. */
enum rsm_status ctl_see_rrset(struct ctl *ctl, struct bytes zone, struct bytes owner,
                              uint16_t type);
/* The same of anything else, by a list method and the item's name. */
enum rsm_status ctl_see_list(struct ctl *ctl, const char *method);

/* A column of a table. */
struct ctl_column {
    const char *title;
    const char *key; /* of the item's map */
};

/* freeze.c: the freezes in the answer of the method status. */
void ctl_print_freezes(struct rsm_value status);

/* text.c */
/* A name of the command line; prints what is wrong. */
bool ctl_name(const char *text, struct bytes origin, uint8_t buffer[NAME_SIZE_MAX],
              struct bytes *name_out);
/* OWNER/TYPE, with the owner absolute; prints what is wrong. */
bool ctl_parse_rrset_id(const char *text, uint8_t buffer[NAME_SIZE_MAX], struct rsm_rrset_id *out);
/* Reads a file or "-"; prints what is wrong. Owned by the caller. */
bool ctl_read_file(const char *path, size_t size_max, struct rsm_buffer *out);
bool ctl_write_file(const char *path, struct rsm_bytes bytes);
struct rsm_bytes ctl_bytes(struct bytes b);

/* output.c */
void ctl_print_json(struct rsm_value value);
/* Calls `visit` for each of --endpoints; the exit status: 0 when every visit gave 0. */
int ctl_each_endpoint(struct ctl *ctl, int (*visit)(struct ctl *ctl, const char *endpoint));
/* Prints the array `key` of a result that came in pages: columns, one JSON document, or lines. */
void ctl_print_list(struct ctl *ctl, const struct rsm_buffer *pages, size_t page_count,
                    const char *key, const struct ctl_column *columns, unsigned count);
/* The same without a table: the caller prints that. */
void ctl_print_list_json(struct ctl *ctl, const struct rsm_buffer *pages, size_t page_count,
                         const char *key);
/* Prints a map: "key: value" lines, or JSON. */
void ctl_print_map(struct ctl *ctl, struct rsm_value map);
/* A value as one cell of a table; returns `out`. */
const char *ctl_cell(struct rsm_value value, char *out, size_t size);
/* The same of a map's field: a point in time (..._ms) is a date, one that is not set is "-". */
const char *ctl_field_cell(const char *key, struct rsm_value value, char *out, size_t size);

/* Commands, a file per noun. */
#include "tools/resilience-ctl/commands.h"

#endif
