/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest driver */
/*
 * Does a guest hang? Each rule of hang.h at its boundary.
 */
#include "hawd/guest/hang.h"
#include "tests/unit/unit.h"

#define SEC USEC_PER_SEC
#define AFTER (30 * SEC)
#define PERIOD (5 * SEC) /* hang_period(AFTER) */

/* A guest that did something at 100 s, when its agent answered, and nothing since. */
static struct hang_sample quiet_at(usec_t at) {
        return (struct hang_sample){.planned = at,
                                    .at = at,
                                    .ended = at,
                                    .answered = true,
                                    .running = true,
                                    .done = 1000,
                                    .sent = 500,
                                    .agent = HANG_AGENT_SILENT,
                                    .has_waited = true};
}

static struct hang after_life(void) {
        struct hang h = {0};
        struct hang_sample s = quiet_at(100 * SEC);

        s.agent = HANG_AGENT_ANSWERS;
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
        return h;
}

/* Samples every PERIOD from h->at to @until. Return: when it hung; 0: it did not. */
static usec_t quiet_until(struct hang *h, usec_t until) {
        usec_t at = h->at;

        while ((at += PERIOD) <= until) {
                struct hang_sample s = quiet_at(at);

                if (hang_take(h, &s, AFTER, false) == HANG_HANGS)
                        return at;
        }
        return 0;
}

START_TEST(quiet_for_so_long_is_a_hang) {
        struct hang h = after_life();
        char text[TEXT_LEN];

        ck_assert_uint_eq(hang_period(AFTER), PERIOD);
        ck_assert_uint_eq(quiet_until(&h, 129 * SEC), 0);
        ck_assert_uint_eq(quiet_until(&h, 1000 * SEC), 130 * SEC); /* and not before */
        hang_text(&h, text);
        ck_assert_str_eq(text, "agent silent, no disk I/O, nothing sent for 30s; CPUs idle (0%)");
        ck_assert_uint_eq(quiet_until(&h, 1000 * SEC), 0); /* told once */
}
END_TEST

START_TEST(any_sign_of_life_begins_anew) {
        for (int sign = 0; sign < 4; sign++) {
                struct hang h = after_life();
                struct hang_sample s;

                ck_assert_uint_eq(quiet_until(&h, 125 * SEC), 0);
                s = quiet_at(130 * SEC);
                s.done += sign == 0;
                s.sent += sign == 1;
                if (sign == 2)
                        s.agent = HANG_AGENT_ANSWERS;
                if (sign == 3)
                        s.running = false; /* paused: it cannot */
                ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
                ck_assert_uint_eq(h.quiet_usec, 0);
                ck_assert_int_eq(hang_moved(&h, &(struct hang_sample){.done = h.last.done,
                                                                      .sent = h.last.sent}),
                                 false);
        }
}
END_TEST

START_TEST(one_that_goes_on_is_told) {
        struct hang h = after_life();
        struct hang_sample s;

        ck_assert_uint_eq(quiet_until(&h, 130 * SEC), 130 * SEC);
        s = quiet_at(135 * SEC);
        s.done++;
        ck_assert(hang_moved(&h, &s));
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_GOES_ON);
        s.planned = s.at = 140 * SEC;
        s.sent++;
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
}
END_TEST

START_TEST(busy_with_its_agent_killed_is_none) {
        struct hang h = after_life();

        for (usec_t at = 105 * SEC; at < 2000 * SEC; at += PERIOD) {
                struct hang_sample s = quiet_at(at);

                s.done += at / PERIOD;
                ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
        }
        ck_assert_uint_eq(h.quiet_usec, 0);
}
END_TEST

START_TEST(an_agent_that_never_spoke_is_no_sign) {
        for (int alone = 0; alone < 2; alone++) {
                struct hang h = {0};
                enum hang_verdict v = HANG_NO_NEWS;
                char text[TEXT_LEN];

                for (usec_t at = 100 * SEC; at <= 130 * SEC; at += PERIOD) {
                        struct hang_sample s = quiet_at(at);

                        ck_assert_int_eq(v, HANG_NO_NEWS);
                        v = hang_take(&h, &s, AFTER, alone);
                }
                ck_assert_int_eq(v, alone ? HANG_HANGS : HANG_NO_NEWS);
                if (!alone)
                        continue;
                hang_text(&h, text); /* the agent is no part of it */
                ck_assert_ptr_null(strstr(text, "agent"));
        }
}
END_TEST

