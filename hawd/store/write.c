/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches into one transaction. Runs on the store's thread. */
#include "hawd/store/db.h"

static int fail(struct write *w, char *err) {
        return db_error(w->db, w->path, err);
}

static int prepare(struct write *w, char *err) {
        const struct {
                sqlite3_stmt **stmt;
                const char *sql;
        } list[] = {
                {&w->set_meta, "UPDATE meta SET promised = coalesce(?1, promised),"
                               " epoch = coalesce(?2, epoch), alone = coalesce(?3, alone),"
                               " base_version = coalesce(?4, base_version)"},
                {&w->clear_entries, "DELETE FROM entry"},
                {&w->drop_entries, "DELETE FROM entry WHERE version <= ?1"},
                {&w->add_entry, "INSERT INTO entry (version, epoch, sum, bytes)"
                                " VALUES (?1, ?2, ?3, ?4)"},
                {&w->set_snapshot, "INSERT OR REPLACE INTO snapshot (id, version, sum, bytes)"
                                   " VALUES (1, ?1, ?2, ?3)"},
                {&w->add_row, "INSERT OR IGNORE INTO history"
                              " (version, seq, wall_usec, kind, host, guest, incident, text, json)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(list); i++)
                if (!*list[i].stmt &&
                    sqlite3_prepare_v3(w->db, list[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                       list[i].stmt, NULL) != SQLITE_OK)
                        return fail(w, err);
        return 0;
}

static int run(struct write *w, sqlite3_stmt *stmt, char *err) {
        int rc = sqlite3_step(stmt), r = rc == SQLITE_DONE ? 0 : fail(w, err);

        (void)sqlite3_reset(stmt); /* the step has told it */
        (void)sqlite3_clear_bindings(stmt);
        return r;
}

/* Values bound are borrowed until run(); binding fails only for what store_submit() refuses. */
static void bind_number(sqlite3_stmt *stmt, int i, uint64_t value) {
        (void)sqlite3_bind_int64(stmt, i, (int64_t)value);
}

static void bind_text(sqlite3_stmt *stmt, int i, const char *value) {
        (void)sqlite3_bind_text(stmt, i, value, -1, SQLITE_STATIC);
}

static void bind_bytes(sqlite3_stmt *stmt, int i, const struct store_bytes *b) {
        /* NULL would be SQL's NULL, not an empty blob. */
        (void)sqlite3_bind_blob64(stmt, i, b->len > 0 ? b->data : "", b->len, SQLITE_STATIC);
}

static int write_base(struct write *w, const struct store_batch *b, uint64_t *last, char *err) {
        int r;

        if (b->install) {
                *last = b->base_version;
                r = run(w, w->clear_entries, err);
        } else {
                if (b->base_version > *last) {
                        text_fmt(err, TEXT_LEN,
                                 "compaction to entry %" PRIu64 ", but the newest is %" PRIu64,
                                 b->base_version, *last);
                        return -EINVAL;
                }
                bind_number(w->drop_entries, 1, b->base_version);
                r = run(w, w->drop_entries, err);
        }
        if (r < 0)
                return r;
        bind_number(w->set_snapshot, 1, b->base_version);
        (void)sqlite3_bind_int64(w->set_snapshot, 2,
                                 db_sum(b->base_version, 0, b->snapshot.data, b->snapshot.len));
        bind_bytes(w->set_snapshot, 3, &b->snapshot);
        return run(w, w->set_snapshot, err);
}

static int write_entry(struct write *w, const struct store_entry *e, uint64_t *last, char *err) {
        if (e->version != *last + 1) {
                text_fmt(err, TEXT_LEN, "entry %" PRIu64 " does not follow %" PRIu64, e->version,
                         *last);
                return -EINVAL;
        }
        bind_number(w->add_entry, 1, e->version);
        bind_number(w->add_entry, 2, e->epoch);
        (void)sqlite3_bind_int64(w->add_entry, 3,
                                 db_sum(e->version, e->epoch, e->bytes.data, e->bytes.len));
        bind_bytes(w->add_entry, 4, &e->bytes);
        *last = e->version;
        return run(w, w->add_entry, err);
}

static int write_row(struct write *w, const struct store_row *row, char *err) {
        bind_number(w->add_row, 1, row->version);
        bind_number(w->add_row, 2, row->seq);
        bind_number(w->add_row, 3, row->wall_usec);
        bind_text(w->add_row, 4, row->kind);
        bind_number(w->add_row, 5, row->host);
        bind_text(w->add_row, 6, row->guest);
        bind_number(w->add_row, 7, row->incident);
        bind_text(w->add_row, 8, row->text);
        bind_text(w->add_row, 9, row->json);
        return run(w, w->add_row, err);
}

static int write_batch(struct write *w, const struct store_batch *b, uint64_t *last, char *err) {
        bool base = b->install || b->compact;
        int r = 0;

        if (b->set_promised || b->set_epoch || b->set_alone || base) {
                if (b->set_promised)
                        bind_number(w->set_meta, 1, b->promised);
                if (b->set_epoch)
                        bind_number(w->set_meta, 2, b->epoch);
                if (b->set_alone)
                        bind_number(w->set_meta, 3, b->alone);
                if (base)
                        bind_number(w->set_meta, 4, b->base_version);
                r = run(w, w->set_meta, err);
        }
        if (r == 0 && base)
                r = write_base(w, b, last, err);
        for (size_t i = 0; r == 0 && i < b->n_entries; i++)
                r = write_entry(w, &b->entries[i], last, err);
        for (size_t i = 0; r == 0 && i < b->n_rows; i++)
                r = write_row(w, &b->rows[i], err);
        return r;
}

static int read_last(struct write *w, char *err) {
        int64_t last = 0;
        int r = db_number(w->db, w->path,
                          "SELECT max(base_version, coalesce((SELECT max(version) FROM entry), 0))"
                          " FROM meta",
                          &last, err);

        w->last = (uint64_t)last;
        w->last_known = r == 0;
        return r;
}

int write_batches(struct write *w, struct store_batch *const *batches, size_t n, size_t *failed,
                  char *err) {
        uint64_t last;
        int r;

        *failed = 0;
        r = prepare(w, err);
        if (r == 0 && !w->last_known)
                r = read_last(w, err);
        if (r == 0)
                r = db_exec(w->db, w->path, "BEGIN IMMEDIATE", err);
        if (r < 0)
                return r;
        last = w->last;
        for (size_t i = 0; r == 0 && i < n; i++) {
                r = write_batch(w, batches[i], &last, err);
                if (r < 0)
                        *failed = i;
        }
        if (r == 0)
                r = db_exec(w->db, w->path, "COMMIT", err);
        if (r == 0) {
                w->last = last;
                return 0;
        }
        if (!sqlite3_get_autocommit(w->db)) {
                char ignored[TEXT_LEN];

                (void)db_exec(w->db, w->path, "ROLLBACK", ignored); /* else closing does it */
        }
        return r;
}

void write_close(struct write *w) {
        (void)sqlite3_finalize(w->set_meta); /* these tell of the last step again */
        (void)sqlite3_finalize(w->clear_entries);
        (void)sqlite3_finalize(w->drop_entries);
        (void)sqlite3_finalize(w->add_entry);
        (void)sqlite3_finalize(w->set_snapshot);
        (void)sqlite3_finalize(w->add_row);
        (void)sqlite3_close(w->db); /* all committed before; a checkpoint that fails comes again */
        *w = (struct write){.path = w->path};
}
