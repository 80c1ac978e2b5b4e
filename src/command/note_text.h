/* SPDX-License-Identifier: Apache-2.0 */
/* note_text.h - lines and numbers of notes; inside note*.c only. */
#ifndef RSM_COMMAND_NOTE_TEXT_H
#define RSM_COMMAND_NOTE_TEXT_H

#include "src/base/bytes.h"

/* The next line, without its end, which has to be there. */
bool note_take_line(struct bytes *rest, struct bytes *line_out);
/* Takes `prefix` away; false when it is not there. */
bool note_take_prefix(struct bytes *rest, const char *prefix);
/* Decimal digits without leading zeros. */
bool note_parse_number(struct bytes text, uint64_t *out);

#endif
