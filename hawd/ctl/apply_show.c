/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl apply: the difference, for people and as JSON. */
#include "hawd/ctl/apply.h"
#include "hawd/ctl/text.h"

static const struct {
        char sign;
        enum ctl_color color;
} signs[] = {[CHANGE_ADD] = {'+', COLOR_GOOD},
             [CHANGE_SET] = {'~', COLOR_WARN},
             [CHANGE_REMOVE] = {'-', COLOR_BAD}};

static const char *or_none(const char *s) {
        return *s ? s : "(none)";
}

static size_t count_lines(const char *text) {
        size_t n = *text != '\0';

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

static void show_line(void *ud, char sign, const char *line, size_t len) {
        const struct ctl *ctl = ud;
        enum ctl_color color = sign == '+' ? COLOR_GOOD : sign == '-' ? COLOR_BAD : COLOR_DIM;

        printf("    %s%c %.*s%s\n", color_on(ctl, color), sign, (int)len, line, color_off(ctl));
}

static void show_key(const struct ctl *ctl, const struct change *c, size_t i) {
        const struct conf_key *key = &object_section(change_object(c)->kind)->keys[i];
        const char *old = c->now && c->now->values[i] ? c->now->values[i] : "";
        const char *fresh = change_value(c, i);

        if (key->type != CONF_BLOCK && c->kind == CHANGE_ADD) {
                printf("  %s = %s\n", key->name, fresh);
        } else if (key->type != CONF_BLOCK) {
                printf("  %s: %s -> %s\n", key->name, or_none(old), or_none(fresh));
        } else if (c->kind == CHANGE_ADD) {
                printf("  %s: %zu lines\n", key->name, count_lines(fresh));
        } else {
                printf("  %s: with its next start\n", key->name);
                diff_lines(old, fresh, 1, show_line, (void *)ctl);
        }
}

void apply_show(const struct ctl *ctl, const struct changes *changes) {
        for (size_t i = 0; i < changes->n; i++) {
                const struct change *c = &changes->list[i];
                const struct object *o = change_object(c);
                const struct conf_section *s = object_section(o->kind);

                printf("%s%c %s %s%s\n", color_on(ctl, signs[c->kind].color), signs[c->kind].sign,
                       s->name, o->name, color_off(ctl));
                for (size_t k = 0; k < s->n_keys; k++)
                        if (c->keys & UINT64_C(1) << k)
                                show_key(ctl, c, k);
        }
}

static json_t *keys_json(const struct change *c) {
        const struct conf_section *s = object_section(change_object(c)->kind);
        json_t *list = json_array();

        for (size_t i = 0; i < s->n_keys; i++)
                if (c->keys & UINT64_C(1) << i)
                        json_array_append_new(list,
                                              json_pack("{s:s,s:s?,s:s}", "key", s->keys[i].name,
                                                        "old", c->now ? c->now->values[i] : NULL,
                                                        "new", change_value(c, i)));
        return list;
}

json_t *apply_changes_json(const struct changes *changes) {
        json_t *list = json_array();

        for (size_t i = 0; i < changes->n; i++) {
                const struct change *c = &changes->list[i];
                const struct object *o = change_object(c);

                json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o}", "object",
                                                      object_section(o->kind)->name, "name",
                                                      o->name, "change", change_kind_name(c->kind),
                                                      "keys", keys_json(c)));
        }
        return list;
}
