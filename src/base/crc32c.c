/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32c.c - by the CPU's instructions where there are some, else by tables (Sarwate 1988, four
 * bits at a time, constant tables: nothing to initialise, nothing for threads to race about).
 */
#include "src/base/crc32c.h"

#include <string.h>

static uint32_t by_table(uint32_t crc, const uint8_t *data, size_t size)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *data,
                                                                 size_t size)
{
    uint64_t wide = crc;
    while (size >= 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        wide = _mm_crc32_u64(wide, word);
        data += 8;
        size -= 8;
    }
    crc = (uint32_t)wide;
    while (size-- > 0)
        crc = _mm_crc32_u8(crc, *data++);
    return crc;
}
/*
 * The instruction takes one word a cycle, and its result is there three cycles later: so three
 * parts that lie one behind the other are taken side by side (Gopal et al. 2011, "Fast CRC
 * Computation for iSCSI Polynomial Using CRC32 Instruction"). What the first two came to is then
 * moved on over the bytes behind them: multiplied by x^(8n - 33) modulo the polynomial, bits
 * reflected, for n bytes.
 */
struct parts {
    size_t size;
    uint32_t over_one, over_two; /* x^(8 size - 33), x^(16 size - 33) */
};

static const struct parts LARGE = {1024, 0x170076fa, 0xa51b6135};
static const struct parts SMALL = {128, 0x0d3b6092, 0xb9e02b86};

__attribute__((target("sse4.2,pclmul"))) static uint64_t moved(uint64_t crc, uint32_t factor)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)crc),
                                           _mm_cvtsi64_si128((int64_t)factor), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t three(const struct parts *parts,
                                                               uint32_t crc, const uint8_t *data)
{
    uint64_t a = crc, b = 0, c = 0;
    for (size_t i = 0; i < parts->size; i += 8) {
        uint64_t words[3];
        memcpy(&words[0], data + i, 8);
        memcpy(&words[1], data + parts->size + i, 8);
        memcpy(&words[2], data + 2 * parts->size + i, 8);
        a = _mm_crc32_u64(a, words[0]);
        b = _mm_crc32_u64(b, words[1]);
        c = _mm_crc32_u64(c, words[2]);
    }
    return (uint32_t)(moved(a, parts->over_two) ^ moved(b, parts->over_one) ^ c);
}

static uint32_t by_parts(uint32_t crc, const uint8_t *data, size_t size)
{
    for (; size >= 3 * LARGE.size; data += 3 * LARGE.size, size -= 3 * LARGE.size)
        crc = three(&LARGE, crc, data);
    for (; size >= 3 * SMALL.size; data += 3 * SMALL.size, size -= 3 * SMALL.size)
        crc = three(&SMALL, crc, data);
    return by_instruction(crc, data, size);
}
#endif

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size)
{
    return ~by_table(~crc, data, size);
}

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
#if defined(__x86_64__)
    if (size >= 3 * SMALL.size && __builtin_cpu_supports("pclmul") &&
        __builtin_cpu_supports("sse4.2"))
        return ~by_parts(~crc, data, size);
    if (__builtin_cpu_supports("sse4.2"))
        return ~by_instruction(~crc, data, size);
#endif
    return crc32c_portable(crc, data, size);
}
