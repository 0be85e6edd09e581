/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What differs between the objects of the ledger and those of a file. Pure. */
#pragma once

#include "hawd/ctl/objects.h"

enum change_kind { CHANGE_ADD, CHANGE_SET, CHANGE_REMOVE };

/** struct change - of one object; borrows both */
struct change {
        enum change_kind kind;
        const struct object *now;  /* NULL: added */
        const struct object *want; /* NULL: removed */
        uint64_t keys;             /* bit i: key i of its section is given, or changes */
};

struct changes {
        struct change *list;
        size_t n;
};

/**
 * diff_objects() - what makes @now be as @want says
 * @prune: what is not in @want is removed; else it stays
 *
 * A key that @want does not say stays as it is. By kind and name, as both are sorted.
 */
void diff_objects(const struct objects *now, const struct objects *want, bool prune,
                  struct changes *ret);
void changes_clear(struct changes *c);

const struct object *change_object(const struct change *c); /* that which is there */
const char *change_kind_name(enum change_kind kind);        /* add change remove */
/** change_has() - does this key change? */
bool change_has(const struct change *c, const char *key);
/** change_value() - of key @i: the new one, or, where nothing new is said, the old one; not NULL */
const char *change_value(const struct change *c, size_t i);

/** line_fn() - @sign '-', '+', or ' ' in front of a line of text */
typedef void (*line_fn)(void *ud, char sign, const char *line, size_t len);

/** diff_lines() - the lines that differ, each with up to @around equal ones about it. */
void diff_lines(const char *old, const char *fresh, size_t around, line_fn fn, void *ud);
