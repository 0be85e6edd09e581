/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: facts fence watchdog */
/* What a host says of its files and processes, in a tree that the test makes; and of parts that
 * hang or crash. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/facts/files.h"
#include "hawd/facts/part.h"
#include "tests/unit/unit.h"

static char root[] = "/tmp/hawd-doctor-XXXXXX";
static struct places places = {.root = root,
                               .config = "/etc/hawd/hawd.conf",
                               .secrets = "/etc/hawd/fencing.conf",
                               .state_dir = "/var/lib/hawd",
                               .run_dir = "/run/hawd"};
static json_t *facts;

static void full_path(const char *path, char *full, size_t size) {
        text_fmt(full, size, "%s%s", root, path);
        for (char *c = full + strlen(root) + 1; *c; c++)
                if (*c == '/') {
                        *c = '\0';
                        (void)mkdir(full, 0755);
                        *c = '/';
                }
}

static void put(const char *path, const char *text, mode_t mode) {
        char full[512];
        FILE *f;

        full_path(path, full, sizeof(full));
        f = fopen(full, "we");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_int_eq(chmod(full, mode), 0);
}

static void put_link(const char *path, const char *to) {
        char full[512];

        full_path(path, full, sizeof(full));
        ck_assert_int_eq(symlink(to, full), 0);
}

static void setup(void) {
        ck_assert_ptr_nonnull(mkdtemp(root));
        facts = NULL;
}

static void teardown(void) {
        char cmd[128];

        json_decref(facts);
        text_fmt(cmd, sizeof(cmd), "rm -rf %s", root);
        ck_assert_int_eq(system(cmd), 0);
}

/* "a.b.c" in the facts; numbers are positions. */
static const json_t *at(const char *path) {
        const json_t *j = facts;
        char word_of[64];

        while (*path) {
                size_t n = strcspn(path, "/");

                text_fmt(word_of, sizeof(word_of), "%.*s", (int)n, path);
                j = json_is_array(j) ? json_array_get(j, strtoul(word_of, NULL, 10))
                                     : json_object_get(j, word_of);
                path += n + (path[n] == '/');
        }
        return j;
}

static const char *text_at(const char *path) {
        const char *s = json_string_value(at(path));

        return s ? s : "";
}

static void look(void) {
        json_decref(facts);
        facts = facts_host(&places);
}

START_TEST(an_empty_host_has_reasons_for_everything) {
        look();
        ck_assert_str_eq(text_at("config/error"), "/etc/hawd/hawd.conf: No such file or directory");
        ck_assert_str_eq(text_at("config/running_error"),
                         "/run/hawd/running.conf: No such file or directory");
        ck_assert(json_is_false(at("secrets/found")));
        ck_assert_str_eq(text_at("state_dir/error"), "/var/lib/hawd: No such file or directory");
        ck_assert_str_eq(text_at("units/error"), "systemd does not run on this host");
        ck_assert_str_eq(text_at("qemu_conf/error"),
                         "/etc/libvirt/qemu.conf: No such file or directory");
        ck_assert_uint_eq(json_array_size(at("managers")), 0);
        ck_assert_uint_eq(json_array_size(at("watchdogs")), 0);
        ck_assert(json_is_null(at("config/watchdog")));
        ck_assert(json_is_null(at("systemd_watchdog/runtime")));
        ck_assert_uint_eq(json_array_size(at("certificates")), 0);
}
END_TEST

