/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SQLite file: connections, and errors for people. Internal to hawd/store.
 */
#pragma once

#include <sqlite3.h>

#include "hawd/store/store.h"

/** db_error() - -errno of the last failure of @db, with @err (of TEXT_LEN bytes) for people */
int db_error(sqlite3 *db, const char *path, char *err);

/** db_ruined() - after that failure: what was written to this file cannot be relied on any more */
bool db_ruined(sqlite3 *db);

/** db_damaged() - for what SQLite does not see. Return: -EUCLEAN, with @err from the format. */
int db_damaged(const char *path, char *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** db_exec() - statements without parameters. Return: 0 or as db_error(). */
int db_exec(sqlite3 *db, const char *path, const char *sql, char *err);

/** db_number() - the first column of the first row of @sql. Return: 0 or as db_error(). */
int db_number(sqlite3 *db, const char *path, const char *sql, int64_t *ret, char *err);

/** db_connect() - reads and writes, changes nothing yet. Return: 0 or -errno. */
int db_connect(const char *path, sqlite3 **ret, char *err);
/** db_configure() - for writing: WAL, synchronous=FULL. Return: 0 or -errno. */
int db_configure(sqlite3 *db, const char *path, char *err);
/** db_open_again() - the file that db_open() made or checked, for writing. Return: 0 or -errno. */
int db_open_again(const char *path, sqlite3 **ret, char *err);

/** db_load() - as store_load() */
int db_load(sqlite3 *db, const char *path, struct store_loaded *ret, char *err);

/** db_sum() - what is kept beside every blob: SQLite itself does not notice a changed byte */
int64_t db_sum(uint64_t version, uint64_t epoch, const void *data, size_t len);
