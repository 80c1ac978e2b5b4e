/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_config.c - configuration files: any bytes; an error has words. */
#include "src/base/check.h"
#include "src/daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    char error[CONFIG_ERROR_SIZE] = "";
    if (config_parse("/etc/rsm/fuzz", bytes_make(data, size), &config, error) == RSM_OK)
        config_deinit(&config);
    else
        CHECK(error[0] != '\0');
    return 0;
}
