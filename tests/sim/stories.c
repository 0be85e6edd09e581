/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>

#include "hawd/sim/scenario.h"
#include "tests/sim/stories.h"

struct story {
        const char *path;
        json_t *result; /* NULL: no JSON came */
        int status;
        size_t passed, failed;
};

static const char *text_of(const json_t *o, const char *key) {
        const char *s = json_string_value(json_object_get(o, key));

        return s ? s : "";
}

/* The index of the first event at or behind @from that is @event of @name (a host or guest). */
static size_t find_event(const struct story *st, const char *event, const char *name, size_t from) {
        const json_t *all = json_object_get(st->result, "timeline");

        for (size_t i = from; i < json_array_size(all); i++) {
                const json_t *e = json_array_get(all, i);

                if (strcmp(text_of(e, "event"), event) == 0 &&
                    (!name[0] || strcmp(text_of(e, "host"), name) == 0 ||
                     strcmp(text_of(e, "guest"), name) == 0))
                        return i;
        }
        return SIZE_MAX;
}

static int64_t time_of(const struct story *st, size_t i) {
        return json_integer_value(json_object_get(
                json_array_get(json_object_get(st->result, "timeline"), i), "t_ms"));
}

/* "event name" at the start of *@s, up to a comma. */
static void take_event(char **s, const char **event, const char **name) {
        static char words[2][128];
        char *part = strsep(s, ",");
        static int turn;

        turn = !turn;
        text_set(words[turn], sizeof(words[turn]), part + strspn(part, " "));
        *event = words[turn];
        *name = "";
        for (char *p = words[turn]; *p; p++) {
                if (*p != ' ')
                        continue;
                *p = '\0';
                if (p[1])
                        *name = p + 1;
        }
}

static bool holds_order(const struct story *st, char *rest) {
        size_t at = 0;

        while (rest) {
                const char *event, *name;

                take_event(&rest, &event, &name);
                at = find_event(st, event, name, at);
                if (at == SIZE_MAX)
                        return false;
        }
        return true;
}

static bool holds_within(const struct story *st, char *rest) {
        long ms = strtol(rest, &rest, 10);
        const char *event, *name;
        size_t a, b;

        take_event(&rest, &event, &name);
        a = find_event(st, event, name, 0);
        if (a == SIZE_MAX || !rest)
                return false;
        take_event(&rest, &event, &name);
        b = find_event(st, event, name, a);
        return b != SIZE_MAX && time_of(st, b) - time_of(st, a) <= ms;
}

static bool holds_says(const struct story *st, char *rest) {
        const char *event, *name;
        char *head = strsep(&rest, ":");

        if (!rest)
                return false;
        rest += strspn(rest, " ");
        take_event(&head, &event, &name);
        for (size_t i = 0; (i = find_event(st, event, name, i)) != SIZE_MAX; i++)
                if (strstr(text_of(json_array_get(json_object_get(st->result, "timeline"), i),
                                   "why"),
                           rest))
                        return true;
        return false;
}

static bool holds_state(const struct story *st, const char *kind, char *rest) {
        char *name = strsep(&rest, " "), *key;
        const json_t *o = json_object_get(json_object_get(st->result, kind), name);

        if (!o)
                return false;
        while ((key = strsep(&rest, " ")) && rest) {
                char *value = strsep(&rest, " ");

                if (strcmp(key, "starts") == 0) {
                        if (json_array_size(json_object_get(o, "starts")) !=
                            strtoul(value, NULL, 10))
                                return false;
                } else if (json_is_integer(json_object_get(o, key))) {
                        if (json_integer_value(json_object_get(o, key)) != strtol(value, NULL, 10))
                                return false;
                } else if (strcmp(text_of(o, key), value) != 0) {
                        return false;
                }
        }
        return true;
}

static bool holds_reason(const struct story *st, char *rest) {
        const char *name = strsep(&rest, ":");
        const json_t *o = json_object_get(json_object_get(st->result, "guests"), name);

        return rest && strstr(text_of(o, "reason"), rest + strspn(rest, " "));
}

static bool starts_with(char **line, const char *word) {
        size_t n = strlen(word);

        if (strncmp(*line, word, n) != 0)
                return false;
        *line += n;
        return true;
}

static bool holds(const struct story *st, char *line) {
        const char *event, *name;

        if (starts_with(&line, "exit "))
                return st->status == atoi(line);
        if (!st->result)
                return false;
        if (starts_with(&line, "event ")) {
                take_event(&line, &event, &name);
                return find_event(st, event, name, 0) != SIZE_MAX;
        }
        if (starts_with(&line, "no event ")) {
                take_event(&line, &event, &name);
                return find_event(st, event, name, 0) == SIZE_MAX;
        }
        if (starts_with(&line, "order "))
                return holds_order(st, line);
        if (starts_with(&line, "within "))
                return holds_within(st, line);
        if (starts_with(&line, "says "))
                return holds_says(st, line);
        if (starts_with(&line, "guest "))
                return holds_state(st, "guests", line);
        if (starts_with(&line, "host "))
                return holds_state(st, "hosts", line);
        if (starts_with(&line, "reason "))
                return holds_reason(st, line);
        return false;
}

static void expect_all(struct story *st) {
        FILE *f = fopen(st->path, "re");
        char line[512], copy[512];

        while (f && fgets(line, sizeof(line), f)) {
                line[strcspn(line, "\n")] = '\0';
                if (strncmp(line, ";expect ", 8) != 0)
                        continue;
                text_set(copy, sizeof(copy), line + 8);
                if (holds(st, copy)) {
                        st->passed++;
                        continue;
                }
                st->failed++;
                (void)printf("%s: does not hold: %s\n", st->path, line + 8);
        }
        if (f)
                (void)fclose(f); /* read only */
}

static void run_story(struct story *st) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                abort();
        st->status = simulate_main(st->path, true, out);
        (void)fclose(out); /* memory only */
        st->result = json_loads(text, 0, NULL);
        expect_all(st);
        if (st->failed) {
                (void)printf("%s ended with %d:\n", st->path, st->status);
                (void)simulate_main(st->path, false, stdout);
        } else if (st->passed == 0) {
                (void)printf("%s expects nothing\n", st->path);
                st->failed++;
        }
        json_decref(st->result);
        free(text);
}

static int is_ini(const struct dirent *d) {
        size_t n = strlen(d->d_name);

        return n > 4 && strcmp(d->d_name + n - 4, ".ini") == 0;
}

size_t stories_run(const char *dir, size_t *failed) {
        struct dirent **list = NULL;
        int n = scandir(dir, &list, is_ini, alphasort);
        size_t passed = 0;

        if (n <= 0) {
                (void)printf("%s: no stories there\n", dir);
                (*failed)++;
        }
        for (int i = 0; i < n; i++) {
                char path[512];
                struct story st = {.path = path};

                text_fmt(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
                run_story(&st);
                passed += st.passed;
                *failed += st.failed;
                free(list[i]);
        }
        free(list);
        return passed;
}
