/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/reader.h"

#include <stdio.h>

#include "hawd/store/db.h"

#define KINDS_MAX 128

#define COLUMNS "version, seq, wall_usec, kind, host, guest, incident, text, host_name"

struct store_reader {
        sqlite3 *db;
        char *path;
};

static int connect(const char *path, sqlite3 **ret, char *err) {
        sqlite3 *db = NULL;

        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK) {
                int r = db_error(db, path, err);

                (void)sqlite3_close(db);
                return r;
        }
        (void)sqlite3_extended_result_codes(db, 1);
        (void)sqlite3_busy_timeout(db, 1000); /* only while a WAL is recovered */
        *ret = db;
        return 0;
}

int store_reader_open(const char *path, struct store_reader **ret, char *err) {
        struct store_reader *r;
        sqlite3 *db;
        int code = connect(path, &db, err);

        if (code < 0)
                return code;
        r = xcalloc(1, sizeof(*r));
        r->db = db;
        r->path = xstrdup(path);
        *ret = r;
        return 0;
}

/* A database that was begun anew is another file. */
static int follow(struct store_reader *r) {
        char err[TEXT_LEN];
        int moved = 0, code;
        sqlite3 *db;

        (void)sqlite3_file_control(r->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        if (!moved)
                return 0;
        code = connect(r->path, &db, err);
        if (code < 0)
                return code;
        (void)sqlite3_close(r->db); /* only read */
        r->db = db;
        return 0;
}

struct store_reader *store_reader_free(struct store_reader *r) {
        if (r) {
                (void)sqlite3_close(r->db); /* only read */
                free(r->path);
                free(r);
        }
        return NULL;
}

static const char *column_text(sqlite3_stmt *stmt, int i) {
        const char *text = (const char *)sqlite3_column_text(stmt, i);

        return text ? text : "";
}

/* Owns @stmt. */
static int give_rows(struct store_reader *r, sqlite3_stmt *stmt, store_row_fn *fn, void *ud) {
        char err[TEXT_LEN];
        bool enough = false;
        int rc = SQLITE_DONE, code = 0;

        while (!enough && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                struct store_row row = {
                        .version = (uint64_t)sqlite3_column_int64(stmt, 0),
                        .seq = (uint32_t)sqlite3_column_int64(stmt, 1),
                        .wall_usec = (usec_t)sqlite3_column_int64(stmt, 2),
                        .kind = column_text(stmt, 3),
                        .host = (uint32_t)sqlite3_column_int64(stmt, 4),
                        .guest = column_text(stmt, 5),
                        .incident = (uint64_t)sqlite3_column_int64(stmt, 6),
                        .text = column_text(stmt, 7),
                        .host_name = column_text(stmt, 8),
                };

                enough = fn(ud, &row);
        }
        if (!enough && rc != SQLITE_DONE)
                code = db_error(r->db, r->path, err);
        (void)sqlite3_finalize(stmt); /* the step has told it */
        return code;
}

/* SQLite's integers are signed; no version comes near. */
static int64_t clamp(uint64_t value) {
        return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static sqlite3_stmt *prepare_history(struct store_reader *r, const struct store_filter *f) {
        char sql[2048];
        sqlite3_stmt *stmt;
        size_t len;
        bool host = f->host && *f->host, guest = f->guest && *f->guest;

        text_fmt(sql, sizeof(sql),
                 "SELECT " COLUMNS " FROM history WHERE (version, seq) < (?1, ?2)%s%s%s%s%s",
                 f->since_wall > 0 ? " AND wall_usec >= ?3" : "",
                 f->until_wall > 0 ? " AND wall_usec < ?4" : "",
                 host ? " AND host_name = ?5 AND host_name <> ''" : "",
                 guest ? " AND guest = ?6 AND guest <> ''" : "",
                 f->incident > 0 ? " AND incident = ?7 AND incident <> 0" : "");
        for (size_t i = 0; i < f->n_kinds; i++) {
                len = strlen(sql);
                text_fmt(sql + len, sizeof(sql) - len, "%s?%zu%s", i == 0 ? " AND kind IN (" : ",",
                         10 + i, i + 1 == f->n_kinds ? ")" : "");
        }
        len = strlen(sql);
        text_fmt(sql + len, sizeof(sql) - len, " ORDER BY version DESC, seq DESC LIMIT ?8");
        if (sqlite3_prepare_v2(r->db, sql, -1, &stmt, NULL) != SQLITE_OK)
                return NULL;
        (void)sqlite3_bind_int64(stmt, 1, f->before_version ? clamp(f->before_version) : INT64_MAX);
        (void)sqlite3_bind_int64(stmt, 2, f->before_version ? f->before_seq : 0);
        (void)sqlite3_bind_int64(stmt, 3, clamp(f->since_wall));
        (void)sqlite3_bind_int64(stmt, 4, clamp(f->until_wall));
        (void)sqlite3_bind_text(stmt, 5, f->host, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(stmt, 6, f->guest, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 7, clamp(f->incident));
        (void)sqlite3_bind_int64(stmt, 8, f->limit > 0 ? clamp(f->limit) : -1);
        for (size_t i = 0; i < f->n_kinds; i++)
                (void)sqlite3_bind_text(stmt, (int)(10 + i), f->kinds[i], -1, SQLITE_STATIC);
        return stmt; /* a parameter that the text does not have is refused, and that is meant */
}

int store_history(struct store_reader *r, const struct store_filter *filter, store_row_fn *fn,
                  void *ud) {
        char err[TEXT_LEN];
        sqlite3_stmt *stmt;
        int code;

        if (filter->n_kinds > KINDS_MAX)
                return -EINVAL;
        code = follow(r);
        if (code < 0)
                return code;
        stmt = prepare_history(r, filter);
        return stmt ? give_rows(r, stmt, fn, ud) : db_error(r->db, r->path, err);
}

int store_history_after(struct store_reader *r, uint64_t version, uint32_t seq, size_t limit,
                        store_row_fn *fn, void *ud) {
        char err[TEXT_LEN];
        sqlite3_stmt *stmt;
        int code = follow(r);

        if (code < 0)
                return code;
        if (sqlite3_prepare_v2(r->db,
                               "SELECT " COLUMNS " FROM history WHERE (version, seq) > (?1, ?2)"
                               " ORDER BY version, seq LIMIT ?3",
                               -1, &stmt, NULL) != SQLITE_OK)
                return db_error(r->db, r->path, err);
        (void)sqlite3_bind_int64(stmt, 1, clamp(version));
        (void)sqlite3_bind_int64(stmt, 2, seq);
        (void)sqlite3_bind_int64(stmt, 3, clamp(limit));
        return give_rows(r, stmt, fn, ud);
}
