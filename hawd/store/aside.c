/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/aside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "hawd/base/clock.h"

#define NAME_PATTERN "aside-%Y%m%dT%H%M%SZ"

char *path_with(const char *path, const char *suffix) {
        size_t size = strlen(path) + strlen(suffix) + 1;
        char *out = xcalloc(size, 1);

        text_fmt(out, size, "%s%s", path, suffix);
        return out;
}

char *path_beside(const char *path, const char *name) {
        const char *slash = strrchr(path, '/');
        size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
        size_t size = folder + strlen(name) + 1;
        char *out = xcalloc(size, 1);

        text_fmt(out, size, "%.*s%s", (int)folder, path, name);
        return out;
}

static int fail(int r, const char *path, char *err) {
        text_fmt(err, TEXT_LEN, "%.120s: %.60s", path, strerrordesc_np(-r));
        return r;
}

int sync_folder(const char *path, char *err) {
        _cleanup_(freep) char *folder = path_beside(path, ".");
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

        if (fd < 0)
                return fail(-errno, folder, err);
        if (fsync(fd) < 0)
                r = fail(-errno, folder, err);
        (void)close(fd); /* a folder */
        return r;
}

static bool there(const char *path) {
        return access(path, F_OK) == 0;
}

static bool is_aside(const struct dirent *d) {
        size_t len = strlen(d->d_name);

        return strncmp(d->d_name, "aside-", 6) == 0 && len > 3 &&
               strcmp(d->d_name + len - 3, ".db") == 0;
}

static int only_aside(const struct dirent *d) {
        return is_aside(d);
}

size_t aside_list(const char *path, char *buf, size_t size) {
        _cleanup_(freep) char *folder = path_beside(path, ".");
        struct dirent **list = NULL;
        size_t used = 0;
        int n = scandir(folder, &list, only_aside, alphasort);

        if (size > 0)
                buf[0] = '\0';
        for (int i = 0; i < n; i++) {
                if (used < size)
                        text_fmt(buf + used, size - used, "%s%s", used > 0 ? " " : "",
                                 list[i]->d_name);
                used += strlen(buf + used);
                free(list[i]);
        }
        free(list);
        return n > 0 ? (size_t)n : 0;
}

int aside_name(const char *path, char *ret, char *err) {
        char stamp[24], kept[96];
        time_t now = (time_t)(now_wall() / USEC_PER_SEC);
        struct tm tm;

        if (aside_list(path, kept, sizeof(kept)) >= STORE_KEPT_MAX) {
                text_fmt(err, TEXT_LEN,
                         "%.60s: %d damaged ones are kept beside it already (%.40s ...): look at "
                         "the disk, then move them away",
                         path, STORE_KEPT_MAX, kept);
                return -EMLINK;
        }
        if (!gmtime_r(&now, &tm) || strftime(stamp, sizeof(stamp), NAME_PATTERN, &tm) == 0)
                text_set(stamp, sizeof(stamp), "aside");
        for (unsigned n = 1; n <= 99; n++) {
                _cleanup_(freep) char *file = NULL;

                if (n == 1)
                        text_fmt(ret, ASIDE_NAME_LEN, "%s.db", stamp);
                else
                        text_fmt(ret, ASIDE_NAME_LEN, "%s-%u.db", stamp, n);
                file = path_beside(path, ret);
                if (!there(file))
                        return 0;
        }
        return fail(-EEXIST, path, err);
}

/* Renames @path@suffix when it is there. */
static int move(const char *path, const char *suffix, const char *to, char *err) {
        _cleanup_(freep) char *from = path_with(path, suffix), *target = path_with(to, suffix);

        if (rename(from, target) < 0 && errno != ENOENT)
                return fail(-errno, from, err);
        return 0;
}

static int drop(const char *path, const char *suffix, char *err) {
        _cleanup_(freep) char *file = path_with(path, suffix);

        if (unlink(file) < 0 && errno != ENOENT)
                return fail(-errno, file, err);
        return 0;
}

/* Every step may have been done before. PATH.new is there until it is in place. */
static int finish(const char *path, const char *name, char *err) {
        _cleanup_(freep) char *fresh = path_with(path, ".new"), *aside = path_beside(path, name);
        int r = 0;

        if (there(fresh)) {
                r = move(path, "", aside, err);
                if (r == 0)
                        r = move(path, "-wal", aside, err);
                if (r == 0)
                        r = drop(path, "-shm", err);
                if (r == 0)
                        r = drop(path, ".mark", err);
                if (r == 0)
                        r = sync_folder(path, err);
                if (r == 0 && rename(fresh, path) < 0)
                        r = fail(-errno, fresh, err);
        }
        if (r == 0)
                r = sync_folder(path, err);
        if (r == 0)
                r = drop(path, ".swap", err);
        if (r == 0)
                r = sync_folder(path, err);
        return r;
}

static int note_swap(const char *path, const char *name, char *err) {
        _cleanup_(freep) char *file = path_with(path, ".swap");
        int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600), r = 0;
        size_t len = strlen(name);

        if (fd < 0)
                return fail(-errno, file, err);
        if (write(fd, name, len) != (ssize_t)len)
                r = fail(errno ? -errno : -ENOSPC, file, err);
        else if (fsync(fd) < 0)
                r = fail(-errno, file, err);
        if (close(fd) < 0 && r == 0)
                r = fail(-errno, file, err);
        if (r == 0)
                r = sync_folder(path, err);
        if (r < 0)
                (void)unlink(file); /* what stays of it names nothing, and is found then */
        return r;
}

int aside_swap(const char *path, const char *name, char *err) {
        int r = note_swap(path, name, err);

        return r < 0 ? r : finish(path, name, err);
}

int aside_finish(const char *path, char *err) {
        _cleanup_(freep) char *file = path_with(path, ".swap");
        char name[ASIDE_NAME_LEN] = "";
        int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), r;
        ssize_t n;

        if (fd >= 0) {
                n = read(fd, name, sizeof(name) - 1);
                (void)close(fd); /* only read */
                if (n > 6 && name_valid(name))
                        return finish(path, name, err);
        } else if (errno != ENOENT) {
                return fail(-errno, file, err);
        }
        /* Cut short before it was noted: nothing has changed. */
        r = drop(path, ".swap", err);
        if (r == 0)
                r = drop(path, ".new", err);
        if (r == 0)
                r = drop(path, ".new-journal", err);
        return r;
}
