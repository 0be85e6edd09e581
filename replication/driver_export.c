/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What R keeps of a serial: which servers run, a log of each, a veto. Text files, whole or not. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_export.h"

#define KILL_WAIT_USEC (5 * USEC_PER_SEC)

static int failed(const char *path, const char *what, char *err) {
        int r = -errno;

        text_fmt(err, TEXT_LEN, "%.110s: %s: %s", path, what, strerror(-r));
        return r;
}

void export_file(const struct export_place *p, const struct export *x, const char *what,
                 char *ret) {
        text_fmt(ret, EXPORT_FILE_LEN, "%.200s/%s.%" PRIu32 "%s", p->folder, x->uuid, x->serial,
                 what);
}

static int sync_folder(const char *folder, char *err) {
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

        if (fd < 0 || fsync(fd) < 0)
                r = failed(folder, "cannot be written through", err);
        if (fd >= 0)
                (void)close(fd);
        return r;
}

/* The whole text under its name, or what was there before. */
static int write_whole(const struct export_place *p, const char *path, const char *text,
                       char *err) {
        char tmp[EXPORT_FILE_LEN + 8];
        size_t len = strlen(text);
        int fd, r = 0;

        text_fmt(tmp, sizeof(tmp), "%s.new", path);
        if (mkdir(p->folder, 0700) < 0 && errno != EEXIST)
                return failed(p->folder, "cannot be made", err);
        fd = open(tmp, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0)
                return failed(tmp, "cannot be made", err);
        if (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
                r = failed(tmp, "cannot be written", err);
        if (close(fd) < 0 && r == 0)
                r = failed(tmp, "cannot be written", err);
        if (r == 0 && rename(tmp, path) < 0)
                r = failed(path, "cannot be put into place", err);
        if (r < 0) {
                (void)unlink(tmp);
                return r;
        }
        return sync_folder(p->folder, err);
}

void export_boot_id(char ret[UUID_LEN]) {
        int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, ret, UUID_LEN - 1) : -1;

        ret[n > 0 ? n : 0] = '\0';
        if (fd >= 0)
                (void)close(fd);
}

