/* SPDX-License-Identifier: GPL-3.0-or-later */
/* paxos_message_check: every field of every type at its bounds; what a type does not use is zero.
 */
#include "tests/unit/consensus/expect.h"

static struct paxos_entry entries[LIMIT_BATCH_ENTRIES + 1];

/* A message of `type` that is sound. */
static struct paxos_message sound(enum paxos_message_type type)
{
    struct paxos_message m = {.type = type, .chosen_end = 1};
    bool has_ballot = type != PAXOS_LEARN && type != PAXOS_CATCH_UP && type != PAXOS_READ &&
                      type != PAXOS_READ_ANSWER && type != PAXOS_REJOIN &&
                      type != PAXOS_REJOIN_ANSWER;
    bool has_votes = type == PAXOS_PROMISE || type == PAXOS_REJOIN_ANSWER;
    memset(entries, 0, sizeof(entries));
    for (size_t i = 0; i <= LIMIT_BATCH_ENTRIES; i++) {
        entries[i].slot = i + 1;
        if (has_votes)
            entries[i].ballot = (struct ballot){1, 2};
    }
    if (has_ballot)
        m.ballot = (struct ballot){5, 3};
    if (has_votes || type == PAXOS_ACCEPT || type == PAXOS_ACCEPTED || type == PAXOS_REFUSED ||
        type == PAXOS_LEARN) {
        m.entries = entries;
        m.entry_count = 2;
    }
    if (has_votes || type == PAXOS_PREPARE || type == PAXOS_CATCH_UP || type == PAXOS_REJOIN)
        m.slot_first = 1;
    if (has_votes)
        m.slot_end = PAXOS_NO_END;
    return m;
}

/* Each change alone makes a sound message of any type unsound, unless the type uses the field. */
static void change(struct paxos_message *m, int which)
{
    switch (which) {
    case 0:
        m->ballot = (struct ballot){m->ballot.round == 0 ? 1 : 0, 3};
        break;
    case 1:
        m->ballot = (struct ballot){PAXOS_ROUND_MAX + 1, 3};
        break;
    case 2:
        m->ballot = (struct ballot){1, REPLICA_MAX + 1};
        break;
    case 3:
        m->chosen_end = 0;
        break;
    case 4:
        m->chosen_end = SLOT_MAX + 1;
        break;
    case 5:
        m->promised = (struct ballot){PAXOS_ROUND_MAX + 1, 1};
        break;
    case 6:
        m->slot_first = SLOT_MAX + 1;
        break;
    case 7:
        m->slot_end = SLOT_MAX + 1;
        break;
    case 8:
        m->slot = SLOT_MAX + 1;
        break;
    case 9:
        m->entries = entries;
        m->entry_count = LIMIT_BATCH_ENTRIES + 1;
        break;
    default:
        m->type = which == 10 ? (enum paxos_message_type)0 : PAXOS_MESSAGE_TYPE_END;
        break;
    }
}

Test(message, a_sound_message_of_each_type_passes_and_each_change_fails)
{
    for (int type = PAXOS_PREVOTE; type < PAXOS_MESSAGE_TYPE_END; type++) {
        struct paxos_message m = sound((enum paxos_message_type)type);
        cr_assert(paxos_message_check(&m), "%s", paxos_message_name(m.type));
        for (int which = 0; which <= 11; which++) {
            m = sound((enum paxos_message_type)type);
            change(&m, which);
            cr_assert(!paxos_message_check(&m), "%s, change %d",
                      paxos_message_name((enum paxos_message_type)type), which);
        }
    }
}

Test(message, what_a_type_does_not_use_is_zero)
{
    struct paxos_message m = sound(PAXOS_CHOSEN);
    m.round = 1;
    cr_assert(!paxos_message_check(&m));
    m = sound(PAXOS_CHOSEN);
    m.granted = true;
    cr_assert(!paxos_message_check(&m));
    m = sound(PAXOS_CHOSEN);
    m.slot_first = 1;
    cr_assert(!paxos_message_check(&m));
    m = sound(PAXOS_CHOSEN);
    m.entries = entries;
    m.entry_count = 1;
    cr_assert(!paxos_message_check(&m));
    m = sound(PAXOS_ACCEPT);
    m.promised = (struct ballot){1, 1};
    cr_assert(!paxos_message_check(&m));
}

Test(message, entries_are_checked_one_by_one)
{
    struct blob *value = blob_new(bytes_of_string("v"));
    struct paxos_message m = sound(PAXOS_ACCEPT);
    entries[1].slot = entries[0].slot;
    cr_assert(!paxos_message_check(&m), "a slot twice");
    m = sound(PAXOS_ACCEPT);
    entries[0].slot = 0;
    cr_assert(!paxos_message_check(&m), "slot 0 is the genesis");
    m = sound(PAXOS_ACCEPT);
    entries[1].slot = SLOT_MAX + 1;
    cr_assert(!paxos_message_check(&m), "a slot above all");
    m = sound(PAXOS_ACCEPT);
    entries[1].ballot = (struct ballot){1, 1};
    cr_assert(!paxos_message_check(&m), "an accept has one ballot");
    m = sound(PAXOS_ACCEPTED);
    entries[1].value = value;
    cr_assert(!paxos_message_check(&m), "accepted carries no value");
    m = sound(PAXOS_LEARN);
    entries[1].fresh = true;
    cr_assert(!paxos_message_check(&m), "what is chosen is not fresh");
    m = sound(PAXOS_PROMISE);
    entries[1].ballot = (struct ballot){0, 0};
    cr_assert(!paxos_message_check(&m), "a vote has a ballot");
    m = sound(PAXOS_PROMISE);
    entries[1].ballot = PAXOS_BALLOT_CHOSEN;
    cr_assert(paxos_message_check(&m), "or is known to be chosen");
    m = sound(PAXOS_PROMISE);
    m.slot_end = 2;
    cr_assert(!paxos_message_check(&m), "a vote outside of what the part covers");
    m = sound(PAXOS_ACCEPT);
    m.entry_count = 0;
    cr_assert(!paxos_message_check(&m), "an accept without a proposal");
    m = sound(PAXOS_ACCEPTED);
    m.entry_count = 0;
    cr_assert(paxos_message_check(&m), "accepted for nothing tells how far the log is known");
    blob_unref(value);
}

Test(message, names_are_stable_and_none_is_missing)
{
    for (int type = PAXOS_PREVOTE; type < PAXOS_MESSAGE_TYPE_END; type++)
        cr_assert_str_neq(paxos_message_name((enum paxos_message_type)type), "unknown");
    cr_assert_str_eq(paxos_message_name(PAXOS_MESSAGE_TYPE_END), "unknown");
    cr_assert_str_eq(paxos_message_name((enum paxos_message_type)0), "unknown");
}
