/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: runner base log */
/*
 * Children in the place of hawd-fence: whatever they do, each action has one end, off is only what
 * was said to be read off twice, and none outlives hawd (S3).
 */
#include "hawd/runner/runner.h"
#include "tests/unit/unit.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/test_runner.XXXXXX", program[PATH_MAX];
static const struct runner_paths paths = {program, "hawd.conf", "fencing.conf"};
static qb_loop_t *loop;
static struct runner *run;
static struct {
        unsigned n;
        uint64_t id;
        enum power_reading reading;
        bool switched;
        char text[TEXT_LEN];
} told;

static void on_done(void *ud, uint64_t id, const struct runner_said *said, usec_t wall) {
        (void)ud;
        ck_assert_uint_gt(wall, 0);
        told.n++;
        told.id = id;
        told.reading = said->reading;
        told.switched = said->switched;
        text_set(told.text, sizeof(told.text), said->text);
        qb_loop_stop(loop);
}

static void setup(void) {
        strcpy(dir + sizeof(dir) - 7, "XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(program, sizeof(program), "%s/hawd-fence", dir);
        memset(&told, 0, sizeof(told));
        loop = qb_loop_create();
        run = runner_new(loop, &paths, on_done, NULL);
}

static void teardown(void) {
        char command[PATH_MAX];

        run = runner_free(run);
        qb_loop_destroy(loop);
        text_fmt(command, sizeof(command), "rm -rf '%s'", dir);
        ck_assert_int_eq(system(command), 0);
}

static void script(const char *text) {
        FILE *f = fopen(program, "we");

        ck_assert_ptr_nonnull(f);
        fprintf(f, "#!/bin/sh\n%s\n", text);
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_int_eq(chmod(program, 0755), 0);
}

static void start(enum fence_action action, usec_t timeout) {
        struct action a = {.kind = ACT_FENCE,
                           .fence = {.id = 7,
                                     .device = "bmc1",
                                     .action = action,
                                     .timeout_usec = timeout,
                                     .deadline_usec = 12345}};

        runner_start(run, &a);
        ck_assert_uint_eq(told.n, 0); /* from the loop, never at once */
}

#define OFF_TWICE "{\"result\":\"off\",\"reads\":2,\"switched\":true}"

static const struct {
        const char *script;
        enum fence_action action;
        enum power_reading reading;
        bool switched;
        const char *text;
} rows[] = {
        {"echo '" OFF_TWICE "'", FENCE_ACT_OFF, READING_OFF, true, ""},
        {"[ \"$*\" = '--config hawd.conf --secrets fencing.conf --device bmc1 --action on "
         "--timeout 20000 --deadline-boottime-usec 12345' ] && echo '{\"result\":\"on\"}'",
         FENCE_ACT_ON, READING_ON, false, ""},
        /* It ends without a word of what it has done. */
        {"exit 0", FENCE_ACT_OFF, READING_NONE, true, "without an answer"},
        {"exit 0", FENCE_ACT_STATUS, READING_NONE, false, "without an answer"},
        {"kill -SEGV $$", FENCE_ACT_ON, READING_NONE, true, "without an answer"},
        {"echo off", FENCE_ACT_OFF, READING_NONE, true, "without an answer"},
        {"echo '" OFF_TWICE "'; echo '" OFF_TWICE "'", FENCE_ACT_OFF, READING_NONE, true,
         "without an answer"},
        {"echo '" OFF_TWICE "'; kill -KILL $$", FENCE_ACT_OFF, READING_OFF, true, ""},
        {"yes; exit 0", FENCE_ACT_OFF, READING_NONE, true, "says too much"},
        {"echo '" OFF_TWICE "'; sleep 1000 &", FENCE_ACT_OFF, READING_OFF, true, ""},
};

START_TEST(every_end_is_told_once) {
        script(rows[_i].script);
        start(rows[_i].action, 20 * USEC_PER_SEC);
        qb_loop_run(loop);
        ck_assert_uint_eq(told.n, 1);
        ck_assert_uint_eq(told.id, 7);
        ck_assert_int_eq(told.reading, rows[_i].reading);
        ck_assert_int_eq(told.switched, rows[_i].switched);
        ck_assert_msg(strstr(told.text, rows[_i].text) != NULL, "%s", told.text);
}
END_TEST

START_TEST(no_program_is_an_end_too) {
        start(FENCE_ACT_OFF, USEC_PER_SEC);
        qb_loop_run(loop);
        ck_assert_uint_eq(told.n, 1);
        ck_assert(!told.switched);
        ck_assert_msg(strstr(told.text, "cannot be run: No such file") != NULL, "%s", told.text);
}
END_TEST

START_TEST(one_that_heeds_nothing_is_killed) {
        char text[PATH_MAX], file[PATH_MAX];
        usec_t limit =
                _i == 0 ? USEC_PER_SEC / 10 : 60 * USEC_PER_SEC; /* its time, or called off */

        text_fmt(text, sizeof(text),
                 "trap '' TERM; echo '" OFF_TWICE
                 "'; : >%s/ready; for i in $(seq 1000); do sleep 0.05; done",
                 dir);
        text_fmt(file, sizeof(file), "%s/ready", dir);
        script(text);
        start(FENCE_ACT_OFF, limit);
        while (_i == 1 && access(file, F_OK) < 0)
                usleep(1000);
        if (_i == 1)
                runner_cancel(run, 7);
        runner_cancel(run, 8); /* nobody's */
        qb_loop_run(loop);
        ck_assert_uint_eq(told.n, 1);
        ck_assert_int_eq(told.reading, READING_NONE); /* it had said so, but went on */
        ck_assert(told.switched);
        ck_assert_msg(strstr(told.text, "was killed") != NULL, "%s", told.text);
}
END_TEST

/* Started by a process that is killed, as hawd may be. */
START_TEST(none_outlives_hawd) {
        char file[PATH_MAX], text[2 * PATH_MAX];
        pid_t hawd, child = 0;
        int status;

        text_fmt(file, sizeof(file), "%s/pid", dir);
        text_fmt(text, sizeof(text),
                 "echo $$ >%s.new; mv %s.new %s; for i in $(seq 1000); do sleep 0.05; done", file,
                 file, file);
        script(text);
        hawd = fork();
        if (hawd == 0) {
                start(FENCE_ACT_OFF, 60 * USEC_PER_SEC);
                qb_loop_run(loop);
                _exit(0);
        }
        for (int i = 0; i < 3000 && child == 0; i++) {
                FILE *f = fopen(file, "re");

                if (f && fscanf(f, "%d", &child) != 1)
                        child = 0;
                if (f)
                        fclose(f);
                usleep(10000);
        }
        ck_assert_int_gt(child, 0);
        ck_assert_int_eq(kill(child, 0), 0);
        ck_assert_int_eq(kill(hawd, SIGKILL), 0);
        ck_assert_int_eq(waitpid(hawd, &status, 0), hawd);
        for (int i = 0; i < 3000 && kill(child, 0) == 0; i++) {
                char path[64], state = 'Z';
                FILE *f;

                text_fmt(path, sizeof(path), "/proc/%d/stat", child);
                f = fopen(path, "re");
                if (f && fscanf(f, "%*d %*s %c", &state) != 1)
                        state = 'Z';
                if (f)
                        fclose(f);
                if (state == 'Z')
                        return; /* nobody reaps it here, perhaps */
                usleep(10000);
        }
        ck_assert_int_ne(kill(child, 0), 0);
}
END_TEST

static Suite *runner_suite(void) {
        Suite *s = suite_create("runner");
        TCase *tc = unit_case(s, "runner");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, every_end_is_told_once, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, no_program_is_an_end_too);
        tcase_add_loop_test(tc, one_that_heeds_nothing_is_killed, 0, 2);
        tcase_add_test(tc, none_outlives_hawd);
        return s;
}

UNIT_MAIN(runner_suite)
