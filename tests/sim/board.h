/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many runs, each in a child, so that an assert of the core or an endless loop is a failure of that
 * run alone; and what they share. The board is memory shared by the parent and its children.
 */
#pragma once

#include "tests/sim/random.h"

#define FAILURES_MAX 64

struct failure {
        uint64_t number; /* of the run: its seed, or its place in a list */
        struct outcome o;
};

struct board {
        uint64_t next, last;
        uint64_t done;
        uint64_t at[64]; /* number each worker is at */
        uint64_t n_failures;
        struct failure failures[FAILURES_MAX];
        struct sim_stats stats;
        uint64_t virtual_usec, settled_max, settled_sum;
        uint64_t helped;       /* not well before everything was mended by hand */
        struct outcome single; /* of a child that ran one */
};

extern struct board *board;

/** board_open() - Return: false, and says why on standard error. */
bool board_open(void);
void board_clear(void);
/** board_done(), board_add() - from any child: a run has ended; and it failed. */
void board_done(const struct outcome *o);
void board_add(uint64_t number, const struct outcome *o);
/** board_run() - @one for each number from @first to @last, in @jobs children. */
void board_run(uint64_t first, uint64_t last, size_t jobs,
               void (*one)(uint64_t number, struct outcome *ret));
/** board_try() - one plan in a child; @trace: its last lines are printed. */
void board_try(const struct plan *p, bool trace, struct outcome *ret);
/** board_died() - what a child's end says when it is not a clean one. */
void board_died(int status, struct outcome *ret);
/** trace_line() - print a line of the trace, with its time. */
void trace_line(struct sim *s, const struct sim_host *h, const char *text);
