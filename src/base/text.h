/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - lines of files that people write: configurations. */
#ifndef RSM_BASE_TEXT_H
#define RSM_BASE_TEXT_H

/* The text without blanks around it; its end is moved in place. Points into `text`. */
char *text_trim(char *text);

#endif
