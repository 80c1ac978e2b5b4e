/* SPDX-License-Identifier: GPL-3.0-or-later */
/* actor.h - who says the command that is judged, and what its roles grant (rule_rights.c). */
#ifndef RSM_MACHINE_ACTOR_H
#define RSM_MACHINE_ACTOR_H

#include <rsm/body.h>

#include "src/base/bytes.h"
#include "src/base/limits.h"

#define GRANT_WORDS_SIZE 640u

struct grant {
    struct bytes role, verb, zone, suffix, types; /* types: u16 each */
    enum rsm_class class_most;                    /* 0: of every class */
};

/* The author, with all grants of all its roles. */
struct actor {
    bool is_known;
    bool is_automaton;
    bool is_person;
    bool is_gateway;
    bool is_root;                 /* has the role "root" */
    bool is_administrator;        /* has the role "admin" */
    uint8_t az[LIMIT_LABEL_SIZE]; /* where it runs */
    size_t az_size;               /* 0: not said */
    struct rsm_budget budget[RSM_BUDGETS];
    /* What the grants that let the command in allow of it, and which one allows no more. */
    enum rsm_class class_most;
    char class_words[GRANT_WORDS_SIZE]; /* for people; empty: all is allowed */
    struct bytes
        grants; /* borrowed from the memo: blobs role, verb, zone, suffix, types, class u8 */
};

#endif
