/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SQLite file: opening, schema, errors for people. Internal to hawd/store.
 */
#pragma once

#include <sqlite3.h>

#include "hawd/store/store.h"

/** db_error() - -errno of the last failure of @db, with @err (of TEXT_LEN bytes) for people */
int db_error(sqlite3 *db, const char *path, char *err);

/** db_exec() - statements without parameters. Return: 0 or as db_error(). */
int db_exec(sqlite3 *db, const char *path, const char *sql, char *err);

/** db_number() - the first column of the first row of @sql. Return: 0 or as db_error(). */
int db_number(sqlite3 *db, const char *path, const char *sql, int64_t *ret, char *err);

/**
 * db_open() - as store_open(), without the lock: create, check, bring the schema up
 * Return: 0 or -errno.
 */
int db_open(const char *path, sqlite3 **ret, char *err);

/** db_open_again() - the file that db_open() made or checked, for writing. Return: 0 or -errno. */
int db_open_again(const char *path, sqlite3 **ret, char *err);

/** db_load() - as store_load() */
int db_load(sqlite3 *db, const char *path, struct store_loaded *ret, char *err);

/** db_sum() - what is kept beside every blob: SQLite itself does not notice a changed byte */
int64_t db_sum(uint64_t version, uint64_t epoch, const void *data, size_t len);

/** struct write - the prepared statements of a connection that writes */
struct write {
        sqlite3 *db;
        const char *path; /* borrowed */
        sqlite3_stmt *set_meta, *clear_entries, *drop_entries, *add_entry, *set_snapshot, *add_row;
        uint64_t last; /* version of the newest entry, as of the last commit */
        bool last_known;
};

/** write_batches() - @n batches in one transaction; 0: all are on disk, else none is; @failed is
 * the index of the one that failed (0 when it was the commit). Return: 0 or -errno with @err. */
int write_batches(struct write *w, struct store_batch *const *batches, size_t n, size_t *failed,
                  char *err);
/** write_close() - finalize and close */
void write_close(struct write *w);
