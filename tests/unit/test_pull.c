/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An asynchronous replica: every state in which a crash may leave R's files; marks and addresses
 * that are not whole; extents as a server should never tell them.
 */
#include <stdio.h>

#include "replication/pull.h"
#include "replication/pull_extents.h"
#include "tests/unit/unit.h"

#define A "000000000000000a"
#define B "000000000000000b"
#define C "000000000000000c"

#define MARK(k, i, b)                                                                              \
        {                                                                                          \
                .kind = k, .serial = 7, .disks = 2, .cycle = 3, .id = i, .base = b, .as_of = 1000, \
                .sizes = {                                                                         \
                        UINT64_MAX,                                                                \
                        512                                                                        \
                }                                                                                  \
        }
#define WHOLE .whole_is = true, .whole = MARK(PULL_WHOLE, A, "")
#define OFFERED(b) .mark_is = true, .mark = MARK(PULL_OFFER, B, b)
#define MARKED(i, b) .mark_is = true, .mark = MARK(PULL_WHOLE, i, b)

static const struct {
        struct pull_seen seen;
        int r;
        enum pull_then then;
        const char *says; /* the error */
} rows[] = {
        /* the first copy: nothing, begun, being written, complete */
        {{.copies = 0}, 0, PULL_EMPTY, NULL},
        {{.copies = 1}, 0, PULL_EMPTY, NULL},
        {{.copies = 2, OFFERED("")}, 0, PULL_EMPTY, NULL},
        {{.copies = 2, .mark_odd = true}, 0, PULL_EMPTY, NULL},
        {{.copies = 0, .mark_is = true, .mark = MARK(PULL_ASK, A, "")}, 0, PULL_EMPTY, NULL},
        {{.copies = 2, .mark_is = true, .mark = MARK(PULL_SIZES, A, "")}, 0, PULL_EMPTY, NULL},
        {{.copies = 2, MARKED(A, "")}, 0, PULL_ADOPT, NULL},
        {{.copies = 1, MARKED(A, "")}, -ENOENT, 0, "of 2 disks 1"},
        /* a mark over a copy of which nothing is known: it may be a mixture */
        {{.copies = 2, .nexts = 2, MARKED(B, A)}, -EUCLEAN, 0, "nothing is known"},
        /* at rest, and a cycle that is begun, written, broken off */
        {{.copies = 2, WHOLE}, 0, PULL_READY, NULL},
        {{.copies = 2, WHOLE, OFFERED(A)}, 0, PULL_CLEAN, NULL},
        {{.copies = 2, .nexts = 1, WHOLE}, 0, PULL_CLEAN, NULL},
        {{.copies = 2, .nexts = 2, WHOLE, OFFERED(A)}, 0, PULL_CLEAN, NULL},
        {{.copies = 2, .nexts = 2, WHOLE, .mark_odd = true}, 0, PULL_CLEAN, NULL},
        /* a whole one: before and in the commit, after it, while its files are removed */
        {{.copies = 2, .nexts = 2, WHOLE, MARKED(B, A)}, 0, PULL_COMMIT, NULL},
        {{.copies = 2, .nexts = 2, WHOLE, MARKED(A, C)}, 0, PULL_CLEAN, NULL},
        {{.copies = 2, .nexts = 1, WHOLE, MARKED(A, C)}, 0, PULL_CLEAN, NULL},
        {{.copies = 2, .nexts = 0, WHOLE, MARKED(A, C)}, 0, PULL_CLEAN, NULL},
        /* an overlay is missing, and perhaps the other one was committed */
        {{.copies = 2, .nexts = 1, WHOLE, MARKED(B, A)}, -EUCLEAN, 0, "of 2 overlays"},
        {{.copies = 2, .nexts = 0, WHOLE, MARKED(B, A)}, -EUCLEAN, 0, "of 2 overlays"},
        /* over another copy than this: a commit never began from it */
        {{.copies = 2, .nexts = 2, WHOLE, MARKED(B, C)}, 0, PULL_CLEAN, NULL},
        /* the copy itself is gone, or not known */
        {{.copies = 1, WHOLE}, -ENOENT, 0, "the copy is gone"},
        {{.copies = 0, .nexts = 2, WHOLE, MARKED(B, A)}, -ENOENT, 0, "the copy is gone"},
        {{.copies = 2, .whole_odd = true}, -EUCLEAN, 0, "cannot be read"},
        {{.copies = 2, .whole_is = true, .whole = MARK(PULL_OFFER, A, "")}, -EUCLEAN, 0, "read"},
};

START_TEST(state) {
        struct pull_seen seen = rows[_i].seen;
        enum pull_then then = PULL_THEN_MAX_;
        char err[TEXT_LEN] = "";

        seen.serial = 7;
        seen.disks = 2;
        ck_assert_int_eq(pull_resume(&seen, &then, err), rows[_i].r);
        if (rows[_i].r == 0)
                ck_assert_int_eq(then, rows[_i].then);
        else
                ck_assert_msg(then == PULL_THEN_MAX_ && strstr(err, rows[_i].says), "%s", err);
}
END_TEST

