/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd.conf from text. inih splits keys from values; this file hands it one line at a time, because
 * it cuts long lines and names without a word, joins indented lines to the key before, and gives
 * neither line numbers nor empty sections. So: lines are trimmed and measured here, and section
 * headings are read here.
 */
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>

#include "hawd/base/conf_keys.h"

#define LINES_MAX 100000
#define SECTIONS_MAX (HOSTS_MAX + DEVICES_MAX + 2)
#define KEYS_MAX 32

struct mistake {
        int line;
        char text[TEXT_LEN];
};

struct reader {
        const char *next; /* of the text, borrowed */
        struct config *c;
        int line;
        bool wants_key; /* inih was given a line, and has not called back */

        enum conf_section_kind kind; /* CONF_SECTIONS: none that is known, keys are dropped */
        char name[NAME_LEN];
        bool any_section;
        int key_lines[KEYS_MAX]; /* where each key of this section was set first, or 0 */

        struct heading {
                enum conf_section_kind kind;
                char name[NAME_LEN];
                int line;
                uint32_t bad; /* bit i: the value of key i was no good */
        } headings[SECTIONS_MAX];
        size_t n_headings;

        struct mistake *mistakes;
        size_t n_mistakes;
};

static void mistake(struct reader *rd, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void mistake(struct reader *rd, int line, const char *fmt, ...) {
        size_t i = rd->n_mistakes++;
        va_list ap;

        rd->mistakes = xreallocarray(rd->mistakes, rd->n_mistakes, sizeof(*rd->mistakes));
        /* In the order of the file, although some are found only at its end. */
        for (; i > 0 && rd->mistakes[i - 1].line > line; i--)
                rd->mistakes[i] = rd->mistakes[i - 1];
        rd->mistakes[i].line = line;
        va_start(ap, fmt);
        if (vsnprintf(rd->mistakes[i].text, TEXT_LEN, fmt, ap) < 0)
                rd->mistakes[i].text[0] = '\0';
        va_end(ap);
}

static const struct heading *find_heading(const struct reader *rd, enum conf_section_kind kind,
                                          const char *name) {
        for (size_t i = 0; i < rd->n_headings; i++)
                if (rd->headings[i].kind == kind && strcmp(rd->headings[i].name, name) == 0)
                        return &rd->headings[i];
        return NULL;
}

static void section_unknown(struct reader *rd, const char *word) {
        const char *names[CONF_SECTIONS];
        int nearest;

        for (size_t i = 0; i < CONF_SECTIONS; i++)
                names[i] = conf_sections[i].name;
        nearest = conf_nearest(word, names, CONF_SECTIONS);
        if (nearest >= 0)
                mistake(rd, rd->line, "there is no section [%.60s]: did you mean [%s%s]?", word,
                        names[nearest], conf_sections[nearest].named ? " NAME" : "");
        else
                mistake(rd, rd->line, "there is no section [%.60s]", word);
}

/* The section "fence bmc1" is now the current one, if it is one. */
static void open_section(struct reader *rd, char *text) {
        char err[TEXT_LEN], *name = text + strcspn(text, " \t");
        const struct heading *before;
        enum conf_section_kind kind;

        if (*name != '\0') {
                *name++ = '\0';
                name += strspn(name, " \t");
        }
        kind = conf_section_kind(text);
        if (kind == CONF_SECTIONS) {
                section_unknown(rd, text);
                return;
        }
        if (conf_sections[kind].named != (*name != '\0')) {
                mistake(rd, rd->line,
                        conf_sections[kind].named ? "[%s] needs a name, as in [%s NAME]"
                                                  : "[%s] has no name: write [%s]",
                        text, text);
                return;
        }
        before = find_heading(rd, kind, name);
        if (before) {
                mistake(rd, rd->line, "[%s%s%s] is there already, in line %d", text,
                        *name ? " " : "", name, before->line);
                return;
        }
        if (!conf_entry_add(rd->c, kind, name, err)) {
                mistake(rd, rd->line, "%s", err);
                return;
        }
        rd->kind = kind;
        text_set(rd->name, sizeof(rd->name), name);
        assert(rd->n_headings < SECTIONS_MAX);
        rd->headings[rd->n_headings].kind = kind;
        rd->headings[rd->n_headings].line = rd->line;
        text_set(rd->headings[rd->n_headings++].name, NAME_LEN, name);
}

static void read_heading(struct reader *rd, const char *line, size_t len) {
        _cleanup_(freep) char *text = xcalloc(len + 1, 1);
        char *end;

        rd->any_section = true;
        rd->kind = CONF_SECTIONS;
        memset(rd->key_lines, 0, sizeof(rd->key_lines));
        memcpy(text, line, len);
        end = strchr(text, ']');
        if (!end) {
                mistake(rd, rd->line, "a section without ']'");
                return;
        }
        *end++ = '\0';
        end += strspn(end, " \t");
        if (*end != '\0' && *end != ';' && *end != '#') {
                mistake(rd, rd->line, "'%.60s' behind a section", end);
                return;
        }
        end = text + 1 + strspn(text + 1, " \t");
        for (size_t n = strlen(end); n > 0 && strchr(" \t", end[n - 1]); n--)
                end[n - 1] = '\0';
        open_section(rd, end);
}

/* Called by inih for "key = value", once for the line that it was given last. */
static int on_key(void *self, const char *section, const char *name, const char *value) {
        struct reader *rd = self;
        const struct conf_section *s;
        const struct conf_key *key;
        char err[TEXT_LEN], who[NAME_LEN];
        size_t index, len = strlen(value);

        (void)section; /* headings are not given to inih */
        rd->wants_key = false;
        if (!rd->any_section)
                mistake(rd, rd->line, "'%.60s' stands before the first section", name);
        if (conf_is_secret(name)) {
                mistake(rd, rd->line, "'%.60s' does not belong here: put it into fencing.conf",
                        name);
                return 1;
        }
        if (rd->kind == CONF_SECTIONS)
                return 1;
        s = &conf_sections[rd->kind];
        key = conf_key_find(s, name);
        if (!key) {
                text_fmt(who, sizeof(who), "[%s]", s->name);
                conf_key_unknown(s, who, name, err);
                mistake(rd, rd->line, "%s", err);
                return 1;
        }
        index = (size_t)(key - s->keys);
        assert(index < KEYS_MAX);
        if (rd->key_lines[index] > 0 && !conf_key_is_list(key)) {
                mistake(rd, rd->line, "'%s' is set already, in line %d", name,
                        rd->key_lines[index]);
                return 1;
        }
        if (len > 0 && value[len - 1] == '\\')
                mistake(rd, rd->line, "a line cannot be continued: repeat the key");
        else if (conf_key_set(key, conf_entry(rd->c, rd->kind, rd->name), value,
                              rd->key_lines[index] > 0, err) < 0) {
                mistake(rd, rd->line, "%s", err);
                /* The section being read is the last one. */
                rd->headings[rd->n_headings - 1].bad |= UINT32_C(1) << index;
        }
        if (rd->key_lines[index] == 0)
                rd->key_lines[index] = rd->line;
        return 1;
}

static void settle_line(struct reader *rd) {
        if (rd->wants_key)
                mistake(rd, rd->line, "neither 'key = value' nor a [section]");
        rd->wants_key = false;
}

/* Is the line as it stands for inih? Otherwise all of it has been dealt with. */
static bool check_line(struct reader *rd, const char *s, size_t len, size_t max) {
        if (len == 0 || *s == '#' || *s == ';')
                return false;
        for (size_t i = 0; i < len; i++) {
                if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f) {
                        mistake(rd, rd->line, "a control character (%#x)", (unsigned)s[i]);
                        return false;
                }
        }
        if (*s == '[') {
                read_heading(rd, s, len);
                return false;
        }
        if (len >= max) {
                mistake(rd, rd->line, "a line of %zu characters, %zu are read%s", len, max - 1,
                        memchr(s, ' ', len) ? ": a list may be given in several lines" : "");
                return false;
        }
        return true;
}

