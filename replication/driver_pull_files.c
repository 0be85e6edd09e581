/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R's files: at rest, committed, taken over, removed. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replication/driver_pull.h"

static void closep(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}

void pull_path(char ret[DISK_PATH_LEN], const char *path, uint32_t serial, const char *suffix) {
        text_fmt(ret, DISK_PATH_LEN, "%s.hawd-replica-%" PRIu32 "%s", path, serial, suffix);
}

static int said(int r, const char *path, const char *what, char *err) {
        text_fmt(err, TEXT_LEN, "%.120s %s: %s", path, what, strerror(-r));
        return r;
}

int pull_sync(const char *path, char *err) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? said(-errno, path, "cannot be written through", err) : 0;
}

int pull_sync_folder(const char *path, char *err) {
        char folder[DISK_PATH_LEN];
        char *slash;

        text_set(folder, sizeof(folder), path);
        slash = strrchr(folder, '/');
        assert(slash);
        slash[slash == folder] = '\0';
        return pull_sync(folder, err);
}

int pull_put(const char *path, const struct pull_mark *m, char *err) {
        char tmp[DISK_PATH_LEN + 8], buf[PULL_MARK_SIZE];
        int fd, r = 0;

        text_fmt(tmp, sizeof(tmp), "%s-new", path);
        pull_mark_put(m, buf);
        fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return said(-errno, tmp, "cannot be made", err);
        if (write(fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf) || fsync(fd) < 0)
                r = said(errno ? -errno : -EIO, tmp, "cannot be written", err);
        (void)close(fd);
        if (r == 0 && rename(tmp, path) < 0)
                r = said(-errno, path, "cannot be put into place", err);
        if (r < 0) {
                (void)unlink(tmp);
                return r;
        }
        return pull_sync_folder(path, err);
}

/* Return: 0 whether it is there or not, -errno. */
static int get(const char *path, bool *is, bool *odd, struct pull_mark *ret, char *err) {
        char buf[PULL_MARK_SIZE];
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        *is = *odd = false;
        if (fd < 0)
                return errno == ENOENT ? 0 : said(-errno, path, "cannot be read", err);
        n = pread(fd, buf, sizeof(buf), 0);
        if (n < 0)
                return said(-errno, path, "cannot be read", err);
        *is = n == (ssize_t)sizeof(buf) && pull_mark_get(buf, ret) == 0;
        *odd = !*is;
        return 0;
}

/* Return: 1 there is such a file, 0 there is not, -errno. */
static int there(const char *path, char *err) {
        struct stat st;

        if (stat(path, &st) == 0)
                return 1;
        return errno == ENOENT ? 0 : said(-errno, path, "cannot be seen", err);
}

int pull_look(const struct pull_guest *g, struct pull_seen *ret, char *err) {
        char path[DISK_PATH_LEN];
        int r;

        *ret = (struct pull_seen){.serial = g->serial, .disks = (uint32_t)g->n};
        for (size_t i = 0; i < g->n; i++) {
                pull_path(path, g->disks[i].path, g->serial, "");
                r = there(path, err);
                if (r < 0)
                        return r;
                ret->copies += (uint32_t)r;
                pull_path(path, g->disks[i].path, g->serial, ".next");
                r = there(path, err);
                if (r < 0)
                        return r;
                ret->nexts += (uint32_t)r;
        }
        pull_path(path, g->disks[0].path, g->serial, ".whole");
        r = get(path, &ret->whole_is, &ret->whole_odd, &ret->whole, err);
        pull_path(path, g->disks[0].path, g->serial, ".mark");
        return r == 0 ? get(path, &ret->mark_is, &ret->mark_odd, &ret->mark, err) : r;
}

static int drop(const struct pull_disk *disk, uint32_t serial, const char *suffix, char *err) {
        char path[DISK_PATH_LEN];

        pull_path(path, disk->path, serial, suffix);
        return unlink(path) < 0 && errno != ENOENT ? said(-errno, path, "cannot be removed", err)
                                                   : 0;
}

