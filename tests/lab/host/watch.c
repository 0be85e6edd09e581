/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lab's witness: what every guest did on every host, by one clock.
 *
 *   watch LABDIR OUTFILE
 *
 * Follows LABDIR/hosts/HOST/log/libvirt/qemu/GUEST.console and appends the heartbeat program's
 * lines to OUTFILE, each with the time it was seen (CLOCK_REALTIME, ms) and where:
 *
 *   1700000000123 node1 vm1 HB 17 8a0c33f1 2100 1700000000090
 *
 * and when a QEMU of a guest came and went (qemus.h), every RESCAN_PERIODS.
 *
 * A guest's own clock stops with it; this one does not. Resolution: PERIOD_MSEC, as long as the
 * machine schedules us (we ask for SCHED_RR).
 */
#define _GNU_SOURCE
#include "qemus.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD_MSEC = 10, RESCAN_PERIODS = 5, CONSOLES_MAX = 512, LINE_BYTES = 256 };

struct console {
        int fd;
        ino_t inode;
        char host[32], guest[64];
        char line[LINE_BYTES];
        size_t len;
};

static struct console consoles[CONSOLES_MAX];
static size_t n_consoles;

static int wanted(const char *line) {
        return strncmp(line, "HB ", 3) == 0 || strncmp(line, "BOOT ", 5) == 0 ||
               strncmp(line, "CLASH ", 6) == 0 || strncmp(line, "EIO ", 4) == 0;
}

static void feed(struct console *c, const char *data, size_t n, uint64_t msec, FILE *out) {
        for (size_t i = 0; i < n; i++) {
                if (data[i] == '\r')
                        continue;
                if (data[i] != '\n') {
                        if (c->len < LINE_BYTES - 1)
                                c->line[c->len++] = data[i];
                        continue;
                }
                c->line[c->len] = '\0';
                c->len = 0;
                if (wanted(c->line))
                        fprintf(out, "%" PRIu64 " %s %s %s\n", msec, c->host, c->guest, c->line);
        }
}

static uint64_t now_msec(void) {
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U;
}

static void read_all(FILE *out) {
        char buf[65536];
        ssize_t n;

        for (size_t i = 0; i < n_consoles; i++)
                while ((n = read(consoles[i].fd, buf, sizeof(buf))) > 0)
                        feed(&consoles[i], buf, (size_t)n, now_msec(), out);
        fflush(out);
}

/* ".../hosts/HOST/log/libvirt/qemu/GUEST.console" */
static int parse_path(const char *path, struct console *c) {
        const char *p = strstr(path, "/hosts/");

        return p != NULL && sscanf(p, "/hosts/%31[^/]/log/libvirt/qemu/%63[^./].console", c->host,
                                   c->guest) == 2;
}

static void add(const char *path) {
        struct console c = {.fd = -1};
        struct stat st;

        if (n_consoles == CONSOLES_MAX || stat(path, &st) != 0)
                return;
        for (size_t i = 0; i < n_consoles; i++)
                if (consoles[i].inode == st.st_ino)
                        return;
        if (!parse_path(path, &c))
                return;
        c.fd = open(path, O_RDONLY | O_CLOEXEC);
        if (c.fd < 0)
                return;
        c.inode = st.st_ino;
        consoles[n_consoles++] = c;
}

static void drop_deleted(void) {
        struct stat st;

        for (size_t i = 0; i < n_consoles;) {
                if (fstat(consoles[i].fd, &st) == 0 && st.st_nlink > 0) {
                        i++;
                        continue;
                }
                close(consoles[i].fd);
                consoles[i] = consoles[--n_consoles];
        }
}

static void rescan(const char *dir) {
        char pattern[4096];
        glob_t g;

        drop_deleted();
        snprintf(pattern, sizeof(pattern), "%s/hosts/*/log/libvirt/qemu/*.console", dir);
        if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0)
                for (size_t i = 0; i < g.gl_pathc; i++)
                        add(g.gl_pathv[i]);
        globfree(&g);
}

int main(int argc, char **argv) {
        const struct timespec period = {.tv_nsec = PERIOD_MSEC * 1000000L};
        const struct sched_param rr = {.sched_priority = 1};
        FILE *out;

        if (argc != 3) {
                fprintf(stderr, "usage: watch LABDIR OUTFILE\n");
                return 2;
        }
        out = fopen(argv[2], "ae");
        if (out == NULL) {
                fprintf(stderr, "watch: %s: %s\n", argv[2], strerror(errno));
                return 1;
        }
        (void)sched_setscheduler(0, SCHED_RR, &rr); /* refused: less exact, no worse */
        for (unsigned round = 0;; round++) {
                if (round % RESCAN_PERIODS == 0) {
                        rescan(argv[1]);
                        qemus_scan(argv[1], out);
                }
                read_all(out);
                nanosleep(&period, NULL);
                if (access(argv[1], F_OK) != 0)
                        return 0; /* the lab is gone */
        }
}
