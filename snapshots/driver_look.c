/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a disk say of themselves. */
#include <dirent.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshots/driver.h"
#include "snapshots/tree.h"

static void free_json(json_t **j) {
        json_decref(*j);
}

static void odd(struct disk_image *im, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void odd(struct disk_image *im, const char *fmt, ...) {
        va_list ap;

        im->seen.state = FILE_ODD;
        va_start(ap, fmt);
        if (vsnprintf(im->seen.text, TEXT_LEN, fmt, ap) < 0)
                im->seen.text[0] = '\0';
        va_end(ap);
}

static uint64_t number(const json_t *j, const char *key) {
        json_int_t v = json_integer_value(json_object_get(j, key));

        return v > 0 ? (uint64_t)v : 0;
}

static const char *text(const json_t *j, const char *key) {
        const char *s = json_string_value(json_object_get(j, key));

        return s ? s : "";
}

static void read_backing(const json_t *j, struct disk_image *im) {
        const char *backing = text(j, "full-backing-filename");
        const char *format = text(j, "backing-filename-format");

        if (!backing[0])
                backing = text(j, "backing-filename");
        if (!backing[0])
                return;
        if (backing[0] != '/' || strlen(backing) >= DISK_PATH_LEN)
                odd(im, "it rests on '%.60s', which is no file", backing);
        else if (strcmp(format, "qcow2") != 0 && strcmp(format, "raw") != 0)
                odd(im, "it does not say the format of what it rests on: qemu-img rebase -u -F");
        else
                text_set(im->seen.backing, DISK_PATH_LEN, backing);
        text_set(im->backing_format, sizeof(im->backing_format), format);
}

/* @out of qemu-img info --output=json, of a file that was opened as qcow2. */
static void read_info(const char *out, struct disk_image *im) {
        _cleanup_(free_json) json_t *j = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
        const json_t *data, *snaps;

        if (!json_is_object(j)) {
                odd(im, "qemu-img gives no JSON");
                return;
        }
        im->seen.state = FILE_GOOD;
        im->size = number(j, "virtual-size");
        im->used = number(j, "actual-size");
        data = json_object_get(json_object_get(j, "format-specific"), "data");
        snaps = json_object_get(j, "snapshots");
        im->has_internal = json_array_size(snaps) > 0;
        if (strcmp(text(j, "format"), "qcow2") != 0 || im->size == 0)
                odd(im, "qemu-img does not say that it is a qcow2 image with a size");
        else if (json_is_true(json_object_get(data, "corrupt")))
                odd(im, "it is marked as corrupt: qemu-img check");
        else
                read_backing(j, im);
}

static void look_raw(const struct stat *st, struct disk_image *im) {
        im->seen.state = FILE_GOOD;
        im->size = (uint64_t)st->st_size;
        im->used = (uint64_t)st->st_blocks * 512;
        if (im->size == 0)
                odd(im, "it is empty");
}

int disk_look(const struct disk_driver *d, const char *path, const char *format,
              struct disk_image *ret, char *err) {
        const char *const args[] = {"info", "-U", "-f", "qcow2", "--output=json", path, NULL};
        _cleanup_(freep) char *out = NULL;
        struct stat st;
        int r;

        *ret = (struct disk_image){0};
        if (path[0] != '/' || strlen(path) >= DISK_PATH_LEN) {
                text_fmt(err, TEXT_LEN, "'%.100s' is no absolute path of a file, or a long one",
                         path);
                return -EINVAL;
        }
        if (stat(path, &st) < 0) {
                if (errno != ENOENT)
                        odd(ret, "%s", strerror(errno));
                return 0;
        }
        if (!S_ISREG(st.st_mode)) {
                odd(ret, "it is no file");
                return 0;
        }
        if (strcmp(format, "raw") == 0) {
                look_raw(&st, ret);
                return 0;
        }
        if (strcmp(format, "qcow2") != 0) {
                odd(ret, "its format is %.20s: only qcow2 and raw have snapshots", format);
                return 0;
        }
        r = disk_tool(d, args, &out, err);
        if (r == -EIO) {
                odd(ret, "%s", err);
                return 0;
        }
        if (r == 0)
                read_info(out, ret);
        return r;
}

/* @name is the overlay of this number; 0: it is none. @first: the name of number 1. */
static uint32_t overlay_number(const char *name, const char *first) {
        static const char ending[] = "1.qcow2";
        size_t start = strlen(first) - strlen(ending);
        unsigned long n;
        char *end;

        if (strncmp(name, first, start) != 0 || name[start] < '1' || name[start] > '9')
                return 0;
        n = strtoul(name + start, &end, 10);
        return n < UINT32_MAX && strcmp(end, ending + 1) == 0 ? (uint32_t)n : 0;
}

int disk_newest_overlay(const char *given, uint32_t *ret, char *err) {
        char folder[DISK_PATH_LEN], *name;
        const struct dirent *e;
        DIR *d;
        int r;

        *ret = 0;
        if (snap_file(given, 1, folder, sizeof(folder)) < 0)
                return 0; /* none could have been made */
        name = strrchr(folder, '/');
        *name++ = '\0';
        d = opendir(folder[0] ? folder : "/");
        r = d ? 0 : -errno;
        if (r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -EPERM)
                return 0; /* where hawd may not look, it could not make one either */
        errno = 0;
        while (d && (e = readdir(d)) != NULL) {
                *ret = MAX(*ret, overlay_number(e->d_name, name));
                errno = 0;
        }
        if (d) {
                r = -errno;
                (void)closedir(d);
        }
        if (r < 0)
                text_fmt(err, TEXT_LEN, "%.120s cannot be looked through for overlays: %s",
                         folder[0] ? folder : "/", strerror(-r));
        return r;
}

static bool same_folder(const char *a, const char *b) {
        const char *x = strrchr(a, '/'), *y = strrchr(b, '/');

        return x - a == y - b && strncmp(a, b, (size_t)(x - a)) == 0;
}

static int bad_layer(const struct disk_layer *l, const char *why, char *err) {
        text_fmt(err, TEXT_LEN, "%.90s: %.90s", l->path, why);
        return -EUCLEAN;
}

int disk_read_chain(const struct disk_driver *d, const char *path, const char *format,
                    const char *given, struct disk_chain *ret, char *err) {
        bool ours = true;

        ret->n = 0;
        while (path[0]) {
                struct disk_layer *l = &ret->layers[ret->n];
                int r;

                for (size_t i = 0; i < ret->n; i++)
                        if (strcmp(ret->layers[i].path, path) == 0)
                                return bad_layer(&ret->layers[i], "it rests on itself", err);
                if (ret->n == DISK_CHAIN_MAX) {
                        text_fmt(err, TEXT_LEN, "more than %d files below %.120s: commit some",
                                 DISK_CHAIN_MAX, ret->layers[0].path);
                        return -ELOOP;
                }
                r = disk_look(d, path, format, &l->image, err);
                if (r < 0)
                        return r;
                text_set(l->path, sizeof(l->path), path);
                text_set(l->format, sizeof(l->format), format);
                ret->n++;
                if (strcmp(path, given) == 0)
                        ours = false;
                if (l->image.seen.state == FILE_ABSENT)
                        return bad_layer(l, "it is missing", err);
                if (l->image.seen.state == FILE_ODD)
                        return bad_layer(l, l->image.seen.text, err);
                if (ours && l->image.seen.backing[0] == '\0')
                        return bad_layer(l, "it does not rest on the guest's disk", err);
                if (ours && !same_folder(l->image.seen.backing, given))
                        return bad_layer(l, "it rests on a file of another folder", err);
                path = l->image.seen.backing;
                format = l->image.backing_format;
        }
        return 0;
}
