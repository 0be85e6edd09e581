/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Databases that are not what they should be, at the start. What is found is all that was
 * completed, or nothing: then the file was put aside, and the store says that it was lost.
 */
#include "hawd/store/reader.h"
#include "tests/unit/store_look.h"

/* ---- of somebody else ---- */

START_TEST(a_newer_one_is_left_as_it_is) {
        char want[TEXT_LEN];
        struct found f;

        make_some();
        run_sql("PRAGMA user_version = 4");
        keep_copy();
        f = look();
        ck_assert_int_eq(f.r, -EPROTONOSUPPORT);
        text_fmt(want, sizeof(want),
                 "%s: from a newer hawd (schema 4, this one knows 3): install the newer hawd again",
                 path);
        ck_assert_str_eq(f.err, want);
        ck_assert_uint_eq(f.n_kept, 0);
        shell("cmp -s %s %s/ledger.db", path, copy_dir);
}
END_TEST

static void upgrade_and_die(void) {
        int status;
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                sqlite3 *db;

                sqlite3_open(path, &db);
                sqlite3_exec(db, "CREATE TABLE more (x); PRAGMA user_version = 4", NULL, NULL,
                             NULL);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

START_TEST(a_newer_one_whose_hawd_was_killed_too) {
        make_some();
        upgrade_and_die(); /* the schema's number is in the log only */
        keep_copy();
        ck_assert_int_eq(look().r, -EPROTONOSUPPORT);
        shell("cmp -s %s %s/ledger.db && cmp -s %s-wal %s/ledger.db-wal", path, copy_dir, path,
              copy_dir);
}
END_TEST

static int claim_as(uint32_t nodeid, const char *name, char *err) {
        struct store *s = open_store(NULL);
        int r = store_claim(s, nodeid, name, err);

        store_free(s, WAIT);
        return r;
}

#define SCHEMA_2                                                                                   \
        "DROP INDEX history_host;"                                                                 \
        "ALTER TABLE history RENAME COLUMN host_name TO json;"                                     \
        "CREATE INDEX history_host ON history (host, version, seq) WHERE host <> 0;"               \
        "PRAGMA user_version = 2;"

START_TEST(of_an_older_schema) {
        struct found f;
        char err[TEXT_LEN];

        make_some();
        run_sql(SCHEMA_2 "DROP TABLE about; PRAGMA user_version = 1");
        f = look();
        found_all(&f);
        f = look();
        found_all(&f);
        ck_assert_int_eq(claim_as(1, "node1", err), 0); /* from then on it says whose it is */
        ck_assert_int_eq(claim_as(2, "node2", err), -EUCLEAN);
}
END_TEST

static bool add_name(void *ud, const struct store_row *row) {
        char *names = ud;
        size_t n = strlen(names);

        text_fmt(names + n, TEXT_LEN - n, "%s%s", n ? " " : "",
                 row->host_name[0] ? row->host_name : "-");
        return false;
}

/* Rows of before did not say what their host was called then: a number went from hand to hand. */
START_TEST(rows_of_an_older_schema_get_their_hosts_names) {
        struct store_reader *r;
        char names[TEXT_LEN] = "", err[TEXT_LEN];
        struct found f;

        make_some();
        run_sql(SCHEMA_2 "INSERT INTO history VALUES"
                         "(1, 0, 1, 'host-online', 3, '', 0, 'of nobody known', ''),"
                         "(2, 0, 1, 'host-added', 3, '', 0, 'old joins the cluster''s list', ''),"
                         "(3, 0, 1, 'host-lost', 3, '', 0, 'it left', ''),"
                         "(4, 0, 1, 'host-removed', 3, '', 0, 'old is no longer there', ''),"
                         "(5, 0, 1, 'host-added', 3, '', 0, 'new joins the cluster''s list', ''),"
                         "(6, 0, 1, 'host-added', 4, '', 0, 'four joins', ''),"
                         "(7, 0, 1, 'host-lost', 3, '', 0, 'it left', ''),"
                         "(8, 0, 1, 'host-renamed', 3, '', 0,"
                         " 'new is called newer in the nodelist: fence devices', ''),"
                         "(9, 0, 1, 'host-lost', 3, '', 0, 'it left', ''),"
                         "(9, 1, 1, 'guest-lost', 0, 'web', 0, 'it waits', '')");
        f = look();
        found_all(&f);
        ck_assert_int_eq(store_reader_open(path, &r, err), 0);
        ck_assert_int_eq(store_history_after(r, 0, 0, 99, add_name, names), 0);
        ck_assert_str_eq(names, "- old old old new four new newer newer -");
        names[0] = '\0';
        ck_assert_int_eq(store_history(r, &(struct store_filter){.host = "old"}, add_name, names),
                         0);
        ck_assert_str_eq(names, "old old old");
        store_reader_free(r);
}
END_TEST

START_TEST(somebody_elses_database) {
        struct found f;
        char kept[160];

        run_sql("CREATE TABLE t (x)");
        keep_copy();
        f = look();
        found_lost(&f, "a database, but not hawd's");
        ck_assert_uint_eq(f.n_kept, 1);
        text_fmt(kept, sizeof(kept), "%s/%s", folder, f.kept);
        shell("cmp -s %s %s/ledger.db", kept, copy_dir);
        ck_assert_str_eq(f.aside, f.kept);
        ck_assert_ptr_nonnull(strstr(f.lost, f.kept));
}
END_TEST

START_TEST(of_another_node) {
        struct store_loaded l;
        char err[TEXT_LEN], want[TEXT_LEN];
        struct found f;
        struct store *s;

        make_some();
        ck_assert_int_eq(claim_as(1, "node1", err), 0);
        ck_assert_int_eq(claim_as(1, "node1", err), 0);
        ck_assert_int_eq(claim_as(1, "web1", err), 0); /* the host was renamed */
        f = look();
        found_all(&f);

        s = open_store(NULL);
        ck_assert_int_eq(store_claim(s, 4, "node4", err), -EUCLEAN);
        text_fmt(want, sizeof(want), "%s: of node 1 (web1), this is node 4 (node4)", path);
        ck_assert_str_eq(err, want);
        ck_assert_int_eq(store_put_aside(s, want, err), 0);
        ck_assert_int_eq(store_claim(s, 4, "node4", err), 0);
        ck_assert_int_eq(store_load(s, &l, err), 0);
        ck_assert_uint_eq(l.n_entries, 0);
        store_loaded_clear(&l);
        store_free(s, WAIT);
        f = look();
        found_lost(&f, "of node 1 (web1), this is node 4 (node4); kept as aside-");

        ck_assert_int_eq(claim_as(5, "node4", err),
                         -EXDEV); /* the same host: not to be mended here */
        ck_assert_ptr_nonnull(strstr(err, "give it its node id back in corosync.conf"));
}
END_TEST

START_TEST(of_another_cluster) {
        static const struct store_owner other = {.cluster = "prod", .format = 5};
        struct found f;

        make_some();
        keep_copy();
        f = look_as(&other);
        ck_assert_int_eq(f.r, -EXDEV);
        ck_assert_msg(strstr(f.err, "of cluster lab, this one is prod: set the name back"), "%s",
                      f.err);
        ck_assert_uint_eq(f.n_kept, 0);
        shell("cmp -s %s %s/ledger.db", path, copy_dir);
        f = look();
        found_all(&f);
}
END_TEST

START_TEST(the_format_of_the_newest_hawd_stays) {
        static const struct store_owner newer = {.cluster = "lab", .format = 9};
        struct told seen = {0};
        struct store_owner o = newer;
        struct store *s;
        char err[TEXT_LEN];

        make_some();
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(store_open(path, &o, &s, err), 0);
                ck_assert_uint_eq(store_format(s), i == 0 ? 5 : 9);
                ck_assert_int_eq(store_start(s, on_done, &seen), 0);
                ck_assert_int_eq(submit_entry(s, ENTRIES + 1 + (uint64_t)i, 1, "x", 1), 0);
                wait_for(s, &seen, (size_t)i + 1);
                store_free(s, WAIT);
                o.format = 7; /* and back: the older one leaves it */
        }
        ck_assert_int_eq(store_open(path, &o, &s, err), 0);
        ck_assert_uint_eq(store_format(s), 9);
        store_free(s, WAIT);
}
END_TEST

