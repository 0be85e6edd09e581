/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk that fails on request. The test program's own open(), pwrite(), fsync() ... stand before
 * those of the C library, for SQLite too. What is done to files of one folder can be recorded, in
 * order, with the moments at which something was acknowledged (disk_cut.h plays it back).
 *
 * Include it in one file of a test only.
 */
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define SHIM_OPS 60000
#define SHIM_DATA ((size_t)96 << 20)
#define SHIM_FDS 1024

enum shim_kind {
        SHIM_CREATE, /* id, name */
        SHIM_RENAME, /* name -> to */
        SHIM_UNLINK, /* name */
        SHIM_DIRSYNC,
        SHIM_WRITE,    /* id, at, len, data */
        SHIM_TRUNCATE, /* id, at */
        SHIM_SYNC,     /* id */
        SHIM_SYNC_BAD, /* id: it failed, and what was written is forgotten by the kernel */
        SHIM_ACK,      /* at: what the test says */
};

struct shim_op {
        enum shim_kind kind;
        uint32_t id;
        uint64_t at;
        size_t len, data; /* offset into shim->data */
        char name[48], to[48];
};

/** struct shim - shared with children */
struct shim {
        char folder[64]; /* "": nothing is recorded */
        size_t n, used;
        uint32_t ids;
        struct {
                char name[48];
                uint32_t id;
        } names[64];
        size_t n_names;

        bool no_sync; /* nothing is at stake: a sync takes no time */

        /* Faults; each for files whose name ends so. */
        char fail_on[16];
        atomic_int fail_errno;  /* not 0: writing fails */
        atomic_int syncs_left;  /* > 0: that many syncs go well, then one fails */
        atomic_bool block_sync; /* waits until it is false */
        atomic_int blocked;
        struct shim_op ops[SHIM_OPS];
        uint8_t data[];
};

static struct shim *shim;
static pthread_mutex_t shim_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t shim_fds[SHIM_FDS]; /* id; UINT32_MAX: the folder */
static char shim_fd_name[SHIM_FDS][48];

