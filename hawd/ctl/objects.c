/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/objects.h"

#include <stdio.h>

#include "hawd/core/model.h"

#define LINES_MAX 20000000
#define AFTER_MAX ARRAY_SIZE(((const struct guest_spec *)NULL)->after)
#define INDENT "  "

/* Where a value is put to be checked, and taken from as its canonical text. */
struct scratch {
        struct conf_guest conf; /* first: the keys of [guest-defaults] are used as they are */
        int32_t word;
};

#define WORD .offset = offsetof(struct scratch, word), .size = sizeof(int32_t), .type = CONF_ENUM

static const struct conf_word desired_words[] = {
        {"running", 0}, {"stopped", 1}, {"paused", 2}, {"ignored", 3}, {NULL, 0}};
static const struct conf_word kind_words[] = {{"separate", 0}, {"together", 1}, {"require", 2},
                                              {"prefer", 3},   {"avoid", 4},    {NULL, 0}};
static const struct conf_word yes_words[] = {{"no", 0}, {"yes", 1}, {NULL, 0}};

static const struct conf_key desired_key = {.name = "desired", WORD, .words = desired_words};
static const struct conf_key after_key = {.name = "after", .type = CONF_NAMES};
static const struct conf_key xml_key = {.name = "xml", .type = CONF_BLOCK};

static const struct conf_key rule_keys[] = {
        {.name = "kind", WORD, .words = kind_words},
        {.name = "strict", WORD, .words = yes_words},
        {.name = "guests", .type = CONF_NAMES},
        {.name = "hosts", .type = CONF_NAMES},
};

/* desired, the settings, after, xml */
static const struct conf_key *guest_keys(size_t *ret_n) {
        static struct conf_key keys[OBJECT_KEYS_MAX];
        const struct conf_section *settings = &conf_sections[CONF_GUEST_DEFAULTS];
        size_t n = settings->n_keys;

        if (!keys[0].name) {
                assert(n + 3 <= ARRAY_SIZE(keys));
                keys[0] = desired_key;
                memcpy(keys + 1, settings->keys, n * sizeof(*keys));
                keys[n + 1] = after_key;
                keys[n + 2] = xml_key;
        }
        *ret_n = n + 3;
        return keys;
}

static const struct conf_section *sections(void) {
        static struct conf_section list[OBJECT_KINDS] = {
                [OBJECT_GUEST] = {"guest", true, NULL, 0},
                [OBJECT_RULE] = {"rule", true, rule_keys, ARRAY_SIZE(rule_keys)},
        };

        list[OBJECT_GUEST].keys = guest_keys(&list[OBJECT_GUEST].n_keys);
        return list;
}

const struct conf_section *object_section(enum object_kind kind) {
        return &sections()[kind];
}

size_t object_key(enum object_kind kind, const char *name) {
        const struct conf_section *s = object_section(kind);
        const struct conf_key *key = conf_key_find(s, name);

        assert(key);
        return (size_t)(key - s->keys);
}

const char *object_get(const struct object *o, const char *key) {
        const char *value = o->values[object_key(o->kind, key)];

        return value ? value : "";
}

int object_line(const struct object *o, const char *key) {
        int line = o->lines[object_key(o->kind, key)];

        return line ? line : o->line;
}

bool object_has_bad(const struct object *o, const char *key) {
        return o->bad & UINT64_C(1) << object_key(o->kind, key);
}

void object_set(struct object *o, const char *key, const char *value) {
        size_t i = object_key(o->kind, key);

        free(o->values[i]);
        o->values[i] = xstrdup(value);
}

bool rule_among_guests(const char *kind) {
        return strcmp(kind, "separate") == 0 || strcmp(kind, "together") == 0;
}

struct object *objects_add(struct objects *o, enum object_kind kind, const char *name) {
        struct object *x;

