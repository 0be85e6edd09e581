/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies as files on their host: made, promoted, dropped. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/base/tool.h"
#include "replication/mirror.h"

#define COPY_PATH_LEN (MIRROR_PATH_LEN + 32)
#define MIB ((uint64_t)1024 * 1024)

int mirror_step(const struct mirror_work *w, const char *step, char *err) {
        if (now_boottime() >= w->deadline) {
                text_fmt(err, TEXT_LEN, "no time is left before: %s", step);
                return -ETIMEDOUT;
        }
        if (w->go_on && !w->go_on(w->userdata, step)) {
                text_fmt(err, TEXT_LEN, "no longer wanted, ended before: %s", step);
                return -ECANCELED;
        }
        return 0;
}

void copy_path(const char *path, const char *what, uint32_t serial, char *ret) {
        text_fmt(ret, COPY_PATH_LEN, "%s.hawd-%s-%" PRIu32, path, what, serial);
}

static int failed(const char *path, const char *what, char *err) {
        int r = -errno;

        text_fmt(err, TEXT_LEN, "%.110s: %s: %s", path, what, strerror(-r));
        return r;
}

static int folder_of(const char *path, char folder[COPY_PATH_LEN], char *err) {
        char *slash;

        text_set(folder, COPY_PATH_LEN, path);
        slash = strrchr(folder, '/');
        if (path[0] != '/' || !slash[1]) {
                text_fmt(err, TEXT_LEN, "'%.100s' is no absolute path of a file", path);
                return -EINVAL;
        }
        slash[slash == folder ? 1 : 0] = '\0';
        return 0;
}

static int sync_path(const char *path, char *err) {
        int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

        if (fd < 0 || fsync(fd) < 0)
                r = failed(path, "cannot be written through", err);
        if (fd >= 0)
                (void)close(fd);
        return r;
}

static int sync_folder(const char *path, char *err) {
        char folder[COPY_PATH_LEN];
        int r = folder_of(path, folder, err);

        return r < 0 ? r : sync_path(folder, err);
}

/* Is there a file? 1, 0, -errno; whatever is no regular file, or a link to none, is an error. */
static int is_file(const char *path, char *err) {
        struct stat st;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : failed(path, "cannot be looked at", err);
        if (S_ISLNK(st.st_mode) && stat(path, &st) < 0)
                return failed(path, "is a link to nothing", err);
        if (S_ISREG(st.st_mode))
                return 1;
        text_fmt(err, TEXT_LEN, "%.120s is no file", path);
        return -EINVAL;
}

/* ---- made ------------------------------------------------------------------------------------ */

/* Calls @fn for each copy of @path that is there. */
static int each_copy(const char *path, int (*fn)(const char *copy, void *userdata, char *err),
                     void *userdata, char *err) {
        char folder[COPY_PATH_LEN], start[COPY_PATH_LEN], full[2 * COPY_PATH_LEN];
        int r = folder_of(path, folder, err);
        struct dirent *e;
        DIR *d;

        if (r < 0)
                return r;
        text_fmt(start, sizeof(start), "%s.hawd-replica-", strrchr(path, '/') + 1);
        d = opendir(folder);
        if (!d)
                return errno == ENOENT ? 0 : failed(folder, "cannot be read", err);
        while (r == 0 && (e = readdir(d))) {
                if (strncmp(e->d_name, start, strlen(start)) != 0)
                        continue;
                text_fmt(full, sizeof(full), "%s/%s", folder, e->d_name);
                r = fn(full, userdata, err);
        }
        (void)closedir(d);
        return r;
}

static int remove_copy(const char *copy, void *userdata, char *err) {
        (void)userdata;
        return unlink(copy) < 0 && errno != ENOENT ? failed(copy, "cannot be removed", err) : 0;
}

int copy_drop(const struct mirror_disks *disks, char *err) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < disks->n; i++)
                r = each_copy(disks->disks[i].path, remove_copy, NULL, err);
        return r;
}

