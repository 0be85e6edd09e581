/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tree of a guest's snapshots: what it must look like, what may be deleted and how, what may be
 * rolled back to, and which one is known-good.
 */
#include "snapshots/tree.h"
#include "tests/unit/unit.h"

#define POINT(i, p, ...)                                                                           \
        { .id = (i), .parent = (p), .kind = SNAP_POINT, __VA_ARGS__ }
#define CURRENT(i, p)                                                                              \
        { .id = (i), .parent = (p), .kind = SNAP_CURRENT }
#define LEFT(i, p, ...)                                                                            \
        { .id = (i), .parent = (p), .kind = SNAP_LEFT, __VA_ARGS__ }

/* given 1=a --- 2=b --- 3=c --- 4 current */
static const struct snapshot line[] = {
        POINT(1, 0, .name = "a"),
        POINT(2, 1, .name = "b"),
        POINT(3, 2, .name = "c"),
        CURRENT(4, 3),
};
/* 1=a --- 2=b --- 3=c --- 4=left;  2 --- 5 current */
static const struct snapshot forked[] = {
        POINT(1, 0, .name = "a"),
        POINT(2, 1, .name = "b"),
        POINT(3, 2, .name = "c"),
        LEFT(4, 3, .name = "left-4"),
        CURRENT(5, 2),
};
/* 1=a --- 2=b --- 3=c;  2 --- 5 current: what was left of it is deleted */
static const struct snapshot stub[] = {
        POINT(1, 0, .name = "a"),
        POINT(2, 1, .name = "b"),
        POINT(3, 2, .name = "c"),
        CURRENT(5, 2),
};
static const struct snapshot busy[] = {
        POINT(1, 0, .name = "a"),
        POINT(2, 1, .name = "b", .deleting = true),
        POINT(3, 2, .name = "c"),
        CURRENT(4, 3),
};
/* 1=a --- 2 left, and 3 current over what was given */
static const struct snapshot side[] = {
        POINT(1, 0, .name = "a"),
        LEFT(2, 1, .name = "left-2"),
        CURRENT(3, 1),
};

static const struct {
        const struct snapshot *s;
        size_t n, i;
        enum snap_way way;
        uint32_t over;
        const char *why;
} deletes[] = {
        {line, 4, 3, SNAP_WAY_NONE, 0, "guest's disks"},
        {line, 4, 0, SNAP_WAY_COMMIT, 2, ""},
        {line, 4, 1, SNAP_WAY_COMMIT, 3, ""},
        {line, 4, 2, SNAP_WAY_OVERLAY, 4, ""},
        {forked, 5, 4, SNAP_WAY_NONE, 0, "guest's disks"},
        {forked, 5, 3, SNAP_WAY_UNLINK, 0, ""},
        {forked, 5, 2, SNAP_WAY_NONE, 0, "left-4"},   /* into its base: never */
        {forked, 5, 1, SNAP_WAY_NONE, 0, "left-4"},   /* would take its base away */
        {forked, 5, 0, SNAP_WAY_NONE, 0, "branches"}, /* b has two over it */
        {stub, 4, 2, SNAP_WAY_UNLINK, 0, ""},
        {stub, 4, 1, SNAP_WAY_NONE, 0, "branches"},
        {stub, 4, 0, SNAP_WAY_NONE, 0, "branches"},
        {busy, 4, 1, SNAP_WAY_COMMIT, 3, ""}, /* goes on */
        {busy, 4, 0, SNAP_WAY_NONE, 0, "after that"},
        {busy, 4, 2, SNAP_WAY_NONE, 0, "after that"},
        {side, 3, 0, SNAP_WAY_NONE, 0, "left-2"},
        {side, 3, 1, SNAP_WAY_UNLINK, 0, ""},
};

START_TEST(delete_way) {
        char why[TEXT_LEN] = "";
        uint32_t over = 0;

        ck_assert_int_eq(snap_check(deletes[_i].s, deletes[_i].n, why), 0);
        ck_assert_int_eq(snap_delete_way(deletes[_i].s, deletes[_i].n, deletes[_i].i, &over, why),
                         deletes[_i].way);
        ck_assert_uint_eq(over, deletes[_i].over);
        ck_assert_msg(strstr(why, deletes[_i].why), "'%s'", why);
}
END_TEST

static const struct {
        const char *why;
        size_t n;
        struct snapshot s[4];
} trees[] = {
        {NULL, 1, {CURRENT(1, 0)}},
        {NULL, 2, {CURRENT(7, 3), POINT(3, 0, .name = "x")}},
        {"0 of the", 0, {CURRENT(1, 0)}},
        {"0 of the", 1, {POINT(1, 0, .name = "x")}},
        {"2 of the", 2, {CURRENT(1, 0), CURRENT(2, 0)}},
        {"number", 1, {CURRENT(0, 0)}},
        {"number", 2, {CURRENT(1, 0), POINT(1, 0, .name = "x")}},
        {"rests on no", 1, {CURRENT(1, 9)}},
        {"rests on no", 2, {CURRENT(1, 2), LEFT(2, 0, .name = "x")}},
        {"rests on no", 2, {POINT(1, 2, .name = "x"), CURRENT(2, 0)}},
        {"itself", 2, {POINT(1, 1, .name = "x"), CURRENT(2, 0)}},
        {"itself", 3, {POINT(1, 2, .name = "x"), POINT(2, 1, .name = "y"), CURRENT(3, 0)}},
        {"name", 2, {POINT(1, 0), CURRENT(2, 1)}},
        {"name", 2, {POINT(1, 0, .name = "a/b"), CURRENT(2, 1)}},
        {"name", 3, {POINT(1, 0, .name = "x"), CURRENT(2, 1), LEFT(3, 1, .name = "x")}},
};

