/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to the database while hawd runs: it is removed, replaced, damaged, may not be
 * written. Nothing is acknowledged then that is not on disk, and a batch that holds all that counts
 * mends it.
 */
#include "tests/unit/disk_shim.h"

#include "hawd/store/reader.h"
#include "tests/unit/store_kit.h"

static void start_faults(void) {
        set_up();
        shim_begin(NULL);
}

static void end_faults(void) {
        shim_end();
        tear_down();
}

static void shell(const char *what) {
        char line[256];

        text_fmt(line, sizeof(line), "cd %s && %s", folder, what);
        ck_assert_msg(system(line) == 0, "%s", line);
}

static int one_entry(struct store *s, struct told *seen, uint64_t version) {
        char data[100];
        size_t n = seen->n;

        fill(data, sizeof(data), version);
        ck_assert_int_eq(submit_entry(s, version, 1, data, sizeof(data)), 0);
        wait_for(s, seen, n + 1);
        return seen->codes[n];
}

/* As the core does after a failure: all that this host holds, up to @version. */
static int all_of_it(struct store *s, struct told *seen, uint64_t version) {
        struct store_batch b = {.id = 99,
                                .set_promised = true,
                                .promised = 3,
                                .set_epoch = true,
                                .epoch = 2,
                                .install = true,
                                .base_version = version,
                                .snapshot = bytes("state"),
                                .whole = true};
        size_t n = seen->n;

        ck_assert_int_eq(store_submit(s, &b), 0);
        wait_for(s, seen, n + 1);
        return seen->codes[n];
}

/* Ten entries, the file is spoilt, and what comes then. */
static void spoil(const char *how, const char *says, bool kept) {
        struct told seen = {0};
        struct store *s = open_store(&seen);
        struct store_loaded l;
        char name[128];

        for (uint64_t v = 1; v <= 10; v++)
                ck_assert_int_eq(one_entry(s, &seen, v), 0);
        shell(how);
        ck_assert_int_lt(one_entry(s, &seen, 11), 0);
        ck_assert_msg(strstr(seen.text, says), "%s", seen.text);
        /* It stays so until all of it comes, and nothing makes it good in between. */
        ck_assert_int_eq(one_entry(s, &seen, 11), -EUCLEAN);
        ck_assert(!seen.anew);
        ck_assert_int_eq(all_of_it(s, &seen, 10), 0);
        ck_assert(seen.anew);
        ck_assert_msg(strstr(seen.text, "written anew"), "%s", seen.text);
        ck_assert_int_eq(seen.kept[0] != '\0', kept);
        text_fmt(name, sizeof(name), "%s/%s", folder, seen.kept);
        ck_assert_int_eq(access(name, F_OK), 0);
        ck_assert_int_eq(one_entry(s, &seen, 11), 0);
        store_free(s, WAIT);
        l = load_store();
        ck_assert_uint_eq(l.promised, 3);
        ck_assert_uint_eq(l.base_version, 10);
        ck_assert_uint_eq(l.n_entries, 1);
        ck_assert_uint_eq(l.gap_from, 0); /* history is the others' now */
        ck_assert_uint_eq(l.gap_to, 10);
        store_loaded_clear(&l);
}

START_TEST(the_database_is_removed) {
        spoil("rm ledger.db", "removed or replaced while hawd had it open", false);
}
END_TEST

START_TEST(all_files_are_removed) {
        spoil("rm ledger.db*", "removed or replaced while hawd had it open", false);
}
END_TEST

START_TEST(its_log_is_removed) {
        spoil("rm ledger.db-wal", "ledger.db-wal: removed or replaced", true);
}
END_TEST

START_TEST(another_one_is_put_there) {
        spoil("cp ledger.db x && mv x ledger.db", "removed or replaced", true);
}
END_TEST

START_TEST(it_is_damaged) {
        struct told seen = {0};
        struct store *s = open_store(&seen);

        for (uint64_t v = 1; v <= 10; v++)
                ck_assert_int_eq(one_entry(s, &seen, v), 0);
        /* It is opened again after any failure, and that finds it. */
        text_set(shim->fail_on, sizeof(shim->fail_on), "-wal");
        atomic_store(&shim->fail_errno, EIO);
        ck_assert_int_eq(one_entry(s, &seen, 11), -EIO);
        ck_assert_msg(strstr(seen.text, "look at the disk (dmesg)"), "%s", seen.text);
        atomic_store(&shim->fail_errno, 0);
        shell("dd if=/dev/urandom of=ledger.db bs=512 count=1 conv=notrunc 2>/dev/null; rm -f "
              "*-wal");
        ck_assert_int_eq(one_entry(s, &seen, 11), -EUCLEAN);
        ck_assert_ptr_nonnull(strstr(seen.text, "damaged"));
        ck_assert_int_eq(all_of_it(s, &seen, 10), 0);
        ck_assert(seen.anew);
        ck_assert_int_eq(one_entry(s, &seen, 11), 0);
        store_free(s, WAIT);
}
END_TEST

