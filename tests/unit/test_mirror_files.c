/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * Copies as real files: made and preallocated, promoted and cut off before each step of it, and
 * what is said when they are not as they should be.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replication/mirror.h"
#include "tests/unit/sh.h"
#include "tests/unit/unit.h"

static char dir[64];
static char err[TEXT_LEN];

static const char *at(const char *name) {
        static char paths[8][MIRROR_PATH_LEN];
        static unsigned next;
        char *p = paths[next++ % 8];

        text_fmt(p, MIRROR_PATH_LEN, "%s/%s", dir, name);
        return p;
}

static bool exists(const char *name) {
        return access(at(name), F_OK) == 0;
}

static void holds(const char *name, const char *text) {
        sh("test \"$(head -c %zu %s)\" = '%s'", strlen(text), at(name), text);
}

static struct mirror_disk disk(const char *target, const char *format, const char *name) {
        struct mirror_disk d = {.size = 1 << 20};

        text_set(d.target, sizeof(d.target), target);
        text_set(d.format, sizeof(d.format), format);
        text_set(d.path, sizeof(d.path), at(name));
        return d;
}

struct stop {
        const char *at;
        unsigned left; /* so often it may pass */
};

static bool until(void *userdata, const char *step) {
        struct stop *s = userdata;

        if (strcmp(s->at, step) != 0)
                return true;
        return s->left > 0 && s->left-- > 0;
}

static const struct mirror_work plain = {.deadline = USEC_INFINITY};

