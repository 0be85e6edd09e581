/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "qemus.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { QEMUS_MAX = 256, CMDLINE_BYTES = 32768 };

struct qemu {
        char host[32], guest[64];
        int pid;       /* in its host's namespace */
        bool incoming; /* started as the target of a migration */
        bool seen, reported;
};

static struct qemu qemus[QEMUS_MAX];
static size_t n_qemus;

static int read_int(const char *path, int *ret) {
        FILE *f = fopen(path, "re");
        int ok;

        if (f == NULL)
                return -1;
        ok = fscanf(f, "%d", ret) == 1;
        fclose(f);
        return ok ? 0 : -1;
}

/* The command line of a living process; it is empty for a zombie. Returns its length. */
static size_t read_cmdline(int init, int pid, char *buf, size_t size) {
        char path[128];
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/root/proc/%d/cmdline", init, pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        n = read(fd, buf, size);
        close(fd);
        return n > 0 ? (size_t)n : 0;
}

static bool has_argument(const char *cmdline, size_t len, const char *argument) {
        return memmem(cmdline, len, argument, strlen(argument) + 1) != NULL;
}

static void saw(const char *host, const char *guest, int pid, bool incoming) {
        for (size_t i = 0; i < n_qemus; i++)
                if (qemus[i].pid == pid && strcmp(qemus[i].host, host) == 0 &&
                    strcmp(qemus[i].guest, guest) == 0) {
                        qemus[i].seen = true;
                        return;
                }
        if (n_qemus == QEMUS_MAX)
                return;
        qemus[n_qemus] = (struct qemu){.pid = pid, .incoming = incoming, .seen = true};
        snprintf(qemus[n_qemus].host, sizeof(qemus[0].host), "%s", host);
        snprintf(qemus[n_qemus].guest, sizeof(qemus[0].guest), "%s", guest);
        n_qemus++;
}

static void scan_host(const char *host, int init) {
        char pattern[128], cmdline[CMDLINE_BYTES], guest[64];
        glob_t g;

        snprintf(pattern, sizeof(pattern), "/proc/%d/root/run/libvirt/qemu/*.pid", init);
        if (glob(pattern, GLOB_NOSORT, NULL, &g) != 0)
                return;
        for (size_t i = 0; i < g.gl_pathc; i++) {
                int pid;
                size_t len;

                if (sscanf(strrchr(g.gl_pathv[i], '/'), "/%63[^.].pid", guest) != 1 ||
                    read_int(g.gl_pathv[i], &pid) != 0)
                        continue;
                len = read_cmdline(init, pid, cmdline, sizeof(cmdline));
                if (len > 0 && memmem(cmdline, len, "qemu", 4) != NULL)
                        saw(host, guest, pid, has_argument(cmdline, len, "-incoming"));
        }
        globfree(&g);
}

static void scan_hosts(const char *dir) {
        char pattern[4096], host[32];
        glob_t g;
        int init;

        snprintf(pattern, sizeof(pattern), "%s/hosts/*/pid", dir);
        if (glob(pattern, GLOB_NOSORT, NULL, &g) != 0)
                return;
        for (size_t i = 0; i < g.gl_pathc; i++)
                if (sscanf(g.gl_pathv[i] + strlen(dir), "/hosts/%31[^/]/pid", host) == 1 &&
                    read_int(g.gl_pathv[i], &init) == 0)
                        scan_host(host, init);
        globfree(&g);
}

static uint64_t now_msec(void) {
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U;
}

void qemus_scan(const char *dir, FILE *out) {
        uint64_t now;

        for (size_t i = 0; i < n_qemus; i++)
                qemus[i].seen = false;
        scan_hosts(dir);
        now = now_msec();
        for (size_t i = 0; i < n_qemus;) {
                if (qemus[i].seen) {
                        i++;
                        continue;
                }
                fprintf(out, "%" PRIu64 " %s %s QEMU- %d\n", now, qemus[i].host, qemus[i].guest,
                        qemus[i].pid);
                qemus[i] = qemus[--n_qemus];
        }
        for (size_t i = 0; i < n_qemus; i++) {
                if (qemus[i].reported)
                        continue;
                qemus[i].reported = true;
                fprintf(out, "%" PRIu64 " %s %s QEMU+ %d %s\n", now, qemus[i].host, qemus[i].guest,
                        qemus[i].pid, qemus[i].incoming ? "incoming" : "start");
        }
}