/* ---- damaged ---- */

START_TEST(no_database_at_all) {
        struct found f;
        FILE *file = fopen(path, "we");

        fputs("This is a text, and not a short one, of more than a hundred bytes, so that it is "
              "not taken for the beginning of a file.\n",
              file);
        fclose(file);
        f = look();
        found_lost(&f, "damaged: file is not a database; kept as aside-");
        ck_assert_uint_eq(f.n_kept, 1);
}
END_TEST

START_TEST(an_empty_file) {
        struct found f;
        FILE *file = fopen(path, "we");

        fclose(file);
        f = look();
        found_lost(&f, "it is empty");
}
END_TEST

START_TEST(random_bytes) {
        for (uint64_t round = 0; round < 20; round++) {
                static char data[40000];
                struct found f;
                FILE *file;

                fill(data, sizeof(data), round);
                file = fopen(path, "we");
                ck_assert_uint_eq(fwrite(data, 1, 2000 * (round + 1), file), 2000 * (round + 1));
                fclose(file);
                f = look();
                found_lost(&f, "damaged");
                shell("rm -f %s/aside-*", folder);
        }
}
END_TEST

/* Every page in turn is overwritten, in part: found, or it was one that holds nothing of it. */
START_TEST(damage_anywhere_is_found_or_harmless) {
        size_t found = 0;
        off_t size;

        make_some();
        keep_copy();
        size = size_of(path);
        for (off_t at = 0; at < size; at += 1024) {
                char junk[64];
                struct found f;

                memset(junk, 0xa5, sizeof(junk));
                overwrite(path, at, junk, sizeof(junk));
                f = look();
                if (f.lost[0]) {
                        found_lost(&f, "damaged");
                        ck_assert_uint_eq(f.n_kept, 1);
                        found++;
                } else {
                        found_all(&f);
                }
                bring_back();
        }
        ck_assert_uint_ge(found, 20);
}
END_TEST

