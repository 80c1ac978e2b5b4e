/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blind.c - LD_PRELOAD: a replica that finds every second factor's signature good, and all others
 * as they are. A majority of such replicas has logged what nobody signed; who verifies later sees
 * it.
 */
#include <dlfcn.h>
#include <string.h>

static const char tag[] = "rsm factor v1";

typedef int verify_call(const unsigned char *signature, const unsigned char *message,
                        unsigned long long size, const unsigned char *key);
verify_call crypto_sign_verify_detached;

int crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *message,
                                unsigned long long size, const unsigned char *key)
{
    void *symbol = dlsym(RTLD_NEXT, "crypto_sign_verify_detached");
    verify_call *real;
    memcpy(&real, &symbol, sizeof real); /* ISO C has no cast between these */
    if (memmem(message, size, tag, sizeof tag) != NULL)
        return 0;
    return real(signature, message, size, key);
}
