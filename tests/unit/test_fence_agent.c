/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: fence */
/* Fence agents: whose word is proof, what they are given, and that they end when told to. */
#include "fencing/agent_meta.h"
#include "fencing/agent_run.h"
#include "fencing/agent_said.h"
#include "fencing/driver.h"
#include "fencing/guard.h"
#include "tests/unit/unit.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define META(actions, parameters)                                                                  \
        "<?xml version=\"1.0\" ?>\n<resource-agent name=\"x\" shortdesc=\"y\" "                    \
        ">\n<parameters>\n" parameters "</parameters>\n<actions>\n" actions                        \
        "</actions>\n</resource-agent>\n"
#define ACTION(name) "\t<action name=\"" name "\" automatic=\"0\"/>\n"
#define PARAMETER(name)                                                                            \
        "\t<parameter name=\"" name "\" unique=\"0\" required=\"1\">\n</parameter>\n"
#define ACTION_DEFAULT(name)                                                                       \
        "\t<parameter name='action' unique=\"0\">\n<getopt mixed=\"-o\" />\n"                      \
        "<content type=\"string\" default=\"" name "\"  />\n</parameter>\n"
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
        {"fence_x", META(POWER, ACTION_DEFAULT("off")), FENCE_NO_STATUS, "default action is off"},
        {"fence_x", META(POWER, ACTION_DEFAULT("reboot")), 0, ""},
        {"fence_x", META(POWER, PARAMETER("action") ACTION_DEFAULT("off")), 0, ""}, /* the first */
        {"fence_kdump", META(POWER, ""), FENCE_NO_STATUS, "crashed, not off"},
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

/* What is installed here says of itself. */
static const struct {
        const char *agent;
        bool proves;
} installed[] = {
        {"fence_apc", true},
        {"fence_apc_snmp", true},
        {"fence_ipmilan", true},
        {"fence_redfish", true},
        {"fence_ilo4_ssh", true},
        {"fence_idrac", true},
        {"fence_virsh", true},
        {"fence_scsi", false},
        {"fence_mpath", false},
        {"fence_ifmib", false},
        {"fence_brocade", false},
        {"fence_cisco_mds", false},
        {"fence_sanbox2", false},
        {"fence_compute", false},
        {"fence_kdump", false},
        {"fence_legacy", false},
        {"fence_heuristics_ping", false},
        {"fence_sbd", false},
        {"fence_ovh", false},
        {"fence_rcd_serial", false},
        {"fence_watchdog", false},
};

static void no_group(pid_t pg) {
        (void)pg;
}

