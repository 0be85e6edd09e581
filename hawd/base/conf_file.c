/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inih splits keys from values; this file hands it one line at a time, because it cuts long lines
 * and names without a word, joins indented lines to the key before, and gives neither line numbers
 * nor empty sections. So: lines are trimmed and measured here, and section headings and blocks are
 * read here.
 */
#include "hawd/base/conf_file.h"

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>

#define WORDS_MAX 16

struct mistake {
        int line;
        char text[TEXT_LEN];
};

struct conf_file {
        const struct conf_form *form;
        void *ud;
        const char *next; /* of the text, borrowed */
        int line;
        bool wants_key; /* inih was given a line, and has not called back */
        bool any_section;
        const struct conf_section *section; /* NULL: none that is known, keys are dropped */
        const struct conf_key *block;       /* its lines come next */
        struct conf_heading *headings;
        size_t n_headings, cap_headings;
        struct mistake *mistakes;
        size_t n_mistakes, cap_mistakes;
};

__attribute__((format(printf, 3, 0))) static void mistake_va(struct conf_file *f, int line,
                                                             const char *fmt, va_list ap) {
        size_t i = f->n_mistakes++;

        if (f->n_mistakes > f->cap_mistakes) {
                f->cap_mistakes = 2 * f->n_mistakes;
                f->mistakes = xreallocarray(f->mistakes, f->cap_mistakes, sizeof(*f->mistakes));
        }
        /* In the order of the file, although some are found only at its end. */
        for (; i > 0 && f->mistakes[i - 1].line > line; i--)
                f->mistakes[i] = f->mistakes[i - 1];
        f->mistakes[i].line = line;
        if (vsnprintf(f->mistakes[i].text, TEXT_LEN, fmt, ap) < 0)
                f->mistakes[i].text[0] = '\0';
}

void conf_file_mistake(struct conf_file *f, int line, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        mistake_va(f, line, fmt, ap);
        va_end(ap);
}

