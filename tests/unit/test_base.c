/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/base.h"
#include "tests/unit/unit.h"

START_TEST(texts_are_cut_and_terminated) {
        char buf[8];

        text_set(buf, sizeof(buf), "short");
        ck_assert_str_eq(buf, "short");
        text_set(buf, sizeof(buf), "1234567");
        ck_assert_str_eq(buf, "1234567");
        text_set(buf, sizeof(buf), "12345678");
        ck_assert_str_eq(buf, "1234567");
        text_set(buf, sizeof(buf), buf + 3);
        ck_assert_str_eq(buf, "4567");
        text_fmt(buf, sizeof(buf), "%s-%d", "abc", 12345);
        ck_assert_str_eq(buf, "abc-123");
        text_fmt(buf, 1, "%s", "x");
        ck_assert_str_eq(buf, "");
}
END_TEST

START_TEST(names) {
        char longest[NAME_LEN + 1];

        ck_assert(name_valid("a"));
        ck_assert(name_valid("web-1.example_2"));
        ck_assert(name_valid("0"));
        ck_assert(!name_valid(""));
        ck_assert(!name_valid("-a"));
        ck_assert(!name_valid(".a"));
        ck_assert(!name_valid("a b"));
        ck_assert(!name_valid("a/b"));
        ck_assert(!name_valid("caf\xc3\xa9"));
        memset(longest, 'x', sizeof(longest));
        longest[NAME_LEN] = '\0';
        ck_assert(!name_valid(longest));
        longest[NAME_LEN - 1] = '\0';
        ck_assert(name_valid(longest));
}
END_TEST

START_TEST(times_saturate) {
        ck_assert_uint_eq(usec_add(1, 2), 3);
        ck_assert_uint_eq(usec_add(USEC_INFINITY, 1), USEC_INFINITY);
        ck_assert_uint_eq(usec_add(USEC_INFINITY - 1, 1), USEC_INFINITY);
        ck_assert_uint_eq(usec_sub(3, 2), 1);
        ck_assert_uint_eq(usec_sub(2, 3), 0);
}
END_TEST

START_TEST(blobs_are_counted) {
        struct blob *b = blob_new("a\0b", 3);
        struct blob *c = blob_ref(b);

        ck_assert_ptr_eq(b, c);
        ck_assert_uint_eq(b->refs, 2);
        ck_assert_uint_eq(b->len, 3);
        ck_assert_mem_eq(b->data, "a\0b\0", 4);
        b = blob_unref(b);
        ck_assert_ptr_null(b);
        ck_assert_uint_eq(c->refs, 1);
        c = blob_unref(c);
        ck_assert_ptr_null(blob_ref(NULL));
        ck_assert_ptr_null(blob_unref(NULL));
        b = blob_new(NULL, 0);
        ck_assert_int_eq(b->data[0], '\0');
        blob_unref(b);
}
END_TEST

START_TEST(hash_is_fixed) {
        /* Members compare these values, so they may never change between versions. */
        ck_assert_uint_eq(hash64(0, "", 0), 0xf52a15e9a9b5e89bU);
        ck_assert_uint_eq(hash64(0, "hawd", 4), 1420114565319405045U);
        ck_assert(hash64(0, "hawd", 4) != hash64(1, "hawd", 4));
        ck_assert(hash64(0, "hawd", 4) != hash64(0, "hawe", 4));
}
END_TEST

START_TEST(owned_pointers) {
        _cleanup_(freep) char *a = xstrdup("text");
        _cleanup_(freep) char *b = TAKE_PTR(a);
        _cleanup_(freep) int *n = xcalloc(0, sizeof(int));

        ck_assert_ptr_null(a);
        ck_assert_str_eq(b, "text");
        ck_assert_ptr_nonnull(n);
        n = xreallocarray(n, 4, sizeof(int));
        n[3] = 7;
        ck_assert_int_eq(n[3], 7);
}
END_TEST

static Suite *base_suite(void) {
        Suite *s = suite_create("base");
        TCase *tc = unit_case(s, "base");

        tcase_add_test(tc, texts_are_cut_and_terminated);
        tcase_add_test(tc, names);
        tcase_add_test(tc, times_saturate);
        tcase_add_test(tc, blobs_are_counted);
        tcase_add_test(tc, hash_is_fixed);
        tcase_add_test(tc, owned_pointers);
        return s;
}

UNIT_MAIN(base_suite)