START_TEST(configurations_have_hashes) {
        char hash[32];

        put("/etc/hawd/hawd.conf", "[cluster]\nname = a\n", 0644);
        put("/run/hawd/running.conf", "[cluster]\nname=a\ncpu-overcommit = 300%\n", 0600);
        look();
        ck_assert_uint_eq(strlen(text_at("config/hash")), 16);
        ck_assert_str_ne(text_at("config/hash"), text_at("config/running_hash"));
        ck_assert_int_eq(json_integer_value(at("config/cpu_overcommit_pct")), 300);
        text_set(hash, sizeof(hash), text_at("config/hash"));
        put("/run/hawd/running.conf", "[cluster]\n\n# the same\n  name=a\n", 0600);
        put("/etc/hawd/hawd.conf", "[cluster]\nname = a\nnonsense = 1\nmore = 2\n", 0644);
        look();
        ck_assert_str_eq(hash, text_at("config/running_hash"));
        ck_assert(json_is_null(at("config/hash")));
        ck_assert_ptr_nonnull(strstr(text_at("config/error"), "/etc/hawd/hawd.conf:3:"));
        ck_assert_ptr_nonnull(strstr(text_at("config/error"), "(and more)"));
}
END_TEST

START_TEST(secrets_must_be_safe) {
        put("/etc/hawd/fencing.conf", "[bmc1]\npassword = x\n", 0600);
        look();
        ck_assert(json_is_true(at("secrets/found")));
        ck_assert(json_is_null(at("secrets/unsafe")));
        put("/etc/hawd/fencing.conf", "[bmc1]\npassword = x\n", 0640);
        look();
        ck_assert_ptr_nonnull(strstr(text_at("secrets/unsafe"), "chmod 600"));
}
END_TEST

#define UNITS "/usr/lib/systemd/system/"

START_TEST(units_are_read_as_systemd_does) {
        put("/run/systemd/system/x", "", 0644);
        put(UNITS "hawd.service",
            "[Unit]\nAfter=corosync.service  libvirtd.service\nAfter = network.target\n"
            "[Service]\nExecStart=x\n",
            0644);
        put("/etc/systemd/system/hawd.service.d/more.conf", "[Unit]\nAfter=more.service\n", 0644);
        put("/etc/systemd/system/hawd.service.d/more.txt", "[Unit]\nAfter=no.service\n", 0644);
        look();
        ck_assert(json_is_true(at("units/hawd/found")));
        ck_assert(json_is_false(at("units/hawd/enabled")));
        ck_assert(json_is_false(at("units/libvirt-guests/found")));
        ck_assert_uint_eq(json_array_size(at("units/hawd/after")), 4);
        ck_assert_str_eq(text_at("units/hawd/after/0"), "more.service");
        ck_assert_str_eq(text_at("units/hawd/after/2"), "libvirtd.service");
        put_link("/etc/systemd/system/corosync.service.wants/hawd.service", UNITS "hawd.service");
        put_link("/etc/systemd/system/libvirt-guests.service", "/dev/null");
        put(UNITS "libvirt-guests.service", "[Unit]\n", 0644);
        look();
        ck_assert(json_is_true(at("units/hawd/enabled")));
        ck_assert(json_is_true(at("units/libvirt-guests/masked")));
        /* one of the administrator's hides that of the package */
        put("/etc/systemd/system/hawd.service", "[Unit]\nAfter=only.service\n", 0644);
        look();
        ck_assert_uint_eq(json_array_size(at("units/hawd/after")), 2);
}
END_TEST

START_TEST(others_that_manage_guests_are_seen) {
        put("/proc/12/comm", "pacemakerd\n", 0444);
        put("/proc/13/comm", "bash\n", 0444);
        put("/proc/self/comm", "vdsmd\n", 0444);
        look();
        ck_assert_uint_eq(json_array_size(at("managers")), 1);
        ck_assert_str_eq(text_at("managers/0/name"), "Pacemaker");
        ck_assert(json_is_true(at("managers/0/running")));
        put(UNITS "pve-ha-lrm.service", "", 0644);
        put_link("/etc/systemd/system/multi-user.target.wants/pve-ha-lrm.service", "x");
        put_link("/etc/systemd/system/multi-user.target.wants/vdsmd.service", "gone");
        look();
        ck_assert_uint_eq(json_array_size(at("managers")), 2);
        ck_assert_str_eq(text_at("managers/1/name"), "Proxmox VE HA");
        ck_assert(json_is_true(at("managers/1/enabled")));
        ck_assert(json_is_false(at("managers/1/running")));
}
END_TEST