static void mistake(struct conf_file *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void mistake(struct conf_file *f, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        mistake_va(f, f->line, fmt, ap);
        va_end(ap);
}

const struct conf_heading *conf_file_heading(const struct conf_file *f, size_t i) {
        return i < f->n_headings ? &f->headings[i] : NULL;
}

const struct conf_heading *conf_file_find(const struct conf_file *f, size_t section,
                                          const char *name) {
        for (size_t i = 0; i < f->n_headings; i++)
                if (f->headings[i].section == section && strcmp(f->headings[i].name, name) == 0)
                        return &f->headings[i];
        return NULL;
}

static void section_unknown(struct conf_file *f, const char *word) {
        const struct conf_form *form = f->form;
        const char *names[WORDS_MAX];
        int nearest;

        for (size_t i = 0; form->foreign && form->foreign[i]; i++)
                if (strcmp(form->foreign[i], word) == 0) {
                        mistake(f, "[%s] %s", word, form->foreign_place);
                        return;
                }
        assert(form->n_sections <= WORDS_MAX);
        for (size_t i = 0; i < form->n_sections; i++)
                names[i] = form->sections[i].name;
        nearest = conf_nearest(word, names, form->n_sections);
        if (nearest >= 0)
                mistake(f, "there is no section [%.60s]: did you mean [%s%s]?", word,
                        names[nearest], form->sections[nearest].named ? " NAME" : "");
        else
                mistake(f, "there is no section [%.60s]", word);
}

static void heading_add(struct conf_file *f, size_t section, const char *name) {
        struct conf_heading *h;

        if (f->n_headings == f->cap_headings) {
                f->cap_headings = 2 * f->cap_headings + 8;
                f->headings = xreallocarray(f->headings, f->cap_headings, sizeof(*f->headings));
        }
        h = &f->headings[f->n_headings++];
        *h = (struct conf_heading){.section = section, .line = f->line};
        text_set(h->name, sizeof(h->name), name);
        f->section = &f->form->sections[section];
        assert(f->section->n_keys <= CONF_FILE_KEYS_MAX);
}

/* The section "fence bmc1" is now the current one, if it is one. */
static void open_section(struct conf_file *f, char *text) {
        char err[TEXT_LEN], *name = text + strcspn(text, " \t");
        const struct conf_section *s = f->form->sections;
        const struct conf_heading *before;
        size_t i = 0;

        if (*name != '\0') {
                *name++ = '\0';
                name += strspn(name, " \t");
        }
        while (i < f->form->n_sections && strcmp(s[i].name, text) != 0)
                i++;
        if (i == f->form->n_sections) {
                section_unknown(f, text);
                return;
        }
        if (s[i].named != (*name != '\0')) {
                mistake(f,
                        s[i].named ? "[%s] needs a name, as in [%s NAME]"
                                   : "[%s] has no name: write [%s]",
                        text, text);
                return;
        }
        before = conf_file_find(f, i, name);
        if (before)
                mistake(f, "[%s%s%s] is there already, in line %d", text, *name ? " " : "", name,
                        before->line);
        else if (f->form->open(f->ud, i, name, err) < 0)
                mistake(f, "%s", err);
        else
                heading_add(f, i, name);
}

static void read_heading(struct conf_file *f, const char *line, size_t len) {
        _cleanup_(freep) char *text = xcalloc(len + 1, 1);
        char *end;

        f->any_section = true;
        f->section = NULL;
        memcpy(text, line, len);
        end = strchr(text, ']');
        if (!end) {
                mistake(f, "a section without ']'");
                return;
        }
        *end++ = '\0';
        end += strspn(end, " \t");
        if (*end != '\0' && *end != ';' && *end != '#') {
                mistake(f, "'%.60s' behind a section", end);
                return;
        }
        end = text + 1 + strspn(text + 1, " \t");
        for (size_t n = strlen(end); n > 0 && strchr(" \t", end[n - 1]); n--)
                end[n - 1] = '\0';
        open_section(f, end);
}

static void set_value(struct conf_file *f, const struct conf_key *key, const char *value,
                      bool append) {
        char err[TEXT_LEN];

        if (f->form->set(f->ud, key, value, append, err) == 0)
                return;
        mistake(f, "%s", err);
        f->headings[f->n_headings - 1].bad |= UINT64_C(1) << (key - f->section->keys);
}

static void set_key(struct conf_file *f, const struct conf_key *key, const char *value) {
        int *line = &f->headings[f->n_headings - 1].key_lines[key - f->section->keys];
        size_t len = strlen(value);
        bool again = *line > 0;

        if (again && !conf_key_is_list(key)) {
                mistake(f, "'%s' is set already, in line %d", key->name, *line);
                return;
        }
        if (!again)
                *line = f->line;
        if (key->type == CONF_BLOCK && len > 0)
                mistake(f, "'%s' stands in the lines below, each of them indented", key->name);
        else if (key->type == CONF_BLOCK)
                f->block = key;
        else if (len > 0 && value[len - 1] == '\\')
                mistake(f, "a line cannot be continued: repeat the key");
        else
                set_value(f, key, value, again);
}

/* Called by inih for "key = value", once for the line that it was given last. */
static int on_key(void *self, const char *section, const char *name, const char *value) {
        struct conf_file *f = self;
        const struct conf_key *key;
        char err[TEXT_LEN], who[NAME_LEN];

        (void)section; /* headings are not given to inih */
        f->wants_key = false;
        if (!f->any_section)
                mistake(f, "'%.60s' stands before the first section", name);
        if (conf_is_secret(name)) {
                mistake(f, "'%.60s' does not belong here: put it into fencing.conf", name);
                return 1;
        }
        if (!f->section)
                return 1;
        key = conf_key_find(f->section, name);
        if (key) {
                set_key(f, key, value);
                return 1;
        }
        text_fmt(who, sizeof(who), "[%s]", f->section->name);
        conf_key_unknown(f->section, who, name, err);
        mistake(f, "%s", err);
        return 1;
}

static void settle_line(struct conf_file *f) {
        if (f->wants_key)
                mistake(f, "neither 'key = value' nor a [section]");
        f->wants_key = false;
}

/* The next line, without its end. Return: where it begins; NULL: there is none. */
static const char *take_line(struct conf_file *f, size_t *ret_len) {
        const char *s = f->next;
        size_t len = strcspn(s, "\n");

        if (*s == '\0' || (size_t)f->line >= f->form->lines_max)
                return NULL;
        f->line++;
        f->next += len + (s[len] == '\n');
        if (len > 0 && s[len - 1] == '\r')
                len--;
        *ret_len = len;
        return s;
}

static bool is_blank(const char *s, size_t len) {
        for (size_t i = 0; i < len; i++)
                if (s[i] != ' ' && s[i] != '\t')
                        return false;
        return true;
}

/* How many lines the block has: blank ones count when an indented one follows. */
static size_t block_lines(const char *s, size_t *ret_size) {
        const char *begin = s;
        size_t n = 0, last = 0;

        *ret_size = 0;
        while (*s != '\0') {
                bool blank = is_blank(s, strcspn(s, "\r\n"));

                if (!blank && *s != ' ' && *s != '\t')
                        break;
                n++;
                s += strcspn(s, "\n");
                s += *s == '\n';
                if (!blank) {
                        last = n;
                        *ret_size = (size_t)(s - begin);
                }
        }
        return last;
}

static void read_block(struct conf_file *f) {
        const struct conf_key *key = TAKE_PTR(f->block);
        struct conf_heading *h = &f->headings[f->n_headings - 1];
        size_t size, n = block_lines(f->next, &size), len, used = 0, indent = 0, same;
        _cleanup_(freep) char *text = xcalloc(size + 1, 1);
        const char *s, *first = NULL;
        int last;

        if (n == 0) {
                mistake(f, "'%s' needs a value: the lines below it, each of them indented",
                        key->name);
                return;
        }
        while (n-- > 0 && (s = take_line(f, &len))) {
                if (!first && is_blank(s, len))
                        continue;
                if (!first) {
                        first = s;
                        indent = strspn(s, " \t");
                        h->key_lines[key - f->section->keys] = f->line;
                }
                for (same = 0; same < indent && same < len && s[same] == first[same];)
                        same++;
                memcpy(text + used, s + same, len - same);
                used += len - same;
                text[used++] = '\n';
        }
        if (used > 0)
                text[used - 1] = '\0';
        last = f->line;
        f->line = h->key_lines[key - f->section->keys]; /* where a mistake in it is */
        set_value(f, key, text, false);
        f->line = last;
}

/* Is the line as it stands for inih? Otherwise all of it has been dealt with. */
static bool check_line(struct conf_file *f, const char *s, size_t len, size_t max) {
        if (len == 0 || *s == '#' || *s == ';')
                return false;
        for (size_t i = 0; i < len; i++) {
                if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f) {
                        mistake(f, "a control character (%#x)", (unsigned)s[i]);
                        return false;
                }
        }
        if (*s == '[') {
                read_heading(f, s, len);
                return false;
        }
        for (size_t i = 1; i < len; i++) {
                if (s[i] == ';' && strchr(" \t", s[i - 1])) { /* inih would drop it in silence */
                        mistake(f, "a comment needs a line of its own");
                        return false;
                }
        }
        if (len >= max) {
                mistake(f, "a line of %zu characters, %zu are read%s", len, max - 1,
                        memchr(s, ' ', len) ? ": a list may be given in several lines" : "");
                return false;
        }
        return true;
}