bool export_start_time(pid_t pid, uint64_t *ret, char *ret_state) {
        char path[64], buf[1024];
        unsigned long long start;
        const char *s;
        ssize_t n;
        int fd;

        text_fmt(path, sizeof(path), "/proc/%d/stat", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        n = read(fd, buf, sizeof(buf) - 1);
        (void)close(fd);
        buf[n > 0 ? n : 0] = '\0';
        s = strrchr(buf, ')');
        if (!s || sscanf(s + 1,
                         " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                         "%*s %*s %llu",
                         ret_state, &start) != 2)
                return false;
        *ret = start;
        return true;
}

/* ---- the record ------------------------------------------------------------------------------ */

int export_keep(const struct export_place *p, const struct export *x, char *err) {
        size_t size = 512 + x->disks.n * (MIRROR_PATH_LEN + 128), len;
        _cleanup_(freep) char *text = xcalloc(size, 1);
        char path[EXPORT_FILE_LEN];

        text_fmt(text, size, "export 1 %s %" PRIu32 " %" PRIu32 " %s\n", x->uuid, x->gid, x->serial,
                 x->boot);
        for (size_t i = 0; i < x->disks.n; i++) {
                const struct mirror_disk *d = &x->disks.disks[i];

                len = strlen(text);
                text_fmt(text + len, size - len, "disk %s %s %" PRIu64 " %d %" PRIu64 " %s\n",
                         d->target, d->format, d->size, (int)x->servers[i].pid, x->servers[i].start,
                         d->path);
        }
        len = strlen(text);
        text_fmt(text + len, size - len, "end\n");
        export_file(p, x, "", path);
        return write_whole(p, path, text, err);
}

static bool parse_disk(const char *line, struct mirror_disk *d, struct export_server *s) {
        int pid, at = 0;

        if (sscanf(line, "disk %15s %7s %" SCNu64 " %d %" SCNu64 " %n", d->target, d->format,
                   &d->size, &pid, &s->start, &at) != 5 ||
            at == 0 || line[at] != '/' || strlen(line + at) >= MIRROR_PATH_LEN || pid <= 1)
                return false;
        s->pid = (pid_t)pid;
        text_set(d->path, sizeof(d->path), line + at);
        return true;
}

static bool parse(char *text, struct export *x) {
        char *save = NULL, *line = strtok_r(text, "\n", &save);

        *x = (struct export){0};
        if (!line || sscanf(line, "export 1 %36s %" SCNu32 " %" SCNu32 " %36s", x->uuid, &x->gid,
                            &x->serial, x->boot) != 4)
                return false;
        while ((line = strtok_r(NULL, "\n", &save))) {
                if (strcmp(line, "end") == 0)
                        return x->disks.n > 0;
                if (x->disks.n == MIRROR_DISKS_MAX ||
                    !parse_disk(line, &x->disks.disks[x->disks.n], &x->servers[x->disks.n]))
                        return false;
                x->disks.n++;
        }
        return false;
}

int export_read(const struct export_place *p, const char *uuid, uint32_t serial, struct export *ret,
                char *err) {
        size_t size = 512 + MIRROR_DISKS_MAX * (MIRROR_PATH_LEN + 128);
        _cleanup_(freep) char *text = xcalloc(size, 1);
        struct export *x = ret, is = {.serial = serial};
        char path[EXPORT_FILE_LEN];
        ssize_t n;
        int fd;

        text_set(is.uuid, sizeof(is.uuid), uuid);
        export_file(p, &is, "", path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return failed(path, "cannot be read", err);
        n = read(fd, text, size - 1);
        (void)close(fd);
        if (n < 0)
                return failed(path, "cannot be read", err);
        if (parse(text, x) && strcmp(x->uuid, uuid) == 0 && x->serial == serial)
                return 0;
        text_fmt(err, TEXT_LEN, "%.120s is not what hawd wrote", path);
        return -EUCLEAN;
}

int export_list(const struct export_place *p, struct export **ret, size_t *ret_n, char *err) {
        struct export *list = NULL;
        char said[TEXT_LEN], uuid[UUID_LEN], rest;
        struct dirent *e;
        uint32_t serial;
        size_t n = 0;
        DIR *d = opendir(p->folder);

        if (!d && errno != ENOENT)
                return failed(p->folder, "cannot be read", err);
        while (d && (e = readdir(d))) {
                if (sscanf(e->d_name, "%36[0-9a-f-].%" SCNu32 "%c", uuid, &serial, &rest) != 2)
                        continue;
                list = xreallocarray(list, n + 1, sizeof(*list));
                if (export_read(p, uuid, serial, &list[n], said) == 0)
                        n++;
        }
        if (d)
                (void)closedir(d);
        *ret = list;
        *ret_n = n;
        return 0;
}

void export_forget(const struct export_place *p, const struct export *x) {
        char path[EXPORT_FILE_LEN], what[64];

        for (size_t i = 0; i < MIRROR_DISKS_MAX; i++) {
                text_fmt(what, sizeof(what), ".%zu.log", i);
                export_file(p, x, what, path);
                (void)unlink(path);
        }
        export_file(p, x, "", path);
        (void)unlink(path);
        export_file(p, x, ".veto", path);
        (void)unlink(path);
}

void export_sweep(const struct export_place *p, const char *uuid, uint32_t serial) {
        char path[EXPORT_FILE_LEN + 256], err[TEXT_LEN], is[UUID_LEN];
        DIR *d = opendir(p->folder);
        struct export x;
        struct dirent *e;
        uint32_t of;

        while (d && (e = readdir(d))) {
                if (sscanf(e->d_name, "%36[0-9a-f-].%" SCNu32, is, &of) != 2 ||
                    strcmp(is, uuid) != 0 || of >= serial || export_read(p, is, of, &x, err) == 0)
                        continue;
                text_fmt(path, sizeof(path), "%s/%s", p->folder, e->d_name);
                (void)unlink(path);
        }
        if (d)
                (void)closedir(d);
}

/* ---- what is true of it ---------------------------------------------------------------------- */

int export_veto(const struct export_place *p, const struct export *x, const char *text, char *err) {
        char path[EXPORT_FILE_LEN], line[TEXT_LEN + 2];

        text_fmt(line, sizeof(line), "%s\n", text);
        export_file(p, x, ".veto", path);
        return write_whole(p, path, line, err);
}

static bool server_runs(const struct export *x, size_t i) {
        char boot[UUID_LEN], state;
        uint64_t start;

        export_boot_id(boot);
        return strcmp(boot, x->boot) == 0 && export_start_time(x->servers[i].pid, &start, &state) &&
               start == x->servers[i].start && !strchr("ZX", state);
}

int export_pidfd(const struct export *x, size_t i) {
        int fd = (int)syscall(SYS_pidfd_open, x->servers[i].pid, 0);

        if (fd < 0)
                return -errno;
        if (server_runs(x, i)) /* looked at with it open: it is the one */
                return fd;
        (void)close(fd);
        return -ESRCH;
}

/* The first line of a file that has @word; "" when none has. Return: whether it could be told. */
static bool find_line(const char *path, const char *word, bool missing_is_fine,
                      char ret[TEXT_LEN]) {
        FILE *f = fopen(path, "re");
        char line[1024];

        ret[0] = '\0';
        if (!f)
                return missing_is_fine && errno == ENOENT;
        while (!ret[0] && fgets(line, sizeof(line), f)) {
                line[strcspn(line, "\n")] = '\0';
                if (strstr(line, word))
                        text_set(ret, TEXT_LEN, line[0] ? line : "for a reason that is not told");
        }
        (void)fclose(f);
        return true;
}

bool export_lives(const struct export_place *p, const struct export *x, char *why) {
        char path[EXPORT_FILE_LEN], what[64], said[TEXT_LEN];

        export_file(p, x, ".veto", path);
        if (!find_line(path, "", true, said) || said[0]) {
                text_set(why, TEXT_LEN, said[0] ? said : "its veto cannot be read");
                return false;
        }
        for (size_t i = 0; i < x->disks.n; i++) {
                const char *target = x->disks.disks[i].target;

                if (!server_runs(x, i)) {
                        text_fmt(why, TEXT_LEN, "the server of disk %s has ended", target);
                        return false;
                }
                text_fmt(what, sizeof(what), ".%zu.log", i);
                export_file(p, x, what, path);
                if (!find_line(path, EXPORT_REFUSED, false, said) || said[0]) {
                        text_fmt(why, TEXT_LEN, "the server of disk %s says: %.130s", target,
                                 said[0] ? said : "its log cannot be read");
                        return false;
                }
        }
        return true;
}

static int end_one(const struct export *x, size_t i, usec_t deadline, char *err) {
        struct pollfd p = {.fd = export_pidfd(x, i), .events = POLLIN};
        usec_t asked = now_boottime();
        int signal_number = SIGTERM, r = 0;

        if (p.fd == -ESRCH)
                return 0;
        while (r == 0 && p.fd >= 0) {
                if (syscall(SYS_pidfd_send_signal, p.fd, signal_number, NULL, 0) < 0 &&
                    errno != ESRCH)
                        r = -errno;
                else if (poll(&p, 1, 100) > 0 || !server_runs(x, i))
                        break;
                else if (now_boottime() >= deadline)
                        r = -ETIMEDOUT;
                if (usec_sub(now_boottime(), asked) > KILL_WAIT_USEC)
                        signal_number = SIGKILL;
        }
        if (p.fd >= 0)
                (void)close(p.fd);
        if (p.fd < 0)
                r = p.fd;
        if (r < 0)
                text_fmt(err, TEXT_LEN, "the server of disk %s (pid %d) does not end: %s",
                         x->disks.disks[i].target, (int)x->servers[i].pid, strerror(-r));
        return r;
}

int export_end(const struct export_place *p, const struct export *x, usec_t deadline, char *err) {
        int r = 0;

        (void)p;
        for (size_t i = 0; r == 0 && i < x->disks.n; i++)
                r = end_one(x, i, deadline, err);
        return r;
}
