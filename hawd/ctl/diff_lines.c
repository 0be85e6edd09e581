/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two texts, line by line: the longest common subsequence of what is between their equal ends. */
#include "hawd/ctl/diff.h"

#define CELLS_MAX ((size_t)4 << 20) /* of the table; larger changes are shown as a whole */

struct text_line {
        const char *s;
        size_t len;
};

struct lines {
        struct text_line *list;
        size_t n;
};

static struct lines cut(const char *text) {
        struct lines l = {0};
        size_t max = 1;

        for (const char *s = text; *s; s++)
                max += *s == '\n';
        l.list = xcalloc(max, sizeof(*l.list));
        while (*text != '\0') {
                size_t len = strcspn(text, "\n");

                l.list[l.n++] = (struct text_line){text, len};
                text += len + (text[len] == '\n');
        }
        return l;
}

static bool same(const struct text_line *a, const struct text_line *b) {
        return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

/* One line of the result: sign and text. */
struct mark {
        char sign;
        const struct text_line *line;
};

struct marks {
        struct mark *list;
        size_t n;
};

static void mark(struct marks *m, char sign, const struct text_line *line) {
        m->list[m->n++] = (struct mark){sign, line};
}

static void mark_all(struct marks *m, char sign, const struct text_line *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                mark(m, sign, &list[i]);
}

/* The middles @a and @b. t[i][j]: the longest common subsequence of a[i..] and b[j..]. */
static void mark_middle(struct marks *m, const struct text_line *a, size_t na,
                        const struct text_line *b, size_t nb) {
        size_t w = nb + 1, i = 0, j = 0;
        uint32_t *t;

        if (na == 0 || nb == 0 || na + 1 > CELLS_MAX / w) {
                mark_all(m, '-', a, na);
                mark_all(m, '+', b, nb);
                return;
        }
        t = xcalloc((na + 1) * w, sizeof(*t));
        for (size_t x = na; x-- > 0;)
                for (size_t y = nb; y-- > 0;)
                        t[x * w + y] = same(&a[x], &b[y])
                                               ? t[(x + 1) * w + y + 1] + 1
                                               : MAX(t[(x + 1) * w + y], t[x * w + y + 1]);
        while (i < na && j < nb) {
                if (same(&a[i], &b[j])) {
                        mark(m, ' ', &a[i]);
                        i++, j++;
                } else if (t[(i + 1) * w + j] >= t[i * w + j + 1]) {
                        mark(m, '-', &a[i++]);
                } else {
                        mark(m, '+', &b[j++]);
                }
        }
        mark_all(m, '-', a + i, na - i);
        mark_all(m, '+', b + j, nb - j);
        free(t);
}

static bool near_change(const struct marks *m, size_t i, size_t around) {
        size_t from = i > around ? i - around : 0;

        for (size_t k = from; k < m->n && k <= i + around; k++)
                if (m->list[k].sign != ' ')
                        return true;
        return false;
}

void diff_lines(const char *old, const char *fresh, size_t around, line_fn fn, void *ud) {
        struct lines a = cut(old), b = cut(fresh);
        struct marks m = {.list = xcalloc(a.n + b.n, sizeof(*m.list))};
        size_t head = 0, tail = 0;

        while (head < a.n && head < b.n && same(&a.list[head], &b.list[head]))
                head++;
        while (tail < a.n - head && tail < b.n - head &&
               same(&a.list[a.n - 1 - tail], &b.list[b.n - 1 - tail]))
                tail++;
        mark_all(&m, ' ', a.list, head);
        mark_middle(&m, a.list + head, a.n - head - tail, b.list + head, b.n - head - tail);
        mark_all(&m, ' ', a.list + a.n - tail, tail);
        for (size_t i = 0; i < m.n; i++)
                if (near_change(&m, i, around))
                        fn(ud, m.list[i].sign, m.list[i].line->s, m.list[i].line->len);
        free(m.list);
        free(a.list);
        free(b.list);
}
