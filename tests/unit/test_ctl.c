/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ctl guest */
#include <time.h>
#include <unistd.h>

#include "hawd/ctl/args.h"
#include "hawd/ctl/text.h"
#include "tests/unit/unit.h"

#define WORDS_MAX 16

static struct ctl_line line;
static char err[2 * TEXT_LEN];

/* @text: the command line, words parted by one blank */
static int parse(const char *text) {
        static char copy[512], name[] = "hawctl";
        char *argv[WORDS_MAX + 1] = {name}, *save = NULL;
        int argc = 1;

        text_set(copy, sizeof(copy), text);
        for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
                argv[argc++] = w;
        err[0] = '\0';
        return args_parse(argc, argv, &line, err);
}

START_TEST(good_lines) {
        ck_assert_int_eq(parse("status"), CTL_DONE);
        ck_assert_str_eq(line.noun->name, "status");
        ck_assert_ptr_nonnull(line.verb);
        ck_assert_int_eq(parse("guest add web --host node1 --set a=b --set=c=d --json"), CTL_DONE);
        ck_assert(line.json);
        ck_assert_str_eq(line.verb->name, "add");
        ck_assert_str_eq(line.args.words[0], "web");
        ck_assert_str_eq(args_get(&line.args, "host"), "node1");
        ck_assert_str_eq(args_get(&line.args, "set"), "c=d");
        ck_assert_uint_eq(line.args.n_options, 3);
        ck_assert(!args_has(&line.args, "after"));
        ck_assert_int_eq(parse("--socket /x guest set web priority=3 after=a,b"), CTL_DONE);
        ck_assert_str_eq(line.socket, "/x");
        ck_assert_uint_eq(line.args.n_words, 3);
        ck_assert_int_eq(parse("fence confirm --yes node3"), CTL_DONE);
        ck_assert(args_has(&line.args, "yes"));
        ck_assert_int_eq(parse("guest show -- --odd"), CTL_DONE);
        ck_assert_str_eq(line.args.words[0], "--odd");
        ck_assert_int_eq(parse("guest create - --stopped"), CTL_DONE);
        ck_assert_str_eq(line.args.words[0], "-");
}
END_TEST

START_TEST(help_goes_as_far_as_the_line) {
        ck_assert_int_eq(parse("--help"), CTL_DONE);
        ck_assert_ptr_null(line.noun);
        ck_assert_int_eq(parse("guest --help"), CTL_DONE);
        ck_assert_ptr_nonnull(line.noun);
        ck_assert_ptr_null(line.verb);
        ck_assert_int_eq(parse("guest move -h"), CTL_DONE);
        ck_assert_str_eq(line.verb->name, "move");
        ck_assert_int_eq(parse("--version"), CTL_DONE);
        ck_assert(line.version);
}
END_TEST

static const struct {
        const char *line, *err;
} bad[] = {
        {"", "say what to do; see hawctl --help"},
        {"gest list", "there is no command 'gest'; do you mean 'guest'?"},
        {"frobnicate", "there is no command 'frobnicate'; see hawctl --help"},
        {"guest", "'guest' needs a verb; see hawctl guest --help"},
        {"guest strat web", "there is no guest command 'strat'; do you mean 'start'?"},
        {"guest rem web", "there is no guest command 'rem'; do you mean 'remove'?"},
        {"guest migrate web", "there is no guest command 'migrate'; see hawctl guest --help"},
        {"guest move web", "something is missing: hawctl guest move NAME HOST"},
        {"status now", "'now' is too much: hawctl status "},
        {"guest stop web --nowait", "there is no option '--nowait'; do you mean '--no-wait'?"},
        {"guest stop web --no-wait=1", "--no-wait takes no value"},
        {"guest stop web --timeout", "--timeout needs a value: TIME"},
        {"status --socket", "--socket needs a path"},
        {"--colour status", "there is no option '--colour'; see hawctl --help"},
};

START_TEST(bad_lines_say_what_was_meant) {
        ck_assert_int_eq(parse(bad[_i].line), CTL_USAGE);
        ck_assert_str_eq(err, bad[_i].err);
}
END_TEST

START_TEST(every_verb_can_be_helped) {
        FILE *null = fopen("/dev/null", "w");

        for (size_t i = 0; ctl_nouns[i]; i++) {
                args_help(null, ctl_nouns[i], NULL);
                for (size_t v = 0; v < ctl_nouns[i]->n_verbs; v++) {
                        const struct ctl_verb *verb = &ctl_nouns[i]->verbs[v];

                        args_help(null, ctl_nouns[i], verb);
                        ck_assert_ptr_nonnull(verb->run);
                        ck_assert_ptr_nonnull(verb->help);
                        ck_assert_ptr_nonnull(verb->args);
                        ck_assert_uint_le(verb->min_words, verb->max_words);
                        ck_assert_uint_le(verb->max_words, CTL_WORDS_MAX);
                }
        }
        fclose(null);
}
END_TEST

