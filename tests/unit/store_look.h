/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For tests that spoil a database and look what the store makes of it: as hawd does at its start.
 */
#pragma once

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "tests/unit/store_kit.h"

#define ENTRIES 20

static char copy_dir[80];

static inline void shell(const char *fmt, ...) PRINTF_LIKE(1, 2);
static inline void shell(const char *fmt, ...) {
        char line[512];
        va_list ap;

        va_start(ap, fmt);
        ck_assert_int_lt(vsnprintf(line, sizeof(line), fmt, ap), (int)sizeof(line));
        va_end(ap);
        ck_assert_msg(system(line) == 0, "%s", line);
}

static inline void set_up_copy(void) {
        set_up();
        text_fmt(copy_dir, sizeof(copy_dir), "%s.copy", folder);
}

static inline void tear_down_copy(void) {
        nftw(copy_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        tear_down();
}

static inline void keep_copy(void) {
        shell("rm -rf %s && cp -a %s %s", copy_dir, folder, copy_dir);
}

static inline void bring_back(void) {
        shell("rm -rf %s && cp -a %s %s", folder, copy_dir, folder);
}

/* Completed by a process that never closes anything: all of it is in the log. */
static inline void make_some_and_die(void) {
        int status;
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                struct told *seen = xcalloc(1, sizeof(*seen));
                struct store *s = open_store(seen);

                for (uint64_t v = 1; v <= ENTRIES; v++) {
                        char data[2000];

                        fill(data, sizeof(data), v);
                        submit_entry(s, v, 1, data, sizeof(data));
                        wait_for(s, seen, v);
                }
                usleep(50000); /* the mark of the last one is written after it was told */
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}

static inline void make_some(void) {
        struct told seen = {0};
        struct store *s = open_store(&seen);

        for (uint64_t v = 1; v <= ENTRIES; v++) {
                char data[2000];

                fill(data, sizeof(data), v);
                ck_assert_int_eq(submit_entry(s, v, 1, data, sizeof(data)), 0);
        }
        wait_for(s, &seen, ENTRIES);
        store_free(s, WAIT);
}

struct found {
        int r;
        size_t n;
        char err[TEXT_LEN], lost[TEXT_LEN], aside[64], kept[512];
        size_t n_kept;
};

static inline void check_entries(const struct store_loaded *l) {
        for (size_t i = 0; i < l->n_entries; i++) {
                char data[2000];

                fill(data, sizeof(data), l->base_version + i + 1);
                ck_assert_uint_eq(l->entries[i].bytes->len, sizeof(data));
                ck_assert_mem_eq(l->entries[i].bytes->data, data, sizeof(data));
        }
}

/* As hawd does it: open, load, and once more when what was loaded is damaged. */
static inline struct found look_as(const struct store_owner *o) {
        struct found f = {0};
        struct store *s = NULL;
        struct store_loaded l;

        f.r = store_open(path, o, &s, f.err);
        if (f.r == 0) {
                f.r = store_load(s, &l, f.err);
                if (f.r == -EUCLEAN) {
                        f.r = store_put_aside(s, f.err, f.err);
                        ck_assert_int_eq(f.r, 0);
                        f.r = store_load(s, &l, f.err);
                }
                ck_assert_msg(f.r == 0, "%s", f.err);
                check_entries(&l);
                f.n = l.n_entries;
                text_set(f.lost, sizeof(f.lost), store_lost(s));
                text_set(f.aside, sizeof(f.aside), store_aside(s));
                store_loaded_clear(&l);
                store_free(s, WAIT);
        }
        f.n_kept = store_kept(path, f.kept, sizeof(f.kept));
        return f;
}

static inline struct found look(void) {
        return look_as(&owner);
}

static inline void found_all(const struct found *f) {
        ck_assert_msg(f->r == 0, "%s", f->err);
        ck_assert_uint_eq(f->n, ENTRIES);
        ck_assert_str_eq(f->lost, "");
}

static inline void found_lost(const struct found *f, const char *why) {
        ck_assert_msg(f->r == 0, "%s", f->err);
        ck_assert_uint_eq(f->n, 0);
        ck_assert_msg(strstr(f->lost, why), "%s", f->lost);
}

static inline void run_sql(const char *sql) {
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
                      sqlite3_errmsg(db));
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static inline void overwrite(const char *file, off_t at, const void *data, size_t len) {
        int fd = open(file, O_RDWR | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(pwrite(fd, data, len, at), (ssize_t)len);
        close(fd);
}

static inline off_t size_of(const char *file) {
        struct stat st;

        ck_assert_msg(stat(file, &st) == 0, "%s", file);
        return st.st_size;
}

static inline const char *with(const char *suffix) {
        static char name[4][128];
        static unsigned next;
        char *out = name[next++ % ARRAY_SIZE(name)];

        text_fmt(out, sizeof(name[0]), "%s%s", path, suffix);
        return out;
}
