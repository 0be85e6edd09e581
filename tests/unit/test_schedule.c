/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Schedules of snapshots: what is read, written back, refused, and when the next one is due.
 */
#include "snapshots/calendar.h"
#include "tests/unit/unit.h"

#define H (60 * USEC_PER_MINUTE)
#define D (24 * H)
#define T (UINT64_C(20780) * D) /* 2026-11-23, a Monday */

static const struct {
        const char *in, *out;
} texts[] = {
        {"off", "off"},
        {"auto", "auto"},
        {"1h", "1h"},
        {"90min", "90min"},
        {"hourly", "*-*-* *:00"},
        {"daily", "*-*-* 00:00"},
        {"weekly", "Mon *-*-* 00:00"},
        {"monthly", "*-*-01 00:00"},
        {"*-*-* 02:00", "*-*-* 02:00"},
        {"02:00", "*-*-* 02:00"},
        {"*-*-* 02:00:00", "*-*-* 02:00"},
        {"*:0/15", "*-*-* *:00,15,30,45"},
        {"*:*/30", "*-*-* *:00,30"},
        {"Mon..Fri 8..18:30", "Mon..Fri *-*-* 08..18:30"},
        {"Sat,Sun *-*-* 3:05", "Sat..Sun *-*-* 03:05"},
        {"Mon,Wed,Fri  *-*-*  0,12:00", "Mon,Wed,Fri *-*-* 00,12:00"},
        {"*-*-1,15 4:00", "*-*-01,15 04:00"},
        {"*-*-* *:*", "*-*-* *:*"},
};

START_TEST(reads_and_writes_back) {
        char buf[TEXT_LEN], again[TEXT_LEN], err[TEXT_LEN] = "";
        struct schedule s, t;

        ck_assert_msg(schedule_parse(texts[_i].in, &s, err) == 0, "%s", err);
        schedule_format(&s, buf, sizeof(buf));
        ck_assert_str_eq(buf, texts[_i].out);
        ck_assert_int_eq(schedule_parse(buf, &t, err), 0);
        schedule_format(&t, again, sizeof(again));
        ck_assert_str_eq(again, buf);
        ck_assert_int_eq(s.kind == SCHEDULE_CALENDAR, t.kind == SCHEDULE_CALENDAR);
        ck_assert_uint_eq(s.minutes, t.minutes);
}
END_TEST

static const char *const refused[] = {
        "",
        "never",
        "10",
        "10s",
        "366d",
        "infinity",
        "0",
        "25:00",
        "02:60",
        "*-*-32 02:00",
        "*-*-0 2:00",
        "*-02-* 02:00",
        "2026-*-* 2:00",
        "Mon",
        "Mon *-*-*",
        "02:00 Mon",
        "02:00 03:00",
        "Fri..Mon 2:00",
        "Foo 02:00",
        "8..3:00",
        "*/0:00",
        "1,:00",
        ":00",
        "02:",
        "02:00:30",
        "*-*-* *-*-* 2:0",
        "Mon Tue 2:00",
        "-1:00",
        "2:00x",
        "Mon..:2:00",
        "*/99999999999:00",
        "Mon/2 02:00",
        "0x2:00",
};

START_TEST(refuses) {
        struct schedule s = {.every = 77};
        char err[TEXT_LEN] = "";

        ck_assert_msg(schedule_parse(refused[_i], &s, err) == -EINVAL, "'%s' is taken",
                      refused[_i]);
        ck_assert_uint_eq(s.every, 77);
        ck_assert_uint_gt(strlen(err), 10);
}
END_TEST

static const struct {
        const char *schedule;
        usec_t last, now, next;
} rows[] = {
        {"off", T, T, USEC_INFINITY},
        {"1h", T, T + 10, T + H},
        {"1h", T, T + 5 * H, T + H}, /* due; once */
        {"1h", T + 9 * H, T, T + H}, /* the clock was set back */
        {"hourly", T, T, T + H},     /* not at once again */
        {"hourly", T + 1, T + 1, T + H},
        {"hourly", T - 1, T - 1, T},
        {"daily", T + 5 * H, T + 5 * H, T + D},
        {"weekly", T, T, T + 7 * D},
        {"weekly", T + 3 * D + H, T + 4 * D, T + 7 * D},
        {"monthly", T, T, T + 8 * D}, /* 1 December */
        {"*-*-* 02:00", T, T, T + 2 * H},
        {"*-*-* 02:00", T + 2 * H, T + 2 * H, T + 26 * H},
        {"Sat 02:30", T, T, T + 5 * D + 2 * H + 30 * USEC_PER_MINUTE},
        {"*:0/15", T + H + 1, T + H + 1, T + H + 15 * USEC_PER_MINUTE},
        {"*-*-31 00:00", T, T, T + 38 * D}, /* not in November */
        {"23:59", T, T, T + D - USEC_PER_MINUTE},
        /* a Monday that is a 31st */
        {"Mon *-*-31 00:00", T, T, T + 189 * D},
};