START_TEST(watchdogs_locks_and_certificates) {
        put("/sys/class/watchdog/watchdog0/identity", "iTCO_wdt\n", 0444);
        put("/etc/libvirt/qemu.conf",
            "# lock_manager = \"no\"\n lock_manager = \"lockd\" # why\n"
            "default_tls_x509_cert_dir = \"/etc/tls\"\n",
            0644);
        put("/etc/tls/server-cert.pem", "nothing\n", 0644);
        put("/etc/pki/qemu/server-cert.pem", "not looked at\n", 0644);
        look();
        ck_assert_str_eq(text_at("watchdogs/0/identity"), "iTCO_wdt");
        ck_assert_str_eq(text_at("qemu_conf/lock_manager"), "lockd");
        ck_assert_uint_eq(json_array_size(at("certificates")), 1);
        ck_assert_str_eq(text_at("certificates/0/path"), "/etc/tls/server-cert.pem");
        ck_assert_str_eq(text_at("certificates/0/error"),
                         "it holds no certificate that can be read");
}
END_TEST

static const struct {
        const char *line, *value;
} values[] = {
        {"k = \"a b\"", "a b"},
        {"k=plain # comment", "plain"},
        {"  k\t=\t7", "7"},
        {"kk = 1", NULL},
        {"#k = 1", NULL},
        {"k", NULL},
        {"k = \"open", "open"},
        {"k = 1\nk = 2", "2"},
        {"k =", ""},
};

START_TEST(values_of_configuration_files) {
        char got[64] = "";

        ck_assert_int_eq(conf_value(values[_i].line, "k", got, sizeof(got)),
                         values[_i].value != NULL);
        if (values[_i].value)
                ck_assert_str_eq(got, values[_i].value);
}
END_TEST

START_TEST(watchdogs_and_who_has_them) {
        put("/sys/class/watchdog/watchdog0/identity", "i6300ESB timer\n", 0444);
        put("/sys/class/watchdog/watchdog0/nowayout", "1\n", 0444);
        put("/proc/cpuinfo", "flags\t\t: fpu hypervisor\n", 0444);
        put("/proc/1/comm", "systemd\n", 0444);
        put_link("/proc/1/fd/9", "/dev/watchdog0");
        look();
        ck_assert(json_is_true(at("watchdogs/0/nowayout")));
        ck_assert_ptr_nonnull(strstr(text_at("watchdogs/0/useless"), "of a virtual machine"));
        ck_assert_ptr_nonnull(strstr(text_at("watchdogs/0/held_by"), "systemd (process 1) holds"));
        put("/proc/74/comm", "hawd\n", 0444); /* which has put it into systemd's store */
        put_link("/proc/74/fd/5", "/dev/watchdog0");
        look();
        ck_assert(json_is_null(at("watchdogs/0/held_by")));
}
END_TEST

