/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: fence */
/* Fence agents: whose word is proof, what they are given, and that they end when told to. */
#include "fencing/agent_meta.h"
#include "fencing/agent_run.h"
#include "fencing/driver.h"
#include "fencing/guard.h"
#include "tests/unit/unit.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define META(actions, parameters)                                                                  \
        "<?xml version=\"1.0\" ?>\n<resource-agent name=\"x\" shortdesc=\"y\" "                    \
        ">\n<parameters>\n" parameters "</parameters>\n<actions>\n" actions                        \
        "</actions>\n</resource-agent>\n"
#define ACTION(name) "\t<action name=\"" name "\" automatic=\"0\"/>\n"
#define PARAMETER(name)                                                                            \
        "\t<parameter name=\"" name "\" unique=\"0\" required=\"1\">\n</parameter>\n"
#define POWER ACTION("on") ACTION("off") ACTION("reboot") ACTION("status") ACTION("monitor")

static const struct {
        const char *agent, *xml;
        int code;
        const char *says;
} agents[] = {
        {"fence_apc", META(POWER, ""), 0, ""},
        {"fence_x", "", FENCE_AGENT_FAILED, "not a fence agent's"},
        {"fence_x", "<actions>" POWER "</actions>", FENCE_AGENT_FAILED, "not a fence agent's"},
        {"fence_ovh", META(ACTION("on") ACTION("off") ACTION("monitor"), ""), FENCE_NO_STATUS,
         "no action status"},
        {"fence_rcd_serial", META(ACTION("reboot") ACTION("status"), ""), FENCE_NO_STATUS,
         "no action off"},
        {"fence_x", META(ACTION("off") ACTION("status"), ""), FENCE_NO_STATUS, "no action on"},
        {"fence_x", META(ACTION("list-status") ACTION("on") ACTION("off"), ""), FENCE_NO_STATUS,
         "no action status"},
        {"fence_brocade",
         META("<action name=\"on\" automatic=\"1\"/>" ACTION("off") ACTION("status"), ""),
         FENCE_NO_STATUS, "cuts storage or network"},
        {"fence_scsi",
         META("<action on_target='1' name='on' />" ACTION("off") ACTION("status"), ""),
         FENCE_NO_STATUS, "cuts storage or network"},
        {"fence_sbd", META(POWER, ""), FENCE_NO_STATUS, "must read"},
        {"fence_heuristics_ping", META(POWER, ""), FENCE_NO_STATUS, "only pings"},
        {"fence_x", "<resource-agent name=\"x\"><action name=\"on", FENCE_NO_STATUS, "no action"},
};

START_TEST(whose_word_is_proof) {
        struct agent_traits traits;
        struct fence_error err = {0};
        int r = agent_judge(agents[_i].agent, agents[_i].xml, &traits, &err);

        ck_assert_msg(r == agents[_i].code, "%d: %s", r, err.message);
        if (r != 0)
                ck_assert_msg(strstr(err.message, agents[_i].says), "%s", err.message);
}
END_TEST

START_TEST(parameters_by_their_names) {
        struct agent_traits t, again;
        struct fence_error err;
        char text[96];

        ck_assert_int_eq(agent_judge("fence_x",
                                     META(POWER, PARAMETER("ipaddr") PARAMETER("ip")
                                                         PARAMETER("login") PARAMETER("passwd")),
                                     &t, &err),
                         0);
        ck_assert_str_eq(t.address, "ip");
        ck_assert_str_eq(t.user, "login");
        ck_assert_str_eq(t.password, "passwd");
        agent_traits_format(&t, text, sizeof(text));
        ck_assert_int_eq(agent_traits_parse(text, &again), 0);
        ck_assert_mem_eq(&t, &again, sizeof(t));
        ck_assert_int_eq(agent_traits_parse("address= user= password=", &again), 0);
        ck_assert_str_eq(again.password, "");
        ck_assert_int_eq(agent_traits_parse("address=ip user=x password=passwd", &again), -EINVAL);
        ck_assert_int_eq(agent_traits_parse("address=ip user=login", &again), -EINVAL);
        ck_assert_int_eq(agent_traits_parse("", &again), -EINVAL);
}
END_TEST

