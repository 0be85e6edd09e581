/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables behind config.h: every section, and every key with its type, range, default and help.
 * Parsing, dumping, `config_set()`, `hawctl apply` and the checks of the shipped hawd.conf all read
 * these. Pure. Internal to hawd/base, hawd/ctl/objects.c and tests.
 */
#pragma once

#include "hawd/base/config.h"

/* Bounds of one line, chosen below those of inih (199 characters). */
#define CONF_WORD_MAX 120 /* one word of a list */
#define CONF_LINE_MAX 160 /* a list is dumped in lines no longer than this */

#define CONF_ORDER_MAX 8
#define CONF_NONE "none"

#define CONF_VALUE_MAX 1024 /* conf_key_format() needs no more */

enum conf_type {
        CONF_DURATION, /* usec_t */
        CONF_U32,
        CONF_I32,
        CONF_PCT,   /* uint32_t, "400%" */
        CONF_MIB,   /* uint64_t */
        CONF_ENUM,  /* four bytes, one of words */
        CONF_ORDER, /* int32_t[], some of words in an order, each once; 0, "none", ends it */
        CONF_NAME,  /* char[], as name_valid() */
        CONF_ADDRESS,
        CONF_PATH,     /* char[], of a file, or none */
        CONF_LABELS,   /* char[], a set of words: sorted, each once */
        CONF_OPTIONS,  /* char[], a list of key=value */
        CONF_REPLICA,  /* struct conf_replica: none, or a host and how */
        CONF_PATHS,    /* char[], a set of absolute paths, or none */
        CONF_LINKS,    /* char[], a set of network interfaces, or none */
        CONF_SCHEDULE, /* char[], as schedule_parse() takes it */
        CONF_KEEP,     /* struct conf_keep: "last 3 daily 7", or none */
        CONF_NAMES,    /* a set of names of objects; has no member, see conf_form.set */
        CONF_BLOCK,    /* lines of text; has no member */
};

struct conf_word {
        const char *name;
        int32_t value;
};

struct conf_key {
        const char *name;
        enum conf_type type;
        size_t offset, size;
        uint64_t min, max;             /* numbers other than CONF_I32 */
        int32_t imin, imax;            /* CONF_I32 */
        const struct conf_word *words; /* CONF_ENUM, CONF_ORDER; ends with a NULL name */
        const char *def;               /* as text; NULL: empty */
        const char *help;
};

enum conf_section_kind { CONF_CLUSTER, CONF_GUEST_DEFAULTS, CONF_HOST, CONF_FENCE, CONF_SECTIONS };

struct conf_section {
        const char *name;
        bool named; /* [host NAME] */
        const struct conf_key *keys;
        size_t n_keys;
};

extern const struct conf_section conf_sections[CONF_SECTIONS];

/** conf_section_kind() - the section called @name, or CONF_SECTIONS */
enum conf_section_kind conf_section_kind(const char *name);

/** conf_key_find() - or NULL */
const struct conf_key *conf_key_find(const struct conf_section *s, const char *key);

/** conf_key_unknown() - @err says that @who ("[fence]") has no @key, and which one is like it */
void conf_key_unknown(const struct conf_section *s, const char *who, const char *key, char *err);

/** conf_is_secret() - does a key of this name hold a password? */
bool conf_is_secret(const char *key);

/**
 * conf_key_set() - put the text @value into the member of @base that @key describes
 * @append: a list gets longer; without it the value is replaced
 *
 * Return: 0, or -EINVAL with a message in @err (of TEXT_LEN bytes) and @base unchanged.
 */
int conf_key_set(const struct conf_key *key, void *base, const char *value, bool append, char *err);

/** conf_key_format() - the text that conf_key_set() reads back; "" when there is none */
void conf_key_format(const struct conf_key *key, const void *base, char *buf, size_t size);

/** conf_key_is_list() - may the key be repeated? */
bool conf_key_is_list(const struct conf_key *key);

/** conf_keys_default() - every key of @s in @base as its default says */
void conf_keys_default(const struct conf_section *s, void *base);

/** conf_entry() - where the keys of a section live in @c; NULL when @name is not there */
void *conf_entry(struct config *c, enum conf_section_kind kind, const char *name);

/**
 * conf_entry_add() - the same, made with its defaults, in the order of names, when it is missing
 * Return: NULL with @err filled when the name is no name or there are too many.
 */
void *conf_entry_add(struct config *c, enum conf_section_kind kind, const char *name, char *err);

/**
 * conf_nearest() - the index of the word of @words most like @word, or -1 when none is like it
 */
int conf_nearest(const char *word, const char *const *words, size_t n);

/** @key: what the mistake is about, or NULL; a bad value of it was reported by itself already */
typedef void conf_complain(void *self, enum conf_section_kind kind, const char *name,
                           const char *key, const char *message);

/** conf_check() - what only the whole file shows; every mistake is given to @complain */
void conf_check(const struct config *c, conf_complain *complain, void *self);

/** conf_hash() - of the meaning of @c, equal on all hosts */
uint64_t conf_hash(const struct config *c);

/* conf_snapshot.c. Each returns 0, or -EINVAL with @err and nothing set. */
int conf_set_schedule(const struct conf_key *key, char *member, const char *value, char *err);
int conf_set_keep(const struct conf_key *key, struct conf_keep *member, const char *value,
                  char *err);
void conf_format_keep(const struct conf_keep *keep, char *buf, size_t size);
