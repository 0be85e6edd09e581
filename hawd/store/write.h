/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Batches into transactions. On the store's thread. Internal to hawd/store.
 */
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include "hawd/store/mark.h"

/** struct write - the prepared statements of a connection that writes */
struct write {
        sqlite3 *db;
        const char *path;  /* borrowed */
        uint32_t format;   /* of this hawd */
        bool private_file; /* nobody else knows its name yet: no WAL, no mark */

        sqlite3_stmt *set_meta, *clear_entries, *drop_entries, *add_entry, *set_snapshot, *add_row,
                *set_format, *set_gap, *not_lost;
        struct mark last; /* as of the last commit */
        bool last_known;
        bool format_known;
        bool ruined; /* the file is not to be relied on any more */
        int mark_fd;
        dev_t wal_dev;
        ino_t wal_ino;
};

/** write_init() - owns @db */
void write_init(struct write *w, sqlite3 *db, const char *path, uint32_t format);

/** write_batches() - @n batches in one transaction; 0: all are on disk, else none is; @failed is
 * the index of the one that failed (0 when it was the commit). Return: 0 or -errno with @err. */
int write_batches(struct write *w, struct store_batch *const *batches, size_t n, size_t *failed,
                  char *err);
/** write_mark() - after write_batches(), when it was told */
void write_mark(struct write *w);
/** write_close() - finalize and close; keeps path, format and ruined */
void write_close(struct write *w);