/* The overlays first: a mark without them is of a cycle that was committed. */
static int clean(const struct disk_driver *d, const struct pull_guest *g, char *err) {
        int r = disk_step(d, "clean", err);

        for (size_t i = 0; r == 0 && i < g->n; i++)
                r = drop(&g->disks[i], g->serial, ".next", err);
        if (r == 0)
                r = pull_sync_folder(g->disks[0].path, err);
        return r == 0 ? drop(&g->disks[0], g->serial, ".mark", err) : r;
}

static int commit(const struct disk_driver *d, const struct pull_guest *g, char *err) {
        char copy[DISK_PATH_LEN], next[DISK_PATH_LEN];
        const char *const args[] = {"commit", "-q", "-d", "-f", "qcow2", "-b", copy, next, NULL};
        int r = 0;

        for (size_t i = 0; r == 0 && i < g->n; i++) {
                pull_path(copy, g->disks[i].path, g->serial, "");
                pull_path(next, g->disks[i].path, g->serial, ".next");
                r = disk_step(d, "commit", err);
                if (r == 0)
                        r = disk_tool(d, args, NULL, err);
                if (r == 0)
                        r = pull_sync(copy, err);
        }
        return r;
}

static int adopt(const struct disk_driver *d, const struct pull_guest *g, char *err) {
        char copy[DISK_PATH_LEN];
        int r = disk_step(d, "adopt", err);

        for (size_t i = 0; r == 0 && i < g->n; i++) {
                pull_path(copy, g->disks[i].path, g->serial, "");
                r = pull_sync(copy, err);
        }
        return r;
}

static int say_whole(const struct disk_driver *d, const struct pull_guest *g,
                     const struct pull_mark *m, char *err) {
        char path[DISK_PATH_LEN];
        int r = disk_step(d, "whole", err);

        pull_path(path, g->disks[0].path, g->serial, ".whole");
        return r == 0 ? pull_put(path, m, err) : r;
}

int pull_settle(const struct disk_driver *d, const struct pull_guest *g, struct pull_mark *ret,
                char *err) {
        for (;;) {
                struct pull_seen seen;
                enum pull_then then;
                int r = pull_look(g, &seen, err);

                if (r == 0)
                        r = pull_resume(&seen, &then, err);
                if (r < 0)
                        return r;
                switch (then) {
                case PULL_ADOPT:
                        r = adopt(d, g, err);
                        break;
                case PULL_COMMIT:
                        r = commit(d, g, err);
                        break;
                case PULL_CLEAN:
                        r = clean(d, g, err);
                        break;
                case PULL_READY:
                        *ret = seen.whole;
                        return 0;
                case PULL_EMPTY:
                case PULL_THEN_MAX_:
                default:
                        text_set(err, TEXT_LEN, "there is no whole copy yet");
                        return -ENODATA;
                }
                if (r == 0 && then != PULL_CLEAN)
                        r = say_whole(d, g, &seen.mark, err);
                if (r < 0)
                        return r;
        }
}

int pull_take_over(const struct disk_driver *d, const struct pull_guest *g, uint32_t older,
                   char *err) {
        struct pull_guest from = *g;
        char old[DISK_PATH_LEN], now[DISK_PATH_LEN];
        struct pull_seen seen;
        struct pull_mark m;
        int r;

        from.serial = older;
        r = pull_look(&from, &seen, err);
        if (r < 0)
                return r;
        m = seen.whole;
        /* Copies that are renamed already are those of a call that was cut off. */
        if (seen.copies == from.n)
                r = pull_settle(d, &from, &m, err);
        else if (!seen.whole_is)
                return 0;
        if (r == -ENODATA)
                return 0;
        if (r == 0)
                r = disk_step(d, "take-over", err);
        for (size_t i = 0; r == 0 && i < g->n; i++) {
                pull_path(old, g->disks[i].path, older, "");
                pull_path(now, g->disks[i].path, g->serial, "");
                if (rename(old, now) < 0 && (errno != ENOENT || access(now, F_OK) < 0))
                        r = said(-errno, old, "cannot be renamed", err);
        }
        if (r == 0)
                r = pull_sync_folder(g->disks[0].path, err);
        m.serial = g->serial;
        if (r == 0)
                r = say_whole(d, g, &m, err);
        return r == 0 ? drop(&g->disks[0], older, ".whole", err) : r;
}

