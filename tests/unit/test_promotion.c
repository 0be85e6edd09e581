/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * S9: a row for each step of promotion_judge(), and each of its bounds.
 */
#include "hawd/base/config.h"
#include "replication/promotion.h"
#include "tests/unit/unit.h"

#define SEC USEC_PER_SEC
#define T0 (1000 * SEC)
#define HOLD (100 * SEC)
#define LIMIT (45 * SEC)

#define SYNC REPLICA_MODE_SYNC
#define ASYNC REPLICA_MODE_ASYNC
#define DRBD REPLICA_MODE_DRBD
#define STEP REPLICA_IN_STEP

/* Of the generation that ran last, P proven off one second after the copy was known to be in step,
 * R there and standing: what a row says differs from that. */
static const struct {
        enum replica_mode mode;
        enum replica_state state;
        const char *but; /* h held, a away, g other generation, u unsure, o not off, s does not
                            stand, f forced */
        usec_t as_of, off_wall, allowed;
        enum promotion_verdict verdict;
        enum promotion_why why;
        usec_t loss;
} rows[] = {
        {SYNC, STEP, "", T0, T0 + SEC, 0, PROMOTE, PROMOTION_IN_STEP, 0},
        /* 1 whatever else */
        {SYNC, STEP, "h", T0, T0 + SEC, 0, PROMOTE_WAIT, PROMOTION_HELD, 0},
        {SYNC, REPLICA_FINAL, "h", T0, 0, 0, PROMOTE_WAIT, PROMOTION_HELD, 0},
        {SYNC, STEP, "hf", T0, T0 + SEC, 0, PROMOTE_WAIT, PROMOTION_HELD, 0},
        /* 2 */
        {SYNC, REPLICA_NONE, "", T0, T0 + SEC, HOLD, PROMOTE_NO, PROMOTION_NO_COPY, 0},
        {SYNC, REPLICA_COPYING, "", T0, T0 + SEC, HOLD, PROMOTE_NO, PROMOTION_NO_COPY, 0},
        {SYNC, REPLICA_NONE, "f", T0, T0 + SEC, HOLD, PROMOTE_NO, PROMOTION_NO_COPY, 0},
        {SYNC, REPLICA_COPYING, "f", T0, T0 + SEC, HOLD, PROMOTE_NO, PROMOTION_NO_COPY, 0},
        /* 3 */
        {SYNC, STEP, "a", T0, T0 + SEC, 0, PROMOTE_NO, PROMOTION_AWAY, 0},
        {SYNC, REPLICA_FINAL, "a", T0, 0, 0, PROMOTE_NO, PROMOTION_AWAY, 0},
        {SYNC, STEP, "af", T0, T0 + SEC, 0, PROMOTE_NO, PROMOTION_AWAY, 0},
        /* 4 */
        {SYNC, REPLICA_FINAL, "os", T0, 0, 0, PROMOTE, PROMOTION_FINAL, 0},
        {DRBD, REPLICA_FINAL, "os", T0, 0, 0, PROMOTE, PROMOTION_FINAL, 0},
        {SYNC, REPLICA_FINAL, "gs", T0, T0 + SEC, 0, PROMOTE_NO, PROMOTION_BEHIND, SEC},
        /* 5 */
        {SYNC, STEP, "o", T0, 0, HOLD, PROMOTE_NO, PROMOTION_THERE, 0},
        {SYNC, REPLICA_BEHIND, "o", T0, 0, HOLD, PROMOTE_NO, PROMOTION_THERE, 0},
        {SYNC, REPLICA_BEHIND, "of", T0, 0, 0, PROMOTE_OLDER, PROMOTION_BEHIND, USEC_INFINITY},
        {SYNC, STEP, "ofs", T0, 0, 0, PROMOTE_OLDER, PROMOTION_LATE, USEC_INFINITY},
        /* 6 */
        {SYNC, STEP, "s", T0, T0 + SEC, 0, PROMOTE_WAIT, PROMOTION_ASK, 0},
        {SYNC, STEP, "s", T0, T0 + SEC, HOLD, PROMOTE_WAIT, PROMOTION_ASK, 0},
        {SYNC, STEP, "sf", T0, T0 + SEC, 0, PROMOTE_WAIT, PROMOTION_ASK, 0},
        {DRBD, STEP, "s", T0, T0 + SEC, 0, PROMOTE_WAIT, PROMOTION_ASK, 0},
        {ASYNC, STEP, "s", T0, T0 + SEC, 2 * SEC, PROMOTE_OLDER, PROMOTION_ASYNC, SEC},
        /* 7 and its bounds */
        {SYNC, STEP, "", T0, T0, 0, PROMOTE, PROMOTION_IN_STEP, 0},
        {SYNC, STEP, "", T0, T0 + LIMIT, 0, PROMOTE, PROMOTION_IN_STEP, 0},
        {SYNC, STEP, "", T0, T0 + LIMIT + 1, 0, PROMOTE_NO, PROMOTION_LATE, LIMIT + 1},
        {SYNC, STEP, "", T0, T0 - 1, 0, PROMOTE_NO, PROMOTION_LATE, USEC_INFINITY},
        {SYNC, STEP, "", 0, T0, 0, PROMOTE_NO, PROMOTION_LATE, USEC_INFINITY},
        {SYNC, STEP, "u", T0, T0 + SEC, 0, PROMOTE_NO, PROMOTION_UNSURE, SEC},
        {SYNC, STEP, "g", T0, T0 + SEC, 0, PROMOTE_NO, PROMOTION_UNSURE, SEC},
        {DRBD, STEP, "", T0, T0 + 10 * HOLD, 0, PROMOTE, PROMOTION_IN_STEP, 0},
        {DRBD, STEP, "u", T0, T0 + SEC, 0, PROMOTE_NO, PROMOTION_UNSURE, SEC},
        {ASYNC, STEP, "", T0, T0, 0, PROMOTE_NO, PROMOTION_ASYNC, 1},
        /* 8 and its bounds */
        {ASYNC, STEP, "", T0, T0 + HOLD, HOLD, PROMOTE_OLDER, PROMOTION_ASYNC, HOLD},
        {ASYNC, STEP, "", T0, T0 + HOLD, HOLD - 1, PROMOTE_NO, PROMOTION_ASYNC, HOLD},
        {ASYNC, STEP, "f", T0, T0 + HOLD, 0, PROMOTE_OLDER, PROMOTION_ASYNC, HOLD},
        {ASYNC, STEP, "", 0, T0 + HOLD, HOLD, PROMOTE_NO, PROMOTION_ASYNC, USEC_INFINITY},
        {SYNC, REPLICA_BROKEN, "", T0, T0 + SEC, 0, PROMOTE_NO, PROMOTION_BROKEN, SEC},
        {SYNC, REPLICA_BROKEN, "", T0, T0 + SEC, SEC, PROMOTE_OLDER, PROMOTION_BROKEN, SEC},
        {SYNC, REPLICA_BROKEN, "", T0, T0 + SEC, SEC - 1, PROMOTE_NO, PROMOTION_BROKEN, SEC},
        {SYNC, REPLICA_BROKEN, "f", 0, T0, 0, PROMOTE_OLDER, PROMOTION_BROKEN, USEC_INFINITY},
        {DRBD, REPLICA_BEHIND, "", T0, T0 + SEC, 0, PROMOTE_NO, PROMOTION_BEHIND, SEC},
        {SYNC, REPLICA_BEHIND, "", 0, T0, USEC_INFINITY - 1, PROMOTE_NO, PROMOTION_BEHIND,
         USEC_INFINITY},
        {SYNC, STEP, "", T0, T0 + HOLD, HOLD, PROMOTE_OLDER, PROMOTION_LATE, HOLD},
};

