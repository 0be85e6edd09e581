/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of Varlink: bytes ended by NUL, cut out of a stream, and bytes that wait to be written.
 * Knows no socket. Both buffers are bounded by their user's limit and shrink when they are empty.
 */
#pragma once

#include "hawd/base/base.h"

#define FRAME_CHUNK ((size_t)65536) /* what one read takes at most */

/** struct frame_reader - [start, end) is unread; [start, scan) holds no NUL */
struct frame_reader {
        char *buf;
        size_t start, end, cap, scan;
        size_t max; /* longest frame, without its NUL */
};

void frame_reader_init(struct frame_reader *r, size_t max);
void frame_reader_done(struct frame_reader *r);

/** frame_reader_room() - where the next bytes go; *@ret_size of them, at least 1. */
char *frame_reader_room(struct frame_reader *r, size_t *ret_size);
void frame_reader_filled(struct frame_reader *r, size_t n);

/**
 * frame_reader_next() - take the first whole frame
 * @ret, @ret_len: borrowed from @r until frame_reader_room(); NUL after @ret_len. Written only on 1
 *
 * Return: 1, 0 when no frame is whole yet, -EMSGSIZE when it is longer than the limit.
 */
int frame_reader_next(struct frame_reader *r, const char **ret, size_t *ret_len);

/** frame_reader_ready() - frame_reader_next() would not return 0. */
bool frame_reader_ready(struct frame_reader *r);

/** struct frame_writer - [start, end) waits to be written */
struct frame_writer {
        char *buf;
        size_t start, end, cap;
        size_t frame_end; /* where the frame that is partly written ends; start when none is */
};

void frame_writer_done(struct frame_writer *w);
static inline size_t frame_writer_pending(const struct frame_writer *w) {
        return w->end - w->start;
}
/** frame_writer_add() - append @text (of @len bytes) and a NUL. */
void frame_writer_add(struct frame_writer *w, const char *text, size_t len);
void frame_writer_written(struct frame_writer *w, size_t n);
/** frame_writer_cut() - drop all frames of which no byte was written yet. */
void frame_writer_cut(struct frame_writer *w);