static void setup(void) {
        text_set(dir, sizeof(dir), "/tmp/hawd-copy-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        err[0] = '\0';
}

static void teardown(void) {
        char command[128];

        text_fmt(command, sizeof(command), "rm -rf %s", dir);
        (void)!system(command);
}

static const char *const formats[] = {"raw", "qcow2"};

START_TEST(made) {
        struct mirror_disk d = disk("vda", formats[_i], "vm");
        struct stat st;

        sh("printf 'the disk' > %s; chmod 640 %s", at("vm"), at("vm"));
        OK(copy_make(&plain, &d, 7, err));
        ck_assert_int_eq(stat(at("vm.hawd-replica-7"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0640);
        ck_assert_msg((uint64_t)st.st_blocks * 512 >= d.size, "not preallocated: %ld blocks",
                      (long)st.st_blocks);
        sh("qemu-img info -f %s %s | grep -q 'virtual size: 1 MiB'", formats[_i],
           at("vm.hawd-replica-7"));
        ck_assert(!exists("vm.hawd-replica-new"));
        holds("vm", "the disk");
}
END_TEST

START_TEST(made_anew) {
        struct mirror_disk d = disk("vda", formats[_i], "vm");
        struct stat was, is;

        OK(copy_make(&plain, &d, 7, err));
        ck_assert_int_eq(stat(at("vm.hawd-replica-7"), &was), 0);
        sh("touch %s %s", at("vm.hawd-replica-new"), at("vm2.hawd-replica-5"));
        OK(copy_make(&plain, &d, 8, err));
        ck_assert(!exists("vm.hawd-replica-7") && !exists("vm.hawd-replica-new"));
        ck_assert(exists("vm2.hawd-replica-5"));
        ck_assert_int_eq(stat(at("vm.hawd-replica-8"), &is), 0);
        if (_i == 0) /* its room is taken over */
                ck_assert_uint_eq(is.st_ino, was.st_ino);
        d.size = 2 << 20;
        OK(copy_make(&plain, &d, 9, err));
        ck_assert(!exists("vm.hawd-replica-8"));
        sh("qemu-img info -f %s %s | grep -q 'virtual size: 2 MiB'", formats[_i],
           at("vm.hawd-replica-9"));
}
END_TEST

START_TEST(not_made) {
        struct mirror_disk d = disk("vda", "raw", "vm");
        struct stop s = {.at = "place"};
        struct mirror_work w = {.deadline = USEC_INFINITY, .go_on = until, .userdata = &s};

        FAILS(copy_make(&w, &d, 7, err), ECANCELED, "place");
        s.at = "preallocate";
        FAILS(copy_make(&w, &d, 7, err), ECANCELED, "preallocate");
        w.deadline = 1;
        FAILS(copy_make(&w, &d, 7, err), ETIMEDOUT, "no time");
        d.size = (uint64_t)1 << 55;
        FAILS(copy_make(&plain, &d, 7, err), ENOSPC, "make room");
        d.size = 0;
        FAILS(copy_make(&plain, &d, 7, err), EINVAL, "no size");
        d.size = 1;
        text_set(d.path, sizeof(d.path), "vm");
        FAILS(copy_make(&plain, &d, 7, err), EINVAL, "absolute");
        text_fmt(d.path, sizeof(d.path), "%s/none/vm", dir);
        FAILS(copy_make(&plain, &d, 7, err), ENOENT, "none");
        sh("test -z \"$(ls -A %s)\"", dir);
}
END_TEST

/* Two disks, the second one new on this host, cut off before each step: the next try ends it. */
static const struct stop cuts[] = {{"leave", 0}, {"promote", 0}, {"leave", 1}, {"promote", 1}};

static void given(struct mirror_disks *two) {
        *two = (struct mirror_disks){.n = 2};
        two->disks[0] = disk("vda", "raw", "a");
        two->disks[1] = disk("vdb", "raw", "b");
        sh("cd %s; printf old > a; printf new-a > a.hawd-replica-7; printf new-b > "
           "b.hawd-replica-7",
           dir);
}

static void promoted(void) {
        holds("a", "new-a");
        holds("b", "new-b");
        holds("a.hawd-left-7", "old");
        sh("test \"$(ls %s | xargs)\" = 'a a.hawd-left-7 b b.hawd-left-7'", dir);
        sh("test ! -s %s", at("b.hawd-left-7"));
}

START_TEST(promotion) {
        struct mirror_disks two;

        given(&two);
        OK(copy_promote(&plain, &two, 7, err));
        promoted();
        OK(copy_promote(&plain, &two, 7, err)); /* as after a crash */
        promoted();
}
END_TEST

START_TEST(promotion_cut) {
        struct stop s = cuts[_i];
        struct mirror_work w = {.deadline = USEC_INFINITY, .go_on = until, .userdata = &s};
        struct mirror_disks two;

        given(&two);
        FAILS(copy_promote(&w, &two, 7, err), ECANCELED, s.at);
        OK(copy_promote(&plain, &two, 7, err));
        promoted();
}
END_TEST

/* On a file system whose renames are two steps, between them. */
START_TEST(promotion_half) {
        struct mirror_disks two;

        given(&two);
        if (_i == 0)
                sh("cd %s; ln a a.hawd-left-7", dir);
        else
                sh("cd %s; mv a a.hawd-left-7; ln a.hawd-replica-7 a", dir);
        OK(copy_promote(&plain, &two, 7, err));
        promoted();
}
END_TEST

START_TEST(no_promotion) {
        struct mirror_disks two;

        given(&two);
        sh("rm %s", at("b.hawd-replica-7"));
        FAILS(copy_promote(&plain, &two, 7, err), ENOENT, "the copy is gone");
        holds("a", "old"); /* nothing was begun */
        FAILS(copy_promote(&plain, &two, 6, err), ENOENT, "the copy is gone");
        sh("cd %s; touch b.hawd-left-7", dir); /* and yet no disk */
        FAILS(copy_promote(&plain, &two, 7, err), ENOENT, "the copy is gone");
        sh("cd %s; rm b.hawd-left-7; mkdir b.hawd-replica-7", dir);
        FAILS(copy_promote(&plain, &two, 7, err), EINVAL, "is no file");
        /* Somebody has put a disk there between the two steps. */
        sh("cd %s; rmdir b.hawd-replica-7; printf x > b.hawd-replica-7; touch b.hawd-left-7; "
           "printf his > b",
           dir);
        FAILS(copy_promote(&plain, &two, 7, err), EEXIST, "cannot be renamed");
        holds("b", "his");
}
END_TEST

START_TEST(dropped) {
        struct mirror_disks two;

        given(&two);
        sh("cd %s; touch a.hawd-replica-2 a.hawd-left-1 ab.hawd-replica-1", dir);
        OK(copy_drop(&two, err));
        sh("test \"$(ls %s | xargs)\" = 'a a.hawd-left-1 ab.hawd-replica-1'", dir);
        text_fmt(two.disks[0].path, MIRROR_PATH_LEN, "%s/none/vm", dir);
        OK(copy_drop(&two, err));
}
END_TEST

/* A guest of the same name once had this serial: what it left is no promotion of now. */
START_TEST(left_by_another) {
        struct mirror_disks two;

        given(&two);
        sh("cd %s; rm *replica*; printf his > a.hawd-left-7", dir);
        OK(copy_make(&plain, &two.disks[0], 7, err));
        OK(copy_make(&plain, &two.disks[1], 7, err));
        OK(copy_promote(&plain, &two, 7, err));
        holds("a.hawd-left-7", "old");
        sh("grep -q his %s/a.hawd-left-7.*", dir);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("mirror_files");
        TCase *tc = unit_case(s, "all");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, made, 0, 2);
        tcase_add_loop_test(tc, made_anew, 0, 2);
        tcase_add_test(tc, not_made);
        tcase_add_test(tc, promotion);
        tcase_add_loop_test(tc, promotion_cut, 0, (int)ARRAY_SIZE(cuts));
        tcase_add_loop_test(tc, promotion_half, 0, 2);
        tcase_add_test(tc, no_promotion);
        tcase_add_test(tc, dropped);
        tcase_add_test(tc, left_by_another);
        return s;
}

UNIT_MAIN(suite)
