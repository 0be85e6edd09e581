/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "hawd/sense/sense.h"

#define BLOCK 4096

static bool fails(char text[ILL_TEXT], const char *path, const char *what) {
        text_fmt(text, ILL_TEXT, "%.60s: %s", path, what);
        return false;
}

static bool list_folder(const char *path, char text[ILL_TEXT]) {
        DIR *d = opendir(path);
        int error;

        if (!d)
                return fails(text, path, strerror(errno));
        errno = 0;
        error = readdir(d) ? 0 : errno;
        (void)closedir(d);
        return error == 0 || fails(text, path, strerror(error));
}

/* Some file systems have no way past the cache. */
static int open_direct(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);

        return fd < 0 && errno == EINVAL ? open(path, O_RDONLY | O_CLOEXEC) : fd;
}

static bool read_beginning(const char *path, char text[ILL_TEXT]) {
        void *block = NULL;
        int error = 0, fd = open_direct(path);

        if (fd < 0)
                return fails(text, path, strerror(errno));
        if (posix_memalign(&block, BLOCK, BLOCK) != 0)
                abort();
        if (pread(fd, block, BLOCK, 0) < 0)
                error = errno;
        free(block);
        (void)close(fd);
        return error == 0 || fails(text, path, strerror(error));
}

bool sense_storage(const char *path, char text[ILL_TEXT]) {
        struct statvfs fs;
        struct stat st;

        text[0] = '\0';
        if (stat(path, &st) < 0)
                return fails(text, path, strerror(errno));
        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
                return fails(text, path, "neither a file, a folder nor a block device");
        if (!(S_ISDIR(st.st_mode) ? list_folder(path, text) : read_beginning(path, text)))
                return false;
        if (S_ISBLK(st.st_mode))
                return true;
        if (statvfs(path, &fs) < 0)
                return fails(text, path, strerror(errno));
        return !(fs.f_flag & ST_RDONLY) || fails(text, path, "its file system is read-only");
}
