/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ledger log */
/*
 * Stored state: what is in the tables of a ledger.db with right sums, or the bytes of the file
 * itself, are the input's. It is refused with a cause and a mend, or the core works with it; and
 * what that core then has written is what the next start reads.
 */
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hawd/core/apply.h"
#include "hawd/ledger/ledger.h"
#include "hawd/ledger/opener.h"
#include "hawd/store/db.h"
#include "tests/fuzz/mirror.h"

static char dir[] = "/dev/shm/hawd-fuzz-XXXXXX", path[64];

static void remove_all(void) {
        static const char *const ends[] = {"",      "-wal", "-shm", "-journal",
                                           ".mark", ".new", ".swap"};
        char name[80], kept[512];

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                text_fmt(name, sizeof(name), "%s%s", path, ends[i]);
                (void)unlink(name); /* most are not there */
        }
        store_kept(path, kept, sizeof(kept));
        for (char *at = kept, *one; (one = strsep(&at, " "));) {
                text_fmt(name, sizeof(name), "%s/%s", dir, one);
                (void)unlink(name); /* or the folder itself, where none is kept */
        }
}

static void at_exit(void) {
        remove_all();
        (void)rmdir(dir);
}

static void folder(void) {
        if (path[0])
                return;
        must(mkdtemp(dir));
        text_fmt(path, sizeof(path), "%s/ledger.db", dir);
        (void)atexit(at_exit);
}

/* ---- what is stored -------------------------------------------------------------------------- */

/** struct disk - as the input says it; versions and epochs are small, or any */
struct disk {
        uint64_t epoch, promised, base;
        bool snapshot;
        struct input state;
        struct input entries[16];
        uint64_t epochs[16];
        size_t n;
};

static uint64_t number(struct input *in) {
        uint8_t b = input_byte(in);
        uint64_t v = b;

        if (b < 0xf0)
                return b;
        for (int i = 0; i < 8; i++)
                v = v << 8 | input_byte(in);
        return v;
}

static void read_disk(struct input *in, struct disk *d) {
        uint8_t how = input_byte(in);

        d->epoch = number(in);
        d->promised = number(in);
        d->snapshot = how & 1;
        if (d->snapshot) {
                struct model m;
                char err[TEXT_LEN];

                d->state = input_bytes(in);
                d->base = 0;
                if (wire_model_decode(d->state.p, d->state.len, &m, err) == 0) {
                        d->base = m.version;
                        model_clear(&m);
                }
        }
        if (how & 2)
                d->base = number(in);
        d->n = (how >> 4) % (ARRAY_SIZE(d->entries) + 1);
        for (size_t i = 0; i < d->n; i++) {
                d->epochs[i] = how & 4 ? number(in) : d->epoch;
                d->entries[i] = input_bytes(in);
        }
}