START_TEST(mark_of_another_guest_counts_for_nothing) {
        struct pull_seen seen = {
                .serial = 7, .disks = 2, .copies = 2, .nexts = 2, WHOLE, MARKED(B, A)};
        enum pull_then then;
        char err[TEXT_LEN];

        seen.mark.serial = 6;
        ck_assert_int_eq(pull_resume(&seen, &then, err), 0);
        ck_assert_int_eq(then, PULL_CLEAN);
        seen.mark.serial = 7;
        seen.mark.disks = 1;
        ck_assert_int_eq(pull_resume(&seen, &then, err), 0);
        ck_assert_int_eq(then, PULL_CLEAN);
        seen.whole.serial = 6;
        ck_assert_int_eq(pull_resume(&seen, &then, err), -EUCLEAN);
}
END_TEST

START_TEST(mark_is_whole_or_none) {
        const struct pull_mark m = MARK(PULL_WHOLE, B, A), first = MARK(PULL_OFFER, B, "");
        struct pull_mark got;
        char buf[PULL_MARK_SIZE], bad[PULL_MARK_SIZE];
        size_t len;

        pull_mark_put(&first, buf);
        ck_assert_int_eq(pull_mark_get(buf, &got), 0);
        ck_assert(memcmp(&got, &first, sizeof(got)) == 0);
        pull_mark_put(&m, buf);
        ck_assert_int_eq(pull_mark_get(buf, &got), 0);
        ck_assert(memcmp(&got, &m, sizeof(got)) == 0);
        len = strlen(buf);
        for (size_t i = 0; i < sizeof(buf); i++) { /* every byte, changed and cut */
                memcpy(bad, buf, sizeof(bad));
                bad[i] ^= 1;
                ck_assert_int_eq(pull_mark_get(bad, &got), -EBADMSG);
                memcpy(bad, buf, sizeof(bad));
                memset(bad + i, 0, sizeof(bad) - i);
                ck_assert_int_eq(pull_mark_get(bad, &got), i < len ? -EBADMSG : 0);
        }
        memset(bad, 'x', sizeof(bad));
        ck_assert_int_eq(pull_mark_get(bad, &got), -EBADMSG);
}
END_TEST

/* The sum is right, and what it says is not. */
START_TEST(mark_that_says_nonsense) {
        struct pull_mark m = MARK(PULL_WHOLE, B, A), got;
        char buf[PULL_MARK_SIZE];

        m.disks = 0;
        pull_mark_put(&m, buf);
        ck_assert_int_eq(pull_mark_get(buf, &got), -EBADMSG);
        m.disks = PULL_DISKS_MAX + 1;
        pull_mark_put(&m, buf);
        ck_assert_int_eq(pull_mark_get(buf, &got), -EBADMSG);
        m.disks = 2;
        text_set(m.id, sizeof(m.id), "../../etc/passwd");
        pull_mark_put(&m, buf);
        ck_assert_int_eq(pull_mark_get(buf, &got), -EBADMSG);
}
END_TEST

#define NAME "00112233445566778899aabbccddeeff"

