/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/control/frame.h"

void frame_reader_init(struct frame_reader *r, size_t max) {
        *r = (struct frame_reader){.max = max};
}

void frame_reader_done(struct frame_reader *r) {
        free(r->buf);
        *r = (struct frame_reader){.max = r->max};
}

char *frame_reader_room(struct frame_reader *r, size_t *ret_size) {
        if (r->start == r->end) {
                r->start = r->end = r->scan = 0;
                if (r->cap > 2 * FRAME_CHUNK) {
                        free(r->buf);
                        r->buf = NULL;
                        r->cap = 0;
                }
        } else if (r->start > 0 && r->cap - r->end < FRAME_CHUNK) {
                memmove(r->buf, r->buf + r->start, r->end - r->start);
                r->scan -= r->start;
                r->end -= r->start;
                r->start = 0;
        }
        if (r->cap - r->end < FRAME_CHUNK) {
                r->cap = MAX(r->end + FRAME_CHUNK, MIN(2 * r->cap, r->max + FRAME_CHUNK));
                r->buf = xreallocarray(r->buf, r->cap, 1);
        }
        *ret_size = FRAME_CHUNK;
        return r->buf + r->end;
}

void frame_reader_filled(struct frame_reader *r, size_t n) {
        assert(n <= r->cap - r->end);
        r->end += n;
}

/* Moves scan to the first NUL, or to the end. Return: whether it stands on a NUL. */
static bool scan_to_nul(struct frame_reader *r) {
        const char *nul;

        if (r->scan == r->end)
                return false;
        nul = memchr(r->buf + r->scan, '\0', r->end - r->scan);
        r->scan = nul ? (size_t)(nul - r->buf) : r->end;
        return nul != NULL;
}

int frame_reader_next(struct frame_reader *r, const char **ret, size_t *ret_len) {
        bool whole = scan_to_nul(r);

        if (r->scan - r->start > r->max)
                return -EMSGSIZE;
        if (!whole)
                return 0;
        *ret = r->buf + r->start;
        *ret_len = r->scan - r->start;
        r->start = r->scan = r->scan + 1;
        return 1;
}

bool frame_reader_ready(struct frame_reader *r) {
        return scan_to_nul(r) || r->scan - r->start > r->max;
}

void frame_writer_done(struct frame_writer *w) {
        free(w->buf);
        *w = (struct frame_writer){0};
}

void frame_writer_add(struct frame_writer *w, const char *text, size_t len) {
        if (w->start > 0 && w->cap - w->end < len + 1) {
                memmove(w->buf, w->buf + w->start, w->end - w->start);
                w->end -= w->start;
                w->frame_end -= w->start;
                w->start = 0;
        }
        if (w->cap - w->end < len + 1) {
                w->cap = MAX(w->end + len + 1, 2 * w->cap);
                w->buf = xreallocarray(w->buf, w->cap, 1);
        }
        memcpy(w->buf + w->end, text, len);
        w->buf[w->end + len] = '\0';
        w->end += len + 1;
}

void frame_writer_written(struct frame_writer *w, size_t n) {
        assert(n <= frame_writer_pending(w));
        w->start += n;
        if (w->start == w->end) {
                frame_writer_done(w);
                return;
        }
        /* Frames carry no NUL inside, so the next NUL ends the one that start stands in. */
        w->frame_end = w->start;
        if (w->buf[w->start - 1] != '\0')
                w->frame_end += strlen(w->buf + w->start) + 1;
}

void frame_writer_cut(struct frame_writer *w) {
        if (frame_writer_pending(w) > 0)
                w->end = w->frame_end;
        if (w->start == w->end)
                frame_writer_done(w);
}