static bool said(int row, char what) {
        return strchr(rows[row].but, what) != NULL;
}

START_TEST(judged) {
        struct promotion_case c = {
                .mode = rows[_i].mode,
                .state = rows[_i].state,
                .same_gen = !said(_i, 'g'),
                .unsure = said(_i, 'u'),
                .held = said(_i, 'h'),
                .off = !said(_i, 'o'),
                .away = said(_i, 'a'),
                .stands = !said(_i, 's'),
                .forced = said(_i, 'f'),
                .off_wall = rows[_i].off_wall,
                .as_of = rows[_i].as_of,
                .hold_usec = HOLD,
                .loss_usec = rows[_i].allowed,
        };
        struct promotion p = promotion_judge(&c);

        ck_assert_int_eq(p.verdict, rows[_i].verdict);
        ck_assert_int_eq(p.why, rows[_i].why);
        ck_assert_uint_eq(p.loss_usec, rows[_i].loss);
}
END_TEST

START_TEST(less_than_half_of_the_hold) {
        ck_assert_uint_eq(promotion_limit(HOLD), LIMIT);
        for (usec_t hold = 10 * SEC; hold < 3600 * SEC; hold += 7 * SEC)
                ck_assert_uint_lt(2 * promotion_limit(hold), hold);
}
END_TEST

/* hawd.conf is checked for it, below where this is known. */
START_TEST(the_least_hold_is_enough) {
        struct config *c = xcalloc(1, sizeof(*c));

        config_defaults(c);
        text_set(c->hosts[c->n_hosts++].name, NAME_LEN, "a");
        for (usec_t t = SEC; t < 600 * SEC; t += 7 * SEC) {
                text_set(c->watchdog, sizeof(c->watchdog), "/dev/watchdog");
                c->lease_usec = t;
                ck_assert_uint_gt(config_off_bound(c, "a"), t);
                ck_assert_uint_ge(promotion_limit(config_hold_least(c)), config_off_bound(c, "a"));
        }
        free(c);
}
END_TEST

START_TEST(all_have_words) {
        for (enum replica_state s = 0; s < REPLICA_STATE_MAX_; s++)
                ck_assert_ptr_nonnull(replica_state_name(s));
        for (enum promotion_why w = 0; w < PROMOTION_WHY_MAX_; w++)
                ck_assert_ptr_nonnull(promotion_why_text(w));
        ck_assert_ptr_null(replica_state_name(REPLICA_STATE_MAX_));
        ck_assert_ptr_null(promotion_why_text(PROMOTION_WHY_MAX_));
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("promotion");
        TCase *tc = unit_case(s, "promotion");

        tcase_add_loop_test(tc, judged, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, less_than_half_of_the_hold);
        tcase_add_test(tc, the_least_hold_is_enough);
        tcase_add_test(tc, all_have_words);
        return s;
}

UNIT_MAIN(suite)