static int check_room(const struct mirror_disk *d, char *err) {
        /* qcow2 keeps 8 bytes and some for each cluster of 64 KiB. */
        uint64_t need = d->size + d->size / 1024 + 4 * MIB, room;
        char folder[COPY_PATH_LEN];
        struct statvfs st;
        int r = folder_of(d->path, folder, err);

        if (r < 0)
                return r;
        if (statvfs(folder, &st) < 0)
                return failed(folder, "its free space is not known", err);
        room = (uint64_t)st.f_bavail * st.f_frsize;
        if (room >= need)
                return 0;
        text_fmt(err, TEXT_LEN,
                 "%.80s has %" PRIu64 " MiB free, and the copy of %.20s takes %" PRIu64
                 " MiB: make room",
                 folder, room / MIB, d->target, need / MIB);
        return -ENOSPC;
}

static int make_raw(const struct mirror_work *w, const char *tmp, uint64_t size, char *err) {
        int fd = open(tmp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600), r = 0;

        if (fd < 0)
                return failed(tmp, "cannot be made", err);
        /* In pieces: a file system that has to write zeroes takes its time. */
        for (uint64_t at = 0; r == 0 && at < size; at += 256 * MIB) {
                r = mirror_step(w, "preallocate", err);
                if (r == 0)
                        r = -posix_fallocate(fd, (off_t)at, (off_t)MIN(size - at, 256 * MIB));
                if (r < 0 && r != -ECANCELED && r != -ETIMEDOUT)
                        text_fmt(err, TEXT_LEN, "%.110s cannot be preallocated: %s", tmp,
                                 strerror(-r));
        }
        (void)close(fd);
        return r;
}

static bool tool_go_on(void *userdata) {
        const struct mirror_work *w = userdata;

        return !w->go_on || w->go_on(w->userdata, "qemu-img");
}

static int make_qcow2(const struct mirror_work *w, const char *tmp, uint64_t size, char *err) {
        char bytes[32];
        const char *const argv[] = {
                "qemu-img", "create", "-q", "-f", "qcow2", "-o", "preallocation=falloc",
                tmp,        bytes,    NULL};
        struct mirror_work work = *w;
        const struct tool t = {.name = "qemu-img",
                               .argv = argv,
                               .deadline = w->deadline,
                               .go_on = tool_go_on,
                               .userdata = &work};

        text_fmt(bytes, sizeof(bytes), "%" PRIu64, size);
        return tool_run(&t, NULL, NULL, err);
}

/* QEMU may open it as it may open the disk that was there before. */
static int same_owner(const char *copy, const char *as, char *err) {
        struct stat st;

        if (stat(as, &st) < 0)
                return 0; /* there is none: libvirt gives it to its QEMU at the start */
        if (chmod(copy, st.st_mode & 0666) < 0 ||
            (geteuid() == 0 && chown(copy, st.st_uid, st.st_gid) < 0))
                return failed(copy, "owner and mode", err);
        return 0;
}

struct older {
        const struct mirror_disk *disk;
        const char *to;
        bool taken;
};

/* A copy of before: its room is taken over when it is of the same size. */
static int take_older(const char *copy, void *userdata, char *err) {
        struct older *o = userdata;
        struct stat st;

        if (strcmp(copy, o->to) == 0) /* this one, or of a try that was cut off */
                return o->taken ? 0 : remove_copy(copy, NULL, err);
        if (o->taken || strcmp(o->disk->format, "raw") != 0 || lstat(copy, &st) < 0 ||
            !S_ISREG(st.st_mode) || (uint64_t)st.st_size != o->disk->size ||
            (uint64_t)st.st_blocks * 512 < o->disk->size)
                return remove_copy(copy, NULL, err);
        if (rename(copy, o->to) < 0)
                return failed(copy, "cannot be renamed", err);
        o->taken = true;
        return 0;
}

/* Of a guest that had the same name and disks once. */
static int set_aside(const struct mirror_disk *d, uint32_t serial, char *err) {
        char left[COPY_PATH_LEN], aside[COPY_PATH_LEN + 32];
        struct stat st;

        copy_path(d->path, "left", serial, left);
        if (lstat(left, &st) < 0)
                return errno == ENOENT ? 0 : failed(left, "cannot be looked at", err);
        text_fmt(aside, sizeof(aside), "%s.%" PRIu64, left, now_wall() / USEC_PER_SEC);
        return rename(left, aside) < 0 ? failed(left, "cannot be renamed", err) : 0;
}

