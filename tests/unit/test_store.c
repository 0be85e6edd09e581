/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store on real files: what was completed is there after anything that can happen to them. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/store_kit.h"

/* ---- what is written is read ---- */

START_TEST(a_new_file_is_empty) {
        struct store_loaded l = load_store();
        struct stat st;

        ck_assert_uint_eq(l.epoch, 0);
        ck_assert_uint_eq(l.promised, 0);
        ck_assert_uint_eq(l.base_version, 0);
        ck_assert(!l.alone);
        ck_assert_ptr_null(l.snapshot);
        ck_assert_uint_eq(l.n_entries, 0);
        store_loaded_clear(&l);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(all_parts_come_back) {
        struct store_entry es[] = {
                {11, 3, bytes("eleven")}, {12, 3, bytes("")}, {13, 4, {"a\0b", 3}}};
        struct store_batch b = {.id = 7,
                                .set_promised = true,
                                .promised = 5,
                                .set_epoch = true,
                                .epoch = 4,
                                .set_alone = true,
                                .alone = true,
                                .install = true,
                                .base_version = 10,
                                .snapshot = bytes("state"),
                                .entries = es,
                                .n_entries = 3};
        struct told seen = {0};
        struct store *s = open_store(&seen);
        struct store_loaded l;

        ck_assert_uint_eq(store_waiting_since(s), USEC_INFINITY);
        ck_assert_int_eq(store_submit(s, &b), 0);
        wait_for(s, &seen, 1);
        ck_assert_uint_eq(seen.ids[0], 7);
        ck_assert_int_eq(seen.codes[0], 0);
        ck_assert_uint_eq(store_waiting_since(s), USEC_INFINITY);
        ck_assert_ptr_null(store_free(s, WAIT));

        l = load_store();
        ck_assert_uint_eq(l.promised, 5);
        ck_assert_uint_eq(l.epoch, 4);
        ck_assert(l.alone);
        ck_assert_uint_eq(l.base_version, 10);
        ck_assert_str_eq(l.snapshot->data, "state");
        ck_assert_uint_eq(l.n_entries, 3);
        ck_assert_uint_eq(l.entries[0].version, 11);
        ck_assert_uint_eq(l.entries[0].epoch, 3);
        ck_assert_str_eq(l.entries[0].bytes->data, "eleven");
        ck_assert_uint_eq(l.entries[1].bytes->len, 0);
        ck_assert_uint_eq(l.entries[2].bytes->len, 3);
        ck_assert_mem_eq(l.entries[2].bytes->data, "a\0b", 3);
        store_loaded_clear(&l);
}
END_TEST

START_TEST(compaction_and_installation) {
        struct store_batch compact = {
                .id = 100, .compact = true, .base_version = 3, .snapshot = bytes("three")};
        struct store_entry e = {41, 9, bytes("x")};
        struct store_batch install = {.id = 101,
                                      .set_epoch = true,
                                      .epoch = 9,
                                      .install = true,
                                      .base_version = 40,
                                      .snapshot = bytes(""),
                                      .entries = &e,
                                      .n_entries = 1};
        struct told seen = {0};
        struct store *s = open_store(&seen);
        struct store_loaded l;

        for (uint64_t v = 1; v <= 5; v++)
                ck_assert_int_eq(submit_entry(s, v, 1, "e", 1), 0);
        ck_assert_int_eq(store_submit(s, &compact), 0);
        wait_for(s, &seen, 6);
        store_free(s, WAIT);
        l = load_store();
        ck_assert_uint_eq(l.base_version, 3);
        ck_assert_str_eq(l.snapshot->data, "three");
        ck_assert_uint_eq(l.n_entries, 2);
        ck_assert_uint_eq(l.entries[0].version, 4);
        ck_assert_uint_eq(l.epoch, 0);
        store_loaded_clear(&l);

        seen.n = 0;
        s = open_store(&seen);
        ck_assert_int_eq(submit_entry(s, 6, 1, "six", 3), 0);
        ck_assert_int_eq(store_submit(s, &install), 0);
        ck_assert_int_eq(submit_entry(s, 42, 9, "y", 1), 0);
        wait_for(s, &seen, 3);
        store_free(s, WAIT);
        l = load_store();
        ck_assert_uint_eq(l.base_version, 40);
        ck_assert_uint_eq(l.epoch, 9);
        ck_assert_uint_eq(l.snapshot->len, 0);
        ck_assert_uint_eq(l.n_entries, 2);
        ck_assert_uint_eq(l.entries[1].version, 42);
        store_loaded_clear(&l);
}
END_TEST

START_TEST(completions_keep_the_order) {
        struct told *seen = xcalloc(1, sizeof(*seen));
        struct store *s = open_store(seen);
        struct store_loaded l;

        for (uint64_t v = 1; v <= 2000; v++)
                ck_assert_int_eq(submit_entry(s, v, 1, &v, sizeof(v)), 0);
        wait_for(s, seen, 2000);
        for (uint64_t v = 1; v <= 2000; v++) {
                ck_assert_uint_eq(seen->ids[v - 1], v);
                ck_assert_int_eq(seen->codes[v - 1], 0);
        }
        store_free(s, WAIT);
        free(seen);
        l = load_store();
        ck_assert_uint_eq(l.n_entries, 2000);
        store_loaded_clear(&l);
}
END_TEST

START_TEST(freeing_writes_what_is_queued) {
        struct told seen = {0};
        struct store *s = open_store(&seen);
        struct store_loaded l;

        for (uint64_t v = 1; v <= 100; v++)
                ck_assert_int_eq(submit_entry(s, v, 1, "e", 1), 0);
        store_free(s, WAIT);
        ck_assert_uint_eq(seen.n, 0);
        l = load_store();
        ck_assert_uint_eq(l.n_entries, 100);
        store_loaded_clear(&l);
}
END_TEST

START_TEST(what_cannot_be_stored_is_refused) {
        _cleanup_(freep) char *big = xcalloc(STORE_BLOB_MAX + 1, 1);
        struct store_batch both = {.install = true, .compact = true};
        struct store_batch large = {.install = true, .snapshot = {big, STORE_BLOB_MAX + 1}};
        struct store_batch number = {.set_epoch = true, .epoch = UINT64_MAX};
        struct told seen = {0};
        struct store *s = open_store(&seen);

        ck_assert_int_eq(store_submit(s, &both), -EINVAL);
        ck_assert_int_eq(store_submit(s, &large), -E2BIG);
        ck_assert_int_eq(store_submit(s, &number), -EINVAL);
        ck_assert_int_eq(submit_entry(s, 1, 1, big, STORE_BLOB_MAX + 1), -E2BIG);
        /* A gap, or one version twice, is a mistake of the caller: only that batch fails. */
        ck_assert_int_eq(submit_entry(s, 1, 1, "a", 1), 0);
        wait_for(s, &seen, 1);
        ck_assert_int_eq(submit_entry(s, 3, 1, "c", 1), 0);
        wait_for(s, &seen, 2);
        ck_assert_int_eq(seen.codes[1], -EINVAL);
        ck_assert_str_eq(seen.text, "entry 3 does not follow 1");
        large.install = false;
        large.compact = true;
        large.base_version = 2;
        large.snapshot.len = 1;
        ck_assert_int_eq(store_submit(s, &large), 0);
        wait_for(s, &seen, 3);
        ck_assert_int_eq(seen.codes[2], -EINVAL);
        ck_assert_int_eq(submit_entry(s, 2, 1, "b", 1), 0);
        wait_for(s, &seen, 4);
        ck_assert_int_eq(seen.codes[3], 0);
        store_free(s, WAIT);
}
END_TEST

START_TEST(a_disk_that_hangs_is_seen_and_bounded) {
        _cleanup_(freep) char *big = xcalloc(STORE_BLOB_MAX, 1);
        struct told seen = {0};
        struct store *s = open_store(&seen);
        sqlite3 *db;
        usec_t before = now_boottime();
        int r = 0, n = 0;

        /* Somebody holds the write lock: for the store that is a disk which does not answer. */
        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        for (uint64_t v = 1; r == 0; v++, n++)
                r = submit_entry(s, v, 1, big, STORE_BLOB_MAX);
        ck_assert_int_eq(r, -ENOBUFS);
        ck_assert_uint_ge(store_waiting_since(s), before);
        ck_assert_uint_le(store_waiting_since(s), now_boottime());
        /* It gives up after 5 s, and says why. */
        wait_for(s, &seen, (size_t)n - 1);
        for (size_t i = 0; i < seen.n; i++)
                ck_assert_int_eq(seen.codes[i], -EBUSY);
        ck_assert_ptr_nonnull(strstr(seen.text, "held by another program"));
        sqlite3_close(db);
        ck_assert_int_eq(submit_entry(s, 1, 1, "a", 1), 0);
        wait_for(s, &seen, (size_t)n);
        ck_assert_int_eq(seen.codes[n - 1], 0);
        store_free(s, WAIT);
}
END_TEST

/* ---- kill -9 (S10) ---- */

/* Submits for ever, never more than some at once; tells @fd of every completion. */
static void write_until_killed(int fd) {
        struct told *seen = xcalloc(1, sizeof(*seen));
        struct store *s = open_store(NULL);
        struct store_loaded l;
        char err[TEXT_LEN], data[3000];
        uint64_t next;

        ck_assert_int_eq(store_load(s, &l, err), 0);
        next = l.base_version + l.n_entries + 1;
        store_loaded_clear(&l);
        ck_assert_int_eq(store_start(s, on_done, seen), 0);
        for (uint64_t told = next;;) {
                struct pollfd p = {.fd = store_fd(s), .events = POLLIN};

                while (next < told + 20) {
                        fill(data, sizeof(data), next);
                        submit_entry(s, next, 1, data, 1 + next * 7 % sizeof(data));
                        if (next++ % 50 == 0) {
                                struct store_batch compact = {.id = 0,
                                                              .compact = true,
                                                              .base_version = next - 10,
                                                              .snapshot = bytes("s")};

                                store_submit(s, &compact);
                        }
                }
                poll(&p, 1, -1);
                seen->n = 0;
                store_dispatch(s);
                for (size_t i = 0; i < seen->n; i++) {
                        if (seen->codes[i] != 0)
                                _exit(3);
                        if (seen->ids[i] > 0)
                                told = seen->ids[i] + 1;
                        if (write(fd, &told, sizeof(told)) != sizeof(told))
                                _exit(4);
                }
        }
}

START_TEST(what_was_completed_survives_kill_9) {
        uint64_t highest = 0;

        for (unsigned round = 0; round < 12; round++) {
                int fds[2], status;
                uint64_t told;
                struct store_loaded l;
                pid_t pid;

                ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
                pid = fork();
                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        write_until_killed(fds[1]);
                        _exit(5);
                }
                close(fds[1]);
                usleep(20000 + 13000 * round);
                kill(pid, SIGKILL);
                while (read(fds[0], &told, sizeof(told)) == sizeof(told))
                        highest = MAX(highest, told - 1);
                close(fds[0]);
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

                l = load_store();
                ck_assert_uint_ge(l.base_version + l.n_entries, highest);
                for (size_t i = 0; i < l.n_entries; i++) {
                        uint64_t v = l.entries[i].version;
                        char data[3000];

                        fill(data, sizeof(data), v);
                        ck_assert_uint_eq(l.entries[i].bytes->len, 1 + v * 7 % sizeof(data));
                        ck_assert_mem_eq(l.entries[i].bytes->data, data, l.entries[i].bytes->len);
                }
                store_loaded_clear(&l);
        }
        ck_assert_uint_gt(highest, 20);
}
END_TEST

