/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/guest/qemuproc.h"

#define CMDLINE_MAX ((size_t)256 * 1024)
#define LOG_TAIL ((size_t)16 * 1024)
#define LOG_LINES 3

/* Up to @size - 1 bytes from @offset on, NUL behind them. Return: bytes, -errno. */
static ssize_t read_file(const char *path, off_t offset, char *buf, size_t size) {
        size_t len = 0;
        ssize_t n;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return -errno;
        while (len < size - 1) {
                n = pread(fd, buf + len, size - 1 - len, offset + (off_t)len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                len += (size_t)n;
        }
        close(fd);
        buf[len] = '\0';
        return (ssize_t)len;
}

/* Of /proc/PID/stat: state, number of threads, start time. The name in it may hold anything. */
static bool read_stat(pid_t pid, char *ret_state, long *ret_threads, uint64_t *ret_start) {
        char path[64], buf[1024];
        const char *s;
        unsigned long long start;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        if (read_file(path, 0, buf, sizeof(buf)) <= 0)
                return false;
        s = strrchr(buf, ')');
        if (!s || sscanf(s + 1,
                         " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                         "%ld %*s %llu",
                         ret_state, ret_threads, &start) != 3)
                return false;
        *ret_start = start;
        return true;
}

static bool cmdline_has_uuid(const char *buf, size_t len, const char *uuid) {
        const char *end = buf + len;

        for (const char *arg = buf; arg < end; arg += strlen(arg) + 1) {
                if (strcmp(arg, "-uuid") != 0)
                        continue;
                arg += strlen(arg) + 1;
                if (arg < end && strcasecmp(arg, uuid) == 0)
                        return true;
        }
        return false;
}

static pid_t pid_of(const char *name) {
        char *end;
        long pid;

        if (!isdigit((unsigned char)name[0]))
                return 0;
        pid = strtol(name, &end, 10);
        return *end == '\0' && pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* A leader that has exited shows no command line; its threads that are held still do. */
static ssize_t read_held_cmdline(pid_t pid, char *buf) {
        char path[320];
        DIR *dir;
        struct dirent *entry;
        ssize_t len = 0;

        snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        dir = opendir(path);
        while (dir && len <= 0 && (entry = readdir(dir))) {
                if (pid_of(entry->d_name) == 0)
                        continue;
                snprintf(path, sizeof(path), "/proc/%d/task/%s/cmdline", (int)pid, entry->d_name);
                len = read_file(path, 0, buf, CMDLINE_MAX);
        }
        if (dir)
                closedir(dir);
        return len;
}

static ssize_t read_cmdline(pid_t pid, char *buf) {
        char path[64], state;
        long threads;
        uint64_t start;
        ssize_t len;

        snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
        len = read_file(path, 0, buf, CMDLINE_MAX);
        if (len == 0 && read_stat(pid, &state, &threads, &start) && state == 'Z' && threads > 1)
                len = read_held_cmdline(pid, buf);
        return len;
}

size_t qemuproc_find(const char *uuid, struct qemu_proc ret[QEMU_PROCS_MAX]) {
        _cleanup_(freep) char *buf = xcalloc(CMDLINE_MAX, 1);
        DIR *dir = opendir("/proc");
        struct dirent *entry;
        size_t n = 0;

        while (dir && n < QEMU_PROCS_MAX && (entry = readdir(dir))) {
                struct qemu_proc p = {.pid = pid_of(entry->d_name)};
                char state;
                ssize_t len;
                long threads;

                if (p.pid == 0)
                        continue;
                len = read_cmdline(p.pid, buf);
                if (len > 0 && cmdline_has_uuid(buf, (size_t)len, uuid) &&
                    read_stat(p.pid, &state, &threads, &p.start))
                        ret[n++] = p;
        }
        if (dir)
                closedir(dir);
        return n;
}

bool qemuproc_alive(const struct qemu_proc *p) {
        uint64_t start;
        long threads;
        char state;

        if (!read_stat(p->pid, &state, &threads, &start) || start != p->start)
                return false;
        /* The leader is a zombie as soon as it has exited, while other threads may be held. */
        return !((state == 'Z' || state == 'X') && threads <= 1);
}

/* QEMU's own words: not the environment and command line that libvirt writes, nor its closing line.
 */
static bool worth_telling(const char *line) {
        size_t len = strlen(line);

        return len > 0 && isdigit((unsigned char)line[0]) && line[len - 1] != '\\' &&
               !strstr(line, ": shutting down, reason=") && !strstr(line, ": Domain id=") &&
               !strstr(line, ": starting up libvirt");
}

/* "2026-01-02T03:04:05.678901Z qemu-system-x86_64: text": the time is told elsewhere. */
static const char *without_time(const char *line) {
        size_t n = strcspn(line, " ");

        return n > 20 && line[n - 1] == 'Z' && line[n] == ' ' ? line + n + 1 : line;
}

void qemulog_pick(char *log, char *text) {
        const char *lines[LOG_LINES] = {NULL};
        char all[LOG_LINES * 512] = "";
        size_t n = 0, len;

        for (char *save = NULL, *line = strtok_r(log, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
                if (strstr(line, ": starting up libvirt"))
                        n = 0;
                if (worth_telling(line))
                        lines[n++ % LOG_LINES] = without_time(line);
        }
        for (size_t i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++) {
                len = strlen(all);
                text_fmt(all + len, sizeof(all) - len, "%s%.500s", len ? "; " : "",
                         lines[i % LOG_LINES]);
        }
        len = strlen(all);
        if (len < TEXT_LEN)
                text_set(text, TEXT_LEN, all);
        else
                text_fmt(text, TEXT_LEN, "...%s", all + len - (TEXT_LEN - 4));
        for (char *c = text; *c; c++)
                if (iscntrl((unsigned char)*c))
                        *c = ' ';
}

static off_t log_size(const char *name, char path[PATH_MAX]) {
        struct stat st;

        if (strchr(name, '/'))
                return 0;
        snprintf(path, PATH_MAX, "/var/log/libvirt/qemu/%s.log", name);
        return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}

off_t qemulog_mark(const char *name) {
        char path[PATH_MAX];

        return log_size(name, path);
}

void qemulog_tail(const char *name, off_t from, char *text) {
        _cleanup_(freep) char *buf = NULL;
        char path[PATH_MAX];
        off_t size = log_size(name, path);

        text[0] = '\0';
        if (size < from) /* begun anew */
                from = 0;
        if (size == from)
                return;
        buf = xcalloc(LOG_TAIL, 1);
        if (read_file(path, MAX(from, size - (off_t)(LOG_TAIL - 1)), buf, LOG_TAIL) > 0)
                qemulog_pick(buf, text);
}