int copy_make(const struct mirror_work *w, const struct mirror_disk *d, uint32_t serial,
              char *err) {
        char copy[COPY_PATH_LEN], tmp[COPY_PATH_LEN];
        struct older o = {.disk = d, .to = tmp};
        int r = mirror_step(w, "make", err);

        copy_path(d->path, "replica", serial, copy);
        text_fmt(tmp, sizeof(tmp), "%s.hawd-replica-new", d->path);
        if (r == 0 && d->size == 0) {
                text_fmt(err, TEXT_LEN, "disk %s has no size", d->target);
                r = -EINVAL;
        }
        if (r == 0)
                r = set_aside(d, serial, err);
        if (r == 0)
                r = each_copy(d->path, take_older, &o, err);
        if (r == 0 && !o.taken) {
                r = check_room(d, err);
                if (r == 0)
                        r = strcmp(d->format, "raw") == 0 ? make_raw(w, tmp, d->size, err)
                                                          : make_qcow2(w, tmp, d->size, err);
        }
        if (r == 0)
                r = same_owner(tmp, d->path, err);
        if (r == 0)
                r = mirror_step(w, "place", err);
        if (r == 0 && rename(tmp, copy) < 0)
                r = failed(copy, "cannot be put into place", err);
        if (r == 0)
                r = sync_folder(copy, err);
        if (r < 0)
                (void)unlink(tmp);
        return r;
}

/* ---- promoted -------------------------------------------------------------------------------- */

static bool same_file(const char *a, const char *b) {
        struct stat x, y;

        return lstat(a, &x) == 0 && lstat(b, &y) == 0 && x.st_dev == y.st_dev &&
               x.st_ino == y.st_ino;
}

/* Never over another file. NFS cannot do that by a rename: two steps, and between them a crash. */
static int move(const char *from, const char *to, char *err) {
        int r = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

        if (r < 0 && (errno == EINVAL || errno == ENOSYS))
                r = link(from, to) < 0 ? -1 : unlink(from);
        if (r < 0 && errno == EEXIST && same_file(from, to))
                r = unlink(from);
        return r < 0 ? failed(from, "cannot be renamed", err) : sync_folder(to, err);
}

/* Return: 1 promoted before, 0 the copy is there, -ENOENT it is gone. */
static int look(const struct mirror_disk *d, uint32_t serial, char *err) {
        char copy[COPY_PATH_LEN], left[COPY_PATH_LEN];
        int there, was;

        copy_path(d->path, "replica", serial, copy);
        copy_path(d->path, "left", serial, left);
        there = is_file(copy, err);
        was = there == 0 ? is_file(left, err) : 0;
        if (was > 0)
                was = is_file(d->path, err);
        if (there < 0 || was < 0)
                return there < 0 ? there : was;
        if (there == 0 && was == 0)
                text_fmt(err, TEXT_LEN, "the copy is gone: there is no %.120s", copy);
        return there > 0 ? 0 : was > 0 ? 1 : -ENOENT;
}

/* What a promotion before the crash left behind is told from a disk by being there. */
static int leave(const struct mirror_disk *d, const char *left, char *err) {
        int r = is_file(left, err), fd;

        if (r > 0 && same_file(left, d->path) && unlink(d->path) < 0)
                return failed(d->path, "cannot be removed", err); /* move() was cut off */
        if (r != 0)
                return r < 0 ? r : 0;
        r = is_file(d->path, err);
        if (r < 0)
                return r;
        if (r > 0)
                return move(d->path, left, err);
        fd = open(left, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0)
                return failed(left, "cannot be made", err);
        (void)close(fd);
        return sync_folder(left, err);
}

static int promote(const struct mirror_work *w, const struct mirror_disk *d, uint32_t serial,
                   char *err) {
        char copy[COPY_PATH_LEN], left[COPY_PATH_LEN];
        int r = look(d, serial, err);

        if (r != 0)
                return r < 0 ? r : 0;
        copy_path(d->path, "replica", serial, copy);
        copy_path(d->path, "left", serial, left);
        r = sync_path(copy, err);
        if (r == 0)
                r = mirror_step(w, "leave", err);
        if (r == 0)
                r = leave(d, left, err);
        if (r == 0)
                r = mirror_step(w, "promote", err);
        if (r == 0)
                r = move(copy, d->path, err);
        return r;
}

int copy_promote(const struct mirror_work *w, const struct mirror_disks *disks, uint32_t serial,
                 char *err) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < disks->n; i++)
                r = look(&disks->disks[i], serial, err);
        for (size_t i = 0; r >= 0 && i < disks->n; i++)
                r = promote(w, &disks->disks[i], serial, err);
        return r;
}
