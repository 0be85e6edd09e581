/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads pages of history on a thread of its own, so that the loop waits for no disk. One page at a
 * time; the answers come back through an eventfd, in the order they were asked for.
 */
#pragma once

#include "hawd/control/api.h"

/** struct history_answer - rows are the newest first; @error 0 or -errno */
struct history_answer {
        uint64_t call;
        struct api_history_filter filter;
        struct history_row *rows;
        size_t n_rows;
        bool more;    /* there are older ones */
        bool no_host; /* nothing in all of history is of the host in the filter */
        int error;
};

typedef void (*history_done_fn)(void *ud, struct history_answer *answer); /* borrows */

struct history_reader;

/** history_reader_new() - borrows @ports. Return: 0 or -errno. */
int history_reader_new(qb_loop_t *loop, const struct api_ports *ports, history_done_fn done,
                       void *ud, struct history_reader **ret);
/** history_reader_free() - what waits is dropped, what runs is waited for. */
struct history_reader *history_reader_free(struct history_reader *r);

/** history_reader_ask() - Return: 0, or -EBUSY: too many wait. */
int history_reader_ask(struct history_reader *r, uint64_t call,
                       const struct api_history_filter *filter);
