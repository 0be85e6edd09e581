/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/schema.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/store/aside.h"
#include "hawd/store/db.h"

#define APPLICATION_ID 0x68617764 /* "hawd" */

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

/* From schema i + 1 to the next. */
static const char *const upgrades[] = {
        "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        "PRAGMA user_version = 2;",
        /* Rows say what their host was called: its number may come to another. Those of before say
         * it in the texts with which it came and was renamed. */
        "ALTER TABLE history RENAME COLUMN json TO host_name;"
        "CREATE TABLE called AS SELECT host, version, CASE kind"
        " WHEN 'host-added' THEN substr(text, 1, instr(text, ' ') - 1)"
        " ELSE substr(text, instr(text, ' called ') + 8,"
        " instr(text, ' in the nodelist') - instr(text, ' called ') - 8) END AS name"
        " FROM history WHERE kind IN ('host-added', 'host-renamed');"
        "UPDATE history SET host_name = coalesce((SELECT name FROM called"
        " WHERE called.host = history.host AND called.version <= history.version"
        " ORDER BY called.version DESC LIMIT 1), '') WHERE host <> 0;"
        "DROP TABLE called;"
        "DROP INDEX history_host;"
        "CREATE INDEX history_host ON history (host_name, version, seq) WHERE host_name <> '';"
        "PRAGMA user_version = 3;",
};

static_assert(APPLICATION_ID == 1751218020 && ARRAY_SIZE(upgrades) == STORE_SCHEMA - 1,
              "as in the texts above");

/* ---- about: whose it is ---- */

static int set_about(sqlite3 *db, const char *path, const char *key, const char *value, char *err) {
        sqlite3_stmt *stmt;
        int r = 0;

        if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO about VALUES (?1, ?2)", -1, &stmt,
                               NULL) != SQLITE_OK)
                return db_error(db, path, err);
        (void)sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC); /* fails for no memory only */
        (void)sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) != SQLITE_DONE)
                r = db_error(db, path, err);
        (void)sqlite3_finalize(stmt); /* the step has told it */
        return r;
}

static int set_number(sqlite3 *db, const char *path, const char *key, uint32_t value, char *err) {
        char text[16];

        text_fmt(text, sizeof(text), "%u", value);
        return set_about(db, path, key, text, err);
}

static int set_node(sqlite3 *db, const char *path, const struct db_about *about, char *err) {
        int r = set_number(db, path, "nodeid", about->nodeid, err);

        return r == 0 ? set_about(db, path, "name", about->name, err) : r;
}

int db_claim(sqlite3 *db, const char *path, const struct db_about *about, char *err) {
        int r = db_exec(db, path, "BEGIN IMMEDIATE", err);
        char ignored[TEXT_LEN];

        if (r == 0)
                r = set_node(db, path, about, err);
        if (r == 0)
                r = db_exec(db, path, "COMMIT", err);
        if (r < 0)
                (void)db_exec(db, path, "ROLLBACK", ignored); /* else closing does it */
        return r;
}

static int set_owner(sqlite3 *db, const char *path, const struct store_owner *o,
                     const struct db_about *about, char *err) {
        int r = set_about(db, path, "cluster", o->cluster, err);

        if (r == 0)
                r = set_number(db, path, "format", o->format, err);
        if (r == 0)
                r = set_node(db, path, about, err);
        if (r == 0 && about->lost[0])
                r = set_about(db, path, "lost", about->lost, err);
        return r;
}

/* @ret stays as it is when there is no such row. */
static int get_about(sqlite3 *db, const char *path, const char *key, char *ret, size_t size,
                     char *err) {
        sqlite3_stmt *stmt;
        int rc, r = 0;

        if (sqlite3_prepare_v2(db, "SELECT value FROM about WHERE key = ?1", -1, &stmt, NULL) !=
            SQLITE_OK)
                return db_error(db, path, err);
        (void)sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC); /* fails for no memory only */
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                text_fmt(ret, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
        else if (rc != SQLITE_DONE)
                r = db_error(db, path, err);
        (void)sqlite3_finalize(stmt); /* the step has told it */
        return r;
}

static int get_all(sqlite3 *db, const char *path, struct db_about *about, char *cluster,
                   char *err) {
        char nodeid[16] = "", format[16] = "";
        int r = get_about(db, path, "cluster", cluster, NAME_LEN, err);

        if (r == 0)
                r = get_about(db, path, "nodeid", nodeid, sizeof(nodeid), err);
        if (r == 0)
                r = get_about(db, path, "name", about->name, sizeof(about->name), err);
        if (r == 0)
                r = get_about(db, path, "format", format, sizeof(format), err);
        if (r == 0)
                r = get_about(db, path, "lost", about->lost, sizeof(about->lost), err);
        if (r == 0 && (!cluster[0] || !nodeid[0] || !format[0]))
                r = db_damaged(path, err, "it does not say whose it is");
        about->nodeid = (uint32_t)strtoul(nodeid, NULL, 10);
        about->format = (uint32_t)strtoul(format, NULL, 10);
        return r;
}

static int check_owner(sqlite3 *db, const char *path, const struct store_owner *o,
                       struct db_about *about, char *err) {
        char cluster[NAME_LEN] = "";
        int r = get_all(db, path, about, cluster, err);

        if (r < 0 || strcmp(cluster, o->cluster) == 0)
                return r;
        text_fmt(
                err, TEXT_LEN,
                "%.50s: of cluster %.24s, this one is %.24s: set the name back, or move it away if "
                "this disk is another cluster's; then restart hawd",
                path, cluster, o->cluster);
        return -EXDEV;
}

