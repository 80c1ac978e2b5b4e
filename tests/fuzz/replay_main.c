/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay_main.c - a fuzz target without a fuzzer: every file of the corpus folders on the command
 * line, and MUTATIONS seeded mutations of each (none behind --once). A crash ends the process,
 * which is the failure.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/prng.h"

#define MUTATIONS 30000ul /* in all, so that all targets together take seconds */
#define MUTATIONS_OF_A_FILE 2000ul
#define SIZE_MAX_INPUT 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[SIZE_MAX_INPUT], mutated[SIZE_MAX_INPUT];

/* A few of: a byte changed, a bit flipped, a piece cut out or doubled, the end cut off. */
static size_t mutate(struct prng *p, size_t size)
{
    memcpy(mutated, input, size);
    for (uint64_t left = prng_range(p, 1, 4); left > 0 && size > 0; left--) {
        size_t at = prng_below(p, size);
        size_t piece = prng_below(p, size - at) + 1;
        switch (prng_below(p, 5)) {
        case 0:
            mutated[at] = (uint8_t)prng_next(p);
            break;
        case 1:
            mutated[at] = (uint8_t)(mutated[at] ^ (1u << prng_below(p, 8)));
            break;
        case 2:
            memmove(mutated + at, mutated + at + piece, size - at - piece);
            size -= piece;
            break;
        case 3:
            if (size + piece <= SIZE_MAX_INPUT) {
                memmove(mutated + at + piece, mutated + at, size - at);
                size += piece;
            }
            break;
        default:
            size = at;
            break;
        }
    }
    return size;
}

/* Inputs in a buffer of exactly their size: one byte too far is found. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static unsigned long run_file(const char *path, unsigned long mutations)
{
    struct prng p;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    run(input, size);
    prng_init(&p, size * 31 + (size > 0 ? input[size / 2] : 0u));
    for (unsigned long i = 0; i < mutations; i++)
        run(mutated, mutate(&p, size));
    return 1 + mutations;
}

/* Each file of a folder; `runs_out` NULL: they are counted only. */
static unsigned long each_file(const char *folder_path, unsigned long mutations,
                               unsigned long *runs_out)
{
    unsigned long files = 0;
    DIR *folder = opendir(folder_path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder_path, entry->d_name);
        if (runs_out != NULL)
            *runs_out += run_file(path, mutations);
        files++;
    }
    if (folder != NULL)
        closedir(folder);
    return files;
}

int main(int argc, char **argv)
{
    unsigned long files = 0, runs = 0, mutations = 0;
    bool is_once = argc > 1 && strcmp(argv[1], "--once") == 0;
    int first = is_once ? 2 : 1;
    for (int i = first; i < argc; i++)
        files += each_file(argv[i], 0, NULL);
    if (!is_once && files > 0)
        mutations =
            MUTATIONS / files < MUTATIONS_OF_A_FILE ? MUTATIONS / files : MUTATIONS_OF_A_FILE;
    for (int i = first; i < argc; i++)
        (void)each_file(argv[i], mutations, &runs);
    printf("%lu files of the corpus, %lu runs\n", files, runs);
    printf("%d passed, %d failed\n", files > 0, files == 0);
    return files > 0 ? 0 : 1;
}