START_TEST(next) {
        struct schedule_past past = {0};
        struct schedule s;
        char err[TEXT_LEN];

        ck_assert_int_eq(schedule_parse(rows[_i].schedule, &s, err), 0);
        ck_assert_uint_eq(schedule_next(&s, rows[_i].last, rows[_i].now, &past), rows[_i].next);
}
END_TEST

/* 29 February 2096 to 2104: 2100 has none. */
START_TEST(leap_days) {
        struct schedule s = {.kind = SCHEDULE_CALENDAR,
                             .weekdays = CALENDAR_WEEKDAYS,
                             .days = UINT32_C(1) << 29,
                             .hours = 1,
                             .minutes = 1};
        usec_t t = UINT64_C(47540) * D; /* 2100-02-28 */

        ck_assert_uint_eq(calendar_next(&s, t), UINT64_C(47569) * D); /* 29 March, no 29 February */
        ck_assert_uint_eq(calendar_next(&s, UINT64_C(11015) * D), UINT64_C(11016) * D); /* 2000 */
}
END_TEST

START_TEST(no_such_day) {
        struct schedule s = {
                .kind = SCHEDULE_CALENDAR, .weekdays = CALENDAR_WEEKDAYS, .hours = 1, .minutes = 1};

        ck_assert_uint_eq(calendar_next(&s, T), USEC_INFINITY);
        s.days = CALENDAR_DAYS;
        ck_assert_uint_eq(calendar_next(&s, USEC_INFINITY - 1), USEC_INFINITY);
}
END_TEST

START_TEST(weekdays) {
        ck_assert_uint_eq(calendar_weekday(0), 3);     /* Thursday */
        ck_assert_uint_eq(calendar_weekday(20780), 0); /* Monday */
        ck_assert_uint_eq(calendar_weekday(20779), 6);
}
END_TEST

static const struct {
        struct schedule_past past;
        int r;
        usec_t every;
} autos[] = {
        {{.up = 86400 * USEC_PER_SEC, .n_failures = 1, .cost = 60 * USEC_PER_SEC}, 0, 3180062113},
        {{.up = 2 * 86400 * USEC_PER_SEC, .n_failures = 2, .cost = 60 * USEC_PER_SEC},
         0,
         3180062113},
        /* up / ln 2 = 86400 s */
        {{.up = 59887916405, .n_failures = 0, .cost = 60 * USEC_PER_SEC}, 0, 3180062113},
        {{.up = 60 * USEC_PER_SEC, .n_failures = 30, .cost = 1000}, 0, SCHEDULE_AUTO_MIN},
        {{.up = 4000 * D, .n_failures = 1, .cost = H}, 0, SCHEDULE_AUTO_MAX},
        {{.up = 0, .n_failures = 1, .cost = 1000}, -EINVAL, 77},
        {{.up = D, .n_failures = 1, .cost = 0}, -EINVAL, 77},
        {{.up = USEC_INFINITY, .n_failures = 1, .cost = 10}, -EINVAL, 77},
        {{.up = D, .n_failures = 1, .cost = USEC_INFINITY}, -EINVAL, 77},
};

START_TEST(automatic) {
        struct schedule s = {.kind = SCHEDULE_AUTO};
        usec_t every = 77;

        ck_assert_int_eq(schedule_auto(&autos[_i].past, &every), autos[_i].r);
        ck_assert_uint_ge(every + 1, autos[_i].every); /* cut to microseconds */
        ck_assert_uint_le(every, autos[_i].every + 1);
        ck_assert_uint_eq(schedule_next(&s, T, T, &autos[_i].past),
                          T + (autos[_i].r == 0 ? every : SCHEDULE_AUTO_MAX));
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("schedule");
        TCase *tc = unit_case(s, "schedule");

        tcase_add_loop_test(tc, reads_and_writes_back, 0, (int)ARRAY_SIZE(texts));
        tcase_add_loop_test(tc, refuses, 0, (int)ARRAY_SIZE(refused));
        tcase_add_loop_test(tc, next, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, leap_days);
        tcase_add_test(tc, no_such_day);
        tcase_add_test(tc, weekdays);
        tcase_add_loop_test(tc, automatic, 0, (int)ARRAY_SIZE(autos));
        return s;
}

UNIT_MAIN(suite)
