/* SPDX-License-Identifier: Apache-2.0 */
/* signature.c - sign, verify, and the vectors that freeze what a valid signature is. */
#include "src/command/signature.h"

#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/mem.h"

_Static_assert(SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");
_Static_assert(SIGNATURE_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(SIGNATURE_SECRET_SIZE == crypto_sign_SECRETKEYBYTES, "Ed25519");

struct vector {
    bool is_valid;
    const char *message, *key, *signature; /* hexadecimal */
};

/*
 * The last twelve are table 6c of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs"
 * (2020), with the answers of libsodium.
 */
static const struct vector VECTORS[] = {
    /* RFC 8032, 7.1, test 3 */
    {true, "af82", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    /* the same with S + L */
    {false, "af82", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "05d391b0a77904e98404ef037747a56e4a7c15e9716ed28dc027beceea1ec41a"},
    /* the same over another message */
    {false, "af83", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    /* identity as the key: R = B, S = 1 fits every message */
    {false, "af82", "0100000000000000000000000000000000000000000000000000000000000000",
     "5866666666666666666666666666666666666666666666666666666666666666"
     "0100000000000000000000000000000000000000000000000000000000000000"},
    /* the identity as y = p + 1 */
    {false, "af82", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
     "5866666666666666666666666666666666666666666666666666666666666666"
     "0100000000000000000000000000000000000000000000000000000000000000"},
    /* small-order key, small-order R */
    {false, "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
     "0000000000000000000000000000000000000000000000000000000000000000"},
    /* small-order key */
    {false, "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
     "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"},
    /* small-order R */
    {false, "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
     "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e"},
    /* mixed order, the equation holds */
    {true, "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
     "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009"},
    /* mixed order, only the equation with the cofactor holds */
    {false, "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
     "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"},
    /* the same with a scalar reduced too early */
    {false, "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
     "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405"},
    /* S above L */
    {false, "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
     "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
     "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
     "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514"},
    /* S far above L */
    {false, "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
     "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
     "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
     "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22"},
    /* R of small order, not canonical */
    {false, "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f"},
    /* R not canonical, hash over the canonical one */
    {false, "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908"},
    /* key not canonical, hash as sent */
    {false, "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
     "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"},
    /* key not canonical, hash over the canonical one */
    {false, "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
     "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"},
};

static bool vector_holds(const struct vector *v)
{
    uint8_t message[32], key[SIGNATURE_KEY_SIZE], signature[SIGNATURE_SIZE];
    size_t size = strlen(v->message) / 2;
    CHECK(size <= sizeof message);
    CHECK(hex_decode(message, size, v->message));
    CHECK(hex_decode(key, sizeof key, v->key));
    CHECK(hex_decode(signature, sizeof signature, v->signature));
    return (crypto_sign_verify_detached(signature, message, size, key) == 0) == v->is_valid;
}

enum rsm_status signature_init(void)
{
    if (sodium_init() < 0)
        return RSM_FAILED;
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++)
        if (!vector_holds(&VECTORS[i]))
            return RSM_FAILED;
    return RSM_OK;
}

/* tag || prefix || payload, in `small` when it fits, else in memory that the caller frees. */
static uint8_t *concatenate(struct signature_tag tag, struct bytes prefix, struct bytes payload,
                            uint8_t *small, size_t small_size, size_t *size_out)
{
    size_t size = tag.size + prefix.size + payload.size;
    uint8_t *message = size <= small_size ? small : mem_try_alloc(size);
    if (message == NULL)
        return NULL;
    memcpy(message, tag.text, tag.size);
    if (prefix.size > 0)
        memcpy(message + tag.size, prefix.data, prefix.size);
    if (payload.size > 0)
        memcpy(message + tag.size + prefix.size, payload.data, payload.size);
    *size_out = size;
    return message;
}

enum rsm_status signature_sign(const uint8_t secret[SIGNATURE_SECRET_SIZE],
                               struct signature_tag tag, struct bytes prefix, struct bytes payload,
                               uint8_t signature_out[SIGNATURE_SIZE])
{
    uint8_t small[2048];
    size_t size;
    uint8_t *message = concatenate(tag, prefix, payload, small, sizeof small, &size);
    if (message == NULL)
        return RSM_NO_MEMORY;
    CHECK(crypto_sign_detached(signature_out, NULL, message, size, secret) == 0);
    if (message != small)
        mem_free(message);
    return RSM_OK;
}

enum rsm_status signature_verify(const uint8_t key[SIGNATURE_KEY_SIZE], struct signature_tag tag,
                                 struct bytes prefix, struct bytes payload,
                                 const uint8_t signature[SIGNATURE_SIZE])
{
    uint8_t small[2048];
    size_t size;
    uint8_t *message = concatenate(tag, prefix, payload, small, sizeof small, &size);
    if (message == NULL)
        return RSM_NO_MEMORY;
    int result = crypto_sign_verify_detached(signature, message, size, key);
    if (message != small)
        mem_free(message);
    return result == 0 ? RSM_OK : RSM_BAD_SIGNATURE;
}
