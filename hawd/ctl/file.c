/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/ctl/ctl.h"

#define CHUNK ((size_t)65536)

char *file_read(const char *path, size_t max, const char *what) {
        FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
        _cleanup_(freep) char *text = NULL;
        size_t len = 0, size = 0, n;
        const char *bad = NULL;

        if (!f) {
                (void)ctl_fail("%s: %s", path, strerror(errno));
                return NULL;
        }
        do {
                if (len + CHUNK > size) {
                        size = 2 * size + 2 * CHUNK;
                        text = xreallocarray(text, size, 1);
                }
                n = fread(text + len, 1, CHUNK, f);
                len += n;
        } while (n > 0 && len <= max);
        text[len] = '\0';
        if (ferror(f))
                bad = strerror(errno);
        else if (memchr(text, '\0', len) && len <= max)
                bad = "this is no text";
        if (f != stdin)
                (void)fclose(f); /* only read */
        if (bad)
                (void)ctl_fail("%s: %s", path, bad);
        else if (len > max)
                (void)ctl_fail("%s: too long for %s", path, what);
        return bad || len > max ? NULL : TAKE_PTR(text);
}

static int put(FILE *f, const char *text) {
        int r = fputs(text, f) == EOF || fflush(f) == EOF ? -errno : 0;

        if (r == 0 && fsync(fileno(f)) < 0 && errno != EINVAL && errno != EROFS)
                r = -errno;
        return r;
}

/* Beside it, then in its place: a full disk leaves the old one. */
static int replace(const char *path, const char *text, mode_t mode) {
        char fresh[PATH_MAX];
        FILE *f;
        int fd, r;

        if (strlen(path) + 8 > sizeof(fresh))
                return -ENAMETOOLONG;
        text_fmt(fresh, sizeof(fresh), "%s.XXXXXX", path);
        fd = mkostemp(fresh, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        f = fdopen(fd, "w");
        if (!f)
                abort(); /* no memory */
        r = put(f, text);
        if (r == 0 && fchmod(fd, mode) < 0)
                r = -errno;
        (void)fclose(f); /* it is on the disk */
        if (r == 0 && rename(fresh, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(fresh);
        return r;
}

static int write_there(const char *path, const char *text) {
        char real[PATH_MAX];
        struct stat st;
        FILE *f;
        int r;

        if (stat(path, &st) < 0)
                /* Domain XML may have passwords of displays. */
                return errno == ENOENT ? replace(path, text, 0600) : -errno;
        if (S_ISREG(st.st_mode))
                return realpath(path, real) ? replace(real, text, st.st_mode & 07777) : -errno;
        f = fopen(path, "we"); /* a terminal, a pipe */
        if (!f)
                return -errno;
        r = fputs(text, f) == EOF || fflush(f) == EOF ? -errno : 0;
        (void)fclose(f); /* flushed */
        return r;
}

int file_write(const char *path, const char *text) {
        int r;

        if (!path || strcmp(path, "-") == 0) {
                (void)fputs(text, stdout); /* a closed output is found at the end */
                return CTL_DONE;
        }
        r = write_there(path, text);
        return r < 0 ? ctl_fail("%s: %s", path, strerror(-r)) : CTL_DONE;
}
