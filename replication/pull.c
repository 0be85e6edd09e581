/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <stdio.h>

#include "replication/pull.h"

#define MAGIC "hawd-pull 1"

static const char *const kinds[PULL_MARK_MAX_] = {
        [PULL_ASK] = "ask", [PULL_SIZES] = "sizes", [PULL_OFFER] = "offer", [PULL_WHOLE] = "whole"};

#define SIZES_LEN (PULL_DISKS_MAX * 21)

void pull_mark_put(const struct pull_mark *m, char buf[PULL_MARK_SIZE]) {
        char sizes[SIZES_LEN + 1] = "";
        size_t len;

        for (size_t i = 0; i < m->disks && i < PULL_DISKS_MAX; i++) {
                len = strlen(sizes);
                text_fmt(sizes + len, sizeof(sizes) - len, "%s%" PRIu64, i > 0 ? "," : "",
                         m->sizes[i]);
        }
        memset(buf, 0, PULL_MARK_SIZE);
        text_fmt(buf, PULL_MARK_SIZE,
                 MAGIC " %s\nserial %" PRIu32 "\ndisks %" PRIu32 "\nsizes %s\ncycle %" PRIu64
                       "\nid %s\nbase %s\nas-of %" PRIu64 "\n",
                 kinds[m->kind], m->serial, m->disks, sizes, m->cycle, m->id,
                 m->base[0] ? m->base : "-", m->as_of);
        len = strlen(buf);
        text_fmt(buf + len, PULL_MARK_SIZE - len, "sum %016" PRIx64 "\n", hash64(0, buf, len));
}

static bool hexadecimal(const char *s, size_t len) {
        return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

static void split_sizes(char *text, struct pull_mark *m) {
        char *save = NULL, *word = strtok_r(text, ",", &save);

        for (size_t i = 0; word && i < PULL_DISKS_MAX; i++, word = strtok_r(NULL, ",", &save))
                m->sizes[i] = strtoull(word, NULL, 10);
}

int pull_mark_get(const char buf[PULL_MARK_SIZE], struct pull_mark *ret) {
        struct pull_mark m = {0};
        char kind[8], base[PULL_ID_LEN], sizes[SIZES_LEN + 1], again[PULL_MARK_SIZE];

        _Static_assert(SIZES_LEN == 336 && PULL_ID_LEN == 17, "the widths below");
        if (buf[PULL_MARK_SIZE - 1] != '\0' ||
            sscanf(buf,
                   MAGIC " %7s serial %" SCNu32 " disks %" SCNu32 " sizes %336[0-9,] cycle %" SCNu64
                         " id %16s base %16s as-of %" SCNu64,
                   kind, &m.serial, &m.disks, sizes, &m.cycle, m.id, base, &m.as_of) != 8)
                return -EBADMSG;
        while (m.kind < PULL_MARK_MAX_ && strcmp(kind, kinds[m.kind]) != 0)
                m.kind++;
        if (strcmp(base, "-") != 0)
                text_set(m.base, sizeof(m.base), base);
        if (m.kind == PULL_MARK_MAX_ || !hexadecimal(m.id, PULL_ID_LEN - 1) ||
            (m.base[0] && !hexadecimal(m.base, PULL_ID_LEN - 1)) || m.disks < 1 ||
            m.disks > PULL_DISKS_MAX)
                return -EBADMSG;
        split_sizes(sizes, &m);
        /* The same bytes again, or something in it was not as it is written: the sum is among them.
         */
        pull_mark_put(&m, again);
        if (memcmp(buf, again, sizeof(again)) != 0)
                return -EBADMSG;
        *ret = m;
        return 0;
}

void pull_where_put(const struct pull_where *w, char buf[PULL_WHERE_LEN]) {
        size_t len;

        text_fmt(buf, PULL_WHERE_LEN, "%s ", w->host);
        for (size_t i = 0; i < w->n; i++) {
                len = strlen(buf);
                text_fmt(buf + len, PULL_WHERE_LEN - len, "%s%u", i > 0 ? "," : "", w->ports[i]);
        }
        len = strlen(buf);
        text_fmt(buf + len, PULL_WHERE_LEN - len, " %s%s", w->name, w->tls ? " tls" : "");
}

int pull_where_get(const char *text, struct pull_where *ret) {
        struct pull_where w = {0};
        char ports[PULL_WHERE_LEN];
        const char *p = ports;
        int at = 0;

        _Static_assert(PULL_WHERE_LEN == 192 && PULL_HOST_LEN == 46 && PULL_NAME_LEN == 33,
                       "the widths below");
        if (strlen(text) >= PULL_WHERE_LEN ||
            sscanf(text, "%45[0-9a-fA-F.:] %191[0-9,] %32[0-9a-f]%n", w.host, ports, w.name, &at) !=
                    3 ||
            !hexadecimal(w.name, PULL_NAME_LEN - 1) ||
            (text[at] != '\0' && strcmp(text + at, " tls") != 0))
                return -EBADMSG;
        w.tls = text[at] != '\0';
        for (;;) {
                char *end;
                unsigned long port = isdigit((unsigned char)*p) ? strtoul(p, &end, 10) : 0;

                if (port < 1 || port > UINT16_MAX || w.n == ARRAY_SIZE(w.ports))
                        return -EBADMSG;
                w.ports[w.n++] = (uint16_t)port;
                if (*end == '\0')
                        break;
                p = end + 1;
        }
        if (w.n < 2)
                return -EBADMSG;
        *ret = w;
        return 0;
}

static bool ours(const struct pull_seen *s, const struct pull_mark *m) {
        return m->serial == s->serial && m->disks == s->disks;
}

static int resume_first(const struct pull_seen *s, bool marked, enum pull_then *ret, char *err) {
        if (!marked) {
                *ret = PULL_EMPTY;
        } else if (s->mark.base[0]) {
                text_set(err, TEXT_LEN, "a cycle is over a copy of which nothing is known");
                return -EUCLEAN;
        } else if (s->copies != s->disks) {
                text_fmt(err, TEXT_LEN,
                         "the copy is gone: of %" PRIu32 " disks %" PRIu32 " are there", s->disks,
                         s->copies);
                return -ENOENT;
        } else {
                *ret = PULL_ADOPT;
        }
        return 0;
}

int pull_resume(const struct pull_seen *s, enum pull_then *ret, char *err) {
        bool marked = s->mark_is && ours(s, &s->mark) && s->mark.kind == PULL_WHOLE;

        if (s->whole_odd || (s->whole_is && (!ours(s, &s->whole) || s->whole.kind != PULL_WHOLE))) {
                text_set(err, TEXT_LEN, "what it is as of cannot be read, or is another's");
                return -EUCLEAN;
        }
        if (!s->whole_is)
                return resume_first(s, marked, ret, err);
        if (s->copies != s->disks) {
                text_fmt(err, TEXT_LEN,
                         "the copy is gone: of %" PRIu32 " disks %" PRIu32 " are there", s->disks,
                         s->copies);
                return -ENOENT;
        }
        if (!marked || strcmp(s->mark.base, s->whole.id) != 0) {
                /* Broken off, committed already, or of no concern: no commit was begun from it. */
                *ret = s->nexts > 0 || s->mark_is || s->mark_odd ? PULL_CLEAN : PULL_READY;
                return 0;
        }
        if (s->nexts != s->disks) {
                text_fmt(err, TEXT_LEN,
                         "of %" PRIu32 " overlays of a whole cycle %" PRIu32 " are there", s->disks,
                         s->nexts);
                return -EUCLEAN;
        }
        *ret = PULL_COMMIT;
        return 0;
}
