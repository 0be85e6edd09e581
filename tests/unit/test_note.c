/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notes: each has its own name and its own 128-bit id, and a priority that journald knows.
 */
#include "hawd/core/note.h"
#include "tests/unit/unit.h"

START_TEST(names_are_stable_and_unique) {
        for (unsigned i = 0; i < NOTE_MAX_; i++) {
                const char *name = note_name((enum note_id)i);

                ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
                ck_assert_int_eq((int)note_from_name(name), (int)i);
        }
        ck_assert_str_eq(note_name(NOTE_HOST_LOST), "host-lost");
        ck_assert_int_eq(note_from_name("no such note"), NOTE_NONE);
        ck_assert_str_eq(note_name((enum note_id)NOTE_MAX_), "none");
}
END_TEST

START_TEST(message_ids_are_unique) {
        for (unsigned i = 0; i < NOTE_MAX_; i++) {
                const char *id = note_message_id((enum note_id)i);

                ck_assert_uint_eq(strlen(id), 32);
                ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
                for (unsigned k = 0; k < i; k++)
                        ck_assert_str_ne(id, note_message_id((enum note_id)k));
        }
}
END_TEST

START_TEST(priorities) {
        for (unsigned i = NOTE_NONE + 1; i < NOTE_MAX_; i++) {
                ck_assert_int_ge(note_priority((enum note_id)i), 3);
                ck_assert_int_le(note_priority((enum note_id)i), 6);
        }
        ck_assert_int_eq(note_priority(NOTE_HOST_LOST), 3);
        ck_assert_int_eq(note_priority(NOTE_GUEST_BLOCKED), 3);
        ck_assert_int_eq(note_priority(NOTE_FENCE_WAIT), 3);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("note");
        TCase *tc = unit_case(s, "notes");

        tcase_add_test(tc, names_are_stable_and_unique);
        tcase_add_test(tc, message_ids_are_unique);
        tcase_add_test(tc, priorities);
        return s;
}

UNIT_MAIN(suite)
