/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shown.h - values as text and JSON: times, names, record data, MessagePack. */
#ifndef RSM_TOOLS_SHOWN_H
#define RSM_TOOLS_SHOWN_H

#include <jansson.h>
#include <rsm/wire.h>

#include "src/base/bytes.h"

#define SHOWN_TIME_SIZE 40u

/* "2026-11-23T15:02:11.123Z"; returns `out`. */
const char *shown_time(uint64_t ms, char out[SHOWN_TIME_SIZE]);
/* A JSON string of text; of hexadecimal digits when it is not UTF-8. */
json_t *shown_text(struct bytes text);
json_t *shown_hex(struct bytes data);
/* A domain name in wire form as text; hexadecimal digits when it is none. */
json_t *shown_name(struct bytes name);
/* Record data as text; "\# size digits" (RFC 3597) when it is not well-formed. */
json_t *shown_rdata(uint16_t type, struct bytes rdata);
/* Any MessagePack value as JSON: a bin that is a wire name as text, any other as digits. */
json_t *shown_value(struct bytes value);
/* Prints one JSON value and a line end to stdout, and drops it. */
void shown_print(json_t *value, bool compact);
/* Writes text to stdout that others wrote, as plain_text has it. */
void shown_put(const char *text);
/* The text of a JSON string, or "". Borrowed. */
const char *shown_of(const json_t *value);

#endif
