/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plain.h - text that others wrote, for a terminal. */
#ifndef RSM_TOOLS_PLAIN_H
#define RSM_TOOLS_PLAIN_H

/*
 * Puts a "?" for all that a terminal obeys instead of showing it: control characters (C0 but those
 * in `allowed`, DEL, C1), what turns the direction of writing, ends of lines, and what is no UTF-8.
 * Whoever chose the text does not get to move the cursor of whoever reads it, or to hide a part.
 * Writes over `text`, which does not grow, and returns it.
 */
char *plain_text(char *text, const char *allowed);

#endif
