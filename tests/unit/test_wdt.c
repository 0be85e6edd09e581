/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The device: what is asked of the kernel, in which order, and what is refused.
 */
/* needs: watchdog log */
#include <linux/watchdog.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/watchdog/wdt.h"
#include "tests/unit/unit.h"

static struct kernel {
        char did[512];
        int open_says, timeout, set_says;
        bool fixed, no_magic, no_pings;
        const char *identity;
        usec_t now;
} k;

static char root[64];

static void did(const char *what) {
        text_fmt(k.did + strlen(k.did), sizeof(k.did) - strlen(k.did), "%s ", what);
}

static int k_open(const char *path) {
        ck_assert_str_eq(path, "/dev/watchdog0");
        did("open");
        return k.open_says;
}

static int k_ioctl(int fd, unsigned long request, void *value) {
        struct watchdog_info info = {.options = WDIOF_SETTIMEOUT};

        ck_assert_int_eq(fd, 7);
        ck_assert(value != NULL);
        switch (request) {
        case WDIOC_GETSUPPORT:
                did("what");
                info.options |= (k.no_magic ? 0 : WDIOF_MAGICCLOSE) |
                                (k.no_pings ? 0 : WDIOF_KEEPALIVEPING);
                text_set((char *)info.identity, sizeof(info.identity), k.identity);
                memcpy(value, &info, sizeof(info));
                return 0;
        case WDIOC_SETTIMEOUT:
                did("set");
                if (!k.fixed)
                        k.timeout = *(int *)value;
                return k.set_says;
        case WDIOC_GETTIMEOUT:
                did("get");
                *(int *)value = k.timeout;
                return 0;
        case WDIOC_KEEPALIVE:
                did("feed");
                return 0;
        case WDIOC_SETOPTIONS:
                ck_assert_int_eq(*(int *)value, WDIOS_DISABLECARD);
                did("off");
                return 0;
        default:
                ck_abort_msg("another ioctl: %lx", request);
        }
        return -ENOTTY;
}

static int k_write(int fd, const char *bytes, size_t n) {
        ck_assert_int_eq(fd, 7);
        ck_assert_uint_eq(n, 1);
        did(*bytes == 'V' ? "V" : "write");
        return 0;
}

static void k_close(int fd) {
        ck_assert_int_eq(fd, 7);
        did("close");
}

static void k_keep(int fd, bool keep) {
        ck_assert_int_eq(fd, 7);
        did(keep ? "keep" : "unkeep");
}

static usec_t k_now(void) {
        return k.now;
}

static const struct wdt_calls calls = {k_open, k_ioctl, k_write, k_close, k_keep, k_now};

static void put(const char *path, const char *text) {
        char full[256];
        FILE *f;

        text_fmt(full, sizeof(full), "%s%s", root, path);
        for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                (void)mkdir(full, 0755);
                *p = '/';
        }
        f = fopen(full, "we");
        ck_assert(f != NULL);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static struct wdt *fresh(bool allow) {
        struct wdt_settings s = {
                .conf = {.path = "/dev/watchdog0", .allow_softdog = allow, .allow_vm = allow},
                .root = root,
                .calls = &calls};

        k = (struct kernel){.open_says = 7, .timeout = 60, .identity = "iTCO_wdt", .now = 100};
        text_set(root, sizeof(root), "/tmp/hawd-wdt-XXXXXX");
        ck_assert(mkdtemp(root) != NULL);
        return wdt_new(&s);
}

static void done(struct wdt *w) {
        char command[128];

        wdt_free(w);
        text_fmt(command, sizeof(command), "rm -r '%s'", root);
        ck_assert_int_eq(system(command), 0);
}

static void arm(struct wdt *w, struct wdt_said *said) {
        wdt_arm(w, 10 * USEC_PER_SEC, 200, said);
}

START_TEST(armed_fed_and_closed_for_good) {
        struct wdt *w = fresh(false);
        struct wdt_said said;

        arm(w, &said);
        ck_assert(said.armed && !said.taken);
        ck_assert_uint_eq(said.timeout_usec, 10 * USEC_PER_SEC);
        ck_assert_str_eq(said.text, "");
        ck_assert_str_eq(k.did, "open what set get keep ");
        ck_assert_int_eq(wdt_pet(w, 101), 0);
        wdt_disarm(w, &said);
        ck_assert(!said.armed);
        ck_assert_str_eq(k.did, "open what set get keep feed unkeep V off V close ");
        ck_assert_int_eq(wdt_pet(w, 101), -EBADF);
        done(w);
}
END_TEST

/* hawd ends: what is armed stays armed. */
START_TEST(an_end_is_no_magic_close) {
        struct wdt *w = fresh(false);
        struct wdt_said said;

        arm(w, &said);
        k.did[0] = '\0';
        done(w);
        ck_assert_str_eq(k.did, "close ");
}
END_TEST

START_TEST(not_fed_when_it_is_too_late) {
        struct wdt *w = fresh(false);
        struct wdt_said said;

        k.now = 200;
        arm(w, &said);
        ck_assert(!said.armed);
        ck_assert_str_eq(k.did, "");
        k.now = 199;
        arm(w, &said);
        ck_assert(said.armed);
        k.did[0] = '\0';
        ck_assert_int_eq(wdt_pet(w, 199), -ETIME);
        ck_assert_str_eq(k.did, "");
        ck_assert_int_eq(wdt_pet(w, 200), 0);
        done(w);
}
END_TEST