START_TEST(tree) {
        char err[TEXT_LEN] = "";

        ck_assert_int_eq(snap_check(trees[_i].s, trees[_i].n, err), trees[_i].why ? -EINVAL : 0);
        ck_assert_msg(!trees[_i].why || strstr(err, trees[_i].why), "'%s'", err);
}
END_TEST

START_TEST(too_many) {
        struct snapshot s[SNAPSHOTS_MAX + 1] = {{0}};
        char err[TEXT_LEN];

        for (size_t i = 0; i < SNAPSHOTS_MAX + 1; i++) {
                s[i] = (struct snapshot)POINT((uint32_t)i + 1, (uint32_t)i);
                text_fmt(s[i].name, NAME_LEN, "s%zu", i);
        }
        s[SNAPSHOTS_MAX - 1].kind = SNAP_CURRENT;
        ck_assert_int_eq(snap_check(s, SNAPSHOTS_MAX, err), 0);
        ck_assert_uint_eq(snap_depth(s, SNAPSHOTS_MAX, SNAPSHOTS_MAX - 1), SNAPSHOTS_MAX);
        ck_assert(!snap_take_ok(s, SNAPSHOTS_MAX, "new", err));
        ck_assert(!snap_rollback_ok(s, SNAPSHOTS_MAX, 0, err));
        ck_assert(snap_take_ok(s + 1, SNAPSHOTS_MAX - 1, "new", err));
        ck_assert_int_eq(snap_check(s, SNAPSHOTS_MAX + 1, err), -EINVAL);
}
END_TEST

START_TEST(rollback_and_take) {
        char why[TEXT_LEN] = "";

        ck_assert(snap_rollback_ok(forked, 5, 0, why));
        ck_assert(snap_rollback_ok(forked, 5, 2, why));
        ck_assert(!snap_rollback_ok(forked, 5, 3, why)); /* a kept disk is not written (S8) */
        ck_assert(!snap_rollback_ok(forked, 5, 4, why));
        ck_assert(!snap_rollback_ok(busy, 4, 1, why)); /* its state is no more */
        ck_assert_ptr_nonnull(strstr(why, "being deleted"));
        ck_assert(snap_rollback_ok(busy, 4, 0, why));
        ck_assert(snap_take_ok(line, 4, "d", why));
        ck_assert(!snap_take_ok(line, 4, "c", why));
        ck_assert(!snap_take_ok(line, 4, "-c", why));
        ck_assert(!snap_take_ok(forked, 5, "left-4", why));
}
END_TEST

START_TEST(known_good) {
        struct snapshot s[] = {
                POINT(1, 0, .name = "a", .wall = 10, .good = true),
                POINT(2, 1, .name = "b", .wall = 20, .good = true),
                POINT(3, 2, .name = "c", .wall = 30, .good = true),
                POINT(4, 3, .name = "d", .wall = 40),
                CURRENT(5, 4),
        };

        ck_assert_int_eq(snap_known_good(s, 5), 2);
        s[2].failed = true; /* it did not help */
        ck_assert_int_eq(snap_known_good(s, 5), 1);
        s[1].deleting = true;
        ck_assert_int_eq(snap_known_good(s, 5), 0);
        s[0].good = false;
        ck_assert_int_eq(snap_known_good(s, 5), -1);
        s[4].good = true; /* no snapshot */
        ck_assert_int_eq(snap_known_good(s, 5), -1);
}
END_TEST

START_TEST(doubt) {
        struct snapshot s[] = {
                POINT(1, 0, .name = "a", .wall = 10, .good = true),
                POINT(2, 1, .name = "b", .wall = 20, .good = true),
                POINT(3, 2, .name = "c", .wall = 30, .good = true),
                CURRENT(4, 3),
        };

        ck_assert_uint_eq(snap_doubt(s, 4, 10, 20), 1);
        ck_assert(s[0].good && !s[1].good && s[2].good);
        ck_assert_uint_eq(snap_doubt(s, 4, 10, 20), 0);
        ck_assert_uint_eq(snap_doubt(s, 4, 0, 100), 2);
}
END_TEST

