/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots/resume.h"

static const char *file_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static int whole(const char *path, const struct file_seen *f, char *err) {
        if (f->state == FILE_GOOD)
                return 0;
        if (f->state == FILE_ABSENT) {
                text_fmt(err, TEXT_LEN, "%.120s is missing: restore it, or roll back", path);
                return -ENOENT;
        }
        text_fmt(err, TEXT_LEN, "%.90s cannot be used: %.80s", path, f->text);
        return -EUCLEAN;
}

static bool rests_on(const struct file_seen *f, const char *base) {
        return strcmp(f->backing, base ? base : "") == 0;
}

/* @path is there, whole, and rests on @base. */
static int in_place(const char *path, const struct file_seen *f, const char *base, char *err) {
        int r = whole(path, f, err);

        if (r < 0 || rests_on(f, base))
                return r;
        text_fmt(err, TEXT_LEN, "%.60s rests on %.50s, and should on %.50s: nothing is touched",
                 file_name(path), f->backing[0] ? file_name(f->backing) : "nothing",
                 base ? file_name(base) : "nothing");
        return -EUCLEAN;
}

static int resume_take(const struct disk_want *w, const struct disk_seen *seen,
                       struct disk_resume *ret, char *err) {
        int r = in_place(w->current, &seen->current, w->current_base, err);

        if (r < 0)
                return r;
        if (seen->overlay.state == FILE_ABSENT) {
                *ret = (struct disk_resume){w->current, DISK_THEN_NOT_TAKEN};
                return 0;
        }
        /* One that is odd may have been switched to and hold writes: the guest's old file would
         * lose them. */
        r = in_place(w->overlay, &seen->overlay, w->current, err);
        if (r == 0)
                *ret = (struct disk_resume){w->overlay, DISK_THEN_TAKEN};
        return r;
}

static int resume_rollback(const struct disk_want *w, const struct disk_seen *seen,
                           struct disk_resume *ret, char *err) {
        int r = whole(w->base, &seen->base, err);

        if (r < 0)
                return r;
        if (seen->overlay.state == FILE_ABSENT) {
                *ret = (struct disk_resume){w->overlay, DISK_THEN_MAKE};
                return 0;
        }
        r = in_place(w->overlay, &seen->overlay, w->base, err);
        if (r == 0)
                *ret = (struct disk_resume){w->overlay, DISK_THEN_ROLLED_BACK};
        return r;
}

static int resume_commit(const struct disk_want *w, const struct disk_seen *seen,
                         struct disk_resume *ret, char *err) {
        int r = whole(w->base, &seen->base, err);

        if (r < 0)
                return r;
        if (seen->current.state == FILE_GOOD && rests_on(&seen->current, w->base)) {
                *ret = (struct disk_resume){w->current, seen->top.state == FILE_ABSENT
                                                                ? DISK_THEN_NOTHING
                                                                : DISK_THEN_REMOVE_TOP};
                return 0;
        }
        r = in_place(w->current, &seen->current, w->top, err);
        if (r == 0)
                r = in_place(w->top, &seen->top, w->base, err);
        if (r == 0)
                *ret = (struct disk_resume){w->current, DISK_THEN_COMMIT};
        return r;
}

int disk_resume(const struct disk_want *w, const struct disk_seen *seen, struct disk_resume *ret,
                char *err) {
        int r;

        switch (w->act) {
        case DISK_TAKE:
                return resume_take(w, seen, ret, err);
        case DISK_ROLLBACK:
                return resume_rollback(w, seen, ret, err);
        case DISK_COMMIT:
                return resume_commit(w, seen, ret, err);
        case DISK_REST:
        default:
                r = in_place(w->current, &seen->current, w->current_base, err);
                if (r == 0)
                        *ret = (struct disk_resume){w->current, DISK_THEN_NOTHING};
                return r;
        }
}