        if (o->n == o->cap) {
                o->cap = 2 * o->cap + 8;
                o->list = xreallocarray(o->list, o->cap, sizeof(*o->list));
        }
        x = &o->list[o->n++];
        *x = (struct object){.kind = kind};
        text_set(x->name, sizeof(x->name), name);
        return x;
}

int object_compare(const struct object *a, const struct object *b) {
        return a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(a->name, b->name);
}

static int compare(const void *a, const void *b) {
        return object_compare(a, b);
}

void objects_sort(struct objects *o) {
        if (o->n > 0)
                qsort(o->list, o->n, sizeof(*o->list), compare);
}

const struct object *objects_find(const struct objects *o, enum object_kind kind,
                                  const char *name) {
        struct object key = {.kind = kind};

        text_set(key.name, sizeof(key.name), name);
        return o->n > 0 ? bsearch(&key, o->list, o->n, sizeof(*o->list), compare) : NULL;
}

void objects_clear(struct objects *o) {
        for (size_t i = 0; i < o->n; i++)
                for (size_t k = 0; k < OBJECT_KEYS_MAX; k++)
                        free(o->list[i].values[k]);
        free(o->list);
        *o = (struct objects){0};
}

/* ---- sets of names ---- */

bool names_next(const char **list, char name[static NAME_LEN]) {
        const char *s = *list + strspn(*list, ", \t");
        size_t len = strcspn(s, ", \t");

        if (len == 0)
                return false;
        /* One that is too long stays so: it is no name. */
        text_fmt(name, NAME_LEN, "%s%.*s", len < NAME_LEN ? "" : "-", (int)MIN(len, NAME_LEN), s);
        *list = s + len;
        return true;
}

bool names_have(const char *list, const char *name) {
        char one[NAME_LEN];

        while (names_next(&list, one))
                if (strcmp(one, name) == 0)
                        return true;
        return false;
}

static int by_text(const void *a, const void *b) {
        return strcmp(a, b);
}

int names_add(char **list, const char *value, char *err) {
        size_t bytes = strlen(value) + (*list ? strlen(*list) : 0), n = 0, kept = 0, len = 0;
        char(*names)[NAME_LEN] = xcalloc(bytes / 2 + 1, NAME_LEN), *text;
        const char *old = *list ? *list : "";

        while (names_next(&old, names[n]))
                n++;
        while (names_next(&value, names[n])) {
                if (!name_valid(names[n])) {
                        text_fmt(err, TEXT_LEN,
                                 "'%.60s' is no name: use up to %d of letters, digits and . _ -",
                                 names[n], NAME_LEN - 1);
                        free(names);
                        return -EINVAL;
                }
                n++;
        }
        if (n > 0)
                qsort(names, n, NAME_LEN, by_text);
        text = xcalloc(bytes + 2, 1);
        for (size_t i = 0; i < n; i++) {
                if (kept > 0 && strcmp(names[i - 1], names[i]) == 0)
                        continue;
                len += (size_t)sprintf(text + len, "%s%s", kept++ ? " " : "", names[i]);
        }
        free(names);
        free(*list);
        *list = text;
        return 0;
}

/* ---- reading ---- */

struct reader {
        struct objects *objects;
        struct scratch scratch;
};

static int open_object(void *ud, size_t section, const char *name, char *err) {
        struct reader *rd = ud;

        if (!name_valid(name)) {
                text_fmt(err, TEXT_LEN,
                         "'%.60s' is no name: use up to %d of letters, digits and . _ -", name,
                         NAME_LEN - 1);
                return -EINVAL;
        }
        rd->scratch = (struct scratch){0};
        (void)objects_add(rd->objects, (enum object_kind)section, name);
        return 0;
}