START_TEST(options_one_by_one) {
        const char *p = "  ip=10.0.0.1 plug=a=b  empty= ";
        char key[64], value[256];

        ck_assert_int_eq(agent_option_next(&p, key, value), 1);
        ck_assert_str_eq(key, "ip");
        ck_assert_str_eq(value, "10.0.0.1");
        ck_assert_int_eq(agent_option_next(&p, key, value), 1);
        ck_assert_str_eq(value, "a=b");
        ck_assert_int_eq(agent_option_next(&p, key, value), 1);
        ck_assert_str_eq(value, "");
        ck_assert_int_eq(agent_option_next(&p, key, value), 0);
        p = "noequals";
        ck_assert_int_eq(agent_option_next(&p, key, value), -EINVAL);
        p = "=x";
        ck_assert_int_eq(agent_option_next(&p, key, value), -EINVAL);
        p = "a=b\naction=on";
        ck_assert_int_eq(agent_option_next(&p, key, value), -EINVAL);

        ck_assert_ptr_null(agent_option_allowed("plug", "3"));
        ck_assert_ptr_null(agent_option_allowed("method", "onoff"));
        ck_assert_ptr_nonnull(agent_option_allowed("method", "cycle")); /* S3 */
        ck_assert_ptr_nonnull(agent_option_allowed("action", "on"));
        ck_assert_ptr_nonnull(agent_option_allowed("passwd", "x"));
        ck_assert_ptr_nonnull(agent_option_allowed("debug_file", "/tmp/x"));
}
END_TEST

START_TEST(exit_status_is_power) {
        ck_assert_int_eq(agent_status(0), FENCE_POWER_ON);
        ck_assert_int_eq(agent_status(2), FENCE_POWER_OFF);
        for (int s = -1; s < 256; s++) {
                if (s != 0 && s != 2)
                        ck_assert_int_eq(agent_status(s), FENCE_POWER_UNKNOWN);
        }
}
END_TEST

/* ---- running them ---- */

static char dir[] = "/tmp/test_fence_agent.XXXXXX";
static char path[PATH_MAX];
static pid_t groups[8];
static size_t n_groups;

static void on_group(pid_t pg) {
        ck_assert_uint_lt(n_groups, ARRAY_SIZE(groups));
        groups[n_groups++] = pg;
}

