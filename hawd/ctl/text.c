/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/text.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "hawd/base/config.h"

#define TERMINAL_WIDTH 80 /* of one that does not say */
#define WRAP_LEAST 24     /* a line is rather longer than the terminal */

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

struct table {
        const struct ctl *ctl;
        struct libscols_table *table;
        struct libscols_line *line;
        size_t column;
};

static const char *const color_names[] = {
        [COLOR_NONE] = "",          [COLOR_GOOD] = "\033[32m", [COLOR_WARN] = "\033[33m",
        [COLOR_BAD] = "\033[1;31m", [COLOR_DIM] = "\033[2m",   [COLOR_BOLD] = "\033[1m",
};

const char *color_on(const struct ctl *ctl, enum ctl_color c) {
        return ctl->color ? color_names[c] : "";
}

const char *color_off(const struct ctl *ctl) {
        return ctl->color ? "\033[0m" : "";
}

enum ctl_color state_color(const char *state) {
        static const struct {
                const char *state;
                enum ctl_color color;
        } table[] = {
                {"online", COLOR_GOOD},      {"running", COLOR_GOOD},   {"healthy", COLOR_GOOD},
                {"stopped", COLOR_DIM},      {"away", COLOR_DIM},       {"maintenance", COLOR_DIM},
                {"new", COLOR_DIM},          {"lost", COLOR_BAD},       {"fencing", COLOR_BAD},
                {"off", COLOR_BAD},          {"failed", COLOR_BAD},     {"blocked", COLOR_BAD},
                {"quarantined", COLOR_BAD},  {"joining", COLOR_WARN},   {"draining", COLOR_WARN},
                {"degraded", COLOR_WARN},    {"starting", COLOR_WARN},  {"stopping", COLOR_WARN},
                {"paused", COLOR_WARN},      {"migrating", COLOR_WARN}, {"booting", COLOR_WARN},
                {"unsupervised", COLOR_BAD},
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                if (strcmp(table[i].state, state) == 0)
                        return table[i].color;
        return COLOR_NONE;
}

static void add_column(struct table *t, const char *head, size_t len) {
        struct libscols_column *column;
        char name[NAME_LEN];
        int flags = 0;

        if (*head == '>') {
                flags |= SCOLS_FL_RIGHT;
                head++, len--;
        }
        if (len > 0 && head[len - 1] == '~') {
                flags |= SCOLS_FL_WRAP;
                len--;
        }
        text_fmt(name, sizeof(name), "%.*s", (int)len, head);
        for (char *p = name; *p; p++)
                if (*p == '_')
                        *p = ' ';
        column = scols_table_new_column(t->table, name, 0, flags);
        if (!column)
                abort(); /* no memory */
        if (flags & SCOLS_FL_WRAP)
                (void)scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
                                                scols_wrapnl_nextchunk, NULL); /* it is one */
}

struct table *table_new(const struct ctl *ctl, const char *columns) {
        struct table *t = xcalloc(1, sizeof(*t));

        t->ctl = ctl;
        t->table = scols_new_table();
        if (!t->table)
                abort(); /* no memory */
        scols_table_enable_colors(t->table, ctl->color);
        while (*(columns += strspn(columns, " ")) != '\0') {
                size_t len = strcspn(columns, " ");

                add_column(t, columns, len);
                columns += len;
        }
        return t;
}

void table_row(struct table *t) {
        t->line = scols_table_new_line(t->table, NULL);
        if (!t->line)
                abort(); /* no memory */
        t->column = 0;
}

void table_cell(struct table *t, const char *text) {
        table_cell_color(t, text, COLOR_NONE);
}

void table_cell_color(struct table *t, const char *text, enum ctl_color color) {
        assert(t->column < scols_table_get_ncols(t->table));
        if (scols_line_set_data(t->line, t->column, or_dash(text)) < 0)
                abort(); /* no memory */
        if (t->ctl->color && color != COLOR_NONE)
                (void)scols_cell_set_color(scols_line_get_cell(t->line, t->column),
                                           color_names[color]); /* without it, it is plain */
        t->column++;
}

void table_cell_fmt(struct table *t, const char *fmt, ...) {
        char buf[CELL_LEN];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(buf, sizeof(buf), fmt, ap); /* cut when too long */
        va_end(ap);
        table_cell(t, buf);
}

size_t table_rows(const struct table *t) {
        return scols_table_get_nlines(t->table);
}

void wrap_words(char *text, size_t width) {
        char *line = text, *blank = NULL;

        for (char *p = text; *p; p++) {
                if (*p == ' ')
                        blank = p;
                if (*p == '\n' || ((size_t)(p - line) >= width && blank)) {
                        p = *p == '\n' ? p : blank;
                        *p = '\n';
                        line = p + 1;
                        blank = NULL;
                }
        }
}

static const char *cell_text(struct table *t, size_t row, size_t column) {
        struct libscols_line *line = scols_table_get_line(t->table, row);
        const char *text = scols_cell_get_data(scols_line_get_cell(line, column));

        return text ? text : "";
}