static int set_key(void *ud, const struct conf_key *key, const char *value, bool append,
                   char *err) {
        struct reader *rd = ud;
        struct object *o = &rd->objects->list[rd->objects->n - 1];
        char text[CONF_VALUE_MAX];
        int r;

        if (key->type == CONF_NAMES) {
                char **list = &o->values[key - object_section(o->kind)->keys];

                return names_add(list, value, err);
        }
        if (key->type == CONF_BLOCK) {
                object_set(o, key->name, value);
                return 0;
        }
        r = conf_key_set(key, &rd->scratch, value, append, err);
        if (r < 0)
                return r;
        conf_key_format(key, &rd->scratch, text, sizeof(text));
        object_set(o, key->name, text);
        return 0;
}

static void check_after(const struct object *o, struct conf_file *file) {
        const char *list = object_get(o, "after");
        char name[NAME_LEN];
        size_t n = 0;

        while (names_next(&list, name)) {
                n++;
                if (strcmp(name, o->name) == 0)
                        conf_file_mistake(file, object_line(o, "after"),
                                          "%s cannot wait for itself", name);
        }
        if (n > AFTER_MAX)
                conf_file_mistake(file, object_line(o, "after"),
                                  "'after' has %zu guests: at most %zu", n, AFTER_MAX);
}

struct conf_file *objects_read(const char *text, struct objects *ret) {
        static const char *const foreign[] = {"cluster", "guest-defaults", "host", "fence", NULL};
        static struct conf_form form = {
                .n_sections = OBJECT_KINDS,
                .foreign = foreign,
                .foreign_place = "belongs into hawd.conf, on every host",
                .lines_max = LINES_MAX,
                .open = open_object,
                .set = set_key,
        };
        struct reader rd = {.objects = ret};
        struct conf_file *file;

        *ret = (struct objects){0};
        form.sections = sections();
        file = conf_file_read(&form, &rd, text);
        for (size_t i = 0; i < ret->n; i++) {
                const struct conf_heading *h = conf_file_heading(file, i);

                ret->list[i].line = h->line;
                ret->list[i].bad = h->bad;
                memcpy(ret->list[i].lines, h->key_lines, sizeof(h->key_lines));
                if (ret->list[i].kind == OBJECT_GUEST)
                        check_after(&ret->list[i], file);
        }
        objects_sort(ret);
        return file;
}

/* ---- writing ---- */

static void write_names(FILE *f, const char *key, const char *list) {
        do {
                size_t len = strlen(list);

                if (len > CONF_LINE_MAX) {
                        len = CONF_LINE_MAX;
                        while (list[len] != ' ') /* a name is shorter */
                                len--;
                }
                fprintf(f, "%s =%s%.*s\n", key, len > 0 ? " " : "", (int)len, list);
                list += len + strspn(list + len, " ");
        } while (*list != '\0');
}

static void write_block(FILE *f, const char *key, const char *text) {
        fprintf(f, "%s =\n", key);
        while (*text != '\0') {
                size_t len = strcspn(text, "\n");

                fprintf(f, "%s%.*s\n", len > 0 ? INDENT : "", (int)len, text);
                text += len + (text[len] == '\n');
        }
}

static void write_object(FILE *f, const struct object *o) {
        const struct conf_section *s = object_section(o->kind);

        fprintf(f, "\n[%s %s]\n", s->name, o->name);
        for (size_t i = 0; i < s->n_keys; i++) {
                const char *value = o->values[i];

                if (!value)
                        continue;
                if (s->keys[i].type == CONF_BLOCK)
                        write_block(f, s->keys[i].name, value);
                else if (conf_key_is_list(&s->keys[i]))
                        write_names(f, s->keys[i].name, value);
                else
                        fprintf(f, "%s = %s\n", s->keys[i].name, value);
        }
}

char *objects_write(const struct objects *o) {
        char *text = NULL;
        size_t len;
        FILE *f = open_memstream(&text, &len);

        if (!f)
                abort(); /* no memory */
        fprintf(f, "# Guests and rules, written by hawctl export, read by hawctl apply.\n");
        for (size_t i = 0; i < o->n; i++)
                write_object(f, &o->list[i]);
        if (fclose(f) != 0)
                abort(); /* no memory */
        return text;
}
