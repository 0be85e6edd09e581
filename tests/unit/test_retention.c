/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Retention: a row for each rule, with the reason that each snapshot gets.
 */
#include "snapshots/retention.h"
#include "tests/unit/unit.h"

#define H (60 * USEC_PER_MINUTE)
#define D (24 * H)
#define T (UINT64_C(20780) * D) /* 2026-11-23, a Monday, 00:00 UTC */

/* One letter a snapshot, oldest first: C current H by hand G good L last h d w rule - none, K kept
 * disk, N needed; goes: x old, k kept disk, s space, D begun. */
static const char letters[RETENTION_WHY_MAX_ + 1] = "CHGLhdw-KNDxks";

/* A chain of POINTs, one each hour until T + 12 h, the newest last, and CURRENT. */
static size_t make(struct snapshot *s, size_t n, usec_t every) {
        for (size_t i = 0; i < n; i++) {
                s[i] = (struct snapshot){.id = (uint32_t)i + 1,
                                         .parent = (uint32_t)i,
                                         .kind = SNAP_POINT,
                                         .mib = 10,
                                         .wall = T + 12 * H - (n - 1 - i) * every};
                text_fmt(s[i].name, NAME_LEN, "s%zu", i);
        }
        s[n] = (struct snapshot){.id = (uint32_t)n + 1, .parent = (uint32_t)n, .mib = 1000};
        return n + 1;
}

static void judge(const struct retention *r, const struct snapshot *s, size_t n, char *ret) {
        struct retention_verdict v[SNAPSHOTS_MAX];

        (void)retention_judge(r, s, n, T + 12 * H, v);
        for (size_t i = 0; i < n; i++) {
                ret[i] = letters[v[i].why];
                ck_assert_int_eq(v[i].go, v[i].why >= RETENTION_DELETING);
                ck_assert_int_eq(v[i].why == RETENTION_NEEDED, v[i].text[0] != '\0');
        }
        ret[n] = '\0';
}

static const struct {
        struct retention r;
        usec_t every;
        size_t n;
        const char *verdicts;
} rows[] = {
        {{0}, H, 4, "----C"},
        {{.last = 2}, H, 4, "xxLLC"},
        {{.last = 9}, H, 4, "LLLLC"},
        {{.hourly = 2}, H / 2, 6, "xxxxhhC"}, /* 11:30 and 12:00 */
        {{.hourly = 3}, H, 5, "xxhhhC"},
        {{.daily = 2}, 6 * H, 6, "xxdxxdC"},
        {{.weekly = 2}, D, 10, "xxxxxxxxwwC"}, /* Sunday and Monday */
        {{.last = 1, .daily = 3}, 12 * H, 6, "xdxdxLC"},
        {{.last = 1, .hourly = 2, .daily = 2}, 6 * H, 6, "xxdxhLC"},
        {{.space_mib = 25}, H, 4, "ss--C"},
        {{.last = 3, .space_mib = 20}, H, 5, "xxsLLC"},
        {{.space_mib = 5}, H, 3, "ss-C"}, /* the newest stays whatever it takes */
        {{.space_mib = 40}, H, 4, "----C"},
};

START_TEST(rule) {
        struct snapshot s[SNAPSHOTS_MAX];
        char got[SNAPSHOTS_MAX + 1];
        size_t n = make(s, rows[_i].n, rows[_i].every);

        judge(&rows[_i].r, s, n, got);
        ck_assert_str_eq(got, rows[_i].verdicts);
}
END_TEST

START_TEST(by_hand_and_good_stay) {
        struct retention r = {.last = 1, .space_mib = 1};
        struct snapshot s[SNAPSHOTS_MAX];
        char got[SNAPSHOTS_MAX + 1];
        size_t n = make(s, 5, H);

        s[0].by_hand = true;
        s[1].good = s[2].good = true;
        judge(&r, s, n, got);
        ck_assert_str_eq(got, "HxGxLC");
        s[2].failed = true;
        judge(&r, s, n, got);
        ck_assert_str_eq(got, "HGxxLC");
}
END_TEST

START_TEST(a_kept_disk_and_what_it_needs) {
        struct retention r = {.last = 1, .left_usec = 5 * H};
        struct snapshot s[SNAPSHOTS_MAX];
        char got[SNAPSHOTS_MAX + 1];
        size_t n = make(s, 4, H);

        s[n++] = (struct snapshot){
                .id = 99, .parent = 2, .kind = SNAP_LEFT, .name = "left-99", .wall = T + 10 * H};
        judge(&r, s, n, got);
        ck_assert_str_eq(got, "NNxLCK"); /* its base, and what that would be committed into */
        r.left_usec = 2 * H;
        judge(&r, s, n, got);
        ck_assert_str_eq(got, "NNxLCk"); /* first itself, then its base */
        r.left_usec = 0;
        s[n - 1].wall = 0;
        judge(&r, s, n, got);
        ck_assert_str_eq(got, "NNxLCK"); /* only an operator */
        s[n - 1].wall = T + 99 * H;
        r.left_usec = 2 * H;
        judge(&r, s, n, got);
        ck_assert_str_eq(got, "NNxLCK"); /* a date in the future */
}
END_TEST

START_TEST(space_that_cannot_be_had) {
        struct retention r = {.space_mib = 15};
        struct retention_verdict v[SNAPSHOTS_MAX];
        struct snapshot s[SNAPSHOTS_MAX];
        size_t n = make(s, 4, H);

        s[0].by_hand = s[1].by_hand = true;
        ck_assert_uint_eq(retention_judge(&r, s, n, T + 12 * H, v), 15);
        ck_assert(v[2].go);
        s[0].mib = UINT64_MAX;
        ck_assert_uint_eq(retention_judge(&r, s, n, T + 12 * H, v), UINT64_MAX - 15);
}
END_TEST

START_TEST(begun_goes_first) {
        struct retention r = {.last = 1};
        struct retention_verdict v[SNAPSHOTS_MAX];
        struct snapshot s[SNAPSHOTS_MAX];
        char got[SNAPSHOTS_MAX + 1];
        size_t n = make(s, 4, H);

        (void)retention_judge(&r, s, n, T, v);
        ck_assert_int_eq(retention_first(s, n, v), 0);
        s[2].deleting = true;
        s[2].good = s[2].by_hand = true; /* whatever it was */
        judge(&r, s, n, got);
        ck_assert_str_eq(got, "xNDLC"); /* one at a time side by side */
        (void)retention_judge(&r, s, n, T, v);
        ck_assert_int_eq(retention_first(s, n, v), 2);
        (void)retention_judge(&(struct retention){0}, s, n - 3, T, v);
        ck_assert_int_eq(retention_first(s, 2, v), -1);
}
END_TEST

START_TEST(every_reason_has_a_text) {
        for (int i = 0; i < RETENTION_WHY_MAX_; i++)
                ck_assert_ptr_nonnull(retention_why_text((enum retention_why)i));
        ck_assert_ptr_null(retention_why_text(RETENTION_WHY_MAX_));
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("retention");
        TCase *tc = unit_case(s, "retention");

        tcase_add_loop_test(tc, rule, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, by_hand_and_good_stay);
        tcase_add_test(tc, a_kept_disk_and_what_it_needs);
        tcase_add_test(tc, space_that_cannot_be_had);
        tcase_add_test(tc, begun_goes_first);
        tcase_add_test(tc, every_reason_has_a_text);
        return s;
}

UNIT_MAIN(suite)
