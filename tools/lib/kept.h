/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kept.h - the last checkpoint of a log that somebody has seen, in a file of their own.
 *
 * A log shows that it was not rewritten to whoever remembers what it was: a checkpoint that does
 * not extend the one kept is a log that went back, or another history under the same name (a fork).
 * The file is the signed note as it came, 0600, replaced whole; who holds it locks its folder, so
 * that of two runs at once the later cannot put an older one in the place of a newer one.
 */
#ifndef RSM_TOOLS_KEPT_H
#define RSM_TOOLS_KEPT_H

#include "src/command/note.h"

struct kept {
    const char *path; /* borrowed; NULL: nothing is kept, all is extended */
    int folder;       /* locked */
    struct writer file;
    bool is_there;
    struct note note; /* borrow from `file` */
    struct note_checkpoint checkpoint;
};

/*
 * Reads the file, if there is one. False: it cannot be, or is damaged, or others can write it; said
 * on stderr. kept_close in any case. Says nothing of who signed it.
 */
bool kept_open(struct kept *k, const char *path);
void kept_close(struct kept *k);

/* Puts `note` in its place, durably. False: said on stderr why not; then it is the old one. */
bool kept_put(struct kept *k, struct bytes note);

enum kept_relation {
    KEPT_FIRST = 1, /* nothing was kept */
    KEPT_SAME,
    KEPT_NEWER, /* larger: somebody has to show that it begins with the kept one */
    KEPT_OLDER, /* smaller: the other way round */
    KEPT_FORK,  /* as large, with another root */
    KEPT_ANOTHER_LOG,
};

/* How a checkpoint stands to the kept one, by what both say alone. */
enum kept_relation kept_compare(const struct kept *k, const struct note_checkpoint *seen);

#endif
