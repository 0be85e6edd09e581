/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads history while the store writes it: a read-only connection, one a thread.
 */
#pragma once

#include "hawd/store/store.h"

/** struct store_filter - zero means any */
struct store_filter {
        usec_t since_wall, until_wall; /* since inclusive, until exclusive */
        const char *host;              /* its name then; NULL or "": any */
        const char *guest;             /* NULL or "": any */
        uint64_t incident;
        const char *const *kinds; /* any of these */
        size_t n_kinds;
        uint64_t before_version; /* rows before (before_version, before_seq); 0: from the newest */
        uint32_t before_seq;
        size_t limit; /* 0: none */
};

/** store_row_fn() - borrows @row; true: enough, stop */
typedef bool store_row_fn(void *ud, const struct store_row *row);

struct store_reader;

/** store_reader_open() - the file must be there. Return: 0 or -errno with @err of TEXT_LEN bytes.
 */
int store_reader_open(const char *path, struct store_reader **ret, char *err);
/** store_reader_free() - NULL is fine. Return: NULL. */
struct store_reader *store_reader_free(struct store_reader *r);

/** store_history() - rows that match @filter, the newest first. Return: 0 or -errno. */
int store_history(struct store_reader *r, const struct store_filter *filter, store_row_fn *fn,
                  void *ud);

/**
 * store_history_after() - up to @limit rows after (version, seq), the oldest first
 *
 * Pages for a joiner: begin with (its version, UINT32_MAX), go on with the last key of each page.
 * Return: 0 or -errno.
 */
int store_history_after(struct store_reader *r, uint64_t version, uint32_t seq, size_t limit,
                        store_row_fn *fn, void *ud);
