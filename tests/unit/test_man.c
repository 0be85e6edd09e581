/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The manual pages against the tables of the programs. tests/man/run has what the programs print.
 */
#include <stdio.h>

#include "hawd/base/conf_keys.h"
#include "hawd/core/model.h"
#include "hawd/core/note.h"
#include "tests/unit/unit.h"

static char page[65536];

/* The page as text that is easily searched: "\-" is "-", and fonts and requests stay. */
static void load(const char *path) {
        FILE *f = fopen(path, "re");
        size_t n, k = 0;

        ck_assert_msg(f != NULL, "%s: run from the top of the tree", path);
        n = fread(page, 1, sizeof(page) - 1, f);
        ck_assert_msg(n < sizeof(page) - 1, "%s is too long for this test", path);
        fclose(f);
        for (size_t i = 0; i < n; i++)
                if (page[i] != '\\' || page[i + 1] != '-')
                        page[k++] = page[i];
        page[k] = '\0';
}

static bool is_name(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Does @name stand in the page as a word of its own? */
static bool has_word(const char *name) {
        for (const char *p = page; (p = strstr(p, name)); p++)
                if ((p == page || !is_name(p[-1])) && !is_name(p[strlen(name)]))
                        return true;
        return false;
}

/* "[fence NAME]" from its heading up to the next one. Return: where the page goes on. */
static char *section_text(const struct conf_section *s, char **ret_end) {
        char heading[NAME_LEN], *text, *end;

        text_fmt(heading, sizeof(heading), "\n.SH [%s%s]\n", s->name, s->named ? " NAME" : "");
        text = strstr(page, heading);
        ck_assert_msg(text != NULL, "hawd.conf.5 has no section [%s]", s->name);
        text += strlen(heading);
        end = strstr(text, "\n.SH ");
        ck_assert_ptr_nonnull(end);
        *ret_end = end;
        return text;
}

/* `.BR key " = \fItime\fR (1s; 100ms to 1min)"` */
static void check_line(const struct conf_section *s, const char *line) {
        char name[NAME_LEN], def[NAME_LEN], *open;
        char copy[TEXT_LEN];
        const struct conf_key *key;

        text_fmt(copy, sizeof(copy), "%.*s", (int)strcspn(line, "\n"), line);
        ck_assert_int_eq(sscanf(copy, ".BR %63[a-z-] \" = ", name), 1);
        key = conf_key_find(s, name);
        ck_assert_msg(key != NULL, "hawd.conf.5: [%s] has no key %s", s->name, name);
        open = strrchr(copy, '(');
        ck_assert_msg(open != NULL, "hawd.conf.5: %s has no default", name);
        text_fmt(def, sizeof(def), "%.*s", (int)strcspn(open + 1, ";)"), open + 1);
        if (key->def)
                ck_assert_str_eq(def, key->def);
        else
                ck_assert_msg(strcmp(def, "none") == 0 || strcmp(def, "needed") == 0,
                              "hawd.conf.5: %s has no default (%s)", name, def);
        for (const struct conf_word *w = key->words; w && w->name; w++)
                ck_assert_msg(strstr(copy, w->name) != NULL, "hawd.conf.5: %s = %s is missing",
                              name, w->name);
}

START_TEST(every_key_and_no_other) {
        static const char mark[] = " \" = ";

        load("man/hawd.conf.5");
        for (size_t i = 0; i < CONF_SECTIONS; i++) {
                const struct conf_section *s = &conf_sections[i];
                char *end, *text = section_text(s, &end);
                size_t n = 0;

                *end = '\0';
                for (char *p = text; (p = strstr(p, "\n.BR ")); p++) {
                        const char *nl = strchr(p + 1, '\n'), *m = strstr(p, mark);

                        if (!m || (nl && m > nl) || !is_name(p[5]))
                                continue;
                        check_line(s, p + 1);
                        n++;
                }
                ck_assert_msg(n == s->n_keys, "hawd.conf.5: [%s] has %zu keys, not %zu", s->name,
                              s->n_keys, n);
                *end = '\n';
        }
}
END_TEST

START_TEST(every_setting_of_a_guest) {
        const struct conf_section *s = &conf_sections[CONF_GUEST_DEFAULTS];

        load("man/hawctl-guest.1");
        for (size_t i = 0; i < s->n_keys; i++)
                ck_assert_msg(has_word(s->keys[i].name), "hawctl-guest.1: no %s", s->keys[i].name);
}
END_TEST

START_TEST(every_event) {
        load("man/hawd.8");
        for (int i = NOTE_NONE + 1; i < NOTE_MAX_; i++)
                ck_assert_msg(has_word(note_name((enum note_id)i)), "hawd.8: no event %s",
                              note_name((enum note_id)i));
}
END_TEST

/* The table of codes, as it is written: hawd's own names for results are others. */
START_TEST(every_error_code_of_fencing) {
        FILE *f = fopen("fencing/code.c", "re");
        char line[512], name[NAME_LEN];
        int n = 0;

        load("man/hawd-fence.8");
        ck_assert_msg(f != NULL, "run from the top of the tree");
        while (fgets(line, sizeof(line), f)) {
                if (sscanf(line, " [FENCE_%*[A-Z_]] = {\"%63[a-z-]\"", name) != 1)
                        continue;
                ck_assert_msg(has_word(name), "hawd-fence.8: no %s", name);
                n++;
        }
        fclose(f);
        ck_assert_int_gt(n, 10);
}
END_TEST

/* What stands between quotes behind @mark in @path, its words but for H, G and N. */
static int words_of(const char *path, const char *mark) {
        FILE *f = fopen(path, "re");
        char line[512], *save, *p;
        int n = 0;

        ck_assert_msg(f != NULL, "%s: run from the top of the tree", path);
        while (fgets(line, sizeof(line), f)) {
                p = strstr(line, mark);
                if (!p)
                        continue;
                p += strlen(mark);
                p[strcspn(p, "\"")] = '\0';
                for (char *w = strtok_r(p, " ", &save); w; w = strtok_r(NULL, " ", &save), n++)
                        ck_assert_msg(strlen(w) == 1 || has_word(w), "hawctl-simulate.1: no %s", w);
        }
        fclose(f);
        return n;
}

START_TEST(every_key_and_verb_of_a_scenario) {
        load("man/hawctl-simulate.1");
        ck_assert_int_gt(words_of("hawd/sim/scenario_key.c", "strcmp(key, \""), 20);
        ck_assert_int_gt(words_of("hawd/sim/report.c", "set_new(o, \""), 20);
        /* Up to the table of what is not done yet, each row is a verb. */
        ck_assert_int_gt(words_of("hawd/sim/verb.c", "        {\""), 80);
}
END_TEST

/* "method Name(" of the interface, each. */
START_TEST(every_method) {
        FILE *f = fopen("hawd/control/io.hawd.varlink", "re");
        char line[512], name[NAME_LEN];
        int n = 0;

        load("man/hawd-varlink.7");
        ck_assert_msg(f != NULL, "run from the top of the tree");
        while (fgets(line, sizeof(line), f)) {
                if (sscanf(line, "method %63[A-Za-z]", name) != 1 &&
                    sscanf(line, "error %63[A-Za-z]", name) != 1)
                        continue;
                ck_assert_msg(has_word(name), "hawd-varlink.7: no %s", name);
                n++;
        }
        fclose(f);
        ck_assert_int_gt(n, 20);
}
END_TEST

static Suite *man_suite(void) {
        Suite *suite = suite_create("man");
        TCase *tc = unit_case(suite, "man");

        tcase_add_test(tc, every_key_and_no_other);
        tcase_add_test(tc, every_setting_of_a_guest);
        tcase_add_test(tc, every_event);
        tcase_add_test(tc, every_error_code_of_fencing);
        tcase_add_test(tc, every_key_and_verb_of_a_scenario);
        tcase_add_test(tc, every_method);
        return suite;
}

UNIT_MAIN(man_suite)