/* ---- a full disk ---- */

static void write_until_full(struct store *s, struct told *seen, uint64_t *ret_good) {
        static char data[65536];
        uint64_t version = *ret_good;

        while (seen->n == 0 || seen->codes[seen->n - 1] == 0) {
                size_t before = seen->n;

                for (uint64_t i = 1; i <= 10; i++) {
                        fill(data, sizeof(data), version + i);
                        ck_assert_int_eq(submit_entry(s, version + i, 1, data, sizeof(data)), 0);
                }
                wait_for(s, seen, before + 10);
                /* In order, and once one has failed, all behind it. */
                for (uint64_t i = 1; i <= 10; i++) {
                        size_t at = before + i - 1;

                        ck_assert_uint_eq(seen->ids[at], version + i);
                        if (seen->codes[at] == 0) {
                                ck_assert(i == 1 || seen->codes[at - 1] == 0);
                                *ret_good = version + i;
                        }
                }
                version += 10;
        }
}

static void check_after_full(uint64_t good) {
        struct store_loaded l = load_store();

        ck_assert_uint_eq(l.n_entries, good);
        for (size_t i = 0; i < l.n_entries; i++) {
                static char data[65536];

                fill(data, sizeof(data), i + 1);
                ck_assert_mem_eq(l.entries[i].bytes->data, data, sizeof(data));
        }
        store_loaded_clear(&l);
}

