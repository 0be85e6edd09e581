/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: runner */
/* Real children: what they say, how they end, and that none outlives its time. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/runner/child.h"
#include "hawd/runner/facts.h"
#include "tests/unit/unit.h"

static qb_loop_t *loop;
static struct child *child;
static struct {
        unsigned n;
        enum child_end end;
        int status;
        char output[256];
} got;

static void on_end(void *userdata, enum child_end end, int status, const char *output, size_t len) {
        ck_assert_ptr_eq(userdata, &got);
        ck_assert_uint_eq(strlen(output), len);
        got.n++;
        got.end = end;
        got.status = status;
        text_set(got.output, sizeof(got.output), output);
        child = child_free(child);
        qb_loop_stop(loop);
}

static void start(const char *program, const char *script, usec_t limit) {
        const char *argv[] = {program, "-c", script, NULL};
        const struct child_spec spec = {.argv = argv,
                                        .limit_usec = limit,
                                        .output_max = 64,
                                        .ordinary = true,
                                        .end = on_end,
                                        .userdata = &got};

        loop = qb_loop_create();
        child = child_new(loop, &spec);
}

static void finish(void) {
        qb_loop_run(loop);
        ck_assert_uint_eq(got.n, 1);
        qb_loop_destroy(loop);
}

static const struct {
        const char *script;
        usec_t limit;
        enum child_end end;
        int status;
        const char *output;
} rows[] = {
        {"echo said", USEC_PER_MINUTE, CHILD_ENDED, 0, "said\n"},
        {"echo said; exit 3", USEC_PER_MINUTE, CHILD_ENDED, 3, "said\n"},
        {"kill -SEGV $$", USEC_PER_MINUTE, CHILD_ENDED, 128 + 11, ""},
        {"exec 1>&-; sleep 0.1; exit 4", USEC_PER_MINUTE, CHILD_ENDED, 4, ""},
        {"cat /proc/self/oom_score_adj", USEC_PER_MINUTE, CHILD_ENDED, 0, "0\n"},
        {"yes", USEC_PER_MINUTE, CHILD_TOO_MUCH, 128 + 13, NULL},
        {"echo begun; sleep 100", 300 * USEC_PER_MSEC, CHILD_TOO_LONG, 128 + 9, NULL},
        {"trap '' TERM; while :; do sleep 1; done", 300 * USEC_PER_MSEC, CHILD_TOO_LONG, 128 + 9,
         NULL},
};

START_TEST(ends_are_told) {
        start("/bin/sh", rows[_i].script, rows[_i].limit);
        ck_assert(child_started(child));
        finish();
        ck_assert_int_eq(got.end, rows[_i].end);
        ck_assert_int_eq(got.status, rows[_i].status);
        if (rows[_i].output)
                ck_assert_str_eq(got.output, rows[_i].output);
}
END_TEST

START_TEST(what_cannot_start_is_told_from_the_loop) {
        start("/no/such/program", "", USEC_PER_MINUTE);
        ck_assert(!child_started(child));
        ck_assert_uint_eq(got.n, 0);
        finish();
        ck_assert_int_eq(got.end, CHILD_NOT_STARTED);
        ck_assert_int_eq(got.status, -ENOENT);
}
END_TEST

static void cancel(void *data) {
        child_cancel(child, *(usec_t *)data);
}

START_TEST(cancel_lets_it_finish) {
        usec_t grace = USEC_PER_MINUTE;
        qb_loop_timer_handle h;

        start("/bin/sh", "trap 'echo sorry; exit 5' TERM; while :; do sleep 0.05; done",
              USEC_PER_MINUTE);
        qb_loop_timer_add(loop, QB_LOOP_LOW, UINT64_C(300000000), &grace, cancel, &h);
        finish();
        ck_assert_int_eq(got.end, CHILD_ENDED);
        ck_assert_int_eq(got.status, 5);
        ck_assert_str_eq(got.output, "sorry\n");
}
END_TEST

START_TEST(cancel_kills_what_does_not) {
        usec_t grace = 100 * USEC_PER_MSEC;
        qb_loop_timer_handle h;

        start("/bin/sh", "trap '' TERM; while :; do sleep 0.05; done", USEC_PER_MINUTE);
        qb_loop_timer_add(loop, QB_LOOP_LOW, UINT64_C(300000000), &grace, cancel, &h);
        finish();
        ck_assert_int_eq(got.end, CHILD_TOO_LONG);
}
END_TEST

START_TEST(free_tells_nobody) {
        start("/bin/sh", "sleep 100", USEC_PER_MINUTE);
        child = child_free(child);
        ck_assert_uint_eq(got.n, 0);
        qb_loop_destroy(loop);
}
END_TEST

/* ---- facts: a program that answers, one that says why not ---- */

static struct facts *facts;

static void on_facts(void *userdata, uint64_t id, struct blob *b, const char *text) {
        (void)userdata;
        ck_assert_uint_eq(id, 42);
        got.n++;
        text_set(got.output, sizeof(got.output), b ? b->data : text);
        blob_unref(b);
        qb_loop_stop(loop);
}

static const struct {
        const char *script, *says;
} programs[] = {
        {"printf '%s' \"$*\"", "--config C --secrets S --state-dir T --run-dir R --uri U"},
        {"echo found; exit 1", "ended with status 1: run it there by hand"},
        {"exit 0", "ended with status 0: run it there by hand"},
        {"yes", "says too much"},
};

START_TEST(facts_are_what_hawd_facts_says) {
        char path[] = "/tmp/hawd-facts-XXXXXX";
        const struct facts_paths paths = {path, "C", "S", "T", "R", "U"};
        int fd = mkstemp(path);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_gt(dprintf(fd, "#!/bin/sh\n%s\n", programs[_i].script), 0);
        ck_assert_int_eq(fchmod(fd, 0700), 0);
        close(fd);
        loop = qb_loop_create();
        facts = facts_new(loop, &paths, on_facts, NULL);
        facts_start(facts, 42);
        finish();
        ck_assert_msg(strstr(got.output, programs[_i].says) != NULL, "%s", got.output);
        facts = facts_free(facts);
        unlink(path);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("child");
        TCase *tc = unit_case(s, "child");

        tcase_add_loop_test(tc, ends_are_told, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, what_cannot_start_is_told_from_the_loop);
        tcase_add_test(tc, cancel_lets_it_finish);
        tcase_add_test(tc, cancel_kills_what_does_not);
        tcase_add_test(tc, free_tells_nobody);
        tcase_add_loop_test(tc, facts_are_what_hawd_facts_says, 0, (int)ARRAY_SIZE(programs));
        return s;
}

UNIT_MAIN(suite)
