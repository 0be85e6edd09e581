/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/cache.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_LEN (sizeof("v1 0123456789abcdef ") - 1)

static bool printable(const char *s) {
        for (; *s; s++) {
                if (*s < 0x20 || *s > 0x7e)
                        return false;
        }
        return true;
}

int cache_parse(const char *text, uint64_t key, char ret[CACHE_VALUE_LEN]) {
        char head[HEAD_LEN + 1];
        size_t len = strlen(text);

        text_fmt(head, sizeof(head), "v1 %016" PRIx64 " ", key);
        if (strncmp(text, head, HEAD_LEN) != 0 || len <= HEAD_LEN + 1 || text[len - 1] != '\n')
                return -EINVAL;
        len -= HEAD_LEN + 1;
        if (len >= CACHE_VALUE_LEN || memchr(text + HEAD_LEN, '\n', len))
                return -EINVAL;
        memcpy(ret, text + HEAD_LEN, len);
        ret[len] = '\0';
        return printable(ret) ? 0 : -EINVAL;
}

int cache_load(const char *dir, const char *name, uint64_t key, char ret[CACHE_VALUE_LEN],
               usec_t *ret_age) {
        char path[PATH_MAX], text[HEAD_LEN + CACHE_VALUE_LEN + 2], value[CACHE_VALUE_LEN];
        struct stat st;
        time_t wall;
        ssize_t n = -1;
        int fd;

        assert(name_valid(name));
        text_fmt(path, sizeof(path), "%s/%s", dir, name);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -ENOENT;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
            (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
                n = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
        if (n <= 0)
                return -ENOENT;
        text[n] = '\0';
        if (strlen(text) != (size_t)n || cache_parse(text, key, value) < 0)
                return -ENOENT;
        wall = time(NULL);
        *ret_age = wall > st.st_mtime ? (usec_t)(wall - st.st_mtime) * USEC_PER_SEC : 0;
        memcpy(ret, value, sizeof(value));
        return 0;
}

static int make_dirs(const char *dir) {
        char path[PATH_MAX];

        text_set(path, sizeof(path), dir);
        for (char *p = path + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                if (mkdir(path, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int cache_store(const char *dir, const char *name, uint64_t key, const char *value) {
        char path[PATH_MAX], temp[PATH_MAX], text[HEAD_LEN + CACHE_VALUE_LEN + 2];
        size_t len;
        int fd, r;

        assert(name_valid(name) && strlen(value) < CACHE_VALUE_LEN && printable(value));
        r = make_dirs(dir);
        if (r < 0)
                return r;
        text_fmt(text, sizeof(text), "v1 %016" PRIx64 " %s\n", key, value);
        text_fmt(path, sizeof(path), "%s/%s", dir, name);
        text_fmt(temp, sizeof(temp), "%s/.%s.XXXXXX", dir, name); /* no device starts with a dot */
        fd = mkostemp(temp, O_CLOEXEC);                           /* mode 0600 */
        if (fd < 0)
                return -errno;
        len = strlen(text);
        r = write(fd, text, len) == (ssize_t)len ? 0 : -EIO;
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && rename(temp, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(temp); /* the error that counts is known already */
        return r;
}
