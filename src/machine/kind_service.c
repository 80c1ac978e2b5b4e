/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_service.c - service.set and service.delete (service.h).
 *
 * A service's class is by its tier before and its tier after: none is made unimportant in order to
 * be changed.
 */
#include "src/machine/judge.h"

#include <string.h>

#include "src/base/check.h"
#include "src/machine/service.h"

static void key_service_name(struct key *k, struct bytes name, struct bytes service)
{
    CHECK(name.size + service.size <= sizeof k->data);
    memcpy(k->data, name.data, name.size);
    memcpy(k->data + name.size, service.data, service.size);
    k->size = name.size + service.size;
}

/* Its rows by name. */
static void index_names(struct judge *j, const struct body_service *service, bool is_there)
{
    struct body_walk walk = service->names;
    struct body_service_name item;
    while (body_next_service_name(&walk, &item)) {
        struct key key;
        uint8_t below = item.below ? 1 : 0;
        key_service_name(&key, item.name, service->name);
        if (is_there)
            judge_put(j, TABLE_SERVICE_NAME, key_bytes(&key), bytes_make(&below, 1));
        else
            judge_del(j, TABLE_SERVICE_NAME, key_bytes(&key));
    }
}

/* Takes the service out as it was; its body is in m->copy. False: there is none. */
static bool remove_old(struct judge *j, struct bytes name, struct body_service *out)
{
    struct bytes value;
    if (!judge_found(j, kv_get(j->kv, TABLE_SERVICE, name, &value)))
        return false;
    writer_reset(&j->m->copy);
    writer_bytes(&j->m->copy, value);
    enum rsm_status status =
        body_service_decode(RSM_KIND_SERVICE_SET, writer_result(&j->m->copy), out);
    if (status != RSM_OK) {
        j->fault = RSM_DAMAGED;
        return false;
    }
    class_add_tier(j, out->tier);
    index_names(j, out, false);
    return true;
}

static struct body_service begin(struct judge *j)
{
    struct body_service body;
    enum rsm_status status = body_service_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    rule_rights_general(j);
    rule_freeze(j, (struct bytes){NULL, 0});
    rule_causal_object(j, OBJECT_SERVICE, body.name, NULL);
    return body;
}

void kind_service_set(struct judge *j)
{
    struct body_service body = begin(j), old;
    char words[WORDS_SIZE];
    bool is_there = remove_old(j, body.name, &old);
    if (is_there && bytes_equal(writer_result(&j->m->copy), j->command->body))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "%s is so already",
                     words_object(OBJECT_SERVICE, body.name, words));
    if (body.names.left == 0)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "%s has no name; a service is what some name is for",
                     words_object(OBJECT_SERVICE, body.name, words));
    class_add_tier(j, body.tier);
    judge_put(j, TABLE_SERVICE, body.name, j->command->body);
    index_names(j, &body, true);
    rule_graph_service(j, body.name, &body.needs);
    object_write(j, OBJECT_SERVICE, body.name);
}

void kind_service_delete(struct judge *j)
{
    struct body_service body = begin(j), old;
    struct body_walk none = {.left = 0};
    char words[WORDS_SIZE];
    if (!remove_old(j, body.name, &old)) {
        judge_refuse(j, RSM_RULE_NO_CHANGE, "there is no %s",
                     words_object(OBJECT_SERVICE, body.name, words));
        return;
    }
    judge_del(j, TABLE_SERVICE, body.name);
    rule_graph_service(j, body.name, &none);
    object_write(j, OBJECT_SERVICE, body.name);
}
