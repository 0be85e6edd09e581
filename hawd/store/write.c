/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/write.h"

#include <sys/stat.h>
#include <unistd.h>

#include "hawd/store/aside.h"
#include "hawd/store/db.h"

static int fail(struct write *w, char *err) {
        int r = db_error(w->db, w->path, err); /* first: it looks at errno */

        w->ruined |= db_ruined(w->db);
        return r;
}

static int exec(struct write *w, const char *sql, char *err) {
        errno = 0;
        return sqlite3_exec(w->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(w, err);
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
                {&w->add_row,
                 "INSERT OR IGNORE INTO history"
                 " (version, seq, wall_usec, kind, host, guest, incident, text, host_name)"
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
                {&w->set_format, "UPDATE about SET value = ?1"
                                 " WHERE key = 'format' AND CAST(value AS INTEGER) < ?1"},
                {&w->set_gap, "INSERT OR REPLACE INTO about VALUES ('history', ?1)"},
                {&w->not_lost, "DELETE FROM about WHERE key = 'lost'"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(list); i++)
                if (!*list[i].stmt &&
                    sqlite3_prepare_v3(w->db, list[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                       list[i].stmt, NULL) != SQLITE_OK)
                        return fail(w, err);
        return 0;
}

static int run(struct write *w, sqlite3_stmt *stmt, char *err) {
        int rc, r;

        errno = 0;
        rc = sqlite3_step(stmt);
        r = rc == SQLITE_DONE ? 0 : fail(w, err);

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
                if (r == 0)
                        r = run(w, w->not_lost, err);
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
        bind_text(w->add_row, 9, row->host_name);
        return run(w, w->add_row, err);
}

static int write_gap(struct write *w, const struct store_batch *b, char *err) {
        char text[48];

        text_fmt(text, sizeof(text), "%" PRIu64 " %" PRIu64, b->gap_from, b->gap_to);
        bind_text(w->set_gap, 1, text);
        return run(w, w->set_gap, err);
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
        if (r == 0 && b->set_gap)
                r = write_gap(w, b, err);
        if (r == 0 && base)
                r = write_base(w, b, last, err);
        for (size_t i = 0; r == 0 && i < b->n_entries; i++)
                r = write_entry(w, &b->entries[i], last, err);
        for (size_t i = 0; r == 0 && i < b->n_rows; i++)
                r = write_row(w, &b->rows[i], err);
        return r;
}

static void find_wal(const struct write *w, struct stat *st) {
        _cleanup_(freep) char *wal = path_with(w->path, "-wal");

        if (stat(wal, st) < 0)
                *st = (struct stat){0};
}

static void note_wal(struct write *w) {
        struct stat st;

        find_wal(w, &st);
        w->wal_dev = st.st_dev;
        w->wal_ino = st.st_ino;
}

static int read_last(struct write *w, char *err) {
        static const char last[] =
                "SELECT max(base_version, coalesce((SELECT max(version) FROM entry), 0)) FROM meta";
        static const char *const queries[] = {"SELECT promised FROM meta", "SELECT epoch FROM meta",
                                              last};
        uint64_t *const values[] = {&w->last.promised, &w->last.epoch, &w->last.version};

        for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
                int64_t value = 0;
                int r = db_number(w->db, w->path, queries[i], &value, err);

                if (r < 0) {
                        w->ruined |= db_ruined(w->db);
                        return r;
                }
                *values[i] = (uint64_t)value;
        }
        w->last_known = true;
        note_wal(w); /* it is open since the first read */
        return 0;
}

/* What is written to a file without a name is gone with the descriptor. SQLite does not look. */
static int still_there(struct write *w, char *err) {
        struct stat st;
        int moved = 0;

        if (w->private_file)
                return 0;
        find_wal(w, &st);
        (void)sqlite3_file_control(w->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        if (!moved && st.st_ino == w->wal_ino && st.st_dev == w->wal_dev)
                return 0;
        w->ruined = true;
        text_fmt(err, TEXT_LEN, "%.100s%s: removed or replaced while hawd had it open", w->path,
                 moved ? "" : "-wal");
        return -ESTALE;
}

static int begin(struct write *w, char *err) {
        int r = prepare(w, err);

        if (r == 0 && !w->last_known)
                r = read_last(w, err);
        if (r == 0)
                r = exec(w, "BEGIN IMMEDIATE", err);
        if (r == 0 && !w->format_known) {
                bind_number(w->set_format, 1, w->format);
                r = run(w, w->set_format, err);
        }
        return r;
}

static void rollback(struct write *w) {
        if (sqlite3_get_autocommit(w->db) == 0)
                (void)sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL); /* else closing does it */
}

int write_batches(struct write *w, struct store_batch *const *batches, size_t n, size_t *failed,
                  char *err) {
        struct mark last;
        int r;

        *failed = 0;
        r = begin(w, err);
        last = w->last;
        for (size_t i = 0; r == 0 && i < n; i++) {
                const struct store_batch *b = batches[i];

                r = write_batch(w, b, &last.version, err);
                if (r < 0)
                        *failed = i;
                if (b->set_promised)
                        last.promised = b->promised;
                if (b->set_epoch)
                        last.epoch = b->epoch;
        }
        if (r == 0)
                r = exec(w, "COMMIT", err);
        if (r == 0)
                r = still_there(w, err);
        if (r == 0) {
                w->last = last;
                w->format_known = true;
        } else {
                rollback(w);
        }
        return r;
}

void write_mark(struct write *w) {
        if (!w->private_file)
                mark_write(w->path, &w->mark_fd, &w->last);
}

void write_init(struct write *w, sqlite3 *db, const char *path, uint32_t format) {
        *w = (struct write){.db = db, .path = path, .format = format, .mark_fd = -1};
}

void write_close(struct write *w) {
        sqlite3_stmt *const list[] = {w->set_meta,   w->clear_entries, w->drop_entries,
                                      w->add_entry,  w->set_snapshot,  w->add_row,
                                      w->set_format, w->set_gap,       w->not_lost};

        if (w->db && w->ruined) /* it is evidence */
                (void)sqlite3_db_config(w->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(list); i++)
                (void)sqlite3_finalize(list[i]); /* these tell of the last step again */
        (void)sqlite3_close(w->db); /* all committed before; a checkpoint that fails comes again */
        if (w->mark_fd >= 0)
                (void)close(w->mark_fd); /* not relied on */
        *w = (struct write){
                .path = w->path, .format = w->format, .ruined = w->ruined, .mark_fd = -1};
}
