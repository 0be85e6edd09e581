/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of a guest's disk by what the ledger keeps of its snapshots, and what its start asks.
 */
#include "snapshots/state.h"
#include "tests/unit/unit.h"

static const char given[] = "/srv/web.raw";

static struct guest_snaps *with(const char *first, const char *second) {
        struct guest_snaps *s = snaps_new();

        (void)snap_taken(s->list, &s->n, s->next++, first, 1);
        if (second)
                (void)snap_taken(s->list, &s->n, s->next++, second, 2);
        return s;
}

static struct snap_paths paths(const struct guest_snaps *s) {
        struct snap_paths p;
        char err[TEXT_LEN];

        ck_assert_int_eq(snaps_paths(s, given, "raw", &p, err), 0);
        return p;
}

START_TEST(none_is_the_disk_as_it_was_given) {
        struct guest_snaps *s = snaps_new();
        struct snap_paths p = paths(s);

        ck_assert_str_eq(p.current, given);
        ck_assert_str_eq(p.base, "");
        ck_assert(!snaps_many(s) && !snaps_many(NULL));
        free(s);
}
END_TEST

START_TEST(current_over_the_snapshot) {
        struct guest_snaps *s = with("a", NULL);
        struct snap_paths p = paths(s);
        struct disk_want w = snaps_want(s, &p, false);

        ck_assert_str_eq(p.current, "/srv/web.hawd-2.qcow2");
        ck_assert_str_eq(p.base, given);
        ck_assert_str_eq(p.base_format, "raw");
        ck_assert_str_eq(p.under, "");
        ck_assert_int_eq(w.act, DISK_REST);
        ck_assert_str_eq(w.current, p.current);
        ck_assert_str_eq(w.current_base, given);
        free(s);
}
END_TEST

START_TEST(not_run_on_yet_is_made) {
        struct guest_snaps *s = with("a", NULL);
        struct snap_paths p = paths(s);
        struct disk_want w;

        s->unmade = true;
        w = snaps_want(s, &p, false);
        ck_assert_int_eq(w.act, DISK_ROLLBACK);
        ck_assert_str_eq(w.overlay, p.current);
        ck_assert_str_eq(w.base, given);
        free(s);
}
END_TEST

/* "a" is being deleted: the file of "b" goes into its file. */
START_TEST(what_is_committed_below) {
        struct guest_snaps *s = with("a", "b");
        struct snap_paths p;
        struct disk_want w;

        s->list[0].deleting = true;
        p = paths(s);
        ck_assert_str_eq(p.base, "/srv/web.hawd-2.qcow2");
        ck_assert_str_eq(p.under, given);
        ck_assert_str_eq(p.under_format, "raw");
        w = snaps_want(s, &p, true);
        ck_assert_int_eq(w.act, DISK_COMMIT);
        ck_assert_str_eq(w.top, p.base);
        ck_assert_str_eq(w.base, given);
        /* Gone back to "b", whose file may have gone into that of "a" and be removed. */
        s->unmade = true;
        ck_assert_str_eq(snaps_want(s, &p, false).base, p.base);
        ck_assert_str_eq(snaps_want(s, &p, true).base, given);
        free(s);
}
END_TEST

/* A file that is missing for another reason is missed. */
START_TEST(a_missing_base_is_asked_for) {
        struct guest_snaps *s = with("a", "b");
        struct snap_paths p = paths(s);

        s->unmade = true;
        ck_assert_str_eq(snaps_want(s, &p, true).base, p.base);
        free(s);
}
END_TEST