START_TEST(nearest_words) {
        static const char *const names[] = {"start", "stop", "status", NULL};

        ck_assert_str_eq(ctl_nearest("stpo", names), "stop");
        ck_assert_str_eq(ctl_nearest("statsu", names), "status");
        ck_assert_str_eq(ctl_nearest("stat", names), "status");
        ck_assert_ptr_null(ctl_nearest("delete", names));
        ck_assert_ptr_null(ctl_nearest("", names));
}
END_TEST

static const struct {
        long long ms;
        const char *text, *brief;
} spans[] = {
        {-5, "0 s", "0.0 s"},
        {1234, "1 s", "1.2 s"},
        {61000, "1 min 1 s", "1 min 1 s"},
        {3600000, "1 h 0 min", "1 h 0 min"},
        {90061000, "1 d 1 h", "1 d 1 h"},
};

START_TEST(spans_are_readable) {
        char buf[NAME_LEN];

        span(spans[_i].ms, buf, sizeof(buf));
        ck_assert_str_eq(buf, spans[_i].text);
        span_short(spans[_i].ms, buf, sizeof(buf));
        ck_assert_str_eq(buf, spans[_i].brief);
}
END_TEST

START_TEST(times_can_be_given) {
        char e[TEXT_LEN] = "";
        usec_t t;

        setenv("TZ", "UTC", 1);
        tzset();
        ck_assert_int_eq(time_from("2026-01-31 12:00", &t, e), 0);
        ck_assert_uint_eq(t, 1769860800 * USEC_PER_SEC);
        ck_assert_int_eq(time_from("2026-01-31", &t, e), 0);
        ck_assert_uint_eq(t, 1769817600 * USEC_PER_SEC);
        ck_assert_int_eq(time_from("1h", &t, e), 0);
        ck_assert_uint_le(t, (usec_t)wall_now() - 3599 * USEC_PER_SEC);
        ck_assert_int_eq(time_from("yesterday", &t, e), -EINVAL);
        ck_assert_ptr_nonnull(strstr(e, "'yesterday' is no time"));
}
END_TEST

START_TEST(lists) {
        json_t *words = ctl_words(" a,b  c,");
        char buf[8];

        ck_assert_uint_eq(json_array_size(words), 3);
        join(words, buf, sizeof(buf));
        ck_assert_str_eq(buf, "a, b, c");
        join(words, buf, 4);
        ck_assert_str_eq(buf, "a, ");
        json_array_clear(words);
        join(words, buf, sizeof(buf));
        ck_assert_str_eq(buf, "-");
        json_decref(words);
}
END_TEST

static const struct {
        const char *text;
        size_t width;
        const char *lines;
} wraps[] = {
        {"waits for node3 to be proven off", 40, "waits for node3 to be proven off"},
        {"waits for node3 to be proven off", 32, "waits for node3 to be proven off"},
        {"waits for node3 to be proven off", 31, "waits for node3 to be proven\noff"},
        {"waits for node3 to be proven off", 9, "waits for\nnode3 to\nbe proven\noff"},
        {"a-word-that-is-too-long for it", 9, "a-word-that-is-too-long\nfor it"},
        {"one\ntwo three", 9, "one\ntwo three"},
        {"a b c", 0, "a\nb\nc"},
        {"", 9, ""},
        {"   ", 1, " \n "},
};

START_TEST(words_are_kept_whole) {
        char text[TEXT_LEN];

        text_set(text, sizeof(text), wraps[_i].text);
        wrap_words(text, wraps[_i].width);
        ck_assert_str_eq(text, wraps[_i].lines);
}
END_TEST

START_TEST(colours_only_where_they_are_wanted) {
        struct ctl plain = {0}, vivid = {.color = true};

        ck_assert_str_eq(color_on(&plain, COLOR_BAD), "");
        ck_assert_str_eq(color_off(&plain), "");
        ck_assert_str_ne(color_on(&vivid, COLOR_BAD), "");
        ck_assert_int_eq(state_color("lost"), COLOR_BAD);
        ck_assert_int_eq(state_color("unheard of"), COLOR_NONE);
}
END_TEST

static Suite *ctl_suite(void) {
        Suite *s = suite_create("ctl");
        TCase *tc = unit_case(s, "ctl");

        tcase_add_test(tc, good_lines);
        tcase_add_test(tc, help_goes_as_far_as_the_line);
        tcase_add_loop_test(tc, bad_lines_say_what_was_meant, 0, (int)ARRAY_SIZE(bad));
        tcase_add_test(tc, every_verb_can_be_helped);
        tcase_add_test(tc, nearest_words);
        tcase_add_loop_test(tc, spans_are_readable, 0, (int)ARRAY_SIZE(spans));
        tcase_add_test(tc, times_can_be_given);
        tcase_add_test(tc, lists);
        tcase_add_loop_test(tc, words_are_kept_whole, 0, (int)ARRAY_SIZE(wraps));
        tcase_add_test(tc, colours_only_where_they_are_wanted);
        return s;
}

UNIT_MAIN(ctl_suite)
