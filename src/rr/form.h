/* SPDX-License-Identifier: GPL-3.0-or-later */
/* form.h - the form of record data, type by type: what is checked before libknot sees it. */
#ifndef RSM_RR_FORM_H
#define RSM_RR_FORM_H

#include "src/base/bytes.h"

/* True when the type's form is known here; others are opaque bytes (RFC 3597). */
bool form_is_known(uint16_t type);
/* True when the bytes have the type's form, to the last one. Opaque types: always. */
bool form_check(uint16_t type, struct bytes rdata);

#endif