static const struct {
        const char *given;
        uint32_t file;
        int r;
        const char *path;
} files[] = {
        {"/d/vm1.qcow2", 0, 0, "/d/vm1.qcow2"},
        {"/d/vm1.qcow2", 7, 0, "/d/vm1.hawd-7.qcow2"},
        {"/d/vm1.img", 7, 0, "/d/vm1.hawd-7.qcow2"},
        {"/d/vm1", 4294967295U, 0, "/d/vm1.hawd-4294967295.qcow2"},
        {"/d.raw/vm", 7, 0, "/d.raw/vm.hawd-7.qcow2"},
        {"/d/.raw", 7, 0, "/d/.raw.hawd-7.qcow2"}, /* that is all of its name */
        {"vm1.qcow2", 7, -EINVAL, "untouched"},
        {"", 7, -EINVAL, "untouched"},
        {"/d/", 7, -EINVAL, "untouched"},
};

START_TEST(file_names) {
        char path[64] = "untouched", longer[600] = "/";

        ck_assert_int_eq(snap_file(files[_i].given, files[_i].file, path, sizeof(path)),
                         files[_i].r);
        ck_assert_str_eq(path, files[_i].path);
        ck_assert_int_eq(snap_file("/d/vm1", 7, path, 10), -ENAMETOOLONG);
        memset(longer + 1, 'a', 235);
        ck_assert_int_eq(snap_file(longer, 7, path, sizeof(path)), -ENAMETOOLONG);
        memset(longer + 1, 'a', 598);
        ck_assert_int_eq(snap_file(longer, 7, path, sizeof(path)), -ENAMETOOLONG);
        ck_assert_str_eq(path, files[_i].path);
}
END_TEST

/* "id<parent:file" with the kind's letter before it. */
static const char *picture(const struct snapshot *s, size_t n) {
        static char buf[TEXT_LEN];
        char err[TEXT_LEN];

        ck_assert_msg(snap_check(s, n, err) == 0, "%s", err);
        buf[0] = '\0';
        for (size_t i = 0; i < n; i++) {
                size_t len = strlen(buf);

                text_fmt(buf + len, sizeof(buf) - len, "%s%c%s%u<%u:%u", i ? " " : "",
                         "CPL"[s[i].kind], s[i].name, s[i].id, s[i].parent, s[i].file);
        }
        return buf;
}

START_TEST(life) {
        struct snapshot s[SNAPSHOTS_MAX];
        uint32_t over;
        size_t n;
        char why[TEXT_LEN];

        snap_first(s, &n);
        ck_assert_str_eq(picture(s, n), "C1<0:0");
        snap_taken(s, &n, 2, "a", 10)->good = true;
        snap_taken(s, &n, 3, "b", 20)->by_hand = true;
        (void)snap_taken(s, &n, 4, "c", 30);
        ck_assert_str_eq(picture(s, n), "Pa1<0:0 Pb2<1:2 Pc3<2:3 C4<3:4");
        ck_assert(s[0].good && !s[1].good && s[1].by_hand && s[2].wall == 30);
        /* The oldest: b is committed into the disk as it was given. */
        ck_assert_int_eq(snap_delete_way(s, n, 0, &over, why), SNAP_WAY_COMMIT);
        snap_deleted(s, &n, 0);
        ck_assert_str_eq(picture(s, n), "Pb2<0:0 Pc3<2:3 C4<3:4");
        snap_rolled_back(s, &n, 0, 5, "left-5", 40);
        ck_assert_str_eq(picture(s, n), "Pb2<0:0 Pc3<2:3 Lleft-54<3:4 C5<2:5");
        ck_assert_uint_eq(s[2].wall, 40);
        /* The kept disk goes, then what only it rested on. */
        ck_assert_int_eq(snap_delete_way(s, n, 2, &over, why), SNAP_WAY_UNLINK);
        snap_deleted(s, &n, 2);
        ck_assert_int_eq(snap_delete_way(s, n, 1, &over, why), SNAP_WAY_UNLINK);
        snap_deleted(s, &n, 1);
        ck_assert_str_eq(picture(s, n), "Pb2<0:0 C5<2:5");
        /* The newest: CURRENT gets an overlay first, and what it was goes into b's files. */
        ck_assert_int_eq(snap_delete_way(s, n, 0, &over, why), SNAP_WAY_OVERLAY);
        (void)snap_taken(s, &n, 6, "tmp", 50);
        ck_assert_int_eq(snap_delete_way(s, n, 0, &over, why), SNAP_WAY_COMMIT);
        ck_assert_uint_eq(over, 5);
        snap_deleted(s, &n, 0);
        ck_assert_str_eq(picture(s, n), "Ptmp5<0:0 C6<5:6");
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("snap_tree");
        TCase *tc = unit_case(s, "tree");

        tcase_add_loop_test(tc, tree, 0, (int)ARRAY_SIZE(trees));
        tcase_add_test(tc, too_many);
        tcase_add_loop_test(tc, delete_way, 0, (int)ARRAY_SIZE(deletes));
        tcase_add_test(tc, rollback_and_take);
        tcase_add_loop_test(tc, file_names, 0, (int)ARRAY_SIZE(files));
        tcase_add_test(tc, life);
        tcase_add_test(tc, known_good);
        tcase_add_test(tc, doubt);
        return s;
}

UNIT_MAIN(suite)
