/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/base/config.h"

#define FILE_MAX (4 * 1024 * 1024)

static void closep(int *fd) {
        if (*fd >= 0)
                (void)close(*fd); /* it was only read */
}

/* Return: 0 and the whole of @path with a NUL behind, or -errno. */
static int read_all(const char *path, char **ret, size_t *ret_len) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_(freep) char *text = NULL;
        struct stat st;
        size_t len = 0, size;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_size > FILE_MAX)
                return -EFBIG;
        size = (size_t)st.st_size + 1;
        text = xcalloc(size + 1, 1);
        for (;;) {
                ssize_t n = read(fd, text + len, size - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
                if (len == size) /* it grew while it was read */
                        return -EAGAIN;
        }
        text[len] = '\0';
        *ret = TAKE_PTR(text);
        *ret_len = len;
        return 0;
}

int config_load(const char *path, struct config *ret, struct conf_errors *errors) {
        _cleanup_(freep) char *text = NULL;
        size_t len = 0;
        int r = read_all(path, &text, &len);

        if (r < 0)
                return r;
        if (strlen(text) < len) {
                int line = 1;

                for (const char *s = text; *s != '\0'; s++)
                        line += *s == '\n';
                conf_errors_add(errors, path, line, "a NUL: this is no text");
                return 1;
        }
        return config_parse(path, text, ret, errors);
}
