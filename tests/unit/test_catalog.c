/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The message catalog speaks of notes that exist, and of all that need somebody's attention. */
#include <stdio.h>

#include "hawd/core/note.h"
#include "tests/unit/unit.h"

static bool in_catalog(const char *message_id) {
        FILE *f = fopen("systemd/hawd.catalog", "re");
        char line[256];
        bool found = false;

        ck_assert_msg(f != NULL, "run from the top of the tree");
        while (fgets(line, sizeof(line), f))
                found |= strncmp(line, "-- ", 3) == 0 && strncmp(line + 3, message_id, 32) == 0;
        fclose(f);
        return found;
}

START_TEST(every_error_has_its_entry) {
        for (int i = NOTE_NONE + 1; i < NOTE_MAX_; i++)
                if (note_priority((enum note_id)i) <= 3)
                        ck_assert_msg(in_catalog(note_message_id((enum note_id)i)), "%s is missing",
                                      note_name((enum note_id)i));
}
END_TEST

START_TEST(every_entry_is_of_a_note) {
        FILE *f = fopen("systemd/hawd.catalog", "re");
        char line[256];

        ck_assert(f != NULL);
        while (fgets(line, sizeof(line), f)) {
                bool known = strncmp(line, "-- ", 3) != 0;

                for (int i = NOTE_NONE + 1; i < NOTE_MAX_ && !known; i++)
                        known = strncmp(line + 3, note_message_id((enum note_id)i), 32) == 0;
                ck_assert_msg(known, "no note has %s", line);
        }
        fclose(f);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("catalog");
        TCase *tc = tcase_create("entries");

        tcase_add_test(tc, every_error_has_its_entry);
        tcase_add_test(tc, every_entry_is_of_a_note);
        suite_add_tcase(s, tc);
        return s;
}

UNIT_MAIN(suite)
