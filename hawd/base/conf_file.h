/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text in hawd's INI style, of whatever sections: hawd.conf (conf_read.c) and the objects of the
 * ledger (hawd/ctl/objects.c). Pure. Every mistake is kept, with its line; reading goes on.
 *
 * A section stands there once, a key once in it unless it is a list. The value of a block is the
 * lines below its key, as far as they are indented; the indentation of the first one is taken off.
 */
#pragma once

#include "hawd/base/conf_keys.h"

#define CONF_FILE_KEYS_MAX 40 /* of one section */

/** struct conf_form - what the text may hold, and who takes it */
struct conf_form {
        const struct conf_section *sections;
        size_t n_sections;
        const char *const *foreign; /* sections that are known elsewhere, ends with NULL */
        const char *foreign_place;  /* where: "belongs into ..." */
        size_t lines_max;
        /** A section begins. Return: 0, or -EINVAL with @err: its keys are dropped. */
        int (*open)(void *ud, size_t section, const char *name, char *err);
        /** A key of the section opened last. @append: the list goes on. Return: 0 or -EINVAL. */
        int (*set)(void *ud, const struct conf_key *key, const char *value, bool append, char *err);
};

/** struct conf_heading - one section that was opened */
struct conf_heading {
        size_t section;
        char name[NAME_LEN];
        int line;
        int key_lines[CONF_FILE_KEYS_MAX]; /* where each key is (a block: its text); 0: nowhere */
        uint64_t bad;                      /* bit i: the value of key i was no good */
};

struct conf_file;

/** conf_file_read() - Return: what was found; never NULL. */
struct conf_file *conf_file_read(const struct conf_form *form, void *ud, const char *text);
struct conf_file *conf_file_free(struct conf_file *f); /* NULL-safe, returns NULL */

/** conf_file_heading() - the @i-th that was opened, or NULL */
const struct conf_heading *conf_file_heading(const struct conf_file *f, size_t i);
const struct conf_heading *conf_file_find(const struct conf_file *f, size_t section,
                                          const char *name);

/** conf_file_mistake() - what only the whole of it shows. */
void conf_file_mistake(struct conf_file *f, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** conf_file_errors() - all mistakes as "@file:line: message", in order. Return: how many. */
size_t conf_file_errors(const struct conf_file *f, const char *file, struct conf_errors *errors);
