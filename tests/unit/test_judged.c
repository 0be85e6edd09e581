/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which guests are judged by what they do.
 */
#include "hawd/core/judged.h"
#include "tests/unit/ledger_fixture.h"

START_TEST(only_a_healthy_one_that_runs_here) {
        struct led l;
        struct guest *g;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        g = G(&l, 1);
        g->spec->conf.hang_after_usec = 120 * USEC_PER_SEC;
        g->health = HEALTH_HEALTHY;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid), 120 * USEC_PER_SEC);
        ck_assert_uint_eq(judged_hang_after(&l.m, 1, g->spec->uuid), 0);
        ck_assert_uint_eq(judged_hang_after(&l.m, 99, g->spec->uuid), 0);
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, "no such"), 0);
        g->health = HEALTH_BOOTING;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid), 0);
        g->health = HEALTH_HEALTHY;
        g->job_kind = JOB_PAUSE;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid), 0);
        g->job_kind = JOB_NONE;
        g->desired = DESIRED_IGNORED;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid), 0);
        g->desired = DESIRED_STOPPED;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid), 0);
        g->desired = DESIRED_RUNNING;
        g->state = GUEST_PAUSED;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid), 0);
        g->state = GUEST_RUNNING;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid), 120 * USEC_PER_SEC);
        g->spec->conf.hang_after_usec = 0;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid), 0);
        led_close(&l);
}
END_TEST

static Suite *judged_suite(void) {
        Suite *s = suite_create("judged");

        tcase_add_test(unit_case(s, "judged"), only_a_healthy_one_that_runs_here);
        return s;
}

UNIT_MAIN(judged_suite)