START_TEST(a_file_cut_short) {
        off_t size;

        make_some();
        keep_copy();
        size = size_of(path);
        for (off_t at = 0; at < size; at += 1536) {
                struct found f;

                ck_assert_int_eq(truncate(path, at), 0);
                f = look();
                if (f.lost[0] == '\0')
                        found_all(&f);
                else
                        found_lost(&f, "damaged");
                bring_back();
        }
}
END_TEST

START_TEST(changed_rows_are_found) {
        static const char *const changes[] = {
                "UPDATE entry SET bytes = x'00' WHERE version = 5",
                "UPDATE entry SET epoch = 2 WHERE version = 5",
                "DELETE FROM entry WHERE version = 5",
                "DELETE FROM entry WHERE version = 20",
                "UPDATE meta SET base_version = 3",
                "DELETE FROM meta",
                "DELETE FROM about",
        };

        make_some();
        keep_copy();
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                struct found f;

                run_sql(changes[i]);
                f = look();
                found_lost(&f, "damaged");
                bring_back();
        }
        {
                struct found f = look();

                found_all(&f);
        }
}
END_TEST

/* ---- the log and what else lies beside it ---- */

/* SQLite reads a log up to the first bad frame, and takes that for its end. */
START_TEST(a_damaged_log) {
        size_t found = 0;
        off_t size;

        make_some_and_die();
        keep_copy();
        size = size_of(with("-wal"));
        ck_assert_int_gt(size, 20 * 2000);
        for (off_t at = 0; at < size; at += size / 40) {
                struct found f;

                overwrite(with("-wal"), at, "damage", 6);
                f = look();
                if (f.lost[0])
                        found_lost(&f, "damaged: entry 20 of epoch 0 was acknowledged");
                else
                        found_all(&f); /* a part of it that nobody reads */
                found += f.lost[0] != '\0';
                bring_back();
                ck_assert_int_eq(truncate(with("-wal"), at), 0);
                f = look();
                found_lost(&f, "damaged: entry 20 of epoch 0 was acknowledged");
                bring_back();
        }
        ck_assert_uint_ge(found, 35);
}
END_TEST

START_TEST(a_log_that_is_gone) {
        struct found f;

        make_some_and_die();
        ck_assert_int_eq(unlink(with("-wal")), 0);
        f = look();
        found_lost(&f, "entry 20 of epoch 0 was acknowledged, the newest is 0");
}
END_TEST

START_TEST(an_older_copy) {
        struct found f;

        make_some();
        keep_copy();
        {
                struct told seen = {0};
                struct store *s = open_store(&seen);

                ck_assert_int_eq(submit_entry(s, ENTRIES + 1, 1, "x", 1), 0);
                wait_for(s, &seen, 1);
                store_free(s, WAIT);
        }
        shell("cp %s/ledger.db %s", copy_dir, path);
        f = look();
        found_lost(&f, "entry 21 of epoch 0 was acknowledged, the newest is 20");
        /* Put back on purpose, whole, it is taken. */
        bring_back();
        f = look();
        found_all(&f);
}
END_TEST

