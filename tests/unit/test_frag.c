/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/msg.h"
#include "hawd/wire/frag.h"
#include "tests/unit/unit.h"

#define PIECE_MAX 124 /* 100 bytes of data */

static uint8_t message[1000];
static char err[TEXT_LEN];

struct piece {
        uint8_t bytes[PIECE_MAX];
        size_t len;
};

static struct piece cut(size_t len, uint32_t counter, uint32_t index) {
        struct piece p;
        struct frag_cut c;
        const uint8_t *data;
        size_t n;

        for (size_t i = 0; i < sizeof(message); i++)
                message[i] = (uint8_t)(i * 7 + i / 256);
        ck_assert_int_eq(frag_cut(message, len, PIECE_MAX, counter, &c), 0);
        n = frag_piece(&c, index, p.bytes, &data);
        memcpy(p.bytes + FRAG_HEADER_LEN, data, n);
        p.len = FRAG_HEADER_LEN + n;
        return p;
}

/* Gives a piece of the test message; on FRAG_WHOLE checks that it is the message. */
static int give(struct frag_joiner *j, uint32_t nodeid, size_t len, uint32_t counter,
                uint32_t index) {
        struct piece p = cut(len, counter, index);
        const uint8_t *whole = NULL;
        size_t whole_len = 0;
        int r = frag_take(j, nodeid, 100, p.bytes, p.len, &whole, &whole_len, err);

        if (r == FRAG_WHOLE) {
                ck_assert_uint_eq(whole_len, len);
                ck_assert_mem_eq(whole, message, len);
        }
        return r;
}

static int give_raw(struct frag_joiner *j, const struct piece *p) {
        const uint8_t *whole;
        size_t len;

        return frag_take(j, 1, 100, p->bytes, p->len, &whole, &len, err);
}

START_TEST(cut_refuses) {
        struct frag_cut c;

        ck_assert_int_eq(frag_cut(message, 0, PIECE_MAX, 1, &c), -EINVAL);
        ck_assert_int_eq(frag_cut(message, 1, FRAG_PIECE_MIN - 1, 1, &c), -EINVAL);
        ck_assert_int_eq(frag_cut(message, FRAG_TOTAL_MAX + 1, PIECE_MAX, 1, &c), -EMSGSIZE);
        ck_assert_int_eq(frag_cut(message, FRAG_TOTAL_MAX, PIECE_MAX, 1, &c), 0);
}
END_TEST

START_TEST(joins_every_length) {
        struct frag_joiner *j = frag_joiner_new();

        for (size_t len = 1; len <= sizeof(message); len++) {
                uint32_t count = (uint32_t)((len + 99) / 100);

                for (uint32_t i = 0; i < count; i++)
                        ck_assert_int_eq(give(j, 1, len, (uint32_t)len, i),
                                         i + 1 == count ? FRAG_WHOLE : FRAG_NOTHING);
        }
        frag_joiner_free(j);
}
END_TEST

START_TEST(senders_do_not_mix) {
        struct frag_joiner *j = frag_joiner_new();

        for (uint32_t i = 0; i < 10; i++)
                for (uint32_t node = 1; node <= 20; node++)
                        ck_assert_int_eq(give(j, node, 1000, 5, i),
                                         i == 9 ? FRAG_WHOLE : FRAG_NOTHING);
        frag_joiner_free(j);
}
END_TEST

START_TEST(joined_in_the_middle) {
        struct frag_joiner *j = frag_joiner_new();

        ck_assert_int_eq(give(j, 1, 300, 1, 1), FRAG_NOTHING);
        ck_assert_int_eq(give(j, 1, 300, 1, 2), FRAG_NOTHING);
        ck_assert_int_eq(give(j, 1, 300, 2, 0), FRAG_NOTHING);
        ck_assert_int_eq(give(j, 1, 300, 2, 1), FRAG_NOTHING);
        ck_assert_int_eq(give(j, 1, 300, 2, 2), FRAG_WHOLE);
        frag_joiner_free(j);
}
END_TEST

START_TEST(forgotten_sender) {
        struct frag_joiner *j = frag_joiner_new();

        ck_assert_int_eq(give(j, 1, 200, 1, 0), FRAG_NOTHING);
        ck_assert_int_eq(give(j, 2, 200, 1, 0), FRAG_NOTHING);
        frag_forget(j, 1, 100);
        frag_forget(j, 2, 101); /* another process of that host */
        ck_assert_int_eq(give(j, 1, 200, 1, 1), FRAG_NOTHING);
        ck_assert_int_eq(give(j, 2, 200, 1, 1), FRAG_WHOLE);
        frag_joiner_free(j);
}
END_TEST

START_TEST(reset_and_begun_anew) {
        struct frag_joiner *j = frag_joiner_new();

        ck_assert_int_eq(give(j, 1, 300, 1, 0), FRAG_NOTHING);
        ck_assert_int_eq(give(j, 1, 300, 1, 1), FRAG_NOTHING);
        frag_reset(j);
        ck_assert_int_eq(give(j, 1, 300, 1, 2), FRAG_NOTHING); /* was on its way */
        for (uint32_t i = 0; i < 3; i++)
                ck_assert_int_eq(give(j, 1, 300, 2, i), i == 2 ? FRAG_WHOLE : FRAG_NOTHING);
        /* The sender began anew before its receiver knew why. */
        ck_assert_int_eq(give(j, 1, 300, 3, 0), FRAG_NOTHING);
        for (uint32_t i = 0; i < 3; i++)
                ck_assert_int_eq(give(j, 1, 300, 4, i), i == 2 ? FRAG_WHOLE : FRAG_NOTHING);
        frag_joiner_free(j);
}
END_TEST

