/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.h - CRC-32C (Castagnoli, RFC 3720 appendix B.4). Finds accidents, not attackers. */
#ifndef RSM_BASE_CRC32C_H
#define RSM_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 at the beginning) over `size` bytes. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* The same without special instructions; for machines that lack them, and for the test. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