START_TEST(an_agent_that_was_not_asked_is_no_sign) {
        struct hang h = after_life();
        struct hang_sample s = quiet_at(105 * SEC);

        s.agent = HANG_AGENT_NOT_ASKED;
        ck_assert_int_eq(hang_take(&h, &s, AFTER, true), HANG_NO_NEWS);
        ck_assert_uint_eq(h.quiet_usec, 0);
        ck_assert_uint_eq(h.not_counted_usec, PERIOD);
}
END_TEST

START_TEST(a_monitor_that_does_not_answer_counts_nothing) {
        struct hang h = after_life();
        struct hang_sample s;

        ck_assert_uint_eq(quiet_until(&h, 125 * SEC), 0);
        for (usec_t at = 130 * SEC; at < 1000 * SEC; at += PERIOD) {
                s = (struct hang_sample){.planned = at, .at = at, .agent = HANG_AGENT_SILENT};
                ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
        }
        /* nor does the time up to the first answer, but what counted before still does */
        s = quiet_at(1000 * SEC);
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
        ck_assert_uint_eq(h.quiet_usec, 25 * SEC);
        s = quiet_at(1005 * SEC);
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_HANGS);
}
END_TEST

START_TEST(a_late_sample_counts_nothing) {
        struct hang h = after_life();
        struct hang_sample s = quiet_at(200 * SEC); /* this host stood still: 95 s late */

        s.planned = 105 * SEC;
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
        ck_assert_uint_eq(h.quiet_usec, 0);
        s = quiet_at(205 * SEC + HANG_LATE_MAX + 1);
        s.planned = 205 * SEC;
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
        ck_assert_uint_eq(h.quiet_usec, 0);
        s.planned = 210 * SEC;
        s.at = 210 * SEC + HANG_LATE_MAX; /* just in time */
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
        ck_assert_uint_gt(h.quiet_usec, 4 * SEC);
}
END_TEST

START_TEST(an_agent_that_was_waited_for_too_long_counts_nothing) {
        for (int late = 0; late < 2; late++) {
                struct hang h = after_life();
                struct hang_sample s = quiet_at(105 * SEC);

                s.ended = s.at + HANG_WAIT_MAX + (late ? 1 : 0); /* or who waits stood still */
                hang_take(&h, &s, AFTER, false);
                ck_assert_uint_eq(h.quiet_usec, 5 * SEC);
                s = quiet_at(120 * SEC);
                hang_take(&h, &s, AFTER, false);
                ck_assert_uint_eq(h.quiet_usec, late ? 5 * SEC : 20 * SEC);
        }
}
END_TEST

START_TEST(what_the_host_took_does_not_count) {
        static const struct {
                uint64_t memory_usec, cpu_usec, steal, all, waited_msec;
                bool has_waited;
                uint32_t pct;
        } rows[] = {
                {.has_waited = true, .pct = 0},
                {.memory_usec = 4 * SEC, .has_waited = true, .pct = 80},
                {.cpu_usec = 5 * SEC, .has_waited = true, .pct = 0}, /* others wait, not CPUs */
                {.cpu_usec = 5 * SEC, .has_waited = false, .pct = 100},
                {.waited_msec = 2500, .has_waited = true, .pct = 50},
                {.waited_msec = 9000, .has_waited = true, .pct = 100},
                {.steal = 300, .all = 1000, .has_waited = true, .pct = 30},
                {.steal = 300, .all = 1000, .waited_msec = 3000, .has_waited = true, .pct = 60},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct hang h = after_life();
                struct hang_sample s = quiet_at(100 * SEC + PERIOD);

                s.host = (struct hang_host){.memory_usec = rows[i].memory_usec,
                                            .cpu_usec = rows[i].cpu_usec,
                                            .steal = rows[i].steal,
                                            .all = rows[i].all};
                s.has_waited = rows[i].has_waited;
                s.waited_nsec[HANG_VCPUS_MAX - 1] = rows[i].waited_msec * 1000000;
                ck_assert_msg(hang_starved_pct(&h.last, &s) == rows[i].pct, "row %zu: %u", i,
                              hang_starved_pct(&h.last, &s));
                hang_take(&h, &s, AFTER, false);
                ck_assert_uint_eq(h.quiet_usec, PERIOD / 100 * (100 - rows[i].pct));
                ck_assert_uint_eq(h.not_counted_usec, PERIOD / 100 * rows[i].pct);
        }
}
END_TEST

