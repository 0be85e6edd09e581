/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guests and rules of the ledger as text: what hawctl export writes and hawctl apply reads.
 *
 *     [guest web]                    [rule apart]
 *     desired = running              kind = separate
 *     priority = 200                 strict = yes
 *     after = db dns                 guests = db dns
 *     xml =
 *       <domain type='kvm'>
 *         ...
 *
 * A value is kept as its canonical text, so that equal values are equal texts. Pure, but for the
 * XML (objects_xml.c).
 */
#pragma once

#include "hawd/base/conf_file.h"

#define OBJECT_KEYS_MAX CONF_FILE_KEYS_MAX

enum object_kind { OBJECT_GUEST, OBJECT_RULE, OBJECT_KINDS };

struct object {
        enum object_kind kind;
        char name[NAME_LEN];
        char uuid[UUID_LEN];           /* of a guest: of its XML, or as the ledger has it */
        char *values[OBJECT_KEYS_MAX]; /* by the keys of its section; NULL: not said */
        int line;                      /* of the file, and of each key; 0: of none */
        int lines[OBJECT_KEYS_MAX];
        uint64_t bad; /* bit i: the value of key i was no good */
};

/** struct objects - ordered by kind and name after objects_sort() */
struct objects {
        struct object *list;
        size_t n, cap;
};

const struct conf_section *object_section(enum object_kind kind);
/** object_key() - the index of the key called @name, which is there */
size_t object_key(enum object_kind kind, const char *name);

struct object *objects_add(struct objects *o, enum object_kind kind, const char *name);
void objects_sort(struct objects *o);
/** object_compare() - by kind and name, as strcmp() */
int object_compare(const struct object *a, const struct object *b);
/** objects_find() - NULL: none; O(log n), of sorted ones */
const struct object *objects_find(const struct objects *o, enum object_kind kind, const char *name);
void objects_clear(struct objects *o);

const char *object_get(const struct object *o, const char *key); /* "" when it is not said */
int object_line(const struct object *o, const char *key);        /* of the key, or of its section */
bool object_has_bad(const struct object *o, const char *key);
void object_set(struct object *o, const char *key, const char *value);

/** rule_among_guests() - a rule of this kind has no hosts */
bool rule_among_guests(const char *kind);

/**
 * names_add() - make the set of names *@list (NULL: empty) longer by those in @value
 * @list: malloc'ed; sorted, each once, parted by one blank
 *
 * Return: 0, or -EINVAL with @err and *@list unchanged.
 */
int names_add(char **list, const char *value, char *err);
/** names_next() - the first name of *@list into @name, *@list behind it. Return: there was one. */
bool names_next(const char **list, char name[static NAME_LEN]);
bool names_have(const char *list, const char *name);

/**
 * objects_read() - the objects of @text, in order, and what reading them came to
 * @ret: owned by the caller; may be incomplete when there are mistakes
 * Return: to be freed by conf_file_free(); further mistakes may be added.
 */
struct conf_file *objects_read(const char *text, struct objects *ret);

/** objects_write() - Return: malloc'ed text, which objects_read() reads back */
char *objects_write(const struct objects *o);

/**
 * objects_xml() - every XML of @o, read from a file, as the ledger would keep it, and its UUID
 * @now: the ledger's objects; a guest without a UUID in its XML keeps the one that it has there
 * @file: is told the mistakes
 */
void objects_xml(struct objects *o, const struct objects *now, struct conf_file *file);

/**
 * objects_check() - what only the ledger shows: mistakes in @o that would be refused
 * @now: the ledger's objects
 * @hosts: names of the cluster's hosts, blank-separated
 * @prune: what is not in @o goes
 */
void objects_check(const struct objects *o, const struct objects *now, const char *hosts,
                   bool prune, struct conf_file *file);
