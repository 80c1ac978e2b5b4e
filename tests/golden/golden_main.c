/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * golden_main.c - logs that earlier versions wrote, judged again by this one.
 *
 *     golden take DATA-DIR FILE     what a stopped replica's store holds, as text
 *     golden check FILE...          each must give, slot by slot, the heads that stand in it
 *
 * A file is lines of words: "genesis HEX", then for each slot "SLOT VALUE ENTRY-HEAD VERDICT-HEAD",
 * all hexadecimal, "-" for a no-op. make.py makes one with the real programs. A log whose heads
 * come out otherwise is one that replicas of two versions would not agree about: whoever changes
 * what rules say of an old entry has to change it under another number of some format, which
 * refuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/envelope.h"
#include "src/machine/logtable.h"
#include "storage/store.h"
#include "tools/lib/ledger.h"

#define PATH_SIZE 4096u
#define LINE_SIZE (2u * LIMIT_VALUE_SIZE + 512u)

static void print_hex(FILE *out, struct bytes data, char end)
{
    for (size_t i = 0; i < data.size; i++)
        (void)fprintf(out, "%02x", data.data[i]);
    (void)fprintf(out, "%s%c", data.size == 0 ? "-" : "", end);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends; false: no hexadecimal text. */
static bool add_hex(struct writer *out, const char *text)
{
    if (text == NULL || strlen(text) % 2 != 0)
        return text != NULL && strcmp(text, "-") == 0;
    for (; *text != '\0'; text += 2) {
        int high = digit(text[0]), low = digit(text[1]);
        if (high < 0 || low < 0)
            return false;
        writer_u8(out, (uint8_t)(high * 16 + low));
    }
    return true;
}

/* ---- taking ---- */

static bool take_genesis(const char *dir, FILE *out)
{
    char path[PATH_SIZE];
    uint8_t genesis[GENESIS_SIZE_MAX];
    (void)snprintf(path, sizeof path, "%s/genesis", dir);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return false;
    size_t size = fread(genesis, 1, sizeof genesis, in);
    (void)fclose(in);
    (void)fprintf(out, "genesis ");
    print_hex(out, bytes_make(genesis, size), '\n');
    return size > 0;
}

static int take(const char *dir, const char *file)
{
    char path[PATH_SIZE];
    struct store_identity identity;
    struct store *store;
    struct bytes value;
    struct log_verdict row;
    uint64_t slots = 0;
    FILE *out = fopen(file, "w");
    (void)snprintf(path, sizeof path, "%s/store", dir);
    if (out == NULL || !take_genesis(dir, out) ||
        store_open_read_only(path, false, &identity, &store) != RSM_OK)
        return 1;
    struct kv *kv = store_kv(store);
    for (; log_get_entry(kv, slots + 1, &value) == RSM_OK; slots++) {
        (void)fprintf(out, "%llu ", (unsigned long long)slots + 1);
        print_hex(out, value, ' ');
        CHECK(log_get_verdict(kv, slots + 1, &row) == RSM_OK);
        print_hex(out, bytes_make(row.entry_head, HASH_SIZE), ' ');
        print_hex(out, bytes_make(row.verdict_head, HASH_SIZE), '\n');
    }
    store_close(store);
    printf("%llu slots\n", (unsigned long long)slots);
    return fclose(out) == 0 && slots > 0 ? 0 : 1;
}

/* ---- checking ---- */

struct check {
    const char *file;
    struct writer bytes; /* of the line */
    struct writer genesis_bytes;
    struct genesis genesis;
    struct ledger ledger;
    struct kv *kv;
};

static bool wrong(const struct check *c, const char *what)
{
    printf("FAILED: %s, slot %llu: %s\n", c->file, (unsigned long long)c->ledger.slot, what);
    return false;
}

static bool begin(struct check *c, char *line)
{
    char *rest = NULL;
    const char *word = strtok_r(line, " \n", &rest);
    if (word == NULL || strcmp(word, "genesis") != 0 ||
        !add_hex(&c->genesis_bytes, strtok_r(NULL, " \n", &rest)) ||
        genesis_parse(writer_result(&c->genesis_bytes), &c->genesis) != RSM_OK)
        return wrong(c, "no genesis");
    return ledger_init(&c->ledger, c->kv, writer_result(&c->genesis_bytes), &c->genesis) ==
               RSM_OK ||
           wrong(c, "the genesis does not apply");
}

static bool check_slot(struct check *c, char *line)
{
    char *rest = NULL;
    const char *slot = strtok_r(line, " \n", &rest);
    writer_reset(&c->bytes);
    if (slot == NULL || strtoull(slot, NULL, 10) != c->ledger.slot + 1 ||
        !add_hex(&c->bytes, strtok_r(NULL, " \n", &rest)))
        return wrong(c, "the next line is no slot");
    size_t size = c->bytes.size;
    if (!add_hex(&c->bytes, strtok_r(NULL, " \n", &rest)) ||
        !add_hex(&c->bytes, strtok_r(NULL, " \n", &rest)) || c->bytes.size != size + 2 * HASH_SIZE)
        return wrong(c, "no heads");
    if (ledger_step(&c->ledger, bytes_make(c->bytes.data, size)) != RSM_OK)
        return wrong(c, "it does not apply");
    if (memcmp(c->ledger.heads.entry, c->bytes.data + size, HASH_SIZE) != 0)
        return wrong(c, "another entry head");
    return memcmp(c->ledger.heads.verdict, c->bytes.data + size + HASH_SIZE, HASH_SIZE) == 0 ||
           wrong(c, "another verdict head: what the rules say of an old log has changed");
}

static bool check_file(const char *file)
{
    struct check c = {.file = file, .kv = kv_mem_new()};
    char *line = mem_alloc(LINE_SIZE);
    FILE *in = fopen(file, "r");
    writer_init(&c.bytes, LINE_SIZE);
    writer_init(&c.genesis_bytes, GENESIS_SIZE_MAX);
    bool has_line = in != NULL && fgets(line, LINE_SIZE, in) != NULL;
    bool is_good = has_line ? begin(&c, line) : wrong(&c, "it cannot be read");
    bool has_ledger = has_line && c.ledger.machine != NULL;
    while (is_good && fgets(line, LINE_SIZE, in) != NULL)
        is_good = check_slot(&c, line);
    if (is_good)
        printf("%s: %llu slots\n", file, (unsigned long long)c.ledger.slot);
    if (in != NULL)
        (void)fclose(in);
    if (has_ledger)
        ledger_deinit(&c.ledger);
    writer_deinit(&c.bytes);
    writer_deinit(&c.genesis_bytes);
    kv_free(c.kv);
    mem_free(line);
    return is_good;
}

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    CHECK(rsm_crypto_init() == RSM_OK);
    if (argc == 4 && strcmp(argv[1], "take") == 0)
        return take(argv[2], argv[3]);
    if (argc < 3 || strcmp(argv[1], "check") != 0) {
        (void)fprintf(stderr, "usage: golden take DATA-DIR FILE | golden check FILE...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        bool is_good = check_file(argv[i]);
        passed += is_good ? 1 : 0;
        failed += is_good ? 0 : 1;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