int pull_remove(const struct disk_driver *d, const struct pull_guest *g, char *err) {
        static const char *const suffixes[] = {".whole", "", ".next", ".mark"};
        int r = disk_step(d, "remove", err);

        /* First what says that there is a copy: the rest is never taken for one. */
        for (size_t k = 0; k < ARRAY_SIZE(suffixes); k++)
                for (size_t i = 0; r == 0 && i < g->n; i++)
                        r = drop(&g->disks[i], g->serial, suffixes[k], err);
        return r == 0 ? pull_sync_folder(g->disks[0].path, err) : r;
}

/* ---- other serials --------------------------------------------------------------------------- */

/* Calls @fn with the serial of each of R's files of @disk, and the file. */
static int each_file(const struct pull_disk *disk,
                     int (*fn)(uint32_t serial, const char *path, void *userdata, char *err),
                     void *userdata, char *err) {
        char folder[DISK_PATH_LEN], start[DISK_PATH_LEN + 16], path[2 * DISK_PATH_LEN];
        char *slash;
        struct dirent *e;
        DIR *dir;
        int r = 0;

        text_set(folder, sizeof(folder), disk->path);
        slash = strrchr(folder, '/');
        assert(slash);
        text_fmt(start, sizeof(start), "%s.hawd-replica-", slash + 1);
        slash[slash == folder] = '\0';
        dir = opendir(folder);
        if (!dir)
                return said(-errno, folder, "cannot be read", err);
        while (r == 0 && (e = readdir(dir))) {
                if (strncmp(e->d_name, start, strlen(start)) != 0)
                        continue;
                text_fmt(path, sizeof(path), "%s/%s", folder, e->d_name);
                r = fn((uint32_t)strtoul(e->d_name + strlen(start), NULL, 10), path, userdata, err);
        }
        (void)closedir(dir);
        return r;
}

struct older {
        uint32_t than, found, keep;
};

/* The newest before: a first copy that is complete may have nothing but its mark yet. */
static int look_for_older(uint32_t serial, const char *path, void *userdata, char *err) {
        struct older *o = userdata;
        const char *dot = strrchr(path, '.');

        (void)err;
        if ((strcmp(dot, ".whole") == 0 || strcmp(dot, ".mark") == 0) && serial < o->than &&
            serial > o->found)
                o->found = serial;
        return 0;
}

static int remove_other(uint32_t serial, const char *path, void *userdata, char *err) {
        const struct older *o = userdata;

        if (serial == o->keep)
                return 0;
        return unlink(path) < 0 && errno != ENOENT ? said(-errno, path, "cannot be removed", err)
                                                   : 0;
}

int pull_prepare(const struct disk_driver *d, const struct pull_guest *g, char *err) {
        struct older o = {.than = g->serial, .keep = g->serial};
        struct pull_seen seen;
        int r;

        for (;;) {
                r = pull_look(g, &seen, err);
                if (r == 0 && !seen.whole_is)
                        r = each_file(&g->disks[0], look_for_older, &o, err);
                if (r < 0 || o.found == 0)
                        break;
                r = pull_take_over(d, g, o.found, err);
                if (r < 0 && r != -ENOENT && r != -EUCLEAN) /* those are worth nothing, and go */
                        return r;
                o.than = o.found;
                o.found = 0;
        }
        if (r == 0)
                r = disk_step(d, "remove", err);
        for (size_t i = 0; r == 0 && i < g->n; i++)
                r = each_file(&g->disks[i], remove_other, &o, err);
        return r;
}
