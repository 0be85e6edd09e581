/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: sense */
/*
 * What a host sees of its own health, by files as the kernel has them, and by storage that hangs.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/sense/sense.h"
#include "tests/unit/unit.h"

static char root[64];

static void make_root(void) {
        text_set(root, sizeof(root), "/tmp/test_sense.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
}

static void drop_root(void) {
        char command[128];

        text_fmt(command, sizeof(command), "rm -rf '%s'", root);
        ck_assert_int_eq(system(command), 0);
}

/* @path below root, with its folders. */
static void put(const char *path, const char *text) {
        char full[256];
        FILE *f;

        text_fmt(full, sizeof(full), "%s%s", root, path);
        for (char *s = full + strlen(root) + 1; (s = strchr(s, '/')) != NULL; s++) {
                *s = '\0';
                (void)mkdir(full, 0755);
                *s = '/';
        }
        f = fopen(full, "we");
        ck_assert_ptr_nonnull(f);
        fputs(text, f);
        fclose(f);
}

static void carrier(const char *link, const char *text) {
        char path[128];

        text_fmt(path, sizeof(path), "/sys/class/net/%s/carrier", link);
        put(path, text);
}

static void port(const char *bridge, const char *link) {
        char path[128];

        text_fmt(path, sizeof(path), "/sys/class/net/%s/brif/%s", bridge, link);
        put(path, "");
}

static void links(const char *list, const char *want) {
        char text[ILL_TEXT];
        bool ok = sense_links(root, list, text);

        ck_assert_str_eq(ok ? "" : text, want);
        ck_assert(ok == (*want == '\0'));
}

START_TEST(uplink_needs_a_carrier) {
        make_root();
        carrier("eth0", "1\n");
        carrier("eth1", "0\n");
        put("/sys/class/net/off0/flags", "0x1002\n"); /* switched off: it is not said */
        links("eth0", "");
        links("eth1", "eth1 has no carrier");
        links("off0", "off0 has no carrier");
        links("eth0 eth1", "eth1 has no carrier");
        links("eth9", "there is no interface eth9");
        drop_root();
}
END_TEST

START_TEST(bridge_needs_a_port_that_leads_out) {
        make_root();
        carrier("br0", "1\n");
        carrier("eth0", "0\n");
        carrier("vnet3", "1\n");
        put("/sys/class/net/vnet3/tun_flags", "0x1002\n");
        port("br0", "vnet3");
        links("br0", "br0 has no port but guests'");
        port("br0", "eth0");
        links("br0", "no port of br0 has a carrier");
        carrier("eth0", "1\n");
        links("br0", "");
        carrier("br0", "0\n"); /* the bridge itself was switched off */
        links("br0", "br0 has no carrier");
        drop_root();
}
END_TEST

START_TEST(pressure_is_full_over_a_minute) {
        ck_assert_uint_eq(sense_pressure("some avg10=9.00 avg60=8.00 avg300=7.00 total=6\n"
                                         "full avg10=1.00 avg60=12.34 avg300=3.00 total=4\n"),
                          1234);
        ck_assert_uint_eq(sense_pressure("full avg10=0.00 avg60=100.00 avg300=0.00 total=0\n"),
                          10000);
        ck_assert_uint_eq(sense_pressure("full avg10=0.00 avg60=x\n"), HEALTH_NO_PRESSURE);
        ck_assert_uint_eq(sense_pressure("full avg60=900\n"), HEALTH_NO_PRESSURE);
        ck_assert_uint_eq(sense_pressure("some avg60=1.00\n"), HEALTH_NO_PRESSURE);
        ck_assert_uint_eq(sense_pressure(""), HEALTH_NO_PRESSURE);
}
END_TEST

static void storage(const char *path, const char *want) {
        char full[256], text[ILL_TEXT];
        bool ok;

        text_fmt(full, sizeof(full), "%s%s", root, path);
        ok = sense_storage(full, text);
        ck_assert_msg(ok == (*want == '\0'), "%s: %s", path, text);
        if (!ok)
                ck_assert_msg(strstr(text, want) != NULL, "%s: %s", path, text);
}

START_TEST(storage_is_read) {
        char full[256];

        make_root();
        put("/there/file", "text");
        put("/there/empty", "");
        storage("/there", "");
        storage("/there/file", "");
        storage("/there/empty", "");
        storage("/not-there", "No such file");
        text_fmt(full, sizeof(full), "%s/fifo", root);
        ck_assert_int_eq(mkfifo(full, 0600), 0);
        storage("/fifo", "neither a file");
        drop_root();
}
END_TEST

/* What a file system does whose device failed. */
START_TEST(read_only_storage_is_lost) {
        char full[256];

        make_root();
        text_fmt(full, sizeof(full), "%s/mounted", root);
        ck_assert_int_eq(mkdir(full, 0755), 0);
        if (mount("none", full, "tmpfs", MS_RDONLY, NULL) == 0) { /* not without being root */
                storage("/mounted", "read-only");
                ck_assert_int_eq(umount(full), 0);
        }
        drop_root();
}
END_TEST

/* ---- looks that hang: sense_storage() opens a file, and a lease of ours holds that up
 * ------------
 */

