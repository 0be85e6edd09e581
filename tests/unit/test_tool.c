/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs that a worker waits for: real ones, that fail, hang, say too much, or are not there.
 */
#include <signal.h>
#include <stdio.h>

#include "hawd/base/clock.h"
#include "hawd/base/tool.h"
#include "tests/unit/unit.h"

static char err[TEXT_LEN];

static int run(const char *script, int *status, char **out) {
        const char *argv[] = {"sh", "-c", script, NULL};
        const struct tool t = {
                .name = "sh", .argv = argv, .deadline = now_boottime() + USEC_PER_MINUTE};

        err[0] = '\0';
        return tool_run(&t, status, out, err);
}

START_TEST(what_it_said) {
        _cleanup_(freep) char *out = NULL;
        int status = 77;

        ck_assert_int_eq(run("echo one; echo noise >&2; printf two", &status, &out), 0);
        ck_assert_int_eq(status, 0);
        ck_assert_str_eq(out, "one\ntwo");
        ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(failures) {
        char *out = NULL;
        int status = 0;

        ck_assert_int_eq(run("echo first >&2; echo 'sh: the cause' >&2; exit 17", &status, &out),
                         -EIO);
        ck_assert_int_eq(status, 17);
        ck_assert_str_eq(err, "sh -c: the cause");
        ck_assert_ptr_null(out);
        ck_assert_int_eq(run("kill -9 $$", &status, NULL), -EIO);
        ck_assert_int_eq(status, 128 + SIGKILL);
        ck_assert_int_eq(run("printf 'long %0200d the end' 7 >&2; exit 1", NULL, NULL), -EIO);
        ck_assert_ptr_nonnull(strstr(err, " the end"));
}
END_TEST

/* As drbdadm does: the cause, and after it the program that it ran. */
START_TEST(noise) {
        const char *argv[] = {
                "sh", "-c",
                "echo 0: State change failed >&2; echo \"Command 'x' ended\" >&2; exit 1", NULL};
        struct tool t = {
                .name = "sh", .argv = argv, .noise = "Command '", .deadline = USEC_INFINITY};

        ck_assert_int_eq(tool_run(&t, NULL, NULL, err), -EIO);
        ck_assert_str_eq(err, "sh -c: 0: State change failed");
        argv[2] = "echo \"Command 'x' ended\" >&2; exit 1";
        ck_assert_int_eq(tool_run(&t, NULL, NULL, err), -EIO);
        ck_assert_str_eq(err, "sh -c: Command 'x' ended");
}
END_TEST

START_TEST(not_there) {
        const char *argv[] = {"no-such-program-as-this", "up", NULL};
        const struct tool t = {.name = "drbdadm", .argv = argv, .deadline = USEC_INFINITY};
        int status = 0;

        ck_assert_int_eq(tool_run(&t, &status, NULL, err), -EIO);
        ck_assert_int_eq(status, 127);
        ck_assert_str_eq(err, "drbdadm up: No such file or directory");
}
END_TEST

START_TEST(too_much) {
        _cleanup_(freep) char *out = NULL;

        ck_assert_int_eq(run("head -c 1000000 /dev/zero | tr '\\0' x", NULL, &out), 0);
        ck_assert_uint_eq(strlen(out), TOOL_OUTPUT_MAX);
}
END_TEST

static bool never(void *userdata) {
        (*(unsigned *)userdata)++;
        return false;
}

/* It would go on for a day. */
START_TEST(out_of_time) {
        const char *argv[] = {"sh", "-c", "exec sleep 86400", NULL};
        unsigned asked = 0;
        struct tool t = {.name = "sh", .argv = argv, .deadline = now_boottime()};

        ck_assert_int_eq(tool_run(&t, NULL, NULL, err), -ETIMEDOUT);
        ck_assert_str_eq(err, "sh -c: not done in time");
        argv[2] = "exec sleep 86400";
        t = (struct tool){.name = "sh",
                          .argv = argv,
                          .deadline = USEC_INFINITY,
                          .go_on = never,
                          .userdata = &asked};
        ck_assert_int_eq(tool_run(&t, NULL, NULL, err), -ECANCELED);
        ck_assert_uint_eq(asked, 1);
        ck_assert_str_eq(err, "sh -c: no longer wanted");
}
END_TEST

static Suite *tool_suite(void) {
        Suite *suite = suite_create("tool");
        TCase *tc = unit_case(suite, "tool");

        tcase_add_test(tc, what_it_said);
        tcase_add_test(tc, failures);
        tcase_add_test(tc, noise);
        tcase_add_test(tc, not_there);
        tcase_add_test(tc, too_much);
        tcase_add_test(tc, out_of_time);
        return suite;
}

UNIT_MAIN(tool_suite)
