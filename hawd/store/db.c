/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/db.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x68617764 /* "hawd" */
#define BUSY_MSEC 5000            /* somebody's sqlite3 shell */

/*
 * meta is one row. Blobs carry a sum (db_sum). History has no rowid: its key is the order in which
 * it is read. Each index serves one filter of store_history(), newest first.
 */
static const char schema_sql[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE meta ("
        " id INTEGER PRIMARY KEY CHECK (id = 1),"
        " epoch INTEGER NOT NULL, promised INTEGER NOT NULL,"
        " base_version INTEGER NOT NULL, alone INTEGER NOT NULL);"
        "INSERT INTO meta VALUES (1, 0, 0, 0, 0);"
        "CREATE TABLE snapshot ("
        " id INTEGER PRIMARY KEY CHECK (id = 1),"
        " version INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
        "CREATE TABLE entry ("
        " version INTEGER PRIMARY KEY,"
        " epoch INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
        "CREATE TABLE history ("
        " version INTEGER NOT NULL, seq INTEGER NOT NULL, wall_usec INTEGER NOT NULL,"
        " kind TEXT NOT NULL, host INTEGER NOT NULL, guest TEXT NOT NULL,"
        " incident INTEGER NOT NULL, text TEXT NOT NULL, json TEXT NOT NULL,"
        " PRIMARY KEY (version, seq)) WITHOUT ROWID;"
        "CREATE INDEX history_host ON history (host, version, seq) WHERE host <> 0;"
        "CREATE INDEX history_guest ON history (guest, version, seq) WHERE guest <> '';"
        "CREATE INDEX history_incident ON history (incident, version, seq) WHERE incident <> 0;"
        "PRAGMA application_id = 1751218020;"
        "PRAGMA user_version = 1;"
        "COMMIT;";

static_assert(APPLICATION_ID == 1751218020 && STORE_SCHEMA == 1, "as in schema_sql");

int db_error(sqlite3 *db, const char *path, char *err) {
        int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
        int system = db ? sqlite3_system_errno(db) : 0;
        const char *message = db ? sqlite3_errmsg(db) : "out of memory";

        switch (code & 0xff) {
        case SQLITE_FULL:
                text_fmt(err, TEXT_LEN, "%.80s: the disk is full", path);
                return -ENOSPC;
        case SQLITE_READONLY:
                text_fmt(err, TEXT_LEN, "%.80s: cannot be written: %.60s", path, message);
                return -EROFS;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                text_fmt(err, TEXT_LEN,
                         "%.60s: damaged (%.40s): move it aside, and hawd takes the ledger from "
                         "the other hosts",
                         path, message);
                return -EUCLEAN;
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
        text_fmt(err, TEXT_LEN, "%.80s: %.60s%s%.40s", path, message, system > 0 ? ": " : "",
                 system > 0 ? strerrordesc_np(system) : "");
        return system > 0 ? -system : -EIO;
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

int db_open_again(const char *path, sqlite3 **ret, char *err) {
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
        /* A WAL that a long reader has made large is cut again by the next checkpoint. */
        r = db_exec(db, path,
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                    "PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON;",
                    err);
        if (r < 0)
                (void)sqlite3_close(db);
        else
                *ret = db;
        return r;
}

static int check_schema(sqlite3 *db, const char *path, char *err) {
        int64_t application = 0, schema = 0, tables = 0;
        int r = db_number(db, path, "PRAGMA application_id", &application, err);

        if (r == 0)
                r = db_number(db, path, "PRAGMA user_version", &schema, err);
        if (r == 0)
                r = db_number(db, path, "SELECT count(*) FROM sqlite_schema", &tables, err);
        if (r < 0)
                return r;
        if (application == 0 && schema == 0 && tables == 0)
                return db_exec(db, path, schema_sql, err);
        if (application != APPLICATION_ID) {
                text_fmt(err, TEXT_LEN, "%.80s: a database, but not hawd's: move it aside", path);
                return -EUCLEAN;
        }
        if (schema > STORE_SCHEMA) {
                text_fmt(err, TEXT_LEN,
                         "%.60s: from a newer hawd (schema %" PRId64 ", this one knows %d): update "
                         "hawd, or move it aside and the other hosts give the ledger",
                         path, schema, STORE_SCHEMA);
                return -EPROTONOSUPPORT;
        }
        if (schema < 1) {
                text_fmt(err, TEXT_LEN, "%.60s: damaged (schema %" PRId64 "): move it aside", path,
                         schema);
                return -EUCLEAN;
        }
        return 0;
}

/*
 * Only the ledger: history may be large, is not needed to start, and a page of it that cannot be
 * read is reported by whoever reads it.
 */
static int quick_check(sqlite3 *db, const char *path, char *err) {
        static const char *const checks[] = {"PRAGMA quick_check('meta')",
                                             "PRAGMA quick_check('snapshot')",
                                             "PRAGMA quick_check('entry')"};

        for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
                sqlite3_stmt *stmt;
                const char *answer = "no answer";
                int r = 0;

                if (sqlite3_prepare_v2(db, checks[i], -1, &stmt, NULL) != SQLITE_OK)
                        return db_error(db, path, err);
                if (sqlite3_step(stmt) != SQLITE_ROW)
                        r = db_error(db, path, err);
                else
                        answer = (const char *)sqlite3_column_text(stmt, 0);
                if (r == 0 && (!answer || strcmp(answer, "ok") != 0)) {
                        text_fmt(err, TEXT_LEN,
                                 "%.60s: damaged (%.40s): move it aside, and hawd takes the ledger "
                                 "from the other hosts",
                                 path, answer ? answer : "?");
                        r = -EUCLEAN;
                }
                (void)sqlite3_finalize(stmt); /* the step has told it */
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The name of a new file is on disk only when its folder is. Return: 0 or -errno. */
static int sync_folder(const char *path) {
        _cleanup_(freep) char *folder = xstrdup(path);
        char *slash = strrchr(folder, '/');
        int fd, r = 0;

        if (slash)
                slash[slash == folder] = '\0';
        fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fsync(fd) < 0)
                r = -errno;
        (void)close(fd); /* a folder */
        return r;
}

int db_open(const char *path, sqlite3 **ret, char *err) {
        sqlite3 *db = NULL;
        /* SQLite would take the umask's mode; its WAL then gets the mode of this file. */
        int r, fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

        if (fd < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "%.120s: %.60s", path, strerrordesc_np(-r));
                return r;
        }
        (void)close(fd); /* nothing was written */
        r = db_open_again(path, &db, err);
        if (r < 0)
                return r;
        r = check_schema(db, path, err);
        if (r == 0)
                r = quick_check(db, path, err);
        if (r == 0) {
                r = sync_folder(path);
                if (r < 0)
                        text_fmt(err, TEXT_LEN, "%.120s: its folder: %.60s", path,
                                 strerrordesc_np(-r));
        }
        if (r < 0)
                (void)sqlite3_close(db);
        else
                *ret = db;
        return r;
}