/* As fgets(): the next line for inih into @buf, "\n" where there is nothing for it. */
static char *next_line(char *buf, int size, void *self) {
        struct conf_file *f = self;
        const char *s;
        size_t len = 0;

        settle_line(f);
        if (f->block)
                read_block(f);
        s = take_line(f, &len);
        if (!s)
                return NULL;
        if (f->line == 1 && strncmp(s, "\xef\xbb\xbf", 3) == 0) {
                s += 3; /* the mark that some editors put first */
                len -= 3;
        }
        for (; len > 0 && strchr(" \t", *s); len--)
                s++;
        for (; len > 0 && strchr(" \t\r", s[len - 1]);)
                len--;
        f->wants_key = check_line(f, s, len, (size_t)size - 2);
        if (f->wants_key)
                memcpy(buf, s, len);
        else
                len = 0;
        buf[len] = '\n';
        buf[len + 1] = '\0';
        return buf;
}

struct conf_file *conf_file_read(const struct conf_form *form, void *ud, const char *text) {
        struct conf_file *f = xcalloc(1, sizeof(*f));

        f->form = form;
        f->ud = ud;
        f->next = text;
        /* It tells of the first bad line only; settle_line() has reported them all. */
        (void)ini_parse_stream(next_line, f, on_key, f);
        settle_line(f);
        if ((size_t)f->line >= form->lines_max)
                mistake(f, "the rest of the file is not read");
        return f;
}

struct conf_file *conf_file_free(struct conf_file *f) {
        if (f) {
                free(f->headings);
                free(f->mistakes);
                free(f);
        }
        return NULL;
}

size_t conf_file_errors(const struct conf_file *f, const char *file, struct conf_errors *errors) {
        for (size_t i = 0; i < f->n_mistakes; i++)
                conf_errors_add(errors, file, f->mistakes[i].line, "%s", f->mistakes[i].text);
        return f->n_mistakes;
}
