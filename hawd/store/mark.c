/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/mark.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/store/aside.h"

#define MARK_LEN 128 /* within one sector: written whole or not at all */

static uint64_t sum(const struct mark *m) {
        return hash64(0x6d61726b, m, sizeof(*m));
}

void mark_write(const char *path, int *fd, const struct mark *m) {
        char line[MARK_LEN + 1];

        if (*fd < 0) {
                _cleanup_(freep) char *file = path_with(path, ".mark");

                *fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
        }
        if (*fd < 0)
                return; /* the disk is full, or worse: the next write to the database tells it */
        text_fmt(line, sizeof(line),
                 "hawd 1 promised %" PRIu64 " epoch %" PRIu64 " version %" PRIu64 " sum %" PRIx64
                 "%*s",
                 m->promised, m->epoch, m->version, sum(m), MARK_LEN, "");
        line[MARK_LEN - 1] = '\n';
        if (pwrite(*fd, line, MARK_LEN, 0) != MARK_LEN) {
                /* The one before claims less, half a one nothing. */
        }
}

int mark_read(const char *path, struct mark *ret) {
        _cleanup_(freep) char *file = path_with(path, ".mark");
        int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        char line[MARK_LEN + 1];
        struct mark m = {0};
        uint64_t check;
        ssize_t n;
        int r = 0;

        if (fd < 0)
                return -errno;
        n = pread(fd, line, MARK_LEN, 0);
        if (n < 0)
                r = -errno;
        (void)close(fd); /* only read */
        if (r < 0)
                return r;
        line[n] = '\0';
        if (sscanf(line,
                   "hawd 1 promised %" SCNu64 " epoch %" SCNu64 " version %" SCNu64 " sum %" SCNx64,
                   &m.promised, &m.epoch, &m.version, &check) != 4 ||
            check != sum(&m))
                return -ENOENT;
        *ret = m;
        return 0;
}

bool mark_behind(const struct mark *have, const struct mark *m) {
        return have->promised < m->promised || have->epoch < m->epoch ||
               (have->epoch == m->epoch && have->version < m->version);
}