START_TEST(where_goes_and_comes_back) {
        static const char *const bad[] = {"",
                                          "10.0.0.2 1,2",
                                          "10.0.0.2 1 " NAME,
                                          "10.0.0.2 1,0 " NAME,
                                          "10.0.0.2 1,65536 " NAME,
                                          "10.0.0.2 1,,2 " NAME,
                                          "10.0.0.2 1,2, " NAME,
                                          "10.0.0.2 1,2 0011",
                                          "node2 1,2 " NAME,
                                          "10.0.0.2 1,2 " NAME " ssl",
                                          "10.0.0.2 1,2 " NAME "0",
                                          "1 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18 " NAME};
        struct pull_where w = {.host = "2001:db8:ffff:ffff:ffff:ffff:ffff:fffe",
                               .name = NAME,
                               .n = PULL_DISKS_MAX + 1,
                               .tls = true},
                          got;
        char text[PULL_WHERE_LEN];

        for (size_t i = 0; i < w.n; i++)
                w.ports[i] = (uint16_t)(65535 - i);
        pull_where_put(&w, text);
        ck_assert_int_eq(pull_where_get(text, &got), 0);
        ck_assert(memcmp(&got, &w, sizeof(w)) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(pull_where_get(bad[i], &got) == -EBADMSG, "%s", bad[i]);
}
END_TEST

/* "offset+length[z]" of each */
static const char *list(const struct extents *x) {
        static char text[256];

        text[0] = '\0';
        for (size_t i = 0; i < x->n; i++) {
                size_t len = strlen(text);

                text_fmt(text + len, sizeof(text) - len, "%s%" PRIu64 "+%" PRIu64 "%s",
                         i > 0 ? " " : "", x->e[i].offset, x->e[i].length,
                         x->e[i].kind == EXTENT_ZERO ? "z" : "");
        }
        return text;
}

#define GAP ((uint32_t)EXTENT_GAP)

static const struct {
        extent_judge *judge;
        uint64_t to; /* from 1000 */
        uint32_t words[8];
        size_t n;
        int r;
        uint64_t upto;
        const char *list;
} answers[] = {
        {extent_dirty, 1100, {40, 0, 60, 1}, 4, 0, 1100, "1040+60"},
        {extent_dirty, 1100, {100, 0}, 2, 0, 1100, ""},
        {extent_dirty, 1100, {40, 1, 20, 1, 40, 1}, 6, 0, 1100, "1000+100"},
        /* the base:allocation of the same server means other things */
        {extent_full, 1100, {40, 1, 30, 0, 30, 3}, 6, 0, 1100, "1000+70 1070+30z"},
        {extent_fresh, 1100, {40, 3, 30, 0, 30, 2}, 6, 0, 1100, "1040+30"},
        /* little between two is copied along, and what is zero is not */
        {extent_dirty, 1u << 20, {10, 1, GAP, 0, 10, 1}, 6, 0, 1020 + GAP, "1000+65556"},
        {extent_dirty, 1u << 20, {10, 1, GAP + 1, 0, 10, 1}, 6, 0, 1021 + GAP, "1000+10 66547+10"},
        {extent_full, 1100, {10, 0, 20, 2, 70, 0}, 6, 0, 1100, "1000+10 1010+20z 1030+70"},
        /* less than was asked: it is asked again; more: cut */
        {extent_dirty, 1100, {40, 1}, 2, 0, 1040, "1000+40"},
        {extent_dirty, 1100, {40, 0, UINT32_MAX, 1}, 4, 0, 1100, "1040+60"},
        {extent_dirty, 1100, {100, 1, 50, 1}, 4, 0, 1100, "1000+100"},
        {extent_dirty, 1100, {100, 1, 0, 1}, 4, 0, 1100, "1000+100"},
        /* what leads nowhere */
        {extent_dirty, 1100, {0, 1}, 2, -EBADMSG, 1000, ""},
        {extent_dirty, 1100, {40, 1, 0, 0, 60, 1}, 6, -EBADMSG, 1040, "1000+40"},
        {extent_dirty, 1100, {40, 1, 60}, 3, -EBADMSG, 1000, ""},
        {extent_dirty, 1100, {0}, 0, -EBADMSG, 1000, ""},
};

START_TEST(extents_told) {
        struct extents x;

        extents_begin(&x, 1000, answers[_i].to);
        ck_assert_int_eq(
                extents_take(&x, 1000, answers[_i].words, answers[_i].n, answers[_i].judge),
                answers[_i].r);
        ck_assert_uint_eq(x.upto, answers[_i].upto);
        ck_assert_str_eq(list(&x), answers[_i].list);
}
END_TEST

START_TEST(extents_of_elsewhere) {
        static const uint32_t words[] = {50, 1};
        struct extents x;

        extents_begin(&x, 1000, 1100);
        ck_assert_int_eq(extents_take(&x, 999, words, 2, extent_dirty), -EBADMSG);
        ck_assert_int_eq(extents_take(&x, 1050, words, 2, extent_dirty), -EBADMSG);
        ck_assert_int_eq(extents_take(&x, 1000, words, 2, extent_dirty), 0);
        ck_assert_int_eq(extents_take(&x, 1050, words, 2, extent_dirty), 0);
        ck_assert_str_eq(list(&x), "1000+100");
}
END_TEST

START_TEST(extents_without_room_are_asked_again) {
        static uint32_t words[4 * (EXTENTS_MAX + 10)];
        uint64_t each = 512 + 2 * EXTENT_GAP, total = each * (EXTENTS_MAX + 10);
        struct extents x;
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(words); i += 4) {
                words[i] = 512;
                words[i + 1] = 1;
                words[i + 2] = 2 * GAP;
        }
        extents_begin(&x, 0, total);
        ck_assert_int_eq(extents_take(&x, 0, words, ARRAY_SIZE(words), extent_dirty), 0);
        ck_assert_uint_eq(x.n, EXTENTS_MAX);
        ck_assert_uint_eq(x.upto, each * EXTENTS_MAX);
        n = x.n;
        extents_begin(&x, x.upto, total);
        ck_assert_int_eq(extents_take(&x, x.upto, words, ARRAY_SIZE(words), extent_dirty), 0);
        ck_assert_uint_eq(n + x.n, EXTENTS_MAX + 10);
        ck_assert_uint_eq(x.upto, total);
}
END_TEST

static Suite *pull_suite(void) {
        Suite *s = suite_create("pull");
        TCase *tc = unit_case(s, "pull");

        tcase_add_loop_test(tc, state, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, mark_of_another_guest_counts_for_nothing);
        tcase_add_test(tc, mark_is_whole_or_none);
        tcase_add_test(tc, mark_that_says_nonsense);
        tcase_add_test(tc, where_goes_and_comes_back);
        tcase_add_loop_test(tc, extents_told, 0, (int)ARRAY_SIZE(answers));
        tcase_add_test(tc, extents_of_elsewhere);
        tcase_add_test(tc, extents_without_room_are_asked_again);
        return s;
}

UNIT_MAIN(pull_suite)
