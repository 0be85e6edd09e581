/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into libvirtd, which hands it on to QEMU: disks that fail.
 *
 * Each line of FAILING is the beginning of a path. What is read from, written to or flushed to such
 * a file that is open ends with EIO. QEMU's threads for disks use the calls below; while nothing
 * fails, each costs one access() of FAILING, which is not there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define FAILING "/run/hawd-lab/failing"

static int is_listed(const char *path) {
        char line[PATH_MAX];
        FILE *f = fopen(FAILING, "re");
        int found = 0;

        while (f && !found && fgets(line, sizeof(line), f)) {
                line[strcspn(line, "\n")] = '\0';
                found = line[0] && strncmp(path, line, strlen(line)) == 0;
        }
        if (f)
                fclose(f);
        return found;
}

static int fails(int fd) {
        char link[64], path[PATH_MAX];
        ssize_t n;

        if (access(FAILING, F_OK) != 0)
                return 0;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return 0;
        path[n] = '\0';
        if (!is_listed(path))
                return 0;
        errno = EIO;
        return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define FAILS(type, name, params, ...)                                                             \
        type name params {                                                                         \
                static __typeof__(&name) next;                                                     \
                if (fails(fd))                                                                     \
                        return -1;                                                                 \
                if (!next)                                                                         \
                        next = NEXT(name);                                                         \
                return next(__VA_ARGS__);                                                          \
        }

FAILS(ssize_t, pread, (int fd, void *buf, size_t n, off_t at), fd, buf, n, at)
FAILS(ssize_t, pread64, (int fd, void *buf, size_t n, off64_t at), fd, buf, n, at)
FAILS(ssize_t, pwrite, (int fd, const void *buf, size_t n, off_t at), fd, buf, n, at)
FAILS(ssize_t, pwrite64, (int fd, const void *buf, size_t n, off64_t at), fd, buf, n, at)
FAILS(ssize_t, preadv, (int fd, const struct iovec *v, int n, off_t at), fd, v, n, at)
FAILS(ssize_t, preadv64, (int fd, const struct iovec *v, int n, off64_t at), fd, v, n, at)
FAILS(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), fd, v, n, at)
FAILS(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t at), fd, v, n, at)
FAILS(int, fsync, (int fd), fd)
FAILS(int, fdatasync, (int fd), fd)
