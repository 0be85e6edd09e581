/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: runner */
/*
 * What hawd-fence's one line is taken for (S2, S3): off is only what was read off.
 */
#include "hawd/runner/runner.h"
#include "hawd/runner/sensors.h"
#include "tests/unit/unit.h"

static const struct {
        const char *line;
        enum fence_action action;
        enum power_reading reading;
        bool switched;
        const char *text;
} rows[] = {
        {"{\"result\":\"on\",\"reads\":1}", FENCE_ACT_STATUS, READING_ON, false, ""},
        {"{\"result\":\"off\",\"reads\":1}", FENCE_ACT_STATUS, READING_OFF, false, ""},
        {"{\"result\":\"off\",\"reads\":2,\"switched\":true}", FENCE_ACT_OFF, READING_OFF, true,
         ""},
        {"{\"result\":\"off\",\"reads\":3,\"switched\":false,\"message\":\"was off\"}",
         FENCE_ACT_OFF, READING_OFF, false, "was off"},
        /* Once is not proof; without the number it is none either. */
        {"{\"result\":\"off\",\"reads\":1,\"switched\":true}", FENCE_ACT_OFF, READING_NONE, true,
         ""},
        {"{\"result\":\"off\"}", FENCE_ACT_OFF, READING_NONE, false, ""},
        {"{\"result\":\"off\",\"reads\":\"2\"}", FENCE_ACT_OFF, READING_NONE, false, ""},
        {"{\"result\":\"on\",\"reads\":2,\"switched\":true}", FENCE_ACT_OFF, READING_ON, true, ""},
        {"{\"result\":\"on\",\"reads\":1,\"switched\":true}", FENCE_ACT_ON, READING_ON, true, ""},
        {"{\"result\":\"unknown\",\"reads\":2,\"message\":\"no answer\"}", FENCE_ACT_OFF,
         READING_NONE, false, "no answer"},
        {"{\"result\":\"OFF\",\"reads\":2}", FENCE_ACT_OFF, READING_NONE, false, ""},
        {"{\"result\":\"\",\"reads\":2,\"switched\":1,\"message\":7}", FENCE_ACT_OFF, READING_NONE,
         false, ""},
};

START_TEST(row) {
        struct runner_said said = {
                .reading = READING_MAX_, .switched = !rows[_i].switched, .text = "?", .guid = "?"};

        ck_assert_int_eq(runner_parse(rows[_i].line, rows[_i].action, &said), 0);
        ck_assert_int_eq(said.reading, rows[_i].reading);
        ck_assert_int_eq(said.switched, rows[_i].switched);
        ck_assert_str_eq(said.text, rows[_i].text);
        ck_assert_str_eq(said.guid, "");
}
END_TEST

START_TEST(guid) {
#define GUID "4c4c4544-0031-3510-8052-b4c04f4a3732"
        struct runner_said said;

        ck_assert_int_eq(
                runner_parse("{\"result\":\"on\",\"guid\":\"" GUID "\"}", FENCE_ACT_STATUS, &said),
                0);
        ck_assert_str_eq(said.guid, GUID);
        ck_assert_int_eq(runner_parse("{\"result\":\"on\",\"guid\":\"" GUID "-and-more\"}",
                                      FENCE_ACT_STATUS, &said),
                         0);
        ck_assert_str_eq(said.guid, "");
}
END_TEST

static const char *const bad[] = {
        "",
        "off",
        "[]",
        "null",
        "{}",
        "{\"result\":1}",
        "{\"result\":\"off\"",
        "{\"result\":\"on\",\"result\":\"off\",\"reads\":2}",
        "{\"result\":\"off\",\"reads\":2} and more",
        "Segmentation fault",
};

START_TEST(no_such_line) {
        struct runner_said said = {.reading = READING_MAX_, .text = "?"};

        ck_assert_int_eq(runner_parse(bad[_i], FENCE_ACT_OFF, &said), -EBADMSG);
        ck_assert_int_eq(said.reading, READING_MAX_);
        ck_assert_str_eq(said.text, "?");
}
END_TEST

static const struct {
        const char *line;
        enum measured said;
        const char *text;
} looks[] = {
        {"{\"result\":\"unknown\",\"message\":\"\",\"sensors\":\"good\"}", MEASURED_GOOD, ""},
        {"{\"message\":\"CPU is critical: 92 C\",\"sensors\":\"critical\"}", MEASURED_BAD,
         "CPU is critical: 92 C"},
        {"{\"message\":\"no answer\",\"sensors\":\"unknown\"}", MEASURED_NOT, "no answer"},
        {"{\"result\":\"on\",\"message\":\"\"}", MEASURED_NOT, ""},
        {"{\"sensors\":1}", MEASURED_NOT, ""},
        {"{\"sensors\":\"critical\"", MEASURED_NOT, ""}, /* cut */
        {"", MEASURED_NOT, ""},
};

START_TEST(sensors_say_good_critical_or_nothing) {
        char text[ILL_TEXT];

        ck_assert_int_eq(sensors_parse(looks[_i].line, text), looks[_i].said);
        ck_assert_str_eq(text, looks[_i].text);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("runner_parse");
        TCase *tc = unit_case(s, "lines");

        tcase_add_loop_test(tc, row, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, guid);
        tcase_add_loop_test(tc, no_such_line, 0, (int)ARRAY_SIZE(bad));
        tcase_add_loop_test(tc, sensors_say_good_critical_or_nothing, 0, (int)ARRAY_SIZE(looks));
        return s;
}

UNIT_MAIN(suite)