/* ---- a new one ---- */

/* In one transaction: a file of schema 2 says whose it is. */
static int upgrade(sqlite3 *db, const char *path, int64_t schema, const struct store_owner *owner,
                   const struct db_about *about, char *err) {
        int r = db_exec(db, path, "BEGIN IMMEDIATE", err);

        for (size_t i = (size_t)schema; r == 0 && i <= ARRAY_SIZE(upgrades); i++)
                r = db_exec(db, path, upgrades[i - 1], err);
        if (r == 0 && schema == 1)
                r = set_owner(db, path, owner, about, err);
        if (r == 0)
                r = db_exec(db, path, "COMMIT", err);
        return r; /* closing rolls back */
}

static int fill(sqlite3 *db, const char *path, const struct store_owner *owner,
                const struct db_about *about, char *err) {
        int r = db_exec(db, path, "PRAGMA synchronous = FULL", err);

        if (r == 0)
                r = db_exec(db, path, schema_sql, err);
        if (r == 0)
                r = upgrade(db, path, 1, owner, about, err);
        return r;
}

int db_create(const char *path, const struct store_owner *owner, const struct db_about *about,
              char *err) {
        sqlite3 *db = NULL;
        /* SQLite would take the umask's mode; its WAL then gets the mode of this file. */
        int r, fd;

        (void)unlink(path); /* what was cut short before; if it stays, O_EXCL says so */
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "%.120s: %.60s", path, strerrordesc_np(-r));
                return r;
        }
        (void)close(fd); /* nothing was written */
        r = db_connect(path, &db, err);
        if (r == 0)
                r = fill(db, path, owner, about, err);
        if (sqlite3_close(db) != SQLITE_OK && r == 0)
                r = db_error(db, path, err);
        if (r < 0)
                (void)unlink(path); /* or the next try does */
        return r;
}

/* ---- one that is there ---- */

static int look(const char *path, char *err) {
        struct stat st;

        if (lstat(path, &st) < 0) {
                int r = -errno;

                text_fmt(err, TEXT_LEN, "%.120s: %.60s", path, strerrordesc_np(-r));
                return r;
        }
        if (!S_ISREG(st.st_mode)) {
                text_fmt(err, TEXT_LEN, "%.80s: no regular file%s: move it away", path,
                         S_ISLNK(st.st_mode) ? " but a symbolic link (link the folder instead)"
                                             : "");
                return -EINVAL;
        }
        if (st.st_size == 0)
                return db_damaged(path, err, "it is empty");
        /* It names guests and holds their XML, passwords of consoles among it. */
        if ((st.st_mode & 077) != 0)
                (void)chmod(path, st.st_mode & 0700); /* another's file: then it stays readable */
        return 0;
}

static int check_schema(sqlite3 *db, const char *path, int64_t *ret, char *err) {
        int64_t application = 0, schema = 0;
        int r = db_number(db, path, "PRAGMA application_id", &application, err);

        if (r == 0)
                r = db_number(db, path, "PRAGMA user_version", &schema, err);
        if (r < 0)
                return r;
        if (application != APPLICATION_ID) {
                text_fmt(err, TEXT_LEN, "%.80s: a database, but not hawd's", path);
                return -EUCLEAN;
        }
        if (schema > STORE_SCHEMA) {
                text_fmt(err, TEXT_LEN,
                         "%.60s: from a newer hawd (schema %" PRId64
                         ", this one knows %d): install the newer hawd again",
                         path, schema, STORE_SCHEMA);
                return -EPROTONOSUPPORT;
        }
        if (schema < 1)
                return db_damaged(path, err, "schema %" PRId64, schema);
        *ret = schema;
        return 0;
}

/*
 * Only the ledger: history may be large, is not needed to start, and a page of it that cannot be
 * read is reported by whoever reads it.
 */
static int quick_check(sqlite3 *db, const char *path, char *err) {
        static const char *const checks[] = {
                "PRAGMA quick_check('meta')", "PRAGMA quick_check('about')",
                "PRAGMA quick_check('snapshot')", "PRAGMA quick_check('entry')"};

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
                if (r == 0 && (!answer || strcmp(answer, "ok") != 0))
                        r = db_damaged(path, err, "%.90s", answer ? answer : "?");
                (void)sqlite3_finalize(stmt); /* the step has told it */
                if (r < 0)
                        return r;
        }
        return 0;
}

int db_open(const char *path, const struct store_owner *owner, sqlite3 **ret,
            struct db_about *ret_about, char *err) {
        struct db_about about = {0};
        sqlite3 *db = NULL;
        int64_t schema = 0;
        int r = look(path, err);

        if (r == 0)
                r = db_connect(path, &db, err);
        if (r < 0)
                return r;
        /* One that is not ours is left as it is: even closing would write its log into it. */
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        r = check_schema(db, path, &schema, err);
        if (r == 0 && schema >= 2)
                r = check_owner(db, path, owner, &about, err);
        if (r == 0)
                r = db_configure(db, path, err);
        if (r == 0 && schema == 1)
                about.format = owner->format;
        if (r == 0 && schema < STORE_SCHEMA)
                r = upgrade(db, path, schema, owner, &about, err);
        if (r == 0)
                r = quick_check(db, path, err);
        if (r == 0)
                r = sync_folder(path, err);
        if (r < 0) {
                (void)sqlite3_close(db);
                return r;
        }
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        *ret = db;
        *ret_about = about;
        return 0;
}