START_TEST(watchdogs_that_are_wanted) {
        put("/sys/class/watchdog/watchdog1/identity", "Software Watchdog\n", 0444);
        put("/dev/watchdog1", "", 0600);
        put("/etc/hawd/hawd.conf",
            "[cluster]\nwatchdog = /dev/watchdog0\nlease = 20s\n[host a]\n"
            "watchdog = /dev/watchdog1\n[host b]\nlabels = x\n[host c]\nself-fence = never\n",
            0644);
        look();
        ck_assert_int_eq(json_integer_value(at("config/watchdog/lease_ms")), 20000);
        ck_assert_uint_eq(json_array_size(at("config/watchdog/hosts")), 3);
        ck_assert(json_is_null(at("config/watchdog/hosts/0/name")));
        ck_assert_str_eq(text_at("config/watchdog/hosts/0/path"), "/dev/watchdog0");
        ck_assert(json_is_false(at("config/watchdog/hosts/0/there")));
        ck_assert(json_is_true(at("config/watchdog/hosts/0/allowed")));
        ck_assert_str_eq(text_at("config/watchdog/hosts/1/name"), "a");
        ck_assert(json_is_true(at("config/watchdog/hosts/1/there")));
        ck_assert(json_is_false(at("config/watchdog/hosts/1/allowed")));
        ck_assert_ptr_nonnull(strstr(text_at("config/watchdog/hosts/1/useless"), "is softdog"));
        ck_assert_str_eq(text_at("config/watchdog/hosts/2/name"), "c");
        ck_assert(json_is_null(at("config/watchdog/hosts/2/path")));
        ck_assert(json_is_true(at("config/watchdog/hosts/2/never")));
}
END_TEST

START_TEST(systemd_has_its_own) {
        put("/etc/systemd/system.conf",
            "[Manager]\n#RuntimeWatchdogSec=off\nRebootWatchdogSec=1min\n", 0644);
        put("/usr/lib/systemd/system.conf.d/20-vendor.conf", "[Manager]\nRuntimeWatchdogSec=20s\n",
            0644);
        put("/etc/systemd/system.conf.d/10-mine.conf", "[Manager]\nRuntimeWatchdogSec=30s\n", 0644);
        put("/etc/systemd/system.conf.d/90-not.txt", "[Manager]\nRuntimeWatchdogSec=40s\n", 0644);
        look();
        ck_assert_str_eq(text_at("systemd_watchdog/runtime"), "30s");
        ck_assert_str_eq(text_at("systemd_watchdog/reboot"), "1min");
        ck_assert(json_is_null(at("systemd_watchdog/device")));
}
END_TEST

#define STAT_TAIL(policy)                                                                          \
        " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 "  \
        "32 33 34 35 36 37 " policy " 0 0\n"

START_TEST(a_running_hawd_shows_its_limits) {
        put("/proc/74/stat", "74 (hawd ) x)" STAT_TAIL("2"), 0444);
        put("/proc/74/status", "Name:\thawd\nVmLck:\t  4096 kB\n", 0444);
        facts = facts_hawd(root, 74);
        ck_assert(json_is_true(at("real_time")));
        ck_assert_int_eq(json_integer_value(at("locked_kib")), 4096);
        json_decref(facts);
        put("/proc/74/stat", "74 (hawd)" STAT_TAIL("0"), 0444);
        put("/proc/74/status", "Name:\thawd\n", 0444);
        facts = facts_hawd(root, 74);
        ck_assert(json_is_false(at("real_time")));
        ck_assert(json_is_null(at("locked_kib")));
        json_decref(facts);
        facts = facts_hawd(root, 75);
        ck_assert_ptr_nonnull(strstr(text_at("error"), "No such file"));
        json_decref(facts);
        facts = facts_hawd(root, 0);
        ck_assert_str_eq(text_at("error"), "it does not run");
}
END_TEST

/* ---- parts ---- */

static json_t *fine(const void *arg) {
        json_t *o = json_pack("{s:s}", "said", (const char *)arg);

        for (int i = 0; i < 4000; i++) { /* more than a pipe holds */
                char key[16];

                text_fmt(key, sizeof(key), "k%d", i);
                json_object_set_new(o, key, json_string("0123456789012345678901234567890"));
        }
        return o;
}

static json_t *hangs(const void *arg) {
        part_at("%s", (const char *)arg);
        while (true)
                pause();
        return NULL;
}

static json_t *crashes(const void *arg) {
        part_at("%s", (const char *)arg);
        signal(SIGABRT, SIG_DFL);
        abort();
}

static json_t *vanishes(const void *arg) {
        (void)arg;
        _exit(0);
}

