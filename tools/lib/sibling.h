/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sibling.h - where the other programs of this project are that one of them starts. */
#ifndef RSM_TOOLS_SIBLING_H
#define RSM_TOOLS_SIBLING_H

#define SIBLING_SIZE 4096u

/*
 * The path of the program `name`: in the folder of the one that runs, or in ../sbin of that, where
 * `make install` puts rsmd; else the name alone, which execlp looks for in PATH.
 */
void sibling_find(const char *name, char path_out[SIBLING_SIZE]);

#endif
