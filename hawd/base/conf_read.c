/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawd.conf from text. */
#include "hawd/base/conf_file.h"

#define LINES_MAX 100000

struct reader {
        struct config *c;
        struct conf_file *file;
        enum conf_section_kind kind;
        char name[NAME_LEN];
};

static int open_entry(void *ud, size_t section, const char *name, char *err) {
        struct reader *rd = ud;

        rd->kind = (enum conf_section_kind)section;
        text_set(rd->name, sizeof(rd->name), name);
        return conf_entry_add(rd->c, rd->kind, name, err) ? 0 : -EINVAL;
}

static int set_key(void *ud, const struct conf_key *key, const char *value, bool append,
                   char *err) {
        struct reader *rd = ud;

        return conf_key_set(key, conf_entry(rd->c, rd->kind, rd->name), value, append, err);
}

static bool was_bad(const struct conf_heading *h, const char *key_name) {
        const struct conf_section *s = &conf_sections[h->section];
        const struct conf_key *key = key_name ? conf_key_find(s, key_name) : NULL;

        return key && (h->bad & UINT64_C(1) << (key - s->keys));
}

static void complain(void *self, enum conf_section_kind kind, const char *name, const char *key,
                     const char *message) {
        struct reader *rd = self;
        const struct conf_heading *h = conf_file_find(rd->file, kind, name ? name : "");

        if (h && (was_bad(h, key) || was_bad(h, "driver")))
                return;
        conf_file_mistake(rd->file, h ? h->line : 1, "%s", message);
}

int config_parse(const char *file, const char *text, struct config *ret,
                 struct conf_errors *errors) {
        static const char *const foreign[] = {"guest", "rule", NULL};
        static const struct conf_form form = {
                .sections = conf_sections,
                .n_sections = CONF_SECTIONS,
                .foreign = foreign,
                .foreign_place = "is not of hawd.conf: the ledger has it, see hawctl apply",
                .lines_max = LINES_MAX,
                .open = open_entry,
                .set = set_key,
        };
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));
        struct reader rd = {.c = c};
        size_t n;

        config_defaults(c);
        rd.file = conf_file_read(&form, &rd, text);
        conf_check(c, complain, &rd);
        n = conf_file_errors(rd.file, file, errors);
        rd.file = conf_file_free(rd.file);
        if (n > 0)
                return (int)n;
        c->hash = conf_hash(c);
        *ret = *c;
        return 0;
}