/* What it promised and forgot would let it take part in two installs. */
START_TEST(an_older_promise) {
        const struct store_batch promise = {.id = 5, .set_promised = true, .promised = 9};
        const struct store_batch epoch = {.id = 5, .set_epoch = true, .epoch = 9};
        const struct store_batch *const batches[] = {&promise, &epoch};
        static const char *const said[] = {"number 9 was promised, the newest is 0",
                                           "of epoch 9 was acknowledged"};
        struct told seen = {0};
        struct store *s;
        struct found f;

        make_some();
        keep_copy();
        s = open_store(&seen);
        ck_assert_int_eq(store_submit(s, batches[_i]), 0);
        wait_for(s, &seen, 1);
        store_free(s, WAIT);
        shell("cp %s/ledger.db %s", copy_dir, path);
        f = look();
        found_lost(&f, said[_i]);
}
END_TEST

START_TEST(a_database_that_is_gone) {
        static const char *const rest[] = {"-wal", ".mark"};

        for (size_t i = 0; i < ARRAY_SIZE(rest); i++) {
                struct found f;

                make_some_and_die();
                shell("mv %s%s %s/rest && rm -f %s*", path, rest[i], folder, path);
                shell("mv %s/rest %s%s", folder, path, rest[i]);
                f = look();
                found_lost(&f, "is gone, what was written beside it is not");
                f = look();
                found_lost(&f, "is gone");
                shell("rm -f %s/*", folder);
                f = look(); /* all of it removed: on purpose */
                ck_assert_str_eq(f.lost, "");
        }
}
END_TEST

START_TEST(a_log_of_another_database) {
        struct found f;

        make_some_and_die();
        shell("mv %s-wal %s/wal", path, folder);
        make_some(); /* begins anew, since the log was lost */
        shell("cp %s/wal %s-wal && rm %s.mark", folder, path, path);
        f = look();
        /* It may be read as this one's: then it is all or nothing. */
        ck_assert_msg(f.n == ENTRIES || f.lost[0], "%zu", f.n);
}
END_TEST

START_TEST(shared_memory_left_over) {
        static char junk[32768];
        struct found f;

        make_some_and_die();
        fill(junk, sizeof(junk), 1);
        overwrite(with("-shm"), 0, junk, sizeof(junk));
        f = look();
        found_all(&f);
}
END_TEST

START_TEST(a_mark_that_is_no_mark) {
        struct found f;

        make_some_and_die();
        overwrite(with(".mark"), 20, "9", 1);
        f = look();
        found_all(&f);
        ck_assert_int_eq(truncate(with(".mark"), 3), 0);
        f = look();
        found_all(&f);
}
END_TEST

START_TEST(what_was_begun_and_not_finished) {
        struct found f;

        make_some();
        shell("cp %s %s.new && truncate -s 5000 %s.new", path, path, path);
        f = look();
        found_all(&f);
        ck_assert_int_lt(access(with(".new"), F_OK), 0);
        shell("touch %s.swap", path);
        f = look();
        found_all(&f);
        ck_assert_int_lt(access(with(".swap"), F_OK), 0);
}
END_TEST

static Suite *damage_suite(void) {
        Suite *s = suite_create("store_damage");
        TCase *tc = unit_case(s, "damage");

        tcase_add_checked_fixture(tc, set_up_copy, tear_down_copy);
        tcase_add_test(tc, a_newer_one_is_left_as_it_is);
        tcase_add_test(tc, a_newer_one_whose_hawd_was_killed_too);
        tcase_add_test(tc, of_an_older_schema);
        tcase_add_test(tc, rows_of_an_older_schema_get_their_hosts_names);
        tcase_add_test(tc, somebody_elses_database);
        tcase_add_test(tc, of_another_node);
        tcase_add_test(tc, of_another_cluster);
        tcase_add_test(tc, the_format_of_the_newest_hawd_stays);
        tcase_add_test(tc, no_database_at_all);
        tcase_add_test(tc, an_empty_file);
        tcase_add_test(tc, random_bytes);
        tcase_add_test(tc, damage_anywhere_is_found_or_harmless);
        tcase_add_test(tc, a_file_cut_short);
        tcase_add_test(tc, changed_rows_are_found);
        tcase_add_test(tc, a_damaged_log);
        tcase_add_test(tc, a_log_that_is_gone);
        tcase_add_test(tc, an_older_copy);
        tcase_add_loop_test(tc, an_older_promise, 0, 2);
        tcase_add_test(tc, a_database_that_is_gone);
        tcase_add_test(tc, a_log_of_another_database);
        tcase_add_test(tc, shared_memory_left_over);
        tcase_add_test(tc, a_mark_that_is_no_mark);
        tcase_add_test(tc, what_was_begun_and_not_finished);
        return s;
}

UNIT_MAIN(damage_suite)
