/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/diff.h"

const struct object *change_object(const struct change *c) {
        return c->want ? c->want : c->now;
}

const char *change_kind_name(enum change_kind kind) {
        static const char *const names[] = {"add", "change", "remove"};

        return names[kind];
}

bool change_has(const struct change *c, const char *key) {
        return c->keys & UINT64_C(1) << object_key(change_object(c)->kind, key);
}

const char *change_value(const struct change *c, size_t i) {
        if (c->want && c->want->values[i])
                return c->want->values[i];
        if (c->keys & UINT64_C(1) << i)
                return "";
        return c->now && c->now->values[i] ? c->now->values[i] : "";
}

static uint64_t keys_of(const struct object *now, const struct object *want) {
        size_t n = object_section(want->kind)->n_keys;
        uint64_t keys = 0;

        for (size_t i = 0; i < n; i++) {
                const char *old = now && now->values[i] ? now->values[i] : "";

                if (want->values[i] && (!now || strcmp(old, want->values[i]) != 0))
                        keys |= UINT64_C(1) << i;
        }
        return keys;
}

/* A rule that is now among guests has no hosts any more, said or not. */
static uint64_t dropped_hosts(const struct object *now, const struct object *want) {
        if (!now || want->kind != OBJECT_RULE || !*object_get(now, "hosts") ||
            !rule_among_guests(object_get(want, "kind")))
                return 0;
        return UINT64_C(1) << object_key(OBJECT_RULE, "hosts");
}

static void add(struct changes *c, struct change change) {
        c->list[c->n++] = change;
}

void diff_objects(const struct objects *now, const struct objects *want, bool prune,
                  struct changes *ret) {
        size_t i = 0, k = 0;

        *ret = (struct changes){.list = xcalloc(now->n + want->n, sizeof(*ret->list))};
        while (i < now->n || k < want->n) {
                const struct object *old = i < now->n ? &now->list[i] : NULL;
                const struct object *fresh = k < want->n ? &want->list[k] : NULL;
                int order = !old ? 1 : !fresh ? -1 : object_compare(old, fresh);
                uint64_t keys;

                if (order < 0) {
                        if (prune)
                                add(ret, (struct change){CHANGE_REMOVE, old, NULL, 0});
                        i++;
                        continue;
                }
                k++;
                if (order > 0) {
                        add(ret, (struct change){CHANGE_ADD, NULL, fresh, keys_of(NULL, fresh)});
                        continue;
                }
                i++;
                keys = keys_of(old, fresh) | dropped_hosts(old, fresh);
                if (keys)
                        add(ret, (struct change){CHANGE_SET, old, fresh, keys});
        }
}

void changes_clear(struct changes *c) {
        free(c->list);
        *c = (struct changes){0};
}