START_TEST(another_qemu_begins_anew) {
        struct hang h = after_life();
        struct hang_sample s = quiet_at(130 * SEC);

        ck_assert_uint_eq(quiet_until(&h, 125 * SEC), 0);
        s.done = 3;
        ck_assert_int_eq(hang_take(&h, &s, AFTER, false), HANG_NO_NEWS);
        ck_assert_uint_eq(h.quiet_usec, 0);
        ck_assert_uint_eq(h.last.done, 3);
}
END_TEST

START_TEST(cpus_are_named_and_decide_nothing) {
        struct hang h = after_life();
        char text[TEXT_LEN];

        for (usec_t at = 105 * SEC; at <= 130 * SEC; at += PERIOD) {
                struct hang_sample s = quiet_at(at);

                s.cpu_nsec = at * 2000; /* two of them, all the time */
                ck_assert_int_eq(hang_take(&h, &s, AFTER, false),
                                 at < 130 * SEC ? HANG_NO_NEWS : HANG_HANGS);
        }
        hang_text(&h, text);
        ck_assert_ptr_nonnull(strstr(text, "CPUs spin (200%)"));
        h.not_counted_usec = 12 * SEC + 7;
        hang_text(&h, text);
        ck_assert_ptr_nonnull(strstr(text, "; 12s not counted"));
}
END_TEST

START_TEST(no_time_is_too_short_or_too_long) {
        struct hang h = after_life();
        struct hang_sample s = quiet_at(100 * SEC + HANG_AFTER_MIN - 1000);

        ck_assert_int_eq(hang_take(&h, &s, 1, false), HANG_NO_NEWS);
        s = quiet_at(100 * SEC + HANG_AFTER_MIN);
        ck_assert_int_eq(hang_take(&h, &s, 1, false), HANG_HANGS);
        ck_assert_uint_eq(hang_period(1), HANG_PERIOD_MIN);
        ck_assert_uint_eq(hang_period(USEC_INFINITY), HANG_PERIOD_MAX);
        h = after_life();
        s = quiet_at(USEC_INFINITY - 1);
        ck_assert_int_eq(hang_take(&h, &s, USEC_INFINITY, false), HANG_NO_NEWS);
}
END_TEST

START_TEST(the_hosts_files_are_parsed) {
        struct hang_host h;

        hang_host_parse("some avg10=1.00 avg60=0.50 avg300=0.10 total=77\n"
                        "full avg10=1.00 avg60=0.50 avg300=0.10 total=12345\n",
                        "some avg10=1.00 avg60=0.50 avg300=0.10 total=678\n",
                        "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n", &h);
        ck_assert_uint_eq(h.memory_usec, 12345);
        ck_assert_uint_eq(h.cpu_usec, 678);
        ck_assert_uint_eq(h.steal, 8);
        ck_assert_uint_eq(h.all, 36);
        hang_host_parse("full avg10\nsome total=9", "full total=1", "cpu 1 2 x", &h);
        ck_assert_uint_eq(h.memory_usec, 0); /* the total of another line is not its own */
        ck_assert_uint_eq(h.cpu_usec, 0);
        ck_assert_uint_eq(h.all, 0);
        hang_host_parse("", "", "", &h);
        ck_assert_uint_eq(h.memory_usec + h.cpu_usec + h.steal + h.all, 0);
}
END_TEST

static Suite *hang_suite(void) {
        Suite *s = suite_create("hang");
        TCase *tc = unit_case(s, "hang");

        tcase_add_test(tc, quiet_for_so_long_is_a_hang);
        tcase_add_test(tc, any_sign_of_life_begins_anew);
        tcase_add_test(tc, one_that_goes_on_is_told);
        tcase_add_test(tc, busy_with_its_agent_killed_is_none);
        tcase_add_test(tc, an_agent_that_never_spoke_is_no_sign);
        tcase_add_test(tc, an_agent_that_was_not_asked_is_no_sign);
        tcase_add_test(tc, a_monitor_that_does_not_answer_counts_nothing);
        tcase_add_test(tc, a_late_sample_counts_nothing);
        tcase_add_test(tc, an_agent_that_was_waited_for_too_long_counts_nothing);
        tcase_add_test(tc, what_the_host_took_does_not_count);
        tcase_add_test(tc, another_qemu_begins_anew);
        tcase_add_test(tc, cpus_are_named_and_decide_nothing);
        tcase_add_test(tc, no_time_is_too_short_or_too_long);
        tcase_add_test(tc, the_hosts_files_are_parsed);
        return s;
}

UNIT_MAIN(hang_suite)