START_TEST(one_part_that_hangs_costs_only_itself) {
        const struct part parts[] = {
                {"fine", fine, "yes", 30 * USEC_PER_SEC},
                {"hangs", hangs, "/mnt/nfs/x", USEC_PER_SEC},
                {"crashes", crashes, "libvirt", 30 * USEC_PER_SEC},
                {"vanishes", vanishes, NULL, 30 * USEC_PER_SEC},
        };

        facts = json_object();
        parts_run(parts, ARRAY_SIZE(parts), facts);
        ck_assert_str_eq(text_at("fine/said"), "yes");
        ck_assert_str_eq(text_at("fine/k3999"), "0123456789012345678901234567890");
        ck_assert_str_eq(text_at("hangs/error"), "no answer within 1 s: /mnt/nfs/x");
        ck_assert_str_eq(text_at("crashes/error"), "looking at it crashed (signal 6): libvirt");
        ck_assert_str_eq(text_at("vanishes/error"), "looking at it ended without an answer");
}
END_TEST

START_TEST(words_are_text) {
        json_t *j = word("caf\xc3\xa9 \xff");
        char longer[2 * FACTS_WORD_MAX];

        ck_assert_str_eq(json_string_value(j), "caf?? ?");
        json_decref(j);
        memset(longer, 'x', sizeof(longer));
        longer[sizeof(longer) - 1] = '\0';
        j = word(longer);
        ck_assert_uint_eq(json_string_length(j), FACTS_WORD_MAX);
        json_decref(j);
        ck_assert(json_is_null(word("")));
        ck_assert(json_is_null(word(NULL)));
}
END_TEST

START_TEST(uplinks_and_the_hold) {
        put("/sys/class/net/eth0/flags", "0x1003\n", 0444);
        put("/run/hawd/running.conf",
            "[cluster]\nuplink = eth0 eth1\nreplica-hold = 2min\nkdump-wait = 30s\n[host a]\n"
            "uplink = eth0\n[host b]\n[fence x]\nhost = a\naddress = 10.0.0.1\ntimeout = 60s\n",
            0600);
        look();
        ck_assert_uint_eq(json_array_size(at("config/uplinks")), 2);
        ck_assert(json_is_null(at("config/uplinks/0/name")));
        ck_assert_uint_eq(json_array_size(at("config/uplinks/0/missing")), 1);
        ck_assert_str_eq(text_at("config/uplinks/0/missing/0"), "eth1");
        ck_assert_str_eq(text_at("config/uplinks/1/name"), "a");
        ck_assert_uint_eq(json_array_size(at("config/uplinks/1/missing")), 0);
        ck_assert_int_eq(json_integer_value(at("config/replica_hold_ms")), 120000);
        ck_assert_int_eq(json_integer_value(at("config/replica_hold_least_ms")), 201000);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("doctor host");
        TCase *tc = unit_case(s, "host");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, an_empty_host_has_reasons_for_everything);
        tcase_add_test(tc, configurations_have_hashes);
        tcase_add_test(tc, secrets_must_be_safe);
        tcase_add_test(tc, units_are_read_as_systemd_does);
        tcase_add_test(tc, others_that_manage_guests_are_seen);
        tcase_add_test(tc, watchdogs_locks_and_certificates);
        tcase_add_test(tc, watchdogs_and_who_has_them);
        tcase_add_test(tc, watchdogs_that_are_wanted);
        tcase_add_test(tc, systemd_has_its_own);
        tcase_add_test(tc, uplinks_and_the_hold);
        tcase_add_loop_test(tc, values_of_configuration_files, 0, (int)ARRAY_SIZE(values));
        tcase_add_test(tc, a_running_hawd_shows_its_limits);
        tcase_add_test(tc, one_part_that_hangs_costs_only_itself);
        tcase_add_test(tc, words_are_text);
        return s;
}

UNIT_MAIN(suite)
