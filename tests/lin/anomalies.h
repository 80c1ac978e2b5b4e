/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * anomalies.h - small histories that are wrong, and right ones that look much like them. `by` says
 * which check has to find it: b (black box), w (witness), both, or none of them.
 */
#ifndef LIN_ANOMALIES_H
#define LIN_ANOMALIES_H

struct anomaly {
    const char *name, *by, *text;
};

#define W1 "call 1 1 10 change k a.1 -\ndone 1 20 applied 1\n"

static const struct anomaly anomalies[] = {
    {"stale read", "bw",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 40 applied 2\n"
        "call 3 2 50 read k\ndone 3 60 read a.1 1 1\n"},
    {"stale read that claims a new slot", "bw",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 40 applied 2\n"
        "call 3 2 50 read k\ndone 3 60 read a.1 2 1\n"},
    {"lost write: nothing is read after an acknowledgement", "bw",
     W1 "call 2 2 30 read k\ndone 2 40 read - 1 0\n"},
    {"lost write: not found", "bw", W1 "call 2 2 30 read k\ndone 2 40 read - 0 0\n"},
    {"lost update: two changes replace the same value", "bw",
     W1 "call 2 2 30 change k b.1 a.1\ndone 2 60 applied 2\n"
        "call 3 3 30 change k c.1 a.1\ndone 3 60 applied 3\n"},
    {"a failed change took effect", "bw",
     W1 "call 2 2 30 change k b.1 -\ndone 2 40 conflict 2\n"
        "call 3 3 50 read k\ndone 3 60 read b.1 2 2\n"},
    {"a change failed although nothing was in its way", "bw",
     W1 "call 2 2 30 change k b.1 a.1\ndone 2 40 conflict 2\n"},
    {"the first change of all conflicts", "bw",
     "call 1 1 10 change k a.1 -\ndone 1 20 conflict 1\n"},
    {"an own value conflicts", "bw", W1 "call 2 1 30 change k a.2 -\ndone 2 40 conflict 2\n"},
    {"doubled write: an old value comes back", "bw",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 40 applied 2\n"
        "call 3 2 50 read k\ndone 3 60 read a.2 2 2\n"
        "call 4 2 70 read k\ndone 4 80 read a.1 3 3\n"},
    {"two reads in the wrong order during a write", "bw",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 90 applied 2\n"
        "call 3 2 40 read k\ndone 3 50 read a.2 2 2\n"
        "call 4 3 60 read k\ndone 4 70 read a.1 1 1\n"},
    {"a write of unknown outcome is seen and then vanishes", "bw",
     W1 "call 2 2 30 change k b.1 a.1\n"
        "call 3 3 40 read k\ndone 3 50 read b.1 2 2\n"
        "call 4 3 60 read k\ndone 4 70 read a.1 2 1\n"},
    {"a value from nowhere", "bw", W1 "call 2 2 30 read k\ndone 2 40 read z.9 1 1\n"},
    {"a read of the future", "bw",
     "call 1 1 10 read k\ndone 1 20 read a.1 1 1\n"
     "call 2 1 30 change k a.1 -\ndone 2 40 applied 1\n"},
    {"another key's value", "bw", W1 "call 2 2 30 read j\ndone 2 40 read a.1 1 1\n"},
    {"a deletion that is not seen", "bw",
     W1 "call 2 1 30 change k ~a.2 a.1\ndone 2 40 applied 2\n"
        "call 3 2 50 read k\ndone 3 60 read a.1 2 1\n"},
    {"a deletion of what is not there", "bw", "call 1 1 10 change k ~a.1 -\ndone 1 20 applied 1\n"},
    {"a deletion said that nothing was there", "bw",
     W1 "call 2 1 30 change k ~a.2 a.1\ndone 2 40 absent 2\n"},
    {"change over an overwritten value", "bw",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 40 applied 2\n"
        "call 3 2 50 change k b.1 a.1\ndone 3 60 applied 3\n"},
    {"a change that certainly never was is read", "bw",
     "call 1 1 10 change k a.1 -\ndone 1 20 none\n"
     "call 2 2 30 read k\ndone 2 40 read a.1 1 1\n"},
    {"reordered pair over two keys", "w",
     "call 1 1 10 change k a.1 -\ndone 1 20 applied 2\n"
     "call 2 2 30 change j b.1 -\ndone 2 40 applied 1\n"},
    {"two changes in one slot", "w", W1 "call 2 2 10 change j b.1 -\ndone 2 40 applied 1\n"},
    {"the same bytes get another slot", "w", W1 "again 1 50 applied 7\n"},
    {"the same bytes get another verdict", "w", W1 "again 1 50 conflict 1\n"},
    {"a stale read of what never was at its slot", "w",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 40 applied 2\n"
        "call 3 2 50 stale k\ndone 3 60 read a.1 2 1\n"},
    {"one value in two slots", "w",
     "call 1 1 10 change k a.1 -\n"
     "call 2 2 30 stale k\ndone 2 40 read a.1 1 1\n"
     "call 3 2 50 stale k\ndone 3 60 read a.1 3 2\n"},
    {"an old slot after a stale read of a newer one", "w",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 90 applied 2\n"
        "call 3 2 40 stale k\ndone 3 50 read a.2 2 2\n"
        "call 4 3 60 read k\ndone 4 70 read a.1 1 1\n"},

    {"right: an old value while the write is open", "",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 90 applied 2\n"
        "call 3 2 40 read k\ndone 3 50 read a.1 1 1\n"},
    {"right: a write of unknown outcome, seen late", "",
     W1 "call 2 2 30 change k b.1 a.1\n"
        "call 3 3 40 read k\ndone 3 50 read a.1 1 1\n"
        "call 4 3 60 read k\ndone 4 70 read b.1 2 2\n"},
    {"right: a conflict with a write of unknown outcome", "",
     W1 "call 2 2 30 change k b.1 a.1\n"
        "call 3 3 40 change k c.1 a.1\ndone 3 50 conflict 3\n"},
    {"right: a deletion of what a write of unknown outcome has put there", "",
     "call 1 1 10 change k a.1 -\n"
     "call 2 1 30 change k ~a.2 -\ndone 2 40 applied 2\n"},
    {"right: over an own write of unknown outcome", "",
     W1 "call 2 2 30 change k b.1 a.1\n"
        "call 3 2 50 change k b.2 -\ndone 3 60 applied 3\n"},
    {"right: stale reads", "",
     W1 "call 2 1 30 change k a.2 a.1\ndone 2 40 applied 2\n"
        "call 3 2 50 stale k\ndone 3 60 read a.1 1 1\n"
        "call 4 2 70 stale k\ndone 4 80 read - 0 0\n"},
    {"right: deleted and made again", "",
     W1 "call 2 1 30 change k ~a.2 a.1\ndone 2 40 applied 2\nagain 2 45 applied 2\n"
        "call 3 2 50 change k b.1 ~a.2\ndone 3 60 applied 3\n"
        "call 4 2 70 change k ~b.2 b.1\ndone 4 80 applied 4\n"
        "call 5 3 90 change k ~c.1 ~b.2\ndone 5 99 absent 5\n"},
};

#undef W1

#endif
