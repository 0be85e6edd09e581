/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * Overlays by the real qemu-img: whole or not at all, cut off at every step and done again; and
 * what is said of files that are not as they should be.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshots/driver.h"
#include "tests/unit/sh.h"
#include "tests/unit/unit.h"

static char dir[64];
static char err[TEXT_LEN];

static const char *at(const char *name) {
        static char paths[8][DISK_PATH_LEN];
        static unsigned next;
        char *p = paths[next++ % 8];

        text_fmt(p, DISK_PATH_LEN, "%s/%s", dir, name);
        return p;
}

/* A disk of 1 MiB with the byte 0x11 in its first 64 KiB. */
static void given(const char *format) {
        sh("qemu-img create -q -f %s %s 1M", format, at("vm"));
        sh("qemu-io -f %s -c 'write -q -P 0x11 0 64k' %s", format, at("vm"));
}

static void holds(const char *name, const char *format, unsigned byte) {
        sh("qemu-io -f %s -c 'read -q -P %u 0 64k' %s | (! grep -i fail)", format, byte, at(name));
}

static void writes(const char *name, unsigned byte) {
        sh("qemu-io -f qcow2 -c 'write -q -P %u 0 64k' %s", byte, at(name));
}

static bool exists(const char *name) {
        return access(at(name), F_OK) == 0;
}

struct stop {
        const char *at;
        unsigned asked;
};

static bool until(void *userdata, const char *step) {
        struct stop *s = userdata;

        s->asked++;
        return !s->at || strcmp(s->at, step) != 0;
}

static const struct disk_driver plain = {.deadline = USEC_INFINITY};