/* As fgets(): the next line for inih into @buf, "\n" where there is nothing for it. */
static char *next_line(char *buf, int size, void *self) {
        struct reader *rd = self;
        const char *s = rd->next;
        size_t len;

        settle_line(rd);
        if (*s == '\0' || rd->line >= LINES_MAX)
                return NULL;
        rd->line++;
        len = strcspn(s, "\n");
        rd->next += len + (s[len] == '\n');
        if (rd->line == 1 && strncmp(s, "\xef\xbb\xbf", 3) == 0) {
                s += 3; /* the mark that some editors put first */
                len -= 3;
        }
        for (; len > 0 && strchr(" \t", *s); len--)
                s++;
        for (; len > 0 && strchr(" \t\r", s[len - 1]);)
                len--;
        rd->wants_key = check_line(rd, s, len, (size_t)size - 2);
        if (rd->wants_key)
                memcpy(buf, s, len);
        else
                len = 0;
        buf[len] = '\n';
        buf[len + 1] = '\0';
        return buf;
}

static bool was_bad(const struct heading *h, const char *key_name) {
        const struct conf_section *s = &conf_sections[h->kind];
        const struct conf_key *key = key_name ? conf_key_find(s, key_name) : NULL;

        return key && (h->bad & UINT32_C(1) << (key - s->keys));
}

static void complain(void *self, enum conf_section_kind kind, const char *name, const char *key,
                     const char *message) {
        struct reader *rd = self;
        const struct heading *h = find_heading(rd, kind, name ? name : "");

        if (h && (was_bad(h, key) || was_bad(h, "driver")))
                return;
        mistake(rd, h ? h->line : 1, "%s", message);
}

int config_parse(const char *file, const char *text, struct config *ret,
                 struct conf_errors *errors) {
        _cleanup_(freep) struct reader *rd = xcalloc(1, sizeof(*rd));
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));
        size_t n;

        config_defaults(c);
        rd->next = text;
        rd->c = c;
        rd->kind = CONF_SECTIONS;
        /* It tells of the first bad line only; settle_line() has reported them all. */
        (void)ini_parse_stream(next_line, rd, on_key, rd);
        settle_line(rd);
        if (rd->line >= LINES_MAX)
                mistake(rd, rd->line, "the rest of the file is not read");
        conf_check(c, complain, rd);
        for (size_t i = 0; i < rd->n_mistakes; i++)
                conf_errors_add(errors, file, rd->mistakes[i].line, "%s", rd->mistakes[i].text);
        n = rd->n_mistakes;
        free(rd->mistakes);
        if (n > 0)
                return (int)n;
        c->hash = conf_hash(c);
        *ret = *c;
        return 0;
}