START_TEST(wrong_piece_ends_the_message) {
        static const struct {
                size_t len;
                uint32_t counter, index;
        } rows[] = {
                {300, 1, 2}, /* one is missing */
                {300, 2, 1}, /* of another message */
                {301, 1, 1}, /* another length */
                {500, 1, 1}, /* another count */
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct frag_joiner *j = frag_joiner_new();

                ck_assert_int_eq(give(j, 1, 300, 1, 0), FRAG_NOTHING);
                ck_assert_int_eq(give(j, 1, rows[i].len, rows[i].counter, rows[i].index), -EBADMSG);
                ck_assert_ptr_nonnull(strstr(err, "where piece 1 of message 1"));
                ck_assert_int_eq(give(j, 1, 300, 1, 1), FRAG_NOTHING);
                ck_assert_int_eq(give(j, 1, 300, 1, 2), FRAG_NOTHING);
                frag_joiner_free(j);
        }
}
END_TEST

START_TEST(other_major_is_told) {
        struct frag_joiner *j = frag_joiner_new();
        struct piece p = cut(50, 1, 0);

        p.bytes[5] = PROTO_MAJOR + 1;
        p.len = 6; /* nothing behind the version is relied upon */
        ck_assert_int_eq(give_raw(j, &p), FRAG_E_MAJOR);
        ck_assert_ptr_nonnull(strstr(err, "version 2 of the protocol, this host version 1"));
        frag_joiner_free(j);
}
END_TEST

START_TEST(broken_headers) {
        static const struct {
                size_t at;
                uint8_t value;
        } rows[] = {
                {0, 0},    /* magic */
                {7, 23},   /* header shorter than this version's */
                {7, 124},  /* header to the end of the piece */
                {6, 2},    /* header longer than any */
                {15, 3},   /* index = count */
                {12, 1},   /* index beyond it */
                {19, 0},   /* no pieces */
                {19, 4},   /* more than the length makes */
                {16, 255}, /* many more */
                {20, 4},   /* 64 MiB and more */
                {20, 255}, /* 4 GiB */
                {22, 0},   /* shorter than the first piece says */
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct frag_joiner *j = frag_joiner_new();
                struct piece p = cut(300, 1, 0);

                p.bytes[rows[i].at] = rows[i].value;
                ck_assert_msg(give_raw(j, &p) == -EBADMSG, "row %zu", i);
                frag_joiner_free(j);
        }
        for (size_t len = 0; len <= FRAG_HEADER_LEN; len++) {
                struct frag_joiner *j = frag_joiner_new();
                struct piece p = cut(300, 1, 0);

                p.len = len;
                ck_assert_int_eq(give_raw(j, &p), -EBADMSG);
                frag_joiner_free(j);
        }
}
END_TEST

START_TEST(longer_header_of_a_newer_minor) {
        struct frag_joiner *j = frag_joiner_new();
        struct piece p = cut(50, 1, 0);
        const uint8_t *whole = NULL;
        size_t len = 0;

        memmove(p.bytes + FRAG_HEADER_LEN + 8, p.bytes + FRAG_HEADER_LEN, 50);
        p.bytes[7] = FRAG_HEADER_LEN + 8;
        p.len += 8;
        ck_assert_int_eq(frag_take(j, 1, 100, p.bytes, p.len, &whole, &len, err), FRAG_WHOLE);
        ck_assert_uint_eq(len, 50);
        ck_assert_mem_eq(whole, message, 50);
        frag_joiner_free(j);
}
END_TEST

/* Whatever bytes come: no crash, no memory beyond the limit; the sanitizers look on. */
START_TEST(noise) {
        struct frag_joiner *j = frag_joiner_new();
        uint64_t seed = 1;

        for (int i = 0; i < 200000; i++) {
                struct piece p = cut(300, 1, (uint32_t)(i % 3));

                seed = hash64(seed, &i, sizeof(i));
                if (seed % 4 == 0)
                        p.bytes[(seed >> 8) % FRAG_HEADER_LEN] = (uint8_t)(seed >> 32);
                if (seed % 16 == 1)
                        p.len = (seed >> 8) % p.len;
                (void)give_raw(j, &p); /* any answer will do */
        }
        frag_joiner_free(j);
}
END_TEST

static Suite *frag_suite(void) {
        Suite *s = suite_create("frag");
        TCase *tc = unit_case(s, "frag");

        tcase_add_test(tc, cut_refuses);
        tcase_add_test(tc, joins_every_length);
        tcase_add_test(tc, senders_do_not_mix);
        tcase_add_test(tc, joined_in_the_middle);
        tcase_add_test(tc, forgotten_sender);
        tcase_add_test(tc, reset_and_begun_anew);
        tcase_add_test(tc, wrong_piece_ends_the_message);
        tcase_add_test(tc, other_major_is_told);
        tcase_add_test(tc, broken_headers);
        tcase_add_test(tc, longer_header_of_a_newer_minor);
        tcase_add_test(tc, noise);
        return s;
}

UNIT_MAIN(frag_suite)