static void setup(void) {
        text_set(dir, sizeof(dir), "/tmp/hawd-disk-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        err[0] = '\0';
}

static void teardown(void) {
        char command[128];

        text_fmt(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", dir, dir);
        (void)!system(command);
}

static const char *const formats[] = {"qcow2", "raw"};

START_TEST(overlay) {
        const char *format = formats[_i];
        struct disk_image im;
        struct disk_chain c;
        struct stat st;

        given(format);
        ck_assert_int_eq(chmod(at("vm"), 0640), 0);
        OK(disk_make_overlay(&plain, at("vm.2"), at("vm"), format, err));
        OK(disk_look(&plain, at("vm.2"), "qcow2", &im, err));
        ck_assert_int_eq(im.seen.state, FILE_GOOD);
        ck_assert_str_eq(im.seen.backing, at("vm"));
        ck_assert_str_eq(im.backing_format, format); /* written down, not probed */
        ck_assert_uint_eq(im.size, 1 << 20);
        holds("vm.2", "qcow2", 0x11);
        ck_assert_int_eq(stat(at("vm.2"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0640);
        ck_assert(!exists("vm.2.hawd-new"));
        FAILS(disk_make_overlay(&plain, at("vm.2"), at("vm"), format, err), EEXIST, "already");
        OK(disk_make_overlay(&plain, at("vm.3"), at("vm.2"), "qcow2", err));
        OK(disk_read_chain(&plain, at("vm.3"), "qcow2", at("vm"), &c, err));
        ck_assert_uint_eq(c.n, 3);
        ck_assert_str_eq(c.layers[2].path, at("vm"));
        ck_assert_str_eq(c.layers[2].format, format);
}
END_TEST

static uint32_t newest(const char *name) {
        uint32_t n = 77;

        OK(disk_newest_overlay(at(name), &n, err));
        return n;
}

/* By name, and no other files; many of them. */
START_TEST(newest_overlay) {
        uint32_t n;

        ck_assert_uint_eq(newest("vm.qcow2"), 0);
        sh("cd %s && touch vm.qcow2 vm.hawd-2.qcow2.hawd-new vm.hawd-3.raw vm.hawd-x.qcow2 "
           "vm.hawd-.qcow2 vm.hawd-04.qcow2 vm.hawd-0.qcow2 vm.hawd--5.qcow2 vm.hawd-6qcow2 "
           "vm.hawd-replica-7 vm2.hawd-8.qcow2 avm.hawd-9.qcow2 vm.hawd-4294967295.qcow2 "
           "vm.hawd-99999999999999999999.qcow2 vm.hawd-2.hawd-10.qcow2",
           dir);
        ck_assert_uint_eq(newest("vm.qcow2"), 0);
        sh("cd %s && touch $(seq -f vm.hawd-%%.0f.qcow2 2 2000)", dir);
        ck_assert_uint_eq(newest("vm.qcow2"), 2000);
        ck_assert_uint_eq(newest("vm.raw"), 2000); /* the ending does not count */
        ck_assert_uint_eq(newest("vm.hawd-2.qcow2"), 10);
        ck_assert_uint_eq(newest("gone/vm.qcow2"), 0);
        ck_assert_uint_eq(newest("vm.qcow2/vm"), 0);
        OK(disk_newest_overlay("vm.qcow2", &n, err)); /* no path: it has none */
        ck_assert_uint_eq(n, 0);
        sh("ln -s loop %s/loop", dir);
        FAILS(disk_newest_overlay(at("loop/vm.qcow2"), &n, err), ELOOP, "for overlays");
}
END_TEST

static const char *const make_steps[] = {"create", "place", "qemu-img"};

START_TEST(overlay_cut_off) {
        struct stop s = {.at = make_steps[_i]};
        struct disk_driver d = plain;

        given("qcow2");
        sh("echo left by a crash >%s", at("vm.2.hawd-new"));
        d.go_on = until;
        d.userdata = &s;
        if (_i < 2) /* qemu-img may be done before anybody asks */
                ck_assert_int_eq(disk_make_overlay(&d, at("vm.2"), at("vm"), "qcow2", err),
                                 -ECANCELED);
        else
                (void)disk_make_overlay(&d, at("vm.2"), at("vm"), "qcow2", err);
        if (_i < 2)
                ck_assert(!exists("vm.2"));
        sh("rm -f %s", at("vm.2"));
        OK(disk_make_overlay(&plain, at("vm.2"), at("vm"), "qcow2", err));
        holds("vm.2", "qcow2", 0x11);
        ck_assert(!exists("vm.2.hawd-new"));
}
END_TEST

START_TEST(overlay_of_what_is_none) {
        struct disk_driver d = plain;

        given("qcow2");
        FAILS(disk_make_overlay(&d, at("vm.2"), at("none"), "qcow2", err), ENOENT, "missing");
        FAILS(disk_make_overlay(&d, at("vm.2"), dir, "qcow2", err), EUCLEAN, "no file");
        FAILS(disk_make_overlay(&d, "vm.2", at("vm"), "qcow2", err), EINVAL, "absolute");
        FAILS(disk_make_overlay(&d, at("vm.2"), "vm", "qcow2", err), EINVAL, "absolute");
        FAILS(disk_make_overlay(&d, at("vm.2"), at("vm"), "vmdk", err), EUCLEAN,
              "only qcow2 and raw");
        FAILS(disk_make_overlay(&d, at("no/vm.2"), at("vm"), "qcow2", err), EIO, "No such file");
        sh("head -c 100000 /dev/urandom >%s", at("noise"));
        FAILS(disk_make_overlay(&d, at("vm.2"), at("noise"), "qcow2", err), EUCLEAN,
              "not in qcow2");
        d.qemu_img = at("no-such-program");
        FAILS(disk_make_overlay(&d, at("vm.2"), at("vm"), "qcow2", err), EUCLEAN, "No such file");
        d = plain;
        d.deadline = 1;
        FAILS(disk_make_overlay(&d, at("vm.2"), at("vm"), "raw", err), ETIMEDOUT, "no time");
        ck_assert(!exists("vm.2") && !exists("vm.2.hawd-new"));
}
END_TEST

/* A folder that takes nothing: read-only for others, and full. Root may write anywhere: a small
 * file system is needed to show it, so this asks /dev/full's cousin, a limit on the size of files.
 */
START_TEST(no_room) {
        char script[DISK_PATH_LEN];
        struct disk_driver d = plain;

        given("qcow2");
        text_set(script, sizeof(script), at("small"));
        sh("printf '#!/bin/bash\\nulimit -f 1\\ntrap \"\" XFSZ\\nexec qemu-img \"$@\"\\n' >%s; "
           "chmod +x %s",
           script, script);
        d.qemu_img = script;
        FAILS(disk_make_overlay(&d, at("vm.2"), at("vm"), "qcow2", err), EIO, "too large");
        ck_assert(!exists("vm.2") && !exists("vm.2.hawd-new"));
        holds("vm", "qcow2", 0x11);
}
END_TEST

static const struct {
        const char *says, *words;
} liars[] = {
        {"no JSON at all", "no JSON"},
        {"[]", "no JSON"},
        {"{}", "does not say"},
        {"{\"format\": \"raw\", \"virtual-size\": 5}", "does not say"},
        {"{\"format\": \"qcow2\", \"virtual-size\": -5}", "does not say"},
        {"{\"format\": \"qcow2\", \"virtual-size\": 5, \"backing-filename\": \"x\"}", "no file"},
        {"{\"format\": \"qcow2\", \"virtual-size\": 5, \"full-backing-filename\": \"nbd://h/x\"}",
         "no file"},
        {"{\"format\": \"qcow2\", \"virtual-size\": 5, \"full-backing-filename\": \"/x\"}",
         "the format"},
        {"{\"format\": \"qcow2\", \"virtual-size\": 5, \"full-backing-filename\": \"/x\", "
         "\"backing-filename-format\": \"vmdk\"}",
         "the format"},
        {"{\"format\": \"qcow2\", \"virtual-size\": 5, \"format-specific\": {\"data\": "
         "{\"corrupt\": "
         "true}}}",
         "corrupt"},
};

START_TEST(odd_images) {
        struct disk_driver d = plain;
        char script[DISK_PATH_LEN];
        struct disk_image im;

        given("qcow2");
        text_set(script, sizeof(script), at("liar"));
        sh("printf '#!/bin/sh\\ncat <<\"E\"\\n%s\\nE\\n' >%s; chmod +x %s", liars[_i].says, script,
           script);
        d.qemu_img = script;
        OK(disk_look(&d, at("vm"), "qcow2", &im, err));
        ck_assert_int_eq(im.seen.state, FILE_ODD);
        ck_assert_msg(strstr(im.seen.text, liars[_i].words), "'%s'", im.seen.text);
}
END_TEST

/* What a guest wrote into its raw disk is no header. */
START_TEST(a_long_message_keeps_its_end) {
        struct disk_driver d = plain;
        char script[DISK_PATH_LEN];

        text_set(script, sizeof(script), at("long"));
        sh("printf '#!/bin/sh\\necho first >&2\\necho qemu-img: %%0300d: No space left >&2\\nexit "
           "1\\n' 7 >%s; "
           "chmod +x %s",
           script, script);
        d.qemu_img = script;
        ck_assert_int_eq(disk_tool(&d, (const char *const[]){"info", NULL}, NULL, err), -EIO);
        ck_assert_msg(strstr(err, "0007: No space left"), "'%s'", err);
        ck_assert_msg(strncmp(err, "qemu-img info: ...0", 19) == 0, "'%s'", err);
}
END_TEST

START_TEST(raw_is_never_probed) {
        struct disk_chain c;

        given("raw");
        sh("qemu-img create -q -f qcow2 -b /etc/hostname -F raw -u %s 1M", at("evil"));
        sh("dd if=%s of=%s conv=notrunc status=none", at("evil"), at("vm"));
        OK(disk_make_overlay(&plain, at("vm.2"), at("vm"), "raw", err));
        OK(disk_read_chain(&plain, at("vm.2"), "qcow2", at("vm"), &c, err));
        ck_assert_uint_eq(c.n, 2);
}
END_TEST

START_TEST(bad_chains) {
        struct disk_chain c;

        given("qcow2");
        sh("mkdir %s; qemu-img create -q -f qcow2 -b %s -F qcow2 -u %s 1M", at("x"), at("x/vm"),
           at("vm.2"));
        FAILS(disk_read_chain(&plain, at("vm.2"), "qcow2", at("vm"), &c, err), EUCLEAN,
              "another folder");
        sh("qemu-img rebase -u -f qcow2 -b '' %s", at("vm.2"));
        FAILS(disk_read_chain(&plain, at("vm.2"), "qcow2", at("vm"), &c, err), EUCLEAN,
              "does not rest");
        sh("qemu-img rebase -u -f qcow2 -b %s -F qcow2 %s", at("vm.3"), at("vm.2"));
        FAILS(disk_read_chain(&plain, at("vm.2"), "qcow2", at("vm"), &c, err), EUCLEAN, "missing");
        sh("qemu-img create -q -f qcow2 -b %s -F qcow2 -u %s 1M", at("vm.2"), at("vm.3"));
        FAILS(disk_read_chain(&plain, at("vm.2"), "qcow2", at("vm"), &c, err), EUCLEAN, "itself");
        for (int i = 10; i < 10 + DISK_CHAIN_MAX; i++) {
                char base[16], over[16];

                text_fmt(base, sizeof(base), i == 10 ? "vm" : "vm.%d", i - 1);
                text_fmt(over, sizeof(over), "vm.%d", i);
                sh("qemu-img create -q -f qcow2 -b %s -F qcow2 -u %s 1M", at(base), at(over));
        }
        FAILS(disk_read_chain(&plain, at("vm.41"), "qcow2", at("vm"), &c, err), ELOOP, "32 files");
        OK(disk_read_chain(&plain, at("vm.40"), "qcow2", at("vm"), &c, err));
}
END_TEST

static const char *const commit_steps[] = {NULL, "commit", "rebase"};

/* vm (0x11) <- vm.2 (0x22) <- vm.3 (empty): what the guest sees is 0x22 throughout. */
START_TEST(commit_offline) {
        const char *format = formats[_i / 3];
        struct stop s = {.at = commit_steps[_i % 3]};
        struct disk_driver d = plain;
        const char *all[4];
        struct disk_image im;
        int r;

        given(format);
        OK(disk_make_overlay(&plain, at("vm.2"), at("vm"), format, err));
        writes("vm.2", 0x22);
        OK(disk_make_overlay(&plain, at("vm.3"), at("vm.2"), "qcow2", err));
        d.go_on = until;
        d.userdata = &s;
        r = disk_commit_offline(&d, at("vm.3"), at("vm.2"), at("vm"), format, err);
        ck_assert_int_eq(r, s.at ? -ECANCELED : 0);
        holds("vm.3", "qcow2", 0x22);
        all[0] = at("vm.3");
        if (s.at) { /* it may not go yet */
                FAILS(disk_remove(&plain, at("vm.2"), all, 1, err), EBUSY, "rests on");
                holds("vm.3", "qcow2", 0x22);
                OK(disk_commit_offline(&plain, at("vm.3"), at("vm.2"), at("vm"), format, err));
        }
        OK(disk_look(&plain, at("vm.3"), "qcow2", &im, err));
        ck_assert_str_eq(im.seen.backing, at("vm"));
        ck_assert_str_eq(im.backing_format, format);
        OK(disk_remove(&plain, at("vm.2"), all, 1, err));
        ck_assert(!exists("vm.2"));
        OK(disk_remove(&plain, at("vm.2"), all, 1, err)); /* again, after a crash */
        holds("vm.3", "qcow2", 0x22);
        holds("vm", format, 0x22);
}
END_TEST

START_TEST(commit_refused) {
        given("qcow2");
        OK(disk_make_overlay(&plain, at("vm.2"), at("vm"), "qcow2", err));
        OK(disk_make_overlay(&plain, at("vm.3"), at("vm.2"), "qcow2", err));
        FAILS(disk_commit_offline(&plain, at("vm.3"), at("vm.3"), at("vm"), "qcow2", err), EUCLEAN,
              "does not rest");
        FAILS(disk_commit_offline(&plain, at("vm.3"), at("none"), at("vm"), "qcow2", err), ENOENT,
              "missing");
        sh("qemu-img snapshot -c inside %s", at("vm.2"));
        FAILS(disk_commit_offline(&plain, at("vm.3"), at("vm.2"), at("vm"), "qcow2", err), EUCLEAN,
              "snapshots inside");
        holds("vm", "qcow2", 0x11);
}
END_TEST

START_TEST(remove_only_what_nothing_rests_on) {
        const char *all[2];

        given("qcow2");
        OK(disk_make_overlay(&plain, at("vm.2"), at("vm"), "qcow2", err));
        all[0] = at("vm.2");
        all[1] = at("vm.9");
        OK(disk_remove(&plain, at("vm.2"), all, 2, err)); /* itself does not count */
        sh("echo noise >%s", at("vm.9"));
        sh("cp %s %s", at("vm"), at("vm.2"));
        all[0] = at("vm.5");
        FAILS(disk_remove(&plain, at("vm.2"), all, 2, err), EBUSY, "perhaps");
        ck_assert(exists("vm.2"));
        ck_assert_int_eq(unlink(at("vm.9")), 0);
        OK(disk_remove(&plain, at("vm.2"), all, 2, err));
}
END_TEST

static const char *const internal_steps[] = {NULL, "internal-keep", "internal", "internal-done"};

static int revert(const struct disk_driver *d, const char *to, const char *left, const char *done) {
        return disk_internal(d, DISK_INTERNAL_REVERT, at("vm"), to, left, done, err);
}

START_TEST(internal) {
        struct stop s = {.at = internal_steps[_i]};
        struct disk_driver d = plain;
        int r;

        given("qcow2");
        OK(disk_internal(&plain, DISK_INTERNAL_TAKE, at("vm"), "good", NULL, NULL, err));
        writes("vm", 0x22);
        OK(disk_internal(&plain, DISK_INTERNAL_TAKE, at("vm"), "good", NULL, NULL, err));
        FAILS(revert(&plain, "none", "left-1", "at-1"), ENOENT, "no snapshot none");
        d.go_on = until;
        d.userdata = &s;
        r = revert(&d, "good", "left-1", "at-1");
        ck_assert_int_eq(r, s.at ? -ECANCELED : 0);
        OK(revert(&plain, "good", "left-1", "at-1"));
        holds("vm", "qcow2", 0x11);
        /* The guest has run since: what it wrote stays. */
        writes("vm", 0x33);
        OK(revert(&plain, "good", "left-1", "at-1"));
        holds("vm", "qcow2", 0x33);
        /* What was left is there (S8). */
        OK(revert(&plain, "left-1", "left-2", "at-2"));
        holds("vm", "qcow2", 0x22);
        OK(revert(&plain, "left-2", "left-3", "at-3"));
        holds("vm", "qcow2", 0x33);
}
END_TEST

START_TEST(internal_tidy) {
        static const char *const names[] = {"hawd-1-5", "hawd-at-3-5", "mine", "hawd-at-4-7"};

        given("qcow2");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                OK(disk_internal(&plain, DISK_INTERNAL_TAKE, at("vm"), names[i], NULL, NULL, err));
        OK(disk_internal_tidy(&plain, at("vm"), err));
        sh("test \"$(qemu-img snapshot -l %s | awk 'NR > 2 { print $2 }' | xargs)\" = "
           "'hawd-1-5 mine'",
           at("vm"));
        OK(disk_internal_tidy(&plain, at("vm"), err));
}
END_TEST

START_TEST(a_tool_that_hangs) {
        struct disk_driver d = plain;
        char script[DISK_PATH_LEN];
        struct stop s = {.at = "qemu-img"};
        struct disk_image im;

        given("qcow2");
        text_set(script, sizeof(script), at("slow"));
        sh("printf '#!/bin/sh\\nexec sleep 1000\\n' >%s; chmod +x %s", script, script);
        d.qemu_img = script;
        d.go_on = until;
        d.userdata = &s;
        FAILS(disk_look(&d, at("vm"), "qcow2", &im, err), ECANCELED, "no longer wanted");
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("disk_driver");
        TCase *tc = unit_case(s, "disk_driver");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, newest_overlay);
        tcase_add_loop_test(tc, overlay, 0, 2);
        tcase_add_loop_test(tc, overlay_cut_off, 0, (int)ARRAY_SIZE(make_steps));
        tcase_add_test(tc, overlay_of_what_is_none);
        tcase_add_test(tc, no_room);
        tcase_add_loop_test(tc, odd_images, 0, (int)ARRAY_SIZE(liars));
        tcase_add_test(tc, a_long_message_keeps_its_end);
        tcase_add_test(tc, raw_is_never_probed);
        tcase_add_test(tc, bad_chains);
        tcase_add_loop_test(tc, commit_offline, 0, 6);
        tcase_add_test(tc, commit_refused);
        tcase_add_test(tc, remove_only_what_nothing_rests_on);
        tcase_add_loop_test(tc, internal, 0, (int)ARRAY_SIZE(internal_steps));
        tcase_add_test(tc, internal_tidy);
        tcase_add_test(tc, a_tool_that_hangs);
        return s;
}

UNIT_MAIN(suite)
