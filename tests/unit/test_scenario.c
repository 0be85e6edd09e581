/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: sim */
#include <stdio.h>
#include <unistd.h>

#include "hawd/sim/scenario.h"
#include "tests/unit/unit.h"

static struct scenario sc;
static struct conf_errors errors;

static int parse(const char *text) {
        conf_errors_clear(&errors);
        return scenario_parse("x.ini", text, &sc, &errors);
}

static void done(void) {
        scenario_clear(&sc);
        conf_errors_clear(&errors);
}

START_TEST(defaults_as_documented) {
        ck_assert_int_eq(parse("[host node1]\n[guest db]\nhost = node1\n"), 0);
        ck_assert_uint_eq(sc.conf.n_hosts, 1);
        ck_assert_uint_eq(sc.conf.hosts[0].vcpus, 16);
        ck_assert_uint_eq(sc.conf.hosts[0].memory_mib, 65536);
        ck_assert_int_eq(sc.conf.hosts[0].bmc, BMC_OK);
        ck_assert(!sc.conf.hosts[0].power_off);
        ck_assert_uint_eq(sc.conf.config.n_devices, 1);
        ck_assert_int_eq(sc.conf.guests[0].desired, DESIRED_RUNNING);
        ck_assert_uint_eq(sc.conf.guests[0].vcpus, 2);
        ck_assert_uint_eq(sc.conf.guests[0].memory_mib, 4096);
        ck_assert_int_eq(sc.conf.guests[0].conf.priority, 100);
        ck_assert_uint_eq(sc.conf.guests[0].boot_usec, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(sc.conf.detect_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(sc.conf.fence_usec, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(sc.end_usec, 720 * USEC_PER_SEC);
        ck_assert_uint_eq(sc.conf.seed, 1);
        done();
}
END_TEST

START_TEST(every_key) {
        ck_assert_int_eq(parse("[host node1]\n"
                               "vcpus = 8\nmemory = 32GiB\nbmc = none ; no proof from here\n"
                               "watchdog = none\npower = off\nlabels = ssd rack1\n"
                               "clock = -2h\ndrift = -500\nlisted = no\nbmc2 = supply\n"
                               "[host node2]\nbmc = lying\n"
                               "[guest dns]\nstate = stopped\n"
                               "[guest db]\nhost = node2\nstate = ignored\nvcpus = 3\n"
                               "memory = 512MiB\npriority = 7\nboot = 5s\nstart-failures = 2\n"
                               "after = dns\n"
                               "[rule apart]\ntype = require\nguests = db\nguests = dns\n"
                               "hosts = node2\nstrict = no\n"
                               "[cluster]\nheartbeat = 2s\ndetect = 1s\nfence-time = 500ms\n"
                               "boot-time = 9s\nquorum = two_node last_man_standing\n"
                               "[guest-defaults]\nrestart-limit = 9\n"
                               "[at 2min]\ndo = network node1 cut\ndo = guest move db node1\n"
                               "[run]\nend = 60s\nseed = 7\nrare-delays = yes\n"),
                         0);
        ck_assert_uint_eq(sc.conf.hosts[0].vcpus, 8);
        ck_assert(sc.conf.hosts[0].power_off);
        ck_assert_str_eq(sc.conf.hosts[0].labels, "ssd rack1");
        ck_assert_int_eq(sc.conf.hosts[0].wall_offset, -7200 * (int64_t)USEC_PER_SEC);
        ck_assert_int_eq(sc.conf.hosts[0].drift_ppm, -500);
        ck_assert(sc.conf.hosts[0].unlisted);
        ck_assert_int_eq(sc.conf.hosts[0].second, SECOND_SUPPLY);
        ck_assert(sc.conf.quorum.two_node && sc.conf.quorum.wait_for_all);
        ck_assert(sc.conf.quorum.last_man_standing && !sc.conf.quorum.qdevice);
        ck_assert_uint_eq(sc.conf.boot_usec, 9 * USEC_PER_SEC);
        ck_assert(!sc.conf.calm);
        ck_assert_uint_eq(sc.conf.config.n_devices, 1);
        ck_assert_str_eq(sc.conf.config.devices[0].host, "node2");
        ck_assert_int_eq(sc.conf.guests[1].host, 1);
        ck_assert_int_eq(sc.conf.guests[1].desired, DESIRED_IGNORED);
        ck_assert_uint_eq(sc.conf.guests[1].start_failures, 2);
        ck_assert_str_eq(sc.conf.guests[1].after[0], "dns");
        /* Inherited, although it stands behind the guest. */
        ck_assert_uint_eq(sc.conf.guests[1].conf.restart_limit, 9);
        ck_assert_int_eq(sc.conf.guests[1].conf.priority, 7);
        ck_assert_int_eq(sc.conf.rules[0].kind, RULE_REQUIRE);
        ck_assert_str_eq(sc.conf.rules[0].guests, "db dns");
        ck_assert(!sc.conf.rules[0].strict);
        ck_assert_uint_eq(sc.conf.config.heartbeat_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(sc.n_faults, 2);
        ck_assert_uint_eq(sc.faults[1].at, 120 * USEC_PER_SEC);
        ck_assert_int_eq(sc.faults[1].kind, FAULT_REQUEST);
        ck_assert_uint_eq(sc.faults[1].arg, VERB_GUEST_MOVE);
        ck_assert_int_eq(sc.faults[1].guest, 1);
        ck_assert_uint_eq(sc.conf.seed, 7);
        done();
}
END_TEST

/* Text of one line, and what is said of it: with file and line, all at once. */
static const struct {
        const char *text, *message;
} mistakes[] = {
        {"[host a]\nvcpus = x\n", "x.ini:2: "},
        {"[host a]\nbmc = half\n", "x.ini:2: bmc is ok, dead, lying, slow or none"},
        {"[host a]\ncolour = red\n", "x.ini:2: unknown key 'colour'"},
        {"[host a]\nwatchdog = 10s\n", "x.ini:2: watchdog is yes or none"},
        {"[host a]\n[host a]\n", "x.ini:2: [host a] is there already"},
        {"[host]\n[host a]\n", "x.ini:1: [host] needs a name"},
        {"[host a]\n[planet b]\n", "x.ini:2: unknown section [planet]"},
        {"[host a]\n[host b\n", "x.ini:2: a section without ']'"},
        {"[host a]\nvcpus\n", "x.ini:2: neither 'key = value' nor a [section]"},
        {"[host a]\n[guest g]\nhost = b\n", "x.ini:3: there is no host b"},
        {"[host a]\n[guest g]\nafter = b\n", "x.ini:3: after: there is no guest b"},
        {"[host a]\n[guest g]\nstate = happy\n", "x.ini:3: state is running, stopped or ignored"},
        {"[host a]\n[rule r]\ntype = odd\n",
         "x.ini:3: type is separate, together, require, prefer or avoid"},
        {"[host a]\n[at noon]\n", "x.ini:2: [at noon]: "},
        {"[host a]\n[at 1s]\nplay = chess\n", "x.ini:3: unknown key 'play'"},
        {"[host a]\n[run]\nseed = -1\n", "x.ini:3: '-1' is no seed: use a number"},
        {"[host a]\n[cluster]\nheartbeat = soon\n", "x.ini:3: "},
        {"[guest g]\n", "x.ini:1: there is no [host NAME]"},
        {"[host a]\n[at 1s]\ndo = power b off\n", "x.ini:3: there is no host 'b'"},
        {"[host a]\n[at 1s]\ndo = guest g crash\n", "x.ini:3: there is no guest 'g'"},
        {"[host a]\n[at 1s]\ndo = power a sideways\n",
         "x.ini:3: 'power a sideways' is no verb of a scenario"},
        {"[host a]\n[guest g]\n[at 1s]\ndo = guest g hang for 1s\n",
         "x.ini:4: this is not done for a time"},
        {"[host a]\n[guest g]\nrecovery = reboot\n", "x.ini:3: 'reboot' is nothing for 'recovery'"},
        {"[host a]\n[guest g]\nhealth = good\n", "x.ini:3: 'good' is no value for 'health'"},
        {"[host a]\nbmc2 = third\n", "x.ini:2: bmc2 is none, supply or level"},
        {"[host a]\ndrift = 99999\n", "x.ini:2: "},
        {"[host a]\nclock = --2h\n", "x.ini:2: "},
        {"[host a]\n[cluster]\nquorum = odd\n", "x.ini:3: 'odd': quorum takes two_node"},
        {"[host a]\n[at 1s]\ndo = thaw a for 2s\n", "x.ini:3: this is not done for a time"},
        {"[host a]\n[at 1s]\ndo = ring a late\n", "x.ini:3: for how long?"},
        {"[host a]\n[at 1s]\ndo = freeze a for 0s\n", "x.ini:3: for no time at all"},
        {"[host a]\n[at 1s]\ndo = bmc a asleep\n", "x.ini:3: 'asleep': a bmc is alive, dead"},
        {"[host a]\n[at 1s]\ndo = clock a up 1h\n", "x.ini:3: a clock is set forward or back"},
        {"[host a]\n[at 1s]\ndo = network split b\n", "x.ini:3: there is no host 'b'"},
        {"[host a]\n[at 1s]\ndo = config a x\n", "x.ini:3: 'x' is no number"},
        {"[host a]\n[at 1s]\ndo = ambush hug on decision skip 0 within 1s\n",
         "x.ini:3: 'hug' on 'decision' is no ambush"},
        {"[host a]\n[at 1s]\ndo = host maintenance a on\n",
         "x.ini:3: 'host maintenance a on': not yet supported"},
};

START_TEST(each_mistake_is_named) {
        const char *want = mistakes[_i].message;

        ck_assert_int_eq(parse(mistakes[_i].text), 1);
        ck_assert_uint_eq(errors.n, 1);
        ck_assert_msg(strncmp(errors.lines[0], want, strlen(want)) == 0, "%s", errors.lines[0]);
        done();
}
END_TEST

START_TEST(all_mistakes_at_once) {
        ck_assert_int_eq(parse("[host a]\nvcpus = x\ncolour = red\n[at 1s]\ndo = fly\n"), 3);
        ck_assert_uint_eq(errors.n, 3);
        done();
}
END_TEST

/* What is shown of a fault is what a scenario says to get it. */
static const char *const verbs[] = {
        "power a off",
        "power a on",
        "power a reset",
        "power a pull",
        "network a cut",
        "network a cut for 1500ms",
        "network a restore",
        "network split a",
        "network whole",
        "freeze a",
        "freeze a for 1min",
        "thaw a",
        "daemon a kill",
        "daemon a kill for 300ms",
        "daemon a start",
        "daemon a freeze for 9s",
        "daemon a thaw",
        "ring a kill",
        "ring a freeze",
        "ring a thaw",
        "ring a late for 700ms",
        "token late for 700ms",
        "libvirt a hang",
        "libvirt a hang for 90s",
        "libvirt a restart",
        "bmc a dead",
        "bmc a alive",
        "bmc a lie",
        "bmc1 a flap",
        "bmc2 a says-off",
        "guest g crash",
        "guest g hang",
        "guest g watchdog",
        "guest g panic",
        "guest g io-error",
        "guest g boot-loop",
        "guest g boot-loop for 2min",
        "storage a lose",
        "storage a lose for 5s",
        "storage a restore",
        "guest recover g",
        "guest g shutdown",
        "virsh destroy g",
        "virsh start g a",
        "reboot a",
        "shutdown a",
        "guest stop g",
        "guest start g",
        "guest move g a",
        "fence confirm a",
        "fence confirm a if off",
        "fence host a",
        "host release a",
        "host accept-loss",
        "disk a full",
        "disk a failing",
        "disk a lost for 2s",
        "clock a forward 2h",
        "clock a back 90s",
        "config a 65537",
        "node a add",
        "node a remove",
        "ambush power-off on decision skip 0 within 1ms",
        "ambush libvirt-hang on start skip 11 within 20ms",
        "mend all",
};

START_TEST(verbs_read_back) {
        struct fault f;
        char err[TEXT_LEN], text[256];

        ck_assert_int_eq(parse("[host a]\n[guest g]\n"), 0);
        ck_assert_int_eq(scenario_verb(&sc.conf, verbs[_i], &f, err), 0);
        fault_text(&sc.conf, &f, text, sizeof(text));
        ck_assert_str_eq(text, verbs[_i]);
        done();
}
END_TEST

static char *run(const char *text, int *status) {
        char path[] = "/tmp/hawd-scenario-XXXXXX", *out = NULL;
        int fd = mkstemp(path);
        size_t size = 0;
        FILE *f;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        (void)close(fd);
        f = open_memstream(&out, &size);
        ck_assert_ptr_nonnull(f);
        *status = simulate_main(path, true, f);
        (void)fclose(f);
        (void)unlink(path);
        return out;
}

START_TEST(the_same_seed_tells_the_same_story) {
        static const char text[] = "[host a]\n[host b]\n[host c]\n[guest g]\nhost = c\n"
                                   "[at 5s]\ndo = power c off\n[run]\nend = 90s\nseed = 3\n";
        int first, second;
        char *one = run(text, &first), *two = run(text, &second);

        ck_assert_int_eq(first, 0);
        ck_assert_int_eq(second, 0);
        ck_assert_str_eq(one, two);
        ck_assert_ptr_nonnull(strstr(one, "\"event\": \"host-lost\""));
        ck_assert_ptr_nonnull(strstr(one, "\"violations\": []"));
        free(one);
        free(two);
}
END_TEST

/* Status 1: somebody confirms falsely, and the guest runs twice. The simulator sees it. */
START_TEST(a_broken_promise_is_status_1) {
        int status;
        char *out = run("[host a]\n[host b]\n[host c]\nbmc = dead\n[guest g]\nhost = c\n"
                        "[at 5s]\ndo = network c cut\n[at 40s]\ndo = fence confirm c\n"
                        "[run]\nend = 90s\n",
                        &status);

        ck_assert_int_eq(status, 1);
        ck_assert_ptr_nonnull(strstr(out, "\"promise\": \"S1\""));
        free(out);
}
END_TEST

START_TEST(bad_input_is_status_2) {
        int status;
        char *out = run("[host a]\n[at 1s]\ndo = nothing\n", &status);

        ck_assert_int_eq(status, 2);
        free(out);
        ck_assert_int_eq(simulate_main("/nonexistent/x.ini", false, stdout), 2);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("scenario");
        TCase *t = unit_case(s, "scenario");

        tcase_add_test(t, defaults_as_documented);
        tcase_add_test(t, every_key);
        tcase_add_loop_test(t, each_mistake_is_named, 0, ARRAY_SIZE(mistakes));
        tcase_add_test(t, all_mistakes_at_once);
        tcase_add_loop_test(t, verbs_read_back, 0, ARRAY_SIZE(verbs));
        tcase_add_test(t, the_same_seed_tells_the_same_story);
        tcase_add_test(t, a_broken_promise_is_status_1);
        tcase_add_test(t, bad_input_is_status_2);
        return s;
}

UNIT_MAIN(suite)
