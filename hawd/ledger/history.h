/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * History that this member lacks, since it was away or lost its disk, comes from the others.
 * Internal to hawd/ledger.
 *
 * The member that lacks it asks, one page at a time, and asks for the next one when the last is on
 * its disk: nobody's queue grows, and whatever ends in between (a member leaves, a disk is full,
 * hawd restarts) is asked for again. What lacks is kept in the database itself, (from, to] in
 * versions, and is cleared by the write that brings the last rows. Rows that are there already are
 * left as they are.
 *
 *   IDLE -a gap, somebody to ask-> ASKED -page-> STORING -stored-> ASKED | IDLE (no gap)
 *   ASKED -time-out, left-> the next member; all asked, none complete-> IDLE until the group
 * changes
 */
#pragma once

#include "hawd/core/msg.h"
#include "hawd/store/reader.h"
#include "hawd/store/store.h"

#define HISTORY_PAGE_ROWS 200

struct history;

struct history_ports {
        void (*send)(void *ud, const struct msg *m);
        /** rows, and the gap when @clear; the end is told by history_stored(). Return: 0 or -errno.
         */
        int (*store)(void *ud, const struct store_row *rows, size_t n, bool clear);
        void (*complete)(void *ud, uint64_t rows); /* all of the gap has come */
        void *ud;
};

struct history *history_new(const char *path, const struct history_ports *ports);
struct history *history_free(struct history *h); /* NULL-safe, returns NULL */
/** history_fd() - readable when history_dispatch() has something to do */
int history_fd(const struct history *h);
void history_dispatch(struct history *h);
void history_tick(struct history *h, usec_t now);

/** history_gap() - versions in (from, to] may lack; none when they are equal */
void history_gap(struct history *h, uint64_t from, uint64_t to);
void history_peers(struct history *h, uint32_t self, const uint32_t *nodeids, size_t n);
void history_message(struct history *h, uint32_t from, const struct msg *m);
void history_stored(struct history *h, int code);

/** history_from_row(), history_to_row() - the codec's rows and the store's; texts are borrowed */
void history_from_row(const struct store_row *r, struct history_row *ret);
void history_to_row(const struct history_row *r, struct store_row *ret);