START_TEST(a_file_that_may_not_grow) {
        struct rlimit small = {2 * 1024 * 1024, RLIM_INFINITY};
        struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
        struct told *seen = xcalloc(1, sizeof(*seen));
        struct store *s = open_store(seen);
        uint64_t good = 0;

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &small);
        write_until_full(s, seen, &good);
        ck_assert_uint_ge(good, 10);
        ck_assert_int_ne(seen->codes[seen->n - 1], 0);
        ck_assert_msg(*seen->text, "no reason");
        /* Still full: tried anew, and failed anew. */
        seen->n = 0;
        write_until_full(s, seen, &good);
        setrlimit(RLIMIT_FSIZE, &none);
        seen->n = 0;
        ck_assert_int_eq(store_waiting_since(s) == USEC_INFINITY, 1);
        {
                static char data[65536];

                fill(data, sizeof(data), good + 1);
                ck_assert_int_eq(submit_entry(s, good + 1, 1, data, sizeof(data)), 0);
        }
        wait_for(s, seen, 1);
        ck_assert_int_eq(seen->codes[0], 0);
        store_free(s, WAIT);
        free(seen);
        check_after_full(good + 1);
}
END_TEST

START_TEST(a_full_disk) {
        struct told *seen;
        struct store *s;
        uint64_t good = 0;
        char filler[80];
        int fd;

        if (mount("tmpfs", folder, "tmpfs", 0, "size=6m") < 0)
                return; /* not root: a_file_that_may_not_grow has shown the same */
        text_fmt(filler, sizeof(filler), "%s/filler", folder);
        fd = open(filler, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(posix_fallocate(fd, 0, 1024 * 1024), 0);
        close(fd);
        seen = xcalloc(1, sizeof(*seen));
        s = open_store(seen);
        write_until_full(s, seen, &good);
        ck_assert_int_eq(seen->codes[seen->n - 1], -ENOSPC);
        ck_assert_ptr_nonnull(strstr(seen->text, "the disk is full"));
        ck_assert_int_eq(unlink(filler), 0); /* somebody makes room */
        seen->n = 0;
        write_until_full(s, seen, &good); /* goes on, to the next end */
        ck_assert_int_eq(seen->codes[0], 0);
        store_free(s, WAIT);
        free(seen);
        check_after_full(good);
        umount(folder);
}
END_TEST

static Suite *store_suite(void) {
        Suite *s = suite_create("store");
        TCase *tc = unit_case(s, "store");

        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, a_new_file_is_empty);
        tcase_add_test(tc, all_parts_come_back);
        tcase_add_test(tc, compaction_and_installation);
        tcase_add_test(tc, completions_keep_the_order);
        tcase_add_test(tc, freeing_writes_what_is_queued);
        tcase_add_test(tc, what_cannot_be_stored_is_refused);
        tcase_add_test(tc, a_disk_that_hangs_is_seen_and_bounded);
        tcase_add_test(tc, what_was_completed_survives_kill_9);
        tcase_add_test(tc, a_file_that_may_not_grow);
        tcase_add_test(tc, a_full_disk);
        return s;
}

UNIT_MAIN(store_suite)