/* The one that is kept stays as it is until the new one is whole. */
START_TEST(no_room_for_a_new_one) {
        struct told seen = {0};
        struct store *s = open_store(&seen);
        struct store_loaded l;

        for (uint64_t v = 1; v <= 10; v++)
                ck_assert_int_eq(one_entry(s, &seen, v), 0);
        shell("rm ledger.db-wal");
        ck_assert_int_lt(one_entry(s, &seen, 11), 0);
        text_set(shim->fail_on, sizeof(shim->fail_on), ".new");
        atomic_store(&shim->fail_errno, ENOSPC);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(all_of_it(s, &seen, 10), -ENOSPC);
                ck_assert_ptr_nonnull(strstr(seen.text, "the disk is full: make room there"));
        }
        shell("test ! -e ledger.db.new && test -e ledger.db && ! ls aside-* 2>/dev/null");
        atomic_store(&shim->fail_errno, 0);
        ck_assert_int_eq(all_of_it(s, &seen, 10), 0);
        ck_assert(seen.anew);
        store_free(s, WAIT);
        l = load_store();
        ck_assert_uint_eq(l.base_version, 10);
        store_loaded_clear(&l);
}
END_TEST

/* Remounted read-only, as filesystems are after an error. */
START_TEST(it_may_not_be_written_any_more) {
        struct told seen = {0};
        struct store *s = open_store(&seen);

        ck_assert_int_eq(one_entry(s, &seen, 1), 0);
        text_set(shim->fail_on, sizeof(shim->fail_on), "-wal");
        atomic_store(&shim->fail_errno, EROFS);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(one_entry(s, &seen, 2), -EROFS);
                ck_assert_msg(strstr(seen.text, "dmesg says why, mount it for writing"), "%s",
                              seen.text);
        }
        atomic_store(&shim->fail_errno, 0);
        ck_assert_int_eq(one_entry(s, &seen, 2), 0);
        ck_assert(!seen.anew);
        store_free(s, WAIT);
}
END_TEST

START_TEST(a_sync_that_hangs) {
        struct told seen = {0};
        struct store *s = open_store(&seen);
        usec_t before;

        ck_assert_int_eq(one_entry(s, &seen, 1), 0);
        text_set(shim->fail_on, sizeof(shim->fail_on), "-wal");
        atomic_store(&shim->block_sync, true);
        before = now_boottime();
        for (uint64_t v = 2; v <= 9; v++)
                ck_assert_int_eq(submit_entry(s, v, 1, "x", 1), 0);
        while (atomic_load(&shim->blocked) == 0)
                usleep(1000);
        ck_assert_uint_ge(store_waiting_since(s), before);
        store_dispatch(s); /* nobody waits */
        ck_assert_uint_eq(seen.n, 1);
        atomic_store(&shim->block_sync, false);
        wait_for(s, &seen, 9);
        ck_assert_uint_eq(store_waiting_since(s), USEC_INFINITY);
        ck_assert_int_eq(seen.codes[8], 0);
        store_free(s, WAIT);
}
END_TEST

static bool count_row(void *ud, const struct store_row *row) {
        (void)row;
        ++*(unsigned *)ud;
        return false;
}

/* A reader that has the old file open sees the new one. */
START_TEST(readers_follow) {
        struct store_row row = {11, 0, 5, "kind", 1, "guest", 7, "text", ""};
        struct store_batch b = {.id = 1, .rows = &row, .n_rows = 1};
        struct told seen = {0};
        struct store *s = open_store(&seen);
        struct store_reader *r;
        char err[TEXT_LEN];
        unsigned n = 0;

        ck_assert_int_eq(one_entry(s, &seen, 1), 0);
        ck_assert_int_eq(store_reader_open(path, &r, err), 0);
        ck_assert_int_eq(store_history_after(r, 0, 0, 10, count_row, &n), 0);
        shell("rm ledger.db");
        ck_assert_int_lt(one_entry(s, &seen, 2), 0);
        ck_assert_int_lt(store_history(r, &(struct store_filter){0}, count_row, &n), 0);
        ck_assert_int_eq(all_of_it(s, &seen, 10), 0);
        ck_assert_int_eq(store_submit(s, &b), 0);
        wait_for(s, &seen, seen.n + 1);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(store_history(r, &(struct store_filter){0}, count_row, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(store_history_after(r, 0, 0, 10, count_row, &n), 0);
        ck_assert_uint_eq(n, 2);
        store_reader_free(r);
        ck_assert_int_eq(one_entry(s, &seen, 11), 0); /* its end took nothing of the new one's */
        store_free(s, WAIT);
}
END_TEST

static Suite *ruin_suite(void) {
        Suite *s = suite_create("store_ruin");
        TCase *tc = unit_case(s, "ruin");

        tcase_add_checked_fixture(tc, start_faults, end_faults);
        tcase_add_test(tc, the_database_is_removed);
        tcase_add_test(tc, all_files_are_removed);
        tcase_add_test(tc, its_log_is_removed);
        tcase_add_test(tc, another_one_is_put_there);
        tcase_add_test(tc, it_is_damaged);
        tcase_add_test(tc, no_room_for_a_new_one);
        tcase_add_test(tc, it_may_not_be_written_any_more);
        tcase_add_test(tc, a_sync_that_hangs);
        tcase_add_test(tc, readers_follow);
        return s;
}

UNIT_MAIN(ruin_suite)
