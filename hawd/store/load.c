/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "hawd/store/db.h"

static struct blob *column_blob(sqlite3_stmt *stmt, int i) {
        const void *data = sqlite3_column_blob(stmt, i); /* NULL when empty */

        return blob_new(data, (size_t)sqlite3_column_bytes(stmt, i));
}

static int load_meta(sqlite3 *db, const char *path, struct store_loaded *l, char *err) {
        sqlite3_stmt *stmt;
        int rc, r = 0;

        if (sqlite3_prepare_v2(db, "SELECT epoch, promised, base_version, alone FROM meta", -1,
                               &stmt, NULL) != SQLITE_OK)
                return db_error(db, path, err);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                l->epoch = (uint64_t)sqlite3_column_int64(stmt, 0);
                l->promised = (uint64_t)sqlite3_column_int64(stmt, 1);
                l->base_version = (uint64_t)sqlite3_column_int64(stmt, 2);
                l->alone = sqlite3_column_int(stmt, 3) != 0;
        } else {
                r = rc == SQLITE_DONE ? db_damaged(path, err, "no row in meta")
                                      : db_error(db, path, err);
        }
        (void)sqlite3_finalize(stmt); /* the step has told it */
        return r;
}

static int load_snapshot(sqlite3 *db, const char *path, struct store_loaded *l, char *err) {
        sqlite3_stmt *stmt;
        int rc, r = 0;

        if (sqlite3_prepare_v2(db, "SELECT version, sum, bytes FROM snapshot", -1, &stmt, NULL) !=
            SQLITE_OK)
                return db_error(db, path, err);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                l->snapshot = column_blob(stmt, 2);
                if ((uint64_t)sqlite3_column_int64(stmt, 0) != l->base_version ||
                    sqlite3_column_int64(stmt, 1) !=
                            db_sum(l->base_version, 0, l->snapshot->data, l->snapshot->len))
                        r = db_damaged(path, err, "state %" PRIu64, l->base_version);
        } else if (rc != SQLITE_DONE) {
                r = db_error(db, path, err);
        } else if (l->base_version != 0) {
                r = db_damaged(path, err, "no state %" PRIu64, l->base_version);
        }
        (void)sqlite3_finalize(stmt); /* the step has told it */
        return r;
}

static int load_entries(sqlite3 *db, const char *path, struct store_loaded *l, char *err) {
        sqlite3_stmt *stmt;
        size_t size = 0;
        int rc, r = 0;

        if (sqlite3_prepare_v2(db, "SELECT version, epoch, sum, bytes FROM entry ORDER BY version",
                               -1, &stmt, NULL) != SQLITE_OK)
                return db_error(db, path, err);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                struct store_loaded_entry *e;

                if (l->n_entries == size) {
                        size = size * 2 + 64;
                        l->entries = xreallocarray(l->entries, size, sizeof(*l->entries));
                }
                e = &l->entries[l->n_entries++];
                e->version = (uint64_t)sqlite3_column_int64(stmt, 0);
                e->epoch = (uint64_t)sqlite3_column_int64(stmt, 1);
                e->bytes = column_blob(stmt, 3);
                if (e->version != l->base_version + l->n_entries ||
                    sqlite3_column_int64(stmt, 2) !=
                            db_sum(e->version, e->epoch, e->bytes->data, e->bytes->len)) {
                        r = db_damaged(path, err, "entry %" PRIu64, e->version);
                        break;
                }
        }
        if (r == 0 && rc != SQLITE_DONE)
                r = db_error(db, path, err);
        (void)sqlite3_finalize(stmt); /* the step has told it */
        return r;
}

static int load_gap(sqlite3 *db, const char *path, struct store_loaded *l, char *err) {
        sqlite3_stmt *stmt;
        int rc, r = 0;

        if (sqlite3_prepare_v2(db, "SELECT value FROM about WHERE key = 'history'", -1, &stmt,
                               NULL) != SQLITE_OK)
                return db_error(db, path, err);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                const char *text = (const char *)sqlite3_column_text(stmt, 0);

                if (!text || sscanf(text, "%" SCNu64 " %" SCNu64, &l->gap_from, &l->gap_to) != 2)
                        r = db_damaged(path, err, "which history lacks");
        } else if (rc != SQLITE_DONE) {
                r = db_error(db, path, err);
        }
        (void)sqlite3_finalize(stmt); /* the step has told it */
        return r;
}

int db_load(sqlite3 *db, const char *path, struct store_loaded *ret, char *err) {
        struct store_loaded l = {0};
        int r = load_meta(db, path, &l, err);

        if (r == 0)
                r = load_snapshot(db, path, &l, err);
        if (r == 0)
                r = load_entries(db, path, &l, err);
        if (r == 0)
                r = load_gap(db, path, &l, err);
        if (r < 0)
                store_loaded_clear(&l);
        else
                *ret = l;
        return r;
}

void store_loaded_clear(struct store_loaded *l) {
        blob_unref(l->snapshot);
        for (size_t i = 0; i < l->n_entries; i++)
                blob_unref(l->entries[i].bytes);
        free(l->entries);
        *l = (struct store_loaded){0};
}
