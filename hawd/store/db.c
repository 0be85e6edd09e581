/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/db.h"

#include <stdarg.h>
#include <stdio.h>

#define BUSY_MSEC 5000 /* somebody's sqlite3 shell */

/* SQLite does not keep it for a commit; then it is the last one, if a disk may say it. */
static int system_error(sqlite3 *db, int last) {
        static const int of_disks[] = {EIO,   ENOSPC, EDQUOT, EROFS,  EFBIG,    EACCES,
                                       EPERM, ENXIO,  ENODEV, ESTALE, ETIMEDOUT};
        int system = sqlite3_system_errno(db);

        if (system > 0 || (sqlite3_extended_errcode(db) & 0xff) != SQLITE_IOERR)
                return system;
        for (size_t i = 0; i < ARRAY_SIZE(of_disks); i++)
                if (last == of_disks[i])
                        return last;
        return 0;
}

int db_error(sqlite3 *db, const char *path, char *err) {
        int system = db ? system_error(db, errno) : 0;
        int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
        const char *message = db ? sqlite3_errmsg(db) : "out of memory";

        /* SQLite calls it an I/O error, or a file that cannot be opened. */
        if (system == ENOSPC && (code & 0xff) != SQLITE_CORRUPT)
                code = SQLITE_FULL;
        if (system == EROFS && (code & 0xff) != SQLITE_CORRUPT)
                code = SQLITE_READONLY;
        switch (code & 0xff) {
        case SQLITE_FULL:
                text_fmt(err, TEXT_LEN, "%.80s: the disk is full: make room there", path);
                return -ENOSPC;
        case SQLITE_READONLY:
                text_fmt(err, TEXT_LEN,
                         "%.80s: cannot be written (%.60s): dmesg says why, mount it for writing",
                         path, system == EROFS ? strerrordesc_np(EROFS) : message);
                return -EROFS;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return db_damaged(path, err, "%.60s", message);
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                text_fmt(err, TEXT_LEN, "%.80s: held by another program: %.60s", path, message);
                return -EBUSY;
        case SQLITE_NOMEM:
                text_fmt(err, TEXT_LEN, "%.80s: out of memory", path);
                return -ENOMEM;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                system = EACCES;
                break;
        default:
                break;
        }
        text_fmt(err, TEXT_LEN, "%.80s: %.40s%s%.40s%s", path, message, system > 0 ? ": " : "",
                 system > 0 ? strerrordesc_np(system) : "",
                 system == EIO ? ": look at the disk (dmesg)" : "");
        return system > 0 ? -system : -EIO;
}

bool db_ruined(sqlite3 *db) {
        int code = sqlite3_extended_errcode(db) & 0xff;

        return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

int db_damaged(const char *path, char *err, const char *fmt, ...) {
        char what[TEXT_LEN];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(what, sizeof(what), fmt, ap); /* cut is fine */
        va_end(ap);
        text_fmt(err, TEXT_LEN, "%.80s: damaged: %.100s", path, what);
        return -EUCLEAN;
}

int db_exec(sqlite3 *db, const char *path, const char *sql, char *err) {
        return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(db, path, err);
}

int db_number(sqlite3 *db, const char *path, const char *sql, int64_t *ret, char *err) {
        sqlite3_stmt *stmt;
        int r = 0;

        if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
                return db_error(db, path, err);
        if (sqlite3_step(stmt) == SQLITE_ROW)
                *ret = sqlite3_column_int64(stmt, 0);
        else
                r = db_error(db, path, err);
        (void)sqlite3_finalize(stmt); /* the step has told it */
        return r;
}

int64_t db_sum(uint64_t version, uint64_t epoch, const void *data, size_t len) {
        return (int64_t)hash64(hash64(epoch, &version, sizeof(version)), data, len);
}

int db_connect(const char *path, sqlite3 **ret, char *err) {
        sqlite3 *db = NULL;
        int r;

        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK) {
                r = db_error(db, path, err);
                (void)sqlite3_close(db);
                return r;
        }
        (void)sqlite3_extended_result_codes(db, 1);
        (void)sqlite3_busy_timeout(db, BUSY_MSEC);
        *ret = db;
        return 0;
}

int db_configure(sqlite3 *db, const char *path, char *err) {
        /* A WAL that a long reader has made large is cut again by the next checkpoint. */
        return db_exec(db, path,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON;",
                       err);
}

int db_open_again(const char *path, sqlite3 **ret, char *err) {
        sqlite3 *db;
        int r = db_connect(path, &db, err);

        if (r < 0)
                return r;
        r = db_configure(db, path, err);
        if (r < 0)
                (void)sqlite3_close(db);
        else
                *ret = db;
        return r;
}