struct view {
        struct sense *s;
        struct sense_wants wants;
        char paths[256];
        usec_t now;
};

static void open_view(struct view *v) {
        make_root();
        put("/disk", "text");
        put("/disk2", "text");
        *v = (struct view){.s = sense_new(root), .now = 1000 * USEC_PER_SEC};
        text_fmt(v->paths, sizeof(v->paths), "%s/disk", root);
        v->wants = (struct sense_wants){
                .storage_paths = v->paths, .uplink = "", .storage_timeout_usec = 10 * USEC_PER_SEC};
}

static void close_view(struct view *v) {
        v->s = sense_free(v->s);
        drop_root();
}

static enum measured see(struct view *v, struct health_sample *s) {
        sense_read(v->s, &v->wants, v->now, s);
        return s->storage;
}

/* Looks on until it is seen so, each look at the same moment of time. */
static void sees(struct view *v, enum measured want, struct health_sample *s) {
        usec_t until = now_boottime() + 30 * USEC_PER_SEC;

        while (see(v, s) != want) {
                ck_assert_msg(now_boottime() < until, "it stays %d, not %d: %s", s->storage, want,
                              s->storage_text);
                usleep(1000);
        }
}

START_TEST(storage_that_answers_is_good_and_one_that_goes_is_lost) {
        struct health_sample s;
        struct view v;
        char disk[128];

        open_view(&v);
        ck_assert_int_eq(see(&v, &s), MEASURED_NOT);
        sees(&v, MEASURED_GOOD, &s);
        text_fmt(disk, sizeof(disk), "%s/disk", root);
        ck_assert_int_eq(unlink(disk), 0);
        ck_assert_int_eq(see(&v, &s), MEASURED_GOOD); /* not looked at again yet */
        v.now += SENSE_EVERY;
        sees(&v, MEASURED_BAD, &s);
        ck_assert_ptr_nonnull(strstr(s.storage_text, "No such file"));
        put("/disk", "text");
        v.now += SENSE_EVERY;
        sees(&v, MEASURED_GOOD, &s);
        close_view(&v);
}
END_TEST

static unsigned threads(void) {
        char line[256];
        unsigned n = 0;
        FILE *f = fopen("/proc/self/status", "re");

        ck_assert_ptr_nonnull(f);
        while (fgets(line, sizeof(line), f))
                (void)sscanf(line, "Threads: %u", &n);
        fclose(f);
        return n;
}

/* The kernel asks the holder of a lease to give it up, and lets who opens the file wait for that.
 */
static int hold(const char *name) {
        char path[128];
        int fd;

        text_fmt(path, sizeof(path), "%s%s", root, name);
        fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
        return fd;
}

START_TEST(storage_that_hangs_is_lost_and_holds_one_thread) {
        struct health_sample s;
        struct view v;
        int held;

        (void)signal(SIGIO, SIG_IGN);
        open_view(&v);
        sees(&v, MEASURED_GOOD, &s);
        held = hold("/disk");
        v.now += SENSE_EVERY;
        ck_assert_int_eq(see(&v, &s), MEASURED_GOOD); /* as it was, until it is late */
        for (unsigned i = 0; i < 50; i++) {
                v.now += USEC_PER_SEC;
                if (i >= 9)
                        ck_assert_int_eq(see(&v, &s), MEASURED_BAD);
                ck_assert_uint_le(threads(), 2);
        }
        ck_assert_ptr_nonnull(strstr(s.storage_text, "/disk: no answer for 10s"));
        (void)close(held);
        sees(&v, MEASURED_GOOD, &s); /* the same look comes back */
        close_view(&v);
}
END_TEST

/* One that is configured no more is forgotten with its thread, which ends by itself. */
START_TEST(other_storage_is_looked_at) {
        struct health_sample s;
        struct view v;
        int held;

        (void)signal(SIGIO, SIG_IGN);
        open_view(&v);
        held = hold("/disk");
        (void)see(&v, &s);
        v.now += 20 * USEC_PER_SEC;
        ck_assert_int_eq(see(&v, &s), MEASURED_BAD);
        text_fmt(v.paths, sizeof(v.paths), "%s/disk2", root);
        sees(&v, MEASURED_GOOD, &s);
        (void)close(held);
        v.wants.storage_paths = "";
        ck_assert_int_eq(see(&v, &s), MEASURED_NOT);
        close_view(&v);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("sense");
        TCase *tc = tcase_create("sense");

        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, uplink_needs_a_carrier);
        tcase_add_test(tc, bridge_needs_a_port_that_leads_out);
        tcase_add_test(tc, pressure_is_full_over_a_minute);
        tcase_add_test(tc, storage_is_read);
        tcase_add_test(tc, read_only_storage_is_lost);
        tcase_add_test(tc, storage_that_answers_is_good_and_one_that_goes_is_lost);
        tcase_add_test(tc, storage_that_hangs_is_lost_and_holds_one_thread);
        tcase_add_test(tc, other_storage_is_looked_at);
        suite_add_tcase(s, tc);
        return s;
}

UNIT_MAIN(suite)
