/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is put aside, and disks that cannot be used at the start. */
#include "tests/unit/store_look.h"

/* ---- put aside ---- */

START_TEST(lost_until_a_ledger_is_installed) {
        struct store_batch promise = {.id = 1, .set_promised = true, .promised = 7};
        struct store_batch install = {.id = 2,
                                      .set_epoch = true,
                                      .epoch = 7,
                                      .install = true,
                                      .base_version = 100,
                                      .snapshot = bytes("state")};
        struct told seen = {0};
        struct found f;
        struct store *s;

        make_some();
        ck_assert_int_eq(truncate(path, 100), 0);
        f = look();
        found_lost(&f, "damaged");
        ck_assert_str_ne(f.aside, "");
        f = look();
        found_lost(&f, "damaged");
        ck_assert_str_eq(f.aside, "");
        s = open_store(&seen);
        ck_assert_int_eq(store_submit(s, &promise), 0);
        wait_for(s, &seen, 1);
        store_free(s, WAIT);
        f = look();
        found_lost(&f, "damaged");
        s = open_store(&seen);
        ck_assert_int_eq(store_submit(s, &install), 0);
        wait_for(s, &seen, 2);
        store_free(s, WAIT);
        f = look();
        ck_assert_str_eq(f.lost, "");
        ck_assert_uint_eq(f.n_kept, 1);
}
END_TEST

START_TEST(what_is_kept_is_bounded) {
        struct found f;

        for (size_t i = 1; i <= STORE_KEPT_MAX; i++) {
                make_some();
                ck_assert_int_eq(truncate(path, 100), 0);
                f = look();
                found_lost(&f, "damaged");
                ck_assert_uint_eq(f.n_kept, i);
                shell("rm -f %s*", path);
        }
        /* Nothing of the eight is overwritten, and the ninth stays where it is. */
        shell("for f in %s/aside-*.db; do test $(stat -c %%s $f) -eq 100 || exit 1; done", folder);
        {
                FILE *file = fopen(path, "we");

                fputs("no database", file);
                fclose(file);
        }
        f = look();
        ck_assert_int_eq(f.r, -EMLINK);
        ck_assert_msg(strstr(f.err, "8 damaged ones are kept beside it already (aside-"), "%s",
                      f.err);
        ck_assert_int_eq(size_of(path), 11);
        shell("rm %s/$(ls %s | head -n 1)", folder, folder);
        f = look();
        found_lost(&f, "damaged");
}
END_TEST

START_TEST(by_the_callers_word) {
        struct store *s;
        struct store_loaded l;
        char err[TEXT_LEN];

        make_some();
        s = open_store(NULL);
        ck_assert_int_eq(store_put_aside(s, "it cannot be read", err), 0);
        ck_assert_int_eq(store_load(s, &l, err), 0);
        ck_assert_uint_eq(l.n_entries, 0);
        store_loaded_clear(&l);
        ck_assert_int_eq(strncmp(store_lost(s), "it cannot be read; kept as aside-", 33), 0);
        store_free(s, WAIT);
        shell("sqlite3 -readonly %s/aside-*.db 'SELECT count(*) FROM entry' 2>/dev/null | "
              "grep -qx 20 || ! command -v sqlite3 >/dev/null",
              folder);
}
END_TEST

/* ---- the disk, and who may use it ---- */

START_TEST(a_file_that_may_not_be_written) {
        struct found f;

        make_some();
        if (geteuid() == 0) {
                ck_assert_int_eq(chmod(folder, 0755), 0);
                ck_assert_int_eq(seteuid(65534), 0);
        } else {
                ck_assert_int_eq(chmod(path, 0400), 0);
        }
        f = look();
        ck_assert_int_eq(f.r, -EACCES);
        ck_assert_ptr_nonnull(strstr(f.err, "Permission denied"));
        if (getuid() == 0)
                ck_assert_int_eq(seteuid(0), 0);
        ck_assert_uint_eq(f.n_kept, 0);
}
END_TEST

START_TEST(others_cannot_read_it) {
        struct stat st;

        make_some();
        ck_assert_int_eq(chmod(path, 0644), 0);
        look();
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_disk_mounted_read_only) {
        struct found f;

        if (mount("tmpfs", folder, "tmpfs", 0, "size=6m") < 0)
                return; /* not root */
        make_some();
        ck_assert_int_eq(mount("tmpfs", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=6m"), 0);
        f = look();
        ck_assert_int_eq(f.r, -EROFS);
        ck_assert_msg(strstr(f.err, "Read-only file system"), "%s", f.err);
        ck_assert_int_eq(mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=6m"), 0);
        f = look();
        found_all(&f);
        umount(folder);
}
END_TEST

START_TEST(a_disk_full_at_the_start) {
        char filler[96];
        struct found f;

        if (mount("tmpfs", folder, "tmpfs", 0, "size=1m") < 0)
                return; /* not root */
        make_some();
        text_fmt(filler, sizeof(filler), "%s/filler", folder);
        shell("head -c 4M /dev/zero >%s 2>/dev/null || true", filler);
        f = look();
        if (f.r != 0)
                ck_assert_msg(f.r == -ENOSPC && strstr(f.err, "the disk is full"), "%d %s", f.r,
                              f.err);
        else
                found_all(&f);
        ck_assert_uint_eq(f.n_kept, 0);
        ck_assert_int_eq(unlink(filler), 0);
        f = look();
        found_all(&f);
        umount(folder);
}
END_TEST

START_TEST(no_regular_file) {
        struct found f;

        ck_assert_int_eq(mkdir(path, 0700), 0);
        f = look();
        ck_assert_int_eq(f.r, -EINVAL);
        ck_assert_ptr_nonnull(strstr(f.err, "no regular file: move it away"));
        ck_assert_int_eq(rmdir(path), 0);
        ck_assert_int_eq(symlink("elsewhere", path), 0);
        f = look();
        ck_assert_int_eq(f.r, -EINVAL);
        ck_assert_ptr_nonnull(strstr(f.err, "symbolic link (link the folder instead)"));
}
END_TEST

START_TEST(no_folder) {
        text_fmt(path, sizeof(path), "%s/none/ledger.db", folder);
        ck_assert_int_eq(look().r, -ENOENT);
}
END_TEST

START_TEST(only_one_hawd) {
        struct store *s = open_store(NULL);
        struct found f = look();

        ck_assert_int_eq(f.r, -EBUSY);
        ck_assert_ptr_nonnull(strstr(f.err, "another hawd has it open"));
        store_free(s, WAIT);
        ck_assert_int_eq(look().r, 0);
}
END_TEST

static Suite *aside_suite(void) {
        Suite *s = suite_create("store_aside");
        TCase *tc = unit_case(s, "aside");

        tcase_add_checked_fixture(tc, set_up_copy, tear_down_copy);
        tcase_add_test(tc, lost_until_a_ledger_is_installed);
        tcase_add_test(tc, what_is_kept_is_bounded);
        tcase_add_test(tc, by_the_callers_word);
        tcase_add_test(tc, a_file_that_may_not_be_written);
        tcase_add_test(tc, others_cannot_read_it);
        tcase_add_test(tc, a_disk_mounted_read_only);
        tcase_add_test(tc, a_disk_full_at_the_start);
        tcase_add_test(tc, no_regular_file);
        tcase_add_test(tc, no_folder);
        tcase_add_test(tc, only_one_hawd);
        return s;
}

UNIT_MAIN(aside_suite)
