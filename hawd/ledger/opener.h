/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opens and reads the database on a thread of its own. Internal to hawd/ledger.
 */
#pragma once

#include "hawd/core/core.h"
#include "hawd/store/store.h"

/** struct opened - what came of it */
struct opened {
        int r; /* as store_open() */
        char err[TEXT_LEN];
        struct store *store; /* r is 0: the taker's */
        uint64_t epoch, promised, base;
        struct state *state; /* the taker's; NULL: none */
        uint64_t gap_from, gap_to;
        char kept[512];
};

/** opener_decode() - what was loaded: fills all but store and kept. Return: 0, -EBADMSG with @err.
 */
int opener_decode(const struct store_loaded *l, struct opened *ret, char *err);

struct opener;

struct opener *opener_new(const char *path, const struct store_owner *owner);
/** opener_free() - one that hangs is left to the process's end. NULL-safe, returns NULL. */
struct opener *opener_free(struct opener *o);
/** opener_fd() - readable when it has come to an end */
int opener_fd(const struct opener *o);
/** opener_start() - Return: 0; -EBUSY it is under way; other -errno. */
int opener_start(struct opener *o);
/** opener_wait() - true: it has ended within @usec */
bool opener_wait(struct opener *o, usec_t usec);
/** opener_take() - what came of it, once; false: it is under way, or was not started */
bool opener_take(struct opener *o, struct opened *ret);
