/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd-facts: what a host says of itself, for `hawctl doctor`. Only looks, judges nothing; what can
 * hang or crash (libvirt, corosync, storage) is looked at by a child of its own (part.h).
 *
 * The answer is one JSON object, at most FACTS_MAX bytes: for each part an object, which is
 * {"error": why} where it could not be looked at; what cannot be known inside one is null.
 */
#pragma once

#include <jansson.h>

#include "hawd/base/base.h"

#define FACTS_FORMAT 1
#define FACTS_LIST_MAX 40 /* of what is wrong; how many more there are is counted */
#define FACTS_WORD_MAX 160

/** struct places - where this host keeps what is looked at; borrowed */
struct places {
        const char *root; /* "", or a tree that a test made */
        const char *config;
        const char *secrets;
        const char *state_dir;
        const char *run_dir;
        const char *uri;
        const char *fence_program;
};

/* The parts. Each returns a new object. */
json_t *facts_host(const struct places *p);        /* files, processes, clock */
json_t *facts_hawd(const char *root, int64_t pid); /* the hawd that runs; 0: none */
json_t *facts_fence(const struct places *p);       /* what is wrong with its way to devices */
json_t *facts_corosync(void);
json_t *facts_libvirt(const char *uri, const json_t *wants);
json_t *facts_storage(const char *root, const json_t *wants);

/* Words for JSON. */

/** word() - @text, cut at FACTS_WORD_MAX bytes, with '?' for what is no UTF-8; null for NULL, "".
 */
json_t *word(const char *text);
/** trouble() - {"error": text} */
json_t *trouble(const char *fmt, ...) PRINTF_LIKE(1, 2);
/** list_add() - append to the array @key of @o unless it is full, then count in "@key_more". */
void list_add(json_t *o, const char *key, json_t *value);

static inline void facts_unrefp(json_t **j) {
        json_decref(*j);
}