/* The cells of @column, each in lines of at most @width where there is a blank to break it. */
static void wrap_column(struct table *t, size_t column, size_t width) {
        struct libscols_column *c = scols_table_get_column(t->table, column);

        (void)scols_column_set_safechars(c, "\n"); /* else it is shown as a code */
        for (size_t row = 0; row < table_rows(t); row++) {
                _cleanup_(freep) char *text = xstrdup(cell_text(t, row, column));

                wrap_words(text, width);
                if (scols_line_set_data(scols_table_get_line(t->table, row), column, text) < 0)
                        abort(); /* no memory */
        }
}

static size_t terminal_width(void) {
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return TERMINAL_WIDTH;
        return size.ws_col;
}

/* libsmartcols breaks words anywhere, into columns of a few letters where a terminal is narrow. */
static void fit(struct table *t) {
        size_t width = terminal_width(), used = 0, n_wrapped = 0,
               n = scols_table_get_ncols(t->table);

        for (size_t i = 0; i < n; i++) {
                struct libscols_column *c = scols_table_get_column(t->table, i);
                const char *head = scols_cell_get_data(scols_column_get_header(c));
                size_t widest = strlen(head);

                if (scols_column_is_wrap(c)) {
                        n_wrapped++;
                        continue;
                }
                for (size_t row = 0; row < table_rows(t); row++)
                        widest = MAX(widest, strlen(cell_text(t, row, i)));
                used += widest + 1;
        }
        if (n_wrapped == 0)
                return;
        width = (width > used ? width - used : 0) / n_wrapped;
        for (size_t i = 0; i < n; i++)
                if (scols_column_is_wrap(scols_table_get_column(t->table, i)))
                        wrap_column(t, i, MAX(width, (size_t)WRAP_LEAST));
        (void)scols_table_set_termwidth(t->table, used + n_wrapped * (CELL_LEN + 1));
}

void table_print(struct table *t, const char *empty) {
        if (table_rows(t) > 0 && isatty(STDOUT_FILENO))
                fit(t);
        if (table_rows(t) > 0)
                (void)scols_print_table(t->table); /* a closed output is found at the end */
        else if (empty)
                printf("%s\n", empty);
        scols_unref_table(t->table);
        free(t);
}

void span(int64_t ms, char *buf, size_t size) {
        long long t = ms < 0 ? 0 : ms;

        if (t < MINUTE)
                text_fmt(buf, size, "%lld s", t / SECOND);
        else if (t < HOUR)
                text_fmt(buf, size, "%lld min %lld s", t / MINUTE, t % MINUTE / SECOND);
        else if (t < DAY)
                text_fmt(buf, size, "%lld h %lld min", t / HOUR, t % HOUR / MINUTE);
        else
                text_fmt(buf, size, "%lld d %lld h", t / DAY, t % DAY / HOUR);
}

void span_short(int64_t ms, char *buf, size_t size) {
        long long t = ms < 0 ? 0 : ms;

        if (t < MINUTE)
                text_fmt(buf, size, "%lld.%lld s", t / SECOND, t % SECOND / 100);
        else
                span(ms, buf, size);
}

int64_t wall_now(void) {
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void ago(int64_t usec, char *buf, size_t size) {
        if (usec <= 0)
                text_set(buf, size, "-");
        else
                span((wall_now() - usec) / 1000, buf, size);
}

void clock_time(int64_t usec, char *buf, size_t size) {
        time_t sec = (time_t)(usec / 1000000);
        struct tm tm;

        if (usec <= 0 || !localtime_r(&sec, &tm) ||
            strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                text_set(buf, size, "-");
}

int time_from(const char *text, usec_t *ret, char err[TEXT_LEN]) {
        static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d",
                                            "%Y-%m-%dT%H:%M:%S"};
        usec_t before;

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                struct tm tm = {.tm_isdst = -1};
                const char *end = strptime(text, forms[i], &tm);
                time_t t;

                if (!end || *end)
                        continue;
                t = mktime(&tm);
                if (t < 0)
                        break;
                *ret = (usec_t)t * USEC_PER_SEC;
                return 0;
        }
        if (parse_duration(text, &before, err) < 0) {
                text_fmt(err, TEXT_LEN,
                         "'%.64s' is no time: use e.g. 90s, 1h, 2d (ago) or \"2026-01-31 12:00\"",
                         text);
                return -EINVAL;
        }
        *ret = usec_sub((usec_t)wall_now(), before);
        return 0;
}

const char *or_dash(const char *s) {
        return s && *s ? s : "-";
}

void join(const json_t *list, char *buf, size_t size) {
        const json_t *item;
        size_t i, n = 0;

        text_set(buf, size, "-");
        json_array_foreach(list, i, item) {
                text_fmt(buf + n, size - n, "%s%s", i ? ", " : "", json_string_value(item));
                n += strlen(buf + n);
        }
}
