/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ctl guest */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/ctl/order.h"
#include "hawd/ctl/steps.h"
#include "tests/unit/unit.h"

static struct objects now, want;
static struct changes changes;
static struct steps steps;
static char out[8192];

static void setup(void) {
        now = want = (struct objects){0};
        changes = (struct changes){0};
        steps = (struct steps){0};
        out[0] = '\0';
}

static void teardown(void) {
        steps_clear(&steps);
        changes_clear(&changes);
        objects_clear(&now);
        objects_clear(&want);
}

static void read_text(const char *text, struct objects *o) {
        struct conf_errors errors = {0};
        struct conf_file *file = objects_read(text, o);

        ck_assert_msg(conf_file_errors(file, "f", &errors) == 0, "%s",
                      errors.n ? errors.lines[0] : "");
        conf_file_free(file);
}

static void put(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void put(const char *fmt, ...) {
        size_t n = strlen(out);
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(out + n, sizeof(out) - n, fmt, ap);
        va_end(ap);
}

/* The difference as text: "+a; ~b priority=1>2; -c; " */
static const char *differ(const char *old, const char *fresh, bool prune) {
        read_text(old, &now);
        read_text(fresh, &want);
        diff_objects(&now, &want, prune, &changes);
        for (size_t i = 0; i < changes.n; i++) {
                const struct change *c = &changes.list[i];
                const struct conf_section *s = object_section(change_object(c)->kind);

                put("%c%s", "+~-"[c->kind], change_object(c) -> name);
                for (size_t k = 0; k < s->n_keys; k++)
                        if (c->keys & UINT64_C(1) << k)
                                put(" %s=%s>%s", s->keys[k].name,
                                    c->now && c->now->values[k] ? c->now->values[k] : "",
                                    change_value(c, k));
                put("; ");
        }
        return out;
}

static const struct {
        const char *now, *want;
        bool prune;
        const char *diff;
} rows[] = {
        {"", "", true, ""},
        {"[guest a]\npriority=1\n", "[guest a]\npriority=1\n", true, ""},
        {"[guest a]\npriority=1\n", "[guest a]\n", true, ""}, /* not said: stays */
        {"[guest a]\npriority=1\n", "", false, ""},
        {"[guest a]\npriority=1\n", "", true, "-a; "},
        {"", "[guest a]\npriority=1\n", false, "+a priority=>1; "},
        {"[guest a]\npriority=1\nafter=b\n", "[guest a]\npriority=2\nafter=\n", false,
         "~a priority=1>2 after=b>; "},
        {"[guest a]\nstop-timeout=60s\n", "[guest a]\nstop-timeout=1min\n", false, ""},
        {"[guest a]\nafter=b c\n", "[guest a]\nafter=c\nafter=b\n", false, ""},
        {"[guest a]\n[guest c]\n[rule a]\nkind=avoid\n", "[guest b]\n[guest c]\n", true,
         "-a; +b; -a; "},
        {"[rule r]\nkind=avoid\nguests=a\nhosts=n\n", "[rule r]\nkind=together\nguests=a b\n",
         false, "~r kind=avoid>together guests=a>a b hosts=n>; "},
        {"[rule r]\nkind=avoid\nguests=a\nhosts=n\n", "[rule r]\nstrict=yes\n", false,
         "~r strict=>yes; "},
};

START_TEST(only_what_differs) {
        ck_assert_str_eq(differ(rows[_i].now, rows[_i].want, rows[_i].prune), rows[_i].diff);
}
END_TEST

/* The steps as text: "stop b, wait, create a" */
static const char *stepped(const char *old, const char *fresh, bool ending) {
        (void)differ(old, fresh, true);
        out[0] = '\0';
        steps_of(&changes, ending, &steps);
        for (size_t i = 0; i < steps.n; i++)
                put("%s%s%s%s", i ? ", " : "", step_doing(steps.list[i].kind),
                    steps.list[i].change ? " " : "",
                    steps.list[i].change ? change_object(steps.list[i].change)->name : "");
        return out;
}

static const struct {
        const char *now, *want;
        bool ending;
        const char *steps;
} plans[] = {
        {"", "", true, ""},
        /* 1 rules, 4 guests made: those first for which others wait, else by name */
        {"", "[guest a]\nafter=z\n[guest b]\n[guest z]\nafter=m\n[guest m]\n[rule r]\nkind=avoid\n",
         false, "set r, create b, create m, create z, create a"},
        /* what goes is gone before what comes; rules go last */
        {"[guest a]\n[guest b]\ndesired=running\n[rule q]\nkind=avoid\n",
         "[guest b]\ndesired=stopped\n[guest c]\n[rule r]\nkind=avoid\n", false,
         "set r, stop b, delete a, wait, create c, delete q"},
        {"[guest a]\n", "", false, "delete a"},
        {"", "[guest a]\n", true, "wait, create a"},
        /* 2 settings before the wish */
        {"[guest a]\ndesired=running\npriority=1\n", "[guest a]\ndesired=stopped\npriority=2\n",
         false, "change a, stop a"},
        {"[guest a]\ndesired=stopped\n", "[guest a]\ndesired=running\n", false, "start a"},
        {"[guest a]\ndesired=paused\n", "[guest a]\ndesired=running\n", false, "start a"},
        {"[guest a]\ndesired=running\n", "[guest a]\ndesired=ignored\n", false, "ignore a"},
        /* 6 only what runs is paused */
        {"[guest a]\ndesired=running\n", "[guest a]\ndesired=paused\n", false, "wait, pause a"},
        {"[guest a]\ndesired=stopped\n", "[guest a]\ndesired=paused\n", false,
         "start a, wait, pause a"},
        {"", "[guest a]\ndesired=paused\n", false, "create a"},
        /* a circle does not keep the rest from being made */
        {"", "[guest a]\nafter=b\n[guest b]\nafter=a\n[guest c]\n", false,
         "create c, create a, create b"},
};

START_TEST(in_this_order) {
        ck_assert_str_eq(stepped(plans[_i].now, plans[_i].want, plans[_i].ending), plans[_i].steps);
}
END_TEST

static void take_line(void *ud, char sign, const char *line, size_t len) {
        (void)ud;
        put("%c%.*s|", sign, (int)len, line);
}

static const struct {
        const char *old, *fresh;
        size_t around;
        const char *diff;
} texts[] = {
        {"a\nb\nc", "a\nb\nc", 1, ""},
        {"a\nb\nc", "a\nx\nc", 0, "-b|+x|"},
        {"a\nb\nc", "a\nx\nc", 1, " a|-b|+x| c|"},
        {"", "a\nb", 1, "+a|+b|"},
        {"a\nb", "", 1, "-a|-b|"},
        {"1\n2\n3\n4\n5\n6\n7", "1\n3\n4\n5\nx\n6\n7", 1, " 1|-2| 3| 5|+x| 6|"},
        {"a\na\na", "a\na", 0, "-a|"},
        {"a\nb\nc\nd", "d\na\nb\nc", 0, "+d|-d|"},
};

START_TEST(lines_that_differ) {
        diff_lines(texts[_i].old, texts[_i].fresh, texts[_i].around, take_line, NULL);
        ck_assert_str_eq(out, texts[_i].diff);
}
END_TEST

static size_t n_lines[2];

static void count_line(void *ud, char sign, const char *line, size_t len) {
        (void)ud;
        (void)line;
        (void)len;
        n_lines[sign == '+']++;
}

/* Too much for the table: all of one is taken out, all of the other put in. */
START_TEST(large_texts_differ_as_a_whole) {
        size_t n = 20000;
        char *a = xcalloc(n + 1, 4), *b = xcalloc(n + 1, 4);

        for (size_t i = 0; i < n; i++) {
                memcpy(a + 2 * i, i % 2 ? "x\n" : "y\n", 2);
                memcpy(b + 2 * i, i % 3 ? "p\n" : "q\n", 2);
        }
        diff_lines(a, b, 1, count_line, NULL);
        ck_assert_uint_eq(n_lines[0], n);
        ck_assert_uint_eq(n_lines[1], n);
        free(a);
        free(b);
}
END_TEST

START_TEST(ranks_and_circles) {
        struct order_node nodes[] = {
                {.name = "a", .after = "b nobody"}, {.name = "b", .after = ""},
                {.name = "c", .after = "d"},        {.name = "d", .after = "c a"},
                {.name = "e", .after = "c"},        {.name = "f", .after = "f"},
        };

        order_nodes(nodes, ARRAY_SIZE(nodes));
        ck_assert_uint_eq(nodes[0].rank, 1);
        ck_assert_uint_eq(nodes[1].rank, 0);
        ck_assert(!nodes[0].in_circle && !nodes[1].in_circle);
        ck_assert(nodes[2].in_circle && nodes[3].in_circle && nodes[5].in_circle);
        ck_assert(!nodes[4].in_circle); /* behind a circle */
        order_nodes(nodes, 0);
}
END_TEST

START_TEST(who_is_asked) {
        for (enum step_kind kind = 0; kind < STEP_KINDS; kind++)
                ck_assert_int_eq(step_ends(kind), kind == STEP_GUEST_STOP ||
                                                          kind == STEP_GUEST_DELETE ||
                                                          kind == STEP_RULE_DELETE);
}
END_TEST

static Suite *diff_suite(void) {
        Suite *s = suite_create("diff");
        TCase *tc = unit_case(s, "diff");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, only_what_differs, 0, (int)ARRAY_SIZE(rows));
        tcase_add_loop_test(tc, in_this_order, 0, (int)ARRAY_SIZE(plans));
        tcase_add_loop_test(tc, lines_that_differ, 0, (int)ARRAY_SIZE(texts));
        tcase_add_test(tc, large_texts_differ_as_a_whole);
        tcase_add_test(tc, ranks_and_circles);
        tcase_add_test(tc, who_is_asked);
        return s;
}

UNIT_MAIN(diff_suite)
