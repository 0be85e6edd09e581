/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs hawd-facts, for what `hawctl doctor` asks of this host: libvirt, corosync and storage may
 * hang or crash there, and hawd goes on. One child at a time. Owned by main.c.
 */
#pragma once

#include <qb/qbloop.h>

#include "hawd/core/event.h"

#define FACTS_LIMIT_USEC (25 * USEC_PER_SEC) /* its parts have shorter ones of their own */

struct facts;

/** struct facts_paths - borrowed for the life of struct facts; as this hawd uses them */
struct facts_paths {
        const char *program; /* hawd-facts */
        const char *config;
        const char *secrets;
        const char *state_dir;
        const char *run_dir;
        const char *uri;
};

/**
 * facts_done_fn() - exactly once for each facts_start()
 * @facts: JSON, at most FACTS_MAX bytes; a reference of the callee's; NULL: @text says why there
 * are none
 */
typedef void (*facts_done_fn)(void *userdata, uint64_t id, struct blob *facts, const char *text);

struct facts *facts_new(qb_loop_t *loop, const struct facts_paths *paths, facts_done_fn done,
                        void *userdata);
/** facts_free() - kills what runs, tells nobody. NULL-safe, returns NULL. */
struct facts *facts_free(struct facts *f);

/** facts_start() - take an ACT_FACTS; the core starts the next one when this one is done. */
void facts_start(struct facts *f, uint64_t id);