START_TEST(taken_over_only_the_timeout_is_read) {
        struct wdt *w = fresh(false);
        struct wdt_said said;

        wdt_inherit(w, 7, &said);
        ck_assert(said.armed && said.taken);
        ck_assert_uint_eq(said.timeout_usec, 60 * USEC_PER_SEC);
        ck_assert_str_eq(k.did, "get ");
        arm(w, &said);
        ck_assert(said.armed && !said.taken);
        ck_assert_str_eq(k.did, "get what set get keep "); /* not opened again */
        done(w);
}
END_TEST

/* One that takes no other timeout: the true one is told. */
START_TEST(the_timeout_that_it_has) {
        struct wdt *w = fresh(false);
        struct wdt_said said;

        k.fixed = true;
        k.set_says = -EOPNOTSUPP;
        arm(w, &said);
        ck_assert(said.armed);
        ck_assert_uint_eq(said.timeout_usec, 60 * USEC_PER_SEC);
        ck_assert(strstr(said.notes, "60 s"));
        done(w);
}
END_TEST

START_TEST(fed_by_a_write_where_it_must) {
        struct wdt *w = fresh(false);
        struct wdt_said said;

        k.no_pings = true;
        arm(w, &said);
        k.did[0] = '\0';
        ck_assert_int_eq(wdt_pet(w, 101), 0);
        ck_assert_str_eq(k.did, "write ");
        done(w);
}
END_TEST

static void refused(struct wdt *w, const char *why) {
        struct wdt_said said;

        arm(w, &said);
        ck_assert(!said.armed);
        ck_assert_msg(strstr(said.text, why) != NULL, "%s", said.text);
        ck_assert_msg(k.open_says < 0 || strstr(k.did, "open") == NULL ||
                              strstr(k.did, "V close ") != NULL,
                      "%s", k.did);
}

START_TEST(what_proves_nothing_is_refused) {
        struct wdt *w = fresh(false);

        k.identity = "Software Watchdog";
        refused(w, "allow-softdog");
        done(w);

        w = fresh(false); /* without opening it, where sysfs tells */
        put("/sys/class/watchdog/watchdog0/identity", "Software Watchdog\n");
        refused(w, "stands still");
        ck_assert_str_eq(k.did, "");
        done(w);

        w = fresh(false);
        put("/proc/cpuinfo", "processor : 0\nflags\t\t: fpu hypervisor sse\n");
        refused(w, "allow-vm-watchdog");
        done(w);

        w = fresh(false);
        put("/sys/class/dmi/id/sys_vendor", "QEMU\n");
        refused(w, "virtual machine");
        done(w);

        w = fresh(false);
        k.identity = "IPMI";
        put("/sys/module/ipmi_watchdog/parameters/action", "none\n");
        refused(w, "action=reset");
        done(w);

        w = fresh(false);
        k.no_magic = true;
        refused(w, "disarmed whenever it is closed");
        done(w);
}
END_TEST

START_TEST(allowed_by_name) {
        struct wdt *w = fresh(true);
        struct wdt_said said;

        k.identity = "Software Watchdog";
        put("/proc/cpuinfo", "flags : hypervisor\n");
        put("/sys/class/watchdog/watchdog0/nowayout", "1\n");
        arm(w, &said);
        ck_assert(said.armed);
        ck_assert(strstr(said.notes, "nowayout"));
        done(w);
}
END_TEST

START_TEST(of_a_bmc_it_is_armed_and_no_proof) {
        struct wdt *w = fresh(false);
        struct wdt_said said;

        k.identity = "IPMI";
        put("/sys/module/ipmi_watchdog/parameters/action", "reset\n");
        arm(w, &said);
        ck_assert(said.armed);
        ck_assert(said.no_proof);
        ck_assert(strstr(said.text, "BMC"));
        done(w);

        w = fresh(false);
        arm(w, &said);
        ck_assert(said.armed);
        ck_assert(!said.no_proof);
        ck_assert_str_eq(said.text, "");
        done(w);
}
END_TEST

START_TEST(who_holds_it) {
        struct wdt *w = fresh(false);
        char path[128];

        put("/proc/77/comm", "systemd\n");
        put("/proc/77/fd/x", "");
        text_fmt(path, sizeof(path), "%s/proc/77/fd/5", root);
        ck_assert_int_eq(symlink("/dev/watchdog0", path), 0);
        k.open_says = -EBUSY;
        refused(w, "systemd (process 77) holds it: take RuntimeWatchdogSec=");
        put("/proc/77/comm", "sbd\n");
        refused(w, "disable sbd");
        done(w);
}
END_TEST

static Suite *wdt_suite(void) {
        Suite *s = suite_create("wdt");
        TCase *tc = unit_case(s, "wdt");

        tcase_add_test(tc, armed_fed_and_closed_for_good);
        tcase_add_test(tc, an_end_is_no_magic_close);
        tcase_add_test(tc, not_fed_when_it_is_too_late);
        tcase_add_test(tc, taken_over_only_the_timeout_is_read);
        tcase_add_test(tc, the_timeout_that_it_has);
        tcase_add_test(tc, fed_by_a_write_where_it_must);
        tcase_add_test(tc, what_proves_nothing_is_refused);
        tcase_add_test(tc, allowed_by_name);
        tcase_add_test(tc, of_a_bmc_it_is_armed_and_no_proof);
        tcase_add_test(tc, who_holds_it);
        return s;
}

UNIT_MAIN(wdt_suite)