/** shim_begin() - @folder NULL: only faults */
static inline void shim_begin(const char *folder) {
        shim = mmap(NULL, sizeof(*shim) + SHIM_DATA, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (shim == MAP_FAILED)
                abort();
        if (folder)
                snprintf(shim->folder, sizeof(shim->folder), "%s", folder);
}

static inline void shim_end(void) {
        struct shim *old = shim;

        shim = NULL;
        munmap(old, sizeof(*old) + SHIM_DATA);
}

#define SHIM_REAL(name)                                                                            \
        static __typeof__(name) *real;                                                             \
        if (!real)                                                                                 \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static inline struct shim_op *shim_add(enum shim_kind kind, uint32_t id) {
        struct shim_op *op = &shim->ops[shim->n];

        if (++shim->n == SHIM_OPS)
                abort();
        *op = (struct shim_op){.kind = kind, .id = id};
        return op;
}

/** shim_ack() - something was acknowledged */
static inline void shim_ack(uint64_t what) {
        pthread_mutex_lock(&shim_mutex);
        shim_add(SHIM_ACK, 0)->at = what;
        pthread_mutex_unlock(&shim_mutex);
}

/* The name in the recorded folder; "." for the folder; NULL: elsewhere, or of no interest. */
static inline const char *shim_name(const char *path) {
        size_t len = shim ? strlen(shim->folder) : 0;
        const char *name = path + len + 1;

        if (len == 0 || strncmp(path, shim->folder, len) != 0)
                return NULL;
        if (path[len] == '\0')
                return ".";
        if (path[len] != '/' || strchr(name, '/'))
                return NULL;
        if (strlen(name) > 4 && strcmp(name + strlen(name) - 4, "-shm") == 0)
                return NULL; /* made anew from the log */
        return name;
}

static inline uint32_t *shim_id(const char *name) {
        for (size_t i = 0; i < shim->n_names; i++)
                if (strcmp(shim->names[i].name, name) == 0)
                        return &shim->names[i].id;
        if (shim->n_names == 64)
                abort();
        snprintf(shim->names[shim->n_names].name, 48, "%s", name);
        shim->names[shim->n_names].id = 0;
        return &shim->names[shim->n_names++].id;
}

static inline void shim_opened(int fd, const char *path, int flags) {
        const char *name = shim_name(path), *base = strrchr(path, '/');
        uint32_t *id;

        if (!shim || fd < 0 || fd >= SHIM_FDS)
                return;
        pthread_mutex_lock(&shim_mutex);
        shim_fds[fd] = 0;
        snprintf(shim_fd_name[fd], 48, "%s", base ? base + 1 : path);
        if (name && strcmp(name, ".") == 0) {
                shim_fds[fd] = UINT32_MAX;
        } else if (name) {
                id = shim_id(name);
                if (*id == 0) {
                        *id = ++shim->ids;
                        snprintf(shim_add(SHIM_CREATE, *id)->name, 48, "%s", name);
                } else if (flags & O_TRUNC) {
                        shim_add(SHIM_TRUNCATE, *id)->at = 0;
                }
                shim_fds[fd] = *id;
        }
        pthread_mutex_unlock(&shim_mutex);
}

static inline bool shim_hit(int fd) {
        size_t len, end;

        if (!shim || fd < 0 || fd >= SHIM_FDS || !shim->fail_on[0])
                return false;
        len = strlen(shim_fd_name[fd]);
        end = strlen(shim->fail_on);
        return len >= end && strcmp(shim_fd_name[fd] + len - end, shim->fail_on) == 0;
}

static inline void shim_wrote(int fd, const void *data, ssize_t n, off_t at) {
        struct shim_op *op;

        if (!shim || fd < 0 || fd >= SHIM_FDS || shim_fds[fd] == 0 || n <= 0)
                return;
        pthread_mutex_lock(&shim_mutex);
        op = shim_add(SHIM_WRITE, shim_fds[fd]);
        op->at = (uint64_t)at;
        op->len = (size_t)n;
        op->data = shim->used;
        shim->used += (size_t)n;
        if (shim->used > SHIM_DATA)
                abort();
        memcpy(shim->data + op->data, data, (size_t)n);
        pthread_mutex_unlock(&shim_mutex);
}

static inline bool shim_refuses(int fd) {
        if (!shim_hit(fd) || atomic_load(&shim->fail_errno) == 0)
                return false;
        errno = atomic_load(&shim->fail_errno);
        return true;
}

static inline int shim_sync(int fd, int (*real)(int)) {
        bool bad = false;
        int r;

        if (shim_hit(fd)) {
                if (atomic_load(&shim->block_sync)) {
                        atomic_fetch_add(&shim->blocked, 1);
                        while (atomic_load(&shim->block_sync))
                                usleep(1000);
                }
                bad = atomic_load(&shim->syncs_left) > 0 &&
                      atomic_fetch_sub(&shim->syncs_left, 1) == 1;
        }
        r = shim && shim->no_sync ? 0 : real(fd);
        if (shim && fd >= 0 && fd < SHIM_FDS && shim_fds[fd] != 0) {
                pthread_mutex_lock(&shim_mutex);
                if (shim_fds[fd] == UINT32_MAX)
                        shim_add(SHIM_DIRSYNC, 0);
                else
                        shim_add(bad ? SHIM_SYNC_BAD : SHIM_SYNC, shim_fds[fd]);
                pthread_mutex_unlock(&shim_mutex);
        }
        if (bad) {
                errno = EIO;
                return -1;
        }
        return r;
}

/* ---- in place of the C library's ---- */

int open(const char *path, int flags, ...) {
        va_list ap;
        int mode, fd;

        SHIM_REAL(open);
        va_start(ap, flags);
        mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(ap, int) : 0;
        va_end(ap);
        fd = real(path, flags, mode);
        shim_opened(fd, path, flags);
        return fd;
}

int open64(const char *path, int flags, ...) {
        va_list ap;
        int mode, fd;

        SHIM_REAL(open64);
        va_start(ap, flags);
        mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(ap, int) : 0;
        va_end(ap);
        fd = real(path, flags, mode);
        shim_opened(fd, path, flags);
        return fd;
}

int close(int fd) {
        SHIM_REAL(close);
        if (shim && fd >= 0 && fd < SHIM_FDS)
                shim_fds[fd] = 0;
        return real(fd);
}

ssize_t write(int fd, const void *data, size_t len) {
        ssize_t n;

        SHIM_REAL(write);
        if (shim_refuses(fd))
                return -1;
        n = real(fd, data, len);
        shim_wrote(fd, data, n, n > 0 ? lseek(fd, 0, SEEK_CUR) - n : 0);
        return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
        ssize_t n;

        SHIM_REAL(pwrite);
        if (shim_refuses(fd))
                return -1;
        n = real(fd, data, len, at);
        shim_wrote(fd, data, n, at);
        return n;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
        ssize_t n;

        SHIM_REAL(pwrite64);
        if (shim_refuses(fd))
                return -1;
        n = real(fd, data, len, at);
        shim_wrote(fd, data, n, at);
        return n;
}

static inline void shim_cut(int fd, off64_t len) {
        if (!shim || fd < 0 || fd >= SHIM_FDS || shim_fds[fd] == 0)
                return;
        pthread_mutex_lock(&shim_mutex);
        shim_add(SHIM_TRUNCATE, shim_fds[fd])->at = (uint64_t)len;
        pthread_mutex_unlock(&shim_mutex);
}

int ftruncate64(int fd, off64_t len) {
        int r;

        SHIM_REAL(ftruncate64);
        r = real(fd, len);
        if (r == 0)
                shim_cut(fd, len);
        return r;
}

int fsync(int fd) {
        SHIM_REAL(fsync);
        return shim_sync(fd, real);
}

int fdatasync(int fd) {
        SHIM_REAL(fdatasync);
        return shim_sync(fd, real);
}

int unlink(const char *path) {
        const char *name = shim_name(path);
        int r;

        SHIM_REAL(unlink);
        r = real(path);
        if (r == 0 && name) {
                pthread_mutex_lock(&shim_mutex);
                *shim_id(name) = 0;
                snprintf(shim_add(SHIM_UNLINK, 0)->name, 48, "%s", name);
                pthread_mutex_unlock(&shim_mutex);
        }
        return r;
}

int rename(const char *from, const char *to) {
        const char *a = shim_name(from), *b = shim_name(to);
        int r;

        SHIM_REAL(rename);
        r = real(from, to);
        if (r == 0 && a && b) {
                struct shim_op *op;

                pthread_mutex_lock(&shim_mutex);
                *shim_id(b) = *shim_id(a);
                *shim_id(a) = 0;
                op = shim_add(SHIM_RENAME, 0);
                snprintf(op->name, 48, "%s", a);
                snprintf(op->to, 48, "%s", b);
                pthread_mutex_unlock(&shim_mutex);
        }
        return r;
}