static void setup(void) {
        strcpy(dir + sizeof(dir) - 7, "XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(path, sizeof(path), "%s/fence_test", dir);
        n_groups = 0;
}

static void teardown(void) {
        char command[PATH_MAX];

        text_fmt(command, sizeof(command), "rm -rf '%s'", dir);
        ck_assert_int_eq(system(command), 0);
}

static void script(const char *text) {
        FILE *f = fopen(path, "we");

        ck_assert_ptr_nonnull(f);
        fprintf(f, "#!/bin/sh\n%s\n", text);
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_int_eq(chmod(path, 0755), 0);
}

START_TEST(an_agent_is_fed_and_heard) {
        struct agent_run run;
        struct fence_error err = {0};

        script("cat; echo 'first' >&2; echo '2026-01-01 12:00:00,1 ERROR: last words' >&2; exit 2");
        ck_assert_int_eq(agent_run(path, "action=status\n", guard_now() + 20 * USEC_PER_SEC,
                                   on_group, &run, &err),
                         0);
        ck_assert_int_eq(run.status, 2);
        ck_assert_str_eq(run.out, "action=status\n");
        ck_assert_str_eq(run.last, "last words");
        agent_run_clear(&run);
        ck_assert_uint_eq(n_groups, 2);
        ck_assert_int_eq(groups[1], 0);
}
END_TEST

START_TEST(an_agent_sees_no_more_than_it_should) {
        struct agent_run run;
        struct fence_error err = {0};

        ck_assert_int_eq(setenv("SECRET_OF_OURS", "x", 1), 0);
        script("env | grep -c SECRET_OF_OURS; ls /proc/self/fd | wc -w");
        ck_assert_int_eq(agent_run(path, "", guard_now() + 20 * USEC_PER_SEC, on_group, &run, &err),
                         0);
        ck_assert_str_eq(run.out, "0\n4\n"); /* 0, 1, 2 and the one ls opens */
        agent_run_clear(&run);
}
END_TEST

START_TEST(a_talkative_agent_is_bounded) {
        struct agent_run run;
        struct fence_error err = {0};

        script("head -c 3000000 /dev/zero | tr '\\0' x");
        ck_assert_int_eq(agent_run(path, "", guard_now() + 30 * USEC_PER_SEC, on_group, &run, &err),
                         0);
        ck_assert_uint_eq(strlen(run.out), AGENT_OUT_MAX);
        agent_run_clear(&run);
}
END_TEST

START_TEST(a_hanging_agent_is_killed_with_its_children) {
        struct agent_run run;
        struct fence_error err = {0};
        usec_t start = guard_now();
        int tries = 0;

        script("trap '' TERM; sleep 1000 & sleep 1000");
        ck_assert_int_eq(agent_run(path, "x\n", start + USEC_PER_SEC / 2, on_group, &run, &err),
                         FENCE_TIMEOUT);
        ck_assert_uint_lt(guard_now() - start, 10 * USEC_PER_SEC);
        while (kill(-groups[0], 0) == 0 && tries++ < 500)
                usleep(10000); /* whoever adopts them reaps them */
        ck_assert_int_lt(tries, 500);
}
END_TEST

START_TEST(no_such_agent) {
        struct agent_run run;
        struct fence_error err = {0};

        ck_assert_int_eq(agent_run(path, "", guard_now() + 20 * USEC_PER_SEC, on_group, &run, &err),
                         0);
        ck_assert_int_eq(run.status, 127);
        agent_run_clear(&run);
}
END_TEST

START_TEST(the_driver_reads_and_sends) {
        struct conf_device device = {.name = "d", .agent = "fence_test", .options = "plug=3"};
        const struct fence_target target = {
                .device = &device, .secret = "pw word", .agent_dir = dir, .on_group = on_group};
        usec_t until = guard_now() + 30 * USEC_PER_SEC;
        struct fence_handle h;
        struct fence_error err;
        enum fence_power power;
        char text[2048];

        /* Off is refused without the right plug and password; the error holds the password. */
        text_fmt(
                text, sizeof(text),
                "while read -r l; do case $l in action=*) a=${l#*=};; plug=3) p=1;; "
                "'passwd=pw word') w=1;; esac; done\n"
                "case $a in metadata) cat <<'X'\n%sX\n;; status) [ -e %s/off ] && exit 2; exit 0;; "
                "off) [ \"$p$w\" = 11 ] && touch %s/off;; on) echo 'no: pw word' >&2; exit 1;; "
                "esac",
                META(POWER, PARAMETER("passwd")), dir, dir);
        script(text);
        ck_assert_int_eq(fence_open(&fence_driver_agent, &target, &h, &err), 0);
        ck_assert_int_eq(fence_read(&h, until, &power, &err), 0);
        ck_assert_int_eq(power, FENCE_POWER_ON);
        n_groups = 0;
        ck_assert_int_eq(fence_send(&h, until, FENCE_ORDER_OFF, &err), 0);
        ck_assert_int_eq(fence_read(&h, until, &power, &err), 0);
        ck_assert_int_eq(power, FENCE_POWER_OFF);
        n_groups = 0;
        ck_assert_int_eq(fence_send(&h, until, FENCE_ORDER_ON, &err), FENCE_AGENT_FAILED);
        ck_assert_ptr_null(strstr(err.message, "pw word"));
        fence_close(&h);

        text_set(device.agent, sizeof(device.agent), "fence_absent");
        ck_assert_int_eq(fence_open(&fence_driver_agent, &target, &h, &err), FENCE_AGENT_MISSING);
        text_set(device.agent, sizeof(device.agent), "../bin/sh");
        ck_assert_int_eq(fence_open(&fence_driver_agent, &target, &h, &err), FENCE_BAD_CONFIG);
        text_set(device.agent, sizeof(device.agent), "sh");
        ck_assert_int_eq(fence_open(&fence_driver_agent, &target, &h, &err), FENCE_BAD_CONFIG);
}
END_TEST

static Suite *fence_agent_suite(void) {
        Suite *suite = suite_create("fence_agent");
        TCase *tc = unit_case(suite, "metadata");

        tcase_add_loop_test(tc, whose_word_is_proof, 0, (int)ARRAY_SIZE(agents));
        tcase_add_test(tc, parameters_by_their_names);
        tcase_add_test(tc, options_one_by_one);
        tcase_add_test(tc, exit_status_is_power);
        tc = unit_case(suite, "run");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, an_agent_is_fed_and_heard);
        tcase_add_test(tc, an_agent_sees_no_more_than_it_should);
        tcase_add_test(tc, a_talkative_agent_is_bounded);
        tcase_add_test(tc, a_hanging_agent_is_killed_with_its_children);
        tcase_add_test(tc, no_such_agent);
        tcase_add_test(tc, the_driver_reads_and_sends);
        return suite;
}

UNIT_MAIN(fence_agent_suite)
