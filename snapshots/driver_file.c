/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overlays as files: made, committed, removed. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshots/driver.h"

#define PATH_TMP_LEN (DISK_PATH_LEN + 16)

int disk_sync(const char *path, char *err) {
        int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

        if (fd < 0 || fsync(fd) < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "%.120s cannot be written through: %s", path, strerror(-r));
        }
        if (fd >= 0)
                (void)close(fd);
        return r;
}

static int sync_folder(const char *path, char *err) {
        char folder[DISK_PATH_LEN];

        text_set(folder, sizeof(folder), path);
        strrchr(folder, '/')[folder[0] == '/' && strrchr(folder, '/') == folder ? 1 : 0] = '\0';
        return disk_sync(folder, err);
}

static int need(const char *path, const struct disk_image *im, char *err) {
        if (im->seen.state == FILE_GOOD)
                return 0;
        text_fmt(err, TEXT_LEN, "%.90s: %.90s", path,
                 im->seen.state == FILE_ABSENT ? "it is missing" : im->seen.text);
        return im->seen.state == FILE_ABSENT ? -ENOENT : -EUCLEAN;
}

/* QEMU may open it as it may open the file that it goes over. */
static int same_owner(const char *path, const char *as, char *err) {
        struct stat st;
        int r = 0;

        if (stat(as, &st) < 0 || chmod(path, st.st_mode & 0666) < 0 ||
            (geteuid() == 0 && chown(path, st.st_uid, st.st_gid) < 0)) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "%.120s: owner and mode: %s", path, strerror(-r));
        }
        return r;
}

static int place(const char *tmp, const char *overlay, char *err) {
        int r;

        if (link(tmp, overlay) < 0) { /* never over another one, as a rename would */
                r = -errno;
                text_fmt(err, TEXT_LEN, "%.120s cannot be put into place: %s", overlay,
                         strerror(-r));
                return r;
        }
        (void)unlink(tmp); /* a second name of the same file, and removed at the next try */
        r = sync_folder(overlay, err);
        if (r < 0)
                (void)unlink(overlay); /* nobody has it yet */
        return r;
}

int disk_make_overlay(const struct disk_driver *d, const char *overlay, const char *base,
                      const char *base_format, char *err) {
        char tmp[PATH_TMP_LEN], size[32];
        const char *const args[] = {"create", "-q", "-u",        "-f", "qcow2", "-b",
                                    base,     "-F", base_format, tmp,  size,    NULL};
        struct disk_image im;
        int r;

        if (overlay[0] != '/' || strlen(overlay) >= DISK_PATH_LEN) {
                text_fmt(err, TEXT_LEN, "'%.100s' is no absolute path of a file, or a long one",
                         overlay);
                return -EINVAL;
        }
        r = disk_look(d, base, base_format, &im, err);
        if (r == 0)
                r = need(base, &im, err);
        if (r < 0)
                return r;
        if (access(overlay, F_OK) == 0) {
                text_fmt(err, TEXT_LEN, "there is a file %.120s already", overlay);
                return -EEXIST;
        }
        text_fmt(tmp, sizeof(tmp), "%s.hawd-new", overlay);
        text_fmt(size, sizeof(size), "%" PRIu64, im.size);
        r = disk_step(d, "create", err);
        if (r < 0)
                return r;
        (void)unlink(tmp); /* of a try that was cut off */
        r = disk_tool(d, args, NULL, err);
        if (r == 0)
                r = same_owner(tmp, base, err);
        if (r == 0)
                r = disk_sync(tmp, err);
        if (r == 0)
                r = disk_step(d, "place", err);
        if (r == 0)
                r = place(tmp, overlay, err);
        if (r < 0)
                (void)unlink(tmp);
        return r;
}

int disk_commit_offline(const struct disk_driver *d, const char *current, const char *top,
                        const char *base, const char *base_format, char *err) {
        const char *const commit[] = {"commit", "-q", "-d", "-f", "qcow2", "-b", base, top, NULL};
        const char *const rebase[] = {"rebase", "-q", "-u",        "-f",    "qcow2", "-b",
                                      base,     "-F", base_format, current, NULL};
        struct disk_image im;
        int r = disk_look(d, top, "qcow2", &im, err);

        if (r == 0)
                r = need(top, &im, err);
        if (r == 0 && strcmp(im.seen.backing, base) != 0) {
                text_fmt(err, TEXT_LEN, "%.80s does not rest on %.80s", top, base);
                r = -EUCLEAN;
        }
        if (r == 0 && im.has_internal) {
                text_fmt(err, TEXT_LEN, "%.100s has snapshots inside, which a commit would lose",
                         top);
                r = -EUCLEAN;
        }
        if (r == 0)
                r = disk_step(d, "commit", err);
        if (r == 0)
                r = disk_tool(d, commit, NULL, err);
        if (r == 0)
                r = disk_sync(base, err); /* before anything trusts it */
        if (r == 0)
                r = disk_step(d, "rebase", err);
        if (r == 0)
                r = disk_tool(d, rebase, NULL, err);
        if (r == 0)
                r = disk_sync(current, err);
        return r;
}

int disk_remove(const struct disk_driver *d, const char *path, const char *const *others,
                size_t n_others, char *err) {
        int r;

        for (size_t i = 0; i < n_others; i++) {
                struct disk_image im;

                if (strcmp(others[i], path) == 0)
                        continue;
                r = disk_look(d, others[i], "qcow2", &im, err);
                if (r < 0)
                        return r;
                if (im.seen.state == FILE_ABSENT)
                        continue;
                if (im.seen.state == FILE_ODD || strcmp(im.seen.backing, path) == 0) {
                        text_fmt(err, TEXT_LEN, "%.80s %srests on %.80s", others[i],
                                 im.seen.state == FILE_ODD ? "cannot be read, and perhaps " : "",
                                 path);
                        return -EBUSY;
                }
        }
        r = disk_step(d, "remove", err);
        if (r < 0)
                return r;
        if (unlink(path) < 0 && errno != ENOENT) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "%.120s cannot be removed: %s", path, strerror(-r));
                return r;
        }
        return sync_folder(path, err);
}