START_TEST(long_paths_are_refused) {
        struct guest_snaps *s = with("a", NULL);
        char path[600], err[TEXT_LEN] = "";
        struct snap_paths p;

        memset(path, 'x', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        ck_assert_int_eq(snaps_paths(s, path, "raw", &p, err), -ENAMETOOLONG);
        ck_assert_str_ne(err, "");
        ck_assert_int_eq(snaps_paths(s, "web.raw", "raw", &p, err), -EINVAL);
        free(s);
}
END_TEST

START_TEST(deletions_one_after_the_other) {
        struct guest_snaps *s = with("a", "b");
        enum snap_way way;

        ck_assert_int_eq(snaps_due(s, &way), -1);
        s->list[1].deleting = true;
        ck_assert_int_eq(snaps_due(s, &way), 1);
        ck_assert_int_eq(way, SNAP_WAY_OVERLAY);
        (void)snap_taken(s->list, &s->n, s->next++, "c", 3);
        ck_assert_int_eq(snaps_due(s, &way), 1);
        ck_assert_int_eq(way, SNAP_WAY_COMMIT);
        free(s);
}
END_TEST

START_TEST(copies) {
        struct guest_snaps *s = with("a", NULL), *c = snaps_copy(s);

        ck_assert_ptr_null(snaps_copy(NULL));
        ck_assert_mem_eq(s, c, sizeof(*s));
        free(s);
        free(c);
}
END_TEST

/* Names inside of the disk, which stays the guest's; what a start does there, and once only. */
START_TEST(inside_of_the_disk) {
        struct guest_snaps *s = snaps_new();
        struct snap_inside in;
        char err[TEXT_LEN], why[TEXT_LEN];
        uint32_t over;
        int a;

        ck_assert(!snaps_inside(s) && !snaps_inside(NULL));
        s->list[0].inside = true;
        (void)snap_taken(s->list, &s->n, s->next++, "a", 1 * USEC_PER_SEC);
        (void)snap_taken(s->list, &s->n, s->next++, "b", 1 * USEC_PER_SEC + 7);
        ck_assert(snaps_inside(s));
        ck_assert_int_eq(snap_check(s->list, s->n, err), 0);
        a = snap_find_name(s->list, s->n, "a");
        ck_assert_uint_eq(s->list[a].file, 2);
        ck_assert_uint_eq(s->list[snap_find_name(s->list, s->n, "b")].file, 3);
        ck_assert_uint_eq(s->list[snap_current(s->list, s->n)].file, 0);
        ck_assert_int_eq(snaps_start_inside(s, &in, err), 0); /* it has run since */
        ck_assert_str_eq(in.keep, "");
        s->unmade = true;
        ck_assert_int_eq(snaps_start_inside(s, &in, err), 0);
        ck_assert_str_eq(in.keep, "hawd-3-1");
        ck_assert_str_eq(in.back, "");
        snap_rolled_back(s->list, &s->n, (size_t)a, s->next++, "left-4", 1 * USEC_PER_SEC + 9);
        ck_assert_int_eq(snaps_start_inside(s, &in, err), 0);
        ck_assert_str_eq(in.keep, "hawd-4-1");
        ck_assert_str_eq(in.back, "hawd-2-1");
        ck_assert_str_eq(in.done, "hawd-at-4-1");
        ck_assert_int_eq(snap_check(s->list, s->n, err), 0);
        /* Each can go, and nothing else changes. */
        ck_assert_int_eq(snap_delete_way(s->list, s->n, (size_t)a, &over, why), SNAP_WAY_INSIDE);
        snap_deleted(s->list, &s->n, (size_t)a);
        ck_assert_int_eq(snap_check(s->list, s->n, err), 0);
        ck_assert_uint_eq(s->list[snap_find_name(s->list, s->n, "b")].file, 3);
        ck_assert_uint_eq(s->list[snap_find_name(s->list, s->n, "left-4")].file, 4);
        ck_assert_uint_eq(s->list[snap_current(s->list, s->n)].file, 0);
        snap_deleted(s->list, &s->n, (size_t)snap_find_name(s->list, s->n, "left-4"));
        ck_assert_int_eq(snaps_start_inside(s, &in, err), -EUCLEAN);
        s->list[0].inside = false;
        ck_assert_int_eq(snap_check(s->list, s->n, err), -EINVAL);
        ck_assert_ptr_nonnull(strstr(err, "inside"));
        free(s);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("snaps");
        TCase *tc = unit_case(s, "all");

        tcase_add_test(tc, none_is_the_disk_as_it_was_given);
        tcase_add_test(tc, current_over_the_snapshot);
        tcase_add_test(tc, not_run_on_yet_is_made);
        tcase_add_test(tc, what_is_committed_below);
        tcase_add_test(tc, a_missing_base_is_asked_for);
        tcase_add_test(tc, long_paths_are_refused);
        tcase_add_test(tc, deletions_one_after_the_other);
        tcase_add_test(tc, copies);
        tcase_add_test(tc, inside_of_the_disk);
        return s;
}

UNIT_MAIN(suite)
