/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/facts/files.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_open(const char *root, const char *path, int flags) {
        char full[PATH_MAX];
        int fd;

        text_fmt(full, sizeof(full), "%s%s", root, path);
        fd = open(full, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

int file_text(const char *root, const char *path, char **ret, size_t *ret_len) {
        int fd = file_open(root, path, O_RDONLY), r = 0;
        _cleanup_(freep) char *text = NULL;
        size_t len = 0;

        if (fd < 0)
                return fd;
        text = xcalloc(FILE_TEXT_MAX + 1, 1);
        while (r == 0) {
                ssize_t n = read(fd, text + len, FILE_TEXT_MAX + 1 - len);

                if (n < 0 && errno != EINTR)
                        r = -errno;
                else if (n > 0)
                        len += (size_t)n;
                if (len > FILE_TEXT_MAX)
                        r = -EFBIG;
                if (n == 0)
                        break;
        }
        close(fd);
        if (r < 0)
                return r;
        text[len] = '\0';
        *ret = TAKE_PTR(text);
        *ret_len = len;
        return 0;
}

bool file_there(const char *root, const char *path) {
        char full[PATH_MAX];

        text_fmt(full, sizeof(full), "%s%s", root, path);
        return access(full, F_OK) == 0;
}

DIR *file_dir(const char *root, const char *path) {
        char full[PATH_MAX];

        text_fmt(full, sizeof(full), "%s%s", root, path);
        return opendir(full);
}

/* ---- key = value ------------------------------------------------------------------------------
 */

/* The next line of *s, trimmed, into @line; false at the end. */
static bool next_line(const char **s, char *line, size_t size) {
        size_t len;

        if (!**s)
                return false;
        len = strcspn(*s, "\n");
        while (len > 0 && strchr(" \t\r", **s)) {
                (*s)++;
                len--;
        }
        text_fmt(line, size, "%.*s", (int)MIN(len, size - 1), *s);
        *s += len + ((*s)[len] == '\n');
        for (size_t n = strlen(line); n > 0 && strchr(" \t\r", line[n - 1]); n--)
                line[n - 1] = '\0';
        return true;
}

/* "key = value" in @line. Return: the value, or NULL when it is of another key. */
static const char *value_of(const char *line, const char *key) {
        size_t n = strlen(key);

        if (strncmp(line, key, n) != 0)
                return NULL;
        line += n + strspn(line + n, " \t");
        if (*line != '=')
                return NULL;
        return line + 1 + strspn(line + 1, " \t");
}

bool conf_value(const char *text, const char *key, char *ret, size_t size) {
        char line[1024];
        bool found = false;

        while (next_line(&text, line, sizeof(line))) {
                const char *v = value_of(line, key);

                if (!v)
                        continue;
                found = true;
                if (*v == '"')
                        text_fmt(ret, size, "%.*s", (int)strcspn(v + 1, "\""), v + 1);
                else
                        text_fmt(ret, size, "%.*s", (int)strcspn(v, " \t#"), v);
        }
        return found;
}

/* ---- systemd's units --------------------------------------------------------------------------
 */

static const char *const unit_dirs[] = {
        "/etc/systemd/system",     "/run/systemd/system", "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system", "/lib/systemd/system",
};

static void add_words(json_t *after, const char *text) {
        while (*(text += strspn(text, " \t")) != '\0') {
                size_t n = strcspn(text, " \t");
                char one[FACTS_WORD_MAX];

                text_fmt(one, sizeof(one), "%.*s", (int)MIN(n, sizeof(one) - 1), text);
                if (json_array_size(after) < FACTS_LIST_MAX)
                        json_array_append_new(after, word(one));
                text += n;
        }
}

static void add_after(const char *root, const char *path, json_t *after) {
        _cleanup_(freep) char *text = NULL;
        const char *s;
        char line[1024];
        size_t len;

        if (file_text(root, path, &text, &len) < 0)
                return;
        for (s = text; next_line(&s, line, sizeof(line));) {
                const char *v = value_of(line, "After");

                if (v)
                        add_words(after, v);
        }
}

static void add_drop_ins(const char *root, const char *dir, const char *unit, json_t *after) {
        char path[PATH_MAX];
        struct dirent *e;
        DIR *d;

        text_fmt(path, sizeof(path), "%s/%s.d", dir, unit);
        d = file_dir(root, path);
        if (!d)
                return;
        while ((e = readdir(d))) {
                size_t n = strlen(e->d_name);

                if (n < 5 || strcmp(e->d_name + n - 5, ".conf") != 0)
                        continue;
                text_fmt(path, sizeof(path), "%s/%s.d/%.255s", dir, unit, e->d_name);
                add_after(root, path, after);
        }
        closedir(d);
}

/* A link in any X.wants or X.requires of the administrator's. */
static bool enabled(const char *root, const char *unit) {
        DIR *d = file_dir(root, unit_dirs[0]);
        struct dirent *e;
        bool found = false;

        while (d && !found && (e = readdir(d))) {
                const char *dot = strrchr(e->d_name, '.');
                char path[PATH_MAX], full[2 * PATH_MAX];
                struct stat st;

                if (!dot || (strcmp(dot, ".wants") != 0 && strcmp(dot, ".requires") != 0))
                        continue;
                text_fmt(path, sizeof(path), "%s/%.255s/%s", unit_dirs[0], e->d_name, unit);
                text_fmt(full, sizeof(full), "%s%s", root, path);
                found = lstat(full, &st) == 0;
        }
        if (d)
                closedir(d);
        return found;
}

static bool masked(const char *root, const char *path) {
        char full[PATH_MAX], to[PATH_MAX];
        ssize_t n;

        text_fmt(full, sizeof(full), "%s%s", root, path);
        n = readlink(full, to, sizeof(to) - 1);
        if (n <= 0)
                return false;
        to[n] = '\0';
        return strcmp(to, "/dev/null") == 0;
}

json_t *unit_facts(const char *root, const char *unit) {
        json_t *after = json_array();
        bool found = false, is_masked = false;
        char path[PATH_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(unit_dirs); i++) {
                text_fmt(path, sizeof(path), "%s/%s", unit_dirs[i], unit);
                if (!found && masked(root, path)) {
                        found = is_masked = true;
                } else if (!found && file_there(root, path)) {
                        found = true; /* one in an earlier folder hides it */
                        add_after(root, path, after);
                }
                add_drop_ins(root, unit_dirs[i], unit, after);
        }
        return json_pack("{s:b,s:b,s:b,s:o}", "found", found, "enabled", enabled(root, unit),
                         "masked", is_masked, "after", after);
}
