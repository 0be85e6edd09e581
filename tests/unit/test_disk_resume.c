/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a disk starts from: every state in which a crash may leave it, and those in which none does.
 */
#include "snapshots/resume.h"
#include "tests/unit/unit.h"

#define BASE "/d/vm1.qcow2"
#define TOP "/d/vm1.2.qcow2"
#define CUR "/d/vm1.3.qcow2"
#define NEW "/d/vm1.4.qcow2"

#define GOOD(b)                                                                                    \
        { .state = FILE_GOOD, .backing = b }
#define ABSENT                                                                                     \
        { .state = FILE_ABSENT }
#define ODD                                                                                        \
        { .state = FILE_ODD, .text = "not in qcow2 format" }

static const struct disk_want rest = {.act = DISK_REST, .current = CUR, .current_base = TOP};
static const struct disk_want given = {.act = DISK_REST, .current = BASE};
static const struct disk_want take = {
        .act = DISK_TAKE, .current = CUR, .current_base = TOP, .overlay = NEW};
static const struct disk_want back = {.act = DISK_ROLLBACK, .overlay = NEW, .base = TOP};
static const struct disk_want commit = {
        .act = DISK_COMMIT, .current = CUR, .top = TOP, .base = BASE};

static const struct {
        const struct disk_want *want;
        struct disk_seen seen;
        int r;
        const char *start; /* or the error names this */
        enum disk_then then;
} rows[] = {
        {&rest, {.current = GOOD(TOP)}, 0, CUR, DISK_THEN_NOTHING},
        {&rest, {.current = ABSENT}, -ENOENT, CUR, 0},
        {&rest, {.current = ODD}, -EUCLEAN, "qcow2 format", 0},
        {&rest, {.current = GOOD(BASE)}, -EUCLEAN, "rests on vm1.qcow2", 0},
        {&rest, {.current = GOOD("")}, -EUCLEAN, "rests on nothing", 0},
        {&given, {.current = GOOD("")}, 0, BASE, DISK_THEN_NOTHING},
        {&given, {.current = GOOD("/etc/shadow")}, -EUCLEAN, "shadow", 0},
        /* a snapshot: before the overlay, between it and the switch, after the switch */
        {&take, {.current = GOOD(TOP), .overlay = ABSENT}, 0, CUR, DISK_THEN_NOT_TAKEN},
        {&take, {.current = GOOD(TOP), .overlay = GOOD(CUR)}, 0, NEW, DISK_THEN_TAKEN},
        /* may hold what the guest wrote: never the old file */
        {&take, {.current = GOOD(TOP), .overlay = ODD}, -EUCLEAN, NEW, 0},
        {&take, {.current = GOOD(TOP), .overlay = GOOD(TOP)}, -EUCLEAN, "vm1.4", 0},
        {&take, {.current = GOOD(TOP), .overlay = GOOD("")}, -EUCLEAN, "vm1.4", 0},
        {&take, {.current = ABSENT, .overlay = GOOD(CUR)}, -ENOENT, CUR, 0},
        {&take, {.current = ABSENT, .overlay = ABSENT}, -ENOENT, CUR, 0},
        {&take, {.current = GOOD(BASE), .overlay = GOOD(CUR)}, -EUCLEAN, "vm1.3", 0},
        /* a rollback; what the file that is left looks like does not matter */
        {&back, {.base = GOOD(BASE), .overlay = ABSENT}, 0, NEW, DISK_THEN_MAKE},
        {&back,
         {.base = GOOD(BASE), .overlay = GOOD(TOP), .current = ODD},
         0,
         NEW,
         DISK_THEN_ROLLED_BACK},
        {&back, {.base = GOOD(BASE), .overlay = GOOD(CUR)}, -EUCLEAN, "vm1.4", 0},
        {&back, {.base = GOOD(BASE), .overlay = ODD}, -EUCLEAN, "qcow2 format", 0},
        {&back, {.base = ABSENT, .overlay = ABSENT}, -ENOENT, TOP, 0},
        {&back, {.base = ABSENT, .overlay = GOOD(TOP)}, -ENOENT, TOP, 0},
        /* a deletion: before and in the commit, after the switch of the backing, after the end */
        {&commit,
         {.current = GOOD(TOP), .top = GOOD(BASE), .base = GOOD("")},
         0,
         CUR,
         DISK_THEN_COMMIT},
        {&commit,
         {.current = GOOD(BASE), .top = GOOD(BASE), .base = GOOD("")},
         0,
         CUR,
         DISK_THEN_REMOVE_TOP},
        {&commit,
         {.current = GOOD(BASE), .top = ABSENT, .base = GOOD("")},
         0,
         CUR,
         DISK_THEN_NOTHING},
        {&commit,
         {.current = GOOD(BASE), .top = ODD, .base = GOOD("")},
         0,
         CUR,
         DISK_THEN_REMOVE_TOP},
        {&commit, {.current = GOOD(TOP), .top = ABSENT, .base = GOOD("")}, -ENOENT, TOP, 0},
        {&commit, {.current = GOOD(TOP), .top = GOOD(NEW), .base = GOOD("")}, -EUCLEAN, "vm1.2", 0},
        {&commit,
         {.current = GOOD(NEW), .top = GOOD(BASE), .base = GOOD("")},
         -EUCLEAN,
         "vm1.3",
         0},
        {&commit, {.current = GOOD(BASE), .top = ABSENT, .base = ABSENT}, -ENOENT, BASE, 0},
        {&commit, {.current = ABSENT, .top = GOOD(BASE), .base = GOOD("")}, -ENOENT, CUR, 0},
        {&commit, {.current = ODD, .top = GOOD(BASE), .base = GOOD("")}, -EUCLEAN, CUR, 0},
};

START_TEST(state) {
        struct disk_resume got = {.start = "untouched", .then = DISK_THEN_MAX_};
        char err[TEXT_LEN] = "";
        int r = disk_resume(rows[_i].want, &rows[_i].seen, &got, err);

        ck_assert_msg(r == rows[_i].r, "%d: %s", r, err);
        if (r < 0) {
                ck_assert_msg(strstr(err, rows[_i].start), "'%s'", err);
                ck_assert_str_eq(got.start, "untouched");
                return;
        }
        ck_assert_str_eq(got.start, rows[_i].start);
        ck_assert_int_eq(got.then, rows[_i].then);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("disk_resume");
        TCase *tc = unit_case(s, "disk_resume");

        tcase_add_loop_test(tc, state, 0, (int)ARRAY_SIZE(rows));
        return s;
}

UNIT_MAIN(suite)