static void run(sqlite3_stmt *stmt) {
        must(sqlite3_step(stmt) == SQLITE_DONE);
        sqlite3_finalize(stmt);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
        sqlite3_stmt *stmt;

        must(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
        return stmt;
}

static void write_disk(const struct disk *d) {
        struct store *empty;
        char err[TEXT_LEN];
        sqlite3 *db;
        sqlite3_stmt *s;

        must(store_open(path, &(struct store_owner){.cluster = "fuzz"}, &empty, err) ==
             0); /* makes the tables */
        store_free(empty, 0);
        must(sqlite3_open(path, &db) == SQLITE_OK);
        (void)sqlite3_exec(db, "PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL);
        s = prepare(db, "UPDATE meta SET epoch = ?, promised = ?, base_version = ?");
        sqlite3_bind_int64(s, 1, (int64_t)d->epoch);
        sqlite3_bind_int64(s, 2, (int64_t)d->promised);
        sqlite3_bind_int64(s, 3, (int64_t)d->base);
        run(s);
        if (d->snapshot) {
                s = prepare(db, "INSERT INTO snapshot VALUES (1, ?, ?, ?)");
                sqlite3_bind_int64(s, 1, (int64_t)d->base);
                sqlite3_bind_int64(s, 2, db_sum(d->base, 0, d->state.p, d->state.len));
                sqlite3_bind_blob(s, 3, d->state.len ? (const void *)d->state.p : "",
                                  (int)d->state.len, SQLITE_STATIC);
                run(s);
        }
        for (size_t i = 0; i < d->n; i++) {
                uint64_t version = d->base + 1 + i;

                s = prepare(db, "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)");
                sqlite3_bind_int64(s, 1, (int64_t)version);
                sqlite3_bind_int64(s, 2, (int64_t)d->epochs[i]);
                sqlite3_bind_int64(
                        s, 3, db_sum(version, d->epochs[i], d->entries[i].p, d->entries[i].len));
                sqlite3_bind_blob(s, 4, d->entries[i].len ? (const void *)d->entries[i].p : "",
                                  (int)d->entries[i].len, SQLITE_STATIC);
                run(s);
        }
        must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
        sqlite3_close(db);
}

static void write_bytes(const uint8_t *data, size_t size) {
        FILE *f = fopen(path, "we");

        must(f);
        must(fwrite(data, 1, size, f) == size);
        must(fclose(f) == 0);
}

/* ---- through the file ------------------------------------------------------------------------ */

static uint64_t written; /* the last batch that is on disk */

static void persisted(void *ud, uint64_t batch, int code, const char *text) {
        (void)ud;
        (void)text;
        must(code == 0);
        written = batch;
}

static void send_nothing(void *ud, const struct msg *m) {
        (void)ud;
        (void)m;
}

static void note(void *ud, enum note_id id, const char *text) {
        (void)ud;
        must(id != NOTE_NONE && text[0]);
}

static void reopened(void *ud) {
        (void)ud;
}

static const struct ledger_callbacks callbacks = {
        .persisted = persisted, .send = send_nothing, .note = note, .reopened = reopened};

static int open_store(struct core_boot *boot, struct ledger_store **ret) {
        char err[TEXT_LEN] = "";
        int r = ledger_store_open(dir, "fuzz", &callbacks, boot, ret, err);

        if (r == 0)
                r = ledger_store_claim(*ret, 1, "node1", boot, err);
        must(r == 0 || err[0]);
        must(r < 0 || !ledger_store_report(*ret)->error[0] || boot->lost);
        return r;
}

static void keep_it(void *ud, const struct persist *p) {
        struct ledger_store *s = ud;
        struct pollfd fd = {.fd = ledger_store_fd(s), .events = POLLIN};

        ledger_store_submit(s, p);
        while (written != p->batch) {
                /* libFuzzer's own alarm ends it now and then. */
                must(poll(&fd, 1, 60000) > 0 || errno == EINTR);
                ledger_store_dispatch(s);
        }
}

static void through_the_file(struct input in) {
        struct mirror *x = xcalloc(1, sizeof(*x));
        struct core_boot boot = {0}, again = {0};
        struct ledger_store *s;

        if (open_store(&boot, &s) == 0) {
                uint64_t hash;

                written = 0;
                x->in = in;
                x->in.len = MIN(x->in.len, (size_t)16); /* each write costs: a few are enough */
                x->persist = keep_it;
                x->ud = s;
                mirror_start(x, &boot);
                mirror_play(x);
                ledger_store_close(s);
                hash = model_hash(core_model(x->c));
                if (x->number && !x->disk_failed && open_store(&again, &s) == 0) {
                        struct applied a = {0};
                        struct model none = {0}, *m = again.state ? &again.state->model : &none;

                        /* A promise without an install: no ledger stored, none lost by that. */
                        must(again.state || !again.lost || boot.lost);
                        /* What is stored and not yet in its base leads to what the core knows. */
                        for (size_t i = 0; again.state && i < again.state->n_tail &&
                                           m->version < core_model(x->c)->version;
                             i++)
                                ledger_apply(m, again.state->tail[i], &a);
                        applied_clear(&a);
                        must(model_hash(m) == hash);
                        ledger_store_close(s);
                }
                mirror_end(x);
                state_unref(again.state);
        }
        state_unref(boot.state);
        free(x);
}

/* ---- without it ------------------------------------------------------------------------------ */

static struct store_loaded loaded_of(const struct disk *d) {
        struct store_loaded l = {.epoch = d->epoch, .promised = d->promised};

        l.base_version = d->base;
        l.snapshot = d->snapshot
                             ? blob_new(d->state.len ? (const void *)d->state.p : "", d->state.len)
                             : NULL;
        l.n_entries = d->n;
        l.entries = xcalloc(d->n + 1, sizeof(*l.entries));
        for (size_t i = 0; i < d->n; i++) {
                l.entries[i].version = d->base + 1 + i;
                l.entries[i].epoch = d->epochs[i];
                l.entries[i].bytes = blob_new(
                        d->entries[i].len ? (const void *)d->entries[i].p : "", d->entries[i].len);
        }
        return l;
}

static void straight(const struct disk *d, struct input in) {
        struct store_loaded l = loaded_of(d);
        struct core_boot boot = {0};
        struct opened o = {0};
        char err[TEXT_LEN] = "";

        if (opener_decode(&l, &o, err) == 0) {
                struct mirror *x = xcalloc(1, sizeof(*x));

                boot.epoch = o.epoch;
                boot.promised = o.promised;
                boot.state = o.state;
                x->in = in;
                mirror_start(x, &boot);
                mirror_play(x);
                mirror_end(x);
                state_unref(boot.state);
                free(x);
        } else {
                must(err[0]);
        }
        store_loaded_clear(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input in = {data, size};
        uint8_t how = input_byte(&in);
        struct disk d = {0};

        if (how < 0xf8) { /* mostly: writing costs a thousand times as much */
                read_disk(&in, &d);
                straight(&d, in);
                return 0;
        }
        folder();
        remove_all();
        if (how < 0xfc) {
                read_disk(&in, &d);
                write_disk(&d);
        } else {
                write_bytes(in.p, in.len);
        }
        through_the_file(in);
        return 0;
}
