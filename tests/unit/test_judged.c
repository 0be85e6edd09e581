/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which guests are judged by what they do.
 */
#include "hawd/core/judged.h"
#include "tests/unit/ledger_fixture.h"

START_TEST(only_a_healthy_one_that_runs_here) {
        struct led l;
        struct guest *g;
        bool alone = false;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        g = G(&l, 1);
        g->spec->conf.hang_after_usec = 120 * USEC_PER_SEC;
        g->health = HEALTH_HEALTHY;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone), 120 * USEC_PER_SEC);
        ck_assert_uint_eq(judged_hang_after(&l.m, 1, g->spec->uuid, &alone), 0);
        ck_assert_uint_eq(judged_hang_after(&l.m, 99, g->spec->uuid, &alone), 0);
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, "no such", &alone), 0);
        g->health = HEALTH_BOOTING;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone), 0);
        g->health = HEALTH_HEALTHY;
        g->job_kind = JOB_PAUSE;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone), 0);
        g->job_kind = JOB_NONE;
        g->desired = DESIRED_IGNORED;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone), 0);
        g->desired = DESIRED_STOPPED;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone), 0);
        g->desired = DESIRED_RUNNING;
        g->state = GUEST_PAUSED;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone), 0);
        g->state = GUEST_RUNNING;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone), 120 * USEC_PER_SEC);
        g->spec->conf.hang_after_usec = 0;
        ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone), 0);
        led_close(&l);
}
END_TEST

START_TEST(by_what_its_policy_says) {
        static const struct {
                enum health_by by;
                bool judged, alone;
        } rows[] = {
                {HEALTH_BY_AUTO, true, false},      {HEALTH_BY_AGENT, true, false},
                {HEALTH_BY_WATCHDOG, false, false}, {HEALTH_BY_PROGRESS, true, true},
                {HEALTH_BY_NONE, false, false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct led l;
                struct guest *g;
                bool alone = false;

                led_open(&l, 3);
                led_running(&l, "web", 2);
                g = G(&l, 1);
                g->spec->conf.hang_after_usec = 77;
                g->spec->conf.health_by = rows[i].by;
                g->health = HEALTH_HEALTHY;
                ck_assert_uint_eq(judged_hang_after(&l.m, 2, g->spec->uuid, &alone),
                                  rows[i].judged ? 77 : 0);
                ck_assert(alone == rows[i].alone);
                led_close(&l);
        }
}
END_TEST

static Suite *judged_suite(void) {
        Suite *s = suite_create("judged");
        TCase *tc = unit_case(s, "judged");

        tcase_add_test(tc, only_a_healthy_one_that_runs_here);
        tcase_add_test(tc, by_what_its_policy_says);
        return s;
}

UNIT_MAIN(judged_suite)