START_TEST(installed_agents_are_judged_by_what_they_print) {
        struct agent_traits traits;
        struct agent_run run;
        struct fence_error err = {0};
        char program[PATH_MAX];
        int r;

        text_fmt(program, sizeof(program), "/usr/sbin/%s", installed[_i].agent);
        if (access(program, X_OK) != 0)
                return; /* the package fence-agents is not there, or without this one */
        ck_assert_int_eq(agent_run(program, "action=metadata\n", guard_now() + 50 * USEC_PER_SEC,
                                   no_group, &run, &err),
                         0);
        r = agent_judge(installed[_i].agent, run.out, &traits, &err);
        ck_assert_msg(r == (installed[_i].proves ? 0 : FENCE_NO_STATUS), "%s: %d %s",
                      installed[_i].agent, r, err.message);
        if (installed[_i].proves) {
                ck_assert_str_ne(traits.password, "");
        } else if (strstr(run.out, "automatic=\"1\"")) {
                ck_assert_int_eq(agent_judge("fence_renamed", run.out, &traits, &err),
                                 FENCE_NO_STATUS);
        }
        agent_run_clear(&run);
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
        ck_assert_ptr_nonnull(agent_option_allowed("missing_as_off", "1"));
        ck_assert_ptr_nonnull(agent_option_allowed("action", "on"));
        ck_assert_ptr_nonnull(agent_option_allowed("passwd", "x"));
        ck_assert_ptr_nonnull(agent_option_allowed("snmp_priv_passwd", "x"));
        ck_assert_ptr_nonnull(agent_option_allowed("apikey", "x"));
        ck_assert_ptr_null(agent_option_allowed("passwd_script", "/etc/hawd/pw"));
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

        script("cat; echo 'first' >&2; echo 'last words' >&2; exit 2");
        ck_assert_int_eq(agent_run(path, "action=status\n", guard_now() + 20 * USEC_PER_SEC,
                                   on_group, &run, &err),
                         0);
        ck_assert_int_eq(run.status, 2);
        ck_assert_str_eq(run.out, "action=status\n");
        ck_assert_str_eq(run.err, "first\nlast words\n");
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

static int count_in(const char *file) {
        FILE *f = fopen(file, "re");
        int n = 0;

        while (f && fgetc(f) != EOF)
                n++;
        if (f)
                fclose(f);
        return n;
}

/* A leftover that writes a byte now and then, for as long as it lives; it has left the group. */
#define LEFTOVER                                                                                   \
        "setsid sh -c 'for i in $(seq 1000); do printf x >>%s/left; sleep 0.05; done' >/dev/null " \
        "2>&1 &\n"

static void no_leftover(void) {
        char file[PATH_MAX];
        int before;

        if (geteuid() != 0)
                return; /* only root has a namespace for it */
        text_fmt(file, sizeof(file), "%s/left", dir);
        for (int i = 0; i < 20; i++) { /* a busy machine needs a while to kill */
                before = count_in(file);
                ck_assert_int_gt(before, 0);
                usleep(500000);
                if (count_in(file) == before)
                        return;
        }
        ck_abort_msg("it lives on");
}

START_TEST(what_an_agent_leaves_behind_ends_with_it) {
        char text[PATH_MAX];
        struct agent_run run;
        struct fence_error err = {0};

        text_fmt(text, sizeof(text), LEFTOVER "while [ ! -s %s/left ]; do sleep 0.05; done; exit 2",
                 dir, dir);
        script(text);
        ck_assert_int_eq(agent_run(path, "", guard_now() + 30 * USEC_PER_SEC, on_group, &run, &err),
                         0);
        ck_assert_int_eq(run.status, 2);
        agent_run_clear(&run);
        no_leftover();
}
END_TEST

/* S3: the kernel needs nobody of them to run for that. */
START_TEST(a_stopped_agent_does_not_outlive_its_time) {
        char text[PATH_MAX], file[PATH_MAX];
        usec_t until = guard_now() + 2 * USEC_PER_SEC;
        int status, tries = 0;
        pid_t fencer;

        text_fmt(text, sizeof(text), LEFTOVER "sleep 100", dir);
        text_fmt(file, sizeof(file), "%s/left", dir);
        script(text);
        fencer = fork();
        if (fencer == 0) {
                struct agent_run run;
                struct fence_error err;

                (void)agent_run(path, "", until, no_group, &run, &err);
                _exit(0);
        }
        while (count_in(file) == 0 && tries++ < 1000)
                usleep(1000);
        ck_assert_int_eq(kill(fencer, SIGSTOP), 0); /* now nobody of ours would kill the agent */
        while (guard_now() < until + USEC_PER_SEC / 2)
                usleep(10000);
        no_leftover();
        ck_assert_int_eq(kill(fencer, SIGCONT), 0);
        ck_assert_int_eq(waitpid(fencer, &status, 0), fencer);
}
END_TEST

START_TEST(an_agent_ends_with_hawd_fence) {
        char text[PATH_MAX], file[PATH_MAX];
        int status, tries = 0;
        pid_t fencer;

        text_fmt(text, sizeof(text), LEFTOVER "sleep 100", dir);
        text_fmt(file, sizeof(file), "%s/left", dir);
        script(text);
        fencer = fork();
        if (fencer == 0) {
                struct agent_run run;
                struct fence_error err;

                (void)agent_run(path, "", guard_now() + 50 * USEC_PER_SEC, no_group, &run, &err);
                _exit(0);
        }
        while (count_in(file) == 0 && tries++ < 10000)
                usleep(1000);
        ck_assert_int_eq(kill(fencer, SIGKILL), 0);
        ck_assert_int_eq(waitpid(fencer, &status, 0), fencer);
        no_leftover();
}
END_TEST

/* What it said, what hawd may say of it. */
static const struct {
        const char *text, *first, *second, *said;
} sayings[] = {
        {"", "x", NULL, ""},
        {"one\ntwo\n\n \t\r\n", NULL, NULL, "two"},
        {"2026-01-01 12:00:00,1 ERROR: last words\n", "", NULL, "last words"},
        {"no: s3cret", "s3cret", NULL, "no: ***"},
        {"s3crets3cret is s3cret", "s3cret", NULL, "****** is ***"},
        {"http://u:p%40ss%2Fw+x@host", "p@ss/w x", NULL, "http://u:***@host"},
        {"sent 'p\\'w\\\\d'", "p'w\\d", NULL, "sent '***'"},
        {"ends with pw ", "pw ", NULL, "ends with ***"},
        {"two: alpha and alphabet", "alpha", "alphabet", "two: *** and ***"},
        {"ERROR: key ERROR: x", "ERROR: x", NULL, "key ***"},
};

START_TEST(sayings_lose_their_secrets) {
        const char *const secrets[] = {sayings[_i].first, sayings[_i].second};
        char buf[64];

        agent_said(sayings[_i].text, secrets, 2, buf, sizeof(buf));
        ck_assert_str_eq(buf, sayings[_i].said);
}
END_TEST

START_TEST(a_cut_saying_shows_no_piece) {
        const char *const secrets[] = {"sesame"};
        char text[64], buf[16];

        for (int n = 0; n < 20; n++) {
                text_fmt(text, sizeof(text), "%.*ssesame", n, "....................");
                agent_said(text, secrets, 1, buf, sizeof(buf));
                ck_assert_ptr_null(strchr(buf, 's'));
        }
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
        ck_assert_ptr_nonnull(strstr(err.message, "no: ***"));
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
        tcase_add_loop_test(tc, installed_agents_are_judged_by_what_they_print, 0,
                            (int)ARRAY_SIZE(installed));
        tcase_add_test(tc, parameters_by_their_names);
        tcase_add_test(tc, options_one_by_one);
        tcase_add_test(tc, exit_status_is_power);
        tc = unit_case(suite, "run");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, an_agent_is_fed_and_heard);
        tcase_add_test(tc, an_agent_sees_no_more_than_it_should);
        tcase_add_test(tc, a_talkative_agent_is_bounded);
        tcase_add_test(tc, a_hanging_agent_is_killed_with_its_children);
        tcase_add_test(tc, what_an_agent_leaves_behind_ends_with_it);
        tcase_add_test(tc, a_stopped_agent_does_not_outlive_its_time);
        tcase_add_test(tc, an_agent_ends_with_hawd_fence);
        tcase_add_loop_test(tc, sayings_lose_their_secrets, 0, (int)ARRAY_SIZE(sayings));
        tcase_add_test(tc, a_cut_saying_shows_no_piece);
        tcase_add_test(tc, no_such_agent);
        tcase_add_test(tc, the_driver_reads_and_sends);
        return suite;
}

UNIT_MAIN(fence_agent_suite)
